"""One Set-Cookie value, taken apart without losing a byte of what it says. RFC 6265bis, 5.6."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from sessions.jar.names import SPACE

_WHOLE: Final = re.compile(rb"-?[0-9]+")

_DATE: Final = re.compile(
    rb"([0-9]{1,2})[ -]([A-Za-z]{3})[ -]([0-9]{4}|[0-9]{2}) +([0-9]{2}):([0-9]{2}):([0-9]{2})"
    rb"|([A-Za-z]{3}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})"
)
"""The three forms of a date, without the day of the week. RFC 9110, 5.6.7."""

_MONTHS: Final = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")

YEAR_2000: Final = 946_684_800.0


def read_date(said: bytes) -> float | None:
    """Return the seconds since the epoch of a date in any of its three forms; None if it is none."""
    found = _DATE.search(said)
    if found is None:
        return None
    day, month, year, hour, minute, second = found.group(1, 2, 3, 4, 5, 6)
    if day is None:
        month, day, hour, minute, second, year = found.group(7, 8, 9, 10, 11, 12)
    full = int(year)
    if full < 100:
        full += 1900 if full >= 70 else 2000
    try:
        number = _MONTHS.index(month.lower()) + 1
        return datetime(full, number, int(day), int(hour), int(minute), int(second), tzinfo=UTC).timestamp()
    except ValueError:
        return None


class SetCookie:
    """What a system wants the browser to keep.

    `pair` is name and value as they came. `tail` are the attributes to pass on, beginning with `;`: without Domain,
    because the shop's domain is the edge's; with Secure under https; with Path=/ where the edge rewrites paths, because
    the system's own mean nothing outside.
    `erase` are those that delete what is kept at the same place. `everywhere` says that the path is `/`.
    """

    __slots__ = ("deletes", "erase", "everywhere", "http_only", "name", "pair", "tail", "value")

    def __init__(self, line: bytes, secure: bool, rewritten: bool, now: float = YEAR_2000) -> None:
        pieces = line.split(b";")
        self.pair = pieces[0]
        name, equals, value = self.pair.partition(b"=")
        self.name = name.strip(SPACE) if equals else b""
        self.value = value if equals else name.strip(SPACE)
        self.http_only = False
        self.everywhere = rewritten
        has_secure = False
        age = expires = b""
        tail: list[bytes] = []
        erase: list[bytes] = []
        for piece in pieces[1:]:
            key, _, said = piece.partition(b"=")
            key = key.strip(SPACE).lower()
            if key == b"domain" or (rewritten and key == b"path"):
                continue
            tail.append(piece)
            if key == b"expires":
                expires = said
            elif key == b"max-age":
                said = said.strip(SPACE)
                age = said if _WHOLE.fullmatch(said) else age
            elif key == b"httponly":
                self.http_only = True
            else:
                erase.append(piece)
                if key == b"path":
                    self.everywhere = said.strip(SPACE) == b"/"
                elif key == b"secure":
                    has_secure = True
        added = [b" Path=/"] if rewritten else []
        if secure and not has_secure:
            added.append(b" Secure")
        self.tail = b"".join([b";" + piece for piece in (*tail, *added)])
        self.erase = b"".join([b";" + piece for piece in (*erase, *added)]) + b"; Max-Age=0"
        if age:
            self.deletes = age.startswith(b"-") or not age.strip(b"0")
        else:
            until = read_date(expires) if expires else None
            self.deletes = until is not None and until <= now

    def hidden(self) -> bytes:
        """Return `tail` so that no script can read the cookie."""
        return self.tail if self.http_only else self.tail + b"; HttpOnly"
