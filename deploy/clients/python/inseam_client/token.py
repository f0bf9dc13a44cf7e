"""What the edge says of a visitor, read; what this system says back, signed. The clock is an argument.

The rules are those of docs/contract.md of Inseam, and the vectors beside this folder hold them.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from .keys import ALGORITHMS, Keys, UpdateKey

MOST_TOKEN = 4096
"""Characters of a token, either way; more is refused unread."""
MOST_LIFE, LEEWAY = 300, 60
"""Seconds between iat and exp, and by which two clocks may differ."""
UPDATE_LIFE = 60
"""Seconds for which an update of ours is good: it is read at once."""
MOST_HANDLE = 512

_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_jws = PyJWS()


class BadToken(Exception):
    """A token that cannot be believed. `reason` is one word for counters; the visitor is a guest whatever it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _object(said: bytes) -> dict[str, Any]:
    """Return the JSON object, in which no name may stand twice: two readers could take two different values."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice")
        return found

    def refused(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        found = json.loads(said.decode(), object_pairs_hook=once, parse_constant=refused)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text that a page could show
    except (ValueError, RecursionError):
        raise BadToken("malformed") from None
    if not isinstance(found, dict):
        raise BadToken("malformed")
    return found


def _raw(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise BadToken("malformed") from None


def head_of(token: str) -> dict[str, Any]:
    """Return the head of a token, of which nothing is believed yet. Raises BadToken."""
    if len(token) > MOST_TOKEN:
        raise BadToken("oversized")
    if not _SHAPE.fullmatch(token):
        raise BadToken("malformed")
    return _object(_raw(token.partition(".")[0]))


def read_claims(
    token: str, keys: Keys, *, issuer: str, audience: str, typ: tuple[str, ...], now: float
) -> dict[str, Any]:
    """Return the claims of a token that is believed. `now` in seconds since the epoch. Raises BadToken. RFC 8725.

    The key decides the algorithm; what the token's head says of it is compared, never obeyed.
    """
    head = head_of(token)
    if head.get("alg") not in ALGORITHMS.values():
        raise BadToken("alg")
    if str(head.get("typ", "")).lower() not in typ:
        raise BadToken("typ")
    if "crit" in head or "b64" in head:
        raise BadToken("malformed")  # it demands what we do not know: RFC 7515, 4.1.11
    kid = head.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise BadToken("kid")
    if head.get("alg") != key.algorithm_name:
        raise BadToken("alg")
    try:
        payload = _jws.decode_complete(token, key, algorithms=[key.algorithm_name])["payload"]
    except (PyJWTError, ValueError):
        raise BadToken("forged") from None
    claims = _object(payload)
    if claims.get("iss") != issuer:
        raise BadToken("issuer")
    if claims.get("aud") != audience:
        raise BadToken("audience")
    begun, over = _time(claims, "iat"), _time(claims, "exp")
    begins = _time(claims, "nbf") if "nbf" in claims else begun
    if not 0 < over - begun <= MOST_LIFE:
        raise BadToken("life")
    if max(begun, begins) > now + LEEWAY:
        raise BadToken("not_yet")
    if over <= now - LEEWAY:
        raise BadToken("expired")
    return claims


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadToken("malformed")
    return value


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket as commerce told of it; `count` is 0 and `id` empty where there is none. `total` is decimal text."""

    id: str = ""
    rev: int = 0
    count: int = 0
    total: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the edge says of a visitor. `sub` is the customer's id, empty for a guest; `sid` is empty for a plain visit.

    `handle` is what this system left for itself, `order` the number of the order placed last, while that is fresh.
    """

    sid: str = ""
    sub: str = ""
    name: str = ""
    basket: Basket = Basket()
    language: str = ""
    country: str = ""
    device: str = ""
    handle: str = ""
    order: str = ""
    receipt: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether the visitor has a session at the edge."""
        return bool(self.sid)

    @property
    def logged_in(self) -> bool:
        return bool(self.sub)


GUEST = Visitor()


def visitor_of(claims: Mapping[str, Any]) -> Visitor:
    """Return the visitor that believed claims tell of. Raises BadToken."""
    if not isinstance(claims.get("sid"), str) or not claims["sid"]:
        raise BadToken("sid")
    basket, ctx = _part(claims, "basket"), _part(claims, "ctx")
    return Visitor(
        **{name: _text(claims, name) for name in ("sid", "sub", "name", "handle", "order")},
        **{name: _text(ctx, name) for name in ("language", "country", "device")},
        basket=Basket(
            _text(basket, "id"),
            _number(basket, "rev"),
            _number(basket, "count"),
            _text(basket, "total"),
            _text(basket, "currency"),
        ),
        receipt=_part(claims, "receipt") or None,
        claims=claims,
    )


def _part(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _of(Mapping, claims, name, {})  # type: ignore[type-abstract]


def _text(claims: Mapping[str, Any], name: str) -> str:
    return _of(str, claims, name, "")


def _number(claims: Mapping[str, Any], name: str) -> int:
    return _of(int, claims, name, 0)


T = TypeVar("T")


def _of(kind: type[T], claims: Mapping[str, Any], name: str, missing: T) -> T:
    """Return a claim of that kind, `missing` for null and for one that is not there. Raises BadToken."""
    value = claims.get(name)
    if value is None:
        return missing
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadToken("claims")
    return value


class Client:
    """This system's end of the contract: its name, the edge's keys, and its own key to sign updates with."""

    def __init__(self, system: str, keys: Keys, update_key: UpdateKey | None = None, issuer: str = "inseam") -> None:
        self.system, self.keys, self.update_key, self.issuer = system, keys, update_key, issuer

    def read(self, token: str, now: float) -> Visitor:
        """Return the visitor of an Inseam-Session. `now` in seconds since the epoch. Raises BadToken."""
        typ = ("inseam-session+jwt",)
        return visitor_of(read_claims(token, self.keys, issuer=self.issuer, audience=self.system, typ=typ, now=now))

    def waits_for(self, token: str) -> str:
        """Return the kid for which reading this token would fetch keys, or "": an event loop does it in a thread."""
        if not self.keys.url or not token:
            return ""
        try:
            kid = head_of(token).get("kid")
        except BadToken:
            return ""
        return kid if isinstance(kid, str) and self.keys.waits_for(kid) else ""

    def sign(self, sid: str, changes: Mapping[str, Any], now: float) -> str:
        """Return the Inseam-Update that says what has changed, at most MOST_TOKEN characters.

        The lines of a basket are left out where they would make it too long: its count says enough. Raises ValueError
        for what is too long even so, and where no update key was given.
        """
        if self.update_key is None:
            raise ValueError('no update key: `inseam keys export SYSTEM` prints it (settings: "update_key")')
        if len(str(changes.get("handle") or "").encode()) > MOST_HANDLE:
            raise ValueError(f"a handle has at most {MOST_HANDLE} bytes")
        life = {"iat": int(now), "exp": int(now) + UPDATE_LIFE, **({"sid": sid} if sid else {})}
        claims = {"iss": self.system, "aud": self.issuer, **life, **changes}
        token = self._signed(claims)
        if len(token) > MOST_TOKEN and isinstance(claims.get("basket"), Mapping):
            claims["basket"] = {name: value for name, value in claims["basket"].items() if name != "lines"}
            token = self._signed(claims)
        if len(token) > MOST_TOKEN:
            raise ValueError(f"an update has at most {MOST_TOKEN} characters")
        return token

    def _signed(self, claims: Mapping[str, Any]) -> str:
        assert self.update_key is not None
        said = json.dumps(claims, separators=(",", ":"), default=str).encode()  # str: a Decimal is an amount
        head = {"kid": self.update_key.kid, "typ": "inseam-update+jwt"}
        return _jws.encode(said, self.update_key.key, self.update_key.alg, headers=head)
