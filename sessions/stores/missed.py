"""The writes that a store has missed: the newest per key, bounded, until they can be made up for. Pure.

Seconds come in as arguments: `now` of a clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sessions.stores.port import Revocation, Stored

TRIES: Final = 3
"""Times that a write is tried again. It is tried only after a probe was written, so the fault is its own."""


@dataclass(frozen=True, slots=True)
class Late:
    """A write to be made up for; `fresh` is None if the key is to be forgotten. `until` is when it is of no use."""

    key: str
    fresh: Stored | None
    until: float
    tries: int = 0


class Missed:
    """At most `most` writes and as many revocations. When there are more the oldest go, and are counted in `lost`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lost = 0
        self._writes: dict[str, Late] = {}
        self._revocations: dict[Revocation, None] = {}

    def __len__(self) -> int:
        return len(self._writes) + len(self._revocations)

    def get(self, key: str, now: float) -> Late | None:
        """Return what waits to be written under a key."""
        late = self._writes.get(key)
        return late if late is not None and late.until > now else None

    def save(self, key: str, fresh: Stored, life: int, now: float) -> None:
        """Note a session that could not be written; one that is older than what waits already is passed over."""
        waiting = self._writes.get(key)
        if waiting is None or waiting.fresh is None or waiting.fresh.rev < fresh.rev:
            self._note(Late(key, fresh, now + life))

    def drop(self, key: str, life: int, now: float) -> None:
        """Note a key that could not be forgotten; `life` is how long it could be there at most."""
        self._note(Late(key, None, now + life))

    def revoke(self, revocation: Revocation) -> None:
        """Note a revocation, which takes the writes it makes void out of the queue."""
        self._revocations[revocation] = None
        if len(self._revocations) > self.most:
            del self._revocations[next(iter(self._revocations))]
            self.lost += 1
        self.void(revocation)

    def void(self, revocation: Revocation) -> None:
        """Give up the write that would bring back a session that was ended.

        Of one that ends all sessions of a customer, or all there are, only who reads the session can tell whether it
        is meant: those are written, and refused when they are read.
        """
        waiting = self._writes.get(revocation.key) if revocation.kind == "session" else None
        if waiting is not None and waiting.fresh is not None:
            del self._writes[revocation.key]

    def settle(self, key: str, rev: int) -> None:
        """Forget what waits under a key if the store has this revision or a newer one by now."""
        waiting = self._writes.get(key)
        if waiting is not None and (waiting.fresh is None or waiting.fresh.rev <= rev):
            del self._writes[key]

    def revocations(self, most: int) -> list[Revocation]:
        """Return some of the revocations that wait."""
        return [each for each, _ in zip(self._revocations, range(most), strict=False)]

    def writes(self, most: int, now: float) -> list[Late]:
        """Return some of the writes that wait, the oldest first; what is of no use any more is thrown away."""
        for over in [late for late in self._writes.values() if late.until <= now]:
            del self._writes[over.key]
        return [each for each, _ in zip(self._writes.values(), range(most), strict=False)]

    def done(self, what: Late | Revocation) -> None:
        """Take out what was written, unless something newer waits under its key by now."""
        if isinstance(what, Revocation):
            self._revocations.pop(what, None)
        elif self._writes.get(what.key) is what:
            del self._writes[what.key]

    def failed(self, late: Late) -> None:
        """Put back what a store that is up refused, and give it up the third time: one bad write must not block all."""
        if self._writes.get(late.key) is late:
            del self._writes[late.key]
            if late.tries + 1 < TRIES:
                self._note(replace(late, tries=late.tries + 1))
            else:
                self.lost += 1

    def _note(self, late: Late) -> None:
        self._writes.pop(late.key, None)
        self._writes[late.key] = late
        if len(self._writes) > self.most:
            del self._writes[next(iter(self._writes))]
            self.lost += 1
