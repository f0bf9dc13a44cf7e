"""The store in Redis: for several machines. One server, Sentinel or Cluster: `sessions.stores.redis_links`.

A session is one string, `1 REVISION DATA` (the first number is the layout's). What must happen in one step is a Lua
script with one key, which every topology can run (https://redis.io/docs/latest/develop/interact/programmability/).
News go out by PUBLISH from the same scripts. Revocations lie in one sorted set, by the time when they may be forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal

from redis.asyncio import Connection
from redis.exceptions import NoScriptError, ResponseError

from sessions.errors import StoreDown
from sessions.stores.ending import ended
from sessions.stores.port import Changed, Gap, News, Revocation, Stored
from sessions.stores.redis_links import Link

BEAT: Final = 0.5
"""Seconds of silence after which the line for news is asked whether it lives; after as many more it counts as dead."""

PAUSES: Final = (0.1, 1.0)
"""Seconds before the line for news is made again: at first, and at most."""

FIRST: Final = 1.0
"""Seconds that the start waits for the first connection; later it comes by itself."""


KINDS: Final[dict[str, Literal["session", "customer", "all"]]] = {
    "session": "session", "customer": "customer", "all": "all",
}  # fmt: skip


class _Script:
    """A script with one key."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  (the name that Redis gives it)


SAVE: Final = _Script("""
local there, spoiled = redis.pcall('GET', KEYS[1]), 0
if type(there) == 'table' then
  there, spoiled = false, 1
end
if there and there ~= ARGV[1] then
  local rev = tonumber(string.match(there, '^1 (%d+) '))
  if not rev then
    spoiled = 1
  elseif ARGV[3] == '' and rev >= tonumber(ARGV[2]) or ARGV[3] ~= '' and rev ~= tonumber(ARGV[3]) then
    return there
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return spoiled
""")
"""(value, its revision, revision expected or '', seconds, channel, message) -> what is there, or 0 or 1 if written."""

DROP: Final = _Script("""
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
""")

TAKE: Final = _Script("""
local there = redis.pcall('GET', KEYS[1])
redis.call('DEL', KEYS[1])
if type(there) == 'table' then
  return 1
end
return there
""")
"""GETDEL, which Redis has from 6.2 on, in a form that also removes another type; 1 says that it was one."""

REVOKE: Final = _Script("""
local spoiled, kind = 0, redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
  spoiled = 1
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1])
if ARGV[1] and redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) == 1 then
  redis.call('EXPIREAT', KEYS[1], redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
end
return spoiled
""")
"""(member, until, channel, message), or nothing for cleaning only. What is known already is not told again."""

TIME: Final = _Script("return redis.call('TIME')")
"""As a script, because a script with a key finds its node in a Cluster."""


class RedisStore:
    """A store behind `link`. `prefix` is how its keys and its channel begin."""

    def __init__(self, link: Link, prefix: str = "inseam:") -> None:
        self.link = link
        self.prefix = prefix
        self.spoiled = 0
        """How many entries were deleted because they could not be understood."""
        self.silence = ""
        """Why the line for news was lost the last time."""
        self._channel = f"{prefix}news"
        self._revoked = f"{prefix}{{revoked}}"
        self._hear: Callable[[News], None] = lambda news: None
        self._listening: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    async def start(self, hear: Callable[[News], None]) -> None:
        self._hear = hear
        self._tried.clear()
        self._listening = asyncio.get_running_loop().create_task(self._listen(), name="redis news")
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST):
                await self._tried.wait()

    async def close(self) -> None:
        if self._listening is not None:
            await ended(self._listening)
        with suppress(Exception):  # a goodbye that nobody hears
            await self.link.close()

    async def load(self, key: str) -> Stored | None:
        name = self._session(key)
        try:
            value = await self._ask("GET", name)
        except _WrongType:
            value = b""
        if value is None:
            return None
        stored = _read(value)
        if stored is None:
            await self._put_away(name)
        return stored

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        value = b"1 %d %b" % (fresh.rev, fresh.data)
        rev = "" if expected is None else expected
        news = f"changed {fresh.rev} {key}"
        there = await self._run(SAVE, self._session(key), value, fresh.rev, rev, max(life, 1), self._channel, news)
        if isinstance(there, int):
            self.spoiled += there
            return None
        return _read(there)

    async def drop(self, key: str) -> None:
        await self._run(DROP, self._session(key), self._channel, f"changed 0 {key}")

    async def revoke(self, revocation: Revocation) -> None:
        said = f"{revocation.kind} {revocation.at} {revocation.until} {revocation.key}"
        self.spoiled += await self._run(REVOKE, self._revoked, said, revocation.until, self._channel, said)

    async def revocations(self) -> list[Revocation]:
        self.spoiled += await self._run(REVOKE, self._revoked)
        found: dict[Revocation, None] = {}
        cursor = -1
        while cursor != 0:
            cursor, members = await self._ask("ZSCAN", self._revoked, max(cursor, 0), "COUNT", 1000)
            for member, _ in members:
                news = _read_news(member)
                if isinstance(news, Revocation):
                    found[news] = None
                else:
                    await self._ask("ZREM", self._revoked, member)
                    self.spoiled += 1
        return list(found)

    async def put_once(self, key: str, data: bytes, life: int) -> bool:
        return bool(await self._ask("SET", self._once(key), data, "NX", "EX", max(life, 1)))

    async def take_once(self, key: str) -> bytes | None:
        taken = await self._run(TAKE, self._once(key))
        if isinstance(taken, int):
            self.spoiled += 1
            return None
        return bytes(taken) if taken is not None else None

    async def now(self) -> float | None:
        seconds, micros = await self._run(TIME, self._revoked)
        return int(seconds) + int(micros) / 1e6

    # --- asking ---

    def _session(self, key: str) -> str:
        return f"{self.prefix}session:{{{key}}}"

    def _once(self, key: str) -> str:
        return f"{self.prefix}once:{{{key}}}"

    async def _ask(self, *command: bytes | str | int) -> Any:
        """Return Redis' answer. Raises StoreDown, whatever it is that went wrong."""
        try:
            return await self.link.ask(*command)
        except NoScriptError:
            raise
        except ResponseError as error:
            problem = _WrongType if str(error).startswith("WRONGTYPE") else StoreDown
            raise problem(f"Redis: {error}") from error
        except Exception as error:  # redis-py and hiredis have many kinds, the more so if what answers is no Redis
            raise StoreDown(f"Redis: {str(error) or type(error).__name__}") from error

    async def _run(self, script: _Script, key: str, *arguments: bytes | str | int) -> Any:
        try:
            return await self._ask("EVALSHA", script.sha, 1, key, *arguments)
        except NoScriptError:
            return await self._ask("EVAL", script.text, 1, key, *arguments)  # which also makes it known there

    async def _put_away(self, name: str) -> None:
        self.spoiled += 1
        await self._ask("DEL", name)

    # --- listening ---

    async def _listen(self) -> None:
        """Tell the news until cancelled; after every loss of the line tell of a gap, and of all revocations anew."""
        pause, most = PAUSES
        gap = False
        while True:
            try:
                line = await self.link.line()
                try:
                    await self._subscribe(line)
                    await self._catch_up(gap)
                    pause = PAUSES[0]
                    await self._tell_news(line)
                finally:
                    await line.disconnect(nowait=True)
            except Exception as error:  # as in _ask; it says itself when it is back
                self.silence = f"{type(error).__name__}: {error}"
            gap = True
            self._tried.set()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (workers come one by one)
            pause = min(pause * 2, most)

    async def _subscribe(self, line: Connection) -> None:
        async with asyncio.timeout(FIRST):
            await line.send_command("SUBSCRIBE", self._channel)
            await line.read_response()

    async def _catch_up(self, gap: bool) -> None:
        """Tell what may have been missed. The line hears already, so nothing comes between."""
        revocations = await self.revocations()
        if gap:
            self._hear(Gap())
        for revocation in revocations:
            self._hear(revocation)
        self._tried.set()

    async def _tell_news(self, line: Connection) -> None:
        """Tell what is said on the line. Returns when it is dead, or raises what redis-py raises."""
        silent = 0
        while silent < 2:
            said = await line.read_response(timeout=BEAT)
            if said is None:
                silent += 1
                await line.send_command("PING", check_health=False)
                continue
            silent = 0
            if isinstance(said, list) and len(said) == 3 and said[0] == b"message":
                news = _read_news(said[2])
                if news is not None:
                    self._hear(news)


class _WrongType(StoreDown):
    """Something else than a string is under a key."""


def _read(value: bytes) -> Stored | None:
    layout, _, rest = value.partition(b" ")
    rev, blank, data = rest.partition(b" ")
    if layout != b"1" or not blank or not rev.isdigit() or len(rev) > 16 or int(rev) < 1:
        return None
    return Stored(int(rev), data)


def _read_news(said: bytes) -> Changed | Revocation | None:
    """Return what a message says; None if it is nonsense."""
    try:
        kind, *rest = said.decode("ascii").split(" ")
        if kind == "changed":
            rev, key = rest
            return Changed(key, int(rev))
        at, until, key = rest
        return Revocation(KINDS[kind], key, int(at), int(until))
    except (ValueError, KeyError):
        return None
