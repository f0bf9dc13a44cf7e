"""A session as a store keeps it: everything, where the cookie holds only what must not be lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from sessions.model import Session

_SESSION: Final = b"s1"
_MOVED: Final = b"m1"
"""What a record begins with: its kind, and the version of its form."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What stands under an id that is not in use any more: the visitor has another since a login or a logout.

    Until `until` (seconds since the epoch) requests that were on their way still are a guest's with `session`; then
    the id stands for nobody. None after a logout: it stands for nobody at once.
    """

    until: int
    session: Session | None


_session_decoder: Final = msgspec.msgpack.Decoder(Session)
_moved_decoder: Final = msgspec.msgpack.Decoder(Moved)


def packed(record: Session | Moved) -> bytes:
    """Return a record as bytes."""
    return (_MOVED if isinstance(record, Moved) else _SESSION) + msgspec.msgpack.encode(record)


def unpacked(data: bytes) -> Session | Moved | None:
    """Return what the bytes say; None for garbage and for another version's records. REQUIREMENTS, 45."""
    try:
        if data[:2] == _SESSION:
            return _session_decoder.decode(data[2:])
        if data[:2] == _MOVED:
            return _moved_decoder.decode(data[2:])
    except (msgspec.MsgspecError, ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        pass
    return None


def filled(session: Session, older: Session) -> Session:
    """Return the session of a cookie with what only a store has room for, as an earlier state of it has that.

    Only what still holds: the lines of the same basket, and what became of a guest's unless there was an order since.
    """
    if _customer(session) != _customer(older):
        return session
    basket = session.basket
    if basket is not None and older.basket is not None and replace(older.basket, lines=()) == basket:
        basket = older.basket
    session = replace(
        session, basket=basket, trail=older.trail, ended=older.ended, ended_rev=older.ended_rev,
        kin=session.kin or older.kin,
    )  # fmt: skip
    if session.order != older.order:
        return session
    return replace(session, guest=older.guest, guest_at=older.guest_at, receipt=older.receipt, undo=older.undo)


def _customer(session: Session) -> str:
    return session.login.sub if session.login is not None else ""


def newest_of(cookies: Session, known: Session | None, stored: Session | None) -> Session:
    """Return the latest state of a session: as its cookie has it, as a worker knows it, and as the store has it."""
    newest = known if known is not None and known.rev >= cookies.rev else cookies
    if stored is not None and stored.rev >= newest.rev:
        return stored
    fuller = known if known is not None else stored
    return filled(newest, fuller) if newest is cookies and fuller is not None else newest
