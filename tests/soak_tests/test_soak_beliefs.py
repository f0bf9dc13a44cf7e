"""The soak's own arithmetic: what a shopper can rightly expect, and what counts as wrong."""

import pytest

from tests.soak.belief import Has, Seen, count, wrong

LINEN = frozenset({("s0001-1", 2)})
WOOL = frozenset({("s0001-2", 1)})


def at_commerce(has):
    return Seen("commerce", has.login, count(has.lines), has.lines)


def on_the_cms(login, items, vote=None):
    return Seen("the token for cms", login, items, vote=vote)


def test_a_guests_basket_is_the_customers_after_the_login():
    has = Has(guest=LINEN, customer=WOOL).logged_in()

    assert has.lines == LINEN | WOOL
    assert has.guest == frozenset()


def test_after_a_login_on_the_cms_it_may_show_the_guests_basket_until_commerce_was_asked():
    has = Has(guest=LINEN, customer=WOOL).logged_in_on_cms()

    assert has.fits(on_the_cms(True, 2))
    assert has.fits(on_the_cms(True, 3))
    assert not has.settled().fits(on_the_cms(True, 2))
    assert has.settled().fits(on_the_cms(True, 3))


def test_after_a_logout_on_the_cms_commerce_shows_no_basket():
    has = Has(login=True, customer=WOOL).logged_out_on_cms()

    assert has.lines == frozenset()
    assert has.logged_in().lines == WOOL


@pytest.mark.parametrize(
    ("has", "seen", "said"),
    [
        (Has(login=True), on_the_cms(False, 0), "login lost"),
        (Has(), on_the_cms(True, 0), "login came back"),
        (Has(guest=LINEN), on_the_cms(False, 0), "basket lost"),
        (Has(), on_the_cms(False, 2), "basket came back"),
        (Has(guest=LINEN), on_the_cms(False, 2), ""),
        (Has(vote="v0001-3"), on_the_cms(False, 0, vote=""), "handle lost"),
        (Has(guest=LINEN | WOOL), Seen("commerce", False, 2, LINEN), "basket lost"),
        (Has(guest=LINEN), Seen("commerce", False, 3, LINEN | WOOL), "basket came back"),
    ],
)
def test_what_is_wrong_has_a_name(has, seen, said):
    assert has.wrong(seen) == said


def test_an_article_that_was_merged_twice_is_seen():
    twice = Seen("commerce", True, 4, frozenset({("s0001-1", 4)}))

    assert Has(login=True, customer=LINEN).wrong(twice) == "basket lost"


def test_of_what_may_be_one_state_must_fit():
    before = Has(guest=LINEN)
    after = before.ordered()

    assert wrong((before, after), at_commerce(before)) == ""
    assert wrong((before, after), at_commerce(after)) == ""
    assert wrong((before, after), at_commerce(Has(guest=WOOL))) == "basket came back"


def test_a_login_that_nobody_heard_of_has_put_the_guests_basket_into_the_customers():
    has = Has(guest=LINEN, customer=WOOL).orphaned()

    assert not has.login
    assert has.lines == frozenset()
    assert has.logged_in().lines == LINEN | WOOL
