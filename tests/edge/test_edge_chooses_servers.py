"""Several servers of a system: the least busy is asked, the broken put aside and found again, queues end."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from shop import QUICK, Call, answering, hanging, page, shop, system
from visitor import request

from router.model import ServerAddress, Timeouts


def ok():
    return answering(lambda asked: page(b"from %d" % asked.server))


class Gate:
    """Servers that hold their answers until the gate opens."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        while True:
            asked = await call.request()
            await self.open.wait()
            await call.send(page(b"from %d" % asked.server))


async def many(it, count: int, target: str = "/"):
    """So many visitors ask at the same time; return them, still waiting."""
    visitors = [await it.visitor() for _ in range(count)]
    for visitor in visitors:
        await visitor.send(request(target))
    return visitors


def busy(it, name: str = "cms") -> list[int]:
    return [server.busy for server in it.edge.live.systems[name].servers]


def later(it) -> None:
    """Some time has gone by: a server that came back has its full share again."""
    for server in it.edge.live.systems["cms"].servers:
        server.returned_at -= 60


# --- the least busy ---------------------------------------------------------------------------------------------------


async def test_requests_are_shared_out_by_who_is_least_busy():
    gate = Gate()
    async with shop(cms=system(gate, gate, gate)) as it:
        visitors = await many(it, 12)
        await it.until(lambda: sum(busy(it)) == 12)

        assert busy(it) == [4, 4, 4]
        gate.open.set()
        assert [(await visitor.answer()).status for visitor in visitors] == [200] * 12


async def test_servers_that_are_equally_busy_take_turns():
    async with shop(cms=system(ok(), ok(), ok())) as it:
        visitor = await it.visitor()

        bodies = [(await visitor.ask("/")).body for _ in range(9)]

        assert [bodies.count(b"from %d" % server) for server in range(3)] == [3, 3, 3]


async def test_a_slow_server_gets_less_than_its_quick_neighbours():
    gate = Gate()
    async with shop(cms=system(gate, ok(), ok())) as it:
        await many(it, 3)
        await it.until(lambda: busy(it)[0] == 1)
        visitor = await it.visitor()

        bodies = {(await visitor.ask("/")).body for _ in range(20)}

        assert b"from 0" not in bodies
        gate.open.set()


# --- put aside and found again ----------------------------------------------------------------------------------------


async def test_a_server_that_fails_is_put_aside_and_no_visitor_notices():
    async with shop(cms=system(ok(), ok(), ok())) as it:
        await it["cms"].stop()

        answers = [await it.ask("/page") for _ in range(30)]

        assert {answer.status for answer in answers} == {200}
        assert {answer.body for answer in answers} == {b"from 1", b"from 2"}
        count = it.server("cms")
        assert (count.ejected, count.ejections, count.failures["refused"]) == (1, 1, 5)


async def test_a_server_that_is_back_is_found_by_the_edge_itself():
    async with shop(cms=system(ok(), ok())) as it:
        await it["cms"].stop()
        for _ in range(12):
            await it.ask("/page")
        assert it.server("cms").ejected == 1

        await it["cms"].start()
        await it.until(lambda: not it.server("cms").ejected, 3)
        cold = [(await it.ask("/page")).body for _ in range(4)]
        later(it)
        failed_before = it.server("cms").failures["refused"]
        bodies = [(await it.ask("/page")).body for _ in range(20)]

        assert (b"from 0" in cold, b"from 0" in bodies) == (False, True)
        assert it.server("cms").failures["refused"] == failed_before


async def test_a_system_that_is_down_is_a_503_that_says_when_to_come_back():
    async with shop(cms=ok()) as it:
        await it["cms"].stop()

        answers = [await it.ask("/page") for _ in range(6)]

        assert {answer.status for answer in answers[:2]} <= {502, 503}
        assert answers[-1].status == 503
        assert 1 <= int(answers[-1].get("retry-after")) <= 8
        assert it.edge.snapshot().errors["system_down"] >= 1


async def test_a_system_that_is_back_serves_within_a_moment():
    async with shop(cms=ok()) as it:
        await it["cms"].stop()
        while (await it.ask("/page")).status != 503:
            pass

        await it["cms"].start()
        began = time.monotonic()
        while (await it.ask("/page")).status != 200:
            await asyncio.sleep(0.02)

        assert time.monotonic() - began < 3


async def test_the_only_server_is_not_put_aside_for_being_slow():
    async with shop(cms=system(hanging, timeouts=QUICK)) as it:
        visitors = await many(it, 12)

        assert {(await visitor.answer()).status for visitor in visitors} == {504}
        assert it.server("cms").ejected == 0


async def test_what_the_health_check_finds_counts():
    async with shop(cms=system(ok(), ok())) as it:
        address = str(it["cms"].address)

        it.edge.health("cms", address, up=False)
        without = {(await it.ask("/page")).body for _ in range(6)}
        it.edge.health("cms", address, up=True)
        later(it)
        again = {(await it.ask("/page")).body for _ in range(40)}

        assert (without, b"from 0" in again) == ({b"from 1"}, True)


async def test_a_system_of_which_every_server_is_found_down_refuses_those_who_wait_too():
    async with shop(cms=system(hanging, connections=1)) as it:
        asked, waiting = await many(it, 2)
        await it.until(lambda: it.edge.live.systems["cms"].waiting)

        it.edge.health("cms", str(it["cms"].address), up=False)

        assert (await waiting.answer()).status == 503
        asked.vanish()


# --- the queue --------------------------------------------------------------------------------------------------------


async def test_no_more_connections_are_opened_than_allowed_and_the_rest_wait_in_turn():
    at_once = most = 0

    async def counting(call: Call) -> None:
        nonlocal at_once, most
        while True:
            asked = await call.request()
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.005)
            at_once -= 1
            await call.send(page(asked.target.encode()))

    async with shop(cms=system(counting, connections=3)) as it:
        visitors = [await it.visitor() for _ in range(30)]
        for n, visitor in enumerate(visitors):
            await visitor.send(request(f"/{n}"))

        bodies = [(await visitor.answer()).body for visitor in visitors]

        assert bodies == [b"/%d" % n for n in range(30)]
        assert (most, it["cms"].calls) == (3, 3)


@pytest.mark.parametrize("queue", [0, 1])
async def test_who_gets_a_connection_of_its_own_stands_in_no_queue(queue):
    gate = Gate()
    async with shop(cms=system(gate, connections=5, queue=queue)) as it:
        visitors = [await it.visitor() for _ in range(5)]
        for visitor in visitors:
            visitor.writer.write(request("/"))  # all at once: none of their connections is open yet
        await it.until(lambda: busy(it) == [5])
        late = [asyncio.create_task(it.ask("/late")) for _ in range(2)]
        await it.until(lambda: sum(one.done() for one in late) == 2 - queue)
        gate.open.set()

        assert [(await visitor.answer()).status for visitor in visitors] == [200] * 5
        assert sorted([(await one).status for one in late]) == [200] * queue + [503] * (2 - queue)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back():
    gate = Gate()
    async with shop(cms=system(gate, connections=2, queue=3)) as it:
        visitors = await many(it, 5)
        await it.until(lambda: len(it.edge.live.systems["cms"].waiting) == 3)

        refused = await asyncio.wait_for(it.ask("/page"), 0.5)
        gate.open.set()

        assert (refused.status, refused.get("retry-after")) == (503, "1")
        assert [(await visitor.answer()).status for visitor in visitors] == [200] * 5
        assert it.edge.snapshot().errors == {"queue_full": 1}


async def test_nobody_waits_in_the_queue_for_ever():
    timeouts = Timeouts(connect=0.1, response=5.0)
    async with shop(cms=system(hanging, connections=1, queue_timeout=0.2, timeouts=timeouts)) as it:
        first, second = await many(it, 2)

        answer = await asyncio.wait_for(second.answer(), 2)

        assert (answer.status, answer.get("retry-after")) == (503, "1")
        first.vanish()


async def test_a_place_in_the_queue_is_free_again_when_its_visitor_has_gone():
    gate = Gate()
    async with shop(cms=system(gate, connections=1, queue=1)) as it:
        first, second = await many(it, 2)
        await it.until(lambda: it.edge.live.systems["cms"].waiting)

        second.vanish()
        await it.until(lambda: not it.edge.live.systems["cms"].waiting)
        (third,) = await many(it, 1)
        gate.open.set()

        assert [(await visitor.answer()).status for visitor in (first, third)] == [200, 200]
        assert len(it["cms"].asked) == 2


# --- connecting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def unanswered():
    """A port whose backlog is full: connecting to it takes until somebody gives up."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    callers = []
    for _ in range(8):
        caller = socket.socket()
        caller.setblocking(False)
        caller.connect_ex(listening.getsockname())
        callers.append(caller)
    yield listening.getsockname()[1]
    for each in (*callers, listening):
        each.close()


async def test_a_server_that_does_not_take_the_call_in_time_is_a_504(unanswered):
    address = ServerAddress("http", "127.0.0.1", unanswered)
    spec = system(ok(), timeouts=Timeouts(connect=0.2), retries=0, servers=(address,))
    async with shop(cms=spec) as it:
        answer = await it.ask("/page")

        assert answer.status == 504
        assert it.edge.snapshot().servers[0].failures == {"connect_timeout": 1}


async def test_a_server_that_does_not_take_the_call_costs_the_visitor_only_a_moment(unanswered):
    async with shop(cms=system(ok(), timeouts=Timeouts(connect=0.2), retries=1)) as it:
        spec = it.edge.live.generation.systems["cms"]
        two = (ServerAddress("http", "127.0.0.1", unanswered), *spec.servers)
        it.swap(systems={"cms": type(spec)("cms", two, timeouts=spec.timeouts, retries=1)})

        answers = [await it.ask(f"/{n}", "POST") for n in range(4)]

        assert [answer.status for answer in answers] == [200] * 4


async def test_a_server_whose_name_is_unknown_is_a_502_without_its_name(capsys):
    address = ServerAddress("http", "commerce.invalid", 80)
    async with shop(cms=system(ok(), servers=(address,))) as it:
        answer = await it.ask("/page")

        assert answer.status == 502
        assert b"commerce.invalid" not in answer.body
        assert "commerce.invalid" in capsys.readouterr().err


async def test_a_server_may_be_named_and_is_looked_up_seldom():
    async with shop(cms=ok()) as it:
        spec = it.edge.live.generation.systems["cms"]
        named = ServerAddress("http", "localhost", spec.servers[0].port)
        it.swap(systems={"cms": type(spec)("cms", (named,))})

        assert [(await it.ask("/page")).status for _ in range(3)] == [200] * 3
