"""The servers of a system as one worker knows them: connections kept, the least busy chosen, the broken put aside.

Each system has its own connections, its own queue and its own limits, so one that hangs takes nothing from the others
(REQUIREMENTS, 52). A server that fails several times in a row is ejected for a while that doubles; a connection attempt
of our own, not a shopper's request, finds out when it is back, and it then takes its share slowly.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final

from router.concurrency import Concurrency
from router.counters import ServerCount
from router.edge.asker import Asker
from router.edge.line import Line
from router.edge.outbox import Outbox
from router.edge.upstream import ServerConnection
from router.errors import (
    ConnectTimeout,
    NoDescriptors,
    Overloaded,
    QueueFull,
    ServerRefused,
    SystemDown,
    SystemFault,
)
from router.model import ServerAddress, SystemSpec
from router.ranks import COPY

_FALL: Final = 5
"""Failures in a row that eject a server. Envoy's outlier detection has the same default."""

_FIRST_EJECTION: Final = 0.5
_LONGEST_EJECTION: Final = 8.0
"""Seconds; a restart takes seconds, and a shop that is back must be found soon."""

_SLOW_START: Final = 10.0
"""Seconds in which a server that came back grows to its full share: caches are cold."""

_STALE: Final = 1.0
"""Seconds after which an idle connection is no longer good enough for a request that must not be sent twice: the
server may just be closing it, and nobody could tell whether the request was processed."""

_RESOLVE_AGAIN: Final = 30.0


class Server:
    """One address of a system: its connections and its record."""

    __slots__ = (
        "_addresses", "_resolved_at", "active_up", "address", "busy", "connects", "ejected_until", "ejection",
        "ejections", "failures", "failures_in_row", "idle", "name", "open", "opening", "probing", "requests",
        "returned_at", "seconds", "system",
    )  # fmt: skip

    def __init__(self, system: System, address: ServerAddress) -> None:
        self.system = system
        self.address = address
        self.name = str(address)
        self.idle: list[ServerConnection] = []
        """Connections waiting for work, the one used last at the end: it is taken first, so that the others expire."""
        self.open = 0
        self.opening = 0
        self.busy = 0
        self.requests = 0
        self.seconds = 0.0
        self.connects = 0
        self.failures: dict[str, int] = {}
        self.failures_in_row = 0
        self.ejections = 0
        self.ejection = _FIRST_EJECTION
        self.ejected_until = 0.0
        self.returned_at = -_SLOW_START
        self.probing = False
        self.active_up = True
        self._addresses: list[str] = []
        self._resolved_at = 0.0

    def __str__(self) -> str:
        return f"{self.system.name} server {self.name}"

    @property
    def usable(self) -> bool:
        """Whether it may be asked: neither found down by the health check nor ejected."""
        return self.active_up and not self.ejected_until

    def load(self, now: float) -> float:
        """Return how busy it is, in requests; one that came back counts for more at first."""
        since = now - self.returned_at
        return self.busy + self.opening if since >= _SLOW_START else (self.busy + 1) * _SLOW_START / max(since, 1.0)

    # --- connections --------------------------------------------------------------------------------------------------

    def take(self, now: float, safe: bool) -> ServerConnection | None:
        """Return a kept connection that is good enough for the request, or None."""
        idle = self.idle
        while idle:
            connection = idle[-1]
            if connection.closed:
                idle.pop()
                continue
            if not safe and now - connection.idle_since > _STALE:
                return None
            idle.pop()
            self.busy += 1
            self.requests += 1
            connection.asked_at = now
            return connection
        return None

    def release(self, connection: ServerConnection, reusable: bool) -> None:
        """An answer is whole: the connection goes to the next who waits, or is kept, or closed."""
        self.busy -= 1
        if self.failures_in_row:
            self.succeeded()
        if reusable:
            self._place(connection)
        else:
            connection.close()

    def _place(self, connection: ServerConnection) -> None:
        """Give a connection that has nothing to do to the first who waits, or keep it."""
        system = self.system
        if system.waiting and system.bears.room:
            self.busy += 1
            self.requests += 1
            connection.asked_at = system.clock()
            system.next_waiting().connected(connection)
        elif system.closed:
            connection.close()
        else:
            connection.idle_since = system.clock()
            self.idle.append(connection)
            if system.waiting:
                system.bears.felt = True

    def lost(self, connection: ServerConnection, busy: bool) -> None:
        """A connection is closed, by whomever."""
        if busy:
            self.busy -= 1
        elif connection in self.idle:
            self.idle.remove(connection)
        self.system.serve_waiting()

    def expire(self, now: float) -> None:
        """Close the connections that were idle for too long."""
        oldest = now - self.system.spec.keepalive
        while self.idle and self.idle[0].idle_since < oldest:
            self.idle.pop(0).close()

    def connect(self, asker: Asker) -> None:
        """Open a connection for the first who waits; `asker` is told if it cannot be had."""
        self.opening += 1  # now: many more may ask before the task begins
        self.system.start(self._connect(asker))

    async def _connect(self, asker: Asker) -> None:
        try:
            try:
                connection = await self._open()
            finally:
                self.opening -= 1
        except SystemFault as error:
            self.failure(error)
            self.system.give_up(asker, error)
        else:
            self._place(connection)

    async def _open(self) -> ServerConnection:
        system = self.system
        self.connects += 1
        error: Exception | None = None
        try:
            async with asyncio.timeout(system.spec.timeouts.connect):
                for address in await self._resolve():
                    try:
                        _, connection = await system.loop.create_connection(  # type: ignore[type-var]
                            lambda: ServerConnection(self),
                            address,
                            self.address.port,
                            ssl=system.tls,
                            server_hostname=(system.spec.tls_name or self.address.host) if system.tls else None,
                        )
                    except (OSError, ValueError) as refused:  # ssl.SSLError is one, a name that is none the other
                        if getattr(refused, "errno", 0) in (errno.EMFILE, errno.ENFILE):
                            raise NoDescriptors(f"no file descriptor is left to reach {self}", self) from refused
                        error = refused
                        continue
                    if not connection.closed:
                        return connection
                    error = ConnectionResetError("closed as soon as it was open")
        except TimeoutError as late:
            raise ConnectTimeout(
                f"{self} did not accept a connection in {system.spec.timeouts.connect:g} s", self
            ) from late
        raise ServerRefused(f"{self} cannot be reached: {error or 'its name has no address'}", self) from error

    async def _resolve(self) -> list[str]:
        """Return the addresses of the server's name: once known, nobody waits for the resolver. REQUIREMENTS, 55."""
        host = self.address.host
        if host.replace(".", "").isdigit() or ":" in host:
            return [host]
        if not self._addresses:
            await self._look_up()
        return self._addresses

    async def _look_up(self) -> None:
        """Ask the resolver; the last good addresses stay while it fails."""
        self._resolved_at = self.system.clock()
        try:
            found = await self.system.loop.getaddrinfo(self.address.host, self.address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        if found:
            self._addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def refresh(self, now: float) -> None:
        """Look the server's name up again, in the background, once what is known of it is old."""
        if self._addresses and now - self._resolved_at > _RESOLVE_AGAIN:
            self._resolved_at = now
            self.system.start(self._look_up())

    # --- record -------------------------------------------------------------------------------------------------------

    def succeeded(self) -> None:
        """The server gave a whole answer: what failed before it was not the beginning of a row."""
        self.failures_in_row = 0
        self.ejection = _FIRST_EJECTION

    def failure(self, error: SystemFault) -> None:
        """The server did not do its part: several times in a row, and it is put aside."""
        if error.blame != "system":
            return
        reason = error.reason
        self.failures[reason] = self.failures.get(reason, 0) + 1
        self.failures_in_row += 1
        alone = not any(server.usable for server in self.system.servers if server is not self)
        if self.failures_in_row < _FALL or self.ejected_until or (alone and not isinstance(error, ServerRefused)):
            return  # the only server is better asked than not, as long as somebody listens there
        self.ejected_until = self.system.clock() + self.ejection
        self.ejection = min(self.ejection * 2, _LONGEST_EJECTION)
        self.ejections += 1
        self.system.log(f"{self} is ejected: {error}")
        if not self.system.usable:
            self.system.refuse_waiting()

    def check(self, now: float) -> None:
        """When its time is over, try with a connection of our own whether an ejected server is back."""
        if self.ejected_until and now >= self.ejected_until and not self.probing:
            self.probing = True
            self.system.start(self._probe())

    async def _probe(self) -> None:
        try:
            connection = await self._open()
        except SystemFault:
            self.ejected_until = self.system.clock() + self.ejection
            self.ejection = min(self.ejection * 2, _LONGEST_EJECTION)
        else:
            self.back()
            self._place(connection)
        finally:
            self.probing = False

    def back(self) -> None:
        """The server answers again: it takes its share slowly."""
        if self.ejected_until:
            self.system.log(f"{self} is back")
        self.ejected_until = 0.0
        self.failures_in_row = 0
        self.returned_at = self.system.clock()

    def count(self) -> ServerCount:
        """Return its counters; those of the queue are the system's."""
        return ServerCount(
            self.system.name,
            self.name,
            open=self.open,
            busy=self.busy,
            ejected=int(not self.usable),
            requests=self.requests,
            connects=self.connects,
            ejections=self.ejections,
            seconds=self.seconds,
            failures=dict(self.failures),
        )


class System:
    """One system: its servers, how much they bear, and those who wait for their turn.

    `clock` is the loop's, in seconds; `start` runs a coroutine as a task that is kept until it ends; `log` takes a line
    for the operator.
    """

    def __init__(
        self,
        spec: SystemSpec,
        loop: asyncio.AbstractEventLoop,
        start: Callable[[Coroutine[Any, Any, None]], object],
        log: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.loop = loop
        self.clock = loop.time
        self.outbox = Outbox(loop)
        self.start = start
        self.log = log
        self.tls = tls_context(spec) if spec.servers[0].scheme == "https" else None
        self.servers = [Server(self, address) for address in spec.servers]
        self.bears = bearing(spec)
        self.waiting = Line()
        """Those who wait for a connection, or until the system bears one more."""
        self.closed = False
        self._was_overloaded = False
        self._turn = -1

    @property
    def usable(self) -> bool:
        """Whether any server may be asked."""
        return any(server.usable for server in self.servers)

    @property
    def in_use(self) -> bool:
        """Whether anything is under way: a connection open or being opened, or somebody waiting for one."""
        return bool(self.waiting) or any(server.open or server.opening for server in self.servers)

    @property
    def retry_after(self) -> int:
        """Whole seconds after which asking again may help: when the next server is tried."""
        now = self.clock()
        times = [server.ejected_until - now for server in self.servers if server.ejected_until]
        return max(1, round(min(times, default=self.spec.health.every if self.spec.health else 1.0)))

    def acquire(self, asker: Asker, avoid: Server | None = None, fresh: bool = False) -> ServerConnection | None:
        """Return a connection for the asker now, or None: then `asker.connected` or `asker.failed` will be called.

        `avoid` is the server that just failed; `fresh` asks for a new connection. Raises SystemDown, QueueFull,
        Overloaded.
        """
        servers = self.servers
        server = servers[0]
        if len(servers) > 1 or not server.usable:
            server = self._choose(avoid)
        now = self.clock()
        bears = self.bears
        room = bears.in_flight < bears.limit
        if room and not fresh:
            connection = server.take(now, asker.safe)
            if connection is not None:
                return connection
        opens = room and self._may_open(server)
        if not opens:
            self._stand_in_line(asker, now, bool(room and server.idle))
        self.waiting.add(asker, now)
        if opens:
            server.connect(asker)
        elif room and server.idle:
            server.idle.pop(0).close()  # too old for this request, and in the way of a new one
        return None

    def _may_open(self, server: Server) -> bool:
        bears = self.bears
        return server.open + server.opening < self.spec.connections and bears.in_flight + self._opening < bears.limit

    @property
    def _opening(self) -> int:
        """How many of those who wait have a connection of their own under way: they do not stand in the queue."""
        return sum(server.opening for server in self.servers)

    def _stand_in_line(self, asker: Asker, now: float, soon: bool) -> None:
        """Find the asker a place in the queue, if need be that of somebody who goes after them; `soon` needs none."""
        self.bears.felt = True
        if asker.rank == COPY:
            raise Overloaded(f"{self.name} has no room for copies")
        if soon or len(self.waiting) - self._opening < self.spec.queue:
            return
        last = self.waiting.last_below(asker.rank)
        if last is None:
            raise QueueFull(f"{self.name} is busy and {self.spec.queue} requests wait already")
        self._turn_away(last)

    def _turn_away(self, asker: Asker) -> None:
        if self.waiting.drop(asker):
            asker.failed(Overloaded(f"{self.name} is busy, and others go first"))

    def _choose(self, avoid: Server | None) -> Server:
        usable = [server for server in self.servers if server.usable]
        if not usable:
            raise SystemDown(f"no server of {self.name} can be asked")
        others = [server for server in usable if server is not avoid] or usable
        now = self.clock()
        self._turn = turn = (self._turn + 1) % len(others)  # of those who are equally busy, each in turn
        return min(others[turn:] + others[:turn], key=lambda server: server.load(now))

    def forget(self, asker: Asker) -> None:
        """The asker waits no longer."""
        self.waiting.drop(asker)

    def next_waiting(self) -> Asker:
        """Return the first who waits, who waits no longer."""
        asker = self.waiting.first()
        self.waiting.drop(asker)
        return asker

    def give_up(self, asker: Asker, error: SystemFault) -> None:
        """A connection for the asker could not be opened.

        If somebody else's has served it meanwhile, that one still waits, and nobody opens a connection any more.
        """
        if self.waiting.drop(asker):
            asker.failed(error)
        self.serve_waiting()

    def serve_waiting(self) -> None:
        """Let in who waits, as far as there is room: by a connection that is kept, or else a new one."""
        while self.waiting and self.bears.room:
            now = self.clock()
            asker = self.waiting.first()
            usable = sorted((s for s in self.servers if s.usable), key=lambda server: server.load(now))
            for server in usable:
                connection = server.take(now, asker.safe)
                if connection is not None:
                    self.waiting.drop(asker)
                    asker.connected(connection)
                    break
            else:
                if len(self.waiting) <= self._opening:
                    return
                free = [server for server in usable if self._may_open(server)]
                if not free:
                    return
                free[0].connect(asker)

    def refuse_waiting(self) -> None:
        """The last server is gone: those who wait need not."""
        for asker in self.waiting.everybody():
            self.give_up(asker, SystemDown(f"no server of {self.name} can be asked"))

    def tick(self, now: float) -> None:
        """Do what time demands: close what was idle for long, try the ejected, look up names again."""
        for server in self.servers:
            if server.idle:
                server.expire(now)
            if server.ejected_until:
                server.check(now)
            server.refresh(now)
        bears = self.bears
        bears.tick(now)
        if bears.overloaded is not self._was_overloaded:
            self._was_overloaded = bears.overloaded
            most = f"is overloaded: {bears.limit} requests at a time from this worker, and browsing waits first"
            self.log(f"{self.name} {most if bears.overloaded else 'bears everybody again'}")
        if self.waiting:
            if bears.overloaded or self.spec.overload.limit:  # a limit that is given needs no proof
                for asker in self.waiting.impatient(now, self.spec.overload.patience):
                    self._turn_away(asker)
            self.serve_waiting()

    def health(self, name: str, up: bool) -> None:
        """The supervisor's health check found a server up or down."""
        for server in self.servers:
            if server.name == name and server.active_up is not up:
                server.active_up = up
                if up:
                    server.back()
                elif not self.usable:
                    self.refuse_waiting()

    def close(self) -> None:
        """The system has left the rules: close what is idle now, and the rest when its answers are whole."""
        self.closed = True
        for server in self.servers:
            for connection in list(server.idle):
                connection.close()

    def counts(self) -> list[ServerCount]:
        """Return the counters of every server."""
        counts = [server.count() for server in self.servers]
        counts[0].waiting = len(self.waiting)
        counts[0].limit = self.bears.limit
        counts[0].in_flight = self.bears.in_flight
        if self.closed:
            for count in counts:
                count.ejected = 0  # of two with one name, the one in the rules says how the server does
        return counts


def bearing(spec: SystemSpec) -> Concurrency:
    """Return how many requests at a time a system bears, as far as its declaration says."""
    connections = spec.connections * len(spec.servers)
    overload = spec.overload
    most = min(connections, overload.limit or overload.most or connections)
    return Concurrency(most, overload.least, overload.adaptive)


def tls_context(spec: SystemSpec) -> ssl.SSLContext:
    """Return the context for connections to a system's servers."""
    context = ssl.create_default_context(cadata=spec.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not spec.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
