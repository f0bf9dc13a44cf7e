"""Plugins at work in the edge: what they change, and that one that raises, dawdles or waits costs no request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from shop import answering, hanging, page, rule, shop, system
from visitor import request

from router.model import Edits, Reply


@dataclass(frozen=True)
class Adding:
    """Says its name to the system and to the visitor."""

    name: str = "a"

    def on_request(self, view):
        return Edits(add=[("X-Seen-By", self.name)])

    def on_response(self, view, response):
        return Edits(add=[("X-Passed", f"{self.name} {response.status}")])


@dataclass(frozen=True)
class Raising:
    """Has a bad day."""

    def on_request(self, view):
        raise KeyError("what I wanted")

    def on_response(self, view, response):
        raise ZeroDivisionError


@dataclass(frozen=True)
class Closed:
    """Answers by itself under `/closed`."""

    def on_request(self, view):
        return Reply(503, [("Retry-After", "60")], b"back soon") if view.path.startswith("/closed") else None


@dataclass(frozen=True)
class Waiting:
    """Asks somebody who takes `seconds`."""

    seconds: float = 0.0
    budget: float = 0.2
    otherwise: Reply | None = None
    says: str = "yes"

    async def on_request_waiting(self, view):
        await asyncio.sleep(self.seconds)
        if self.says == "raise":
            raise ConnectionError("nobody there")
        if self.says == "no":
            return Reply(401, [], b"who are you?")
        return Edits({"X-User": "ada"})


def echo(asked):
    return page(",".join(asked.all("x-seen-by")).encode())


async def test_plugins_of_the_file_come_before_those_of_the_rule():
    rules = [rule("/**", "cms", plugins=(Adding("rule's"),))]
    async with shop(rules, cms=answering(echo), generation={"plugins": (Adding("file's"),)}) as it:
        answer = await it.ask()

        assert answer.body == b"file's,rule's"
        assert answer.all("x-passed") == ["file's 200", "rule's 200"]


async def test_a_plugin_that_raises_costs_its_own_effect_and_is_counted(capsys):
    rules = [rule("/**", "cms", plugins=(Raising(), Adding("b")))]
    async with shop(rules, cms=answering(echo)) as it:
        answers = [await it.ask() for _ in range(3)]

        assert [(answer.status, answer.body) for answer in answers] == [(200, b"b")] * 3
        assert sum(it.edge.snapshot().plugin_errors.values()) == 6
        assert "what I wanted" in capsys.readouterr().err


async def test_a_plugin_may_answer_and_later_plugins_and_the_system_are_not_asked():
    rules = [rule("/**", "cms", plugins=(Closed(), Raising()))]
    async with shop(rules, cms=answering(echo)) as it:
        visitor = await it.visitor()

        closed = await visitor.ask("/closed/")
        uploaded = await visitor.ask("/closed/", "POST", body=b"x" * 100)
        opened = await it.ask("/")

        assert (closed.status, closed.body, closed.get("retry-after")) == (503, b"back soon", "60")
        assert (uploaded.status, uploaded.keeps) == (503, False)  # nobody has read what was sent along
        assert opened.status == 200
        assert len(it["cms"].asked) == 1


async def test_a_plugin_that_waits_may_add_to_the_request():
    rules = [rule("/**", "cms", plugins=(Waiting(0.05), Adding("b")))]
    async with shop(rules, cms=answering(echo)) as it:
        visitor = await it.visitor()
        visitor.writer.write(request("/1") + request("/2", "POST", body=b"z" * 300_000) + request("/3"))

        answers = [await visitor.answer() for _ in range(3)]

        assert [answer.status for answer in answers] == [200] * 3
        assert [asked.get("x-user") for asked in it["cms"].asked] == ["ada"] * 3
        assert [len(asked.body) for asked in it["cms"].asked] == [0, 300_000, 0]
        assert [asked.target for asked in it["cms"].asked] == ["/1", "/2", "/3"]


@pytest.mark.parametrize("otherwise", [None, Reply(403, [], b"not today")])
@pytest.mark.parametrize("trouble", [Waiting(5.0, 0.1), Waiting(says="raise")], ids=["too slow", "raises"])
async def test_a_plugin_that_waits_too_long_or_raises_has_the_answer_it_stated(trouble, otherwise, capsys):
    plugin = Waiting(trouble.seconds, trouble.budget, otherwise, trouble.says)
    async with shop([rule("/**", "cms", plugins=(plugin,))], cms=answering(page(b"through"))) as it:
        answer = await asyncio.wait_for(it.ask(), 1)

        assert (answer.status, answer.body) == ((200, b"through") if otherwise is None else (403, b"not today"))
        assert sum(it.edge.snapshot().plugin_errors.values()) == 1
    assert "failed and its fallback decides: " in capsys.readouterr().err  # it may be closed: nothing is passed over


async def test_a_plugin_that_waits_may_refuse():
    async with shop([rule("/**", "cms", plugins=(Waiting(says="no"),))], cms=answering(page())) as it:
        answer = await it.ask("/", "POST", body=b"x" * 200_000)

        assert (answer.status, answer.body, it["cms"].asked) == (401, b"who are you?", [])


async def test_plugins_that_wait_hold_up_nobody_else():
    gate = asyncio.Event()

    class Gated:
        budget = 30.0
        otherwise = None

        async def on_request_waiting(self, view):
            await gate.wait()

    rules = [rule("/slow/**", "cms", plugins=(Gated(),)), rule("/**", "cms", name="rest")]
    async with shop(rules, cms=answering(page(b"ok"))) as it:
        slow = [await it.visitor() for _ in range(100)]
        for visitor in slow:
            await visitor.send(request("/slow/"))
        quick = await it.visitor()

        assert {(await quick.ask("/")).status for _ in range(50)} == {200}

        gate.set()
        assert {(await visitor.answer()).status for visitor in slow} == {200}


async def test_a_visitor_who_leaves_while_a_plugin_waits_is_never_asked_for():
    async with shop([rule("/**", "cms", plugins=(Waiting(0.2, 1.0),))], cms=answering(page())) as it:
        visitor = await it.visitor()
        await visitor.send(request("/order", "POST", body=b"qty=1"))
        await it.until(lambda: it.edge._tasks)

        visitor.vanish()
        await it.until(lambda: not it.left_over)

        assert it["cms"].asked == []


async def test_what_a_waiting_plugin_found_out_is_known_to_the_fallback_too():
    plugins = (Waiting(), Adding("b"))
    async with shop(
        [rule("/**", "cms", fallback="commerce", plugins=plugins)],
        cms=system(hanging, connections=1), commerce=answering(echo),
    ) as it:  # fmt: skip
        await it["cms"].stop()

        answer = await it.ask()

        assert answer.body == b"b"
        assert it["commerce"].asked[0].get("x-user") == "ada"
