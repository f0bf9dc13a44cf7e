"""Who shops, and what is in the basket: the memory of the demo's commerce server. It is lost when the program ends.

The clock, ids and order numbers come in as arguments or from the store; nothing here knows a request.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from deploy.demo.catalogue import PRODUCTS, Product

MOST = 20
"""Of one product in one basket."""

VISITS = 5_000
"""Visits remembered; then the one that was away longest is forgotten. About 1 KB each."""

ORDERS = 50
"""Orders kept per shopper: everybody who tries the demo is the same Anna."""


@dataclass(slots=True)
class Basket:
    """How many of each product, by its number, in the order in which they were put in."""

    lines: dict[str, int] = field(default_factory=dict)
    rev: int = 0
    """Grows with every change."""

    def put(self, sku: str, quantity: int) -> None:
        """Let there be so many of a product, at most MOST; none removes it."""
        self.rev += 1
        if quantity > 0:
            self.lines[sku] = min(quantity, MOST)
        else:
            self.lines.pop(sku, None)

    def add(self, sku: str, quantity: int) -> None:
        """Put in so many more."""
        self.put(sku, self.lines.get(sku, 0) + quantity)

    def take(self, guest: Basket) -> int:
        """Move everything from a guest's basket into this one and return how many; a second time moves nothing."""
        moved = guest.count
        for sku, quantity in guest.lines.items():
            self.add(sku, quantity)
        guest.lines.clear()
        guest.rev += 1
        return moved

    @property
    def count(self) -> int:
        return sum(self.lines.values())

    @property
    def cents(self) -> int:
        return sum(product.cents * quantity for product, quantity in self)

    def __iter__(self) -> Iterator[tuple[Product, int]]:
        return ((PRODUCTS[sku], quantity) for sku, quantity in self.lines.items())


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes."""

    email: str
    name: str
    street: str
    postcode: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class Order:
    """What was bought. `placed` is in seconds since the epoch. Nothing of the card is kept: nothing was asked."""

    number: str
    placed: float
    lines: tuple[tuple[Product, int], ...]
    cents: int
    address: Address


@dataclass(slots=True)
class Customer:
    """Somebody with an account: the basket and the orders are the same on every device."""

    email: str
    name: str
    password: str
    address: Address
    basket: Basket = field(default_factory=Basket)
    orders: list[Order] = field(default_factory=list)


@dataclass(slots=True)
class Visit:
    """One browser: `id` is its cookie, `token` proves that a form is ours, `notice` is said once on the next page."""

    id: str
    token: str
    guest: Basket = field(default_factory=Basket)
    customer: Customer | None = None
    address: Address | None = None
    last_order: Order | None = None
    notice: str = ""

    @property
    def basket(self) -> Basket:
        return self.customer.basket if self.customer else self.guest

    def vouches_for(self, token: str) -> bool:
        """Whether a form with this token came from a page of this visit."""
        return hmac.compare_digest(self.token.encode(), token.encode("utf-8", "replace"))


def _anna() -> Customer:
    address = Address("anna@shop.test", "Anna Lind", "Lindenallee 7", "02763", "Zittau", "Germany")
    return Customer("anna@shop.test", "Anna", "anna", address)


class Shop:
    """All visits, customers and orders of one commerce server."""

    def __init__(self, new_id: Callable[[], str] = secrets.token_urlsafe, most: int = VISITS) -> None:
        self._new_id = new_id
        self._most = most
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._orders = 0
        anna = _anna()
        self.customers = {anna.email: anna}

    def visit(self, visit_id: str) -> Visit | None:
        """Return the visit with this id. An id that we did not give out is nobody's: it is never taken over."""
        visit = self._visits.get(visit_id)
        if visit is not None:
            self._visits.move_to_end(visit_id)
        return visit

    def begin(self) -> Visit:
        """Return a new visit."""
        visit = Visit(self._new_id(), self._new_id())
        self._visits[visit.id] = visit
        while len(self._visits) > self._most:
            self._visits.popitem(last=False)
        return visit

    def log_in(self, visit: Visit, email: str, password: str) -> bool:
        """Let a visit be a customer's, under a new id and with both baskets in one; False if the password is wrong."""
        customer = self.customers.get(email.strip().lower())
        known = (customer.password if customer else "").encode()
        if not hmac.compare_digest(known, password.encode("utf-8", "replace")) or customer is None:
            return False
        self._visits.pop(visit.id, None)  # whoever knew the id before the login knows nothing afterwards
        visit.id, visit.token = self._new_id(), self._new_id()
        self._visits[visit.id] = visit
        visit.customer, visit.address = customer, customer.address
        moved = customer.basket.take(visit.guest)
        visit.notice = f"Hello {customer.name}." + (" Your basket came along." if moved else "")
        return True

    def end(self, visit: Visit) -> None:
        """Forget a visit; the customer's basket and orders stay with the customer."""
        self._visits.pop(visit.id, None)

    def place_order(self, visit: Visit, address: Address, now: float) -> Order:
        """Turn the basket into an order and empty it. `now` is in seconds since the epoch."""
        self._orders += 1
        basket = visit.basket
        order = Order(f"SL-{10_000 + self._orders}", now, tuple(basket), basket.cents, address)
        basket.lines.clear()
        basket.rev += 1
        visit.last_order = order
        if visit.customer is not None:
            visit.customer.orders.insert(0, order)
            del visit.customer.orders[ORDERS:]
        return order
