"""What new rules would take away from the system that has it: baskets, checkouts and accounts. REQUIREMENTS, 48.

A page of these moves when a request that the live rules give to a rule for basket, checkout, payment, order, account or
login may, by the new rules, reach a system that it could not reach before (as owner, as a share of a split that is not
empty, as fallback or by a mirror), or has no rule any more; or when one of its servers belongs to another system now.
A rule by which the edge answers itself (`redirect`, `respond`) moves nothing: no system gets to see the request.

Nobody can try every request, so both generations are asked about requests that stand for the others: the examples of
both files, what the paths of the live rules hold for, and what they have in common with each path of the new rules, all
with the headers, cookies, countries and times that the rules ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from router.conditions import Condition
from router.errors import ClientError, NoRule, Position, Problem
from router.generation import Generation
from router.model import RequestView
from router.overlap import begins, meets, samples
from router.patterns import PathPattern
from router.rules import Rule, Split
from router.rulesfile.proofs import witness
from router.rulesfile.requests import BadRequestText

PAGES: Final = frozenset({"basket", "checkout", "payment", "order", "account", "login"})
"""Page types that stay where they are unless somebody says that they may move."""

MOST_REQUESTS: Final = 20_000
"""Requests tried at most, which takes a second: 100,000 rules that all meet one live rule must not hold up a reload."""


@dataclass(frozen=True, slots=True)
class Move:
    """One page that would go elsewhere, seen at one request for it."""

    page: str
    """The page type, or the intent of a rule without one."""
    pattern: str
    """The live rule's path, as it is written."""
    path: str
    """A path that shows it."""
    rule: str
    """The live rule."""
    had: tuple[str, ...]
    """The systems that the live rule may reach."""
    gained: tuple[str, ...]
    """The systems that could see it from now on and could not before; empty where no rule is left for it."""
    after: str
    """The new rule; empty where there is none, or where it is not the rule but its system's servers that change."""
    position: Position
    stands: bool = False
    """Whether the live rule stands in the new file too, so that the order of rules is what moves the page."""

    def problem(self, severity: str = "error") -> Problem:
        """Return it as a line for the operator, with the way out."""
        owner = f'rule "{self.rule}" ({self.page}) sends {self.pattern} to {_quoted(self.had)}'
        if self.after:
            said = f'rule "{self.after}": {self.path} could reach {_quoted(self.gained)}; the live {owner}'
        elif self.gained:
            said = f"{_quoted(self.had)} would get a server of {_quoted(self.gained)}; the live {owner}"
        else:
            said = f"{self.path} would have no rule any more; the live {owner}"
        order = f'put it after rule "{self.rule}", or ' if self.stands and self.after != self.rule else ""
        return Problem(self.position, said, f"{order}if it is meant: inseam reload --allow-move", severity)


def moves(live: Generation, new: Generation, most: int = MOST_REQUESTS) -> list[Move]:
    """Return what would move if `new` took the place of `live`, one for each live path, new rule and system gained."""
    found: dict[tuple[str, str, str, tuple[str, ...]], Move] = {}
    for view, pattern in _bounded(_requests(live, new), most):
        move = _moved(live, new, view, pattern)
        if move is not None:
            found.setdefault((move.rule, move.pattern, move.after, move.gained), move)
    return [*found.values(), *_swapped(live, new)]


def guarded(rule: Rule) -> bool:
    """Whether the rule has a page that must not move unnoticed, and gives it to a system."""
    return bool(rule.systems) and (rule.page in PAGES or rule.intent in ("buy", "account"))


def reached(rule: Rule) -> frozenset[str]:
    """Return the systems that may get to see a request of this rule; a share of none does not count."""
    found = set(rule.systems)
    if isinstance(rule.action, Split):
        found, before = set(), 0
        for system, end in rule.action.shares:
            if end > before:
                found.add(system)
            before = end
    if rule.treatment.fallback:
        found.add(rule.treatment.fallback)
    if rule.treatment.mirror is not None:
        found.add(rule.treatment.mirror.system)
    return frozenset(found)


def _moved(live: Generation, new: Generation, view: RequestView, pattern: str) -> Move | None:
    try:
        before = live.rules.match(view).rule
    except NoRule:
        return None
    if not guarded(before):
        return None
    had = reached(before)
    said = pattern or next(str(path) for path in before.paths if path(view.path))
    try:
        after = new.rules.match(view).rule
    except NoRule:
        return Move(
            before.page or before.intent, said, view.path, before.name, tuple(sorted(had)), (), "", Position(new.file)
        )
    known = {server for name in had for server in live.systems[name].servers}
    # Under another name, but nowhere else: a system may be called as its team likes.
    gained = tuple(sorted(name for name in reached(after) - had if not known.issuperset(new.systems[name].servers)))
    if not gained:
        return None
    stands = any(rule.name == before.name and reached(rule) <= had for rule in new.rules.rules)
    return Move(
        before.page, said, view.path, before.name, tuple(sorted(had)), gained, after.name, after.position, stands
    )


def _swapped(live: Generation, new: Generation) -> Iterator[Move]:
    """Yield each system of a guarded rule that has got a server of another one: names stay, requests go elsewhere."""
    whose = {server: spec.name for spec in live.systems.values() for server in spec.servers}
    told: set[str] = set()
    for rule in live.rules.rules:
        for name in sorted(reached(rule) - told) if guarded(rule) else ():
            told.add(name)
            own = live.systems[name].servers
            now = new.systems[name].servers if name in new.systems else ()
            others = {whose[server] for server in now if server in whose and server not in own}
            if others:
                path, page, gained = str(rule.paths[0]), rule.page or rule.intent, tuple(sorted(others))
                yield Move(page, path, path, rule.name, (name,), gained, "", Position(new.file))


# --- requests that stand for others -----------------------------------------------------------------------------------


def _requests(live: Generation, new: Generation) -> Iterator[tuple[RequestView, str]]:
    """Yield requests, with the live path that each was made for; empty for examples."""
    kept = [rule for rule in live.rules.rules if guarded(rule)]
    for rule in kept:
        for example in rule.examples:
            yield from _views(live, example.text, rule.conditions)
        for path in rule.paths:
            for sample in samples(path):
                yield from _views(live, sample, rule.conditions, pattern=str(path))
    shelf = _Shelf(kept)
    for rule in new.rules.rules:
        near = False
        for other_path in rule.paths:
            for owner, path in shelf.near(other_path):
                near = True
                for met in meets(path, other_path):
                    yield from _views(live, met, owner.conditions, rule.conditions, str(path))
        for example in rule.examples if near else ():
            yield from _views(live, example.text, rule.conditions)


class _Shelf:
    """The live paths by the segment they begin with, so that only those are compared that may meet."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._paths: dict[str | None, list[tuple[Rule, PathPattern]]] = {}
        for rule in rules:
            for path in rule.paths:
                self._paths.setdefault(begins(path), []).append((rule, path))

    def near(self, path: PathPattern) -> Iterator[tuple[Rule, PathPattern]]:
        start = begins(path)
        if start is None:
            for paths in self._paths.values():
                yield from paths
            return
        yield from self._paths.get(start, ())
        yield from self._paths.get(None, ())


def _views(
    live: Generation,
    text: str,
    conditions: tuple[Condition, ...],
    others: tuple[Condition, ...] = (),
    pattern: str = "",
) -> Iterator[tuple[RequestView, str]]:
    """Yield the request as the live rule wants it and, where a new rule wants more, as both want it.

    A path may have been matched by a `%` spelling that no request has; such a one stands for nobody.
    """
    for some in dict.fromkeys((conditions, (*conditions, *others))):
        try:
            yield witness(live, some, text), pattern
        except (BadRequestText, ClientError):
            continue


def _bounded(requests: Iterable[tuple[RequestView, str]], most: int) -> Iterator[tuple[RequestView, str]]:
    for count, request in enumerate(requests):
        if count >= most:
            return
        yield request


def _quoted(names: Iterable[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)
