"""One worker as the supervisor sees it: a process, a channel to it, and the questions that are under way."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from router.counters import Snapshot
from router.errors import InseamError
from router.supervision import messages as say
from router.supervision.channel import Channel
from router.supervision.settings import ADMIN_TOKEN

_TO_EXIT: Final = 2.0
"""Seconds that a process gets to exit after it closed its channel."""

_SUPERVISORS: Final = frozenset({ADMIN_TOKEN, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
"""Variables that are for the supervisor alone."""

Answer = TypeVar("Answer")


class WorkerGone(InseamError):
    """The worker died, or did not answer in time."""


class Handle:
    """A worker's process. Made with `Handle.launch`; `follow` reads what it says until it is gone."""

    def __init__(self, place: int, process: asyncio.subprocess.Process, channel: Channel[say.FromWorker]) -> None:
        self.place = place
        """Its place in the fleet, from 0; a successor takes the same."""
        self.process = process
        self.channel = channel
        self.generation = 0
        """The generation it works by; 0 while it starts."""
        self.snapshot = Snapshot(worker=place, pid=process.pid)
        """The last that it told."""
        self.unable = ""
        """Why it could not start, where it said so."""
        self.cut = 0
        """Connections that it cut at its end."""
        self.missed = 0
        """Counts in a row that it did not answer."""
        self.leaving = asyncio.Event()
        """Set when somebody asked the worker itself to end."""
        self.draining = False
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}

    @classmethod
    async def launch(cls, place: int, sockets: Sequence[socket.socket]) -> Handle:
        """Start a worker's process, which inherits the listening sockets and one end of a channel, and nothing else.

        It imports from where the supervisor does; by itself `-m` would prefer what lies in the current folder.
        """
        ours, theirs = socket.socketpair()
        inherited = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "router.supervision.worker", *map(str, inherited), pass_fds=inherited,
                stdin=asyncio.subprocess.DEVNULL,
                env={**_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return cls(place, process, await Channel.over(ours, say.FromWorker))

    def __str__(self) -> str:
        return f"worker {self.place} (pid {self.process.pid})"

    @property
    def ready(self) -> bool:
        """Whether it serves and will go on serving."""
        return self.generation > 0 and not self.draining

    async def ask(self, question: Callable[[int], Any], answer: type[Answer], seconds: float) -> Answer:
        """Ask a question, made from its number, and return the answer. Raises WorkerGone."""
        number = next(self._numbers)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        self.channel.send(question(number))
        try:
            async with asyncio.timeout(seconds):
                return cast(Answer, await future)
        except TimeoutError:
            raise WorkerGone(f"no answer within {seconds:g} s") from None
        finally:
            del self._asked[number]

    async def count(self, seconds: float) -> bool:
        """Renew `snapshot`; return whether the worker answered in time."""
        try:
            self.snapshot = (await self.ask(say.Count, say.Counted, seconds)).snapshot
        except WorkerGone:
            return False
        return True

    async def follow(self, welcome: Callable[[say.Ready], None]) -> int:
        """Read what the worker says until it is gone, and return its exit code (negative: the signal's number)."""
        while (message := await self.channel.receive()) is not None:
            match message:
                case say.Ready():
                    welcome(message)
                case say.Leaving():
                    self.leaving.set()
                case say.Unable():
                    self.unable = message.message
                case say.Drained():
                    self.cut = message.cut
                    self.snapshot = message.snapshot
                case _:
                    future = self._asked.get(message.ask)
                    if future is not None and not future.done():
                        future.set_result(message)
        self.channel.close()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(WorkerGone("it died"))
        try:
            async with asyncio.timeout(_TO_EXIT):
                return await self.process.wait()
        except TimeoutError:
            self.kill()
            return await self.process.wait()

    def drain(self, seconds: float) -> None:
        """Have the worker finish what is under way, within `seconds`, and exit."""
        self.draining = True
        self.channel.send(say.Drain(seconds))

    def kill(self) -> None:
        """End the process at once."""
        if self.process.returncode is None:
            self.process.kill()


def _environment() -> dict[str, str]:
    """Return what a worker, and the plugins in it, may know of the environment: not how to rule the edge."""
    return {name: value for name, value in os.environ.items() if name not in _SUPERVISORS}
