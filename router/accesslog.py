"""The access log: one JSON line a request, written off the loop, and never at the price of a request.

The loop appends a record to a bounded queue (0.2 us); a thread turns records into lines and writes them a batch at a
time. Whatever goes wrong with the target (disk full, pipe closed, pipe that nobody reads) costs lines, which are
counted in `dropped`, and nothing else. No query values, cookies or headers are ever logged: REQUIREMENTS, 28.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import stat
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Final

import msgspec

from router.errors import StartError

STDOUT: Final = "-"
"""The target that stands for standard output."""

_LIMIT: Final = 8192
"""Records that may wait: 0.8 s of 10,000 requests a second; at most 64 MB if every path is as long as the limit."""

_PAUSE: Final = 0.05
"""Seconds between batches: 20 wake-ups a second at most, none while there is nothing to write."""

_FILE_WRITE: Final = 256 * 1024
"""Bytes in one write to a file. O_APPEND keeps the lines of several workers whole."""

log = logging.getLogger("inseam.accesslog")


class Record(msgspec.Struct, gc=False):
    """What is said of one request; the fields are the JSON line's, in this order.

    `time` is when the request's head was read, in seconds since the epoch (RFC 3339 in UTC on the line). `path` is
    without query. `bytes_in` and `bytes_out` are bytes of the bodies, `seconds` last from the head to the answer's last
    byte, `system_seconds` are the system's part of them. `reason` is the error's, empty where all went well.
    """

    time: float | datetime
    request_id: str
    client: str
    method: str
    host: str
    path: str
    status: int
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    system_seconds: float = 0.0
    system: str = ""
    server: str = ""
    rule: str = ""
    page: str = ""
    generation: int = 0
    reason: str = ""


class AccessLog:
    """Writes records to a file, a named pipe or standard output (`-`). Raises StartError if that cannot be opened.

    `limit` is how many records may wait; `pause` the seconds between two batches.
    """

    def __init__(self, target: str, limit: int = _LIMIT, pause: float = _PAUSE) -> None:
        self.target = target
        self._limit = limit
        self._pause = pause
        self._queue: deque[Record] = deque()
        self._refused = 0
        self._lost = 0
        self._woken = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._reopening = False
        self._failing = False
        self._torn = False
        self._encode = msgspec.json.Encoder().encode
        try:
            self._fd = _open(target)
        except OSError as error:
            raise StartError(f"access log {target}: {_why(error)}; name a file that can be written, or -") from error
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many records were not written: the queue was full, or the target did not take them."""
        return self._refused + self._lost

    def write(self, record: Record) -> None:
        """Log a request. Called on the loop; never waits and never raises."""
        queue = self._queue
        if len(queue) >= self._limit:
            self._refused += 1
            return
        queue.append(record)
        if not self._woken:
            self._woken = True
            self._wake.set()

    def reopen(self) -> None:
        """Open the target anew, after it was moved away (log rotation); the old one stays if that fails."""
        self._reopening = True
        self._wake.set()

    def close(self, seconds: float = 1.0) -> None:
        """Write what waits, for at most `seconds`: a pipe that nobody reads must not hold up the exit."""
        self._closing.set()
        self._wake.set()
        self._thread.join(seconds)
        self._lost += len(self._queue)

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last:
            self._wake.wait()
            last = self._closing.wait(self._pause)  # let a batch gather
            self._wake.clear()
            self._woken = False  # before the queue is emptied: a record appended from here on wakes us again
            if self._reopening:
                self._reopening = False
                self._reopen()
            self._write_batch()
        if self._fd != 1:
            os.close(self._fd)

    def _write_batch(self) -> None:
        room = _room(self._fd)
        lines: list[bytes] = []
        size = 0
        for _ in range(len(self._queue)):  # what came while we write is for the next batch
            try:
                line = self._line(self._queue.popleft())
            except (UnicodeEncodeError, ValueError, OverflowError):
                self._lost += 1
                continue
            if size + len(line) > room and lines:
                self._write(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            self._write(lines)

    def _line(self, record: Record) -> bytes:
        if isinstance(record.time, float | int):
            record.time = datetime.fromtimestamp(round(record.time, 3), UTC)
        record.seconds = round(record.seconds, 6)
        record.system_seconds = round(record.system_seconds, 6)
        return self._encode(record) + b"\n"

    def _write(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        if self._torn:
            data = b"\n" + data  # end the line that the disk had no room for, so that only that one is unreadable
        written = 0
        try:
            while written < len(data):
                written += self._write_some(data[written:])
        except OSError as error:
            self._torn = written > 0 and not data[:written].endswith(b"\n")
            self._lost += len(lines) - data[:written].count(b"\n")
            if not self._failing:
                self._failing = True
                log.warning("access log %s: %s; lines are dropped and counted", self.target, _why(error))
            return
        self._torn = False
        if self._failing:
            self._failing = False
            log.warning("access log %s: is written again, %d lines were dropped", self.target, self.dropped)

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # somebody else made this pipe non-blocking: this thread may wait all the same
            select.select([], [self._fd], [])
            return 0

    def _reopen(self) -> None:
        if self.target == STDOUT:
            return
        try:
            fresh = _open(self.target)
        except OSError as error:
            log.warning("access log %s: %s; the file that was open stays in use", self.target, _why(error))
            return
        os.close(self._fd)
        self._fd = fresh
        self._torn = False


def check_target(target: str) -> None:
    """Raise StartError if the access log could not be opened; leaves an empty file where there was none."""
    if target == STDOUT:
        return
    try:
        os.close(_open(target))
    except OSError as error:
        raise StartError(f"access log {target}: {_why(error)}; name a file that can be written, or -") from error


def _open(target: str) -> int:
    if target == STDOUT:
        return 1
    try:
        named_pipe = stat.S_ISFIFO(os.stat(target).st_mode)
    except FileNotFoundError:
        named_pipe = False
    # Opened for reading too, a named pipe needs no reader now and never breaks when one goes away (Linux, fifo(7)).
    way = os.O_RDWR if named_pipe else os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.open(target, way | os.O_CLOEXEC, 0o640)


def _room(fd: int) -> int:
    """Return how many bytes to write at once: a pipe keeps the lines of several workers apart up to PIPE_BUF."""
    try:
        return select.PIPE_BUF if stat.S_ISFIFO(os.fstat(fd).st_mode) else _FILE_WRITE
    except OSError:
        return _FILE_WRITE


def _why(error: OSError) -> str:
    if error.errno == errno.EPIPE:
        return "nobody reads it any more"
    return error.strerror or str(error)
