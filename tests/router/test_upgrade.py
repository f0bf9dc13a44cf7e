"""Another program in the place of a running one: SIGUSR2, with shoppers at it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from running_edge import RunningEdge, Shop, alive, until


class Shoppers:
    """Ask for pages over kept and new connections, without a pause, until told to stop; `failed` is what went wrong."""

    def __init__(self, port: int, count: int = 4) -> None:
        self.port = port
        self.asked = 0
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._shop, args=(number,), daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _shop(self, number: int) -> None:
        while not self._stop.is_set():
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                kept = False
                while not self._stop.is_set():
                    try:
                        connection.request("GET", f"/catalogue/{self.asked}/")
                        answer = connection.getresponse()
                        answer.read()
                    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                        if not kept:  # a kept connection may be closed as it is used: RFC 9112, 9.3.1, ask again
                            self.failed.append(repr(error))
                        break
                    except (http.client.HTTPException, OSError) as error:
                        self.failed.append(repr(error))
                        break
                    self.asked += 1
                    if answer.status != 200:
                        self.failed.append(str(answer.status))
                    if number % 2 or answer.will_close:
                        break
                    kept = True

    def go(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)


@pytest.fixture
def kill_successors() -> Iterator[list[int]]:
    pids: list[int] = []
    yield pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            until(lambda pid=pid: not alive(pid), 20)


def successor(edge: RunningEdge) -> int:
    found = re.findall(r"upgraded: supervisor (\d+) serves", edge.said())
    return int(found[-1]) if found else 0


def test_an_upgrade_under_load_costs_no_request(start, kill_successors) -> None:
    edge: RunningEdge = start("--workers", "2")
    shoppers = Shoppers(edge.port)
    until(lambda: shoppers.asked > 50)

    edge.process.send_signal(signal.SIGUSR2)

    until(lambda: successor(edge), 60)
    kill_successors.append(successor(edge))
    assert edge.process.wait(30) == 0
    before = shoppers.asked
    until(lambda: shoppers.asked > before + 50)
    shoppers.go()
    assert shoppers.failed == []
    assert edge.get("/livez", edge.admin)[0] == 200


def test_an_upgrade_that_cannot_start_changes_nothing(start, shop: Shop) -> None:
    edge: RunningEdge = start()
    (shop.folder / "rules.yaml").write_text("version: 1\nrules: nonsense\n")

    edge.process.send_signal(signal.SIGUSR2)

    until(lambda: "the upgrade is off" in edge.said(), 60)
    time.sleep(0.2)
    assert edge.process.poll() is None
    assert edge.get("/catalogue/1/")[0] == 200


def test_sessions_go_on_in_the_new_program_though_their_keys_are_in_no_file(start, kill_successors) -> None:
    edge: RunningEdge = start()
    before = edge.get("/.inseam/jwks.json")

    edge.process.send_signal(signal.SIGUSR2)
    until(lambda: successor(edge), 60)
    kill_successors.append(successor(edge))
    edge.process.wait(30)

    assert edge.get("/.inseam/jwks.json") == before


def test_a_shop_that_is_ended_in_the_middle_of_an_upgrade_leaves_no_program_behind(start) -> None:
    edge: RunningEdge = start()
    edge.process.send_signal(signal.SIGUSR2)
    until(lambda: [pid for pid in edge.workers() if b"serve" in cmdline(pid)])
    new = next(pid for pid in edge.workers() if b"serve" in cmdline(pid))

    edge.process.send_signal(signal.SIGTERM)

    assert edge.process.wait(30) == 0
    until(lambda: not alive(new), 30)


def cmdline(pid: int) -> bytes:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()
    return b""
