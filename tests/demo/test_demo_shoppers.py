"""The webshop's memory: baskets that join once, visits that are forgotten in order."""

from __future__ import annotations

from itertools import count

from deploy.demo.shoppers import Address, Basket, Shop

HOME = Address("anna@shop.test", "Anna Lind", "Lindenallee 7", "02763", "Zittau", "Germany")


def shop(most: int = 100) -> Shop:
    ids = count(1)
    return Shop(lambda: f"id{next(ids)}", most)


def test_joining_baskets_twice_is_joining_them_once():
    guest, customer = Basket({"1001": 2, "1002": 19}), Basket({"1002": 5})

    assert customer.take(guest) == 21
    assert customer.take(guest) == 0
    assert customer.lines == {"1002": 20, "1001": 2}  # no more than twenty of one thing


def test_the_visit_that_was_away_longest_is_forgotten_first():
    store = shop(most=2)
    first, second = store.begin(), store.begin()
    store.visit(first.id)

    third = store.begin()

    assert store.visit(second.id) is None
    assert store.visit(first.id) is first
    assert store.visit(third.id) is third


def test_a_login_leaves_nothing_behind_under_the_old_id():
    store = shop()
    visit = store.begin()
    old_id, old_token = visit.id, visit.token

    assert not store.log_in(visit, "anna@shop.test", "wrong")
    assert not store.log_in(visit, "nobody@shop.test", "")
    assert store.log_in(visit, "anna@shop.test", "anna")

    assert store.visit(old_id) is None
    assert store.visit(visit.id) is visit
    assert not visit.vouches_for(old_token)


def test_an_order_empties_the_basket_and_stays_with_the_customer():
    store = shop()
    visit = store.begin()
    store.log_in(visit, "anna@shop.test", "anna")
    visit.basket.add("1029", 2)

    order = store.place_order(visit, HOME, now=1_780_000_000)

    assert (order.number, order.cents) == ("SL-10001", 29_800)
    assert visit.basket.count == 0
    assert visit.customer.orders == [order]
