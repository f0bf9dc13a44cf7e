"""The store in this process's memory: for one worker, for trying things, and for tests. It ends with the process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sessions.stores.port import Changed, News, Revocation, Stored

SWEPT = 2
"""Entries looked at by every write; two for each that is added keep up with any rate of expiry."""


@dataclass(slots=True)
class _Kept:
    rev: int
    data: bytes
    until: float


class MemoryStore:
    """A store for one worker. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.spoiled = 0
        self._sessions: OrderedDict[str, _Kept] = OrderedDict()
        self._once: OrderedDict[str, _Kept] = OrderedDict()
        self._revocations: dict[Revocation, None] = {}
        self._hear: Callable[[News], None] = _nobody_hears

    async def start(self, hear: Callable[[News], None]) -> None:
        self._hear = hear
        for revocation in await self.revocations():
            hear(revocation)

    async def close(self) -> None:
        self._hear = _nobody_hears

    async def load(self, key: str) -> Stored | None:
        kept = self._alive(self._sessions, key)
        return Stored(kept.rev, kept.data) if kept else None

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        there = await self.load(key)
        if there is not None and there != fresh:
            fits = there.rev < fresh.rev if expected is None else there.rev == expected
            if not fits:
                return there
        self._keep(self._sessions, key, _Kept(fresh.rev, fresh.data, self.clock() + life))
        self._hear(Changed(key, fresh.rev))
        return None

    async def drop(self, key: str) -> None:
        self._sessions.pop(key, None)
        self._hear(Changed(key))

    async def revoke(self, revocation: Revocation) -> None:
        if revocation not in self._revocations:
            self._revocations[revocation] = None
            self._hear(revocation)

    async def revocations(self) -> list[Revocation]:
        now = self.clock()
        for over in [each for each in self._revocations if each.until <= now]:
            del self._revocations[over]
        return list(self._revocations)

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        if self._alive(self._once, key):
            return False
        self._keep(self._once, key, _Kept(1, data, self.clock() + life))
        return True

    async def take_once(self, key: str) -> bytes | None:
        kept = self._alive(self._once, key)
        if kept is None:
            return None
        del self._once[key]
        return kept.data

    async def now(self) -> float | None:
        return None

    def _alive(self, among: OrderedDict[str, _Kept], key: str) -> _Kept | None:
        kept = among.get(key)
        if kept is not None and kept.until <= self.clock():
            del among[key]
            return None
        return kept

    def _keep(self, among: OrderedDict[str, _Kept], key: str, kept: _Kept) -> None:
        """Keep it, and look whether the two looked at longest ago are over: no timer, no pause for a great sweep."""
        for _ in range(min(SWEPT, len(among))):
            oldest = next(iter(among))
            if self._alive(among, oldest):
                among.move_to_end(oldest)
        among[key] = kept


def _nobody_hears(news: News) -> None:
    """Stand in before the start and after the end."""
