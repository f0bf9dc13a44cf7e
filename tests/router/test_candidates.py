"""Chains of candidates: short ones stay as they are, of a long one only what fits no drawer is left."""

from __future__ import annotations

from router.candidates import Candidate, tidied
from router.conditions import Host, In, Is, Session, Text
from router.patterns import PathPattern
from router.rules import Rule, To

PRODUCT = PathPattern.parse("/catalogue/{sku}/")


def chain_of(*conditions):
    """A chain of products with one condition each, or doors to the RE2 set where there is None."""
    head = None
    for order in reversed(range(len(conditions))):
        rule = Rule(str(order), (PRODUCT,), To("cms"), (conditions[order],)) if conditions[order] else None
        candidate = Candidate(order, rule, PRODUCT)
        candidate.next = head
        head = candidate
    return head


def names(chain):
    return [candidate.rule.name if candidate.rule else "door" for candidate in chain.chain()]


def host(number):
    return Host(frozenset({f"brand-{number}.example"}))


def sku(values):
    return Text("param", "sku", Is(frozenset(values)))


def test_a_short_chain_stays_as_it_is():
    assert names(tidied(chain_of(*map(host, range(8))))) == ["0", "1", "2", "3", "4", "5", "6", "7"]


def test_of_a_long_chain_only_what_fits_no_drawer_is_left():
    chain = tidied(chain_of(*map(host, range(8)), Session(login=True), sku("ab")))

    assert names(chain) == ["door", "8"]
    assert set(chain.drawers.by_host) == {f"brand-{number}.example" for number in range(8)}
    assert {value: names(behind) for value, behind in chain.drawers.by_value[2].items()} == {"a": ["9"], "b": ["9"]}


def test_a_long_chain_that_no_drawer_tells_apart_stays_as_it_is():
    header_of_that_name = Text("header", "sku", Is(frozenset("a")))

    assert len(names(tidied(chain_of(*[Session(login=True), header_of_that_name] * 10)))) == 20


def test_a_long_list_is_asked_and_not_spread_out():
    short, long = (frozenset(map(str, range(count))) for count in (100, 10_000))

    chain = tidied(chain_of(*[Text("param", "sku", In("long", long))] * 10, Text("param", "sku", In("short", short))))

    assert len(names(chain)) == 11
    assert len(chain.drawers.by_value[2]) == 100


def test_many_doors_to_the_same_set_are_one():
    assert names(tidied(chain_of(None, None, Session(login=True), None))) == ["door", "2"]


def test_a_drawer_that_is_full_is_divided_again():
    one_brand = [Rule(str(n), (PRODUCT,), To("cms"), (host(7), sku([str(n)]))) for n in range(30)]
    head = None
    for order in reversed(range(30)):
        candidate = Candidate(order, one_brand[order], PRODUCT)
        candidate.next = head
        head = candidate

    drawer = tidied(head).drawers.by_host["brand-7.example"]

    assert names(drawer) == ["door"]
    assert names(drawer.drawers.by_value[2]["29"]) == ["29"]
