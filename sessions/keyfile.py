"""The keys file on disk: read only if nobody else can read it, written whole or not at all, by one at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sessions.errors import KeysError
from sessions.keys import MOST_FILE, KeyRing
from sessions.privatefile import read_private

_PRIVATE: Final = 0o600


def load(path: str | Path) -> KeyRing:
    """Return the keys of a file. Raises KeysError: what, where, and the way out."""
    return KeyRing.parse(read(path), str(path))


def read(path: str | Path) -> bytes:
    """Return what is in a keys file. Raises KeysError also if somebody but its owner may read or write it."""
    return read_private(path, MOST_FILE + 1, f"`inseam keys init --keys {path}` makes one")


def write(path: str | Path, ring: KeyRing) -> None:
    """Put the keys in place of what the file holds, in one step, readable for its owner alone. Raises KeysError.

    A file of root's that a group may read stays so. A link stays a link: what it points to is replaced.
    """
    target = Path(path).resolve()
    fresh = target.with_name(f".{target.name}.new")
    try:
        with suppress(FileNotFoundError):
            fresh.unlink()  # left behind by one that was killed
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        try:
            with open(descriptor, "wb") as file:
                _share_as_before(descriptor, target)
                file.write(ring.to_json())
                file.flush()
                os.fsync(descriptor)
            fresh.replace(target)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # the new name, too, survives a power cut
        finally:
            os.close(folder)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}; the old keys are as they were") from None


def _share_as_before(descriptor: int, target: Path) -> None:
    """Let the group read that could, where root keeps the file for it: see `sessions.privatefile`."""
    with suppress(FileNotFoundError):
        before = os.stat(target)
        if os.geteuid() == 0 == before.st_uid and stat.S_IMODE(before.st_mode) in (0o440, 0o640):
            os.fchown(descriptor, -1, before.st_gid)
            os.fchmod(descriptor, _PRIVATE | stat.S_IRGRP)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold the lock file beside a keys file while it is changed. Raises KeysError if another holds it.

    It does not wait: of two rotations at once, the second would take away what the first has just begun to use.
    """
    target = Path(path).resolve()
    lock = target.with_name(f".{target.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    except OSError as error:
        raise KeysError(
            f"{path}: nothing can be written beside it: {error.strerror}: give a folder of your own"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeysError(
                f"{path}: somebody else is changing it at this moment: look again, then try again"
            ) from None
        yield
    finally:
        os.close(descriptor)
