"""A system that writes down every byte it is sent and answers each whole request with its name and what was asked.

It reads by h11, so what it takes for a request is what a strict server would. A target named in `answers` is answered
with those very bytes instead, well formed or not.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import h11

Step = bytes | float | str
"""Bytes to send, seconds to wait, or CLOSE or RESET."""

CLOSE = "close"
RESET = "reset"

_RST = struct.pack("ii", 1, 0)


@dataclass
class Recorded:
    """One whole request; `connection` counts the edge's connections from 0, header names are in lower case."""

    connection: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    trailers: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]


class RecordingSystem:
    """`raw` has the bytes of each connection, `requests` the whole requests in the order in which they became whole.

    `faults` are requests that a strict server would refuse: the edge must never send one.
    """

    def __init__(self, name: str, answers: Mapping[str, Sequence[Step]] | None = None) -> None:
        self.name = name
        self.answers = answers or {}
        self.port = 0
        self.raw: list[bytearray] = []
        self.requests: list[Recorded] = []
        self.faults: list[str] = []
        self.open: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def everything(self) -> bytes:
        """Every byte it ever got."""
        return b"".join(self.raw)

    def forget(self) -> None:
        """Forget what came so far; connections stay."""
        for raw in self.raw:
            raw.clear()
        self.requests.clear()

    async def __aenter__(self) -> RecordingSystem:
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
        while self.open:
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, system: RecordingSystem) -> None:
        self.system = system
        self.number = len(system.raw)
        system.raw.append(bytearray())
        self.reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        self.head: Any = None
        self.body = b""
        self.playing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.system.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.system.open.discard(self)
        if self.playing is not None:
            self.playing.cancel()

    def data_received(self, data: bytes) -> None:
        self.system.raw[self.number] += data
        self.reader.receive_data(data)
        try:
            while True:
                event = self.reader.next_event()
                if isinstance(event, h11.Request):
                    self.head, self.body = event, b""
                elif isinstance(event, h11.Data):
                    self.body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self._asked(event)
                else:
                    return
        except h11.RemoteProtocolError as error:
            self.system.faults.append(str(error))
            self.transport.abort()

    def _asked(self, end: h11.EndOfMessage) -> None:
        head = self.head
        request = Recorded(
            self.number, head.method.decode(), head.target.decode(), _text(head.headers), self.body, _text(end.headers)
        )
        self.system.requests.append(request)
        steps = self.system.answers.get(request.target)
        if steps is None:
            steps = [self._plain(f"{self.system.name} {request.method} {request.target}".encode())]
        elif self.reader.their_state is h11.DONE:
            self.reader = h11.Connection(h11.SERVER)
        if any(isinstance(step, float) for step in steps):
            self.playing = asyncio.get_running_loop().create_task(self._play_slowly(steps))
        else:
            for step in steps:
                self._play(step)

    def _plain(self, body: bytes) -> bytes:
        sent = self.reader.send(
            h11.Response(status_code=200, headers=[("Content-Length", str(len(body))), ("X-System", self.system.name)])
        )
        sent += self.reader.send(h11.Data(data=body)) or b""
        sent += self.reader.send(h11.EndOfMessage()) or b""
        if self.reader.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self.reader.start_next_cycle()
        return sent

    async def _play_slowly(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                self._play(step)

    def _play(self, step: Step) -> None:
        if step == CLOSE:
            self.transport.close()
        elif step == RESET:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            self.transport.abort()
        elif isinstance(step, bytes):
            self.transport.write(step)


def _text(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
