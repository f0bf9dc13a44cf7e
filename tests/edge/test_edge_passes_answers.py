"""Answers of every framing reach clients of every version whole, in order, and without delay."""

from __future__ import annotations

import asyncio

import pytest
from shop import Call, answering, in_turn, page, shop
from visitor import Truncated, request


def chunked(*pieces: bytes, trailers: bytes = b"", lines: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{lines}\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


def until_closed(body: bytes, version: str = "1.1"):
    async def answer(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/%b 200 OK\r\nContent-Type: text/plain\r\n\r\n%b" % (version.encode(), body))

    return answer


# --- framing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "to_1_1", "to_1_0"),
    [
        (answering(page(b"hello there")), "length", "length"),
        (answering(chunked(b"hello", b" there")), "chunked", "close"),
        (until_closed(b"hello there"), "chunked", "close"),
        (until_closed(b"hello there", "1.0"), "chunked", "close"),
    ],
    ids=["length", "chunked", "until closed", "until closed by HTTP/1.0"],
)
async def test_an_answer_of_any_framing_reaches_clients_of_both_versions(behaviour, to_1_1, to_1_0):
    async with shop(cms=behaviour) as it:
        new, old = await it.visitor(), await it.visitor()

        await new.send(request())
        await old.send(request(version="1.0"))
        answers = await new.answer(), await old.answer()

        assert [answer.body for answer in answers] == [b"hello there"] * 2
        assert [answer.framing for answer in answers] == [to_1_1, to_1_0]
        assert answers[0].keeps
        assert await old.end() == "eof"


async def test_an_empty_page_of_each_framing_is_an_empty_page():
    async with shop(cms=in_turn(until_closed(b""), answering(chunked()))) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask(), await visitor.ask()]

        assert [(answer.status, answer.framing, answer.body) for answer in answers] == [(200, "chunked", b"")] * 2


@pytest.mark.parametrize("lines", ["Content-Length: 12345", "Transfer-Encoding: chunked", "X-None: 1"])
async def test_head_says_what_get_would_and_sends_no_body(lines):
    async with shop(cms=answering(f'HTTP/1.1 200 OK\r\n{lines}\r\nETag: "x"\r\n\r\n'.encode())) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/", "HEAD") for _ in range(3)]

        assert {answer.get("etag") for answer in answers} == {'"x"'}
        assert {answer.get("content-length") for answer in answers} == {"12345" if "12345" in lines else None}
        assert it["cms"].calls == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_a_body_leave_the_connection_in_step(status):
    async with shop(cms=answering(f'HTTP/1.1 {status}\r\nETag: "x"\r\n\r\n'.encode())) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask() for _ in range(3)]

        assert [answer.status for answer in answers] == [int(status[:3])] * 3
        assert [answer.get("transfer-encoding") for answer in answers] == [None] * 3
        assert it["cms"].calls == 1


async def test_a_304_may_say_how_long_the_page_would_be():
    async with shop(cms=answering(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n")) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask() for _ in range(2)]

        assert [answer.get("content-length") for answer in answers] == ["500", "500"]


async def test_a_page_of_ten_megabytes_arrives_byte_for_byte():
    body = bytes(range(256)) * 40_000
    async with shop(cms=in_turn(answering(page(body)), until_closed(body))) as it:
        visitor = await it.visitor()

        assert (await visitor.ask()).body == body
        it["cms"].open.pop().close()
        await it.until(lambda: not it.edge.live.systems["cms"].servers[0].open)
        assert (await visitor.ask()).body == body


async def test_trailers_reach_a_client_that_wants_them_and_no_other():
    answer = chunked(b"hello", trailers=b"Server-Timing: db;dur=53\r\nSet-Cookie: not=here\r\n")
    async with shop(cms=answering(answer)) as it:
        visitor = await it.visitor()

        with_te = await visitor.ask("/", "GET", "TE: trailers", "Connection: TE")
        without = await visitor.ask("/")

        assert with_te.trailers == [("Server-Timing", "db;dur=53")]
        assert (with_te.body, without.body, without.trailers) == (b"hello", b"hello", [])


async def test_chunk_extensions_end_at_the_edge():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;secret=1\r\nhello\r\n0;x\r\n\r\n"
    async with shop(cms=answering(answer)) as it:
        visitor = await it.visitor()

        await visitor.send(request())
        head = await visitor.head()

        assert head.get("transfer-encoding") == "chunked"
        assert await visitor.exactly(15) == b"5\r\nhello\r\n0\r\n\r\n"


# --- what passes ------------------------------------------------------------------------------------------------------


async def test_a_part_of_a_file_is_asked_for_and_given_as_it_is():
    answer = page(b"lo the", "206 Partial Content", "Content-Range: bytes 3-8/11", "Accept-Ranges: bytes")
    async with shop(cms=answering(answer)) as it:
        got = await it.ask("/film.mp4", "GET", "Range: bytes=3-8", 'If-Range: "v1"')

        asked = it["cms"].asked[0]
        assert (asked.get("range"), asked.get("if-range")) == ("bytes=3-8", '"v1"')
        assert (got.status, got.get("content-range"), got.body) == (206, "bytes 3-8/11", b"lo the")


async def test_lines_of_an_answer_keep_their_order_their_number_and_their_spelling():
    lines = [
        "Set-Cookie: b=2; Path=/", "link: </a.css>; rel=preload", "SET-COOKIE: a=1; HttpOnly", "X-Empty:",
        "Link: </b.js>; rel=preload", "Set-Cookie: b=3; Path=/shop", "X-Ümlaut: nöt encoded"[:2] + "Latin: \xfcber",
        "ETag:  \tW/\"x\" ",
    ]  # fmt: skip
    async with shop(cms=answering(page(b"x", "200 OK", *lines))) as it:
        got = await it.ask()

        passed = [line for line in got.lines if line[0].lower() not in ("content-length", "x-request-id")]
        assert passed == [(line.split(":", 1)[0], line.split(":", 1)[1].strip()) for line in lines]


async def test_the_reason_of_a_status_passes_and_may_be_missing():
    async with shop(cms=in_turn(answering(page(b"", "299 Fine Enough")), answering(page(b"", "200")))) as it:
        visitor = await it.visitor()

        first = await visitor.ask()
        it["cms"].open.pop().close()
        await it.until(lambda: not it.edge.live.systems["cms"].servers[0].open)
        second = await visitor.ask()

        assert [(first.status, first.reason), (second.status, second.reason)] == [(299, "Fine Enough"), (200, "")]


async def test_early_hints_come_before_the_answer_and_only_to_those_who_know_them():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    gate = asyncio.Event()

    async def hinting(call: Call) -> None:
        while True:
            await call.request()
            await call.send(hints)
            await gate.wait()
            await call.send(hints + page(b"hello"))

    async with shop(cms=hinting) as it:
        new = await it.visitor()
        await new.send(request())
        early = await new._one_head()
        gate.set()
        answer = await new.answer()
        old = await it.visitor()
        await old.send(request(version="1.0"))
        plain = await old.answer()

        assert (early.status, early.get("link")) == (103, "</style.css>; rel=preload")
        assert [hint.status for hint in answer.interim] == [103]
        assert (answer.body, plain.body, plain.interim) == (b"hello", b"hello", [])


async def test_a_flood_of_interim_answers_is_no_answer():
    flood = answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 1500 + page(b"done"))
    async with shop(cms=in_turn(flood, answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 10 + page(b"done")))) as it:
        flooded = await it.ask()
        patient = await it.ask()

        assert flooded.status == 502
        assert (len(patient.interim), patient.body) == (10, b"done")


# --- without delay ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framed", ["chunked", "until closed"])
async def test_each_server_sent_event_arrives_before_the_next_is_sent(framed):
    seen = asyncio.Event()

    async def events(call: Call) -> None:
        await call.request()
        coding = b"Transfer-Encoding: chunked\r\n" if framed == "chunked" else b""
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n%b\r\n" % coding)
        for n in range(5):
            event = b"data: %d\n\n" % n
            await call.send(b"%x\r\n%b\r\n" % (len(event), event) if coding else event)
            await seen.wait()
            seen.clear()
        if coding:
            await call.send(b"0\r\n\r\n")

    async with shop(cms=events) as it:
        visitor = await it.visitor()
        await visitor.send(request("/events", "GET", "Accept: text/event-stream"))
        await visitor.head()

        got = []
        async with asyncio.timeout(5):
            async for event in visitor.chunks():
                got.append(event)
                seen.set()

        assert got == [b"data: %d\n\n" % n for n in range(5)]


async def test_the_head_of_an_answer_arrives_before_its_body_is_begun():
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        await gate.wait()
        await call.send(b"hello")

    async with shop(cms=slow) as it:
        visitor = await it.visitor()
        await visitor.send(request())

        head = await visitor.head()
        gate.set()

        assert (head.status, await visitor.exactly(5)) == (200, b"hello")


# --- never the next visitor's -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        page(b"hello") + b"X" * 50,
        page(b"hello") + page(b"a second answer"),
        chunked(b"hello") + b"more",
        b"HTTP/1.1 204 No Content\r\n\r\nhello",
    ],
    ids=["longer than said", "two answers", "behind the last chunk", "a body where none may be"],
)
async def test_bytes_that_nobody_asked_for_never_become_the_next_answer(answer):
    async with shop(cms=in_turn(answering(answer), answering(page(b"yours")))) as it:
        visitor = await it.visitor()

        first = await visitor.ask("/one")
        second = await visitor.ask("/two")

        assert first.status in (200, 204)
        assert first.body in (b"hello", b"")
        assert (second.body, it["cms"].calls) == (b"yours", 2)


async def test_bytes_that_come_late_on_an_idle_connection_cost_it_its_place():
    async def late(call: Call) -> None:
        await call.request()
        await call.send(page(b"first"))
        await call.send(page(b"not asked for"))
        await call.gone()

    async with shop(cms=in_turn(late, answering(page(b"yours")))) as it:
        visitor = await it.visitor()

        first = await visitor.ask()
        await it.until(lambda: not it.edge.live.systems["cms"].servers[0].open)
        second = await visitor.ask()

        assert (first.body, second.body) == (b"first", b"yours")


async def test_a_page_cut_short_for_an_old_client_ends_with_a_reset():
    async def cut(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    async with shop(cms=cut) as it:
        visitor = await it.visitor()
        await visitor.send(request(version="1.0"))

        with pytest.raises(Truncated) as end:
            await visitor.answer()

        assert end.value.how == "reset"
