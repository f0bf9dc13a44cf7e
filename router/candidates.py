"""Candidates: the rules that may hold for a path, in chains by file order, and drawers where a chain is long.

A candidate is a rule with one of its paths. Those with the same path form a chain. What differs in the host, or in the
value that a `{name}` must have, is taken out of a long chain and goes into drawers behind a *door*: a candidate without
a rule, at the head of the chain. So a thousand brand domains with `/**` each cost as much as
one. Drawers decide nothing: conditions are asked again, so a drawer may hold more than holds for a request, but it
never misses one.

Candidates have slots, and chains need no lists: with 100,000 rules each object that a match looks at comes from main
memory, and that takes 0.1 us.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from router.conditions import Condition, Host, In, Is, Text
from router.model import Decision, RequestView
from router.patterns import PathPattern
from router.rules import Rule, Split, To

_FEW = 8
"""So many candidates of a chain are tried one by one, at 0.3 us each; opening drawers would cost as much."""

_LIST_LIMIT = 256
"""A longer list gets no drawers: one for each value takes 0.3 KB and 2 us to load, asking the list takes 0.3 us."""


class Candidate:
    """A rule with one of its paths, or a door. What the match looks at is here, so that it need not go further."""

    __slots__ = ("captures", "conditions", "decision", "drawers", "next", "order", "rule", "search")

    def __init__(self, order: int, rule: Rule | None = None, pattern: PathPattern | None = None) -> None:
        self.order = order
        """The place in file order among all paths; a door's is not after that of any candidate behind it."""
        self.rule = rule
        """None for a door."""
        self.drawers: Drawers | None = None
        """What is behind the door; None for the RE2 set."""
        self.next: Candidate | None = None
        """The next one in file order with the same path."""
        self.conditions: tuple[Condition, ...] = ()
        self.decision: Decision | None = None
        """The rule's only decision; None where it splits."""
        self.captures: tuple[tuple[str, int], ...] = ()
        """The `{names}` and the places of their segments."""
        self.search: PathPattern | None = None
        """The pattern, where it has to be asked for the names, or whether it covers the path at all."""
        if rule is not None and pattern is not None:
            self.conditions = rule.conditions
            action = rule.action
            if type(action) is not Split:
                self.decision = rule.decisions[action.system if type(action) is To else ""]
            if pattern.simple:
                self.captures = tuple(zip(pattern.names, pattern.places, strict=True))
            elif pattern.names or pattern.stars > 1:
                self.search = pattern

    def capture(self, path: str, parts: list[str]) -> dict[str, str] | None:
        """Return what the `{names}` stand for in a path, split at its slashes, or None where it is not covered."""
        if self.search is not None:
            return self.search.capture(path)
        params = {}
        for name, place in self.captures:
            params[name] = parts[place]
        return params

    def chain(self) -> Iterator[Candidate]:
        """Yield this one and all after it."""
        candidate: Candidate | None = self
        while candidate is not None:
            yield candidate
            candidate = candidate.next

    def copy(self) -> Candidate:
        """Return one that can stand in another chain."""
        twin = Candidate(self.order, self.rule)
        twin.conditions, twin.decision = self.conditions, self.decision
        twin.captures, twin.search = self.captures, self.search
        return twin


def tidied(chain: Candidate) -> Candidate:
    """Return the chain with no more than one door to the set, and divided if it is long."""
    candidates: list[Candidate] = []
    door = False
    for candidate in chain.chain():
        if candidate.rule is None:
            if door:
                continue
            door = True
        candidates.append(candidate)
    return _linked(_divided(candidates))


def _linked(candidates: list[Candidate]) -> Candidate:
    """Return these candidates, of which there is one at least, as a chain."""
    following: Candidate | None = None
    for candidate in reversed(candidates):
        candidate.next = following
        following = candidate
    return candidates[0]


def _divided(candidates: list[Candidate], by_host: bool = True) -> list[Candidate]:
    """Return the candidates with all that drawers can tell apart behind a door, if there are many.

    What lies in a host's drawer may be divided again, by value.
    """
    if len(candidates) <= _FEW:
        return candidates
    hosts: dict[str, list[Candidate]] = {}
    values: dict[int, dict[str, list[Candidate]]] = {}
    rest: list[Candidate] = []
    for candidate in candidates:
        asked_hosts = _hosts(candidate) if by_host else None
        place, asked_values = _values(candidate)
        if asked_hosts is not None:
            for host in asked_hosts:
                hosts.setdefault(host, []).append(candidate.copy())
        elif place:
            for value in asked_values:
                values.setdefault(place, {}).setdefault(value, []).append(candidate.copy())
        else:
            rest.append(candidate)
    if len(rest) == len(candidates):
        return candidates
    door = Candidate(candidates[0].order)
    door.drawers = Drawers(
        {host: _linked(_divided(behind, by_host=False)) for host, behind in hosts.items()},
        {place: {value: _linked(behind) for value, behind in of.items()} for place, of in values.items()},
    )
    return [door, *rest]


class Drawers:
    """Chains with the same path, by what else they ask for: a host, or the value of a `{name}`.

    `by_host` has `.shop.example` for all hosts below it; `by_value` has the place of the `{name}`, then its decoded
    value.
    """

    __slots__ = ("by_host", "by_value", "wild")

    def __init__(self, by_host: dict[str, Candidate], by_value: dict[int, dict[str, Candidate]]) -> None:
        self.by_host = by_host
        self.by_value = by_value
        self.wild = any(host.startswith(".") for host in by_host)

    def open(self, view: RequestView, parts: list[str], heads: list[Candidate]) -> None:
        """Add to `heads` the chains for this request."""
        host = view.host
        chain = self.by_host.get(host)
        if chain is not None:
            heads.append(chain)
        if self.wild:
            dot = host.find(".", 1)
            while dot > 0:
                chain = self.by_host.get(host[dot:])
                if chain is not None:
                    heads.append(chain)
                dot = host.find(".", dot + 1)
        for place, drawers in self.by_value.items():
            value = parts[place]
            chain = drawers.get(unquote(value) if "%" in value else value)
            if chain is not None:
                heads.append(chain)


def _hosts(candidate: Candidate) -> frozenset[str] | None:
    """Return the drawers of the hosts that a candidate asks for, None where it takes any."""
    for condition in candidate.conditions:
        if type(condition) is Host and all(suffix.startswith(".") for suffix in condition.below):
            return condition.names.union(condition.below)
    return None


def _values(candidate: Candidate) -> tuple[int, frozenset[str]]:
    """Return the place of a `{name}` and the values that a candidate asks of it; place 0 where it takes any.

    Only for a rule with a single path: another of its paths could be the first to cover, with another value.
    """
    if candidate.rule is not None and len(candidate.rule.paths) == 1:
        places = dict(candidate.captures)
        for condition in candidate.conditions:
            if type(condition) is Text and condition.source == "param" and condition.name in places:
                test = condition.test
                if type(test) is Is or (type(test) is In and len(test.values) <= _LIST_LIMIT):
                    return places[condition.name], test.values
    return 0, frozenset()
