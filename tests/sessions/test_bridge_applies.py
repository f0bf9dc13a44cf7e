"""What a system says becomes the visitor's session: by its authority, once, and never another visitor's."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.bridge import MOST_COOKIE, MOST_COOKIES, Outcome, apply, begun, carried, public_view
from sessions.model import (
    MOST_TRAIL,
    UNNUMBERED,
    UNSAID,
    Basket,
    Changes,
    Line,
    Login,
    Policy,
    Session,
    Unsaid,
)

NOW = 1_800_000_000
POLICY = Policy()
ALL = frozenset(("login", "basket", "order"))
ANNA, BEN = Login("c1", "Anna"), Login("c2", "Ben")
B7, B9 = Basket("b7", 3, 2, "39.80", "EUR"), Basket("b9", 1, 1)


numbers = itertools.count(1)


def new_id() -> str:
    return f"id-{next(numbers)}"


def say(
    session: Session | None, changes: Changes, system: str = "commerce", authority: frozenset[str] = ALL, now: int = NOW
) -> Outcome:
    return apply(session, changes, system, authority, POLICY, now, new_id)


def after(session: Session | None, *told: Changes, now: int = NOW) -> Session:
    for changes in told:
        session = say(session, changes, now=now).session
    assert session is not None
    return session


GUEST = replace(begun("guest", NOW - 50), rev=4, basket=B7)
CUSTOMER = replace(
    begun("customer", NOW - 50), rev=8, login=ANNA, login_at=NOW - 40, basket=B7, handles={"commerce": "h", "cms": "x"},
    order="o1", kin="kin", former="guest", former_until=NOW + 500,
)  # fmt: skip


# --- what begins a session, and what does not -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        (Changes(basket=B7), ("basket",)),
        (Changes(login=ANNA), ("login",)),
        (Changes(login=ANNA, basket=B7), ("login", "basket")),
        (Changes(handle="h"), ("handle",)),
        (Changes(cookies={"oscar_open_basket": "5"}), ("handle",)),
        (Changes(login=ANNA, basket=B7, order="o1"), ("login", "basket", "order")),
    ],
)
def test_what_is_worth_keeping_begins_a_session(changes, events):
    outcome = say(None, changes)

    assert outcome.events == events
    assert outcome.session is not None
    assert outcome.session.id == f"id-{next(numbers) - 1}"
    assert (outcome.session.rev, outcome.session.created, outcome.session.renewed) == (1, NOW, NOW)


@pytest.mark.parametrize(
    "changes",
    [Changes(), Changes(login=None), Changes(basket=None), Changes(order="o1"), Changes(handle=""),
     Changes(cookies={"a": ""}), Changes(undone="r1")],
)  # fmt: skip
def test_a_visit_with_nothing_to_keep_leaves_nothing_behind(changes):
    assert say(None, changes) == Outcome(None)


# --- authority --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authority", "refused"),
    [
        (frozenset(), ("login", "basket", "order")),
        (frozenset({"login"}), ("basket", "order")),
        (frozenset({"basket"}), ("login", "order")),
        (frozenset({"order"}), ("login", "basket")),
        (ALL, ()),
    ],
)
def test_what_a_system_has_no_authority_for_is_refused_by_name(authority, refused):
    told = Changes(login=BEN, basket=B9, order="o2")

    assert say(CUSTOMER, told, authority=authority).refused == refused


everything = st.builds(
    Changes,
    login=st.sampled_from([UNSAID, None, ANNA, BEN, Login("c1")]),
    basket=st.sampled_from([UNSAID, None, B7, B9, replace(B7, rev=5, count=7), replace(B7, rev=1), Basket("")]),
    order=st.sampled_from(["", "o1", "o2", UNNUMBERED]),
    handle=st.sampled_from([UNSAID, "", "h", "h2"]),
    merged=st.sampled_from(["", "b7", "b9"]),
    undone=st.sampled_from(["", "b7"]),
    cookies=st.sampled_from([{}, {"open": "5"}, {"open": ""}]),
)
sessions = st.lists(everything, max_size=6).map(
    lambda told: after(GUEST, *told) if told else None  # every one that systems can bring about
)


@given(sessions, everything)
def test_without_authority_nothing_changes_but_what_the_system_keeps_for_itself(session, changes):
    outcome = say(session, changes, "cms", frozenset())

    assert set(outcome.events) <= {"handle"}
    before = session or begun("x", NOW)
    now = outcome.session or before
    assert (now.login, now.basket, now.order, now.receipt) == (
        before.login,
        before.basket,
        before.order,
        before.receipt,
    )
    others = {name: value for name, value in before.handles.items() if name.partition("~")[0] != "cms"}
    assert {name: value for name, value in now.handles.items() if name.partition("~")[0] != "cms"} == others


# --- said once, said twice --------------------------------------------------------------------------------------------


@given(sessions, everything)
def test_to_say_it_twice_is_to_say_it_once(session, changes):
    once = say(session, changes)
    twice = say(once.session, changes)

    assert not twice.changed, twice.events
    assert twice.session == once.session


@given(sessions, everything)
def test_the_revision_grows_by_one_with_a_change_and_stays_without(session, changes):
    outcome = say(session, changes)
    if outcome.session is None:
        assert session is None
        return

    before = session.rev if session is not None else 0
    assert outcome.session.rev == before + (1 if outcome.changed else 0)
    assert outcome.changed or outcome.session is session


@given(sessions, everything)
def test_the_id_changes_exactly_at_login_logout_and_change_of_customer(session, changes):
    """REQUIREMENTS, 9."""
    outcome = say(session, changes)
    if session is None or outcome.session is None:
        return

    moved = {"login", "logout", "customer"} & set(outcome.events)
    assert (outcome.session.id != session.id) is bool(moved)
    same = (outcome.session.login or ANNA).sub == (session.login or ANNA).sub
    assert bool(moved) is ((outcome.session.login is None) is not (session.login is None) or not same)


@given(sessions, st.lists(everything, max_size=30))
def test_the_trail_holds_the_last_events_and_no_more(session, told):
    for changes in told:
        session = say(session, changes).session

    trail = session.trail if session is not None else ()
    assert len(trail) <= MOST_TRAIL
    assert all(one.endswith("@commerce") for one in trail)


# --- answers overtake each other --------------------------------------------------------------------------------------

revisions = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(revisions, st.randoms())
def test_answers_about_one_basket_may_come_in_any_order(revs, random):
    told = [Changes(basket=Basket("b7", rev, rev)) for rev in revs]
    mixed = random.sample(told, len(told))

    assert (
        after(begun("s", NOW), *told).basket
        == after(begun("s", NOW), *mixed).basket
        == Basket("b7", max(revs), max(revs))
    )


@given(revisions, st.sampled_from([Changes(order="o9"), Changes(basket=None), Changes(basket=B9)]))
def test_no_answer_of_before_brings_back_a_basket_that_has_ended(revs, end):
    full = after(GUEST, Changes(basket=Basket("b7", 6, 6)))
    ended = after(full, end)

    assert after(ended, *[Changes(basket=Basket("b7", rev, rev)) for rev in revs]).basket == ended.basket


def test_a_stale_answer_is_no_news_and_stores_nothing():
    outcome = say(GUEST, Changes(basket=replace(B7, rev=2, count=9)))

    assert outcome == Outcome(GUEST, (), ("stale",))
    assert not outcome.changed


def test_what_comes_with_a_stale_basket_counts_all_the_same():
    outcome = say(GUEST, Changes(login=ANNA, basket=replace(B7, rev=2, count=9)))

    assert outcome.session is not None
    assert (outcome.session.login, outcome.session.basket) == (ANNA, B7)


def test_a_system_that_counts_no_revisions_is_believed_each_time():
    first, second = Basket("b7", 0, 1), Basket("b7", 0, 2)

    assert after(None, Changes(basket=second), Changes(basket=first)).basket == first


# --- login, logout, another customer ----------------------------------------------------------------------------------


def test_a_login_keeps_the_basket_and_remembers_the_id_of_before_for_open_forms():
    session = after(GUEST, Changes(login=ANNA))

    assert (session.login, session.basket) == (ANNA, B7)
    assert (session.former, session.former_until) == ("guest", NOW + POLICY.grace)


def gone(session: Session) -> bool:
    """Whether nothing of Anna is left."""
    return not (
        session.handles or session.former or session.receipt or session.guest or session.undo or session.order
        or session.kin or session.basket == B7
    )  # fmt: skip


def test_a_logout_leaves_nothing_of_the_customer():
    session = after(CUSTOMER, Changes(login=None))

    assert (session.login, session.basket) == (None, None)
    assert gone(session)


def test_nothing_of_one_customer_is_left_for_the_next():
    session = after(CUSTOMER, Changes(login=BEN))

    assert (session.login, session.basket) == (BEN, None)
    assert gone(session)


def test_a_change_of_customer_takes_the_basket_that_comes_in_the_same_update():
    session = after(CUSTOMER, Changes(login=BEN, basket=B9, handle="mine", order=""))

    assert (session.login, session.basket, session.handles) == (BEN, B9, {"commerce": "mine"})
    assert session.receipt is None
    assert gone(replace(session, handles={}))


def test_a_logout_may_say_what_the_guest_has_then():
    session = after(CUSTOMER, Changes(login=None, basket=B9))

    assert (session.login, session.basket) == (None, B9)


@given(st.lists(everything, max_size=5), st.lists(everything, max_size=5))
def test_what_was_told_of_anna_is_never_bens(before, behind):
    secret = Basket("annas", 9, 9, lines=(Line("annas", 9),))
    anna = after(
        CUSTOMER, *[one for one in before if one.login in (UNSAID, ANNA)], Changes(basket=secret, handle="annas")
    )
    ben = after(anna, Changes(login=BEN), *behind)

    if ben.id == anna.id:
        return
    kept = replace(ben, ended="", ended_rev=0, trail=())  # no system and no script hears of these
    assert "annas" not in repr(kept)
    assert ANNA not in (kept.login,) or any(isinstance(one.login, Login) for one in behind)


def test_a_name_that_is_told_later_is_no_change_of_customer():
    outcome = say(replace(CUSTOMER, login=Login("c1")), Changes(login=ANNA))

    assert outcome.events == ("name",)
    assert outcome.session is not None
    assert (outcome.session.id, outcome.session.basket) == ("customer", B7)
    assert say(outcome.session, Changes(login=Login("c1"))) == Outcome(outcome.session)


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["o2", UNNUMBERED])
def test_an_order_empties_the_basket(number):
    session = after(CUSTOMER, Changes(order=number))

    assert (session.basket, session.order, session.login) == (None, number, ANNA)


def test_a_numbered_order_told_again_empties_no_newer_basket():
    assert after(CUSTOMER, Changes(order="o2"), Changes(basket=B9), Changes(order="o2")).basket == B9


def test_an_order_keeps_the_basket_that_comes_with_it():
    assert after(CUSTOMER, Changes(order="o2", basket=B9)).basket == B9


def test_a_login_a_basket_and_an_order_in_one_update_count_in_this_order():
    outcome = say(GUEST, Changes(login=ANNA, basket=None, order="o2"))

    assert outcome.events == ("login", "basket", "order")
    assert outcome.session is not None
    assert (outcome.session.login, outcome.session.basket, outcome.session.guest) == (ANNA, None, None)


# --- what systems keep for themselves ---------------------------------------------------------------------------------


def test_each_system_has_a_handle_and_cookies_of_its_own():
    session = say(GUEST, Changes(handle="h1", cookies={"open": "5"}), "commerce").session
    session = say(session, Changes(handle="h2", cookies={"open": "6"}), "cms").session
    assert session is not None

    assert session.handles == {"commerce": "h1", "commerce~open": "5", "cms": "h2", "cms~open": "6"}

    session = say(session, Changes(handle="", cookies={"open": ""}), "cms").session
    assert session is not None
    assert session.handles == {"commerce": "h1", "commerce~open": "5"}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.sampled_from(["", "x", "x" * 1025]), max_size=40))
def test_a_system_that_sets_cookies_without_end_fills_no_session(cookies):
    session = after(GUEST, Changes(handle="h"), Changes(cookies=cookies), Changes(cookies={"z": "last"}))
    again = after(session, Changes(cookies=cookies))

    assert len(session.handles) <= MOST_COOKIES + 1
    assert max(map(len, session.handles.values())) <= MOST_COOKIE
    assert again.handles == session.handles


# --- what scripts see -------------------------------------------------------------------------------------------------


@given(sessions)
def test_a_pages_script_sees_no_id(session):
    seen = repr(public_view(session, NOW))

    for secret in ("id-", "guest'", "c1", "c2", "h2", "o1", "o2"):
        assert secret not in seen


@pytest.mark.parametrize(
    ("session", "kinds"),
    [(CUSTOMER, ("login", "basket")), (GUEST, ("basket",)), (replace(CUSTOMER, basket=Basket("b", 1, 0)), ("login",)),
     (begun("s", NOW), ())],
)  # fmt: skip
def test_a_crossing_carries_what_there_is(session, kinds):
    assert carried(session) == kinds


def test_unsaid_says_so():
    assert repr(Unsaid()) == "UNSAID"
