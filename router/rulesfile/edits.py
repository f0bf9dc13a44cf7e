"""Compiling header edits: what a rules file may do to the lines of a message, and which are not its own."""

from __future__ import annotations

import re
from typing import Any

from router.headers import GUARDED_HEADERS, UNTOUCHABLE
from router.model import Edits
from router.rulesfile import shape
from router.rulesfile.document import Loc
from router.rulesfile.work import Work

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BAD_VALUE = re.compile(r"[^\t\x20-\x7e]")
_OWNED = ("inseam-", "x-forwarded-", "x-accel-")
_OWNED_NAMES = frozenset(
    {
        "forwarded",
        "via",
        "x-request-id",
        "x-real-ip",
        "traceparent",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
    },
)


def compiled_edits(work: Work, loc: Loc, said: shape.HeaderEdits | None, guarded: bool = False) -> Edits | None:
    """Return the edits of one direction, None where there are none; `guarded` are the answers of payment pages."""
    if said is None:
        return None
    edits = Edits(set={}, add=added_lines(work, (*loc, "add"), said.add))
    for name, value in said.set.items():
        where = (*loc, "set", name)
        if _name_is_good(work, where, name, key=True) and _value_is_good(work, where, value):
            edits.set[name] = value
    for place, name in enumerate(said.remove):
        if _name_is_good(work, (*loc, "remove", place), name):
            edits.remove.append(name)
    if guarded:
        for key, names in (("set", said.set), ("add", said.add), ("remove", said.remove)):
            for place, name in enumerate(names):
                if name.lower() in GUARDED_HEADERS:
                    where = (*loc, key, place if key == "remove" else name)
                    work.findings.error(
                        where,
                        f"{name} of a payment page is the payment system's own (PCI DSS 6.4.3)",
                        "let the payment system send it",
                        key=True,
                    )
    return edits or None


def added_lines(work: Work, loc: Loc, said: dict[str, Any]) -> list[tuple[str, str]]:
    """Return header lines to add: a line for each value of each name."""
    lines: list[tuple[str, str]] = []
    for name, values in said.items():
        if not _name_is_good(work, (*loc, name), name, key=True):
            continue
        several = values if isinstance(values, list) else [values]
        lines += [(name, value) for value in several if _value_is_good(work, (*loc, name), value)]
    return lines


def _name_is_good(work: Work, loc: Loc, name: str, *, key: bool = False) -> bool:
    if not _TOKEN.fullmatch(name):
        work.findings.error(loc, f'"{name}" is no name of a header', "use letters, digits and hyphens", key=key)
        return False
    if "_" in name:
        work.findings.error(
            loc,
            f"{name} has an underscore, which some servers read as a hyphen",
            f"write {name.replace('_', '-')}",
            key=key,
        )
        return False
    low = name.lower()
    if low.encode() in UNTOUCHABLE:
        work.findings.error(
            loc, f"{name} says how a message is framed or where it goes: it is the edge's own", "leave it out", key=key
        )
        return False
    if low.startswith(_OWNED) or low in _OWNED_NAMES:
        work.findings.error(
            loc, f"{name} is written by the edge itself: systems trust it", "choose another name", key=key
        )
        return False
    return True


def value_is_bad(value: str) -> bool:
    """Whether a header's value could end its line, or be read in two ways."""
    return _BAD_VALUE.search(value) is not None


def _value_is_good(work: Work, loc: Loc, value: str) -> bool:
    bad = _BAD_VALUE.search(value)
    if bad is None:
        return True
    what = {"\r": "a line break", "\n": "a line break", "\0": "a NUL"}.get(bad[0], f"the character {bad[0]!r}")
    work.findings.error(loc, f"the value has {what}, which no header may have", "write printable ASCII on one line")
    return False
