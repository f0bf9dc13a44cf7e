"""Conditions: what each answers, for the request it is meant for and for the look-alike."""

from __future__ import annotations

import ipaddress

import pytest
import re2

from router.conditions import (
    Between,
    Client,
    Country,
    Host,
    In,
    Is,
    Language,
    Matches,
    Method,
    Present,
    Session,
    Text,
)
from router.model import Headers, RequestView, Visit


def request(path="/", method="GET", headers=(), **known):
    return RequestView(method, path, Headers.of(headers), **known)


@pytest.mark.parametrize(
    ("test", "value", "passes"),
    [
        (Present(), "", True),
        (Present(), None, False),
        (Present(wanted=False), None, True),
        (Present(wanted=False), "x", False),
        (Is(frozenset({"red", "blue"})), "blue", True),
        (Is(frozenset({"red", "blue"})), "Blue", False),
        (Is(frozenset({"red", "blue"})), None, False),
        (Is(frozenset({""})), "", True),
        (Is(frozenset({""})), None, False),
        (In("short_tail", frozenset({"999"})), "999", True),
        (In("short_tail", frozenset({"999"})), "9999", False),
        (In("short_tail", frozenset()), None, False),
        (Matches("[0-9]+"), "999", True),
        (Matches("[0-9]+"), "999a", False),
        (Matches("[0-9]+"), None, False),
        (Matches(".*"), "", True),
    ],
)
def test_a_text_passes_its_test_and_a_look_alike_does_not(test, value, passes):
    assert test(value) is passes


def test_an_expression_that_cannot_be_read_is_refused_when_the_rules_load():
    with pytest.raises(re2.error):
        Matches("(")


def test_a_hostile_text_meets_an_expression_in_linear_time():
    assert not Matches("(a+)+b")("a" * 100_000)


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [("header", "X-Variant", "b"), ("header", "x-variant", "b"), ("cookie", "theme", "dark"), ("query", "q", "shoes")],
)
def test_a_text_condition_looks_where_it_is_told(source, name, value):
    view = request(query="q=shoes", headers=[("X-Variant", "b"), ("Cookie", "a=1; theme=dark")])

    assert Text(source, name, Is(frozenset({value})))(view)
    assert Text(source, name, Present())(view)
    assert not Text(source, name, Present(wanted=False))(view)
    assert not Text(source, "other", Present())(view)
    assert Text(source, "other", Present(wanted=False))(view)


def test_a_name_of_the_path_is_compared_decoded():
    view = request("/colours/gr%C3%BCn/")
    view.params = {"colour": "gr%C3%BCn"}

    assert Text("param", "colour", Is(frozenset({"grün"})))(view)
    assert not Text("param", "colour", Is(frozenset({"gr%C3%BCn"})))(view)
    assert not Text("param", "size", Present())(view)


def test_of_several_query_values_one_that_passes_is_enough():
    view = request(query="tag=old&tag=new&tag=")

    assert Text("query", "tag", Is(frozenset({"new"})))(view)
    assert Text("query", "tag", Is(frozenset({""})))(view)
    assert not Text("query", "tag", Is(frozenset({"newer"})))(view)


@pytest.mark.parametrize(
    ("host", "holds"),
    [
        ("shop.example", True),
        ("brand.example", True),
        ("de.brand.example", True),
        ("a.de.brand.example", True),
        ("www.shop.example", False),
        ("notbrand.example", False),
        ("brand.example.evil.test", False),
        ("", False),
    ],
)
def test_a_star_host_is_every_name_below_and_not_the_name_itself(host, holds):
    condition = Host(frozenset({"shop.example", "brand.example"}), below=(".brand.example",))

    assert condition(request(host=host)) is holds


def test_methods_are_compared_letter_for_letter():
    assert Method(frozenset({"GET", "HEAD"}))(request(method="HEAD"))
    assert not Method(frozenset({"GET", "HEAD"}))(request(method="head"))


@pytest.mark.parametrize(
    ("accepts", "holds"),
    [
        ("de", True),
        ("de-AT, en;q=0.9", True),
        ("DE-at", True),
        ("en;q=0.5, de;q=0.9", True),
        ("en, de", False),
        ("en, de;q=0.9", False),
        ("den", False),
        ("de;q=0, en;q=0.1", False),
        ("de;q=nonsense, en;q=0.1", False),
        ("en;q=0.9, de;q=7", False),
        ("", False),
    ],
)
def test_the_language_liked_best_counts(accepts, holds):
    view = request(headers={"Accept-Language": accepts} if accepts else {})

    assert Language(frozenset({"de"}))(view) is holds


def test_a_language_with_a_region_is_only_that_one():
    austrian = Language(frozenset({"de-at"}))

    assert austrian(request(headers={"Accept-Language": "de-AT"}))
    assert not austrian(request(headers={"Accept-Language": "de"}))


def test_the_country_is_what_the_trusted_proxy_said():
    assert Country(frozenset({"AT", "DE"}))(request(country="AT"))
    assert not Country(frozenset({"AT", "DE"}))(request(country=""))


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_a_client_lies_in_one_of_the_networks(address, holds):
    office = Client((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")))

    assert office(request(client=address)) is holds


@pytest.mark.parametrize(
    ("condition", "login", "items", "holds"),
    [
        (Session(login=True), True, 0, True),
        (Session(login=True), False, 3, False),
        (Session(login=False), False, 3, True),
        (Session(basket="filled"), False, 1, True),
        (Session(basket="filled"), True, 0, False),
        (Session(basket="empty"), True, 0, True),
        (Session(login=True, basket="filled"), True, 2, True),
        (Session(login=True, basket="filled"), True, 0, False),
        (Session(login=True, basket="filled"), False, 2, False),
        (Session(), False, 0, True),
    ],
)
def test_a_session_condition_asks_for_login_and_basket(condition, login, items, holds):
    assert condition(request(visit=Visit(login, items))) is holds


@pytest.mark.parametrize(
    ("since", "until", "now", "holds"),
    [
        (100, 200, 99.9, False),
        (100, 200, 100, True),
        (100, 200, 199.9, True),
        (100, 200, 200, False),
        (None, 200, -5, True),
        (100, None, 1e12, True),
        (None, None, 0, True),
    ],
)
def test_a_window_holds_from_its_first_moment_until_before_its_last(since, until, now, holds):
    assert Between(since, until)(request(now=now)) is holds


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Text("param", "sku", In("short_tail", frozenset({"1", "2"}))), "{sku} in list short_tail (2 values)"),
        (Text("header", "x-variant", Is(frozenset({"b", "a"}))), "header x-variant is a or b"),
        (Text("cookie", "beta", Present()), "cookie beta is present"),
        (Text("cookie", "beta", Present(wanted=False)), "cookie beta is absent"),
        (Text("query", "q", Matches("a.*")), "query q matches a.*"),
        (Host(frozenset({"b.example", "a.example"}), (".c.example",)), "host is a.example or b.example or *.c.example"),
        (Method(frozenset({"POST", "GET"})), "method is GET or POST"),
        (Language(frozenset({"de"})), "language is de"),
        (Country(frozenset({"DE", "AT"})), "country is AT or DE"),
        (Client((ipaddress.ip_network("10.0.0.0/8"),)), "client in 10.0.0.0/8"),
        (Session(login=True, basket="empty"), "session is logged in and basket empty"),
        (Session(login=False), "session is not logged in"),
        (Between(0, None), "between 1970-01-01T00:00:00+00:00 and ever"),
        (Between(0, 1, said="new year and one"), "between new year and one"),
    ],
)
def test_a_condition_prints_itself_for_explain(condition, text):
    assert str(condition) == text


def test_equal_conditions_are_found():
    assert Host(frozenset({"a", "b"})) == Host(frozenset({"b", "a"}))
    assert Matches("a+") == Matches("a+")
    assert Matches("a+") != Matches("a*")
    assert len({Text("query", "q", Present()), Text("query", "q", Present())}) == 1
    assert Between(1, 2, said="in words") == Between(1, 2)


def test_a_list_is_known_by_its_name_and_keeps_its_values_out_of_logs():
    assert In("vip", frozenset({"secret@shop.example"})) == In("vip", frozenset())
    assert "secret" not in repr(In("vip", frozenset({"secret@shop.example"})))
