"""Handing a session over to a site on a domain of its own: what stands behind a code, and what comes of it there.

Cookies do not cross domains, so a session goes over by a code, as in OAuth (RFC 6749, 4.1; the binding: RFC 7636):

    site   /.inseam/join            gives the browser a nonce, and sends it on with the nonce's hash
    shop   /.inseam/handoff         knows the visitor, puts a ticket under a code, and sends the browser back with it
    site   /.inseam/join?code=...   takes the ticket, in the browser with the nonce only, and begins a session

A code is of use once, for a minute, at one site, in the browser that asked for it. The id of the session that comes of
it is drawn when the code is made and stands in the ticket: should a store that has fallen apart give the ticket out on
both sides, the two are one session all the same. Beside the ticket lies a witness, which outlives it and tells which
session to end when the code comes again. REQUIREMENTS, 11, 31, 33, 43.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec

from sessions.cookie import LEEWAY
from sessions.errors import SessionError
from sessions.keys import KeyRing
from sessions.model import Session, noted
from sessions.record import Moved
from sessions.stores.port import key_of
from sessions.token import csrf, csrf_ok

LIFE: Final = 60
"""Seconds in which a code can be used: three redirects take one or two, on a bad mobile line ten. REQUIREMENTS, 31."""

WITNESS_LIFE: Final = 900
"""Seconds in which a code that comes again ends what came of it: logs and histories give codes away later than that
only to who has the browser, and with it the session."""

_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{22}")
"""128 bits: a nonce, or the first part of a code."""

_HASH: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class BadCode(SessionError):
    """A code that is of no use (here, now, in this browser, any more). To the visitor it is as if there were none."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands in the store behind a code. `created` in seconds since the epoch.

    `session` is the shop's, as it was; `new_id` will be the id of the one at `site` (an origin). `bind` is the hash of
    the nonce in the browser that asked. `homes` says which servers stand behind the names in the session's handles.
    """

    site: str
    bind: str
    created: int
    new_id: str
    session: Session
    homes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Witness:
    """What is remembered of a code beyond its use: the key of the session that comes of it."""

    created: int
    key: str


# --- codes and nonces -------------------------------------------------------------------------------------------------


def new_code(random: str, ring: KeyRing) -> str:
    """Return a code of 128 random bits (22 characters of base64url) with a signature.

    The signature does not make it safer, for a code counts only with its ticket. It spares the store: whoever makes up
    codes by the thousand is refused without a look there.
    """
    return random + csrf(f"handoff.{random}", ring)  # no session's id has a dot, so no form token is a code


def is_genuine(code: str, ring: KeyRing) -> bool:
    """Whether an edge with these keys has made the code, whatever has become of it."""
    random, signature = code[:22], code[22:]
    return bool(_RANDOM.fullmatch(random)) and csrf_ok(signature, f"handoff.{random}", ring)


def ticket_key(code: str) -> str:
    """Return the key of a code's ticket: who reads the store learns no code."""
    return key_of(f"handoff ticket {code}")


def witness_key(code: str) -> str:
    """Return the key of a code's witness."""
    return key_of(f"handoff witness {code}")


def is_nonce(text: str) -> bool:
    """Whether the text has the shape of a nonce."""
    return bool(_RANDOM.fullmatch(text))


def bind_of(nonce: str) -> str:
    """Return the hash that stands for a nonce where others see it: 43 characters."""
    return key_of(f"handoff nonce {nonce}")


def is_bind(text: str) -> bool:
    """Whether the text has the shape of a nonce's hash."""
    return bool(_HASH.fullmatch(text))


# --- giving and taking ------------------------------------------------------------------------------------------------


def worth_handing(session: Session) -> bool:
    """Whether there is anything to hand over."""
    return bool(session.login or session.basket or session.handles)


def check(ticket: Ticket, site: str, nonce: str, now: int) -> None:
    """Raise BadCode unless the ticket is for this site, this browser and this minute.

    The store forgets it in time, by a clock of its own; the check allows for two edges' clocks. REQUIREMENTS, 33, 46.
    """
    if ticket.site != site:
        raise BadCode(f"a code for {ticket.site} came to {site}", "site")
    if not hmac.compare_digest(ticket.bind, bind_of(nonce)):
        raise BadCode("a code came in another browser than the one that asked for it", "browser")
    if now - ticket.created > LIFE + LEEWAY:
        raise BadCode("a code came too late", "late")


def latest(session: Session, record: Session | Moved | None) -> Session:
    """Return the shop's session as it is now, by what the store has of it. Raises BadCode if it has ended meanwhile."""
    if isinstance(record, Moved):
        raise BadCode("the session has ended or moved on since the code was made", "ended")
    if record is None or record.id != session.id or record.rev < session.rev:
        return session
    return record


def arrived(
    theirs: Session, mine: Session | None, new_id: str, handles: Mapping[str, str], now: int, grace: int
) -> Session | None:
    """Return the session that begins at the site: the shop's, under an id of its own. None if the visitor keeps `mine`.

    `handles` are those of the shop's that are of use here. Ages are the shop's, so that no hand-off makes a login live
    longer. Nothing that the visitor has at the site gets lost: a login is kept where the shop knows of none; the basket
    of a guest is kept where the shop knows of another guest's, and meets the customer's like at any login.
    """
    if mine is not None and theirs.login is None and (mine.login is not None or _filled(mine)):
        return None
    if mine is not None and mine.login is not None and theirs.login is not None and mine.login.sub != theirs.login.sub:
        mine = None  # what another customer had is no business of who comes now
    fresh = Session(
        new_id, 1, theirs.created, now, theirs.login, theirs.login_at, theirs.basket, dict(handles),
        order=theirs.order, ended=theirs.ended, ended_rev=theirs.ended_rev, kin=theirs.kin,
    )  # fmt: skip
    if mine is not None:
        # What the site's systems know the visitor by goes together with their cookies in this browser.
        fresh = replace(fresh, handles={**handles, **mine.handles}, former=mine.id, former_until=now + grace)
        if mine.login is None and _filled(mine) and not _is_known(mine, theirs):
            fresh = replace(fresh, guest=mine.basket, guest_at=now)
        elif mine.login is not None and _is_newer(mine, theirs):
            fresh = replace(fresh, basket=mine.basket)
    return noted(fresh, "handoff@inseam")


def same_homes(handles: Mapping[str, str], there: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """Return the handles of systems that are the same at both ends: same name, same servers.

    What a system has left with the edge is for that system alone, and another edge may call another one by its name.
    """
    kept = {}
    for name, value in handles.items():
        system = name.partition("~")[0]  # under `system~cookie` stands a cookie of the system's
        if here.get(system) is not None and here.get(system) == there.get(system):
            kept[name] = value
    return kept


def _filled(session: Session) -> bool:
    return session.basket is not None and session.basket.count > 0


def _is_known(mine: Session, theirs: Session) -> bool:
    """Whether the shop has dealt with the basket of a guest: it came from there, and must not be merged twice."""
    basket = mine.basket
    assert basket is not None
    if not basket.id:
        return bool(mine.kin) and mine.kin == theirs.kin
    ids = [known.id for known in (theirs.basket, theirs.guest) if known is not None]
    return basket.id in ids or (basket.id == theirs.ended and basket.rev <= theirs.ended_rev)


def _is_newer(mine: Session, theirs: Session) -> bool:
    """Whether the site knows a later state of the very basket that the shop knows, or a basket where it knows none."""
    basket = mine.basket
    if basket is None:
        return False
    if theirs.basket is not None:
        return basket.id == theirs.basket.id and basket.rev > theirs.basket.rev
    return basket.id != theirs.ended or basket.rev > theirs.ended_rev


# --- as a store keeps them --------------------------------------------------------------------------------------------

_TICKET: Final = b"h1"
_WITNESS: Final = b"w1"
_ticket_decoder: Final = msgspec.msgpack.Decoder(Ticket)
_witness_decoder: Final = msgspec.msgpack.Decoder(Witness)

_Kind = TypeVar("_Kind")


def packed(one: Ticket | Witness) -> bytes:
    """Return a ticket or a witness as bytes."""
    return (_TICKET if isinstance(one, Ticket) else _WITNESS) + msgspec.msgpack.encode(one)


def read_ticket(data: bytes) -> Ticket:
    """Return the ticket. Raises BadCode for garbage and for another version's tickets. REQUIREMENTS, 45."""
    return _read(_TICKET, _ticket_decoder, data)


def read_witness(data: bytes) -> Witness:
    """Return the witness. Raises BadCode."""
    return _read(_WITNESS, _witness_decoder, data)


def _read(kind: bytes, decoder: msgspec.msgpack.Decoder[_Kind], data: bytes) -> _Kind:
    try:
        if data[:2] == kind:
            return decoder.decode(data[2:])
    except msgspec.MsgspecError:
        pass
    raise BadCode("the store has something else under a code", "spoiled")
