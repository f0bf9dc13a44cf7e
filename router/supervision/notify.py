"""Telling systemd how far we are (Type=notify), where it asked to be told: sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time


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
