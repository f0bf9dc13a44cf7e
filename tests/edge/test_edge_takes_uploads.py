"""Uploads: by length and chunked, with and without being asked to continue, too large, too slow, refused early."""

from __future__ import annotations

import asyncio

import pytest
from shop import QUICK, Call, answering, page, rule, shop, system
from stage import stage
from visitor import request

from router.model import Limits


def told(asked):
    return page(b"%d of %b" % (len(asked.body), asked.body[:20]))


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# --- framing ----------------------------------------------------------------------------------------------------------


async def test_a_form_arrives_with_the_length_it_was_sent_with():
    async with shop(cms=answering(told)) as it:
        answer = await it.ask("/form", "POST", body=b"name=Ada")

        asked = it["cms"].asked[0]
        assert answer.body == b"8 of name=Ada"
        assert (asked.get("content-length"), asked.get("transfer-encoding")) == ("8", None)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_a_chunked_upload_stays_chunked(method):
    async with shop(cms=answering(told)) as it:
        visitor = await it.visitor()

        await visitor.send(request("/form", method, "Transfer-Encoding: chunked") + chunks(b"name=Ada", 3))
        answer = await visitor.answer()

        asked = it["cms"].asked[0]
        assert answer.body == b"8 of name=Ada"
        assert (asked.get("content-length"), asked.get("transfer-encoding")) == (None, "chunked")


@pytest.mark.parametrize("framed", ["length", "chunked"])
async def test_an_upload_may_come_byte_by_byte(framed):
    body = b"name=Ada&town=London"
    line = "Transfer-Encoding: chunked" if framed == "chunked" else f"Content-Length: {len(body)}"
    async with shop(cms=answering(told)) as it:
        visitor = await it.visitor()

        for byte in request("/form", "POST", line) + (chunks(body, 7) if framed == "chunked" else body):
            await visitor.send(bytes((byte,)))
        first = await visitor.answer()
        second = await visitor.ask("/next")

        assert (first.body, second.body) == (b"20 of " + body, b"0 of ")
        assert it["cms"].calls == 1


@pytest.mark.parametrize("framed", ["length", "chunked"])
async def test_an_upload_of_ten_megabytes_arrives_byte_for_byte(framed):
    body = bytes(range(256)) * 40_000
    got = []

    def remember(asked):
        got.append(asked.body)
        return page()

    async with shop(cms=answering(remember)) as it:
        visitor = await it.visitor()
        if framed == "chunked":
            await visitor.send(request("/film", "PUT", "Transfer-Encoding: chunked") + chunks(body, 70_000))
        else:
            await visitor.send(request("/film", "PUT", body=body))
        await visitor.answer("PUT")

        assert got == [body]
        assert it.tally("everything").bytes_in == len(body)


async def test_trailers_of_an_upload_arrive_also_when_it_had_to_wait_for_a_connection():
    async with shop(cms=answering(told)) as it:
        visitor = await it.visitor()
        upload = (
            request("/form", "POST", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\nX-Sum: 42\r\nHost: evil\r\n\r\n"
        )

        await visitor.send(upload)  # the first opens a connection, the second finds one
        await visitor.answer()
        await visitor.send(upload)
        await visitor.answer()

        assert [asked.trailers for asked in it["cms"].asked] == [[("X-Sum", "42")]] * 2


async def test_a_post_without_a_body_says_so():
    async with shop(cms=answering(told)) as it:
        await it.ask("/form", "POST")

        assert it["cms"].asked[0].get("content-length") == "0"


# --- Expect: 100-continue ---------------------------------------------------------------------------------------------


async def test_a_client_that_waits_for_a_go_ahead_gets_the_systems():
    async def careful(call: Call) -> None:
        asked = await call.head()
        assert asked.get("expect") == "100-continue"
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.body(asked)
        await call.send(page(asked.body))

    async with shop(cms=careful) as it:
        visitor = await it.visitor()
        await visitor.send(request("/form", "POST", "Expect: 100-continue", "Content-Length: 5"))

        go_ahead = await visitor._one_head()
        await visitor.send(b"hello")
        answer = await visitor.answer()

        assert (go_ahead.status, answer.body, answer.keeps) == (100, b"hello", True)


@pytest.mark.parametrize("status", ["417 Expectation Failed", "413 Content Too Large", "401 Unauthorized"])
async def test_a_system_that_refuses_at_once_is_heard_before_the_upload_is_sent(status):
    async def refusing(call: Call) -> None:
        await call.head()
        await call.send(page(b"no", status))
        await call.gone()

    async with shop(cms=refusing) as it:
        visitor = await it.visitor()
        await visitor.send(request("/form", "POST", "Expect: 100-continue", "Content-Length: 5000000"))

        answer = await visitor.answer()

        assert (answer.status, answer.body, answer.keeps) == (int(status[:3]), b"no", False)
        assert await visitor.end() == "eof"


async def test_a_client_tired_of_waiting_for_a_go_ahead_sends_anyway():
    async with shop(cms=answering(told)) as it:
        visitor = await it.visitor()
        await visitor.send(request("/form", "POST", "Expect: 100-continue", "Content-Length: 5"))

        await it["cms"].until(lambda: it["cms"].asked)
        await visitor.send(b"hello")
        answer = await visitor.answer()

        assert (answer.body, answer.interim) == (b"5 of hello", [])


async def test_an_expectation_that_nobody_knows_is_refused():
    async with shop(cms=answering(told)) as it:
        answer = await it.ask("/form", "POST", "Expect: miracles", body=b"x")

        assert (answer.status, it["cms"].asked) == (417, [])


# --- refused and early ------------------------------------------------------------------------------------------------


async def test_an_early_answer_reaches_a_client_that_is_still_sending():
    async def early(call: Call) -> None:
        await call.head()
        await call.send(page(b"thanks, enough"))
        await call.gone()

    async with shop(cms=early) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 50000000") + b"x" * 100_000)

        answer = await visitor.answer()
        for _ in range(10):
            await visitor.send(b"x" * 20_000)

        assert (answer.body, answer.keeps) == (b"thanks, enough", False)


async def test_a_system_that_answered_early_is_not_asked_again_on_that_connection():
    async def early(call: Call) -> None:
        await call.head()
        await call.send(page(b"enough"))
        await call.gone()

    async with shop(cms=early) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 5000"))
        await visitor.answer()

        assert (await it.ask("/other")).body == b"enough"
        assert it["cms"].calls == 2


@pytest.mark.parametrize("where", ["for all", "for the rule"])
async def test_an_upload_larger_than_allowed_is_refused_by_its_length_before_a_byte_is_passed_on(where):
    rules = [rule("/**", "cms", body_limit=1000 if where == "for the rule" else None)]
    async with shop(rules, cms=answering(told), limits=Limits(body=1000 if where == "for all" else 0)) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 1001"))
        answer = await visitor.answer()

        assert (answer.status, answer.keeps) == (413, False)
        assert (await it.ask("/film", "POST", body=b"x" * 1000)).status == 200
        assert len(it["cms"].asked) == 1


async def test_a_chunked_upload_larger_than_allowed_is_given_up_when_it_becomes_so():
    async with shop(cms=answering(told), limits=Limits(body=1000)) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Transfer-Encoding: chunked") + chunks(b"x" * 5000, 500)[:-5])

        answer = await visitor.answer()

        assert (answer.status, answer.keeps) == (413, False)
        assert it.edge.snapshot().errors == {"body_too_large": 1}


async def test_a_chunk_that_is_none_is_refused_and_the_system_learns_that_the_upload_is_not_whole():
    seen = asyncio.Event()

    async def reading(call: Call) -> None:
        asked = await call.head()
        try:
            await call.body(asked)
        finally:
            seen.set()

    async with shop(cms=reading) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        await it["cms"].until(lambda: it["cms"].asked)
        await visitor.send(b"nonsense\r\n")

        answer = await visitor.answer()
        await asyncio.wait_for(seen.wait(), 2)

        assert (answer.status, answer.keeps) == (400, False)


# --- slow -------------------------------------------------------------------------------------------------------------


async def test_an_upload_that_stops_arriving_is_given_up_with_408():
    limits = Limits(body_grace=0.3, body_rate=512)
    async with shop(cms=system(answering(told), timeouts=QUICK), limits=limits) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 1000") + b"x" * 10)

        answer = await visitor.answer()

        assert (answer.status, answer.keeps) == (408, False)
        assert it.server("cms").failures == {}  # it was not the system's fault


async def test_an_upload_that_trickles_is_given_up_with_408():
    limits = Limits(body_grace=0.4, body_rate=512)
    async with shop(cms=system(answering(told), timeouts=QUICK), limits=limits) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film", "POST", "Content-Length: 1000000"))

        async def trickle() -> None:
            while True:
                visitor.writer.write(b"x")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        answer = await visitor.answer()
        trickling.cancel()

        assert answer.status == 408


async def test_an_upload_that_keeps_its_pace_takes_as_long_as_it_takes():
    async with stage(limits=Limits(body_grace=1.0, body_rate=512)) as it:
        client = it.client()
        server = None
        for size in (60_000, 6_000):  # the second is judged by its own bytes, not by those of the first
            await client.says(request("/film", "POST", f"Content-Length: {size}"))
            server = server or await it.server()
            for _ in range(20):
                await client.says(b"x" * (size // 20))
                await it.passes(0.5)
            await server.says(page(b"thanks"))

        assert client.heard.count(b"HTTP/1.1 200 OK") == 2
        assert server.heard.count(b"x") > 60_000


async def test_a_system_that_does_not_answer_a_whole_upload_has_its_response_time():
    async def silent(call: Call) -> None:
        await call.request()
        await call.gone()

    async with shop(cms=system(silent, timeouts=QUICK)) as it:
        answer = await it.ask("/form", "POST", body=b"x" * 100_000)

        assert answer.status == 504
        assert it.server("cms").failures == {"response_timeout": 1}
