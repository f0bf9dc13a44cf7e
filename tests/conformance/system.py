"""The system behind floods and changes, a process of its own: `python -m tests.conformance.system PORT`.

/page            4 KB at once               /big      8 MB, as fast as they are taken
/slow            4 KB after two seconds     /deaf     its body is never read, and never answered
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

PAGE, PIECE = b"." * 4096, b"." * 65536
BIG = 8 << 20
SLOW_SECONDS = 2.0
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.data = b""
        self.body = 0
        """Bytes of a body that are still to come."""
        self.left = 0
        """Bytes of a big answer that are still to be sent."""
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._send_more()

    def _send_more(self) -> None:
        while self.left and not self.paused and not self.transport.is_closing():
            self.left -= len(PIECE)
            self.transport.write(PIECE)

    def _late(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_HEAD % len(PAGE) + PAGE)

    def data_received(self, data: bytes) -> None:
        if self.body:
            taken = min(self.body, len(data))
            self.body -= taken
            data = data[taken:]
            if not self.body:
                self.transport.write(_HEAD % len(PAGE) + PAGE)
        self.data += data
        while not self.body and (end := self.data.find(b"\r\n\r\n")) >= 0:
            head, self.data = self.data[:end], self.data[end + 4 :]
            self.asked(head)

    def asked(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1]
        length = _LENGTH.search(head)
        if target == b"/deaf":
            self.transport.pause_reading()
        elif target == b"/slow":
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._late)
        elif length and int(length[1]) > len(self.data):
            self.body = int(length[1]) - len(self.data)
            self.data = b""
        else:
            self.data = self.data[int(length[1]) if length else 0 :]
            if target == b"/big":
                self.left += BIG
                self.transport.write(_HEAD % BIG)
                self._send_more()
            else:
                self.transport.write(_HEAD % len(PAGE) + PAGE)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
