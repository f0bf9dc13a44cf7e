"""Starting proxies and the system behind them, proving that each one does its work, and stopping them again."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import machine
from tests.bench.proxies import PEERS, SYSTEM, Proxy, filled

PAGE = 4096
HOST = "shop.example"
START_SECONDS = 15.0
STOP_SECONDS = 5.0


class Failed(Exception):
    """A proxy cannot be measured; the message goes in its row."""


@dataclass(frozen=True, slots=True)
class Place:
    """What all proxies of a run share: a folder that goes with them, the system's address, a certificate."""

    folder: Path
    system: str

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that runs and listens."""

    proxy: Proxy
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"{self.proxy.scheme}://127.0.0.1:{self.port}/"

    def log(self) -> str:
        """Return the last line that it wrote, without the paths of this machine."""
        text = (self.folder / "output.txt").read_text(errors="replace").strip() or "it wrote nothing"
        line = text.splitlines()[-1].strip()[:300]
        return line.replace(f"{self.folder}/", "").replace(str(self.proxy.path), self.proxy.program.rpartition("/")[2])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(url: str, path: str = "") -> tuple[int, bytes]:
    """Return status and body of a GET for the shop; a certificate is taken as it is. Raises OSError, HTTPException."""
    parts = urlsplit(url)
    assert parts.hostname
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=5, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request("GET", path or parts.path, headers={"Host": HOST})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def prove(running: Running) -> None:
    """Make sure that a proxy does what the others do, so that figures compare. Raises Failed.

    It hands on the page in full, keeps Host, tells the client's address, scheme and host, gives the request an id, and
    keeps its connections to the system. (Envoy gives the machine's own address for a client on the loopback, so any
    address will do.)
    """
    status, body = ask(running.url, "/catalogue/linen-shirt-4711/")
    if (status, len(body)) != (200, PAGE):
        raise Failed(f"answered {status} with {len(body)} bytes instead of the page")
    for _ in range(3):
        _, body = ask(running.url, "/what-came")
    came = dict(line.split("=", 1) for line in body.decode().splitlines() if "=" in line)
    expected = {"host": HOST, "proto": running.proxy.scheme, "forwarded_host": HOST}
    wrong = [f"{name} {came.get(name)!r}" for name, value in expected.items() if came.get(name) != value]
    wrong += [f"no {name}" for name in ("client", "id") if not came.get(name)]
    if int(came.get("used") or 0) < 2:
        wrong.append("a new connection for each request")
    if wrong:
        raise Failed("the system saw " + ", ".join(wrong))


# --- starting and stopping --------------------------------------------------------------------------------------------


@contextmanager
def a_place(system: Callable[[Path, int], list[str]] | None = None) -> Iterator[Place]:
    """Give a place with a system that runs: nginx with a page, or the command that `system(folder, port)` returns."""
    folder = Path(tempfile.mkdtemp(prefix="inseam-bench-"))
    folder.chmod(0o755)  # nginx's workers are another user
    port = free_port()
    place = Place(folder, f"127.0.0.1:{port}")
    make_certificate(place)
    try:
        if system is not None:
            with _process(system(folder, port), folder, {}) as process:
                _wait(lambda: ask(f"http://{place.system}/")[0] == 200, process)
                yield place
        else:
            if SYSTEM.missing:
                raise SystemExit(f"the system behind the proxies is nginx, {SYSTEM.missing}")
            with started(SYSTEM, place, port):
                yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_certificate(place: Place) -> None:
    """Write a self-signed certificate (P-256, as most sites have) and its key. Raises SystemExit without openssl."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", f"/CN={HOST}", "-keyout", str(place.key), "-out", str(place.certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        raise SystemExit("the benchmarks make a certificate with openssl: apt-get install openssl") from None


@contextmanager
def started(proxy: Proxy, place: Place, port: int = 0) -> Iterator[Running]:
    """Run a proxy on its core until the block ends. Raises Failed where it is missing or does not start."""
    if proxy.missing:
        raise Failed(proxy.missing)
    folder = place.folder / proxy.name
    folder.mkdir(mode=0o755, exist_ok=True)
    port = port or free_port()
    system_host, _, system_port = place.system.partition(":")
    values = {
        "folder": str(folder),
        "port": str(port),
        "admin": str(free_port()),
        "system": place.system,
        "system_host": system_host,
        "system_port": system_port,
        "certificate": str(place.certificate),
        "key": str(place.key),
        **proxy.values,
    }
    for name in proxy.files:
        (folder / name).write_text(filled((PEERS / name).read_text(), values))
    (folder / "page.html").write_bytes(b"<!doctype html>\n".ljust(PAGE, b"."))
    core = machine.LOAD_CORE if proxy is SYSTEM else machine.PROXY_CORE
    argv = machine.pinned(core, [str(proxy.path), *(filled(argument, values) for argument in proxy.arguments)])
    environment = {name: filled(value, values) for name, value in proxy.environment.items()}
    with _process(argv, folder, environment) as process:
        running = Running(proxy, process, port, folder)
        try:
            if proxy.ready:
                _wait(lambda: ask(filled(proxy.ready, values))[0] == 200, process)
            _wait(lambda: ask(running.url)[0] == 200, process)
        except Failed as error:
            raise Failed(f"{error}: {running.log()}") from error
        yield running


@contextmanager
def _process(argv: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask once, then insist, and leave no worker behind whose supervisor had to be killed."""
    family = list(machine.tree(process.pid)) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Return when `ready()` is true. Raises Failed when the process ends or time is up."""
    last = "it answers otherwise"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Failed(f"did not start, exit {process.returncode}")
        try:
            if ready():
                return
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        time.sleep(0.05)
    raise Failed(f"was not ready within {START_SECONDS:g} s ({last})")
