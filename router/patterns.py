"""Path patterns: what `/catalogue/{sku}/`, `/brands/**` and `/pages/*.html` hold for.

`**` stands for any depth: as the last segment it holds for the path before it too (`/brands/**` holds for `/brands`,
`/brands/` and all below), elsewhere for any number of whole segments. `{name}` stands for one segment and remembers it.
`*` stands for any run of characters within a segment; alone in a segment it is one segment, never an empty one.
Everything else is itself, byte for byte, in canonical percent-encoding. Every pattern takes linear time (RE2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, unquote_to_bytes

import re2

from router.errors import InseamError

Kind = Literal["literal", "one", "glob", "deep"]

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SAFE = "/!$&'()*+,=:@-._~"  # what a canonical path keeps unencoded: RFC 3986, 3.3 without `;`, plus unreserved


class PatternError(InseamError):
    """A path pattern cannot be used; `column` counts from 0 within the pattern."""

    def __init__(self, message: str, hint: str = "", column: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.column = column


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a pattern: a literal, one whole segment (`{name}` or `*`), a glob such as `a*b`, or `**`."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class PathPattern:
    """A path pattern that was checked. Calling it with a canonical path tells whether it holds.

    `segments` are those after the leading slash; `/a/` has the segments `a` and an empty literal. `names` are the
    `{names}` in order. Made with `PathPattern.parse`.
    """

    text: str
    segments: tuple[Segment, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Return the pattern that `text` says. Raises PatternError with the column and a way out."""
        if not text.startswith("/"):
            raise PatternError(f"path {text!r} does not start with a slash", f'write "/{text}"')
        if "?" in text or "#" in text:
            column = min(place for place in (text.find("?"), text.find("#")) if place >= 0)
            raise PatternError(f"path {text!r} has a query or fragment", "use `when: {query: ...}`", column)
        if "//" in text:
            raise PatternError(f"path {text!r} has an empty segment: no such path is ever passed on", "write one slash",
                               text.index("//"))  # fmt: skip
        segments: list[Segment] = []
        names: list[str] = []
        column = 1
        for raw in text[1:].split("/"):
            segments.append(_segment(text, raw, column, names))
            column += len(raw) + 1
        return cls(text, tuple(segments), tuple(names))

    @property
    def exact(self) -> str | None:
        """The only path this pattern holds for, or None where it holds for several."""
        if all(segment.kind == "literal" for segment in self.segments):
            return "/" + "/".join(segment.text for segment in self.segments)
        return None

    @property
    def simple(self) -> bool:
        """Whether a walk over segments decides it: no glob, and `**` only at the end."""
        return all(segment.kind in ("literal", "one") for segment in self.segments[:-1]) and (
            self.segments[-1].kind != "glob"
        )

    @cached_property
    def regex(self) -> str:
        """The pattern as an RE2 expression over a whole canonical path, a group for each `{name}`."""
        out = []
        last = len(self.segments) - 1
        for place, segment in enumerate(self.segments):
            if segment.kind == "deep":
                out.append("(?:/.*)?" if place == last else "(?:/[^/]*)*?")
            elif segment.kind == "one":
                out.append("/([^/]+)" if segment.text else "/[^/]+")
            elif segment.kind == "glob":
                out.append("/" + "[^/]*".join(re2.escape(part) for part in segment.text.split("*")))
            else:
                out.append("/" + re2.escape(segment.text))
        return "".join(out)

    @cached_property
    def _compiled(self) -> Any:  # google-re2 ships no types
        return re2.compile(self.regex)

    def __call__(self, path: str) -> bool:
        """Whether the pattern holds for the canonical path."""
        return self._compiled.fullmatch(path) is not None

    def capture(self, path: str) -> dict[str, str] | None:
        """Return what each `{name}` stands for in the path, still percent-encoded, or None where it does not hold."""
        found = self._compiled.fullmatch(path)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))

    def __str__(self) -> str:
        return self.text


def _segment(text: str, raw: str, column: int, names: list[str]) -> Segment:
    if raw == "**":
        return Segment("deep", "")
    if "**" in raw:
        raise PatternError(f"path {text!r}: `**` must be a whole segment", "write `/**` or a single `*`", column)
    if raw == "*":
        return Segment("one", "")
    if raw in (".", ".."):
        raise PatternError(f"path {text!r} has a dot segment: no such path is ever passed on", "leave it out", column)
    named = _NAME.fullmatch(raw)
    if named:
        if named[1] in names:
            raise PatternError(f"path {text!r} has the name {{{named[1]}}} twice", "give each its own name", column)
        names.append(named[1])
        return Segment("one", named[1])
    if "{" in raw or "}" in raw:
        raise PatternError(f"path {text!r}: {{name}} must be a whole segment", "write `/{name}/` or `*`", column)
    for bad in (";", "\\"):
        if bad in raw:
            raise PatternError(f"path {text!r} has {bad!r}: no such path is ever passed on", "leave it out", column)
    canonical = canonical_segment(raw)
    if not canonical and raw:
        raise PatternError(f"path {text!r} has a bad percent-encoding", "write two hex digits after %", column)
    return Segment("glob" if "*" in raw else "literal", canonical)


def canonical_segment(raw: str) -> str:
    """Return a segment as canonical paths spell it (unreserved characters plain, `%C3%BC` in capitals), `` if bad."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
        return ""
    return quote(unquote_to_bytes(raw), safe=_SAFE.replace("/", ""))
