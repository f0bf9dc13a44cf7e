"""From the basket to the order: log in, address, payment, thank-you, and the account where orders end up."""

from __future__ import annotations

import time
from collections.abc import Mapping

from aiohttp import web

from deploy.demo import checkout_pages as pages
from deploy.demo.desk import COOKIE, SHOP, VISIT, begin, form_of, local, see_other, show, visit_of
from deploy.demo.shoppers import Address, Visit

LONGEST = 120
"""Characters of one field of an address."""


def add_checkout(app: web.Application) -> None:
    """Give an application the account and the checkout."""
    get, post = app.router.add_get, app.router.add_post
    get("/account/", _account)
    get("/account/login/", _login)
    post("/account/login/", _log_in)
    post("/account/logout/", _log_out)
    get("/checkout/", _checkout)
    get("/checkout/address/", _address)
    post("/checkout/address/", _keep_address)
    get("/checkout/payment/", _payment)
    post("/checkout/payment/", _pay)
    get("/checkout/thank-you/", _thank_you)


# --- account ----------------------------------------------------------------------------------------------------------


async def _account(request: web.Request) -> web.Response:
    visit = visit_of(request)
    if visit is None or visit.customer is None:
        return see_other("/account/login/")
    return show(request, pages.account(visit.customer, visit))


async def _login(request: web.Request) -> web.Response:
    visit = begin(request)  # the form needs a token: a login that others could send for somebody is a trap
    if visit.customer is not None:
        return see_other("/account/")
    return show(request, pages.login("", local(request.query.get("next", ""), "/account/"), False, visit))


async def _log_in(request: web.Request) -> web.Response:
    fields = await form_of(request)
    visit, following = begin(request), local(fields.get("next", ""), "/account/")
    if request.app[SHOP].log_in(visit, fields.get("email", ""), fields.get("password", "")):
        return see_other(following)
    return show(request, pages.login(fields.get("email", "")[:LONGEST], following, True, visit), 422)


async def _log_out(request: web.Request) -> web.Response:
    await form_of(request)
    visit = visit_of(request)
    if visit is not None:
        request.app[SHOP].end(visit)
        del request[VISIT]
    response = see_other("/catalogue/")
    response.del_cookie(COOKIE, httponly=True, samesite="Lax")
    return response


# --- checkout ---------------------------------------------------------------------------------------------------------


def _ready(request: web.Request) -> Visit | None:
    """Return the visit if it has something to buy."""
    visit = visit_of(request)
    return visit if visit is not None and visit.basket.count else None


async def _checkout(request: web.Request) -> web.Response:
    return see_other("/checkout/address/" if _ready(request) else "/basket/")


async def _address(request: web.Request) -> web.Response:
    visit = _ready(request)
    if visit is None:
        return see_other("/basket/")
    return show(request, pages.address(_values(visit.address), {}, visit))


async def _keep_address(request: web.Request) -> web.Response:
    fields = await form_of(request)
    visit = _ready(request)
    if visit is None:
        return see_other("/basket/")
    values = {name: " ".join(fields.get(name, "").split())[:LONGEST] for name in (*pages.FIELDS, "country")}
    missing = {name: "Please fill this in." for name in pages.FIELDS if not values[name]}
    if values["email"] and "@" not in values["email"].strip("@"):
        missing["email"] = "An e-mail address has an @ inside."
    if values["country"] not in pages.COUNTRIES:
        values["country"] = pages.COUNTRIES[0]
    if missing:
        return show(request, pages.address(values, missing, visit), 422)
    visit.address = Address(**values)
    return see_other("/checkout/payment/")


def _values(address: Address | None) -> Mapping[str, str]:
    if address is None:
        return {}
    return {name: getattr(address, name) for name in (*pages.FIELDS, "country")}


async def _payment(request: web.Request) -> web.Response:
    visit = _ready(request)
    if visit is None:
        return see_other("/basket/")
    if visit.address is None:
        return see_other("/checkout/address/")
    return show(request, pages.payment(visit, False))


async def _pay(request: web.Request) -> web.Response:
    fields = await form_of(request)
    visit = _ready(request)
    if visit is None:  # pressed twice: the first press emptied the basket, so there is nothing to buy again
        return see_other("/checkout/thank-you/")
    if visit.address is None:
        return see_other("/checkout/address/")
    if fields.get("card", "").replace(" ", "") != pages.DEMO_CARD.replace(" ", ""):
        return show(request, pages.payment(visit, True), 422)
    request.app[SHOP].place_order(visit, visit.address, time.time())
    return see_other("/checkout/thank-you/")


async def _thank_you(request: web.Request) -> web.Response:
    visit = visit_of(request)
    if visit is None or visit.last_order is None:
        return see_other("/basket/")
    return show(request, pages.thank_you(visit.last_order, visit))
