"""Card numbers in text that streams by: found before they are passed on. Bytes in, verdict out.

A number is 13 to 19 digits by Luhn (ISO/IEC 7812-1, annex B) in a range that an issuer uses, by itself or with blanks
or hyphens between its digits, as people write it. What stands for a digit or a blank in a form (`%34`, `%20`, `+`) or
in JSON (`\\u0034`) is read as that. Numbers of the same length that are none (articles, parcels, phones, accounts,
moments, fractions) are told apart by what they look like; tests/router/test_cards.py has them in a table.

It finds what a shopper types into the wrong form. It cannot find what somebody hides: a script that turns a number
round, cuts it over two fields or encodes it passes here, and everywhere.

Three sieves, each finer and slower: thirteen bytes in a row of which numbers are made (GB a second), an expression over
what these stand for, and the look at single numbers. Time is linear in the length of the text, whatever stands there.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from router.issuers import is_like_card, is_luhn

_HELD: Final = 512
"""Bytes that are held back when more come: a number with a `\\u0034` for each digit and each blank between has 222."""

_CONTEXT: Final = 16
"""Bytes before a number that are looked at, though they are passed on."""

_NO_DIGITS: Final = bytes(byte for byte in range(256) if not 0x30 <= byte <= 0x39)

# --- single numbers ---------------------------------------------------------------------------------------------------

_GAP: Final = rb"(?: |-|\xc2\xa0|\xe2\x80[\x89\x90-\x95\xaf]|\xe2\x88\x92)"
"""A blank or a hyphen: the plain ones, and those that word processors put in their place. No tab: that is a table."""

_SEQUENCE: Final = re.compile(rb"[0-9](?:" + _GAP + rb"{0,3}[0-9]){12,}")
"""Numbers with nothing but gaps between, 13 digits or more."""

_LONGEST: Final = 19 + 18 * 9
"""Bytes of a number with three gaps of three bytes between all its digits."""

_MOST_GROUPS: Final = 5
"""A number that stands alone may be grouped in any way, in so many groups; of more, only digit by digit. Rows of a
table have as many digits and more groups."""


def _shape(*lengths: str) -> bytes:
    """Return the expression for a number in groups of these lengths, with gaps between, that goes no further."""
    between = _GAP + rb"{1,3}"
    return rb"(" + between.join([b"[0-9]{" + length.encode() + b"}" for length in lengths]) + rb")(?![0-9])"


_SHAPED: Final = re.compile(
    rb"(?<![0-9])(?=4|5[0-58]|2(?:2[023-9]|[3-6]|7[012])|3(?:0|[46-9]|5[2-8])|6[02-57]|8[12]|97)(?:"
    + b"|".join(
        (
            rb"(?=" + _shape("13,19") + rb")",
            rb"(?=" + _shape("4", "4", "4", "1,4") + rb")(?=(?:" + _shape("4", "4", "4", "4", "1,3") + rb")?)",
            rb"(?=" + _shape("4", "6", "4,5") + rb")",
            rb"(?=" + _shape("4", "3", "3", "3") + rb")",
        )
    )
    + rb")"
)
"""Where a number begins as cards show theirs: it is recognised in the midst of other numbers, too."""

_NUMBER: Final = re.compile(rb"[0-9]+")

_COUNTRY: Final = re.compile(rb"(?:^|[^A-Za-z])[A-Za-z]{2}\Z")
"""What stands before the check digits of an account (IBAN)."""


_NAME_LEFT: Final = re.compile(rb"[0-9][A-Za-z]+\Z")
_NAME_RIGHT: Final = re.compile(rb"[A-Za-z]{1,11}[0-9]|[0-9]")
"""Letters with more digits beyond them, in one piece with a number. Letters alone (`VISA4111...EUR`) hide no number."""


class _Looks:
    """How many numbers of a text may still be looked at.

    Of numbers that begin like a card's one in ten is right by chance. Where so many were wrong, no chance was at work;
    somebody wants us to be busy, and the text counts as one that carries a number.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 300

    def see(self, digits: bytes) -> bool:
        """Look at one number; return whether it is a card's, or one too many."""
        if not is_like_card(digits):
            return False
        self.left -= 1
        return self.left < 0 or is_luhn(digits)


def _is_joined_left(text: bytes, place: int) -> bool:
    """Whether what begins here is the rest of a longer name (a digest, a UUID), or of a fraction."""
    if place == 0:
        return False  # asked first, as below: mypyc knows no slice that ends before it begins
    before = text[place - 1 : place]
    if before == b".":
        return place > 1 and text[place - 2 : place - 1].isdigit()
    return before.isalnum() and (
        before.isdigit() or _NAME_LEFT.search(text, max(0, place - _CONTEXT), place) is not None
    )


def _is_joined_right(text: bytes, place: int) -> bool:
    """Whether what ends here goes on as a longer name, or with a fraction."""
    behind = text[place : place + 1]
    if behind == b".":
        return text[place + 1 : place + 2].isdigit()
    return _NAME_RIGHT.match(text, place) is not None


def _is_account(text: bytes, start: int, end: int) -> bool:
    """Whether these numbers are an account's (IBAN): a country before them, and groups or right check digits."""
    if start < 2 or _COUNTRY.search(text, max(0, start - 3), start) is None:
        return False
    digits = text[start:end]
    if not digits.isdigit():
        return not digits[2:3].isdigit() and digits[1:2].isdigit()  # DE89 3704 ...
    country = b"%d%d" % (text[start - 2] % 32 + 9, text[start - 1] % 32 + 9)  # A is 10: ISO 13616-1
    return end - start < 32 and int(digits[2:] + country + digits[:2]) % 97 == 1


def _shortest(text: bytes, start: int) -> int:
    """Return how many digits a number that begins here has at least: more behind a plus, for phone numbers.

    An international one has 15 digits at most, and none of 15 begins like an Amex card.
    """
    return 15 if start > 0 and text[start - 1 : start] == b"+" else 13


def _is_number(text: bytes, start: int, end: int, undecided: bool, looks: _Looks) -> bool:
    """Whether digits in one piece are a card's number."""
    digits = text[start:end]
    if undecided or len(digits) > 19 or len(digits) < _shortest(text, start) or not is_like_card(digits):
        return False
    if _is_joined_left(text, start) or _is_joined_right(text, end) or _is_account(text, start, end):
        return False
    return looks.see(digits)


def _in_sequence(text: bytes, start: int, end: int, undecided: bool, looks: _Looks) -> bool:
    """Whether a card's number is among these numbers; `undecided` if more digits may follow the last."""
    if text[start:end].isdigit():
        return _is_number(text, start, end, undecided, looks)
    if _is_account(text, start, end):
        return False
    left = _is_joined_left(text, start)
    right = undecided or _is_joined_right(text, end)
    shortest = _shortest(text, start)
    if not left and not right and end - start <= _LONGEST:
        digits = text[start:end].translate(None, _NO_DIGITS)
        size = len(digits)
        if shortest <= size <= 19 and looks.see(digits):
            groups = len(_NUMBER.findall(text, start, end))
            if groups <= _MOST_GROUPS or groups == size:
                return True
    for found in _SHAPED.finditer(text, start, end):
        place = found.start()
        if place == start and left:
            continue
        for number in found.groups():
            if number is None or (right and place + len(number) == end):
                continue
            digits = number.translate(None, _NO_DIGITS)
            if (place > start or len(digits) >= shortest) and looks.see(digits):
                return True
    return False


# --- text -------------------------------------------------------------------------------------------------------------

_PLAIN_RUN: Final = b"0123456789 +-\xa0\xaf\xc2\xe2" + bytes(range(0x80, 0x96))
"""Bytes that a number is made of where nothing is escaped: digits, blanks, hyphens."""

_ESCAPED_RUN: Final = _PLAIN_RUN + b"%\\ABCDEFabcdefu"
"""The same where `%34` and `\\u0034` may stand for digits, and `%20` for a blank."""


def _marks(run: bytes) -> bytes:
    """Return the table that translates bytes of a run to 0, and all others to a blank."""
    return bytes(0x30 if byte in run else 0x20 for byte in range(256))


_PLAIN_MARKS: Final = _marks(_PLAIN_RUN)
_ESCAPED_MARKS: Final = _marks(_ESCAPED_RUN)
_UNFINISHED: Final = _ESCAPED_RUN + b"."
"""What a number, or a fraction that is none, may go on behind."""

_SHORTEST: Final = b"0" * 13

_BACKSLASH: Final = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|[bfnrt/\"'\\])")


def _of_backslash(escape: re.Match[bytes]) -> bytes:
    if escape[1] is None:
        return b"\n"
    return chr(int(escape[1], 16)).encode("utf-8", "replace")


def _decoded(raw: bytes, percent: bool) -> bytes:
    """Return what bytes stand for; JSON may stand in a form, so its escapes come after those of the form."""
    if percent and b"%" in raw:
        raw = unquote_to_bytes(raw)
    if b"\\" in raw:
        raw = _BACKSLASH.sub(_of_backslash, raw)
    return raw


_PARTIAL: Final = re.compile(rb"(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3})?)\Z")


def _uncut(data: bytes, place: int) -> int:
    """Return the place, or the beginning of an escape that may be cut there."""
    found = _PARTIAL.search(data, max(0, place - 5), place)
    return place if found is None else found.start()


def _is_undecided(rest: bytes) -> bool:
    """Whether the next piece decides about a number that this stands behind; if so, all of it is held back."""
    return len(rest) < 12 and not rest.strip(b".ABCDEFabcdef")


def _in_run(data: bytes, start: int, run_end: int, end: int, form: bool, final: bool, looks: _Looks) -> bool:
    """Whether a card's number is in a run of `data`, of which the bytes up to `end` are looked at."""
    raw = data[start : min(end, run_end + 12)]
    if len(raw.translate(None, _NO_DIGITS)) < 13:
        return False
    if b"%" not in raw and b"\\" not in raw and not (form and b"+" in raw):
        before = data[max(0, start - 2) : start]
        if b"%" not in before and b"\\" not in before:  # it stands for itself, and so does what is before it
            for found in _SEQUENCE.finditer(data, start, run_end):
                first, last = found.span()
                open_end = not final and end - last < 12 and _is_undecided(data[last:end])
                if _in_sequence(data, first, last, open_end, looks):
                    return True
            return False
    left = data[max(0, start - _CONTEXT) : start]
    if form:
        left, raw = left.replace(b"+", b" "), raw.replace(b"+", b" ")
    open_end = not final and start + len(raw) == end
    ways = (True,) if form or b"%" not in raw else (False, True)  # elsewhere a % may be meant as it stands
    for percent in ways:
        known = _decoded(left, percent)
        text = known + _decoded(raw, percent)
        for found in _SEQUENCE.finditer(text, len(known)):
            first, last = found.span()
            if _in_sequence(text, first, last, open_end and _is_undecided(text[last:]), looks):
                return True
    return False


def _is_in(data: bytes, start: int, end: int, form: bool, final: bool, looks: _Looks) -> bool:
    """Whether a card's number begins at `start` or behind it; one that reaches `end` may go on unless it is `final`."""
    escaped = data.find(b"%", start) >= 0 or data.find(b"\\", start) >= 0
    marks = data.translate(_ESCAPED_MARKS if escaped else _PLAIN_MARKS)
    place = marks.find(_SHORTEST, start, end)
    while place >= 0:
        behind = marks.find(b" ", place, end)
        if behind < 0:
            behind = end
        if _in_run(data, place, behind, end, form, final, looks):
            return True
        place = marks.find(_SHORTEST, behind, end)
    return False


def carries_card(text: bytes, form: bool = True) -> bool:
    """Whether a whole text carries a card's number; `form` is for one that is encoded as forms and queries are."""
    return _is_in(text, 0, len(text), form, True, _Looks())


class CardWatch:
    """Looks at a body as it streams by. `found` says whether a number has come; from then on nothing passes.

    What passes is byte for byte what came, in order. What could be the beginning of a number is held back, at most 1 KB
    of it, until it is known to be none; so no digit of a number has passed when it is found.
    """

    __slots__ = ("_context", "_form", "_held", "_looks", "found")

    def __init__(self, form: bool) -> None:
        self._form = form
        """Whether the body is encoded as forms are: `+` is a blank there."""
        self._context = b""
        self._held = b""
        self._looks = _Looks()
        self.found = False

    def feed(self, piece: bytes) -> bytes:
        """Take in a piece of the body; return the bytes that may be passed on, which may be none."""
        if self.found:
            return b""
        start = len(self._context)
        data = b"".join((self._context, self._held, piece))
        end = max(start, _uncut(data, len(data)))
        tail = data[end - _HELD : end] if end - start > 2 * _HELD else data[start:end]
        free = end - len(tail) + len(tail.rstrip(_UNFINISHED))  # so what is not decided yet is held
        if free <= start:  # all of it is held: looked at when some of it would pass, so that each byte is seen twice
            self._held = data[start:]
            return b""
        if _is_in(data, start, end, self._form, False, self._looks):
            self._stop()
            return b""
        free = max(start, _uncut(data, free))
        self._held = data[free:]
        self._context = data[max(0, free - _CONTEXT) : free]
        return data[start:free]

    def end(self) -> bytes:
        """The body is whole: return what was held back and may be passed on."""
        data = self._context + self._held
        start = len(self._context)
        if self.found or _is_in(data, start, len(data), self._form, True, self._looks):
            self._stop()
            return b""
        self._held = b""
        return data[start:]

    def _stop(self) -> None:
        self.found = True
        self._held = self._context = b""


# --- which bodies -----------------------------------------------------------------------------------------------------

_BINARY: Final = ("image/", "audio/", "video/", "font/", "model/", "application/vnd.", "application/grpc")
_BINARY_TYPES: Final = frozenset(
    ("application/octet-stream", "application/pdf", "application/zip", "application/gzip", "application/x-tar",
     "application/x-7z-compressed", "application/wasm", "application/protobuf", "application/x-protobuf",
     "application/msgpack", "application/cbor"),
)  # fmt: skip


def is_text(content_type: str) -> bool:
    """Whether a body of this type may hold text: every type but those that are known not to, and none at all."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("+json", "+xml")):
        return True
    return not kind.startswith(_BINARY) and kind not in _BINARY_TYPES


def is_form(content_type: str) -> bool:
    """Whether a body of this type, or of none, is encoded as forms are."""
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind == "application/x-www-form-urlencoded"
