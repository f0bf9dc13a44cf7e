"""The engine under profiles: paths, cookies, amounts, hostile pages, and mistakes in a profile's file."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_played import profile_of

from sessions import profiles
from sessions.model import UNSAID, Basket, Changes, Login
from sessions.profiles import Answer, Asked, ProfileError, merge_changes, parse
from sessions.profiles.exchange import Exchange, Name
from sessions.profiles.paths import Path, PathError, Watch, fill
from sessions.profiles.values import amount, opaque


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("/basket/", "/basket/", {}),
        ("/basket/", "/basket", None),
        ("/basket/?", "/basket", {}),
        ("/basket/", "/my/basket/", None),
        ("{mount}/basket/", "/basket/", {"mount": ""}),
        ("{mount}/basket/", "/shop/en-gb/basket/", {"mount": "/shop/en-gb"}),
        ("{mount}/basket/", "/a/b/c/basket/", None),
        ("{mount}/basket/", "/basketball/", None),
        ("/basket/add/{product}/", "/basket/add/7/", {"product": "7"}),
        ("/basket/add/{product}/", "/basket/add/7/8/", None),
        ("/basket/add/{product}/", "/basket/add//", None),
        ("/cart/**", "/cart/", {}),
        ("/cart/**", "/cart/a/b", {}),
        ("/cart/**", "/cart", None),
        ("/a.b/*.js", "/a.b/cart.js", {}),
        ("/a.b/*.js", "/axb/cart.js", None),
        ("/cart/@self", "/cart/@self", {}),
    ],
)
def test_a_path_holds_where_the_product_is_mounted_and_nowhere_else(pattern, path, captures):
    assert Path(pattern)(path) == captures
    assert Watch((Path(pattern),))(path) is (captures is not None)


@pytest.mark.parametrize("pattern", ["basket/", "/basket?a=1", "/a/{mount}/b", ""])
def test_a_pattern_that_is_no_path_is_a_mistake(pattern):
    with pytest.raises(PathError):
        Path(pattern)


def test_a_question_needs_all_the_names_in_its_path():
    assert fill("{mount}/basket/", {"mount": "/de"}) == "/de/basket/"
    assert fill("/carts/{cart}", {"mount": ""}) is None


@pytest.mark.parametrize(
    ("glob", "name", "held"),
    [
        ("sessionid", "sessionid", True), ("sessionid", "shop_sessionid", False), ("*sessionid", "my_sessionid", True),
        ("SESS*", "SESS12ab", True), ("SESS*", "SSESS12ab", False), ("a*b", "ab", True), ("ab*ba", "aba", False),
    ],
)  # fmt: skip
def test_a_star_stands_for_any_run_in_a_cookie_s_name(glob, name, held):
    assert Name(glob)(name) is held


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a=1", "1"),
        ("a=1; Max-Age=0", None),
        ("a=1; max-age=-1", None),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "1"),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("a=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT", None),
        ("a=%20; expires=Sat, 22 Nov 2025 10:28:08 GMT", None),
        ("a=1; expires=Mon, 23 Nov 2026 10:28:08 GMT", "1"),
        ("a=1; expires=whenever", "1"),
        ('a=""', None),
        ("a=", None),
        ("a", None),
        ("a=deleted", None),
        ("a=b=c; Path=/", "b=c"),
        ('a="[1\\054 2]"; Path=/', '"[1\\054 2]"'),
    ],
)
def test_a_cookie_is_deleted_in_the_ways_of_all_products(line, value):
    answer = Answer(200, [("Date", "Sun, 22 Nov 2026 10:28:08 GMT")], [line])

    assert Exchange(None, answer, {}).set == {"a": value}


def test_without_a_date_only_the_year_tells_that_a_cookie_is_deleted():
    lines = ["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=1; expires=Sat, 22 Nov 2025 10:28:08 GMT"]

    assert Exchange(None, Answer(200, (), lines), {}).set == {"a": None, "b": "1"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("€28.00", ("28.00", "EUR")),
        ("Basket total: <b>€1,234.50</b>", ("1234.50", "EUR")),
        ("1.234,50 €", ("1234.50", "EUR")),
        ("1.234 €", ("1234", "EUR")),
        ("1,234 £", ("1234", "GBP")),
        ("12,5 zł", ("12.50", "PLN")),
        ("CHF 1’234.50", ("1234.50", "CHF")),
        ("1 234,50 SEK", ("1234.50", "SEK")),
        ("$12", ("12", "")),
        ("USD 1,234,567.89", ("1234567.89", "USD")),
        ("2 ITEMS £3.20", ("3.20", "GBP")),
        ("&pound;3.20", ("3.20", "GBP")),
        ("no price", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_an_amount_is_read_as_products_write_it(text, read):
    assert amount(text) == read


@pytest.mark.parametrize(
    ("text", "scale", "read"),
    [("4700", 2, "47.00"), ("500", 0, "500"), ("47.0", 0, "47.00"), ("59.0000", 0, "59.00"), ("1.234", 0, "1.234")],
)
def test_a_program_s_number_is_taken_exactly(text, scale, read):
    assert amount(text, scale, exact=True) == (read, "")


def test_an_opaque_id_is_the_same_for_the_same_cookie_and_tells_nothing_of_it():
    assert opaque("abc") == opaque("abc") != opaque("abd")
    assert "abc" not in opaque("abc")
    assert len(opaque("a" * 4000)) == 23


def test_what_comes_later_stands_over_what_came_before():
    first = Changes(login=Login("~x"), basket=None, order="?", cookies={"a": "1"})
    then = Changes(login=Login("jo"), order="100", merged="7", cookies={"b": ""})

    assert merge_changes(first, then) == Changes(Login("jo"), None, "100", merged="7", cookies={"a": "1", "b": ""})
    assert merge_changes(first, Changes()) == first
    assert merge_changes(Changes(), first) == first


HEADERS = [("Location", "http://[::1"), ("location", "/x"), ("Date", "never"), ("X", "\x00")]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(profiles.names()),
    status=st.sampled_from([200, 201, 204, 302, 303, 404, 500]),
    lines=st.lists(st.text(max_size=60), max_size=4),
    body=st.one_of(
        st.none(),
        st.binary(max_size=300),
        st.recursive(st.none() | st.integers() | st.floats() | st.text(max_size=9),
                     lambda below: st.lists(below, max_size=4) | st.dictionaries(
                         st.sampled_from(["cart", "items", "id", "items_count", "totals", "customer", "uid", "type"]),
                         below, max_size=4), max_leaves=20).map(lambda said: repr(said).replace("'", '"').encode()),
    ),
    query=st.text(max_size=40),
)  # fmt: skip
def test_no_answer_whatever_it_holds_is_an_error(name, status, lines, body, query):
    profile = profile_of(name)
    asked = [(method, path) for sign in profile.signs for method in sign.when.methods for path in sign.when.paths]

    for method, pattern in asked or [("GET", Path("/"))]:
        path = str(pattern).replace("{mount}", "").replace("**", "x").replace("/?", "/")
        answer = Answer(status, HEADERS, lines, body)
        seen = profile.observe(Asked(method, path, query, {"PHPSESSID": "\x00", "oscar_open_basket": "1:x"}), answer)
        for question in seen.ask:
            question.read(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"<td>" + b"a" * 250_000,
        b'<h3><a href="' * 15_000,
        b'name="form-1-quantity" value="' * 8_000,
        b'class="btn-cart"' * 15_000,
        b"[" * 250_000,
        b'{"a":' * 50_000,
        b'{"items_count":' + b"9" * 100_000 + b"}",
        b'{"items":[' + b'{"quantity":1},' * 15_000 + b"{}]}",
    ],
    ids=range(8),
)
def test_a_hostile_page_of_the_full_size_takes_no_more_than_a_moment(body):
    """A page of 256 KB may be asked for; with RE2 it takes milliseconds, with backtracking it could take hours."""
    answer = Answer(200, (), (), body)
    began = time.perf_counter()

    for name in profiles.names():
        for ask in profile_of(name).asks:
            seen = Exchange(Asked("GET", "/"), answer, {})
            seen.captures.update(mount="", site="s", locale="l", store="1", cart="c", user="u")
            question = ask.bound(seen, ())
            assert question is not None
            question.read(answer)

    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("count", ["-1", "1e9", "9999999999", '"many"', "true", "null", "[1]", '{"a":1}'])
def test_a_count_that_cannot_be_is_none(count):
    question = profile_of("shopify").observe(Asked("POST", "/cart/add.js"), Answer(200)).ask[0]

    assert question.read(Answer(200, (), (), b'{"item_count": %b}' % count.encode())).basket in (UNSAID, None)


def test_a_name_that_is_too_long_or_not_printable_is_no_login():
    profile = profile_of("wordpress")
    for name in ("x" * 500, "a%00b"):
        line = f"wordpress_logged_in_1={name}%7C1; path=/"
        assert profile.observe(Asked("GET", "/"), Answer(200, (), [line])).changes.login is UNSAID


def test_a_basket_with_more_than_the_edge_keeps_is_still_counted():
    items = [{"variant_id": number, "quantity": 1} for number in range(300)]
    body = json.dumps({"item_count": 300, "token": "t", "items": items}).encode()
    question = profile_of("shopify").observe(Asked("POST", "/cart/add.js"), Answer(200)).ask[0]

    basket = question.read(Answer(200, (), (), body)).basket

    assert isinstance(basket, Basket)
    assert (basket.count, basket.lines) == (300, ())


GOOD = """
title: Shop
about: A shop.
sources: {docs: "documentation: a page"}
signs:
  - {name: in, when: {method: POST, path: /login, status: 302}, says: login, sub: {opaque: s}, rests_on: docs}
"""


def test_a_profile_as_it_should_be_is_read():
    assert parse("shop", GOOD.encode()).observe(Asked("POST", "/login", "", {"s": "1"}), Answer(302)).changes.login


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("title", "tittle"), "tittle"),
        (GOOD.replace("documentation: a", "hearsay: a"), "running product: "),
        (GOOD.replace("rests_on: docs", "rests_on: dogs"), "dogs"),
        (GOOD.replace("says: login", "says: hello"), "hello"),
        (GOOD.replace("says: login, ", ""), "says nothing"),
        (GOOD.replace("method: POST, ", ""), "no method"),
        (GOOD.replace("path: /login, ", ""), "no path"),
        (GOOD.replace("path: /login", "path: login"), "is no path"),
        (GOOD.replace("{opaque: s}", "{opaque: s, json: a}"), "must say one place"),
        (GOOD.replace("{opaque: s}", "{json: a, match: '('}"), "missing )"),
        (GOOD.replace("{opaque: s}", "{json: a, match: '(a)\\1'}"), "invalid escape"),
        (GOOD.replace("status: 302", "status: 9xx"), "neither a number"),
        (GOOD + "cookies: [{name: 'a*b*', rests_on: docs}]", "more than one *"),
        (GOOD + "cookies: [{name: s, login: true, keep: true, rests_on: docs}]", "cannot be kept"),
        (GOOD + "ask: [{after: login, get: x, read: [], rests_on: docs}]", "is no path"),
        ("a: [", "while parsing"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_its_name(wrong, said):
    with pytest.raises(ProfileError, match="profile shop: ") as told:
        parse("shop", wrong.encode())

    assert said in str(told.value)
