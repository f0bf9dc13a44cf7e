"""A hand-off is of use to nobody else, leads nowhere else, and waits for the store."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from brand import (
    ADA,
    BEN,
    BOTH,
    BRAND,
    SHOP,
    Browser,
    Watched,
    edges,
    events,
    known,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st
from shop import Shop

from router.accesslog import AccessLog
from router.edge.handoff import return_place
from sessions.model import Basket, Changes, Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Revocation


@pytest.fixture
async def edge() -> AsyncIterator[Shop]:
    async with edges(MemoryStore()) as (one,):
        yield one


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
