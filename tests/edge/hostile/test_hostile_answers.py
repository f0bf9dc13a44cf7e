"""The corpus of hostile answers: what a client sees of each, and that nobody else's answer ever shifts."""

from __future__ import annotations

import asyncio

import pytest

from router.model import Timeouts
from tests.edge.hostile.corpus_answers import ANSWERS, HELLO, LEAK, Hostile
from tests.edge.hostile.harness import Answer, Shop, client, shop

QUICK = Timeouts(connect=1.0, response=0.15, idle=0.15)


def of_kind(verdict: str) -> pytest.MarkDecorator:
    found = [case for case in ANSWERS if case.verdict == verdict]
    names = [f"{case.name} {number}" if case.name in [other.name for other in found[:number]] else case.name
             for number, case in enumerate(found)]  # fmt: skip
    return pytest.mark.parametrize("case", found, ids=names)


async def ask(it: Shop, case: Hostile) -> tuple[Answer | None, bytes]:
    """Ask for the hostile answer by HTTP/1.1, TE included; return what a strict reader makes of it, and all bytes."""
    async with client(it.port) as visitor:
        await visitor.send(case.method + b" /hostile HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\n\r\n")
        seen = _Overheard(visitor.reader)
        visitor.reader = seen
        try:
            answer = await visitor.answer(bodiless=case.method == b"HEAD")
        except ConnectionResetError:
            return None, seen.heard
        return answer, seen.heard


class _Overheard:
    """A stream reader of which every byte that was read is kept."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader
        self.heard = b""

    async def readuntil(self, mark: bytes) -> bytes:
        return self._kept(await self.reader.readuntil(mark))

    async def readexactly(self, size: int) -> bytes:
        return self._kept(await self.reader.readexactly(size))

    async def read(self, size: int) -> bytes:
        return self._kept(await self.reader.read(size))

    def _kept(self, data: bytes) -> bytes:
        self.heard += data
        return data


async def assert_nothing_shifted(it: Shop) -> None:
    """Honest clients get their own answers, on connections that the hostile answers did not come by."""
    spoilt = {request.connection for request in it.cms.requests}
    it.cms.forget()
    for number in range(2):
        async with client(it.port) as visitor:
            for place in range(2):
                target = f"/honest-{number}-{place}"
                await visitor.send(f"GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode())
                answer = await visitor.answer()
                assert (answer.status, answer.body, answer.whole) == (200, f"cms GET {target}".encode(), True)
    assert not {request.connection for request in it.cms.requests} & spoilt
    assert len(it.cms.requests) == 4


@of_kind("refused")
async def test_an_answer_that_is_refused_becomes_a_page_of_the_edges_own(case: Hostile):
    async with shop(answers={"/hostile": case.steps}, timeouts=QUICK) as it:
        answer, heard = await ask(it, case)

        assert answer is not None
        assert answer.status in case.statuses
        assert answer.whole
        assert answer.headers["content-type"].startswith("text/html")
        assert LEAK not in heard
        await assert_nothing_shifted(it)


@of_kind("cut")
async def test_an_answer_that_breaks_off_is_never_taken_for_whole(case: Hostile):
    async with shop(answers={"/hostile": case.steps}, timeouts=QUICK) as it:
        answer, heard = await ask(it, case)

        assert answer is None or (answer.status == 200 and not answer.whole)
        assert LEAK not in heard
        await assert_nothing_shifted(it)


@of_kind("passes")
async def test_nothing_follows_an_answer_that_is_whole(case: Hostile):
    async with shop(answers={"/hostile": case.steps}, timeouts=QUICK) as it:
        answer, heard = await ask(it, case)

        assert answer is not None
        assert (answer.body, answer.whole) == (case.body, True)
        assert LEAK not in heard
        await asyncio.sleep(0.05 if any(isinstance(step, float) for step in case.steps) else 0)
        await assert_nothing_shifted(it)


async def test_an_answer_before_the_request_is_whole_is_the_last_on_both_connections():
    """RFC 9112, 9.3: the rest of the upload would be read as the next request, the next answer could be late."""
    async with shop() as it:
        async with client(it.port) as visitor:
            await visitor.send(b"POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\nhello")
            while not it.cms.everything.endswith(b"hello"):
                await asyncio.sleep(0.001)
            (early,) = it.cms.open
            early.transport.write(HELLO)
            answer = await visitor.answer()
            await visitor.send(b"GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            rest, _ = await visitor.rest()

        assert (answer.status, answer.body, answer.headers["connection"]) == (200, b"hello", "close")
        assert rest == b""
        while early in it.cms.open:
            await asyncio.sleep(0.001)
        await assert_nothing_shifted(it)


async def test_what_a_system_says_before_it_is_asked_is_nobodys_answer():
    async with shop() as it, client(it.port) as visitor:
        await visitor.send(b"GET /first HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert (await visitor.answer()).body == b"cms GET /first"
        (idle,) = it.cms.open
        idle.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nleak")
        while idle in it.cms.open:
            await asyncio.sleep(0.001)
        await visitor.send(b"GET /second HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert (await visitor.answer()).body == b"cms GET /second"


async def test_an_http_1_0_client_sees_by_a_reset_that_an_answer_broke_off():
    """Its answer ends with the connection, so a clean end would say that it is whole."""
    steps = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0.02, b"x\r\n")
    async with shop(answers={"/hostile": steps}) as it, client(it.port) as visitor:
        await visitor.send(b"GET /hostile HTTP/1.0\r\nHost: shop.test\r\n\r\n")
        _, reset = await visitor.rest()

        assert reset


async def test_no_request_behind_a_broken_answer_is_begun():
    steps = (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0.03, "close")
    async with shop(answers={"/hostile": steps}) as it, client(it.port) as visitor:
        ordering = b"POST /order HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n"
        await visitor.send(b"GET /hostile HTTP/1.1\r\nHost: shop.test\r\n\r\n" + ordering)
        _, reset = await visitor.rest()
        await asyncio.sleep(0.02)

        assert reset
        assert [request.target for request in it.cms.requests] == ["/hostile"]
