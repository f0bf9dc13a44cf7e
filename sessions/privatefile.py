"""Files that nobody else may read: keys and tokens."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sessions.errors import KeysError


def read_private(path: str | Path, most: int, way_out: str) -> bytes:
    """Return at most `most` bytes of a file that nobody else can get at.

    Raises KeysError, with `way_out` where there is no such file.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for whoever writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeysError(f"{path}: there is no such file: {way_out}") from None
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}: the user that runs inseam must be able to read it") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeysError(f"{path}: this is no regular file: give the path of the file itself")
        if exposed(found):
            mode = stat.S_IMODE(found.st_mode)
            raise KeysError(f"{path}: others than its owner can get at it (mode {mode:04o}): chmod 600 {path}")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def exposed(found: os.stat_result) -> bool:
    """Whether somebody else can get at a file.

    A file of root's that our group (or root's) may read is ours too: nobody but root can have put it there for us. So
    come the Secrets of Kubernetes (`fsGroup`), the credentials of systemd (which an access list lets us read) and
    Debian's private keys; PostgreSQL has the same rule for its `ssl_key_file`.
    """
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == 0 and os.geteuid() != 0 and found.st_gid in {0, os.getegid(), *os.getgroups()}:
        return bool(mode & ~0o640)
    return bool(mode & 0o077)
