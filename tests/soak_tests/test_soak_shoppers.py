"""A shopper that looks at pages which were made for it, and at some that were not."""

import random

import pytest

from tests.soak.browser import Jar
from tests.soak.findings import Findings
from tests.soak.fire import Every, Fire
from tests.soak.ledger import NOBODY, Ledger
from tests.soak.page import facts, page
from tests.soak.shopper import Habits, Shopper


@pytest.fixture
def findings():
    return Findings()


@pytest.fixture
def shopper(findings):
    return Shopper(7, 0, Habits(), findings, lambda status: False, None, 1)


def cms_page(**others):
    cookies = "consent=all; sessionid=cms-0007-ab"
    return {"system": "cms", "session": "cms-0007-ab", "csrf": "", "token": None, "cookies": cookies, **others}


def token(**others):
    return {"sub": None, "basket": None, "sid": "x", **others}


def test_a_page_of_its_own_is_fine(shopper, findings):
    shopper.check_page(cms_page(), shopper.may, doubt=False)

    assert not findings.wrong


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"token": token(sub="c0008", name="Shopper 0008")}, "another's login"),
        ({"token": token(basket={"id": "b0008-1", "count": 0})}, "another's basket"),
        ({"token": token(handle="v0008-1")}, "another's handle"),
        ({"token": "InvalidSignatureError: forged"}, "token not believed"),
        ({"cookies": "consent=all; sessionid=cms-0008-ab"}, "another's cookie"),
        ({"cookies": "consent=all; sessionid=shop-0007-ab"}, "wrong cookie"),
        ({"cookies": "consent=all; inseam=abc"}, "wrong cookie"),
        ({"cookies": "sessionid=cms-0007-ab"}, "cookie lost"),
    ],
)
def test_whatever_is_not_its_own_is_found(shopper, findings, said, kind):
    shopper.check_page(cms_page(**said), shopper.may, doubt=False)

    assert kind in findings.wrong


def test_a_session_id_of_somebody_else_is_found(shopper, findings):
    findings.owners["x"] = "cms 0003"

    shopper.check_page(cms_page(token=token()), shopper.may, doubt=False)

    assert findings.wrong["another's session id"] == 1


def test_what_was_wrong_once_is_counted_once(shopper, findings):
    for _ in range(3):
        shopper.check_page(cms_page(token=token(sub="c0007")), shopper.may, doubt=False)

    assert findings.wrong == {"login came back": 1}


def test_a_cookie_is_replaced_and_deleted_as_browsers_do():
    jar = Jar()
    jar.take("a=1; Path=/; HttpOnly", 0.0)
    jar.take("b=2; Path=/", 0.0)
    jar.take("a=3; Path=/; Max-Age=60", 0.0)
    jar.take("b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 100.0)

    assert jar.header() == "a=3"


def test_a_page_carries_its_facts():
    assert facts(page({"system": "cms"})) == {"system": "cms"}
    assert facts(b"<!doctype html>502") is None


def test_commerce_knows_after_a_restart_what_it_knew(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"))
    visit = ledger.add(ledger.begin("0007"), "", "0007", "s0007-1", 2)

    again = Ledger(str(tmp_path / "ledger.db"))
    visit, joined = again.login(again.visit(visit.id), "c0007", "0007")

    assert joined.startswith("b0007-")
    assert again.of_customer("c0007").lines == {"s0007-1": 2}
    assert again.order(visit, "c0007", "0007")[1]
    assert again.of_customer("c0007").lines == {}


def test_a_guests_basket_is_nobodys_once_it_was_joined_or_ordered(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"))
    joining = ledger.add(ledger.begin("0007"), "", "0007", "s0007-1", 1)
    ordering = ledger.add(ledger.begin("0007"), "", "0007", "s0007-2", 1)
    open_before = [ledger.is_a_guests(visit.basket) for visit in (joining, ordering)]

    ledger.login(joining, "c0007", "0007")
    ledger.order(ordering, "", "0007")

    assert open_before == [True, True]
    assert not ledger.is_a_guests(joining.basket)
    assert not ledger.is_a_guests(ordering.basket)
    assert ledger.basket_of(NOBODY, "") == ""


def test_only_what_was_done_on_purpose_explains_a_fault():
    fire = Fire(None, Every(), random.Random(1))

    assert not fire.explains(0)
    assert not fire.explains(502)
    fire.away_until = float("inf")
    assert fire.explains(503)
    assert not fire.explains(500)
