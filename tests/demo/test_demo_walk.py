"""A shopper's way through both systems, page by page, as the edge would lead it."""

from __future__ import annotations


async def test_a_shopper_walks_from_the_cover_to_an_order(cms, shop):
    cover = await cms.get("/")
    assert "/campaign/summer-table/" in cover.links

    campaign = await cms.get("/campaign/summer-table/")
    assert "/catalogue/1001/" in campaign.links

    product = await cms.get("/catalogue/1001/")
    form = product.form("/basket/add/", sku="1001")

    added = await shop.submit(form, quantity="2")  # the magazine's form, sent to the shop
    assert added.headers["Location"] == "/catalogue/1001/#in-your-basket"

    basket = await shop.get("/basket/")
    assert "Tidal plate" in basket.words
    assert "€\xa068.00" in basket.words

    login = await shop.get("/account/login/?next=/checkout/")
    entered = await shop.submit(login.form("/account/login/"), email="anna@shop.test", password="anna")
    assert entered.headers["Location"] == "/checkout/"

    address = await shop.follow(await shop.get("/checkout/"))
    form = address.form("/checkout/address/")
    assert form.fields["name"] == "Anna Lind"

    payment = await shop.follow(await shop.submit(form, country="Germany"))
    done = await shop.follow(await shop.submit(payment.form("/checkout/payment/")))
    assert "Thank you, Anna" in done.words
    assert "SL-10001" in done.words

    account = await shop.get("/account/")
    assert "SL-10001" in account.words
    assert "€\xa073.90" in account.words  # two plates and the parcel


async def test_a_guest_can_buy_without_an_account(shop):
    product = await shop.get("/catalogue/1029/")
    await shop.submit(product.form("/basket/add/", sku="1029"))
    address = await shop.get("/checkout/address/")

    payment = await shop.follow(
        await shop.submit(
            address.form("/checkout/address/"), email="g@shop.test", name="Gro Berg", street="Havn 1",
            postcode="8600", city="Silkeborg", country="Denmark",
        )
    )  # fmt: skip
    done = await shop.follow(await shop.submit(payment.form("/checkout/payment/")))

    assert "Thank you, Gro" in done.words
    assert "Havn 1, Silkeborg" in done.words


async def test_every_link_and_every_file_of_both_systems_exists(cms, shop):
    owners = {"cms": cms, "shop": shop}
    seen: dict[str, int] = {}
    waiting = ["/", "/catalogue/", "/brands/hald/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen:
            continue
        assert path.startswith("/"), f"{path} leaves the site"
        of_shop = path.startswith(("/catalogue/", "/basket/", "/account/", "/checkout/", "/search/", "/static/shop/"))
        for owner in ("cms", "shop") if path.startswith("/brands/") else ("shop" if of_shop else "cms",):
            page = await owners[owner].get(path)
            seen[path] = page.status
            waiting += page.links + page.resources

    assert {path for path, status in seen.items() if status not in (200, 303)} == set()
    assert len(seen) > 60
