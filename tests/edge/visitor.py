"""A visitor who speaks HTTP byte by byte and reads answers strictly: what a browser would call broken fails.

`answer()` raises Truncated when an answer ends before it is whole, whether by the connection's end or by a reset: the
specs ask for exactly that where a system fails in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, field

TIMEOUT = 5.0
"""Seconds that a spec waits for anything at all; none should ever come near it."""

_RESET = struct.pack("ii", 1, 0)


class Truncated(Exception):
    """The answer under way is not whole, and the visitor can see it; `got` is what came of its body."""

    def __init__(self, how: str, got: bytes = b"") -> None:
        super().__init__(f"{how} after {len(got)} bytes of the body")
        self.how = how
        self.got = got


class Ended(Exception):
    """The connection ended where an answer could have begun."""


@dataclass
class Answer:
    """One answer: `interim` are the 1xx heads before it, `framing` is length, chunked, close or none."""

    status: int
    reason: str
    lines: list[tuple[str, str]]
    body: bytes = b""
    framing: str = "none"
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list[Answer] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """The value of the only line with this name."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.lines if known.lower() == name.lower()]

    @property
    def keeps(self) -> bool:
        """Whether the edge says that the connection stays."""
        return self.get("connection") != "close"


def request(target: str = "/", method: str = "GET", *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """The bytes of a request; a body brings its Content-Length unless a line frames it otherwise."""
    head = [f"{method} {target} HTTP/{version}"]
    if not any(line.lower().startswith("host:") for line in lines):
        head.append("Host: shop.example")
    head += lines
    framed = any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines)
    if (body or method in ("POST", "PUT", "PATCH")) and not framed:
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


class Visitor:
    """One client connection, open from `Visitor.come` until `leave`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def come(
        cls, port: int, tls: ssl.SSLContext | None = None, small: bool = False, host: str = "127.0.0.1"
    ) -> Visitor:
        """Connect; `small` asks for the smallest receive buffer, so that a visitor who does not read is felt soon."""
        plug = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if small:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, (host, port))
        reader, writer = await asyncio.open_connection(
            sock=plug, ssl=tls, server_hostname="shop.example" if tls else None, limit=1 << 16
        )
        return cls(reader, writer)

    @property
    def address(self) -> tuple[str, int]:
        name: tuple[str, int] = self.writer.get_extra_info("sockname")
        return name

    async def send(self, data: bytes) -> None:
        """Send bytes and wait until the kernel has most of them."""
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), TIMEOUT)

    async def ask(self, target: str = "/", method: str = "GET", *lines: str, body: bytes = b"") -> Answer:
        """Send one request and read its answer."""
        await self.send(request(target, method, *lines, body=body))
        return await self.answer(method)

    async def answer(self, method: str = "GET") -> Answer:
        """Read the next answer. Raises Truncated, Ended."""
        async with asyncio.timeout(TIMEOUT):
            answer = await self.head()
            await self._body(answer, method)
        return answer

    async def head(self) -> Answer:
        """Read the next final head, with the interim ones before it."""
        interim: list[Answer] = []
        while True:
            answer = await self._one_head()
            if answer.status >= 200 or answer.status == 101:
                answer.interim = interim
                return answer
            interim.append(answer)

    async def _one_head(self) -> Answer:
        try:
            raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), TIMEOUT)
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise Truncated("eof", b"") from end
            raise Ended("eof") from end
        except ConnectionError as reset:
            raise Ended("reset") from reset
        start, *lines = raw[:-4].decode("latin-1").split("\r\n")
        version, status, reason = start.split(" ", 2)
        assert version == "HTTP/1.1", start
        pairs = [line.split(":", 1) for line in lines]
        return Answer(int(status), reason, [(name, value.strip()) for name, value in pairs])

    async def _body(self, answer: Answer, method: str) -> None:
        lengths, codings = answer.all("content-length"), answer.all("transfer-encoding")
        assert not (lengths and codings), "two framings"
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        if codings:
            assert codings == ["chunked"]
            answer.framing = "chunked"
            async for piece in self.chunks(answer):
                answer.body += piece
        elif lengths:
            answer.framing = "length"
            answer.body = await self.exactly(int(lengths[0]))
        else:
            answer.framing = "close"
            try:
                while piece := await self.reader.read(65536):
                    answer.body += piece
            except ConnectionError as reset:
                raise Truncated("reset", answer.body) from reset

    async def chunks(self, answer: Answer | None = None):
        """Yield the pieces of a chunked body as they come; leave its trailers in `answer`."""
        while True:
            try:
                size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
                if not size:
                    break
                piece = await self.reader.readexactly(size + 2)
            except (asyncio.IncompleteReadError, ConnectionError) as end:
                how = "reset" if isinstance(end, ConnectionError) else "eof"
                raise Truncated(how, answer.body if answer else b"") from end
            assert piece.endswith(b"\r\n")
            yield piece[:-2]
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            name, value = line[:-2].decode("latin-1").split(":", 1)
            if answer is not None:
                answer.trailers.append((name, value.strip()))

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes. Raises Truncated."""
        try:
            return await asyncio.wait_for(self.reader.readexactly(size), TIMEOUT)
        except asyncio.IncompleteReadError as end:
            raise Truncated("eof", end.partial) from end
        except ConnectionError as reset:
            raise Truncated("reset") from reset

    async def end(self) -> str:
        """Wait for the connection's end: eof, or reset. Fails if anything else still comes."""
        try:
            more = await asyncio.wait_for(self.reader.read(1000), TIMEOUT)
        except ConnectionError:
            return "reset"
        assert more == b"", f"more came: {more!r}"
        return "eof"

    def half_close(self) -> None:
        """Say that nothing more will be sent; answers are still welcome."""
        self.writer.write_eof()

    def vanish(self) -> None:
        """Be gone at once, by a reset: what a phone does that loses its network and comes back."""
        plug = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError, ValueError):  # it may be closed already
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()

    async def leave(self) -> None:
        """Close in an orderly way."""
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), 1)
