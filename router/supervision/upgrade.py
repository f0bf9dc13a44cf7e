"""Another program in the place of this one, without a request lost: SIGUSR2.

The old supervisor starts the same command line anew, which may by now be a newer version, and hands it the listening
sockets. While the new one compiles and starts its workers, the old one serves; when the new one says that it serves,
the old one drains. If it never says so, the old one goes on, and the log says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

_GIVEN: Final = "INSEAM_GIVEN"
"""The variable by which the new supervisor knows what it was given: file descriptors, three lists parted by `;`."""

_TO_SERVE: Final = 90.0
"""Seconds until the new one must serve: it imports and compiles everything anew, on a machine that is busy."""

_READY: Final = b"ready"

log = logging.getLogger("inseam.upgrade")


class Given:
    """What a supervisor was given by the one whose place it takes; nothing, where there was none."""

    def __init__(self) -> None:
        shop, admin, pipes = (os.environ.pop(_GIVEN, "") or ";;").split(";")
        self.shop = _sockets(shop)
        self.admin = _sockets(admin)
        numbers = [int(number) for number in pipes.split(",") if number]
        self._tell = numbers[0] if numbers else -1
        self.keys = _drained(numbers[1]) if len(numbers) > 1 else b""
        """Keys that are in no file: sessions would end with them."""

    def serves(self) -> None:
        """Tell the old one that it can go; if it has gone by itself, so be it."""
        if self._tell >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._tell, _READY)
            os.close(self._tell)
            self._tell = -1


async def succeeded(shop: Sequence[socket.socket], admin: Sequence[socket.socket], keys: bytes) -> int:
    """Start a successor with these sockets and wait until it serves; return its pid, 0 if it does not come to it.

    `keys` are those that it could read nowhere, empty for none.
    """
    said, say = os.pipe()
    pipes = [say]
    if keys:
        read, write = os.pipe()
        os.write(write, keys)  # less than what a pipe holds: nobody reads yet
        os.close(write)
        pipes.append(read)
    lists = ([sock.fileno() for sock in shop], [sock.fileno() for sock in admin], pipes)
    try:
        # Not by asyncio, which would kill its child when this process ends.
        process = subprocess.Popen(  # noqa: S603, ASYNC220  our own command line; a fork takes milliseconds
            sys.orig_argv,
            pass_fds=[number for numbers in lists for number in numbers],
            env=_environment(";".join(",".join(map(str, numbers)) for numbers in lists)),
        )
    except OSError as error:
        log.error("the upgrade is off: %s cannot be started: %s", sys.orig_argv[0], error)
        os.close(said)
        return 0
    finally:
        for number in pipes:
            os.close(number)
    try:
        async with asyncio.timeout(_TO_SERVE):
            heard = await _read(said)
    except TimeoutError:
        heard = b""
    except asyncio.CancelledError:  # we are told to end, and nobody who told us knows of the other one
        process.terminate()
        raise
    if heard == _READY:
        return process.pid
    if process.poll() is None:
        process.terminate()
        await asyncio.to_thread(process.wait)
    log.error("the upgrade is off: the new program does not serve; what it said stands above, and this one goes on")
    return 0


def _environment(given: str) -> dict[str, str]:
    """Return the environment of a successor. Its pid is another than that which systemd was told to hear from."""
    return {**{name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}, _GIVEN: given}


async def _read(number: int) -> bytes:
    """Return what is written into a pipe until it is closed, which happens when the writer ends, too."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with os.fdopen(number, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            return await reader.read(len(_READY))
        finally:
            transport.close()


def _sockets(numbers: str) -> list[socket.socket]:
    sockets = [socket.socket(fileno=int(number)) for number in numbers.split(",") if number]
    for sock in sockets:
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
    return sockets


def _drained(number: int) -> bytes:
    with os.fdopen(number, "rb") as pipe:
        return pipe.read()
