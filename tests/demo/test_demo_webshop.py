"""The commerce server: who may change a basket, what is refused, and what nobody can put on a page."""

from __future__ import annotations

import json

import pytest

SAME = {"Sec-Fetch-Site": "same-origin"}
EVIL = '"><script>alert(1)</script>'


async def add(shop, sku="1021", quantity="1", following="/basket/"):
    return await shop.post("/basket/add/", {"sku": sku, "quantity": quantity, "next": following}, SAME)


async def in_basket(shop) -> dict[str, int]:
    page = await shop.get("/api/basket")
    return {line["sku"]: line["quantity"] for line in json.loads(page.text)["lines"]}


async def log_in(shop, password="anna", following=""):
    page = await shop.get(f"/account/login/?next={following}")
    return await shop.submit(page.form("/account/login/"), email="Anna@Shop.test", password=password)


# --- looking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/catalogue/", 30), ("/catalogue/?category=Wood", 6), ("/catalogue/?category=Nonsense", 30),
        ("/brands/hald/", 6),
        ("/search/?q=linen", 7), ("/search/?q=LINEN+stripe", 1), ("/search/?q=kiln+%26+cove", 10), ("/search/?q=", 0),
        ("/search/", 0),
    ],
)  # fmt: skip
async def test_a_list_shows_what_was_asked_for(shop, path, found):
    page = await shop.get(path)

    assert page.status == 200
    assert page.text.count('<li class="card"') == found


async def test_prices_are_sorted_as_numbers(shop):
    page = await shop.get("/catalogue/?sort=high")

    assert page.words.index("Dome lamp") < page.words.index("Long-table cloth") < page.words.index("Kitchen towel")


@pytest.mark.parametrize("path", ["/catalogue/9999/", "/catalogue/1001/x/", "/brands/nobody/", "/nope/", "/api/nope"])
async def test_what_there_is_not_is_404(shop, path):
    assert (await shop.get(path)).status == 404


async def test_looking_around_opens_no_session(shop):
    for path in ("/catalogue/", "/catalogue/1001/", "/search/?q=oak", "/basket/", "/api/basket", "/brands/hald/"):
        page = await shop.get(path)
        assert "Set-Cookie" not in page.headers

    assert shop.cookies == {}


@pytest.mark.parametrize("path", ["/search/?q={}", "/account/login/?next={}", "/catalogue/?category={}&sort={}"])
async def test_what_a_visitor_writes_is_shown_as_text(shop, path):
    page = await shop.get(path.replace("{}", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"))

    assert "<script" not in page.text


# --- the basket -------------------------------------------------------------------------------------------------------


async def test_the_session_cookie_is_for_the_server_alone(shop):
    added = await add(shop)

    cookie = added.headers["Set-Cookie"]
    assert cookie.startswith("shop_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_secure(shop):
    added = await shop.post("/basket/add/", {"sku": "1021"}, {**SAME, "X-Forwarded-Proto": "https"})

    assert "Secure" in added.headers["Set-Cookie"]


async def test_lines_are_added_changed_and_removed(shop):
    await add(shop, "1021", "2")
    await add(shop, "1021", "1")
    await add(shop, "1005", "1")
    assert await in_basket(shop) == {"1021": 3, "1005": 1}

    page = await shop.get("/basket/")
    await shop.submit(page.form("/basket/update/", sku="1021"), quantity="7")
    await shop.submit(page.form("/basket/remove/", sku="1005"))
    assert await in_basket(shop) == {"1021": 7}

    await shop.submit(page.form("/basket/update/", sku="1021"), quantity="0")
    assert await in_basket(shop) == {}


@pytest.mark.parametrize(
    ("quantity", "kept"), [("1", 1), ("20", 20), ("9999", 20), ("0", 1), ("-3", 1), ("x", 1), ("٣", 1), ("9" * 30, 1)]
)
async def test_a_quantity_that_makes_no_sense_does_no_harm(shop, quantity, kept):
    await add(shop, quantity=quantity)

    assert await in_basket(shop) == {"1021": kept}


async def test_an_unknown_product_cannot_be_bought(shop):
    assert (await add(shop, sku="9999")).status == 404
    assert (await add(shop, sku=EVIL)).status == 404


@pytest.mark.parametrize(
    ("following", "goes_to"),
    [
        ("/catalogue/1001/#in-your-basket", "/catalogue/1001/#in-your-basket"), ("/search/?q=a", "/search/?q=a"),
        ("https://evil.test/", "/basket/"), ("//evil.test/", "/basket/"), ("/\\evil.test/", "/basket/"),
        ("/\t/evil.test", "/basket/"), ("/a\r\nSet-Cookie: x=1", "/basket/"), ("evil", "/basket/"), ("", "/basket/"),
    ],
)  # fmt: skip
async def test_a_form_leads_on_within_this_site_only(shop, following, goes_to):
    assert (await add(shop, following=following)).headers["Location"] == goes_to


# --- whose form it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303), ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": "http://evil.test"}, 403), ({"Origin": "null"}, 403),
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.test"}, 403), ({"Origin": "http://shop.test"}, 303),
        ({"Origin": "http://["}, 403),
    ],
)  # fmt: skip
async def test_only_a_page_of_this_site_fills_the_basket(shop, headers, status):
    added = await shop.post("/basket/add/", {"sku": "1021"}, {"Host": "shop.test", **headers})

    assert added.status == status


@pytest.mark.parametrize(
    "path",
    [
        "/basket/update/",
        "/basket/remove/",
        "/account/login/",
        "/account/logout/",
        "/checkout/address/",
        "/checkout/payment/",
    ],
)
@pytest.mark.parametrize("token", [None, "", "x", "ü€", "\x00"])
async def test_a_form_without_the_visits_token_is_refused(shop, path, token):
    await add(shop)
    fields = {"sku": "1021", "email": "anna@shop.test", "password": "anna"}

    refused = await shop.post(path, fields if token is None else {**fields, "token": token}, SAME)

    assert refused.status == 403
    assert await in_basket(shop) == {"1021": 1}


async def test_another_visitors_token_is_no_good(browse):
    mallory, anna = await browse("commerce"), await browse("commerce")
    await add(mallory)
    await add(anna)
    form = (await mallory.get("/basket/")).form("/basket/remove/", sku="1021")

    refused = await anna.submit(form)

    assert refused.status == 403
    assert await in_basket(anna) == {"1021": 1}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"\xff\xfe=%zz", "application/x-www-form-urlencoded", 400),
        (b"a=b", "application/x-www-form-urlencoded; charset=nonsense", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 415),
        (b"{}", "application/json", 415),
        (b"a=" + b"b" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_a_body_that_is_no_form_is_the_clients_fault(shop, body, kind, status):
    page = await shop.post("/basket/update/", body, {"Content-Type": kind})

    assert page.status == status


# --- login ------------------------------------------------------------------------------------------------------------


async def test_the_session_id_changes_at_login_and_the_basket_comes_along(browse):
    shop, thief = await browse("commerce"), await browse("commerce")
    await add(shop, "1021", "2")
    known = shop.cookies["shop_session"]

    entered = await log_in(shop, following="/checkout/")

    assert entered.headers["Location"] == "/checkout/"
    assert shop.cookies["shop_session"] != known
    assert await in_basket(shop) == {"1021": 2}
    thief.headers = {"Cookie": f"shop_session={known}"}
    assert await in_basket(thief) == {}


async def test_a_customer_has_one_basket_on_all_devices_and_keeps_it_after_logout(browse):
    laptop, phone = await browse("commerce"), await browse("commerce")
    await log_in(laptop)
    await add(laptop, "1005")
    await add(phone, "1006")
    await log_in(phone)
    assert await in_basket(laptop) == await in_basket(phone) == {"1005": 1, "1006": 1}

    account = await laptop.get("/account/")
    await laptop.submit(account.form("/account/logout/"))

    assert "shop_session" not in laptop.cookies
    assert await in_basket(laptop) == {}
    assert await in_basket(phone) == {"1005": 1, "1006": 1}


async def test_a_wrong_password_logs_nobody_in(shop):
    refused = await log_in(shop, password="nope")

    assert refused.status == 422
    assert "do not belong together" in refused.words
    assert (await shop.get("/account/")).headers["Location"] == "/account/login/"


async def test_an_id_that_was_never_given_out_is_not_adopted(shop):
    shop.headers = {"Cookie": "shop_session=chosen-by-mallory"}

    added = await add(shop)

    assert "chosen-by-mallory" not in added.headers["Set-Cookie"]


# --- checkout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/checkout/", "/checkout/address/", "/checkout/payment/", "/checkout/thank-you/"])
async def test_an_empty_basket_has_no_checkout(shop, path):
    assert (await shop.get(path)).headers["Location"] == "/basket/"


async def test_payment_needs_an_address_first(shop):
    await add(shop)

    assert (await shop.get("/checkout/payment/")).headers["Location"] == "/checkout/address/"


async def test_an_address_with_holes_is_asked_for_again_and_nothing_is_lost(shop):
    await add(shop)
    form = (await shop.get("/checkout/address/")).form("/checkout/address/")

    again = await shop.submit(form, name=EVIL, email="no at")

    assert again.status == 422
    assert again.form("/checkout/address/").fields["name"] == EVIL
    assert "<script" not in again.text
    assert "An e-mail address has an @ inside." in again.words


async def test_a_real_card_number_is_refused_and_never_shown_again(shop):
    await log_in(shop)
    await add(shop)
    form = (await shop.get("/checkout/payment/")).form("/checkout/payment/")

    refused = await shop.submit(form, card="4111 1111 1111 1111")

    assert refused.status == 422
    assert "4111" not in refused.text
    assert await in_basket(shop) == {"1021": 1}


async def test_paying_twice_buys_once(shop):
    await log_in(shop)
    await add(shop)
    form = (await shop.get("/checkout/payment/")).form("/checkout/payment/")

    first, second = await shop.submit(form), await shop.submit(form)

    assert first.headers["Location"] == second.headers["Location"] == "/checkout/thank-you/"
    assert (await shop.get("/account/")).words.count("SL-") == 1


async def test_pages_with_somebodys_data_are_kept_by_no_cache(shop):
    await log_in(shop)
    for path in ("/account/", "/basket/", "/catalogue/", "/api/basket"):
        assert "no-store" in (await shop.get(path)).headers["Cache-Control"]


async def test_the_checkout_runs_no_script(shop):
    assert "script-src" not in (await shop.get("/basket/")).headers["Content-Security-Policy"]
    assert "<script" not in (await shop.get("/basket/")).text


async def test_a_notice_is_said_once(shop):
    await add(shop)

    assert "Turned bowl is in your basket." in (await shop.get("/basket/")).words
    assert "Turned bowl is in your basket." not in (await shop.get("/basket/")).words
