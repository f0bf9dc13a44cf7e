"""When a guest's basket meets a customer's: what should be there afterwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.bridge import receipt
from sessions.model import Basket, Line, Policy, join, quantities


def lines(text: str) -> tuple[Line, ...]:
    """`a2 b1` as lines."""
    return tuple(Line(one[0], int(one[1:])) for one in text.split())


@pytest.mark.parametrize(
    ("policy", "guest", "customer", "joined"),
    [
        (Policy(), "a2", "", "a2"),
        (Policy(), "", "a2", "a2"),
        (Policy(), "a2 b1", "c1 a3", "c1 a5 b1"),
        (Policy(), "a2 a1", "", "a3"),
        (Policy(merge="max"), "a2 b1", "a3", "a3 b1"),
        (Policy(merge="guest"), "a2", "a3 b1", "a2"),
        (Policy(merge="newest"), "a2", "a3 b1", "a2"),
        (Policy(merge="customer"), "a2", "a3 b1", "a3 b1"),
        (Policy(line_cap=4), "a3 b9", "a3", "a4 b4"),
        (Policy(line_cap=4), "a3", "a9", "a9"),
        (Policy(basket_cap=5), "b9 c1", "a3", "a3 b2"),
        (Policy(basket_cap=5), "b1", "a9", "a9"),
        (Policy(line_cap=2, basket_cap=3), "a9 b9 c9", "", "a2 b1"),
        (Policy(merge="max", line_cap=2), "a9", "a1", "a2"),
        (Policy(), "a0", "b0", ""),
    ],
)
def test_the_declared_policy_says_what_should_be_there(policy, guest, customer, joined):
    assert join(lines(guest), lines(customer), policy) == lines(joined)


baskets = st.lists(st.builds(Line, st.sampled_from("abcde"), st.integers(0, 9)), max_size=6).map(tuple)
policies = st.builds(
    Policy,
    merge=st.sampled_from(["sum", "max", "newest", "guest", "customer"]),
    line_cap=st.integers(0, 6),
    basket_cap=st.integers(0, 15),
)


@given(baskets, baskets, policies)
def test_the_caps_bound_what_a_guest_adds_and_take_nothing_from_the_customer(guest, customer, policy):
    had, after = quantities(customer), quantities(join(guest, customer, policy))
    added = {sku: count - had.get(sku, 0) for sku, count in after.items()}

    if policy.merge in ("sum", "max", "customer"):
        assert all(after.get(sku, 0) >= count for sku, count in had.items())
    else:
        had = {}
    if policy.line_cap:
        assert all(count <= max(policy.line_cap, had.get(sku, 0)) for sku, count in after.items())
    if policy.basket_cap:
        assert sum(after.values()) <= max(policy.basket_cap, sum(had.values()))
    assert all(count <= quantities(guest).get(sku, 0) for sku, count in added.items())


@given(baskets, baskets, policies)
def test_each_article_stands_there_once_and_the_customers_first(guest, customer, policy):
    joined = [line.sku for line in join(guest, customer, policy)]

    assert len(set(joined)) == len(joined)
    source = [*quantities(customer), *quantities(guest)]
    if policy.merge in ("sum", "max"):
        assert joined == sorted(joined, key=source.index)


@given(baskets, baskets, policies)
def test_what_a_guest_does_not_find_again_stands_in_the_receipt(guest, customer, policy):
    joined = join(guest, customer, policy)
    wanted = quantities(guest)
    told = receipt(Basket("g", 1, sum(wanted.values()), lines=guest), Basket("c", 1, 9, lines=joined), 0)

    there = quantities(joined)
    missed = {sku: count for sku, count in wanted.items() if there.get(sku, 0) < count}
    if guest and joined:
        assert {sku: want for sku, want, kept in told.lines if kept < want} == missed
        assert (told.outcome == "merged") is not bool(missed)


@given(baskets, baskets, st.sampled_from(["max", "guest", "newest", "customer"]))
def test_to_join_twice_is_to_join_once_where_nothing_is_added_up(guest, customer, merge):
    once = join(guest, customer, Policy(merge=merge))

    assert join(guest, once, Policy(merge=merge)) == once
