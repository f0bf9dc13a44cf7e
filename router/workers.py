"""The fleet of workers: started together, replaced when they die, asked and told together.

Each place in the fleet has a task that keeps a worker in it. A worker that dies is replaced at once; only one that
dies before it ever served is waited for, longer each time. A new generation is first compiled everywhere and then
goes live everywhere; a worker that starts meanwhile is brought up to the newest before it counts as ready.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from router.counters import Snapshot, settled, total
from router.errors import Position, Problem, StartError
from router.rulesfile import Sources
from router.supervision import messages as say
from router.supervision.handle import Handle, WorkerGone

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 10.0
"""Seconds before a worker that died at its start is tried again."""

_TO_START: Final = 60.0
"""Seconds to import, compile 100,000 rules and listen, on a machine that is busy."""

_TO_PREPARE: Final = 30.0
_TO_COMMIT: Final = 5.0
_TO_COUNT: Final = 0.5
_AFTER_DRAIN: Final = 2.0

_PULSE: Final = 5.0
"""Seconds between counts that nobody asked for: so old at most is what is known of a worker that is killed."""

_MISSED: Final = 3
"""Pulses in a row without an answer after which a worker counts as hung (half a minute) and is replaced."""

_ALL_TOGETHER: Final = 0.2
"""Seconds to see whether a worker alone was asked to end: systemd and containers may signal every process at once."""

_MOST_REVOKED: Final = 10_000
"""Sessions and customers that workers which start later are told of; the newest."""

log = logging.getLogger("inseam.workers")


@dataclass(frozen=True, slots=True)
class Current:
    """The generation that every worker works by, or is about to."""

    number: int
    sources: Sources


class Fleet:
    """`size` workers that accept from `sockets`.

    `start` makes the first message for a worker, from its place in the fleet; `drain` is how many seconds a worker
    that leaves has for what is under way.
    """

    def __init__(
        self,
        size: int,
        sockets: Sequence[socket.socket],
        current: Current,
        start: Callable[[int], say.Start],
        drain: float,
    ) -> None:
        self.size = size
        self.current = current
        self.restarts = 0
        """How many workers died and were replaced."""
        self.workers: list[Handle] = []
        """Every process that there is, those that start and those that leave too."""
        self.revoked: list[tuple[Literal["session", "customer", "all"], str, int]] = []
        """Sessions that were ended, for workers that start later: kind, key, and the time."""
        self._sockets = sockets
        self._start = start
        self._drain = drain
        self._gone = Snapshot()
        self._prepared: set[Handle] = set()
        self._ending = asyncio.Event()
        self._complete = asyncio.Event()
        self._failed = asyncio.Event()
        self._failure = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._followed: set[asyncio.Task[int]] = set()

    @property
    def ready(self) -> list[Handle]:
        """The workers that serve."""
        return [worker for worker in self.workers if worker.ready]

    # --- starting and replacing ---------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Start all workers and return when they serve. Raises StartError with what the first failure was."""
        for place in range(self.size):
            self._spawn(self._keep(place))
        first = [asyncio.create_task(event.wait()) for event in (self._complete, self._failed)]
        try:
            await asyncio.wait(first, timeout=_TO_START, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in first:
                task.cancel()
        if not self._complete.is_set():
            await self.kill()
            raise StartError(self._failure or f"the workers did not serve within {_TO_START:g} s")
        self._spawn(self._pulse())

    async def _keep(self, place: int) -> None:
        """Keep a worker in this place of the fleet until the fleet ends."""
        stillborn = 0
        while not self._ending.is_set():
            try:
                worker = await Handle.launch(place, self._sockets)
            except OSError as error:  # no memory, no file descriptors: both may pass
                stillborn += 1
                self._lost(f"worker {place} cannot be started ({error.strerror or error})", _wait(stillborn))
                await asyncio.sleep(_wait(stillborn))
                continue
            self.workers.append(worker)
            worker.channel.send(self._start(place))
            following = self._follow(worker)
            too_late = asyncio.get_running_loop().call_later(_TO_START, self._too_late, worker)
            leaving = asyncio.create_task(worker.leaving.wait())
            await asyncio.wait([following, leaving], return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            too_late.cancel()
            if not following.done():
                await asyncio.sleep(_ALL_TOGETHER)
                if self._ending.is_set():
                    return
                log.warning("%s was asked to end; it serves until its successor does", worker)
                continue
            if self._ending.is_set():
                return
            stillborn = 0 if worker.generation else stillborn + 1
            self.restarts += 1
            self._lost(f"{worker} ended ({_end(following.result())})", _wait(stillborn), worker.unable)
            await asyncio.sleep(_wait(stillborn))

    def _too_late(self, worker: Handle) -> None:
        if not worker.generation:
            log.error("%s does not serve after %g s and is killed", worker, _TO_START)
            worker.kill()

    def _lost(self, what: str, wait: float, why: str = "") -> None:
        if not self._complete.is_set():
            self._failure = self._failure or why or what
            self._failed.set()
            return
        log.error("%s%s; replaced %s", what, f": {why}" if why else "", f"in {wait:g} s" if wait else "at once")

    def _follow(self, worker: Handle) -> asyncio.Task[int]:
        """Read what a worker says until it is gone, then keep its counters, so that no counter ever goes back."""

        async def follow() -> int:
            code = await worker.follow(lambda ready: self._spawn(self._welcome(worker, ready.number)))
            self.workers.remove(worker)
            self._prepared.discard(worker)
            self._gone = total([self._gone, settled(worker.snapshot)])
            return code

        task = asyncio.create_task(follow())
        self._followed.add(task)
        task.add_done_callback(self._followed.discard)
        return task

    async def _welcome(self, worker: Handle, number: int) -> None:
        """Bring a worker that has just started up to the newest generation; then it counts as ready."""
        try:
            while number < self.current.number:
                number = await self._update(worker)
        except WorkerGone as error:
            log.error("%s could not be brought up to generation %d: %s", worker, self.current.number, error)
            worker.kill()
            return
        worker.generation = number
        if len(self.ready) >= self.size:
            self._complete.set()
        for elder in self.workers:
            if elder.leaving.is_set() and elder.place == worker.place and elder is not worker:
                elder.drain(self._drain)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- a new generation: everywhere or nowhere ----------------------------------------------------------------------

    async def prepare(self, number: int, sources: Sources) -> list[Problem]:
        """Have every worker compile a generation; return what went wrong. Nothing goes live yet."""
        workers = self.ready
        said = await asyncio.gather(*(self._prepare(worker, number, sources) for worker in workers))
        problems = list(dict.fromkeys(problem for problems in said for problem in problems))  # all say the same
        self._prepared = set() if problems else set(workers)
        if problems:
            for worker in workers:
                worker.channel.send(say.Forget())
        return problems

    async def _prepare(self, worker: Handle, number: int, sources: Sources) -> list[Problem]:
        try:
            answer = await worker.ask(lambda ask: say.Prepare(ask, number, sources), say.Prepared, _TO_PREPARE)
        except WorkerGone as error:
            return [Problem(Position(str(worker)), f"could not compile the rules: {error}")]
        return answer.problems

    async def commit(self, number: int, sources: Sources) -> None:
        """Have every worker go over to the prepared generation; one that cannot is replaced by one that does."""
        self.current = Current(number, sources)
        await asyncio.gather(*(self._commit(worker, number) for worker in self.ready))

    async def _commit(self, worker: Handle, number: int) -> None:
        try:
            if worker in self._prepared:
                await worker.ask(lambda ask: say.Commit(ask, number), say.Done, _TO_COMMIT)
                worker.generation = number
            else:  # it became ready while the others compiled
                worker.generation = await self._update(worker)
        except WorkerGone as error:
            log.error("%s did not go over to generation %d: %s", worker, number, error)
            worker.kill()

    async def _update(self, worker: Handle) -> int:
        current = self.current
        prepare = await worker.ask(
            lambda ask: say.Prepare(ask, current.number, current.sources), say.Prepared, _TO_PREPARE
        )
        if prepare.problems:
            raise WorkerGone(str(prepare.problems[0]))
        await worker.ask(lambda ask: say.Commit(ask, current.number), say.Done, _TO_COMMIT)
        return current.number

    # --- telling and asking -------------------------------------------------------------------------------------------

    def tell(self, message: msgspec.Struct) -> None:
        """Send a message to every worker."""
        for worker in self.workers:
            worker.channel.send(message)

    async def revoke(self, kind: Literal["session", "customer", "all"], key: str) -> bool:
        """Have one worker end sessions, which tells the others by the store; all of them, if that is not there."""
        at = int(time.time())
        stored = False
        if kind == "all":
            self.revoked.clear()  # whatever else was ended is ended by this, too
        self.revoked.append((kind, key, at))
        del self.revoked[:-_MOST_REVOKED]
        for worker in self.ready:
            try:
                done = await worker.ask(lambda ask: say.Revoke(ask, kind, key, at), say.Revoked, _TO_COMMIT)
            except WorkerGone:
                continue
            stored = stored or done.stored
        return stored

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker has counted (the last known if it is late), and at the end the gone."""
        await asyncio.gather(*(worker.count(_TO_COUNT) for worker in self.workers if worker.generation))
        return [*(worker.snapshot for worker in self.workers), self._gone]

    async def answers(self, seconds: float) -> bool:
        """Whether at least one worker that serves answers in time; all are asked, so that one that hangs costs none."""
        asked = [asyncio.create_task(worker.count(seconds)) for worker in self.ready]
        try:
            for first in asyncio.as_completed(asked):
                if await first:
                    return True
        finally:
            for task in asked:
                task.cancel()
        return False

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(_PULSE)
            asked = [worker for worker in self.workers if worker.generation]
            for worker, answered in zip(asked, await asyncio.gather(*(w.count(_PULSE) for w in asked)), strict=True):
                worker.missed = 0 if answered else worker.missed + 1
                if worker.missed >= _MISSED:
                    log.error("%s has not answered for %g s and is killed", worker, 2 * _PULSE * _MISSED)
                    worker.kill()

    # --- ending -------------------------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> int:
        """Have every worker finish what is under way, for at most `seconds`; return how many connections were cut."""
        self._ending.set()
        workers = list(self.workers)
        for worker in workers:
            worker.drain(seconds)
        if self._followed:
            await asyncio.wait(self._followed, timeout=seconds + _AFTER_DRAIN)
        await self.kill()
        return sum(worker.cut for worker in workers)

    async def kill(self) -> None:
        """End every worker at once."""
        self._ending.set()
        for worker in self.workers:
            worker.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._followed, return_exceptions=True)


def _wait(stillborn: int) -> float:
    """Return the seconds to wait before the next try, after so many workers that died before they served."""
    return min(_FIRST_WAIT * 2.0 ** (stillborn - 1), _LONGEST_WAIT) if stillborn else 0.0


def _end(code: int) -> str:
    """Return how a process ended, in words."""
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
