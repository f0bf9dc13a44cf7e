"""Ways to a Redis: one server, a primary that Sentinel knows, or a Cluster. What differs is here, and nothing else."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from redis.asyncio import (
    Connection,
    ConnectionPool,
    Redis,
    RedisCluster,
    Sentinel,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelManagedConnection
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
        """Return what a connection wants to hear. Raises OSError (SSLError is one) for files that are of no use."""
        said: dict[str, Any] = {
            "username": self.user or None,
            "password": self.password or None,
            # Time is kept where a command is sent: redis-py's own way costs a task for every command, and in Python
            # 3.11 it swallows a cancellation that comes at the wrong moment.
            "socket_timeout": None,
            "socket_connect_timeout": PATIENCE,
            "retry": _once(),
            # Only pub/sub profits from RESP3, and RESP2 spares a HELLO with every connection.
            "protocol": 2,
        }
        if self.tls:
            # With an authority of its own no other is believed.
            context = ssl.create_default_context(cafile=self.ca or None)
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
            said |= {"connection_class": TlsConnection, "shared": context}
        return said


class TlsConnection(SSLConnection):
    """A connection with a context that all share: redis-py makes one each, and so stops the loop for 18 ms each."""

    def __init__(self, *, shared: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = shared


class TlsConnectionToPrimary(SentinelManagedConnection, TlsConnection):
    """The same for a primary that Sentinel names."""


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
        async with asyncio.timeout(PATIENCE), self._room:
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
        async with asyncio.timeout(PATIENCE), self._room:
            return await self.client.execute_command(*command)

    async def line(self) -> Connection:
        await self.client.initialize()
        node = random.choice(self.client.get_nodes())  # noqa: S311  (any will do, but not always the same one)
        return await _connected(node.connection_class(**{**node.connection_kwargs, "retry": _once()}))

    async def close(self) -> None:
        await self.client.aclose()


async def _connected(line: Any) -> Connection:
    try:
        async with asyncio.timeout(PATIENCE):
            await line.connect()
    except BaseException:
        await line.disconnect(nowait=True)
        raise
    return cast(Connection, line)


def to_server(host: str, port: int, db: int, access: Access) -> Server:
    """Return the way to one server."""
    return Server(_client(host=host, port=port, db=db, **access.options()))


def to_socket(path: str, db: int, access: Access) -> Server:
    """Return the way to one server on this machine."""
    return Server(_client(connection_class=UnixDomainSocketConnection, path=path, db=db, **access.options()))


def to_primary(name: str, sentinels: Sequence[tuple[str, int]], db: int, access: Access, at_sentinel: Access) -> Server:
    """Return the way to the primary called `name`."""
    sentinel: Any = cast(Any, Sentinel)([])
    sentinel.sentinels = [_client(host=host, port=port, **at_sentinel.options()) for host, port in sentinels]
    options = access.options()
    if access.tls:
        options["connection_class"] = TlsConnectionToPrimary
    return Server(sentinel.master_for(name, db=db, **options), sentinel)


def to_cluster(nodes: Sequence[tuple[str, int]], access: Access) -> Cluster:
    """Return the way to a Cluster of which some nodes are known."""
    options = access.options()
    tls = {name: options.pop(name) for name in ("connection_class", "shared") if name in options}
    # One repetition: a node that has gone is noticed by an error, and only then the client asks who has its slots.
    options["retry"] = Retry(NoBackoff(), 1)
    startup = [ClusterNode(host, port) for host, port in nodes]
    client: Any = RedisCluster(startup_nodes=startup, require_full_coverage=False, **options)
    client.nodes_manager.connection_kwargs.update(tls)  # of the nodes it will find
    for node in client.nodes_manager.startup_nodes.values():
        node.connection_class = tls.get("connection_class", node.connection_class)
        node.connection_kwargs.update({name: value for name, value in tls.items() if name == "shared"})
    return Cluster(client)


def _client(**options: Any) -> Redis:
    return Redis.from_pool(ConnectionPool(**options))


def _once() -> Retry:
    """Say that nothing is repeated: who waits for the store has 50 ms, and the breaker decides when to ask again."""
    return Retry(NoBackoff(), 0)
