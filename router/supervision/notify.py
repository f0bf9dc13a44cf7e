"""Telling systemd how far we are (Type=notify), where it asked to be told: sd_notify(3)."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Final

_BEATS: Final = 3
"""Signs of life in the time after which systemd gives us up: one may come late, and one may be lost."""


def notify(*states: str) -> None:
    """Send states such as `READY=1`; without systemd, or if it does not listen, nothing happens."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where[:1] not in ("/", "@"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect("\0" + where[1:] if where.startswith("@") else where)
            sock.send("\n".join(states).encode())
    except OSError:
        return


def reloading() -> None:
    """Tell that a reload has begun; `READY=1` ends it. The time is what Type=notify-reload asks for."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping(seconds: float) -> None:
    """Tell that the end has begun and may take so long, whatever TimeoutStopSec= says."""
    notify("STOPPING=1", f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")


def watchdog_seconds() -> float:
    """Return after how many seconds without a sign of life systemd ends us; 0 for never. sd_watchdog_enabled(3)."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    said = os.environ.get("WATCHDOG_USEC", "")
    return int(said) / 1e6 if said.isascii() and said.isdecimal() else 0.0


async def keep_watchdog(well: Callable[[float], Awaitable[bool]], seconds: float) -> None:
    """Give a sign of life every third of `seconds`, if `well`, which has that long to find out; until cancelled."""
    pause = seconds / _BEATS
    while pause > 0:
        begun = time.monotonic()
        if await well(pause):
            notify("WATCHDOG=1")
        await asyncio.sleep(max(0.0, begun + pause - time.monotonic()))
