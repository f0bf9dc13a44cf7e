"""What a request costs: every proxy under the same load, in turns, round after round, in one run.

The machine is shared, so a figure alone says little. Proxies are measured one after the other within a round, rounds
are repeated, and ratios are taken within a round.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine
from tests.bench.proxies import ALL, BY_NAME, Proxy
from tests.bench.running import Failed, Running, a_place, prove, started
from tests.bench.table import Line, Sample, ratio, speed_table, verdict

CLIENTS = 64
LOADS = Path(__file__).parent / "load"
MOST_OF_NGINX, MOST_OF_ENVOY = 1.5, 0.5


@dataclass(frozen=True, slots=True)
class Table:
    """Proxies under one load. Ratios are to the proxies named in `beside`, under that load."""

    title: str
    load: str
    proxies: tuple[str, ...]
    beside: tuple[str, ...] = ("nginx", "envoy")


TABLES = (
    Table(
        "The same 15 headers on each request",
        "same",
        ("edge", "edge-plain", "nginx", "haproxy", "envoy", "caddy", "aiohttp"),
    ),
    Table(
        "Path, Referer and Cookie differ on each request",
        "varied",
        ("edge", "edge-plain", "nginx", "haproxy", "envoy"),
    ),
    Table("More switched on, beside the plain proxying above", "same", ("edge-edits", "edge-log")),
    Table("TLS to the client", "same", ("edge-tls", "nginx-tls"), ("nginx-tls",)),
)


@dataclass(slots=True)
class Measured:
    """A proxy of the run and what it gave so far."""

    proxy: Proxy
    running: Running | None = None
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    memory: int = 0
    note: str = ""

    def line(self, load: str) -> Line:
        """Return the proxy's line in a table; what failed half way has no figures at all."""
        return Line(self.proxy.title, () if self.note else self.samples.get(load, ()), self.memory, self.note)


def wrk(url: str, load: str, seconds: float, threads: int = 1) -> dict[str, float]:
    """Load `url` with 64 keep-alive clients and return what load/browser.lua prints. Raises SystemExit without wrk."""
    command = [
        "wrk",
        "--threads",
        str(threads),
        "--connections",
        str(CLIENTS),
        "--duration",
        f"{max(1, round(seconds))}s",
    ]
    try:
        done = subprocess.run(
            [*command, "--timeout", "10s", "--script", str(LOADS / f"{load}.lua"), url],
            env={**os.environ, "BENCH_LOAD": str(LOADS)},
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise SystemExit("the load comes from wrk: apt-get install wrk") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"wrk: {(error.stderr or error.stdout).strip()[-200:]}") from error
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(running: Running, load: str, seconds: float) -> Sample:
    """Load a proxy and return what it cost. Raises Failed when it ended meanwhile or answered nothing."""
    try:
        cpu, began = machine.cpu_seconds(running.pid), time.monotonic()
        figures = wrk(running.url, load, seconds)
        cpu, took = machine.cpu_seconds(running.pid) - cpu, time.monotonic() - began
    except (FileNotFoundError, ProcessLookupError) as error:
        raise Failed(f"ended under load: {running.log()}") from error
    requests = figures["requests"]
    if not requests:
        raise Failed(f"answered nothing under load: {running.log()}")
    return Sample(
        cpu=cpu / requests * 1e6,
        rate=requests / figures["seconds"],
        p50=figures["p50"] / 1e3,
        p99=figures["p99"] / 1e3,
        busy=cpu / took,
        failures=round(figures["refused"] + figures["broken"] + figures["late"] + figures["status"]),
    )


def run(families: Iterable[str], seconds: float, rounds: int, say: Callable[[str], None]) -> str:
    """Measure the tables' proxies that are of these families; return the tables as Markdown."""
    chosen = set(families)
    tables = [(table, [name for name in table.proxies if BY_NAME[name].family in chosen]) for table in TABLES]
    turns = [(name, table.load) for table, names in tables for name in names]
    measured = {proxy.name: Measured(proxy) for proxy in ALL if any(proxy.name == name for name, _ in turns)}
    with ExitStack() as stack:
        place = stack.enter_context(a_place())
        for one in measured.values():
            say(f"starting {one.proxy.title}")
            try:
                one.running = stack.enter_context(started(one.proxy, place))
                prove(one.running)
            except Failed as error:
                one.note = str(error)
                say(f"  {one.note}")
        for number in range(rounds):
            # There and back again, so that nobody always comes after the same neighbour.
            for name, load in turns if number % 2 == 0 else reversed(turns):
                _turn(measured[name], load, seconds, say, f"round {number + 1} of {rounds}")
        for one in measured.values():
            if one.running and not one.note:
                one.memory = machine.peak(one.running.pid)
    parts = [_section(table, [measured[name] for name in names], measured) for table, names in tables if names]
    return "\n\n".join([*parts, *_verdicts(measured)])


def _turn(one: Measured, load: str, seconds: float, say: Callable[[str], None], when: str) -> None:
    if one.note or not one.running:
        return
    try:
        wrk(one.running.url, load, 1)  # warm: connections open, code and caches in place
        sample = measure(one.running, load, seconds)
    except Failed as error:
        one.note = str(error)
        say(f"{when}: {one.proxy.title}: {one.note}")
        return
    one.samples.setdefault(load, []).append(sample)
    say(f"{when}: {one.proxy.title}, {load}: {sample.cpu:.1f} us/request, {sample.rate:,.0f} requests/s")


def _samples(measured: dict[str, Measured], name: str, load: str) -> list[Sample]:
    one = measured.get(name)
    return one.samples.get(load, []) if one and not one.note else []


def _section(table: Table, lines: list[Measured], measured: dict[str, Measured]) -> str:
    beside = {BY_NAME[name].title: _samples(measured, name, table.load) for name in table.beside}
    present = {title: samples for title, samples in beside.items() if samples}
    return f"### {table.title}\n\n" + speed_table([one.line(table.load) for one in lines], present)


def _verdicts(measured: dict[str, Measured]) -> list[str]:
    lines = []
    for load in ("same", "varied"):
        edge = _samples(measured, "edge", load)
        for name, most in (("nginx", MOST_OF_NGINX), ("envoy", MOST_OF_ENVOY)):
            if edge and (other := _samples(measured, name, load)):
                title = f"processor time beside {BY_NAME[name].title}, {load} headers"
                lines.append(verdict(title, ratio(edge, other), most, " x"))
    return ["### The limits\n\n" + "\n".join(lines)] if lines else []
