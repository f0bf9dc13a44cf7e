"""TLS towards visitors and towards systems; a certificate that does not fit is a fault that the log explains."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import pytest
from aiohttp import web
from certificates import Authority
from shop import Call, answering, page, rule, shop, system
from visitor import Truncated, Visitor, request

from router.rules import Split


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("strangers"), "Stranger")


# --- towards visitors -------------------------------------------------------------------------------------------------


async def test_a_visitor_by_tls_gets_pages_and_the_system_is_told_so(authority):
    async with shop(
        cms=answering(page(b"secret")), tls=authority.server("shop.example"), visitor_tls=authority.client
    ) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/") for _ in range(3)]

        assert [answer.body for answer in answers] == [b"secret"] * 3
        assert {asked.get("x-forwarded-proto") for asked in it["cms"].asked} == {"https"}


async def test_uploads_and_large_pages_pass_through_tls_whole(authority):
    async with shop(
        cms=answering(lambda asked: page(asked.body * 2)),
        tls=authority.server("shop.example"),
        visitor_tls=authority.client,
    ) as it:
        visitor = await it.visitor()
        body = bytes(range(256)) * 8000

        answer = await visitor.ask("/film", "POST", body=body)

        assert answer.body == body * 2


async def test_a_page_cut_short_is_seen_to_be_so_under_tls_too(authority):
    async def cutting(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\n\r\nthe first half")
        await it.until(lambda: any(client.relay.bytes_out for client in it.edge.clients))
        call.reset()

    async with shop(cms=cutting, tls=authority.server("shop.example"), visitor_tls=authority.client) as it:
        visitor = await it.visitor()
        await visitor.send(request(version="1.0"))

        with pytest.raises((Truncated, ssl.SSLError)):
            await visitor.answer()


async def test_someone_who_speaks_plainly_where_tls_is_spoken_harms_nobody(authority):
    async with shop(
        cms=answering(page(b"secret")), tls=authority.server("shop.example"), visitor_tls=authority.client
    ) as it:
        plain = await Visitor.come(it.port)
        await plain.send(request())

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await plain.reader.readuntil(b"\r\n\r\n")
        await plain.leave()

        assert (await it.ask("/")).body == b"secret"


async def test_a_visitors_bucket_is_kept_in_a_cookie_that_only_this_host_gets_by_tls(authority):
    rules = [rule("/**", Split.of([("cms", 50), ("commerce", 50)]))]
    async with shop(
        rules, cms=answering(page()), commerce=answering(page()),
        tls=authority.server("shop.example"), visitor_tls=authority.client,
    ) as it:  # fmt: skip
        answer = await it.ask("/")

        cookie = answer.get("set-cookie")
        assert cookie.startswith("__Host-inseam-split=")
        assert cookie.endswith("; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure")


async def test_a_chat_goes_through_tls_on_both_sides(authority):
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket

    app = web.Application()
    app.router.add_get("/chat", chat)
    cms = system(app, tls=authority.server("127.0.0.1"), ca=authority.file.read_text())
    async with (
        shop(cms=cms, tls=authority.server("shop.example"), visitor_tls=authority.client) as it,
        aiohttp.ClientSession() as browser,
        browser.ws_connect(
            f"https://127.0.0.1:{it.port}/chat", ssl=authority.client, server_hostname="shop.example"
        ) as socket,
    ):
        await socket.send_str("hello")

        assert await socket.receive_str() == "HELLO"


async def test_a_drained_edge_lets_a_request_by_tls_finish(authority):
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        await call.request()
        await gate.wait()
        await call.send(page(b"done"))

    async with shop(cms=slow, tls=authority.server("shop.example"), visitor_tls=authority.client) as it:
        visitor = await it.visitor()
        await visitor.send(request())
        await it["cms"].until(lambda: it["cms"].asked)

        draining = asyncio.create_task(it.edge.drain(5))
        await asyncio.sleep(0)
        gate.set()

        assert (await visitor.answer()).keeps is False
        assert await draining == 0


# --- towards systems --------------------------------------------------------------------------------------------------


async def test_a_system_by_tls_is_asked_on_connections_that_are_kept(authority):
    cms = system(answering(page(b"secret")), tls=authority.server("127.0.0.1"), ca=authority.file.read_text())
    async with shop(cms=cms) as it:
        answers = [await it.ask("/") for _ in range(3)]

        assert [answer.body for answer in answers] == [b"secret"] * 3
        assert it["cms"].calls == 1


async def test_a_certificate_may_be_for_the_name_that_the_rules_file_says(authority):
    cms = system(
        answering(page(b"secret")), tls=authority.server("cms.internal"), ca=authority.file.read_text(),
        tls_name="cms.internal",
    )  # fmt: skip
    async with shop(cms=cms) as it:
        assert (await it.ask("/")).body == b"secret"


@pytest.mark.parametrize("wrong", ["name", "authority", "date"])
async def test_a_certificate_that_does_not_fit_is_refused_and_the_log_says_why(authority, stranger, capsys, wrong):
    tls, said = {
        "name": (authority.server("other.internal"), "doesn't match|IP address mismatch"),
        "authority": (stranger.server("127.0.0.1"), "unable to get local issuer certificate|self-signed"),
        "date": (authority.server("127.0.0.1", days=-1), "certificate has expired"),
    }[wrong]
    cms = system(answering(page(b"secret")), tls=tls, ca=authority.file.read_text())
    async with shop(cms=cms) as it:
        answer = await it.ask("/", "POST", body=b"card=4111")

        log = capsys.readouterr().err
        assert answer.status == 502
        assert it["cms"].asked == []
        assert any(words in log for words in said.split("|")), log
        assert "certificate" not in answer.body.decode()


async def test_certificates_are_not_looked_at_where_the_rules_file_says_so(stranger):
    cms = system(answering(page(b"secret")), tls=stranger.server("who.knows", days=-1), verify=False)
    async with shop(cms=cms) as it:
        assert (await it.ask("/")).body == b"secret"


async def test_a_system_that_speaks_plainly_where_tls_was_declared_is_a_502(authority, capsys):
    async def plain_speaking(call: Call) -> None:
        await call.reader.read(1)
        await call.send(page(b"what?", "400 Bad Request"))

    async with shop(cms=system(plain_speaking, ca=authority.file.read_text())) as it:
        spec = it.edge.live.generation.systems["cms"]
        plain = spec.servers[0]
        it.swap(systems={"cms": type(spec)("cms", (type(plain)("https", plain.host, plain.port),))})

        answer = await it.ask("/")

        assert answer.status == 502
        assert "cannot be reached" in capsys.readouterr().err


async def test_a_page_cut_short_by_a_system_under_tls_is_cut_for_the_visitor(authority):
    async def cutting(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first half")

    cms = system(cutting, tls=authority.server("127.0.0.1"), ca=authority.file.read_text())
    async with shop(cms=cms) as it:
        visitor = await it.visitor()
        await visitor.send(request())

        with pytest.raises(Truncated):
            await visitor.answer()
