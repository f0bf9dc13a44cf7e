"""The visitors that a worker has at hand, found by their cookie and by the key under which the store has them.

Two things must never happen here: that what is at hand is not reached by news of a change, and that strangers decide
how much memory is used. So whoever is at hand stands under the key that news name, and only the value of a genuine
cookie is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from sessions.errors import RevokedSession
from sessions.model import Session

MOST_KEPT: Final = 25_000
"""Sessions, and as many cookies, that a worker keeps at hand: 100 MB at most, by 2.4 KB for each and 1.5 KB for the
tokens to two systems. Whoever has to make room costs a look into the store: 30 us in memory, 90 us in SQLite."""

EVERYTHING: Final = 1 << 60
"""A revision that is newer than any."""


class Kept:
    """A visitor as this worker knows one. `session` is None for a cookie that counts for nothing, `fault` says why.

    `cookie` is the value that the browser should have. `fixed` says that the session may be read and not changed: the
    id has moved on. `over` says that somebody was logged in by this cookie and is not any more: what the systems' own
    cookies tell of a login is of before. `look_at` is when the store is asked again, `stale` that it must be asked
    before.
    """

    __slots__ = (
        "cookie", "fault", "fixed", "heard", "key", "look_at", "over", "renewing", "session", "stale", "system",
        "tokens", "turn",
    )  # fmt: skip

    def __init__(self, session: Session | None, key: str = "", fault: str = "") -> None:
        self.session = session
        self.key = key
        self.fault = fault
        self.over = fault == RevokedSession.reason
        self.cookie = b""
        self.fixed = False
        self.stale = False
        self.renewing = False
        self.look_at = 0
        self.heard = 0
        """The newest revision that the store is known to have had since it was looked into last."""
        self.system = ""
        """The system that answered the last page: the next one on another system is a crossing."""
        self.tokens: dict[str, tuple[bytes, int]] = {}
        self.turn: asyncio.Lock | None = None
        """Who changes the session of this worker's requests, one after the other."""

    @property
    def login(self) -> bool:
        """Whether somebody is logged in."""
        return self.session is not None and self.session.login is not None

    @property
    def items(self) -> int:
        """How many items the basket holds."""
        basket = self.session.basket if self.session is not None else None
        return basket.count if basket is not None else 0

    def age(self, rev: int) -> None:
        """The store has this revision now, or had it."""
        self.stale = True
        self.heard = max(self.heard, rev)

    def good(self, now: int) -> bool:
        """Whether it needs no look into the store."""
        return not self.stale and self.look_at >= now


class AtHand:
    """Who is at hand: at most `most` sessions, and as many cookies; when there are more the oldest quarter goes."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self.by_cookie: dict[bytes, Kept] = {}
        self.by_key: dict[str, Kept] = {}

    def everybody(self) -> Iterable[Kept]:
        """Return all who can be found by a key."""
        return self.by_key.values()

    def add(self, kept: Kept) -> None:
        """Have it found by its key. Whoever stood there in its place reads the store anew."""
        there = self.by_key.get(kept.key)
        if there is kept:
            return
        if there is not None:
            there.age(EVERYTHING)
        elif len(self.by_key) >= self.most:
            for old in list(self.by_key)[: max(1, self.most // 4)]:
                self.by_key.pop(old).age(EVERYTHING)  # news would not reach it any more
        self.by_key[kept.key] = kept

    def name(self, cookie: bytes, kept: Kept) -> None:
        """Have it found by a cookie's value: a genuine one only, for whoever likes can make others, and large ones."""
        if len(self.by_cookie) >= self.most and cookie not in self.by_cookie:
            for old in list(self.by_cookie)[: max(1, self.most // 4)]:
                del self.by_cookie[old]
        self.by_cookie[cookie] = kept

    def forget(self) -> None:
        """Find nobody any more; who is still held by a request reads the store anew."""
        for kept in self.by_key.values():
            kept.age(EVERYTHING)
        self.by_cookie.clear()
        self.by_key.clear()
