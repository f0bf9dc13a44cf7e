"""Durations, sizes, shares and texts as people write them: `500ms`, `8KB`, `12.5`, and SKUs that look like numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.model import BUCKETS
from router.rulesfile.document import WrittenFloat, WrittenInt

LONGEST = 24 * 3600.0
"""Seconds: nothing at an edge waits longer than a day, and a slip such as `100h` should not pass for a timeout."""

_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = re.compile(r"([0-9]{1,9}) ?(B|KB|MB|GB|TB)")


def wrong(message: str, hint: str = "") -> PydanticCustomError:
    """An error that validators raise: message and way out, as they are to be printed."""
    return PydanticCustomError("inseam", "{message}", {"message": message, "hint": hint})


def duration(said: object) -> float:
    """Return the seconds that `500ms`, `10s`, `1.5s`, `2m` or `1h` are, up to a day."""
    if not isinstance(said, str):
        number = f" {said}" if isinstance(said, int | float) and not isinstance(said, bool) else ""
        raise wrong(f"a duration needs its unit{number and ':'}{number}", f"write{number or ' 10'}s, or ms, m, h")
    found = _DURATION.fullmatch(said)
    if found is None:
        raise wrong(f"{said!r} is no duration", "write 500ms, 10s, 2m or 1h")
    seconds = float(Decimal(found[1]) * _SECONDS[found[2]])
    if seconds > LONGEST:
        raise wrong(f"{said} is longer than a day", "write 24h at most")
    return seconds


def _positive(seconds: float) -> float:
    if not seconds:
        raise wrong("must be longer than nothing", "write 500ms, 10s, 2m or 1h")
    return seconds


def size(said: object) -> int:
    """Return the bytes that `8KB`, `1MB`, `1GB` or a plain number are; one KB is 1024 bytes."""
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return int(said)
    found = _SIZE.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise wrong(f"{written(said)} is no size", "write 8KB, 1MB, 1GB, or bytes as a whole number")
    return int(found[1]) * _BYTES[found[2]]


def percent(said: object) -> int:
    """Return how many of 10,000 buckets a share is: a number from 0 to 100, as fine as 0.01."""
    if isinstance(said, str) and re.fullmatch(r"[0-9.]+ ?%", said):
        raise wrong(f"{said!r} has a percent sign", f"write {said.rstrip(' %')}")
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise wrong(f"{written(said)} is no share", "write a number from 0 to 100")
    if not 0 <= said <= 100:
        raise wrong(f"a share of {said:g} is not between 0 and 100", "shares are percent")
    buckets = Decimal(str(float(said))) * BUCKETS / 100
    if buckets != int(buckets):
        raise wrong(f"a share of {said:g} is finer than visitors are dealt out", "write a multiple of 0.01")
    return int(buckets)


def text(said: object) -> object:
    """Return a number as the text it was written as; everything else as it came."""
    if isinstance(said, WrittenInt | WrittenFloat):
        return said.text
    if isinstance(said, bool):
        word = str(said).lower()
        raise wrong(f"a text is wanted here, and {word} is none", f'put it in quotes: "{word}"')
    return said


def written(said: object) -> str:
    """Return a value as a message names it."""
    if said is None:
        return "nothing"
    if isinstance(said, bool):
        return str(said).lower()
    if isinstance(said, WrittenInt | WrittenFloat):
        return said.text
    if isinstance(said, str):
        return f'"{said}"' if len(said) <= 60 else f'"{said[:57]}..."'
    return {"list": "a list", "dict": "a mapping"}.get(type(said).__name__, repr(said))


_KINDS: dict[type, str] = {str: "<text>", list: "<list>", dict: "<map>"}


def kind_of(said: Any) -> str:
    """Return the name of a value's shape, by which pydantic picks one of several."""
    if isinstance(said, bool):
        return "<bool>"
    return _KINDS.get(type(said), "<number>")


def kind_of_text(said: Any) -> str:
    """The same where a number stands for the text it was written as."""
    kind = kind_of(said)
    return "<text>" if kind == "<number>" else kind


_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
    "examples": ["500ms", "10s", "2m", "1h"],
}
_SIZE_SCHEMA = {
    "anyOf": [{"type": "string", "pattern": "^[0-9]+ ?(B|KB|MB|GB|TB)$"}, {"type": "integer", "minimum": 0}],
    "examples": ["8KB", "1MB", "1GB"],
}

_DAYS = re.compile(r"([0-9]{1,4})d")


def period(said: object) -> int:
    """Return the whole seconds that `10m`, `12h` or `30d` are, from a second to 400 days."""
    days = _DAYS.fullmatch(said) if isinstance(said, str) else None
    seconds = int(days[1]) * 24 * 3600 if days is not None else int(duration(said))
    if not 1 <= seconds <= _LONGEST_PERIOD:
        raise wrong(f"{written(said)} is not between a second and 400 days", "write 10m, 12h or 30d")
    return seconds


_LONGEST_PERIOD = 400 * 24 * 3600
"""Seconds: no browser keeps a cookie longer."""

_PERIOD_SCHEMA = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", "examples": ["10m", "12h", "30d"]}

Period = Annotated[int, PlainValidator(period), WithJsonSchema(_PERIOD_SCHEMA)]
"""Seconds that something is kept."""

Duration = Annotated[float, PlainValidator(lambda said: _positive(duration(said))), WithJsonSchema(_DURATION_SCHEMA)]
"""Seconds, more than none."""

Size = Annotated[int, PlainValidator(size), WithJsonSchema(_SIZE_SCHEMA)]
"""Bytes."""

Share = Annotated[int, PlainValidator(percent), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})]
"""Buckets of 10,000, written as percent."""

Text = Annotated[str, BeforeValidator(text), WithJsonSchema({"type": ["string", "number"]})]
"""A text to compare with; a number stands for its digits as written."""
