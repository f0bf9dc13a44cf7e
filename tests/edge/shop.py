"""A shop for specs: a real edge on real sockets, before systems scripted byte by byte or built with aiohttp.

    async with shop(cms=answering(page(b"hello"))) as it:
        visitor = await it.visitor()
        answer = await visitor.ask("/")

Whatever a spec does, a shop that closes has lost nothing: no client connection, no place in a pool or queue, no task
and no copy may be left once its visitors have gone, and no callback may have raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from visitor import TIMEOUT, Visitor

from router.counters import RuleCount, ServerCount
from router.edge import Edge
from router.generation import Generation
from router.index import Index
from router.model import Limits, ServerAddress, SystemSpec, Timeouts
from router.patterns import PathPattern
from router.rules import Action, Rule, To, Treatment, intent_of
from sessions.keeper import Keeper

QUICK = Timeouts(connect=1.0, response=0.3, idle=0.3)
"""Times for specs in which somebody is too slow; the edge looks at its clients' clock three times a second."""

_RESET = struct.pack("ii", 1, 0)


# --- what systems say -------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One request as a system got it."""

    method: str
    target: str
    version: str
    lines: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    server: int = 0
    """Which of the system's servers was asked."""

    def get(self, name: str) -> str | None:
        """The value of the only line with this name."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.lines if known.lower() == name.lower()]


class Gone(Exception):
    """The edge has closed the connection."""


class Call:
    """One connection of the edge's to a scripted system."""

    def __init__(self, host: ScriptedSystem, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.host = host
        self.reader = reader
        self.writer = writer

    async def request(self) -> Asked:
        """Read one whole request. Raises Gone when there is none any more."""
        asked = await self.head()
        await self.body(asked)
        return asked

    async def head(self) -> Asked:
        """Read a request's head, and count it as asked."""
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as end:
            raise Gone from end
        start, *lines = raw[:-4].decode("latin-1").split("\r\n")
        method, target, version = start.split(" ")
        pairs = [line.split(":", 1) for line in lines]
        asked = Asked(method, target, version, [(name, value.strip()) for name, value in pairs], server=self.host.place)
        self.host.asked.append(asked)
        self.host.news.set()
        return asked

    async def body(self, asked: Asked) -> None:
        """Read the request's body. Raises Gone when it does not come whole."""
        try:
            if asked.get("transfer-encoding"):
                while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    asked.body += (await self.reader.readexactly(size + 2))[:-2]
                while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                    name, value = line[:-2].decode().split(":", 1)
                    asked.trailers.append((name, value.strip()))
            else:
                asked.body = await self.reader.readexactly(int(asked.get("content-length") or 0))
        except (asyncio.IncompleteReadError, ConnectionError) as end:
            raise Gone from end

    async def send(self, data: bytes) -> None:
        """Send bytes. Raises Gone."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, RuntimeError) as end:  # uvloop says RuntimeError of a transport that is closed
            raise Gone from end

    async def gone(self) -> None:
        """Wait until the edge closes the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def close(self) -> None:
        """Close in an orderly way."""
        self.writer.close()

    def reset(self) -> None:
        """Close by a reset."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


Behaviour = Callable[[Call], Awaitable[None]]
"""What a scripted system does with one connection; when it returns, the connection is closed."""


def page(body: bytes = b"", status: str = "200 OK", *lines: str) -> bytes:
    """An answer with a Content-Length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def answering(answer: bytes | Callable[[Asked], bytes] = b"") -> Behaviour:
    """A system that answers every request of a connection, always alike or by a function of the request."""
    said = answer or page(b"ok")

    async def answer_all(call: Call) -> None:
        while True:
            asked = await call.request()
            await call.send(said if isinstance(said, bytes) else said(asked))

    return answer_all


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first connection behaves like the first, the second like the second; the last goes for all that follow."""
    left = list(behaviours)

    async def take_turns(call: Call) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(call)

    return take_turns


async def hanging(call: Call) -> None:
    """A system that reads everything and never says a word."""
    await call.head()
    await call.gone()


class ScriptedSystem:
    """A server of a system whose behaviour is a function; `asked` has the requests it got, in order."""

    def __init__(self, behaviour: Behaviour, place: int = 0) -> None:
        self.behaviour = behaviour
        self.place = place
        self.asked: list[Asked] = []
        self.calls = 0
        """How many connections were opened to it."""
        self.open: set[Call] = set()
        self.news = asyncio.Event()
        self.port = 0
        self._tls: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> ServerAddress:
        return ServerAddress("https" if self._tls else "http", "127.0.0.1", self.port)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen; on the same port as before, if it was started before."""
        self._tls = tls
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        call = Call(self, reader, writer)
        self.open.add(call)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.behaviour(call)
        except (Gone, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(call)
            self._tasks.discard(task)
            writer.close()
            self.news.set()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for something that changes when a request comes or a connection ends."""
        async with asyncio.timeout(TIMEOUT):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def stop(self) -> None:
        """Listen no more, and close every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.sleep(0)
        while self._tasks:
            for task in list(self._tasks):  # again and again: somebody may just have been let in
                task.cancel()
            await asyncio.sleep(0.001)


@dataclass
class Wanted:
    """A system for a shop: its servers' behaviours (or an aiohttp application) and what the rules file says of it."""

    servers: Sequence[Behaviour | web.Application]
    options: dict[str, Any]
    tls: ssl.SSLContext | None = None


def system(*servers: Behaviour | web.Application, tls: ssl.SSLContext | None = None, **options: Any) -> Wanted:
    """A system with several servers, or with options of `SystemSpec`."""
    return Wanted(servers, options, tls)


def rule(path: str, action: str | Action, *conditions: Any, name: str = "", page: str = "", **treatment: Any) -> Rule:
    """A rule; `action` is a system's name or what else a rule may do."""
    return Rule(
        name or path,
        (PathPattern.parse(path),),
        To(action) if isinstance(action, str) else action,
        conditions,
        page=page,
        intent=intent_of(page),
        treatment=Treatment(**treatment),
    )


# --- the shop ---------------------------------------------------------------------------------------------------------


class Shop:
    """The edge with its systems and visitors."""

    def __init__(self, edge: Edge, port: int, systems: dict[str, list[ScriptedSystem]], tls: ssl.SSLContext | None):
        self.edge = edge
        self.port = port
        self.systems = systems
        self.errors: list[dict[str, Any]] = []
        """What callbacks and tasks raised: always a fault."""
        self.visitors: list[Visitor] = []
        self._tls = tls
        self._seen = {id(system): system for system in edge.live.systems.values()}

    def __getitem__(self, name: str) -> ScriptedSystem:
        return self.systems[name][0]

    async def visitor(self, small: bool = False) -> Visitor:
        """Somebody comes; they leave when the shop closes, if not before."""
        visitor = await Visitor.come(self.port, self._tls, small)
        self.visitors.append(visitor)
        return visitor

    async def ask(self, target: str = "/", method: str = "GET", *lines: str, body: bytes = b"") -> Any:
        """Ask once, on a connection of its own."""
        visitor = await self.visitor()
        try:
            return await visitor.ask(target, method, *lines, body=body)
        finally:
            await visitor.leave()

    def tally(self, name: str) -> RuleCount:
        """What was counted for a rule; the shop has one count of each."""
        (count,) = [count for count in self.edge.snapshot().rules if count.rule == name]
        return count

    def server(self, name: str, place: int = 0) -> ServerCount:
        """What was counted for a server of a system."""
        address = str(self.systems[name][place].address)
        (count,) = [count for count in self.edge.snapshot().servers if (count.system, count.server) == (name, address)]
        return count

    def swap(self, *rules: Rule, **changes: Any) -> None:
        """Let another generation go live: these rules, and changes of any field of the generation."""
        now = self.edge.live.generation
        if rules:
            changes["rules"] = Index(rules)
        self.edge.swap(replace(now, number=now.number + 1, **changes))
        self._seen |= {id(system): system for system in self.edge.live.systems.values()}

    async def until(self, true: Callable[[], object], seconds: float = TIMEOUT) -> None:
        """Wait for something in the edge."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.005)

    @property
    def left_over(self) -> list[str]:
        """What is under way in the edge: nothing, when nobody wants anything."""
        edge = self.edge
        found = [f"{len(edge.clients)} clients"] if edge.clients else []
        found += [f"{edge.under_way} under way"] if edge.under_way else []
        found += [f"{len(edge._addresses)} addresses"] if edge._addresses else []
        found += [f"{len(edge._tasks)} tasks"] if edge._tasks else []
        found += ["copies" for copy in edge._copies if copy.deadline]
        for system in self._seen.values():
            found += [f"{len(system.waiting)} wait for {system.name}"] if system.waiting else []
            found += [f"{system.bears.in_flight} under way at {system.name}"] if system.bears.in_flight else []
            for server in system.servers:
                counts = {"busy": server.busy, "opening": server.opening, "lost": server.open - len(server.idle)}
                found += [f"{server}: {count} {what}" for what, count in counts.items() if count]
                found += [f"{server}: closed ones are kept" for connection in server.idle if connection.closed]
                found += [f"{server}: kept, but out of the rules" for _ in server.idle if system.closed]
        return found

    async def close(self) -> None:
        """Everybody leaves; then nothing may be left over."""
        try:
            for visitor in self.visitors:
                visitor.vanish()
            await self.until(lambda: not self.left_over, 3)
        except TimeoutError:
            raise AssertionError(f"left over when everybody had gone: {self.left_over}") from None
        finally:
            await self.edge.drain(0.1)
            for servers in self.systems.values():
                for server in servers:
                    await server.stop()
        await self.until(lambda: not self._open(), 3)
        assert not self.errors, self.errors

    def _open(self) -> int:
        return sum(server.open for system in self._seen.values() for server in system.servers)


@asynccontextmanager
async def shop(
    rules: Sequence[Rule] = (), *, tls: ssl.SSLContext | None = None, visitor_tls: ssl.SSLContext | None = None,
    generation: dict[str, Any] | None = None, limits: Limits | None = None, access_log: Any = None,
    keeper: Keeper | None = None, **systems: Behaviour | web.Application | Wanted,
) -> AsyncIterator[Shop]:  # fmt: skip
    """Open a shop; without rules, everything belongs to the first system. Sessions are kept by a `keeper` only."""
    async with contextlib.AsyncExitStack() as cleanup:
        wanted = {name: each if isinstance(each, Wanted) else system(each) for name, each in systems.items()}
        hosts: dict[str, list[ScriptedSystem]] = {name: [] for name in wanted}
        specs: dict[str, SystemSpec] = {}
        for name, each in wanted.items():
            addresses = []
            for place, behaviour in enumerate(each.servers):
                if isinstance(behaviour, web.Application):
                    addresses.append(await _application(behaviour, each.tls, cleanup))
                    continue
                host = ScriptedSystem(behaviour, place)
                cleanup.push_async_callback(host.stop)
                await host.start(each.tls)
                hosts[name].append(host)
                addresses.append(host.address)
            specs[name] = SystemSpec(name, **{"servers": tuple(addresses), **each.options})
        listening = socket.socket()
        cleanup.callback(listening.close)
        listening.bind(("127.0.0.1", 0))
        made = rules or [rule("/**", next(iter(wanted)), name="everything")]
        more = {**(generation or {}), **({"limits": limits} if limits else {})}
        edge = Edge(Generation("rules.yaml", Index(made), specs, **more), access_log=access_log, keeper=keeper)
        if keeper is not None:
            cleanup.push_async_callback(keeper.close)
            await keeper.start()
        it = Shop(edge, listening.getsockname()[1], hosts, visitor_tls)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: it.errors.append(context))
        await edge.start([listening], tls)
        try:
            async with asyncio.timeout(6 * TIMEOUT):
                yield it
        except BaseException:
            with contextlib.suppress(AssertionError, TimeoutError):  # what failed first is what matters
                await it.close()
            raise
        await it.close()


async def _application(app: web.Application, tls: ssl.SSLContext | None, cleanup: Any) -> ServerAddress:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    cleanup.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return ServerAddress("https" if tls else "http", *runner.addresses[0][:2])
