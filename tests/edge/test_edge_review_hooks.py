"""What a plugin or a reload may do to a request: cost its own effect, never more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest
from shop import rule
from stage import settle, stage

from router.model import Edits, Reply, ServerAddress, SystemSpec

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Says:
    """A plugin that says the same to every request and every answer: what `said` makes."""

    said: Any
    otherwise: Reply | None = None

    def on_request(self, view):
        return self.said()

    def on_response(self, view, response):
        return self.said()


@dataclass(frozen=True)
class SaysLater:
    said: Any
    budget: float = 1.0
    otherwise: Reply | None = None

    async def on_request_waiting(self, view):
        return self.said()


GARBAGE = [
    lambda: "X-Label: a",
    lambda: Edits(set={"X Label": "a"}),
    lambda: Edits(set={"X-Label: a\r\nX-Other": "b"}),
    lambda: Edits(add=[("X-Läbel", "a")]),
    lambda: Edits(remove=["X-☃"]),
    lambda: Edits(set={"X-Label": 1}),
    lambda: Reply(99),
    lambda: Reply(999),
    lambda: Reply(200, body="text"),
    lambda: Reply(200, [("Bad Name", "a")]),
]


@pytest.mark.parametrize("hooks", [Says, SaysLater])
@pytest.mark.parametrize("said", GARBAGE)
async def test_a_plugin_that_says_nonsense_costs_only_its_own_effect(said, hooks):
    async with stage(rule("/**", "cms", plugins=(hooks(said),))) as it:
        client = it.client()

        await client.says(GET)
        server = await it.server()
        await server.says(OK)

        assert client.heard.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
        assert b"abel" not in server.heard + client.heard
        assert sum(it.edge.snapshot().plugin_errors.values()) == (2 if hooks is Says else 1)


async def test_what_the_edge_says_of_a_request_is_said_once():
    lines = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id", "traceparent")
    plugin = Says(lambda: Edits(set=dict.fromkeys(lines, "of the plugin")))
    async with stage(rule("/**", "cms", plugins=(plugin,))) as it:
        client = it.client()

        await client.says(GET)
        server = await it.server()
        await server.says(OK)

        for line in lines:
            assert server.heard.lower().count(line.lower().encode() + b":") == 1
        assert client.heard.lower().count(b"x-request-id:") == 1
        assert b"of the plugin" not in server.heard + client.heard


async def test_a_plugin_that_heeds_no_budget_is_answered_for_and_asks_nobody_afterwards():
    goes_on = asyncio.Event()

    @dataclass(frozen=True)
    class Deaf:
        budget: float = 0.01
        otherwise: Reply | None = None

        async def on_request_waiting(self, view):
            while not goes_on.is_set():
                try:
                    await goes_on.wait()
                except asyncio.CancelledError:
                    asyncio.current_task().uncancel()

    two = (SystemSpec("cms", (ServerAddress("http", "127.0.0.1", 80),)),)
    two += (SystemSpec("commerce", (ServerAddress("http", "127.0.0.1", 81),)),)
    async with stage(rule("/**", "cms", plugins=(Deaf(),), fallback="commerce"), systems=two) as it:
        client = it.client()
        await client.says(GET)

        await it.passes(6)
        assert client.heard.startswith(b"HTTP/1.1 500")
        goes_on.set()
        await settle()

        assert it.wanted == 0
        assert client.heard.count(b"HTTP/1.1") == 1


async def test_a_proxy_is_believed_no_longer_when_the_rules_say_so_even_on_a_connection_that_stays():
    forwarded = b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    async with stage() as it:
        it.edge.swap(replace(it.edge.live.generation, number=2, trusted=(ip_network("192.0.2.0/24"),)))
        client = it.client("192.0.2.7")
        await client.says(forwarded)
        server = await it.server()
        assert b"X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n" in server.heard
        await server.says(OK)

        it.edge.swap(replace(it.edge.live.generation, number=3, trusted=()))
        await client.says(forwarded)

        assert server.heard.endswith(b"-00\r\n\r\n")
        assert b"X-Forwarded-For: 192.0.2.7\r\n" in server.heard


async def test_a_fault_with_one_client_does_not_stop_the_clock_of_the_others():
    async with stage() as it:
        clients = [it.client() for _ in range(5)]
        for client in clients:
            await client.says(b"GET / HT")

        def broken(data):
            raise RuntimeError("a fault of ours")

        clients[0].write = broken
        await it.passes(12)

        assert clients[0].reset
        assert all(client.heard.startswith(b"HTTP/1.1 408") for client in clients[1:])
        assert [str(fault["exception"]) for fault in it._loop.faults] == ["a fault of ours"]
        it._loop.faults.clear()


@pytest.mark.parametrize(
    ("said", "chain"),
    [
        ("203.0.113.9:51234", "203.0.113.9, 192.0.2.7"),
        ("[2001:DB8::9]:51234", "2001:db8::9, 192.0.2.7"),
        ("2001:DB8:0:0::9", "2001:db8::9, 192.0.2.7"),
        ("::ffff:203.0.113.9", "203.0.113.9, 192.0.2.7"),
        ("10.9.9.9, 203.0.113.9, 192.0.2.8:80", "203.0.113.9, 192.0.2.8, 192.0.2.7"),
        ("fe80::1%<script>", "192.0.2.7"),
        ("unknown", "192.0.2.7"),
        ("", "192.0.2.7"),
    ],
)
async def test_proxies_may_spell_the_client_as_they_like(said, chain):
    async with stage() as it:
        it.edge.swap(replace(it.edge.live.generation, number=2, trusted=(ip_network("192.0.2.0/24"),)))
        client = it.client("192.0.2.7")

        await client.says(b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: %b\r\n\r\n" % said.encode())
        server = await it.server()

        assert b"X-Forwarded-For: %b\r\n" % chain.encode() in server.heard
