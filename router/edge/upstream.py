"""One connection to a server: asks one thing at a time and reads the answer strictly.

An answer can never shift to the next asker: after anything doubtful (bytes that nobody asked for, a body longer or
shorter than announced, an answer before the request was out) the connection is closed, never used again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from router.edge.asker import Asker
from router.edge.outbox import Sender
from router.errors import BadResponse, ServerReset, SystemFault
from router.wire.body import ChunkedReader
from router.wire.head import UNKNOWN, response_head

if TYPE_CHECKING:
    from router.edge.pool import Server

_MAX_HEAD: Final = 64 * 1024
"""Bytes of an answer's head. Twice what clients may send: shops answer with many Set-Cookie and Link lines."""

_MAX_FIELDS: Final = 200

_MAX_INTERIMS: Final = 16
"""1xx answers to one request; early hints come once or twice."""

_TO_TAKE: Final = 10.0
"""Seconds in which a server must take the last bytes of a tunnel."""

# What the next bytes are.
_IDLE, _HEAD, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _TUNNEL = range(6)


class ServerConnection(Sender):
    """A protocol for asyncio. `used` counts the answers it gave; `idle_since` is in the loop's seconds."""

    __slots__ = (
        "_asker", "_buffer", "_counted", "_interims", "_left", "_paused", "_reader", "_state", "_trusted", "asked_at",
        "blocked", "closed", "idle_since", "server", "started", "used",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        super().__init__(server.system.outbox)
        self.server = server
        self.used = 0
        self.idle_since = 0.0
        self.blocked = False
        """Whether the server does not take bytes as fast as they come."""
        self.closed = False
        self.started = False
        """Whether any byte of the current answer came."""
        self._asker: Asker | None = None
        self._state = _IDLE
        self._buffer = b""
        self._interims = 0
        self._left = 0
        self._paused = False
        self._reader: ChunkedReader | None = None
        self._trusted = False
        self._counted = False
        """Whether the server is at work on a request of ours: it is sent, and no answer has begun."""
        self.asked_at = 0.0
        """When it was given to the asker, or the whole request was sent if that was later."""

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, asker: Asker, head: bytes) -> None:
        """Send a request's head; the answer goes to `asker`."""
        self._asker = asker
        self._state = _HEAD
        self._interims = 0
        self.started = False
        if asker.sent_all:
            self._count()
        self.put(head)

    def complete(self) -> None:
        """The whole request is sent: from now on the server is at work. A slow upload is not its work."""
        if self._state == _HEAD and not self._counted:
            self.asked_at = self.server.system.clock()
            self._count()

    def _count(self) -> None:
        self._counted = True
        self.server.system.bears.begin(self.asked_at)

    def _count_off(self, status: int) -> None:
        """An answer of this status has begun, or none will (0: nobody waits for it any more)."""
        if self._counted:
            self._counted = False
            system = self.server.system
            system.bears.end(system.clock(), self.asked_at, status)

    def send(self, data: bytes) -> None:
        """Send more of the request, or of a tunnel; `blocked` says at once whether the server takes it."""
        if not self.closed:
            self.put(data)
            self.push()

    def pause(self) -> None:
        """Read no more until `resume`: the client does not take bytes as fast as they come."""
        if not self.closed and not self._paused:
            self._paused = True
            assert self.transport is not None
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self.closed and self._paused:
            self._paused = False
            assert self.transport is not None
            self.transport.resume_reading()

    def abandon(self) -> None:
        """The asker has gone: nobody will read the rest, so the connection cannot be used again."""
        self._asker = None
        self._count_off(0)
        self.close()

    def close(self) -> None:
        """Close at once; what is unsent is lost."""
        if not self.closed:
            self.closed = True
            self._unsent = b""
            assert self.transport is not None
            self.transport.abort()

    def finish(self) -> None:
        """Close when what was written is out (the end of a tunnel), or when the server has had its time to take it."""
        self._asker = None
        if not self.closed:
            self.push()
            assert self.transport is not None
            self.transport.close()
            if self.transport.get_write_buffer_size():
                self.server.system.loop.call_later(_TO_TAKE, self.close)

    # --- asyncio calls these ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.server.open += 1  # here, because exactly then `connection_lost` follows some day
        transport.set_write_buffer_limits(high=256 * 1024)

    def data_received(self, data: bytes) -> None:
        state = self._state
        try:
            if state == _HEAD:
                self._read_head(data)
            elif state == _LENGTH:
                self._read_length(data)
            elif state == _CHUNKED:
                self._read_chunks(data)
            elif state == _IDLE:
                self.close()  # bytes that nobody asked for would be taken for the next answer
            elif self._asker is not None:
                self._asker.more(data)
        except BadResponse as error:
            self._fail(error)

    def eof_received(self) -> bool:
        return False  # close; what an early end means is decided in connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._unsent = b""
        asker, self._asker = self._asker, None
        state, self._state = self._state, _IDLE
        self.server.open -= 1
        self._count_off(502)
        self.server.lost(self, busy=state != _IDLE)
        if asker is None:
            return
        if state in (_UNTIL_CLOSE, _TUNNEL) and exc is None:
            self.server.succeeded()
            asker.ended(b"")  # the only body whose end is the connection's end. RFC 9112, 6.3
            return
        reason = "before its answer" if not self.started else "within its answer"
        error = ServerReset(f"{self.server} closed the connection {reason}", self.server)
        if state != _TUNNEL:  # how a chat ends says nothing about the next page
            self.server.failure(error)
        asker.failed(error)

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        if self._asker is not None:
            self._asker.drained()

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def _all_taken(self) -> bool:
        """Whether nothing of the request waits any more: a server that answers before it read all may not read on."""
        assert self.transport is not None
        return not self.transport.get_write_buffer_size()

    def _read_head(self, data: bytes) -> None:
        asker = self._asker
        assert asker is not None
        if self._unsent:
            self._fail(ServerReset(f"{self.server} spoke before it was asked", self.server))
            return
        self.started = True
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._check_unfinished(data)
                self._buffer = data
                return
            if end > _MAX_HEAD:
                raise BadResponse(f"the head of {self.server}'s answer is larger than {_MAX_HEAD} bytes")
            head = response_head(data[: end + 2], data.find(b"\r\n"), _MAX_FIELDS)
            body = data[end + 4 :]
            status = head.status
            if status >= 200 or status == 101:
                break
            self._interims += 1
            if self._interims > _MAX_INTERIMS:
                raise BadResponse(f"{self.server} gave more than {_MAX_INTERIMS} interim answers")
            asker.interim(head)
            if not body or self._asker is not asker:
                return
            data = body
        block = head.block
        self._count_off(status)
        if status == 101:
            if not asker.wants_upgrade or block.upgrade != b"websocket":
                raise BadResponse(f"{self.server} answered 101 unasked")
            self._state = _TUNNEL
            asker.upgraded(head, body)
            self._let_in()
            return
        self._trusted = head.keep_alive and asker.sent_all and (asker.safe or self._all_taken)
        if status == 204 and (block.chunked or block.length > 0):
            self._trusted = False  # RFC 9110, 8.6: it announces a body that cannot be, and may yet send it
        if asker.bodiless or status in (204, 304):
            self._done(clean=not body)
            asker.answered(head, b"", True)
        elif block.chunked:
            self._state = _CHUNKED
            self._reader = ChunkedReader(BadResponse)
            asker.answered(head, b"", False)
            self._let_in()
            if body and self._asker is asker:
                self._read_chunks(body)
        elif block.length != UNKNOWN:
            left = block.length - len(body)
            if left <= 0:
                self._done(clean=left == 0)
                asker.answered(head, body if left == 0 else body[:left], True)
            else:
                self._state = _LENGTH
                self._left = left
                asker.answered(head, body, False)
                self._let_in()
        else:
            self._state = _UNTIL_CLOSE
            asker.answered(head, body, False)
            self._let_in()

    def _let_in(self) -> None:
        """The answer has begun, but this connection is not free yet: another one may be, for the next in line."""
        system = self.server.system
        if system.waiting:
            system.serve_waiting()

    def _check_unfinished(self, data: bytes) -> None:
        if len(data) > _MAX_HEAD:
            raise BadResponse(f"the head of {self.server}'s answer is larger than {_MAX_HEAD} bytes")
        if not data.startswith(b"HTTP/1."[: len(data)]):
            raise BadResponse(f"{self.server} does not answer in HTTP/1.x")
        if data.count(b"\n") != data.count(b"\r\n"):
            raise BadResponse(f"a line of {self.server}'s answer ends without CRLF")

    def _read_length(self, data: bytes) -> None:
        asker = self._asker
        assert asker is not None
        self._left -= len(data)
        if self._left > 0:
            asker.more(data)
            return
        if self._left < 0:
            data = data[: self._left]
        asker.more(data)
        if self._asker is asker:
            self._done(clean=self._left == 0)
            asker.ended(b"")

    def _read_chunks(self, data: bytes) -> None:
        asker, reader = self._asker, self._reader
        assert asker is not None
        assert reader is not None
        pieces = reader.feed(data)
        if pieces:
            asker.more(b"".join(pieces))
        if reader.done and self._asker is asker:
            self._done(clean=not reader.rest)
            asker.ended(reader.trailers)

    def _done(self, clean: bool) -> None:
        """The answer is whole: give the connection back, or close it if the next answer could be in doubt."""
        self._asker = None
        self._reader = None
        self._state = _IDLE
        self.used += 1
        if self._paused:
            self.resume()  # or the pool would not notice that the server hangs up
        self.server.release(self, reusable=clean and self._trusted and not self.closed)

    def _fail(self, error: SystemFault) -> None:
        asker, self._asker = self._asker, None
        self._count_off(502)
        self.close()
        self.server.failure(error)
        if asker is not None:
            asker.failed(error)
