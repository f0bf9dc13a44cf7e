"""A shop that systemd starts, watches, reloads, upgrades and ends: sd_notify(3), sd_listen_fds(3)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from running_edge import RunningEdge, Shop, alive, until

_AS_SYSTEMD = """\
import os, sys
for place, fd in enumerate(sys.argv[1:3], start=3):
    os.dup2(int(fd), place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[3], sys.argv[3:])
"""


class Systemd:
    """Hands over two sockets, `shop` and `admin`, and hears what the edge says, from which pid."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._hears.bind(str(shop.folder / "notify"))
        self._hears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._hears.setblocking(False)
        self.sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.heard: list[tuple[int, str]] = []

    def start(self, watchdog: float = 0.0, *arguments: str) -> RunningEdge:
        shop, admin = (sock.fileno() for sock in self.sockets)
        environment = {
            **os.environ, "NOTIFY_SOCKET": str(self._shop.folder / "notify"),
            "LISTEN_FDS": "2", "LISTEN_FDNAMES": "inseam.socket:admin",
        }  # fmt: skip
        if watchdog:
            environment["WATCHDOG_USEC"] = str(round(watchdog * 1e6))
        command = [sys.executable, "-m", "router", "serve", "--rules", str(self._shop.rules), *arguments]
        log = self._shop.folder / "systemd.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", _AS_SYSTEMD, str(shop), str(admin), *command], stderr=out,
                stdout=subprocess.DEVNULL, pass_fds=(shop, admin), env=environment,
            )  # fmt: skip
        port, admin_port = (sock.getsockname()[1] for sock in self.sockets)
        return RunningEdge(process, log, port, admin_port)

    def hear(self) -> list[tuple[int, str]]:
        """Return everything that was said so far, as (pid, line)."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self._hears.recvmsg(4096, 1024)
                pid = struct.unpack("iII", ancillary[0][2])[0]
                self.heard += [(pid, line) for line in data.decode().splitlines()]
        return self.heard

    def said(self, start: str) -> list[int]:
        """Return the pids that said a line that starts so."""
        return [pid for pid, line in self.hear() if line.startswith(start)]

    def close(self) -> None:
        for sock in (self._hears, *self.sockets):
            sock.close()


@pytest.fixture
def systemd(shop: Shop) -> Iterator[Systemd]:
    made = Systemd(shop)
    yield made
    made.close()


@pytest.fixture
def launch(systemd: Systemd) -> Iterator[Callable[..., RunningEdge]]:
    """Return a function that has systemd start the edge, and waits until it says that it serves."""
    running: list[RunningEdge] = []

    def launches(*arguments: str, watchdog: float = 0.0) -> RunningEdge:
        edge = systemd.start(watchdog, *arguments)
        running.append(edge)
        until(lambda: systemd.said("READY=1") or edge.process.poll() is not None, 30)
        assert edge.process.poll() is None, edge.said()
        return edge

    yield launches
    for edge in running:
        pids = [int(pid) for pid in re.findall(r"supervisor is pid (\d+)", edge.said())]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        edge.process.wait(20)
        until(lambda pids=pids: not any(map(alive, pids)), 20)  # type: ignore[misc]


def test_the_shop_serves_on_systemds_sockets_and_tells_how_far_it_is(
    systemd: Systemd, launch: Callable[..., RunningEdge], shop: Shop
) -> None:
    edge = launch()
    assert edge.get("/catalogue/7/")[0] == 200
    assert edge.get("/readyz", edge.admin) == (200, "ready\n")

    edge.process.send_signal(signal.SIGHUP)
    until(lambda: systemd.said("RELOADING=1") and len(systemd.said("READY=1")) == 2)
    (moment,) = [int(line.partition("=")[2]) for _, line in systemd.heard if line.startswith("MONOTONIC_USEC=")]
    assert abs(moment / 1e6 - time.monotonic()) < 30

    shop.rules.write_text("nonsense")
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: systemd.said("STATUS=the last reload was refused, generation 1 is live"))

    edge.process.send_signal(signal.SIGTERM)
    assert edge.process.wait(20) == 0
    assert systemd.said("STOPPING=1") == [edge.process.pid]
    assert systemd.said("EXTEND_TIMEOUT_USEC=20000000")
    assert not systemd.said("WATCHDOG=1"), "nobody asked for it"


def test_systemd_hears_nothing_while_no_worker_answers(systemd: Systemd, launch: Callable[..., RunningEdge]) -> None:
    edge = launch(watchdog=0.9)
    until(lambda: len(systemd.said("WATCHDOG=1")) >= 2)
    (worker,) = edge.workers()

    os.kill(worker, signal.SIGSTOP)
    try:
        time.sleep(0.7)  # what was asked before may still be on its way
        before = len(systemd.said("WATCHDOG=1"))
        time.sleep(0.9)
        assert len(systemd.said("WATCHDOG=1")) == before
    finally:
        os.kill(worker, signal.SIGCONT)

    until(lambda: len(systemd.said("WATCHDOG=1")) > before)


def test_an_upgrade_tells_systemd_whom_to_watch_from_then_on(
    systemd: Systemd, launch: Callable[..., RunningEdge]
) -> None:
    edge = launch(watchdog=0.9)

    edge.process.send_signal(signal.SIGUSR2)

    until(lambda: systemd.said("MAINPID="), 60)
    assert edge.process.wait(20) == 0
    (told,) = [(pid, int(line.partition("=")[2])) for pid, line in systemd.heard if line.startswith("MAINPID=")]
    assert told[0] == edge.process.pid, "systemd believes nobody but the process that it knows"
    new = told[1]
    before = len(systemd.said("WATCHDOG=1"))
    until(lambda: len(systemd.said("WATCHDOG=1")) > before)
    assert set(systemd.said("WATCHDOG=1")[before:]) == {new}
    assert not systemd.said("STOPPING=1")
    assert edge.get("/readyz", edge.admin)[0] == 200
