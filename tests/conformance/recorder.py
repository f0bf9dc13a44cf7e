"""A system that keeps every byte it is sent, takes what anybody could take for a request, and answers that.

The edge's own specs use `tests.edge.recording`, which refuses what a strict server would: behind other proxies that
would hide what they let through.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tests.conformance.readers import PERMITTED, Refused, Request, agreed
from tests.edge.recording import CLOSE, RESET, Step

_RST = struct.pack("ii", 1, 0)


@dataclass
class Recorder:
    """`hostile` are the steps that it answers `/hostile` with; else it says its name and what was asked."""

    name: str
    port: int = 0
    hostile: Sequence[Step] = ()
    open: set[_Connection] = field(default_factory=set)
    ended: list[bytes] = field(default_factory=list)
    """What came by connections that are gone."""
    _server: asyncio.Server | None = None

    @property
    def raw(self) -> list[bytes]:
        """The bytes of each connection since `forget`."""
        return [raw for raw in (*self.ended, *(bytes(one.raw) for one in self.open)) if raw]

    @property
    def requests(self) -> list[Request]:
        """The requests of all connections, as everybody reads them who accepts them."""
        found: list[Request] = []
        for raw in self.raw:
            try:
                found += PERMITTED.requests(raw)
            except Refused:
                continue
        return found

    @property
    def disputed(self) -> str:
        """What two readers make of the same bytes, or nothing."""
        return next((what for raw in self.raw if (what := agreed(raw)[1])), "")

    def forget(self) -> None:
        """Forget what came; a connection in the middle of something is ended."""
        self.ended.clear()
        for connection in list(self.open):
            if connection.told < len(connection.raw) or connection.playing is not None:
                connection.transport.abort()
            connection.raw.clear()
            connection.told = 0

    async def __aenter__(self) -> Recorder:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.transport.abort()
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, system: Recorder) -> None:
        self.system = system
        self.raw = bytearray()
        self.told = 0
        """Bytes up to which requests have been answered."""
        self.playing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.system.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.system.open.discard(self)
        self.system.ended.append(bytes(self.raw))
        if self.playing is not None:
            self.playing.cancel()

    def data_received(self, data: bytes) -> None:
        self.raw += data
        try:
            requests = PERMITTED.requests(bytes(self.raw[self.told :]))
        except Refused:
            self.transport.write(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()
            return
        start = self.told
        for request in requests:
            self.told = start + request.end
            self._answer(request)

    def _answer(self, request: Request) -> None:
        if request.target == b"/hostile":
            self.playing = asyncio.get_running_loop().create_task(self._play(self.system.hostile))
            return
        body = b"%b %b %b" % (self.system.name.encode(), request.method, request.target)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-System: %b\r\n\r\n" % (len(body), self.system.name.encode())
        self.transport.write(head + (b"" if request.method == b"HEAD" else body))

    async def _play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif step == CLOSE:
                self.transport.close()
            elif step == RESET:
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                self.transport.abort()
            elif isinstance(step, bytes):
                self.transport.write(step)
        self.playing = None
