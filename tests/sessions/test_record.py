"""A session as a store keeps it: all of it comes back, and garbage is nothing. REQUIREMENTS, 45."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from forge import NOW, SESSION
from hypothesis import given
from hypothesis import strategies as st

from sessions.model import Basket, Line, Login, Receipt
from sessions.record import Moved, filled, packed, unpacked

RICH = replace(
    SESSION,
    basket=replace(SESSION.basket or Basket(""), lines=(Line("sku-1", 2),)),
    former="the-id-before", former_until=NOW, ended="b6", ended_rev=5, kin="kin",
    guest=Basket("g1", 1, 1), guest_at=NOW, receipt=Receipt("g1", NOW, "g1", "b7", "capped", (("a", 2, 1),)),
    undo="g1", trail=("login@commerce",),
)  # fmt: skip


@pytest.mark.parametrize("record", [SESSION, RICH, Moved(NOW, RICH), Moved(NOW, None)])
def test_what_is_stored_comes_back(record):
    assert unpacked(packed(record)) == record


@pytest.mark.parametrize(
    "data",
    [
        b"", b"s", b"s1", b"m1", b"s2" + packed(RICH)[2:], b"m1" + packed(RICH)[2:], packed(RICH)[:-1],
        packed(RICH) + b"\0", b"s1" + b"\x91" * 100_000, b"s1\xc1", b"s1" + msgspec.msgpack.encode({"id": 5}),
        b"s1" + msgspec.msgpack.encode([1, 2]), b"hello",
        b"s1" + msgspec.msgpack.encode({"id": b"\xff", "rev": 1, "created": 1, "renewed": 1}),
        b"s1\x81\xa2id\xa2\xff\xff",
    ],
)  # fmt: skip
def test_garbage_and_what_another_version_wrote_is_nothing(data):
    assert unpacked(data) is None


@given(st.binary(max_size=60))
def test_whatever_the_store_says_nothing_breaks(data):
    for kind in (b"", b"s1", b"m1"):
        unpacked(kind + data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_record_in_which_one_byte_has_tipped_breaks_nothing(place, byte):
    data = bytearray(packed(RICH))
    data[place % len(data)] = byte
    unpacked(bytes(data))


def test_fields_that_a_later_version_adds_are_passed_over():
    later = msgspec.msgpack.decode(packed(RICH)[2:]) | {"colour": "red"}

    assert unpacked(b"s1" + msgspec.msgpack.encode(later)) == RICH


# --- a cookie's session, and what only the store knew -----------------------------------------------------------------

COOKIES = replace(SESSION, rev=SESSION.rev + 1)


def test_a_cookie_gets_back_what_only_a_store_has_room_for():
    assert filled(COOKIES, replace(RICH, order=SESSION.order)) == replace(
        RICH, rev=COOKIES.rev, former="", former_until=0
    )


def test_the_lines_of_another_state_of_the_basket_are_not_taken():
    changed = replace(COOKIES, basket=Basket("b7", 4, 5))

    assert filled(changed, RICH).basket == changed.basket


def test_after_an_order_nobody_asks_any_more_what_became_of_a_guests_basket():
    ordered = filled(replace(COOKIES, basket=None, order="new"), RICH)

    assert (ordered.guest, ordered.receipt, ordered.undo) == (None, None, "")


def test_nothing_is_taken_from_another_customer():
    other = replace(COOKIES, login=Login("another"))

    assert filled(other, RICH) == other
