"""The store is down, slow, empty, or full of nonsense: shoppers go on, and nothing older takes a newer's place.

REQUIREMENTS, 40, 41, 44, 45.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping import ALL, ANNA, B7, NOW, RING, House, Worker, session_of

from sessions.cookie import seal
from sessions.model import Basket, Changes, Line, Session
from sessions.record import Moved, packed, unpacked
from sessions.stores.guarded import GuardedStore
from sessions.stores.port import Changed, Gap, Stored, key_of

GUEST = Session("guest" + "0" * 17, 5, NOW - 500, NOW - 100, basket=B7)
COOKIE = seal(GUEST, RING)
KEY = key_of(GUEST.id)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def worker(house: House) -> Worker:
    return house.workers[0]


@pytest.fixture
def other(house: House) -> Worker:
    return house.workers[1]


def stored(house: House, key: str = KEY) -> Session | Moved | None:
    there = house.store.there(key)
    return unpacked(there.data) if there is not None else None


# --- down -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["down", "broken"])
async def test_without_the_store_a_shopper_goes_on_by_the_cookie(house, worker, other, trouble):
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    house.store.down = trouble == "down"
    house.store.broken = RuntimeError("a fault of ours") if trouble == "broken" else None

    kept = await worker.told(await worker.open(COOKIE), Changes(basket=Basket("b7", 4, 3)))
    kept = await other.told(await other.open(kept.cookie), Changes(login=ANNA))
    kept = await worker.told(await worker.open(kept.cookie), Changes(basket=Basket("b7", 5, 4)))

    last = session_of(await other.open(kept.cookie))
    assert (last.login, last.basket) == (ANNA, Basket("b7", 5, 4))


async def test_a_fault_of_ours_in_a_store_is_told_once_at_length_and_counted_each_time(house, worker):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
    house.store.broken = RuntimeError("a fault of ours")

    for number in range(3):
        await worker.open(seal(replace(GUEST, id=f"guest-{number}"), RING))

    assert told == [house.store.broken]
    assert worker.events["store:fault"] == 3


async def test_a_store_that_is_down_is_asked_again_every_two_seconds_and_not_with_every_request(house, worker):
    house.store.down = True
    for second in (0, 0, 1, 2):
        worker.now = NOW + second
        await worker.open(COOKIE)
    assert house.store.asked["load"] == 1

    worker.now = NOW + 3
    await worker.open(COOKIE)
    assert house.store.asked["load"] == 2


async def test_what_this_worker_knows_beyond_the_cookie_it_goes_on_knowing(house, worker):
    kept = await worker.told(None, Changes(basket=Basket("g1", 1, 2, lines=(Line("a", 2),))))
    house.store.down = True
    for second in (61, 64, 70):
        worker.now = NOW + second
        kept = await worker.open(kept.cookie)

    assert session_of(kept).basket == Basket("g1", 1, 2, lines=(Line("a", 2),))
    assert session_of(kept).trail


async def test_who_has_logged_out_stays_so_where_it_is_known_though_the_store_is_down(house, worker):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    await worker.told(customer, Changes(login=None))
    assert (await worker.open(customer.cookie)).session is None
    house.store.down = True

    for second in (1, 61, 100, 3600):
        worker.now = NOW + second
        assert (await worker.open(customer.cookie)).session is None


async def test_a_store_that_has_forgotten_a_logout_is_told_of_it(house, worker, other):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    await worker.told(customer, Changes(login=None))
    await worker.open(customer.cookie)
    house.store.empty()

    worker.now = other.now = NOW + 61
    assert (await worker.open(customer.cookie)).session is None
    await house.settled()

    assert isinstance(stored(house, key_of(session_of(customer).id)), Moved)
    assert (await other.open(customer.cookie)).session is None


# --- it comes back ----------------------------------------------------------------------------------------------------


async def test_a_store_that_has_lost_everything_is_given_back_what_cookies_know(house, worker, other):
    kept = await worker.told(await worker.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))
    house.store.empty()

    assert session_of(await other.open(kept.cookie)).basket == Basket("b7", 9, 7)
    await house.settled()

    assert stored(house) == session_of(await other.open(kept.cookie))
    assert other.events["session_restored"] == 1


async def test_an_older_cookie_gives_a_store_back_nothing_that_is_older_than_what_is_there(house, worker, other):
    kept = await worker.told(await worker.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))
    house.store.empty()
    await other.open(kept.cookie)
    await house.settled()

    for place in (worker, other, house.worker()):
        assert session_of(await place.open(COOKIE)).basket == Basket("b7", 9, 7)
        await house.settled()

    assert session_of(await house.worker().open(COOKIE)).rev == 6


async def test_what_the_store_has_missed_is_made_up_for_and_its_details_stay(house, worker, other):
    told = Changes(basket=Basket("b7", 9, 2, lines=(Line("a", 2),)))
    before = (await worker.told(await worker.open(COOKIE), told)).cookie
    house.store.down = True
    worker.now = NOW + 86_400 * 2
    renewed = await worker.open(before)
    assert renewed.cookie != before
    house.store.down = False

    there = session_of(await other.open(renewed.cookie))
    await house.settled()

    assert there == stored(house)
    assert there.basket == told.basket
    assert (there.rev, there.renewed) == (7, worker.now)


async def test_a_change_of_what_a_cookie_knows_is_written_over_an_older_record_and_not_applied_to_it(house, worker):
    """The store is back and has not heard of what was written without it: the change must not lose that."""
    newer = replace(GUEST, rev=9, basket=Basket("b7", 9, 9))
    await worker.open(COOKIE)
    await house.settled()
    house.store.down = True
    kept = await worker.open(seal(newer, RING))
    house.store.down = False

    kept = await worker.told(kept, Changes(handle="h"))

    assert stored(house) == session_of(kept)
    assert (session_of(kept).basket, session_of(kept).rev) == (Basket("b7", 9, 9), 10)


# --- nonsense ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"s9old", packed(GUEST)[:20], packed(replace(GUEST, id="somebody else"))]
)
async def test_nonsense_in_the_store_is_no_session_and_is_written_over(house, worker, other, data):
    """REQUIREMENTS, 45."""
    await house.store.save(KEY, Stored(12, data), None, 60)

    assert session_of(await worker.open(COOKIE)) == GUEST
    await house.settled()

    assert stored(house) == GUEST
    assert worker.events["session_spoiled"] == 1
    assert session_of(await other.open(COOKIE)) == GUEST
    assert not other.events["session_spoiled"]


async def test_nonsense_that_comes_between_reading_and_writing_does_not_pass_for_written(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    await house.store.save(KEY, Stored(12, b"nonsense"), None, 60)

    kept = await worker.told(kept, Changes(basket=Basket("b7", 9, 7)))

    assert stored(house) == session_of(kept)


async def test_who_heals_writes_over_nothing_that_was_healed_meanwhile(house, worker, other):
    await house.store.save(KEY, Stored(12, b"nonsense"), None, 60)
    gate = asyncio.Event()
    save = house.store.save

    async def slow(*rest):
        await gate.wait()
        return await save(*rest)

    house.store.save = slow
    await worker.open(COOKIE)
    await asyncio.sleep(0)
    house.store.save = save
    kept = await other.told(await other.open(COOKIE), Changes(basket=Basket("b7", 9, 7)))
    await house.settled()
    gate.set()
    await house.settled()

    assert stored(house) == session_of(kept)
    assert session_of(await worker.open(COOKIE)).basket == Basket("b7", 9, 7)


TROUBLES = ["basket", "basket", "read", "down", "up", "empty", "spoil", "forget", "lost", "told", "later"]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(TROUBLES),
        ),
        max_size=25,
    ),
    st.integers(0, 1000),
)
def test_whatever_happens_to_the_store_one_shopper_who_waits_for_each_answer_keeps_the_basket(steps, seed):
    """The browser brings the cookie that the last answer gave it, to any worker; news may be late or lost."""

    async def run() -> None:
        house = House(3)
        house.store.dice = random.Random(seed)
        cookie, count = COOKIE, B7.count
        for number, (place, what) in enumerate(steps):
            worker = house.workers[place]
            if what == "basket":
                count = number + 10
                kept = await worker.told(await worker.open(cookie), Changes(basket=Basket("b7", count, count)))
                cookie = kept.cookie or cookie
            elif what == "read":
                kept = await worker.open(cookie)
                cookie = kept.cookie or cookie
            elif what in ("down", "up"):
                house.store.down = what == "down"
            elif what == "empty":
                house.store.empty()
            elif what == "spoil" and house.store.there(KEY) is not None:
                house.store._sessions[KEY].data = b"nonsense"
            elif what == "forget":
                worker.keeper._here.forget()
            elif what in ("lost", "later"):
                house.store.news = what
            elif what == "told":
                house.store.news = "at once"
                house.store.tell()
            for one in house.workers:
                basket = session_of(await one.open(cookie)).basket
                assert basket is not None
                assert basket.count == count
        house.store.down = False
        for one in house.workers:
            one.keeper._hear(Gap())
            await one.open(cookie)
        await house.settled()
        there = stored(house)
        assert isinstance(there, Session)
        assert there.basket is not None
        assert there.basket.count == count

    asyncio.run(run())


# --- behind the guard -------------------------------------------------------------------------------------------------


async def test_a_logout_that_the_store_has_missed_is_written_when_it_is_back():
    house = House(0)
    guard = GuardedStore(house.store, probe=0.01, failures=1)
    worker = house.worker(store=guard)
    await worker.keeper.start()
    try:
        customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
        house.store.down = True
        with pytest.MonkeyPatch.context() as patch:

            async def dead(*rest):
                await house.store._meet("put_once")

            patch.setattr(house.store, "put_once", dead)
            await worker.told(customer, Changes(login=None))
            assert (await worker.open(customer.cookie)).session is None
        house.store.down = False
        for _ in range(200):
            await asyncio.sleep(0.01)
            if isinstance(stored(house, key_of(session_of(customer).id)), Moved):
                break
        assert isinstance(stored(house, key_of(session_of(customer).id)), Moved)
    finally:
        await worker.keeper.close()


# --- nothing is left under way ----------------------------------------------------------------------------------------


async def test_what_is_done_in_the_background_is_done_before_the_end(house, worker):
    house.store.dice = random.Random(2)
    await worker.open(COOKIE)
    await worker.keeper.close()

    assert stored(house) == GUEST
    assert not worker.keeper._archive._tasks


async def test_a_write_that_never_ends_does_not_keep_a_worker_from_ending(house, worker, monkeypatch):
    async def never(*rest):
        await asyncio.Event().wait()

    house.store.save = never
    await worker.open(COOKIE)
    wait = asyncio.wait
    monkeypatch.setattr(asyncio, "wait", lambda tasks, timeout: wait(tasks, timeout=0.01))

    await worker.keeper.close()
    await house.settled()

    assert not worker.keeper._archive._tasks


async def test_of_a_key_that_nobody_has_at_hand_news_are_no_trouble(worker):
    worker.keeper._hear(Changed("unknown", 3))
    worker.keeper._hear(Changed("unknown"))

    assert (await worker.keeper.keep(None, Changes(), "commerce", ALL, NOW))[0] is None
