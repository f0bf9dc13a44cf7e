"""What commerce knows, on disk: sessions, baskets, customers, orders. A commerce that is killed loses nothing of it.

A session's id changes at login and at logout, as it should; what was under the old one is gone. A guest's basket joins
the customer's at login: quantities are added, and the guest's basket is no more.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

SCHEMA = """
create table if not exists session  (id text primary key, customer text, basket text);
create table if not exists basket   (id text primary key, rev int not null);
create table if not exists line     (basket text, sku text, quantity int, primary key (basket, sku));
create table if not exists customer (sub text primary key, basket text);
create table if not exists placed   (number text primary key, customer text, basket text);
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A session of commerce's own; `customer` and `basket` are empty for a guest without one."""

    id: str
    customer: str = ""
    basket: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A basket as it is now."""

    id: str
    rev: int
    lines: dict[str, int]

    @property
    def count(self) -> int:
        return sum(self.lines.values())


NOTHING = Held("", 0, {})
NOBODY = Visit("")


class Ledger:
    """The tables, by what commerce does with them. Each method is one transaction."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=off")  # a killed process loses nothing by it, only a machine without power
        self.db.executescript(SCHEMA)

    @contextmanager
    def _together(self) -> Iterator[None]:
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def visit(self, session: str) -> Visit | None:
        """Return a session by the id in its cookie; None for one that is not, or no longer."""
        row = self.db.execute("select id, customer, basket from session where id = ?", (session,)).fetchone()
        return Visit(*row) if row else None

    def begin(self, shopper: str, basket: str = "") -> Visit:
        """Open a session for a guest, who may have a basket already."""
        visit = Visit(f"shop-{shopper}-{secrets.token_hex(6)}", basket=basket)
        self._keep(visit)
        return visit

    def _keep(self, visit: Visit) -> None:
        row = (visit.id, visit.customer, visit.basket)
        self.db.execute("insert or replace into session values (?, ?, ?)", row)

    def basket_of(self, visit: Visit, customer: str) -> str:
        """Return the id of the basket that counts: the customer's, or the guest's; empty for none."""
        if not customer:
            return visit.basket
        row = self.db.execute("select basket from customer where sub = ?", (customer,)).fetchone()
        return str(row[0]) if row else ""

    def is_a_guests(self, basket: str) -> bool:
        """Whether a basket is open and no customer's."""
        row = self.db.execute(
            "select 1 from basket where id = ?1 and not exists (select 1 from customer where basket = ?1)"
            " and not exists (select 1 from placed where basket = ?1)",
            (basket,),
        ).fetchone()
        return row is not None

    def held(self, basket: str) -> Held:
        """Return what is in a basket."""
        row = self.db.execute("select rev from basket where id = ?", (basket,)).fetchone()
        lines = dict(self.db.execute("select sku, quantity from line where basket = ?", (basket,)))
        return Held(basket, row[0], lines) if row else NOTHING

    def _new_basket(self, shopper: str) -> str:
        name = f"b{shopper}-{secrets.token_hex(4)}"
        self.db.execute("insert into basket values (?, 0)", (name,))
        return name

    def _put(self, basket: str, lines: dict[str, int]) -> None:
        self.db.executemany(
            "insert into line values (?, ?, ?) on conflict do update set quantity = quantity + excluded.quantity",
            [(basket, sku, quantity) for sku, quantity in lines.items()],
        )
        self.db.execute("update basket set rev = rev + 1 where id = ?", (basket,))

    def add(self, visit: Visit, customer: str, shopper: str, sku: str, quantity: int) -> Visit:
        """Put an article in the basket that counts, which is begun if there is none."""
        with self._together():
            basket = self.basket_of(visit, customer)
            if not basket:
                basket = self._new_basket(shopper)
                if customer:
                    self.db.execute("insert or replace into customer values (?, ?)", (customer, basket))
                else:
                    self.db.execute("update session set basket = ? where id = ?", (basket, visit.id))
                    visit = replace(visit, basket=basket)
            self._put(basket, {sku: quantity})
        return visit

    def join(self, visit: Visit, customer: str, shopper: str) -> tuple[Visit, str]:
        """Put what the guest has into the customer's basket; return the guest's basket's id if there was one."""
        with self._together():
            guest = self.visit(visit.id)
            if guest is None or not guest.basket:  # another request of the same session was first
                return replace(visit, basket=""), ""
            held = self.held(guest.basket)
            basket = self.basket_of(guest, customer) or self._new_basket(shopper)
            self.db.execute("insert or replace into customer values (?, ?)", (customer, basket))
            self._put(basket, held.lines)
            self._forget_basket(guest.basket)
            self.db.execute("update session set basket = '' where id = ?", (visit.id,))
        return replace(visit, basket=""), guest.basket

    def _forget_basket(self, basket: str) -> None:
        self.db.execute("delete from line where basket = ?", (basket,))
        self.db.execute("delete from basket where id = ?", (basket,))

    def login(self, visit: Visit, customer: str, shopper: str) -> tuple[Visit, str]:
        """Log a customer in; return the session under its new id, and the guest's basket that was joined."""
        visit, joined = self.join(visit, customer, shopper)
        with self._together():
            fresh = replace(self.begin(shopper), customer=customer)
            self._keep(fresh)
            self.db.execute("delete from session where id = ?", (visit.id,))
        return fresh, joined

    def logout(self, visit: Visit, shopper: str) -> Visit:
        """End a session; return the guest's session that takes its place."""
        with self._together():
            self.db.execute("delete from session where id = ?", (visit.id,))
            return self.begin(shopper)

    def order(self, visit: Visit, customer: str, shopper: str) -> tuple[Visit, str]:
        """Place an order of what is in the basket; return its number, empty where there was nothing to order."""
        with self._together():
            basket = self.basket_of(visit, customer)
            if not self.held(basket).lines:
                return visit, ""
            number = f"o{shopper}-{secrets.token_hex(4)}"
            self.db.execute("insert into placed values (?, ?, ?)", (number, customer, basket))
            if customer:
                self.db.execute("update customer set basket = '' where sub = ?", (customer,))
            else:
                self.db.execute("update session set basket = '' where id = ?", (visit.id,))
                visit = replace(visit, basket="")
        return visit, number

    def of_customer(self, customer: str) -> Held:
        """Return the customer's basket, whoever asks: for whoever checks the shop from behind."""
        return self.held(self.basket_of(NOBODY, customer))
