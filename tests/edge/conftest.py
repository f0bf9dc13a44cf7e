"""Every spec of the data plane runs on uvloop, as the edge does, and leaves no task behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.parent != Path(__file__).parent:
        return {"asyncio": asyncio.new_event_loop}  # the folders below choose for themselves
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """When a spec is over, nothing of it still runs."""
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(2):
        while asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.sleep(0.005)
