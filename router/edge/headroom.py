"""How much memory is left: to the container or service that this process runs in, or to the machine if that is less."""

from __future__ import annotations

from pathlib import Path

PLENTY = float("inf")


class Headroom:
    """Reads what the kernel tells of memory. `root` is where its file systems are mounted."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._meminfo = root / "proc" / "meminfo"
        self._groups = list(_groups(root))

    def free(self, short: int) -> float:
        """Return how much is free, as a multiple of what counts as short: `short` bytes, or a tenth of all if less."""
        return min((left / min(short, total / 10) for left, total in self._rooms()), default=PLENTY)

    def _rooms(self) -> list[tuple[int, int]]:
        """Return bytes that are left, and how many there are, for each limit."""
        rooms = []
        told = {name: int(value.split()[0]) * 1024 for name, _, value in _pairs(self._meminfo, ":") if value}
        if "MemAvailable" in told and told.get("MemTotal"):
            rooms.append((told["MemAvailable"], told["MemTotal"]))
        for group in self._groups:
            most, used = _number(group / "memory.max"), _number(group / "memory.current")
            if most and used is not None:
                # Pages of files that nobody used lately go as soon as somebody needs the room.
                cached = {name: int(value) for name, _, value in _pairs(group / "memory.stat", " ")}
                rooms.append((most - used + cached.get("inactive_file", 0), most))
        return rooms


def _groups(root: Path) -> list[Path]:
    """Return the control groups (version 2) of this process, up to the outermost that can be seen."""
    mounted = root / "sys" / "fs" / "cgroup"
    own = next((rest for number, _, rest in _pairs(root / "proc" / "self" / "cgroup", "::") if number == "0"), "/")
    group = mounted / own.lstrip("/")
    found = [group, *(parent for parent in group.parents if mounted in (parent, *parent.parents))]
    return [each for each in found if (each / "memory.max").exists()]


def _number(file: Path) -> int | None:
    """Return the number in a file; None where there is none, or the word `max`."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _pairs(file: Path, between: str) -> list[tuple[str, str, str]]:
    return [line.partition(between) for line in _text(file).splitlines()]


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
