"""When a system bears no more: those who buy go first, those with a basket next, and who only browses goes without."""

from __future__ import annotations

import asyncio

import pytest
from sessionful import TWO, answer_of, interpreted, kept, says
from shop import Call, answering, page, rule, shop, system
from visitor import request

from router.edge.asker import Asker
from router.edge.line import Line
from router.model import Overload, Timeouts
from router.ranks import BROWSING, BUYING, CARRYING, CLOSE, KNOWN
from router.rules import Mirror

RULES = (
    rule("/checkout/**", "commerce", name="checkout", page="checkout"),
    rule("/account/**", "commerce", name="account", page="account"),
    rule("/stories/**", "commerce", name="stories", page="story", fallback="cms"),
    rule("/**", "commerce", name="catalogue", page="product"),
)
ONE = Overload(limit=1, adaptive=False)


class Till:
    """A system that answers one by one when told to; `order` has the pages in the order in which they reached it."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.at_once = 0
        self.most = 0
        self._turns = asyncio.Semaphore(0)

    async def __call__(self, call: Call) -> None:
        while True:
            asked = await call.request()
            self.order.append(asked.target)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await self._turns.acquire()
            self.at_once -= 1
            await call.send(page(asked.target.encode()))

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self._turns.release()


def commerce(it):
    return it.edge.live.systems["commerce"]


async def comes(it, target: str, *lines: str, method: str = "GET"):
    """Somebody asks, and stands in line (or is being served) when this returns."""
    before = len(commerce(it).waiting)
    visitor = await it.visitor()
    await visitor.send(request(target, method, *lines))
    await it.until(lambda: len(commerce(it).waiting) > before)
    return visitor


async def taken(it, till: Till, target: str = "/first"):
    """Somebody takes the only place there is."""
    visitor = await it.visitor()
    await visitor.send(request(target))
    await it.until(lambda: till.order[-1:] == [target])
    return visitor


# --- the line ---------------------------------------------------------------------------------------------------------


async def test_a_system_is_never_asked_for_more_than_it_bears():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=Overload(limit=3, adaptive=False)), cms=answering()) as it:
        visitors = [await it.visitor() for _ in range(12)]
        for visitor in visitors:
            await visitor.send(request("/p"))
        till.answer(12)

        assert [(await visitor.answer()).status for visitor in visitors] == [200] * 12
        assert till.most == 3


async def test_whoever_buys_goes_first_however_many_were_there_before():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=ONE), cms=answering()) as it:
        first = await taken(it, till)
        browsing = [await comes(it, f"/p/{n}") for n in range(3)]
        account = await comes(it, "/account/")
        buying = [await comes(it, f"/checkout/{n}", method="POST") for n in range(2)]
        till.answer(7)

        for visitor in (first, *browsing, account, *buying):
            assert (await visitor.answer()).status == 200
        assert till.order == ["/first", "/checkout/0", "/checkout/1", "/account/", "/p/0", "/p/1", "/p/2"]


async def test_who_has_a_basket_goes_before_who_has_none_whatever_they_look_at():
    till = Till()

    async def selling(call: Call) -> None:
        while True:
            asked = await call.request()
            if asked.get("x-say"):
                await call.send(answer_of("commerce", asked))
                continue
            till.order.append(asked.target)
            await till._turns.acquire()
            await call.send(page(asked.target.encode()))

    rules = (
        rule("/checkout/**", "commerce", name="checkout", page="checkout"),
        rule("/account/**", "commerce", name="account", page="account"),
        rule("/**", "commerce", name="catalogue", page="product"),
    )
    options = {"overload": ONE, "authority": frozenset(("login", "basket", "order"))}
    async with kept(rules=rules, commerce=system(selling, **options)) as house:
        it = house.shop
        anna, bert, carl = house.browser(), house.browser(), house.browser()
        await anna.ask("/checkout/add", "POST", says(basket=TWO))
        await bert.ask("/account/login", "POST", says(sub="4711", name="Bert"))
        first = await taken(it, till)
        visitors = [first]
        for browser, target in (
            (carl, "/carl-looks"), (bert, "/bert-looks"), (carl, "/account/carl"), (anna, "/anna-looks"),
            (anna, "/account/anna"), (carl, "/checkout/carl"),
        ):  # fmt: skip
            visitors.append(await comes(it, target, *browser.lines()))
        till.answer(7)

        for visitor in visitors:
            assert (await visitor.answer()).status == 200
        assert till.order == [
            "/first", "/checkout/carl", "/account/anna", "/anna-looks", "/bert-looks", "/account/carl", "/carl-looks",
        ]  # fmt: skip


# --- who has to go ----------------------------------------------------------------------------------------------------


async def test_in_a_full_queue_the_last_who_only_browses_makes_room_for_who_buys():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=ONE, queue=2), cms=answering()) as it:
        first = await taken(it, till)
        early, late = await comes(it, "/p/1"), await comes(it, "/p/2")
        buying = await it.visitor()
        await buying.send(request("/checkout/", "POST"))
        refused = await late.answer()
        till.answer(3)

        assert refused.status == 503
        assert 2 <= int(refused.get("retry-after")) <= 6
        assert [(await visitor.answer()).status for visitor in (first, early, buying)] == [200] * 3
        assert it.edge.snapshot().events["shed:commerce:browse:browsing"] == 1
        assert it.edge.snapshot().errors == {"overloaded": 1}


async def test_who_buys_is_refused_only_where_everybody_who_waits_buys():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=ONE, queue=2), cms=answering()) as it:
        first = await taken(it, till)
        visitors = [await comes(it, f"/checkout/{n}") for n in range(2)]

        refused = await it.ask("/checkout/last")
        till.answer(3)

        assert refused.status == 503
        assert [(await visitor.answer()).status for visitor in (first, *visitors)] == [200] * 3


async def test_who_has_to_go_is_sent_to_the_fallback_where_there_is_one():
    till = Till()
    stories = answering(page(b"from the CMS"))
    async with shop(RULES, commerce=system(till, overload=ONE, queue=1), cms=stories) as it:
        first = await taken(it, till)
        reading = await comes(it, "/stories/linen")
        buying = await it.visitor()
        await buying.send(request("/checkout/"))
        answer = await reading.answer()
        till.answer(2)

        assert (answer.status, answer.body) == (200, b"from the CMS")
        assert it.edge.snapshot().events["shed:commerce:browse:browsing"] == 1
        assert [(await visitor.answer()).status for visitor in (first, buying)] == [200] * 2


async def test_what_was_posted_is_never_sent_to_the_fallback():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=ONE, queue=1), cms=answering()) as it:
        first = await taken(it, till)
        commenting = await it.visitor()
        await commenting.send(request("/stories/linen", "POST", body=b"lovely"))
        await it.until(lambda: len(commerce(it).waiting) == 1)
        buying = await it.visitor()
        await buying.send(request("/checkout/"))
        answer = await commenting.answer()
        till.answer(2)

        assert answer.status == 503
        assert it["cms"].asked == []
        assert [(await visitor.answer()).status for visitor in (first, buying)] == [200] * 2


@pytest.mark.parametrize("found", [True, False])
async def test_while_a_system_is_overloaded_who_only_browses_does_not_wait_for_long(found):
    """Whether the limit was found or given."""
    till = Till()
    overload = Overload(limit=0 if found else 1, most=1, adaptive=False, patience=0.3)
    async with shop(RULES, commerce=system(till, overload=overload), cms=answering()) as it:
        commerce(it).bears.overloaded = found
        first = await taken(it, till)
        buying = await comes(it, "/checkout/")
        early = await comes(it, "/p/1")

        refused = await asyncio.wait_for(early.answer(), 2.0)
        till.answer(2)

        assert refused.status == 503
        assert [(await visitor.answer()).status for visitor in (first, buying)] == [200] * 2


def in_line(*ranks: int) -> list[Asker]:
    """People who are known by their rank only. (Compiled, an asker is nothing that a spec can make.)"""

    class Somebody(Asker):
        def __init__(self, rank: int) -> None:
            self.known_rank = rank

        @property
        def rank(self) -> int:
            return self.known_rank

    return [Somebody(rank) for rank in ranks]


@interpreted
def test_when_somebody_has_to_go_everybody_of_a_lower_rank_goes_first():
    line = Line()
    buying, carrying, known, late = in_line(BUYING, CARRYING, KNOWN, BROWSING)
    for asker in (buying, carrying, known):
        line.add(asker, 0.0)
    line.add(late, 1.4)

    assert line.impatient(0.9, 0.5) == []  # a burst, so far
    assert line.impatient(1.0, 0.6) == []
    assert line.impatient(1.5, 0.5) == [late, known]
    assert line.everybody() == [buying, carrying, known, late]


@interpreted
def test_nobody_with_a_basket_is_made_to_go_however_long_they_wait():
    line = Line()
    askers = in_line(CARRYING, CLOSE, BUYING)
    for asker in askers:
        line.add(asker, 0.0)

    assert line.impatient(60.0, 0.5) == []
    assert line.last_below(BUYING) is askers[0]
    assert line.last_below(CARRYING) is None


async def test_a_burst_that_passes_costs_nobody_a_page():
    till = Till()
    overload = Overload(limit=1, adaptive=False, patience=0.05)
    async with shop(RULES, commerce=system(till, overload=overload), cms=answering()) as it:
        first = await taken(it, till)
        visitors = [await comes(it, f"/p/{n}") for n in range(5)]
        await asyncio.sleep(0.4)
        till.answer(6)

        assert [(await visitor.answer()).status for visitor in (first, *visitors)] == [200] * 6


# --- what takes room --------------------------------------------------------------------------------------------------


async def test_a_page_that_a_slow_reader_takes_for_ever_leaves_room_for_the_next():
    async def streaming(call: Call) -> None:
        asked = await call.request()
        if asked.target == "/events":
            await call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n")
            await call.gone()
        await call.send(page(b"page"))

    async with shop(RULES, commerce=system(streaming, overload=ONE), cms=answering()) as it:
        events = await it.visitor()
        await events.send(request("/events"))
        await events.head()

        assert (await it.ask("/p")).status == 200


async def test_an_upload_that_still_comes_in_leaves_room_for_the_others():
    async def reading(call: Call) -> None:
        while True:
            await call.request()
            await call.send(page(b"read"))

    async with shop(RULES, commerce=system(reading, overload=ONE), cms=answering()) as it:
        uploading = await it.visitor()
        await uploading.send(request("/upload", "POST", "Content-Length: 10") + b"half")
        await it.until(lambda: sum(server.busy for server in commerce(it).servers) == 1)

        other = await it.ask("/p")
        await uploading.send(b"-whole")

        assert other.status == 200
        assert (await uploading.answer()).body == b"read"


async def test_a_visitor_who_leaves_gives_the_place_to_the_next():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=ONE), cms=answering()) as it:
        first = await taken(it, till)
        second = await comes(it, "/p/2")
        first.vanish()
        await it.until(lambda: till.order[-1:] == ["/p/2"])
        till.answer(2)

        assert (await second.answer()).status == 200


async def test_an_answer_that_never_comes_gives_the_place_to_the_next_when_its_time_is_over():
    turn = 0

    async def once_deaf(call: Call) -> None:
        nonlocal turn
        while True:
            await call.request()
            turn += 1
            if turn == 1:
                await call.gone()
                return
            await call.send(page(b"page"))

    timeouts = Timeouts(response=0.3)
    async with shop(RULES, commerce=system(once_deaf, overload=ONE, timeouts=timeouts), cms=answering()) as it:
        first, second = await it.visitor(), await it.visitor()
        await first.send(request("/p/1"))
        await it.until(lambda: turn == 1)
        await second.send(request("/p/2"))

        assert [(await visitor.answer()).status for visitor in (first, second)] == [504, 200]


async def test_nobody_waits_for_a_copy():
    till = Till()
    rules = (rule("/**", "cms", name="magazine", mirror=Mirror("commerce", 10_000)),)
    async with shop(rules, cms=answering(), commerce=system(till, overload=ONE)) as it:
        for _ in range(3):
            assert (await it.ask("/")).status == 200
        await it.until(lambda: it["commerce"].asked)

        assert len(commerce(it).waiting) == 0
        assert it.edge.snapshot().events["mirrored"] == 1
        till.answer()


# --- finding out ------------------------------------------------------------------------------------------------------


async def test_the_edge_finds_out_what_a_system_bears_and_who_buys_is_quick_again(capfd):
    """Two threads of 50 ms, and forty people who ask again as soon as they are answered."""
    free = asyncio.Semaphore(2)

    async def threads(call: Call) -> None:
        while True:
            await call.request()
            async with free:
                await asyncio.sleep(0.05)
            await call.send(page(b"page"))

    looks = True

    async def looking(it) -> None:
        visitor = await it.visitor()
        while looks:
            await visitor.send(request("/p"))
            await visitor.answer()

    async with shop(RULES, commerce=system(threads), cms=answering()) as it:
        for _ in range(12):
            await it.ask("/p")  # so that its usual time is known
        crowd = [asyncio.create_task(looking(it)) for _ in range(40)]
        await it.until(lambda: commerce(it).bears.overloaded, 20)
        await it.until(lambda: commerce(it).bears.limit <= 16, 10)
        began = asyncio.get_running_loop().time()
        bought = [(await it.ask("/checkout/", "POST")).status for _ in range(4)]
        took = asyncio.get_running_loop().time() - began
        looks = False
        await asyncio.gather(*crowd)

        assert bought == [200] * 4
        assert took < 4 * 0.8  # forty people before each would be 1 s
    assert "commerce is overloaded" in capfd.readouterr().err


# --- what an operator sees --------------------------------------------------------------------------------------------


async def test_the_limit_and_what_is_under_way_are_counted():
    till = Till()
    async with shop(RULES, commerce=system(till, overload=Overload(limit=7, adaptive=False)), cms=answering()) as it:
        first = await taken(it, till)
        during = it.server("commerce")
        till.answer()
        await first.answer()

        assert (during.limit, during.in_flight, during.busy) == (7, 1, 1)
        assert it.server("commerce").in_flight == 0


@pytest.mark.parametrize(("overload", "limit"), [(Overload(), 512), (Overload(adaptive=False), 512), (ONE, 1)])
async def test_without_a_reason_the_limit_is_what_the_connections_are(overload, limit):
    async with shop(RULES, commerce=system(answering(), answering(), overload=overload), cms=answering()) as it:
        await it.ask("/p")

        assert it.server("commerce").limit == limit
