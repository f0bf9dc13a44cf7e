"""A million spellings of payment pages: through the rules as the edge asks them, and over sockets to two real servers.

In process, each variant goes the way of a request: the gate reads it, the rules match it, the boundary looks for other
readings. Over sockets the CMS is an nginx and the payment system a server of Python's standard library, which read
paths differently: nginx decodes once, resolves dots and merges slashes; Python decodes, resolves, and cuts nothing off.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import monotonic

from router.boundary import Boundary
from router.errors import ClientError, EdgeError
from router.model import Headers, RequestView
from router.wire.head import request_block, request_head
from tests.bench.proxies import PROGRAMS, filled
from tests.bench.running import free_port
from tests.bench.table import markdown
from tests.conformance.proxies import PEERS, Contender, started
from tests.conformance.variants import names_payment, python_reads, variants
from tests.edge.hostile.harness import generation
from tests.edge.hostile.lenient import reads_as_buying

MILLION = 1_000_000
CONNECTIONS = 24
"""How many clients ask at the same time."""

# --- in process -------------------------------------------------------------------------------------------------------


@dataclass
class Landed:
    """Where variants went: refused, commerce, cms; and those at the CMS that somebody reads as a payment page."""

    where: Counter[str] = field(default_factory=Counter)
    bypasses: list[str] = field(default_factory=list)


def through_the_rules(seed: int, count: int) -> Landed:
    """Send the first `count` variants of a seed through gate, rules and boundary."""
    made = generation(1, 2)
    boundary = Boundary(made.rules, made.systems)
    landed = Landed()
    block = request_block(b"Host: shop.test\r\n", 100)
    for target in islice(variants(seed), count):
        try:
            head = request_head(b"GET " + target + b" HTTP/1.1", block)
            view = RequestView("GET", head.path, Headers([]), host="shop.test", query=head.query)
            decision = made.rules.match(view)
            if boundary.guards(decision) and boundary.misread(view):
                raise ClientError
        except EdgeError:
            landed.where["refused"] += 1
            continue
        landed.where[decision.system] += 1
        if decision.system == "cms" and reads_as_buying(head.path):
            landed.bypasses.append(f"{head.path!r}, sent as {target!r}")
    return landed


def in_process(seed: int, count: int = MILLION, processes: int = 2) -> Landed:
    """Do the same on several processors, each with a seed of its own."""
    share = count // processes
    with multiprocessing.Pool(processes) as pool:
        parts = pool.starmap(through_the_rules, [(seed * processes + number, share) for number in range(processes)])
    landed = Landed()
    for part in parts:
        landed.where += part.where
        landed.bypasses += part.bypasses
    return landed


# --- over sockets -----------------------------------------------------------------------------------------------------

PYTHON_SERVER = """
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def __init__(self, *arguments):
        super().__init__(*arguments, directory="/")
    def answer(self):
        said = "commerce\\n%s\\n%s\\n" % (self.path, self.translate_path(self.path))
        body = said.encode("utf-8", "surrogateescape")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = answer
    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@asynccontextmanager
async def two_servers() -> AsyncIterator[tuple[int, int]]:
    """Run nginx as the CMS and Python's server as commerce; give their ports. Raises RuntimeError without nginx."""
    nginx = shutil.which("nginx", path=PROGRAMS)
    if nginx is None:
        raise RuntimeError("not over sockets: nginx is missing (apt-get install nginx-light)")
    folder = Path(tempfile.mkdtemp(prefix="inseam-conformance-systems-"))
    folder.chmod(0o755)
    cms, commerce = free_port(), free_port()
    configuration = folder / "cms.conf"
    configuration.write_text(filled((PEERS / "cms.conf").read_text(), {"folder": str(folder), "port": str(cms)}))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [
        subprocess.Popen([nginx, "-p", str(folder), "-c", str(configuration)], **quiet),
        subprocess.Popen([sys.executable, "-c", PYTHON_SERVER, str(commerce)], **quiet),
    ]
    try:
        for port in (cms, commerce):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield cms, commerce
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Sample:
    """What one proxy did with a sample. The CMS read a payment page itself; Python's server would; anybody could."""

    tried: int = 0
    where: Counter[str] = field(default_factory=Counter)
    by_cms: list[str] = field(default_factory=list)
    by_python: list[str] = field(default_factory=list)
    by_anybody: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, target: bytes, answer: bytes) -> None:
        """Note where a variant went, and judge it if it went to the CMS."""
        self.tried += 1
        body = answer.partition(b"\r\n\r\n")[2].decode("latin-1")
        system, _, rest = body.partition("\n")
        if system not in ("cms", "commerce"):
            self.where["refused"] += 1
            return
        self.where[system] += 1
        if system == "cms":
            raw, _, read = rest.partition("\n")
            what = f"{raw!r}, sent as {target!r}"
            if names_payment(read.removesuffix("\n")):
                self.by_cms.append(what)
            if names_payment(python_reads(raw)):
                self.by_python.append(what)
            if reads_as_buying(raw):
                self.by_anybody.append(what)


async def sample(contender: Contender, seed: int, count: int, seconds: float) -> Sample:
    """Ask a proxy for the first `count` variants of a seed, or as many as go in the time."""
    found = Sample()
    async with two_servers() as (cms, commerce), started(contender, cms, commerce, 10) as running:
        begun = monotonic()
        waiting = islice(variants(seed), count)

        async def client() -> None:
            for target in waiting:
                if monotonic() - begun > seconds:
                    return
                found.take(target, await _ask(running.port, target))

        await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
        found.seconds = monotonic() - begun
    return found


async def _ask(port: int, target: bytes) -> bytes:
    """Return all that comes for a target, on a connection of its own."""
    heard = b""
    with contextlib.suppress(OSError, TimeoutError, RuntimeError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
            while not _whole(heard):
                data = await asyncio.wait_for(reader.read(65536), 5)
                if not data:
                    break
                heard += data
        finally:
            writer.transport.abort()
    return heard


def _whole(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return length.isdigit() and len(body) >= int(length)


async def run(
    contenders: Sequence[Contender], seed: int, count: int, seconds: float, say: Callable[[str], None]
) -> tuple[str, int]:
    """Give the same sample to all of them, one after the other; return a table, and what came past this edge."""
    rows, bypasses = [], 0
    for contender in contenders:
        found = await sample(contender, seed, count, seconds)
        say(f"{contender.title}: {found.tried} variants in {found.seconds:.0f} s")
        came = [found.tried, found.where["refused"], found.where["commerce"], found.where["cms"]]
        read = [len(found.by_cms), len(found.by_python), len(found.by_anybody)]
        rows.append([contender.title, *(f"{count:,}" for count in (*came, *read))])
        if contender.name == "inseam":
            bypasses = len({*found.by_cms, *found.by_python, *found.by_anybody})
        for what in (*found.by_cms[:3], *found.by_python[:3], *found.by_anybody[:3]):
            say(f"  the CMS got {what}")
    came_to = ["proxy", "tried", "refused", "to commerce", "to the CMS"]
    head = [*came_to, "the CMS reads payment", "Python's server does", "some reader could"]
    return markdown(head, rows), bypasses
