"""Cookies that others have left on the shop's domain until they are too many to be sent. REQUIREMENTS, 17."""

from __future__ import annotations

import pytest
from sessionful import TWO, Browser, kept, says
from visitor import request


def heavy(browser: Browser, count: int = 12) -> Browser:
    """Fill a browser as consent tools and trackers do, 3 KB each."""
    browser.cookies |= {f"tracker{number}": "v" * (3000 + number) for number in range(count)}
    return browser


async def test_seven_kilobytes_of_other_cookies_are_no_trouble():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        heavy(anna, 2)
        answer = await anna.ask("/")

        assert answer.status == 200
        assert it.heard("cms")["basket"] == TWO


async def test_forty_kilobytes_are_refused_with_a_way_out():
    async with kept() as it:
        answer = await heavy(it.browser(), 14).ask("/", "GET", "Accept: text/html")

        assert answer.status == 431
        assert b'<a href="/.inseam/cookies">' in answer.body
        assert it.shop["cms"].asked == []


async def test_the_way_out_takes_the_heaviest_away_and_leaves_the_session():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        heavy(anna, 30)
        anna.cookies["small"] = "1"
        for _ in range(3):
            answer = await anna.ask("/.inseam/cookies")
            if answer.status != 303:
                break
        assert sum(len(line) for line in answer.all("set-cookie")) < 4096
        await anna.ask("/")

        assert it.heard("cms")["sub"] == "4711"
        assert it.heard("cms")["basket"] == TWO
        assert anna.cookies["small"] == "1"


async def test_it_deletes_for_the_host_and_for_its_whole_domain():
    cookies = f"__Host-x={'v' * 20_000}; y={'v' * 19_000}; inseam=z{'v' * 500}; bad name={'v' * 99}"
    async with kept() as it:
        answer = await it.shop.ask("/.inseam/cookies", "GET", "Host: www.Shop.example:8080", f"Cookie: {cookies}")

        assert (answer.status, answer.get("location")) == (303, "/")
        assert answer.all("set-cookie") == [
            "__Host-x=; Path=/; Max-Age=0; Secure",
            "y=; Path=/; Max-Age=0",
            "y=; Path=/; Max-Age=0; Domain=shop.example",
        ]


@pytest.mark.parametrize("cut", [33_000, 40_000])
async def test_it_need_not_wait_for_the_rest_of_a_head_without_end(cut: int):
    async with kept() as it:
        visitor = await it.shop.visitor()
        whole = request("/.inseam/cookies", "GET", f"Cookie: a={'v' * 100_000}")
        await visitor.send(whole[:cut])
        answer = await visitor.answer()

        assert answer.status == 303
        assert answer.all("set-cookie") == ["a=; Path=/; Max-Age=0", "a=; Path=/; Max-Age=0; Domain=shop.example"]


async def test_whoever_has_few_cookies_loses_none_by_a_link_from_elsewhere():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        answer = await anna.ask("/.inseam/cookies", "GET", "Sec-Fetch-Site: cross-site")

        assert answer.status == 404
        assert answer.all("set-cookie") == []


@pytest.mark.parametrize("target", ["/.inseam/cookiesx", "/x/.inseam/cookies", "//.inseam/cookies"])
async def test_no_other_address_takes_cookies_away(target: str):
    async with kept() as it:
        answer = await heavy(it.browser(), 14).ask(target)

        assert answer.status == 431
        assert answer.all("set-cookie") == []
