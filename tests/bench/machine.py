"""The machine as the benchmarks see it: cores to pin to, what processes cost (from /proc), what to write down of it."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROXY_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def require_two_cores() -> None:
    """Raise SystemExit where the proxy and its load would share a core: such figures say nothing."""
    if not {PROXY_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise SystemExit(f"the benchmarks need cores {PROXY_CORE} and {LOAD_CORE}; this process may not use both")


def pinned(core: int, argv: list[str]) -> list[str]:
    """Return the command that runs `argv`, and all that it starts, on one core."""
    return ["taskset", "--cpu-list", str(core), *argv]


def allow_open_files() -> int:
    """Raise the soft limit of open files to the hard one; children inherit it. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# --- processes --------------------------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started and that still run."""
    found: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def tree(pid: int) -> Iterator[int]:
    """Yield `pid` and all that descends from it: a supervisor counts as much as its workers."""
    yield pid
    for child in children(pid):
        yield from tree(child)


def _own_ticks(pid: int) -> int:
    # The command's name, in parentheses, may hold blanks; utime and stime are fields 14 and 15 of proc(5).
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def cpu_seconds(pid: int) -> float:
    """Return the processor time, user and system, that the tree of `pid` has used so far; steps of 1/TICKS s."""
    return sum(map(_own_ticks, tree(pid))) / TICKS


def busiest(pid: int) -> int:
    """Return the process of the tree that has used most processor time: the worker, not its supervisor."""
    return max(tree(pid), key=_own_ticks)


def _memory(pid: int, field: str) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def resident(pid: int) -> int:
    """Return the bytes of memory that the tree of `pid` holds now; shared pages count once per process."""
    return sum(_memory(process, "VmRSS:") for process in tree(pid))


def peak(pid: int) -> int:
    """Return the most bytes that the processes of the tree ever held, or held since `forget_peak`."""
    return sum(_memory(process, "VmHWM:") for process in tree(pid))


def forget_peak(pid: int) -> None:
    """Start the peak anew from what is held now (proc(5), clear_refs)."""
    for process in tree(pid):
        (PROC / str(process) / "clear_refs").write_text("5")


# --- what to write down -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader must know of the machine to compare figures."""

    processor: str
    cores: int
    kernel: str
    system: str
    python: str

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores; Linux {self.kernel}; {self.system}; Python {self.python}"


def this_machine() -> Machine:
    """Describe the machine that we run on, without its name."""
    models = [
        line.partition(":")[2].strip()
        for line in (PROC / "cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = "unknown distribution"
    return Machine(
        models[0] if models else platform.machine(),
        os.cpu_count() or 1,
        platform.release(),
        system,
        platform.python_version(),
    )
