"""The drain, from the visitors' side: what is under way is finished, what hangs is cut in the end."""

from __future__ import annotations

import asyncio

import pytest
from shop import Call, answering, hanging, page, shop
from visitor import Truncated, request


class Slow:
    """A system that answers in two parts, the second when the gate opens."""

    def __init__(self, head: bytes, rest: bytes) -> None:
        self.head = head
        self.rest = rest
        self.gate = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        await call.request()
        await call.send(self.head)
        await self.gate.wait()
        await call.send(self.rest)


async def draining(it, seconds: float = 5.0) -> asyncio.Task[int]:
    """Begin to drain."""
    task = asyncio.create_task(it.edge.drain(seconds))
    while not it.edge.draining:
        await asyncio.sleep(0)
    return task


async def test_a_request_under_way_is_answered_with_connection_close():
    slow = Slow(b"", page(b"done"))
    async with shop(cms=slow) as it:
        visitor = await it.visitor()
        await visitor.send(request())
        await it["cms"].until(lambda: it["cms"].asked)

        task = await draining(it)
        slow.gate.set()
        answer = await visitor.answer()

        assert (answer.body, answer.keeps) == (b"done", False)
        assert await visitor.end() == "eof"
        assert await task == 0


async def test_a_download_under_way_is_finished():
    slow = Slow(b"HTTP/1.1 200 OK\r\nContent-Length: 300005\r\n\r\nfirst", b"x" * 300_000)
    async with shop(cms=slow) as it:
        visitor = await it.visitor()
        await visitor.send(request())
        await visitor.head()

        task = await draining(it)
        slow.gate.set()

        assert len(await visitor.exactly(300_005)) == 300_005
        assert await visitor.end() == "eof"
        assert await task == 0


async def test_an_upload_under_way_is_finished():
    async with shop(cms=answering(lambda asked: page(asked.body))) as it:
        visitor = await it.visitor()
        await visitor.send(request("/form", "POST", "Content-Length: 10") + b"first")
        await it["cms"].until(lambda: it["cms"].asked)

        task = await draining(it)
        await visitor.send(b"final")
        answer = await visitor.answer()

        assert (answer.body, answer.keeps) == (b"firstfinal", False)
        assert await task == 0


async def test_a_stream_of_events_goes_on_until_the_time_is_over_and_is_then_cut_visibly():
    async def ticking(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"6\r\ntick\n\n\r\n")
            await asyncio.sleep(0.02)

    async with shop(cms=ticking) as it:
        visitor = await it.visitor()
        await visitor.send(request())
        await visitor.head()

        task = await draining(it, 0.3)
        seen = []
        with pytest.raises(Truncated):
            await anext(piece async for piece in visitor.chunks() if seen.append(piece))

        assert len(seen) > 2
        assert await task == 1


async def test_a_pipeline_is_answered_up_to_the_request_under_way():
    slow = Slow(b"", page(b"done"))
    async with shop(cms=slow) as it:
        visitor = await it.visitor()
        await visitor.send(request("/first") + request("/second") * 50)
        await it["cms"].until(lambda: it["cms"].asked)

        task = await draining(it)
        slow.gate.set()

        assert (await visitor.answer()).body == b"done"
        assert await visitor.end() == "eof"
        assert [asked.target for asked in it["cms"].asked] == ["/first"]
        assert await task == 0


async def test_a_request_that_hangs_is_cut_when_the_time_is_over():
    async with shop(cms=hanging) as it:
        visitor = await it.visitor()
        await visitor.send(request())
        await it["cms"].until(lambda: it["cms"].asked)

        assert await it.edge.drain(0.1) == 1

        assert await visitor.end() == "reset"
        await it["cms"].until(lambda: not it["cms"].open)


async def test_a_tunnel_is_cut_when_the_time_is_over():
    async def switching(call: Call) -> None:
        await call.head()
        await call.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        await call.gone()

    async with shop(cms=switching) as it:
        visitor = await it.visitor()
        await visitor.send(request("/chat", "GET", "Connection: Upgrade", "Upgrade: websocket"))
        await visitor.head()

        await it.edge.drain(0.1)

        await visitor.end()
        await it["cms"].until(lambda: not it["cms"].open)


async def test_when_it_is_over_no_connection_to_any_system_is_open():
    async with shop(cms=answering(page(b"ok"))) as it:
        for _ in range(5):
            await it.ask()

        await it.edge.drain(1)

        await it["cms"].until(lambda: not it["cms"].open)
