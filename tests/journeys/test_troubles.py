"""What goes wrong while somebody shops: systems and the edge stop, people change, tabs pile up. Nothing is lost."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from browsing import BOWL, CAMPAIGN, MAKER, MUG, PLATE, SHELF, Shopper
from house import House
from playwright.sync_api import expect

Customer = tuple[str, str, str]


def test_the_back_button_shows_nobody_after_a_logout(shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.log_in(customer).sees(basket=0, name=customer[0], on=MAKER)
    tab.log_out_in_magazine()

    tab.page.go_back()

    tab.sees(basket=0)


def test_the_next_one_at_this_browser_meets_nobodys_basket(
    shopper: Shopper, customer: Customer, next_customer: Customer
) -> None:
    tab, second = shopper.tab(), shopper.tab()
    tab.log_in(customer).buy(MUG)
    second.sees(basket=1, name=customer[0], on=CAMPAIGN)

    tab.log_out_in_shop()
    tab.sees(basket=0, on=CAMPAIGN)
    assert tab.basket() == {}
    tab.buy(BOWL).log_in(next_customer)

    second.sees(basket=1, name=next_customer[0], on=CAMPAIGN)
    assert second.basket() == {"Shore bowl": 1}
    tab.log_out_in_magazine().log_in(customer)
    tab.sees(basket=1, name=customer[0], on=MAKER)
    assert tab.basket() == {"Cove mug": 1}


def test_who_registers_keeps_the_basket(house: House, shopper: Shopper) -> None:
    tab = shopper.tab().buy(MUG)
    tab.open(f"/accounts/login/?next={CAMPAIGN}")
    tab.page.fill("#id_registration-email", f"new-{house.name}@shop.test")
    for field in ("1", "2"):
        tab.page.fill(f"#id_registration-password{field}", "brand-new-pass-1234")

    with tab.page.expect_navigation():
        tab.page.click("button[name=registration_submit]")

    tab.open(CAMPAIGN)
    expect(tab.page.locator("html")).to_have_attribute("data-login", "yes")
    expect(tab.page.locator("[data-basket]")).to_have_text("1")
    assert tab.basket() == {"Cove mug": 1}


def test_what_many_tabs_buy_at_once_is_all_there(shopper: Shopper, customer: Customer) -> None:
    shopper.tab().log_in(customer)
    tabs = [shopper.tab().open(path) for path in (MUG, BOWL, SHELF, MUG, BOWL, SHELF)]

    with ExitStack() as answered:
        for tab in tabs:
            answered.enter_context(tab.page.expect_navigation())
        for tab in tabs:  # all have left before the first one is answered
            tab.page.evaluate("document.querySelector('form[action^=\"/basket/add/\"]').requestSubmit()")

    bought = tabs[0].basket()
    assert sum(bought.values()) == 6
    tabs[1].sees(basket=6, name=customer[0], on=CAMPAIGN)


@pytest.mark.parametrize("gone", ["", "sessions.sqlite3"], ids=["restart", "restart-with-an-empty-store"])
def test_the_edge_is_restarted_between_two_pages(house: House, shopper: Shopper, customer: Customer, gone: str) -> None:
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)
    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)

    house.stop_edge()
    for file in house.shop.data.glob(f"{gone}*") if gone else ():
        file.unlink()
    house.start_edge()

    tab.sees(basket=1, name=customer[0], on=MAKER)
    assert tab.known_to_shop()
    assert tab.basket() == {"Cove mug": 1}


def test_the_magazine_knows_everything_while_the_shop_is_away(
    house: House, shopper: Shopper, customer: Customer
) -> None:
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)

    with house.without("commerce"):
        tab.sees(basket=1, name=customer[0], on=CAMPAIGN).shot("shop-is-away")

    assert tab.basket() == {"Cove mug": 1}


def test_the_shop_stands_in_for_the_magazine(house: House, shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.log_in(customer).open(PLATE)
    expect(tab.page.locator("[data-name]")).to_have_text(customer[0])

    with house.without("cms"):
        tab.open(PLATE).shot("magazine-is-away")
        assert tab.page.locator("#add_to_basket_form").count() == 1
        tab.buy()

    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)


def test_a_worker_is_killed_between_two_pages(house: House, shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)

    house.kill_a_worker()

    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)
    assert tab.buy(BOWL).basket() == {"Cove mug": 1, "Shore bowl": 1}
    tab.sees(basket=2, name=customer[0], on=CAMPAIGN)


def test_an_editor_publishes_while_shopping(house: House, shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.log_in_as_editor().log_in(customer).buy(MUG)

    tab.open(f"/admin/pages/{house.page('linwerk')}/edit/")
    tab.page.fill("textarea[name=standfirst]", f"Written by {customer[0]}’s friend.")
    with tab.page.expect_navigation():
        tab.page.evaluate("document.querySelector('[name=action-publish]').click()")

    tab.sees(basket=1, name=customer[0], on=MAKER)
    expect(tab.page.locator(".standfirst")).to_have_text(f"Written by {customer[0]}’s friend.")


def test_a_session_that_the_shop_has_lost_is_over_on_both_sides(
    house: House, shopper: Shopper, customer: Customer
) -> None:
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)

    house.end_sessions_of_the_shop()
    still = tab.known_to_shop()

    assert still == (house.variant == "client"), "the client knows a customer by the token"
    if not still:
        tab.sees(basket=0, on=CAMPAIGN).log_in(customer)
    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)
    assert tab.basket() == {"Cove mug": 1}


def test_who_orders_again_has_it_in_the_basket(shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    number = tab.log_in(customer).buy(MUG).order()
    tab.open(f"/accounts/orders/{number}/")

    with tab.page.expect_navigation():
        tab.page.get_by_role("button", name="Re-order all items").click()

    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)
    assert tab.basket() == {"Cove mug": 1}


def test_pages_under_way_at_a_login_and_a_logout_bring_nothing_back(shopper: Shopper, customer: Customer) -> None:
    busy, tab = shopper.tab().buy(MUG), shopper.tab()
    tab.open(f"/accounts/login/?next={MAKER}").fill_in(customer)

    busy.ask_many_pages()
    tab.press_log_in()
    busy.have_them_all()

    for each in (tab, busy):
        each.sees(basket=1, name=customer[0], on=CAMPAIGN)
        assert each.basket() == {"Cove mug": 1}

    busy.ask_many_pages()
    tab.log_out_in_magazine()
    busy.have_them_all()

    for each in (tab, busy):
        each.sees(basket=0, on=CAMPAIGN)
        assert not each.known_to_shop()
        assert each.basket() == {}
