"""One request to a system and its answer, as a profile looks at them: cookies, headers, a page or JSON.

Nothing here trusts what it reads: a page may be in any encoding, JSON may be none, a Set-Cookie line may be odd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from sessions.model import UNSAID, Unsaid


@dataclass(slots=True)
class Asked:
    """What a system was asked: `path` in canonical spelling, `query` without `?`, the cookies that it was sent."""

    method: str
    path: str
    query: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """What it answered, as it came: header names in any case, each Set-Cookie line apart and not in `headers`.

    `body` is None where it was not kept: a profile says by `wants_body` when it must be, without Content-Encoding.
    """

    status: int
    headers: Sequence[tuple[str, str]] = ()
    set_cookies: Sequence[str] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A cookie's name, in which one `*` may stand for any run of characters."""

    text: str
    _head: str = field(init=False, repr=False, compare=False)
    _tail: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        head, star, tail = self.text.partition("*")
        object.__setattr__(self, "_head", head)
        object.__setattr__(self, "_tail", tail if star else None)

    def __call__(self, name: str) -> bool:
        if self._tail is None:
            return name == self.text
        return len(name) >= len(self.text) - 1 and name.startswith(self._head) and name.endswith(self._tail)

    def __str__(self) -> str:
        return self.text


def cookie_name(line: str) -> str:
    """Return the name in a Set-Cookie line."""
    return line.partition(";")[0].partition("=")[0].strip()


_GONE: Final = frozenset({"", '""', "deleted", "DEL", "DELETE"})
"""Values that stand for none: what Django, PHP and Java products write when they delete a cookie."""


class Exchange:
    """An answer together with what was asked. `known` are the visitor's cookies before it."""

    __slots__ = ("_json", "_page", "_set", "answer", "asked", "captures", "known")

    def __init__(
        self, asked: Asked | None, answer: Answer, known: Mapping[str, str], captures: Mapping[str, str] | None = None
    ) -> None:
        self.asked = asked
        self.answer = answer
        self.known = known
        self.captures: dict[str, str] = dict(captures or {})
        self._set: dict[str, str | None] | None = None
        self._page: str | None = None
        self._json: Any = UNSAID

    @property
    def set(self) -> Mapping[str, str | None]:
        """The cookies that the answer sets, in its order; None for one that it deletes."""
        if self._set is None:
            date = _moment(self.header("date"))
            self._set = dict(_read_set_cookie(line, date) for line in self.answer.set_cookies)
        return self._set

    def cookies(self, name: Name) -> Iterator[str]:
        """Yield the values of cookies of that name that the visitor has after the answer, those just set first."""
        for found, value in self.set.items():
            if value is not None and name(found):
                yield value
        for found, value in self.known.items():
            if name(found) and found not in self.set:
                yield value

    def after(self) -> dict[str, str]:
        """Return the cookies that the visitor has after the answer."""
        kept = {name: value for name, value in self.known.items() if name not in self.set}
        return kept | {name: value for name, value in self.set.items() if value is not None}

    def header(self, name: str) -> str | None:
        """Return the first header of that name, which is in lower case."""
        return next((value for found, value in self.answer.headers if found.lower() == name), None)

    @property
    def location(self) -> str | None:
        """The Location's path and query; its host is left out: systems make absolute ones from what they are told."""
        said = self.header("location")
        if said is None:
            return None
        try:
            parts = urlsplit(said)
        except ValueError:
            return None
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def query(self, name: str) -> str | None:
        """Return the first value of that name in the query that was asked with."""
        if self.asked is None:
            return None
        try:
            pairs = parse_qsl(self.asked.query, keep_blank_values=True, max_num_fields=200)
        except ValueError:
            return None
        return next((value for found, value in pairs if found == name), None)

    @property
    def page(self) -> str:
        """The body as text, empty where there is none."""
        if self._page is None:
            self._page = (self.answer.body or b"").decode("utf-8", errors="replace")
        return self._page

    def json(self, path: Sequence[str]) -> Iterator[Any]:
        """Yield what stands at a path in the JSON body: names, numbers of elements from 0, `*` for each element."""
        if isinstance(self._json, Unsaid):
            try:
                self._json = msgspec.json.decode(self.answer.body or b"null")
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._json = None
        return _down(self._json, path)


def _down(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, *rest = path
    if step == "*":
        for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            yield from _down(each, rest)
    elif isinstance(value, dict) and step in value:
        yield from _down(value[step], rest)
    elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
        yield from _down(value[int(step)], rest)


def _read_set_cookie(line: str, date: float | None) -> tuple[str, str | None]:
    """Return the name and the value, None where the line deletes the cookie."""
    pair, *attributes = line.split(";")
    name, _, value = pair.partition("=")
    value = value.strip()
    gone = value in _GONE
    for attribute in attributes:
        key, _, said = attribute.partition("=")
        match key.strip().lower():
            case "max-age":
                return name.strip(), None if gone or said.strip()[:1] in ("0", "-") else value  # it outdoes Expires
            case "expires":
                until = _moment(said)
                gone = gone or (until is not None and until <= (_Y2K if date is None else date))
    return name.strip(), None if gone else value


_Y2K: Final = 946_684_800.0
"""Seconds since the epoch. An answer without a Date still shows by its year that it deletes: 1970, mostly."""


def _moment(said: str | None) -> float | None:
    """Return the seconds since the epoch, None for no date."""
    if said is None:
        return None
    try:
        parts = parsedate_tz(said)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError, TypeError):
        return None
