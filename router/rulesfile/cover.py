"""Rules that can never win, because an earlier one holds for every request that they hold for.

Only what is certain is told: the earlier rule's paths cover the later one's, and its conditions are among the later
one's. A rule that is shadowed in another way (by several conditions that together leave nothing out) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from router.conditions import Condition, Text
from router.patterns import PathPattern
from router.rules import Rule

_SEVERAL = 5
"""Of so many conditions every selection is looked up (32 of them); of more, only none and all."""

_DEEP_ENOUGH = 32
"""So many patterns with one beginning and the same conditions are compared; the file stays checkable with 100,000."""

_Known = dict[tuple[str, ...], dict[frozenset[Condition], list[tuple[PathPattern, Rule]]]]
"""Earlier paths, by their leading literals, then by the conditions of their rule."""


def shadowed(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Yield each rule that can never win, with (one of) the rules that come before it."""
    known: _Known = {}
    for rule in rules:
        conditions = frozenset(rule.conditions)
        owners = [_owner(known, path, conditions) for path in rule.paths]
        if all(owner is not None for owner in owners) and owners[0] is not None:
            yield rule, owners[0]
            continue
        asks_for_names = any(_asks_for_name(condition) for condition in conditions)
        if asks_for_names and len(rule.paths) > 1:
            continue  # which of its paths gives the names their values cannot be told here
        for path in rule.paths:
            shelf = known.setdefault(_literals(path), {}).setdefault(conditions, [])
            if len(shelf) < _DEEP_ENOUGH:
                shelf.append((path, rule))


def covers(wide: PathPattern, narrow: PathPattern) -> bool:
    """Whether `wide` certainly holds for every path that `narrow` holds for."""
    if (wide.kinds, wide.texts) == (narrow.kinds, narrow.texts):
        return True
    if "deep" in wide.kinds[:-1]:
        return False
    deep = wide.kinds[-1] == "deep"
    depth = len(wide.kinds) - 1 if deep else len(wide.kinds)
    if "deep" in narrow.kinds[:depth] or len(narrow.kinds) < depth:
        return False
    if not deep and len(narrow.kinds) != depth:
        return False
    return all(_covers_segment(wide, narrow, place) for place in range(depth))


def _covers_segment(wide: PathPattern, narrow: PathPattern, place: int) -> bool:
    kind, text = wide.kinds[place], wide.texts[place]
    other, other_text = narrow.kinds[place], narrow.texts[place]
    if kind == "literal":
        return other == "literal" and text == other_text
    if kind == "one":
        return other != "literal" or bool(other_text)
    if other == "glob":
        return text == other_text
    return other == "literal" and re.fullmatch("[^/]*".join(map(re.escape, text.split("*"))), other_text) is not None


def _owner(known: _Known, path: PathPattern, conditions: frozenset[Condition]) -> Rule | None:
    beginning = _literals(path)
    for depth in range(len(beginning) + 1):
        shelves = known.get(beginning[:depth])
        if shelves is None:
            continue
        for some in _selections(conditions) if len(shelves) > 1 or frozenset() not in shelves else (frozenset(),):
            for earlier, rule in shelves.get(some, ()):
                same = (earlier.kinds, earlier.texts) == (path.kinds, path.texts)
                if same or (covers(earlier, path) and not any(_asks_for_name(one) for one in some)):
                    return rule
    return None


def _selections(conditions: frozenset[Condition]) -> Iterator[frozenset[Condition]]:
    if len(conditions) > _SEVERAL:
        yield from (frozenset(), conditions)
        return
    for count in range(len(conditions) + 1):
        for some in combinations(conditions, count):
            yield frozenset(some)


def _literals(path: PathPattern) -> tuple[str, ...]:
    for place, kind in enumerate(path.kinds):
        if kind != "literal":
            return path.texts[:place]
    return path.texts


def _asks_for_name(condition: Condition) -> bool:
    return isinstance(condition, Text) and condition.source == "param"
