"""Ways to a Redis: one server, a primary that Sentinel knows, or a Cluster. What differs is here, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from redis.asyncio import Connection, Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

PATIENCE: Final = 1.0
"""Seconds for a connect, a write or a read, where the caller sets no shorter time."""

MOST_AT_ONCE: Final = 32
"""Commands under way at a time, each on a connection of its own; at 0.2 ms a command that is more than a core asks."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to be let in. Empty: not needed. `ca`, `cert` and `key` are files; a `repr` never shows a password."""

    user: str = ""
    password: str = ""
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Access(user={self.user!r}, tls={self.tls})"

    def options(self) -> dict[str, Any]:
        """Return what redis-py wants to hear."""
        said: dict[str, Any] = {
            "username": self.user or None,
            "password": self.password or None,
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            # Only pub/sub profits from RESP3, and RESP2 spares a HELLO with every connection.
            "protocol": 2,
        }
        if self.tls:
            said |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
            said |= {
                "ssl_ca_certs": self.ca or None,
                "ssl_certfile": self.cert or None,
                "ssl_keyfile": self.key or None,
            }
        return said


class Link(Protocol):
    """A way to a Redis. All three raise whatever redis-py raises."""

    async def ask(self, *command: bytes | str | int) -> Any:
        """Send a command with its key where Redis expects it, and return the answer. It is not repeated."""

    async def line(self) -> Connection:
        """Return a connection of its own, connected, on which to subscribe."""

    async def close(self) -> None:
        """Close every connection."""


class Server:
    """One server, or the primary that Sentinel names whenever a connection is made."""

    def __init__(self, client: Redis, sentinel: Any = None) -> None:
        self.client: Any = client
        self.sentinel = sentinel
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(self, *command: bytes | str | int) -> Any:
        async with self._room:
            return await self.client.execute_command(*command)

    async def line(self) -> Connection:
        return await _connected(self.client.connection_pool.make_connection())

    async def close(self) -> None:
        await self.client.aclose()
        for each in self.sentinel.sentinels if self.sentinel else ():
            await each.aclose()


class Cluster:
    """A Cluster: each key's own node is asked; news reach every node, so any of them is listened to."""

    def __init__(self, client: RedisCluster) -> None:
        self.client: Any = client
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(self, *command: bytes | str | int) -> Any:
        async with self._room:
            return await self.client.execute_command(*command)

    async def line(self) -> Connection:
        await self.client.initialize()
        node = random.choice(self.client.get_nodes())  # noqa: S311  (any will do, but not always the same one)
        return await _connected(node.connection_class(retry=_once(), **node.connection_kwargs))

    async def close(self) -> None:
        await self.client.aclose()


async def _connected(line: Any) -> Connection:
    try:
        await line.connect()
    except BaseException:
        await line.disconnect(nowait=True)
        raise
    return cast(Connection, line)


def to_server(host: str, port: int, db: int, access: Access) -> Server:
    """Return the way to one server."""
    return Server(Redis(host=host, port=port, db=db, retry=_once(), **access.options()))


def to_socket(path: str, db: int, access: Access) -> Server:
    """Return the way to one server on this machine."""
    return Server(Redis(unix_socket_path=path, db=db, retry=_once(), **access.options()))


def to_primary(name: str, sentinels: Sequence[tuple[str, int]], db: int, access: Access, at_sentinel: Access) -> Server:
    """Return the way to the primary called `name`."""
    sentinel = cast(Any, Sentinel)(
        list(sentinels),
        sentinel_kwargs={**at_sentinel.options(), "retry": _once()},
        retry=_once(),
        **access.options(),
    )
    client: Redis = sentinel.master_for(name, db=db)
    return Server(client, sentinel)


def to_cluster(nodes: Sequence[tuple[str, int]], access: Access) -> Cluster:
    """Return the way to a Cluster of which some nodes are known."""
    # One repetition: a node that has gone is noticed by an error, and only then the client asks who has its slots.
    retry = Retry(NoBackoff(), 1)
    startup = [ClusterNode(host, port) for host, port in nodes]
    return Cluster(RedisCluster(startup_nodes=startup, retry=retry, require_full_coverage=False, **access.options()))


def _once() -> Retry:
    """Say that nothing is repeated: who waits for the store has 50 ms, and the breaker decides when to ask again."""
    return Retry(NoBackoff(), 0)
