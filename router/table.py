"""The compiled rules as rows: for `/api/rules` and `inseam routes`."""

from __future__ import annotations

from typing import Any

import msgspec

from router.generation import Generation
from router.rules import Action, Redirect, Respond, Rule, Split, To, Treatment


class Row(msgspec.Struct):
    """One rule: where it stands, what it holds for, what it does. `to` is what `inseam routes` prints."""

    number: int
    name: str
    where: str
    paths: list[str]
    conditions: list[str]
    to: str
    systems: list[str]
    page: str
    intent: str
    treatment: dict[str, Any]


def table(generation: Generation) -> list[Row]:
    """Return the rules in file order, numbered from 1."""
    return [_row(number, rule) for number, rule in enumerate(generation.rules.rules, start=1)]


def _row(number: int, rule: Rule) -> Row:
    return Row(
        number, rule.name, str(rule.position), [str(path) for path in rule.paths],
        [str(condition) for condition in rule.conditions], _said(rule.action), list(rule.systems), rule.page,
        rule.intent, _treatment(rule.treatment),
    )  # fmt: skip


def _said(action: Action) -> str:
    match action:
        case To(system):
            return system
        case Split(shares):
            ends = [0, *(end for _, end in shares)]
            return ", ".join(
                f"{system} {(end - start) / 100:g} %" for (system, end), start in zip(shares, ends, strict=False)
            )
        case Redirect(location, status):
            return f"{status} to {location}"
        case Respond(reply):
            return f"answers {reply.status}"


def _treatment(treatment: Treatment) -> dict[str, Any]:
    """Return what a rule does beside naming the owner, without what it leaves as it is."""
    said: dict[str, Any] = {
        "fallback": treatment.fallback,
        "rewrite": treatment.rewrite,
        "timeouts": treatment.timeouts,
        "retries": treatment.retries,
        "request": treatment.request,
        "response": treatment.response,
        "plugins": [type(plugin).__name__ for plugin in treatment.plugins],
        "mirror": treatment.mirror,
        "body_limit": treatment.body_limit,
    }
    return {name: value for name, value in said.items() if value not in ("", None, [])}
