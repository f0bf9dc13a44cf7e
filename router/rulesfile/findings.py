"""Everything that is found wrong with a rules file, each finding with its place, its owner's name and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from router.errors import Position, Problem
from router.rulesfile.document import Document, Loc


class Findings:
    """Collects problems and warnings of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._places: set[Loc] = set()
        self._told: set[Loc] = set()
        for fault in document.faults:
            self.errors.append(Problem(fault.position, self.owner(fault.loc) + fault.message, fault.hint))
            self._mark(fault.loc)

    def error(self, loc: Loc, message: str, hint: str = "", *, key: bool = False, offset: int = 0) -> None:
        """Add a problem at a value, at `key` its key, or `offset` characters into a text.

        One with the shape of something in or around this value is told already, and is the cause of this one.
        """
        if self.cut(loc):
            return
        self.errors.append(self._problem("error", loc, message, hint, key, offset))

    def shape(self, loc: Loc, message: str, hint: str = "", *, missing: str = "", key: bool = False) -> None:
        """Add a problem with the shape of the value at `loc`, which is cut out then; `missing` is a key it lacks."""
        self.errors.append(self._problem("error", loc, message, hint, key, 0))
        self._mark((*loc, missing) if missing else loc)

    def cut(self, loc: Loc) -> bool:
        """Whether something of the value at `loc`, or all of it, had no usable shape."""
        if not self._told:
            return False
        around = any(loc[:depth] in self._told for depth in range(1, len(loc) + 1))
        return around or (len(loc) > 2 and loc in self._places)

    def _mark(self, loc: Loc) -> None:
        self._told.add(loc)
        self._places.update(loc[:depth] for depth in range(1, len(loc)))

    def warn(self, loc: Loc, message: str, hint: str = "", *, key: bool = False) -> None:
        """Add a warning: the file can be used, but may not mean what its writer thinks."""
        self.warnings.append(self._problem("warning", loc, message, hint, key, 0))

    def elsewhere(self, position: Position, message: str, hint: str = "") -> None:
        """Add a problem in another file than the rules file."""
        self.errors.append(Problem(position, message, hint))

    def owner(self, loc: Loc) -> str:
        """Return whose problem it is, as messages begin: `rule "basket": `."""
        if len(loc) < 2:
            return ""
        section, which = loc[0], loc[1]
        if section in ("systems", "lists") and isinstance(which, str):
            return f'{str(section)[:-1]} "{which}": '
        if section in ("rules", "tests") and isinstance(which, int):
            said = self.document.data.get(section)
            item = said[which] if isinstance(said, list) and which < len(said) else None
            name = item.get("name" if section == "rules" else "request") if isinstance(item, dict) else None
            return f'{str(section)[:-1]} "{name}": ' if isinstance(name, str) else f"{str(section)[:-1]} {which + 1}: "
        return ""

    def _problem(
        self, severity: Literal["error", "warning"], loc: Loc, message: str, hint: str, key: bool, offset: int
    ) -> Problem:
        position = self.document.position(loc, key=key, offset=offset)
        said = self.owner(loc) + message
        if not said.isprintable():  # a message is one line, whatever the file holds
            said = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in said)
        return Problem(position, said, hint, severity)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `did you mean "commerce"?` for the nearest known word, else what is known, else `otherwise`."""
    words = list(known)
    folded = {known_word.lower(): known_word for known_word in words}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{folded[near[0]]}"?'
    if otherwise:
        return otherwise
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""
