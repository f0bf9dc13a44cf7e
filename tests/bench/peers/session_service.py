"""The session service that nginx and Envoy ask: as small and as fast as Python has it.

It answers 200 with the token of the session that the cookie names. A cookie is verified once and a token signed once,
with the same libraries as the edge's; after that a request costs it two looks into its bytes and one into a dict.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop

from sessions import keyfile
from sessions.cookie import unseal
from sessions.errors import BadCookie
from sessions.model import Policy
from sessions.token import mint

NAME = b"inseam="
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n"


ring = keyfile.load(sys.argv[2])
policy = Policy()
answers: dict[bytes, bytes] = {}


class Connection(asyncio.Protocol):
    """One connection of the proxy, which sends one request at a time and no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.buffer.endswith(b"\r\n\r\n"):
            return
        begin = self.buffer.find(NAME)
        cookie = self.buffer[begin + len(NAME) : self.buffer.find(b"\r\n", begin)].partition(b";")[0]
        self.buffer = b""
        answer = answers.get(cookie) if begin >= 0 else ANSWER % b""
        self.transport.write(answer or self.first(cookie))  # type: ignore[attr-defined]

    def first(self, cookie: bytes) -> bytes:
        """Return the answer for a cookie that was not seen before."""
        now = int(time.time())
        try:
            token, _ = mint(unseal(cookie, ring, now), "commerce", {}, ring, now, policy)
        except BadCookie:
            return ANSWER % b""
        answer = answers[cookie] = ANSWER % (b"Inseam-Session: %b\r\n" % token)
        return answer


async def serve(port: int) -> None:
    """Answer until told to stop."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Connection, "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
