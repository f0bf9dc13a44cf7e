"""A redirect loop between the two systems is noticed, broken, and told by both rules' names; nothing else is."""

from __future__ import annotations

import pytest

from router.errors import RedirectLoop
from router.index import Index
from router.loops import COOKIE, place_of, trailed
from router.model import Headers, RequestView, ResponseView
from router.patterns import PathPattern
from router.rules import Rule, To, Treatment


def rule(name: str, path: str, system: str) -> Rule:
    return Rule(name, (PathPattern.parse(path),), To(system), (), treatment=Treatment())


RULES = Index(
    [rule("shop", "/shop/**", "commerce"), rule("login", "/login/**", "commerce"), rule("home", "/**", "cms")]
)


class Browser:
    """Follows what it is told, and keeps the one cookie that matters here."""

    def __init__(self, accept: str = "text/html,*/*;q=0.8", scheme: str = "http") -> None:
        self.accept = accept
        self.scheme = scheme
        self.trail = ""
        self.told: list[str] = []

    def gets(self, path: str, status: int = 200, location: str = "", *lines: tuple[str, str], method: str = "GET"):
        """Ask for a page that is answered so; return what the edge adds."""
        name = f"__Host-{COOKIE}" if self.scheme == "https" else COOKIE
        said = [("Accept", self.accept), *([("Cookie", f"a=b; {name}={self.trail}")] if self.trail else [])]
        target, _, query = path.partition("?")
        view = RequestView(method, target, Headers.of(said), query, self.scheme, "shop.example", "shop.example")
        headers = Headers.of([*([("Location", location)] if location else []), *lines])
        edits = trailed(view, RULES.match(view), ResponseView(status, headers), RULES)
        for _, line in edits.add if edits else ():
            self.told.append(line)
            pair, _, attributes = line.partition(";")
            assert pair.startswith(f"{name}=")
            self.trail = "" if "Max-Age=0" in attributes else pair.partition("=")[2]
        return edits


def test_to_and_fro_is_broken_at_the_third_time_and_both_rules_are_named():
    anna = Browser()
    anna.gets("/welcome", 302, "/shop/welcome")
    anna.gets("/shop/welcome", 302, "/welcome")
    anna.gets("/welcome", 302, "/shop/welcome")

    with pytest.raises(RedirectLoop) as told:
        anna.gets("/shop/welcome", 302, "/welcome")  # they would be there for the third time

    assert str(told.value) == (
        "rule 'shop' (commerce) redirects /shop/welcome to /welcome, rule 'home' (cms), which leads back"
    )
    assert (told.value.status, told.value.reason) == (508, "redirect_loop")


def test_what_leads_away_for_ever_on_both_sides_is_broken_when_it_comes_back():
    """With a slash, without a slash: browsers keep a 301, and would never ask us a third time."""
    anna = Browser()
    anna.gets("/welcome", 301, "/shop/welcome")
    with pytest.raises(RedirectLoop):
        anna.gets("/shop/welcome", 301, "/welcome")


def test_a_longer_round_through_several_pages_is_noticed_too():
    anna = Browser()
    places = ["/a", "/shop/b", "/c", "/login/d"]
    for step in range(7):
        anna.gets(places[step % 4], 302, places[(step + 1) % 4])
    with pytest.raises(RedirectLoop):
        anna.gets("/login/d", 302, "/a")


def test_a_round_that_is_different_every_time_is_left_to_the_browser():
    anna = Browser()
    for step in range(20):
        anna.gets(f"/a?{step}", 302, f"/shop/b?{step}")
        anna.gets(f"/shop/b?{step}", 302, f"/a?{step + 1}")

    assert len(anna.trail) < 200


def test_a_page_ends_the_trail():
    anna = Browser()
    for _ in range(10):
        anna.gets("/account", 302, "/login/?next=/account")
        anna.gets("/login/?next=/account")
        assert anna.trail == ""
        anna.gets("/login/?next=/account", 303, "/account", method="POST")
        anna.gets("/account")

    assert anna.trail == ""


def test_a_cookie_check_that_goes_there_and_back_once_is_no_loop():
    anna = Browser()
    anna.gets("/welcome", 302, "/login/check")
    anna.gets("/login/check", 302, "/welcome")
    anna.gets("/welcome", 200)

    assert anna.trail == ""


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/welcome", "/elsewhere"), ("/shop/a", "/login/b"), ("/welcome", "https://pay.example/shop/"),
        ("/welcome", "mailto:anna@shop.example"), ("/welcome", ""), ("/welcome", "/shop/a//b"),
        ("/welcome", "http://[::1/"), ("/welcome", "javascript:alert(1)"),
    ],
)  # fmt: skip
def test_redirects_that_lead_to_no_other_system_leave_no_trail(path, location):
    assert Browser().gets(path, 302, location) is None


def test_a_visit_without_a_redirect_gets_no_cookie():
    assert Browser().gets("/welcome") is None


@pytest.mark.parametrize(
    "line", [("Cache-Control", "public, max-age=600"), ("Cache-Control", "s-maxage=60"), ("Expires", "tomorrow")]
)
def test_a_redirect_that_caches_shall_keep_gets_no_cookie(line):
    assert Browser().gets("/welcome", 302, "/shop/", line) is None


def test_a_redirect_that_no_cache_may_keep_is_followed():
    assert Browser().gets("/welcome", 302, "/shop/", ("Cache-Control", "private, max-age=0"))


@pytest.mark.parametrize("accept", ["*/*", "image/avif,image/webp,*/*;q=0.8", "application/json", ""])
def test_what_a_script_asks_for_every_second_is_never_taken_for_a_loop(accept):
    anna = Browser(accept)
    for _ in range(30):
        anna.gets("/welcome", 302, "/shop/welcome")

    assert anna.told == []


def test_the_trail_is_short_lived_and_bound_to_the_host():
    http, https = Browser(), Browser(scheme="https")
    http.gets("/welcome", 302, "/shop/")
    https.gets("/welcome", 302, "/shop/")

    assert http.told[0].endswith("; Path=/; Max-Age=20; HttpOnly; SameSite=Lax")
    assert https.told[0].startswith("__Host-inseam-trail=t")
    assert https.told[0].endswith("; Path=/; Max-Age=20; HttpOnly; SameSite=Lax; Secure")


@pytest.mark.parametrize("trail", ["", ".", "x", "t" * 5000, "t.t.t.t", "\xff\xfe", "e0.e0.e0"])
def test_whatever_a_visitor_writes_into_the_trail_the_redirect_goes_on(trail):
    anna = Browser()
    anna.trail = trail
    edits = anna.gets("/welcome", 302, "/shop/welcome")

    assert edits is not None
    assert len(anna.trail) < 6000


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/shop/", "/shop/"), ("shop/", "/a/shop/"), ("../shop/", "/shop/"), ("?page=2", "/a/b?page=2"),
        ("https://shop.example/shop/?a=b#top", "/shop/?a=b"), ("//shop.example/shop/", "/shop/"),
        ("http://SHOP.example:8080/shop/", "/shop/"), ("/%7Eanna/", "/~anna/"), ("//other.example/", ""),
        ("/a%2fb", ""), ("/über", ""), ("ftp://shop.example/", ""),
    ],
)  # fmt: skip
def test_where_a_redirect_leads(location, place):
    view = RequestView("GET", "/a/b", Headers.of({}), host="shop.example", authority="shop.example")

    assert place_of(view, location) == place
