"""A shared cache never keeps a page that was made for somebody, whatever the system, a rule or a plugin says."""

from __future__ import annotations

import pytest
from sessionful import TWO, kept, says
from shop import rule

from router.model import Edits

PUBLIC = ("Cache-Control: public, max-age=600, s-maxage=86400", "Expires: Thu, 01 Jan 2099 00:00:00 GMT")
FOR_CDNS = (
    "CDN-Cache-Control: max-age=600",
    "Surrogate-Control: max-age=600",
    "X-CDN-Cache-Control: max-age=9",
)


def cacheable(answer) -> bool:
    """Whether some shared cache would keep it. RFC 9111, 3; RFC 9213."""
    said = [part.strip() for part in (answer.get("cache-control") or "").split(",")]
    if any(name.lower().endswith(("cdn-cache-control", "surrogate-control")) for name, _ in answer.lines):
        return True
    return not ({"no-store", "private"} & set(said)) and answer.get("vary") != "*"


async def test_an_answer_that_sets_the_session_is_stored_by_nobody():
    """REQUIREMENTS, 19."""
    async with kept() as it:
        answer = await it.browser().ask("/shop/", "GET", says(lines=[*PUBLIC, *FOR_CDNS], basket=TWO))

        assert answer.get("cache-control") == "no-store"
        assert answer.get("expires") is None
        assert not cacheable(answer)
        assert it.events()["cache_withheld"] == 1


@pytest.mark.parametrize("said", [["Cache-Control: private, max-age=60"], ["Cache-Control: no-store"], []], ids=str)
async def test_a_line_for_cdns_goes_even_where_the_others_are_told_to_keep_off(said: list[str]):
    """RFC 9213, 2.2: a CDN believes it before Cache-Control."""
    async with kept() as it:
        answer = await it.browser().ask("/shop/", "GET", says(lines=[*said, *FOR_CDNS], basket=TWO))

        assert not cacheable(answer)


@pytest.mark.parametrize("path", ["/shop/checkout/", "/"])
async def test_a_page_that_was_made_for_a_visitor_is_private(path: str):
    """REAL_SYSTEMS, 11: a page for buying, or one that says that it depends on the visitor."""
    lines = [*PUBLIC, *FOR_CDNS, *(["Vary: Accept-Encoding, Inseam-Session"] if path == "/" else [])]
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        answer = await anna.ask(path, "GET", says(lines=lines))

        assert answer.get("cache-control") == "private, no-cache"
        assert not cacheable(answer)
        assert "inseam" not in (answer.get("vary") or "").lower()
        if path == "/":
            assert answer.get("vary") == "Accept-Encoding, Cookie"


async def test_a_page_without_personal_parts_stays_in_every_cache():
    """REAL_SYSTEMS, 11."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        answer = await anna.ask("/", "GET", says(lines=[*PUBLIC, *FOR_CDNS]))

        assert answer.get("cache-control") == "public, max-age=600, s-maxage=86400"
        assert answer.all("set-cookie") == []
        assert len([name for name, _ in answer.lines if "dn-cache-control" in name.lower()]) == 2


async def test_the_guests_page_of_one_that_differs_by_visitor_is_not_everybody_s():
    """The line that no browser sends would make all visitors one to a cache."""
    lines = ["Cache-Control: public, max-age=60", "Vary: Inseam-Session"]
    async with kept() as it:
        first = await it.browser().ask("/", "GET", says(lines=lines))
        second = await it.browser().ask("/", "GET", says(lines=lines))

        for answer in (first, second):
            assert answer.get("vary") == "Cookie"
            assert answer.get("cache-control") == "public, max-age=60"


async def test_an_answer_with_a_system_s_cookie_is_not_public():
    async with kept() as it:
        answer = await it.browser().ask("/", "GET", says(lines=[*PUBLIC, *FOR_CDNS, "Set-Cookie: a=1"]))

        assert answer.get("cache-control") == "private, max-age=600"
        assert not cacheable(answer)


async def test_private_for_one_line_only_is_not_private():
    """RFC 9111, 5.2.2.7: `private="x"` speaks of that line alone."""
    async with kept() as it:
        lines = ['Cache-Control: public, private="set-cookie, x", max-age=5', "Set-Cookie: a=1"]
        answer = await it.browser().ask("/", "GET", says(lines=lines))

        assert answer.get("cache-control") == "private, max-age=5"


@pytest.mark.parametrize("said", ["Cache-Control: private", "Cache-Control: public, max-age=60"])
async def test_neither_a_rule_can_make_it_public_again(said: str):
    edits = Edits(set={"Cache-Control": "public, max-age=600", "CDN-Cache-Control": "max-age=600"})
    rules = (
        rule("/shop/**", "commerce", name="shop", page="basket", response=edits),
        rule("/**", "cms", name="magazine", response=edits),
    )
    async with kept(rules=rules) as it:
        anna = it.browser()
        first = await anna.ask("/shop/", "POST", says(lines=[said], basket=TWO))
        again = await anna.ask("/shop/", "GET", says(lines=[said]))
        page = await anna.ask("/", "GET", says(lines=[said]))

        assert first.get("cache-control") == "no-store"
        assert not cacheable(again)
        assert page.get("cache-control") == "public, max-age=600"


async def test_what_the_edge_says_itself_is_stored_by_nobody():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        for path in ("/.inseam/session", "/.inseam/x"):
            assert (await anna.ask(path)).get("cache-control") == "no-store"


async def test_a_stale_page_from_the_browser_s_cache_can_be_confirmed():
    """A 304 may bring the cookie, and then it is no-store, too."""
    async with kept() as it:
        anna = it.browser()
        lines = ['ETag: "1"', "Cache-Control: public"]
        answer = await anna.ask("/shop/", "GET", says("304 Not Modified", lines, body="", basket=TWO))

        assert answer.status == 304
        assert answer.get("cache-control") == "no-store"
        assert anna.session.basket.count == 2
