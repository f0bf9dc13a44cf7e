"""What somebody ends is over in every worker, whoever still has the cookie. REQUIREMENTS, 12."""

from __future__ import annotations

import pytest
from keeping import ANNA, B7, BEN, NOW, POLICY, House, Worker, session_of

from sessions.errors import StoreDown
from sessions.kept import Kept
from sessions.model import Basket, Changes, Session
from sessions.revoked import Revoked
from sessions.stores.port import Changed, Gap, Revocation, key_of


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def worker(house: House) -> Worker:
    return house.workers[0]


@pytest.fixture
def other(house: House) -> Worker:
    return house.workers[1]


async def known(worker: Worker, **changes: object) -> Kept:
    worker.now = NOW - 100
    kept = await worker.told(None, Changes(**{"basket": B7, **changes}))  # type: ignore[arg-type]
    worker.now = NOW
    return kept


def ending(kind: str, key: str = "", at: int = NOW) -> Revocation:
    return Revocation(kind, key and key_of(key), at, at + POLICY.absolute)  # type: ignore[arg-type]


async def test_a_session_is_ended_everywhere(worker, other):
    kept, neighbour = await known(worker), await known(worker)
    await other.open(kept.cookie)

    await worker.keeper.revoke(ending("session", session_of(kept).id))

    for place in (worker, other):
        assert place.keeper.at_hand(kept.cookie, NOW) is None
        assert (await place.open(kept.cookie)).fault == "revoked"
        assert session_of(await place.open(neighbour.cookie)) == session_of(neighbour)


async def test_all_sessions_of_a_customer_are_ended_and_no_others(worker, other):
    annas = [await known(worker, login=ANNA) for _ in range(3)]
    ben, guest = await known(worker, login=BEN), await known(worker)

    await other.keeper.revoke(ending("customer", "c1"))

    for place in (worker, other):
        assert [(await place.open(kept.cookie)).fault for kept in annas] == ["revoked"] * 3
        assert (await place.open(ben.cookie)).login
        assert session_of(await place.open(guest.cookie)).basket == B7


async def test_everybody_is_ended(worker, other):
    kept = [await known(worker, login=ANNA), await known(worker)]

    await worker.keeper.revoke(ending("all"))

    for place in (worker, other):
        assert [(await place.open(one.cookie)).fault for one in kept] == ["revoked"] * 2


async def test_who_logs_in_again_afterwards_is_in(worker, other):
    kept = await known(worker, login=ANNA)
    await worker.keeper.revoke(ending("customer", "c1"))
    nobody = await worker.open(kept.cookie)
    worker.now = other.now = NOW + 1

    again = await worker.told(nobody, Changes(login=ANNA))

    for place in (worker, other):
        assert session_of(await place.open(again.cookie)).login == ANNA


async def test_what_is_told_while_it_is_ended_does_not_bring_it_back(house, worker):
    kept = await known(worker, login=ANNA)
    save = house.store.save

    async def meanwhile(*rest):
        there = await save(*rest)
        worker.keeper._hear(ending("customer", "c1"))
        return there

    house.store.save = meanwhile
    kept = await worker.told(kept, Changes(basket=Basket("b7", 9, 9)))

    assert worker.keeper.at_hand(kept.cookie, NOW) is None
    assert worker.keeper.is_void(kept)
    assert (await worker.open(kept.cookie)).fault == "revoked"


async def test_a_tunnel_whose_session_has_ended_is_to_be_cut(worker):
    kept = await known(worker, login=ANNA)
    assert not worker.keeper.is_void(kept)

    await worker.keeper.revoke(ending("customer", "c1"))

    assert worker.keeper.is_void(kept)


async def test_a_tunnel_of_a_guest_whose_cookie_never_counted_stays(worker):
    assert not worker.keeper.is_void(await worker.open(b"expired or forged or from before"))


async def test_a_worker_that_starts_later_hears_of_what_was_ended_before(house, worker):
    kept = await known(worker, login=ANNA)
    await worker.keeper.revoke(ending("customer", "c1"))

    late = house.worker()
    await late.keeper.start()

    assert (await late.open(kept.cookie)).fault == "revoked"


async def test_here_it_is_ended_at_once_though_nobody_else_can_be_told(house, worker):
    kept = await known(worker, login=ANNA)
    house.store.down = True

    with pytest.raises(StoreDown):
        await worker.keeper.revoke(ending("customer", "c1"))

    assert (await worker.open(kept.cookie)).fault == "revoked"


async def test_a_logout_ends_what_was_handed_over(worker, other):
    shop = await known(worker, login=ANNA)
    assert await worker.keeper.mark_kin(shop, NOW)
    assert not await worker.keeper.mark_kin(shop, NOW)
    brand = await other.keeper.replace(
        None, lambda mine: Session("brand", 1, NOW, NOW, ANNA, NOW, kin=session_of(shop).kin), NOW
    )
    assert brand is not None
    assert (await worker.open(brand.cookie)).login

    await worker.told(shop, Changes(login=None))

    for place in (worker, other):
        assert (await place.open(brand.cookie)).fault == "revoked"


async def test_news_that_were_lost_cost_a_minute_at_most(house, worker, other):
    kept = await known(worker, login=ANNA)
    await other.open(kept.cookie)
    house.store.news = "lost"
    await worker.told(kept, Changes(login=None))

    other.now = NOW + 61

    assert (await other.open(kept.cookie)).session is None


@pytest.mark.parametrize("news", [Gap(), Changed(key_of("whatever"), 3)])
async def test_news_of_every_kind_in_any_order_break_nothing(worker, news):
    kept = await known(worker, login=ANNA)
    worker.keeper._hear(news)

    assert session_of(await worker.open(kept.cookie)).login == ANNA


# --- the table --------------------------------------------------------------------------------------------------------


def test_of_two_for_the_same_the_later_counts_whichever_is_heard_of_first():
    revoked = Revoked()
    revoked.add(Revocation("customer", key_of("c1"), 100, 200), 50)
    revoked.add(Revocation("customer", key_of("c1"), 60, 300), 50)

    session = session_with(login_at=90)
    assert revoked.voids(session, "k")
    assert not revoked.voids(session_with(login_at=101), "k")
    assert len(revoked) == 1


def session_with(login_at: int) -> Session:
    return Session("s", 1, 0, 0, ANNA, login_at)


def test_what_is_over_is_forgotten():
    revoked = Revoked()
    for number in range(5000):
        revoked.add(Revocation("session", f"k{number}", number, number + 10), number)

    assert len(revoked) <= 1001


def test_there_are_never_more_than_so_many_and_the_latest_stay():
    revoked = Revoked(most=100)
    for number in range(1000):
        revoked.add(Revocation("session", f"k{number}", 0, 10), 0)

    assert len(revoked) == 100
    assert revoked.voids(session_with(0), "k999")
    assert not revoked.voids(session_with(0), "k1")


def test_to_hear_of_very_many_takes_no_long_time():
    """A worker that starts hears of all there are, one by one."""
    looked = 0
    revoked = Revoked()
    for number in range(50_000):
        before = revoked._look_through
        revoked.add(Revocation("session", f"k{number}", 0, 10), 0)
        looked += len(revoked) if revoked._look_through != before else 0

    assert looked < 4 * 50_000
    assert len(revoked) == 50_000
