"""What is done to the shop meanwhile: workers killed, rules and keys changed, Redis and systems restarted."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.soak.house import House

AFTERWARDS = 6.0
"""Seconds after something was done in which its consequences are no surprise."""


@dataclass(frozen=True, slots=True)
class Every:
    """Means of the seconds between two of a kind; 0 for never."""

    kill: float = 4.0
    reload: float = 9.0
    keys: float = 20.0
    redis: float = 23.0
    system: float = 19.0


@dataclass(slots=True)
class Fire:
    """The fire in one house. `log` says what was done when, `done` how often."""

    house: House
    every: Every
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    killed_at: float = float("-inf")
    away_until: float = float("-inf")

    def explains(self, status: int) -> bool:
        """Whether an answer of this status at this moment (0: none came) is a consequence of what was just done."""
        now = time.monotonic()
        if status == 0:
            return now - self.killed_at < AFTERWARDS
        return status in (502, 503, 504) and now < self.away_until

    async def burn(self, until: float) -> None:
        """Go on until the monotonic clock says `until`."""
        works: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (self.every.kill, self.kill), (self.every.reload, self.reload), (self.every.keys, self.keys),
            (self.every.redis if "redis" in self.house.programs else 0, self.redis), (self.every.system, self.system),
        ]  # fmt: skip
        await asyncio.gather(*(self._again(pause, work, until) for pause, work in works if pause))

    async def _again(self, pause: float, work: Callable[[], Awaitable[None]], until: float) -> None:
        while True:
            await asyncio.sleep(pause * self.dice.uniform(0.6, 1.4))
            if time.monotonic() > until - 3:
                return
            await work()

    def note(self, what: str) -> None:
        self.done[what] += 1
        self.log.append(f"{time.time() % 86400:.2f} {what}")

    async def kill(self) -> None:
        """Kill a worker as the kernel does when memory is short."""
        if self.house.kill_worker(self.dice.choice):
            self.killed_at = time.monotonic()
            self.note("workers killed")

    async def reload(self) -> None:
        """Give the edge another rules file; it notices by itself."""
        self.house.write_rules()
        self.note("rules reloaded")

    async def keys(self) -> None:
        """Rotate the keys; in a shop the next ones would have been there for longer."""
        await asyncio.to_thread(self.house.inseam, "keys", "rotate", "--force")
        self.note("keys rotated")

    async def redis(self) -> None:
        """Kill Redis, and start it again with nothing in it."""
        redis = self.house.programs["redis"]
        redis.kill()
        self.note("Redis restarted empty")
        await asyncio.sleep(self.dice.uniform(0.0, 1.5))
        await asyncio.to_thread(redis.start)

    async def system(self) -> None:
        """Kill one of the systems, and start it again."""
        system = self.house.programs[self.dice.choice(("cms", "commerce"))]
        self.away_until = float("inf")
        system.kill()
        self.note(f"{system.name} restarted")
        await asyncio.to_thread(system.start)
        self.away_until = time.monotonic() + AFTERWARDS
