"""Session tokens to the systems, updates from them, and what else is proven by a key: form tokens, the public keys.

One algorithm per key, pinned in the keys file: what a token says of its algorithm is compared, never obeyed, and `jku`,
`x5u` and `jwk` are not read at all (RFC 8725, 3.1 and 3.10). PyJWT signs and verifies; the claims are checked here,
because the clock is an argument. Size and shape come first, so that hostile input costs microseconds.
"""

from __future__ import annotations

import hmac
import re
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from sessions.bridge import fresh_receipt, merge_claims, receipt_claims
from sessions.errors import BadToken
from sessions.keymaterial import Alg, PrivateKey, PublicKey, TokenKey, b64
from sessions.keys import KeyRing, in_order
from sessions.model import Policy, Session
from sessions.strictjson import read_object

ISSUER: Final = "inseam"
SESSION_TYP: Final = "inseam-session+jwt"
UPDATE_TYP: Final = "inseam-update+jwt"

MOST_TOKEN: Final = 4096
"""Bytes of a token, either way: systems refuse header lines of more than 8 KB, some of more than 4."""

MOST_LIFE: Final = 300
"""Seconds from `iat` to `exp`, whatever the issuer would like. REQUIREMENTS, 5."""

LEEWAY: Final = 60
"""Seconds that clocks may differ. REQUIREMENTS, 5 and 46."""

_MOST_CLAIMS: Final = 2800
"""Bytes of JSON that make a token of less than MOST_TOKEN."""

_MOST_TIME: Final = 1 << 40
_SHAPE: Final = re.compile(rb"([A-Za-z0-9_-]{2,1024})\.([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]*)")
_ALGORITHMS: Final[list[str]] = ["ES256", "HS256", "EdDSA"]
_JWS: Final = jwt.PyJWS(algorithms=_ALGORITHMS)
_UPDATE_TYPES: Final = (UPDATE_TYP, "jwt", "")
_SESSION_TYPES: Final = (SESSION_TYP,)


# --- to a system ------------------------------------------------------------------------------------------------------


def sid_for(session_id: str, system: str) -> str:
    """Return the session's name at a system, 22 characters: two systems cannot tell that they have the same visitor."""
    return b64(hmac.digest(session_id.encode(), system.encode(), "sha256"))[:22]


def mint(
    session: Session, system: str, ctx: Mapping[str, str], ring: KeyRing, now: int, policy: Policy
) -> tuple[bytes, int]:
    """Return the token that tells a system of the session, and the time at which to make a new one.

    `ctx` has language, country and device (mobile or desktop) of the visit; times in seconds since the epoch. A token
    is made anew twice in its life, so one that goes out is good for half of it at least. The periods begin at another
    second for each session, and every worker counts the same: all of them make the same claims, and no second has to
    make everybody's.
    """
    sid = sid_for(session.id, system)
    life = max(2, min(policy.token_life, MOST_LIFE))
    period = life // 2
    iat = now - (now - zlib.crc32(sid.encode())) % period
    claims = _claims(session, system, sid, ctx, iat) | merge_claims(session, policy, iat)
    claims["exp"] = iat + life
    payload = msgspec.json.encode(claims)
    while len(payload) > _MOST_CLAIMS and claims.get("receipt", {}).get("lines"):
        lines = claims["receipt"]["lines"]
        claims["receipt"]["lines"] = lines[: len(lines) // 2]
        payload = msgspec.json.encode(claims)
    for name in ("merge", "undo", "handle"):  # lines of 200 articles; 512 control characters are 3 KB of JSON
        if len(payload) > _MOST_CLAIMS and name in claims:
            del claims[name]
            payload = msgspec.json.encode(claims)
    key = ring.token_current
    return _signed(payload, key.kid, key.alg, key.signs_for(system), SESSION_TYP), iat + period


def _claims(session: Session, system: str, sid: str, ctx: Mapping[str, str], iat: int) -> dict[str, Any]:
    login, basket = session.login, session.basket
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": system,
        "iat": iat,
        "sid": sid,
        "basket": basket.claims() if basket is not None else None,
        "ctx": ctx,
    }
    if login is not None:  # a guest has no `sub`: libraries refuse one that is null (RFC 7519, 4.1.2)
        claims["sub"] = login.sub
        if login.name:
            claims["name"] = login.name
    handle = session.handles.get(system)
    if handle:
        claims["handle"] = handle
    receipt = fresh_receipt(session, iat)
    if receipt is not None:
        claims["receipt"] = receipt_claims(receipt)
    if session.order and (basket is None or not basket.count):  # until the next basket is begun
        claims["order"] = session.order
    return claims


def _signed(payload: bytes, kid: str, alg: Alg, key: PrivateKey | bytes, typ: str) -> bytes:
    return _JWS.encode(payload, key, alg, {"kid": kid, "typ": typ}).encode("ascii")


def jwks(ring: KeyRing) -> bytes:
    """Return the public token keys as a JWK Set: current, next, previous. HS256 keys are nobody's to read. RFC 7517."""
    return msgspec.json.encode({"keys": [_public_jwk(key) for key in in_order(ring.token) if key.private is not None]})


def jwks_for(ring: KeyRing, system: str) -> bytes:
    """Return what one system verifies tokens with as a JWK Set: with its own secrets where the keys are of HS256."""
    return msgspec.json.encode(
        {
            "keys": [
                {"kty": "oct", "k": b64(key.secret_of(system)), "kid": key.kid, "alg": key.alg, "use": "sig"}
                if key.private is None
                else _public_jwk(key)
                for key in in_order(ring.token)
            ]
        }
    )


def _public_jwk(key: TokenKey) -> dict[str, Any]:
    if isinstance(key.private, EllipticCurvePrivateKey):
        public = ECAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    else:
        assert key.private is not None
        public = OKPAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {**public, "kid": key.kid, "alg": key.alg, "use": "sig"}


def read_session_token(value: bytes, system: str, ring: KeyRing, now: int) -> Mapping[str, Any]:
    """Return the claims of a session token as the system itself reads it. Raises BadToken. For tests and for docs."""
    kid, alg = _header(value, _SESSION_TYPES)
    key = ring.token_key(kid)
    if key is None:
        raise BadToken("signed with a key that is none of the edge's", "kid")
    claims = _verified(value, alg, key.alg, key.verifies_for(system))
    _check(claims, ISSUER, system, now)
    return claims


# --- from a system ----------------------------------------------------------------------------------------------------


def read_update(value: bytes, system: str, sid: str, ring: KeyRing, now: int) -> Mapping[str, Any]:
    """Return the claims of an update that `system` sent; `sid` is that of the token it got, "" if it got none.

    Raises BadToken, whose reason is oversized, malformed, typ, alg, kid, forged, issuer, audience, expired, not_yet,
    life or sid. What the claims say of the session is read by `read_changes`.
    """
    if value[:1] == b"{" and len(value) <= MOST_TOKEN:
        raise BadToken("plain JSON: sign it, or declare `updates: unsigned` for a trial")
    kid, alg = _header(value, _UPDATE_TYPES)
    key = ring.system_key(system, kid)
    if key is None:
        raise BadToken(f"signed with a key that is none of {system}'s", "kid")
    claims = _verified(value, alg, key.alg, key.verifies)
    _check(claims, system, ISSUER, now)
    _check_sid(claims, sid)
    return claims


def read_plain_update(value: bytes, sid: str) -> Mapping[str, Any]:
    """Return the claims of an update that is plain JSON, from a system with `updates: unsigned`. Raises BadToken.

    It says no more than what changed; a `sid` in it must be the right one nevertheless.
    """
    if len(value) > MOST_TOKEN:
        raise BadToken(f"an update of {len(value)} bytes", "oversized")
    claims = _object(value)
    if "sid" in claims:
        _check_sid(claims, sid)
    return claims


def _header(value: bytes, types: tuple[str, ...]) -> tuple[str, str]:
    """Return `kid` and `alg` as the token has them, the latter one that we know. Raises BadToken."""
    if len(value) > MOST_TOKEN:
        raise BadToken(f"a token of {len(value)} bytes", "oversized")
    found = _SHAPE.fullmatch(value)
    if found is None:
        raise BadToken("no token: three parts of base64url, with dots between them, make one")
    header = _object(_raw(found[1]))
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise BadToken("signed with an algorithm that nobody agreed on", "alg")
    if not isinstance(typ, str) or typ.lower() not in types:
        raise BadToken("a token of another kind", "typ")
    if "crit" in header or "b64" in header:
        raise BadToken("a token with extensions, and none is understood here")
    if not isinstance(kid, str):
        raise BadToken("a token that does not name its key", "kid")
    return kid, alg


def _verified(value: bytes, alg: str, pinned: Alg, key: PublicKey | bytes) -> dict[str, Any]:
    if alg != pinned:
        raise BadToken(f"signed with {alg}, and the key is for {pinned}", "alg")
    try:
        payload = _JWS.decode(value, key, [pinned])
    except jwt.InvalidSignatureError:
        raise BadToken("the signature is not of the key that is named", "forged") from None
    except jwt.PyJWTError:
        raise BadToken("no token") from None
    return _object(payload)


def _check(claims: Mapping[str, Any], issuer: str, audience: str, now: int) -> None:
    """Raise BadToken unless the claims are from `issuer`, for `audience`, and of this moment."""
    if claims.get("iss") != issuer:
        raise BadToken(f"not issued by {issuer}", "issuer")
    if claims.get("aud") not in (audience, [audience]):
        raise BadToken(f"not meant for {audience}", "audience")
    iat, exp = _time(claims, "iat"), _time(claims, "exp")
    begin = _time(claims, "nbf") if "nbf" in claims else iat
    if not 0 < exp - iat <= MOST_LIFE:
        raise BadToken(f"lives {exp - iat} s: more than 0 and at most {MOST_LIFE} are allowed", "life")
    if now >= exp + LEEWAY:
        raise BadToken(f"expired {now - exp:.0f} s ago: are the clocks right?", "expired")
    if max(iat, begin) > now + LEEWAY:
        raise BadToken("not valid yet: are the clocks right?", "not_yet")


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate. RFC 7519, 2: it may have a fraction."""
    when = claims.get(name)
    if isinstance(when, bool) or not isinstance(when, int | float) or not 0 <= when < _MOST_TIME:
        raise BadToken(f"{name} is no time in seconds since the epoch")
    return when


def _check_sid(claims: Mapping[str, Any], sid: str) -> None:
    said = claims.get("sid")
    if said is None:
        said = ""
    if said == "" != sid:
        raise BadToken("without the sid of the token that came with the request", "sid")
    if not isinstance(said, str) or said != sid:
        raise BadToken("of another session", "sid")


def _object(text: bytes) -> dict[str, Any]:
    try:
        return read_object(text)
    except ValueError as error:
        raise BadToken(f"not the JSON that a token has: {error}") from None


def _raw(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise BadToken("no token: not base64url") from None


# --- from a page's form -----------------------------------------------------------------------------------------------


def csrf(session_id: str, ring: KeyRing) -> str:
    """Return the form token of a session, 43 characters. REQUIREMENTS, 35."""
    return _form_token(session_id, ring.csrf_secrets[0])


def csrf_ok(given: str, session_id: str, ring: KeyRing) -> bool:
    """Whether a form token is the session's, under any accepted key; in constant time."""
    told = given.encode(errors="replace")  # compare_digest refuses texts beyond ASCII
    found = False
    for secret in ring.csrf_secrets:
        found |= hmac.compare_digest(told, _form_token(session_id, secret).encode())
    return found


def _form_token(session_id: str, secret: bytes) -> str:
    return b64(hmac.digest(secret, session_id.encode(), "sha256"))
