"""What shared caches are told: RFC 9111 and 9213, and what caches make of it in fact."""

from __future__ import annotations

import pytest

from router.caching import insisted, withheld
from router.headers import applied
from router.model import Edits, Headers

SETS, PERSONAL, COOKIES = (True, False, False), (False, True, False), (False, False, True)


def told(lines: list[tuple[str, str]], why: tuple[bool, bool, bool]) -> dict[str, str]:
    """The lines as they go on, names in lower case."""
    headers = Headers.of(lines)
    edits = withheld(headers, *why)
    after = applied(headers.lines, edits) if edits is not None else headers.lines
    return {name.decode().lower(): value.decode() for name, value in after}


@pytest.mark.parametrize(
    ("said", "why", "then"),
    [
        ("", SETS, "no-store"),
        ("public, max-age=600", SETS, "no-store"),
        ("private", SETS, "no-store"),
        ("", PERSONAL, "private, no-cache"),
        ("public, s-maxage=1", PERSONAL, "private, no-cache"),
        ("private, max-age=60", PERSONAL, "private, max-age=60"),
        ("no-store", PERSONAL, "no-store"),
        ("", COOKIES, "private"),
        ("public", COOKIES, "private"),
        ("public, max-age=600, s-maxage=86400", COOKIES, "private, max-age=600"),
        ("PUBLIC, Max-Age=600", COOKIES, "private, max-age=600"),
        ("max-age=60, stale-while-revalidate=5", COOKIES, "private, max-age=60, stale-while-revalidate=5"),
        ('private="set-cookie, x", max-age=5', COOKIES, "private, max-age=5"),
        ('no-cache="set-cookie"', COOKIES, 'private, no-cache="set-cookie"'),
        ("max-age=60, private", COOKIES, "max-age=60, private"),
        ("x-no-store, my-private", COOKIES, "private, x-no-store, my-private"),
        (",,", COOKIES, "private"),
        ('ext="a, private, no-store"', COOKIES, 'private, ext="a, private, no-store"'),
        ('ext="never closed, private', COOKIES, 'private, ext="never closed, private'),
    ],
)
def test_cache_control(said: str, why: tuple[bool, bool, bool], then: str) -> None:
    lines = [("Cache-Control", said)] if said else []

    assert told(lines, why)["cache-control"] == then


def test_two_lines_are_read_as_one() -> None:
    lines = [("Cache-Control", "max-age=60"), ("Cache-Control", "private")]

    assert withheld(Headers.of(lines), *COOKIES) is None


@pytest.mark.parametrize("why", [SETS, PERSONAL, COOKIES])
@pytest.mark.parametrize("said", ["public", "private", "no-store"])
def test_lines_for_one_kind_of_cache_go_whatever_cache_control_says(said: str, why: tuple[bool, bool, bool]) -> None:
    names = [
        "CDN-Cache-Control",
        "Surrogate-Control",
        "Edge-Control",
        "Akamai-Cache-Control",
        "Vendor-CDN-Cache-Control",
    ]

    left = told([("Cache-Control", said), *((name, "max-age=600") for name in names)], why)

    assert set(left) == {"cache-control"}


def test_an_old_line_goes_where_the_new_one_is_changed() -> None:
    expires = ("Expires", "Thu, 01 Jan 2099 00:00:00 GMT")

    assert "expires" not in told([expires], COOKIES)
    assert "expires" in told([("Cache-Control", "private"), expires], COOKIES)


@pytest.mark.parametrize("why", [SETS, PERSONAL, COOKIES, (False, False, False)])
@pytest.mark.parametrize(
    ("vary", "then"),
    [
        ("Inseam-Session", "Cookie"), ("inseam-session, Accept-Encoding", "Accept-Encoding, Cookie"),
        ("Cookie, INSEAM-SESSION", "Cookie"), ("Accept-Language", "Accept-Language"), ("*", "*"),
    ],
)  # fmt: skip
def test_vary_names_what_a_cache_can_see(vary: str, then: str, why: tuple[bool, bool, bool]) -> None:
    assert told([("Vary", vary)], why)["vary"] == then


def test_an_answer_for_everybody_stays_as_it_is() -> None:
    lines = [("Cache-Control", "public"), ("CDN-Cache-Control", "max-age=1"), ("Vary", "Accept-Encoding")]

    assert withheld(Headers.of(lines), False, False, False) is None


def test_what_a_rule_says_afterwards_does_not_count() -> None:
    headers = Headers.of([("Cache-Control", "private, max-age=5")])
    rule = Edits(set={"cache-control": "public", "CDN-Cache-Control": "max-age=600"})

    after = applied(headers.lines, rule.then(insisted(headers, withheld(headers, *PERSONAL))))

    assert after == [(b"Cache-Control", b"private, max-age=5")]
