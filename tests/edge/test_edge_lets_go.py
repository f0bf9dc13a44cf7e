"""A visitor who has gone costs nothing any more: the system's connection closes, the place in the pool is free."""

from __future__ import annotations

import asyncio

import pytest
from shop import Call, answering, hanging, page, shop, system
from stage import stage
from visitor import request


class Watching:
    """A system that does one thing and then waits for the edge to hang up."""

    def __init__(self, first: bytes = b"", read_body: bool = False, pour: bool = False) -> None:
        self.first = first
        self.read_body = read_body
        self.pour = pour
        self.hung_up = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        try:
            asked = await call.head()
            if self.first:
                await call.send(self.first)
            if self.read_body:
                await call.body(asked)
            while self.pour:
                await call.send(b"x" * 65536)
            await call.gone()
        finally:
            self.hung_up.set()


WHERE = {
    "before the answer": (Watching, request("/page")),
    "in mid-download": (
        lambda: Watching(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", pour=True),
        request("/film"),
    ),
    "in mid-upload": (lambda: Watching(read_body=True), request("/film", "POST", "Content-Length: 900") + b"x" * 100),
    "in a quiet stream": (lambda: Watching(b"HTTP/1.1 200 OK\r\n\r\nhello"), request("/events")),
    "waiting to be asked to go on": (
        lambda: Watching(b"HTTP/1.1 100 Continue\r\n\r\n"),
        request("/film", "POST", "Expect: 100-continue", "Content-Length: 900"),
    ),
}


@pytest.mark.parametrize("where", WHERE)
async def test_a_visitor_who_vanishes_takes_the_systems_work_along(where):
    make, asked = WHERE[where]
    watching = make()
    async with shop(cms=watching) as it:
        visitor = await it.visitor()
        await visitor.send(asked)
        await it["cms"].until(lambda: it["cms"].asked)

        visitor.vanish()
        await asyncio.wait_for(watching.hung_up.wait(), 2)
        await it.until(lambda: not it.left_over, 2)

        assert it.edge.snapshot().errors == {"client_gone": 1}
        assert it.server("cms").failures == {}
        assert it.server("cms").open == 0


async def test_a_visitor_who_closes_in_mid_download_takes_the_systems_work_along():
    watching = Watching(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", pour=True)
    async with shop(cms=watching) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film"))
        await visitor.head()

        await visitor.leave()

        await asyncio.wait_for(watching.hung_up.wait(), 2)


async def test_a_visitor_who_closes_in_mid_upload_takes_the_systems_work_along():
    watching = Watching(read_body=True)
    async with shop(cms=watching) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 900") + b"x" * 100)
        await it["cms"].until(lambda: it["cms"].asked)

        await visitor.leave()

        await asyncio.wait_for(watching.hung_up.wait(), 2)


async def test_a_page_closed_in_an_orderly_way_leaves_a_hung_system_working_for_nobody_only_for_seconds():
    async with stage() as it:
        visitor = it.client()
        await visitor.says(request("/page"))
        server = await it.server()

        await visitor.half_closes()  # a closed tab looks the same
        await it.passes(4.5)
        after_a_moment = server.lost
        await it.passes(1.0)

        assert (after_a_moment, server.lost, visitor.lost) == (False, True, True)


async def test_who_half_closes_and_is_seen_to_take_the_answer_gets_all_of_it():
    async with stage() as it:
        visitor = it.client()
        await visitor.says(request("/film"))
        server = await it.server()
        await visitor.half_closes()
        await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")

        await it.passes(8.0)
        await server.says(b"final")

        assert visitor.heard.endswith(b"firstfinal")


async def test_a_visitor_who_half_closes_and_waits_a_moment_gets_the_answer():
    async def slow(call: Call) -> None:
        await call.request()
        await asyncio.sleep(0.3)
        await call.send(page(b"here you are"))

    async with shop(cms=slow) as it:
        visitor = await it.visitor()
        await visitor.send(request("/page"))
        visitor.half_close()

        assert (await visitor.answer()).body == b"here you are"
        assert await visitor.end() == "eof"


async def test_a_visitor_who_leaves_while_waiting_in_the_queue_is_never_asked_for():
    async with shop(cms=system(hanging, connections=1)) as it:
        first, second = await it.visitor(), await it.visitor()
        await first.send(request("/first"))
        await it["cms"].until(lambda: it["cms"].asked)
        await second.send(request("/order", "POST", body=b"qty=1"))
        await it.until(lambda: it.edge.live.systems["cms"].waiting)

        second.vanish()
        await it.until(lambda: not it.edge.live.systems["cms"].waiting)
        first.vanish()
        await it.until(lambda: not it.left_over)

        assert [asked.target for asked in it["cms"].asked] == ["/first"]


async def test_two_hundred_visitors_who_come_and_vanish_leave_nothing():
    async with shop(cms=system(hanging, connections=20)) as it:
        for _ in range(4):
            visitors = [await it.visitor() for _ in range(50)]
            for visitor in visitors:
                await visitor.send(request("/page"))
            await it.until(lambda: len(it.edge.clients) == 50)
            for visitor in visitors:
                visitor.vanish()
            await it.until(lambda: not it.edge.clients)

        await it.until(lambda: not it.left_over)
        assert it.edge.snapshot().clients == 0


async def test_a_visitor_who_only_connects_and_leaves_is_no_error():
    async with shop(cms=answering(page())) as it:
        visitor = await it.visitor()
        await it.until(lambda: it.edge.clients)
        await visitor.leave()
        await it.until(lambda: not it.edge.clients)

        assert (it.edge.snapshot().errors, it.edge.snapshot().accepted) == ({}, 1)
