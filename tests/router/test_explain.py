"""Explaining a request: by the edge's own code, so that what is told is what would be done."""

from __future__ import annotations

import pytest

from router.explain import Explanation, Question, explain
from router.generation import Generation
from router.rulesfile import load

RULES = """\
version: 1
hosts: [shop.example]
systems:
  cms: {servers: [http://127.0.0.1:8001]}
  commerce: {servers: [http://127.0.0.1:8002], payment: true}
rules:
  - {name: checkout, path: /checkout/**, to: commerce, page: checkout}
  - {name: old brands, path: "/marken/{brand}/", redirect: "/brands/{brand}/"}
  - name: summer
    path: /summer/**
    when: {between: {from: 2026-06-01, until: 2026-09-01, timezone: Europe/Berlin}}
    to: cms
    page: campaign
  - {name: new brands, path: /brands/**, to: {cms: 20, commerce: 80}, page: brand}
  - {name: members, path: /members/**, when: {session: {login: true}}, to: commerce, page: account}
  - {name: moved, path: /shop/**, to: commerce, fallback: cms, rewrite: /catalogue/, page: listing}
  - {name: go, path: "/go/{place}/{page}", to: cms, rewrite: "/{place}/{page}"}
  - {name: outlet, path: ["/{part}/outlet"], to: commerce, fallback: cms, mirror: cms, page: listing}
  - {name: pages, path: [/pages/**, "/{country}/pay/"], to: cms, page: home}
"""


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    rules = tmp_path_factory.mktemp("shop") / "rules.yaml"
    rules.write_text(RULES)
    return load(rules)


def asked(generation: Generation, url: str, **more: object) -> Explanation:
    return explain(generation, Question(**{"method": "GET", "url": url, "at": 0.0, **more}))  # type: ignore[arg-type]


def test_the_rule_that_wins_is_told_with_what_the_system_is_asked(generation: Generation) -> None:
    said = asked(generation, "/checkout/pay/?step=2", method="POST")

    assert (said.rule, said.system, said.page, said.intent) == ("checkout", "commerce", "checkout", "buy")
    assert said.target == "/checkout/pay/?step=2"
    assert said.servers == ["http://127.0.0.1:8002"]
    assert ("Host", "shop.example") in said.headers
    assert ("X-Forwarded-Host", "shop.example") in said.headers


def test_every_rule_before_it_says_why_it_did_not_hold(generation: Generation) -> None:
    said = asked(generation, "/summer/sale/", at=1_780_000_000.0)

    failed = {tried.rule: tried.failed for tried in said.tried}
    assert failed["checkout"] == "path /checkout/**"
    assert "2026-06-01" in failed["summer"]
    assert said.refused.startswith("404")


def test_the_time_is_the_one_that_was_asked_for(generation: Generation) -> None:
    assert asked(generation, "/summer/sale/", at=1_783_000_000.0).rule == "summer"


def test_a_session_can_be_supposed(generation: Generation) -> None:
    assert asked(generation, "/members/").rule == ""
    assert asked(generation, "/members/", login=True).rule == "members"


def test_a_redirect_is_told_with_its_location(generation: Generation) -> None:
    said = asked(generation, "/marken/acme/")

    assert said.status == 302
    assert ("Location", "/brands/acme/") in said.headers
    assert said.target == ""


def test_a_rewritten_path_is_what_the_system_is_asked_and_the_fallback_is_told(generation: Generation) -> None:
    said = asked(generation, "/shop/shoes/")

    assert said.target == "/catalogue/"
    assert said.notes == ["cms is asked if commerce is down or does not have the page"]


@pytest.mark.parametrize(("cookie", "system"), [("inseam-split=1999", "cms"), ("inseam-split=2000", "commerce")])
def test_a_split_goes_by_the_visitors_bucket(generation: Generation, cookie: str, system: str) -> None:
    said = asked(generation, "/brands/", cookies=[cookie])

    assert said.system == system
    assert cookie.partition("=")[2] in said.notes[0]


def test_a_visitor_without_a_bucket_is_said_to_be_dealt_one(generation: Generation) -> None:
    assert "a real visitor is dealt one" in asked(generation, "/brands/").notes[0]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/CHECKOUT/pay/", "400 Bad Request: rule 'pages' does not own what other readers see"),
        ("/pages/a%2fb", "400 Bad Request: the path has an encoded slash"),
        ("/pages/../checkout/", "400 Bad Request: the path has a dot segment"),
        ("/nowhere/", "404 Not Found: no rule"),
        ("https://other.example/", "421 Misdirected Request: other.example is none"),
    ],
)
def test_what_the_edge_refuses_is_explained_as_refused(generation: Generation, url: str, why: str) -> None:
    assert asked(generation, url).refused.startswith(why)


def test_what_only_the_edge_may_say_does_not_come_from_the_client(generation: Generation) -> None:
    said = asked(
        generation, "/pages/", client="203.0.113.9",
        headers=[("X-Forwarded-For", "10.0.0.1"), ("Inseam_Session", "forged"), ("Connection", "close")],
    )  # fmt: skip

    assert [value for name, value in said.headers if name == "X-Forwarded-For"] == ["203.0.113.9"]
    assert {name for name, _ in said.headers}.isdisjoint({"Inseam_Session", "Connection"})


def test_what_is_the_edges_own_is_never_forwarded(generation: Generation) -> None:
    said = asked(generation, "/.inseam/session")

    assert (said.rule, said.target) == ("", "")
    assert "never forwarded" in said.notes[0]


def test_a_typed_address_is_encoded_as_a_browser_would(generation: Generation) -> None:
    assert asked(generation, "/pages/größe/").target == "/pages/gr%C3%B6%C3%9Fe/"


def test_what_another_system_is_spared_is_told(generation: Generation) -> None:
    assert asked(generation, "/women/outlet").notes == [
        "cms is asked if commerce is down or does not have the page",
        "cms gets a copy without cookies, of safe requests",
    ]
    assert asked(generation, "/Checkout/outlet").notes == [
        "cms is not asked instead: it could take the path for a payment page",
        "cms gets no copy: it could take the path for a payment page",
    ]


def test_a_rewrite_that_leads_to_a_payment_page_is_refused_as_by_the_edge(generation: Generation) -> None:
    assert asked(generation, "/go/stories/anna").target == "/stories/anna"

    said = asked(generation, "/go/checkout/pay")

    assert said.refused == "400 Bad Request: the rule rewrites the path to a page of a payment system, /checkout/pay"
    assert said.target == ""
