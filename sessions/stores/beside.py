"""A store, and a file beside it by which the workers of one machine agree while it does not answer.

Each worker has only its own memory then, and a browser keeps the cookie that comes last: of two changes of one visitor
at the same moment on two workers one would be lost. By the file the second of them finds the first and adds to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from sessions.errors import StoreDown
from sessions.stores.guarded import BUDGET, GuardedStore
from sessions.stores.port import News, Revocation, Store, Stored

Answer = TypeVar("Answer")

_MOST: Final = BUDGET
"""Seconds that the file may take: a shopper waits for it behind the store's own budget."""


class BesideStore:
    """The store `first`, and `second` for what it does not take. What is in `second` alone counts as not stored.

    So `save` raises StoreDown as `first` does, which writes it when it is back; unless somebody on this machine was
    faster: then it returns what is there. It may be older, too, from when `first` did not answer the last time.
    """

    def __init__(self, first: GuardedStore, second: Store) -> None:
        self.first = first
        self.second = second

    async def start(self, hear: Callable[[News], None]) -> None:
        await self.second.start(hear)
        await self.first.start(hear)

    async def close(self) -> None:
        await self.first.close()
        await self.second.close()

    async def load(self, key: str) -> Stored | None:
        there: Stored | None = None
        try:
            there = await self.first.load(key)
            if self.first.up:
                return there
        except StoreDown:
            other = await self._ask(self.second.load(key))
            if other is None:
                raise
            return other
        other = await self._ask(self.second.load(key))  # `first` has answered from what it missed itself
        return other if other is not None and (there is None or other.rev > there.rev) else there

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        try:
            return await self.first.save(key, fresh, expected, life)
        except StoreDown:
            there = await self._ask(self.second.save(key, fresh, expected, life))
            if there is not None:
                return there
            raise

    async def drop(self, key: str) -> None:
        try:
            await self.first.drop(key)
        except StoreDown:
            with suppress(StoreDown, TimeoutError):
                async with asyncio.timeout(_MOST):
                    await self.second.drop(key)
            raise

    async def revoke(self, revocation: Revocation) -> None:
        await self.first.revoke(revocation)

    async def revocations(self) -> list[Revocation]:
        return await self.first.revocations()

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        return await self.first.put_once(key, data, life)

    async def take_once(self, key: str) -> bytes | None:
        return await self.first.take_once(key)

    async def now(self) -> float | None:
        return await self.first.now()

    @staticmethod
    async def _ask(question: Awaitable[Answer | None]) -> Answer | None:
        """Return the file's answer; None, as if it knew nothing, where it has none in time."""
        try:
            async with asyncio.timeout(_MOST):
                return await question
        except (StoreDown, TimeoutError):
            return None
