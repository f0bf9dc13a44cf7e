"""What the shop tells the edge, and hears from it: the whole of what a system must do for one session on both sides.

It reads who comes from `Inseam-Session` and says by `Inseam-Update` what has changed: docs/contract.md. Its keys come
from the environment, as `inseam keys export commerce` prints them; without them the shop works on its own.
"""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web

from deploy.demo.desk import SHOP, VISIT, visit_of
from deploy.demo.shoppers import Shop, Visit
from deploy.demo.web import Handler

LIFE = 60
"""Seconds for which an update is good; it is read within milliseconds."""

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge as this system knows it: whose tokens to believe, and with which key to sign."""

    system: str
    keys: Mapping[str, jwt.PyJWK]
    kid: str
    secret: bytes

    @classmethod
    def known(cls, environment: Mapping[str, str] = os.environ) -> Edge | None:
        """Return the edge that the environment tells of, None for none."""
        if "INSEAM_UPDATE_KEY" not in environment:
            return None
        own = json.loads(environment["INSEAM_UPDATE_KEY"])
        keys = {key["kid"]: jwt.PyJWK(key) for key in json.loads(environment["INSEAM_JWKS"])["keys"]}
        secret = urlsafe_b64decode(own["secret"] + "=" * (-len(own["secret"]) % 4))
        return cls(environment["INSEAM_SYSTEM"], keys, own["kid"], secret)

    def read(self, token: str) -> Claims:
        """Return what the edge says of a visitor: nothing for no token, and for one that is not to be believed."""
        try:
            key = self.keys[jwt.get_unverified_header(token)["kid"]]
            claims: Claims = jwt.decode(token, key, ["ES256"], audience=self.system, issuer="inseam", leeway=60)
            return claims
        except (jwt.PyJWTError, KeyError):
            return {}

    def update(self, changes: Claims, sid: str, now: float) -> str:
        """Return the header that tells what has changed. `now` is in seconds since the epoch."""
        claims = {"iss": self.system, "aud": "inseam", "iat": int(now), "exp": int(now) + LIFE, "sid": sid, **changes}
        return jwt.encode(claims, self.secret, "HS256", {"kid": self.kid, "typ": "inseam-update+jwt"})


def telling(edge: Edge) -> Any:
    """Return the middleware that reads and tells; inside of it stands the one that finds the visit."""

    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        heard = edge.read(request.headers.get("Inseam-Session", ""))
        order = _last_order(visit_of(request))
        _remember(request, heard)
        response = await handler(request)
        changes = changed(heard, visit_of(request), order)
        if changes:
            response.headers["Inseam-Update"] = edge.update(changes, heard.get("sid", ""), time.time())
        return response

    return tell


def _remember(request: web.Request, heard: Claims) -> None:
    """The shop has forgotten a visitor whom the edge still knows: it was restarted, and everything goes on.

    The basket comes back by the handle, an opaque text that the edge keeps for this shop.
    """
    if visit_of(request) is not None or not heard:
        return
    shop: Shop = request.app[SHOP]
    customer = shop.customers.get(heard.get("sub", ""))
    kept = [pair.split("*") for pair in heard.get("handle", "").split()]
    if customer is None and not kept:
        return
    visit = request[VISIT] = shop.begin()
    if customer is not None:
        visit.customer, visit.address = customer, customer.address
    if not visit.basket.lines:
        for sku, quantity in kept:
            visit.basket.put(sku, int(quantity))


def _last_order(visit: Visit | None) -> str:
    return visit.last_order.number if visit is not None and visit.last_order is not None else ""


def changed(heard: Claims, visit: Visit | None, order_before: str) -> dict[str, Any]:
    """Return what the edge does not know yet: claims of an update, none if it knows all of it."""
    changes: dict[str, Any] = {}
    customer = visit.customer if visit is not None else None
    sub = customer.email if customer is not None else None
    if sub != heard.get("sub"):
        changes["sub"] = sub
        if customer is not None:
            changes["name"] = customer.name
    basket = None
    if visit is not None and visit.basket.count:
        goods = visit.basket
        total = f"{goods.cents / 100:.2f}"
        basket = {"id": sub or visit.id[:8], "rev": goods.rev, "count": goods.count, "total": total, "currency": "EUR"}
    if basket != heard.get("basket"):
        lines = [{"sku": product.sku, "quantity": quantity} for product, quantity in visit.basket] if visit else []
        changes["basket"] = {**basket, "lines": lines} if basket else None
    handle = " ".join(f"{sku}*{quantity}" for sku, quantity in visit.basket.lines.items()) if visit is not None else ""
    if handle != heard.get("handle", ""):
        changes["handle"] = handle
    order = _last_order(visit)
    if order and order != order_before:
        changes["order"] = order
    return changes
