"""What clients cost that have asked once and now only keep their connection: 10,000 of them, bytes of memory."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.bench import machine
from tests.bench.proxies import Proxy
from tests.bench.running import HOST, Failed, Running, a_place, ask, prove, started
from tests.bench.table import markdown, verdict

CLIENTS = 10_000
MOST_MEMORY = 120 * 2**20
SOURCES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
"""Clients come from several addresses: one alone may have too few ports left for all of them."""
SPARE_FILES = 100
SETTLE_SECONDS = 1.0

REQUEST = """GET /catalogue/linen-shirt-%d/ HTTP/1.1
Host: %s
Connection: keep-alive
sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Sec-Fetch-Dest: document
Referer: https://shop.example/category/shirts/?page=%d
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7
Cookie: consent=all; theme=light; csrftoken=9f1c2b7de04a4c55; cart_count=3; visitor=%d

"""
"""What each client asks once: a browser's 15 headers, with a path, Referer and Cookie of its own."""


def run(proxies: Sequence[Proxy], say: Callable[[str], None]) -> str:
    """Hold 10,000 idle clients on each proxy in turn; return the table and what the limit says, as Markdown."""
    rows, verdicts = [], []
    for proxy in proxies:
        try:
            with a_place() as place, started(proxy, place) as running:
                prove(running)
                base, alive, grown = held(running, CLIENTS)
        except Failed as error:
            rows.append([f"{proxy.title} ({error})", *["-"] * 4])
            continue
        finally:
            say(f"{proxy.title}: idle clients measured")
        rows.append(
            [
                proxy.title,
                f"{alive:,}",
                f"{base / 2**20:.1f}",
                f"{grown / 2**20:.1f}",
                f"{grown / max(alive, 1) / 2**10:.1f}",
            ]
        )
        if proxy.family == "edge":
            title = f"{proxy.title}, memory for {CLIENTS:,} idle clients"
            verdicts.append(verdict(title, grown / 2**20, MOST_MEMORY / 2**20, " MB"))
            if alive < CLIENTS:
                verdicts.append(f"- {proxy.title}: only {alive:,} of them were still connected: MISSED")
    table = markdown(["proxy", "clients held", "base MB", "more MB", "KB each"], rows)
    return "\n".join([f"### {CLIENTS:,} idle keep-alive clients, after one request each\n", table, "", *verdicts])


def held(running: Running, clients: int) -> tuple[int, int, int]:
    """Return the memory before, how many clients were still connected at the end, and by how much the memory grew."""
    limit = machine.allow_open_files()
    if limit < clients + SPARE_FILES:
        raise Failed(f"{clients:,} clients need more open files than the {limit:,} allowed: raise ulimit -Hn")
    for _ in range(SPARE_FILES):
        ask(running.url)
    base = machine.resident(running.pid)
    with idle_clients(running.port, clients) as connections:
        time.sleep(SETTLE_SECONDS)
        return base, sum(map(still_open, connections)), machine.resident(running.pid) - base


@contextmanager
def idle_clients(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Open connections, ask once on each, read the answer, and keep them until the block ends. Raises Failed."""
    connections: list[socket.socket] = []
    try:
        for number in range(count):
            try:
                connection = socket.create_connection(
                    ("127.0.0.1", port), timeout=10, source_address=(SOURCES[number % len(SOURCES)], 0)
                )
                connections.append(connection)
                connection.sendall((REQUEST % (number, HOST, number, number)).replace("\n", "\r\n").encode())
                _read_answer(connection)
            except (OSError, ValueError) as error:
                raise Failed(f"client {number + 1:,} of {count:,} was not served: {error}") from error
        yield connections
    finally:
        for connection in connections:
            connection.close()


def _read_answer(connection: socket.socket) -> None:
    """Read one answer with Content-Length or in chunks, no more. Raises ValueError where it ends early."""
    answer = b""
    while True:
        head, blank, body = answer.partition(b"\r\n\r\n")
        if blank:
            lines = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
            length = lines.get(b"content-length")
            if body.endswith(b"0\r\n\r\n") if length is None else len(body) >= int(length):
                return
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the connection was closed")
        answer += piece


def still_open(connection: socket.socket) -> bool:
    """Whether the other end has neither closed nor sent anything."""
    try:
        connection.settimeout(0)
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
