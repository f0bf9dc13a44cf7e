"""Moments as people write them: a date, a date and a time, with a time zone or an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from router.rulesfile.findings import did_you_mean

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?(?P<offset>Z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)


class BadTime(ValueError):
    """A time or time zone that means nothing; `hint` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def moment(text: str, zone: tzinfo = UTC) -> float:
    """Return the seconds since the epoch that `2026-06-01`, `2026-06-01T08:00` or `2026-06-01T08:00:00+02:00` are.

    A date alone means midnight. Without an offset the time zone decides; an hour that a change of clocks skips lies as
    far after the change as it is written after it, and of one that comes twice the first is meant. Raises BadTime.
    """
    found = _MOMENT.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        said = datetime.fromisoformat(text)
    except ValueError:
        raise BadTime(f'"{text}" is no date or time', "write 2026-06-01 or 2026-06-01T08:00") from None
    if found["offset"] and "T" not in text and " " not in text:
        raise BadTime(f'"{text}" is a date with an offset', "write 2026-06-01T00:00+02:00")
    try:
        return (said if said.tzinfo else said.replace(tzinfo=zone)).timestamp()
    except OverflowError:
        raise BadTime(f'"{text}" is out of all ages') from None


def has_offset(text: str) -> bool:
    """Whether a moment says its own offset from UTC."""
    found = _MOMENT.fullmatch(text)
    return found is not None and found["offset"] is not None


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of that name. Raises BadTime with the nearest name."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        near = did_you_mean(name, available_timezones(), "write Europe/Berlin or UTC")
        raise BadTime(f'unknown time zone "{name}"', near) from None
