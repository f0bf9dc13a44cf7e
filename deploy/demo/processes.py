"""The demo's child processes: two systems and the edge. Each is a context: it runs inside and has ended outside.

All get a session of their own, so that Ctrl-C reaches the demo alone and things end in order: the edge first, which
lets requests under way finish, then the systems.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

import router
from router.supervision.settings import Address

AWAY = 12.0
"""Seconds for which a system that has stopped stays away: long enough to see what the edge does without it."""

_TO_END = 4.0
_TO_DRAIN = 2


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 is any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


class Child:
    """A process that is ended when its context is left."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process is None or self.process.poll() is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is None:
            return
        self.process.terminate()  # told once: a second sign, by its standard input, could meet it half gone
        try:
            self.process.wait(_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


class System(Child):
    """One of the two systems, at `url` for as long as the demo runs. `environment` has its keys."""

    def __init__(self, name: str, port: int, environment: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.name = name
        self.port = port
        self._environment = dict(environment or {})
        self._gone = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Bind the port, or any free one the first time if it is taken, and start the process on it.

        Bound here, so that nobody else can take it meanwhile and the first requests wait instead of failing.
        """
        try:
            sock = bound("127.0.0.1", self.port)
        except OSError:
            if self.process is not None:
                raise
            sock = bound("127.0.0.1", 0)
        with sock:
            self.port = sock.getsockname()[1]
            self.process = self.open(sock.fileno())

    def open(self, number: int) -> subprocess.Popen[bytes]:
        """Return the process, started on the listening socket with this number."""
        command = [sys.executable, "-m", "deploy.demo.systems", self.name, "--fd", str(number)]
        return subprocess.Popen(  # noqa: S603  our own program
            command, stdin=subprocess.PIPE, pass_fds=[number], env=surroundings() | self._environment,
            start_new_session=True,
        )  # fmt: skip

    def look_after(self, now: float) -> str:
        """Bring a system that was stopped back after a while; return what is to be told. `now` is in seconds."""
        if not self.ended:
            return ""
        if not self._gone:
            self._gone = now
            return f"{self.name} has stopped. It comes back in {AWAY:.0f} seconds: click on meanwhile."
        if now < self._gone + AWAY:
            return ""
        try:
            self.start()
        except OSError:  # somebody took the port: perhaps not for long
            return ""
        self._gone = 0.0
        return f"{self.name} is back (process {self.pid})."


class Edge(Child):
    """The edge, started as `inseam serve` starts it, with `folder` as its working directory.

    So the rules file is simply rules.yaml to it, and a problem is told as `rules.yaml:8:11`, as one reads it. `more`
    are options of `inseam serve` beyond the addresses.
    """

    def __init__(self, folder: Path, listen: Address, admin: Address, more: Sequence[str] = ()) -> None:
        super().__init__()
        self._folder = folder
        self._listen = listen
        self._admin = admin
        self._more = more

    def start(self) -> None:
        """Start the process."""
        command = [
            sys.executable, "-m", "router", "serve", "--rules", "rules.yaml", "--drain", str(_TO_DRAIN),
            "--listen", str(self._listen), "--admin", str(self._admin), *self._more,
        ]  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603  our own program
            command, stdin=subprocess.DEVNULL, cwd=self._folder, env=surroundings(), start_new_session=True
        )

    def wait_until_ready(self, stop: Event, seconds: float) -> bool:
        """Return True when it serves; False when it has ended, was told to stop or is not ready after `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ended:
            if self._ready():
                return True
            if stop.wait(0.1):
                return False
        return False

    def _ready(self) -> bool:
        host = self._admin.host if self._admin.host not in ("", "0.0.0.0", "::") else "127.0.0.1"
        connection = http.client.HTTPConnection(host, self._admin.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def surroundings() -> dict[str, str]:
    """Return the environment for a child: without INSEAM_*, which is meant for a real edge, and where to find us."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INSEAM_")}
    here = str(Path(router.__file__).parents[1])
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH"))))}
