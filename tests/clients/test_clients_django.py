"""A Django site behind the edge: it greets, lets the customer in if it wants to, and tells of logins and logouts."""

import json

import django_site as site
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as SessionRow
from django.core.cache import cache
from django.core.checks import run_checks
from django.test import AsyncClient, Client, override_settings
from inseam_client import Visit
from other_languages import VECTORS

from sessions import token as edge
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Session

NOW = VECTORS["now"]
RING = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())
ONLY_READING = {**site.INSEAM, "authority": []}


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    monkeypatch.setattr(Visit, "clock", staticmethod(lambda: NOW))


@pytest.fixture(autouse=True)
def people():
    users = get_user_model().objects
    users.create_user("anna", pk=1, first_name="Anna")
    users.create_user("bert", pk=2, first_name="Bert")
    users.create_user("gone", pk=3, is_active=False)
    users.create_user("boss", pk=4, is_staff=True)
    yield
    users.all().delete()
    SessionRow.objects.all().delete()
    cache.clear()


class Shopper:
    """A browser at the edge: sends the token of the session that the edge has, and sees what the shop says."""

    def __init__(self):
        self.browser = Client()
        self.session = None

    def known_as(self, session_id, login=None, count=0):
        basket = Basket("b7", 1, count) if count else None
        self.session = Session(session_id * 22, 1, NOW, NOW, login=login and Login(login), basket=basket)
        return self

    def get(self, path):
        sid, headers = "", {}
        if self.session:
            token, _ = edge.mint(self.session, "commerce", {}, RING, NOW, Policy())
            sid, headers = edge.sid_for(self.session.id, "commerce"), {"Inseam-Session": token.decode()}
        answer = self.browser.get(path, headers=headers)
        update = answer.get("Inseam-Update")
        claims = edge.read_update(update.encode(), "commerce", sid, RING, NOW) if update else {}
        answer.said = {name: claims[name] for name in ("sub", "name", "basket", "order") if name in claims}
        answer.text = answer.content.decode()
        return answer


@pytest.fixture
def shopper():
    return Shopper()


# --- request.inseam ---------------------------------------------------------------------------------------------------


def test_a_template_shows_the_basket_and_its_page_becomes_private(shopper):
    answer = shopper.known_as("a", login="1", count=3).get("/badge/")

    assert answer.text.split() == ["3"]
    assert (answer["Vary"], answer["Cache-Control"]) == ("Inseam-Session", "private")


def test_a_page_for_everybody_stays_cacheable_and_reads_neither_token_nor_session(shopper):
    answer = shopper.known_as("a", login="1").get("/plain/")

    assert "Vary" not in answer
    assert answer["Cache-Control"] == "public, max-age=60"


def test_djangos_own_cache_never_keeps_a_personal_page(shopper):
    assert shopper.known_as("a", count=3).get("/cached-badge/").text.split() == ["3"]

    assert shopper.known_as("b", count=1).get("/cached-badge/").text.split() == ["1"]


def test_djangos_own_cache_keeps_what_is_for_everybody(shopper):
    shopper.get("/cached-plain/")

    assert len(cache._cache) == 2  # the page, and what it varies by


# --- the customer as request.user -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sub", "user"), [("1", "1"), ("3", "None"), ("4", "None"), ("99", "None"), ("x7", "None"), ("9" * 60, "None")]
)
def test_the_tokens_customer_is_the_user_if_active_and_not_of_the_staff(shopper, sub, user):
    assert shopper.known_as("a", login=sub).get("/who/").text == user


def test_a_customer_of_the_token_costs_no_session_of_the_site(shopper):
    answer = shopper.known_as("a", login="1").get("/who/")

    assert not answer.cookies
    assert not SessionRow.objects.exists()


def test_asynchronous_views_see_the_same_customer(shopper):
    shopper.known_as("a", login="1")
    token, _ = edge.mint(shopper.session, "commerce", {}, RING, NOW, Policy())

    answer = async_to_sync(AsyncClient().get)("/who-async/", headers={"Inseam-Session": token.decode()})

    assert answer.content == b"1"
    assert answer["Cache-Control"] == "private"


def test_without_the_middleware_the_user_is_the_sites_own_business(shopper):
    middleware = [name for name in site.settings.MIDDLEWARE if "Customer" not in name]
    with override_settings(MIDDLEWARE=middleware):
        answer = shopper.known_as("a", login="1").get("/who/")

    assert answer.text == "None"
    assert answer.get("Cache-Control") is None


# --- what the site tells ----------------------------------------------------------------------------------------------


def test_a_login_is_told_in_the_answer_in_which_it_happens(shopper):
    assert shopper.known_as("a", count=1).get("/login/1/").said == {"sub": "1", "name": "Anna"}


def test_a_logout_is_told_in_the_answer_in_which_it_happens(shopper):
    shopper.get("/login/1/")

    assert shopper.known_as("b", login="1").get("/logout/").said == {"sub": None}


def test_a_login_that_the_edge_did_not_know_of_is_told_with_the_next_page(shopper):
    shopper.get("/login/1/")

    assert shopper.get("/who/").said == {"sub": "1", "name": "Anna"}


def test_where_the_sites_cookie_and_the_token_differ_the_site_is_right_and_says_so(shopper):
    shopper.get("/login/1/")

    answer = shopper.known_as("b", login="2").get("/who/")

    assert answer.text == "1"
    assert answer.said == {"sub": "1", "name": "Anna"}


def test_a_logout_elsewhere_ends_the_login_here(shopper):
    shopper.known_as("a").get("/login/1/")
    shopper.known_as("b", login="1").get("/who/")

    answer = shopper.known_as("c").get("/who/")

    assert answer.text == "None"
    assert answer.said == {}
    assert not SessionRow.objects.exists()


def test_a_logout_elsewhere_ends_the_login_here_even_if_the_site_saw_no_page_in_between(shopper):
    shopper.known_as("a").get("/login/1/")

    assert shopper.known_as("c").get("/who/").text == "None"


def test_a_login_that_the_edge_did_not_take_stays_one_here(shopper):
    shopper.known_as("a").get("/login/1/")

    assert shopper.known_as("a").get("/who/").text == "1"


def test_no_token_at_all_says_nothing_of_a_logout(shopper):
    shopper.known_as("a").get("/login/1/")
    shopper.known_as("b", login="1").get("/who/")
    shopper.session = None

    assert shopper.get("/who/").text == "1"


def test_staff_are_never_told_of_and_end_the_customers_login_at_the_edge(shopper):
    assert shopper.known_as("a").get("/login/4/").said == {}
    assert shopper.known_as("b", login="1").get("/who/").said == {"sub": None}


def test_a_site_without_the_authority_tells_nothing(shopper):
    with override_settings(INSEAM=ONLY_READING):
        assert shopper.known_as("a").get("/login/1/").said == {}
        assert shopper.known_as("b", login="1").get("/logout/").said == {}


# --- system checks ----------------------------------------------------------------------------------------------------

OURS, SESSIONS, AUTH, CUSTOMER = site.settings.MIDDLEWARE
CACHE, BASKET = "django.middleware.cache.UpdateCacheMiddleware", "inseam_client.oscar.InseamBasketMiddleware"
MUTE = {**site.INSEAM, "update_key": None}
OSCARS = "oscar.apps.basket.middleware.BasketMiddleware"


def problems(**settings):
    with override_settings(**settings):
        return [(each.id, each.msg) for each in run_checks() if each.id.startswith("inseam.")]


def test_a_site_that_is_set_up_as_the_readme_says_has_no_problems():
    assert problems() == []


@pytest.mark.parametrize(
    ("settings", "id_", "says"),
    [
        ({"INSEAM": {"system": "cms"}}, "inseam.E001", "inseam keys export"),
        ({"INSEAM": {**site.INSEAM, "update_key": {"kid": "k", "secret": "c2hvcnQ"}}}, "inseam.E001", "has 5 bytes"),
        ({"INSEAM": {**MUTE, "authority": []}, "MIDDLEWARE": [OURS, AUTH, BASKET]}, "inseam.E001", "update_key"),
        ({"INSEAM": MUTE}, "inseam.E001", "update_key"),
        ({"MIDDLEWARE": [SESSIONS, AUTH]}, "inseam.E002", "no request.inseam"),
        ({"MIDDLEWARE": [SESSIONS, AUTH, CUSTOMER, OURS]}, "inseam.E002", "it asks request.inseam"),
        ({"MIDDLEWARE": [OURS, SESSIONS, CUSTOMER, AUTH]}, "inseam.E002", "counts more than the token's"),
        ({"MIDDLEWARE": [OURS, CACHE, SESSIONS, AUTH, CUSTOMER]}, "inseam.E002", "the cache would keep"),
        ({"MIDDLEWARE": [OURS, SESSIONS, BASKET, AUTH]}, "inseam.E002", "counts more than the token's"),
        ({"MIDDLEWARE": [OURS, SESSIONS, AUTH, OSCARS, BASKET]}, "inseam.E002", "two middlewares"),
        ({"INSEAM": {**site.INSEAM, "other_cookies": {"cms": ["x", "sessionid"]}}}, "inseam.W001", "'sessionid'"),
        ({"SECURE_PROXY_SSL_HEADER": None}, "inseam.W002", "https"),
    ],
)  # fmt: skip
def test_what_would_go_wrong_is_told_when_the_site_starts(settings, id_, says):
    found = problems(**settings)

    assert [each for each, _ in found] == [id_]
    assert says in found[0][1]


@pytest.mark.parametrize(
    "settings",
    [
        {"MIDDLEWARE": [CACHE, OURS, SESSIONS, AUTH, CUSTOMER]},
        {"MIDDLEWARE": [OURS, SESSIONS, AUTH, BASKET]},
        {"INSEAM": {**site.INSEAM, "other_cookies": {"cms": ["cms_sessionid"]}}},
    ],
)
def test_what_is_right_is_let_be(settings):
    assert problems(**settings) == []
