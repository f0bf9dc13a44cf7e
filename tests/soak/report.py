"""The soak's table for tests/bench/RESULTS.md. Pure: outcomes in, Markdown out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.bench.table import markdown
from tests.soak.findings import LOSSES, MIX_UPS, OTHERS, RETURNS
from tests.soak.once import AT_ONCE
from tests.soak.run import Outcome

Cell = Callable[[Outcome], str]


def _done(kind: str) -> Cell:
    return lambda outcome: f"{outcome.findings.done[kind]:,}"


def _fire(*kinds: str) -> Cell:
    return lambda outcome: " + ".join(str(outcome.fire.done[kind]) for kind in kinds)


def _wrong(kinds: tuple[str, ...]) -> Cell:
    return lambda outcome: f"{outcome.findings.sum(kinds):,}"


def _once(outcome: Outcome) -> str:
    return f"{outcome.once.good} good, {outcome.once.renewals} renewal" + ("" if outcome.once.kept else ": MISSED")


ROWS: tuple[tuple[str, Cell], ...] = (
    ("workers", lambda outcome: str(outcome.plan.workers)),
    ("shoppers", lambda outcome: f"{outcome.plan.shoppers:,}"),
    ("seconds", lambda outcome: f"{outcome.plan.seconds:g}"),
    ("requests", _done("requests")),
    ("pages", _done("pages")),
    ("crossings", _done("crossings")),
    ("of them with a login or a basket", _done("hand-offs")),
    ("forms sent", _done("forms")),
    ("workers killed with kill -9", _fire("workers killed")),
    ("rules reloaded", _fire("rules reloaded")),
    ("keys rotated", _fire("keys rotated")),
    ("Redis restarted empty", _fire("Redis restarted empty")),
    ("cms + commerce killed and started", _fire("cms restarted", "commerce restarted")),
    ("requests cut with their worker", _done("requests cut")),
    ("of them forms, looked after", _done("forms in doubt")),
    ("answers 5xx while a system was away", _done("answers of a system away")),
    ("answers 503 while one was too busy", _done("answers of a busy system")),
    ("p50 / p99 of a page, ms", lambda it: f"{it.findings.took_at(0.5):.0f} / {it.findings.took_at(0.99):.0f}"),
    ("checks by the shoppers", _done("checks")),
    ("**logins or baskets lost**", _wrong(LOSSES)),
    ("**seen by the wrong shopper**", _wrong(MIX_UPS)),
    ("came back after logout or order", _wrong(RETURNS)),
    ("anything else wrong", _wrong(OTHERS)),
    (f"{AT_ONCE} at once with one cookie due", _once),
)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return one column per run, with what was wrong below, by kind."""
    head = ["what", *(outcome.plan.store for outcome in outcomes)]
    rows = [[title, *(cell(outcome) for outcome in outcomes)] for title, cell in ROWS]
    notes = []
    for outcome in outcomes:
        if outcome.findings.wrong:
            said = ", ".join(f"{count} x {kind}" for kind, count in sorted(outcome.findings.wrong.items()))
            notes.append(f"- {outcome.plan.store}: {said}")
        if outcome.edge:
            said = ", ".join(f"{name} {count:,}" for name, count in sorted(outcome.edge.items()) if count)
            notes.append(f"- {outcome.plan.store}, what the workers that lived to tell counted themselves: {said}")
    return "\n".join([markdown(head, rows), "", *notes])


def failed(outcomes: Sequence[Outcome]) -> bool:
    """Whether anything was wrong in any run."""
    return any(outcome.findings.wrong or not outcome.once.kept for outcome in outcomes)
