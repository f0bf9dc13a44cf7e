"""A session goes over to a brand's site on a domain of its own: in real redirects, between browsers and real edges."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from brand import (
    ADA,
    BASKET,
    BEN,
    BOTH,
    BRAND,
    POLICY,
    SHOP,
    Browser,
    at_hand,
    edges,
    ended,
    events,
    known,
    session_of,
    told,
)  # fmt: skip
from shop import Shop, answering, system

from router.rulesfile import load
from sessions.cookie import cookie_name
from sessions.model import Basket, Changes, Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.sqlite import SqliteStore


@pytest.fixture
async def edge() -> AsyncIterator[Shop]:
    async with edges(MemoryStore()) as (one,):
        yield one


# --- it goes over -----------------------------------------------------------------------------------------------------


async def test_a_customer_of_the_shop_is_known_at_the_brand_with_the_basket(edge):
    browser = await known(edge)

    claims = await browser.join()

    assert (claims["sub"], claims["name"], claims["basket"]["id"], claims["basket"]["count"]) == ("c1", "Ada", "b7", 2)
    assert events(edge) == {"begun": 1, "given": 1, "taken": 1}


async def test_a_guest_takes_the_basket_along(edge):
    browser = await known(edge, login=None)

    claims = await browser.join()

    assert (claims.get("sub"), claims["basket"]["id"]) == (None, "b7")


async def test_the_session_at_the_brand_has_an_id_of_its_own(edge):
    browser = await known(edge)

    await browser.join()

    there = (await browser.step(f"{SHOP}/")).body, (await browser.step(f"{BRAND}/")).body
    assert json.loads(there[0])["sid"] != json.loads(there[1])["sid"]
    assert browser.session(SHOP) != browser.session()


async def test_somebody_whom_the_shop_does_not_know_goes_on_as_a_guest_without_a_code(edge):
    browser = Browser(edge)

    claims = await browser.join()

    assert claims == {}
    assert not any("code=" in address for address in browser.seen)
    assert events(edge) == {"begun": 1, "nothing": 1}


async def test_the_id_that_a_guest_had_before_the_login_is_not_worth_a_code(edge):
    browser = await known(edge, login=None)
    keeper = edge.edge.keeper
    kept = keeper.at_hand(browser.session(SHOP).encode(), int(time.time()))
    await keeper.keep(kept, Changes(login=ADA), "cms", BOTH, int(time.time()))

    await browser.join()

    assert events(edge) == {"begun": 1, "nothing": 1}


async def test_two_tabs_that_join_at_once_both_arrive(edge):
    browser = await known(edge)
    first, second = await browser.fetch_code("/one/"), await browser.fetch_code("/two/")

    one, two = await browser.go(first), await browser.go(second)

    assert (json.loads(one.body)["sub"], json.loads(two.body)["sub"]) == ("c1", "c1")


async def test_a_link_to_join_that_is_on_the_shop_s_own_pages_leads_to_the_page(edge):
    answer = await Browser(edge).step(f"{SHOP}/.inseam/join?return_to=/summer/")

    assert (answer.status, answer.get("location")) == (303, "/summer/")


async def test_the_query_of_the_page_comes_along(edge):
    browser = await known(edge)

    claims = await browser.join("/search/?q=shoe&page=2")

    assert claims["sub"] == "c1"


@pytest.mark.parametrize("path", ["/.inseam/join", "/.inseam/handoff"])
@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_who_only_looks_uses_no_code_up(edge, path, method):
    answer = await Browser(edge).step(f"{SHOP}{path}", method)

    assert (answer.status, answer.get("allow")) == (405, "GET")


@pytest.mark.parametrize(
    ("policy", "address"),
    [
        (Policy(), f"{SHOP}/.inseam/handoff"),
        (Policy(sites=frozenset({BRAND})), f"{BRAND}/.inseam/join"),
        (POLICY, f"{BRAND}/.inseam/handoff"),
        (POLICY, "http://other.example/.inseam/join"),
        (POLICY, "http://other.example/.inseam/handoff"),
    ],
)
async def test_a_host_that_has_no_part_in_it_knows_nothing_of_it(policy, address):
    async with edges(MemoryStore(), policy=policy) as (edge,):
        answer = await Browser(edge).step(address)

        assert answer.status == 404


async def test_under_https_the_cookies_can_be_planted_by_no_neighbour():
    policy = Policy(home="https://shop.example", sites=frozenset({"https://brand.example"}))
    trusted = {"trusted": (ip_network("127.0.0.0/8"),)}
    async with edges(MemoryStore(), policy=policy, generation=trusted) as (edge,):
        browser = Browser(edge)
        kept = await session_of(edge, ADA, BASKET)
        browser.cookies["shop.example"] = {cookie_name(True, True): kept.cookie.decode()}

        away = await browser.step("https://brand.example/.inseam/join?return_to=/summer/")
        (nonce,) = away.all("set-cookie")
        back = await browser.go(away.get("location") or "", until="code=")
        arrived = await browser.step(back.get("location") or "")
        gone, session = arrived.all("set-cookie")

        assert nonce.startswith("__Host-inseam-join=")
        assert nonce.endswith("; Path=/; Max-Age=120; HttpOnly; SameSite=Lax; Secure")
        assert gone.startswith("__Host-inseam-join=; Path=/; Max-Age=0;")
        assert session.startswith("__Host-inseam-login=")
        assert session.endswith("; HttpOnly; SameSite=Lax; Secure")
        assert arrived.get("location") == "/summer/"


# --- nothing that the visitor has at the brand gets lost --------------------------------------------------------------


async def test_a_login_at_the_brand_stays_where_the_shop_knows_of_none(edge):
    browser = await known(edge, login=None)
    browser.cookies["brand.example"] = (await known(edge, BEN, None)).cookies["shop.example"]

    claims = await browser.join()

    assert (claims["sub"], claims["basket"]) == ("c2", None)
    assert events(edge)["kept"] == 1


async def test_a_guest_s_basket_at_the_brand_meets_the_customer_s(edge):
    browser = await known(edge)
    browser.cookies["brand.example"] = (await known(edge, None, Basket("g1", 1, 1))).cookies["shop.example"]

    await browser.join()

    keeper = edge.edge.keeper
    here = await keeper.open(browser.session().encode(), int(time.time()))
    assert (here.session.login, here.session.basket, here.session.guest.id) == (ADA, BASKET, "g1")
    assert set(browser.cookies["brand.example"]) == {cookie_name(False, True)}  # the guest's and the nonce are gone


async def test_the_cookie_that_the_brand_s_guest_had_stands_for_nobody_s_login(edge):
    browser = await known(edge)
    before = (await known(edge, None, Basket("g1", 1, 1))).cookies["shop.example"]
    browser.cookies["brand.example"] = dict(before)

    await browser.join()

    thief = Browser(edge, cookies={"brand.example": before})
    claims = json.loads((await thief.step(f"{BRAND}/")).body)
    assert (claims.get("sub"), claims["basket"]["id"]) == (None, "g1")


async def test_another_customer_s_login_at_the_brand_ends_on_its_systems_too():
    """Otherwise the brand's system would go on greeting Ben, whose cookie it still gets."""
    oscar = system(answering(told), profile="django-oscar", authority=frozenset({"login"}))
    async with edges(MemoryStore(), cms=oscar) as (edge,):
        browser = await known(edge)
        browser.cookies["brand.example"] = (await known(edge, BEN, None)).cookies["shop.example"] | {"sessionid": "ben"}

        claims = await browser.join()

        assert claims["sub"] == "c1"
        assert "sessionid" not in browser.cookies["brand.example"]


async def test_a_guest_s_cookies_at_the_brand_stay():
    """The commerce system there needs them, to merge the guest's basket."""
    oscar = system(answering(told), profile="django-oscar", authority=frozenset({"login"}))
    async with edges(MemoryStore(), cms=oscar) as (edge,):
        browser = await known(edge)
        browser.cookies["brand.example"] = {"sessionid": "guest"}

        await browser.join()

        assert browser.cookies["brand.example"]["sessionid"] == "guest"


# --- several workers, several nodes -----------------------------------------------------------------------------------


async def test_a_code_counts_once_over_two_workers(tmp_path):
    """REQUIREMENTS, 11: two edges, each with a connection of its own to one file."""
    file = str(tmp_path / "sessions.db")
    async with edges(SqliteStore(file), SqliteStore(file)) as (one, other):
        browser = await known(one)
        code = await browser.fetch_code()
        browser.edge = other
        assert json.loads((await browser.go(code)).body)["sub"] == "c1"
        here = at_hand(other, browser, BRAND)

        browser.edge = one
        again = await browser.go(code)

        assert again.body == b"{}"
        await ended(other, here)
        browser.edge = other
        assert (await browser.step(f"{BRAND}/")).body == b"{}"


async def test_a_store_that_fell_apart_gives_a_code_out_twice_and_it_is_one_session():
    """REQUIREMENTS, 43: what was written before the two halves lost sight of each other is on both."""
    left, right = MemoryStore(), MemoryStore()
    async with edges(left, right) as (one, other):
        browser = await known(one)
        code = await browser.fetch_code()
        right._once.update(left._once)
        right._sessions.update(left._sessions)
        twin = Browser(other, cookies={"brand.example": dict(browser.cookies["brand.example"])})

        here, there = json.loads((await browser.go(code)).body), json.loads((await twin.go(code)).body)

        assert here["sid"] == there["sid"]


# --- docs/handoff.md --------------------------------------------------------------------------------------------------

GUIDE = (Path(__file__).parents[2] / "docs" / "handoff.md").read_text()


def test_the_guide_s_rules_are_good(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    file = tmp_path / "rules.yaml"
    file.write_text(example)

    generation = load(str(file))

    assert generation.session.home == "https://shop.example"
    assert generation.session.sites == {"https://brand.example"}
    assert generation.warnings == ()


def test_the_guide_knows_everything_that_is_counted():
    root = Path(__file__).parents[2]
    source = "".join((root / file).read_text() for file in ("router/edge/handoff.py", "sessions/codes.py"))
    pure = (root / "sessions/handoff.py").read_text()
    reasons = re.findall(r'BadCode\(\s*f?"[^"]*", "(\w+)"', source + pure)
    counted = [*re.findall(r'event\("site:(\w+)"', source), *(f"refused_{reason}" for reason in reasons)]

    assert len(counted) > 12
    assert [name for name in counted if f"`{name}`" not in GUIDE] == []
