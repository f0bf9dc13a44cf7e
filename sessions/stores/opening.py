"""From what an operator writes (`sqlite:sessions.db`, `redis://host/0`) to a store, or to a sentence with a way out.

No message shows anything that might be part of a password, not even when the address is cut at the wrong place.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sessions.stores.memory import MemoryStore
from sessions.stores.port import Store
from sessions.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from sessions.stores.redis_links import Link

FORMS: Final = """\
  memory:
  sqlite:PATH
  redis://[USER:PASSWORD@]HOST[:PORT][/DB]
  unix://[USER:PASSWORD@]/PATH[?db=DB]
  redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/PRIMARY[/DB]
  redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]
with rediss instead of redis for TLS (?ca=FILE for an authority of your own), and ?prefix=NAME: to share one Redis"""

SCHEMES: Final = {
    "redis": "server",
    "rediss": "server",
    "unix": "socket",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}

FILES: Final = ("ca", "cert", "key")

OPTIONS: Final = {
    "server": ("prefix",),
    "socket": ("prefix", "db"),
    "sentinel": ("prefix", "sentinel_user", "sentinel_password"),
    "cluster": ("prefix",),
}

PORTS: Final = {"server": 6379, "sentinel": 26379, "cluster": 6379}


class StoreUrlError(ValueError):
    """The address of a store that cannot be one. Its text has a way out and no secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a Redis, taken apart."""

    kind: str
    tls: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    primary: str = ""
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)


def open_store(url: str, say: Callable[[str], None] = lambda line: None) -> Store:
    """Return the store at an address, not started. `say` hears what an operator should know later on.

    Raises StoreUrlError (a ValueError) when it is no address, or when a file or folder it names is of no use.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        if rest:
            raise StoreUrlError("the store memory: takes nothing after the colon")
        return MemoryStore()
    if scheme == "sqlite":
        return SqliteStore(_path_of_sqlite(rest), say)
    return _open_redis(read_address(url))


def describe(url: str) -> str:
    """Return what an address means, for logs and the dashboard: never a password, whatever the address is."""
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        return "memory of this process"
    if scheme == "sqlite":
        return f"SQLite file {_strip(rest)}"
    try:
        at = read_address(url)
    except StoreUrlError:
        return "a store with an address that cannot be read"
    where = at.path or ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in at.hosts)
    said = {
        "server": f"Redis at {where}",
        "socket": f"Redis at {where}",
        "sentinel": f"Redis, primary {at.primary} by Sentinel at {where}",
        "cluster": f"Redis Cluster at {where}",
    }[at.kind]
    parts = (f"database {at.db}" if at.db else "", f"as {at.user}" if at.user else "", "with TLS" if at.tls else "")
    return ", ".join([said, *(part for part in parts if part)])


def read_address(url: str) -> Address:
    """Return the address of a Redis. Raises StoreUrlError."""
    scheme = url.partition(":")[0].lower()
    kind = SCHEMES.get(scheme)
    if kind is None:
        # The scheme is shown only if it looks like one: somebody may have given a bare password.
        close = difflib.get_close_matches(scheme, ["memory", "sqlite", *SCHEMES], 1) if ":" in url else []
        hint = f" (did you mean {close[0]}: ?)" if close else ""
        raise StoreUrlError(f"this is no address of a store{hint}; it is one of\n{FORMS}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise StoreUrlError(f"the address of the store cannot be taken apart; it is one of\n{FORMS}") from None
    if parts.fragment or "@" in parts.path + parts.query:
        raise StoreUrlError("the password in the address of the store must be percent-encoded: / is %2F, @ is %40, "
                            "# is %23, ? is %3F, : is %3A, % is %25")  # fmt: skip
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    tls = scheme.startswith("rediss")
    options = _options(parts, kind, tls)
    path, primary, db = _inside(parts.path, kind, options)
    return Address(
        kind, tls, _hosts(hosts, kind), path, primary, _number(db, "database", 0, 1 << 16),
        unquote(user), unquote(password), options,
    )  # fmt: skip


def _options(parts: SplitResult, kind: str, tls: bool) -> dict[str, str]:
    known = OPTIONS[kind] + (FILES if tls else ())
    options = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            if name in FILES:
                raise StoreUrlError(f"?{name}= is for TLS: begin the address of the store with rediss instead of redis")
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise StoreUrlError(f"the address of the store has an option after ? that is not known; {hint}")
        if name in FILES and not os.access(value, os.R_OK):
            raise StoreUrlError(f"the file of ?{name}= in the address of the store cannot be read: {value}")
        options[name] = value
    if "cert" in options and "key" not in options:
        raise StoreUrlError("the address of the store has ?cert= without ?key=")
    return options


def _inside(path: str, kind: str, options: dict[str, str]) -> tuple[str, str, str]:
    """Return the socket, the primary's name and the number of the database."""
    if kind == "socket":
        if not path.strip("/"):
            raise StoreUrlError("the address of the store names no socket: unix:///run/redis/redis.sock")
        return unquote(path), "", options.get("db", "")
    steps = [unquote(step) for step in path.split("/") if step]
    primary = ""
    if kind == "sentinel":
        if not steps:
            raise StoreUrlError(
                "the address of the store names no primary: redis+sentinel://HOST:26379,HOST:26379/mymaster"
            )
        primary = steps.pop(0)
    if kind == "cluster" and steps not in ([], ["0"]):
        raise StoreUrlError("a Redis Cluster has only database 0: leave away what follows the hosts")
    if len(steps) > 1:
        raise StoreUrlError("the address of the store goes on after the database's number")
    return "", primary, steps[0] if steps else ""


def _hosts(text: str, kind: str) -> tuple[tuple[str, int], ...]:
    if kind == "socket":
        if text:
            raise StoreUrlError("the address of a socket has three slashes: unix:///run/redis/redis.sock")
        return ()
    hosts = []
    for one in text.split(","):
        bracketed, bracket, after = one.partition("]")
        if bracket:
            host, port = bracketed.removeprefix("["), after.removeprefix(":")
        else:
            host, _, port = one.partition(":")
        if not host:
            raise StoreUrlError(f"the address of the store names no host; it is one of\n{FORMS}")
        hosts.append((host, _number(port, "port", PORTS[kind], 65535)))
    if kind == "server" and len(hosts) > 1:
        raise StoreUrlError("several hosts are for redis+sentinel:// or redis+cluster://")
    return tuple(hosts)


def _number(text: str, what: str, default: int, most: int) -> int:
    """Return a number that was written. What was written instead is not shown: it may be half a password."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= most):
        raise StoreUrlError(f"the {what} in the address of the store is no number from 0 to {most}; "
                            "if it is part of a password, percent-encode / @ # ? : and % in it")  # fmt: skip
    return int(text)


def _strip(path: str) -> str:
    """Take `sqlite:///var/x.db` as well, as other programs write it."""
    return path[2:] if path.startswith("///") else path


def _path_of_sqlite(rest: str) -> str:
    path = _strip(rest)
    if not path or path.startswith("//"):
        raise StoreUrlError("the store sqlite: needs a file: sqlite:sessions.db, or sqlite:/var/lib/inseam/sessions.db")
    if path == ":memory:":
        raise StoreUrlError("sqlite::memory: would be seen by one worker only; for that there is memory:")
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise StoreUrlError(
            f"the store {path} is a folder; name a file in it: sqlite:{os.path.join(path, 'sessions.db')}"
        )
    if not os.path.isdir(folder):
        raise StoreUrlError(f"the folder {folder} of the store does not exist: mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUrlError(
            f"the folder {folder} of the store cannot be written: SQLite keeps two more files beside it"
        )
    return path


def _open_redis(at: Address) -> Store:
    # Imported when it is needed: redis-py costs 60 ms and 9 MB that an edge with SQLite can do without.
    from sessions.stores.redis import RedisStore

    try:
        return RedisStore(_link(at), at.options.get("prefix", "inseam:"))
    except OSError as error:
        raise StoreUrlError(
            f"a file of ?ca=, ?cert= or ?key= in the address of the store is of no use: {error}"
        ) from error


def _link(at: Address) -> Link:
    from sessions.stores import redis_links as links

    options = at.options
    files = {name: options.get(name, "") for name in FILES}
    access = links.Access(at.user, at.password, at.tls, **files)
    if at.kind == "server":
        return links.to_server(*at.hosts[0], at.db, access)
    if at.kind == "socket":
        return links.to_socket(at.path, at.db, access)
    if at.kind == "sentinel":
        at_sentinel = links.Access(
            options.get("sentinel_user", ""), options.get("sentinel_password", ""), at.tls, **files
        )
        return links.to_primary(at.primary, at.hosts, at.db, access, at_sentinel)
    return links.to_cluster(at.hosts, access)
