"""YAML text as plain values, with the place of each of them.

The values are read from PyYAML's C parser event by event: composing nodes first costs as much again, and its recursion
ends the process (not the file) at some ten thousand brackets. What a bare word means follows YAML 1.2's core schema:
`yes` is a text, `012` is 12, `1_000` a text. What two readers could take differently (a key twice, tags, merge keys,
aliases that unfold without end) is refused, and so is a key without a value, which is most often a slip of indentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from yaml._yaml import CParser

from router.errors import Position, Problem
from router.rulesfile.syntax import syntax_problem

Loc = tuple[str | int, ...]
"""Where a value stands: keys and indexes from the top, as pydantic's errors name it."""

DEPTH = 40
"""A rules file is eight levels deep at most; what is deeper than this is no rules file."""

UNFOLDED = 100_000
"""The most values that aliases may stand for, all in all: a few lines of them could stand for billions."""


def place_in(values: Any, loc: Loc) -> Loc:
    """Return `loc` without the steps that name no value: keys that are missing, and pydantic's names of shapes."""
    data: Any = values
    place: list[str | int] = []
    for step in loc:
        if isinstance(data, dict):
            if step not in data:
                continue
        elif not isinstance(data, list) or not isinstance(step, int):
            continue
        place.append(step)
        data = data[step]
    return tuple(place)


class WrittenInt(int):
    """An integer that still knows its digits: `0815` in a list of values is a text, not 815."""

    text: str


class WrittenFloat(float):
    """A number that still knows its digits: `1.10` in a list of values is a text, not 1.1."""

    text: str


class Fault(NamedTuple):
    """What is wrong with the value at `loc`, or with its key."""

    loc: Loc
    position: Position
    message: str
    hint: str


@dataclass(frozen=True)
class Document:
    """One YAML document: `data` are its values, `faults` what may not stand in it although YAML allows it.

    `broken` says why there are no values at all.
    """

    file: str
    text: str
    data: dict[str, Any]
    faults: list[Fault]
    broken: Problem | None
    _marks: dict[int, list[yaml.Mark]]
    """By the id of a list or dict: where it begins, then where each item (or each key, then its value) does."""

    @classmethod
    def read(cls, file: str, content: bytes) -> Document:
        """Return the document that `content` holds; `file` is its name in messages."""
        try:
            text = content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8-sig", "replace")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            return cls.nothing(
                Problem(
                    Position(file, line, column),
                    f"this byte is not UTF-8: 0x{content[error.start]:02x}",
                    "save the file as UTF-8",
                )
            )
        reader = _Reader(file)
        try:
            reader.read(CParser(text))
        except yaml.YAMLError as error:
            return cls.nothing(syntax_problem(file, text, error))
        except _TooMuch as error:
            return cls.nothing(Problem(_position(file, error.mark), error.message, error.hint))
        if not isinstance(reader.root, dict):
            what = "the file is empty" if reader.root is None else "the file does not begin with a key"
            return cls.nothing(Problem(Position(file, 1, 1), what, "begin with `version: 1`"))
        return cls(file, text, reader.root, reader.faults, None, reader.marks)

    @classmethod
    def nothing(cls, broken: Problem) -> Document:
        """A document without values, for the reason given."""
        return cls(broken.position.file, "", {}, [], broken, {})

    def position(self, loc: Loc, *, key: bool = False, offset: int = 0) -> Position:
        """Return where the value at `loc` stands (or the nearest around it), or its key.

        `offset` counts characters within a text that stands on one line.
        """
        if self.broken:
            return Position(self.file)
        steps = [found for _, found in self._walk(loc)]
        value, of_key, mark = steps[-1] if steps else (None, None, self._marks[id(self.data)][0])
        if key and of_key is not None:
            return _position(self.file, of_key)
        if offset and isinstance(value, str):
            for quote in (0, 1):
                if self.text.startswith(value, mark.index + quote):
                    return Position(self.file, mark.line + 1, mark.column + 1 + quote + offset)
        return _position(self.file, mark)

    def positions(self, loc: Loc) -> list[Position]:
        """Return where each item of the list at `loc` stands."""
        found: Any = self.data
        for step in loc:
            found = found[step]
        return [Position(self.file, mark.line + 1, mark.column + 1) for mark in self._marks[id(found)][1:]]

    def _walk(self, loc: Loc) -> Iterator[tuple[str | int, tuple[Any, yaml.Mark | None, yaml.Mark]]]:
        node: Any = self.data
        for step in loc:
            marks = self._marks.get(id(node))
            if marks is None:
                return
            if isinstance(node, dict) and step in node:
                index = 1 + 2 * list(node).index(step)
                node = node[step]
                yield step, (node, marks[index], marks[index + 1])
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
                yield step, (node, None, marks[1 + step])


class _Frame:
    """A list or dict that is being filled. `key` is the key that waits for its value."""

    __slots__ = ("began", "key", "key_mark", "loc", "marks", "value")

    def __init__(self, value: Any, mark: yaml.Mark, loc: Loc, began: int) -> None:
        self.value = value
        self.marks = [mark]
        self.loc = loc
        self.began = began
        self.key: str | None = None
        self.key_mark: yaml.Mark = mark


class _TooMuch(Exception):
    def __init__(self, mark: yaml.Mark, message: str, hint: str) -> None:
        super().__init__(message)
        self.mark, self.message, self.hint = mark, message, hint


class _Reader:
    """Builds values from parser events. `root` is None where the document is empty."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Any = None
        self.faults: list[Fault] = []
        self.marks: dict[int, list[yaml.Mark]] = {}
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        """By name: the value, and how many values it is made of."""
        self._open: dict[int, str] = {}
        """The anchors of lists and dicts that are still being filled, by depth."""
        self._seen = 0
        self._unfolded = 0
        self._spare: list[Any] = []
        """Values that stand nowhere in the document: kept, so that no other gets the same id."""

    def read(self, parser: CParser) -> None:
        """Read all events. Raises yaml.YAMLError and _TooMuch."""
        documents = 0
        while True:
            event: Any = parser.get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                frame = self._stack[-1] if self._stack else None
                if frame is not None and frame.key is None and type(frame.value) is dict:
                    self._begin_key(frame, event)
                else:
                    self._put(self._scalar(event), event.start_mark)
            elif kind is yaml.MappingStartEvent:
                self._begin({}, event)
            elif kind is yaml.SequenceStartEvent:
                self._begin([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end()
            elif kind is yaml.AliasEvent:
                self._put(self._alias(event), event.start_mark)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise _TooMuch(event.start_mark, "a second document begins here", "keep one document in a file")
            elif kind is yaml.StreamEndEvent:
                return

    def _begin(self, value: Any, event: Any) -> None:
        mark = event.start_mark
        if len(self._stack) >= DEPTH:
            raise _TooMuch(mark, f"more than {DEPTH} levels deep", "this is no rules file")
        loc = self._here()
        self._stack.append(_Frame(value, mark, loc, self._seen))
        if event.tag is not None:
            self._fault(loc, mark, f"a tag ({_tag(event.tag)}) means nothing here", "leave it out")
        if event.anchor is not None:
            self._open[len(self._stack)] = event.anchor
            self._anchors.pop(event.anchor, None)

    def _end(self) -> None:
        frame = self._stack.pop()
        self.marks[id(frame.value)] = frame.marks
        anchor = self._open.pop(len(self._stack) + 1, None) if self._open else None
        if anchor is not None:
            self._anchors[anchor] = frame.value, self._seen - frame.began + 1
        self._put(frame.value, frame.marks[0])

    def _here(self) -> Loc:
        """Return where the next value will stand."""
        if not self._stack:
            return ()
        frame = self._stack[-1]
        step = len(frame.value) if type(frame.value) is list else frame.key
        return frame.loc if step is None else (*frame.loc, step)

    def _put(self, value: Any, mark: yaml.Mark) -> None:
        """Place a finished value into the list or dict that is being filled."""
        self._seen += 1
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        into = frame.value
        if type(into) is list:
            if value is None:
                self._fault((*frame.loc, len(into)), mark, "this item is empty", "leave it out or give it a value")
            into.append(value)
            frame.marks.append(mark)
            return
        key = frame.key
        if key is None:  # a list or dict where a key should stand: its value is read, and dropped
            self._fault(frame.loc, mark, "a key must be a text", "write `key: value`")
            self._spare.append(value)
            frame.key, frame.key_mark = "", mark
            return
        frame.key = None
        if key == "" or key in into:
            self._spare.append(value)
            if key:
                first = frame.marks[1 + 2 * list(into).index(key)].line + 1
                loc = (*frame.loc, key, "again")
                self._fault(loc, frame.key_mark, f'the key "{key}" stands here a second time', f"first on line {first}")
            return
        if value is None and "plugins" not in frame.loc:
            self._fault((*frame.loc, key), frame.key_mark, f'"{key}" has no value', "give it one, or leave the key out")
        into[key] = value
        frame.marks += (frame.key_mark, mark)

    def _begin_key(self, frame: _Frame, event: Any) -> None:
        frame.key, frame.key_mark = event.value, event.start_mark
        if event.value == "<<" and event.implicit[0]:
            hint = "YAML 1.2 has none; write the keys out"
            self._fault((*frame.loc, "<<"), event.start_mark, "a merge key (<<) means nothing here", hint)
            frame.key = ""
        elif event.value == "":
            self._fault(frame.loc, event.start_mark, "a key is empty", "write `key: value`")

    def _scalar(self, event: Any) -> Any:
        text = event.value
        value = _meaning(text) if event.implicit[0] else text
        if event.tag is not None:
            self._fault(
                self._here(),
                event.start_mark,
                f"a tag ({_tag(event.tag)}) means nothing here",
                "leave it out; quotes make a text of a number",
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = value, 1
        return value

    def _alias(self, event: Any) -> Any:
        name, mark = event.anchor, event.start_mark
        if name in self._open.values():
            raise _TooMuch(mark, f"the alias *{name} stands within its own anchor", "that would have no end")
        if name not in self._anchors:
            hint = f'quote it if a text is meant: "*{name}"'
            self._fault(self._here(), mark, f"no anchor &{name} stands before the alias *{name}", hint)
            return ""
        value, size = self._anchors[name]
        self._seen += size
        self._unfolded += size
        if self._unfolded > UNFOLDED:
            raise _TooMuch(mark, f"the aliases stand for more than {UNFOLDED:,} values", "write fewer of them")
        return value

    def _fault(self, loc: Loc, mark: yaml.Mark, message: str, hint: str) -> None:
        self.faults.append(Fault(loc, _position(self.file, mark), message, hint))


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _position(file: str, mark: yaml.Mark) -> Position:
    return Position(file, mark.line + 1, mark.column + 1)


# --- YAML 1.2, 10.3.2: the core schema -------------------------------------------------------------------------------

_NOT_TEXT = frozenset("-+.0123456789~nNtTfF")
"""How anything but a text begins; nearly every value is a text and is known by its first character."""

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def _meaning(text: str) -> Any:
    """Return what a bare word means: nothing, true or false, a number or a text."""
    if text and text[0] not in _NOT_TEXT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        whole = WrittenInt(text if base == 10 else text[2:], base)
        whole.text = text
        return whole
    if _FLOAT.fullmatch(text) or _NO_NUMBER.fullmatch(text):
        number = WrittenFloat(text if _FLOAT.fullmatch(text) else text.replace(".", ""))
        number.text = text
        return number
    return text
