"""`inseam demo`: two built-in systems and the edge in front of them, ready to click.

The edge is the real one, with the rules file of the working directory, or the copy that Inseam brings along. It reads a
derived file (`deploy.demo.derive`), which is written anew whenever one edits the original.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from deploy.demo.derive import derived
from deploy.demo.processes import Edge, System, bound
from deploy.demo.welcome import tell, welcome
from router.errors import StartError
from router.supervision.settings import Address
from sessions.keyfile import write
from sessions.keys import KeyRing
from sessions.token import jwks

PORTS = {"cms": 8001, "commerce": 8002}
"""Where the systems listen, as in rules.yaml; if somebody else does already, any free port is as good."""

_NEXT_PORTS = 50
"""So many ports are tried after one that is taken."""

_TO_START = 30.0
"""Seconds for the edge to get ready: an old laptop, everything imported for the first time."""

_LOOK = 0.3
"""Seconds between two looks at the rules file and at the processes."""


def main(listen: str = "127.0.0.1:8080", admin: str = "127.0.0.1:9090") -> int:
    """Run the demo until it is interrupted and return the exit code.

    `listen` and `admin` are HOST:PORT; if a port is taken, the next free one is used and named. Raises StartError.
    """
    shop = free(listen, "the shop")
    house = free(admin, "the admin address", not_port=shop.port)
    rules = rules_file()
    with ExitStack() as stack:
        stop = stack.enter_context(told_to_stop())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inseam-demo-")))
        keys = folder / "keys.json"
        exported = made_keys(keys)
        cms, commerce = (stack.enter_context(System(name, port, exported[name])) for name, port in PORTS.items())
        copy = Copy(rules, folder / "rules.yaml", {s.name: s.url for s in (cms, commerce)}, _url(house))
        copy.renew()
        edge = stack.enter_context(Edge(folder, shop, house, ("--keys", str(keys))))
        if not edge.wait_until_ready(stop, _TO_START):
            return 0 if stop.is_set() else 1  # the edge itself has said what is wrong
        welcome(_url(shop), _url(house), rules, cms.pid, commerce.pid)
        while not stop.wait(_LOOK):
            if edge.ended:
                raise StartError("the edge has ended by itself; what it said stands above")
            copy.renew()
            for system in (cms, commerce):
                tell(system.look_after(time.monotonic()))
    return 0


def made_keys(path: Path) -> dict[str, dict[str, str]]:
    """Write new keys for the edge, and return what each system is told of them, as `inseam keys export` prints it."""
    ring = KeyRing.fresh(PORTS, now=int(time.time()))
    write(path, ring)
    told = {}
    for name in PORTS:
        own = ring.systems[name][0]
        update_key = json.dumps({"kid": own.kid, "alg": own.alg, "secret": own.text})
        told[name] = {"INSEAM_SYSTEM": name, "INSEAM_JWKS": jwks(ring).decode(), "INSEAM_UPDATE_KEY": update_key}
    return told


def rules_file() -> Path:
    """Return the rules file to show: `./rules.yaml`, else the copy that came with Inseam."""
    own = Path("rules.yaml").absolute()
    return own if own.is_file() else Path(__file__).with_name("rules.yaml")


class Copy:
    """The derived file, kept like the original."""

    def __init__(self, original: Path, copy: Path, servers: Mapping[str, str], admin: str) -> None:
        self._original = original
        self._copy = copy
        self._servers = servers
        self._admin = admin
        self._seen: tuple[int, int, int] | None = None

    def renew(self) -> None:
        """Write the derived file anew if the original has changed; if it is gone, the last one stays."""
        try:
            found = os.stat(self._original)
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self._seen:
                return
            text = self._original.read_text("utf-8", errors="replace")  # the edge refuses what is no text
        except OSError:
            return
        self._seen = seen
        draft = self._copy.with_suffix(".new")
        draft.write_text(derived(text, self._servers, self._original.parent, self._admin), "utf-8")
        draft.replace(self._copy)  # at once: the edge never reads half a file


def free(text: str, what: str, not_port: int = 0) -> Address:
    """Return an address on which nobody listens: this, or one of the next ports but `not_port`. Raises StartError."""
    try:
        wanted = Address.parse(text)
    except ValueError as error:
        raise StartError(str(error)) from None
    for port in range(wanted.port, min(wanted.port + _NEXT_PORTS, 65_536)):
        if port == not_port and port:
            continue
        try:
            with bound(wanted.host, port) as sock:
                found = Address(wanted.host, sock.getsockname()[1])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            way_out = "; ports below 1024 need more rights" if error.errno == errno.EACCES else ""
            raise StartError(f"cannot listen on {wanted}: {said}{way_out}") from error
        if wanted.port not in (0, port):
            tell(f"Port {wanted.port} is taken: {what} is on {port}.")
        return found
    raise StartError(f"the ports from {wanted.port} on are all taken; name another one for {what}")


def _url(address: Address) -> str:
    everywhere = address.host in ("", "0.0.0.0", "::")
    return f"http://{Address('127.0.0.1', address.port) if everywhere else address}"


@contextmanager
def told_to_stop() -> Iterator[Event]:
    """Return what Ctrl-C, SIGTERM and a closed terminal set while the context lasts."""
    stop = Event()
    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {sign: signal.signal(sign, lambda *_: stop.set()) for sign in signs}
    try:
        yield stop
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
