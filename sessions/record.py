"""A session as a store keeps it: everything, where the cookie holds only what must not be lost."""

from __future__ import annotations

from dataclasses import dataclass
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
    except msgspec.MsgspecError:
        pass
    return None
