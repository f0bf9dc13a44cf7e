"""Answers overtake each other, get lost with their worker, and stores are slow: what a visitor has stays."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from sessions.bridge import apply
from sessions.cookie import seal
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy, Session
from sessions.stores.memory import MemoryStore

ALL = frozenset(("login", "basket", "order"))
NOW = 1_800_000_000
POLICY = Policy()
RING = KeyRing.fresh(("commerce",), "HS256")
ANNA = Login("c1", "Anna")


@pytest.fixture
def store():
    return MemoryStore(clock=lambda: NOW)


@pytest.fixture
def keeper(store):
    """Makes workers' keepers over one store."""
    ids = (f"id-{number}" for number in itertools.count())

    def make():
        made = Keeper(RING, POLICY, store, lambda: next(ids), lambda event: None, lambda: NOW)
        store._hear = made._hear
        return made

    return make


def guest(rev=1, count=2, renewed=NOW):
    return Session("guest", rev, renewed, renewed, basket=Basket("b1", rev, count))


async def login(keeper, kept):
    return (await keeper.keep(kept, Changes(login=ANNA), "commerce", ALL, NOW))[0]


async def test_whoever_never_received_the_answer_to_a_login_can_log_in_again(keeper):
    worker = keeper()
    cookie = seal(guest(), RING)
    await login(worker, await worker.open(cookie, NOW))

    again = await login(worker, await worker.open(cookie, NOW))

    assert again.session.login == ANNA
    assert again.session.id != "guest"
    assert (await worker.open(again.cookie, NOW)).session == again.session


async def test_a_login_form_that_was_sent_twice_logs_in_twice(keeper):
    worker = keeper()
    kept = await worker.open(seal(guest(), RING), NOW)

    first, second = await login(worker, kept), await login(worker, kept)

    assert first.session.login == second.session.login == ANNA


async def test_what_a_page_of_before_the_login_tells_behind_it_is_late(keeper):
    worker = keeper()
    kept = await worker.open(seal(guest(), RING), NOW)
    customer = await login(worker, kept)

    late, outcome = await worker.keep(kept, Changes(basket=None), "commerce", ALL, NOW)

    assert not outcome.changed
    assert late is kept
    assert (await worker.open(customer.cookie, NOW)).session.basket == Basket("b1", 1, 2)


async def test_whoever_never_received_the_answer_to_a_logout_begins_anew_with_the_old_cookie(keeper):
    worker = keeper()
    customer = await login(worker, await worker.open(seal(guest(), RING), NOW))
    await worker.keep(customer, Changes(login=None), "commerce", ALL, NOW)

    stranger = await worker.open(customer.cookie, NOW)
    kept, _ = await worker.keep(stranger, Changes(basket=Basket("b2", 1, 3)), "commerce", ALL, NOW)

    assert stranger.session is None
    assert kept.session.basket == Basket("b2", 1, 3)
    assert kept.session.login is None


async def test_of_two_cookies_the_older_one_changes_nothing_although_its_look_into_the_store_ends_last(keeper, store):
    worker = keeper()
    old, new = guest(rev=3, count=2), guest(rev=4, count=5)
    gates = [asyncio.Event(), asyncio.Event()]
    waiting = iter(gates)

    async def slow(key):
        await next(waiting).wait()
        raise StoreDown("no answer within 50 ms")

    store.load = slow
    first = asyncio.ensure_future(worker.open(seal(old, RING), NOW))
    second = asyncio.ensure_future(worker.open(seal(new, RING), NOW))
    await asyncio.sleep(0)
    gates[1].set()
    await second
    gates[0].set()

    assert (await first).session == new


async def test_a_cookie_is_renewed_once_however_many_workers_and_requests_find_it_due(keeper):
    ago = NOW - POLICY.idle // 10
    cookie = seal(guest(rev=7, renewed=ago), RING)
    workers = [keeper() for _ in range(4)]

    kept = await asyncio.gather(*(worker.open(cookie, NOW) for worker in workers for _ in range(50)))

    assert {(one.session.id, one.session.rev, one.session.renewed) for one in kept} == {("guest", 8, NOW)}
    assert len({one.cookie for one in kept}) == 1
    assert all(worker.at_hand(kept[0].cookie, NOW) is not None for worker in workers)


async def test_a_cookie_that_is_at_hand_is_renewed_when_its_time_has_come(keeper):
    worker = keeper()
    kept = await worker.open(seal(guest(), RING), NOW)
    later = NOW + POLICY.idle // 30 + 1
    kept.look_at = min(kept.look_at, later - 1)

    assert worker.at_hand(kept.cookie, later) is None
    assert (await worker.open(kept.cookie, later)).session.renewed == later


@pytest.mark.parametrize("end", [Changes(order="o1"), Changes(basket=None), Changes(order="o1", basket=None)])
def test_a_page_that_was_made_before_the_order_does_not_bring_the_basket_back(end):
    before = guest(rev=5, count=2)
    ordered = apply(before, end, "commerce", ALL, POLICY, NOW, lambda: "x").session

    late = apply(ordered, Changes(basket=before.basket), "commerce", ALL, POLICY, NOW, lambda: "x")
    fresh = apply(ordered, Changes(basket=Basket("b1", 6, 1)), "commerce", ALL, POLICY, NOW, lambda: "x")

    assert late.session.basket is None
    assert not late.changed
    assert fresh.session.basket == Basket("b1", 6, 1)


def test_a_guests_basket_that_was_joined_is_not_shown_again_by_a_page_that_was_made_before():
    joined = Changes(basket=Basket("b7", 3, 6), merged="b1")
    after = apply(guest(rev=5, count=2), joined, "commerce", ALL, POLICY, NOW, lambda: "x").session

    late = apply(after, Changes(basket=Basket("b1", 5, 2)), "commerce", ALL, POLICY, NOW, lambda: "x")

    assert late.session.basket == Basket("b7", 3, 6)


async def test_a_guests_cookie_that_comes_behind_the_login_does_not_take_its_place(keeper, store):
    worker = keeper()
    old = await worker.open(seal(guest(), RING), NOW)
    customer = await login(worker, old)
    late = seal(guest(rev=2, count=3), RING)

    kept = await worker.open(customer.cookie + b";" + late, NOW)

    assert kept.session == customer.session


async def test_a_customers_cookie_that_comes_behind_the_logout_does_not_take_the_place_of_the_guests(keeper):
    worker = keeper()
    customer = await login(worker, await worker.open(seal(guest(), RING), NOW))
    stranger, _ = await worker.keep(customer, Changes(login=None), "commerce", ALL, NOW)

    kept = await worker.open(customer.cookie + b";" + stranger.cookie, NOW)

    assert kept.session == stranger.session
    assert kept.session.login is None


async def test_nor_does_it_when_the_store_has_forgotten_the_logout(keeper, store):
    worker = keeper()
    customer = await login(worker, await worker.open(seal(guest(), RING), NOW))
    stranger, _ = await worker.keep(customer, Changes(login=None), "commerce", ALL, NOW + 5)
    store._sessions.clear()

    kept = await keeper().open(customer.cookie + b";" + stranger.cookie, NOW + 5)

    assert kept.session.login is None


async def test_a_guest_whose_id_has_moved_on_and_a_stranger_are_still_that_guest(keeper):
    worker = keeper()
    cookie = seal(guest(), RING)
    await login(worker, await worker.open(cookie, NOW))

    kept = await worker.open(b"no-cookie.of-ours;" + cookie, NOW)

    assert kept.fixed
    assert kept.session.basket == Basket("b1", 1, 2)
