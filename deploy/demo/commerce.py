"""The demo's commerce server: listing, search, product, brand, basket; `deploy.demo.checkout` has the rest.

It keeps its own session in its own cookie, as any shop does; what the edge should know of it is told by
`deploy.demo.telling`.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from deploy.demo import shop_pages as pages
from deploy.demo.catalogue import BRANDS, CATEGORIES, PRODUCTS, Product, find
from deploy.demo.checkout import add_checkout
from deploy.demo.desk import (
    SHOP,
    begin,
    form_of,
    form_of_any_page,
    local,
    number,
    see_other,
    show,
    visit_of,
    visits,
)
from deploy.demo.shoppers import Basket, Shop
from deploy.demo.telling import Edge, telling
from deploy.demo.web import new_app

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all: not even ours can read what is typed into the checkout."""

LONGEST_SEARCH = 80
"""Characters."""


def new_commerce(name: str = "commerce", shop: Shop | None = None) -> web.Application:
    """Return the commerce server; `name` is what the rules file calls it, `shop` its memory (a new one if None)."""
    app = new_app(name, "shop", POLICY, _error)
    app[SHOP] = shop or Shop()
    app.middlewares.append(visits)
    edge = Edge.known()
    if edge is not None:
        app.middlewares.append(telling(edge))
    get, post = app.router.add_get, app.router.add_post
    get("/", _front)
    get("/catalogue/", _listing)
    get("/catalogue/{sku}/", _product)
    get("/brands/", _brands)
    get("/brands/{brand}/", _brand)
    get("/search/", _search)
    get("/basket/", _basket)
    post("/basket/add/", _add)
    post("/basket/update/", _update)
    post("/basket/remove/", _remove)
    get("/api/basket", _api_basket)
    add_checkout(app)
    return app


def _error(request: web.Request, status: int) -> web.Response:
    if request.path.startswith("/api/"):
        return web.json_response({"error": status}, status=status)
    return show(request, pages.error(status), status)


# --- looking around ---------------------------------------------------------------------------------------------------


async def _front(request: web.Request) -> web.Response:
    """Behind the edge nobody comes here: the front page is the magazine's."""
    return see_other("/catalogue/")


async def _listing(request: web.Request) -> web.Response:
    category, sort = request.query.get("category", ""), request.query.get("sort", "")
    category = category if category in CATEGORIES else ""
    sort = sort if sort in pages.SORTS else ""
    shown = [product for product in PRODUCTS.values() if product.category == category or not category]
    return show(request, pages.listing(_sorted(shown, sort), category, sort, visit_of(request)))


def _sorted(products: Sequence[Product], sort: str) -> list[Product]:
    if not sort:
        return list(products)
    return sorted(products, key=lambda product: product.cents, reverse=sort == "high")


async def _product(request: web.Request) -> web.Response:
    product = PRODUCTS.get(request.match_info["sku"])
    if product is None:
        raise web.HTTPNotFound
    return show(request, pages.product(product, visit_of(request)))


async def _brands(request: web.Request) -> web.Response:
    return show(request, pages.brands())


async def _brand(request: web.Request) -> web.Response:
    brand = BRANDS.get(request.match_info["brand"])
    if brand is None:
        raise web.HTTPNotFound
    return show(request, pages.brand(brand, visit_of(request)))


async def _search(request: web.Request) -> web.Response:
    words = request.query.get("q", "").strip()[:LONGEST_SEARCH]
    return show(request, pages.results(words, find(words), visit_of(request)))


# --- the basket -------------------------------------------------------------------------------------------------------


async def _basket(request: web.Request) -> web.Response:
    visit = visit_of(request)
    return show(request, pages.basket(visit.basket if visit else Basket(), visit))


async def _add(request: web.Request) -> web.Response:
    fields = await form_of_any_page(request)
    product = PRODUCTS.get(fields.get("sku", ""))
    if product is None:
        raise web.HTTPNotFound
    visit = begin(request)
    visit.basket.add(product.sku, number(fields.get("quantity", "1")) or 1)
    visit.notice = f"{product.name} is in your basket."
    return see_other(local(fields.get("next", ""), "/basket/"))


async def _update(request: web.Request) -> web.Response:
    fields = await form_of(request)
    sku, quantity, visit = fields.get("sku", ""), number(fields.get("quantity", "")), begin(request)
    if sku in visit.basket.lines and quantity is not None:
        visit.basket.put(sku, quantity)
    return see_other("/basket/")


async def _remove(request: web.Request) -> web.Response:
    fields = await form_of(request)
    begin(request).basket.put(fields.get("sku", ""), 0)
    return see_other("/basket/")


async def _api_basket(request: web.Request) -> web.Response:
    """Say what is in the basket, for a page's script. Asking opens no visit."""
    visit = visit_of(request)
    goods = visit.basket if visit else Basket()
    return web.json_response(
        {
            "login": bool(visit and visit.customer),
            "count": goods.count,
            "total": f"{goods.cents / 100:.2f}",
            "currency": "EUR",
            "lines": [{"sku": p.sku, "name": p.name, "quantity": n, "price": f"{p.cents / 100:.2f}"} for p, n in goods],
        },
        headers={"Cache-Control": "no-store"},
    )
