"""What floods and changes share: the system and the visitors as processes, and a look at a proxy's memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.running import free_port

ROOT = Path(__file__).parents[2]
PROC = Path("/proc")


@asynccontextmanager
async def a_system() -> AsyncIterator[int]:
    """Run the system; give its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.conformance.system", str(port)], cwd=ROOT)
    try:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


async def visitors(port: int, seconds: float, rate: float) -> dict[str, Any]:
    """Let ordinary visitors ask at a rate for so long; return what became of them (visitors.Outcome.summary)."""
    command = [sys.executable, "-m", "tests.conformance.visitors", str(port), str(seconds), str(rate)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    found: dict[str, Any] = json.loads(said)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """What the processes of a proxy hold: megabytes of memory that are theirs alone or shared out, descriptors."""

    memory: float
    descriptors: int


def held(pid: int) -> Held:
    """Look at all processes of a proxy. Memory is counted as PSS, so that what workers share counts once."""
    memory = descriptors = 0
    for process in list(machine.tree(pid)):
        with contextlib.suppress(OSError):
            rollup = (PROC / str(process) / "smaps_rollup").read_text()
            memory += int(rollup.partition("\nPss:")[2].split()[0])
            descriptors += len(list((PROC / str(process) / "fd").iterdir()))
    return Held(memory / 1024, descriptors)
