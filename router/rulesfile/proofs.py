"""Running what a rules file claims of itself: `examples:` and `tests:`, by the code that the edge runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from router.conditions import (
    Between,
    Client,
    Condition,
    Country,
    Host,
    In,
    Is,
    Language,
    Matches,
    Method,
    Present,
    Session,
    Text,
)
from router.errors import ClientError, MisdirectedRequest, NoRule, Problem
from router.exchange import outbound
from router.generation import Expectation, Generation
from router.model import Decision, Reply, RequestView, Visit
from router.rules import Example, Rule
from router.rulesfile.requests import BadRequestText, split_request, view_of

# --- examples ---------------------------------------------------------------------------------------------------------

_TRIES = 8
"""An example may meet so many windows of earlier rules, one after the other, before it counts as taken."""


def check_examples(generation: Generation) -> list[Problem]:
    """Return a problem for each example that does not land on its rule, saying which rule took it and why.

    An example is a path and at most a method, a host and a query. What the rule asks for besides (a time, a header, a
    session, ...) is taken as given, so the example of a summer campaign proves the same in winter.
    """
    places: dict[int, int] = {}
    problems = []
    for rule in generation.rules.rules:
        for example in rule.examples:
            if not places:
                places = {id(one): place for place, one in enumerate(generation.rules.rules)}
            said = _taken(generation, rule, example, places)
            if said is not None:
                problems.append(
                    Problem(example.position, f'rule "{rule.name}": example "{example.text}" {said[0]}', said[1])
                )
    return problems


def _taken(generation: Generation, rule: Rule, example: Example, places: dict[int, int]) -> tuple[str, str] | None:
    """Return what keeps the example from landing on its rule, with a way out, or None."""
    window = next((one for one in rule.conditions if isinstance(one, Between)), None)
    moments, tried = [_moment_in(window)], set[float]()
    said = None
    while moments and len(tried) < _TRIES:
        now = moments.pop()
        tried.add(now)
        try:
            view = witness(generation, rule.conditions, example.text, now)
            if generation.hosts is not None and not generation.hosts(view):
                return f"has the host {view.host}, which is none of `hosts`", "such a request is answered 421"
            winner: Rule | None = generation.rules.match(view).rule
        except NoRule:
            winner = None
        except (BadRequestText, ClientError) as error:
            return f"is no request that is passed on: {error}", getattr(error, "hint", "")
        if winner is rule:
            return None
        failed = _failed(rule, view, example)
        if failed and said is None:
            where = f'; it lands on rule "{winner.name}"' if winner is not None else "; no rule holds for it"
            said = f"does not hold for it: {failed}{where}", "change the example, or the rule"
        if winner is None or places[id(winner)] > places[id(rule)]:
            if failed:
                return said
            return None  # only what no example can say is missing
        if said is None:
            path = next(str(path) for path in winner.paths if path(view.path))
            said = (
                f'lands on rule "{winner.name}" ({winner.position}), which stands before it and holds for {path}',
                "put the rule before that one, or change the example",
            )
        for other in winner.conditions:
            if isinstance(other, Between):
                outside = [other.until, other.since - 1 if other.since is not None else None]
                moments += [
                    at for at in outside if at is not None and at not in tried and (not window or _at(window, at))
                ]
    return said


def _moment_in(window: Between | None) -> float:
    if window is None:
        return 0.0
    if window.since is not None:
        return window.since
    return window.until - 1 if window.until is not None else 0.0


def _at(window: Between, now: float) -> bool:
    return (window.since is None or now >= window.since) and (window.until is None or now < window.until)


def _failed(rule: Rule, view: RequestView, example: Example) -> str:
    """Return the path or condition of the rule that the example does not fulfil, or nothing."""
    if not rule.covers(view):
        return "path " + " or ".join(str(path) for path in rule.paths)
    for condition in rule.conditions:
        if not condition(view) and not _unsaid(condition, example):
            return str(condition)
    return ""


def _unsaid(condition: Condition, example: Example) -> bool:
    """Whether a condition asks for what an example does not say, and nobody could guess."""
    if not isinstance(condition, Text) or not isinstance(condition.test, Matches):
        return False
    return condition.source in ("header", "cookie") or (condition.source == "query" and "?" not in example.text)


def witness(
    generation: Generation, conditions: Iterable[Condition], text: str, now: float | None = None
) -> RequestView:
    """Return a request that is what the text says, and for the rest as the conditions want it.

    `now` is in seconds since the epoch, None for a time that the conditions allow. Raises BadRequestText, and
    AmbiguousPath where the edge would refuse.
    """
    conditions = tuple(conditions)
    if now is None:
        now = _moment_in(next((one for one in reversed(conditions) if isinstance(one, Between)), None))
    method, url = split_request(text)
    lines: list[tuple[str, str]] = []
    cookies: list[str] = []
    query: list[str] = []
    host = _one_of(generation.hosts) if generation.hosts is not None else ""
    for condition in conditions:
        match condition:
            case Host():
                host = _one_of(condition)
            case Method(names) if not method:
                method = "GET" if "GET" in names else min(names)
            case Language(tags):
                lines.append(("Accept-Language", min(tags)))
            case Text(source, name, test):
                value = _value_for(test)
                if value is None:
                    continue
                if source == "header":
                    lines.append((name, value))
                elif source == "cookie":
                    cookies.append(f"{name}={value}")
                elif source == "query":
                    query.append(f"{quote(name, safe='')}={quote(value, safe='')}")
    if cookies:
        lines.append(("Cookie", "; ".join(cookies)))
    if query and "?" not in url:
        url += "?" + "&".join(query)
    view = view_of(method, url, lines, now, host)
    for condition in conditions:
        match condition:
            case Country(codes):
                view.country = min(codes)
            case Client(networks):
                view.client = str(networks[0].network_address)
            case Session(login, basket):
                view.visit = Visit(bool(login), 1 if basket == "filled" else 0)
    return view


def _one_of(host: Host) -> str:
    return min(host.names) if host.names else "www" + host.below[0]


def _value_for(test: object) -> str | None:
    """Return a text that passes a test, None where there should be none or none can be guessed."""
    match test:
        case Present(True):
            return "1"
        case Is(values) | In(_, values):
            return min((value for value in values if value.isascii()), default=None)
        case _:
            return None


# --- tests ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one entry of `tests:`. `got` has all that was decided, `failures` what was expected otherwise."""

    __test__: ClassVar[bool] = False  # pytest would take the name for a test

    expectation: Expectation
    got: dict[str, str | int]
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def problems(self) -> list[Problem]:
        """The failures, with the place of the test."""
        said = f'test "{self.expectation.method} {self.expectation.url}": '
        return [Problem(self.expectation.position, said + failure) for failure in self.failures]


def run_tests(generation: Generation, now: float | None = None) -> list[TestResult]:
    """Return what came of each test; `now`, in seconds since the epoch, is the time of those without `at`."""
    clock = time.time() if now is None else now
    return [_run(generation, test, clock) for test in generation.tests]


def _run(generation: Generation, test: Expectation, now: float) -> TestResult:
    got = _outcome(generation, test, now)
    failures = [
        f"expected {key} {wanted!r}, got {_said(got, key)}"
        for key, wanted in test.expect.items()
        if got.get(key) != wanted
    ]
    return TestResult(test, got, tuple(failures))


def _said(got: dict[str, str | int], key: str) -> str:
    if key in got:
        return repr(got[key]) + (f' (rule "{got["rule"]}")' if key != "rule" and "rule" in got else "")
    return "none" + (f": the answer is {got['status']}" if "status" in got else "")


def _outcome(generation: Generation, test: Expectation, now: float) -> dict[str, str | int]:
    """Return what the edge would do: any of rule, system, page, intent, status, location, target."""
    host = _one_of(generation.hosts) if generation.hosts is not None else ""
    try:
        view = view_of(test.method, test.url, test.headers, now if test.at is None else test.at, host)
        _as_behind_a_proxy(view, generation, test.headers)
        if generation.hosts is not None and not generation.hosts(view):
            raise MisdirectedRequest
        decision = generation.rules.match(view)
    except (ClientError, NoRule) as error:
        return {"status": error.status}
    return _decided(view, decision)


def _decided(view: RequestView, decision: Decision) -> dict[str, str | int]:
    rule = decision.rule
    got: dict[str, str | int] = {"rule": rule.name, "page": rule.page, "intent": rule.intent, "system": decision.system}
    said = outbound(view, decision)
    if isinstance(said, Reply):
        got["status"] = said.status
        for name, value in said.headers:
            if name.lower() == "location":
                got["location"] = value
    else:
        got["target"] = said.target
    return got


def _as_behind_a_proxy(view: RequestView, generation: Generation, headers: Iterable[tuple[str, str]]) -> None:
    """Take country and client from the headers of a test, as from a proxy that is trusted."""
    said = {name.lower(): value for name, value in headers}
    view.country = said.get(generation.country_header, "").upper() if generation.country_header else ""
    view.client = said.get("x-forwarded-for", "").partition(",")[0].strip()
