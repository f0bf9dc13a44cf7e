"""The bytes that one generation is made of: the rules file and the files that it names.

The supervisor reads them once and hands them to its workers, so that all of them compile the same text, however often
the files change meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from router.errors import Position, Problem, RulesProblems
from router.rulesfile.collector import collector_paused
from router.rulesfile.document import Document

LARGEST = 64 * 1024 * 1024
"""Bytes of one file. 100,000 rules are 10 MB; what is much larger was named by mistake."""


class Sources(msgspec.Struct, frozen=True):
    """What was read. `file` is the rules file's path as it was given and `main` its bytes.

    `files` has the other files' bytes by their path, `missing` by path why one could not be read.
    """

    file: str
    main: bytes
    files: dict[str, bytes] = {}
    missing: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hex: the same bytes give the same digest."""
        total = hashlib.sha256()
        folder = os.path.dirname(self.file)
        others = sorted((os.path.relpath(path, folder or "."), content) for path, content in self.files.items())
        for name, content in (("", self.main), *others):
            for part in (os.fsencode(name), content):
                total.update(len(part).to_bytes(8, "big") + part)
        return total.hexdigest()

    @property
    def watched(self) -> tuple[str, ...]:
        """The paths of all files, those included that could not be read."""
        return (self.file, *sorted({*self.files, *self.missing}))

    def path_of(self, name: str) -> str:
        """Return the path of a file that the rules file calls `name`: relative to the rules file."""
        return str(Path(self.file).parent / name)


def read_sources(path: str | Path) -> Sources:
    """Return the bytes of a rules file and of every file that it names.

    Raises RulesProblems when the rules file itself cannot be read; a file that it names and that cannot be read becomes
    a problem with its place when the sources are compiled.
    """
    with collector_paused():
        return read_with_document(path)[0]


def read_with_document(path: str | Path) -> tuple[Sources, Document]:
    """The same, with the document that had to be read to know the other files."""
    file = str(path)
    try:
        main = _read(file)
    except OSError as error:
        raise RulesProblems(
            [Problem(Position(file), f"cannot be read: {_reason(error)}", "is this the path?")]
        ) from error
    document = Document.read(file, main)
    files: dict[str, bytes] = {}
    missing: dict[str, str] = {}
    sources = Sources(file, main, files, missing)
    for path_of_other in {sources.path_of(name) for name in _named(document.data)}:
        try:
            files[path_of_other] = _read(path_of_other)
        except (OSError, ValueError) as error:
            missing[path_of_other] = _reason(error)
    return sources, document


def _named(data: dict[str, Any]) -> Iterator[str]:
    """Return the names of the files in values that nobody has checked yet."""
    lists, systems, rules = (data.get(key) for key in ("lists", "systems", "rules"))
    for value in lists.values() if isinstance(lists, dict) else ():
        yield from _text_at(value, "file")
    for value in systems.values() if isinstance(systems, dict) else ():
        yield from _text_at(value, "tls", "ca")
    for value in rules if isinstance(rules, list) else ():
        if type(value) is dict and "respond" in value:
            yield from _text_at(value, "respond", "file")


def _text_at(value: Any, *keys: str) -> Iterator[str]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str) and value:
        yield value


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not hold up a reload for ever
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"it is larger than {LARGEST >> 20} MB")
    return content


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a directory"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
