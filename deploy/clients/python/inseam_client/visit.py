"""`request.inseam`: what a page asks and what it says, in any framework. The middlewares put it there.

A token that cannot be believed is a guest to the page and a line in the log to the operator, never an error to the
visitor. What is never asked for is never read, and leaves the answer as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from .token import GUEST, BadToken, Client, Visitor

SESSION, UPDATE = "Inseam-Session", "Inseam-Update"
_log = logging.getLogger("inseam")


class Visit:
    """`request.inseam`: the visitor, read when first asked for, and what this system has to say of them.

    Every attribute of Visitor is one of this: `request.inseam.sub`. What is said changes nothing of what was read.
    """

    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(self, client: Client, token: str) -> None:
        self.client, self.token = client, token
        self.changes: dict[str, Any] = {}
        self.answered = False
        self._visitor: Visitor | None = None

    @property
    def visitor(self) -> Visitor:
        """The visitor; GUEST for one without a session and for a token that is refused."""
        if self._visitor is None:
            if self.answered:
                raise RuntimeError(
                    "the visitor is asked for too late, when the headers are gone, and a cache may keep the page: "
                    "ask before the answer begins (start_response, http.response.start)"
                )
            try:
                self._visitor = self.client.read(self.token, self.clock()) if self.token else GUEST
            except BadToken as bad:
                _log.warning("Inseam-Session refused (%s): the visitor is a guest here", bad.reason)
                self._visitor = GUEST
        return self._visitor

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.visitor, name)

    def update(self, **changes: Any) -> None:
        """Say what has changed: of sub, name, basket, order, handle, merged. One header tells it all, later wins.

        Raises ValueError for what an update cannot say.
        """
        if self.answered:
            raise RuntimeError("the headers are gone, so the edge cannot be told: say it before the answer begins")
        self.client.sign("s" * 22, {**self.changes, **changes}, self.clock())  # what cannot be said is told here
        self.changes.update(changes)

    def login(self, sub: object, name: str = "") -> None:
        """Say that a customer has logged in."""
        self.update(sub=str(sub), name=name)

    def logout(self) -> None:
        """Say that the customer has logged out."""
        self.changes.pop("name", None)
        self.update(sub=None)

    def set_basket(self, basket: Mapping[str, Any] | None) -> None:
        """Say what the basket is: id, rev, count, total, currency, lines [{sku, quantity}]; None for an empty one."""
        self.update(basket=basket)

    def order_placed(self, number: object) -> None:
        """Say that an order was placed, which empties the basket."""
        self.update(order=str(number))

    def set_handle(self, handle: str) -> None:
        """Leave a text of at most 512 bytes, which later tokens bring back; empty to take it away."""
        self.update(handle=handle)

    def headers(self, vary: str = "", cache_control: str = "") -> dict[str, str]:
        """Return the headers to set on the answer, given what it says so far: none if the visitor was not asked for."""
        found = {}
        if self.changes:
            found[UPDATE] = self.client.sign(self.visitor.sid, self.changes, self.clock())
        self.answered = True
        if self._visitor is not None:
            found["Vary"], found["Cache-Control"] = personal(vary, cache_control)
        return found


def personal(vary: str, cache_control: str) -> tuple[str, str]:
    """Return Vary and Cache-Control of a page that depends on the visitor: no cache that others use may keep it."""
    varies = [name.strip() for name in vary.split(",") if name.strip()]
    if "*" not in varies and SESSION.lower() not in (name.lower() for name in varies):
        varies.append(SESSION)
    said = [each.strip() for each in cache_control.split(",") if each.strip()]
    kept = [each for each in said if each.partition("=")[0].strip().lower() not in ("public", "private", "s-maxage")]
    return ", ".join(varies), ", ".join([*kept, "private"])
