"""A store that never keeps a shopper waiting: a time budget, a breaker, and the writes that were missed made up for.

While the store answers, every operation goes through with at most 50 ms. After some failures in a row nobody waits at
all: operations raise StoreDown at once, and one probe a second, in the background, finds out when it is back. Then what
was missed is written, revocations first, and only after that the store counts as up. REQUIREMENTS, 40, 41, 44, 46.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Literal, TypeVar

from sessions.errors import StoreDown
from sessions.stores.ending import ended
from sessions.stores.missed import Late, Missed
from sessions.stores.port import Gap, News, Revocation, Store, Stored, key_of

BUDGET: Final = 0.05
"""Seconds an operation may take. REQUIREMENTS, 41."""

FAILURES: Final = 5
"""In a row, of reads or of writes, each begun after the one before had failed."""

PROBE: Final = 1.0
"""Seconds between two probes while the store is down, give or take a quarter, so that workers do not come at once."""

WATCH: Final = 5.0
"""Seconds between two probes while all is well: what nobody asks would otherwise be down unnoticed."""

PATIENT: Final = 1.0
"""Seconds for the first step of a probe, which may have to connect, to greet and to ask Sentinel. Shoppers never do."""

SAYING: Final = 10.0
"""Seconds between two lines about the state at least. REQUIREMENTS, 44."""

MOST_MISSED: Final = 10_000
"""Sessions waiting to be written, newest each; about 1 KB each, so at most 10 MB a worker."""

MOST_KNOWN: Final = 100_000
"""Revocations remembered, to tell them to a store that has forgotten them."""

AT_ONCE: Final = 16
"""Missed writes under way at a time."""

DROP_LIFE: Final = 90 * 86400
"""Seconds after which a missed drop is of no use: no session lives longer."""

COUNTED: Final = ("asked", "failed", "slow", "refused", "opened", "probes", "missed", "late", "stale", "lost", "gaps")
"""asked, of which failed and slow; refused because it was down; opened: the breaker; missed: writes; late: written
later; stale: later, but something newer was there; lost: thrown away because there were too many; gaps in the news."""

Answer = TypeVar("Answer")
What = TypeVar("What")


class GuardedStore:
    """The store `inner`, guarded. `say` gets a line when its state changes, at most one in 10 s.

    A write that raises StoreDown is not lost: it is kept (the newest per key) and written when the store is back,
    never over a newer revision and never over a revocation of its session. One-time codes are not kept: who gets
    StoreDown for one must refuse.
    """

    def __init__(
        self,
        inner: Store,
        say: Callable[[str], None] = lambda line: None,
        *,
        budget: float = BUDGET,
        failures: int = FAILURES,
        probe: float = PROBE,
        most_missed: int = MOST_MISSED,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.inner = inner
        self.say = say
        self.budget = budget
        self.failures = failures
        self.probe = probe
        self.clock = clock
        self.wall = wall
        self.up = False
        """Whether the store is asked at all."""
        self.why = "not started"
        """What went wrong the last time."""
        self.skew = 0.0
        """Seconds that the store's clock is ahead of ours; 0 if it has none."""
        self.counters = dict.fromkeys(COUNTED, 0)
        self._missed = Missed(most_missed)
        self._known: dict[Revocation, None] = {}
        self._forgotten = False
        self._in_a_row = {"read": 0, "write": 0}
        self._counted = {"read": clock(), "write": clock()}
        self._said_up, self._said_at, self._down_since = True, -SAYING, clock()
        self._hear: Callable[[News], None] = lambda news: None
        self._woken = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None

    @property
    def missed(self) -> int:
        """How many writes and revocations wait for the store."""
        return len(self._missed)

    @property
    def spoiled(self) -> int:
        """How many entries were put away because they could not be understood."""
        return int(getattr(self.inner, "spoiled", 0))

    async def start(self, hear: Callable[[News], None]) -> None:
        """Start the store, and find out whether it is up; about 2 s at most."""
        self._hear = hear
        await self.inner.start(self._heard)
        self._down_since = self.clock()
        self._turn(await self._probe())
        self._announce()
        self._tending = asyncio.get_running_loop().create_task(self._tend(), name="store guard")

    async def close(self) -> None:
        """Write what can be written still, and let everything go."""
        if self._tending is not None:
            await ended(self._tending)
        if self.up and self._missed:
            with suppress(StoreDown, TimeoutError):
                await self._make_up()
        await self.inner.close()

    async def load(self, key: str) -> Stored | None:
        late = self._missed.get(key, self.clock())
        if late is not None and not self.up:
            return late.fresh
        there = await self._ask("read", self.inner.load(key) if self.up else None)
        if late is not None and (late.fresh is None or there is None or there.rev < late.fresh.rev):
            return late.fresh
        return there

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        try:
            there = await self._ask("write", self.inner.save(key, fresh, expected, life) if self.up else None)
        except StoreDown:
            self._missed.save(key, fresh, life, self.clock())
            self._was_missed()
            raise
        self._missed.settle(key, fresh.rev if there is None else there.rev)
        return there

    async def drop(self, key: str) -> None:
        try:
            await self._ask("write", self.inner.drop(key) if self.up else None)
        except StoreDown:
            self._missed.drop(key, DROP_LIFE, self.clock())
            self._was_missed()
            raise

    async def revoke(self, revocation: Revocation) -> None:
        """Revoke, here at once in any case: raises StoreDown if the other workers will hear of it only later."""
        try:
            await self._ask("write", self.inner.revoke(revocation) if self.up else None)
        except StoreDown:
            self._missed.revoke(revocation)
            self._was_missed()
            self._heard(revocation)
            raise
        self._remember(revocation)  # before the news: a primary that dies now may take both with it

    async def revocations(self) -> list[Revocation]:
        return await self._ask("read", self.inner.revocations() if self.up else None)

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        return await self._ask("write", self.inner.put_once(key, data, life) if self.up else None)

    async def take_once(self, key: str) -> bytes | None:
        return await self._ask("write", self.inner.take_once(key) if self.up else None)

    async def now(self) -> float | None:
        return await self._ask("read", self.inner.now() if self.up else None)

    # --- asking ---

    async def _ask(self, kind: Literal["read", "write"], question: Awaitable[Answer] | None) -> Answer:
        """Return the answer within the budget. Raises StoreDown; at once if there is no question to a store down."""
        if question is None:
            self.counters["refused"] += 1
            raise StoreDown(f"the store is down: {self.why}")
        self.counters["asked"] += 1
        began = self.clock()
        try:
            async with asyncio.timeout(self.budget):
                answer = await question
        except TimeoutError:
            self.counters["slow"] += 1
            slow = f"no answer within {self.budget * 1000:.0f} ms"
            self._failed(kind, slow, began)
            raise StoreDown(slow) from None
        except StoreDown as error:
            self.counters["failed"] += 1
            self._failed(kind, str(error), began)
            raise
        # A store that reads and does not write is down all the same, so a read is no proof for writes.
        for proven in ("read", "write") if kind == "write" else ("read",):
            self._in_a_row[proven] = 0
            self._counted[proven] = self.clock()
        return answer

    def _failed(self, kind: Literal["read", "write"], why: str, began: float) -> None:
        """Count a failure, unless another operation has succeeded or failed since this one began.

        A crowd in a queue of our own, or all that was under way when the loop stood still, is one failure and not many.
        """
        self.why = why
        self._woken.set()
        if began < self._counted[kind]:
            return
        self._counted[kind] = self.clock()
        self._in_a_row[kind] += 1
        if self.up and self._in_a_row[kind] >= self.failures:
            self.counters["opened"] += 1
            self._turn(False)

    def _was_missed(self) -> None:
        self.counters["missed"] += 1
        self.counters["lost"] = self._missed.lost
        self._woken.set()

    def _heard(self, news: News) -> None:
        if isinstance(news, Revocation):
            self._remember(news)
        elif isinstance(news, Gap):
            # It may have been a restart with an empty memory. Who starts later must know what was revoked.
            self._forgotten = True
            self.counters["gaps"] += 1
            self._woken.set()
        elif news.rev:
            self._missed.settle(news.key, news.rev)
        self._hear(news)

    def _remember(self, revocation: Revocation) -> None:
        self._known[revocation] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._missed.void(revocation)

    # --- the state ---

    def _turn(self, up: bool) -> None:
        if up:
            self._in_a_row = {"read": 0, "write": 0}
        elif self.up:
            self._down_since = self.clock()
        self.up = up
        self._announce()

    def _announce(self) -> None:
        """Say what the state is if it is news, and if the last line is long enough ago; otherwise later."""
        now = self.clock()
        if self.up == self._said_up or now - self._said_at < SAYING:
            return
        self._said_up, self._said_at = self.up, now
        if self.up:
            seconds = now - self._down_since
            self.say(f"store up again after {seconds:.0f} s; {self.counters['late']} missed writes made up for so far, "
                     f"{self.counters['lost']} lost")  # fmt: skip
        else:
            self.say(f"store down: {self.why}; shoppers go on by their cookies, and it is asked again every second")

    async def _tend(self) -> None:
        """Probe, make up for what was missed, and watch the clock, until cancelled."""
        while True:
            self._woken.clear()
            if self._all_is_well():
                with suppress(TimeoutError):
                    async with asyncio.timeout(WATCH):
                        await self._woken.wait()
            if not self._all_is_well():
                await asyncio.sleep(self.probe * random.uniform(0.75, 1.25))  # noqa: S311  no secret
            fine = await self._probe()
            if fine:
                try:
                    await self._make_up()
                    await self._compare_clocks()
                except (StoreDown, TimeoutError) as error:
                    self.why, fine = str(error) or "slow", False
            if fine:
                self._turn(True)
            else:
                self._failed("write", self.why, self.clock())
            self._announce()

    def _all_is_well(self) -> bool:
        settled = self._said_up == self.up and not self._missed and not self._forgotten
        return self.up and settled and not any(self._in_a_row.values())

    async def _probe(self) -> bool:
        """Find out whether the store takes a write, and in time once there is a connection."""
        self.counters["probes"] += 1
        for seconds in (PATIENT, self.budget):
            key = key_of(f"probe {random.getrandbits(64)}")
            try:
                async with asyncio.timeout(seconds):
                    await self.inner.put_once(key, b"", 1)
            except TimeoutError:
                self.why = f"no answer within {seconds * 1000:.0f} ms"
                return False
            except StoreDown as error:
                self.why = str(error)
                return False
        return True

    async def _make_up(self) -> None:
        """Write what was missed: revocations first, so that nothing they end is brought back.

        Raises StoreDown or TimeoutError at the first failure; what is left waits for the next time.
        """
        if self._forgotten or not self.up:
            async with asyncio.timeout(10 * PATIENT):
                there = set(await self.inner.revocations())
            for revocation in there:
                self._missed.void(revocation)
            now = self.wall()
            self._known = {each: None for each in self._known if each.until > now}
            await self._each(self.inner.revoke, [each for each in self._known if each not in there])
            self._forgotten = False
        while some := self._missed.revocations(AT_ONCE):
            await self._each(self._revoke_late, some)
        while late := self._missed.writes(AT_ONCE, self.clock()):
            await self._each(self._write_late, late)

    async def _each(self, step: Callable[[What], Awaitable[None]], items: Sequence[What]) -> None:
        """Take a step for every item, some at a time, each within a second. Raises the first failure."""
        for start in range(0, len(items), AT_ONCE):
            async with asyncio.timeout(PATIENT):
                await asyncio.gather(*(step(item) for item in items[start : start + AT_ONCE]))

    async def _revoke_late(self, revocation: Revocation) -> None:
        await self.inner.revoke(revocation)
        self._missed.done(revocation)
        self.counters["late"] += 1

    async def _write_late(self, late: Late) -> None:
        there = None
        try:
            if late.fresh is None:
                await self.inner.drop(late.key)
            else:
                left = max(1, int(late.until - self.clock()))
                there = await self.inner.save(late.key, late.fresh, None, left)
        except StoreDown:
            self._missed.failed(late)
            self.counters["lost"] = self._missed.lost
            raise
        self._missed.done(late)
        self.counters["late" if there is None else "stale"] += 1

    async def _compare_clocks(self) -> None:
        before = self.wall()
        async with asyncio.timeout(PATIENT):
            theirs = await self.inner.now()
        self.skew = 0.0 if theirs is None else theirs - (before + self.wall()) / 2
