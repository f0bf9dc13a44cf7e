"""Active health checks: what counts as up, and when a server changes sides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from running_edge import certificate

from router.conditions import Host
from router.generation import Generation
from router.index import Index
from router.model import HealthCheck, ServerAddress, SystemSpec
from router.supervision.health import Checks, Streak

CHECK = HealthCheck(path="/healthz", every=0.01, timeout=0.2, rise=2, fall=3)
Change = tuple[str, bool]


@pytest.mark.parametrize(
    ("heard", "changes"),
    [
        ("ooooo", ""),
        ("xx", ""),
        ("xxx", "down"),
        ("xxoxx", ""),
        ("xxxoxo", "down"),
        ("xxxoo", "down up"),
        ("xxxooxx", "down up"),
    ],
)
def test_a_server_changes_sides_only_after_a_row_of_checks(heard: str, changes: str) -> None:
    streak = Streak()

    said = [("up" if streak.up else "down") for sign in heard if streak.heard(sign == "o", CHECK)]

    assert " ".join(said) == changes


def shop(*ports: int, check: HealthCheck = CHECK) -> Generation:
    servers = tuple(ServerAddress("http", "127.0.0.1", port) for port in ports)
    return Generation(
        "rules.yaml", Index([]), {"commerce": SystemSpec("commerce", servers, health=check)},
        hosts=Host(frozenset({"shop.example"})),
    )  # fmt: skip


@asynccontextmanager
async def commerce(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/healthz", answer)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port


async def next_change(changes: asyncio.Queue[Change]) -> Change:
    async with asyncio.timeout(5):
        return await changes.get()


async def test_a_server_that_fails_goes_down_and_comes_back_when_it_answers() -> None:
    status, hosts = 200, set()
    changes: asyncio.Queue[Change] = asyncio.Queue()

    async def answer(request: web.Request) -> web.Response:
        hosts.add(request.headers["Host"])
        return web.Response(status=status)

    async with commerce(answer) as port:
        checks = Checks(lambda system, server, up: changes.put_nowait((server, up)))
        checks.follow(shop(port))
        server = f"http://127.0.0.1:{port}"

        status = 503
        assert await next_change(changes) == (server, False)
        assert checks.down == [("commerce", server)]
        status = 301  # a shop may send every plain request to https
        assert await next_change(changes) == (server, True)
        assert checks.down == []

        await checks.close()

    assert hosts == {"shop.example"}


async def test_a_server_that_hangs_or_is_not_there_goes_down() -> None:
    changes: asyncio.Queue[Change] = asyncio.Queue()

    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async with commerce(hang) as port:
        checks = Checks(lambda system, server, up: changes.put_nowait((server, up)))
        checks.follow(shop(port, 1, check=HealthCheck("/healthz", 0.01, 0.05, 1, 1)))

        down = {await next_change(changes), await next_change(changes)}

        assert down == {(f"http://127.0.0.1:{port}", False), ("http://127.0.0.1:1", False)}
        await checks.close()


async def test_the_certificate_of_a_server_is_checked_by_the_name_that_the_rules_give(tmp_path: Path) -> None:
    changes: asyncio.Queue[Change] = asyncio.Queue()
    cert, key = certificate(tmp_path, "commerce.internal")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    app = web.Application()

    async def fine(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/healthz", fine)
    quick = HealthCheck("/healthz", 0.01, 1, 1, 1)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        address = (ServerAddress("https", "127.0.0.1", server.port or 0),)
        checks = Checks(lambda system, server, up: changes.put_nowait((system, up)))

        checks.follow(Generation("r", Index([]), {"commerce": SystemSpec("commerce", address, health=quick)}))
        assert await next_change(changes) == ("commerce", False)

        ca = Path(cert).read_text()
        trusting = SystemSpec("commerce", address, health=quick, ca=ca, tls_name="commerce.internal")
        checks.follow(Generation("r", Index([]), {"commerce": trusting}))
        assert await next_change(changes) == ("commerce", True)
        await checks.close()
    finally:
        await server.close()


async def test_a_reload_keeps_what_is_known_and_forgets_what_is_gone() -> None:
    changes: asyncio.Queue[Change] = asyncio.Queue()
    quick = HealthCheck("/healthz", 0.01, 0.05, 1, 1)
    checks = Checks(lambda system, server, up: changes.put_nowait((server, up)))
    checks.follow(shop(1, 2, check=quick))
    assert {await next_change(changes), await next_change(changes)} == {
        ("http://127.0.0.1:1", False), ("http://127.0.0.1:2", False),
    }  # fmt: skip

    checks.follow(shop(2, check=quick))

    assert await next_change(changes) == ("http://127.0.0.1:1", True), "nobody would say so later"
    assert checks.states == {("commerce", "http://127.0.0.1:2"): False}
    await checks.close()
