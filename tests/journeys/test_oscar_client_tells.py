"""django-oscar with the client, asked as the edge asks it: what it believes of a token, and what it tells in an update.

No browser and no edge here: a visitor is the bridge's own session, so that each moment of a hand-over can be held.
"""

from __future__ import annotations

import http.client
import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.cookies import SimpleCookie
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest

from deploy.demo.catalogue import PRODUCTS
from deploy.shop import feed
from deploy.shop.introduction import introduce
from deploy.shop.run import PYTHON, prepared
from deploy.shop.sites import Site
from sessions import bridge
from sessions.keys import KeyRing
from sessions.model import Changes, Login, Policy, Session, read_changes
from sessions.token import mint, read_update, sid_for

EVERYTHING = frozenset({"login", "basket", "order"})
PATHS = {number: feed.path(PRODUCTS[sku]) for number, sku in enumerate(feed.SKUS, 1)}
ADDRESS = {
    "first_name": "A", "last_name": "B", "line1": "Street 1", "line4": "Town", "postcode": "10115", "country": "DE",
}  # fmt: skip
OF_LOGIN = {"login_submit": "1", "login-redirect_url": "/"}


class Commerce:
    """The shop alone, and the edge's keys."""

    def __init__(self, site: Site, ring: KeyRing) -> None:
        self.site, self.ring = site, ring


@pytest.fixture(scope="module")
def commerce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commerce]:
    data = prepared(tmp_path_factory.mktemp("oscar") / "client")
    keys = introduce(data, "https://shop.example")  # so the keys are given to it: nobody is there to be asked
    with Site("commerce", 0, data, PYTHON, "with_client") as site:
        assert site.wait_until_ready(Event(), 60), site.said.read_text()
        yield Commerce(site, KeyRing.parse(keys.read_bytes()))


class Visitor:
    """A browser's cookies at the shop, and the session that the edge has of it."""

    def __init__(self, commerce: Commerce) -> None:
        self.commerce = commerce
        self.cookies: dict[str, str] = {}
        self.session: Session | None = None
        self.csrf = ""

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, dict[str, Any]]:
        """Return status, page and what the shop told; the session follows it as at the edge."""
        now, ring, sid = int(time.time()), self.commerce.ring, ""
        headers = {"X-Forwarded-Proto": "http", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if self.session is not None:
            token, _ = mint(self.session, "commerce", {}, ring, now, Policy())
            headers["Inseam-Session"], sid = token.decode(), sid_for(self.session.id, "commerce")
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.commerce.site.url.removeprefix("http://"), timeout=30)
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        self.csrf = found[1] if found else self.csrf
        updates = answer.headers.get_all("Inseam-Update", [])
        assert len(updates) <= 1
        told = dict(read_update(updates[0].encode(), "commerce", sid, ring, now)) if updates else {}
        if told:
            self.hear(read_changes(told), now)
        return answer.status, page, {name: told[name] for name in told.keys() - {"iss", "aud", "iat", "exp", "sid"}}

    def hear(self, changes: Changes, now: int) -> None:
        done = bridge.apply(
            self.session, changes, "commerce", EVERYTHING, Policy(), now, lambda: secrets.token_urlsafe(16)
        )
        self.session = done.session

    def known(self, **changes: Any) -> None:
        """Have the edge think otherwise, as another system may have told it."""
        now = int(time.time())
        session = self.session or bridge.begun(secrets.token_urlsafe(16), now)
        self.session = replace(session, id=secrets.token_urlsafe(16), **changes)

    def add(self, article: int, quantity: int = 1) -> dict[str, Any]:
        self.ask("GET", PATHS[article])
        form = {"csrfmiddlewaretoken": self.csrf, "quantity": str(quantity)}
        return self.ask("POST", f"/basket/add/{article}/", form)[2]

    def log_in(self, person: tuple[str, str, str]) -> dict[str, Any]:
        self.ask("GET", "/accounts/login/")
        form = {"csrfmiddlewaretoken": self.csrf, "login-username": person[1], "login-password": person[2], **OF_LOGIN}
        return self.ask("POST", "/accounts/login/", form)[2]

    @property
    def is_customer(self) -> bool:
        return self.ask("GET", "/accounts/profile/")[0] == 200


@pytest.fixture
def visitor(commerce: Commerce) -> Visitor:
    return Visitor(commerce)


@pytest.fixture
def person(commerce: Commerce) -> tuple[str, str, str]:
    """Somebody with an account who has never been here: name, e-mail address, password."""
    newcomer, address = Visitor(commerce), f"{secrets.token_hex(4)}@shop.test"
    newcomer.ask("GET", "/accounts/login/")
    form = {f"registration-{name}": "a-Long-enough-1" for name in ("password1", "password2")}
    form |= {"registration-email": address, "registration-redirect_url": "/", "registration_submit": "1"}
    told = newcomer.ask("POST", "/accounts/login/", {"csrfmiddlewaretoken": newcomer.csrf, **form})[2]
    assert told["sub"]  # who registers is logged in, and the edge knows
    return "", address, "a-Long-enough-1"


# --- baskets ----------------------------------------------------------------------------------------------------------


def test_a_basket_is_told_in_the_answer_in_which_it_changes_and_then_no_more(visitor: Visitor) -> None:
    told = visitor.add(3, 2)

    assert (told["basket"]["count"], told["basket"]["lines"]) == (2, [{"sku": feed.SKUS[2], "quantity": 2}])
    assert visitor.ask("GET", "/basket/")[2] == {}


def test_a_page_for_a_visitor_with_nothing_tells_nothing(visitor: Visitor) -> None:
    assert visitor.ask("GET", PATHS[1])[2] == {}


def test_a_guest_who_lost_the_basket_cookie_keeps_the_basket(visitor: Visitor) -> None:
    visitor.add(3, 2)
    del visitor.cookies["oscar_open_basket"]

    told = visitor.ask("GET", "/basket/")[2]

    assert told == {}
    assert "oscar_open_basket" in visitor.cookies


def test_however_many_tabs_add_at_once_the_latest_word_is_the_whole_basket(visitor: Visitor) -> None:
    visitor.add(1)
    before = visitor.session

    def tab(article: int) -> dict[str, Any]:
        other = Visitor(visitor.commerce)
        other.cookies, other.session, other.csrf = dict(visitor.cookies), before, visitor.csrf
        return other.ask("POST", f"/basket/add/{article}/", {"csrfmiddlewaretoken": visitor.csrf, "quantity": "1"})[2]

    with ThreadPoolExecutor(6) as tabs:
        told = [each["basket"] for each in tabs.map(tab, range(2, 8))]

    assert max(told, key=lambda basket: basket["rev"])["count"] == 7


# --- login and logout -------------------------------------------------------------------------------------------------


def test_a_login_merges_the_guests_basket_in_the_same_answer(visitor: Visitor, person: tuple[str, str, str]) -> None:
    guest = visitor.add(3, 2)["basket"]["id"]

    told = visitor.log_in(person)

    assert (told["merged"], told["basket"]["count"]) == (guest, 2)
    assert told["sub"]
    assert visitor.session is not None
    assert visitor.session.receipt is not None
    assert visitor.session.receipt.outcome == "merged"


def test_a_customer_who_lost_the_shops_session_goes_on_as_one(visitor: Visitor, person: tuple[str, str, str]) -> None:
    visitor.log_in(person)
    visitor.add(3)
    del visitor.cookies["sessionid"]

    status, _, told = visitor.ask("GET", "/basket/")

    assert (status, told) == (200, {})
    assert visitor.is_customer
    assert "sessionid" not in visitor.cookies


def test_a_logout_elsewhere_ends_the_shops_own_session(visitor: Visitor, person: tuple[str, str, str]) -> None:
    visitor.log_in(person)
    visitor.hear(Changes(login=None), int(time.time()))

    assert not visitor.is_customer
    assert "sessionid" not in visitor.cookies


def test_a_logout_at_the_shop_is_told(visitor: Visitor, person: tuple[str, str, str]) -> None:
    visitor.log_in(person)

    assert visitor.ask("GET", "/accounts/logout/")[2] == {"sub": None}
    assert not visitor.is_customer


def test_where_token_and_cookie_name_two_customers_the_shop_is_right_and_says_so(
    visitor: Visitor, person: tuple[str, str, str]
) -> None:
    own = visitor.log_in(person)["sub"]
    visitor.known(login=Login("1" if own != "1" else "2", "Somebody Else"))

    assert visitor.ask("GET", "/basket/")[2]["sub"] == own


def test_a_login_tells_the_name_to_greet_with(visitor: Visitor) -> None:
    assert visitor.log_in(feed.CUSTOMERS[0])["name"] == feed.CUSTOMERS[0][0]


def test_a_token_lets_nobody_of_the_staff_in(visitor: Visitor) -> None:
    visitor.log_in(feed.STAFF[0])
    assert visitor.session is None or visitor.session.login is None

    for number in range(1, len(feed.CUSTOMERS) + len(feed.STAFF) + 1):
        stranger = Visitor(visitor.commerce)
        stranger.known(login=Login(str(number)))
        assert stranger.ask("GET", "/dashboard/")[0] in (302, 403)


# --- undo, order ------------------------------------------------------------------------------------------------------


def test_a_merge_is_undone_once_however_many_tabs_ask(visitor: Visitor, person: tuple[str, str, str]) -> None:
    visitor.log_in(person)
    visitor.add(1, 2)
    guest = Visitor(visitor.commerce)
    guest.add(1, 5)
    guest.add(2, 1)
    assert guest.log_in(person)["basket"]["count"] == 6
    assert guest.session is not None
    guest.session = bridge.undo_asked(guest.session, int(time.time()))

    def tab(_: int) -> dict[str, Any]:
        other = Visitor(visitor.commerce)
        other.cookies, other.session = dict(guest.cookies), guest.session
        return other.ask("GET", "/basket/")[2]

    with ThreadPoolExecutor(4) as tabs:
        told = list(tabs.map(tab, range(4)))

    assert all(each["undone"] for each in told)
    assert max((each["basket"] for each in told), key=lambda basket: basket["rev"])["count"] == 2


def test_an_order_is_told_and_leaves_no_basket(visitor: Visitor, person: tuple[str, str, str]) -> None:
    visitor.log_in(person)
    visitor.add(4, 1)
    visitor.ask("GET", "/checkout/shipping-address/")
    address = {"first_name": "A", "last_name": "B", "line1": "Street 1", "line4": "Town", "postcode": "10115"}
    visitor.ask(
        "POST", "/checkout/shipping-address/", {"csrfmiddlewaretoken": visitor.csrf, "country": "DE", **address}
    )
    for step in ("shipping-method", "payment-method", "payment-details", "preview"):
        visitor.ask("GET", f"/checkout/{step}/")

    form = {"csrfmiddlewaretoken": visitor.csrf, "action": "place_order"}
    status, _, told = visitor.ask("POST", "/checkout/preview/", form)

    assert (status, told["basket"]) == (302, None)
    assert told["order"]
    assert visitor.ask("GET", "/checkout/thank-you/")[2] == {}
