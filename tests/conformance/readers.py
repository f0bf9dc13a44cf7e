"""Readers of HTTP/1.1 that differ in what they forgive: the judges of `make conformance`, the same for every proxy.

PERMITTED is the grammar of RFC 9112 with every robustness exception that the RFC allows: a bare LF ends a line, folded
lines become one, CR and NUL become blanks, words of a first line stand apart by any blanks, lengths repeated alike are
one, Transfer-Encoding wins over Content-Length and is then the last message of its connection. What it makes of a
message is what a proxy may make of it. STRICT forgives nothing. The LOOSE ones are as wrong as servers in the field
have been found to be; with STRICT they read what came out of a proxy: where those that accept it disagree, the proxy
has let an ambiguity through.

Written without a look at the edge's own gate, and read from scratch each time: only tests use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Fields = list[tuple[bytes, bytes]]

_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_BLANKS = re.compile(rb"[ \t\v\f\r]+")
_VERSION_1 = re.compile(rb"HTTP/1\.[0-9]")
_VERSION_ANY = re.compile(rb"HTTP/[0-9]\.[0-9]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;.*)?", re.DOTALL)
_LOOSE_NUMBER = re.compile(rb"[\s\0]*\+?(\d+)")
_AS_BLANKS = bytes.maketrans(b"\r\0", b"  ")
"""What RFC 9112, 2.2 and RFC 9110, 5.5 let a recipient put in the place of CR and NUL."""
_UNTIL_CLOSE = -1


class Refused(Exception):
    """This reader does not take the bytes for HTTP."""


class Incomplete(Exception):
    """The bytes end before the message does; `body` is what came of it."""

    def __init__(self, body: bytes = b"", status: int = 0) -> None:
        super().__init__("incomplete")
        self.body = body
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a reader takes it; `end` is where the bytes of the next one begin."""

    method: bytes
    target: bytes
    body: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    end: int

    @property
    def asked(self) -> tuple[bytes, bytes, bytes]:
        return self.method, self.target, self.body

    def all(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]


@dataclass(frozen=True, slots=True)
class Answer:
    """One final answer; `whole` is False where the connection ended before it did. `interim` are the 1xx before it."""

    status: int
    body: bytes
    whole: bool
    fields: tuple[tuple[bytes, bytes], ...]
    end: int
    interim: tuple[int, ...] = ()

    def all(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]


@dataclass(frozen=True, slots=True)
class Reader:
    """One way to read. What the flags say is what it forgives."""

    name: str
    line_end: re.Pattern[bytes] = re.compile(rb"\r\n")
    chunk_end: re.Pattern[bytes] = re.compile(rb"\r\n")
    words: bool = False
    """Any blanks separate the words of a first line; a bare CR is a blank; folded lines are one."""
    duplicates: bool = False
    """Lengths that repeat alike are one; a coding wins over a length; other codings may stand before `chunked`."""
    version: re.Pattern[bytes] = _VERSION_1
    loose: str = ""
    """`coding` or `length`: which of them wins, with names, numbers and codings taken as loosely as any server does."""

    # --- requests -----------------------------------------------------------------------------------------------------

    def requests(self, data: bytes) -> list[Request]:
        """Return the whole requests that the bytes begin with. Raises Refused where the first is none."""
        found: list[Request] = []
        place = 0
        while place < len(data):
            try:
                request, last = self._request(data, place)
            except Incomplete:
                break
            except Refused:
                if not found:
                    raise
                break
            found.append(request)
            place = request.end
            if last:
                break
        return found

    def _request(self, data: bytes, place: int) -> tuple[Request, bool]:
        while True:
            first, place = self._line(data, place)
            if first:
                break
        words = self._words(first)
        if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not self.version.fullmatch(words[2]):
            raise Refused("the request line")
        fields, place = self._fields(data, place, stripped=False)
        framing, last = self._request_framing(fields, words[2])
        body, place = self._body(data, place, framing)
        return Request(words[0], words[1], body, tuple(fields), place), last

    def _request_framing(self, fields: Fields, version: bytes) -> tuple[int | None, bool]:
        codings, lengths = _values(fields, b"transfer-encoding"), _values(fields, b"content-length")
        if self.loose:
            return self._loosely(codings, lengths), False
        last = bool(codings) and (bool(lengths) or version == b"HTTP/1.0")
        if codings:
            if last and not self.duplicates:
                raise Refused("two framings")
            if self._coding(codings) != b"chunked":
                raise Refused("a coding that is not chunked at last")
            return None, last
        return self._length(lengths) if lengths else 0, last

    # --- answers ------------------------------------------------------------------------------------------------------

    def answer(self, data: bytes, method: bytes = b"GET", end: str = "") -> Answer:
        """Return the first final answer; `end` says how the connection ended behind the bytes: eof, reset or not yet.

        Raises Refused; Incomplete where not even the head is whole.
        """
        place, interim = 0, []
        while self.words and data.startswith(b"\r\n", place):
            place += 2
        while True:
            first, place = self._line(data, place)
            words = self._words(first) if self.words else first.split(b" ", 2)
            if len(words) < 2 or not self.version.fullmatch(words[0]) or not re.fullmatch(rb"\d{3}", words[1]):
                raise Refused("the status line")
            status = int(words[1])
            fields, place = self._fields(data, place, stripped=self.duplicates)
            if not 100 <= status < 200:
                break
            if status == 101:
                raise Refused("a switch that nobody asked for")
            interim.append(status)
        framing = 0 if method == b"HEAD" or status in (204, 304) else self._answer_framing(fields)
        try:
            if framing == _UNTIL_CLOSE:
                body, place, whole = data[place:], len(data), end == "eof"
            else:
                body, place = self._body(data, place, framing)
                whole = True
        except Incomplete as error:
            body, place, whole = error.body, len(data), False
        return Answer(status, body, whole, tuple(fields), place, tuple(interim))

    def _answer_framing(self, fields: Fields) -> int | None:
        codings, lengths = _values(fields, b"transfer-encoding"), _values(fields, b"content-length")
        if self.loose:
            framing = self._loosely(codings, lengths)
            return _UNTIL_CLOSE if framing == 0 and not lengths else framing
        if codings:
            if lengths and not self.duplicates:
                raise Refused("two framings")
            return None if self._coding(codings) == b"chunked" else _UNTIL_CLOSE
        return self._length(lengths) if lengths else _UNTIL_CLOSE

    # --- lines --------------------------------------------------------------------------------------------------------

    def _line(self, data: bytes, place: int) -> tuple[bytes, int]:
        found = self.line_end.search(data, place)
        if found is None:
            raise Incomplete
        line = data[place : found.start()]
        forgiven = self.words or self.loose
        if b"\n" in line or (not forgiven and (b"\0" in line or b"\r" in line)):
            raise Refused("CR, LF or NUL in a line")
        return line, found.end()

    def _words(self, first: bytes) -> list[bytes]:
        return _BLANKS.split(first.strip(b" \t\v\f\r")) if self.words or self.loose else first.split(b" ")

    def _fields(self, data: bytes, place: int, stripped: bool) -> tuple[Fields, int]:
        fields: Fields = []
        while True:
            line, place = self._line(data, place)
            if not line:
                return fields, place
            if line[:1] in (b" ", b"\t") and not self.loose:
                if not self.words:
                    raise Refused("a folded line")
                if fields:
                    fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip(b" \t"))
                continue
            name, colon, value = line.translate(_AS_BLANKS).partition(b":")
            if self.loose:
                name = re.sub(rb"[^A-Za-z0-9\-.]", b"", name.replace(b"_", b"-"))
            elif name != name.rstrip(b" \t"):
                if not stripped:
                    raise Refused("a blank before the colon")
                name = name.rstrip(b" \t")
            if colon and _TOKEN.fullmatch(name):
                fields.append((name.lower(), value.strip(b" \t")))
            elif not (self.words or self.loose):
                raise Refused("a line that is no field")

    # --- framing ------------------------------------------------------------------------------------------------------

    def _coding(self, lines: list[bytes]) -> bytes:
        """Return the coding that decides. Raises Refused."""
        members = [member.strip(b" \t") for member in b",".join(lines).lower().split(b",")]
        members = [member for member in members if member]
        if members.count(b"chunked") > 1 or not all(_TOKEN.fullmatch(member) for member in members):
            raise Refused("codings that are none")
        if len(members) > 1 and not self.duplicates:
            raise Refused("more codings than one")
        return members[-1] if members else b""

    def _length(self, lines: list[bytes]) -> int:
        members = [member.strip(b" \t") for member in b",".join(lines).split(b",")]
        if len(members) > 1 and not self.duplicates:
            raise Refused("more lengths than one")
        if len(set(members)) != 1 or not re.fullmatch(rb"[0-9]+", members[0]) or len(members[0]) > 4000:
            raise Refused("a length that is none")
        return int(members[0])

    def _loosely(self, codings: list[bytes], lengths: list[bytes]) -> int | None:
        chunked = any(b"chunked" in value.lower() for value in codings)
        number = _LOOSE_NUMBER.match(lengths[-1] if self.loose == "length" else lengths[0]) if lengths else None
        if chunked and (self.loose == "coding" or number is None):
            return None
        return int(number[1][:18]) if number else 0

    def _body(self, data: bytes, place: int, framing: int | None) -> tuple[bytes, int]:
        if framing is not None:
            if len(data) - place < framing:
                raise Incomplete(data[place:])
            return data[place : place + framing], place + framing
        body = b""
        try:
            while True:
                found = self.chunk_end.search(data, place)
                size = _SIZE.fullmatch(data[place : found.start()]) if found else None
                if found is None or (size and (b"\r" in size[0] or b"\n" in size[0])):
                    raise Incomplete(body)
                if not size:
                    raise Refused("a chunk's size")
                place = found.end()
                length = int(size[1], 16)
                if not length:
                    break
                if length > len(data):
                    raise Incomplete(body + data[place:])
                end = self.chunk_end.match(data, place + length)
                if end is None:
                    behind = data[place + length : place + length + 2]
                    if len(behind) == 2 or behind not in (b"", b"\r"):
                        raise Refused("no line end behind a chunk")
                    raise Incomplete(body + data[place : place + length])
                body += data[place : place + length]
                place = end.end()
            _, place = self._fields(data, place, stripped=self.duplicates)
        except Incomplete:
            raise Incomplete(body) from None
        except Refused:
            if self.duplicates or not self.loose:
                raise
            raise Incomplete(body) from None
        return body, place


def _values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for known, value in fields if known == name]


_ANY_END = re.compile(rb"\r\n|\r|\n")

STRICT = Reader("strict")
PERMITTED = Reader("permitted", line_end=re.compile(rb"\r?\n"), words=True, duplicates=True, version=_VERSION_ANY)
LOOSE = (
    Reader("loose, coding first", _ANY_END, re.compile(rb"\r\n|\n"), loose="coding"),
    Reader("loose, length first", _ANY_END, re.compile(rb"\r\n|\n"), loose="length"),
    Reader("loose, LF", re.compile(rb"\r?\n"), re.compile(rb"\r?\n"), words=True, duplicates=True, loose="coding"),
)
PANEL = (STRICT, PERMITTED, *LOOSE)


def agreed(data: bytes) -> tuple[list[tuple[bytes, bytes, bytes]], str]:
    """Return the requests that these bytes are, and which reader sees others, or nothing where all who accept agree."""
    readings: dict[str, list[tuple[bytes, bytes, bytes]]] = {}
    for reader in PANEL:
        try:
            readings[reader.name] = [request.asked for request in reader.requests(data)]
        except Refused:
            continue
    if not readings:
        return [], "nobody can read it" if data else ""
    first, *others = readings
    for other in others:
        if readings[other] != readings[first]:
            return readings[first], f"{first}: {readings[first]}, {other}: {readings[other]}"[:300]
    return readings[first], ""
