"""What a system is told: the client's lines in order, less what is for one hop, plus what only the edge may say."""

from __future__ import annotations

import ipaddress
import re
import socket

import pytest
from shop import answering, page, rule, shop
from visitor import Visitor, request

from router.conditions import Country
from router.model import Reply
from router.rules import Respond

HERE = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))


def ok():
    return answering(page(b"ok"))


# --- lines that pass --------------------------------------------------------------------------------------------------


async def test_lines_of_a_request_keep_their_order_their_number_and_their_spelling():
    lines = ["accept: */*", "X-A: 1", "Cookie: a=1", "x-a: 2", "COOKIE: b=2", "X-Empty:", "X-Latin: \xfcber", "X-A: 3"]
    async with shop(cms=ok()) as it:
        await it.ask("/page?b=2&a=1&b=%20", "GET", *lines)

        (asked,) = it["cms"].asked
        known = ("accept", "x-a", "cookie", "x-empty", "x-latin")
        passed = [(name, value) for name, value in asked.lines if name.lower() in known]
        assert passed == [(line.split(":", 1)[0], line.split(":", 1)[1].strip()) for line in lines]
        assert (asked.target, asked.get("host")) == ("/page?b=2&a=1&b=%20", "shop.example")


async def test_host_goes_on_as_it_came_and_first():
    async with shop(cms=ok()) as it:
        await it.ask("/", "GET", "Host: Shop.Example:8443", "X-After: 1")

        (asked,) = it["cms"].asked
        assert asked.lines[0] == ("Host", "Shop.Example:8443")
        assert asked.get("x-forwarded-host") == "Shop.Example:8443"


async def test_an_absolute_target_is_asked_for_as_a_path():
    async with shop(cms=ok()) as it:
        answer = await it.ask("http://shop.example/page?x=1")
        query_only = await it.ask("http://shop.example?x=1")

        assert (answer.status, query_only.status) == (200, 200)
        assert [asked.target for asked in it["cms"].asked] == ["/page?x=1", "/?x=1"]


# --- for one hop ------------------------------------------------------------------------------------------------------

ONE_HOP = [
    "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==", "TE: gzip",
    "Trailer: X-Sum", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "X-Mine: 1", "X-Other: 2",
]  # fmt: skip


async def test_what_is_for_one_hop_ends_at_the_edge_also_what_connection_names():
    async with shop(cms=ok()) as it:
        await it.ask("/", "GET", "Connection: X-Mine, Upgrade", "X-Stays: 1", *ONE_HOP, "Connection: x-other")

        (asked,) = it["cms"].asked
        told = {name.lower() for name, _ in asked.lines}
        assert not told & {line.split(":")[0].lower() for line in ONE_HOP}
        assert "connection" not in told
        assert asked.get("x-stays") == "1"


async def test_what_a_system_says_for_one_hop_does_not_reach_the_visitor():
    answer = page(
        b"x", "200 OK", "Connection: X-Inside, keep-alive", "X-Inside: 1", "Keep-Alive: timeout=5", "X-Stays: 1"
    )
    async with shop(cms=answering(answer)) as it:
        got = await it.ask()

        assert [name for name, _ in got.lines] == ["X-Stays", "Content-Length", "X-Request-Id"]


async def test_host_and_cookies_cannot_be_taken_away_by_naming_them():
    async with shop(cms=ok()) as it:
        await it.ask("/", "GET", "Connection: Host, Cookie, Authorization", "Cookie: a=1", "Authorization: Basic eA==")

        (asked,) = it["cms"].asked
        assert (asked.get("host"), asked.get("cookie")) == ("shop.example", "a=1")
        assert asked.get("authorization") == "Basic eA=="


# --- what only the edge may say ---------------------------------------------------------------------------------------

CLAIMED = [
    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1",
    "X-Forwarded-Prefix: /x", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "Via: 1.0 evil", "Inseam-Session: forged",
    "Inseam_Session: forged", "X_Forwarded_For: 6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Original-URL: /admin",
    "X-Request-Id: forged",
]  # fmt: skip


async def test_a_stranger_cannot_say_what_only_the_edge_may():
    async with shop(cms=ok()) as it:
        visitor = await it.visitor()
        await visitor.ask("/", "GET", *CLAIMED)

        (asked,) = it["cms"].asked
        assert asked.get("x-forwarded-for") == "127.0.0.1"
        assert asked.get("x-forwarded-proto") == "http"
        assert asked.get("x-forwarded-host") == "shop.example"
        assert asked.get("via") == "1.1 inseam"
        assert not [
            line for line in asked.lines if any(lie in line[1] for lie in ("6.6.6.6", "evil", "forged", "admin"))
        ]


@pytest.mark.parametrize(
    ("said", "chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7, 10.0.0.2, 127.0.0.1", "203.0.113.7"),
        ("2001:db8::9, 2001:db9::7, 2001:db8::1", "2001:db9::7, 2001:db8::1, 127.0.0.1", "2001:db9::7"),
        ("203.0.113.7, unknown", "127.0.0.1", "127.0.0.1"),
        ("203.0.113.7, _hidden, 10.0.0.2", "10.0.0.2, 127.0.0.1", "10.0.0.2"),
        ("<script>", "127.0.0.1", "127.0.0.1"),
        (",,,", "127.0.0.1", "127.0.0.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3, 10.0.0.2, 127.0.0.1", "10.0.0.3"),
    ],
)
async def test_a_trusted_proxy_is_believed_as_far_as_its_own_kind_reach(said, chain, client):
    rules = [rule("/me", Respond(Reply(200))), rule("/**", "cms", plugins=(seen := SeenBy(),))]
    async with shop(rules, cms=ok(), generation={"trusted": HERE}) as it:
        await it.ask("/", "GET", f"X-Forwarded-For: {said}", "X-Forwarded-Proto: https", "X-Request-Id: from-cdn")

        (asked,) = it["cms"].asked
        assert (asked.get("x-forwarded-for"), asked.get("x-forwarded-proto")) == (chain, "https")
        assert asked.get("x-request-id") == "from-cdn"
        assert (seen.client, seen.scheme) == (client, "https")


class SeenBy:
    """A plugin that notes what rules and plugins are told of the client."""

    client = scheme = country = ""

    def on_request(self, view):
        self.client, self.scheme, self.country = view.client, view.scheme, view.country


async def test_several_lines_of_a_chain_are_one_chain():
    async with shop(cms=ok(), generation={"trusted": HERE}) as it:
        await it.ask("/", "GET", "X-Forwarded-For: 6.6.6.6, 203.0.113.7", "X-Forwarded-For: 10.0.0.9")

        assert it["cms"].asked[0].get("x-forwarded-for") == "203.0.113.7, 10.0.0.9, 127.0.0.1"


@pytest.mark.parametrize("nonsense", ["gopher", "HTTPS", "https, http", ""])
async def test_a_scheme_that_is_none_is_not_believed_even_from_a_trusted_proxy(nonsense):
    async with shop(cms=ok(), generation={"trusted": HERE}) as it:
        await it.ask("/", "GET", f"X-Forwarded-Proto: {nonsense}")

        assert it["cms"].asked[0].get("x-forwarded-proto") == "http"


async def test_one_connection_of_a_proxy_carries_many_clients():
    async with shop(cms=ok(), generation={"trusted": HERE}) as it:
        proxy = await it.visitor()

        for n in range(3):
            await proxy.ask("/", "GET", f"X-Forwarded-For: 203.0.113.{n}")
        await proxy.ask("/")

        chains = [asked.get("x-forwarded-for") for asked in it["cms"].asked]
        assert chains == [*(f"203.0.113.{n}, 127.0.0.1" for n in range(3)), "127.0.0.1"]


async def test_the_country_is_known_only_from_a_trusted_proxy():
    rules = [rule("/**", Respond(Reply(200, [], b"de")), Country(frozenset({"DE"}))), rule("/**", "cms", name="rest")]
    for trusted, body in ((HERE, b"de"), ((), b"ok")):
        async with shop(rules, cms=ok(), generation={"trusted": trusted, "country_header": "cf-ipcountry"}) as it:
            assert (await it.ask("/", "GET", "CF-IPCountry: de")).body == body


async def test_an_ipv6_visitor_is_told_of_by_the_shortest_spelling():
    listening = socket.socket(socket.AF_INET6)
    try:
        listening.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with shop(cms=ok()) as it:
        await it.edge.start([listening])
        visitor = await Visitor.come(listening.getsockname()[1], host="::1")
        it.visitors.append(visitor)

        await visitor.ask("/", "GET", "Host: [::1]:8080")

        asked = it["cms"].asked[0]
        assert (asked.get("x-forwarded-for"), asked.get("x-forwarded-host")) == ("::1", "[::1]:8080")


async def test_an_ipv4_visitor_on_a_listener_for_both_is_told_of_as_ipv4():
    listening = socket.socket(socket.AF_INET6)
    try:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with shop(cms=ok()) as it:
        await it.edge.start([listening])
        visitor = await Visitor.come(listening.getsockname()[1])
        it.visitors.append(visitor)

        await visitor.ask("/")

        assert it["cms"].asked[0].get("x-forwarded-for") == "127.0.0.1"


# --- ids --------------------------------------------------------------------------------------------------------------


async def test_every_request_has_an_id_that_system_visitor_and_log_share():
    async with shop(cms=ok()) as it:
        answers = [await it.ask() for _ in range(3)]

        ids = [answer.get("x-request-id") for answer in answers]
        assert ids == [asked.get("x-request-id") for asked in it["cms"].asked]
        assert len(set(ids)) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


async def test_a_systems_own_request_id_does_not_stand_beside_the_edges():
    async with shop(cms=answering(page(b"x", "200 OK", "X-Request-Id: the-systems"))) as it:
        answer = await it.ask()

        assert answer.all("x-request-id") == [it["cms"].asked[0].get("x-request-id")]


async def test_a_trace_that_the_client_began_goes_on_and_otherwise_one_begins():
    mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with shop(cms=ok()) as it:
        for line in (f"traceparent: {mine}", "X-None: 1", "traceparent: 00-nonsense-00"):
            await it.ask("/", "GET", line, "tracestate: vendor=1")

        kept, begun, anew = (asked.get("traceparent") for asked in it["cms"].asked)
        assert kept == mine
        assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", each) for each in (begun, anew))
        assert it["cms"].asked[0].get("tracestate") == "vendor=1"
        assert it["cms"].asked[1].get("x-request-id") == begun[3:35]


async def test_a_pipeline_of_one_browser_gets_new_ids_all_the_same():
    async with shop(cms=ok()) as it:
        visitor = await it.visitor()
        visitor.writer.write(request() * 50)

        ids = [(await visitor.answer()).get("x-request-id") for _ in range(50)]

        assert len(set(ids)) == 50
        assert len({asked.get("traceparent") for asked in it["cms"].asked}) == 50
