"""Clients in every order of events: slow readers, long pipelines, ends that come early, deadlines that must hold."""

from __future__ import annotations

import asyncio

import pytest
from shop import rule
from stage import settle, stage

from router.model import Limits, Reply, Timeouts
from router.rules import Respond

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
WEBSOCKET = (
    b"GET /chat HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: x\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def page(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size)


# --- slow readers -----------------------------------------------------------------------------------------------------


async def test_who_reads_slowly_but_steadily_gets_the_whole_page():
    async with stage() as it:
        client = it.client()
        await client.says(GET)
        server = await it.server()
        client.clogged = True

        await server.says(page(300_000))
        for _ in range(40):
            await it.passes(45)
            client.takes(10_000)

        assert client.heard.endswith(b"x" * 1000)
        assert len(client.heard) > 300_000


async def test_who_takes_nothing_of_a_page_is_given_up():
    async with stage(limits=Limits(write_idle=60)) as it:
        client = it.client()
        await client.says(GET)
        server = await it.server()
        client.clogged = True

        await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 300_000)
        assert not server.reading
        await it.passes(50)
        assert not client.lost
        await it.passes(12)

        assert client.reset
        assert server.lost


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
async def test_a_last_page_has_its_time_to_be_taken_when_the_system_was_quick(close):
    quick = Timeouts(idle=0.5)
    async with stage(timeouts=quick, limits=Limits(write_idle=60)) as it:
        client = it.client()
        await client.says(b"GET / HTTP/1.1\r\nHost: shop.example\r\n%b\r\n" % close)
        server = await it.server()
        client.clogged = True
        await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        await server.says(b"x" * 200_000)

        await it.passes(30)
        client.takes()
        await settle()

        assert client.heard.endswith(b"x" * 200_000)
        assert not client.reset


async def test_a_last_page_has_its_time_also_under_tls_which_does_not_say_what_waits_below_it():
    async with stage() as it:
        client = it.client()
        await client.says(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        server = await it.server()
        client.clogged = True
        client.get_write_buffer_size = lambda: 0
        await server.says(page(50_000))

        await it.passes(30)
        client.takes()

        assert client.heard.endswith(b"x" * 50_000)


async def test_who_never_takes_a_last_page_is_forgotten_in_the_end():
    async with stage(limits=Limits(write_idle=60, idle=75)) as it:
        client = it.client()
        await client.says(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        server = await it.server()
        client.clogged = True
        await server.says(page(200_000))

        await it.passes(80)

        assert client.reset
        assert not it.edge.clients


async def test_a_client_whose_answer_did_not_fit_is_read_again_once_it_did():
    async with stage() as it:
        client = it.client()
        await client.says(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 400000\r\n\r\n")
        server = await it.server()
        server.clogged = True
        await client.says(b"y" * 400_000)
        assert not client.reading
        client.clogged = True
        await server.says(page(100_000))

        client.takes()
        await client.says(GET)
        await settle()

        assert it.wanted == 1


# --- pipelines --------------------------------------------------------------------------------------------------------


async def test_a_long_pipeline_that_ends_within_a_head_is_read_on():
    rules = [rule("/hello", Respond(Reply(200, [], b"hi"))), rule("/**", "cms")]
    async with stage(*rules) as it:
        client = it.client()
        hello = b"GET /hello HTTP/1.1\r\nHost: shop.example\r\nX-Long: " + b"x" * 4000 + b"\r\n\r\n"
        await client.says(GET)
        await client.says(hello * 30 + b"GET /hello HTTP/1.1\r\n")
        assert not client.reading

        await (await it.server()).says(OK)
        await client.says(b"Host: shop.example\r\n\r\n")

        assert client.heard.count(b"HTTP/1.1 200") == 32


async def test_a_half_closed_pipeline_that_ends_in_an_empty_line_is_over_when_answered():
    async with stage() as it:
        client = it.client()
        await client.says(GET + b"\r\n")
        await client.half_closes()

        await (await it.server()).says(OK)

        assert client.heard.startswith(b"HTTP/1.1 200")
        assert client.lost


# --- tunnels ----------------------------------------------------------------------------------------------------------


async def test_a_chat_that_was_held_up_once_may_be_silent_as_long_as_any():
    async with stage() as it:
        client = it.client()
        await client.says(WEBSOCKET)
        server = await it.server()
        await server.says(SWITCHING)
        client.clogged = True
        await server.says(b"x" * 100_000)
        client.takes()

        await it.passes(600)
        await server.says(b"still there")

        assert client.heard.endswith(b"still there")


async def test_a_chat_that_ends_while_the_system_takes_nothing_leaves_nothing_open():
    async with stage() as it:
        client = it.client()
        await client.says(WEBSOCKET)
        server = await it.server()
        await server.says(SWITCHING)
        server.clogged = True
        await client.says(b"x" * 1000)

        await client.leaves()
        await it.passes(30)

        assert server.lost
        assert it.pool().busy == 0


async def test_chats_that_break_say_nothing_about_pages():
    async with stage() as it:
        for _ in range(6):
            client = it.client()
            await client.says(WEBSOCKET)
            server = await it.server()
            await server.says(SWITCHING)
            await server.leaves(ConnectionResetError("gone"))

        assert it.pool().failures_in_row == 0


async def test_an_open_chat_is_no_work_for_the_system():
    async with stage() as it:
        client = it.client()
        await client.says(WEBSOCKET)
        server = await it.server()
        await server.says(SWITCHING)
        await asyncio.sleep(0.05)

        await client.leaves()

        (count,) = it.edge.snapshot().rules
        assert count.system_seconds < count.seconds - 0.04
        assert it.pool().seconds == count.system_seconds > 0


# --- early answers ----------------------------------------------------------------------------------------------------


async def test_who_uploads_much_more_than_was_wanted_still_has_the_time_to_read_why():
    async with stage(limits=Limits(body=1000)) as it:
        client = it.client()
        await client.says(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9000000000\r\n\r\n")
        assert client.heard.startswith(b"HTTP/1.1 413")

        for _ in range(100):
            await client.says(b"x" * 256 * 1024)
        assert not client.lost
        await it.passes(3)

        assert client.lost
