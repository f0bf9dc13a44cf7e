"""Supervisor and workers as processes: what shoppers notice when one dies, ends or changes its rules."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest
from running_edge import RunningEdge, Shop, Start, alive, certificate, until

from router.errors import StartError
from router.rulesfile import Sources
from router.supervision import messages as say
from router.workers import Current, Fleet, _wait


def slow_request(edge: RunningEdge, shop: Shop, pool: ThreadPoolExecutor) -> Future[tuple[int, str]]:
    under_way = pool.submit(edge.get, "/slow/")
    assert shop.cms.asked.wait(10)
    return under_way


def shopper(edge: RunningEdge, until_when: float) -> list[object]:
    """Ask for pages one after the other; return what came of each."""
    came: list[object] = []
    while time.monotonic() < until_when:
        try:
            came.append(edge.get("/catalogue/7/")[0])
        except (OSError, HTTPException) as error:
            came.append(error)
    return came


def test_a_worker_that_is_killed_under_load_is_replaced_within_a_second(start: Start) -> None:
    """REQUIREMENTS, 47."""
    edge = start("--workers", "2")
    first = edge.workers()
    with ThreadPoolExecutor() as pool:
        shoppers = [pool.submit(shopper, edge, time.monotonic() + 2.0) for _ in range(4)]
        time.sleep(0.3)
        os.kill(first[0], signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: len(set(edge.workers()) - set(first)) == 1)
        until(lambda: edge.metric("inseam_workers") == 2)
        replaced = time.monotonic() - killed
        came = [page for one in shoppers for page in one.result()]

    failed = [page for page in came if page != 200]
    assert len(failed) <= 4, "only what was under way in that worker may fail"
    assert came.count(200) > 50
    assert replaced < 3, "a second on a machine that does nothing else"
    assert edge.metric("inseam_worker_restarts_total") == 1
    assert "ended (SIGKILL); replaced at once" in edge.said()


def test_the_only_worker_is_replaced_too_and_no_counter_goes_back(start: Start) -> None:
    edge = start()
    name = 'inseam_requests_total{intent="browse",page="product",rule="short-tail product",status="2xx",system="cms"}'
    for _ in range(3):
        edge.get("/catalogue/7/")
    assert edge.metric(name) == 3

    os.kill(edge.workers()[0], signal.SIGKILL)
    until(lambda: edge.metric("inseam_workers") == 1 and edge.metric("inseam_worker_restarts_total") == 1)
    assert edge.get("/catalogue/7/") == (200, "cms /catalogue/7/")

    assert edge.metric(name) == 4


def test_a_worker_asked_to_end_serves_until_its_successor_does(start: Start) -> None:
    edge = start()
    (first,) = edge.workers()
    with ThreadPoolExecutor() as pool:
        came = pool.submit(shopper, edge, time.monotonic() + 1.5)
        os.kill(first, signal.SIGTERM)
        until(lambda: not alive(first))

        assert set(came.result()) == {200}
    assert edge.metric("inseam_worker_restarts_total") == 0


def refused(edge: RunningEdge) -> bool:
    try:
        edge.get("/")
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_under_way_is_finished_before_the_edge_ends(start: Start, shop: Shop) -> None:
    """REQUIREMENTS, 49."""
    edge = start()
    with ThreadPoolExecutor() as pool:
        under_way = slow_request(edge, shop, pool)

        edge.process.terminate()
        until(lambda: edge.get("/readyz", edge.admin)[0] == 503)
        until(lambda: refused(edge))  # who comes before every worker has heard of the drain is still served
        shop.cms.go.set()

        assert under_way.result() == (200, "cms /slow/")
    assert edge.process.wait(10) == 0
    assert "drained, nobody was cut off" in edge.said()


def test_who_does_not_finish_in_time_is_cut_off(start: Start, shop: Shop) -> None:
    edge = start("--drain", "0.2")
    with ThreadPoolExecutor() as pool:
        under_way = slow_request(edge, shop, pool)

        edge.process.terminate()

        assert edge.process.wait(10) == 0
        assert isinstance(under_way.exception(), ConnectionError)
    assert "1 connection was cut off" in edge.said()


def test_a_second_signal_ends_at_once(start: Start, shop: Shop) -> None:
    edge = start()
    with ThreadPoolExecutor() as pool:
        under_way = slow_request(edge, shop, pool)
        edge.process.send_signal(signal.SIGINT)
        until(lambda: "draining" in edge.said())

        edge.process.send_signal(signal.SIGINT)

        edge.process.wait(5)
        assert under_way.exception() is not None


def test_workers_go_when_their_supervisor_has_vanished(start: Start) -> None:
    edge = start("--workers", "2")
    workers = edge.workers()

    edge.process.kill()
    edge.process.wait(10)

    until(lambda: not any(map(alive, workers)))
    with pytest.raises(ConnectionRefusedError):
        edge.get("/")


def test_a_port_in_use_is_one_clear_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        edge = start("--listen", f"127.0.0.1:{taken.getsockname()[1]}", wait=False)

        assert edge.process.wait(20) == 1

    assert edge.said().count("\n") == 1
    assert "the port is in use; stop what listens there" in edge.said()


def test_a_good_reload_is_live_in_every_worker_and_a_bad_one_in_none(start: Start, shop: Shop) -> None:
    """REQUIREMENTS, 48."""
    edge = start("--workers", "2")
    good = shop.rules.read_text()
    reload = [sys.executable, "-m", "router", "reload", "--admin", f"127.0.0.1:{edge.admin}"]

    shop.rules.write_text(good.replace("to: cms, page: product", "to: commerce, page: product"))
    done = subprocess.run(reload, capture_output=True, text=True)

    assert done.returncode == 0
    assert done.stdout.startswith("generation 2 is live")
    assert {edge.get("/catalogue/7/")[1] for _ in range(10)} == {"commerce /catalogue/7/"}

    shop.rules.write_text(good.replace("to: cms", "to: csm"))
    refused = subprocess.run(reload, capture_output=True, text=True)

    assert refused.returncode == 1
    assert f"{shop.rules}:9:94: error: " in refused.stderr
    assert 'did you mean "cms"?' in refused.stderr
    assert "refused, generation 2 stays live" in refused.stderr
    assert {edge.get("/catalogue/7/")[1] for _ in range(10)} == {"commerce /catalogue/7/"}
    status, said = edge.get("/readyz?verbose", edge.admin)
    assert status == 200, "the old rules serve as well as before"
    assert "last reload was refused" in said
    assert edge.metric("inseam_reload_last_success") == 0
    assert edge.metric("inseam_reload_failures_total") >= 1


def test_a_worker_that_starts_later_has_the_newest_rules(start: Start, shop: Shop) -> None:
    edge = start()
    shop.rules.write_text(shop.rules.read_text().replace("page: home", "page: brand"))
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: edge.metric("inseam_generation") == 2)

    os.kill(edge.workers()[0], signal.SIGKILL)
    until(lambda: edge.metric("inseam_worker_restarts_total") == 1 and edge.metric("inseam_workers") == 1)

    assert "by generations" not in edge.get("/readyz?verbose", edge.admin)[1]
    edge.get("/")
    assert 'page="brand"' in edge.get("/metrics", edge.admin)[1]


def test_a_reload_that_found_nothing_new_says_so(start: Start, shop: Shop) -> None:
    edge = start()

    edge.process.send_signal(signal.SIGHUP)

    until(lambda: "nothing has changed (SIGHUP); generation 1 stays live" in edge.said())


def test_a_changed_list_goes_live_by_itself(start: Start, shop: Shop) -> None:
    edge = start()
    assert edge.get("/catalogue/9/")[1] == "commerce /catalogue/9/"

    (shop.folder / "short_tail.txt").write_text("9\n")

    until(lambda: edge.get("/catalogue/9/")[1] == "cms /catalogue/9/")
    assert edge.metric("inseam_generation") == 2


def test_a_rotated_access_log_is_opened_anew(start: Start, shop: Shop) -> None:
    target = shop.folder / "access.log"
    edge = start("--access-log", str(target))
    edge.get("/before/?secret=1")
    until(lambda: target.stat().st_size)

    target.rename(shop.folder / "access.log.1")
    edge.process.send_signal(signal.SIGUSR1)
    until(target.exists)
    edge.get("/after/")
    until(lambda: target.stat().st_size)

    assert '"path":"/after/"' in target.read_text()
    before = (shop.folder / "access.log.1").read_text()
    assert '"path":"/before/"' in before
    assert "secret" not in before


def test_a_renewed_certificate_is_used_without_a_restart(start: Start, shop: Shop) -> None:
    old, new = certificate(shop.folder, "old.example"), certificate(shop.folder, "new.example")
    live = shop.folder / "live.pem", shop.folder / "live.key"

    def put(pair: tuple[str, str]) -> None:
        for path, file in zip(pair, live, strict=True):
            shutil.copy(path, file)

    def served() -> str:
        return ssl.get_server_certificate(("127.0.0.1", edge.port))

    put(old)
    edge = start("--tls-cert", str(live[0]), "--tls-key", str(live[1]))
    assert served().split() == Path(old[0]).read_text().split()

    put(new)

    until(lambda: served().split() == Path(new[0]).read_text().split())


def test_a_broken_rules_file_at_the_start_says_everything_and_serves_nothing(start: Start, shop: Shop) -> None:
    """REQUIREMENTS, 48."""
    shop.rules.write_text(shop.rules.read_text().replace("to: cms", "to: csm").replace("page: home", "pgae: home"))

    edge = start(wait=False)

    assert edge.process.wait(20) == 1
    assert "Traceback" not in edge.said()
    assert edge.said().count(": error: ") >= 3


async def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    sources = Sources(str(tmp_path / "rules.yaml"), b"version: 1\nsystems: {cms: {servers: [http://a]}}\nrules: []\n")
    fleet = Fleet(
        1, [], Current(1, sources), lambda place: say.Start(place, 1, sources, [], str(tmp_path / "no" / "log")), 1.0
    )

    with pytest.raises(StartError, match=r"access log .*No such file"):
        async with asyncio.timeout(30):
            await fleet.begin()

    assert fleet.workers == []


def test_a_worker_that_never_served_is_waited_for_longer_each_time() -> None:
    assert [_wait(stillborn) for stillborn in (0, 1, 2, 3, 20)] == [0, 0.1, 0.2, 0.4, 10]
