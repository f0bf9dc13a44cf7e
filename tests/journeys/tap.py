"""A relay between the edge and a system that keeps every byte: what a system received is proven by this alone."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_HEAD = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\S+) HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL)
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on top of a message: the path of a request or the status of an answer, and its header lines."""

    first: str
    lines: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name]


class Recorder:
    """Listens at `url`, relays to a system, remembers what went to it and what came from it."""

    def __init__(self, name: str, target: str) -> None:
        parts = urlsplit(target)
        self.name = name
        self._target = (parts.hostname, parts.port)
        self._streams: list[tuple[bytearray, bytearray]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def received(self) -> bytes:
        """Return every byte that the system was sent."""
        return b"\n".join(bytes(there) for there, _ in self._streams)

    def sent(self) -> bytes:
        """Return every byte that the system answered."""
        return b"\n".join(bytes(back) for _, back in self._streams)

    def requests(self) -> list[Head]:
        """Return the heads of all requests but the edge's own, by which it sees whether the system is well."""
        return [head for head in _heads(_HEAD, self.received()) if head.first != "/healthz"]

    def answers(self) -> list[Head]:
        return _heads(_ANSWER, self.sent())

    def forget(self) -> None:
        """Begin anew; connections that are open go on."""
        for there, back in self._streams:
            there.clear()
            back.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                system = socket.create_connection(self._target, timeout=30)
            except OSError:
                client.close()
                continue
            system.settimeout(None)
            there, back = bytearray(), bytearray()
            self._streams.append((there, back))
            for source, sink, kept in ((client, system, there), (system, client, back)):
                threading.Thread(target=_pump, args=(source, sink, kept), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            kept += piece
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()


def _heads(pattern: re.Pattern[bytes], content: bytes) -> list[Head]:
    return [
        Head(
            found[1].decode("latin-1"),
            tuple(
                (name.strip().lower(), value.strip())
                for name, _, value in (line.partition(":") for line in found[2].decode("latin-1").split("\r\n"))
            ),
        )
        for found in pattern.finditer(content)
    ]
