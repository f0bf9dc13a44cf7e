"""The pool in every order of events: bursts, refusals while others wait, reloads meanwhile, names that hang."""

from __future__ import annotations

import asyncio

import pytest
from shop import rule
from stage import settle, stage

from router.model import ServerAddress, SystemSpec, Timeouts

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
TWO = (ServerAddress("http", "127.0.0.1", 81), ServerAddress("http", "127.0.0.1", 82))


async def test_a_burst_opens_no_more_connections_than_a_server_may_have():
    async with stage(connections=2) as it:
        clients = [it.client() for _ in range(10)]

        for client in clients:
            client.says_at_once(GET)
        await settle()

        assert it.wanted == 2
        servers = [await it.server(), await it.server()]
        for _ in range(5):
            for server in servers:
                await server.says(OK)
        assert all(client.heard.startswith(b"HTTP/1.1 200") for client in clients)


async def test_a_burst_is_spread_over_the_servers():
    async with stage(servers=TWO) as it:
        for _ in range(10):
            it.client().says_at_once(GET)

        assert [it.pool(place=place).opening for place in (0, 1)] == [5, 5]


async def test_who_waits_is_not_forgotten_when_another_ones_connection_is_refused():
    async with stage(servers=TWO, connections=1) as it:
        one, other = it.client(), it.client()
        await one.says(GET)  # for whom the first server is called
        await other.says(GET)  # for whom the second is
        await settle()
        refused = it._loop.calls.pop(0)

        server = await it.server()  # the second answers first, and serves whoever came first
        refused[3].set_exception(ConnectionRefusedError("refused"))
        await settle()
        again = await it.server()  # a new try for the one who still waits
        await server.says(OK)
        await again.says(OK)

        assert one.heard.startswith(b"HTTP/1.1 200")
        assert other.heard.startswith(b"HTTP/1.1 200")


async def test_those_behind_a_refused_request_get_a_connection_of_their_own():
    async with stage(connections=1, retries=0) as it:
        first = it.client()
        await first.says(GET)
        server = await it.server()
        waiting = [it.client() for _ in range(3)]
        for client in waiting:
            await client.says(GET)

        await server.leaves()  # within the first request
        await it.refuses()
        another = await it.server()
        await another.says(OK)
        await another.says(OK)

        assert [client.heard[9:12] for client in waiting] == [b"502", b"200", b"200"]


async def test_requests_that_wait_when_the_rules_change_are_served_all_the_same():
    async with stage(connections=1) as it:
        clients = [it.client() for _ in range(3)]
        for client in clients:
            await client.says(GET)
        server = await it.server()

        it.swap(systems=[SystemSpec("cms", TWO)])
        await server.says(OK)
        await server.says(OK)
        await server.says(OK)
        await settle()

        assert [client.heard[9:12] for client in clients] == [b"200"] * 3
        assert server.lost


async def test_requests_that_wait_when_the_rules_change_outlive_a_connection_that_breaks():
    async with stage(connections=1) as it:
        one, other = it.client(), it.client()
        await one.says(POST)
        await other.says(POST)
        server = await it.server()

        it.swap(systems=[SystemSpec("cms", TWO)])
        await server.leaves()
        await (await it.server()).says(OK)

        assert (one.heard[9:12], other.heard[9:12]) == (b"502", b"200")


async def test_a_connection_that_opens_after_its_system_left_the_rules_is_not_kept():
    async with stage() as it:
        client = it.client()
        await client.says(GET)
        await settle()
        await client.leaves()
        pool = it.pool()

        it.swap(systems=[SystemSpec("cms", TWO)])
        server = await it.server()

        assert server.lost
        assert (pool.idle, pool.open) == ([], 0)


async def test_a_connection_that_opens_too_late_is_counted_neither_once_nor_twice():
    async with stage(timeouts=Timeouts(connect=0.01)) as it:
        client = it.client()
        await client.says(GET)
        await settle()
        call = it._loop.calls[0]
        line = type(client)(call[2]())  # open, but nobody has told the edge yet
        await asyncio.sleep(0.03)
        await line.leaves()
        await settle()

        assert client.heard.startswith(b"HTTP/1.1 504")
        assert it.pool().open == 0


# --- names ------------------------------------------------------------------------------------------------------------


NAMED = (ServerAddress("http", "cms.example", 80),)


async def test_while_the_resolver_hangs_the_last_good_address_serves():
    """REQUIREMENTS, 55."""
    async with stage(servers=NAMED, keepalive=1.0) as it:
        it.names["cms.example"] = ["192.0.2.1"]
        client = it.client()
        await client.says(GET)
        await (await it.server()).says(OK)
        hanging = it.names["cms.example"] = asyncio.get_running_loop().create_future()
        await it.passes(40)

        await client.says(GET)
        await (await it.server()).says(OK)

        assert client.heard.count(b"HTTP/1.1 200") == 2
        hanging.set_result(["192.0.2.2"])
        await settle()
        await it.passes(2)
        await client.says(GET)
        await settle()
        assert it._loop.calls[0][0] == "192.0.2.2"
        assert it.asked_names == ["cms.example"] * 2


async def test_a_name_that_is_none_is_a_server_that_cannot_be_reached():
    async with stage(servers=NAMED) as it:
        it.names["cms.example"] = UnicodeError("label too long")
        client = it.client()

        await client.says(POST)
        await settle()

        assert client.heard.startswith(b"HTTP/1.1 502")


# --- record -----------------------------------------------------------------------------------------------------------


async def test_pages_that_end_with_their_connection_count_as_successes():
    async with stage(keepalive=1.0) as it:
        for _ in range(4):
            failing = it.client()
            await failing.says(POST)
            await (await it.server()).leaves()
        assert it.pool().failures_in_row == 4

        client = it.client()
        await client.says(GET)
        server = await it.server()
        await server.says(b"HTTP/1.0 200 OK\r\n\r\nhello")
        await server.leaves()

        assert it.pool().failures_in_row == 0


@pytest.mark.parametrize("error", [None, TimeoutError("no SYN came back")])
async def test_a_form_goes_to_another_server_when_nothing_of_it_was_sent(error):
    async with stage(servers=TWO) as it:
        client = it.client()
        await client.says(POST)

        await it.refuses(error)
        await (await it.server()).says(OK)

        assert client.heard.startswith(b"HTTP/1.1 200")


async def test_a_form_goes_to_another_server_when_the_first_does_not_accept_in_time():
    async with stage(servers=TWO, timeouts=Timeouts(connect=0.1)) as it:
        client = it.client()
        await client.says(POST)
        await settle()
        it._loop.calls.clear()
        while not it.wanted:
            await asyncio.sleep(0.002)

        await (await it.server()).says(OK)

        assert client.heard.startswith(b"HTTP/1.1 200")


async def test_a_system_out_of_the_rules_tries_its_ejected_servers_no_more():
    async with stage(rule("/**", "cms"), retries=0) as it:
        pool = it.pool()
        for _ in range(5):
            client = it.client()
            await client.says(GET)
            await it.refuses()
        assert not pool.usable
        await it.passes(0.8)
        assert it.wanted == 1  # the trial

        it.swap(systems=[SystemSpec("cms", TWO)])
        trial = await it.server()

        assert trial.lost
        assert pool.idle == []
