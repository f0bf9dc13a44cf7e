"""Everything at once, at random but repeatable: nobody gets another's page, nothing raises, nothing is left over."""

from __future__ import annotations

import asyncio
import random

import pytest
from shop import QUICK, Asked, Call, Shop, page, rule, shop, system
from visitor import Ended, Truncated, Visitor, request

from router.model import Limits
from router.rules import Mirror, Redirect, Split

RULES = [
    rule("/old/{id}", Redirect("/cms/{id}")),
    rule("/cms/{id}", "cms", fallback="commerce"),
    rule("/shop/{id}", "commerce", retries=2),
    rule("/brands/{id}", Split.of([("cms", 40), ("commerce", 60)])),
    rule("/new/{id}", "cms", mirror=Mirror("commerce")),
]
KINDS = ["cms", "shop", "brands", "new"]


def body_of(target: str) -> bytes:
    """What the page at a target says: its id, so often that its end is far from its beginning."""
    name = target.rsplit("/", 1)[1].encode()
    return (name + b".") * (int(name) % 700 + 1)


class Weather:
    """A system that mostly answers, in any framing, and now and then fails in any way."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    async def __call__(self, call: Call) -> None:
        while True:
            asked = await call.request()
            body = body_of(asked.target)
            match self.chance.randrange(24):
                case 0:
                    return call.reset()
                case 1:
                    return await call.send(page(body)[:-3])
                case 2:
                    await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell")
                    return call.reset()
                case 3:
                    return await call.send(b"what?\r\n\r\n")
                case 4:
                    return await call.gone()
                case 5:
                    await call.send(page(b"sorry", "503 Busy"))
                case 6:
                    return await call.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
                case 7:
                    return await call.send(page(body, "200 OK", "Connection: close"))
                case 8:
                    await call.send(page(body) + b"stray bytes")
                case 9 | 10:
                    await self._slowly(call, page(body))
                case 11 | 12:
                    await call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + page(body))
                case 13 | 14 | 15:
                    await self._chunked(call, body)
                case _:
                    await call.send(page(body))

    async def _slowly(self, call: Call, answer: bytes) -> None:
        for place in range(0, len(answer), 1000):
            await call.send(answer[place : place + 1000])
            await asyncio.sleep(0.001)

    async def _chunked(self, call: Call, body: bytes) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for place in range(0, len(body), 700):
            piece = body[place : place + 700]
            await call.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await call.send(b"0\r\n\r\n")


class Crowd:
    """Visitors who ask, pipeline, upload, dawdle and vanish; `seen` counts the whole pages they got."""

    def __init__(self, it: Shop, seed: int) -> None:
        self.it = it
        self.chance = random.Random(seed)
        self.number = 0
        self.seen = 0

    def next_target(self) -> str:
        self.number += 1
        return f"/{self.chance.choice(KINDS)}/{self.number}"

    async def visit(self) -> None:
        """Come, do several things as long as the connection lasts, and go."""
        visitor = await self.it.visitor()
        try:
            for _ in range(self.chance.randrange(1, 8)):
                await self._something(visitor)
        except (Ended, Truncated, ConnectionError):
            pass
        visitor.vanish()
        self.it.visitors.remove(visitor)

    async def _something(self, visitor: Visitor) -> None:
        target = self.next_target()
        match self.chance.randrange(10):
            case 0:
                visitor.writer.write(request(target))
                await asyncio.sleep(self.chance.random() / 50)
                visitor.vanish()
                raise Ended
            case 1:
                visitor.writer.write(request(target, "POST", "Content-Length: 50000") + b"x" * 20_000)
                await asyncio.sleep(self.chance.random() / 50)
                visitor.vanish()
                raise Ended
            case 2:
                upload = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [b"y" * 5000] * 9) + b"0\r\n\r\n"
                visitor.writer.write(request(target, "POST", "Transfer-Encoding: chunked") + upload)
                await self._expect(visitor, target)
            case 3 | 4:
                targets = [self.next_target() for _ in range(self.chance.randrange(2, 12))]
                visitor.writer.write(b"".join(map(request, targets)) + request("/old/1"))
                for each in targets:
                    await self._expect(visitor, each)
                assert (await visitor.answer()).get("location") == "/cms/1"
            case _:
                visitor.writer.write(request(target))
                await self._expect(visitor, target)

    async def _expect(self, visitor: Visitor, target: str) -> None:
        """The next whole answer is the page asked for, or says plainly that there is none."""
        answer = await visitor.answer()
        if answer.status == 200:
            assert answer.body == body_of(target), (target, answer)
            self.seen += 1
        else:
            assert answer.status in (408, 502, 503, 504), answer
        if not answer.keeps:
            raise Ended


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_leaves_the_shop_as_it_was(seed):
    weather = [Weather(seed * 10 + place) for place in range(4)]
    small = {"timeouts": QUICK, "connections": 6, "queue": 30, "queue_timeout": 0.3}
    async with shop(
        RULES,
        cms=system(*weather[:2], **small), commerce=system(*weather[2:], **small),
        limits=Limits(head_time=1.0, body_grace=0.5, idle=2.0),
    ) as it:  # fmt: skip
        crowd = Crowd(it, seed)

        for _ in range(5):
            await asyncio.gather(*(crowd.visit() for _ in range(30)))

        assert crowd.seen > 100
        await it.until(lambda: not it.left_over, 4)
        everything = [asked for servers in it.systems.values() for server in servers for asked in server.asked]
        assert not repeated([asked for asked in everything if asked.method == "POST"])


def repeated(posts: list[Asked]) -> list[str]:
    """Targets that some system was asked for twice by POST."""
    targets = [asked.target for asked in posts]
    return [target for target in set(targets) if targets.count(target) > 1]
