"""Where a value stands in an exchange, and how amounts are read as products write them."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from urllib.parse import unquote

import re2

from sessions.profiles.exchange import Exchange, Name

Place = Literal["json", "html", "cookie", "sent", "header", "location", "path", "query", "opaque", "is"]

_MOST: Final = 500
"""Finds of one expression in a page, and elements of one JSON path: no basket has more lines."""

_SYMBOLS: Final = {"€": "EUR", "£": "GBP", "zł": "PLN", "Kč": "CZK", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW"}
"""Currencies that have a sign of their own; $, kr and ¥ stand for several, so they say nothing."""


@dataclass(frozen=True, slots=True)
class Value:
    """A place where a text stands. `name` is the cookie, the header, the `{name}` of the path or the dotted JSON path.

    `cookie` is one that the visitor has after the answer, `sent` one that the visitor had before it.

    `pattern` picks from the text there its first group, or with `constant` only decides whether that is said. `opaque`
    makes an id of a cookie's value without giving it away: somebody of whom no more is known, while that cookie lasts.
    """

    place: Place
    name: str = ""
    pattern: str = ""
    constant: str = ""
    unquoted: bool = False
    total: bool = False
    """Whether all finds count together instead of the first one."""
    scale: int = 0
    """Decimal digits of an amount that is given as a whole number: 1990 with 2 is 19.90."""
    scale_at: str = ""
    """JSON path of that number of digits, where the product tells it."""
    _compiled: Any = field(init=False, repr=False, compare=False)
    _cookie: Name = field(init=False, repr=False, compare=False)
    _steps: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re2.compile(self.pattern) if self.pattern else None)
        object.__setattr__(self, "_cookie", Name(self.name))
        object.__setattr__(self, "_steps", tuple(self.name.split(".")))

    def texts(self, seen: Exchange) -> Iterator[str]:
        """Yield each text that stands there, in order."""
        count = 0
        for raw in self._raw(seen):
            text = unquote(raw) if self.unquoted else raw
            for found in self._finds(text):
                yield self.constant or found
                count += 1
                if count >= _MOST:
                    return

    def _raw(self, seen: Exchange) -> Iterator[str]:
        match self.place:
            case "json":
                yield from (str(value) for value in seen.json(self._steps) if _is_plain(value))
            case "html":
                yield seen.page
            case "cookie":
                yield from (value.strip('"') for value in seen.cookies(self._cookie))
            case "sent":
                yield from (value.strip('"') for found, value in seen.known.items() if self._cookie(found))
            case "opaque":
                yield from (opaque(value) for value in seen.cookies(self._cookie))
            case "header":
                yield from (value for found, value in seen.answer.headers if found.lower() == self.name)
            case "location":
                yield seen.location or ""
            case "path":
                yield seen.captures.get(self.name, "")
            case "query":
                yield seen.query(self.name) or ""
            case "is":
                yield self.constant

    def _finds(self, text: str) -> Iterator[str]:
        if self._compiled is None:
            if text:
                yield text
            return
        for found in self._compiled.finditer(text):
            groups = found.groups()
            said = (groups[0] or "") if groups else found.group()
            yield html.unescape(said).strip() if self.place == "html" else said

    def scaled(self, seen: Exchange) -> int:
        """Return how many of an amount's digits are decimals."""
        if not self.scale_at:
            return self.scale
        said = next(seen.json(tuple(self.scale_at.split("."))), self.scale)
        return said if type(said) is int and 0 <= said <= 6 else self.scale


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def opaque(secret: str) -> str:
    """Return an id that stands for a cookie's value and does not give it away (132 bits of its SHA-256)."""
    return "~" + base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())[:22].decode()


@dataclass(frozen=True, slots=True)
class Either:
    """The first of several places that says anything."""

    values: tuple[Value, ...]

    def text(self, seen: Exchange) -> str | None:
        """Return the text, None where nothing stands."""
        return next((text for value in self.values for text in value.texts(seen) if text), None)

    def count(self, seen: Exchange) -> int | None:
        """Return a whole number, the sum of all that stand there if the value says so; None where none stands."""
        for value in self.values:
            numbers = [int(text) for text in map(_whole, value.texts(seen)) if text]
            if numbers:
                return sum(numbers) if value.total else numbers[0]
        return None

    def amount(self, seen: Exchange) -> tuple[str, str] | None:
        """Return an amount such as `19.90` with its currency, empty where the text does not tell."""
        for value in self.values:
            for text in value.texts(seen):
                read = amount(text, value.scaled(seen), exact=value.place == "json")
                if read is not None:
                    return read
        return None


def _whole(text: str) -> str:
    """Return the digits of a whole number that may have been written as 2, 2.0 or 2.000."""
    found = re.fullmatch(r"\s*(\d{1,9})(?:\.0{1,6})?\s*", text)
    return found[1] if found else ""


_TAG = re2.compile(r"<[^>]*>")
_NUMBER = re2.compile(r"\d[\d.,'’\s\x{a0}\x{202f}]*")
_EXACT = re2.compile(r"\d{1,15}(?:\.\d{1,15})?")
_CODE = re2.compile(r"\b[A-Z]{3}\b")


def amount(text: str, scale: int = 0, exact: bool = False) -> tuple[str, str] | None:
    """Return (`1234.50`, `EUR`) for `€1,234.50`, `1.234,50 €`, `EUR 1 234.5` or 123450 with a `scale` of 2.

    The last number in the text counts, tags are left out, and the currency is empty where it is not sure. `exact` is
    for programs' numbers: 1.234 is little more than one there, and in a page it is a thousand.
    """
    plain = html.unescape(_TAG.sub(" ", text[:2000]))
    numbers = _NUMBER.findall(plain)
    if not numbers:
        return None
    try:
        value = Decimal(plain if exact and _EXACT.fullmatch(plain) else _decimal(numbers[-1])).scaleb(-scale)
    except InvalidOperation:
        return None
    if value >= 10**12:
        return None
    currency = next((code for sign, code in _SYMBOLS.items() if sign in plain), "")
    codes = [code for code in _CODE.findall(plain) if code in _CODES]
    return _written(value, scale), currency or (codes[-1] if codes else "")


_CODES: Final = frozenset(
    {
        *("AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS"),
        *("INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "RSD", "RUB", "SAR", "SEK"),
        *("SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR"),
    }
)
"""ISO 4217: capital letters beside an amount may be any word."""


def _decimal(said: str) -> str:
    """Return a number in Decimal's spelling: the last point or comma is the decimal one unless it groups."""
    digits = re.sub(r"[^\d.,]", "", said).rstrip(".,")
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    mark = digits[last]
    decimals = len(digits) - last - 1
    alone = digits.count(mark) == 1 and not ({".", ","} - {mark}) & set(digits)
    groups = digits.count(mark) > 1 or (alone and decimals == 3)
    if groups:
        return re.sub(r"[.,]", "", digits)
    return re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :]


def _written(value: Decimal, scale: int) -> str:
    """Return it with two decimals at least where it has any: 28.5 is 28.50, and 59.0000 is 59.00."""
    text = format(value, "f")
    whole, point, decimals = text.partition(".")
    if not point:
        return whole
    least = scale or 2
    return f"{whole}.{decimals.rstrip('0').ljust(least, '0')[:6]}"
