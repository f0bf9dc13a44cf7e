"""Who a cookie's visitor is: asked of the store once, remembered while it is true, and never of use to a stranger."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping import ANNA, B7, NOW, POLICY, RING, House, Worker, session_of

from sessions.cookie import LEEWAY, seal
from sessions.keeper import Keeper
from sessions.kept import AtHand, Kept
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Policy, Session
from sessions.rotation import retired, rotated
from sessions.stores.port import Changed, Gap, key_of

GUEST = Session("guest" + "0" * 17, 5, NOW - 500, NOW - 100, basket=B7)
COOKIE = seal(GUEST, RING)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def worker(house: House) -> Worker:
    return house.workers[0]


# --- once -------------------------------------------------------------------------------------------------------------


async def test_two_hundred_who_come_at_once_are_one_verification_and_one_look(house, worker, monkeypatch):
    verified = []
    monkeypatch.setattr("sessions.keeper.unseal", lambda *args: verified.append(args) or GUEST)
    house.store.dice = random.Random(1)

    found = await asyncio.gather(*(worker.open(COOKIE) for _ in range(200)))

    assert (len(verified), house.store.asked["load"]) == (1, 1)
    assert len({id(kept) for kept in found}) == 1


async def test_what_is_at_hand_asks_the_store_nothing(house, worker):
    await worker.open(COOKIE)
    await house.settled()
    before = house.store.asked.total()

    for _ in range(100):
        kept = worker.keeper.at_hand(COOKIE, NOW + 60)
        assert kept is not None
        assert session_of(kept) == GUEST
        assert worker.keeper.token(kept, "cms", {}, NOW)

    assert house.store.asked.total() == before


async def test_after_a_minute_the_store_is_asked_again_should_news_have_been_lost(house, worker):
    await worker.open(COOKIE)
    house.store.news = "lost"
    other = house.workers[1]
    await other.told(await other.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))

    worker.now = NOW + 60
    assert session_of(await worker.open(COOKIE)).rev == 5
    worker.now = NOW + 61
    assert session_of(await worker.open(COOKIE)).rev == 6


async def test_whoever_asked_first_may_go_away_and_the_others_are_answered(house, worker):
    gate = asyncio.Event()
    load = house.store.load

    async def slow(key):
        await gate.wait()
        return await load(key)

    house.store.load = slow
    first, second = (asyncio.create_task(worker.open(COOKIE)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert session_of(await second) == GUEST
    assert first.cancelled()
    assert not worker.keeper._opening


async def test_when_all_go_away_nothing_is_left_behind(house, worker):
    gate = asyncio.Event()

    async def slow(key):
        await gate.wait()
        raise RuntimeError("nobody hears this")

    house.store.load = slow
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    asked = [asyncio.create_task(worker.open(COOKIE)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in asked:
        one.cancel()
    await asyncio.sleep(0)
    gate.set()
    await house.settled()

    assert not worker.keeper._opening
    assert session_of(await worker.open(COOKIE)) == GUEST


# --- cookies that count for nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cookie", "fault"),
    [
        (b"", "malformed"), (b"x" * 2000, "malformed"), (COOKIE[:-2], "malformed"),
        (seal(GUEST, KeyRing.fresh(["cms"], "HS256")), "forged"),
        (seal(replace(GUEST, renewed=NOW - POLICY.idle - LEEWAY - 1), RING), "expired"),
        (seal(replace(GUEST, created=NOW - POLICY.absolute - LEEWAY - 1), RING), "expired"),
    ],
)  # fmt: skip
async def test_a_bad_cookie_is_a_guest_and_costs_no_look_into_the_store(house, worker, cookie, fault):
    """REQUIREMENTS, 8, 13."""
    kept = await worker.open(cookie)

    assert (kept.session, kept.fault, kept.cookie) == (None, fault, b"")
    assert worker.events == {f"cookie_refused:{fault}": 1}
    assert not house.store.asked


async def test_a_bad_cookie_that_gets_a_basket_begins_a_session_of_its_own(worker):
    """REQUIREMENTS, 9: the id that a browser brings is never taken over."""
    kept = await worker.told(await worker.open(seal(GUEST, KeyRing.fresh(["cms"], "HS256"))), Changes(basket=B7))

    assert session_of(kept).id not in (GUEST.id, "")
    assert session_of(kept).basket == B7


async def test_of_several_cookies_the_first_genuine_one_counts_and_never_a_mix(house, worker):
    """REQUIREMENTS, 18."""
    forged = seal(replace(GUEST, login=ANNA), KeyRing.fresh(["cms"], "HS256"))
    other = seal(replace(GUEST, id="other", basket=None), RING)

    assert session_of(await worker.open(b";".join([b'"quoted"', forged, COOKIE, other]))) == GUEST
    assert session_of(await worker.open(b";".join([other, COOKIE]))).id == "other"


async def test_thousands_of_planted_cookies_cost_no_more_than_some(worker):
    forged = seal(GUEST, KeyRing.fresh(["cms"], "HS256"))

    assert (await worker.open(b";".join([forged] * 1000))).session is None
    assert worker.events["cookie_refused:forged"] == 64


async def test_what_strangers_make_up_is_not_remembered(worker):
    here = worker.keeper._here
    for number in range(50):
        made_up = b"x" * 20_000 + str(number).encode()
        await worker.open(made_up)
        await worker.open(made_up + b";" + COOKIE)

    assert set(here.by_cookie) == {COOKIE}
    assert len(here.by_key) == 1


# --- age --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-60, 60])
async def test_clocks_that_differ_by_a_minute_change_nothing(house, worker, skew):
    """REQUIREMENTS, 46."""
    other = house.workers[1]
    other.now = NOW + skew
    kept = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))

    there = await other.open(kept.cookie)

    assert session_of(there) == session_of(kept)
    changed = await other.told(there, Changes(basket=Basket("b7", 9, 9)))
    assert session_of(await worker.open(changed.cookie)).basket == Basket("b7", 9, 9)


async def test_who_keeps_coming_is_renewed_and_still_ends_at_the_absolute_time(worker):
    """REQUIREMENTS, 13."""
    cookie = (await worker.told(None, Changes(basket=B7))).cookie
    for day in range(1, 180):
        worker.now = NOW + day * 86_400
        cookie = (await worker.open(cookie)).cookie
        assert cookie

    worker.now = NOW + POLICY.absolute + LEEWAY + 1
    assert (await worker.open(cookie)).fault == "expired"


# --- news -------------------------------------------------------------------------------------------------------------


async def test_what_another_worker_writes_is_read_at_the_next_request(house, worker):
    other = house.workers[1]
    await worker.open(COOKIE)
    await other.told(await other.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))

    assert worker.keeper.at_hand(COOKIE, NOW) is None
    assert session_of(await worker.open(COOKIE)).basket == Basket("b7", 9, 7)


async def test_our_own_words_that_come_back_as_news_make_nothing_old(house, worker):
    house.store.news = "later"
    kept = await worker.told(await worker.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))
    await house.settled()
    house.store.tell()

    assert worker.keeper.at_hand(kept.cookie, NOW) is kept


async def test_news_that_come_before_our_own_write_returns_are_not_forgotten(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    save = house.store.save

    async def overtaken(key, *rest):
        there = await save(key, *rest)
        worker.keeper._hear(Changed(key, 7))  # somebody has written the next one meanwhile
        return there

    house.store.save = overtaken
    kept = await worker.told(kept, Changes(basket=Basket("b7", 9, 7)))

    assert session_of(kept).rev == 6
    assert worker.keeper.at_hand(kept.cookie, NOW) is None


@pytest.mark.parametrize("news", [Changed(key_of(GUEST.id), 6), Gap()])
async def test_news_that_come_while_the_store_is_read_are_not_forgotten(house, worker, news):
    load = house.store.load

    async def overtaken(key):
        found = await load(key)
        worker.keeper._hear(news)
        return found

    house.store.load = overtaken
    await worker.open(COOKIE)
    assert worker.keeper.at_hand(COOKIE, NOW) is None

    house.store.load = load
    await worker.open(COOKIE)
    assert worker.keeper.at_hand(COOKIE, NOW) is not None


async def test_a_look_that_takes_long_brings_nothing_old_back(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    gate = asyncio.Event()
    load = house.store.load

    async def slow(key):
        found = await load(key)
        await gate.wait()
        return found

    house.store.load = slow
    kept.stale = True
    looking = asyncio.create_task(worker.open(COOKIE))
    await asyncio.sleep(0)
    kept = await worker.told(kept, Changes(basket=Basket("b7", 9, 7)))
    gate.set()

    assert session_of(await looking).basket == Basket("b7", 9, 7)


# --- how many are at hand ---------------------------------------------------------------------------------------------


async def test_however_many_come_only_so_many_are_at_hand():
    house = House(1, most=40)
    (worker,) = house.workers
    for number in range(500):
        await worker.open(seal(replace(GUEST, id=f"guest-{number}"), RING))

    assert len(worker.keeper._here.by_cookie) <= 40
    assert len(worker.keeper._here.by_key) <= 40


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 11), st.booleans()), max_size=60))
def test_whoever_had_to_make_room_is_never_served_from_before(steps):
    async def run() -> None:
        house = House(2, most=4)
        cookies = [seal(replace(GUEST, id=f"guest-{number}", basket=None), RING) for number in range(12)]
        latest = dict.fromkeys(range(12), 0)
        held: dict[tuple[int, int], Kept] = {}
        for place, visitor, held_before in steps:
            worker = house.workers[place]
            kept = held.get((place, visitor)) if held_before else None  # a request that has been under way for long
            kept = kept or await worker.open(cookies[visitor])
            seen = session_of(await worker.open(cookies[visitor])).basket
            assert (seen.count if seen else 0) == latest[visitor]
            latest[visitor] += 1
            await worker.told(kept, Changes(basket=Basket("b", latest[visitor], latest[visitor])))
            held[place, visitor] = kept

    asyncio.run(run())


def test_of_two_under_one_key_the_latter_is_found_and_the_former_has_to_ask():
    here = AtHand()
    first, second = Kept(GUEST, "k"), Kept(GUEST, "k")
    for one in (first, first, second, second):
        here.add(one)

    assert here.by_key == {"k": second}
    assert (first.stale, second.stale) == (True, False)


def test_the_oldest_go_first_and_hear_that_they_have_to_ask():
    here = AtHand(8)
    kept = [Kept(GUEST, f"k{number}") for number in range(9)]
    for one in kept:
        here.add(one)
        here.name(one.key.encode(), one)

    assert list(here.by_key) == [one.key for one in kept[2:]]
    assert [one.stale for one in kept] == [True] * 2 + [False] * 7
    assert list(here.by_cookie) == [one.key.encode() for one in kept[2:]]


# --- other keys, another policy ---------------------------------------------------------------------------------------


async def test_keys_are_changed_without_a_logout(house, worker):
    """REQUIREMENTS, 3."""
    kept = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    before = kept.cookie
    token = worker.keeper.token(kept, "cms", {}, NOW)
    ring = rotated(RING, NOW)
    worker.keeper.change(ring, POLICY)

    after = await worker.open(before)

    assert session_of(after) == session_of(kept)
    assert after.cookie not in (before, b"")
    assert worker.keeper.token(after, "cms", {}, NOW) != token
    assert session_of(await worker.open(after.cookie)) == session_of(kept)


async def test_a_key_that_was_retired_is_refused_at_once(worker):
    await worker.open(COOKIE)
    ring = rotated(RING, NOW)
    (kid,) = [key.kid for key in ring.cookie if key.state == "previous"]
    worker.keeper.change(retired(ring, kid, NOW), POLICY)

    assert (await worker.open(COOKIE)).fault == "forged"


async def test_who_was_looked_for_while_the_keys_changed_is_not_remembered_by_the_old_ones(house, worker):
    gate = asyncio.Event()
    load = house.store.load

    async def slow(key):
        await gate.wait()
        return await load(key)

    house.store.load = slow
    looking = asyncio.create_task(worker.open(COOKIE))
    await asyncio.sleep(0)
    worker.keeper.change(KeyRing.fresh(["cms"], "HS256"), POLICY)
    gate.set()
    await looking

    assert worker.keeper.at_hand(COOKIE, NOW) is None
    assert (await worker.open(COOKIE)).fault == "forged"


async def test_a_shorter_idle_time_counts_from_the_next_request_on(worker):
    await worker.open(COOKIE)
    worker.keeper.change(RING, Policy(idle=30))

    assert (await worker.open(COOKIE)).fault == "expired"


async def test_the_same_keys_and_policy_again_change_nothing(worker):
    kept = await worker.open(COOKIE)
    worker.keeper.change(RING, Policy())

    assert worker.keeper.at_hand(COOKIE, NOW) is kept


async def test_who_is_held_by_a_request_while_the_keys_change_still_hears_of_changes(house, worker):
    held = await worker.open(COOKIE)
    worker.keeper.change(rotated(RING, NOW), POLICY)
    assert held.stale

    held = await worker.told(held, Changes(basket=Basket("b7", 8, 8)))
    other = house.workers[1]
    await other.told(await other.open(COOKIE), Changes(basket=Basket("b7", 9, 9)))

    assert worker.keeper.at_hand(held.cookie, NOW) is None


def test_a_keeper_of_the_edge_keeps_as_many_as_it_says(house):
    keeper = Keeper(RING, POLICY, house.store, lambda: "", lambda event: None, lambda: NOW)

    assert keeper._here.most == 25_000
