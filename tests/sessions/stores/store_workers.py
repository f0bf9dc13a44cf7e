"""Two workers of one edge at a store, and waiting for what is to happen soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sessions.stores.port import News, Store


class Workers:
    """Two workers of one edge, with what each of them heard."""

    def __init__(self, one: Store, other: Store) -> None:
        self.one, self.other = one, other
        self.heard_by_one: list[News] = []
        self.heard_by_other: list[News] = []

    async def start(self) -> None:
        await self.one.start(self.heard_by_one.append)
        if self.other is self.one:
            self.heard_by_other = self.heard_by_one
        else:
            await self.other.start(self.heard_by_other.append)

    async def close(self) -> None:
        await self.one.close()
        if self.other is not self.one:
            await self.other.close()


async def until(condition: Callable[[], object], within: float = 1.0) -> None:
    """Wait until something holds: a second, which is what a revocation may take, unless more is said."""
    deadline = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.005)
