"""A real edge on real sockets before two recording systems: commerce owns checkout and basket, the CMS the rest."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from router.conditions import Host
from router.edge import Edge
from router.generation import Generation
from router.index import Index
from router.model import Limits, ServerAddress, SystemSpec, Timeouts
from router.patterns import PathPattern
from router.rules import Rule, To
from tests.edge.recording import RecordingSystem, Step

PATIENCE = 5.0
"""Seconds a client waits for anything; only a fault makes it wait so long."""

LIMITS = Limits()
TIMEOUTS = Timeouts()

CLOSING = b"GET /after HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
"""An honest request that ends the connection: its answer must come last, and be its own."""


@dataclass
class Shop:
    """What a test has at hand."""

    port: int
    cms: RecordingSystem
    commerce: RecordingSystem
    edge: Edge

    @property
    def everything(self) -> bytes:
        """Every byte that any system got."""
        return self.cms.everything + self.commerce.everything

    @property
    def requests(self) -> int:
        """How many whole requests came to any system."""
        return len(self.cms.requests) + len(self.commerce.requests)

    def forget(self) -> None:
        self.cms.forget()
        self.commerce.forget()


@asynccontextmanager
async def shop(
    limits: Limits = LIMITS, answers: Mapping[str, Sequence[Step]] | None = None, timeouts: Timeouts = TIMEOUTS
) -> AsyncIterator[Shop]:
    """Open the shop; `answers` are what the CMS says to certain targets instead of a plain answer."""
    async with RecordingSystem("cms", answers) as cms, RecordingSystem("commerce") as commerce:
        listening = socket.create_server(("127.0.0.1", 0))
        edge = Edge(generation(cms.port, commerce.port, limits, timeouts))
        await edge.start([listening])
        try:
            yield Shop(listening.getsockname()[1], cms, commerce, edge)
            assert not cms.faults
            assert not commerce.faults
        finally:
            await edge.drain(0.05)
            while edge.clients:
                await asyncio.sleep(0)


def generation(cms: int, commerce: int, limits: Limits = LIMITS, timeouts: Timeouts = TIMEOUTS) -> Generation:
    def system(name: str, port: int, payment: bool) -> SystemSpec:
        return SystemSpec(name, (ServerAddress("http", "127.0.0.1", port),), payment=payment, timeouts=timeouts)

    buying = (PathPattern.parse("/checkout/**"), PathPattern.parse("/basket/**"))
    rules = [
        Rule("checkout", buying, To("commerce"), page="checkout"),
        Rule("everything else", (PathPattern.parse("/**"),), To("cms"), page="home"),
    ]
    return Generation(
        "rules.yaml",
        Index(rules),
        {"cms": system("cms", cms, payment=False), "commerce": system("commerce", commerce, payment=True)},
        hosts=Host(frozenset({"shop.test", "127.0.0.1", "[::1]"})),
        limits=limits,
    )


# --- clients ----------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What a strict reader makes of one answer; `whole` is False where its end is missing or doubtful."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool


class Client:
    """A connection to the edge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send the pieces one after the other, so that the edge is likely to read them apart."""
        for piece in pieces:
            self.writer.write(piece)
            await asyncio.sleep(0)

    async def rest(self) -> tuple[bytes, bool]:
        """Return all that still comes, and whether the connection ended by a reset."""
        got = b""
        try:
            async with asyncio.timeout(PATIENCE):
                while data := await self.reader.read(65536):
                    got += data
        except ConnectionResetError:
            return got, True
        return got, False

    async def answer(self, bodiless: bool = False) -> Answer:
        """Return the next answer; the connection may stay open behind it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                head = await self._until(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 1") or head.startswith(b"HTTP/1.1 101"):
                    break
            status, headers = parse_head(head)
            body, whole = await self._body(headers, bodiless or status in (204, 304))
        return Answer(status, headers, body, whole)

    async def _until(self, mark: bytes) -> bytes:
        try:
            return await self.reader.readuntil(mark)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError(f"ended after {error.partial!r}") from None

    async def _body(self, headers: dict[str, str], bodiless: bool) -> tuple[bytes, bool]:
        got = b""
        try:
            if bodiless:
                return b"", True
            if headers.get("transfer-encoding") == "chunked":
                while size := int(await self.reader.readuntil(b"\r\n"), 16):
                    got += (await self.reader.readexactly(size + 2))[:-2]
                while await self.reader.readuntil(b"\r\n") != b"\r\n":
                    pass
                return got, True
            if "content-length" in headers:
                return await self.reader.readexactly(int(headers["content-length"])), True
            got, reset = await self.rest()
        except asyncio.IncompleteReadError as error:
            return got + error.partial, False
        except ConnectionResetError:
            return got, False
        return got, not reset

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    visitor = Client(reader, writer)
    try:
        yield visitor
    finally:
        await visitor.close()


async def exchange(port: int, pieces: Sequence[bytes]) -> list[Answer]:
    """Send the pieces on a connection of their own; return every answer until the edge closes it."""
    async with client(port) as visitor:
        await visitor.send(*pieces)
        data, reset = await visitor.rest()
    assert not reset
    return answers_in(data)


def answers_in(data: bytes) -> list[Answer]:
    """Return the answers that these bytes are: all with Content-Length, as the recording systems and the edge give."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"an answer breaks off: {head!r}"
        status, headers = parse_head(head)
        if status < 200:
            continue
        length = int(headers.get("content-length", "0"))
        found.append(Answer(status, headers, data[:length], len(data) >= length))
        data = data[length:]
    return found


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the lines by name in lower case; two lines of framing are a fault."""
    start, *lines = head.rstrip(b"\r\n").decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    framing = [name for name, _ in pairs if name in ("content-length", "transfer-encoding")]
    assert len(framing) < 2, framing
    assert start.startswith("HTTP/1.1 ")
    return int(start[9:12]), dict(pairs)


def pieces_of(data: bytes, most: int = 150) -> list[bytes]:
    """Cut data into single bytes, or into as many equal pieces as `most` where it is long."""
    size = max(1, len(data) // most)
    return [data[place : place + size] for place in range(0, len(data), size)]
