"""The drain: nobody who asked in time is left without an answer."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from shop import answering, page, shop
from visitor import Visitor, request

from router.edge import edge as edge_module


async def test_a_request_that_is_on_its_way_when_the_drain_begins_is_answered():
    async with shop(cms=answering(page(b"hello"))) as it:
        visitor = await it.visitor()
        await visitor.ask()

        draining = asyncio.create_task(it.edge.drain(5))
        await asyncio.sleep(0.05)
        answer = await visitor.ask()

        assert (answer.status, answer.body, answer.keeps) == (200, b"hello", False)
        assert await visitor.end() == "eof"
        assert await draining == 0


async def test_who_asks_nothing_more_does_not_hold_the_drain_up(monkeypatch):
    monkeypatch.setattr(edge_module, "_LAST_CHANCE", 0.2)
    async with shop(cms=answering(page(b"hello"))) as it:
        visitor = await it.visitor()
        await visitor.ask()
        before = time.monotonic()

        assert await it.edge.drain(30) == 0

        assert time.monotonic() - before < 3
        assert await visitor.end() == "eof"


async def test_who_has_connected_but_was_not_yet_accepted_is_served():
    async with shop(cms=answering(page(b"hello"))) as it:
        plug = socket.create_connection(("127.0.0.1", it.port))  # blocking: the edge has had no turn since
        draining = asyncio.create_task(it.edge.drain(5))
        plug.setblocking(False)
        visitor = Visitor(*await asyncio.open_connection(sock=plug))
        it.visitors.append(visitor)

        answer = await visitor.ask()

        assert (answer.status, answer.keeps) == (200, False)
        assert await draining == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", it.port))


async def test_a_head_that_is_coming_in_when_the_time_is_over_counts_as_cut():
    async with shop(cms=answering(page(b"hello"))) as it:
        visitor = await it.visitor()
        await visitor.send(request("/")[:20])
        await it.visitor()
        await asyncio.sleep(0.05)

        assert await it.edge.drain(0.1) == 1  # and not the one who asked nothing

        assert await visitor.end() == "reset"
