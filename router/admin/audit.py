"""Who changed what by the admin address: a line in the operator's log, and in a file of its own where one is named."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from typing import Final

import msgspec

from router.errors import StartError

_REFUSED_A_MINUTE: Final = 30
"""Lines about refused requests: a flood of them must not fill the disk, nor hide the changes between them."""

log = logging.getLogger("inseam.audit")


class Entry(msgspec.Struct):
    """One line. `who` is the address that asked, `what` was asked, `outcome` is what came of it."""

    time: datetime
    who: str
    what: str
    outcome: str


class Audit:
    """Writes lines to `inseam.audit` and, as JSON, to a file; raises StartError if that cannot be opened."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._minute = 0
        self._refused = 0
        self._fd = -1
        if path:
            try:
                self._fd = _open(path)
            except OSError as error:
                raise StartError(f"audit log {path}: {error.strerror}; name a file that can be written") from error

    async def changed(self, who: str, what: str, outcome: str) -> None:
        """Write down a change, or one that came to nothing. A file that cannot be written is told in the log."""
        log.warning("audit: %s asked for %s: %s", who, what, outcome)
        if self._fd >= 0:
            entry = Entry(datetime.now(UTC), who, what, outcome)
            await asyncio.to_thread(self._append, msgspec.json.encode(entry) + b"\n")

    async def refused(self, who: str, what: str, outcome: str) -> None:
        """Write down a request that was not let in: only so many a minute, the rest as a number."""
        minute = int(time.monotonic() / 60)
        if minute != self._minute:
            more = self._refused - _REFUSED_A_MINUTE
            self._minute, self._refused = minute, 0
            if more > 0:
                await self.changed("several", f"{more} more requests", "refused")
        self._refused += 1
        if self._refused <= _REFUSED_A_MINUTE:
            await self.changed(who, what, outcome)

    def reopen(self) -> None:
        """Open the file anew, after it was moved away; the old one stays if that fails."""
        if self._fd < 0:
            return
        try:
            fresh = _open(self._path)
        except OSError as error:
            log.error("audit log %s: %s; the file that was open stays in use", self._path, error.strerror)
            return
        os.close(self._fd)
        self._fd = fresh

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, line: bytes) -> None:
        try:
            os.write(self._fd, line)
        except OSError as error:
            log.error("audit log %s: %s; its last line stands only here, above", self._path, error.strerror)


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
