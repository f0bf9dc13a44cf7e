"""A session goes over to a brand's site on a domain of its own: in real redirects, between browsers and real edges."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import Asked, Shop, answering, page, shop, system
from visitor import Answer

from router.accesslog import AccessLog
from router.edge.handoff import return_place
from router.rulesfile import load
from sessions.cookie import cookie_name
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.kept import Kept
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Revocation, Store
from sessions.stores.sqlite import SqliteStore
from sessions.token import read_session_token

SHOP, BRAND = "http://shop.example", "http://brand.example"
POLICY = Policy(home=SHOP, sites=frozenset({BRAND}))
RING = KeyRing.fresh(["cms"], "HS256")
ADA, BEN = Login("c1", "Ada"), Login("c2", "Ben")
BASKET = Basket("b7", 3, 2, "39.80", "EUR")
BOTH = frozenset({"login", "basket"})
NAMES = [cookie_name(False, login) for login in (True, False)]


def told(asked: Asked) -> bytes:
    """A system that says what it was told of its visitor."""
    token = asked.get("inseam-session")
    claims = dict(read_session_token(token.encode(), "cms", RING, int(time.time()))) if token else {}
    return page(json.dumps(claims).encode(), "200 OK", "Content-Type: text/html")


def keeper_on(store: Store, policy: Policy = POLICY) -> Keeper:
    return Keeper(RING, policy, store, lambda: secrets.token_urlsafe(16), lambda name: None, time.time)


@asynccontextmanager
async def edges(*stores: Store, policy: Policy = POLICY, **more: Any) -> AsyncIterator[list[Shop]]:
    """An edge for each store; all of them answer to both hosts."""
    more.setdefault("cms", answering(told))
    async with AsyncExitStack() as stack:
        found = []
        for store in stores:
            keeper = keeper_on(store, policy)
            generation = {"session": policy, **more.get("generation", {})}
            options = {name: value for name, value in more.items() if name != "generation"}
            found.append(await stack.enter_async_context(shop(generation=generation, keeper=keeper, **options)))
        yield found


@pytest.fixture
async def edge() -> AsyncIterator[Shop]:
    async with edges(MemoryStore()) as (one,):
        yield one


@dataclass
class Browser:
    """Keeps cookies by host and follows redirects, to whichever edge `edge` is at that time."""

    edge: Shop
    scheme: str = "http"
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The addresses that were asked for, in order."""

    def session(self, host: str = BRAND) -> str:
        """The value of the session cookie that a host would be sent; empty if there is none."""
        jar = self.cookies.get(urlsplit(host).netloc, {})
        return ";".join(jar[name] for name in NAMES if name in jar)

    async def step(self, address: str, method: str = "GET", *more: str) -> Answer:
        """Ask for one address."""
        self.seen.append(address)
        parts = urlsplit(address)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        jar = self.cookies.setdefault(parts.netloc, {})
        lines = [f"Host: {parts.netloc}", *more]
        lines += ["X-Forwarded-Proto: https"] if parts.scheme == "https" else []
        lines += ["Cookie: " + "; ".join(f"{name}={value}" for name, value in jar.items())] if jar else []
        answer = await self.edge.ask(target, method, *lines)
        for line in answer.all("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                jar.pop(name, None)
            else:
                jar[name] = value
        return answer

    async def go(self, address: str, until: str = "") -> Answer:
        """Ask for an address and follow the redirects; not to an address that has `until` in it."""
        for _ in range(8):
            answer = await self.step(address)
            location = answer.get("location")
            if location is None:
                return answer
            address = location if "://" in location else f"{'/'.join(address.split('/')[:3])}{location}"
            if until and until in address:
                self.seen.append(address)
                return answer
        raise AssertionError(f"redirects without end: {self.seen}")

    async def join(self, place: str = "/summer/") -> dict[str, Any]:
        """Join the brand's site; return what its system was told of the visitor at the end."""
        answer = await self.go(f"{BRAND}/.inseam/join?return_to={quote(place, safe='')}")
        assert (answer.status, self.seen[-1]) == (200, f"{BRAND}{place}")
        return json.loads(answer.body)

    async def fetch_code(self, place: str = "/summer/") -> str:
        """Join, but stop when the code is there; return the address with it."""
        await self.go(f"{BRAND}/.inseam/join?return_to={quote(place, safe='')}", until="code=")
        assert "code=" in self.seen[-1]
        return self.seen.pop()


async def known(at: Shop, login: Login | None = ADA, basket: Basket | None = BASKET, host: str = SHOP) -> Browser:
    """A browser that one of the hosts knows already."""
    browser = Browser(at)
    kept = await session_of(at, login, basket)
    browser.cookies[urlsplit(host).netloc] = {cookie_name(False, kept.login): kept.cookie.decode()}
    return browser


async def session_of(at: Shop, login: Login | None, basket: Basket | None) -> Kept:
    keeper = at.edge.keeper
    assert keeper is not None
    kept, _ = await keeper.keep(None, Changes(login=login, basket=basket), "cms", BOTH, int(time.time()))
    assert kept is not None
    return kept


def events(at: Shop) -> dict[str, int]:
    """What was counted of hand-offs."""
    counted = at.edge.snapshot().events
    return {name.partition(":")[2]: count for name, count in counted.items() if name.startswith("site:")}


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


# --- and to nobody else -----------------------------------------------------------------------------------------------


async def test_two_browsers_that_swap_their_codes_stay_who_they_are(edge):
    """REQUIREMENTS, 33."""
    ada, ben = await known(edge, ADA), await known(edge, BEN, None)
    of_ada, of_ben = await ada.fetch_code(), await ben.fetch_code()

    lured, lured_too = await ada.go(of_ben), await ben.go(of_ada)

    assert (lured.body, lured_too.body) == (b"{}", b"{}")
    assert (ada.session(), ben.session()) == ("", "")
    assert events(edge)["refused_browser"] == 2


async def test_a_code_is_of_no_use_in_a_browser_that_asked_for_none(edge):
    ada = await known(edge)
    code = await ada.fetch_code()
    stranger = Browser(edge)

    answer = await stranger.go(code)

    assert (answer.status, answer.body) == (200, b"{}")


async def test_a_code_that_went_astray_is_used_up(edge):
    ada = await known(edge)
    code = await ada.fetch_code()

    await Browser(edge).go(code)

    assert (await ada.go(code)).body == b"{}"
    assert events(edge)["refused_used"] == 1


async def test_a_second_nonce_that_somebody_planted_spoils_the_hand_off_and_no_more(edge):
    ada, thief = await known(edge), await known(edge, BEN)
    await ada.fetch_code()
    code = await thief.fetch_code()
    nonces = [browser.cookies["brand.example"]["inseam-join"] for browser in (ada, thief)]

    answer = await edge.ask(
        code.removeprefix(BRAND), "GET", "Host: brand.example", *[f"Cookie: inseam-join={nonce}" for nonce in nonces]
    )

    assert answer.get("location") == "/summer/"
    assert answer.all("set-cookie") == []


async def test_a_code_for_one_site_is_of_no_use_at_another():
    policy = Policy(home=SHOP, sites=frozenset({BRAND, "http://outlet.example"}))
    async with edges(MemoryStore(), policy=policy) as (edge,):
        browser = await known(edge)
        code = await browser.fetch_code()
        browser.cookies["outlet.example"] = browser.cookies["brand.example"]

        answer = await browser.go(code.replace("brand.example", "outlet.example"))

        assert answer.body == b"{}"
        assert events(edge)["refused_site"] == 1


async def test_a_code_that_comes_again_ends_the_session_that_came_of_it(edge):
    """REQUIREMENTS, 11. The shop's own session, which had no part in it, goes on."""
    browser = await known(edge)
    code = await browser.fetch_code()
    assert json.loads((await browser.go(code)).body)["sub"] == "c1"

    again = await Browser(edge, cookies={"brand.example": dict(browser.cookies["brand.example"])}).go(code)

    assert again.body == b"{}"
    assert (await browser.step(f"{BRAND}/")).body == b"{}"
    assert json.loads((await browser.step(f"{SHOP}/")).body)["sub"] == "c1"
    assert events(edge)["refused_used"] == 1


async def test_a_third_use_ends_nothing_any_more(edge):
    browser = await known(edge)
    code = await browser.fetch_code()

    for _ in range(4):
        await browser.go(code)

    assert (events(edge)["refused_used"], events(edge)["refused_unknown"]) == (1, 2)


async def test_a_code_is_of_no_use_after_a_minute():
    ahead = [0.0]
    async with edges(MemoryStore(lambda: time.time() + ahead[0])) as (edge,):
        browser = await known(edge)
        code = await browser.fetch_code()

        ahead[0] = 61

        assert (await browser.go(code)).body == b"{}"
        assert "taken" not in events(edge)


@pytest.mark.parametrize(
    "code", ["x", "", "x" * 65, "x" * 5000, "%00", "%C3%A9" * 65, "'--", "A" * 22 + "." + "A" * 42]
)
async def test_a_code_that_somebody_made_up_never_gets_to_the_store(code):
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)
        await browser.fetch_code()
        store.asked.clear()

        answer = await browser.go(f"{BRAND}/.inseam/join?code={code}&return_to=/summer/")

        assert (answer.status, answer.body, store.asked) == (200, b"{}", [])
        assert events(edge)["refused_forged"] == 1


async def test_only_what_needs_a_genuine_code_gets_into_the_operator_s_log(edge, capsys):
    browser = await known(edge)
    code = await browser.fetch_code()

    await browser.go(f"{BRAND}/.inseam/join?code=x")
    assert capsys.readouterr().err == ""

    await Browser(edge).go(code)
    assert "a hand-off is refused (browser)" in capsys.readouterr().err


async def test_of_two_codes_none_counts(edge):
    browser = await known(edge)
    code = await browser.fetch_code()

    answer = await browser.go(f"{code}&code={parse_qs(urlsplit(code).query)['code'][0]}")

    assert answer.body == b"{}"


async def test_a_login_that_ended_meanwhile_does_not_go_over(edge):
    browser = await known(edge)
    code = await browser.fetch_code()
    keeper = edge.edge.keeper
    kept = keeper.at_hand(browser.session(SHOP).encode(), int(time.time()))
    await keeper.keep(kept, Changes(login=None), "cms", BOTH, int(time.time()))

    assert (await browser.go(code)).body == b"{}"
    assert events(edge)["refused_ended"] == 1


async def test_a_customer_who_was_shut_out_meanwhile_does_not_go_over(edge):
    browser = await known(edge)
    code = await browser.fetch_code()
    now = int(time.time())
    await edge.edge.keeper.revoke(Revocation("all", "", now, now + 1000))

    assert (await browser.go(code)).body == b"{}"
    assert events(edge)["refused_revoked"] == 1


async def test_what_the_shop_learnt_meanwhile_goes_over(edge):
    browser = await known(edge)
    code = await browser.fetch_code()
    keeper = edge.edge.keeper
    kept = keeper.at_hand(browser.session(SHOP).encode(), int(time.time()))
    await keeper.keep(kept, Changes(basket=Basket("b7", 4, 5)), "cms", BOTH, int(time.time()))

    claims = json.loads((await browser.go(code)).body)

    assert claims["basket"]["count"] == 5


# --- a logout reaches all of them -------------------------------------------------------------------------------------


async def log_out(browser: Browser, host: str) -> None:
    """As a page of the host does it."""
    answer = await browser.step(f"{host}/.inseam/logout", "POST", "Sec-Fetch-Site: same-origin")
    assert answer.status == 204


async def seen_at(browser: Browser, host: str) -> str | None:
    """Who the host's system takes the browser for."""
    return json.loads((await browser.step(f"{host}/")).body).get("sub")


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


def at_hand(at: Shop, browser: Browser, host: str) -> Kept:
    """The visitor as a worker that has just answered knows them."""
    assert at.edge.keeper is not None
    kept = at.edge.keeper.at_hand(browser.session(host).encode(), int(time.time()))
    assert kept is not None
    return kept


async def ended(at: Shop, kept: Kept) -> None:
    """Wait until a worker has heard from another one that a session is void, which takes a second at most."""
    keeper = at.edge.keeper
    assert keeper is not None
    await at.until(lambda: keeper.is_void(kept), 1.5)


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


# --- where it must not go ---------------------------------------------------------------------------------------------


async def test_neither_log_nor_system_nor_referer_nor_cache_hears_of_a_code(tmp_path, capsys):
    log = AccessLog(str(tmp_path / "access.log"))
    async with edges(MemoryStore(), access_log=log) as (edge,):
        browser = await known(edge)
        address = await browser.fetch_code()
        code = parse_qs(urlsplit(address).query)["code"][0]
        nonce = browser.cookies["brand.example"]["inseam-join"]

        arrived = await browser.step(address)
        again = await browser.step(address)
        asked = edge["cms"].asked

        for answer in (arrived, again):
            assert (answer.get("cache-control"), answer.get("referrer-policy")) == ("no-store", "no-referrer")
            assert code not in str(answer.lines)
        await browser.step(f"{BRAND}/summer/")
        assert not [one for one in asked if code in str(one) or nonce in str(one) or ".inseam" in one.target]
    log.close()
    written = (tmp_path / "access.log").read_text() + "".join(capsys.readouterr())
    assert "/.inseam/join" in written
    assert code[:22] not in written
    assert nonce not in written


EVIL = [
    "//evil.example", "///evil.example", "https://evil.example", "https:evil.example", "http:/evil.example", "/\\evil",
    "\\\\evil", "/%2f%2fevil", "/%2Fevil", "/%5cevil", "/%5Cevil", "javascript:alert(1)", "data:text/html,x", "",
    "evil.example", "@evil.example", ".evil.example", ":80@evil.example", "/\tevil", "/\r\nSet-Cookie: a=b", "/%0d%0aX",
    "/%00", "\x00/", " /", "/ ", "/a//b", "/../evil", "/a/..", "/./", "/%2e%2e/evil", "/%252f%252fevil", "/a;b", "/ü",
    "/a#b", "/a?b#c", "/a?b\\c", "/a?b c", "/a?b\r\nX: y", "/.inseam/join", "/.inseam", "/.inseam/logout",
    "/.inseam/join?return_to=/.inseam/join", "/%2einseam/join", "?a", "#", "/" + "a" * 2000, "/％2f", "/\u2028",
]  # fmt: skip


@pytest.mark.parametrize("place", EVIL)
def test_whatever_is_no_plain_path_leads_to_the_start_page(place):
    """REQUIREMENTS, 32."""
    assert return_place(place) == "/"


@given(st.text(alphabet="/\\.:@?#%;&=+-_~ \t\r\n\x00aevil2f5cE.é", max_size=30) | st.text(max_size=30))
def test_no_text_leads_away_from_the_host(text):
    place = return_place(text)

    assert re.fullmatch(r"/(?![/\\])[!-~]*", place)
    assert urlsplit(urljoin(f"{BRAND}/.inseam/join", place)).netloc == "brand.example"


@pytest.mark.parametrize(
    "place", ["/", "/summer/", "/caf%C3%A9/", "/a?b=c", "/a?to=https://other.example/", "/a@b", "/.inseamless", "/a?"]
)
def test_a_plain_path_is_where_it_leads(place):
    assert return_place(place) == place


@pytest.mark.parametrize("place", [place for place in EVIL if len(place) < 100])
async def test_no_redirect_on_the_way_leaves_the_two_hosts(edge, place):
    """A browser that was lured by a link with this in it comes to the start page, on every way there is."""
    browser = await known(edge)
    said = quote(place, safe="", errors="replace")
    bind = "A" * 43

    ways = [
        f"{BRAND}/.inseam/join?return_to={said}",
        f"{BRAND}/.inseam/join?code=x&return_to={said}",
        f"{SHOP}/.inseam/join?return_to={said}",
        f"{SHOP}/.inseam/handoff?site={quote(BRAND)}&bind={bind}&return_to={said}",
    ]
    for way in ways:
        answer = await browser.go(way)
        assert answer.status == 200
        assert browser.seen[-1] in (f"{BRAND}/", f"{SHOP}/")


@pytest.mark.parametrize(
    "site",
    [
        "", "http://evil.example", "https://brand.example", "http://brand.example:8080", "http://brand.example:80",
        "http://brand.example/", "http://brand.example/path", "http://brand.example.evil.example",
        "http://brand.example@evil.example", "http://user@brand.example", "http://user:word@brand.example",
        "http://evilbrand.example", "http://brand.exampl", "//brand.example", "brand.example", "HTTP://BRAND.EXAMPLE",
        "http://brand.example\\@evil.example", "http://brand.example%00", "http://brand.example\r\nX: y",
        "http://brand.example?", "http://brand.example#", "http://sub.brand.example", "javascript:alert(1)", SHOP,
    ],
)  # fmt: skip
async def test_a_site_that_is_not_declared_gets_nobody(edge, site):
    browser = await known(edge)

    answer = await browser.step(f"{SHOP}/.inseam/handoff?site={quote(site)}&bind={'A' * 43}&return_to=/")

    assert (answer.status, answer.get("location"), answer.get("set-cookie")) == (400, None, None)
    assert events(edge) == {"asked_badly": 1}


@pytest.mark.parametrize("bind", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "%0a", "é" * 43])
async def test_no_code_is_made_for_a_browser_that_cannot_be_told_again(edge, bind):
    browser = await known(edge)

    answer = await browser.step(f"{SHOP}/.inseam/handoff?site={quote(BRAND)}&bind={quote(bind)}&return_to=/")

    assert answer.status == 400


async def test_of_two_sites_none_counts(edge):
    browser = await known(edge)

    answer = await browser.step(f"{SHOP}/.inseam/handoff?site={BRAND}&site=http://evil.example&bind={'A' * 43}")

    assert answer.status == 400


# --- when the store is down -------------------------------------------------------------------------------------------


class Watched(MemoryStore):
    """A store that tells what it was asked, and is down from the operation on that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.down: frozenset[str] = frozenset()

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what in self.down:
            raise StoreDown("the store is down")

    async def put_once(self, key, data, life):
        self._note("put_once")
        return await super().put_once(key, data, life)

    async def take_once(self, key):
        self._note("take_once")
        return await super().take_once(key)

    async def load(self, key):
        self._note("load")
        return await super().load(key)

    async def revoke(self, revocation):
        self._note("revoke")
        await super().revoke(revocation)


async def test_without_the_store_no_code_is_made_and_the_page_leads_on():
    """REQUIREMENTS, 40."""
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)
        store.down = frozenset({"put_once", "take_once"})

        answer = await browser.go(f"{BRAND}/.inseam/join?return_to=/summer/%3Fa=1%26b=2")

        assert (answer.status, answer.get("retry-after"), answer.get("cache-control")) == (503, "5", "no-store")
        assert b'<a href="http://brand.example/summer/?a=1&amp;b=2">' in answer.body
        assert b'<a href="http://brand.example/.inseam/join?return_to=%2Fsummer%2F%3Fa%3D1%26b%3D2">' in answer.body
        assert events(edge)["store_down"] == 1


@pytest.mark.parametrize("what", ["take_once", "load"])
async def test_without_the_store_no_code_is_taken_and_the_page_leads_on(what):
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)
        code = await browser.fetch_code()
        store.down = frozenset({what})

        answer = await browser.go(code)

        assert (answer.status, answer.get("retry-after")) == (503, "5")
        assert answer.get("referrer-policy") == "no-referrer"
        assert b'<a href="/summer/">' in answer.body
        assert browser.session() == ""

        store.down = frozenset()
        assert (await browser.join())["sub"] == "c1"


async def test_a_second_use_that_cannot_be_told_to_the_others_ends_the_session_here_at_least():
    store = Watched()
    async with edges(store) as (edge,):
        browser = await known(edge)
        code = await browser.fetch_code()
        await browser.go(code)
        store.down = frozenset({"revoke"})

        assert (await browser.go(code)).status == 503
        assert (await browser.step(f"{BRAND}/")).body == b"{}"


@pytest.mark.parametrize("data", [b"", b"h1", b"h1\xff\xff", b"garbage", b"h0" + b"\x96" * 10])
async def test_garbage_behind_a_code_is_no_code(data):
    """REQUIREMENTS, 45."""
    store = MemoryStore()
    async with edges(store) as (edge,):
        browser = await known(edge)
        code = await browser.fetch_code()
        for kept in store._once.values():
            kept.data = data

        assert (await browser.go(code)).body == b"{}"
        assert events(edge)["refused_spoiled"] == 1


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
