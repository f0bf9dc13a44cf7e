"""Several workers' keepers over one store whose every operation can be made slow, fail, or be heard of late."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable

from sessions.bridge import Outcome
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.kept import MOST_KEPT, Kept
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy, Session
from sessions.stores.memory import MemoryStore, _Kept
from sessions.stores.port import Changed, News, Revocation, Store, Stored

NOW = 1_800_000_000
POLICY = Policy()
ALL = frozenset(("login", "basket", "order"))
RING = KeyRing.fresh(("cms", "commerce"), "HS256")
ANNA, BEN = Login("c1", "Anna"), Login("c2", "Ben")
B7 = Basket("b7", 3, 2, "39.80", "EUR")


class SharedStore(MemoryStore):
    """A store for many workers. `down` fails everything, `broken` raises something else; `news` is when they come.

    With `dice` every operation takes some turns of the loop before it happens, and some until its answer is there.
    """

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.hearers: list[Callable[[News], None]] = []
        self.asked: Counter[str] = Counter()
        self.down = False
        self.broken: Exception | None = None
        self.news = "at once"
        self.untold: list[News] = []
        self.dice: random.Random | None = None
        self._hear = self._spread

    async def start(self, hear: Callable[[News], None]) -> None:
        self.hearers.append(hear)
        for revocation in await self.revocations():
            hear(revocation)

    def _spread(self, news: News) -> None:
        if self.news == "at once":
            for hear in self.hearers:
                hear(news)
        elif self.news == "later":
            self.untold.append(news)

    def tell(self) -> None:
        """Let the news that are under way arrive."""
        untold, self.untold = self.untold, []
        for news in untold:
            for hear in self.hearers:
                hear(news)

    async def _meet(self, what: str) -> None:
        self.asked[what] += 1
        await self._dawdle()
        if self.down:
            raise StoreDown("no answer within 50 ms")
        if self.broken is not None:
            raise self.broken

    async def _dawdle(self) -> None:
        for _ in range(self.dice.randrange(4) if self.dice is not None else 0):
            await asyncio.sleep(0)

    async def load(self, key: str) -> Stored | None:
        await self._meet("load")
        found = self.there(key)
        await self._dawdle()
        return found

    def there(self, key: str) -> Stored | None:
        """What is kept under a key."""
        kept = self._alive(self._sessions, key)
        return Stored(kept.rev, kept.data) if kept is not None else None

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        await self._meet("save")
        there = self.there(key)
        if (
            there is not None
            and there != fresh
            and not (there.rev < fresh.rev if expected is None else there.rev == expected)
        ):
            await self._dawdle()
            return there
        self._keep(self._sessions, key, _Kept(fresh.rev, fresh.data, self.clock() + life))
        self._hear(Changed(key, fresh.rev))
        await self._dawdle()
        return None

    async def drop(self, key: str) -> None:
        await self._meet("drop")
        await super().drop(key)

    async def revoke(self, revocation: Revocation) -> None:
        await self._meet("revoke")
        await super().revoke(revocation)

    def empty(self) -> None:
        """Lose everything."""
        self._sessions.clear()
        self._revocations.clear()


class Worker:
    """A keeper, and what it counted."""

    def __init__(self, store: Store, ids: Callable[[], str], policy: Policy, ring: KeyRing, most: int) -> None:
        self.events: Counter[str] = Counter()
        self.now = NOW
        self.keeper = Keeper(ring, policy, store, ids, self._count, lambda: self.now, most)

    def _count(self, event: str) -> None:
        self.events[event] += 1

    async def open(self, cookie: bytes) -> Kept:
        """As the edge does it: what is at hand, otherwise by opening it."""
        return self.keeper.at_hand(cookie, self.now) or await self.keeper.open(cookie, self.now)

    async def told(self, kept: Kept | None, changes: Changes, system: str = "commerce") -> Kept:
        """Take over what a system says."""
        now, _ = await self.keeper.keep(kept, changes, system, ALL, self.now)
        assert now is not None
        return now

    async def outcome(self, kept: Kept | None, changes: Changes) -> Outcome:
        return (await self.keeper.keep(kept, changes, "commerce", ALL, self.now))[1]


class House:
    """Workers over one store."""

    def __init__(self, workers: int = 2, policy: Policy = POLICY, ring: KeyRing = RING, most: int = MOST_KEPT) -> None:
        self.store = SharedStore()
        self._numbers = itertools.count(1)
        self.workers = [self.worker(policy, ring, most) for _ in range(workers)]

    def worker(
        self, policy: Policy = POLICY, ring: KeyRing = RING, most: int = MOST_KEPT, store: Store | None = None
    ) -> Worker:
        """One more, which knows nothing yet."""
        made = Worker(store or self.store, lambda: f"id-{next(self._numbers):019}", policy, ring, most)
        self.store.hearers.append(made.keeper._hear)
        return made

    async def settled(self) -> None:
        """Let what is done in the background be done."""
        for _ in range(30):
            await asyncio.sleep(0)


def session_of(kept: Kept) -> Session:
    assert kept.session is not None
    return kept.session
