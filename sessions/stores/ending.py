"""Ending a task that runs until it is cancelled."""

from __future__ import annotations

import asyncio


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: a library below it may swallow one cancellation (wait_for in Python 3.11 does).

    What the task raised at its end is of no interest any more.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
    if not task.cancelled():
        task.exception()
