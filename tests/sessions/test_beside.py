"""While the store does not answer, the workers of one machine agree by a file of their own."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from sessions.cookie import seal
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy, Session
from sessions.stores.beside import BesideStore
from sessions.stores.guarded import GuardedStore
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Stored
from sessions.stores.sqlite import SqliteStore

ALL = frozenset(("login", "basket", "order"))
NOW = 1_800_000_000
RING = KeyRing.fresh(("commerce",), "HS256")


class Switched(MemoryStore):
    """A store that can be switched off."""

    down = True

    async def load(self, key):
        self._answer()
        return await super().load(key)

    async def save(self, key, fresh, expected, life):
        self._answer()
        return await super().save(key, fresh, expected, life)

    async def now(self):
        self._answer()

    def _answer(self):
        if self.down:
            raise StoreDown("switched off")


class House:
    """Workers over one store, with a file beside it."""

    def __init__(self, folder):
        self.store = Switched(clock=lambda: NOW)
        self.path = str(folder / "beside.db")
        self.ids = (f"id-{number}" for number in itertools.count())
        self.stores = []

    async def worker(self):
        store = BesideStore(GuardedStore(self.store, probe=0.01), SqliteStore(self.path, clock=lambda: NOW))
        keeper = Keeper(RING, Policy(), store, lambda: next(self.ids), lambda event: None, lambda: NOW)
        await keeper.start()
        self.stores.append(keeper)
        return keeper


@pytest.fixture
async def house(tmp_path):
    house = House(tmp_path)
    yield house
    for keeper in house.stores:
        await keeper.close()


def guest(rev=1):
    return Session("guest", rev, NOW, NOW, basket=Basket("b1", rev, 2))


async def tell(worker, kept, **changes):
    return (await worker.keep(kept, Changes(**changes), "commerce", ALL, NOW))[0]


async def test_two_changes_at_the_same_moment_on_two_workers_are_both_kept(house):
    first, second = await house.worker(), await house.worker()
    cookie = seal(guest(), RING)
    here, there = await first.open(cookie, NOW), await second.open(cookie, NOW)

    await tell(first, here, handle="vote")
    after = await tell(second, there, basket=Basket("b1", 2, 5))

    assert after.session.basket == Basket("b1", 2, 5)
    assert dict(after.session.handles) == {"commerce": "vote"}


async def test_a_login_on_one_worker_makes_the_guests_page_on_the_other_late(house):
    first, second = await house.worker(), await house.worker()
    cookie = seal(guest(), RING)
    here, there = await first.open(cookie, NOW), await second.open(cookie, NOW)

    await tell(first, here, login=Login("c1"))
    after = await tell(second, there, basket=None)

    assert after.session.basket == guest().basket


async def test_what_is_there_from_an_earlier_time_is_no_reason_to_wait_or_to_go_back(house):
    worker = await house.worker()
    await tell(worker, await worker.open(seal(guest(), RING), NOW), handle="old")

    later = await house.worker()
    kept = await tell(later, await later.open(seal(guest(rev=9), RING), NOW), basket=Basket("b1", 10, 7))

    assert kept.session.rev == 10
    assert kept.session.basket == Basket("b1", 10, 7)


async def test_when_the_store_is_back_it_has_what_was_agreed(house):
    first, second = await house.worker(), await house.worker()
    cookie = seal(guest(), RING)
    here, there = await first.open(cookie, NOW), await second.open(cookie, NOW)
    await tell(first, here, handle="vote")
    agreed = await tell(second, there, basket=Basket("b1", 2, 5))

    house.store.down = False
    for keeper in house.stores:
        while keeper.store.first.missed or not keeper.store.first.up:
            await asyncio.sleep(0.01)

    third = await house.worker()
    assert (await third.open(cookie, NOW)).session == agreed.session


async def test_a_store_that_answers_is_asked_alone(house):
    house.store.down = False
    worker = await house.worker()

    await tell(worker, await worker.open(seal(guest(), RING), NOW), handle="vote")

    assert await worker.store.second.load(next(iter(house.store._sessions))) is None


async def test_a_file_that_fails_costs_nothing(house):
    worker = await house.worker()

    async def fail(*_):
        raise StoreDown("disk full")

    worker.store.second.save = worker.store.second.load = fail

    kept = await tell(worker, await worker.open(seal(guest(), RING), NOW), handle="vote")

    assert dict(kept.session.handles) == {"commerce": "vote"}
    with pytest.raises(StoreDown):
        await worker.store.save("key", Stored(1, b"x"), None, 60)
