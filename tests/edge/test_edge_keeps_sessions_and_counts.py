"""Crossings, hand-offs and losses: what the edge counts is what has happened to shoppers."""

from __future__ import annotations

from typing import Any

import pytest
from sessionful import TWO, kept, says


def counted(events: dict[str, int]) -> dict[str, int]:
    words = ("crossings", "handoff:", "loss:", "repair:")
    return {name: count for name, count in events.items() if name.startswith(words)}


def came_from(path: str) -> str:
    return f"Referer: http://shop.example{path}"


async def test_a_page_on_another_system_than_the_page_before_is_a_crossing():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        for path in ("/shop/", "/shop/2", "/", "/2", "/shop/", "/"):
            await anna.ask(path)

        assert counted(it.events()) == {"crossings": 3, "handoff:login": 3, "handoff:basket": 3}


async def test_the_page_before_is_the_one_that_the_browser_names():
    """Two tabs go back and forth, and neither of them crosses."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        for _ in range(3):
            await anna.ask("/2", "GET", came_from("/1"))
            await anna.ask("/shop/2", "GET", came_from("/shop/1"))

        assert counted(it.events()) == {}
        await anna.ask("/", "GET", came_from("/shop/"))

        assert counted(it.events()) == {"crossings": 1, "handoff:basket": 1}


@pytest.mark.parametrize("referer", ["http://elsewhere.example/shop/", "http://shop.example", "nonsense", "/shop/"])
async def test_a_referer_of_elsewhere_says_nothing(referer: str):
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/", "GET", f"Referer: {referer}")

        assert counted(it.events()) == {}


async def test_only_pages_count():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/shop/")
        await anna.ask("/style.css", "GET", says(html=False))
        await anna.ask("/", "POST")
        await anna.ask("/", "HEAD")
        await anna.ask("/missing", "GET", says("404 Not Found"))
        await anna.ask("/static/logo.png")
        await anna.ask("/moved", "GET", says("302 Found", ["Location: /"]))

        assert counted(it.events()) == {}


async def test_a_visitor_without_a_session_crosses_nothing():
    async with kept() as it:
        ben = it.browser()
        for path in ("/shop/", "/", "/shop/"):
            await ben.ask(path)

        assert counted(it.events()) == {}


async def test_a_basket_that_is_gone_at_a_page_is_a_loss_with_its_story(capfd: Any):
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        await anna.ask("/shop/basket", "GET", says(basket=None))

        assert counted(it.events()) == {"loss:basket:gone_at_page": 1}
    said = capfd.readouterr().err
    assert "a shopper lost the basket (gone_at_page) at commerce; before: " in said
    assert "login@commerce" in said
    assert "4711" not in said
    assert "Anna" not in said


@pytest.mark.parametrize(
    ("method", "update"),
    [("POST", {"basket": None}), ("GET", {"sub": None}), ("GET", {"order": "1"}), ("GET", {"sub": "4712"})],
    ids=["emptied by the shopper", "a logout by a link", "an order", "another customer"],
)
async def test_what_an_update_explains_is_no_loss(method: str, update: dict[str, Any]):
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        await anna.ask("/shop/x", method, says(**update))

        assert counted(it.events()) == {}


async def test_a_hundred_crossings_begin_one_session():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        for _ in range(50):
            await anna.ask("/")
            await anna.ask("/shop/")

        events = it.events()
        assert events["session_begun"] == 1
        assert events["crossings"] == events["handoff:login"] == events["handoff:basket"] == 99
        assert not [name for name in events if name.startswith("loss:")]
