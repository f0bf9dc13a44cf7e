"""Ordinary visitors, in a process of their own so that no flood slows them down here.

    python -m tests.conformance.visitors PORT SECONDS RATE

asks for pages at a steady rate, two thirds on connections that are kept and one third on new ones, and prints what
became of them as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic

import uvloop

PATIENCE = 5.0
KEPT, FRESH = 20, 10
"""How many clients of each kind take turns."""
_ASK = b"GET /page HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: visitor\r\nAccept: */*\r\n\r\n"
_ASK_ONCE = _ASK[:-2] + b"Connection: close\r\n\r\n"


@dataclass
class Outcome:
    """What became of the requests; times in milliseconds. A refused connection is no request that was lost."""

    took: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    served_at: list[float] = field(default_factory=list)
    generations: set[str] = field(default_factory=set)

    def summary(self) -> dict[str, object]:
        took = sorted(self.took) or [0.0]
        gaps = [later - earlier for earlier, later in pairwise(sorted(self.served_at))]
        return {
            "served": len(self.took),
            "failed": dict(self.failed),
            "refused": self.refused,
            "p50": took[len(took) // 2],
            "p99": took[int(len(took) * 0.99)],
            "max": took[-1],
            "gap": max(gaps, default=0.0) * 1000,
            "generations": len(self.generations),
        }


class _Client:
    def __init__(self, port: int, kept: bool, outcome: Outcome) -> None:
        self.port = port
        self.kept = kept
        self.outcome = outcome
        self.stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> None:
        begun = monotonic()
        if self.stream is not None and (self.stream[0].at_eof() or self.stream[1].is_closing()):
            self._leave()  # closed while nothing was asked: every client notices that and comes again
        try:
            if self.stream is None:
                self.stream = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), PATIENCE)
        except (OSError, TimeoutError):
            self.outcome.refused += 1
            return
        reader, writer = self.stream
        try:
            writer.write(_ASK if self.kept else _ASK_ONCE)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            lines = head.lower()
            length = int(lines.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            await asyncio.wait_for(reader.readexactly(length), PATIENCE)
            if not head.startswith(b"HTTP/1.1 200") or length != 4096:
                raise ValueError(head[9:12].decode())
        except (OSError, EOFError, RuntimeError):
            self._failed("cut")
        except TimeoutError:
            self._failed("no answer")
        except ValueError as error:
            self._failed(str(error))
        else:
            self.outcome.took.append((monotonic() - begun) * 1000)
            self.outcome.served_at.append(monotonic())
            self.outcome.generations.add(lines.partition(b"x-generation: ")[2].partition(b"\r\n")[0].decode())
            if not self.kept or b"connection: close" in lines:
                self._leave()

    def _failed(self, how: str) -> None:
        self.outcome.failed[f"{how}, {'kept' if self.kept else 'new'} connection"] += 1
        self._leave()

    def _leave(self) -> None:
        if self.stream is not None:
            self.stream[1].close()
            self.stream = None


async def visit(port: int, seconds: float, rate: float) -> Outcome:
    """Ask at a rate for so long."""
    outcome = Outcome()
    end = monotonic() + seconds
    clients = [_Client(port, True, outcome) for _ in range(KEPT)] + [
        _Client(port, False, outcome) for _ in range(FRESH)
    ]

    async def keep_asking(client: _Client, number: int) -> None:
        pause = len(clients) / rate
        due = monotonic() + pause * number / len(clients)
        while due < end:
            await asyncio.sleep(max(0.0, due - monotonic()))
            await client.ask()
            due = max(due + pause, monotonic() - 1.0)

    await asyncio.gather(*(keep_asking(client, number) for number, client in enumerate(clients)))
    return outcome


if __name__ == "__main__":
    _, said_port, said_seconds, said_rate = sys.argv
    print(json.dumps(uvloop.run(visit(int(said_port), float(said_seconds), float(said_rate))).summary()))
