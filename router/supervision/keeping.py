"""What sessions need from outside the workers: keys, read and watched by the supervisor, and the address of a store."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from router.errors import StartError
from sessions.errors import KeysError
from sessions.keyfile import read
from sessions.keys import KeyRing
from sessions.stores.opening import StoreUrlError, open_store

_LOOK_AGAIN: Final = 2.0
"""Seconds between two looks at the keys file: a new key must be accepted within five. REQUIREMENTS, 3."""

_NO_KEYS: Final = "no --keys: sessions end with this process; `inseam keys init` makes a file that keeps them"

log = logging.getLogger("inseam.keys")


class Keys:
    """The keys of this edge as bytes for the workers. `path` empty: made now, and gone when the edge ends.

    `given` are those of the edge whose place this one takes.

    Raises StartError for a file that is of no use.
    """

    def __init__(self, path: str, systems: Iterable[str], given: bytes = b"") -> None:
        self._path = path
        self.warning = "" if path else _NO_KEYS
        """What the operator should know, once the edge serves."""
        self._seen = self._signature()
        if path:
            try:
                self.content = read(path)
                KeyRing.parse(self.content, path)
            except KeysError as error:
                raise StartError(str(error)) from error
            return
        self.content = given or KeyRing.fresh(systems).to_json()

    async def watch(self, changed: Callable[[bytes], None]) -> None:
        """Call `changed` with the new content whenever the file has changed to something good, until cancelled."""
        while self._path:
            await asyncio.sleep(_LOOK_AGAIN)
            signature = self._signature()
            if signature == self._seen:
                continue
            self._seen = signature
            try:
                content = await asyncio.to_thread(read, self._path)
                KeyRing.parse(content, self._path)
            except KeysError as error:
                log.error("%s; the old keys stay in use", error)
                continue
            if content != self.content:
                self.content = content
                log.info("the keys of %s are in use", self._path)
                changed(content)

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def check_store(url: str) -> None:
    """Raise StartError if the address of a store is none."""
    try:
        open_store(url)
    except StoreUrlError as error:
        raise StartError(f"--store: {error}") from error


@contextmanager
def store_for(url: str, workers: int) -> Iterator[str]:
    """Yield the address of the store that workers share.

    Memory cannot be shared: several workers get a file of their own that goes when the edge goes.
    """
    if url != "memory:" or workers == 1:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="inseam-", ignore_cleanup_errors=True) as folder:
        yield f"sqlite:{folder}/sessions.db"


@contextmanager
def beside(url: str, workers: int) -> Iterator[str]:
    """Yield the path of a file by which several workers agree while Redis does not answer; empty for no need of one."""
    if workers == 1 or url.startswith(("memory:", "sqlite:")):
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="inseam-", ignore_cleanup_errors=True) as folder:
        yield f"{folder}/beside.db"
