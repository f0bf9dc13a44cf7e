"""The request target: read once into the one form that is both matched and sent.

A path that two servers could read differently is refused, because then no owner can be named for it: encoded slashes,
backslashes and dots, empty and dot segments, parameters, double encodings, control characters, text that is not UTF-8
or not in normal form. What is left has one spelling: unreserved characters plain, other octets as `%C3`.
RFC 3986, 6.2.2.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

from router.errors import AmbiguousPath, BadRequest

_PLAIN = re.compile(rb"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9\-._~!$&'()*+,=:@]++)*+/?")
"""A path that is canonical as it stands: nothing encoded, no empty segment, no dot segment."""

_UNCLEAR = (
    (re.compile(rb"//"), "an empty segment (//)"),
    (re.compile(rb"\\"), "a backslash"),
    (re.compile(rb";"), "a path parameter (;)"),
    (re.compile(rb"%(?![0-9A-Fa-f]{2})"), "a % that encodes nothing"),
    (re.compile(rb"%2[fF]"), "an encoded slash (%2f)"),
    (re.compile(rb"%5[cC]"), "an encoded backslash (%5c)"),
    (re.compile(rb"%3[bB]"), "an encoded semicolon (%3b)"),
    (re.compile(rb"%[01][0-9A-Fa-f]|%7[fF]"), "an encoded control character"),
    (re.compile(rb"%25[0-9A-Fa-f]{2}"), "a double encoding (%25..)"),
    (re.compile(rb"%3[fF]|%23"), "an encoded ? or #"),
)

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(rb"/\.{1,2}(?:/|$)")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_BYTE = re.compile(rb"(?:/|[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})*")


def canonical(path: bytes) -> bytes:
    """Return the canonical form of a path that begins with a slash. Raises AmbiguousPath."""
    if _PLAIN.fullmatch(path):
        return path
    for pattern, what in _UNCLEAR:
        if pattern.search(path):
            raise AmbiguousPath(f"the path has {what}")
    once = _ESCAPE.sub(_spell, path)
    if _DOT_SEGMENT.search(once):
        raise AmbiguousPath("the path has a dot segment (. or ..)")
    if not _PATH_BYTE.fullmatch(once):
        raise BadRequest("the path has a character that must be percent-encoded")
    text = _decoded(once)
    if unicodedata.normalize("NFC", text) != text:
        raise AmbiguousPath("the path is not in Unicode normal form C")
    return once


def _spell(escape: re.Match[bytes]) -> bytes:
    byte = int(escape[1], 16)
    return bytes((byte,)) if byte in _UNRESERVED else b"%" + escape[1].upper()


def _decoded(path: bytes) -> str:
    try:
        return unquote(path.decode("ascii"), errors="strict")
    except UnicodeDecodeError as error:
        raise AmbiguousPath("the path's encoded octets are not UTF-8") from error


_FOLDABLE = re.compile(r"[A-Z%+]|\.(?:/|$)|::")


@lru_cache(maxsize=8192)
def readings(path: str) -> tuple[str, ...]:
    """Return the other ways in which common servers read a canonical path: empty for an ordinary one.

    Letters in another case or width (file systems, collations), trailing dots and blanks of a segment (Windows), `+` as
    a blank, a second decoding. Each is a path again, in lower case. The caller refuses the request when one of them
    belongs to a system that the path itself does not: REQUIREMENTS, 24.
    """
    if not _FOLDABLE.search(path):
        return ()
    decoded = unquote(path)
    ways = {path.lower()}
    for text in (decoded, unquote(decoded), decoded.replace("+", " ")):
        folded = unicodedata.normalize("NFKC", text).casefold()
        folded = unicodedata.normalize("NFKD", folded)
        plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
        ways.add(plain)
        ways.add(_trimmed(plain))
        ways.add(_trimmed(plain.partition("?")[0].partition("#")[0].partition(";")[0]))
    ways.discard(path)
    return tuple(sorted(way for way in ways if way.startswith("/")))


def _trimmed(path: str) -> str:
    """Return the path without blanks, dots and data-stream suffixes at the ends of its segments."""
    segments = [segment.partition("::")[0].strip(" .\t\u00a0") for segment in path.replace("\\", "/").split("/")]
    return re.sub(r"/{2,}", "/", "/".join(segments))
