"""What an edge keeps of its sessions beside its workers: keys that change under way, a store that workers share."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from running_edge import RULES, RunningEdge, Shop, Start, until

from router.__main__ import main
from router.errors import StartError
from router.supervision import keeping
from router.supervision.keeping import Keys, check_store, store_for
from sessions import keyfile, rotation
from sessions.cookie import seal, unseal
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Session

NOW = int(time.time())
OLD = NOW - 7200
"""When the keys were made: long enough ago for the next ones to sign."""


class Telling(ThreadingHTTPServer):
    """Answers with the head of the token that it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = (self.headers.get("Inseam-Session") or "nobody").encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.go = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop whose systems say what they were told; what is temporary is put beside it."""
    (tmp_path / "temp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    cms, commerce = Telling(), Telling()
    made = Shop(cms, commerce, tmp_path)  # type: ignore[arg-type]
    made.rules.write_text(RULES.format(cms=cms.server_port, commerce=commerce.server_port))
    (tmp_path / "short_tail.txt").write_text("7\n8\n")
    yield made
    for system in (cms, commerce):
        system.shutdown()
        system.server_close()


@pytest.fixture
def ring(shop: Shop) -> KeyRing:
    """The keys in keys.json."""
    made = KeyRing.fresh(("cms", "commerce"), now=OLD)
    keyfile.write(shop.folder / "keys.json", made)
    return made


def anna(ring: KeyRing, number: int = 0) -> str:
    """The cookie of a customer who has logged in an hour ago."""
    then = NOW - 3600
    session = Session(f"{number:022d}", 3, then, then, Login("4711", "Anna"), then, Basket("b7", 2, 2))
    return f"inseam-login={seal(session, ring).decode()}"


def signed_by(edge: RunningEdge, cookie: str) -> str:
    """The name of the key that signed the token to the system, "" for no token."""
    token = edge.get("/", Cookie=cookie)[1]
    if token == "nobody":
        return ""

    return str(json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_that_are_rotated_three_times_under_load_log_nobody_out(start: Start, shop: Shop, ring: KeyRing) -> None:
    """REQUIREMENTS, 3: taken within 5 s, without a restart."""
    path = shop.folder / "keys.json"
    edge = start("--keys", str(path), "--workers", "2")
    cookie, ended, guests = anna(ring), threading.Event(), []

    def load() -> int:
        asked = 0
        while not ended.is_set():
            asked += 1
            if not signed_by(edge, cookie):
                guests.append(asked)
        return asked

    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(load) for _ in range(2)]
        for step in range(3):
            before, ring = ring, rotation.rotated(ring, NOW - 3600 + step)
            began = time.monotonic()
            keyfile.write(path, ring)
            fresh = anna(ring, 100 + step)
            until(
                lambda fresh=fresh, kid=ring.token_current.kid: all(signed_by(edge, fresh) == kid for _ in range(6)), 6
            )
            assert time.monotonic() - began < 5.0
            assert before.token_current.kid != ring.token_current.kid
        ended.set()
        assert all(load.result() > 10 for load in loads)

    assert guests == []


def test_a_key_that_is_retired_counts_for_nothing_from_then_on(start: Start, shop: Shop, ring: KeyRing) -> None:
    """REQUIREMENTS, 3."""
    path = shop.folder / "keys.json"
    edge = start("--keys", str(path))
    cookie = anna(ring)
    assert signed_by(edge, cookie)

    keyfile.write(path, rotation.retired(ring, next(key.kid for key in ring.cookie if key.state == "current"), NOW))

    until(lambda: not signed_by(edge, cookie), 5)


def test_an_edge_that_lags_behind_understands_the_one_that_does_not(ring: KeyRing) -> None:
    """REQUIREMENTS, 4: what the first signs with was accepted by the second before."""
    ahead = rotation.rotated(ring, NOW)

    session = Session("x" * 22, 1, NOW, NOW)

    assert unseal(seal(session, ahead), ring, NOW).id == unseal(seal(session, ring), ahead, NOW).id == session.id


@pytest.mark.parametrize("broken", [b"", b'{"version": 1}'])
def test_a_broken_keys_file_is_told_of_and_the_old_keys_stay(
    start: Start, shop: Shop, ring: KeyRing, broken: bytes
) -> None:
    path = shop.folder / "keys.json"
    edge = start("--keys", str(path))
    path.write_bytes(broken)
    until(lambda: "the old keys stay in use" in edge.said(), 5)

    assert signed_by(edge, anna(ring)) == ring.token_current.kid


def test_keys_that_others_may_read_are_not_taken_over(start: Start, shop: Shop, ring: KeyRing) -> None:
    """REQUIREMENTS, 7."""
    path = shop.folder / "keys.json"
    edge = start("--keys", str(path))
    path.chmod(0o644)
    path.touch()
    until(lambda: "the old keys stay in use" in edge.said(), 5)

    assert f"chmod 600 {path}" in edge.said()
    assert signed_by(edge, anna(ring))


@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (lambda path: None, "inseam keys init --keys"),
        (lambda path: path.write_bytes(b"{}"), "keys.json"),
        (lambda path: (path.write_bytes(b"{}"), path.chmod(0o640)), "chmod 600"),
        (lambda path: path.mkdir(), "this is no regular file"),
        (lambda path: os.mkfifo(path, 0o600), "this is no regular file"),
    ],
    ids=["missing", "empty", "open to others", "a folder", "a pipe"],
)
def test_an_edge_does_not_start_with_keys_of_no_use(
    start: Start, shop: Shop, make: Callable[[Path], object], way_out: str
) -> None:
    """REQUIREMENTS, 7: one clear line, and nothing is served."""
    path = shop.folder / "keys.json"
    make(path)
    edge = start("--keys", str(path), wait=False)

    assert edge.process.wait(20) == 1
    assert way_out in edge.said()
    assert "Traceback" not in edge.said()


def test_without_a_keys_file_it_says_what_that_means(start: Start) -> None:
    edge = start()

    assert "no --keys: sessions end with this process; `inseam keys init` makes a file that keeps them" in edge.said()


def test_no_process_leaves_its_memory_on_a_disk(start: Start) -> None:
    """REQUIREMENTS, 7 and 28: keys are in it."""
    edge = start("--workers", "2")

    for pid in (edge.process.pid, *edge.workers()):
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        (core,) = [line for line in limits if line.startswith("Max core file size")]
        assert core.split()[4:6] == ["0", "0"]


def test_no_secret_is_on_the_command_line_or_in_the_log(start: Start, shop: Shop, ring: KeyRing) -> None:
    """REQUIREMENTS, 7."""
    edge = start("--keys", str(shop.folder / "keys.json"), "--workers", "2")
    secrets = [
        line.split('"')[3] for line in (shop.folder / "keys.json").read_text().splitlines() if '"secret"' in line
    ]
    assert secrets
    seen = edge.said() + edge.get("/metrics", edge.admin)[1]
    for pid in (edge.process.pid, *edge.workers()):
        seen += Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text()

    assert not [secret for secret in secrets if secret in seen]


async def test_the_file_is_watched_by_what_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "_LOOK_AGAIN", 0.01)
    path, ring = tmp_path / "keys.json", KeyRing.fresh(("cms",), now=OLD)
    keyfile.write(path, ring)
    keys, heard = Keys(str(path), ("cms",)), []
    watching = asyncio.create_task(keys.watch(heard.append))
    try:
        path.touch()  # another date, the same keys
        await asyncio.sleep(0.05)
        assert heard == []
        path.unlink()
        await asyncio.sleep(0.05)
        assert KeyRing.parse(keys.content) == ring
        fresh = rotation.rotated(ring, NOW)
        keyfile.write(path, fresh)
        await asyncio.sleep(0.1)
        assert [KeyRing.parse(content) for content in heard] == [fresh]
        assert keys.content == heard[0]
    finally:
        watching.cancel()
    assert "the old keys stay in use" in caplog.text


# --- the store --------------------------------------------------------------------------------------------------------


def test_several_workers_share_a_store_that_goes_with_the_edge(start: Start, shop: Shop) -> None:
    temp = shop.folder / "temp"
    edge = start("--workers", "2")
    (file,) = temp.glob("inseam-*/sessions.db")
    mode = file.parent.stat().st_mode & 0o777
    edge.process.send_signal(signal.SIGTERM)

    assert edge.process.wait(10) == 0
    assert mode == 0o700
    assert list(temp.glob("inseam-*")) == []


def test_one_worker_needs_no_file(start: Start, shop: Shop) -> None:
    start()

    assert list((shop.folder / "temp").glob("inseam-*")) == []


def test_which_store_workers_share() -> None:
    for url, workers in [("memory:", 1), ("sqlite:x.db", 4), ("redis://h/0", 2)]:
        with store_for(url, workers) as shared:
            assert shared == url
    with store_for("memory:", 2) as shared:
        path = Path(shared.removeprefix("sqlite:"))
        assert path.parent.is_dir()
    assert not path.parent.exists()


@pytest.mark.parametrize("url", ["nonsense", "sqlite:", "sqlite:/no/such/folder/x.db", "redis://:secret@h/x"])
def test_the_address_of_a_store_that_is_none_is_told_before_anything_is_served(url: str) -> None:
    with pytest.raises(StartError) as refused:
        check_store(url)

    assert str(refused.value).startswith("--store: ")
    assert "secret" not in str(refused.value)


# --- ending sessions --------------------------------------------------------------------------------------------------


def revoke(edge: RunningEdge, *arguments: str) -> int:
    return main(["revoke", "--admin", f"127.0.0.1:{edge.admin}", *arguments])


@pytest.mark.parametrize("whose", [["--customer", "4711"], ["--everybody"]], ids=" ".join)
def test_sessions_are_ended_on_every_worker_within_a_second(
    start: Start, shop: Shop, ring: KeyRing, whose: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """REQUIREMENTS, 12."""
    edge = start("--keys", str(shop.folder / "keys.json"), "--workers", "2")
    cookies = [anna(ring, number) for number in range(8)]
    assert all(signed_by(edge, cookie) for cookie in cookies)

    assert revoke(edge, *whose) == 0
    began = time.monotonic()
    until(lambda: not any(signed_by(edge, cookie) for cookie in cookies), 1.0)

    assert time.monotonic() - began < 1.0
    assert capsys.readouterr().out == "ended, on every worker\n"
    assert re.search(r"audit: 127\.0\.0\.1 asked for revoke of (customer \S{12}|everybody): ended", edge.said())
    assert "4711" not in edge.said()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_they_stay_ended_when_a_worker_is_killed(start: Start, shop: Shop, ring: KeyRing, workers: str) -> None:
    """REQUIREMENTS, 42 and 47."""
    edge = start("--keys", str(shop.folder / "keys.json"), "--workers", workers)
    cookie = anna(ring)
    assert signed_by(edge, cookie)
    assert revoke(edge, "--customer", "4711") == 0
    before = edge.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(edge.workers()) == len(before) and not set(edge.workers()) & set(before))
    until(lambda: edge.get("/readyz", edge.admin)[0] == 200 and edge.metric("inseam_workers") == len(before))

    assert [signed_by(edge, cookie) for _ in range(6)] == [""] * 6


def test_another_customer_s_session_goes_on(start: Start, shop: Shop, ring: KeyRing) -> None:
    edge = start("--keys", str(shop.folder / "keys.json"))
    assert revoke(edge, "--customer", "4712") == 0
    time.sleep(0.2)

    assert signed_by(edge, anna(ring))


@pytest.mark.parametrize("arguments", [[], ["--customer", ""], ["--customer", "1", "--everybody"]], ids=str)
def test_whoever_ends_sessions_must_say_whose(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revoke", *arguments]) == 64
    assert "--customer ID or --everybody" in capsys.readouterr().err


def test_where_no_edge_answers_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revoke", "--everybody", "--admin", "127.0.0.1:1"]) == 1
    assert "no edge answers at http://127.0.0.1:1" in capsys.readouterr().err
