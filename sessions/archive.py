"""The store as the keeper uses it: sessions go in, what somebody else has written comes out, trouble costs nothing.

That the store is down is no error to who writes: the cookie carries the session, and the store is told when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sessions.errors import StoreDown
from sessions.model import Policy, Session
from sessions.record import Moved, packed, unpacked
from sessions.stores.port import Store, Stored, key_of

TRIES: Final = 20
"""How often a change is applied anew to what somebody else has written meanwhile. Each time somebody has got on, and
in one worker changes of a session wait for each other: 20 are only used up by as many workers at once."""

LEAP: Final = 1 << 20
"""By so much the revision grows when an id moves on, so that it does so for good: what other workers wrote under it
while the store was down comes too late."""


class Archive:
    """Reads and writes sessions. `tell` counts, see `sessions.keeper`."""

    def __init__(self, store: Store, tell: Callable[[str], None], policy: Policy) -> None:
        self.policy = policy
        self._store = store
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: set[str] = set()

    async def load(self, key: str) -> Stored | None:
        """Return what the store has. Raises StoreDown, for a fault of ours, too: the cookie carries the shopper."""
        try:
            return await self._store.load(key)
        except StoreDown:
            raise
        except Exception as error:
            self._fault(error)
            raise StoreDown(f"{type(error).__name__}: {error}") from error

    async def write(self, base: Session | None, fresh: Session, now: int) -> Session | Moved | None:
        """Store a change of `base`; return None, or what stands there instead. None, too, where the store is down."""
        key = key_of(fresh.id)
        if base is not None and base.id == fresh.id:
            return await self._save(key, fresh.rev, fresh, base.rev, base.rev)
        # The new one first: if this worker died between the two, nobody would be without a session.
        await self._save(key, fresh.rev, fresh, 0, 0)
        if base is None:
            return None
        # After a logout the old id stands for nobody, at once; after a login for the guest, while pages are under way.
        old = Moved(now + self.policy.grace, base) if base.login is None else Moved(now, None)
        there = await self._save(key_of(base.id), base.rev + LEAP, old, base.rev, base.rev)
        if there is not None:
            await self._drop(key)
        return there

    def restore(self, key: str, rev: int, record: Session | Moved, spoiled: Stored | None = None) -> None:
        """Give the store in the background what it has lost or missed, or in the place of what nobody understands."""
        work = self._restore(key, rev, record, spoiled.rev if spoiled is not None else None)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for what is done in the background, for so long at most."""
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=seconds)
            for task in left:
                task.cancel()

    async def _restore(self, key: str, rev: int, record: Session | Moved, expected: int | None) -> None:
        await self._save(key, rev, record, expected, rev)

    async def _save(
        self, key: str, rev: int, record: Session | Moved, expected: int | None, since: int
    ) -> Session | Moved | None:
        """Write over the revision `expected`, and over what nobody understands; return what somebody wrote `since`.

        What is older than that revision is what the store had before it went down, and is written over, too.
        """
        stored = Stored(rev, packed(record))
        for _ in range(TRIES):
            try:
                there = await self._store.save(key, stored, expected, self.policy.idle)
            except Exception as error:
                self._fault(error)
                return None
            if there is None:
                return None
            found = unpacked(there.data)
            if isinstance(found, Moved):
                return found
            if found is not None and found.rev >= since and key_of(found.id) == key:
                return found
            expected = there.rev
        self._tell("session_unstored")
        return None

    async def _drop(self, key: str) -> None:
        try:
            await self._store.drop(key)
        except Exception as error:  # nobody knows its id; it is forgotten when its time is over
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        """Something could not be read or written. What is no StoreDown is a fault of ours, and told once at length."""
        if isinstance(error, StoreDown):
            self._tell("session_unstored")
            return
        self._tell("store:fault")
        kind = type(error).__name__
        if kind not in self._faults:
            self._faults.add(kind)
            said = {"message": "a store failed; shoppers go on by their cookies", "exception": error}
            asyncio.get_running_loop().call_exception_handler(said)
