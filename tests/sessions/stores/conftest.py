"""Every kind of store as two workers see it, on real servers."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from redis_servers import Clustered, RedisServer, Replicated, server
from store_workers import Workers
from tls_front import TlsFront

from sessions.stores.guarded import GuardedStore
from sessions.stores.opening import open_store

KINDS = ("memory", "sqlite", "redis", "redis-socket", "redis-acl", "redis-tls", "sentinel", "cluster", "guarded")

DOCS = Path(__file__).parents[3] / "docs" / "stores.md"


def documented_user() -> str:
    """Return the user that docs/stores.md tells operators to make, with the prefixes of the specs."""
    line = next(line.strip() for line in DOCS.read_text().splitlines() if line.strip().startswith("user edge"))
    return line.replace("PASSWORD", "s3cret:/?#@").replace("inseam:*", "t*:*")


number = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a busy machine a TLS connect may run out of its 50 ms. asyncio of Python 3.11 leaves the socket of a handshake
    that is cancelled to the garbage collector, which finds it in the middle of a later spec."""
    half_open = "ignore:Exception ignored in. <(socket.socket|function _SelectorTransport)"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(f"{half_open}:pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with server(documented_user()) as one:
        yield one


@pytest.fixture(scope="session")
def replicated() -> Iterator[Replicated]:
    one = Replicated()
    yield one
    one.close()


@pytest.fixture(scope="session")
def clustered() -> Iterator[Clustered]:
    one = Clustered()
    yield one
    one.close()


@pytest.fixture(scope="session")
def tls_front(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    one = TlsFront(tmp_path_factory.mktemp("tls"), redis_server.port)
    yield one
    one.close()


@pytest.fixture
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return the address of a store of a kind, with a prefix or a file that no other spec uses."""

    def url(kind: str) -> str:
        if kind in ("memory", "guarded"):
            return "memory:"
        if kind == "sqlite":
            return f"sqlite:{tmp_path}/sessions.db"
        prefix = f"prefix=t{next(number)}:"
        if kind == "sentinel":
            return f"{request.getfixturevalue('replicated').url}?{prefix}"
        if kind == "cluster":
            return f"{request.getfixturevalue('clustered').url}?{prefix}"
        redis = request.getfixturevalue("redis_server")
        if kind == "redis-socket":
            return f"unix://{redis.socket}?{prefix}"
        if kind == "redis-acl":
            return f"redis://edge:s3cret%3A%2F%3F%23%40@{redis.address}/0?{prefix}"
        if kind == "redis-tls":
            front = request.getfixturevalue("tls_front")
            return f"rediss://localhost:{front.port}/0?ca={front.authority}&{prefix}"
        return f"{redis.url}?{prefix}"

    return url


@pytest.fixture(params=KINDS)
async def workers(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> AsyncIterator[Workers]:
    """Two workers of one edge on every kind of store; a store in memory has one, which is both."""
    kind = request.param
    url = url_of(kind)
    one = open_store(url)
    if kind == "guarded":
        one = GuardedStore(one)
    both = Workers(one, one if url == "memory:" else open_store(url))
    await both.start()
    yield both
    await both.close()
