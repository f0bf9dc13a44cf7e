"""How the cookies of several systems are told apart in one browser: by their names.

A system's cookie `x` may be in the browser under these names, all of which can be read back:

    x        the plain name: claimed by one system alone, made by a script, or the copy that page scripts read
    S~x      system S's own, which scripts cannot read
    S~!x     system S's own of a cookie that scripts may read
    ~x       says whose value the plain x holds: its value is a system's name
    S~-x     what x was before, for forms that were open (sessions.openforms)

A name that begins with `!`, `-` or `~` gets one more `~`: S's `!x` is `S~~!x`. What browsers promise by a prefix is
kept: S's `__Host-x` is `__Host-S~x`. `~` and `!` are letters of a token (RFC 9110, 5.6.2), and no system's name has
them; Chromium was seen to keep, send and delete every one of these forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from typing import Final

PLAIN: Final = 0
OURS: Final = 1
MARK: Final = 2
KEPT: Final = 3
COPY: Final = 4
FORMER: Final = 5

SPACE: Final = b" \t"

_PREFIXES: Final = (b"__host-http-", b"__host-", b"__secure-", b"__http-")
"""In lower case, because browsers compare them so (6265bis, 5.4). The longer of two comes first."""

_MOST_NAMES: Final = 4096
"""Names that are remembered. A shop has dozens; somebody who sends random ones makes us forget, not grow."""

_LONGEST_NAME: Final = 128
"""Bytes of a name that is worth remembering."""


def prefix_of(name: bytes) -> bytes:
    """Return the prefix that binds a browser, as it is spelled there; empty for none."""
    if name[:2] == b"__":
        start = name[:12].lower()
        for prefix in _PREFIXES:
            if start.startswith(prefix):
                return name[: len(prefix)]
    return b""


def spelled(system: str, kind: int, name: bytes) -> bytes:
    """Return the browser's name for a form of a system's cookie `name`; for MARK the system does not matter."""
    prefix = prefix_of(name)
    rest = name[len(prefix) :]
    if kind == MARK:
        return prefix + b"~" + rest
    sign = b""
    if kind == COPY:
        sign = b"!"
    elif kind == FORMER:
        sign = b"-"
    elif rest[:1] in (b"!", b"-", b"~"):
        sign = b"~"
    return prefix + system.encode("ascii") + b"~" + sign + rest


class Form:
    """What a name in the browser stands for.

    `name` is the one that systems and scripts know, `owner` the system of KEPT, COPY and FORMER. A PLAIN one goes to
    `only`, or, where that is empty, to every system; `alone` says that no other system claims it.
    """

    __slots__ = ("alone", "kind", "name", "only", "owner")

    def __init__(self, kind: int, name: bytes, owner: str = "", only: str = "", alone: bool = False) -> None:
        self.kind = kind
        self.name = name
        self.owner = owner
        self.only = only
        self.alone = alone


class Globs:
    """A set of cookie names, some with `*`, `?` or `[...]`."""

    __slots__ = ("_names", "_pattern")

    def __init__(self, globs: Iterable[str]) -> None:
        every = tuple(globs)
        self._names = frozenset(glob.encode() for glob in every if not any(letter in glob for letter in "*?["))
        wild = [translate(glob) for glob in every if any(letter in glob for letter in "*?[")]
        self._pattern: re.Pattern[str] | None = re.compile("|".join(wild)) if wild else None

    def has(self, name: bytes) -> bool:
        """Whether the name is one of them; upper and lower case differ, as in browsers."""
        if name in self._names:
            return True
        return self._pattern is not None and self._pattern.match(name.decode("latin-1")) is not None


class Names:
    """Reads names. `claims` has every system; `login` is the one to which a cookie that several claim goes."""

    __slots__ = ("_claims", "_known", "_login", "_systems")

    def __init__(self, claims: Mapping[str, Sequence[str]], login: str) -> None:
        self._claims = {system: Globs(globs) for system, globs in claims.items()}
        self._systems = {system.encode("ascii"): system for system in claims}
        self._login = login
        self._known: dict[bytes, Form] = {}

    def system(self, name: bytes) -> str:
        """Return the system of that name, empty if there is none."""
        return self._systems.get(name, "")

    def form(self, name: bytes) -> Form:
        """Return what the name stands for."""
        form = self._known.get(name)
        if form is None:
            form = self._read(name)
            if len(name) <= _LONGEST_NAME:
                if len(self._known) >= _MOST_NAMES:
                    self._known.clear()
                self._known[name] = form
        return form

    def form_of(self, piece: bytes) -> Form:
        """Return what a piece between two `;` of a Cookie header stands for."""
        name, equals, _ = piece.partition(b"=")
        form = self.form(name.strip(SPACE))
        if equals or not form.name:
            return form
        # A bare word is a value without a name to a browser, but some servers take it for a name without a value.
        return self.form(b"") if form.kind == PLAIN else Form(OURS, form.name)

    def _read(self, name: bytes) -> Form:
        prefix = prefix_of(name)
        rest = name[len(prefix) :]
        before, tilde, after = rest.partition(b"~")
        if tilde and not before:
            return Form(MARK, prefix + after)
        if tilde and before in self._systems:
            owner = self._systems[before]
            sign = after[:1]
            if sign == b"!":
                return Form(COPY, prefix + after[1:], owner)
            if sign == b"-":
                return Form(FORMER, prefix + after[1:], owner)
            return Form(KEPT, prefix + (after[1:] if sign == b"~" else after), owner)
        if rest == b"inseam" or rest.startswith(b"inseam-"):
            return Form(OURS, name)
        claimants = [system for system, globs in self._claims.items() if globs.has(name)]
        if not claimants:
            return Form(PLAIN, name)
        only = self._login if self._login in claimants else claimants[0]
        return Form(PLAIN, name, only=only, alone=len(claimants) == 1)
