"""Paths that two patterns both hold for: `/{lang}/checkout/**` and `/de/**` meet in `/de/checkout` and below it.

A pattern is taken as segments of fixed number and, perhaps, anything below them. Two such patterns meet in the segments
that both allow, so a few sample paths stand for all that they have in common. `**` in the middle of a pattern stands
for up to three segments here; two segments with `*` that meet only in a third text are not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from router.patterns import PathPattern, Segment

_ANY = "x"
"""Stands for a segment or a part of one that may be anything."""

_MIDDLE = 3
"""So many segments at most are tried for a `**` in the middle."""

_Shape = tuple[tuple[Segment, ...], bool]
"""Segments, none of them `**`, and whether everything below them belongs to it too."""


def samples(pattern: PathPattern) -> list[str]:
    """Return a few paths that the pattern holds for: the plainest, and below it where it reaches further."""
    found = [path for segments, deep in _shapes(pattern) for path in _paths([_sample(one) for one in segments], deep)]
    return [path for path in dict.fromkeys(found) if pattern(path)]


def meets(one: PathPattern, other: PathPattern) -> list[str]:
    """Return a few paths that both patterns hold for; none where they have nothing in common."""
    found: dict[str, None] = {}
    for (left, left_deep), (right, right_deep) in product(_shapes(one), _shapes(other)):
        if (len(left) > len(right) and not right_deep) or (len(right) > len(left) and not left_deep):
            continue
        shorter, longer = sorted((left, right), key=len)
        met = [_met(a, b) for a, b in zip(shorter, longer, strict=False)]
        met += [_sample(segment) for segment in longer[len(shorter) :]]
        texts = [text for text in met if text is not None]
        if len(texts) == len(met):
            found.update(dict.fromkeys(_paths(texts, left_deep and right_deep)))
    return [path for path in found if one(path) and other(path)]


def begins(pattern: PathPattern) -> str | None:
    """Return the first segment of every path that the pattern holds for, None if it may be any."""
    return pattern.texts[0] if pattern.kinds[0] == "literal" else None


def _shapes(pattern: PathPattern) -> Iterator[_Shape]:
    """Yield the pattern's segments with so many segments for each `**` in the middle."""
    segments = pattern.segments
    deep = segments[-1].kind == "deep"
    if deep:
        segments = segments[:-1]
    middles = sum(segment.kind == "deep" for segment in segments)
    for lengths in product(range(_MIDDLE + 1), repeat=middles):
        left = iter(lengths)
        shape: list[Segment] = []
        for segment in segments:
            shape += [Segment("one", "")] * next(left) if segment.kind == "deep" else [segment]
        yield tuple(shape), deep


def _paths(texts: list[str], deep: bool) -> Iterator[str]:
    path = "".join(f"/{text}" for text in texts)
    if path:
        yield path
    if deep:
        yield from (f"{path}/", f"{path}/{_ANY}", f"{path}/{_ANY}/")


def _sample(segment: Segment) -> str:
    if segment.kind == "literal":
        return segment.text
    return segment.text.replace("*", _ANY) if segment.kind == "glob" else _ANY


def _met(one: Segment, other: Segment) -> str | None:
    """Return a text that both segments allow, None if none is found."""
    for text in (_sample(one), _sample(other)):
        if _allows(one, text) and _allows(other, text):
            return text
    return None


def _allows(segment: Segment, text: str) -> bool:
    if segment.kind == "literal":
        return segment.text == text
    if segment.kind == "one":
        return bool(text)
    return re.fullmatch(".*".join(map(re.escape, segment.text.split("*"))), text) is not None
