"""WebSockets: a tunnel both ways, closed from either side, and none without a system's word."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from shop import Call, answering, page, shop
from visitor import request

UPGRADE = request("/chat", "GET", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: abc")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Kept: 1\r\n\r\n"


async def echoing(call: Call) -> None:
    """A system that switches at once and says everything twice."""
    await call.head()
    await call.send(SWITCHING)
    while data := await call.reader.read(65536):
        await call.send(data * 2)


async def chat(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("welcome")
    async for message in socket:
        if message.data == "bye":
            await socket.close(code=4001, message=b"see you")
        else:
            await socket.send_str(message.data.upper())
    return socket


def chat_system() -> web.Application:
    app = web.Application()
    app.router.add_get("/chat", chat)
    return app


async def test_a_chat_goes_both_ways_and_the_visitor_may_end_it():
    async with shop(cms=chat_system()) as it, aiohttp.ClientSession() as browser:
        async with browser.ws_connect(f"http://127.0.0.1:{it.port}/chat") as socket:
            assert await socket.receive_str() == "welcome"
            for n in range(50):
                await socket.send_str(f"hello {n}")
                assert await socket.receive_str() == f"HELLO {n}"
            await socket.send_str("x" * 300_000)
            assert await socket.receive_str() == "X" * 300_000

        assert it.edge.snapshot().events["tunnels"] == 1


async def test_a_chat_may_be_ended_by_the_system_with_a_reason():
    async with shop(cms=chat_system()) as it, aiohttp.ClientSession() as browser:
        async with browser.ws_connect(f"http://127.0.0.1:{it.port}/chat") as socket:
            await socket.receive_str()
            await socket.send_str("bye")
            message = await socket.receive()

        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "see you")


async def test_the_system_sees_the_upgrade_and_the_visitor_the_systems_lines():
    async with shop(cms=echoing) as it:
        visitor = await it.visitor()
        await visitor.send(UPGRADE)

        answer = await visitor.head()

        asked = it["cms"].asked[0]
        assert (asked.get("connection"), asked.get("upgrade")) == ("Upgrade", "websocket")
        assert asked.get("sec-websocket-key") == "abc"
        assert (answer.status, answer.get("connection"), answer.get("upgrade")) == (101, "Upgrade", "websocket")
        assert answer.get("x-kept") == "1"


async def test_what_is_said_along_with_the_upgrade_is_not_lost_either_way():
    async def eager(call: Call) -> None:
        await call.head()
        await call.send(SWITCHING + b"first words")
        await call.send(await call.reader.readexactly(200_000))

    async with shop(cms=eager) as it:
        visitor = await it.visitor()
        said = bytes(range(250)) * 800

        visitor.writer.write(UPGRADE + said)  # more than the edge keeps for a later request
        await visitor.head()

        assert await visitor.exactly(11) == b"first words"
        assert await visitor.exactly(200_000) == said
        assert await visitor.end() == "eof"


async def test_the_systems_last_words_arrive_before_the_end():
    async def parting(call: Call) -> None:
        await call.head()
        await call.send(SWITCHING)
        await call.send(b"x" * 500_000 + b"the end")

    async with shop(cms=parting) as it:
        visitor = await it.visitor()
        await visitor.send(UPGRADE)
        await visitor.head()

        assert (await visitor.exactly(500_007)).endswith(b"the end")
        assert await visitor.end() == "eof"


async def test_the_system_learns_when_the_visitor_has_gone():
    left = asyncio.Event()

    async def listening(call: Call) -> None:
        await call.head()
        await call.send(SWITCHING)
        await call.gone()
        left.set()

    async with shop(cms=listening) as it:
        for leave in ("leave", "vanish"):
            left.clear()
            visitor = await it.visitor()
            await visitor.send(UPGRADE)
            await visitor.head()

            if leave == "leave":
                await visitor.leave()
            else:
                visitor.vanish()

            await asyncio.wait_for(left.wait(), 2)
        await it.until(lambda: not it.left_over)
        assert it.tally("everything").statuses[1] == 2


async def test_a_tunnel_that_the_system_breaks_is_broken_visibly():
    async def breaking(call: Call) -> None:
        await call.head()
        await call.send(SWITCHING)
        await call.reader.readexactly(5)
        call.reset()

    async with shop(cms=breaking) as it:
        visitor = await it.visitor()
        await visitor.send(UPGRADE)
        await visitor.head()
        await visitor.send(b"hello")

        assert await visitor.end() == "reset"


async def test_a_system_that_does_not_want_to_switch_answers_as_ever():
    async with shop(cms=answering(page(b"no chat here", "426 Upgrade Required"))) as it:
        visitor = await it.visitor()
        await visitor.send(UPGRADE)

        first = await visitor.answer()
        second = await visitor.ask("/page")

        assert (first.status, second.status, it["cms"].calls) == (426, 426, 1)


async def test_a_switch_that_nobody_asked_for_is_no_answer():
    async with shop(cms=echoing) as it:
        answers = [
            await it.ask("/page"),
            await it.ask("/chat", "POST", "Connection: Upgrade", "Upgrade: websocket", body=b"x"),
            await it.ask("/chat", "GET", "Connection: Upgrade", "Upgrade: h2c"),
            await it.ask("/chat", "GET", "Upgrade: websocket"),
        ]

        assert [answer.status for answer in answers] == [502] * 4
        assert it.server("cms").failures == {"bad_response": 4}


async def test_a_slow_listener_slows_the_system_down_and_loses_nothing():
    sent = 0

    async def talking(call: Call) -> None:
        nonlocal sent
        await call.head()
        await call.send(SWITCHING)
        for _ in range(400):
            await call.send(b"x" * 65536)
            sent += 65536

    async with shop(cms=talking) as it:
        visitor = await it.visitor(small=True)
        await visitor.send(UPGRADE)
        await visitor.head()
        await it.until(lambda: any(client.blocked for client in it.edge.clients))
        await asyncio.sleep(0.2)
        held_at = sent

        total = 0
        while data := await visitor.reader.read(1 << 20):
            total += len(data)

        assert held_at < 16 * 1024 * 1024
        assert total == 400 * 65536


async def test_a_system_that_does_not_listen_slows_the_visitor_down():
    gate = asyncio.Event()

    async def deaf(call: Call) -> None:
        await call.head()
        await call.send(SWITCHING)
        await gate.wait()
        await call.send(b"%d" % len(await call.reader.readexactly(30_000_000)))

    async with shop(cms=deaf) as it:
        visitor = await it.visitor()
        await visitor.send(UPGRADE)
        await visitor.head()
        visitor.writer.write(b"x" * 30_000_000)
        await it.until(lambda: any(client.stopped for client in it.edge.clients))

        gate.set()

        assert await visitor.exactly(8) == b"30000000"
