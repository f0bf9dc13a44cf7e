"""Whoever is slow slows down who sends to them, and costs the edge next to nothing."""

from __future__ import annotations

import asyncio

import pytest
from shop import QUICK, Call, answering, page, rule, shop, system
from visitor import Truncated, request

from router.model import Limits
from router.rules import Redirect

MEGABYTE = 1024 * 1024
MOST = 16 * MEGABYTE
"""What may be on its way between a system that sends and a visitor who does not read: mostly the kernel's buffers."""


class Pouring:
    """A system that sends a large page as fast as it is taken."""

    def __init__(self, size: int, framing: str = "length") -> None:
        self.size = size
        self.sent = 0
        self.framing = framing

    async def __call__(self, call: Call) -> None:
        piece = b"x" * 65536
        while True:
            await call.request()
            if self.framing == "length":
                await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
            else:
                await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            for _ in range(self.size // 65536):
                await call.send(piece)
                self.sent += 65536
            if self.framing == "chunked":
                await call.send(b"0\r\n\r\n")


def unsent(it) -> int:
    """Bytes that the edge itself holds for its visitors."""
    return sum(client.transport.get_write_buffer_size() for client in it.edge.clients)


async def still(value) -> int:
    """Wait until a number has stopped growing; return it."""
    before = -1
    while before != value():
        before = value()
        await asyncio.sleep(0.1)
    return before


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_visitor_who_does_not_read_stops_the_system_and_then_gets_everything(framing):
    pouring = Pouring(200 * MEGABYTE, framing)
    async with shop(cms=pouring) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film"))
        await visitor.head()

        held_at = await still(lambda: pouring.sent)
        held_in_edge = unsent(it)
        got = 0
        if framing == "chunked":
            async for piece in visitor.chunks():
                got += len(piece)
        while framing == "length" and got < 200 * MEGABYTE:
            got += len(await visitor.reader.read(MEGABYTE))

        assert held_at < MOST
        assert held_in_edge < MEGABYTE
        assert got == 200 * MEGABYTE
        assert (await it.ask("/film", "HEAD")).status == 200


async def test_a_system_that_does_not_read_stops_the_visitor_and_then_gets_everything():
    gate = asyncio.Event()
    body = b"x" * (60 * MEGABYTE)

    async def deaf(call: Call) -> None:
        asked = await call.head()
        await gate.wait()
        await call.body(asked)
        await call.send(page(b"%d" % len(asked.body)))

    async with shop(cms=deaf) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", f"Content-Length: {len(body)}"))
        visitor.writer.write(body)

        held_at = len(body) - await still(visitor.writer.transport.get_write_buffer_size)
        stopped = [client.stopped for client in it.edge.clients]
        gate.set()
        answer = await visitor.answer()

        assert held_at < MOST
        assert stopped == [True]
        assert answer.body == b"%d" % len(body)


async def test_fifty_visitors_who_do_not_read_cost_little():
    """REQUIREMENTS, 53; 150 of them, over a whole edge: `make conformance`."""
    pouring = Pouring(20 * MEGABYTE)
    async with shop(cms=pouring) as it:
        visitors = [await it.visitor(small=True) for _ in range(50)]
        for visitor in visitors:
            visitor.reader._transport.pause_reading()
            visitor.writer.write(request("/film"))

        await still(lambda: pouring.sent)

        assert len(it.edge.clients) == 50
        assert unsent(it) < 50 * 400 * 1024
        assert (await it.ask("/page", "HEAD")).status == 200


async def test_a_pipeline_of_a_visitor_who_does_not_read_is_not_worked_off():
    async with shop(cms=answering(page(b"x" * 100_000))) as it:
        visitor = await it.visitor(small=True)
        visitor.reader._transport.pause_reading()
        visitor.writer.write(request("/page") * 3000)

        await still(it["cms"].asked.__len__)

        asked = len(it["cms"].asked)
        assert asked < 200
        assert unsent(it) < MEGABYTE
        visitor.reader._transport.resume_reading()
        for _ in range(300):
            await visitor.answer()
        assert len(it["cms"].asked) > asked


async def test_a_pipeline_of_redirects_for_a_visitor_who_does_not_read_is_not_worked_off():
    rules = [rule("/old", Redirect("/new" + "w" * 8000))]
    async with shop(rules, cms=answering(page())) as it:
        visitor = await it.visitor(small=True)
        visitor.reader._transport.pause_reading()
        visitor.writer.write(request("/old") * 4000)

        await still(lambda: it.tally("/old").requests if it.edge.snapshot().rules else 0)

        assert it.tally("/old").requests < 3000
        assert unsent(it) < MEGABYTE
        visitor.reader._transport.resume_reading()
        for _ in range(4000):
            assert (await visitor.answer()).status == 302


async def test_a_visitor_who_takes_nothing_for_too_long_is_cut_off():
    pouring = Pouring(50 * MEGABYTE)
    async with shop(cms=system(pouring, timeouts=QUICK), limits=Limits(write_idle=0.4)) as it:
        visitor = await it.visitor(small=True)
        await visitor.send(request("/film"))
        await visitor.head()

        await it.until(lambda: it.edge.snapshot().errors.get("client_slow"), 4)

        assert it.server("cms").failures == {}  # it was not the system's fault
        await it["cms"].until(lambda: not it["cms"].open)
        with pytest.raises(Truncated):
            await visitor.exactly(50 * MEGABYTE)


async def test_a_visitor_who_reads_slowly_but_steadily_is_not_cut_off():
    pouring = Pouring(3 * MEGABYTE)
    async with shop(cms=system(pouring, timeouts=QUICK), limits=Limits(write_idle=0.8)) as it:
        visitor = await it.visitor(small=True)
        await visitor.send(request("/film"))
        await visitor.head()

        got = 0
        while got < 3 * MEGABYTE:
            got += len(await visitor.reader.read(65536))
            await asyncio.sleep(0.02)

        assert got == 3 * MEGABYTE
