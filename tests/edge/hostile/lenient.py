"""The most lenient reader of a path that can be thought of, made without a look at the edge's own: the tests' judge."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

WORDS = ("checkout", "basket")


_STEPS = 4
"""How many of them a chain of servers, frameworks and databases may take after one another."""


def readings(path: str) -> set[str]:
    """Return every path that some server could take this for: the most aggressive reader's list, made independently.

    Each step is what some server, file system or database is known to do; they follow one another in any order.
    """
    found = new = {path}
    for _ in range(_STEPS):
        new = {reading for text in new for reading in _steps(text)} - found
        found = found | new
    return found


def _steps(text: str) -> Iterator[str]:
    if "%" in text:
        octets = unquote_to_bytes(text)
        yield from (octets.decode("utf-8", "replace"), octets.decode("utf-8", "ignore"))
    yield unicodedata.normalize("NFKC", text).casefold()
    yield "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if unicodedata.category(letter) not in ("Mn", "Me", "Cf", "Cc")
    )
    yield text.replace("\\", "/").replace("+", " ").translate({0x2044: "/", 0x2215: "/", 0xA5: "/"})
    yield text.partition("\x00")[0]
    yield _resolved(text)


def _resolved(text: str) -> str:
    segments: list[str] = []
    for segment in text.partition("?")[0].partition("#")[0].split("/"):
        name = segment.partition(";")[0].partition("::")[0].partition(":$")[0].strip()
        if name == "..":
            segments[-1:] = []
        elif name.rstrip(". "):
            segments.append(name.rstrip(". "))
    return "/" + "/".join(segments)


def reads_as_buying(path: str) -> bool:
    return any(reading.startswith(f"/{word}") and reading[len(word) + 1 :][:1] in ("", "/")
               for reading in readings(path) for word in WORDS)  # fmt: skip
