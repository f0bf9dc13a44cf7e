"""Clients that are slow, stop, or change their protocol half way: what they begin never becomes a request."""

from __future__ import annotations

import asyncio

import pytest

from router.model import Limits
from tests.edge.hostile.cases import SMUGGLED, get, post
from tests.edge.hostile.harness import CLOSING, answers_in, client, exchange, shop

SHORT = Limits(head_time=0.2, idle=0.2)
"""The edge looks at its clients' clock three times a second."""

UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"


@pytest.mark.parametrize(
    "start",
    [
        b"G",
        b"GET",
        b"GET /page HTT",
        b"GET /page HTTP/1.1\r\n",
        get()[:-2],
        get()[:-1],
        get(b"X: y")[:-4],
        b"\r\nGET /",
    ],
)
async def test_a_head_that_stops_is_given_up(start: bytes):
    async with shop(SHORT) as it:
        (answer,) = await exchange(it.port, [start])

        assert answer.status == 408
        assert it.everything == b""


async def test_a_head_that_drips_is_given_up_all_the_same():
    async with shop(SHORT) as it, client(it.port) as visitor:

        async def drip() -> None:
            for place in range(1000):
                await visitor.send(get(b"X: " + b"y" * 900)[place : place + 1])
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        got, _ = await visitor.rest()
        dripping.cancel()

        assert [answer.status for answer in answers_in(got)] == [408]
        assert it.everything == b""


@pytest.mark.parametrize("start", [b"", b"\r\n", b"\r"])
async def test_a_client_that_says_nothing_is_let_go(start: bytes):
    async with shop(SHORT) as it:
        answers = await exchange(it.port, [start])

        assert [answer.status for answer in answers] in ([], [408])
        assert it.everything == b""


async def test_a_second_head_that_stops_is_given_up_too():
    async with shop(SHORT) as it:
        first, second = await exchange(it.port, [get() + b"GET /second HTTP/1.1\r\n"])

        assert (first.status, second.status) == (200, 408)
        assert [request.target for request in it.cms.requests] == ["/page"]


async def test_two_hundred_slow_heads_do_not_keep_an_honest_client_waiting():
    async with shop() as it:
        slow = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(200)]
        for _, writer in slow:
            writer.write(b"GET /slow HTTP/1.1\r\nHost: sh")

        (honest,) = await exchange(it.port, [CLOSING])

        assert honest.body == b"cms GET /after"
        assert [request.target for request in it.cms.requests] == ["/after"]
        for _, writer in slow:
            writer.close()
        for _, writer in slow:
            await writer.wait_closed()


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: 10\r\n", b"hello"),
        post(b"Content-Length: 10\r\n", b""),
        post(b"Transfer-Encoding: chunked\r\n", b""),
        post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhel"),
        post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nA: b\r\n"),
    ],
)
@pytest.mark.parametrize("warm", [True, False])
async def test_an_upload_that_ends_too_soon_never_becomes_whole(sent: bytes, warm: bool):
    """RFC 9112, 8: and what a second client asks is not taken for the rest of it."""
    async with shop() as it:
        if warm:
            await exchange(it.port, [CLOSING])
            it.forget()
        async with client(it.port) as visitor:
            await visitor.send(sent)
            visitor.writer.write_eof()
            await visitor.rest()
        (honest,) = await exchange(it.port, [CLOSING])

        assert honest.body == b"cms GET /after"
        assert [(request.target, request.body) for request in it.cms.requests] == [("/after", b"")]


async def test_an_upgrade_that_is_not_granted_opens_no_tunnel():
    """What follows is read as requests, each by its own rule: checkout behind it goes to commerce."""
    async with shop() as it:
        answers = await exchange(it.port, [get(UPGRADE) + get(b"Connection: close\r\n", b"/checkout/")])

        assert [answer.body for answer in answers] == [b"cms GET /page", b"commerce GET /checkout/"]
        assert [request.target for request in it.cms.requests] == ["/page"]
        assert it.cms.requests[0].all("upgrade") == ["websocket"]


@pytest.mark.parametrize("lines", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_an_upgrade_with_a_body_is_no_upgrade(lines: bytes):
    body = b"hello" if b"Length" in lines else b"5\r\nhello\r\n0\r\n\r\n"
    async with shop() as it:
        await exchange(it.port, [post(UPGRADE + lines, body), CLOSING])

        assert [request.body for request in it.cms.requests] == [b"hello", b""]
        assert b"upgrade" not in it.everything.lower()


async def test_a_tunnel_carries_bytes_and_no_requests():
    granted = (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        0.05,
        b"bye",
        "close",
    )
    async with shop(answers={"/page": granted}) as it, client(it.port) as visitor:
        await visitor.send(get(UPGRADE) + SMUGGLED)
        head = await visitor.reader.readuntil(b"\r\n\r\n")
        rest, _ = await visitor.rest()

        assert head.startswith(b"HTTP/1.1 101 ")
        assert rest == b"bye"
        assert it.cms.everything.endswith(SMUGGLED)  # as data, to the system that owns the tunnel
        assert [request.target for request in it.cms.requests] == ["/page"]
        assert it.commerce.everything == b""
