"""Stores that fail when a spec says so, and servers that are no Redis."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sessions.errors import StoreDown
from sessions.stores.guarded import GuardedStore
from sessions.stores.memory import MemoryStore
from sessions.stores.port import News, Store


class Moody:
    """A store in memory that is fine, down, slow, or takes no writes; `mood` says which. It counts what it is asked."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.mood = "fine"
        self.asked = 0
        self.clock_ahead = 0.0
        self.hear: Callable[[News], None] = lambda news: None

    async def start(self, hear: Callable[[News], None]) -> None:
        self.hear = hear
        await self.inner.start(hear)

    async def close(self) -> None:
        await self.inner.close()

    async def now(self) -> float:
        return time.time() + self.clock_ahead

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any) -> Any:
            self.asked += 1
            if self.mood == "slow":
                await asyncio.sleep(5)
            if self.mood == "down" or (self.mood == "full" and name not in ("load", "revocations")):
                raise StoreDown("disk on fire")
            return await getattr(self.inner, name)(*arguments)

        return ask


@asynccontextmanager
async def guarding(inner: Store, **options: Any) -> AsyncIterator[GuardedStore]:
    """Guard a store, started; it probes fifty times a second, so that specs need not wait."""
    guard = GuardedStore(inner, **{"probe": 0.02, **options})
    heard: list[News] = []
    guard.heard = heard  # type: ignore[attr-defined]
    await guard.start(heard.append)
    try:
        yield guard
    finally:
        await guard.close()


@asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[int]:
    """Serve a port that answers everything with the same bytes; nothing at all for b''."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        while reply and (commands := await reader.read(65536)):
            writer.write(reply * len(re.findall(rb"^\*\d", commands, re.MULTILINE)))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)
