"""Disorder: clients, servers and the clock do anything in any order, and all get their own answers or a clear end.

What holds whatever happens: an answer stands where its request stood and is about it, framed once; nothing follows a
last answer; what was cut ends with a reset; no server is asked beyond its limit; and when everybody has been good for a
while, nobody waits any more and nothing is left over.
"""

from __future__ import annotations

import random

import h11
import pytest
from shop import rule
from stage import Line, Stage, settle, stage

from router.model import Limits, ServerAddress, SystemSpec
from router.rules import Redirect


class Visitor:
    """Sends requests, often several at a time and in odd pieces; `asked` are their methods and targets in order."""

    def __init__(self, it: Stage, name: int, dice: random.Random) -> None:
        self.line = it.client(f"192.0.2.{name % 5 + 1}")
        self.asked: list[tuple[bytes, bytes]] = []
        self._name = name
        self._dice = dice
        self._unsaid = b""
        self._over = False

    def _think(self) -> None:
        target = b"/%d/%d" % (self._name, len(self.asked))
        method, version, lines, body = self._dice.choice(
            [
                (b"GET", b"1.1", b"", b""),
                (b"GET", b"1.1", b"X-Long: " + b"x" * 3000 + b"\r\n", b""),
                (b"GET", b"1.1", b"Connection: close\r\n", b""),
                (b"GET", b"1.0", b"Connection: keep-alive\r\n", b""),
                (b"HEAD", b"1.1", b"", b""),
                (b"POST", b"1.1", b"Content-Length: 5\r\n", b"yyyyy"),
                (b"POST", b"1.1", b"Content-Length: 300000\r\nExpect: 100-continue\r\n", b"y" * 300_000),
                (b"PUT", b"1.1", b"Transfer-Encoding: chunked\r\n", b"1\r\ny\r\n5\r\nyyyyy\r\n0\r\nX-T: 1\r\n\r\n"),
            ]
        )
        if self._dice.random() < 0.1:
            target = b"/old" + target
        self.asked.append((method, target))
        self._unsaid += b"%b %b HTTP/%b\r\nHost: shop.example\r\n%b\r\n%b" % (method, target, version, lines, body)

    async def acts(self) -> None:
        dice, line = self._dice, self.line
        chance = dice.random()
        if line.lost:
            return
        if chance < 0.1:
            line.clogged = True
        elif chance < 0.3:
            line.takes(dice.choice([100, 20_000, 1 << 30]))
            await settle()
        elif chance < 0.33:
            await line.leaves(dice.choice([None, ConnectionResetError("gone")]))
        elif chance < 0.36 and line.reading and not line.closing and not self._over:
            self._over = True
            await line.half_closes()
        else:
            for _ in range(dice.choice([1, 1, 2, 20])):
                self._think()
            await self.speaks(dice.choice([1, 20, 200, 70_000, 250_000]))

    async def speaks(self, size: int = 1 << 30) -> bool:
        """Say some of what is to be said; return whether there was any."""
        if self._over or self.line.lost or self.line.closing or not self.line.reading or not self._unsaid:
            return False
        said, self._unsaid = self._unsaid[:size], self._unsaid[size:]
        await self.line.says(said)
        return True

    def check(self) -> None:
        """Read all that came; a client of h11's refuses what is not well formed."""
        rest = self.line.heard
        for method, target in self.asked:
            if not rest:
                return
            reader = h11.Connection(h11.CLIENT)
            host = [("host", "shop.example")]
            reader.send(h11.Request(method=method, target=target, headers=[*host, ("content-length", "0")]))
            reader.send(h11.EndOfMessage())
            reader.receive_data(rest)
            body = b""
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    assert self.line.reset or (self._over and self.line.lost) or self.line.lost, "an answer half-way"
                    return
                if isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
            if head.status_code == 200 and method != b"HEAD":
                assert body.startswith(b"<%b>" % target)
            if target.startswith(b"/old"):
                assert head.status_code in (302, 408)
            rest = reader.trailing_data[0]
            if (b"connection", b"close") in head.headers:
                break
        assert rest == b"", "more than was asked for, or something behind the last answer"


class System:
    """One server's side of a connection: answers in every way, right and wrong, early and late."""

    def __init__(self, line: Line, dice: random.Random) -> None:
        self.line = line
        self._dice = dice
        self._read = 0
        self._requests: list[tuple[bytes, bytes]] = []
        self._begun: tuple[bytes, bytes] | None = None
        self._unsaid = b""
        self.wicked = False
        """Whether it has said what cannot be made good any more."""

    def _listen(self) -> None:
        """Read the requests that are whole; h11 refuses what a strict server would."""
        self._begun = None
        while self._read < len(self.line.heard):
            reader = h11.Connection(h11.SERVER)
            reader.receive_data(self.line.heard[self._read :])
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    return
                if isinstance(event, h11.Request):
                    self._begun = event.method, event.target
            assert self._begun is not None
            self._requests.append(self._begun)
            self._begun = None
            self._read = len(self.line.heard) - len(reader.trailing_data[0])

    async def acts(self) -> None:
        dice = self._dice
        if dice.random() < 0.1:
            self.line.clogged = True
        elif self.line.clogged:
            self.line.takes(dice.choice([1000, 100_000, 1 << 30]))
            await settle()
        self._listen()
        early = not self._requests and self._begun is not None and dice.random() < 0.3
        if self._unsaid or not (self._requests or early) or self.wicked:
            await self.speaks()
            return
        asked = self._begun if early else self._requests.pop(0)
        assert asked is not None
        self.wicked = early
        method, target = asked
        body = b"<%b>" % target * dice.choice([1, 1, 10, 5000, 30_000])
        whole = b"" if method == b"HEAD" else body
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if whole else b""
        length = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), whole)
        self._unsaid = dice.choice(
            [
                length,
                length,
                b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + length,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
                b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
                b"HTTP/1.1 304 Not Modified\r\n\r\n",
                b"HTTP/1.0 200 OK\r\n\r\n" + whole,
                length[: dice.randrange(len(length))],
                length + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY",
                b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
                b"",
            ]
        )
        ends = (not self._unsaid.startswith(length) and not chunks) or self._unsaid.startswith(b"HTTP/1.0")
        await self.speaks(dice.choice([10, 60, 50_000, 1 << 30]))
        if ends and not self._unsaid and not self.line.lost:
            await self.line.leaves(dice.choice([None, ConnectionResetError("gone")]) if method == b"POST" else None)
        self.wicked = self.wicked or not self._unsaid.startswith(length)

    async def speaks(self, size: int = 1 << 30) -> bool:
        if self.line.lost or self.line.closing or not self.line.reading or not self._unsaid:
            return False
        said, self._unsaid = self._unsaid[:size], self._unsaid[size:]
        await self.line.says(said)
        return True

    async def is_good(self) -> bool:
        """Answer as asked; return whether there was anything to do."""
        if self.line.lost or self.line.closing:
            return False
        busy = bool(self.line.unsent)
        self.line.takes()
        await settle()
        if await self.speaks() or self.wicked or self._unsaid:
            return busy
        self._listen()
        for method, target in self._requests:
            body = b"<%b>" % target
            said = b"" if method == b"HEAD" else body
            self._unsaid += b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), said)
        self._requests = []
        return await self.speaks() or busy


@pytest.mark.parametrize("seed", range(30))
async def test_whatever_happens_everybody_gets_their_own_answers_or_a_clear_end(seed):
    dice = random.Random(seed)
    places = tuple(ServerAddress("http", "127.0.0.1", 80 + place) for place in range(dice.choice([1, 2])))
    limit = dice.choice([1, 2, 50])
    cms = SystemSpec("cms", places, connections=limit, queue=dice.choice([2, 100]), retries=dice.choice([0, 1, 2]))
    systems = [cms, SystemSpec("commerce", (ServerAddress("http", "127.0.0.1", 90),), connections=limit)]
    rules = [rule("/old/**", Redirect("/new")), rule("/**", "cms", fallback=dice.choice(["", "commerce"]))]
    limits = Limits(requests=dice.choice([0, 7]))
    async with stage(*rules, systems=systems, limits=limits) as it:
        visitors: list[Visitor] = []
        servers: list[System] = []

        for _ in range(150):
            chance = dice.random()
            if chance < 0.15 or not visitors:
                visitors.append(Visitor(it, len(visitors), dice))
            elif chance < 0.5:
                await dice.choice(visitors).acts()
            elif chance < 0.65 and it.wanted:
                servers.append(System(await it.server(), dice))
            elif chance < 0.68 and it.wanted:
                await it.refuses()
            elif chance < 0.9 and servers:
                server = dice.choice(servers)
                if server.line.lost or server.line.closing or not server.line.reading:
                    continue
                await server.acts()
            elif chance < 0.97:
                await it.passes(dice.choice([0.1, 1, 5, 30]))
            else:
                it.swap(systems=[SystemSpec("cms", places, connections=limit, retries=dice.randrange(4)), systems[1]])
            assert all(pool.open + pool.opening <= limit for system in it.systems.values() for pool in system.servers)

        for _ in range(200):
            busy = False
            while it.wanted:
                servers.append(System(await it.server(), dice))
            for server in servers:
                busy |= await server.is_good()
            for visitor in visitors:
                busy |= await visitor.speaks()
                visitor.line.takes()
                await settle()
            if not busy:
                break
        else:
            raise AssertionError("there is no end to it")
        for _ in range(60):  # a pipeline may meet the longest deadline with each of its requests
            if it.edge.clients:
                await it.passes(60)

        assert not it.edge.clients
        for visitor in visitors:
            visitor.check()
