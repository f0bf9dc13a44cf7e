"""The gate and its two referees, llhttp and h11, each reading one message from the same bytes.

All three answer with a `Message`, or None for what they refuse or what is not whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import h11
import httptools

from router.errors import BadRequest, BadResponse, EdgeError
from router.wire.body import ChunkedReader, chunk, last_chunk
from router.wire.head import UNKNOWN, request_block, request_head, request_line, response_head

Lines = list[tuple[bytes, bytes]]

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PURGE", b"REPORT", b"PROPFIND")
"""Those of ours that llhttp knows; it refuses all others, so it gets POST instead."""


@dataclass
class Message:
    """`start` is method and target, or status; lines have their names in lower case; `used` counts the bytes read."""

    start: tuple[bytes, ...]
    lines: Lines
    body: bytes
    used: int = 0
    sent: bytes = field(default=b"", compare=False)
    """The message as it would go on."""


# --- the gate ---------------------------------------------------------------------------------------------------------


def gate_request(data: bytes) -> Message | None:
    """Read as a client's connection does."""
    end, line_end = data.find(b"\r\n\r\n"), data.find(b"\r\n")
    if end < 0:
        return None
    try:
        block = request_block(data[line_end + 2 : end + 2], 100)
        head = request_head(data[:line_end], block)
        method, target, _ = request_line(data[:line_end])
        read = _body(data[end + 4 :], block.chunked, max(block.length, 0), BadRequest)
    except EdgeError:
        return None
    if read is None:
        return None
    body, behind, trailers = read
    framing = _framing(block.chunked, block.length, body, trailers)
    sent = b"%b %b HTTP/1.1\r\n%b%b" % (method, head.target, block.forward, framing)
    return Message((method, target), _lower(block.lines), body, len(data) - behind, sent)


def gate_response(data: bytes) -> Message | None:
    """Read as a server's connection does the answer to a GET, `data` being all it ever sends."""
    end, line_end = data.find(b"\r\n\r\n"), data.find(b"\r\n")
    if end < 0:
        return None
    rest = data[end + 4 :]
    try:
        head = response_head(data[: end + 2], line_end, 200)
        if head.status < 200:
            return None
        block = head.block
        bodiless = head.status in (204, 304)
        until_close = not bodiless and not block.chunked and block.length == UNKNOWN
        length = 0 if bodiless else len(rest) if until_close else max(block.length, 0)
        read = _body(rest, block.chunked and not bodiless, length, BadResponse)
    except EdgeError:
        return None
    if read is None:
        return None
    body, behind, trailers = read
    framing = b"\r\n" if bodiless else _framing(block.chunked or until_close, block.length, body, trailers)
    sent = b"%b\r\n%b%b" % (head.start, block.forward, framing)
    return Message((b"%d" % head.status,), _lower(block.lines), body, len(data) - behind, sent)


def _body(rest: bytes, chunked: bool, length: int, error: type[EdgeError]) -> tuple[bytes, int, bytes] | None:
    """Return the body, how many bytes stand behind it, and its trailers."""
    if chunked:
        reader = ChunkedReader(error)
        body = b"".join(reader.feed(rest))
        return (body, len(reader.rest), reader.trailers) if reader.done else None
    return (rest[:length], len(rest) - length, b"") if len(rest) >= length else None


def _framing(chunked: bool, length: int, body: bytes, trailers: bytes) -> bytes:
    if chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n" + (chunk(body) if body else b"") + last_chunk(trailers)
    return (b"Content-Length: %d\r\n\r\n" % length if length != UNKNOWN else b"\r\n") + body


def _lower(lines: Lines) -> Lines:
    return [(name.lower(), value) for name, value in lines]


# --- llhttp -----------------------------------------------------------------------------------------------------------


class _Taken:
    """What llhttp calls back."""

    def __init__(self) -> None:
        self.url = b""
        self.lines: Lines = []
        self.body = b""
        self.headed = False
        self.whole = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headed:  # what comes later is a trailer
            self.lines.append((name.lower(), (value or b"").strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole += 1


def llhttp_request(data: bytes) -> Message | None:
    method, _, rest = data.partition(b" ")
    known = method if method in _METHODS else b"POST"
    taken = _Taken()
    parser = httptools.HttpRequestParser(taken)
    try:
        parser.feed_data(known + b" " + rest)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return None
    return Message((method, taken.url), taken.lines, taken.body, len(data)) if taken.whole == 1 else None


def llhttp_response(data: bytes) -> Message | None:
    taken = _Taken()
    parser = httptools.HttpResponseParser(taken)
    try:
        parser.feed_data(data)
    except httptools.HttpParserError:
        return None
    if not taken.headed or taken.whole > 1:
        return None
    return Message((b"%d" % parser.get_status_code(),), taken.lines, taken.body, len(data))


# --- h11 --------------------------------------------------------------------------------------------------------------


def h11_request(data: bytes) -> Message | None:
    return _h11(h11.Connection(h11.SERVER), data, ended=False)


def h11_response(data: bytes) -> Message | None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "shop.test")]))
    connection.send(h11.EndOfMessage())
    return _h11(connection, data, ended=True)


def _h11(connection: h11.Connection, data: bytes, ended: bool) -> Message | None:
    head: Any = None
    body = b""
    connection.receive_data(data)
    if ended:
        connection.receive_data(b"")
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, (h11.Request, h11.Response)):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return None
    except h11.RemoteProtocolError:
        return None
    assert head is not None
    start = (head.method, head.target) if isinstance(head, h11.Request) else (b"%d" % head.status_code,)
    used = len(data) - len(connection.trailing_data[0])
    return Message(start, [(bytes(name), bytes(value)) for name, value in head.headers], body, used)
