"""What stands behind a hand-off code, when it is good, and what a shopper has at the brand's site afterwards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.handoff import (
    LIFE,
    WITNESS_LIFE,
    BadCode,
    Ticket,
    Witness,
    arrived,
    bind_of,
    check,
    is_bind,
    is_genuine,
    is_nonce,
    latest,
    new_code,
    packed,
    read_ticket,
    read_witness,
    same_homes,
    ticket_key,
    witness_key,
    worth_handing,
)
from sessions.keys import KeyRing
from sessions.model import Basket, Line, Login, Receipt, Session
from sessions.record import Moved
from sessions.token import csrf

RING, OTHER = KeyRing.fresh(["cms"]), KeyRing.fresh(["cms"])
RANDOM = "r4nd0m-r4nd0m-r4nd0m-r"
NONCE = "n0nce_n0nce_n0nce_n0nc"
SITE = "https://brand.example"
ADA, BEN = Login("c1", "Ada"), Login("c2", "Ben")
SHOPS = Session("s1", 7, created=100, renewed=900, login=ADA, login_at=500, basket=Basket("b7", 3, 2))
TICKET = Ticket(SITE, bind_of(NONCE), 1000, "new", SHOPS, {"cms": "http://10.0.0.1:80"})


# --- codes ------------------------------------------------------------------------------------------------------------


def test_a_code_has_128_random_bits_and_a_signature():
    code = new_code(RANDOM, RING)

    assert (code[:22], len(code)) == (RANDOM, 65)
    assert is_genuine(code, RING)


def test_a_code_of_other_keys_is_not_genuine():
    assert not is_genuine(new_code(RANDOM, OTHER), RING)


def test_a_code_made_before_a_rotation_is_genuine_after_it():
    code = new_code(RANDOM, RING)
    states = {"next": "current", "current": "previous", "previous": "previous"}
    rotated = replace(RING, cookie=tuple(replace(key, state=states[key.state]) for key in RING.cookie))

    assert is_genuine(code, rotated)


@given(st.text(max_size=100))
def test_no_text_that_somebody_made_up_is_genuine(text):
    assert not is_genuine(text, RING)
    assert not is_genuine(RANDOM + text, RING)


def test_every_letter_of_a_code_counts():
    code = new_code(RANDOM, RING)

    assert not any(is_genuine(code[:place] + "~" + code[place + 1 :], RING) for place in range(len(code)))
    assert not any(is_genuine(other, RING) for other in (code[:-1], code + "A", code + "=", code + "\n", " " + code))


def test_a_form_token_is_no_code():
    """They are signed with the same secret, each for its purpose."""
    assert not is_genuine(RANDOM + csrf(RANDOM, RING), RING)


def test_who_reads_the_store_learns_no_code_and_no_nonce():
    code = new_code(RANDOM, RING)
    stored = [ticket_key(code), witness_key(code), packed(TICKET), packed(Witness(1000, "k"))]

    assert len({ticket_key(code), witness_key(code)}) == 2
    assert not any(RANDOM in str(one) or NONCE in str(one) for one in stored)


@pytest.mark.parametrize("text", ["", "A" * 21, "A" * 23, "A" * 21 + "=", "A" * 21 + "é", "A" * 22 + "\n"])
def test_what_is_no_nonce_is_none(text):
    assert not is_nonce(text)
    assert is_nonce(NONCE)


def test_a_nonce_is_seen_by_others_as_a_hash_only():
    assert is_bind(bind_of(NONCE))
    assert not is_bind(bind_of(NONCE) + "\n")
    assert NONCE not in bind_of(NONCE)


# --- when it is good --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("now", [940, 1000, 1000 + LIFE, 1000 + LIFE + 60])
def test_a_ticket_is_good_at_its_site_in_its_browser_whatever_the_clocks(now):
    check(TICKET, SITE, NONCE, now)


@pytest.mark.parametrize(
    ("site", "nonce", "now", "reason"),
    [
        ("https://outlet.example", NONCE, 1000, "site"),
        ("http://brand.example", NONCE, 1000, "site"),
        ("https://brand.example:8443", NONCE, 1000, "site"),
        (SITE, RANDOM, 1000, "browser"),
        (SITE, "", 1000, "browser"),
        (SITE, bind_of(NONCE), 1000, "browser"),
        (SITE, NONCE, 1000 + LIFE + 61, "late"),
    ],
)
def test_elsewhere_in_another_browser_or_too_late_it_is_not(site, nonce, now, reason):
    with pytest.raises(BadCode) as caught:
        check(TICKET, site, nonce, now)

    assert caught.value.reason == reason


def test_a_code_can_come_again_longer_than_it_can_be_used():
    assert WITNESS_LIFE >= 10 * LIFE


def test_what_the_shop_learnt_since_the_code_was_made_counts():
    newer = replace(SHOPS, rev=8, basket=Basket("b7", 4, 5))

    assert latest(SHOPS, newer) is newer


@pytest.mark.parametrize("record", [None, replace(SHOPS, rev=6), replace(SHOPS, id="s2", rev=9)])
def test_what_the_store_has_lost_or_not_heard_of_is_told_by_the_ticket(record):
    assert latest(SHOPS, record) is SHOPS


@pytest.mark.parametrize("session", [None, SHOPS])
def test_a_session_that_has_moved_on_is_not_handed_over(session):
    with pytest.raises(BadCode) as caught:
        latest(SHOPS, Moved(2000, session))

    assert caught.value.reason == "ended"


@pytest.mark.parametrize(
    ("session", "worth"),
    [
        (SHOPS, True),
        (Session("s", 1, 0, 0, basket=Basket("b", 1, 1)), True),
        (Session("s", 1, 0, 0, handles={"cms": "x"}), True),
        (Session("s", 1, 0, 0), False),
        (Session("s", 1, 0, 0, login_at=5), False),
    ],
)
def test_who_has_nothing_needs_no_code(session, worth):
    assert worth_handing(session) is worth


# --- what comes of it -------------------------------------------------------------------------------------------------


def come(theirs=SHOPS, mine=None, handles=None):
    return arrived(theirs, mine, "new", handles or {}, now=1010, grace=600)


def test_login_and_basket_arrive_under_an_id_of_their_own():
    fresh = come(replace(SHOPS, order="4711"))

    assert (fresh.id, fresh.rev, fresh.login, fresh.basket, fresh.order) == ("new", 1, ADA, SHOPS.basket, "4711")
    assert "s1" not in repr(fresh)


def test_handing_over_makes_no_login_live_longer():
    """The absolute time, and a revocation of a customer's logins, go by these."""
    fresh = come()

    assert (fresh.created, fresh.login_at, fresh.renewed) == (100, 500, 1010)


def test_what_only_concerns_the_shop_stays_there():
    theirs = replace(
        SHOPS, former="s0", former_until=2000, guest=Basket("g"), guest_at=900, undo="r1",
        receipt=Receipt("r1", 900, "g", "b7", "merged"), trail=("login@commerce",),
    )  # fmt: skip

    fresh = come(theirs)

    assert (fresh.former, fresh.guest, fresh.undo, fresh.receipt) == ("", None, "", None)
    assert fresh.trail == ("handoff@inseam",)


GUEST = Session("m1", 4, 800, 800)
G1 = Basket("g1", 1, 1, lines=(Line("1001", 1),))


@pytest.mark.parametrize(
    "mine", [replace(GUEST, basket=G1), replace(GUEST, login=BEN), replace(GUEST, login=ADA, basket=G1)]
)
def test_another_guest_s_basket_takes_nothing_away(mine):
    assert come(replace(SHOPS, login=None), mine) is None


@pytest.mark.parametrize("mine", [None, GUEST, replace(GUEST, basket=Basket("g1"))])
def test_a_guest_who_has_nothing_at_the_site_gets_the_guest_s_basket(mine):
    fresh = come(replace(SHOPS, login=None), mine)

    assert (fresh.login, fresh.basket.id) == (None, "b7")


def test_a_guest_s_basket_at_the_site_waits_to_be_merged():
    fresh = come(mine=replace(GUEST, basket=G1))

    assert (fresh.login, fresh.basket, fresh.guest, fresh.guest_at) == (ADA, SHOPS.basket, G1, 1010)


@pytest.mark.parametrize(
    ("basket", "theirs"),
    [
        (Basket("b7", 3, 2), SHOPS),
        (Basket("g1", 1, 1), replace(SHOPS, guest=G1)),
        (Basket("g1", 1, 1), replace(SHOPS, ended="g1", ended_rev=1)),
        (Basket("", 0, 1), replace(SHOPS, kin="k")),
    ],
)
def test_a_guest_s_basket_that_came_from_the_shop_is_not_merged_a_second_time(basket, theirs):
    """Handed over as a guest, logged in at the shop, handed over again."""
    fresh = come(theirs, replace(GUEST, basket=basket, kin="k"))

    assert (fresh.basket, fresh.guest) == (SHOPS.basket, None)


@pytest.mark.parametrize(
    ("basket", "theirs"),
    [(Basket("g1", 2, 3), replace(SHOPS, ended="g1", ended_rev=1)), (Basket("", 0, 1), replace(SHOPS, kin="other"))],
)
def test_what_a_guest_put_into_it_at_the_site_since_is_merged(basket, theirs):
    assert come(theirs, replace(GUEST, basket=basket, kin="k")).guest == basket


def test_forms_that_were_open_at_the_site_go_on_working():
    fresh = come(mine=GUEST)

    assert (fresh.former, fresh.former_until) == ("m1", 1610)


def test_nothing_of_another_customer_s_is_left():
    ben = replace(GUEST, login=BEN, basket=Basket("b9", 2, 7), handles={"commerce": "ben"})

    fresh = come(mine=ben)

    assert (fresh.login, fresh.basket, fresh.guest, fresh.handles, fresh.former) == (ADA, SHOPS.basket, None, {}, "")


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (Basket("b7", 5, 4), Basket("b7", 3, 2), ("b7", 4)),
        (Basket("b7", 2, 1), Basket("b7", 3, 2), ("b7", 2)),
        (Basket("b6", 9, 9), Basket("b7", 3, 2), ("b7", 2)),
        (Basket("b7", 5, 4), None, ("b7", 4)),
        (None, Basket("b7", 3, 2), ("b7", 2)),
    ],
)
def test_of_one_customer_s_basket_the_later_state_counts(mine, theirs, expected):
    fresh = come(replace(SHOPS, basket=theirs), replace(GUEST, login=ADA, basket=mine))

    assert (fresh.basket.id, fresh.basket.count) == expected


def test_a_basket_that_was_ordered_at_the_shop_does_not_come_back():
    theirs = replace(SHOPS, basket=None, order="4711", ended="b7", ended_rev=5)

    fresh = come(theirs, replace(GUEST, login=ADA, basket=Basket("b7", 5, 4)))

    assert (fresh.basket, fresh.order, fresh.ended, fresh.ended_rev) == (None, "4711", "b7", 5)


@pytest.mark.parametrize("basket", [Basket("b8", 1, 1), Basket("b7", 6, 1)])
def test_the_basket_that_was_begun_at_the_site_since_the_order_stays(basket):
    theirs = replace(SHOPS, basket=None, order="4711", ended="b7", ended_rev=5)

    fresh = come(theirs, replace(GUEST, login=ADA, basket=basket))

    assert fresh.basket == basket


def test_a_system_goes_on_knowing_the_visitor_by_what_goes_with_its_cookies_here():
    fresh = come(mine=replace(GUEST, handles={"commerce": "here"}), handles={"commerce": "there", "cms": "there"})

    assert fresh.handles == {"commerce": "here", "cms": "there"}


def test_a_handle_goes_to_the_system_that_left_it_and_to_no_namesake():
    handles = {"cms": "a", "cms~basket": "b", "commerce": "c", "commerce~basket": "d", "gone": "e", "lost": "f"}
    there = {"cms": "http://10.0.0.1:80", "commerce": "http://10.0.0.2:80", "gone": "http://10.0.0.3:80"}
    here = {"cms": "http://10.0.0.1:80", "commerce": "http://10.9.9.9:80"}

    assert same_homes(handles, there, here) == {"cms": "a", "cms~basket": "b"}


# --- as a store keeps them --------------------------------------------------------------------------------------------


def test_a_ticket_and_a_witness_come_back_as_they_were():
    receipt = Receipt("r", 1, "g", "b", "merged", (("1001", 1, 1),))
    full = replace(TICKET, session=replace(SHOPS, guest=G1, receipt=receipt))

    assert read_ticket(packed(full)) == full
    assert read_witness(packed(Witness(1000, "k"))) == Witness(1000, "k")


@pytest.mark.parametrize("data", [b"", b"h", b"h1", b"w1", b"s1\x80", packed(TICKET)[:-1], b"h2" + packed(TICKET)[2:]])
def test_what_is_neither_is_no_code(data):
    for read in (read_ticket, read_witness):
        with pytest.raises(BadCode) as caught:
            read(data)
        assert caught.value.reason == "spoiled"


@given(st.binary(max_size=200))
def test_no_garbage_is_ever_a_ticket(data):
    with pytest.raises(BadCode):
        read_ticket(b"h1" + data)


def test_a_ticket_is_no_witness():
    with pytest.raises(BadCode):
        read_witness(packed(TICKET))
    with pytest.raises(BadCode):
        read_ticket(packed(Witness(1, "k")))
