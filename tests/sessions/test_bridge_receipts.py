"""What became of a guest's basket at the login: told from the baskets behind it, once it can be told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.bridge import (
    RECEIPT_LIFE,
    apply,
    begun,
    fresh_receipt,
    merge_claims,
    public_view,
    receipt_claims,
    undo_asked,
)
from sessions.model import Basket, Changes, Line, Login, Policy, Receipt, Session

NOW = 1_800_000_000
POLICY = Policy()
ALL = frozenset(("login", "basket", "order"))
ANNA = Login("c1", "Anna")


def basket(name: str, rev: int, text: str = "", count: int = 0) -> Basket:
    """`a2 b1` as the lines of a basket; or only how many there are."""
    lines = tuple(Line(one[0], int(one[1:])) for one in text.split())
    return Basket(name, rev, count or sum(line.quantity for line in lines), lines=lines)


GUESTS = basket("g1", 3, "a2 b1")
GUEST = replace(begun("guest", NOW - 50), basket=GUESTS)
COUNTED = replace(begun("guest", NOW - 50), basket=basket("g1", 3, count=3))


def after(session: Session, *told: Changes, now: int = NOW, policy: Policy = POLICY) -> Session:
    for changes in told:
        session = apply(session, changes, "commerce", ALL, policy, now, lambda: "next").session or session
    return session


def login(basket: Basket | None, merged: str = "") -> Changes:
    return Changes(login=ANNA, basket=basket, merged=merged)


@pytest.mark.parametrize(
    ("guest", "told", "outcome", "lines"),
    [
        (GUEST, login(basket("c1", 1, "a2 b1 c4")), "merged", (("a", 2, 2), ("b", 1, 1))),
        (GUEST, login(basket("g1", 4, "a2")), "capped", (("a", 2, 2), ("b", 1, 0))),
        (GUEST, login(basket("c1", 1, "a1"), "g1"), "capped", (("a", 2, 1), ("b", 1, 0))),
        (GUEST, login(basket("c1", 1, "c4"), "g1"), "refused", (("a", 2, 0), ("b", 1, 0))),
        (GUEST, login(basket("c1", 1), "g1"), "refused", (("a", 2, 0), ("b", 1, 0))),
        (GUEST, login(None, "g1"), "refused", (("a", 2, 0), ("b", 1, 0))),
        (GUEST, login(basket("c1", 1, count=9)), "merged", ()),
        (COUNTED, login(basket("c1", 1, "a9")), "merged", ()),
        (COUNTED, login(basket("c1", 1, "a1")), "capped", ()),
        (COUNTED, login(None), "refused", ()),
    ],
)
def test_the_receipt_says_what_was_merged_capped_or_refused(guest, told, outcome, lines):
    receipt = after(guest, told).receipt

    assert receipt is not None
    assert (receipt.outcome, receipt.lines) == (outcome, lines)
    assert (receipt.guest, receipt.customer) == ("g1", told.basket.id if told.basket else "")


def test_without_a_guests_basket_there_is_nothing_to_tell():
    for guest in (begun("guest", NOW), replace(GUEST, basket=Basket("g1", 1, 0))):
        session = after(guest, login(basket("c1", 1, "a9")), Changes(basket=basket("c1", 2, "a8")))

        assert session.receipt is None


# --- shops that merge later -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [basket("c1", 1, "c4"), basket("c1", 1), None])
def test_the_basket_told_at_login_may_not_be_merged_yet(first):
    session = after(GUEST, login(first))
    assert session.receipt is None

    session = after(session, Changes(basket=basket("c1", 2, "c4 a2 b1")), now=NOW + 60)

    assert session.receipt is not None
    assert (session.receipt.outcome, session.receipt.at, session.guest) == ("merged", NOW + 60, None)


@pytest.mark.parametrize("first", [None, basket("c1", 1, count=1)])
def test_a_receipt_that_was_written_too_soon_becomes_a_better_one(first):
    session = after(COUNTED, login(first))
    assert session.receipt is not None
    assert session.receipt.outcome in ("refused", "capped")

    session = after(session, Changes(basket=basket("c1", 2, count=7)), now=NOW + 60)

    assert session.receipt is not None
    assert session.receipt.outcome == "merged"


def test_a_receipt_never_becomes_a_worse_one():
    session = after(COUNTED, login(basket("c1", 1, count=2)))
    before = session.receipt

    for later in (NOW + 60, NOW + POLICY.grace + 1):
        session = after(session, Changes(basket=basket("c1", 2 + later - NOW, count=1)), now=later)

        assert session.receipt == before


def test_when_nothing_has_come_of_it_after_the_grace_the_receipt_says_so():
    session = after(GUEST, login(basket("c1", 1, "c4")))
    session = after(session, Changes(basket=basket("c1", 2, "c4 a1")), now=NOW + POLICY.grace + 1)

    assert session.receipt is not None
    assert (session.receipt.outcome, session.guest) == ("capped", None)


def test_after_an_hour_nobody_wants_to_know_any_more():
    session = after(GUEST, login(basket("c1", 1, "c4")))
    session = after(session, Changes(basket=basket("c1", 2, "c4")), now=NOW + RECEIPT_LIFE + 1)

    assert (session.receipt, session.guest) == (None, None)


def test_a_receipt_is_shown_for_an_hour():
    session = after(GUEST, login(basket("c1", 1, "a2 b1")))

    assert fresh_receipt(session, NOW + RECEIPT_LIFE) is not None
    assert fresh_receipt(session, NOW + RECEIPT_LIFE + 1) is None
    assert public_view(session, NOW + RECEIPT_LIFE + 1)["receipt"] is None
    assert public_view(session, NOW)["receipt"] == {
        "id": "g1", "at": NOW, "outcome": "merged",
        "lines": [{"sku": "a", "wanted": 2, "kept": 2}, {"sku": "b", "wanted": 1, "kept": 1}],
    }  # fmt: skip


def test_a_merge_is_an_event_of_its_own_beside_the_basket():
    told = login(basket("c1", 1, "a2 b1"))
    outcome = apply(GUEST, told, "commerce", ALL, POLICY, NOW, lambda: "next")

    assert outcome.events == ("login", "merge", "basket")


counts = st.dictionaries(st.sampled_from("abc"), st.integers(0, 4)).map(
    lambda found: tuple(Line(sku, count) for sku, count in found.items())
)
told_baskets = st.none() | st.builds(
    lambda rev, lines, count: Basket("c1", rev, sum(line.quantity for line in lines) or count, lines=lines),
    st.integers(1, 9), counts, st.integers(0, 5),
)  # fmt: skip


@given(counts, st.lists(st.tuples(told_baskets, st.sampled_from(["", "g1"]), st.integers(0, 900)), max_size=5))
def test_a_receipt_only_gets_better_and_tells_of_every_article_once(guests, told):
    session = replace(GUEST, basket=Basket("g1", 1, sum(line.quantity for line in guests), lines=guests))
    session = after(session, Changes(login=ANNA))
    ranks = ("refused", "capped", "merged")
    best, now = 0, NOW

    for one, merged, seconds in told:
        now += seconds
        session = after(session, Changes(basket=one, merged=merged), now=now)
        if session.receipt is None:
            continue
        assert session.receipt.guest == "g1"
        assert all(0 <= kept <= wanted for _, wanted, kept in session.receipt.lines)
        assert len({sku for sku, _, _ in session.receipt.lines}) == len(session.receipt.lines)
        if not merged:
            assert ranks.index(session.receipt.outcome) >= best
            best = ranks.index(session.receipt.outcome)
        else:
            best = 0


# --- what commerce is asked to do -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (basket("c1", 1, "c4 a1"), "c4 a3 b1"),
        (basket("c1", 1), "a2 b1"),
        (None, "a2 b1"),
    ],
)
def test_commerce_that_has_not_merged_is_told_what_should_be_there(told, lines):
    session = after(GUEST, login(told))

    said = merge_claims(session, POLICY, NOW)

    assert said == {"merge": {"guest": "g1", "lines": [
        {"sku": line.sku, "quantity": line.quantity} for line in basket("", 0, lines).lines
    ]}}  # fmt: skip
    done = after(session, Changes(basket=basket("c1", 2, lines), merged="g1"))
    assert merge_claims(done, POLICY, NOW) == {}
    assert done.receipt is not None
    assert done.receipt.outcome == "merged"


@pytest.mark.parametrize(
    "session",
    [
        GUEST,
        after(GUEST, Changes(login=ANNA)),
        after(GUEST, login(basket("c1", 1, "a2 b1"))),
        after(GUEST, login(basket("c1", 1, count=1))),
        after(COUNTED, login(basket("c1", 1, "c4"))),
        after(GUEST, login(basket("c1", 1, "c4")), Changes(order="o1")),
        after(GUEST, login(basket("c1", 1, "c4")), Changes(login=None)),
        after(GUEST, login(basket("c1", 1, "c4")), Changes(login=Login("c2"))),
    ],
    ids=["no login", "not told", "merged", "lines unknown", "guests lines unknown", "ordered", "logout", "another"],
)
def test_otherwise_commerce_is_asked_nothing(session):
    assert merge_claims(session, POLICY, NOW) == {}


def test_after_an_hour_commerce_is_not_asked_any_more():
    session = after(GUEST, login(basket("c1", 1, "c4")))

    assert merge_claims(session, POLICY, NOW + RECEIPT_LIFE)
    assert not merge_claims(session, POLICY, NOW + RECEIPT_LIFE + 1)


def test_the_caps_are_in_what_commerce_is_asked_and_in_the_receipt():
    policy = Policy(line_cap=3)
    session = after(GUEST, login(basket("c1", 1, "a2")), policy=policy)

    lines = merge_claims(session, policy, NOW)["merge"]["lines"]
    assert lines == [{"sku": "a", "quantity": 3}, {"sku": "b", "quantity": 1}]


# --- undo -------------------------------------------------------------------------------------------------------------

MERGED = after(GUEST, login(basket("c1", 1, "a5 b1")))


def test_an_undo_asks_commerce_to_take_out_what_the_guest_had():
    asked = undo_asked(MERGED, NOW)

    assert asked is not None
    assert asked.rev == MERGED.rev + 1
    assert merge_claims(asked, POLICY, NOW) == {
        "undo": {"receipt": "g1", "lines": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 1}]}
    }
    assert undo_asked(asked, NOW) is None


def test_commerce_says_that_it_is_undone_and_is_asked_no_more():
    asked = undo_asked(MERGED, NOW)
    assert asked is not None

    undone = after(asked, Changes(basket=basket("c1", 2, "a3"), undone="g1"))

    assert merge_claims(undone, POLICY, NOW) == {}
    assert (undone.receipt, undone.undo) == (None, "")
    assert after(undone, Changes(basket=basket("c1", 3, "a3"))).receipt is None
    assert after(asked, Changes(undone="another")).receipt == MERGED.receipt


def test_who_may_not_tell_of_baskets_undoes_nothing():
    asked = undo_asked(MERGED, NOW)
    assert asked is not None

    outcome = apply(asked, Changes(undone="g1"), "cms", frozenset(("login", "order")), POLICY, NOW, lambda: "next")

    assert (outcome.session, outcome.refused) == (asked, ("basket",))


@pytest.mark.parametrize(
    ("session", "now"),
    [
        (GUEST, NOW),
        (MERGED, NOW + RECEIPT_LIFE + 1),
        (after(COUNTED, login(None)), NOW),
        (after(GUEST, login(None, "g1")), NOW),
    ],
    ids=["no receipt", "too late", "lines unknown", "nothing was merged"],
)
def test_where_there_is_nothing_to_undo_nothing_is_asked(session, now):
    assert undo_asked(session, now) is None


def test_a_receipt_is_told_alike_to_systems_and_scripts():
    told = Receipt("g1", NOW, "g1", "c1", "capped", (("a", 2, 1),))

    assert receipt_claims(told) == {
        "id": "g1", "at": NOW, "outcome": "capped", "lines": [{"sku": "a", "wanted": 2, "kept": 1}],
    }  # fmt: skip
