"""Changes under load: reloads, killed workers, drains. What is counted is requests that were begun and not answered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from tests.bench.table import markdown
from tests.conformance.helpers import a_system, visitors
from tests.conformance.proxies import Contender, Running, start_again, started

RATE = 2000
"""Requests a second, two thirds on connections that are kept and one third on new ones."""
RELOADS = 5
KILLS = 2
UNDER_WAY = 20
"""Requests that the system answers after two seconds, begun just before a stop."""


def _lost(found: dict[str, Any]) -> str:
    lost = sum(found["failed"].values())
    how = ", ".join(f"{count} {what}" for what, count in sorted(found["failed"].items()))
    return f"**{lost}** of {lost + found['served']:,}" + (f" ({how})" if how else "")


async def reloads(running: Running) -> str:
    """Change the rules once a second."""
    asking = asyncio.create_task(visitors(running.port, RELOADS + 2, RATE))
    for _ in range(RELOADS):
        await asyncio.sleep(1)
        running.reload()
    found = await asking
    live = f", {found['generations'] - 1} of {RELOADS} live" if found["generations"] - 1 < RELOADS else ""
    return f"{_lost(found)}{live}, p99 {found['p99']:.0f} ms"


async def kills(running: Running) -> str:
    """Kill a worker with -9, twice; start the whole again where it has died, as a service manager does."""
    asking = asyncio.create_task(visitors(running.port, 6, RATE))
    restarts = 0
    for _ in range(KILLS):
        await asyncio.sleep(1.5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.workers()[0], signal.SIGKILL)
        await asyncio.sleep(0.3)
        if running.process.poll() is not None:
            start_again(running)
            restarts += 1
    found = await asking
    refused = f", {found['refused']:,} connections refused" if found["refused"] else ""
    again = f"; had to be started again {restarts} times" if restarts else ""
    return f"{_lost(found)}{refused}, nobody served for {found['gap']:.0f} ms{again}"


async def drains(running: Running, stop: Callable[[], Any]) -> str:
    """Stop it with requests under way; what is refused behind that is for the machine that takes over."""
    asking = asyncio.create_task(visitors(running.port, 3.5, RATE))
    await asyncio.sleep(0.5)
    slow = [asyncio.create_task(_slow(running.port)) for _ in range(UNDER_WAY)]
    await asyncio.sleep(0.5)
    stopping = stop()
    if asyncio.iscoroutine(stopping):
        await stopping
    finished = sum(await asyncio.gather(*slow))
    found = await asking
    return f"{_lost(found)}; {finished} of {UNDER_WAY} under way finished"


async def _slow(port: int) -> bool:
    with contextlib.suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                return head.startswith(b"HTTP/1.1 200") and len(await reader.readexactly(4096)) == 4096
            finally:
                writer.close()
    return False


async def _gracefully(running: Running) -> None:
    """Stop as its makers say: by its signal, and Envoy by its admin interface first."""
    if running.contender.name == "envoy":
        reader, writer = await asyncio.open_connection("127.0.0.1", running.admin)
        writer.write(b"POST /drain_listeners?graceful HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
        await asyncio.sleep(3)
    running.process.send_signal(running.contender.stop)


async def one(contender: Contender, say: Callable[[str], None]) -> list[str]:
    """Change one proxy in every way; return its column."""
    column: list[str] = []

    async def does(what: Callable[[Running], Any]) -> None:
        async with a_system() as system, started(contender, system, system, 30) as running:
            await visitors(running.port, 1, 200)
            column.append(await what(running))
            say(f"{contender.title}: {column[-1]}")

    await does(reloads)
    await does(kills)
    await does(lambda running: drains(running, lambda: running.process.send_signal(signal.SIGTERM)))
    await does(lambda running: drains(running, lambda: _gracefully(running)))
    return column


async def run(contenders: Sequence[Contender], say: Callable[[str], None]) -> str:
    """Change all of them, one after the other; return a table."""
    columns = {contender.title: await one(contender, say) for contender in contenders}
    rows = [
        [f"{RELOADS} reloads", *(f"{c.reloads}: {columns[c.title][0]}" for c in contenders)],
        [f"{KILLS} times kill -9", *(f"{c.dies}: {columns[c.title][1]}" for c in contenders)],
        ["SIGTERM", *(columns[c.title][2] for c in contenders)],
        ["its own graceful stop", *(f"{c.stops}: {columns[c.title][3]}" for c in contenders)],
    ]
    return markdown(["lost requests", *columns], rows)
