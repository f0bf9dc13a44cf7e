"""The session cookie: what it carries, and that nobody else can make one. REQUIREMENTS, 3, 4, 8, 13, 14, 16, 17."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from forge import NOW, SESSION, b64
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import Signer

from sessions.cookie import MOST_VALUE, check_age, cookie_name, delete_cookie, seal, set_cookie, unseal
from sessions.errors import BadCookie, ExpiredSession, ForgedCookie, MalformedCookie
from sessions.keys import KeyRing
from sessions.model import Basket, Line, Login, Policy, Receipt, Session
from sessions.rotation import retired, rotated

RING = KeyRing.fresh(["cms", "commerce"], now=NOW)


def test_what_is_sealed_comes_back() -> None:
    assert unseal(seal(SESSION, RING), RING, NOW) == SESSION


def test_the_cookie_survives_without_a_store_what_a_shopper_would_miss() -> None:
    rich = replace(
        SESSION,
        basket=replace(SESSION.basket or Basket(""), lines=(Line("sku-1", 2),)),
        guest=Basket("g1", 1, 1),
        guest_at=NOW,
        receipt=Receipt("g1", NOW, "g1", "b7", "merged"),
        trail=("login@commerce",),
    )

    assert unseal(seal(rich, RING), RING, NOW) == SESSION


def test_the_id_before_a_login_is_carried_while_its_grace_lasts() -> None:
    value = seal(replace(SESSION, former="the-id-before", former_until=NOW + 600), RING)

    assert unseal(value, RING, NOW + 599).former == "the-id-before"
    assert unseal(value, RING, NOW + 600) == SESSION


def test_requirement_14_the_id_in_a_cookie_is_the_one_that_was_put_in_and_no_part_of_it_is_made_here() -> None:
    assert unseal(seal(replace(SESSION, id="x" * 22), RING), RING, NOW).id == "x" * 22


# --- size -------------------------------------------------------------------------------------------------------------

printable = st.characters(exclude_categories=("C", "Z"))
texts = st.text(printable, max_size=64)
ids = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=22, max_size=22)
times = st.integers(0, 1 << 33)
baskets = st.builds(
    Basket,
    id=st.text(printable, min_size=1, max_size=64),
    rev=st.integers(0, (1 << 53) - 1),
    count=st.integers(0, 1_000_000),
    total=st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True),
    currency=st.text(printable, max_size=8),
)
sessions = st.builds(
    Session,
    id=ids,
    rev=st.integers(0, 1 << 53),
    created=times,
    renewed=times,
    login=st.none() | st.builds(Login, st.text(printable, min_size=1, max_size=128), texts),
    login_at=times,
    basket=st.none() | baskets,
    handles=st.dictionaries(st.sampled_from(["cms", "commerce", "x" * 63]), st.text(max_size=128), max_size=3),
    former=st.just("") | ids,
    former_until=st.integers(NOW + 1, NOW + 600),
    order=texts,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(sessions)
def test_requirement_17_every_session_fits_and_comes_back_with_customer_and_basket(session: Session) -> None:
    value = seal(session, RING)
    again = unseal(value, RING, NOW)

    assert len(value) <= MOST_VALUE
    assert again.basket == session.basket
    assert (again.login and again.login.sub) == (session.login and session.login.sub)
    assert again.id == session.id
    assert again == replace(session, login=again.login, handles=again.handles, order=again.order)
    assert set(again.handles.items()) <= set(session.handles.items())


@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀", "\U0010fffd"])
def test_requirement_17_the_longest_of_everything_fits(letter: str) -> None:
    """The last letter is of the last plane: a code point cannot be longer."""
    most = Session(
        "i" * 22, 1 << 53, 1 << 33, 1 << 33,
        Login(letter * 128, letter * 64), 1 << 33,
        Basket(letter * 64, (1 << 53) - 1, 1_000_000, "999999999999.999999", letter * 8),
        {"cms": "h" * 512, "commerce": "h" * 512}, "f" * 22, 1 << 34, order=letter * 64,
    )  # fmt: skip

    value = seal(most, RING)
    again = unseal(value, RING, NOW)

    assert len(value) <= MOST_VALUE
    assert again.login is not None
    assert again.login.sub == letter * 128
    assert again.basket == most.basket


def test_what_does_not_fit_goes_in_the_order_in_which_it_is_least_missed() -> None:
    crowded = replace(SESSION, login=Login("漢" * 128, "Anna"), handles={"cms": "x" * 512, "commerce": "y" * 100})
    fuller = replace(crowded, basket=Basket("漢" * 62))
    fullest = replace(fuller, login=Login("漢" * 128, "漢" * 20), order="漢" * 10)
    too_full = replace(fullest, order="漢" * 60)

    assert kept(crowded) == replace(crowded, handles={"commerce": "y" * 100})
    assert kept(fuller) == replace(fuller, handles={})
    assert kept(fullest) == replace(fullest, handles={}, login=Login("漢" * 128))
    assert kept(too_full) == replace(fullest, handles={}, login=Login("漢" * 128), order="")


def kept(session: Session) -> Session:
    return unseal(seal(session, RING), RING, NOW)


# --- what is no cookie of ours ----------------------------------------------------------------------------------------


def test_requirement_1_a_cookie_with_any_byte_changed_is_refused() -> None:
    value = seal(SESSION, RING)

    for place in range(len(value)):
        for byte in {value[place] ^ 1, value[place] ^ 32, 0, ord("A"), ord("="), ord(";"), 255} - {value[place]}:
            with pytest.raises(BadCookie):
                unseal(value[:place] + bytes([byte]) + value[place + 1 :], RING, NOW)


def test_requirement_8_a_cookie_that_is_cut_anywhere_is_refused() -> None:
    value = seal(SESSION, RING)

    for length in range(len(value)):
        with pytest.raises(BadCookie):
            unseal(value[:length], RING, NOW)
        with pytest.raises(BadCookie):
            unseal(value[len(value) - length :], RING, NOW)


@pytest.mark.parametrize(
    "value",
    [
        b"", b".", b"..", b"\0", b"a" * 43, b"." + b"A" * 43, b'"%b"' % seal(SESSION, RING), b" " + seal(SESSION, RING),
        seal(SESSION, RING) + b"\n", seal(SESSION, RING) + b"=", seal(SESSION, RING) + seal(SESSION, RING),
        seal(SESSION, RING).replace(b".", b"..", 1), "漢字.ü".encode(), b"a.b.c", b"null", b"{}.{}", b"%2e" * 100,
    ],
)  # fmt: skip
def test_requirement_8_what_has_not_the_shape_of_a_cookie_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedCookie):
        unseal(value, RING, NOW)


class Unsignable(Signer):
    """A signer that fails the test when it is asked."""

    def unsign(self, signed_value: str | bytes) -> bytes:
        raise AssertionError("cryptography before the checks of size and shape")


@pytest.mark.parametrize("value", [b"A" * 1_001, b"A" * 100_000, b"A" * 956 + b"." + b"A" * 100_000, b"\0" * 1000])
def test_requirement_17_what_is_too_long_is_refused_before_any_cryptography(value: bytes) -> None:
    ring = KeyRing(RING.cookie, RING.token, RING.systems)
    object.__setattr__(ring, "signer", Unsignable("x" * 32))

    with pytest.raises(MalformedCookie):
        unseal(value, ring, NOW)


def test_the_cookie_of_another_shop_is_forged() -> None:
    with pytest.raises(ForgedCookie):
        unseal(seal(SESSION, KeyRing.fresh([], now=NOW)), RING, NOW)


def test_a_customer_cannot_put_another_customers_id_into_the_cookie() -> None:
    mine, hers = seal(SESSION, RING), seal(replace(SESSION, login=Login("4712", "Berta")), RING)

    with pytest.raises(ForgedCookie):
        unseal(hers.split(b".")[0] + b"." + mine.split(b".")[1], RING, NOW)


def test_requirement_6_something_else_signed_with_the_same_secret_is_no_cookie() -> None:
    payload = seal(SESSION, RING).split(b".")[0]
    secret = RING.cookie[0].secret

    for salt in (b"itsdangerous.Signer", b"inseam.csrf"):
        other = Signer(secret, salt=salt, key_derivation="hmac", digest_method="sha256")
        other.algorithm = RING.signer.algorithm
        other.digest_method = RING.signer.digest_method
        with pytest.raises(ForgedCookie):
            unseal(other.sign(payload), RING, NOW)


@pytest.mark.parametrize(
    "content", [b"", b"\xc0", b"\x90", b"\x9f\x02", b"\xdd\xff\xff\xff\xff", b"\x95\x02\xa1x\x00\x00\x00"]
)
def test_requirement_45_a_cookie_of_another_version_begins_a_new_session(content: bytes) -> None:
    with pytest.raises(MalformedCookie):
        unseal(RING.signer.sign(b64(content) or b"AAAA"), RING, NOW)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=1200))
def test_requirement_8_random_bytes_are_never_more_than_a_bad_cookie(value: bytes) -> None:
    with pytest.raises(BadCookie):
        unseal(value, RING, NOW)


def test_requirement_8_bad_cookies_cost_microseconds() -> None:
    good = seal(SESSION, RING)
    bad = [good[:40] + bytes([65 + number % 26]) * 4 + good[44:] for number in range(1000)]
    bad += [b"A" * number * 100 for number in range(1000)]

    begun = time.process_time()
    for value in bad:
        with pytest.raises(BadCookie):
            unseal(value, RING, NOW)

    assert (time.process_time() - begun) / len(bad) < 0.000_5


# --- keys change ------------------------------------------------------------------------------------------------------


def test_requirement_3_a_cookie_outlives_rotations_and_not_the_retirement_of_its_key() -> None:
    value = seal(SESSION, RING)
    kid = next(key.kid for key in RING.cookie if key.state == "current")
    once = rotated(RING, NOW + 3600)
    twice = rotated(once, NOW + 7200)

    assert unseal(value, once, NOW) == unseal(value, twice, NOW) == SESSION
    with pytest.raises(ForgedCookie):
        unseal(value, retired(twice, kid, NOW), NOW)


def test_requirement_4_a_lagging_edge_takes_the_cookie_of_one_that_has_rotated_and_the_other_way_round() -> None:
    lagging, ahead = RING, rotated(RING, NOW + 3600)

    assert unseal(seal(SESSION, ahead), lagging, NOW) == SESSION
    assert unseal(seal(SESSION, lagging), ahead, NOW) == SESSION


# --- times and the line in the answer ---------------------------------------------------------------------------------


def test_requirement_13_idle_and_absolute_time_are_over_by_our_clock() -> None:
    policy = Policy(idle=1000, absolute=5000)
    session = replace(SESSION, created=NOW, renewed=NOW + 4000)

    check_age(session, policy, NOW + 5000)
    with pytest.raises(ExpiredSession, match="idle"):
        check_age(session, policy, NOW + 5061)
    with pytest.raises(ExpiredSession, match="absolute"):
        check_age(replace(session, renewed=NOW + 5000), policy, NOW + 5061)


def test_requirement_46_a_cookie_from_an_edge_whose_clock_is_ahead_logs_nobody_out() -> None:
    check_age(replace(SESSION, created=NOW + 600, renewed=NOW + 600), Policy(), NOW)


def test_requirement_16_the_line_in_the_answer() -> None:
    assert set_cookie(b"v", True, 60) == b"__Host-inseam=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    assert set_cookie(b"v", False, 60) == b"inseam=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
    assert delete_cookie(True).startswith(b"__Host-inseam=; Path=/; Max-Age=0;")
    assert (cookie_name(True), cookie_name(False)) == ("__Host-inseam", "inseam")


def test_requirement_17_the_whole_line_stays_below_a_kilobyte_or_so() -> None:
    line = set_cookie(b"v" * MOST_VALUE, True, Policy().idle)

    assert len(line.split(b";")[0]) <= 1024
