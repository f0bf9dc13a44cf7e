"""Locations and rewritten paths, in which `{name}` stands for a name of the path.

What is put into the holes at request time is one segment, percent-encoded, so it is checked here, once, that no segment
could make another host, another path or another header line of the text around it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from router.errors import ClientError
from router.patterns import PatternError, canonical_segment

HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_URL_SAFE = "!$&'()*+,/:;=?@%-._~[]"
_NOT_IN_URLS = re.compile(r'[\x00-\x20\x7f"<>\\^`{|}]')


def holes(template: str) -> list[tuple[str, int]]:
    """Return the names in a template, each with its column (from 0)."""
    return [(hole[1], hole.start()) for hole in HOLE.finditer(template)]


def rewrite(text: str) -> str:
    """Return a path to ask a system for, in canonical spelling. Raises PatternError with the column and a way out."""
    if not text.startswith("/"):
        raise PatternError(f'rewrite "{text}" does not start with a slash', f'write "/{text}"')
    for mark, hint in (
        ("?", "the query goes on as it came"),
        ("#", "leave it out"),
        ("*", "* stands for nothing here; give the part of the path a {name}"),
    ):
        if mark in text:
            raise PatternError(f'rewrite "{text}" has a {mark}', hint, text.index(mark))
    return _path("rewrite", text)


def location(text: str) -> str:
    """Return where a redirect leads, in canonical spelling. Raises PatternError with the column and a way out."""
    if text.startswith(("//", "/\\")):
        raise PatternError(
            f'location "{text}" leads to another host without saying how', "write /path or https://host/path"
        )
    bad = _NOT_IN_URLS.search(HOLE.sub(lambda hole: "x" * len(hole[0]), text))
    if bad:
        what = {" ": "a blank", "{": "a {name} that is none"}.get(bad[0], f"the character {bad[0]!r}")
        raise PatternError(f'location "{text}" has {what}', "percent-encode it", bad.start())
    if text.startswith("/"):
        end = next((place for place, letter in enumerate(text) if letter in "?#"), len(text))
        return _path("location", text[:end]) + _quoted(text[end:])
    return _url(text)


def _url(text: str) -> str:
    scheme, colons, rest = text.partition("://")
    if not colons or scheme not in ("http", "https"):
        raise PatternError(
            f'location "{text}" is neither a path nor an http(s) URL', "write /path or https://host/path"
        )
    end = next((place for place, letter in enumerate(rest) if letter in "/?#"), len(rest))
    authority = rest[:end]
    if HOLE.search(authority):
        raise PatternError(
            f'location "{text}" takes its host from the path', "anybody could lead visitors away", len(scheme) + 3
        )
    try:
        host = urlsplit(text).hostname
        _ = urlsplit(text).port
        spelled = authority if authority.isascii() else authority.encode("idna").decode("ascii")
    except ValueError:
        host, spelled = None, ""
    if not host or "@" in authority:
        raise PatternError(f'location "{text}" has no proper host', "write https://shop.example/path", len(scheme) + 3)
    return f"{scheme}://{spelled}{_quoted(rest[end:])}"


def _path(what: str, text: str) -> str:
    """Return a path with holes as canonical paths are spelled."""
    segments, column = [], 1
    for raw in text[1:].split("/"):
        if not raw and column <= len(text) - 1:
            raise PatternError(f'{what} "{text}" has an empty segment', "write one slash", column)
        try:
            parts = [part if index % 2 else canonical_segment(part) for index, part in enumerate(HOLE.split(raw))]
        except ClientError as error:
            why = str(error).removeprefix("the path ")
            raise PatternError(f'{what} "{text}" {why}', "leave it out", column) from error
        for index, part in enumerate(parts):
            parts[index] = "{" + part + "}" if index % 2 else part
        if "%7B" in "".join(parts[::2]) or "%7D" in "".join(parts[::2]):
            raise PatternError(f'{what} "{text}" has a brace that makes no {{name}}', "write {name}", column)
        segments.append("".join(parts))
        column += len(raw) + 1
    return "/" + "/".join(segments)


def _quoted(text: str) -> str:
    """Return text of a URL with everything encoded that is not ASCII; holes stay."""
    return "".join(
        part if index % 2 else quote(part, safe=_URL_SAFE + "#")
        for index, part in enumerate(re.split(r"(\{[A-Za-z_][A-Za-z0-9_]*\})", text))
    )
