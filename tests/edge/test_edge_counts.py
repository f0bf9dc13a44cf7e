"""What the edge counts: requests, bytes, seconds and statuses by rule and system, and how its servers do."""

from __future__ import annotations

import asyncio
import json

import pytest
from shop import QUICK, Call, answering, hanging, page, rule, shop, system
from visitor import Truncated, request

from router.accesslog import AccessLog
from router.model import Limits, Reply
from router.rules import Redirect, Respond


async def test_every_request_counts_for_its_rule_and_system():
    rules = [
        rule("/shop/**", "commerce", name="shop", page="checkout"),
        rule("/old/**", Redirect("/new"), name="old"),
        rule("/robots.txt", Respond(Reply(200, [], b"none")), name="robots"),
        rule("/pages/**", "cms", name="pages", page="campaign"),
    ]
    statuses = {"/pages/1": "200 OK", "/pages/2": "404 Not Found", "/shop/3": "500 Oops", "/shop/4": "201 Created"}
    answer = answering(lambda asked: page(b"x" * 100, statuses[asked.target]))
    async with shop(rules, cms=answer, commerce=answer) as it:
        visitor = await it.visitor()
        for target in ("/pages/1", "/pages/2", "/old/x", "/robots.txt", "/nowhere"):
            await visitor.ask(target)
        for target in ("/shop/3", "/shop/4"):
            await visitor.ask(target, "POST", body=b"y" * 30)

        pages, checkout, old, robots = (it.tally(name) for name in ("pages", "shop", "old", "robots"))

        assert (pages.system, pages.page, pages.intent) == ("cms", "campaign", "browse")
        assert (checkout.system, checkout.page, checkout.intent) == ("commerce", "checkout", "buy")
        assert [count.requests for count in (pages, checkout, old, robots)] == [2, 2, 1, 1]
        assert pages.statuses == [0, 0, 1, 0, 1, 0]
        assert checkout.statuses == [0, 0, 1, 0, 0, 1]
        assert (old.system, old.statuses[3], robots.bytes_out) == ("", 1, 4)
        assert (pages.bytes_in, pages.bytes_out) == (0, 200)
        assert (checkout.bytes_in, checkout.bytes_out) == (60, 200)
        assert it.edge.snapshot().errors == {"no_rule": 1}
        assert it.edge.snapshot().accepted == 1


async def test_bytes_are_those_of_bodies_whatever_their_framing():
    async def chunked(call: Call) -> None:
        while True:
            await call.request()
            await call.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
            )

    async with shop(cms=chunked) as it:
        visitor = await it.visitor()
        await visitor.send(request("/", "POST", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        await visitor.answer()
        await visitor.ask("/", "GET")

        count = it.tally("everything")
        assert (count.bytes_in, count.bytes_out) == (5, 22)


async def test_seconds_are_counted_in_all_for_the_system_and_for_its_server():
    async def slow(call: Call) -> None:
        await call.request()
        await asyncio.sleep(0.1)
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.1)
        await call.send(b"ok")

    async with shop(cms=slow) as it:
        await it.ask()
        await it.ask()

        count, server = it.tally("everything"), it.server("cms")
        assert 0.39 < count.system_seconds <= count.seconds < 4.0
        assert server.seconds == pytest.approx(count.system_seconds)
        assert sum(count.histogram) == 2
        assert sum(count.histogram[:9]) == 0  # none took less than 62 ms


async def test_the_seconds_of_a_system_that_was_asked_in_vain_are_its_own():
    rules = [rule("/**", "cms", name="pages", fallback="commerce")]
    async with shop(rules, cms=system(hanging, timeouts=QUICK), commerce=answering(page())) as it:
        await it.ask()

        seconds = {count.system: count.system_seconds for count in it.edge.snapshot().rules}
        assert seconds["cms"] == pytest.approx(it.server("cms").seconds)
        assert seconds["cms"] > 0.29
        assert seconds["commerce"] < 0.29


async def test_the_access_log_has_a_line_for_every_request_and_no_secrets(tmp_path):
    log = AccessLog(str(tmp_path / "access.log"), pause=0.01)
    rules = [rule("/old", Redirect("/new"), name="old"), rule("/**", "cms", name="pages", page="home")]
    async with shop(rules, cms=system(answering(page(b"12345")), hanging, timeouts=QUICK), access_log=log) as it:
        await it.ask("/page?card=4111", "POST", "Cookie: session=secret", body=b"pin=0815")
        await it.ask("/slow?card=4111")
        await it.ask("/old?card=4111")
        log.close()

        text = (tmp_path / "access.log").read_text()
        posted, slow, redirected = [json.loads(line) for line in text.splitlines()]
        assert not [secret for secret in ("4111", "secret", "0815") if secret in text]
        assert (posted["method"], posted["path"], posted["status"]) == ("POST", "/page", 200)
        assert (posted["bytes_in"], posted["bytes_out"], posted["client"]) == (8, 5, "127.0.0.1")
        assert (posted["rule"], posted["system"], posted["page"]) == ("pages", "cms", "home")
        assert posted["server"] == str(it["cms"].address)
        assert posted["request_id"] == it["cms"].asked[0].get("x-request-id")
        assert (slow["status"], slow["reason"]) == (504, "response_timeout")
        assert slow["server"] == str(it.systems["cms"][1].address)
        assert (redirected["status"], redirected["rule"], redirected["system"]) == (302, "old", "")


async def test_a_server_tells_how_it_does():
    async with shop(cms=system(answering(page()), hanging, connections=1)) as it:
        first, second, third = [await it.visitor() for _ in range(3)]
        await first.ask()
        await second.send(request("/slow"))
        await it.systems["cms"][1].until(lambda: it.systems["cms"][1].asked)

        quick, slow = it.server("cms", 0), it.server("cms", 1)

        assert (quick.open, quick.busy, quick.requests, quick.connects) == (1, 0, 1, 1)
        assert (slow.open, slow.busy, slow.requests, slow.connects) == (1, 1, 1, 1)
        assert (await third.ask()).status == 200
        second.vanish()


async def test_who_waits_is_counted_while_waiting():
    async with shop(cms=system(hanging, connections=1)) as it:
        for _ in range(3):
            await (await it.visitor()).send(request())
        await it.until(lambda: it.server("cms").waiting == 2)

        for visitor in it.visitors:
            visitor.vanish()
        await it.until(lambda: it.server("cms").waiting == 0)


async def test_what_goes_wrong_is_counted_once_and_where_it_belongs():
    async def cutting(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    rules = [rule("/slow", "slow"), rule("/cut", "cut"), rule("/**", "cms", name="rest", body_limit=5)]
    async with shop(
        rules, slow=system(hanging, timeouts=QUICK), cut=cutting, cms=answering(page()), limits=Limits(head_time=5)
    ) as it:
        assert (await it.ask("/slow")).status == 504
        assert (await it.ask("/form", "POST", body=b"too much")).status == 413
        assert (await it.ask("/a/../b")).status == 400
        with pytest.raises(Truncated):
            await it.ask("/cut")

        snapshot = it.edge.snapshot()
        assert snapshot.errors == {"response_timeout": 1, "body_too_large": 1, "ambiguous_path": 1, "reset": 1}
        assert [it.tally(name).statuses for name in ("/slow", "/cut", "rest")] == [
            [0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0],
        ]  # fmt: skip


# --- when the rules change --------------------------------------------------------------------------------------------


async def test_a_request_under_way_keeps_the_rules_it_began_with():
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        asked = await call.request()
        await gate.wait()
        await call.send(page(b"old for " + asked.target.encode()))

    async with shop([rule("/**", "cms", name="before")], cms=slow, commerce=answering(page(b"new"))) as it:
        old, new = await it.visitor(), await it.visitor()
        await old.send(request("/first") + request("/second"))
        await it["cms"].until(lambda: it["cms"].asked)

        it.swap(rule("/**", "commerce", name="after"))
        meanwhile = await new.ask("/third")
        gate.set()

        assert meanwhile.body == b"new"
        assert [(await old.answer()).body for _ in range(2)] == [b"old for /first", b"new"]
        assert (it.tally("before").requests, it.tally("after").requests) == (1, 2)
        assert it.edge.snapshot().generation == 2


async def test_no_count_is_lost_or_goes_back_over_many_generations():
    async with shop([rule("/**", "cms", name="pages")], cms=answering(page(b"12345"))) as it:
        visitor = await it.visitor()
        for number in range(1, 8):
            await visitor.ask("/")
            await visitor.ask("/")
            it.swap(rule("/**", "cms", name="pages"))
            count = it.tally("pages")
            assert (count.requests, count.bytes_out, count.statuses[2]) == (2 * number, 10 * number, 2 * number)

        assert it.edge.snapshot().generation == 8


async def test_a_system_that_did_not_change_keeps_its_connections_and_one_that_did_gets_new_ones():
    async with shop(
        [rule("/shop/**", "commerce"), rule("/**", "cms", name="rest")],
        cms=answering(page(b"cms")), commerce=answering(page(b"commerce")),
    ) as it:  # fmt: skip
        visitor = await it.visitor()
        await visitor.ask("/shop/")
        await visitor.ask("/")

        specs = dict(it.edge.live.generation.systems)
        specs["commerce"] = type(specs["commerce"])("commerce", specs["commerce"].servers, retries=3)
        it.swap(systems=specs)
        await it["commerce"].until(lambda: not it["commerce"].open)
        await visitor.ask("/shop/")
        await visitor.ask("/")

        assert (it["cms"].calls, it["commerce"].calls) == (1, 2)


async def test_what_was_counted_of_servers_is_not_lost_when_their_system_changes():
    async with shop(cms=system(hanging, timeouts=QUICK), other=answering(page(b"ok"))) as it:
        await it.ask()
        before = it.server("cms")

        spec = it.edge.live.generation.systems["cms"]
        it.swap(
            systems={
                **it.edge.live.generation.systems,
                "cms": type(spec)("cms", spec.servers, timeouts=QUICK, retries=0),
            }
        )
        changed = it.server("cms")
        await it.ask()
        after = it.server("cms")
        it.swap(rule("/**", "other"), systems={"other": it.edge.live.generation.systems["other"]})
        gone = it.server("cms")

        assert before.failures == {"response_timeout": 1}
        assert (changed.requests, changed.connects, changed.failures) == (1, 1, {"response_timeout": 1})
        assert (after.requests, after.failures) == (2, {"response_timeout": 2})
        assert (gone.requests, gone.open, gone.busy, gone.ejected) == (2, 0, 0, 0)


async def test_a_download_outlives_its_system():
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await gate.wait()
        await call.send(b"final")

    async with shop(cms=slow, commerce=answering(page(b"new"))) as it:
        visitor = await it.visitor()
        await visitor.send(request("/film"))
        await visitor.head()

        it.swap(rule("/**", "commerce"), systems={"commerce": it.edge.live.generation.systems["commerce"]})
        gate.set()

        assert await visitor.exactly(10) == b"firstfinal"
        assert (await visitor.ask("/")).body == b"new"
        await it["cms"].until(lambda: not it["cms"].open)


async def test_limits_and_trusted_proxies_change_with_the_rules():
    async with shop(cms=answering(page(b"ok"))) as it:
        visitor = await it.visitor()
        before = await visitor.ask("/" + "a" * 2000)

        it.swap(limits=Limits(request_line=1000))
        after = await visitor.ask("/" + "a" * 2000)

        assert (before.status, after.status) == (200, 414)


async def test_requests_go_on_without_a_gap_while_the_rules_change_a_hundred_times():
    async with shop(cms=answering(page(b"ok")), commerce=answering(page(b"ok"))) as it:
        stop = False

        async def browse() -> int:
            visitor, seen = await it.visitor(), 0
            while not stop:
                assert (await visitor.ask("/")).body == b"ok"
                seen += 1
            return seen

        browsing = [asyncio.create_task(browse()) for _ in range(8)]
        for number in range(100):
            it.swap(rule("/**", ("cms", "commerce")[number % 2], name=f"rule {number % 3}"))
            await asyncio.sleep(0.002)
        stop = True
        seen = sum(await asyncio.gather(*browsing))

        assert sum(count.requests for count in it.edge.snapshot().rules) == seen
        assert it.edge.snapshot().errors == {}
