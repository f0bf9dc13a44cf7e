"""A light commerce system: baskets, logins, orders; started with what it needs to know as JSON on standard input.

It knows the edge: it says in a signed update whatever the token it was sent does not know yet, and follows the token
in who is logged in.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
from dataclasses import replace
from typing import Any

import jwt

from tests.soak.edge_side import EdgeSide
from tests.soak.ledger import NOBODY, Held, Ledger, Visit
from tests.soak.page import page
from tests.soak.web import Answer, Asked, serve

SLOW, SLOWEST = 0.1, 0.08
"""This share of the pages waits, at most so many seconds, once they are made: their news are old when they arrive."""

ASSET = b"\xff\xd8" + b"." * 2000


class Commerce:
    """The shop."""

    def __init__(self, ledger: Ledger, edge: EdgeSide) -> None:
        self.ledger = ledger
        self.edge = edge

    async def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/healthz":
            return Answer(body=b"fine")
        if asked.path.startswith("/shop-media/"):
            return Answer(body=ASSET, kind="image/jpeg", headers=[("Cache-Control", "public, max-age=3600")])
        if asked.path.startswith("/truth/"):
            lines = self.ledger.of_customer(asked.path.rpartition("/")[2]).lines
            return Answer(body=json.dumps(lines).encode(), kind="application/json")
        return await self.shop(asked)

    async def shop(self, asked: Asked) -> Answer:
        """Answer a page or a form."""
        shopper = asked.headers.get("x-shopper", "0000")
        answer, wrong = Answer(), ""
        try:
            token = await self.edge.read(asked.headers.get("inseam-session"))
        except jwt.InvalidTokenError as error:
            token, wrong = None, f"{type(error).__name__}: {error}"
        cookies = asked.cookies
        visit = self.follow(self.visit(cookies.get("sessionid", ""), token), token, shopper)
        customer = visit.customer or (token and token["sub"]) or ""
        changes: dict[str, Any] = {}
        if customer and visit.basket:
            visit, joined = self.ledger.join(visit, customer, shopper)
            changes |= {"merged": joined} if joined else {}
        csrf = cookies.get("csrftoken", "")
        if asked.method == "POST":
            if not csrf or asked.form.get("csrf") != csrf:
                return Answer(403, b"the form is not of this visitor")
            # Begun by a form, never by a page: that of another tab may be older than the cookie it finds.
            visit = visit if visit.id else self.ledger.begin(shopper, visit.basket)
            visit, customer, said = self.form(asked, visit, customer, shopper)
            changes |= said
            answer.status = 303
            answer.headers.append(("Location", asked.form.get("next", "/basket/")))
        held = self.ledger.held(self.ledger.basket_of(visit, customer))
        changes |= self.unknown_to(token, customer, held, always=asked.path == "/basket/")
        if visit.id and visit.id != cookies.get("sessionid"):
            answer.set_cookie("sessionid", visit.id, "HttpOnly", "SameSite=Lax")
        if not csrf or (asked.method == "POST" and asked.path == "/account/login/"):
            csrf = f"shop-{shopper}-{secrets.token_hex(6)}"
            answer.set_cookie("csrftoken", csrf, "SameSite=Lax", "Max-Age=31449600")
        if changes:
            answer.headers.append(("Inseam-Update", self.edge.update(str(token["sid"]) if token else "", changes)))
        if answer.status == 200:
            answer.headers.append(("Cache-Control", "private"))
            answer.body = page(
                {
                    "system": "commerce",
                    "session": visit.id,
                    "csrf": csrf,
                    "customer": customer,
                    "basket": held.id,
                    "lines": held.lines,
                    "token": wrong or token,
                    "cookies": asked.headers.get("cookie", ""),
                }
            )
            if random.random() < SLOW:
                answer.after = random.uniform(0.0, SLOWEST)
        return answer

    def visit(self, cookie: str, token: dict[str, Any] | None) -> Visit:
        """Return the session of the cookie; where that is missing, one with the guest's basket that the token knows."""
        visit = self.ledger.visit(cookie)
        if visit is not None:
            return visit
        basket = token["basket"]["id"] if token and token["basket"] and token["sub"] is None else ""
        return replace(NOBODY, basket=basket) if basket and self.ledger.is_a_guests(basket) else NOBODY

    def follow(self, visit: Visit, token: dict[str, Any] | None, shopper: str) -> Visit:
        """Return the session after what the token says of its login: one that it does not know has ended elsewhere.

        So nothing here would mend a login that the edge has lost: that is to be seen.
        """
        if visit.customer and (token is None or token["sub"] != visit.customer):
            return self.ledger.logout(visit, shopper)
        return visit

    def form(self, asked: Asked, visit: Visit, customer: str, shopper: str) -> tuple[Visit, str, dict[str, Any]]:
        """Do what a form asks for; return the session, the customer and what the edge must hear of it."""
        form = asked.form
        said: dict[str, Any] = {}
        if asked.path == "/basket/add/":
            visit = self.ledger.add(visit, customer, shopper, form["sku"], int(form["quantity"]))
        elif asked.path == "/account/login/" and form["password"] == f"pw-{form['customer']}":
            visit, said["merged"] = self.ledger.login(visit, form["customer"], shopper)
            customer = visit.customer
            said |= {"sub": customer, "name": f"Shopper {customer[1:]}"}
        elif asked.path == "/account/logout/":
            visit, customer = self.ledger.logout(visit, shopper), ""
            said = {"sub": None, "basket": None}
        elif asked.path == "/checkout/place/":
            visit, number = self.ledger.order(visit, customer, shopper)
            said = {"order": number, "basket": None} if number else {}
        return visit, customer, {name: value for name, value in said.items() if value or value is None}

    def unknown_to(self, token: dict[str, Any] | None, customer: str, held: Held, always: bool) -> dict[str, Any]:
        """Return what the edge should know and its token does not say; the basket in any case if `always`."""
        said: dict[str, Any] = {}
        known = token or {"sub": None, "basket": None}
        if customer and known["sub"] != customer:
            said |= {"sub": customer, "name": f"Shopper {customer[1:]}"}
        basket = known["basket"] or {"id": "", "rev": 0, "count": 0}
        if (held.id, held.rev, held.count) != (basket["id"], basket["rev"], basket["count"]) or (always and held.id):
            lines = [{"sku": sku, "quantity": quantity} for sku, quantity in held.lines.items()]
            told = {"id": held.id, "rev": held.rev, "count": held.count, "total": f"{held.count * 10}.00"}
            said["basket"] = {**told, "currency": "EUR", "lines": lines} if held.id else None
        return said


def main() -> None:
    said = json.load(sys.stdin)
    edge = EdgeSide("commerce", said["edge"], said["kid"], said["secret"].encode("latin-1"))
    serve(Commerce(Ledger(said["ledger"]), edge), said["port"], edge.keep_keys)


if __name__ == "__main__":
    main()
