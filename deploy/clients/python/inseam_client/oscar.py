"""For django-oscar: put it in the place of Oscar's own basket middleware.

    MIDDLEWARE: "oscar.apps.basket.middleware.BasketMiddleware" -> "inseam_client.oscar.InseamBasketMiddleware"

The customer of the token is `request.user` before Oscar looks for the basket; a guest whose basket cookie is gone gets
the basket that the token names; and what became of login, basket and order is told in the answer in which it happened.
Where the shop's own cookie says another customer than the token, the shop is right, and says so.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject, empty
from oscar.apps.basket.middleware import Basket, BasketMiddleware
from oscar.apps.order.signals import order_placed

from .django.customer import trust
from .django.middleware import options

EVERYTHING = ("login", "basket", "order")
MERGED = "inseam_merged"
"""In the shop's session: the guest's basket that was merged last, and how many of each article that added."""

_log = logging.getLogger("inseam")
_running: ContextVar[HttpRequest] = ContextVar("inseam_request")


def _clock() -> int:
    return time.time_ns() // 1_000_000


class InseamBasketMiddleware(BasketMiddleware):
    """Oscar's, with an ear for the edge. Option `merge: "sum"` adds up quantities, where Oscar takes the larger one."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.inseam_began = _clock()
        trust(request, tells="login" in options().get("authority", EVERYTHING))
        before = _running.set(request)
        try:
            return super().__call__(request)
        finally:
            _running.reset(before)

    def get_cookie_basket(self, cookie_key: str, request: HttpRequest, manager: Any) -> Any:
        basket = super().get_cookie_basket(cookie_key, request, manager)
        held = request.inseam.basket.id or request.inseam.handle
        if basket is None and held.isdecimal():
            basket = Basket.objects.filter(pk=held, owner=None, status=Basket.OPEN).first()
        return basket

    def merge_baskets(self, master: Any, slave: Any) -> None:
        before = quantities(master)
        master.merge(slave, add_quantities=options().get("merge") == "sum")
        master.inseam_merged = str(slave.pk)
        request = _running.get()
        if request.session.session_key:  # what an undo takes out again
            added = {sku: count - before.get(sku, 0) for sku, count in quantities(master).items()}
            request.session[MERGED] = [master.inseam_merged, added]

    def get_basket(self, request: HttpRequest) -> Any:
        first, basket = request._basket_cache is None, super().get_basket(request)
        undo = request.inseam.visitor.claims.get("undo")
        if first and undo and basket.pk and request.user.is_authenticated:
            guest, added = request.session.get(MERGED, ("", {}))
            if guest == undo["receipt"]:
                request.inseam.update(undone=guest)
                # Once, whoever comes first: it is the guest's basket that remembers.
                if Basket.objects.filter(pk=guest, status=Basket.MERGED).update(status=Basket.SAVED):
                    take_out(basket, added)
        return basket

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.inseam_customers.logged_in:
            # Oscar merges at the next page that reads the basket. That may be one of the CMS, so now.
            request._basket_cache = None
            request.basket = self.get_basket(request)
            request.basket.strategy = request.strategy
        response = super().process_response(request, response)
        read = not isinstance(request.basket, SimpleLazyObject) or request.basket._wrapped is not empty
        if read and not request.inseam_customers.logged_out and "order" not in request.inseam.changes:
            with unharmed("a basket"):
                self._tell(request, request.basket)
        return response

    def _tell(self, request: HttpRequest, basket: Any) -> None:
        """Tell of the basket if it may be another than the edge knows.

        `rev` is a time before the lines were read, so who read later knows better: two tabs cannot undo each other.
        """
        visit, rev, merged = request.inseam, request.inseam_began, getattr(basket, "inseam_merged", "")
        wrote = merged or "undone" in visit.changes or request.method not in ("GET", "HEAD", "OPTIONS")
        if wrote and basket.pk:
            rev, basket = _clock(), Basket.objects.get(pk=basket.pk)
            basket.strategy = request.strategy
            self.apply_offers_to_basket(request, basket)
        told = summary(basket, rev)
        count, known = told["count"] if told else 0, visit.basket
        same = told and (told["id"], count, told["total"]) == (known.id, known.count, known.total) and not wrote
        if same or not (count or known.count or merged) or basket.status == Basket.FROZEN:
            return
        if told is None and Basket.objects.filter(pk=known.id, status=Basket.FROZEN).exists():
            return  # at the payment provider's: it comes back, or becomes an order
        visit.update(basket=told, **({"merged": merged} if merged else {}))
        if options().get("basket_as_handle") and not request.user.is_authenticated:
            visit.set_handle(str(basket.pk or ""))


@contextmanager
def unharmed(what: str) -> Iterator[None]:
    """Log what goes wrong in here, and go on: an exception in an order's signal makes Oscar open its basket again."""
    try:
        yield
    except Exception:
        _log.exception("the edge could not be told of %s", what)


def quantities(basket: Any) -> dict[str, int]:
    """Return how many of each article are in a basket."""
    found: Counter[str] = Counter()
    for line in basket.lines.select_related("stockrecord"):
        found[line.stockrecord.partner_sku] += line.quantity
    return found


def take_out(basket: Any, articles: Mapping[str, int]) -> None:
    """Take so many of each article out of a basket, as far as they are still there."""
    left = dict(articles)
    for line in basket.lines.select_related("stockrecord"):
        gone = min(left.get(line.stockrecord.partner_sku, 0), line.quantity)
        left[line.stockrecord.partner_sku] = left.get(line.stockrecord.partner_sku, 0) - gone
        line.quantity -= gone
        if gone:
            line.save() if line.quantity else line.delete()
    basket.reset_offer_applications()


def summary(basket: Any, rev: int) -> dict[str, Any] | None:
    """Return an open basket as an update tells it; None where there is none."""
    if not basket.pk or basket.status != Basket.OPEN:
        return None
    total = basket.total_incl_tax if basket.is_tax_known else basket.total_excl_tax
    lines = [{"sku": line.stockrecord.partner_sku[:64], "quantity": line.quantity} for line in basket.all_lines()]
    told = {"id": str(basket.pk), "rev": rev, "count": basket.num_items, "total": str(total), "lines": lines}
    return {**told, "currency": basket.currency} if basket.currency else told


def _order_placed(sender: Any, order: Any, **_: Any) -> None:
    request = _running.get(None)
    if request is not None:
        with unharmed("an order"):
            request.inseam.update(order=str(order.number)[:64], basket=None)


order_placed.connect(_order_placed, dispatch_uid="inseam_client")
