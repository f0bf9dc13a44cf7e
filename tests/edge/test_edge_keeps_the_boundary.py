"""The payment boundary where another system is asked in place of the owner, or beside it. REQUIREMENTS, 24 and 26."""

from __future__ import annotations

import pytest
from shop import answering, page, rule, shop, system

from router.model import Headers, RequestView
from router.rules import Mirror

ODD = ["/Checkout/pay", "/CHECKOUT/", "/checkout%E2%80%8B/", "/%EF%BD%83heckout/pay"]
"""Spellings that some file server or collation takes for the checkout, and the rules do not."""

CHECKOUT = rule("/checkout/**", "commerce", page="checkout")


def till(behaviour):
    return system(behaviour, payment=True)


@pytest.mark.parametrize("target", ODD)
async def test_no_other_system_is_asked_instead_for_what_it_could_take_for_the_checkout(target):
    rules = [CHECKOUT, rule("/**", "commerce", fallback="cms")]
    async with shop(rules, cms=answering(page(b"cms")), commerce=till(answering(page(b"gone", status=404)))) as it:
        answer = await it.ask(target)

        assert (answer.status, answer.body) == (404, b"gone")
        assert it["cms"].asked == []


async def test_an_ordinary_page_in_capitals_still_falls_back():
    rules = [CHECKOUT, rule("/**", "commerce", fallback="cms")]
    async with shop(rules, cms=answering(page(b"cms")), commerce=till(answering(page(b"gone", status=404)))) as it:
        answer = await it.ask("/Brands/Hald/")

        assert (answer.status, answer.body) == (200, b"cms")


@pytest.mark.parametrize("target", ODD)
async def test_no_copy_goes_where_it_could_be_taken_for_the_checkout(target):
    rules = [CHECKOUT, rule("/**", "commerce", mirror=Mirror("cms", 10_000))]
    async with shop(rules, cms=answering(page(b"cms")), commerce=till(answering(page(b"shop")))) as it:
        await it.ask(target)
        await it.ask("/Brands/")

        await it.until(lambda: len(it["cms"].asked) == 1)
        assert [asked.target for asked in it["cms"].asked] == ["/Brands/"]


@pytest.mark.parametrize("target", ["/go/checkout/pay", "/go/Checkout/pay", "/go/checkout%2E/pay"])
async def test_no_rewrite_leads_to_the_checkout_under_another_name(target):
    rules = [CHECKOUT, rule("/go/{place}/{page}", "cms", rewrite="/{place}/{page}"), rule("/**", "cms")]
    async with shop(rules, cms=answering(page(b"cms")), commerce=till(answering(page(b"shop")))) as it:
        assert (await it.ask(target)).status == 400
        assert (await it.ask("/go/stories/anna")).status == 200

        assert [asked.target for asked in it["cms"].asked] == ["/stories/anna"]


async def test_nobody_is_confined_by_a_look_at_another_reading():
    view = RequestView("GET", "/Checkout/", Headers([]))
    rules = [CHECKOUT, rule("/**", "commerce", fallback="cms")]
    async with shop(rules, cms=answering(page()), commerce=till(answering(page()))) as it:
        boundary = it.edge.live.boundary

        assert boundary.strays(view, "cms", "/Checkout/")
        assert not boundary.strays(view, "commerce", "/Checkout/")
        assert view.path == "/Checkout/"
