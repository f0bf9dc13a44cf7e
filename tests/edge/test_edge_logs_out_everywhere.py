"""Who logs out on one domain is logged out on all to which the session was handed over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from brand import (
    BRAND,
    RING,
    SHOP,
    Watched,
    at_hand,
    edges,
    ended,
    known,
    log_out,
    seen_at,
    told,
)  # fmt: skip
from shop import Shop, answering, system

from sessions.keys import KeyRing
from sessions.model import Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.sqlite import SqliteStore


@pytest.fixture
async def edge() -> AsyncIterator[Shop]:
    async with edges(MemoryStore()) as (one,):
        yield one


@pytest.mark.parametrize(("here", "there"), [(SHOP, BRAND), (BRAND, SHOP)])
async def test_who_logs_out_on_one_host_is_logged_out_on_the_other(edge, here, there):
    """REQUIREMENTS, 12."""
    browser, other = await known(edge), await known(edge)
    await browser.join()
    await other.join()

    await log_out(browser, here)

    assert (await seen_at(browser, here), await seen_at(browser, there)) == (None, None)
    assert (await seen_at(other, here), await seen_at(other, there)) == ("c1", "c1")  # another browser of hers


async def test_a_logout_reaches_every_site_on_every_worker_within_a_second(tmp_path):
    outlet = "http://outlet.example"
    policy = Policy(home=SHOP, sites=frozenset({BRAND, outlet}))
    file = str(tmp_path / "sessions.db")
    async with edges(SqliteStore(file), SqliteStore(file), policy=policy) as (one, other):
        browser = await known(one)
        await browser.join()
        answer = await browser.go(f"{outlet}/.inseam/join?return_to=/")
        assert json.loads(answer.body)["sub"] == "c1"
        browser.edge = other
        assert [await seen_at(browser, host) for host in (SHOP, BRAND, outlet)] == ["c1", "c1", "c1"]
        there = at_hand(other, browser, outlet)

        browser.edge = one
        await log_out(browser, BRAND)
        await ended(other, there)

        browser.edge = other
        assert [await seen_at(browser, host) for host in (SHOP, BRAND, outlet)] == [None, None, None]


async def test_a_logout_elsewhere_ends_the_logins_of_systems_that_cannot_be_changed():
    oscar = system(answering(told), profile="django-oscar", authority=frozenset({"login"}))
    async with edges(MemoryStore(), cms=oscar) as (edge,):
        browser = await known(edge)
        await browser.join()
        browser.cookies["brand.example"]["sessionid"] = "ada"

        await log_out(browser, SHOP)
        await browser.step(f"{BRAND}/")

        assert "sessionid=ada" not in (edge["cms"].asked[-1].get("cookie") or "")
        assert "sessionid" not in browser.cookies["brand.example"]


async def test_who_logs_in_again_is_not_logged_out_by_what_was_before(edge):
    browser = await known(edge)
    await browser.join()
    await log_out(browser, SHOP)

    browser.cookies["shop.example"] = (await known(edge)).cookies["shop.example"]

    assert (await browser.join())["sub"] == "c1"
    assert await seen_at(browser, SHOP) == "c1"


async def test_a_logout_reaches_a_session_that_the_store_has_lost():
    store = MemoryStore()
    async with edges(store) as (edge,):
        browser = await known(edge)
        await browser.join()
        store._sessions.clear()
        edge.edge.keeper.change(KeyRing.parse(RING.to_json()), Policy(home=SHOP))  # nothing is at hand any more
        assert await seen_at(browser, BRAND) == "c1"

        await log_out(browser, SHOP)

        assert await seen_at(browser, BRAND) is None


async def test_a_logout_while_the_store_is_down_is_a_logout_here_at_least():
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)
        await browser.join()
        store.down = frozenset({"revoke"})

        await log_out(browser, SHOP)

        assert (await seen_at(browser, SHOP), await seen_at(browser, BRAND)) == (None, None)


async def test_a_session_that_was_never_handed_over_ends_without_telling_anybody():
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)

        await log_out(browser, SHOP)

        assert "revoke" not in store.asked
