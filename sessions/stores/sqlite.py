"""The store in a SQLite file: for one machine with any number of workers. It survives kill -9 of any of them.

The connection lives in a thread of its own, so that neither a slow disk nor another worker's lock holds up the loop.
Other workers' writes are noticed by a change counter that is read every 150 ms.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from sessions.errors import StoreDown
from sessions.stores.ending import ended
from sessions.stores.port import Changed, News, Revocation, Stored
from sessions.stores.sqlite_file import SPOILED, SqliteFile

LOOK: Final = 0.15
"""Seconds between two looks for news: a revocation must be known within 1 s, and a look costs about 0.1 ms."""

PATIENCE: Final = 0.04
"""Seconds a lock is waited for. Commits take well under 1 ms, and the budget of an operation is 50 ms."""

FIRST: Final = 1.0
"""Seconds that the start waits for the file; later it comes by itself."""

CLEAN: Final = 5.0
"""Seconds between two cleanings, unless the last one left something."""

Answer = TypeVar("Answer")


class SqliteStore:
    """A store at `path`. `say` is told when a spoiled file was moved aside; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        path: str,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self.file = SqliteFile(path, clock, patience, say)
        self._thread: ThreadPoolExecutor | None = None
        self._looking: asyncio.Task[None] | None = None
        self._hear: Callable[[News], None] = lambda news: None

    @property
    def spoiled(self) -> int:
        """How many files or entries this worker has put away because they could not be understood."""
        return self.file.spoiled

    async def start(self, hear: Callable[[News], None]) -> None:
        self._hear = hear
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite store")
        told = False
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST):
                told = await self._tell_revocations()
        self._looking = asyncio.get_running_loop().create_task(self._look(told), name="sqlite news")

    async def close(self) -> None:
        if self._looking is not None:
            await ended(self._looking)
        if self._thread is not None:
            with suppress(StoreDown):
                await self._ask(self.file.close)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def load(self, key: str) -> Stored | None:
        return await self._ask(lambda: self.file.load(key))

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        there = await self._ask(lambda: self.file.save(key, fresh, expected, life))
        if there is None:
            self._hear(Changed(key, fresh.rev))
        return there

    async def drop(self, key: str) -> None:
        await self._ask(lambda: self.file.drop(key))
        self._hear(Changed(key))

    async def revoke(self, revocation: Revocation) -> None:
        if await self._ask(lambda: self.file.revoke(revocation)):
            self._hear(revocation)

    async def revocations(self) -> list[Revocation]:
        return await self._ask(self.file.revocations)

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        return await self._ask(lambda: self.file.put_once(key, data, life))

    async def take_once(self, key: str) -> bytes | None:
        return await self._ask(lambda: self.file.take_once(key))

    async def now(self) -> float | None:
        return None

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Have the thread answer. Raises StoreDown for whatever SQLite or the disk says."""
        if self._thread is None:
            raise StoreDown("the store is not started")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    def _answer(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in SPOILED:
                return self._answer_anew(question)
            raise StoreDown(f"{self.file.path}: {error}") from error
        except OSError as error:
            raise StoreDown(f"{self.file.path}: {error.strerror}") from error

    def _answer_anew(self, question: Callable[[], Answer]) -> Answer:
        try:
            self.file.cure()
            return question()
        except (sqlite3.Error, OSError) as error:
            raise StoreDown(f"{self.file.path}: {error}") from error

    async def _look(self, told: bool) -> None:
        """Tell what others wrote, and clean, until cancelled. While the file cannot be read nothing is told."""
        next_cleaning = time.monotonic() + CLEAN
        while True:
            await asyncio.sleep(LOOK)
            try:
                for news in await self._ask(self.file.news):
                    self._hear(news)
                if not told:
                    told = await self._tell_revocations()
                if time.monotonic() >= next_cleaning:
                    more = await self._ask(self.file.clean)
                    next_cleaning = time.monotonic() + (LOOK if more else CLEAN)
            except StoreDown:
                continue

    async def _tell_revocations(self) -> bool:
        try:
            found = await self.revocations()
        except StoreDown:
            return False
        for revocation in found:
            self._hear(revocation)
        return True
