"""The operator's log: lines on standard error, which must never hold up a loop.

A pipe that nobody reads would block whoever writes to it, so a thread writes; when it falls behind, lines are lost.

A line may have in it what a client, a system or a file said. Whatever that is, it stays within its line and cannot tell
the terminal that shows it anything: what does not print is written as an escape. REQUIREMENTS, 28.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

_WAITING: Final = 1000
"""Lines that may wait for the thread."""

_TO_FINISH: Final = 1.0
"""Seconds that lines still waiting get at the end."""


class PatientStream(io.TextIOBase):
    """A text stream whose `write` never waits: a thread passes the text on to file descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if self._queue.qsize() < _WAITING:
            self._queue.put(text)
        return len(text)

    def finish(self, seconds: float) -> None:
        """Write what waits, for at most `seconds`."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (text := self._queue.get()) is not None:
            data = text.encode("utf-8", "backslashreplace")
            with contextlib.suppress(OSError):  # nobody is left who could be told
                while data:
                    data = data[os.write(self._fd, data) :]


class OneLine(logging.Formatter):
    """A record is one line; a traceback follows indented, so that no line of it looks like one of the log's."""

    def __init__(self) -> None:
        super().__init__("inseam: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that logging calls
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {escaped(line)}" for line in super().formatException(ei).split("\n"))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return "\n".join(f"    {escaped(line)}" for line in stack_info.split("\n"))


def escaped(text: str) -> str:
    """Return the text with every character that does not print (controls, line ends, changes of direction) escaped."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "backslashreplace").decode("ascii")
        for letter in text
    )


@contextlib.contextmanager
def patient_stderr() -> Iterator[None]:
    """While it lasts, the log and all that is printed to `sys.stderr` go to standard error without ever waiting."""
    stream, before = PatientStream(2), sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    logger = logging.getLogger()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logging.raiseExceptions = False
    sys.stderr = stream
    try:
        yield
    finally:
        sys.stderr = before
        logger.removeHandler(handler)
        stream.finish(_TO_FINISH)
