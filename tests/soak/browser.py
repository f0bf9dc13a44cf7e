"""A shopper's browser: six connections that are kept, and a cookie jar as RFC 6265 describes it, for one host."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz

MOST_CONNECTIONS = 6
"""To one host, as browsers do over HTTP/1.1."""

PATIENCE = 15.0
"""Seconds until an answer counts as not coming."""

HEADERS = (
    "Host: {host}\r\nConnection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"\r\nsec-ch-ua-mobile: ?0\r\n'
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36\r\n"
    "Accept: {accept}\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.7\r\nX-Shopper: {shopper}\r\n"
)
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "mode": "navigate", "dest": "document"}
FILE = {"accept": "*/*", "mode": "no-cors", "dest": "image"}
SCRIPT = {"accept": "application/json", "mode": "same-origin", "dest": "empty"}


class Cut(Exception):
    """The connection ended before the answer was whole."""


@dataclass(slots=True)
class Received:
    """One answer. Names of headers are in lower case; `cookies` has the Set-Cookie lines, in order."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes
    took: float = 0.0


@dataclass(slots=True)
class Jar:
    """Cookies of one host by (name, path). The path counts only for what replaces what: all our pages are below `/`."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def header(self) -> str:
        """Return the value of a Cookie header, empty for none."""
        return "; ".join(f"{name}={value}" for (name, _), value in self.kept.items())

    def take(self, line: str, now: float) -> None:
        """Do what a Set-Cookie line says."""
        pair, *attributes = line.split(";")
        name, _, value = pair.strip().partition("=")
        path, gone = "/", False
        aged = False
        for attribute in attributes:
            word, _, said = attribute.strip().partition("=")
            word = word.lower()
            if word == "path" and said.startswith("/"):
                path = said
            elif word == "max-age":  # counts more than Expires
                gone, aged = int(said) <= 0, True
            elif word == "expires" and not aged:
                parsed = parsedate_tz(said)
                gone = parsed is not None and mktime_tz(parsed) <= now
        if gone:
            self.kept.pop((name, path), None)
        else:
            self.kept[name, path] = value

    def get(self, name: str) -> str:
        """Return what a cookie holds, empty for none."""
        return next((value for (known, _), value in self.kept.items() if known == name), "")


class Line(asyncio.Protocol):
    """One connection: one question at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self.buffer = b""
        self.waiting: asyncio.Future[Received] | None = None
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._fail(Cut(str(error) if error else "closed"))

    def _fail(self, error: Exception) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for line in lines:
            name, _, value = line.partition(":")
            if (name := name.lower()) == "set-cookie":
                cookies.append(value.strip())
            else:
                headers[name] = value.strip()
        status = int(first.split(" ", 2)[1])
        if "transfer-encoding" in headers:
            self._fail(ValueError("chunks, which none of our systems sends"))
            return
        length = 0 if status in (204, 304) else int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.closing = headers.get("connection", "").lower() == "close"
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(Received(status, headers, cookies, rest))

    async def ask(self, request: bytes) -> Received:
        """Send a request and return its answer. Raises Cut, TimeoutError."""
        if self.transport is None:
            raise Cut("closed")
        self.waiting = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self.transport.write(request)
        async with asyncio.timeout(PATIENCE):
            received = await self.waiting
        received.took = time.perf_counter() - began
        return received

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class Browser:
    """One shopper's: every tab of it shares the jar and the connections."""

    def __init__(self, port: int, shopper: str) -> None:
        self.port = port
        self.shopper = shopper
        self.jar = Jar()
        self.page = ""
        """The path of the page that is open, for Referer."""
        self._idle: list[Line] = []
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)

    async def ask(self, method: str, path: str, kind: dict[str, str], form: str = "") -> Received:
        """Ask, and keep the cookies of the answer. Raises Cut, OSError, TimeoutError."""
        async with self._places:
            line = await self._line()
            try:
                received = await line.ask(self._request(method, path, kind, form))
            except BaseException:
                line.close()
                raise
            if line.closing:
                line.close()
            else:
                self._idle.append(line)
        now = time.time()
        for cookie in received.cookies:
            self.jar.take(cookie, now)
        return received

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.transport is not None:
                return line
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            _, line = await loop.create_connection(Line, "127.0.0.1", self.port)
        return line

    def _request(self, method: str, path: str, kind: dict[str, str], form: str) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\n{HEADERS.format(host='shop.example', shopper=self.shopper, **kind)}"
        if self.page:
            head += f"Referer: http://shop.example{self.page}\r\n"
        if cookies := self.jar.header():
            head += f"Cookie: {cookies}\r\n"
        if method == "POST":
            head += (
                "Origin: http://shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(form)}\r\n"
            )
        return f"{head}\r\n{form}".encode("latin-1")

    def rest(self) -> None:
        """Let the idle connections go, as browsers do after a while."""
        for line in self._idle:
            line.close()
        self._idle.clear()
