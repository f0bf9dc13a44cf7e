"""The session cookie: all of a session that must survive the loss of every store, in at most 1,000 signed bytes.

What is in it: id, revision, times, login, the basket's id, revision, count and total, the systems' handles, the number
of the last order. What is not, because only a store has room for it: the basket's lines, a merge that is under way, its
receipt, the trail.

    value = base64url(msgpack array) "." base64url(HMAC-SHA256), by itsdangerous with the ring's list of keys

Whoever has the value is the visitor, so it goes to nobody but the browser: HttpOnly, and never to a system.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

import msgspec
from itsdangerous import BadSignature

from sessions.errors import ExpiredSession, ForgedCookie, MalformedCookie
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Session

MOST_VALUE: Final = 1000
"""Bytes of a cookie's value: with name and attributes it stays below 1 KB. REQUIREMENTS, 17."""

LEEWAY: Final = 60
"""Seconds that two edges' clocks may differ. REQUIREMENTS, 46."""

_SIGNATURE: Final = 44
"""Characters: a dot and 256 bits as base64url."""

_MOST_PACKED: Final = (MOST_VALUE - _SIGNATURE) * 3 // 4

# The last character of 256 bits has two bits to spare; where they are not zero the value is another spelling of a good
# one, and one spelling is enough for a cache and for whoever looks for tampering.
_SHAPE: Final = re.compile(rb"[A-Za-z0-9_-]{4,%d}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]" % (MOST_VALUE - _SIGNATURE))


def cookie_name(secure: bool, login: bool = False) -> str:
    """Return the name of the cookie; `secure` is whether the visitor came by https.

    While somebody is logged in it is another one: a page that was asked for before a login and comes behind it brings
    the guest's cookie of before, and must not take the place of the customer's. Browsers keep what comes last.
    """
    name = "inseam-login" if login else "inseam"
    return f"__Host-{name}" if secure else name


def seal(session: Session, ring: KeyRing) -> bytes:
    """Return the cookie's value, at most MOST_VALUE bytes, signed with the current key.

    What does not fit is left out, the least missed first: handles (the longest first), the name to greet with, the last
    order. Customer and basket are always in it, as is everything that `read_*` of the model lets through.
    """
    return ring.signer.sign(urlsafe_b64encode(_packed(session)).rstrip(b"="))


def unseal(value: bytes, ring: KeyRing, now: int) -> Session:
    """Return the session of a cookie's value; `now` in seconds since the epoch.

    Raises MalformedCookie for what has not the shape of one, before any cryptography, and ForgedCookie for one that no
    accepted key has signed. Whether it is too old is another question: `check_age`.
    """
    if len(value) > MOST_VALUE:
        raise MalformedCookie(f"a session cookie of {len(value)} bytes")
    if not _SHAPE.fullmatch(value):
        raise MalformedCookie("a session cookie of another shape")
    try:
        text = ring.signer.unsign(value)
    except BadSignature:
        raise ForgedCookie("a session cookie that no accepted key has signed") from None
    try:
        return _DECODER.decode(urlsafe_b64decode(text + b"=" * (-len(text) % 4))).session(now)
    except (ValueError, msgspec.MsgspecError):  # signed by us, so it is of another version of this program
        raise MalformedCookie("a session cookie of another version") from None


def check_age(session: Session, policy: Policy, now: int) -> None:
    """Raise ExpiredSession if its idle or absolute time is over. REQUIREMENTS, 13."""
    if now - session.renewed > policy.idle + LEEWAY:
        raise ExpiredSession("the session's idle time is over")
    if now - session.created > policy.absolute + LEEWAY:
        raise ExpiredSession("the session's absolute time is over")


def set_cookie(value: bytes, secure: bool, life: int, login: bool = False) -> bytes:
    """Return the value of a Set-Cookie line; `life` in seconds. REQUIREMENTS, 16."""
    name = cookie_name(secure, login).encode("ascii")
    line = b"%b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax" % (name, value, life)
    return line + b"; Secure" if secure else line


def delete_cookie(secure: bool, login: bool = False) -> bytes:
    """Return the value of a Set-Cookie line that takes the cookie away."""
    return set_cookie(b"", secure, 0, login)


# --- what is signed ---------------------------------------------------------------------------------------------------


class _Sealed(msgspec.Struct, array_like=True):
    """The fields in their order: new ones go to the end, with a default, so that both versions read both."""

    version: int
    id: str
    rev: int
    created: int
    renewed: int
    login_at: int = 0
    sub: str = ""
    name: str = ""
    basket: tuple[str, int, int, str, str] | None = None
    handles: dict[str, str] = {}
    former: str = ""
    former_until: int = 0
    order: str = ""
    dense: bytes = b""
    """The customer and the basket's id, a line each, where they had to be written densely."""
    kin: str = ""

    def session(self, now: int) -> Session:
        if self.version != _VERSION:
            raise ValueError
        sub, _, basket_id = _text(self.dense).partition("\n")
        basket = None
        if self.basket is not None:
            name, rev, count, total, currency = self.basket
            basket = Basket(name or basket_id, rev, count, total, currency)
        graced = self.former_until > now
        return Session(
            id=self.id,
            rev=self.rev,
            created=self.created,
            renewed=self.renewed,
            login=Login(self.sub or sub, self.name) if self.sub or sub else None,
            login_at=self.login_at,
            basket=basket,
            handles=self.handles,
            former=self.former if graced else "",
            former_until=self.former_until if graced else 0,
            order=self.order,
            kin=self.kin,
        )


_VERSION: Final = 1
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Sealed)


def _packed(session: Session) -> bytes:
    """Return the session as msgpack, of at most _MOST_PACKED bytes."""
    login, basket = session.login, session.basket
    sealed = _Sealed(
        _VERSION,
        session.id,
        session.rev,
        session.created,
        session.renewed,
        session.login_at,
        login.sub if login is not None else "",
        login.name if login is not None else "",
        (basket.id, basket.rev, basket.count, basket.total, basket.currency) if basket is not None else None,
        dict(session.handles),
        session.former,
        session.former_until,
        session.order,
        kin=session.kin,
    )
    packed = _ENCODER.encode(sealed)
    if len(packed) <= _MOST_PACKED:
        return packed
    for handles in _fewer(session.handles):
        sealed.handles = handles
        packed = _ENCODER.encode(sealed)
        if len(packed) <= _MOST_PACKED:
            return packed
    sealed.name = ""
    packed = _ENCODER.encode(sealed)
    if len(packed) <= _MOST_PACKED:
        return packed
    sealed.order = sealed.kin = ""
    packed = _ENCODER.encode(sealed)
    if len(packed) <= _MOST_PACKED:
        return packed
    sealed.dense = _dense(f"{sealed.sub}\n{basket.id if basket is not None else ''}")
    sealed.sub = ""
    if basket is not None:
        sealed.basket = ("", basket.rev, basket.count, basket.total, basket.currency)
    return _ENCODER.encode(sealed)


def _fewer(handles: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the handles without the longest one, without the longest two, and so on to none."""
    by_length = sorted(handles, key=lambda system: len(handles[system]))
    return [{system: handles[system] for system in by_length[:keep]} for keep in range(len(by_length) - 1, -1, -1)]


# 128 characters beyond the Basic Multilingual Plane and a basket's 64 are 768 bytes of UTF-8, more than there is room
# for; a code point needs 21 bits, which makes it 504. No shop has such ids, but nobody is to lose a basket by them.


def _dense(text: str) -> bytes:
    """Return a text as the digits of a number to the base 2**21, with a 1 in front."""
    number = 1
    for letter in text:
        number = number << 21 | ord(letter)
    return number.to_bytes((number.bit_length() + 7) // 8)


def _text(dense: bytes) -> str:
    """Return the text that was written densely; nothing for nothing. Raises ValueError."""
    number = int.from_bytes(dense)
    letters = []
    while number > 1:
        letters.append(chr(number & 0x1FFFFF))
        number >>= 21
    return "".join(reversed(letters))
