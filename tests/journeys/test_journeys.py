"""A shopper walks between Wagtail and django-oscar in a real browser, and nothing is lost.

Judged by what the browser shows and by the bytes that each system received; what the edge thinks is not asked. Every
journey runs twice: with both systems unchanged, and with the client in both.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browsing import BOWL, CAMPAIGN, MAKER, MUG, PLATE, SHELF, Shopper
from house import House
from tap import Recorder

Customer = tuple[str, str, str]
Shoppers = Callable[..., Shopper]


def test_a_guests_basket_survives_reading_and_a_login(shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab().buy(MUG).shot("mug-in-basket")
    tab.buy(BOWL)
    tab.sees(basket=2, on=CAMPAIGN).shot("campaign-as-guest")
    tab.sees(basket=2, on=MAKER)

    tab.log_in(customer, come_back_to=MAKER)

    tab.sees(basket=2, name=customer[0]).shot("maker-logged-in")
    assert tab.known_to_shop()
    assert tab.shot("shelf-logged-in").basket() == {"Cove mug": 1, "Shore bowl": 1}
    tab.shot("basket").sees(basket=2, name=customer[0], on="/")


def test_what_a_story_sells_is_counted_on_the_very_page(shopper: Shopper) -> None:
    tab = shopper.tab().open(CAMPAIGN)

    tab.buy()

    assert tab.page.url.endswith(CAMPAIGN)
    tab.sees(basket=1).shot("campaign-with-basket")
    tab.buy(PLATE).sees(basket=2).shot("magazines-product-page")
    assert sum(tab.basket().values()) == 2


def test_a_login_is_seen_on_both_sides_in_every_tab(shopper: Shopper, customer: Customer) -> None:
    reading, shopping = shopper.tab().open(CAMPAIGN), shopper.tab().open(SHELF)
    reading.sees(basket=0)

    shopping.log_in(customer, come_back_to=MAKER)

    shopping.sees(basket=0, name=customer[0])
    reading.sees(basket=0, name=customer[0], on=CAMPAIGN).shot("reading-tab")
    assert reading.known_to_shop()


@pytest.mark.parametrize("side", ["shop", "magazine"])
def test_a_logout_on_either_side_reaches_both_and_a_second_tab(shopper: Shopper, customer: Customer, side: str) -> None:
    tab, second = shopper.tab(), shopper.tab()
    tab.log_in(customer)
    second.sees(basket=0, name=customer[0], on=MAKER)

    if side == "shop":
        tab.log_out_in_shop()
    else:
        tab.log_out_in_magazine()

    second.sees(basket=0, on=MAKER).shot(f"second-tab-after-logout-in-{side}")
    assert not second.known_to_shop()
    tab.sees(basket=0, on="/")
    tab.open("/accounts/")
    assert "/accounts/login/" in tab.page.url, "the shop still shows an account after a logout"


def test_forms_that_were_open_across_a_login_still_work(shopper: Shopper, customer: Customer) -> None:
    product, story, login = shopper.tab().open(MUG), shopper.tab().open(CAMPAIGN), shopper.tab()
    twice = shopper.tab().open(f"/accounts/login/?next={MAKER}")
    twice.fill_in(customer)

    login.log_in(customer)
    product.buy()
    story.buy()

    assert product.page.url.endswith(MUG)
    product.shot("open-product-form")
    story.sees(basket=2, name=customer[0]).shot("open-story-form")
    twice.press_log_in().shot("second-login-form")
    twice.sees(basket=2, name=customer[0], on=MAKER)
    assert "Cove mug" in twice.basket()


def test_a_guests_basket_meets_the_customers_older_one(shoppers: Shoppers, customer: Customer) -> None:
    at_home, on_the_way = shoppers().tab(), shoppers().tab()
    at_home.log_in(customer).buy(MUG)
    at_home.buy(BOWL)
    at_home.sees(basket=2, name=customer[0], on=CAMPAIGN)
    on_the_way.buy(MUG)
    on_the_way.buy(MUG)
    on_the_way.buy(PLATE).sees(basket=3, on=MAKER)

    on_the_way.log_in(customer, come_back_to=MAKER)

    whole = on_the_way.basket()  # Oscar keeps the larger quantity of an article that is in both
    assert whole == {"Cove mug": 2, "Shore bowl": 1, "Tidal plate": 1}
    on_the_way.sees(basket=4, name=customer[0], on=MAKER).shot("merged")
    receipt = on_the_way.visitor()["receipt"]
    assert receipt["outcome"] == "merged"
    assert all(line["kept"] == line["wanted"] for line in receipt["lines"])
    # What an article is called: the shop's pages tell its number, the client its article number.
    assert {line["sku"] for line in receipt["lines"]} in ({"5", "1"}, {"1005", "1001"})
    assert at_home.basket() == whole, "a customer has one basket, on every device"
    at_home.sees(basket=4, name=customer[0], on=MAKER)


def test_an_order_empties_both_sides_in_every_tab(shopper: Shopper, customer: Customer) -> None:
    tab, second = shopper.tab(), shopper.tab()
    tab.log_in(customer).buy(MUG)
    second.sees(basket=1, name=customer[0], on=CAMPAIGN)

    tab.order()

    tab.shot("thank-you").sees(basket=0, name=customer[0], on="/")
    second.sees(basket=0, name=customer[0], on=CAMPAIGN).shot("second-tab")
    assert second.basket() == {}


def test_a_guests_order_empties_both_sides(shopper: Shopper) -> None:
    tab, second = shopper.tab(), shopper.tab()
    tab.buy(MUG)
    second.sees(basket=1, on=CAMPAIGN)

    tab.order(guest="guest@shop.test")

    tab.sees(basket=0, on="/")
    second.sees(basket=0, on=CAMPAIGN)
    assert second.basket() == {}


def test_a_hundred_crossings_open_no_session(house: House, shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)
    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)
    before, baskets = house.sessions(), house.baskets()
    for recorder in house.recorders.values():
        recorder.forget()

    for crossing in range(50):
        tab.page.goto((SHELF, MUG)[crossing % 2])
        tab.page.goto((CAMPAIGN, MAKER)[crossing % 2])

    assert house.sessions() == before
    assert house.baskets() == baskets
    for recorder in house.recorders.values():
        assert len(recorder.requests()) >= 50
        assert [line for head in recorder.answers() for line in head.all("set-cookie") if "sessionid" in line] == []
    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)


def test_no_system_ever_gets_the_others_cookie(house: House, shopper: Shopper, customer: Customer) -> None:
    for recorder in house.recorders.values():
        recorder.forget()
    tab = shopper.tab()
    tab.log_in_as_editor()  # Wagtail's own csrftoken, and for staff its own sessionid
    tab.shot("editors-desk").log_in(customer).buy(MUG)
    tab.open(CAMPAIGN).buy()
    tab.open("/admin/")
    assert "/admin/login/" not in tab.page.url, "the editor was logged out of the CMS by shopping"

    given = {name: _values(recorder) for name, recorder in house.recorders.items()}

    assert {"sessionid", "csrftoken"} <= set(given["cms"]) & set(given["commerce"]), "both systems use these names"
    for name, other in (("cms", "commerce"), ("commerce", "cms")):
        bytes_there = house.recorders[name].received()
        leaked = [cookie for cookie, values in given[other].items() for value in values if value in bytes_there]
        assert leaked == [], f"the {name} received cookies of the {other}"
    names = {
        name: {
            piece.partition("=")[0].strip()
            for head in recorder.requests()
            for line in head.all("cookie")
            for piece in line.split(";")
        }
        for name, recorder in house.recorders.items()
    }
    assert {"sessionid", "csrftoken"} <= names["cms"] & names["commerce"]
    for cookie in names["cms"] | names["commerce"]:
        assert "~" not in cookie
        assert "inseam" not in cookie, "a cookie of the edge's own"


def _values(recorder: Recorder) -> dict[str, set[bytes]]:
    """Return the values, by name, of every cookie that a system set; short ones prove nothing."""
    found: dict[str, set[bytes]] = {}
    for head in recorder.answers():
        for line in head.all("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            if len(value) >= 16:
                found.setdefault(name, set()).add(value.encode("latin-1"))
    return found


def test_a_guests_basket_survives_the_loss_of_the_shops_cookie(shopper: Shopper) -> None:
    tab = shopper.tab().buy(MUG)
    tab.sees(basket=1, on=CAMPAIGN)

    shopper.context.clear_cookies(name="oscar_open_basket")

    assert tab.basket() == {"Cove mug": 1}
    tab.sees(basket=1, on=CAMPAIGN)


def test_a_login_survives_the_loss_of_the_shops_cookie(house: House, shopper: Shopper, customer: Customer) -> None:
    if house.variant == "unchanged":
        pytest.skip("an unchanged django-oscar knows a customer by its own cookie alone")
    tab = shopper.tab()
    tab.log_in(customer).buy(MUG)

    for name in [name for name in shopper.cookies() if name.endswith("sessionid")]:
        shopper.context.clear_cookies(name=name)

    assert tab.known_to_shop()
    assert tab.basket() == {"Cove mug": 1}
    tab.sees(basket=1, name=customer[0], on=CAMPAIGN)


def test_a_page_that_is_only_read_sets_no_cookie(house: House, shopper: Shopper) -> None:
    for recorder in house.recorders.values():
        recorder.forget()
    tab = shopper.tab()

    for path in ("/", CAMPAIGN, "/brands/", MAKER, PLATE):
        tab.open(path)

    assert shopper.cookies() == {}
    assert house.recorders["commerce"].requests() == []


def test_the_magazine_greets_without_any_script(house: House, shoppers: Shoppers, customer: Customer) -> None:
    if house.variant == "unchanged":
        pytest.skip("an unchanged Wagtail reads no token; its pages are the same for everybody")
    tab = shoppers(scripts=False).tab()

    tab.log_in(customer).buy(MUG)

    tab.sees(basket=1, name=customer[0], on=CAMPAIGN).shot("without-scripts")
    told = [head for head in house.recorders["cms"].requests() if head.all("inseam-session")]
    assert told, "the greeting came from a token"


def test_what_is_changed_in_the_basket_is_counted(shopper: Shopper, customer: Customer) -> None:
    tab = shopper.tab()
    tab.buy(MUG).buy(BOWL)

    tab.set_quantity("Cove mug", 3).sees(basket=4, on=CAMPAIGN)
    tab.log_in(customer).set_quantity("Shore bowl", 0)
    tab.sees(basket=3, name=customer[0], on=CAMPAIGN)
    tab.set_quantity("Cove mug", 0).sees(basket=0, name=customer[0], on=MAKER)

    assert tab.basket() == {}


def test_two_tabs_log_in_at_the_same_moment(shopper: Shopper, customer: Customer) -> None:
    tabs = [shopper.tab().buy(MUG) for _ in range(2)]
    for tab in tabs:
        tab.open(f"/accounts/login/?next={MAKER}").fill_in(customer)

    for tab in tabs:
        tab.page.evaluate("document.querySelector('[name=login_submit]').click()")
    for tab in tabs:
        tab.page.wait_for_url(lambda url: url.endswith(MAKER) and "next" not in url)

    for tab in tabs:
        tab.sees(basket=2, name=customer[0], on=CAMPAIGN)
        assert tab.basket() == {"Cove mug": 2}
