"""A channel of messages over a socket pair: four bytes of length, then msgpack."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final, Generic, TypeVar

import msgspec

In = TypeVar("In")

_LENGTH: Final = 4


class Channel(Generic[In]):
    """One end of the channel. `incoming` is the union of the messages that the other end sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, incoming: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._decode = msgspec.msgpack.Decoder(incoming).decode
        self._encode = msgspec.msgpack.Encoder().encode

    @classmethod
    async def over(cls, sock: socket.socket, incoming: Any) -> Channel[In]:
        """Return the channel over one end of a socket pair, which it owns from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        return cls(reader, writer, incoming)

    def send(self, message: msgspec.Struct) -> None:
        """Send a message without waiting; if the other end is gone, that shows in `receive`."""
        if not self._writer.is_closing():
            data = self._encode(message)
            self._writer.write(len(data).to_bytes(_LENGTH, "big"))
            self._writer.write(data)

    async def flush(self) -> None:
        """Wait until what was sent is on its way."""
        try:
            await self._writer.drain()
        except ConnectionError:
            return

    async def receive(self) -> In | None:
        """Return the next message, None when the other end is gone, or speaks as another version of Inseam does."""
        try:
            size = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            message: In = self._decode(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
            return None
        return message

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
