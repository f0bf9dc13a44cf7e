"""Path patterns: what `/catalogue/{sku}/`, `/brands/**` and `/pages/*.html` hold for.

`**` stands for any depth: as the last segment it holds for the path before it too (`/brands/**` holds for `/brands`,
`/brands/` and all below), elsewhere for any number of whole segments. `{name}` stands for one segment and remembers it.
`*` stands for any run of characters within a segment; alone in a segment it is one segment, never an empty one.
Everything else is itself, byte for byte, in the spelling of `router.wire.target.canonical`.

`PathPattern.regex` is the specification. A pattern of whole segments is decided by a walk over them, which takes no
compiled expression; the others are left to RE2. Both take linear time, whatever the client sends.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import re2

from router.errors import AmbiguousPath, ClientError, InseamError
from router.wire.target import canonical

Kind = Literal["literal", "one", "glob", "deep"]

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LETTERS = r"[A-Za-z0-9._~!$&'()+,=:@-]"
_PLAIN_PATH = re.compile(rf"(?:/(?!\.{{1,2}}(?:/|$)){_LETTERS}+)*/?")
_PLAIN_SEGMENT = re.compile(rf"(?!\.{{1,2}}$){_LETTERS}*")
"""What stands for itself and is canonical as it is: nearly everything, and a hundred thousand rules load sooner so."""
_KEPT = "!$&'()*+,=:@%"
"""What a segment keeps as the operator wrote it, beside unreserved characters; all else gets percent-encoded."""


class PatternError(InseamError):
    """A path pattern cannot be used; `column` counts from 0 within the pattern."""

    def __init__(self, message: str, hint: str = "", column: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.column = column


class Segment(NamedTuple):
    """One segment of a pattern: a literal, one whole segment (`{name}` or `*`), a glob such as `a*b`, or `**`."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A path pattern that was checked. Calling it with a canonical path tells whether it holds.

    Made with `PathPattern.parse`; what comes after `text` follows from it.
    """

    text: str
    kinds: tuple[Kind, ...] = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)
    """Kind and text of the segments after the leading slash, apart: tuples of plain text cost the collector nothing."""
    names: tuple[str, ...] = field(repr=False)
    """The `{names}` in order."""
    places: tuple[int, ...] = field(repr=False)
    """The place of each name's segment; the first segment of all has place 1, as in `path.split("/")`."""
    exact: str | None = field(repr=False)
    """The only path this pattern holds for, or None where it holds for several."""
    simple: bool = field(repr=False)
    """Whether a walk over segments decides it: no glob, and `**` only at the end."""
    words: tuple[str, ...] = field(default=(), repr=False)
    """Of a pattern that is not simple: what any path that it holds for has, in this order."""
    _compiled: Any = field(default=None, init=False, repr=False, compare=False)  # google-re2 ships no types

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Return the pattern that `text` says. Raises PatternError with the column and a way out."""
        if not text.startswith("/"):
            raise PatternError(f"path {text!r} does not start with a slash", f'write "/{text}"')
        raws = text[1:].split("/")
        if _PLAIN_PATH.fullmatch(text):
            plain: tuple[Kind, ...] = ("literal",)
            return cls(text, plain * len(raws), tuple(raws), (), (), text, simple=True)
        if "?" in text or "#" in text:
            column = min(place for place in (text.find("?"), text.find("#")) if place >= 0)
            raise PatternError(f"path {text!r} has a query or fragment", "use `when: {query: ...}`", column)
        if "//" in text:
            raise PatternError(f"path {text!r} has an empty segment: no such path is ever passed on", "write one slash",
                               text.index("//"))  # fmt: skip
        kinds: list[Kind] = []
        texts: list[str] = []
        names: list[str] = []
        places: list[int] = []
        column = 1
        kind: Kind
        for place, raw in enumerate(raws, start=1):
            kind, segment = ("literal", raw) if _PLAIN_SEGMENT.fullmatch(raw) else _segment(text, raw, column)
            if kind == "one" and segment:
                if segment in names:
                    raise PatternError(f"path {text!r} has the name {raw} twice", "give each its own name", column)
                names.append(segment)
                places.append(place)
            kinds.append(kind)
            texts.append(segment)
            column += len(raw) + 1
        literal = "one" not in kinds and "glob" not in kinds and "deep" not in kinds
        simple = "glob" not in kinds and "deep" not in kinds[:-1]
        return cls(
            text, tuple(kinds), tuple(texts), tuple(names), tuple(places),
            exact="/" + "/".join(texts) if literal else None,
            simple=simple, words=() if simple else _words(kinds, texts),
        )  # fmt: skip

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments after the leading slash: `/a/` has the segments `a` and an empty literal."""
        return tuple(map(Segment, self.kinds, self.texts))

    @property
    def stars(self) -> int:
        """How many `*` stand for a part of a segment."""
        return sum(text.count("*") for kind, text in self.segments if kind == "glob")

    @property
    def regex(self) -> str:
        """The pattern as an RE2 expression over a whole canonical path, a group for each `{name}`."""
        out = []
        last = len(self.kinds) - 1
        for place, (kind, text) in enumerate(self.segments):
            if kind == "deep":
                out.append("(?s:/.*)?" if place == last else "(?:/[^/]*)*?")
            elif kind == "one":
                out.append("/([^/]+)" if text else "/[^/]+")
            elif kind == "glob":
                out.append("/" + "[^/]*".join(re2.escape(part) for part in text.split("*")))
            else:
                out.append("/" + re2.escape(text))
        return "".join(out)

    def __call__(self, path: str) -> bool:
        """Whether the pattern holds for the canonical path."""
        return self.capture(path) is not None

    def capture(self, path: str) -> dict[str, str] | None:
        """Return what each `{name}` stands for in the path, still percent-encoded, or None where it does not hold."""
        return self._walk(path) if self.simple else self._search(path)

    def _walk(self, path: str) -> dict[str, str] | None:
        if self.exact is not None:
            return {} if path == self.exact else None
        deep = self.kinds[-1] == "deep"
        known = len(self.kinds) - deep
        start, *parts = path.split("/")
        if start or len(parts) < known or (len(parts) > known and not deep):
            return None
        for kind, text, part in zip(self.kinds[:known], self.texts, parts, strict=False):
            if part != text if kind == "literal" else not part:
                return None
        return {name: parts[place - 1] for name, place in zip(self.names, self.places, strict=True)}

    def _search(self, path: str) -> dict[str, str] | None:
        place = 0
        for word in self.words:  # most paths lack one, which is found out in 0.1 us, where RE2 takes 1
            place = path.find(word, place) + len(word)
            if place < len(word):
                return None
        if self._compiled is None:
            object.__setattr__(self, "_compiled", re2.compile(self.regex))  # most never get here, so not before
        found = self._compiled.fullmatch(path)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))

    def __str__(self) -> str:
        return self.text


def _words(kinds: list[Kind], texts: list[str]) -> tuple[str, ...]:
    pieces = [text.split("*") for kind, text in zip(kinds, texts, strict=True) if kind in ("literal", "glob")]
    return tuple(piece for some in pieces for piece in some if piece)


def _segment(text: str, raw: str, column: int) -> tuple[Kind, str]:
    if raw == "**":
        return "deep", ""
    if "**" in raw:
        raise PatternError(f"path {text!r}: `**` must be a whole segment", "write `/**` or a single `*`", column)
    if raw == "*":
        return "one", ""
    named = _NAME.fullmatch(raw)
    if named:
        return "one", named[1]
    if "{" in raw or "}" in raw:
        raise PatternError(f"path {text!r}: {{name}} must be a whole segment", "write `/{name}/` or `*`", column)
    for bad in (";", "\\"):
        if bad in raw:
            raise PatternError(f"path {text!r} has {bad!r}: no such path is ever passed on", "leave it out", column)
    try:
        return "glob" if "*" in raw else "literal", canonical_segment(raw)
    except ClientError as error:
        why = str(error).removeprefix("the path ")
        raise PatternError(f"path {text!r} {why}: no such path is ever passed on", "leave it out", column) from error


def canonical_segment(raw: str) -> str:
    """Return a segment as canonical paths spell it: unreserved characters plain, `ü` and `%c3%bc` as `%C3%BC`.

    Raises AmbiguousPath where no such path is ever passed on (`..`, `%2f`, `%25..`, a `%` that encodes nothing, ...).
    """
    if ";" in raw:
        raise AmbiguousPath("the path has a path parameter (;)")  # quoting it would make it data, which was not said
    return canonical(b"/" + quote(unicodedata.normalize("NFC", raw), safe=_KEPT).encode("ascii"))[1:].decode("ascii")
