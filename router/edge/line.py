"""The line before a system: those who wait for their turn, the higher rank first, within a rank as they came."""

from __future__ import annotations

from typing import Final

from router.edge.asker import Asker
from router.ranks import CARRYING, RANKS

_STANDING: Final = 1.0
"""Seconds after which a line that never was empty is no burst that passes. The idea is Facebook's controlled delay
(Maurer, Fail at Scale, ACM Queue 13:8, 2015), with 0.1 s between services that answer in milliseconds."""


class Line:
    """Askers by rank, with the time since when each waits."""

    __slots__ = ("_count", "_ranks", "_since")

    def __init__(self) -> None:
        self._ranks: list[dict[Asker, float]] = [{} for _ in range(RANKS)]
        self._count = 0
        self._since = 0.0
        """Since when it was never empty."""

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return self._count > 0

    def __contains__(self, asker: Asker) -> bool:
        return asker in self._ranks[asker.rank]

    def everybody(self) -> list[Asker]:
        """Return all who wait, in their order."""
        return [asker for rank in reversed(self._ranks) for asker in rank]

    def add(self, asker: Asker, now: float) -> None:
        """Somebody comes; their rank must not change while they wait."""
        if not self._count:
            self._since = now
        self._ranks[asker.rank][asker] = now
        self._count += 1

    def drop(self, asker: Asker) -> bool:
        """Somebody goes; return whether they were there."""
        if self._ranks[asker.rank].pop(asker, None) is None:
            return False
        self._count -= 1
        return True

    def first(self) -> Asker:
        """Return whose turn it is. Raises IndexError for an empty line."""
        for rank in reversed(self._ranks):
            for asker in rank:
                return asker
        raise IndexError("nobody waits")

    def last_below(self, rank: int) -> Asker | None:
        """Return who would be the first to go for somebody of this rank: of the lowest one, who came last."""
        for askers in self._ranks[:rank]:
            if askers:
                return next(reversed(askers))
        return None

    def impatient(self, now: float, patience: float) -> list[Asker]:
        """Return those who should wait no longer when the line does not get shorter, the lowest rank first.

        A rank has its number of times the patience, in seconds; who has a basket, or is filling one, has no end here.
        If one of a rank has to go, so do all of those below it.
        """
        if not self._count or now - self._since < _STANDING:
            return []
        gone: list[Asker] = []
        for rank in range(CARRYING):
            late = [asker for asker, since in self._ranks[rank].items() if now - since > patience * rank]
            if late:
                gone = [asker for below in self._ranks[:rank] for asker in below] + late
        return gone
