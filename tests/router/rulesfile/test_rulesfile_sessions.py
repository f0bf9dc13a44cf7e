"""What a rules file says of sessions, and what comes of it when nothing is said."""

from __future__ import annotations

import pytest
from rulesfile_shop import shop

from router.errors import RulesProblems
from sessions.model import Policy

RULES = "- {name: everything, path: /**, to: cms}"


def policy(text: str) -> Policy:
    return shop(f"session: {text}\nrules:\n  {RULES}\n").session


def test_nothing_need_be_said() -> None:
    assert shop(RULES).session == policy("{}") == Policy()


def test_everything_can_be_said() -> None:
    said = policy(
        "{idle: 7d, absolute: 30d, grace: 90s, token: 1m, basket: {merge: max, line_cap: 9, basket_cap: 50}, "
        "callbacks: [/checkout/return/, /a/b], sites: [https://brand.example], home: https://shop.example}"
    )

    assert said == Policy(
        idle=7 * 86400, absolute=30 * 86400, grace=90, token_life=60, merge="max", line_cap=9, basket_cap=50,
        callbacks=frozenset({"/checkout/return/", "/a/b"}), sites=frozenset({"https://brand.example"}),
        home="https://shop.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["{token: 301s}", "{idle: 10d, absolute: 9d}", "{idle: 200d}", "{token: 0s}", "{idle: 0s}", "{grace: 0s}"]
)
def test_times_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(RulesProblems):
        policy(text)


def test_what_a_system_may_tell_is_nothing_unless_it_is_said() -> None:
    spec = shop(RULES).systems["cms"]

    assert (spec.authority, spec.unsigned, spec.profile) == (frozenset(), False, "generic")
