"""What large bodies cost: 1 GB down and up, with and without Content-Length, slow readers; peak of memory, bytes."""

from __future__ import annotations

import http.client
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench import machine
from tests.bench.proxies import Proxy
from tests.bench.running import HOST, Failed, Running, a_place, ask, started
from tests.bench.table import markdown, verdict

SIZE = 2**30
BLOCK = 64 * 1024
MOST_MEMORY = 16 * 2**20
SLOW_SECONDS = 3.0
PAUSE = 0.02
UNREAD = 150
MOST_UNREAD_MEMORY = 128 * 2**20
WAIT_SECONDS = 600.0

Transfer = Callable[[Running], None]


def _connect(running: Running) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", running.port, timeout=WAIT_SECONDS)


def download(running: Running, *, chunked: bool = False, slow: float = 0) -> None:
    """Read 1 GB, for the first `slow` seconds with pauses. Raises Failed when less comes."""
    connection = _connect(running)
    if slow:  # a small window, so that the system's kernel cannot swallow the pauses
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK)
        connection.sock.connect(("127.0.0.1", running.port))
    connection.request("GET", f"/down?bytes={SIZE}{'&chunked=1' if chunked else ''}", headers={"Host": HOST})
    response = connection.getresponse()
    buffer, count, began = bytearray(BLOCK), 0, time.monotonic()
    while read := response.readinto(buffer):
        count += read
        if slow and time.monotonic() - began < slow:
            time.sleep(PAUSE)
    connection.close()
    if (response.status, count) != (200, SIZE):
        raise Failed(f"status {response.status} and {count:,} bytes instead of 1 GB")


def upload(running: Running, *, chunked: bool = False, slow: float = 0) -> None:
    """Send 1 GB to a system that for `slow` seconds reads slowly. Raises Failed when the system counts less."""

    def body() -> Iterator[bytes]:
        block = bytes(BLOCK)
        for _ in range(SIZE // BLOCK):
            yield block

    connection = _connect(running)
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(SIZE)}
    target = f"/up?slow={slow}" if slow else "/up"
    connection.request("POST", target, body(), {"Host": HOST, **length}, encode_chunked=chunked)
    response = connection.getresponse()
    counted = response.read()
    connection.close()
    if (response.status, counted) != (200, str(SIZE).encode()):
        raise Failed(f"status {response.status}, the system counted {counted[:20]!r} bytes instead of 1 GB")


def unread(running: Running) -> None:
    """Ask for 1 GB on each of 150 connections and read nothing."""
    with ExitStack() as stack:
        for _ in range(UNREAD):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            connection.sendall(f"GET /down?bytes={SIZE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        time.sleep(SLOW_SECONDS)


TRANSFERS: tuple[tuple[str, Transfer, int], ...] = (
    ("1 GB down, Content-Length", download, MOST_MEMORY),
    ("1 GB down, chunked", lambda running: download(running, chunked=True), MOST_MEMORY),
    ("1 GB down, slow reader", lambda running: download(running, slow=SLOW_SECONDS), MOST_MEMORY),
    ("1 GB up, Content-Length", upload, MOST_MEMORY),
    ("1 GB up, chunked", lambda running: upload(running, chunked=True), MOST_MEMORY),
    ("1 GB up, slow system", lambda running: upload(running, slow=SLOW_SECONDS), MOST_MEMORY),
    (f"{UNREAD} readers that do not read", unread, MOST_UNREAD_MEMORY),
)
"""What is tried, how, and by how many bytes the memory may grow at most."""


def run(proxies: Sequence[Proxy], say: Callable[[str], None]) -> str:
    """Send large bodies through each proxy in turn; return the table and what the limits say, as Markdown."""
    rows: list[list[str]] = [[title] for title, _, _ in TRANSFERS]
    titles, verdicts = [], []
    with a_place(_system) as place:
        for proxy in proxies:
            titles.append(proxy.title)
            for row, (title, transfer, most) in zip(rows, TRANSFERS, strict=True):
                try:
                    with started(proxy, place) as running:
                        grown, seconds = costs(running, transfer)
                except (Failed, OSError, http.client.HTTPException) as error:
                    row.append(str(error))
                    if proxy.family == "edge":
                        verdicts.append(f"- {proxy.title}, {title}: {error}: MISSED")
                else:
                    row.append(f"{grown / 2**20:.1f} MB" + (f", {seconds:.1f} s" if transfer is not unread else ""))
                    if proxy.family == "edge":
                        verdicts.append(verdict(f"{proxy.title}, {title}", grown / 2**20, most / 2**20, " MB"))
                say(f"{proxy.title}: {title}: {row[-1]}")
    table = markdown(["body", *titles], rows)
    return "\n".join(["### Large bodies: growth of memory at its peak, and how long it took\n", table, "", *verdicts])


def costs(running: Running, transfer: Transfer) -> tuple[int, float]:
    """Return by how many bytes memory grew at its peak, and how many seconds the transfer took."""
    for _ in range(100):
        ask(running.url)
    base = machine.resident(running.pid)
    machine.forget_peak(running.pid)
    began = time.monotonic()
    transfer(running)
    return machine.peak(running.pid) - base, time.monotonic() - began


def _system(_: Path, port: int) -> list[str]:
    script = Path(__file__).with_name("streaming_system.py")
    return machine.pinned(machine.LOAD_CORE, [sys.executable, str(script), str(port)])
