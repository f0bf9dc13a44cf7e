"""The browser keeps the cookie that comes last, so an answer brings one only if it is not older than what is there."""

from __future__ import annotations

import asyncio
import time

from sessionful import RING, kept, saying, says

from sessions.rotation import rotated


async def test_a_rotation_of_keys_brings_nobody_another_cookie():
    async with kept() as house:
        browser = house.browser()
        await house.login(browser)
        before = browser.cookie
        keeper = house.keepers[0]
        keeper.change(rotated(RING, int(time.time())), keeper.policy)

        answer = await browser.ask("/")

        assert not answer.all("set-cookie")
        assert browser.cookie == before
        assert house.heard("cms")["sub"] == "4711"


async def test_the_next_change_brings_one_under_the_new_key():
    async with kept() as house:
        browser = house.browser()
        await house.login(browser)
        keeper = house.keepers[0]
        ring = rotated(RING, int(time.time()))
        keeper.change(ring, keeper.policy)

        await browser.ask("/shop/basket", "POST", says(basket={"id": "b1", "rev": 1, "count": 2}))

        content = browser.cookie.rpartition(".")[0]
        assert ring.signer.sign(content).decode() == browser.cookie


async def test_a_page_that_was_asked_for_before_a_change_leaves_the_cookie_to_the_answer_that_made_it():
    asked, go = asyncio.Event(), asyncio.Event()
    quick = saying("cms")

    async def slow(system):
        asked.set()
        await go.wait()
        await quick(system)

    async with kept(cms=slow) as house:
        browser = house.browser()
        await browser.ask("/shop/basket", "POST", says(basket={"id": "b1", "rev": 1, "count": 2}))
        tab = await browser.twin().begin("/")
        await asked.wait()

        await browser.ask("/shop/basket", "POST", says(basket={"id": "b1", "rev": 2, "count": 3}))
        go.set()
        answer = await tab.answer()

        assert not answer.all("set-cookie")
