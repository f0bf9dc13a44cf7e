"""Hand-off codes over every kind of store, taken by another worker than the one that made them."""

import asyncio
import secrets
import time

import pytest
from store_workers import until

from sessions.codes import Codes
from sessions.errors import StoreDown
from sessions.handoff import BadCode, bind_of
from sessions.keeper import Keeper
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy
from sessions.stores.guarded import GuardedStore
from sessions.stores.memory import MemoryStore
from sessions.stores.opening import open_store

SITE = "https://brand.example"
NONCE = "n0nce_n0nce_n0nce_n0nc"
RING = KeyRing.fresh(["cms"])
AUTHORITY = frozenset({"login", "basket"})


def random():
    return secrets.token_urlsafe(16)


def keeper_on(store):
    return Keeper(RING, Policy(), store, random, lambda name: None, time.time)


def codes_of(keeper):
    return Codes(keeper, {"cms": "http://10.0.0.1:80"}, random)


async def ada(keeper, now):
    changes = Changes(login=Login("c1", "Ada"), basket=Basket("b7", 3, 2), handle="h")
    kept, _ = await keeper.keep(None, changes, "cms", AUTHORITY, now)
    return kept


@pytest.fixture(params=["memory", "sqlite", "redis", "sentinel", "cluster", "guarded"])
async def keepers(request, url_of):
    """Two workers that keep sessions on one store; a store in memory has one, which is both."""
    url = url_of(request.param)
    guarded = request.param == "guarded"
    one = keeper_on(GuardedStore(open_store(url)) if guarded else open_store(url))
    two = one if url == "memory:" else keeper_on(open_store(url))
    for keeper in {one, two}:
        await keeper.start()
    yield one, two
    for keeper in {one, two}:
        await keeper.close()


async def test_a_code_of_one_worker_is_good_at_another(keepers):
    one, two = keepers
    now = int(time.time())
    kept = await ada(one, now)

    code = await codes_of(one).give(kept, SITE, bind_of(NONCE), now)
    here = await codes_of(two).take(code, SITE, NONCE, None, now)

    assert (here.session.login, here.session.basket) == (kept.session.login, kept.session.basket)
    assert here.session.handles == {"cms": "h"}
    assert here.session.id != kept.session.id
    assert (await one.open(here.cookie, now)).session == here.session


async def test_a_namesake_at_another_edge_gets_nothing_that_a_system_left():
    keeper = keeper_on(MemoryStore())
    kept = await ada(keeper, 1000)
    code = await codes_of(keeper).give(kept, SITE, bind_of(NONCE), 1000)

    here = await Codes(keeper, {"cms": "http://10.9.9.9:80"}, random).take(code, SITE, NONCE, None, 1000)

    assert (here.session.login.sub, here.session.handles) == ("c1", {})


async def test_of_many_who_come_at_once_with_one_code_at_most_one_stays(keepers):
    """REQUIREMENTS, 11, 31: in whichever order they get to the store, all but one are refused, and one is ended."""
    one, two = keepers
    now = int(time.time())
    kept = await ada(one, now)
    code = await codes_of(one).give(kept, SITE, bind_of(NONCE), now)

    came = await asyncio.gather(
        *[codes_of(keeper).take(code, SITE, NONCE, None, now) for keeper in (one, two) * 4], return_exceptions=True
    )

    good = [each for each in came if not isinstance(each, BadCode)]
    assert len(good) <= 1
    assert {each.reason for each in came if isinstance(each, BadCode)} == {"unknown", "used"}
    for keeper in (one, two):
        for each in good:
            await until(lambda keeper=keeper, each=each: keeper.is_void(each))
            assert (keeper.at_hand(each.cookie, now) or await keeper.open(each.cookie, now)).session is None
    assert (await two.open(kept.cookie, now)).session is not None


async def test_a_session_that_is_ended_while_it_begins_does_not_begin(monkeypatch):
    """The second use gets to the store between the first one's two steps there: nobody goes on by what is at hand."""
    keeper = keeper_on(MemoryStore())
    await keeper.start()
    kept = await ada(keeper, 1000)
    codes = codes_of(keeper)
    code = await codes.give(kept, SITE, bind_of(NONCE), 1000)
    load = keeper.store.load

    async def meanwhile(key):
        monkeypatch.undo()
        with pytest.raises(BadCode, match="second time"):
            await codes.take(code, SITE, NONCE, None, 1000)
        return await load(key)

    monkeypatch.setattr(keeper.store, "load", meanwhile)

    with pytest.raises(BadCode) as caught:
        await codes.take(code, SITE, NONCE, None, 1000)
    assert caught.value.reason == "used"


async def test_a_session_that_ended_on_another_worker_is_not_handed_over(keepers):
    one, two = keepers
    now = int(time.time())
    kept = await ada(one, now)
    code = await codes_of(one).give(kept, SITE, bind_of(NONCE), now)

    await one.keep(kept, Changes(login=None), "cms", AUTHORITY, now)

    with pytest.raises(BadCode) as caught:
        await codes_of(two).take(code, SITE, NONCE, None, now)
    assert caught.value.reason == "ended"


async def test_a_guest_at_the_site_becomes_the_customer_on_all_workers(keepers):
    one, two = keepers
    now = int(time.time())
    kept = await ada(one, now)
    guest, _ = await two.keep(None, Changes(basket=Basket("g1", 1, 1)), "cms", AUTHORITY, now)
    before = guest.cookie
    code = await codes_of(one).give(kept, SITE, bind_of(NONCE), now)

    here = await codes_of(two).take(code, SITE, NONCE, guest, now)

    assert (here.session.login.sub, here.session.guest.id) == ("c1", "g1")
    late = await one.open(before, now)
    assert (late.fixed, late.session.login) == (True, None)


async def test_the_guest_s_basket_that_another_worker_has_just_changed_is_the_one_that_waits(keepers):
    one, two = keepers
    if one is two:
        pytest.skip("one worker, so nobody else")
    now = int(time.time())
    kept = await ada(one, now)
    guest, _ = await two.keep(None, Changes(basket=Basket("g1", 1, 1)), "cms", AUTHORITY, now)
    elsewhere = await one.open(guest.cookie, now)
    guest.session = elsewhere.session
    await one.keep(elsewhere, Changes(basket=Basket("g1", 2, 5)), "cms", AUTHORITY, now)
    code = await codes_of(one).give(kept, SITE, bind_of(NONCE), now)

    here = await codes_of(two).take(code, SITE, NONCE, guest, now)

    assert here.session.guest.count == 5


async def test_a_code_is_good_for_a_minute_by_the_store_s_clock():
    clock = [1000.0]
    keeper = keeper_on(MemoryStore(lambda: clock[0]))
    await keeper.start()
    kept = await ada(keeper, 1000)
    codes = codes_of(keeper)
    first = await codes.give(kept, SITE, bind_of(NONCE), 1000)
    second = await codes.give(kept, SITE, bind_of(NONCE), 1000)

    clock[0] = 1059
    assert (await codes.take(first, SITE, NONCE, None, 1059)).session.login.sub == "c1"
    clock[0] = 1061
    with pytest.raises(BadCode) as caught:
        await codes.take(second, SITE, NONCE, None, 1061)

    assert caught.value.reason == "late"


class Full(MemoryStore):
    async def put_once(self, key, data, life):
        return False


async def test_a_store_that_has_the_code_already_is_not_to_be_trusted():
    keeper = keeper_on(Full())
    kept = await ada(keeper, 1000)

    with pytest.raises(StoreDown):
        await codes_of(keeper).give(kept, SITE, bind_of(NONCE), 1000)


async def test_a_session_that_cannot_be_stored_is_carried_by_the_cookie():
    """The code was good; what fails behind it costs nobody the login."""

    class Deaf(MemoryStore):
        deaf = False

        async def save(self, key, fresh, expected, life):
            if self.deaf:
                raise StoreDown("no")
            return await super().save(key, fresh, expected, life)

    store = Deaf()
    keeper = keeper_on(store)
    kept = await ada(keeper, 1000)
    code = await codes_of(keeper).give(kept, SITE, bind_of(NONCE), 1000)
    store.deaf = True

    here = await codes_of(keeper).take(code, SITE, NONCE, None, 1000)

    assert (await keeper.open(here.cookie, 1000)).session.login.sub == "c1"
