"""What becomes of a session when a system tells of a change; and whether a shopper lost anything on the way.

Pure: sessions in, sessions out. Who may say what is decided here and nowhere else. The keeper stores what comes out,
the edge puts it on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sessions.model import (
    UNNUMBERED,
    UNSAID,
    Basket,
    Changes,
    Line,
    Login,
    Policy,
    Receipt,
    Session,
    Unsaid,
    join,
    noted,
    quantities,
)

NewId = Callable[[], str]
"""Makes an id of 128 random bits as base64url."""

Aspect = Literal["login", "basket", "order"]
"""What a system may have the authority for."""

OPAQUE: Final = "~"
"""What a customer's id begins with when a profile only saw that somebody had logged in, and could not tell who."""

RECEIPT_LIFE: Final = 3600
"""Seconds for which a receipt is shown, and in which a merge that commerce does later still gets one."""


MOST_COOKIE: Final = 1024
"""Characters of a cookie that is kept for a system; larger ones hold more than the id of a basket."""

MOST_COOKIES: Final = 16
"""Cookies kept in one session, should a system give each of them another name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some changes. `session` is None when there is nothing to keep, and was nothing before.

    `refused` are the aspects that the system had no authority for; `events` what happened, for the trail and counters:
    login, logout, customer, name, merge, basket, order, undone, handle, stale.
    """

    session: Session | None
    refused: tuple[Aspect, ...] = ()
    events: tuple[str, ...] = ()
    before: Session | None = field(default=None, compare=False)
    """What was changed: not always what the request came with, for somebody else may have been quicker."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.events) and self.events != ("stale",)


def begun(session_id: str, now: int) -> Session:
    """Return a session in which nothing has happened yet."""
    return Session(session_id, 0, now, now)


def apply(
    session: Session | None,
    changes: Changes,
    system: str,
    authority: frozenset[str],
    policy: Policy,
    now: int,
    new_id: NewId,
) -> Outcome:
    """Return what a visitor's session is after `system` said what has changed. Saying it twice is saying it once.

    The id changes at login, at logout and when another customer logs in; the revision grows by one.
    """
    allowed, refused = permitted(changes, authority)
    before = session if session is not None else begun(new_id(), now)
    after, events = before, []
    for step in (_login, _merge, _basket, _order, _undone, _handle):
        after, event = step(after, allowed, system, policy, now)
        if event:
            events.append(event)
    if session is None and not after.worth_keeping:
        return Outcome(None, refused)
    if not events or events == ["stale"]:
        return Outcome(session, refused, tuple(events))
    if {"login", "logout", "customer"} & set(events):
        after = replace(after, id=before.id if session is None else new_id())
        if "login" in events and session is not None:
            after = replace(after, former=before.id, former_until=now + policy.grace)
    for event in events:
        after = noted(after, f"{event}@{system}")
    return Outcome(replace(after, rev=before.rev + 1, renewed=now), refused, tuple(events), session)


def permitted(changes: Changes, authority: frozenset[str]) -> tuple[Changes, tuple[Aspect, ...]]:
    """Return what of the changes a system with this authority may say, and the aspects that it may not."""
    refused: list[Aspect] = []
    if not isinstance(changes.login, Unsaid) and "login" not in authority:
        changes = replace(changes, login=UNSAID)
        refused.append("login")
    about_basket = not isinstance(changes.basket, Unsaid) or changes.merged or changes.undone
    if about_basket and "basket" not in authority:
        changes = replace(changes, basket=UNSAID, merged="", undone="")
        refused.append("basket")
    if changes.order and "order" not in authority:
        changes = replace(changes, order="")
        refused.append("order")
    return changes, tuple(refused)


_Step = tuple[Session, str]


def _login(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    who, before = changes.login, session.login
    if isinstance(who, Unsaid) or who == before:
        return session, ""
    if who is None:
        # What a customer had is no business of who sits there next; a system that keeps the basket says so.
        return _without_customer(session, None, now), "logout"
    if before is None:
        return replace(session, login=who, login_at=now, guest=session.basket or session.guest, guest_at=now), "login"
    if before.sub == who.sub:
        return replace(session, login=who if who.name else before), "name" if who.name else ""
    if before.sub.startswith(OPAQUE) and not who.sub.startswith(OPAQUE):
        return replace(session, login=who), "name"  # somebody was logged in, and now it is known who
    return _without_customer(session, who, now), "customer"


def _without_customer(session: Session, login: Login | None, now: int) -> Session:
    return replace(session, login=login, login_at=now, basket=None, handles={}, former="", former_until=0, order="",
                   receipt=None, guest=None, undo="", kin="")  # fmt: skip


def _merge(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    told = changes.basket
    if isinstance(told, Unsaid) or changes.order or (told is not None and _is_old(told, session)):
        return session, ""  # what an order has emptied tells nothing of a merge
    met = _met(session, told, changes.merged, policy, now)
    return met, "merge" if met.receipt is not session.receipt else ""


def _basket(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    told, before = changes.basket, session.basket
    if isinstance(told, Unsaid):
        return session, ""
    if told is not None and _is_old(told, session):
        return session, "stale"  # answers overtake each other; what is older than what we know is no news
    if told == before or (told is not None and replace(told, lines=()) == before):
        return session, ""  # lines alone, which a cookie leaves out, are not worth a write: it may meet another's
    if told is None or (before is not None and told.id != before.id):
        session = _ended(session)
    return replace(session, basket=told), "basket"


def _is_old(told: Basket, session: Session) -> bool:
    """Whether this is of a time before what is known of that basket: of its last change, or of its end."""
    before = session.basket
    if before is not None and told.id == before.id:
        return 0 < told.rev < before.rev
    return told.id == session.ended and 0 < told.rev <= session.ended_rev


def _ended(session: Session) -> Session:
    basket = session.basket
    return session if basket is None else replace(session, ended=basket.id, ended_rev=basket.rev)


def _order(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    if not changes.order or (changes.order == session.order and changes.order != UNNUMBERED):
        return session, ""
    keeps = isinstance(changes.basket, Basket)  # the system tells of the basket that comes after the order
    if not keeps:
        session = replace(_ended(session), basket=None)
    ordered = replace(session, order=changes.order, receipt=None, guest=None, undo="")
    return ordered, "order" if ordered != session else ""


def _undone(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    if not changes.undone or session.receipt is None or session.receipt.id != changes.undone:
        return session, ""
    return replace(session, receipt=None, guest=None, undo=""), "undone"


def _handle(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    told = {f"{system}~{name}": value if len(value) <= MOST_COOKIE else "" for name, value in changes.cookies.items()}
    room = MOST_COOKIES - sum("~" in name for name in session.handles)
    new = [name for name, value in told.items() if value and name not in session.handles]
    for name in new[max(0, room) :]:
        del told[name]
    if not isinstance(changes.handle, Unsaid):
        told[system] = changes.handle
    handles = {name: value for name, value in {**session.handles, **told}.items() if value}
    if not told or handles == session.handles:
        return session, ""
    return replace(session, handles=handles), "handle"


# --- the guest's basket and the customer's ----------------------------------------------------------------------------


def _met(session: Session, told: Basket | None, merged: str, policy: Policy, now: int) -> Session:
    """Compare a customer's basket with what the guest had, and write the receipt.

    Shops may merge at the login or at the first page behind it that reads the basket, so this is asked with every
    basket that is told of until it can be answered; until then a receipt may still become a better one.
    """
    guest = session.guest
    if guest is None or session.login is None:
        return session
    if now - session.guest_at > RECEIPT_LIFE or not guest.count:
        return replace(session, guest=None)
    same = told is not None and bool(guest.id) and told.id == guest.id
    done = bool(merged) or same or (told is not None and _holds(told, guest))
    waits = not done and now - session.guest_at <= policy.grace
    before = session.receipt if session.receipt is not None and session.receipt.guest == guest.id else None
    if waits and before is None and guest.lines and (told is None or told.lines or not told.count):
        return session  # the system has not merged yet: its next token says what it should
    fresh = receipt(guest, told, now)
    if before is not None and _kept(before) >= _kept(fresh):
        fresh = before
    return replace(session, guest=guest if waits else None, receipt=fresh)


def _kept(told: Receipt) -> tuple[int, int]:
    """Return how good a receipt is."""
    return ("refused", "capped", "merged").index(told.outcome), sum(kept for _, _, kept in told.lines)


def _holds(told: Basket, guest: Basket) -> bool:
    """Whether all that the guest had is in the basket."""
    if guest.lines and told.lines:
        have = quantities(told.lines)
        return all(have.get(sku, 0) >= quantity for sku, quantity in quantities(guest.lines).items())
    return told.count >= guest.count


def receipt(guest: Basket, after: Basket | None, now: int) -> Receipt:
    """Return what became of a guest's basket, told from the customer's basket behind it."""
    lines: tuple[tuple[str, int, int], ...] = ()
    if guest.lines and (after is None or after.lines or not after.count):
        have = quantities(after.lines) if after is not None else {}
        lines = tuple((sku, want, min(want, have.get(sku, 0))) for sku, want in quantities(guest.lines).items())
        kept, wanted = sum(line[2] for line in lines), sum(line[1] for line in lines)
    else:
        wanted = guest.count
        kept = min(wanted, after.count) if after is not None else 0
    outcome: Literal["merged", "capped", "refused"] = "merged" if kept >= wanted else "capped" if kept else "refused"
    return Receipt(guest.id, now, guest.id, after.id if after is not None else "", outcome, lines)


def undo_asked(session: Session, now: int) -> Session | None:
    """Return the session in which the customer wants the last merge undone; None where there is none to undo."""
    told = fresh_receipt(session, now)
    if told is None or session.undo == told.id or not any(kept for _, _, kept in told.lines):
        return None
    return noted(replace(session, undo=told.id, rev=session.rev + 1), "undo@inseam")


def merge_claims(session: Session, policy: Policy, now: int) -> dict[str, object]:
    """Return what commerce should do about baskets: join a guest's with the customer's, or take the guest's out again.

    Only where it has not done so by itself; it tells that it has by `merged` and `undone`.
    """
    said: dict[str, object] = {}
    wanted = wanted_lines(session, policy) if now - session.guest_at <= RECEIPT_LIFE else ()
    if wanted and session.guest is not None:
        said["merge"] = {"guest": session.guest.id, "lines": [_line_claims(line) for line in wanted]}
    if session.undo and session.receipt is not None and session.receipt.id == session.undo:
        guest = [{"sku": sku, "quantity": kept} for sku, _, kept in session.receipt.lines if kept]
        said["undo"] = {"receipt": session.undo, "lines": guest}
    return said


def _line_claims(line: Line) -> dict[str, object]:
    return {"sku": line.sku, "quantity": line.quantity}


def wanted_lines(session: Session, policy: Policy) -> tuple[Line, ...]:
    """Return the lines that the customer's basket should have after the merge; nothing when no merge is open."""
    guest, basket = session.guest, session.basket
    if guest is None or session.login is None or not guest.lines:
        return ()
    if basket is None:
        return join(guest.lines, (), policy)
    if basket.id == guest.id or (basket.count and not basket.lines):
        return ()
    if session.receipt is not None and session.receipt.guest == guest.id:
        return ()  # it has merged something by itself
    return join(guest.lines, basket.lines, policy)


# --- continuity -------------------------------------------------------------------------------------------------------

Kind = Literal["login", "basket"]


def carried(session: Session) -> tuple[Kind, ...]:
    """Return what a crossing of this session hands over."""
    kinds: list[Kind] = []
    if session.login is not None:
        kinds.append("login")
    if session.basket is not None and session.basket.count:
        kinds.append("basket")
    return tuple(kinds)


def public_view(session: Session | None, now: int) -> dict[str, object]:
    """Return what a page's script may know: no ids."""
    login = session.login if session is not None else None
    basket = session.basket if session is not None else None
    told = fresh_receipt(session, now)
    return {
        "login": login is not None,
        "name": login.name or None if login is not None else None,
        "basket": {
            "count": basket.count if basket is not None else 0,
            "total": basket.total or None if basket is not None else None,
            "currency": basket.currency or None if basket is not None else None,
        },
        "receipt": receipt_claims(told) if told is not None else None,
    }


def fresh_receipt(session: Session | None, now: int) -> Receipt | None:
    """Return the receipt that is still to be shown."""
    if session is None or session.receipt is None or now - session.receipt.at > RECEIPT_LIFE:
        return None
    return session.receipt


def receipt_claims(told: Receipt) -> dict[str, object]:
    """Return a receipt as tokens and scripts have it."""
    return {
        "id": told.id,
        "at": told.at,
        "outcome": told.outcome,
        "lines": [{"sku": sku, "wanted": wanted, "kept": kept} for sku, wanted, kept in told.lines],
    }
