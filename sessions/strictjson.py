"""JSON as two readers would read it alike: what came from outside and is signed, or is about to decide something.

Refused beyond plain syntax errors: a name twice in one object, NaN and infinities, numbers of more than 20 characters,
half a surrogate pair, and anything nested deeper than a basket's lines. RFC 8259, 4, 6 and 8; REQUIREMENTS, 8.
"""

from __future__ import annotations

import json
from typing import Any, Final

MOST_DEPTH: Final = 5
"""The object itself, its basket, the lines, one line, and a value in it."""

_MOST_DIGITS: Final = 20


def read_object(text: bytes) -> dict[str, Any]:
    """Return the object that a JSON text is. Raises ValueError. The caller bounds the length of the text."""
    try:
        # Every hook is tried before the value is used; int() of many digits would be quadratic.
        found = json.loads(
            text.decode(), object_pairs_hook=_once, parse_int=_whole, parse_float=_number, parse_constant=_constant
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    if type(found) is not dict:
        raise ValueError("not an object")
    _check_depth(found, MOST_DEPTH)
    if b"\\u" in text:
        _check_surrogates(found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _number(text: str) -> float:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    number = float(text)
    if number in (float("inf"), float("-inf")):  # 1e999
        raise ValueError("a number that is too large")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _check_depth(value: dict[str, Any] | list[Any], depth: int) -> None:
    if not depth:
        raise ValueError("nested too deep")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, depth - 1)


def _check_surrogates(value: object) -> None:
    """Raise UnicodeEncodeError, a ValueError, if a text in it could not be written again."""
    json.dumps(value, ensure_ascii=False).encode()
