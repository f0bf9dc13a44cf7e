"""One connection, many requests: keep-alive, HTTP/1.0, pipelining."""

from __future__ import annotations

import pytest
from shop import answering, page, rule, shop
from visitor import request

from router.model import Limits, Reply
from router.rules import Redirect, Respond


def echo(asked):
    return page(asked.target.encode())


async def test_a_browser_asks_again_on_the_same_connection():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask(f"/page/{n}") for n in range(5)]

        assert [answer.body for answer in answers] == [b"/page/%d" % n for n in range(5)]
        assert all(answer.keeps for answer in answers)
        assert it["cms"].calls == 1
        assert it.edge.snapshot().accepted == 1


async def test_a_visitor_who_says_close_gets_an_answer_and_then_the_end():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        answer = await visitor.ask("/", "GET", "Connection: close")

        assert (answer.body, answer.keeps) == (b"/", False)
        assert await visitor.end() == "eof"
        assert it["cms"].asked[0].get("connection") is None  # the edge's own connection stays


@pytest.mark.parametrize(
    ("line", "stays"), [("X-Nothing: 1", False), ("Connection: keep-alive", True), ("Connection: Keep-Alive, x", True)]
)
async def test_an_http_1_0_client_keeps_its_connection_only_if_it_asks_to(line, stays):
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        await visitor.send(request("/a", "GET", line, version="1.0"))
        answer = await visitor.answer()

        assert answer.body == b"/a"
        assert answer.get("connection") == ("keep-alive" if stays else "close")
        assert it["cms"].asked[0].version == "HTTP/1.1"
        if stays:
            await visitor.send(request("/b", "GET", version="1.0"))
            assert (await visitor.answer()).body == b"/b"
        assert await visitor.end() == "eof"


async def test_five_hundred_pipelined_requests_are_answered_in_order():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        visitor.writer.write(b"".join(request(f"/page/{n}") for n in range(500)))
        bodies = [(await visitor.answer()).body for _ in range(500)]

        assert bodies == [b"/page/%d" % n for n in range(500)]
        assert it["cms"].calls == 1


async def test_redirects_pages_of_the_edge_and_missing_pages_keep_their_place_in_a_pipeline():
    rules = [
        rule("/old/{name}", Redirect("/new/{name}", 301)),
        rule("/hello", Respond(Reply(200, [], b"hi"))),
        rule("/shop/**", "cms"),
    ]
    async with shop(rules, cms=answering(echo)) as it:
        visitor = await it.visitor()
        round_trip = ["/old/shoe", "/shop/1", "/hello", "/nowhere", "/shop/2", "/.inseam/none", "/old/a%20b"]

        visitor.writer.write(b"".join(request(target) for target in round_trip * 40))
        answers = [await visitor.answer() for _ in range(len(round_trip) * 40)]

        assert [answer.status for answer in answers] == [301, 200, 200, 404, 200, 404, 301] * 40
        assert {answer.get("location") for answer in answers[0::7]} == {"/new/shoe"}
        assert {answer.get("location") for answer in answers[6::7]} == {"/new/a%20b"}
        assert {answer.body for answer in answers[4::7]} == {b"/shop/2"}


async def test_a_pipeline_longer_than_the_edge_keeps_is_read_to_its_end():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()
        many = b"".join(request(f"/page/{n}", "GET", "X-Long: " + "x" * 900) for n in range(400))

        visitor.writer.write(many)

        assert [(await visitor.answer()).body for _ in range(400)] == [b"/page/%d" % n for n in range(400)]


async def test_uploads_in_a_long_pipeline_arrive_whole():
    async with shop(cms=answering(lambda asked: page(b"%d" % len(asked.body)))) as it:
        visitor = await it.visitor()
        one = request("/form", "POST", body=b"y" * 50_000) + request("/page")

        visitor.writer.write(one * 12)

        assert [(await visitor.answer()).body for _ in range(24)] == [b"50000", b"0"] * 12


async def test_an_upload_behind_a_long_pipeline_is_read_to_its_end():
    async with shop(cms=answering(lambda asked: page(b"%d" % len(asked.body)))) as it:
        visitor = await it.visitor()
        pages = [request("/page", "GET", "X-Long: " + "x" * 2000) for _ in range(60)]

        visitor.writer.write(b"".join([*pages, request("/form", "POST", body=b"y" * 600_000)]))

        assert [(await visitor.answer()).body for _ in range(61)] == [b"0"] * 60 + [b"600000"]


async def test_who_sends_everything_and_then_half_closes_still_gets_every_answer():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        visitor.writer.write(b"".join(request(f"/page/{n}") for n in range(20)))
        visitor.half_close()

        assert [(await visitor.answer()).body for _ in range(20)] == [b"/page/%d" % n for n in range(20)]
        assert await visitor.end() == "eof"


async def test_what_follows_a_request_that_said_close_is_not_answered():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        await visitor.send(request("/last", "GET", "Connection: close") + request("/never") * 20)

        assert (await visitor.answer()).body == b"/last"
        assert await visitor.end() == "eof"
        assert [asked.target for asked in it["cms"].asked] == ["/last"]


async def test_an_empty_line_between_requests_is_passed_over():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        await visitor.send(request("/form", "POST", body=b"x=1") + b"\r\n")
        first = await visitor.answer()
        await visitor.send(request("/page"))

        assert (first.body, (await visitor.answer()).body) == (b"/form", b"/page")


async def test_a_head_may_come_byte_by_byte():
    async with shop(cms=answering(echo)) as it:
        visitor = await it.visitor()

        for byte in request("/slow/typist"):
            await visitor.send(bytes((byte,)))

        assert (await visitor.answer()).body == b"/slow/typist"


async def test_a_connection_may_be_limited_to_a_number_of_requests():
    async with shop(cms=answering(echo), limits=Limits(requests=3)) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/") for _ in range(3)]

        assert [answer.keeps for answer in answers] == [True, True, False]
        assert await visitor.end() == "eof"


async def test_an_idle_connection_is_closed_without_a_word():
    async with shop(cms=answering(echo), limits=Limits(idle=0.2)) as it:
        visitor = await it.visitor()

        await visitor.ask("/")

        assert await visitor.end() == "eof"


async def test_two_visitors_on_one_server_connection_get_each_their_own_answer():
    async with shop(cms=answering(echo)) as it:
        one, other = await it.visitor(), await it.visitor()

        for n in range(20):
            assert (await one.ask(f"/one/{n}")).body == b"/one/%d" % n
            assert (await other.ask(f"/other/{n}")).body == b"/other/%d" % n

        assert it["cms"].calls == 1
