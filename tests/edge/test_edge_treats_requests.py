"""What a rule says beside the owner: rewrite, redirect, respond, headers, copies, the other system as a fallback."""

from __future__ import annotations

import asyncio

import pytest
from shop import QUICK, Call, answering, hanging, page, rule, shop, system
from visitor import request

from router.model import Edits, Reply
from router.rules import Mirror, Redirect, Respond


def echo(asked):
    return page(asked.target.encode())


# --- rewrite, redirect, respond, headers ------------------------------------------------------------------------------


async def test_a_rewritten_path_keeps_the_query_and_the_names_of_the_path():
    async with shop(
        [rule("/p/{sku}/{colour}", "cms", rewrite="/products/{colour}/{sku}.html")], cms=answering(echo)
    ) as it:
        assert (await it.ask("/p/42/red?size=9&x=%20")).body == b"/products/red/42.html?size=9&x=%20"
        assert (await it.ask("/p/a%20b/r%C3%BCt")).body == b"/products/r%C3%BCt/a%20b.html"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_names_the_new_address_with_names_and_query(status):
    rules = [rule("/old/{name}", Redirect("https://shop.example/new/{name}?from=old", status))]
    async with shop(rules, cms=answering(echo)) as it:
        visitor = await it.visitor()

        answer = await visitor.ask("/old/a%20shoe?x=1&y=2")
        head = await visitor.ask("/old/hat", "HEAD")

        assert (answer.status, answer.body) == (status, b"")
        assert answer.get("location") == "https://shop.example/new/a%20shoe?from=old&x=1&y=2"
        assert (head.status, head.get("location")) == (status, "https://shop.example/new/hat?from=old")
        assert it["cms"].asked == []


async def test_a_redirect_may_leave_the_query_behind():
    async with shop([rule("/old", Redirect("/new", keep_query=False))], cms=answering(echo)) as it:
        assert (await it.ask("/old?x=1")).get("location") == "/new"


async def test_the_edge_responds_where_a_rule_says_so():
    reply = Reply(200, [("Content-Type", "text/plain"), ("Cache-Control", "max-age=60")], b"User-agent: *\n")
    async with shop([rule("/robots.txt", Respond(reply))], cms=answering(echo)) as it:
        visitor = await it.visitor()

        got, head = await visitor.ask("/robots.txt"), await visitor.ask("/robots.txt", "HEAD")
        posted = await visitor.ask("/robots.txt", "POST", body=b"x" * 1000)

        assert (got.body, got.get("content-type"), got.get("cache-control")) == (reply.body, "text/plain", "max-age=60")
        assert (head.body, head.get("content-length")) == (b"", "14")
        assert posted.status == 200


async def test_headers_are_edited_on_the_way_there_and_back():
    rules = [
        rule(
            "/**", "cms",
            request=Edits({"X-Shop": "de", "accept": "text/html"}, [("X-More", "1"), ("X-More", "2")], ["User-Agent"]),
            response=Edits({"Server": "shop"}, [("Vary", "Accept")], ["X-Powered-By"]),
        )
    ]  # fmt: skip
    answer = page(b"x", "200 OK", "Server: inside/1.0", "X-Powered-By: php", "Set-Cookie: a=1", "Set-Cookie: b=2")
    async with shop(rules, cms=answering(answer)) as it:
        got = await it.ask("/", "GET", "User-Agent: curl", "Accept: */*", "Accept-Language: de")

        (asked,) = it["cms"].asked
        assert (asked.get("x-shop"), asked.get("accept"), asked.all("x-more")) == ("de", "text/html", ["1", "2"])
        assert (asked.get("user-agent"), asked.get("accept-language")) == (None, "de")
        assert (got.get("server"), got.get("vary"), got.get("x-powered-by")) == ("shop", "Accept", None)
        assert got.all("set-cookie") == ["a=1", "b=2"]


async def test_edits_cannot_touch_what_frames_a_message():
    there = Edits({"Content-Length": "0", "Host": "x"}, [], ["Transfer-Encoding"])
    back = Edits({"Transfer-Encoding": "chunked"}, [("Connection", "close")], ["Content-Length"])
    rules = [rule("/**", "cms", request=there, response=back)]
    async with shop(rules, cms=answering(lambda asked: page(asked.body))) as it:
        answer = await it.ask("/", "POST", body=b"hello")

        assert (answer.body, answer.framing, answer.keeps) == (b"hello", "length", True)
        assert it["cms"].asked[0].get("host") == "shop.example"


# --- copies -----------------------------------------------------------------------------------------------------------


async def test_safe_requests_are_copied_without_anything_personal():
    edits = Edits({"X-Shop": "de", "Authorization": "ours"})
    rules = [rule("/**", "cms", mirror=Mirror("next"), request=edits)]
    async with shop(rules, cms=answering(echo), next=answering(echo)) as it:
        answer = await it.ask("/page?x=1", "GET", "Cookie: session=1", "Authorization: Basic eA==", "X-Kept: 1")
        await it.ask("/page", "POST", "Cookie: session=1", body=b"card=4111")
        await it.ask("/page", "HEAD")
        await it.ask("/page", "GET", "Content-Length: 3", body=b"abc")
        await it["next"].until(lambda: len(it["next"].asked) == 2)

        (copy, head) = it["next"].asked
        assert (copy.method, copy.target, copy.get("x-kept"), copy.get("x-shop")) == ("GET", "/page?x=1", "1", "de")
        assert (copy.get("cookie"), copy.get("authorization")) == (None, None)
        assert copy.get("x-request-id") == answer.get("x-request-id")
        assert head.method == "HEAD"
        assert len(it["cms"].asked) == 4
        assert it.edge.snapshot().events["mirrored"] == 2


async def test_a_share_of_the_requests_is_copied():
    rules = [rule("/**", "cms", mirror=Mirror("next", 2500))]
    async with shop(rules, cms=answering(echo), next=answering(echo)) as it:
        visitor = await it.visitor()
        for _ in range(400):
            await visitor.ask("/")

        assert 40 < it.edge.snapshot().events["mirrored"] < 170


@pytest.mark.parametrize("mirror", ["hangs", "is down", "answers garbage", "sends for ever"])
async def test_whatever_happens_to_a_copy_the_visitor_does_not_notice(mirror):
    async def garbage(call: Call) -> None:
        await call.head()
        await call.send(b"garbage\r\n\r\n")

    async def endless(call: Call) -> None:
        await call.head()
        await call.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await call.send(b"x" * 10_000)

    behaviour = {"hangs": hanging, "is down": hanging, "answers garbage": garbage, "sends for ever": endless}[mirror]
    rules = [rule("/**", "cms", mirror=Mirror("next"))]
    async with shop(rules, cms=answering(echo), next=system(behaviour, timeouts=QUICK)) as it:
        if mirror == "is down":
            await it["next"].stop()
        visitor = await it.visitor()

        answers = [await asyncio.wait_for(visitor.ask(f"/{n}"), 1) for n in range(30)]

        assert [answer.body for answer in answers] == [b"/%d" % n for n in range(30)]
        assert it.tally("/**").requests == 30
        await it.until(lambda: not it.left_over or it.left_over == ["1 clients", "1 addresses"], 3)


async def test_copies_of_a_slow_system_are_bounded():
    rules = [rule("/**", "cms", mirror=Mirror("next"))]
    async with shop(rules, cms=answering(echo), next=system(hanging, timeouts=QUICK)) as it:
        visitor = await it.visitor()
        visitor.writer.write(request() * 150)
        for _ in range(150):
            await visitor.answer()

        events = it.edge.snapshot().events
        assert events["mirrored"] + events["mirror_dropped"] == 150
        assert events["mirror_dropped"] >= 150 - 64 * 2


# --- fallback ---------------------------------------------------------------------------------------------------------

FALLBACK = [rule("/catalogue/{sku}/", "cms", name="product", fallback="commerce", rewrite="/p/{sku}")]


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Oops", "503 Busy"])
async def test_a_page_that_one_system_does_not_have_comes_from_the_other(status):
    missing = page(b"sorry" * 1000, status, "Set-Cookie: cms=1")
    async with shop(FALLBACK, cms=answering(missing), commerce=answering(echo)) as it:
        visitor = await it.visitor()

        answers = [await visitor.ask("/catalogue/42/?x=1") for _ in range(3)]

        assert [(answer.status, answer.body) for answer in answers] == [(200, b"/p/42?x=1")] * 3
        assert answers[0].all("set-cookie") == []
        assert len(it["cms"].asked) == 3
        counts = {count.system: count for count in it.edge.snapshot().rules}
        assert (counts["cms"].fallbacks, counts["commerce"].requests, counts["commerce"].statuses[2]) == (3, 3, 3)


@pytest.mark.parametrize("fault", ["refuses", "resets", "hangs", "answers garbage"])
async def test_a_page_of_a_system_in_trouble_comes_from_the_other(fault):
    async def resets(call: Call) -> None:
        await call.head()
        call.reset()

    async def garbage(call: Call) -> None:
        await call.head()
        await call.send(b"SMTP ready\r\n\r\n")

    behaviour = {"refuses": hanging, "resets": resets, "hangs": hanging, "answers garbage": garbage}[fault]
    async with shop(FALLBACK, cms=system(behaviour, timeouts=QUICK), commerce=answering(echo)) as it:
        if fault == "refuses":
            await it["cms"].stop()

        answers = [await it.ask("/catalogue/42/") for _ in range(2)]

        assert [answer.body for answer in answers] == [b"/p/42"] * 2


@pytest.mark.parametrize("status", ["200 OK", "301 Moved", "400 Bad Request", "403 Forbidden", "429 Too Many"])
async def test_an_answer_that_means_something_stands(status):
    async with shop(FALLBACK, cms=answering(page(b"mine", status)), commerce=answering(echo)) as it:
        answer = await it.ask("/catalogue/42/")

        assert (answer.status, answer.body, it["commerce"].asked) == (int(status[:3]), b"mine", [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_changes_something_is_never_asked_of_the_other_system(method):
    missing = answering(page(b"gone", "404 Not Found"))
    async with shop(FALLBACK, cms=missing, commerce=answering(echo)) as it:
        answer = await it.ask("/catalogue/42/", method, body=b"qty=1")

        assert (answer.status, answer.body, it["commerce"].asked) == (404, b"gone", [])


async def test_when_both_fail_the_visitor_hears_of_the_second():
    gone, busy = answering(page(b"gone", "404 Not Found")), answering(page(b"busy", "503 Busy"))
    async with shop(FALLBACK, cms=gone, commerce=busy) as it:
        answer = await it.ask("/catalogue/42/")

        assert (answer.status, answer.body) == (503, b"busy")
        assert (len(it["cms"].asked), len(it["commerce"].asked)) == (1, 1)


async def test_a_fallback_is_copied_to_the_mirror_only_once_and_counts_only_once_for_plugins():
    class Counting:
        seen = 0

        def on_request(self, view):
            self.seen += 1

    rules = [rule("/**", "cms", fallback="commerce", mirror=Mirror("next"), plugins=(counting := Counting(),))]
    gone = answering(page(b"gone", "404 Not Found"))
    async with shop(rules, cms=gone, commerce=answering(echo), next=answering(echo)) as it:
        answer = await it.ask("/page")
        await it["next"].until(lambda: it["next"].asked)

        assert answer.body == b"/page"
        assert (len(it["next"].asked), counting.seen) == (1, 1)


async def test_a_large_error_page_does_not_delay_the_fallback():
    async def endless(call: Call) -> None:
        await call.head()
        await call.send(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"5\r\nhello\r\n")
            await asyncio.sleep(0.001)

    async with shop(FALLBACK, cms=endless, commerce=answering(echo)) as it:
        answer = await asyncio.wait_for(it.ask("/catalogue/42/"), 1)

        assert answer.body == b"/p/42"
        await it["cms"].until(lambda: not it["cms"].open)
