"""Floods of bad clients while ordinary visitors ask on: what those notice, what the proxy holds before and after."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from tests.bench import machine
from tests.bench.table import markdown
from tests.conformance.helpers import Held, a_system, held, visitors
from tests.conformance.proxies import Contender, Running, started

RATE = 100
"""Requests a second of ordinary visitors."""
SLOW_HEADS = 2000
READERS = 150
_RESET = struct.pack("ii", 1, 0)
_HOST = b"Host: shop.test\r\n"

Note = str
"""What a flood says of itself when it is over."""
Flood = Callable[[int, float], Awaitable[Note]]


@asynccontextmanager
async def _crowd(port: int, count: int, buffer: int = 0) -> AsyncIterator[list[socket.socket]]:
    """Open so many connections, with the smallest receive buffer if asked to."""
    plugs: list[socket.socket] = []
    loop = asyncio.get_running_loop()
    try:
        for _ in range(count):
            plug = socket.socket()
            if buffer:
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            plug.setblocking(False)
            plugs.append(plug)
            await loop.sock_connect(plug, ("127.0.0.1", port))
        yield plugs
    finally:
        for plug in plugs:
            plug.close()


def _is_open(plug: socket.socket) -> bool:
    """Whether the other side has neither closed nor refused."""
    try:
        plug.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


async def slow_heads(port: int, seconds: float) -> Note:
    """2,000 clients send a head byte by byte, one every second."""
    begun = monotonic()
    drip = b"GET /page HTTP/1.1\r\nHost: shop.test\r\nX-Slow: " + b"a" * 100
    async with _crowd(port, SLOW_HEADS) as plugs:
        place = 0
        while monotonic() - begun < seconds:
            for plug in plugs:
                with contextlib.suppress(OSError):
                    plug.send(drip[place : place + 1] or b"a")
            place += 1
            await asyncio.sleep(1)
        return f"{sum(map(_is_open, plugs)):,} of {SLOW_HEADS:,} still open"


async def idle_connections(port: int, seconds: float) -> Note:
    """2,000 clients connect and say nothing."""
    async with _crowd(port, SLOW_HEADS) as plugs:
        await asyncio.sleep(seconds)
        return f"{sum(map(_is_open, plugs)):,} of {SLOW_HEADS:,} still open"


async def endless_heads(port: int, seconds: float) -> Note:
    """Fifty clients send header lines without end, and come again when they are sent away."""
    end, sent = monotonic() + seconds, 0
    line = b"X-Flood: " + b"a" * 1000 + b"\r\n"

    async def one() -> None:
        nonlocal sent
        while monotonic() < end:
            with contextlib.suppress(OSError, TimeoutError, RuntimeError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(b"GET /page HTTP/1.1\r\n" + _HOST)
                    for _ in range(200):
                        if writer.is_closing() or monotonic() > end:
                            break
                        writer.write(line)
                        sent += len(line)
                        await asyncio.wait_for(writer.drain(), max(0.01, end - monotonic()))
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(50)))
    return f"{sent / 1e6:,.0f} MB sent"


async def slow_readers(port: int, seconds: float) -> Note:
    """150 clients ask for 8 MB each and read a kilobyte a second."""
    loop = asyncio.get_running_loop()
    async with _crowd(port, READERS, 4096) as plugs:
        for plug in plugs:
            await loop.sock_sendall(plug, b"GET /big HTTP/1.1\r\n" + _HOST + b"\r\n")
        end = monotonic() + seconds
        while monotonic() < end:
            for plug in plugs:
                with contextlib.suppress(OSError):
                    plug.recv(1024, socket.MSG_DONTWAIT)
            await asyncio.sleep(1)
    return ""


async def vanishing_uploads(port: int, seconds: float) -> Note:
    """Fifty clients at a time begin an upload of 1 MB, send a part of it, and are gone by a reset."""
    end, begun = monotonic() + seconds, 0
    head = b"POST /form HTTP/1.1\r\n" + _HOST + b"Content-Length: 1000000\r\n\r\n"

    async def one() -> None:
        nonlocal begun
        while monotonic() < end:
            with contextlib.suppress(OSError, RuntimeError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head + b"." * 60_000)
                begun += 1
                await asyncio.sleep(0.02)
                plug = writer.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one() for _ in range(50)))
    return f"{begun:,} uploads"


async def deaf_system(port: int, seconds: float) -> Note:
    """One client sends 1 GB to a system that reads nothing of it."""
    sent = 0
    with contextlib.suppress(OSError, TimeoutError, RuntimeError):
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"POST /deaf HTTP/1.1\r\n" + _HOST + b"Content-Length: 1000000000\r\n\r\n")
                piece = bytes(1 << 16)
                while sent < 1_000_000_000:
                    writer.write(piece)
                    await writer.drain()
                    sent += len(piece)
            finally:
                writer.transport.abort()
    await asyncio.sleep(0)
    return f"{sent / 1e6:,.1f} MB taken"


FLOODS: tuple[tuple[str, Flood, float], ...] = (
    ("2,000 slow heads", slow_heads, 13.0),
    ("2,000 idle connections", idle_connections, 4.0),
    ("heads without end", endless_heads, 4.0),
    ("150 slow readers of 8 MB", slow_readers, 5.0),
    ("uploads that vanish", vanishing_uploads, 4.0),
    ("1 GB to a deaf system", deaf_system, 4.0),
)
"""Name, flood, seconds. Heads may take ten seconds with all four, so after thirteen no slow one should be left."""


@dataclass(frozen=True, slots=True)
class Endured:
    """What a proxy bore of one flood."""

    visitors: dict[str, Any]
    most: Held
    worked: float
    """Seconds of processor time."""
    note: Note

    def cell(self, before: Held) -> str:
        bore = self.visitors
        lost = sum(bore["failed"].values()) + bore["refused"]
        more = self.most.memory - before.memory
        said = f"{bore['p50']:.1f} / {bore['p99']:.1f} ms, +{more:.0f} MB, {self.worked:.1f} s"
        return said + (f", **{lost} lost**" if lost else "") + (f"; {self.note}" if self.note else "")


async def one(contender: Contender, say: Callable[[str], None]) -> tuple[Held, dict[str, Endured], Held]:
    """Let all floods come over one proxy; return what it held before, what it bore, and what it holds after."""
    async with a_system() as system, started(contender, system, system, 60) as running:
        begun = machine.cpu_seconds(running.process.pid)
        quiet = await visitors(running.port, 2, RATE)
        before = held(running.process.pid)
        bore = {"no flood": Endured(quiet, before, machine.cpu_seconds(running.process.pid) - begun, "")}
        for name, flood, seconds in FLOODS:
            bore[name] = await _endure(running, flood, seconds)
            say(f"{contender.title}, {name}: {bore[name].cell(before)}")
        await asyncio.sleep(2)
        await visitors(running.port, 1, RATE)
        return before, bore, held(running.process.pid)


async def _endure(running: Running, flood: Flood, seconds: float) -> Endured:
    begun = machine.cpu_seconds(running.process.pid)
    coming = asyncio.create_task(flood(running.port, seconds))
    asking = asyncio.create_task(visitors(running.port, seconds, RATE))
    most = held(running.process.pid)
    while not asking.done():
        await asyncio.sleep(0.25)
        now = held(running.process.pid)
        most = Held(max(most.memory, now.memory), max(most.descriptors, now.descriptors))
    note = await coming
    return Endured(await asking, most, machine.cpu_seconds(running.process.pid) - begun, note)


async def run(contenders: Sequence[Contender], say: Callable[[str], None]) -> str:
    """Flood all of them, one after the other; return a table."""
    found = {contender.title: await one(contender, say) for contender in contenders}
    names = ["no flood", *(name for name, _, _ in FLOODS)]
    rows = [[name, *(bore[name].cell(before) for before, bore, _ in found.values())] for name in names]
    rows.append(["memory before, after", *(f"{b.memory:.0f}, {a.memory:.0f} MB" for b, _, a in found.values())])
    rows.append(["descriptors before, after", *(f"{b.descriptors}, {a.descriptors}" for b, _, a in found.values())])
    return markdown(["p50 / p99 of visitors, memory, processor", *found], rows)
