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
from urllib.parse import quote, unquote

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
    (re.compile(rb"%[01][0-9A-Fa-f]|%7[fF]"), "an encoded control character"),
    (re.compile(rb"%25[0-9A-Fa-f]{2}"), "a double encoding (%25..)"),
)

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(rb"/\.{1,2}(?:/|$)")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DISGUISED = re.compile(r"[/\\]\.\.(?![^/\\;:?#+\s])")
"""Two dots to a server that folds signs or cuts off what stands behind them. Nobody's page is called so, and where such
a path leads depends on which of its signs a server reads."""
_PATH_BYTE = re.compile(rb"(?:/|[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})*")


def canonical(path: bytes) -> bytes:
    """Return the canonical form of a path that begins with a slash. Raises AmbiguousPath."""
    if _PLAIN.fullmatch(path):
        return path
    _check(path)
    once = _ESCAPE.sub(_spell, path)
    _check(once)  # again: %25%36%33 has become %2563
    if _DOT_SEGMENT.search(once):
        raise AmbiguousPath("the path has a dot segment (. or ..)")
    if not _PATH_BYTE.fullmatch(once):
        raise BadRequest("the path has a character that must be percent-encoded")
    text = _decoded(once)
    if unicodedata.normalize("NFC", text) != text:
        raise AmbiguousPath("the path is not in Unicode normal form C")
    if _DISGUISED.search(folded(text)):
        raise AmbiguousPath("the path has a dot segment (. or ..) in disguise")
    return once


def _check(path: bytes) -> None:
    for pattern, what in _UNCLEAR:
        if pattern.search(path):
            raise AmbiguousPath(f"the path has {what}")


def _spell(escape: re.Match[bytes]) -> bytes:
    byte = int(escape[1], 16)
    return bytes((byte,)) if byte in _UNRESERVED else b"%" + escape[1].upper()


def _decoded(path: bytes) -> str:
    try:
        return unquote(path.decode("ascii"), errors="strict")
    except UnicodeDecodeError as error:
        raise AmbiguousPath("the path's encoded octets are not UTF-8") from error


_FOLDABLE = re.compile(r"[A-Z%+]|\.(?:/|$)|:[:$]")

_KEPT = "/!$&'()*+,=:@"
"""What a canonical path spells plainly beside unreserved characters."""

_ROUNDS = 4
"""How often a reading is read again: more layers of encoding than any chain of servers takes off."""

_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_BLANKS += "\u2028\u2029\u202f\u205f\u3000"

_SUFFIX = re.compile(r"(?:;|:[:$])[^/]*+")
"""What servers cut off a segment that know parameters (`;v=1`) or data streams (`::$DATA`, `:$I30:...`)."""

_BLANK_ENDS = re.compile(f"(?<=/)[{_BLANKS}]++|(?<![{_BLANKS}])[{_BLANKS}]++(?=/|$)")
_DOTS_AND_BLANKS = "." + _BLANKS


_REMEMBERED = 200
"""Characters of a path that is worth remembering: long ones are no page's address, and anybody can make up millions."""


def readings(path: str) -> tuple[str, ...]:
    """Return the other ways in which common servers read a canonical path: empty for an ordinary one.

    Letters in another case, width or with other marks (file systems, collations), signs that are not seen, a second
    decoding, `+` as a blank, parameters, and what Windows drops at the ends of a segment. Each is a path again, in
    lower case. The caller refuses the request when one of them belongs to a system that the path itself does not:
    REQUIREMENTS, 24.
    """
    if not _FOLDABLE.search(path):
        return ()
    return _remembered(path) if len(path) <= _REMEMBERED else _read(path)


def _read(path: str) -> tuple[str, ...]:
    ways = {quote(unicodedata.normalize("NFC", unquote(path).casefold()), safe=_KEPT)}
    seen = new = {path.casefold(), folded(path)}
    for _ in range(_ROUNDS):
        new = {way for text in new for way in _steps(text)} - seen
        seen = seen | new
    ways |= seen
    ways.discard(path)
    return tuple(sorted(way for way in ways if way.startswith("/")))


_remembered = lru_cache(maxsize=2048)(_read)


def _steps(text: str) -> tuple[str, ...]:
    """Return what a server may make of the text in one step."""
    plain = unquote(text, errors="ignore")
    unfolded = plain.translate(_DOTS_AND_SLASHES)
    return (
        folded(plain),
        # One that walks `/x/..%20/basket/..%C2%AD` and sees the soft hyphen stays in the basket: no dot segment, to it.
        unfolded if ".." in unfolded else text,
        plain.partition("\0")[0] if "\0" in plain else text,
        _walked(text),
        _walked(text.replace("+", " ")),
        _walked(text.replace("..", ".")),
    )


_UNSEEN = frozenset(("Mn", "Me", "Cf", "Cc"))
"""Unicode categories of what a collation passes over: marks, format and control characters."""

_BEST_FIT = str.maketrans("\u2044\u2215\u29f8\u2216\u29f5\u29f9\u00a5\u20a9", "///" + "\\" * 5)
"""What Windows makes of signs that a code page lacks, as far as it makes slashes of them: fraction and division slash,
set minus, yen and won. (Full-width forms are in NFKC.)"""

_DOTS_AND_SLASHES: dict[int, int | str] = {
    **_BEST_FIT,
    0xFF0F: "/",
    0xFF3C: "\\",
    0xFF0E: ".",
    0x2024: ".",
    0x2025: "..",
}
"""The same for a server that leaves all other signs as they are."""


def folded(text: str) -> str:
    """Return the text as the most lenient collation compares it: no case, no width, no marks, nothing invisible."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    if folded.isascii() and folded.isprintable():
        return folded
    folded = folded.translate(_BEST_FIT)
    return "".join(letter for letter in folded if unicodedata.category(letter) not in _UNSEEN)


def _walked(path: str) -> str:
    """Return where a lenient file server gets to: suffixes, blanks and dots dropped, dot segments and `\\` resolved."""
    path = path.partition("?")[0].partition("#")[0].replace("\\", "/")
    kept: list[str] = []
    for name in _BLANK_ENDS.sub("", _SUFFIX.sub("", path)).split("/"):  # whole, as anybody may send thousands of them
        if name == "..":
            del kept[-1:]
            continue
        left = name.rstrip(_DOTS_AND_BLANKS)
        if left:
            kept.append(left)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
