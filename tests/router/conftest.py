"""Fixtures that several tests of the router share."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_edge import RULES, RunningEdge, Shop, Start, System, alive, until


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    cms, commerce = System("cms"), System("commerce")
    made = Shop(cms, commerce, tmp_path)
    made.rules.write_text(RULES.format(cms=cms.server_port, commerce=commerce.server_port))
    (tmp_path / "short_tail.txt").write_text("7\n8\n")
    yield made
    for system in (cms, commerce):
        system.go.set()
        system.shutdown()
        system.server_close()


@pytest.fixture
def start(shop: Shop) -> Iterator[Start]:
    """Return a function that starts `inseam serve` for the shop, with arguments, and waits until it serves."""
    running: list[RunningEdge] = []

    def starts(*arguments: str, wait: bool = True) -> RunningEdge:
        log = shop.folder / f"edge{len(running)}.log"
        command = [sys.executable, "-m", "router", "serve", "--rules", str(shop.rules), "--listen", "127.0.0.1:0",
                   "--admin", "127.0.0.1:0", *arguments]  # fmt: skip
        with log.open("wb") as out:
            edge = RunningEdge(subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL), log)
        running.append(edge)
        if wait:
            until(lambda: "admin on" in edge.said() or edge.process.poll() is not None)
            assert edge.process.poll() is None, edge.said()
            edge.port, edge.admin = (int(port) for port in re.findall(r"https?://127\.0\.0\.1:(\d+)", edge.said())[:2])
        return edge

    yield starts
    for edge in running:
        if edge.process.poll() is None:
            workers = edge.workers()
            edge.process.send_signal(signal.SIGKILL)
            edge.process.wait(10)
            until(lambda pids=workers: not any(map(alive, pids)))  # type: ignore[misc]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("INSEAM_"):
            monkeypatch.delenv(name)
