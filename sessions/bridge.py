"""What becomes of a session when a system tells of a change; and whether a shopper lost anything on the way.

Pure: sessions in, sessions out. Who may say what is decided here and nowhere else. The keeper stores what comes out,
the edge puts it on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from sessions.model import (
    UNNUMBERED,
    UNSAID,
    Basket,
    Changes,
    Line,
    Policy,
    Receipt,
    Session,
    Unsaid,
    join,
    noted,
)

NewId = Callable[[], str]
"""Makes an id of 128 random bits as base64url."""

Aspect = Literal["login", "basket", "order"]
"""What a system may have the authority for."""

OPAQUE: Final = "~"
"""What a customer's id begins with when a profile only saw that somebody had logged in, and could not tell who."""

RECEIPT_LIFE: Final = 3600
"""Seconds for which a receipt is shown, and in which a merge that commerce does later still gets one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some changes. `session` is None when there is nothing to keep, and was nothing before.

    `refused` are the aspects that the system had no authority for; `events` what happened, for the trail and counters:
    login, logout, customer, basket, order, handle, merge, stale.
    """

    session: Session | None
    refused: tuple[Aspect, ...] = ()
    events: tuple[str, ...] = ()

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
    for step in (_login, _basket, _order, _undone, _handle):
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
    return Outcome(replace(after, rev=before.rev + 1, renewed=now), refused, tuple(events))


def permitted(changes: Changes, authority: frozenset[str]) -> tuple[Changes, tuple[Aspect, ...]]:
    """Return what of the changes a system with this authority may say, and the aspects that it may not."""
    refused: list[Aspect] = []
    if not isinstance(changes.login, Unsaid) and "login" not in authority:
        changes = replace(changes, login=UNSAID)
        refused.append("login")
    if not isinstance(changes.basket, Unsaid) and "basket" not in authority:
        changes = replace(changes, basket=UNSAID)
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
        gone = replace(session, login=None, login_at=now, basket=None, handles={}, former="", former_until=0,
                       receipt=None, guest=None, undo="", kin="")  # fmt: skip
        return gone, "logout"
    if before is None:
        return replace(session, login=who, login_at=now, guest=session.basket or session.guest, guest_at=now), "login"
    if before.sub == who.sub:
        return replace(session, login=who if who.name else before), "name" if who.name else ""
    if before.sub.startswith(OPAQUE) and not who.sub.startswith(OPAQUE):
        return replace(session, login=who), "name"  # somebody was logged in, and now it is known who
    other = replace(session, login=who, login_at=now, basket=None, handles={}, former="", former_until=0,
                    receipt=None, guest=None, undo="", kin="")  # fmt: skip
    return other, "customer"


def _basket(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    told, before = changes.basket, session.basket
    if isinstance(told, Unsaid):
        return session, ""
    if told is not None and _is_old(told, session):
        return session, "stale"  # answers overtake each other; what is older than what we know is no news
    session = _met(session, told, changes.merged, policy, now)
    if told == before:
        return session, "merge" if session.receipt is not None and session.receipt.at == now else ""
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
    return replace(session, order=changes.order, receipt=None, guest=None), "order"


def _undone(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    if not changes.undone or session.receipt is None or session.receipt.id != changes.undone:
        return session, ""
    return replace(session, receipt=None, undo=""), "undone"


def _handle(session: Session, changes: Changes, system: str, policy: Policy, now: int) -> _Step:
    told = {f"{system}~{name}": value for name, value in changes.cookies.items()}
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
    basket that is told of until it can be answered.
    """
    guest = session.guest
    if guest is None or session.login is None:
        return session
    if now - session.guest_at > RECEIPT_LIFE or not guest.count:
        return replace(session, guest=None)
    if told is not None and guest.id not in (told.id, merged) and not _holds(told, guest):
        waits = told.lines and guest.lines
        if waits and not merged and now - session.guest_at <= policy.grace:
            return session  # the system has not merged yet: its next token says what it should
    return replace(session, guest=None, receipt=receipt(guest, told, now))


def _holds(told: Basket, guest: Basket) -> bool:
    """Whether all that the guest had is in the basket."""
    if guest.lines and told.lines:
        have = _quantities(told.lines)
        return all(have.get(sku, 0) >= quantity for sku, quantity in _quantities(guest.lines).items())
    return told.count >= guest.count


def receipt(guest: Basket, after: Basket | None, now: int) -> Receipt:
    """Return what became of a guest's basket, told from the customer's basket behind it."""
    lines: tuple[tuple[str, int, int], ...] = ()
    if guest.lines and (after is None or after.lines):
        have = _quantities(after.lines) if after is not None else {}
        lines = tuple((sku, want, min(want, have.get(sku, 0))) for sku, want in _quantities(guest.lines).items())
        kept, wanted = sum(line[2] for line in lines), sum(line[1] for line in lines)
    else:
        wanted = guest.count
        kept = min(wanted, after.count) if after is not None else 0
    outcome: Literal["merged", "capped", "refused"] = "merged" if kept >= wanted else "capped" if kept else "refused"
    return Receipt(guest.id, now, guest.id, after.id if after is not None else "", outcome, lines)


def undo_asked(session: Session, now: int) -> Session | None:
    """Return the session in which the customer wants the last merge undone; None where there is none to undo."""
    told = fresh_receipt(session, now)
    if told is None or session.undo == told.id or not told.lines:
        return None
    return noted(replace(session, undo=told.id, rev=session.rev + 1), "undo@inseam")


def merge_claims(session: Session, policy: Policy) -> dict[str, object]:
    """Return what commerce should do about baskets: join a guest's with the customer's, or take the guest's out again.

    Only where it has not done so by itself; it tells that it has by `merged` and `undone`.
    """
    said: dict[str, object] = {}
    wanted = wanted_lines(session, policy)
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
    if guest is None or session.login is None or not guest.lines or basket is None or basket.id == guest.id:
        return ()
    return join(guest.lines, basket.lines, policy).lines


def _quantities(lines: tuple[Line, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        found[line.sku] = found.get(line.sku, 0) + line.quantity
    return found


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


def lost(before: Session, after: Session | None, explained: bool) -> tuple[Kind, ...]:
    """Return what was there before and is not there after, unless what happened in between explains it."""
    if explained:
        return ()
    now = carried(after) if after is not None else ()
    return tuple(kind for kind in carried(before) if kind not in now)


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
