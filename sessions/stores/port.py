"""The port: what the edge asks of a store. Memory, SQLite and Redis answer it alike, by one suite of specs.

A store knows nothing of sessions: it keeps bytes under keys, with a revision. Keys are hashes (`key_of`), so that who
reads a store cannot be anybody. On the common path none of this is called: what a worker has read it goes on using
until it hears that it changed.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol


def key_of(text: str) -> str:
    """Return the key under which something is kept: 43 characters that do not tell what they stand for."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store has under a key. `rev` is 1 or more."""

    rev: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sessions that are void: one (`key` of its id), all of a customer (`key` of the customer's id), or all there are.

    Void is what began (for `session`: at all; otherwise by login or creation) at `at` or before, in seconds since the
    epoch. It need not be remembered after `until`.
    """

    kind: Literal["session", "customer", "all"]
    key: str
    at: int
    until: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody, maybe this worker itself, has written under `key`. `rev` is the revision written, 0 if forgotten."""

    key: str
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages may have been missed (a connection was lost): whatever is cached may be old."""


News = Changed | Revocation | Gap


class Store(Protocol):
    """Every method raises StoreDown when the store does not answer, refuses, or answers nonsense.

    What is under a key and cannot be understood (garbage, another type) is deleted and counts as not there.
    """

    async def start(self, hear: Callable[[News], None]) -> None:
        """Connect, and from now on tell `hear` of what anybody writes; it is called on the loop.

        Does not raise when the store is down: it comes later. Whoever starts is told all revocations there are.
        """

    async def close(self) -> None:
        """Let everything go."""

    async def load(self, key: str) -> Stored | None:
        """Return what is kept under a key."""

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        """Write if nothing is kept, or if the revision kept is `expected` (None: any that is older than the fresh one).

        With 0 it is written only where nothing is kept. `life` in seconds. Returns None if it was written, otherwise
        what is there instead. A store that lost everything takes it: nothing newer can be lost. What is kept already,
        byte for byte, counts as written: to save twice is to save once. Atomic; the news goes out with the revision.
        """

    async def drop(self, key: str) -> None:
        """Forget a key; the news goes out."""

    async def revoke(self, revocation: Revocation) -> None:
        """Remember a revocation, and tell every worker within a second."""

    async def revocations(self) -> list[Revocation]:
        """Return those that still matter."""

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        """Keep something that can be taken once; False if the key is taken. For one-time codes and used `jti`s."""

    async def take_once(self, key: str) -> bytes | None:
        """Return what was put under the key and forget it, in one step: of two who ask, one gets it."""

    async def now(self) -> float | None:
        """Return the store's own clock, seconds since the epoch, for comparing; None if it has none."""
