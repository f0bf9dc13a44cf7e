"""Who is let in first when a system cannot take everybody. Pure.

Nobody with a basket is turned away before somebody without one, and the way to the till comes last. What counts as
buying is known before there is a basket: whoever puts the first article into one is buying.
"""

from __future__ import annotations

from typing import Final

from router.model import Visit

COPY: Final = 0
"""A mirror's copy: nobody waits for it."""

BROWSING: Final = 1
"""Looking around: pages and assets, by somebody without a basket and without a login."""

KNOWN: Final = 2
"""Somebody without a basket who has logged in, or asks for an account page or an API."""

CARRYING: Final = 3
"""Looking around with a basket."""

CLOSE: Final = 4
"""Account and API with a basket: logging in on the way to the till."""

BUYING: Final = 5
"""Basket and checkout."""

RANKS: Final = 6

NAMES: Final = ("copy", "browsing", "known", "carrying", "close", "buying")
"""By rank, as metrics say it."""


def rank_of(intent: str, visit: Visit) -> int:
    """Return the rank of a request."""
    if intent == "buy":
        return BUYING
    looking = intent not in ("account", "api")
    if visit.items > 0:
        return CARRYING if looking else CLOSE
    return BROWSING if looking and not visit.login else KNOWN
