"""Trying again: where it helps and does no harm, and never with what a system may have processed."""

from __future__ import annotations

import asyncio

import pytest
from shop import QUICK, Call, answering, hanging, in_turn, page, rule, shop, system
from visitor import Truncated, request


def ok():
    return answering(lambda asked: page(b"from %d" % asked.server))


# --- a server that breaks off, at every point -------------------------------------------------------------------------


async def on_accept(call: Call) -> None:
    call.reset()


async def after_the_head(call: Call) -> None:
    await call.head()
    call.reset()


async def in_mid_body(call: Call) -> None:
    await call.head()
    await call.reader.read(1)
    call.reset()


async def after_the_request(call: Call) -> None:
    await call.request()
    call.reset()


async def silently_after_the_request(call: Call) -> None:
    await call.request()


async def after_half_a_head(call: Call) -> None:
    await call.request()
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    call.reset()


async def after_an_interim_answer(call: Call) -> None:
    await call.request()
    await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    call.reset()


async def after_half_an_answer(call: Call) -> None:
    await call.request()
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await asyncio.sleep(0.02)
    call.reset()


BREAKS = [
    on_accept, after_the_head, in_mid_body, after_the_request, silently_after_the_request, after_half_a_head,
    after_an_interim_answer, after_half_an_answer,
]  # fmt: skip


@pytest.mark.parametrize("breaks", BREAKS, ids=lambda breaks: breaks.__name__)
@pytest.mark.parametrize("kind", ["empty", "length", "chunked", "large"])
async def test_a_post_is_never_sent_twice(breaks, kind):
    """REQUIREMENTS, 54."""
    if (breaks, kind) == (in_mid_body, "empty"):
        return
    bodies = {"empty": b"", "length": b"qty=1", "chunked": b"5\r\nqty=1\r\n0\r\n\r\n", "large": b"x" * 3_000_000}
    lines = ["Transfer-Encoding: chunked"] if kind == "chunked" else []
    async with shop(cms=system(breaks, breaks, retries=5, timeouts=QUICK)) as it:
        visitor = await it.visitor()
        visitor.writer.write(request("/order", "POST", *lines, body=bodies[kind]))

        if breaks is after_half_an_answer:
            with pytest.raises(Truncated):
                await visitor.answer()
        else:
            answer = await visitor.answer()
            assert (answer.status, answer.get("retry-after")) == (502, None)

        assert sum(len(server.asked) for server in it.systems["cms"]) <= 1


SAFE_BREAKS = [each for each in BREAKS if each not in (in_mid_body, after_half_an_answer)]


@pytest.mark.parametrize("breaks", SAFE_BREAKS, ids=lambda breaks: breaks.__name__)
async def test_a_page_is_asked_for_once_more_as_long_as_nothing_was_passed_on(breaks):
    async with shop(cms=system(in_turn(breaks, ok()), in_turn(breaks, ok()), retries=2, timeouts=QUICK)) as it:
        answer = await it.ask("/page")

        assert answer.status == 200
        assert it.tally("everything").retries == 2
        assert [len(server.open) for server in it.systems["cms"]].count(1) == 1


async def test_a_page_is_not_asked_for_again_once_some_of_it_was_passed_on():
    async with shop(cms=system(after_half_an_answer, ok(), retries=5)) as it:
        visitor = await it.visitor()
        await visitor.send(request("/page"))

        with pytest.raises(Truncated) as cut:
            await visitor.answer()

        assert cut.value.got in (b"half", b"")
        assert it.tally("everything").retries == 0
        assert sum(len(server.asked) for server in it.systems["cms"]) == 1


async def test_the_second_try_goes_to_another_server():
    async with shop(cms=system(after_the_head, ok(), retries=1)) as it:
        answers = [await it.ask("/page") for _ in range(4)]

        assert [answer.body for answer in answers] == [b"from 1"] * 4


async def test_as_often_as_the_rule_says_and_no_more():
    rules = [rule("/never/**", "cms", retries=0), rule("/often/**", "cms", retries=3), rule("/**", "cms", name="rest")]
    async with shop(rules, cms=system(after_the_head, retries=1)) as it:
        for target, tries in (("/never/", 1), ("/often/", 4), ("/else", 2)):
            before = len(it["cms"].asked)

            assert (await it.ask(target)).status == 502

            assert len(it["cms"].asked) - before == tries


async def test_a_system_that_answers_too_late_is_not_asked_again():
    async with shop(cms=system(hanging, ok(), retries=5, timeouts=QUICK)) as it:
        answer = await it.ask("/page")

        assert answer.status == 504
        assert len(it["cms"].asked) == 1


async def test_a_get_with_a_body_is_not_safe_to_send_again():
    async with shop(cms=system(after_the_request, retries=5)) as it:
        assert (await it.ask("/search", "GET", body=b"{}")).status == 502
        assert len(it["cms"].asked) == 1


async def test_a_post_that_never_left_is_tried_on_the_server_that_listens():
    async with shop(cms=system(ok(), ok(), retries=1)) as it:
        await it["cms"].stop()

        answers = [await it.ask("/order", "POST", body=b"qty=%d" % n) for n in range(4)]

        assert [answer.body for answer in answers] == [b"from 1"] * 4
        assert [asked.body for asked in it.systems["cms"][1].asked] == [b"qty=%d" % n for n in range(4)]


# --- connections that have gone stale ---------------------------------------------------------------------------------


async def once(call: Call) -> None:
    """A server that hangs up after its first answer without having said so."""
    await call.request()
    await call.send(page(b"once"))


async def at_the_second(call: Call) -> None:
    """A server whose time for an idle connection is over at the very moment when the edge asks again."""
    await call.request()
    await call.send(page(b"first"))
    await call.reader.read(1)
    call.reset()


async def test_a_connection_that_the_server_has_closed_is_not_used_again():
    async with shop(cms=once) as it:
        for method in ("GET", "POST", "GET", "POST"):
            assert (await it.ask("/", method)).body == b"once"
            await it.until(lambda: not it.edge.live.systems["cms"].servers[0].open)

        assert it.server("cms").failures == {}


async def test_a_page_asked_for_at_the_moment_of_closing_is_asked_for_again():
    async with shop(cms=at_the_second) as it:
        answers = [await it.ask("/page") for _ in range(6)]

        assert [answer.status for answer in answers] == [200] * 6


async def test_a_post_goes_on_a_connection_that_is_new_or_was_just_used():
    async with shop(cms=in_turn(ok(), ok())) as it:
        await it.ask("/page")
        await it.ask("/order", "POST", body=b"qty=1")
        after_just_now = it["cms"].calls
        (idle,) = it.edge.live.systems["cms"].servers[0].idle
        idle.idle_since -= 2
        await it.ask("/order", "POST", body=b"qty=2")

        assert (after_just_now, it["cms"].calls) == (1, 2)
        assert len(it["cms"].asked) == 3


async def test_a_connection_idle_for_too_long_is_closed_by_the_edge():
    async with shop(cms=system(ok(), keepalive=0.2)) as it:
        await it.ask("/page")
        await it["cms"].until(lambda: not it["cms"].open)

        assert it.server("cms").open == 0
        assert (await it.ask("/page")).status == 200


async def test_an_answer_that_says_close_ends_its_connection():
    async with shop(cms=answering(page(b"x", "200 OK", "Connection: close"))) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/") for _ in range(3)]

        assert [answer.keeps for answer in answers] == [True] * 3
        assert it["cms"].calls == 3
