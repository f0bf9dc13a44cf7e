"""The payment boundary: however checkout is spelt, it never comes to the CMS. REQUIREMENTS, 24 and 26; DESIGN, 4."""

from __future__ import annotations

import pytest

from router.boundary import Boundary
from router.index import Index
from router.model import Headers, RequestView, ServerAddress, SystemSpec
from router.patterns import PathPattern
from router.rules import Rule, To
from tests.edge.hostile.cases import get
from tests.edge.hostile.corpus_paths import BEHIND, INNOCENT, OURS, SPELLINGS, Spelling
from tests.edge.hostile.harness import CLOSING, Shop, exchange, shop
from tests.edge.hostile.lenient import WORDS, reads_as_buying


def assert_the_cms_saw_no_checkout(it: Shop) -> None:
    for request in it.cms.requests:
        assert not reads_as_buying(request.target), f"the CMS got {request.target}"


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
async def test_checkout_goes_to_commerce_or_nowhere_however_it_is_spelt(spelling: Spelling):
    async with shop() as it:
        for word in WORDS:
            for behind in BEHIND:
                it.forget()

                path = spelling.spell(word) + behind
                answers = await exchange(it.port, [get(b"Connection: close\r\n", path.encode("latin-1"))])

                assert_the_cms_saw_no_checkout(it)
                if spelling.verdict == OURS:
                    assert [request.target for request in it.commerce.requests] == [f"/{word}{behind}"]
                    assert [answer.status for answer in answers] == [200]
                else:
                    assert [answer.status for answer in answers] == [400]
                    assert it.requests == 0


@pytest.mark.parametrize("path", INNOCENT)
async def test_what_only_looks_like_checkout_is_the_magazines(path: str):
    async with shop() as it:
        answers = await exchange(it.port, [get(target=path.encode()), CLOSING])

        assert [answer.status for answer in answers] == [200, 200]
        assert [request.target for request in it.cms.requests] == [path, "/after"]
        assert it.commerce.requests == []


@pytest.mark.parametrize("path", ["/Checkout/", "/checkout./", "/checkout%20", "/check%C2%ADout", "/%EF%BC%8Fbasket"])
async def test_a_refused_reading_costs_only_itself(path: str):
    async with shop() as it:
        answers = await exchange(it.port, [get(target=path.encode()), CLOSING])

        assert [answer.status for answer in answers] == [400, 200]
        assert [request.target for request in it.cms.requests] == ["/after"]
        assert it.commerce.requests == []


def test_a_reading_that_belongs_to_nobody_is_no_reason_to_refuse():
    """A shop without a rule for everything: /SKU/1 is the magazine's, /sku/1 is nobody's."""
    rules = Index(
        [
            Rule("checkout", (PathPattern.parse("/checkout/**"),), To("commerce")),
            Rule("products", (PathPattern.parse("/SKU/**"),), To("cms")),
        ]
    )
    there = (ServerAddress("http", "127.0.0.1", 1),)
    boundary = Boundary(
        rules, {"cms": SystemSpec("cms", there), "commerce": SystemSpec("commerce", there, payment=True)}
    )

    assert boundary.misread(RequestView("GET", "/SKU/1", Headers([]))) == ""
    assert boundary.misread(RequestView("GET", "/SKU/%EF%BC%8E%EF%BC%8E/Checkout", Headers([]))) == "commerce"


@pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"FROB"])
async def test_the_boundary_holds_for_every_method(method: bytes):
    async with shop() as it:
        await exchange(it.port, [get(b"Connection: close\r\n", b"/Checkout/").replace(b"GET", method)])

        assert it.requests == 0


async def test_the_boundary_holds_for_the_absolute_form():
    """REQUIREMENTS, 25."""
    async with shop() as it:
        for target in (
            b"http://shop.test/Checkout/",
            b"HTTP://SHOP.TEST/checkout%20/",
            b"http://shop.test/x/../checkout/",
        ):
            answers = await exchange(it.port, [get(b"Connection: close\r\n", target)])

            assert [answer.status for answer in answers] == [400]
        assert it.requests == 0


@pytest.mark.parametrize(
    "name", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-URI"]
)
async def test_no_header_moves_a_request_over_the_boundary(name: str):
    async with shop() as it:
        await exchange(it.port, [get(f"{name}: /checkout/\r\nConnection: close\r\n".encode())])

        assert b"checkout" not in it.everything
        assert [request.target for request in it.cms.requests] == ["/page"]


@pytest.mark.parametrize("target", [b"/.inseam/session", b"/.inseam/x", b"/%2einseam/session", b"/.%69nseam/jwks.json"])
async def test_what_is_reserved_for_the_edge_is_never_forwarded(target: bytes):
    """DESIGN, 5."""
    async with shop() as it:
        answers = await exchange(it.port, [get(b"Connection: close\r\n", target)])

        assert len(answers) == 1
        assert it.requests == 0
