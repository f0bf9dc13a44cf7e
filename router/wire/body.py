"""Bodies: the chunked coding, read strictly and written anew. RFC 9112, 7.1."""

from __future__ import annotations

from typing import Final

from router.errors import EdgeError
from router.wire import grammar
from router.wire.head import only_ours

_MAX_LINE: Final = 512
"""Bytes of a chunk's first line, extensions included; nobody sends longer ones in good faith."""

_MAX_TRAILERS: Final = 8 * 1024

LAST_CHUNK: Final = b"0\r\n\r\n"

_FORBIDDEN_TRAILERS: Final = frozenset(
    (b"cookie", b"set-cookie", b"authorization", b"content-type", b"content-encoding", b"content-range",
     b"cache-control", b"location", b"vary", b"age", b"range", b"if-match", b"if-none-match", b"if-modified-since",
     b"if-unmodified-since", b"if-range", b"date", b"expires", b"pragma", b"max-forwards", b"tracestate", b"origin",
     b"referer", b"accept", b"user-agent", b"www-authenticate", b"retry-after", b"x-sendfile"),
)  # fmt: skip
"""Fields that would change how a message is routed, authorised or cached, beside those that only the edge may say and
those of framing (`head.only_ours`). RFC 9110, 6.5.1."""


class ChunkedReader:
    """Takes the bytes of a chunked body as they come and gives its data.

    `error` is the class raised for a body that is not well formed (BadRequest or BadResponse). `done` is set after the
    last chunk and its trailers; `rest` then holds the bytes behind the body, `trailers` its fields as wire bytes.
    """

    __slots__ = ("_buffer", "_error", "_left", "_trailer_size", "done", "rest", "trailers")

    def __init__(self, error: type[EdgeError]) -> None:
        self._error = error
        self._buffer = b""
        self._left = -1
        """Bytes of the current chunk still to come; 0: its closing CRLF; -1: a size line; -2: trailers."""
        self._trailer_size = 0
        self.done = False
        self.rest = b""
        self.trailers = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces of data that these bytes complete. Raises the error class given."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        pieces: list[bytes] = []
        place, end = 0, len(data)
        while place < end:
            if self._left > 0:
                piece = data[place : place + self._left] if place or end > self._left else data
                pieces.append(piece)
                self._left -= len(piece)
                place += len(piece)
                continue
            if self._left == 0:
                if end - place < 2:
                    if data[place] != 0x0D:
                        raise self._error("a chunk does not end where its size says")
                    break
                if data[place : place + 2] != b"\r\n":
                    raise self._error("a chunk does not end where its size says")
                place += 2
                self._left = -1
                continue
            line_end = data.find(b"\r\n", place)
            if line_end < 0:
                self._check_unfinished(data, place)
                break
            if self._left == -1:
                self._left = self._size(data, place, line_end) or -2
                place = line_end + 2
                continue
            if line_end == place:
                self.done = True
                self.rest = data[place + 2 :]
                return pieces
            self._trailer(data[place : line_end + 2])
            place = line_end + 2
        self._buffer = data[place:]
        return pieces

    def _size(self, data: bytes, start: int, end: int) -> int:
        if end - start > _MAX_LINE:
            raise self._error("a chunk's first line is too long")
        found = grammar.CHUNK_SIZE.fullmatch(data, start, end)
        if found is None:
            raise self._error("a chunk size is malformed")
        return int(found[1], 16)

    def _check_unfinished(self, data: bytes, place: int) -> None:
        """Refuse at once what can never become a well-formed line, so that no bad byte waits in a buffer."""
        limit = _MAX_LINE if self._left == -1 else _MAX_TRAILERS
        if len(data) - place > limit:
            raise self._error("a line of the chunked coding is too long")
        if b"\n" in data[place:] or b"\r" in data[place:-1]:
            raise self._error("a line of the chunked coding ends without CRLF")
        if self._left == -1 and not grammar.CHUNK_BEGUN.match(data, place):
            raise self._error("a chunk size is malformed")

    def _trailer(self, line: bytes) -> None:
        self._trailer_size += len(line)
        if self._trailer_size > _MAX_TRAILERS:
            raise self._error("the trailers are too large")
        found = grammar.FIELD.fullmatch(line)
        if found is None:
            raise self._error("a trailer line is malformed")
        name = found[1].lower()
        if name in (b"content-length", b"transfer-encoding"):
            raise self._error("a trailer speaks of framing")
        if name in _FORBIDDEN_TRAILERS or only_ours(name):
            return
        self.trailers += found[1] + b": " + found[2].rstrip(b" \t") + b"\r\n"


def chunk(data: bytes) -> bytes:
    """Return data as one chunk; data must not be empty, or it would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: bytes = b"") -> bytes:
    """Return the end of a chunked body with these trailer lines."""
    return b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK
