"""One worker's process: a loop with an Edge on it, doing what the supervisor says.

Run as `python -m router.supervision.worker CHANNEL SOCKET...`, the arguments being inherited file descriptors. It lives
as long as its supervisor: when the channel closes, it finishes what is under way and goes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from typing import Final, Literal

import uvloop

from router.accesslog import AccessLog
from router.counters import Snapshot
from router.edge import Edge
from router.edge.pool import tls_context
from router.errors import InseamError, Position, Problem, RulesProblems, StartError
from router.generation import Generation
from router.rulesfile import Sources
from router.rulesfile import compile as compile_rules
from router.supervision import messages as say
from router.supervision.channel import Channel
from router.supervision.logs import patient_stderr
from router.supervision.settings import Certificate
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.keys import KeyRing
from sessions.stores.beside import BesideStore
from sessions.stores.guarded import GuardedStore
from sessions.stores.opening import open_store
from sessions.stores.port import Revocation
from sessions.stores.sqlite import SqliteStore

_ORPHAN_DRAIN: Final = 5.0
"""Seconds for what is under way when the supervisor has vanished: a new one may be waiting for the port."""

_LET_GO: Final = 10.0
"""Seconds after a swap at which the memory of the old generation is looked through once."""

log = logging.getLogger("inseam.worker")


class Worker:
    """An Edge and the channel on which it is told what to do."""

    def __init__(self, channel: Channel[say.FromSupervisor], start: say.Start, sockets: list[socket.socket]) -> None:
        self._channel = channel
        self._sockets = sockets
        self._certificate = Certificate(start.cert, start.key) if start.cert else None
        self._tls: ssl.SSLContext | None = self._certificate.context() if self._certificate else None
        self._access_log = AccessLog(start.access_log) if start.access_log else None
        generation = compile_rules(start.sources, number=start.number)
        self._store = GuardedStore(open_store(start.store, _say), _say)
        agreed = BesideStore(self._store, SqliteStore(start.beside)) if start.beside else self._store
        keeper = Keeper(KeyRing.parse(start.keys), generation.session, agreed, _new_id, self._tell, time.time)
        self._keeper = keeper
        self._edge = Edge(
            generation, worker=start.worker, access_log=self._access_log, secure=self._certificate is not None,
            keeper=keeper,
        )  # fmt: skip
        for system, server in start.down:
            self._edge.health(system, server, False)
        self._revoked = start.revoked
        self._prepared: Generation | None = None
        self._preparing: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Serve until told to end; return the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._channel.send, say.Leaving())
        await self._keeper.start()
        for kind, key, at in self._revoked:
            await self._void(kind, key, at)
        await self._edge.start(self._sockets, self._tls)
        _freeze()
        self._channel.send(say.Ready(self._edge.snapshot().generation))
        while (message := await self._channel.receive()) is not None:
            match message:
                case say.Prepare():
                    task = asyncio.create_task(self._prepare(message))
                    self._preparing.add(task)
                    task.add_done_callback(self._preparing.discard)
                case say.Commit():
                    self._commit(message)
                case say.Keys():
                    self._edge.take_keys(KeyRing.parse(message.content))
                case say.Revoke():
                    task = asyncio.create_task(self._revoke(message))
                    self._preparing.add(task)
                    task.add_done_callback(self._preparing.discard)
                case say.Forget():
                    self._prepared = None
                case say.Health():
                    self._edge.health(message.system, message.server, message.up)
                case say.Count():
                    self._channel.send(say.Counted(message.ask, self._snapshot()))
                case say.Reopen():
                    if self._access_log is not None:
                        self._access_log.reopen()
                case say.Drain():
                    await self._end(message.seconds)
                    return 0
                case say.Start():
                    raise AssertionError("a worker is started once")
        log.error("the supervisor has gone, so this worker goes too")
        await self._end(_ORPHAN_DRAIN)
        return 1

    async def _prepare(self, message: say.Prepare) -> None:
        problems: list[Problem] = []
        self._prepared = None
        try:
            # In a thread, so that requests go on meanwhile, if a little slower.
            self._prepared = await asyncio.to_thread(_usable, message.sources, message.number)
        except RulesProblems as error:
            problems = error.problems
        except Exception as error:  # "nowhere" must be the answer to a fault of ours, too
            log.exception("generation %d does not compile", message.number)
            problems = [Problem(Position("rules"), f"{type(error).__name__}: {error}")]
        self._channel.send(say.Prepared(message.ask, problems))

    def _snapshot(self) -> Snapshot:
        shot = self._edge.snapshot()
        shot.events |= {f"store:{name}": count for name, count in self._store.counters.items() if count}
        shot.stores_up, shot.store_skew = int(self._store.up), self._store.skew
        return shot

    def _tell(self, event: str) -> None:
        self._edge.ledger.event(event)

    async def _revoke(self, message: say.Revoke) -> None:
        self._channel.send(say.Revoked(message.ask, await self._void(message.kind, message.key, message.at)))

    async def _void(self, kind: Literal["session", "customer", "all"], key: str, at: int) -> bool:
        """End sessions; return whether the store was told. If not, it is told as soon as it is back."""
        policy = self._edge.live.generation.session
        try:
            await self._keeper.revoke(Revocation(kind, key, at, at + policy.absolute))
        except StoreDown:
            return False
        return True

    def _commit(self, message: say.Commit) -> None:
        generation, self._prepared = self._prepared, None
        if generation is None or generation.number != message.number:
            log.error("generation %d was never prepared here", message.number)
            return  # no answer: the supervisor replaces this worker by one that has it
        self._edge.swap(generation)
        if self._certificate is not None and self._tls is not None:
            try:
                self._certificate.load_into(self._tls)
            except StartError as error:
                log.error("%s; the old certificate stays in use", error)
        self._channel.send(say.Done(message.ask))
        asyncio.get_running_loop().call_later(_LET_GO, _freeze)

    async def _end(self, seconds: float) -> None:
        cut = await self._edge.drain(seconds)
        await self._keeper.close()
        for sock in self._sockets:
            sock.close()
        if self._access_log is not None:
            self._access_log.close()
        self._channel.send(say.Drained(cut, self._snapshot()))
        await self._channel.flush()


def _say(line: str) -> None:
    log.warning("%s", line)


def _new_id() -> str:
    """Return 128 random bits as base64url. REQUIREMENTS, 14."""
    return secrets.token_urlsafe(16)


def _usable(sources: Sources, number: int) -> Generation:
    """Compile, and try beforehand what could go wrong when it goes live. Raises RulesProblems, OSError."""
    generation = compile_rules(sources, number=number)
    for spec in generation.systems.values():
        if spec.servers[0].scheme == "https":
            tls_context(spec)
    return generation


def _freeze() -> None:
    """Put what is there now out of the collector's sight, after throwing away what nobody refers to.

    Rules, systems and modules live as long as the generation does; looking through them again and again costs pauses.
    Rules and their decisions refer to each other, so an old generation would never be freed if it stayed frozen.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def _serve(fd: int, sockets: list[socket.socket]) -> int:
    channel: Channel[say.FromSupervisor] = await Channel.over(socket.socket(fileno=fd), say.FromSupervisor)
    start = await channel.receive()
    if not isinstance(start, say.Start):
        return 1
    try:
        worker = Worker(channel, start, sockets)
    except (InseamError, OSError) as error:
        channel.send(say.Unable(str(error)))
        await channel.flush()
        return 1
    return await worker.run()


def main(arguments: Sequence[str]) -> int:
    """Run a worker on inherited file descriptors; return the exit code."""
    # A terminal sends these to all processes of its group, but it is the supervisor who decides what they mean.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    channel, *listening = map(int, arguments)
    sockets = [socket.socket(fileno=fd) for fd in listening]
    for sock in sockets:
        sock.setblocking(False)
    with patient_stderr(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(channel, sockets))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
