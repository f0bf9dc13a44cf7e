"""One soak: a house, a thousand shoppers, the fire; what came of it as a value."""

from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.bench import machine
from tests.soak.belief import Lines
from tests.soak.findings import Findings
from tests.soak.fire import Every, Fire
from tests.soak.house import House, a_house
from tests.soak.once import Once, one_rotation
from tests.soak.shopper import Habits, Shopper, Truth

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of. Seconds are those of the walking; the first and the last looks come on top."""

    store: str
    workers: int
    shoppers: int
    seconds: float
    habits: Habits
    every: Every
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `edge` are the edge's own counters, for comparing; `cpu` is its share of one core."""

    plan: Plan
    findings: Findings
    fire: Fire
    once: Once
    edge: Counter[str]
    cpu: float
    took: float


def run(plan: Plan, say: Say, keep: Path | None = None) -> Outcome:
    """Do one soak; what is in the house's folder is kept below `keep` if that is given."""
    if keep is not None:
        folder = keep / f"{plan.store}-{datetime.now(UTC):%H%M%S}"
        folder.mkdir(parents=True)
        return _run(plan, say, folder)
    with tempfile.TemporaryDirectory(prefix="inseam-soak-") as folder:
        return _run(plan, say, Path(folder))


def _run(plan: Plan, say: Say, folder: Path) -> Outcome:
    say(f"{plan.store}: opening, {plan.workers} workers")
    with a_house(folder, plan.store, plan.workers) as house:
        edge = house.programs["edge"].process
        assert edge is not None
        began = time.monotonic()
        spent = machine.cpu_seconds(edge.pid)
        findings, fire = Findings(), Fire(house, plan.every, random.Random(plan.seed))
        uvloop.run(_walk(plan, house, findings, fire, say))
        took = time.monotonic() - began
        cpu = (machine.cpu_seconds(edge.pid) - spent) / took
        counted = _counted(house.metrics())
        say(f"{plan.store}: 200 requests at once with one cookie")
        once = uvloop.run(one_rotation(house))
    return Outcome(plan, findings, fire, once, counted, cpu, took)


async def _walk(plan: Plan, house: House, findings: Findings, fire: Fire, say: Say) -> None:
    truth = _truth(house)
    shoppers = [
        Shopper(number, house.port, plan.habits, findings, fire.explains, truth, plan.seed)
        for number in range(plan.shoppers)
    ]
    until = time.monotonic() + plan.seconds
    telling = asyncio.ensure_future(_tell(findings, fire, say))
    burning = asyncio.ensure_future(fire.burn(until))
    try:
        await asyncio.gather(*(shopper.walk(until) for shopper in shoppers))
        await burning
    finally:
        telling.cancel()
        burning.cancel()


async def _tell(findings: Findings, fire: Fire, say: Say) -> None:
    while True:
        await asyncio.sleep(10)
        done, wrong = findings.done, dict(findings.wrong) or "nothing"
        say(f"  {done['steps']} steps, {done['crossings']} crossings, {done['checks']} checks; wrong: {wrong}")


def _truth(house: House) -> Truth:
    def ask(customer: str) -> Lines:
        url = f"http://127.0.0.1:{house.ports['commerce']}/truth/{customer}"
        for _ in range(50):
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return frozenset(json.load(answer).items())
            except OSError:  # it is being restarted
                time.sleep(0.2)
        raise TimeoutError("commerce does not come back")

    async def truth(customer: str) -> Lines:
        return await asyncio.to_thread(ask, customer)

    return truth


def _counted(metrics: str) -> Counter[str]:
    """Return what the edge counted of continuity, summed over the labels that do not matter here."""
    found: Counter[str] = Counter()
    for name, labels, value in re.findall(r"^(inseam_\w+_total)(?:\{(.*)\})? (\S+)$", metrics, re.MULTILINE):
        if name in ("inseam_crossings_total", "inseam_handoffs_total", "inseam_losses_total"):
            kinds = re.findall(r'(?:kind|reason)="([^"]*)"', labels)
            found[" ".join([name.removeprefix("inseam_").removesuffix("_total"), *kinds])] += int(float(value))
    return found
