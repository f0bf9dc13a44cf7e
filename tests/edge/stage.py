"""A stage for transcripts: an edge without sockets, on which clients, servers and the clock do as a spec says.

    async with stage() as it:
        client = it.client()
        await client.says(b"GET / HTTP/1.1\\r\\nHost: shop.example\\r\\n\\r\\n")
        server = await it.server()                 # the connection that the edge opened
        await server.says(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        assert client.heard.startswith(b"HTTP/1.1 200")

Nothing waits here: seconds go by when `passes` says so, a connection is open when `server` says so, and who does not
take bytes simply does not.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shop import rule

from router.edge import Edge
from router.edge.client import ClientConnection
from router.edge.pool import Server, System
from router.generation import Generation
from router.index import Index
from router.model import Limits, ServerAddress, SystemSpec
from router.rules import Rule

HIGH, LOW = 64 * 1024, 16 * 1024
"""Marks at which uvloop says that a peer does not take bytes as fast as they come, and that it takes them again."""


async def settle() -> None:
    """Let the loop do what is at hand."""
    for _ in range(12):
        await asyncio.sleep(0)


class Line:
    """One end of a connection as the edge holds it: what is written to it, and what the peer does.

    `heard` is what the peer has taken. A line that is `clogged` takes nothing until `takes` says how much.
    """

    def __init__(self, protocol: Any, peer: tuple[str, int] = ("192.0.2.7", 50000)) -> None:
        self.protocol = protocol
        self.peer = peer
        self.heard = b""
        self.unsent = b""
        self.clogged = False
        self.reading = True
        self.finished = False
        """Whether the edge has said that nothing more follows."""
        self.closing = False
        self.lost = False
        self.reset = False
        """Whether the edge closed at once, whatever was unsent."""
        self._high = HIGH
        self._paused = False
        protocol.connection_made(self)

    # --- what the peer does -------------------------------------------------------------------------------------------

    def says_at_once(self, data: bytes) -> None:
        """Bytes from the peer, read in the same batch as what others say at once."""
        assert self.reading, "the edge does not read"
        assert not self.lost, "the connection is gone"
        if not self.closing:
            self.protocol.data_received(data)

    async def says(self, data: bytes) -> None:
        """Bytes from the peer, and all that the edge does about them."""
        self.says_at_once(data)
        await settle()

    async def half_closes(self) -> None:
        if not self.protocol.eof_received():
            self.close()
        await settle()

    async def leaves(self, error: Exception | None = None) -> None:
        """The connection ends: in order, or by a reset."""
        self._lose(error)
        await settle()

    def takes(self, size: int = 1 << 30) -> None:
        """The peer takes some of what waits for it."""
        self.clogged = False
        self.heard += self.unsent[:size]
        self.unsent = self.unsent[size:]
        self.clogged = bool(self.unsent)
        if self._paused and len(self.unsent) <= LOW:
            self._paused = False
            self.protocol.resume_writing()
        if self.closing and not self.unsent:
            self._lose(None)

    # --- what asyncio.Transport is to the edge ------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        assert not self.finished, "written behind the end"
        if self.closing:
            return
        if not self.clogged:
            self.heard += data
            return
        self.unsent += data
        if len(self.unsent) > self._high and not self._paused:
            self._paused = True
            self.protocol.pause_writing()

    def pause_reading(self) -> None:
        assert not self.lost
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.lost
        self.reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.finished = True

    def abort(self) -> None:
        if not self.lost:
            self.closing = self.reset = True
            self.unsent = b""
            asyncio.get_running_loop().call_soon(self._lose, None)

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            if not self.unsent:
                asyncio.get_running_loop().call_soon(self._lose, None)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_extra_info(self, name: str) -> Any:
        return self.peer if name == "peername" else None

    def _lose(self, error: Exception | None) -> None:
        if not self.lost:
            self.closing = self.lost = True
            self.protocol.connection_lost(error)


class _Clockwork:
    """The loop as the edge sees it: its time goes by only when a spec says so, its connections open likewise."""

    def __init__(self, real: asyncio.AbstractEventLoop) -> None:
        self._real = real
        self._now = 1000.0
        self._timers: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self.calls: list[tuple[str, int, Callable[[], Any], asyncio.Future[Any]]] = []
        """Connections that the edge wants and that nobody has answered: host, port, protocol, what to tell."""
        self.names: dict[str, list[str] | Exception | asyncio.Future[Any]] = {}
        """What the resolver says of a name."""
        self.asked_names: list[str] = []
        self.faults: list[dict[str, Any]] = []

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[..., None], *arguments: Any) -> Any:
        self._count += 1
        entry = (self._now + delay, self._count, callback, arguments)
        heapq.heappush(self._timers, entry)
        clockwork = self

        class Handle:
            def cancel(self) -> None:
                if entry in clockwork._timers:
                    clockwork._timers.remove(entry)
                    heapq.heapify(clockwork._timers)

        return Handle()

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> Any:
        return self._real.call_soon(callback, *arguments)

    def create_task(self, work: Any) -> asyncio.Task[Any]:
        return self._real.create_task(work)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(context)

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int, **_: Any) -> tuple[Any, Any]:
        told: asyncio.Future[Any] = self._real.create_future()
        self.calls.append((host, port, factory, told))
        protocol = await told
        return protocol.transport, protocol

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked_names.append(host)
        said = self.names[host]
        if isinstance(said, asyncio.Future):
            said = await said
        if isinstance(said, Exception):
            raise said
        return [(2, 1, 6, "", (address, port)) for address in said]

    def advance(self, seconds: float) -> None:
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            when, _, callback, arguments = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            callback(*arguments)
        self._now = until


class Stage:
    """The edge, its clients and its servers."""

    def __init__(self, generation: Generation) -> None:
        self._loop = _Clockwork(asyncio.get_running_loop())
        self.edge = Edge(generation)
        self.edge.loop = self._loop  # type: ignore[assignment]
        self.edge.now = self._loop.time()
        for system in self.edge.live.systems.values():
            system.loop = self._loop  # type: ignore[assignment]
            system.clock = self._loop.time
        self.edge._timer = self._loop.call_later(0.1, self.edge._tick)
        self.systems = dict(self.edge.live.systems)
        self.lines: list[Line] = []

    @property
    def names(self) -> dict[str, Any]:
        return self._loop.names

    @property
    def asked_names(self) -> list[str]:
        return self._loop.asked_names

    @property
    def wanted(self) -> int:
        """How many connections the edge is opening and nobody has answered."""
        return len([call for call in self._loop.calls if not call[3].done()])

    def client(self, address: str = "192.0.2.7") -> Line:
        """Somebody comes."""
        line = Line(ClientConnection(self.edge), (address, 50000))
        self.lines.append(line)
        return line

    async def server(self) -> Line:
        """Accept the connection that the edge has wanted longest, and return it."""
        await settle()
        _, _, factory, told = self._next_call()
        line = Line(factory(), ("127.0.0.1", 80))
        self.lines.append(line)
        told.set_result(line.protocol)
        await settle()
        return line

    async def refuses(self, error: Exception | None = None) -> None:
        """Refuse the connection that the edge has wanted longest."""
        await settle()
        self._next_call()[3].set_exception(error or ConnectionRefusedError("refused"))
        await settle()

    def _next_call(self) -> Any:
        self._loop.calls = [call for call in self._loop.calls if not call[3].done()]
        assert self._loop.calls, "the edge wants no connection"
        return self._loop.calls.pop(0)

    async def passes(self, seconds: float) -> None:
        """Let time go by, and the edge look at the clock as often as it does."""
        steps = max(1, round(seconds / 0.1))
        for _ in range(steps):
            self._loop.advance(seconds / steps)
            await settle()

    def pool(self, system: str = "cms", place: int = 0) -> Server:
        return self.systems[system].servers[place]

    def swap(self, *rules: Rule, systems: Sequence[SystemSpec] = ()) -> None:
        """Let another generation go live."""
        now = self.edge.live.generation
        specs = {spec.name: spec for spec in systems} or dict(now.systems)
        self.edge.swap(Generation("rules.yaml", Index(rules or now.rules.rules), specs, number=now.number + 1))
        for name, system in self.edge.live.systems.items():
            self.systems[name] = system

    def left_over(self, old: Sequence[System] = ()) -> list[str]:
        """What should be gone once everybody has left."""
        edge = self.edge
        found = [f"{len(edge.clients)} clients"] if edge.clients else []
        found += [f"{edge.under_way} under way in all"] if edge.under_way else []
        found += [f"{len(edge._tasks)} tasks"] if edge._tasks else []
        for system in {*self.systems.values(), *old}:
            found += [f"{len(system.waiting)} wait"] if system.waiting else []
            found += [f"{system.bears.in_flight} under way"] if system.bears.in_flight else []
            for server in system.servers:
                counts = {"busy": server.busy, "opening": server.opening, "lost": server.open - len(server.idle)}
                found += [f"{server}: {count} {what}" for what, count in counts.items() if count]
        return found


@asynccontextmanager
async def stage(
    *rules: Rule, limits: Limits | None = None, systems: Sequence[SystemSpec] = (), **options: Any
) -> AsyncIterator[Stage]:
    """Set a stage; without rules everything belongs to `cms`, with these options. When it ends, nothing is left."""
    specs = systems or [SystemSpec("cms", **{"servers": (ServerAddress("http", "127.0.0.1", 80),), **options})]
    it = Stage(
        Generation(
            "rules.yaml",
            Index(rules or [rule("/**", specs[0].name, name="everything")]),
            {spec.name: spec for spec in specs},
            limits=limits or Limits(),
        )
    )
    old = list(it.systems.values())
    try:
        yield it
    finally:
        for line in it.lines:
            line._lose(None)
        await settle()
        while it.wanted:
            await it.refuses()
        await settle()
    assert it.left_over(old) == []
    assert it._loop.faults == []
