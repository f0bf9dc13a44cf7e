"""One client's connection: reads requests one after the other, hands each to a relay, writes the answers in order.

Pipelined requests wait in the buffer until the one before is answered. What is not a request that every reader would
read alike is answered with a page and the connection is closed, after a moment in which the client may still read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

from router.edge.clearing import too_large
from router.edge.outbox import Sender
from router.edge.pages import error_reply, options, reply_bytes
from router.edge.relay import Relay
from router.errors import (
    BadRequest,
    EdgeError,
    HeadTooLarge,
    RequestTimeout,
    UriTooLong,
)
from router.headers import VIA
from router.model import METHODS, RequestView
from router.wire.body import ChunkedReader
from router.wire.grammar import EMPTY_LINES
from router.wire.head import Block, RequestHead, request_block, request_head, request_line

if TYPE_CHECKING:
    from router.edge.edge import Edge

_MOST_BUFFERED: Final = 64 * 1024
"""Bytes of pipelined requests kept while one is being answered."""

_FAREWELL: Final = 5.0
"""Seconds in which one who has said that nothing more will be sent must see something of the answer. Who half-closes
and waits looks like who closed the tab, and no system should work long for nobody."""

_LINGER: Final = 2.0
"""Seconds a refused client has to read why, while what it still sends is thrown away. RFC 9112, 9.6."""

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends RST, which no reader takes for the end of a body."""

# What the next bytes are.
_HEADS, _LENGTH, _CHUNKED, _TUNNEL, _LINGERING, _CLOSED = range(6)


class ClientConnection(Sender):
    """A protocol for asyncio. `deadline` is in the edge's seconds; `keep` says whether another request may follow."""

    __slots__ = (
        "_block", "_block_bytes", "_buffer", "_ended", "_host", "_left", "_partial", "_peer", "_reader", "_running",
        "_state", "_untaken", "_upload_mark", "_via_proxy", "address", "authority", "blocked", "deadline", "edge",
        "forwarded", "head_minor", "host", "keep", "relay", "requests", "scheme", "stopped", "trusted",
    )  # fmt: skip

    def __init__(self, edge: Edge) -> None:
        super().__init__(edge.outbox)
        self.edge = edge
        self.relay: Relay | None = None
        self.deadline = 0.0
        self.keep = True
        self.blocked = False
        """Whether the client does not take bytes as fast as they come."""
        self.stopped = False
        """Whether reading from the client is paused."""
        self.trusted = False
        """Whether the peer is a proxy whose X-Forwarded-* is believed."""
        self.scheme = "https" if edge.secure else "http"
        self.address = ""
        """The client's address: the peer's, or what a trusted proxy says."""
        self.forwarded = b""
        """The lines that tell a system about the client: made when Host or what a proxy says changes."""
        self.host = ""
        self.authority = ""
        self.requests = 0
        self.head_minor = 1
        self._peer = ""
        self._state = _HEADS
        self._buffer = b""
        self._left = 0
        self._reader: ChunkedReader | None = None
        self._block_bytes = b""
        self._block: Block | None = None
        self._host = b""
        """The Host that `forwarded` was made for."""
        self._via_proxy = False
        self._running = False
        self._ended = False
        """Whether the client has said that nothing more will be sent."""
        self._partial = False
        self._untaken = 0
        """How many bytes waited for the client when that was looked at last."""
        self._upload_mark = 0

    # --- asyncio calls these ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]).removeprefix("::ffff:") if peer else ""  # who comes by IPv4 is told of as IPv4
        self.deadline = self.edge.now + self.edge.live.limits.head_time
        if not self.edge.opened(self, self._peer):
            self._state = _CLOSED
            transport.abort()

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == _HEADS:
            if self.relay is not None or self.blocked or self._running:
                self._keep_for_later(data)
            else:
                self._read_heads(self._buffer + data if self._buffer else data)
        elif state == _TUNNEL:
            if self.relay is not None:
                self.relay.through(data)
        elif state == _LINGERING:
            pass  # thrown away
        elif state != _CLOSED:
            self._read_body(data)

    def eof_received(self) -> bool:
        """The client will send no more; one that waits for its answers may still get them."""
        self.push()
        if self._state != _HEADS or self.edge.secure:
            return False
        if self.relay is not None:
            self.keep = self.keep and bool(self._buffer)
            self.edge.loop.call_later(_FAREWELL, self._nobody_there, self.relay, self.relay.bytes_out)
        elif not self.blocked:
            return False
        self._ended = True
        return True

    def _nobody_there(self, relay: Relay, seen: int) -> None:
        """Some time after the client's last word: if nothing could be sent since, it is taken for gone."""
        if self.relay is relay and relay.bytes_out == seen and not self.blocked:
            self.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _CLOSED
        self._buffer = self._unsent = b""
        self.edge.closed(self, self._peer)
        if self.relay is not None:
            self.relay.gone()

    def pause_writing(self) -> None:
        self.blocked = True
        if self.relay is not None:
            self.relay.hold()
        else:
            self.give_time()

    def resume_writing(self) -> None:
        self.blocked = False
        self._untaken = 0
        if self.relay is not None:
            self.relay.release()
        else:
            self._next()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _keep_for_later(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _MOST_BUFFERED:
            self.stop_reading()

    def _read_heads(self, data: bytes) -> None:
        """Start one request after the other, as long as each is answered at once."""
        self._running = True
        try:
            while data and self._state == _HEADS and self.relay is None and not self.blocked:
                self._buffer = b""
                rest = self._read_head(data)
                if rest is None:
                    data = self._buffer
                    break
                data = rest
                if self._state in (_LENGTH, _CHUNKED):
                    self._read_body(data)
                    data, self._buffer = self._buffer, b""
            if self._state == _HEADS:
                self._buffer = data
                if self._ended and self.relay is None and not self.blocked:
                    self._close_softly(unread=False)
                elif self.stopped and len(data) <= _MOST_BUFFERED:
                    self.read_on()
            elif self._ended and self._state in (_LENGTH, _CHUNKED):
                self.reset()  # the rest of the body will never come
        except EdgeError as error:
            self.refuse(error, begun=data)
        finally:
            self._running = False

    def _read_head(self, data: bytes) -> bytes | None:
        """Read one head and start its relay; return the bytes behind it, or None if it is not whole yet."""
        limits = self.edge.live.limits
        if data[:2] == b"\r\n":  # RFC 9112, 2.2: empty lines before a request are passed over
            lines = EMPTY_LINES.match(data)
            assert lines is not None
            data = data[lines.end() :]
            if not data:
                return data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._check_unfinished(data)
            if not self._partial:
                self._partial = True
                self.deadline = self.edge.now + limits.head_time
            self._buffer = data
            return None
        line_end = data.find(b"\r\n")
        if line_end > limits.request_line:
            raise UriTooLong(f"the request line has more than {limits.request_line} bytes")
        if end - line_end > limits.head:
            raise HeadTooLarge(f"the header section has more than {limits.head} bytes")
        self._partial = False
        block_bytes = data[line_end + 2 : end + 2]
        block = self._block
        if block is None or block_bytes != self._block_bytes:
            block = request_block(block_bytes, limits.fields)
            self._block, self._block_bytes = block, block_bytes
            if block.host != self._host or block.forwarded or self._via_proxy:
                self._tell_about_client(block)
        try:
            head = request_head(data[:line_end], block)
        except EdgeError as error:
            self.refuse(error, block.headers.get("accept") or "", bodiless=data[:5] == b"HEAD ")
            return None
        self.head_minor = head.minor
        self.requests += 1
        self.keep = head.keep_alive and not self.edge.draining and self.requests != limits.requests
        if self._ended and len(data) == end + 4:
            self.keep = False
        self._start(head, block)
        return data[end + 4 :]

    def _check_unfinished(self, data: bytes) -> None:
        """Refuse at once what can never become a request, instead of waiting for its time to run out."""
        limits = self.edge.live.limits
        if not (0x41 <= data[0] <= 0x5A) and data != b"\r":
            raise BadRequest("a request does not begin like this")
        line_end = data.find(b"\n")
        if line_end < 0:
            if len(data) > limits.request_line:
                raise UriTooLong(f"the request line has more than {limits.request_line} bytes")
            return
        if data.count(b"\n") != data.count(b"\r\n"):
            raise BadRequest("a line ends without CRLF")
        request_line(data[: line_end - 1])
        if len(data) - line_end > limits.head:
            raise HeadTooLarge(f"the header section has more than {limits.head} bytes")

    def _start(self, head: RequestHead, block: Block) -> None:
        edge = self.edge
        trace = edge.ids.new()
        request_id = block.request_id if block.request_id and self.trusted else trace
        view = RequestView(
            METHODS.get(head.method) or head.method.decode("ascii"),
            head.path,
            block.headers,
            head.query,
            self.scheme,
            self.host,
            self.authority,
            self.address,
            edge.wall,
            request_id.decode("ascii"),
            -1,
            edge.deal,
        )
        relay = Relay(edge, self, head, view, request_id, trace)
        if self.trusted and edge.live.country_header:
            view.country = (view.headers.get(edge.live.country_header) or "").upper()
        if block.chunked or block.length > 0:
            self._expect_body(block)
        self.relay = relay
        if head.path == "*":
            relay.reply(options())
        else:
            relay.begin()

    def _expect_body(self, block: Block) -> None:
        if block.chunked:
            self._state = _CHUNKED
            self._reader = ChunkedReader(BadRequest)
        else:
            self._state = _LENGTH
            self._left = block.length
        self.read_on()  # a long pipeline may have stopped it, and the rest of this request stands behind

    def _tell_about_client(self, block: Block) -> None:
        """Work out who the client is, and the lines that say so to a system. DESIGN, 5; REQUIREMENTS, 21."""
        peer = self._peer
        scheme = "https" if self.edge.secure else "http"
        host = block.host
        chain = peer
        self.address = peer
        self.trusted = self.edge.trusts(peer)
        if self.trusted and block.forwarded:
            said = dict(block.forwarded)
            if said.get(b"x-forwarded-proto") in (b"http", b"https"):
                scheme = said[b"x-forwarded-proto"].decode("ascii")
            hops = [
                hop.strip()
                for name, value in block.forwarded
                if name == b"x-forwarded-for"
                for hop in value.decode("latin-1").split(",")
            ]
            self.address, known = self.edge.client_behind(hops, peer)
            chain = ", ".join([*known, peer])
        name = host.lower()
        if b":" in name and not name.endswith(b"]"):
            name = name[: name.rindex(b":")]
        self.scheme = scheme
        self.host = name.decode("ascii")
        self.authority = host.decode("ascii")
        self._host = host
        self._via_proxy = self.trusted
        self.forwarded = b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\nVia: %b\r\n" % (
            chain.encode("latin-1"), scheme.encode("ascii"), host, VIA,
        )  # fmt: skip

    def _read_body(self, data: bytes) -> None:
        relay = self.relay
        try:
            if self._state == _LENGTH:
                rest = b""
                if len(data) > self._left:
                    data, rest = data[: self._left], data[self._left :]
                self._left -= len(data)
                if data and relay is not None:
                    relay.body(data)
                if self._left == 0 and self._state == _LENGTH:
                    self._state = _HEADS
                    self._buffer = rest
                    if relay is not None:
                        relay.body_end(b"")
            else:
                reader = self._reader
                assert reader is not None
                pieces = reader.feed(data)
                if pieces and relay is not None:
                    relay.body(b"".join(pieces))
                if reader.done and self._state == _CHUNKED:
                    self._state = _HEADS
                    self._buffer = reader.rest
                    self._reader = None
                    if relay is not None:
                        relay.body_end(reader.trailers)
        except EdgeError as error:
            self.keep = False
            if self.relay is not None:
                self.relay.refuse(error)
            else:
                self.refuse(error)

    # --- what a relay asks for ----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes to the client, by the end of the batch at the latest."""
        if self._state != _CLOSED:
            self.put(data)

    def connection_line(self) -> bytes:
        """Return the header line that says whether the connection stays, where it must be said."""
        if not self.keep:
            return b"\r\nConnection: close\r\n"
        return b"\r\n" if self.head_minor == 1 else b"\r\nConnection: keep-alive\r\n"

    def stop_reading(self) -> None:
        """Read no more from the client until `read_on`."""
        if not self.stopped and self._state != _CLOSED:
            self.stopped = True
            assert self.transport is not None
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        if self.stopped and self._state != _CLOSED:
            self.stopped = False
            assert self.transport is not None
            self.transport.resume_reading()

    def tunnel(self) -> None:
        """From now on bytes go through as they are."""
        self._state = _TUNNEL
        rest, self._buffer = self._buffer, b""
        self.read_on()
        if rest and self.relay is not None:
            self.relay.through(rest)

    def answered(self) -> None:
        """The relay is done: read the next request, or close."""
        relay, self.relay = self.relay, None
        if self._state == _CLOSED:
            return
        if not self.keep or self.edge.draining:
            mid_body = self._state not in (_HEADS, _TUNNEL)
            self._close_softly(unread=mid_body or relay is None or bool(self._buffer) or self.stopped)
            return
        if self.blocked:
            self.give_time()  # before it may ask for more
        else:
            self._next()

    def _next(self) -> None:
        """Read the next request."""
        self.deadline = self.edge.now + self.edge.live.limits.idle
        if self._buffer and not self._running:
            self._read_heads(self._buffer)
        elif self.stopped:
            self.read_on()

    def refuse(self, error: EdgeError, accept: str = "", bodiless: bool = False, begun: bytes = b"") -> None:
        """Answer something that is no request, and close; `accept` and `bodiless` are what is known of it.

        `begun` is what has come of a head.
        """
        self.keep = False
        self.edge.ledger.error(error.reason)
        request_id = self.edge.ids.new()
        if isinstance(error, HeadTooLarge):
            reply = too_large(begun, request_id.decode("ascii"), accept)
        else:
            reply = error_reply(error.status, request_id.decode("ascii"), accept)
        self.relay = None
        self.write(reply_bytes(reply, bodiless, request_id, self.connection_line()))
        self._close_softly(unread=True)

    def judge_upload(self, so_far: int) -> None:
        """Begin a time in which the upload must keep its pace; `so_far` are the bytes of it that came."""
        self._upload_mark = so_far
        self.deadline = self.edge.now + self.edge.live.limits.body_grace

    def late_body(self) -> None:
        """The time for some of an upload is over: judge it by its rate."""
        relay = self.relay
        assert relay is not None
        limits = self.edge.live.limits
        if relay.bytes_in - self._upload_mark >= limits.body_rate * limits.body_grace:
            self.judge_upload(relay.bytes_in)
        else:
            relay.refuse(RequestTimeout(f"the request's body came slower than {limits.body_rate} bytes a second"))

    def reset(self) -> None:
        """Close so that nobody can take what was sent for the whole: by RST."""
        if self._state == _CLOSED and self.transport is None:
            return
        self._state = _CLOSED
        self.push()
        assert self.transport is not None
        handle = cast(Any, self.transport.get_extra_info("socket"))
        if handle is not None:
            with contextlib.suppress(OSError, ValueError):  # it may be closed already
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _close_softly(self, unread: bool) -> None:
        """Close when everything is sent; if the client may still be sending, give it time to read the answer."""
        self.push()
        assert self.transport is not None
        self.give_time()
        if not unread:
            self._state = _CLOSED
            self.deadline = self.edge.now + self.edge.live.limits.write_idle  # TLS does not say what waits below it
            self.transport.close()
            return
        self._state = _LINGERING
        self._buffer = b""
        self.read_on()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # --- time ---------------------------------------------------------------------------------------------------------

    def give_time(self) -> bool:
        """Let the client take what waits for it; return whether it has taken any since this was asked last."""
        assert self.transport is not None
        before, self._untaken = self._untaken, self.transport.get_write_buffer_size()
        self.deadline = self.edge.now + (self.edge.live.limits.write_idle if self._untaken else _LINGER)
        return self._untaken < before

    def late(self) -> None:
        """The deadline is over."""
        if self._untaken and self.give_time():
            return
        if self._state in (_LINGERING, _CLOSED):
            self._state = _CLOSED
            assert self.transport is not None
            self.transport.abort()
        elif self.relay is not None:
            self.relay.deadline()
        elif self._partial:
            late = RequestTimeout("the head did not arrive in time")
            self.refuse(late, bodiless=b"HEAD ".startswith(self._buffer[:5]))
        else:
            self._close_softly(unread=False)

    def rest(self) -> None:
        """Forget what was worked out for the last request: nothing was asked for a while, or the rules have changed."""
        self._block = None
        self._block_bytes = self._host = b""

    def drain(self, seconds: float) -> None:
        """Close behind the next answer; who asks nothing for so many seconds gets none.

        Not at once: the client may just have sent a request, and could not tell whether it was processed.
        """
        self.keep = False
        if not self.busy:
            self.deadline = min(self.deadline, self.edge.now + seconds)

    @property
    def busy(self) -> bool:
        """Whether a request is under way, be it that its head is coming in."""
        return self.relay is not None or self._partial
