"""Paths of a product, wherever a site has mounted it, and the quick question whether a request is for one of them.

`{mount}` at the beginning stands for up to two segments before the product's own path: a language, a folder of the
site. `{name}` is one segment and is remembered, `*` any run within a segment, `**` any depth, `/?` at the end a slash
that may be missing. The paths that come in are canonical; all expressions are RE2's, so they take linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import re2

MOUNT: Final = "{mount}"
_PIECE = re.compile(r"\{[a-z_]+\}|\*\*|\*|[^{}*]+")


class PathError(ValueError):
    """A path that a profile cannot name."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path pattern. Calling it returns what its names stand for, None where it does not hold."""

    text: str
    needle: str = field(init=False, repr=False, compare=False)
    """The longest text that every such path has: looked for first, because nearly all paths lack it."""
    _compiled: Any = field(init=False, repr=False, compare=False)  # google-re2 ships no types

    def __post_init__(self) -> None:
        own = self.text.removeprefix(MOUNT)
        if not own.startswith("/") or "?" in own.removesuffix("/?") or MOUNT in own:
            raise PathError(f"{self.text!r} is no path: write /basket/ or {MOUNT}/basket/")
        expression = "(?P<mount>(?:/[^/]+){0,2})" if own != self.text else ""
        literals = [""]
        slash = own.endswith("/?")
        for piece in _PIECE.findall(own.removesuffix("/?")):
            if piece == "**":
                expression += "(?s:.*)"
            elif piece == "*":
                expression += "[^/]*"
            elif piece.startswith("{"):
                expression += f"(?P<{piece[1:-1]}>[^/]+)"
            else:
                expression += re2.escape(piece)
                literals.append(piece)
        object.__setattr__(self, "needle", max(literals, key=len))
        object.__setattr__(self, "_compiled", re2.compile(expression + ("/?" if slash else "")))

    def __call__(self, path: str) -> dict[str, str] | None:
        if self.needle not in path:
            return None
        found = self._compiled.fullmatch(path)
        return None if found is None else found.groupdict()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether a path is any of these. A plain page costs a look for each needle (30 ns), and there are few."""

    paths: tuple[Path, ...]
    _needles: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_needles", _fewest(path.needle for path in self.paths))

    def __call__(self, path: str) -> bool:
        for needle in self._needles:
            if needle in path:
                return any(one(path) is not None for one in self.paths)
        return False


def _fewest(needles: Any) -> tuple[str, ...]:
    """Return the needles without those that contain another one."""
    kept: list[str] = []
    for needle in sorted(set(needles), key=len):
        if not any(shorter in needle for shorter in kept):
            kept.append(needle)
    return tuple(kept)


def fill(template: str, captures: dict[str, str] | Sequence[tuple[str, str]]) -> str | None:
    """Return a path with its `{names}` filled in, None where one is not known."""
    known = dict(captures)
    out = template
    for name in re.findall(r"\{([a-z_]+)\}", template):
        if name not in known:
            return None
        out = out.replace("{" + name + "}", known[name])
    return out
