"""What systems say is stored before it is told on, by however many workers at once, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping import ALL, ANNA, B7, BEN, NOW, POLICY, RING, House, Worker, session_of

from sessions.cookie import seal, unseal
from sessions.errors import StoreDown
from sessions.kept import Kept
from sessions.model import Basket, Changes, Line, Login, Session
from sessions.record import Moved, packed, unpacked
from sessions.stores.port import Stored, key_of

GUEST = Session("guest" + "0" * 17, 5, NOW - 500, NOW - 100, basket=B7)
COOKIE = seal(GUEST, RING)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def worker(house: House) -> Worker:
    return house.workers[0]


@pytest.fixture
def other(house: House) -> Worker:
    return house.workers[1]


# --- a session begins -------------------------------------------------------------------------------------------------


async def test_a_visit_with_nothing_to_keep_writes_nothing(house, worker):
    assert (await worker.keeper.keep(None, Changes(basket=None), "commerce", ALL, NOW))[0] is None
    assert not house.store.asked


async def test_the_first_basket_begins_a_session_that_every_worker_knows(worker, other):
    kept = await worker.told(None, Changes(basket=B7))

    assert worker.keeper.at_hand(kept.cookie, NOW) is kept
    assert session_of(await other.open(kept.cookie)) == session_of(kept)
    assert unseal(kept.cookie, RING, NOW).basket == B7
    assert worker.events["session_begun"] == 1


async def test_who_reads_the_store_finds_no_id_in_it_that_is_of_use(house, worker):
    """REQUIREMENTS, 14."""
    kept = await worker.told(None, Changes(basket=B7))

    assert list(house.store._sessions) == [key_of(session_of(kept).id)]
    assert len(key_of("x")) == 43
    assert all(session_of(kept).id not in repr(key) for key in house.store._sessions)


def test_an_id_has_128_bits():
    """REQUIREMENTS, 14."""
    from base64 import urlsafe_b64decode

    from router.supervision.worker import _new_id

    drawn = {_new_id() for _ in range(1000)}
    assert len(drawn) == 1000
    assert {len(urlsafe_b64decode(one + "==")) for one in drawn} == {16}


async def test_what_changes_nothing_writes_nothing(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    before = house.store.asked.total()

    assert not (await worker.outcome(kept, Changes(basket=B7))).changed
    assert not (await worker.outcome(kept, Changes(basket=replace(B7, rev=1)))).changed
    assert house.store.asked.total() == before


# --- the id changes ---------------------------------------------------------------------------------------------------


async def test_after_a_login_the_old_id_is_a_guests_for_a_while_and_then_nobodys(house, worker, other):
    """REQUIREMENTS, 9."""
    await other.open(COOKIE)
    kept = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    assert session_of(kept).id != GUEST.id
    assert session_of(kept).former == GUEST.id

    for place in (worker, other):
        before = await place.open(COOKIE)
        assert (session_of(before).login, session_of(before).basket, before.fixed) == (None, B7, True)
        assert before.cookie == b""

    for place in (worker, other):
        place.now = NOW + POLICY.grace + 1
        nobody = await place.open(COOKIE)
        assert (nobody.session, nobody.fault) == (None, "moved")


async def test_what_is_told_to_the_old_id_is_not_taken_over(worker, other):
    """Who planted a session in somebody's browser gets nothing by it, and gives nothing."""
    planted = await other.open(COOKIE)
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA, basket=B7))

    for place in (worker, other):
        held = planted if place is other else await place.open(COOKIE)
        assert not (await place.outcome(held, Changes(basket=Basket("evil", 1, 9), handle="evil"))).changed
        assert place.events["session_late"] == 1

    for place in (worker, other):
        assert session_of(await place.open(customer.cookie)) == session_of(customer)


async def test_after_a_logout_the_old_id_is_nobodys_at_once_in_every_worker(worker, other):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    await other.open(customer.cookie)

    await worker.told(customer, Changes(login=None))

    for place in (worker, other):
        nobody = await place.open(customer.cookie)
        assert (nobody.session, nobody.fault) == (None, "moved")


@pytest.mark.parametrize(
    "late",
    [
        Changes(login=ANNA),
        Changes(login=ANNA, basket=B7),
        Changes(basket=Basket("b7", 9, 9)),
        Changes(login=ANNA, basket=Basket("b7", 9, 9)),
    ],
)
async def test_a_page_of_before_a_logout_brings_no_login_back(worker, other, late):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    under_way = await other.open(customer.cookie)
    await worker.told(customer, Changes(login=None))

    await other.keeper.keep(under_way, late, "commerce", ALL, NOW)

    for place in (worker, other):
        assert (await place.open(customer.cookie)).session is None


async def test_who_logs_in_as_another_where_somebody_has_logged_out_meanwhile_is_logged_in(worker, other):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    under_way = await other.open(customer.cookie)
    await worker.told(customer, Changes(login=None))

    ben = await other.told(under_way, Changes(login=BEN))

    assert (session_of(ben).login, session_of(ben).basket) == (BEN, None)
    assert session_of(await worker.open(ben.cookie)).login == BEN


async def test_a_login_form_sent_twice_over_two_workers_logs_in_twice_with_ids_of_their_own(house, worker, other):
    house.store.dice = random.Random(3)
    held = [await place.open(COOKIE) for place in (worker, other)]

    first, second = await asyncio.gather(
        worker.told(held[0], Changes(login=ANNA)), other.told(held[1], Changes(login=ANNA))
    )

    assert session_of(first).login == session_of(second).login == ANNA
    assert len({GUEST.id, session_of(first).id, session_of(second).id}) == 3
    for place in (worker, other):
        for kept in (first, second):
            assert session_of(await place.open(kept.cookie)) == session_of(kept)
        assert (await place.open(COOKIE)).fixed


async def test_whose_answer_to_the_login_was_lost_gets_a_session_again_when_the_grace_is_over(worker):
    await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    worker.now = NOW + POLICY.grace + 1
    nobody = await worker.open(COOKIE)

    kept = await worker.told(nobody, Changes(basket=Basket("b9", 1, 1)))

    assert session_of(kept).basket == Basket("b9", 1, 1)
    assert not nobody.fixed


class Crash(BaseException):
    """The worker is killed."""


@pytest.mark.parametrize("changes", [Changes(login=ANNA), Changes(login=None), Changes(login=BEN)])
async def test_a_crash_between_the_two_writes_leaves_nobody_without_a_session(house, worker, other, changes):
    """REQUIREMENTS, 47."""
    kept = await worker.open(COOKIE)
    if changes.login != ANNA:
        kept = await worker.told(kept, Changes(login=ANNA))
    before = kept.cookie
    save, written = house.store.save, []

    async def dies(key, *rest):
        if written:
            raise Crash
        written.append(key)
        return await save(key, *rest)

    house.store.save = dies
    with pytest.raises(Crash):
        await worker.told(kept, changes)
    house.store.save = save

    assert session_of(await other.open(before)).basket == B7


# --- at once ----------------------------------------------------------------------------------------------------------


async def test_a_hundred_changes_at_once_in_two_workers_are_all_there(house, worker, other):
    house.store.dice = random.Random(5)
    held = [await place.open(COOKIE) for place in (worker, other)]
    await house.settled()

    both = list(zip((worker, other), held, strict=True)) * 50
    await asyncio.gather(*(
        place.told(kept, Changes(handle="x"), f"system-{number}") for number, (place, kept) in enumerate(both)
    ))  # fmt: skip

    assert len(session_of(await worker.open(COOKIE)).handles) == 100
    assert session_of(await other.open(COOKIE)) == session_of(await worker.open(COOKIE))
    assert session_of(held[0]).rev == GUEST.rev + 100
    assert not worker.events["session_given_up"] + other.events["session_given_up"]


async def test_a_login_that_somebody_was_quicker_than_leaves_no_second_session_behind(house, worker, other):
    held = await other.open(COOKIE)
    await house.settled()
    house.store.news = "lost"
    await worker.told(await worker.open(COOKIE), Changes(basket=Basket("b7", 9, 9)))

    kept = await other.told(held, Changes(login=ANNA))

    assert session_of(kept).basket == Basket("b7", 9, 9)
    assert set(house.store._sessions) == {key_of(GUEST.id), key_of(session_of(kept).id)}


async def test_what_another_worker_has_emptied_is_not_what_this_change_has_lost(house, worker, other):
    held = await other.open(COOKIE)
    await house.settled()
    house.store.news = "lost"
    await worker.told(await worker.open(COOKIE), Changes(order="o1"))

    outcome = await other.outcome(held, Changes(handle="h"))

    assert outcome.before is not None
    assert (outcome.before.basket, outcome.before.order) == (None, "o1")


async def test_a_change_that_others_always_beat_is_given_up_and_never_pretended(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    save = house.store.save

    async def beaten(key, fresh, expected, life):
        there = house.store.there(key)
        assert there is not None
        theirs = unpacked(there.data)
        assert isinstance(theirs, Session)
        quicker = replace(theirs, rev=theirs.rev + 1)
        await save(key, Stored(quicker.rev, packed(quicker)), theirs.rev, life)
        return await save(key, fresh, expected, life)

    house.store.save = beaten
    same, outcome = await worker.keeper.keep(kept, Changes(basket=Basket("b9", 1, 1)), "commerce", ALL, NOW)
    house.store.save = save

    assert same is kept
    assert not outcome.changed
    assert worker.events["session_given_up"] == 1
    assert session_of(await worker.open(COOKIE)).basket == B7


@pytest.mark.parametrize("requests", [1, 10, 50])
async def test_of_many_renewals_at_once_over_four_workers_one_is_made(requests):
    """REQUIREMENTS, 15."""
    house = House(4)
    old = replace(GUEST, renewed=NOW - 3 * 86_400)
    house.store.dice = random.Random(requests)

    kept = await asyncio.gather(*(
        place.open(seal(old, RING)) for place in house.workers for _ in range(requests)
    ))  # fmt: skip

    assert {(session_of(one).rev, session_of(one).renewed) for one in kept} == {(6, NOW)}
    assert len({one.cookie for one in kept}) == 1
    there = house.store.there(key_of(GUEST.id))
    assert there is not None
    assert there.rev == 6
    assert not any(place.events[f"cookie_refused:{why}"] for place in house.workers for why in ("moved", "revoked"))


steps_of_two = st.tuples(
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(["basket", "handle", "login", "logout", "order", "read"]),
    st.integers(0, 9),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(steps_of_two, max_size=14), st.integers(0, 10_000))
def test_in_whatever_order_three_workers_write_nothing_is_lost_and_nobody_gets_anothers(steps, seed):
    """Two shoppers; each step is a request of one of them at a worker, and all are under way at once."""

    async def run() -> None:
        house = House(3)
        house.store.dice = random.Random(seed)
        guests = [replace(GUEST, id=f"shopper-{who}", basket=Basket(f"b{who}", 1, 1)) for who in range(2)]
        cookies = [seal(one, RING) for one in guests]
        written: list[set[str]] = [set(), set()]
        revs: dict[tuple[int, str], int] = {}
        browsers: list[list[Kept]] = [[], []]

        async def ask(number: int, place: int, who: int, what: str, value: int) -> None:
            worker = house.workers[place]
            kept = await worker.open(cookies[who])
            if kept.session is None:
                return
            changes = {
                "basket": Changes(basket=Basket(f"b{who}", number + 2, value)),
                "handle": Changes(cookies={f"n{number}": f"s{who}"}),
                "login": Changes(login=Login(f"customer-{who}")),
                "logout": Changes(login=None),
                "order": Changes(order=f"o{number}"),
                "read": Changes(),
            }[what]
            now, outcome = await worker.keeper.keep(kept, changes, "commerce", ALL, NOW)
            assert now is not None
            if outcome.changed and what == "handle":
                written[who].add(f"commerce~n{number}")
            browsers[who].append(now)
            if now.session is not None and not now.fixed:
                seen = revs.get((place, now.session.id), 0)
                assert now.session.rev >= seen
                revs[place, now.session.id] = now.session.rev

        await asyncio.gather(*(ask(number, *one) for number, one in enumerate(steps)))
        await house.settled()
        moved = any(what in ("login", "logout") for _, _, what, _ in steps)
        for who in range(2):
            for worker in house.workers:
                for kept in [await worker.open(cookies[who]), *browsers[who]]:
                    if kept.session is None:
                        continue
                    session = kept.session
                    assert session.basket is None or session.basket.id == f"b{who}"
                    assert session.login is None or session.login.sub == f"customer-{who}"
                    assert set(session.handles.values()) <= {f"s{who}"}
                seen = (await worker.open(cookies[who])).session
                if not moved:
                    assert seen is not None
                    assert set(seen.handles) == written[who]
        for worker in house.workers:
            assert not worker.events["session_given_up"]

    asyncio.run(run())


async def test_an_answer_of_the_store_that_comes_late_puts_nothing_older_in_place(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    worker.now = NOW + 86_400 * 2
    gate = asyncio.Event()
    save = house.store.save

    async def answers_late(*rest):
        there = await save(*rest)
        await gate.wait()
        return there

    house.store.save = answers_late
    renewing = asyncio.create_task(worker.keeper.renew(kept, worker.now))
    await asyncio.sleep(0)
    house.store.save = save
    await worker.told(kept, Changes(basket=Basket("b7", 9, 9)))
    gate.set()
    await renewing

    assert session_of(kept).basket == Basket("b7", 9, 9)
    assert (session_of(kept).rev, session_of(kept).renewed) == (7, worker.now)


# --- undo, kin --------------------------------------------------------------------------------------------------------


async def test_an_undo_reaches_every_worker_and_is_asked_once(house, worker, other):
    kept = await worker.told(None, Changes(basket=Basket("g1", 1, 2, lines=(Line("a", 2),))))
    kept = await worker.told(kept, Changes(login=ANNA, basket=Basket("c1", 1, 2, lines=(Line("a", 2),))))

    assert await worker.keeper.undo(kept, NOW)
    assert not await worker.keeper.undo(kept, NOW)
    there = await other.open(kept.cookie)
    assert session_of(there).undo == "g1"
    assert not await other.keeper.undo(there, NOW)


async def test_where_there_is_nothing_to_undo_nothing_is_written(house, worker):
    kept = await worker.open(COOKIE)
    await house.settled()
    before = house.store.asked.total()

    assert not await worker.keeper.undo(kept, NOW)
    assert not await worker.keeper.undo(Kept(None), NOW)
    assert house.store.asked.total() == before


async def test_an_undo_of_a_session_that_has_logged_out_elsewhere_is_none(worker, other):
    kept = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    held = await other.open(kept.cookie)
    await worker.told(kept, Changes(login=None))

    assert not await other.keeper.mark_kin(held, NOW)
    assert (await other.open(kept.cookie)).session is None


# --- the store's end of it --------------------------------------------------------------------------------------------


async def test_the_record_of_an_old_id_outruns_whatever_was_written_to_it_without_the_store(house, worker):
    """A logout while the store is down: another worker's later change of the old id must not win afterwards."""
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    await worker.told(customer, Changes(login=None))

    there = house.store.there(key_of(session_of(customer).id))

    assert there is not None
    assert isinstance(unpacked(there.data), Moved)
    assert there.rev > session_of(customer).rev + 1_000


async def test_a_logout_without_the_store_is_tried_for_both_ids(house, worker):
    customer = await worker.told(await worker.open(COOKIE), Changes(login=ANNA))
    tried = []

    async def down(key, fresh, expected, life):
        tried.append((key, type(unpacked(fresh.data))))
        raise StoreDown("no answer")

    house.store.save = down
    guest = await worker.told(customer, Changes(login=None))

    assert tried == [(key_of(session_of(guest).id), Session), (key_of(session_of(customer).id), Moved)]
