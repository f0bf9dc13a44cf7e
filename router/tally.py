"""What is counted for one decision while it is at work: plain ints, and compiled with the rest of the hot path."""

from __future__ import annotations

from typing import Final

HISTOGRAM_SLOTS: Final = 18
"""Slot k counts requests that took less than 2**k / 4096 seconds (0.24 ms, 0.49 ms, ... 16 s); the last, all others."""


def slot_of(seconds: float) -> int:
    """Return the histogram slot of a duration: its binary logarithm, by the length of an int."""
    slot = int(seconds * 4096.0).bit_length()
    return slot if slot < HISTOGRAM_SLOTS else HISTOGRAM_SLOTS - 1


class Tally:
    """What is counted for one decision. `statuses[n]` counts answers of status class n hundred (0: none was given)."""

    __slots__ = (
        "bytes_in", "bytes_out", "fallbacks", "histogram", "requests", "retries", "seconds", "statuses",
        "system_seconds",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests = 0
        self.bytes_in = 0
        """Bytes of request bodies."""
        self.bytes_out = 0
        """Bytes of response bodies."""
        self.seconds = 0.0
        """From the request's head to the last byte of the answer."""
        self.system_seconds = 0.0
        """The part of it that the system took: from asking it to the last byte from it, or until a tunnel is open."""
        self.statuses = [0, 0, 0, 0, 0, 0]
        self.histogram = [0] * HISTOGRAM_SLOTS
        self.retries = 0
        self.fallbacks = 0

    @property
    def used(self) -> bool:
        """Whether anything was counted; a request that fell back is counted where it was answered."""
        return bool(self.requests or self.fallbacks or self.retries)
