"""As much of an HTTP server as a light system needs: heads and bodies of an edge that sends nothing odd.

It is small so that 1,000 shoppers fit on a laptop beside the edge, which is what is tried here.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import uvloop

REASONS = {200: "OK", 303: "See Other", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


@dataclass(slots=True)
class Asked:
    """One request. Names of headers are in lower case; of cookies that came twice the first counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def cookies(self) -> dict[str, str]:
        return cookies_of(self.headers.get("cookie", ""))


@dataclass(slots=True)
class Answer:
    """One response; `after` is how many seconds it waits once it is made, as a slow page does."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    kind: str = "text/html; charset=utf-8"
    after: float = 0.0

    def set_cookie(self, name: str, value: str, *attributes: str) -> None:
        self.headers.append(("Set-Cookie", "; ".join([f"{name}={value}", "Path=/", *attributes])))

    def encoded(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS[self.status]}", f"Content-Type: {self.kind}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


Handler = Callable[[Asked], Awaitable[Answer]]


def cookies_of(line: str) -> dict[str, str]:
    """Return the cookies of a Cookie header, as lax as real systems are."""
    found: dict[str, str] = {}
    for pair in line.split(";"):
        name, _, value = pair.strip().partition("=")
        if name:
            found.setdefault(name, value)
    return found


class Connection(asyncio.Protocol):
    """One connection of the edge; requests are answered in order."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.task is None:
            self._next()

    def _next(self) -> None:
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        asked = Asked(method, path, dict(parse_qsl(query)), headers, rest[:length])
        self.task = asyncio.ensure_future(self._answer(asked))

    async def _answer(self, asked: Asked) -> None:
        answer = await self.handle(asked)
        if answer.after:
            await asyncio.sleep(answer.after)
        if self.transport is not None:
            self.transport.write(answer.encoded())
        self.task = None
        self._next()


async def _serve(handle: Handler, port: int, background: Iterable[Callable[[], Awaitable[None]]]) -> None:
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", port), backlog=4096, reuse_port=True)
    server = await loop.create_server(lambda: Connection(handle), sock=listening)
    tasks = [asyncio.ensure_future(work()) for work in background]
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    for task in tasks:
        task.cancel()
    server.close()


def serve(handle: Handler, port: int, *background: Callable[[], Awaitable[None]]) -> None:
    """Answer on 127.0.0.1:`port` until SIGTERM, with `background` running beside."""
    uvloop.run(_serve(handle, port, background))
