"""What one client may ask of the edge, and what it hears beyond: a clear status, a page it can read, nothing inside."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import resource
import socket

import pytest
from shop import answering, hanging, page, rule, shop, system
from visitor import Ended, Visitor, request

from router.conditions import Host
from router.model import Limits, Timeouts

OURS = {"hosts": Host(frozenset({"shop.example"}), (".shop.example",))}

REFUSED = {
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (request("/", "GET", "Host: a", "Host: b"), 400),
    "no target": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment": (request("/a#b"), 400),
    "another host in the target": (request("http://evil.example/"), 400),
    "an encoded slash": (request("/a%2fb"), 400),
    "a dot segment": (request("/a/../b"), 400),
    "an empty segment": (request("//evil.example/a"), 400),
    "two framings": (request("/", "POST", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
    "two lengths": (request("/", "POST", "Content-Length: 1", "Content-Length: 1"), 400),
    "chunked by HTTP/1.0": (request("/", "POST", "Transfer-Encoding: chunked", version="1.0"), 400),
    "a folded line": (request("/", "GET", "X-A: 1\r\n 2"), 400),
    "TRACE": (request("/", "TRACE"), 405),
    "CONNECT": (request("shop.example:443", "CONNECT"), 405),
    "a long address": (request("/" + "a" * 9000), 414),
    "a long address without end": (b"GET /" + b"a" * 9000, 414),
    "a large head": (request("/", "GET", *[f"X-{n}: {'x' * 900}" for n in range(50)]), 431),
    "a large head without end": (b"GET / HTTP/1.1\r\nX-A: " + b"x" * 40_000, 431),
    "too many lines": (request("/", "GET", *[f"X-{n}: 1" for n in range(120)]), 431),
    "an expectation": (request("/", "POST", "Expect: miracles"), 417),
    "somebody else's name": (request("/", "GET", "Host: evil.example"), 421),
    "HTTP/2": (b"GET / HTTP/2.0\r\nHost: shop.example\r\n\r\n", 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "nothing that is known": (b"\x00\x01\x02\x03\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_has_a_clear_status_and_reaches_no_system(name):
    sent, status = REFUSED[name]
    async with shop(cms=answering(page()), generation=OURS) as it:
        visitor = await it.visitor()
        await visitor.send(sent)

        answer = await visitor.answer()

        assert answer.status == status
        assert answer.get("content-type") == "text/html; charset=utf-8"
        assert answer.get("x-request-id") in answer.body.decode()
        assert it["cms"].asked == []
        assert sum(it.edge.snapshot().errors.values()) == 1


async def test_what_is_within_the_limits_passes():
    limits = Limits(request_line=1000, head=2000, fields=20)
    async with shop(cms=answering(page(b"ok")), limits=limits) as it:
        visitor = await it.visitor()

        longest = await visitor.ask("/" + "a" * (1000 - len("GET / HTTP/1.1")))
        widest = await visitor.ask("/", "GET", "X-A: " + "x" * 1900)
        most = await visitor.ask("/", "GET", *[f"X-{n}: 1" for n in range(19)])

        assert [answer.status for answer in (longest, widest, most)] == [200] * 3


async def test_a_page_for_a_name_of_ours_is_served_and_a_refused_name_keeps_the_connection():
    """REQUIREMENTS, 25."""
    async with shop(cms=answering(page(b"ok")), generation=OURS) as it:
        visitor = await it.visitor()

        answers = [
            await visitor.ask("/", "GET", f"Host: {name}")
            for name in ("shop.example:80", "x.example", "M.Shop.Example")
        ]

        assert [answer.status for answer in answers] == [200, 421, 200]


# --- pages of the edge ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json", "application/problem+json"),
        ("application/problem+json, */*", "application/problem+json"),
        ("*/*", "text/html; charset=utf-8"),
        ("text/html, application/json", "text/html; charset=utf-8"),
    ],
)
async def test_a_page_of_the_edge_comes_as_it_is_wanted_with_the_id_and_nothing_inside(accept, kind):
    async with shop([rule("/shop/**", "cms", name="inside rule")], cms=system(hanging, retries=0)) as it:
        await it["cms"].stop()

        answer = await it.ask("/shop/", "GET", f"Accept: {accept}")

        inside = (
            "127.0.0.1",
            str(it["cms"].port),
            "cms",
            "inside rule",
            "refused",
            "router",
            "uvloop",
            "python",
            "inseam",
        )
        text = answer.body.decode()
        assert (answer.status, answer.get("content-type"), answer.get("cache-control")) == (502, kind, "no-store")
        assert answer.get("x-request-id") in text
        assert not [word for word in inside if word in text.lower()]
        if "json" in kind:
            assert json.loads(text) == {
                "status": 502, "title": "Bad Gateway", "request_id": answer.get("x-request-id"),
                "detail": "This part of the shop could not be reached. Please try again.",
            }  # fmt: skip


async def test_an_ambiguous_path_is_refused_as_it_is_wanted_too():
    async with shop(cms=answering(page())) as it:
        answer = await it.ask("/a%2fb", "GET", "Accept: application/json")
        head = await it.ask("/a%2fb", "HEAD")

        assert (answer.status, answer.get("content-type")) == (400, "application/problem+json")
        assert (head.status, head.body) == (400, b"")


async def test_head_of_a_page_of_the_edge_has_no_body():
    async with shop([rule("/page", "cms")], cms=answering(page(b"ok"))) as it:
        visitor = await it.visitor()

        missing = await visitor.ask("/nowhere", "HEAD")
        there = await visitor.ask("/page")

        assert (missing.status, int(missing.get("content-length")) > 100) == (404, True)
        assert there.body == b"ok"


async def test_a_request_id_in_a_page_cannot_carry_markup():
    async with shop(cms=answering(page())) as it:
        answer = await it.ask("/a//b", "GET", "X-Request-Id: <script>alert(1)</script>")

        assert b"<script>" not in answer.body


async def test_options_for_the_server_as_a_whole_are_answered_by_the_edge():
    async with shop(cms=answering(page(b"ok"))) as it:
        visitor = await it.visitor()

        answer = await visitor.ask("*", "OPTIONS")
        path = await visitor.ask("/page", "OPTIONS")

        assert (answer.status, "DELETE" in answer.get("allow")) == (204, True)
        assert (path.body, len(it["cms"].asked)) == (b"ok", 1)


async def test_what_is_reserved_for_the_edge_never_goes_on():
    async with shop(cms=answering(page(b"ok"))) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask(f"/.inseam/{name}") for name in ("", "session", "a/b", "x?y=1")]

        assert {answer.status for answer in answers} == {404}
        assert it["cms"].asked == []


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beginning", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-A: 1"])
async def test_a_head_that_does_not_come_in_time_is_a_408(beginning):
    async with shop(cms=answering(page()), limits=Limits(head_time=0.3)) as it:
        visitor = await it.visitor()
        await visitor.send(beginning)

        answer = await visitor.answer()

        assert (answer.status, answer.keeps) == (408, False)
        assert await visitor.end() == "eof"


async def test_a_head_that_trickles_has_no_more_time_than_another():
    async with shop(cms=answering(page()), limits=Limits(head_time=0.3)) as it:
        visitor = await it.visitor()

        async def trickle() -> None:
            for byte in request("/", "GET", "X-Long: " + "x" * 1000):
                visitor.writer.write(bytes((byte,)))
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        answer = await visitor.answer()
        trickling.cancel()

        assert answer.status == 408


async def test_three_hundred_slow_heads_are_all_cut_off():
    """REQUIREMENTS, 53; 2,000 of them, over a whole edge: `make conformance`."""
    async with shop(cms=answering(page(b"ok")), limits=Limits(head_time=0.4)) as it:
        slow = [await it.visitor() for _ in range(300)]
        for visitor in slow:
            await visitor.send(b"GET / HTTP/1.1\r\nX-A: ")

        meanwhile = await it.ask("/")
        answers = [await visitor.answer() for visitor in slow]

        assert meanwhile.body == b"ok"
        assert {answer.status for answer in answers} == {408}


async def test_who_connects_and_says_nothing_is_sent_away_without_a_word():
    async with shop(cms=answering(page()), limits=Limits(head_time=0.3)) as it:
        visitor = await it.visitor()

        assert await visitor.end() == "eof"
        assert it.edge.snapshot().errors == {}


async def test_a_second_head_on_a_connection_has_its_time_too():
    async with shop(cms=answering(page()), limits=Limits(head_time=0.3, idle=30)) as it:
        visitor = await it.visitor()
        await visitor.ask("/")
        await visitor.send(b"GET / HT")

        assert (await visitor.answer()).status == 408


# --- how many ---------------------------------------------------------------------------------------------------------


async def test_one_address_may_have_so_many_connections_and_no_more():
    async with shop(cms=answering(page(b"ok")), limits=Limits(client_connections=3)) as it:
        three = [await it.visitor() for _ in range(3)]
        assert [(await visitor.ask("/")).status for visitor in three] == [200] * 3

        fourth = await it.visitor()
        with pytest.raises((Ended, ConnectionError)):
            await fourth.ask("/")
        await three[0].leave()
        await it.until(lambda: len(it.edge.clients) == 2)

        assert (await (await it.visitor()).ask("/")).status == 200
        assert it.edge.snapshot().errors == {"too_many_connections": 1}


async def test_a_trusted_proxy_may_have_as_many_as_it_likes():
    trusted = (ipaddress.ip_network("127.0.0.0/8"),)
    async with shop(
        cms=answering(page(b"ok")), limits=Limits(client_connections=3), generation={"trusted": trusted}
    ) as it:
        assert [(await (await it.visitor()).ask("/")).status for _ in range(9)] == [200] * 9


async def test_all_together_may_have_so_many_connections_and_no_more():
    async with shop(cms=answering(page(b"ok")), limits=Limits(connections=2)) as it:
        for _ in range(2):
            await (await it.visitor()).ask("/")

        with pytest.raises((Ended, ConnectionError)):
            await (await it.visitor()).ask("/")


async def test_without_file_descriptors_the_open_go_on_and_others_come_in_again_as_soon_as_there_are_some():
    async with shop(cms=answering(page(b"ok"))) as it:
        visitor = await it.visitor()
        await visitor.ask("/")
        plugs = [socket.socket() for _ in range(20)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(plug.fileno() for plug in plugs) + 1, hard))
        try:
            for plug in plugs:
                plug.setblocking(False)
                plug.connect_ex(("127.0.0.1", it.port))
            await asyncio.sleep(0.05)
            during = [(await visitor.ask("/")).status for _ in range(5)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for plug in plugs:
                plug.close()
        after = await asyncio.wait_for(it.ask("/"), 1)  # REQUIREMENTS, 51

        assert (during, after.status) == ([200] * 5, 200)


async def test_without_file_descriptors_no_system_is_blamed():
    async with shop(cms=system(answering(page(b"ok")), timeouts=Timeouts(connect=1.0))) as it:
        visitors = [await Visitor.come(it.port) for _ in range(6)]
        it.visitors += visitors
        await it.until(lambda: len(it.edge.clients) == 6)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as last:
            resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), hard))
            try:
                answers = [await visitor.ask("/") for visitor in visitors]
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        after = await it.ask("/")

        assert it.edge.snapshot().errors == {"no_descriptors": 6}
        assert {answer.status for answer in answers} == {503}
        assert it.server("cms").ejections == 0
        assert after.status == 200
