"""What a request carries, looked through on its way to a system that takes no payments. REQUIREMENTS, 27.

Only the fact is told: rule, system and request, in the log and in a counter; never a digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.cards import CardWatch, carries_card, is_form, is_text
from router.errors import CardNumber

if TYPE_CHECKING:
    from router.edge.request import Request


def watch_of(relay: Request) -> CardWatch | None:
    """Return what looks through the request's body; None if there is none, or none that can be read.

    Raises CardNumber if the query has one.
    """
    view = relay.view
    if view.query and carries_card(view.query.encode("latin-1", "replace")):
        raise _found(relay, "query")
    if not relay.has_body:
        return None
    if "content-encoding" in view.headers:
        relay.edge.ledger.event("bodies_unread")
        return None
    kind = view.headers.get("content-type") or ""
    return CardWatch(is_form(kind)) if is_text(kind) else None


def vetted(relay: Request, watch: CardWatch, data: bytes | None) -> bytes:
    """Return what may be passed on now that `data` has come, None for the end; refuse what has a card number."""
    passed = watch.end() if data is None else watch.feed(data)
    if watch.found and relay.unfinished:
        relay.refuse(_found(relay, "body"))
    return passed


def _found(relay: Request, where: str) -> CardNumber:
    error = CardNumber(f"a {where} with a card's number was kept from {relay.system_name}, which takes no payments")
    relay.edge.ledger.complain(relay, error)
    return error
