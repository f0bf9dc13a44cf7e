"""A system and its shoppers without a network: so many at a time, the rest waits; seconds of it take milliseconds."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from router.concurrency import Concurrency
from router.ranks import BROWSING, BUYING

Seconds = Callable[[random.Random, float], float]
"""How long the system works at one request that begins at a time."""


def about(seconds: float, spread: float = 0.3) -> Seconds:
    """Pages that take about so long."""
    return lambda chance, now: seconds * chance.lognormvariate(0, spread)


@dataclass
class Told:
    """What became of the requests, by rank, from the time on that counts."""

    asked: Counter[int] = field(default_factory=Counter)
    served: Counter[int] = field(default_factory=Counter)
    shed: Counter[int] = field(default_factory=Counter)
    seconds: dict[int, list[float]] = field(default_factory=dict)
    limits: list[tuple[float, int]] = field(default_factory=list)

    def share(self, rank: int) -> float:
        return self.served[rank] / max(1, self.served[rank] + self.shed[rank])

    def slowest(self, rank: int, share: float = 0.99) -> float:
        found = sorted(self.seconds.get(rank, [0.0]))
        return found[int(share * (len(found) - 1))]

    @property
    def answers(self) -> int:
        return sum(self.served.values())


def play(
    bears: Concurrency,
    seconds: Seconds,
    threads: int,
    per_second: Callable[[float], float],
    until: float,
    *,
    counted_from: float = 0.0,
    buying: float = 0.2,
    patience: float = 0.5,
    longest: float = 5.0,
    queue: int = 512,
    seed: int = 1,
) -> Told:
    """Let shoppers come, and the edge let them in as `bears` says; return what became of them.

    This is the edge in short: a line by rank, in which nobody waits longer than `longest`, and those who only browse
    not longer than `patience` once it is known that the system is overloaded.
    """
    chance = random.Random(seed)
    told = Told()
    events: list[tuple[float, int, str, tuple[float, float, int]]] = []
    count = 0

    def later(at: float, what: str, about: tuple[float, float, int] = (0.0, 0.0, 0)) -> None:
        nonlocal count
        count += 1
        heapq.heappush(events, (at, count, what, about))

    line: dict[int, deque[float]] = {BUYING: deque(), BROWSING: deque()}
    working, inside = 0, deque()
    later(0.0, "comes")
    later(0.1, "tick")

    def begin(now: float, came: float, rank: int) -> None:
        nonlocal working
        bears.begin(now)
        if working < threads:
            working += 1
            later(now + seconds(chance, now), "done", (came, now, rank))
        else:
            inside.append((came, now, rank))

    def shed(came: float, rank: int) -> None:
        if came >= counted_from:
            told.shed[rank] += 1

    while events:
        now, _, what, (came, since, rank) = heapq.heappop(events)
        if now > until:
            break
        if what == "comes":
            later(now + chance.expovariate(per_second(now)), "comes")
            rank = BUYING if chance.random() < buying else BROWSING
            if now >= counted_from:
                told.asked[rank] += 1
            if bears.room:
                begin(now, now, rank)
            else:
                bears.felt = True
                if sum(map(len, line.values())) < queue:
                    line[rank].append(now)
                elif rank == BUYING and line[BROWSING]:
                    shed(line[BROWSING].pop(), BROWSING)
                    line[rank].append(now)
                else:
                    shed(now, rank)
        elif what == "done":
            bears.end(now, since, 200)
            if came >= counted_from:
                told.served[rank] += 1
                told.seconds.setdefault(rank, []).append(now - came)
            if inside:
                next_came, next_since, next_rank = inside.popleft()
                later(now + seconds(chance, now), "done", (next_came, next_since, next_rank))
            else:
                working -= 1
        else:
            later(now + 0.1, "tick")
            bears.tick(now)
            told.limits.append((now, bears.limit))
            for waits, since_when in line.items():
                most = patience if waits == BROWSING and bears.overloaded else longest
                while since_when and now - since_when[0] > most:
                    shed(since_when.popleft(), waits)
        while bears.room and (line[BUYING] or line[BROWSING]):
            first = BUYING if line[BUYING] else BROWSING
            begin(now, line[first].popleft(), first)
    return told
