"""How much new work is taken on while memory is short: less and less, never none. Pure.

What is under way holds memory, what is refused does not; and a kernel that runs out of it kills the worker with all
that it has under way. So when little is free, no more than three quarters of what was under way may be at a time, a
second later three quarters of that, and so on. Some work always goes on: memory may be short for a reason of somebody
else's, and a process does not give back at once what it no longer needs.
"""

from __future__ import annotations

from typing import Final

from router.ranks import BUYING

_EASED: Final = 1.5
"""So many times what counts as short must be free before everything is taken on again."""

_LESS: Final = 0.75

LEAST: Final = 16
"""Requests under way, per worker, that are always let be."""


class Ceiling:
    """How many requests may be under way; `low` says that there is a limit at all."""

    __slots__ = ("_most", "low")

    def __init__(self) -> None:
        self.low = False
        self._most = 0.0

    def look(self, free: float, under_way: int) -> bool:
        """Once a second: `free` memory as a multiple of what counts as short. Return whether it began or ended."""
        before = self.low
        if free < 1.0:
            self._most = max(LEAST, (self._most if before else under_way) * _LESS)
            self.low = True
        elif free >= _EASED:
            self.low = False
        return self.low is not before

    def allows(self, under_way: int, rank: int) -> bool:
        """Whether one more may be begun, beside so many; who buys finds room for twice as long as who browses."""
        return not self.low or under_way < self._most * (1.0 + rank / BUYING)
