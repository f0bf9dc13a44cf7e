import asyncio

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestServer

from plugins.forward_auth import AuthUnavailable, ForwardAuth
from router.headers import applied
from router.hooks import OnRequest, OnRequestWaiting
from router.model import Edits, Headers, Reply


class Service:
    """An auth service that answers as told and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = web.Response
        self.asked: list[web.Request] = []
        self.free = asyncio.Event()
        self.free.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await self.free.wait()
        return self.answer()


@pytest.fixture
async def service():
    said = Service()
    app = web.Application()
    app.router.add_get("/verify", said.handle)
    server = TestServer(app)
    await server.start_server()
    said.url = str(server.make_url("/verify"))
    yield said
    await server.close()


@pytest.fixture
async def plugin(service):
    made = ForwardAuth(service.url, copy=("X-Partner-Id", "X-Role"), budget=2.0)
    yield made
    await made.close()


def test_it_is_a_plugin_that_waits():
    made = ForwardAuth("http://127.0.0.1:1/verify")

    assert isinstance(made, OnRequestWaiting)
    assert isinstance(made, OnRequest)


async def test_a_request_that_may_pass_takes_the_services_headers_along(service, plugin, view):
    service.answer = lambda: web.Response(headers={"X-Partner-Id": "p7", "X-Other": "no"})

    said = await plugin.on_request_waiting(view("/orders?page=2", method="POST", headers={"Cookie": "a=b"}))

    assert said == Edits(set={"X-Partner-Id": "p7"})


async def test_the_service_hears_what_is_asked_for_and_by_whom(service, plugin, view):
    request = view(
        "/orders?page=2",
        method="POST",
        headers={"Cookie": "a=b", "Authorization": "Bearer t", "Content-Length": "5", "X-Forwarded-Uri": "/forged"},
        client="192.0.2.1",
        scheme="https",
        authority="shop.example:8443",
    )

    await plugin.on_request_waiting(request)

    (asked,) = service.asked
    assert asked.method == "GET"
    assert asked.headers["Cookie"] == "a=b"
    assert asked.headers["Authorization"] == "Bearer t"
    assert asked.headers.getall("X-Forwarded-Uri") == ["/orders?page=2"]
    assert asked.headers["X-Forwarded-Method"] == "POST"
    assert asked.headers["X-Forwarded-Proto"] == "https"
    assert asked.headers["X-Forwarded-Host"] == "shop.example:8443"
    assert asked.headers["X-Forwarded-For"] == "192.0.2.1"
    assert asked.headers["X-Request-Id"] == "id1"
    assert not asked.body_exists


async def test_a_login_page_is_reached_by_the_services_own_redirect(service, plugin, view):
    service.answer = lambda: web.Response(
        status=302, headers={"Location": "https://login.example/", "Set-Cookie": "state=1", "X-Inside": "no"}
    )

    said = await plugin.on_request_waiting(view())

    headers = dict(said.headers)
    assert (said.status, headers["Location"], headers["Set-Cookie"]) == (302, "https://login.example/", "state=1")
    assert headers["Cache-Control"] == "no-store"
    assert "X-Inside" not in headers


@pytest.mark.parametrize(("size", "kept"), [(12, True), (64 * 1024 + 1, False)])
async def test_a_refusal_is_passed_on_with_a_page_of_bounded_size(service, plugin, view, size, kept):
    service.answer = lambda: web.Response(status=403, body=b"x" * size)

    said = await plugin.on_request_waiting(view())

    assert (said.status, said.body) == (403, b"x" * size if kept else b"")


async def test_one_visitors_cookies_never_go_with_anothers_question(service, plugin, view):
    service.answer = lambda: web.Response(headers={"Set-Cookie": "session=mine; Path=/"})

    await plugin.on_request_waiting(view())
    await plugin.on_request_waiting(view())

    assert "Cookie" not in service.asked[1].headers


async def test_a_client_cannot_claim_what_only_the_service_says(service, plugin, view):
    forged = view(headers={"X-Partner-Id": "p1", "x-role": "admin", "Accept": "*/*"})
    service.answer = lambda: web.Response(headers={"X-Partner-Id": "p7"})

    waited = await plugin.on_request_waiting(forged)
    edits = plugin.on_request(forged).then(waited)

    assert Headers(applied(forged.headers.lines, edits)).get("x-partner-id") == "p7"
    assert "x-role" not in Headers(applied(forged.headers.lines, edits))
    assert "x-role" not in Headers(applied(forged.headers.lines, plugin.on_request(forged)))  # fallback: open


async def test_a_service_that_cannot_decide_raises(service, plugin, view):
    service.answer = lambda: web.Response(status=500)

    with pytest.raises(AuthUnavailable, match="answered 500"):
        await plugin.on_request_waiting(view())


async def test_a_service_that_is_gone_raises(unused_tcp_port, view):
    plugin = ForwardAuth(f"http://127.0.0.1:{unused_tcp_port}/verify")

    with pytest.raises(ClientError):
        await plugin.on_request_waiting(view())
    await plugin.close()


async def test_a_service_that_hangs_is_given_up_when_the_budget_is_spent(service, view):
    service.free.clear()
    plugin = ForwardAuth(service.url, budget=0.05)

    with pytest.raises(TimeoutError):
        await plugin.on_request_waiting(view())

    service.free.set()
    await plugin.close()


def test_closed_is_a_503_and_open_lets_pass():
    closed = ForwardAuth("http://127.0.0.1:1/verify")

    assert isinstance(closed.otherwise, Reply)
    assert closed.otherwise.status == 503
    assert ForwardAuth("http://127.0.0.1:1/verify", fallback="open").otherwise is None


async def test_closing_twice_or_before_any_request_does_no_harm(plugin, view):
    await plugin.close()
    await plugin.on_request_waiting(view())
    await plugin.close()
    await plugin.close()


@pytest.mark.parametrize("url", ["ftp://auth/", "auth.example/verify", "http://user:password@auth/verify", "http://a"])
def test_an_address_that_cannot_be_asked_is_refused(url):
    with pytest.raises(ValueError, match="is not one such as"):
        ForwardAuth(url)
