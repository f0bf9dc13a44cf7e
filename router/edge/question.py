"""A question that the edge asks a system for itself: what a visitor's basket holds, who is logged in."""

from __future__ import annotations

import asyncio
from typing import Final

from router.edge.asker import Asker
from router.edge.pool import System
from router.edge.upstream import ServerConnection
from router.errors import SystemFault
from router.ranks import CLOSE
from router.wire.head import ResponseHead

MOST_ANSWER: Final = 512 * 1024
"""Bytes of an answer that are looked at: shop pages have up to 250 KB."""


class Question(Asker):
    """One GET and its answer; `answer` is set when it is over, to None if there is none that can be used."""

    __slots__ = (
        "_body", "_connection", "_head", "_size", "answer", "bodiless", "request", "safe", "sent_all", "system",
        "wants_upgrade",
    )  # fmt: skip

    def __init__(self, system: System, request: bytes) -> None:
        self.bodiless = False
        self.sent_all = True
        self.safe = True
        self.wants_upgrade = False
        self.system = system
        self.request = request
        self.answer: asyncio.Future[tuple[ResponseHead, bytes] | None] = asyncio.get_running_loop().create_future()
        self._connection: ServerConnection | None = None
        self._head: ResponseHead | None = None
        self._body: list[bytes] = []
        self._size = 0

    @property
    def rank(self) -> int:
        return CLOSE  # it is about somebody's login or basket, and their answer waits for it

    async def ask(self, seconds: float) -> tuple[ResponseHead, bytes] | None:
        """Return head and body of the answer; None if it does not come within the time or is too large."""
        try:
            connection = self.system.acquire(self)
            if connection is not None:
                self.connected(connection)
            async with asyncio.timeout(seconds):
                return await self.answer
        except (SystemFault, TimeoutError):
            return None
        finally:
            self._let_go()

    def connected(self, connection: ServerConnection) -> None:
        self._connection = connection
        connection.ask(self, self.request)

    def answered(self, head: ResponseHead, body: bytes, done: bool) -> None:
        self._head = head
        self._take(body)
        if done:
            self.ended(b"")

    def more(self, data: bytes) -> None:
        self._take(data)

    def ended(self, trailers: bytes) -> None:
        del trailers
        self._connection = None
        if not self.answer.done():
            self.answer.set_result((self._head, b"".join(self._body)) if self._head is not None else None)

    def failed(self, error: SystemFault) -> None:
        del error
        self._connection = None
        if not self.answer.done():
            self.answer.set_result(None)

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= MOST_ANSWER:
            self._body.append(data)
            return
        self._let_go()
        if not self.answer.done():
            self.answer.set_result(None)

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
        elif not self.answer.done():
            self.system.forget(self)
