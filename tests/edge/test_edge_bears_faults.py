"""Systems that misbehave: the visitor gets 502 or 504, or an answer that is visibly cut, never a clean end."""

from __future__ import annotations

import asyncio

import pytest
from shop import QUICK, Call, answering, hanging, page, rule, shop, system
from stage import stage
from visitor import Truncated, request

from router.model import Timeouts

# --- heads that are none ----------------------------------------------------------------------------------------------

BAD_HEADS = {
    "no HTTP": b"220 smtp.example ready\r\n\r\n",
    "no version": b"HTTP 200 OK\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status beyond 599": b"HTTP/1.1 600 What\r\n\r\n",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n",
    "a NUL": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\n\r\n",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length with a sign": b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    "a length beyond measure": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "two framings": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "too many lines": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 5000 + b"\r\n",
    "a line without end": b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 200_000,
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 50_000,
}


@pytest.mark.parametrize("head", BAD_HEADS.values(), ids=BAD_HEADS)
async def test_a_head_that_is_none_is_a_502_and_the_log_says_whose(head, capsys):
    async def babbling(call: Call) -> None:
        await call.request()
        await call.send(head)
        await call.gone()

    async with shop(cms=babbling) as it:
        visitor = await it.visitor()

        answer = await visitor.ask("/page")
        log = capsys.readouterr().err

        assert (answer.status, answer.keeps) == (502, True)
        assert it.server("cms").failures == {"bad_response": 1}
        assert answer.get("x-request-id") in log
        assert "rule='everything'" in log
        assert not it.server("cms").open


# --- bodies that break off --------------------------------------------------------------------------------------------

HALF_BODIES = {
    "half a length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "half a last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    "half a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-Sum: 1",
    "no body at all": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
}

BAD_CHUNKS = {
    "no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n",
    "a size too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nffffffffffffffffff\r\n",
    "a chunk too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhalf\r\n0\r\n\r\n",
    "a negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n-1\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\nhalf\n0\n\n",
}


@pytest.mark.parametrize("ending", ["closes", "resets"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("half", HALF_BODIES.values(), ids=HALF_BODIES)
async def test_half_a_body_never_ends_cleanly(half, version, ending):
    """REQUIREMENTS, 54."""

    async def breaking(call: Call) -> None:
        await call.request()
        await call.send(half)
        await asyncio.sleep(0.01)
        if ending == "resets":
            call.reset()

    async with shop(cms=breaking) as it:
        visitor = await it.visitor()
        await visitor.send(request("/page", version=version))

        with pytest.raises(Truncated):
            await visitor.answer()

        assert it.server("cms").failures == {"reset": 1}
        assert it.edge.snapshot().errors == {"reset": 1}


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("bad", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_a_bad_chunk_never_ends_cleanly(bad, version):
    """REQUIREMENTS, 54."""

    async def babbling(call: Call) -> None:
        await call.request()
        await call.send(bad)
        await call.gone()

    async with shop(cms=babbling) as it:
        visitor = await it.visitor()
        await visitor.send(request("/page", version=version))

        with pytest.raises(Truncated):
            await visitor.answer()

        assert it.server("cms").failures == {"bad_response": 1}


async def test_a_body_without_a_length_that_is_reset_never_ends_cleanly():
    """REQUIREMENTS, 54."""

    async def breaking(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await asyncio.sleep(0.01)
        call.reset()

    async with shop(cms=breaking) as it:
        for version in ("1.0", "1.1"):
            visitor = await it.visitor()
            await visitor.send(request("/page", version=version))

            with pytest.raises(Truncated):
                await visitor.answer()


async def test_nothing_of_the_next_answer_follows_one_that_was_cut():
    async def breaking(call: Call) -> None:
        asked = await call.request()
        if asked.target == "/cut":
            await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nhalf")
            await asyncio.sleep(0.02)
            return
        await call.send(page(b"x" * 20_000))

    async with shop(cms=breaking) as it:
        visitor = await it.visitor()
        await visitor.send(request("/cut") + request("/order", "POST", body=b"qty=1") + request("/next") * 5)

        with pytest.raises(Truncated):
            await visitor.answer()

        assert [asked.target for asked in it["cms"].asked] == ["/cut"]


# --- too slow ---------------------------------------------------------------------------------------------------------


async def test_a_system_that_never_answers_is_a_504_and_the_visitor_may_ask_on():
    async with shop(cms=system(hanging, timeouts=QUICK)) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/page"), await visitor.ask("/other")]

        assert [(answer.status, answer.keeps) for answer in answers] == [(504, True)] * 2
        assert it.server("cms").failures == {"response_timeout": 2}
        assert it.server("cms").open == 0


async def test_a_system_that_stops_in_mid_body_is_cut_off():
    async def stopping(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await call.gone()

    async with shop(cms=system(stopping, timeouts=QUICK)) as it:
        visitor = await it.visitor()
        await visitor.send(request("/page"))

        with pytest.raises(Truncated):
            await visitor.answer()

        assert it.server("cms").failures == {"response_timeout": 1}
        await it["cms"].until(lambda: not it["cms"].open)


async def test_a_system_that_is_slow_but_goes_on_is_not_cut_off():
    async with stage(timeouts=Timeouts(response=5.0, idle=2.0)) as it:
        client = it.client()
        await client.says(request())
        server = await it.server()
        await it.passes(4.0)
        await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")

        for _ in range(30):
            await it.passes(1.5)
            await server.says(b"x")

        assert client.heard.endswith(b"x" * 30)


async def test_an_interim_answer_gives_no_more_time():
    async def processing(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await call.gone()

    async with shop(cms=system(processing, timeouts=QUICK)) as it:
        assert (await it.ask("/page")).status == 504


# --- one system's trouble is its own ----------------------------------------------------------------------------------


async def test_three_hundred_requests_to_a_hung_system_cost_the_other_nothing():
    rules = [rule("/shop/**", "commerce"), rule("/**", "cms", name="rest")]
    async with shop(rules, cms=answering(page(b"hello")), commerce=system(hanging, timeouts=QUICK)) as it:
        stuck = [await it.visitor() for _ in range(300)]
        for visitor in stuck:
            await visitor.send(request("/shop/"))
        reader = await it.visitor()

        loop = asyncio.get_running_loop()
        times = []
        for _ in range(200):
            began = loop.time()
            assert (await reader.ask("/page")).body == b"hello"
            times.append(loop.time() - began)

        assert sorted(times)[197] < 0.5  # REQUIREMENTS, 52
        assert {(await visitor.answer()).status for visitor in stuck} <= {503, 504}
