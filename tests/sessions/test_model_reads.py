"""What comes from outside is read within bounds, whatever it is: it becomes a value of the model, or BadClaims."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.errors import BadClaims
from sessions.model import (
    MOST_COUNT,
    MOST_HANDLE,
    MOST_ID,
    MOST_LINES,
    MOST_NAME,
    MOST_SUB,
    UNNUMBERED,
    UNSAID,
    Basket,
    Changes,
    Line,
    Login,
    Unsaid,
    read_basket,
    read_changes,
    read_login,
    read_total,
)


def changes(**claims: Any) -> Changes:
    return read_changes(claims)


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "total"),
    [
        ("19.90", "19.90"), ("0", "0"), ("-5.00", "-5.00"), (7, "7"), (19.9, "19.9"), ("1e3", "1000"),
        (19.9 + 39.9, "59.8"), (0.1 + 0.2, "0.3"), (1e-9, "0.0"), ("999999999999.99", "999999999999.99"),
    ],
)  # fmt: skip
def test_an_amount_is_text_however_a_system_writes_it(said, total):
    assert read_total(said) == total


@pytest.mark.parametrize(
    "said",
    [
        True, None, [], {}, "", "x", "19,90", "NaN", "sNaN", "inf", float("nan"), float("inf"), 10**12, 1e12,
        "1e999999999", "0e999999999", "0.0000001", "9" * 21, "19.90\n",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_soon(said):
    with pytest.raises(BadClaims):
        read_total(said)


@pytest.mark.parametrize(
    ("said", "basket"),
    [
        (None, None),
        ({}, None),
        ({"id": "", "count": 0}, None),
        ({"id": None, "count": 2}, Basket("", 0, 2)),
        ({"id": 7}, Basket("7")),
        ({"id": "b7", "rev": 3, "count": 2, "total": 39.8, "currency": "EUR"}, Basket("b7", 3, 2, "39.8", "EUR")),
        ({"id": "b7", "total": None, "currency": None}, Basket("b7")),
        ({"id": "b7", "lines": [{"sku": 5, "quantity": 2}, {"sku": "a"}]},
         Basket("b7", 0, 3, lines=(Line("5", 2), Line("a", 1)))),
        ({"id": "b7", "count": 9, "lines": []}, Basket("b7", 0, 9)),
    ],
)  # fmt: skip
def test_a_basket_is_read_as_systems_write_it(said, basket):
    assert read_basket(said) == basket


@pytest.mark.parametrize(
    "said",
    [
        [], "b7", 7, True, {"id": True}, {"id": 1.5}, {"id": "x" * 65}, {"id": "a\nb"},
        {"id": "b", "rev": -1}, {"id": "b", "rev": 1 << 53}, {"id": "b", "rev": "1"}, {"id": "b", "rev": True},
        {"id": "b", "count": -1}, {"id": "b", "count": 1_000_001}, {"id": "b", "count": 1.5},
        {"id": "b", "currency": 1}, {"id": "b", "currency": "x" * 9}, {"id": "b", "lines": {}},
        {"id": "b", "lines": ["a"]}, {"id": "b", "lines": [{}]}, {"id": "b", "lines": [{"sku": "a", "quantity": -1}]},
        {"id": "b", "lines": [{"sku": "a", "quantity": 1_000_000}, {"sku": "b"}]},
    ],
)  # fmt: skip
def test_what_is_no_basket_is_refused(said):
    with pytest.raises(BadClaims):
        read_basket(said)


def test_a_number_beyond_all_bounds_is_refused_before_it_is_written_out():
    huge = 1 << 1_000_000
    for read in (read_total, lambda said: read_basket({"id": said}), lambda said: read_login(said, "")):
        with pytest.raises(BadClaims):
            read(huge)


def test_of_a_basket_with_too_many_lines_the_count_is_kept_and_no_half_of_them():
    lines = [{"sku": f"s{number}", "quantity": 2} for number in range(MOST_LINES + 1)]

    assert read_basket({"id": "b", "lines": lines}) == Basket("b", 0, 402)
    assert len(read_basket({"id": "b", "lines": lines[:-1]}).lines) == MOST_LINES


@pytest.mark.parametrize(
    ("sub", "name", "login"),
    [
        (None, "Anna", None), ("", "Anna", None), ("4711", "Anna", Login("4711", "Anna")), (4711, None, Login("4711")),
        (0, "", Login("0")), ("a", "A" * 80, Login("a", "A" * 64)), ("a", "A\nB\x00", Login("a", "AB")),
        ("a", ["x"], Login("a")),
    ],
)  # fmt: skip
def test_who_is_logged_in_is_read_as_systems_write_it(sub, name, login):
    assert read_login(sub, name) == login


@pytest.mark.parametrize("sub", [True, False, 1.5, [], {}, "x" * 129, "a\r\nb", "\ud800"])
def test_what_is_no_customer_is_refused(sub):
    with pytest.raises(BadClaims):
        read_login(sub, "")


@pytest.mark.parametrize(
    ("order", "number"),
    [
        (None, ""), (False, ""), ("", ""), (True, UNNUMBERED), ("2000134", "2000134"), (134, "134"),
        ({"id": "7"}, "7"), ({}, UNNUMBERED), ({"id": None}, UNNUMBERED),
    ],
)  # fmt: skip
def test_an_order_has_a_number_or_is_known_to_be_there(order, number):
    assert changes(order=order).order == number


@pytest.mark.parametrize(
    "claims",
    [
        {"order": []}, {"order": 1.5}, {"order": {"id": []}}, {"order": "x" * 65}, {"merged": ["b1"]},
        {"merged": "x" * 65}, {"undone": {"a": 1}}, {"handle": 5}, {"handle": "x" * 513}, {"handle": "ä" * 257},
        {"handle": "\ud800"},
    ],
)  # fmt: skip
def test_an_update_that_says_what_cannot_be_is_refused_as_a_whole(claims):
    with pytest.raises(BadClaims):
        read_changes({"sub": "4711", **claims})


def test_what_is_not_said_is_another_thing_than_none():
    assert changes() == Changes()
    assert changes(sub=None, basket=None, handle=None) == Changes(login=None, basket=None, handle="")
    assert not changes()
    assert changes(sub=None)
    assert changes(name="Anna").login is UNSAID


# --- whatever it is ---------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(categories=["Cs"]))
    | st.sampled_from(["b7", "4711", "19.90", 1, 2]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["id", "rev", "count", "total", "currency", "lines", "sku", "quantity"]), inner),
    max_leaves=12,
)  # fmt: skip
claims_of_anything = st.dictionaries(
    st.sampled_from(["sub", "name", "basket", "order", "handle", "merged", "undone", "junk"]), anything
)


@given(claims_of_anything)
@example({"basket": {"id": "b", "lines": [{"sku": "a", "quantity": 1}] * 300}})
def test_whatever_a_system_says_it_is_within_bounds_or_refused(claims):
    try:
        said = read_changes(claims)
    except BadClaims:
        return

    json.dumps([said.order, said.merged, said.undone], ensure_ascii=False).encode()
    assert max(map(len, (said.order, said.merged, said.undone))) <= MOST_ID
    if isinstance(said.handle, str):
        assert len(said.handle.encode()) <= MOST_HANDLE
    if isinstance(said.login, Login):
        assert 1 <= len(said.login.sub) <= MOST_SUB
        assert len(said.login.name) <= MOST_NAME
        assert (said.login.sub + said.login.name).isprintable()
    if isinstance(said.basket, Basket):
        basket = said.basket
        assert len(basket.id) <= MOST_ID
        assert 0 <= basket.count <= MOST_COUNT
        assert 0 <= basket.rev < 1 << 53
        assert len(basket.lines) <= MOST_LINES
        assert len(basket.total) <= 24
        json.dumps(basket.claims(), ensure_ascii=False).encode()


@given(claims_of_anything)
def test_what_was_read_reads_the_same_again(claims):
    try:
        first = read_changes(claims)
    except BadClaims:
        return
    said: dict[str, Any] = {"order": first.order, "merged": first.merged, "undone": first.undone}
    if not isinstance(first.login, Unsaid):
        said |= {"sub": first.login.sub, "name": first.login.name} if first.login else {"sub": None}
    if not isinstance(first.basket, Unsaid):
        lines = [{"sku": line.sku, "quantity": line.quantity} for line in first.basket.lines] if first.basket else []
        said["basket"] = {**first.basket.claims(), "lines": lines} if first.basket else None
    if isinstance(first.handle, str):
        said["handle"] = first.handle

    assert read_changes(said) == first
