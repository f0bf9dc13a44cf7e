"""Header lines that the edge writes: Edits applied, forwarding headers, caching of answers that name a visitor."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from router.model import Edits

Lines = list[tuple[bytes, bytes]]

VIA: Final = b"1.1 inseam"
"""RFC 9110, 7.6.3: a pseudonym, so that no inside name leaks."""

UNTOUCHABLE: Final = frozenset(
    (b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"keep-alive", b"te", b"trailer", b"host",
     b"expect"),
)  # fmt: skip
"""Framing and connection belong to the edge: an edit that names one of these is passed over."""

_NOT_EDITED: Final = UNTOUCHABLE | {
    b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-request-id", b"traceparent",
}  # fmt: skip
"""These the edge writes itself, behind the edits: a second line would leave it to the server which one counts."""


GUARDED_HEADERS: Final = frozenset(
    {
        "content-security-policy",
        "content-security-policy-report-only",
        "integrity-policy",
        "integrity-policy-report-only",
        "reporting-endpoints",
        "report-to",
    },
)
"""What a payment page says of its own scripts stays as the payment system said it. PCI DSS 4.0.1, 6.4.3 and 11.6.1."""


def unguarded(edits: Edits) -> Edits:
    """Return the edits without those that touch what a payment page says of its scripts, whoever made them."""
    named = (*edits.set, *edits.remove, *(name for name, _ in edits.add))
    if GUARDED_HEADERS.isdisjoint([name.lower() for name in named]):
        return edits
    return Edits(
        {name: value for name, value in edits.set.items() if name.lower() not in GUARDED_HEADERS},
        [(name, value) for name, value in edits.add if name.lower() not in GUARDED_HEADERS],
        [name for name in edits.remove if name.lower() not in GUARDED_HEADERS],
    )


def applied(lines: Lines, edits: Edits) -> Lines:
    """Return the lines with the edits done: remove, then set (in the first line's place), then add."""
    gone = {name.lower().encode("latin-1") for name in edits.remove} - UNTOUCHABLE
    fresh = {name.lower().encode("latin-1"): line(name, value) for name, value in edits.set.items()}
    result: Lines = []
    for old in lines:
        name = old[0].lower()
        if name in gone or name in UNTOUCHABLE:
            if name in UNTOUCHABLE:
                result.append(old)
            continue
        if name in fresh:
            result.append(fresh.pop(name))
            gone.add(name)
            continue
        result.append(old)
    result += [new for name, new in fresh.items() if name not in _NOT_EDITED]
    result += [line(name, value) for name, value in edits.add if name.lower().encode("latin-1") not in _NOT_EDITED]
    return result


_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, 5.6.2."""


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether the text can be the name of a header."""
    return _NAME.fullmatch(text) is not None


_CONTROLS: Final = dict.fromkeys((*range(9), *range(10, 32), 127), " ")


def line(name: str, value: str) -> tuple[bytes, bytes]:
    """Return one header line as bytes; a control character, which could begin another line, becomes a space."""
    if not (name.isprintable() and value.isprintable()):  # asked first, because to translate takes five times as long
        name, value = name.translate(_CONTROLS), value.translate(_CONTROLS)
    return name.encode("latin-1", "replace"), value.strip(" ").encode("latin-1", "replace")


def varied(lines: Lines, on: str) -> Edits:
    """Return the edits that add a name to Vary, unless it is there already. RFC 9110, 12.5.5."""
    seen = b",".join(value for name, value in lines if name.lower() == b"vary").lower()
    if b"*" in seen or on.lower().encode() in [part.strip() for part in seen.split(b",")]:
        return Edits()
    return Edits(add=[("Vary", on)])
