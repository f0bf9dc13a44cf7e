"""Writes vectors.json: tokens and updates, good and forged, that every client and the edge itself must judge alike.

Keys and times are fixed, and ES256 signs without chance (RFC 6979), so the same file comes out each time:

    python deploy/clients/make_vectors.py

Everything is written by hand here, with no JWT library: what is wrong with a forged token must not depend on one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

NOW = 1_790_000_000
SID = "Nn0tASecretJustAVector"
OTHER_SID = "An0therVisitorsSession"
FILE = Path(__file__).with_name("vectors.json")

Claims = dict[str, Any]


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def seed(name: str) -> bytes:
    """Return 32 bytes that everybody can know: these keys are for tests."""
    return hashlib.sha256(f"inseam test vectors: {name}".encode()).digest()


class Key:
    """A key that signs, by name; what others need to verify it; and how the files have it."""

    def __init__(self, kid: str, alg: str, secret: bytes = b"") -> None:
        self.kid, self.alg, self.secret = kid, alg, secret or seed(kid)
        self.ec = ec.derive_private_key(int.from_bytes(self.secret, "big") >> 1, ec.SECP256R1())
        self.ed = ed25519.Ed25519PrivateKey.from_private_bytes(self.secret)

    def sign(self, said: bytes) -> bytes:
        """Return the signature, as JWS has it."""
        if self.alg == "HS256":
            return hmac.digest(self.secret, said, "sha256")
        if self.alg == "EdDSA":
            return self.ed.sign(said)
        r, s = decode_dss_signature(self.ec.sign(said, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def pem(self) -> str:
        """Return the private key."""
        private = self.ec if self.alg == "ES256" else self.ed
        return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def public_pem(self) -> str:
        """Return the public key."""
        public = (self.ec if self.alg == "ES256" else self.ed).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self) -> dict[str, str]:
        """Return what a verifier has."""
        common = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if self.alg == "HS256":
            return {"kty": "oct", "k": b64(self.secret), **common}
        if self.alg == "EdDSA":
            raw = self.ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), **common}
        point = self.ec.public_key().public_numbers()
        x, y = (b64(value.to_bytes(32, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **common}


ES, ED = Key("token-es", "ES256"), Key("token-ed", "EdDSA")
HS_ROOT = Key("token-hs", "HS256")  # the edge's; each system has a secret of its own made from it
HS = Key("token-hs", "HS256", hmac.digest(HS_ROOT.secret, b"inseam-session:commerce", "sha256"))
HS_CMS = Key("token-hs", "HS256", hmac.digest(HS_ROOT.secret, b"inseam-session:cms", "sha256"))
STRANGER = Key("token-stranger", "ES256")

UPDATE_HS, UPDATE_ES, UPDATE_ED = Key("commerce-hs", "HS256"), Key("commerce-es", "ES256"), Key("commerce-ed", "EdDSA")
CMS_UPDATE = Key("cms-hs", "HS256")

SESSION_TYP, UPDATE_TYP = "inseam-session+jwt", "inseam-update+jwt"


def compact(value: object) -> bytes:
    """Return it as JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def token(
    key: Key, said: Claims | bytes, typ: str | None = SESSION_TYP, by: Key | bytes | None = None, **head: Any
) -> str:
    """Return a token under the key's name; `by` signs it instead, `head` is put over the right one, None removes."""
    full = {"alg": key.alg, "kid": key.kid, "typ": typ, **head}
    first = compact({name: value for name, value in full.items() if value is not None})
    return raw(first, said if isinstance(said, bytes) else compact(said), by if by is not None else key)


def raw(head: bytes, payload: bytes, by: Key | bytes) -> str:
    """Return a token of any head and any payload; bytes as `by` are the secret of an HMAC."""
    said = f"{b64(head)}.{b64(payload)}"
    signature = hmac.digest(by, said.encode(), "sha256") if isinstance(by, bytes) else by.sign(said.encode())
    return f"{said}.{b64(signature)}"


def without(claims: Claims, *names: str) -> Claims:
    """Return the claims less some."""
    return {name: value for name, value in claims.items() if name not in names}


GUEST: Claims = {
    "iss": "inseam", "aud": "commerce", "iat": NOW - 20, "exp": NOW + 280, "sid": SID, "basket": None,
    "ctx": {"language": "en", "country": "", "device": "desktop"},
}  # fmt: skip
CUSTOMER: Claims = {
    **GUEST,
    "sub": "4711", "name": "Zoë 🐝",
    "basket": {"id": "b7", "rev": 12, "count": 3, "total": "59.70", "currency": "EUR"},
    "ctx": {"language": "de", "country": "AT", "device": "mobile"},
    "handle": "k=v; \"quoted\" \\ 🐝",
    "receipt": {"id": "r1", "at": NOW - 30, "outcome": "capped",
                "lines": [{"sku": "A-1", "wanted": 5, "kept": 3}, {"sku": ":x", "wanted": 1, "kept": 0}]},
    "order": "1007",
}  # fmt: skip


def session_tokens() -> list[dict[str, Any]]:
    """Return what commerce may be sent, and what it must make of it."""
    good = [
        ("a guest of whom nothing else is known", ES, GUEST),
        ("a customer with everything", ES, CUSTOMER),
        ("a customer, EdDSA", ED, CUSTOMER),
        ("a customer, HS256", HS, CUSTOMER),
        ("claims that nobody knows are no fault", ES, {**GUEST, "tomorrow": {"new": [1, 2]}}),
        ("a claim less is no fault", ES, without(GUEST, "ctx", "basket")),
        ("null is as good as nothing", ES, {**GUEST, "sub": None, "name": None, "ctx": None, "handle": None}),
        ("over for 59 s: clocks differ", ES, {**GUEST, "iat": NOW - 359, "exp": NOW - 59}),
        ("begins in 60 s: clocks differ", ES, {**GUEST, "iat": NOW + 60, "exp": NOW + 360}),
    ]
    found = [{"name": name, "token": token(key, said), "claims": said, "reason": None} for name, key, said in good]
    whole = token(ES, CUSTOMER)
    head, payload, signature = whole.split(".")
    admin = b64(compact({**CUSTOMER, "sub": "1"}))
    bad = [
        ("alg none, without a signature", "alg", f"{b64(compact({'alg': 'none', 'kid': ES.kid, 'typ': SESSION_TYP}))}.{payload}."),
        ("alg none, with a signature", "alg", token(ES, CUSTOMER, alg="none")),
        ("alg nOnE", "alg", token(ES, CUSTOMER, alg="nOnE")),
        ("no alg", "alg", token(ES, CUSTOMER, alg=None)),
        ("alg HS512", "alg", token(HS, CUSTOMER, alg="HS512")),
        ("alg RS256", "alg", token(ES, CUSTOMER, alg="RS256")),
        ("key confusion: the public PEM as HMAC secret", "alg", token(ES, CUSTOMER, by=ES.public_pem().encode(), alg="HS256")),
        ("key confusion: the public point as HMAC secret", "alg", token(ES, CUSTOMER, by=bytes.fromhex("04") + seed("x"), alg="HS256")),
        ("key confusion: ES256 under the name of the EdDSA key", "alg", token(ED, CUSTOMER, by=ES, alg="ES256")),
        ("an empty HMAC secret", "forged", token(HS, CUSTOMER, by=b"")),
        ("a key of its own in the head, under a name of ours", "forged", token(ES, CUSTOMER, by=STRANGER, jwk=STRANGER.jwk())),
        ("a key of its own in the head, under its own name", "kid", token(STRANGER, CUSTOMER, jwk=STRANGER.jwk(), jku="https://evil.example/jwks")),
        ("other kid", "kid", token(ES, CUSTOMER, kid="token-old")),
        ("no kid", "kid", token(ES, CUSTOMER, kid=None)),
        ("a kid that is a path", "kid", token(ES, CUSTOMER, kid="../../../dev/null")),
        ("a kid that is a number", "kid", token(ES, CUSTOMER, kid=7)),
        ("a kid that every object has", "kid", token(ES, CUSTOMER, kid="constructor")),
        ("the secret of another system", "forged", token(HS, CUSTOMER, by=HS_CMS)),
        ("signed by nobody we know", "forged", token(ES, CUSTOMER, by=STRANGER)),
        ("tampered: another sub", "forged", f"{head}.{admin}.{signature}"),
        ("tampered: the signature of another token", "forged", f"{whole.rpartition('.')[0]}.{token(ES, GUEST).rpartition('.')[2]}"),
        ("a signature of zeros", "forged", f"{head}.{payload}.{b64(bytes(64))}"),
        ("half a signature", "forged", f"{head}.{payload}.{signature[:64]}"),
        ("a signature as DER", "forged", f"{head}.{payload}.{b64(ES.ec.sign(f'{head}.{payload}'.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))}"),
        ("other audience", "audience", token(ES, {**CUSTOMER, "aud": "cms"})),
        ("no audience", "audience", token(ES, without(CUSTOMER, "aud"))),
        ("other issuer", "issuer", token(ES, {**CUSTOMER, "iss": "outseam"})),
        ("expired", "expired", token(ES, {**CUSTOMER, "iat": NOW - 360, "exp": NOW - 60})),
        ("from the future", "not_yet", token(ES, {**CUSTOMER, "iat": NOW + 61, "exp": NOW + 361})),
        ("lives too long", "life", token(ES, {**CUSTOMER, "iat": NOW, "exp": NOW + 301})),
        ("ends before it begins", "life", token(ES, {**CUSTOMER, "iat": NOW, "exp": NOW - 1})),
        ("no exp", "malformed", token(ES, without(CUSTOMER, "exp"))),
        ("no iat", "malformed", token(ES, without(CUSTOMER, "iat"))),
        ("exp as text", "malformed", token(ES, {**CUSTOMER, "exp": str(NOW + 280)})),
        ("iat true", "malformed", token(ES, {**CUSTOMER, "iat": True})),
        ("an update used as a session token", "typ", token(UPDATE_HS, {**CUSTOMER, "iss": "commerce", "aud": "inseam"}, UPDATE_TYP)),
        ("an update under a key of the edge", "typ", token(ES, CUSTOMER, UPDATE_TYP)),
        ("any JWT under a key of the edge", "typ", token(ES, CUSTOMER, "JWT")),
        ("a JWT that does not say what it is", "typ", token(ES, CUSTOMER, None)),
        ("an extension that must be understood", "malformed", token(ES, CUSTOMER, crit=["exp"])),
        ("a payload that is not base64", "malformed", token(ES, CUSTOMER, b64=False)),
        ("oversized", "oversized", token(ES, {**CUSTOMER, "padding": "x" * 3000})),
        ("duplicate claims", "malformed", token(ES, compact(CUSTOMER)[:-1] + b',"sub":"1"}')),
        ("duplicate claims, one of them escaped", "malformed", token(ES, compact(CUSTOMER)[:-1] + b',"\\u0073ub":"1"}')),
        ("duplicate claims in the basket", "malformed", token(ES, compact(CUSTOMER).replace(b'"rev":12', b'"rev":12,"rev":13'))),
        ("a duplicate in the head", "malformed", raw(compact({"alg": "ES256", "kid": ES.kid, "typ": SESSION_TYP})[:-1] + b',"kid":"x"}', compact(CUSTOMER), ES)),
        ("claims that are a list", "malformed", token(ES, b"[1]")),
        ("claims that are no JSON", "malformed", token(ES, b'{"iss":"inseam"')),
        ("claims that are not UTF-8", "malformed", token(ES, compact(CUSTOMER)[:-1] + b',"x":"\xff"}')),
        ("a head that is no JSON", "malformed", raw(b"{", compact(CUSTOMER), ES)),
        ("not before a time to come", "not_yet", token(ES, {**CUSTOMER, "nbf": NOW + 61})),
        ("half a surrogate pair", "malformed", token(ES, {**CUSTOMER, "name": "\ud83d"})),
        ("a sub that is a number", "claims", token(ES, {**CUSTOMER, "sub": 4711})),
        ("a basket that is a text", "claims", token(ES, {**CUSTOMER, "basket": "b7"})),
        ("a count that is a text", "claims", token(ES, {**CUSTOMER, "basket": {"id": "b7", "count": "3"}})),
        ("no sid", "sid", token(ES, without(CUSTOMER, "sid"))),
        ("an empty sid", "sid", token(ES, {**CUSTOMER, "sid": ""})),
        ("padded with =", "malformed", whole + "="),
        ("with a line break", "malformed", whole + "\n"),
        ("plain base64 instead of base64url", "malformed", f"{head}.{payload}.{'+' + signature[1:]}"),
        ("two parts", "malformed", f"{head}.{payload}"),
        ("five parts", "malformed", f"{whole}.{head}.{payload}"),
        ("no token at all", "malformed", "7"),
        ("two tokens", "malformed", f"{whole}, {whole}"),
    ]  # fmt: skip
    return found + [{"name": name, "token": text, "claims": None, "reason": reason} for name, reason, text in bad]


def updates() -> list[dict[str, Any]]:
    """Return what commerce may send back, and what the edge must make of it."""
    plain: Claims = {"iss": "commerce", "aud": "inseam", "iat": NOW - 1, "exp": NOW + 59, "sid": SID}
    basket = {"id": "b8", "rev": 1, "count": 2, "total": "39.80", "currency": "EUR", "lines": [{"sku": "A-1", "quantity": 2}]}  # fmt: skip
    login = {**plain, "sub": "4711", "name": "Zoë", "basket": basket, "merged": "b7"}
    good: list[tuple[str, Key, Claims, str | None, str]] = [
        ("a login with the merged basket", UPDATE_HS, login, UPDATE_TYP, SID),
        ("the same, ES256", UPDATE_ES, login, UPDATE_TYP, SID),
        ("the same, EdDSA", UPDATE_ED, login, UPDATE_TYP, SID),
        ("a logout", UPDATE_HS, {**plain, "sub": None}, UPDATE_TYP, SID),
        ("an empty basket", UPDATE_HS, {**plain, "basket": None}, UPDATE_TYP, SID),
        ("an order", UPDATE_HS, {**plain, "order": "1007", "basket": None}, UPDATE_TYP, SID),
        ("a handle", UPDATE_HS, {**plain, "handle": "h" * 512}, UPDATE_TYP, SID),
        ("typ JWT, as most libraries write", UPDATE_HS, {**plain, "sub": None}, "JWT", SID),
        ("no typ", UPDATE_HS, {**plain, "sub": None}, None, SID),
        ("for a visitor that had no token", UPDATE_HS, without(login, "sid"), UPDATE_TYP, ""),
        ("the same, with an empty sid", UPDATE_HS, {**login, "sid": ""}, UPDATE_TYP, ""),
        ("with a jti", UPDATE_HS, {**plain, "sub": None, "jti": "one"}, UPDATE_TYP, SID),
    ]
    found = [
        {"name": name, "token": token(key, said, typ), "sid": sid, "claims": said, "reason": None}
        for name, key, said, typ, sid in good
    ]
    whole = token(UPDATE_HS, login, UPDATE_TYP)
    head, _, signature = whole.split(".")
    bad = [
        ("alg none", "alg", token(UPDATE_HS, login, UPDATE_TYP, alg="none")),
        ("key confusion: the public PEM as HMAC secret", "alg", token(UPDATE_ES, login, UPDATE_TYP, by=UPDATE_ES.public_pem().encode(), alg="HS256")),
        ("key confusion: ES256 under the name of the secret", "alg", token(UPDATE_HS, login, UPDATE_TYP, by=UPDATE_ES, alg="ES256")),
        ("a key of another system", "kid", token(CMS_UPDATE, {**login, "iss": "commerce"}, UPDATE_TYP)),
        ("no kid", "kid", token(UPDATE_HS, login, UPDATE_TYP, kid=None)),
        ("signed by another system under our name", "forged", token(UPDATE_HS, login, UPDATE_TYP, by=CMS_UPDATE)),
        ("signed with the secret for reading tokens", "forged", token(UPDATE_HS, login, UPDATE_TYP, by=HS)),
        ("tampered", "forged", f"{head}.{b64(compact({**login, 'sub': '1'}))}.{signature}"),
        ("other issuer", "issuer", token(UPDATE_HS, {**login, "iss": "cms"}, UPDATE_TYP)),
        ("other audience", "audience", token(UPDATE_HS, {**login, "aud": "cms"}, UPDATE_TYP)),
        ("expired", "expired", token(UPDATE_HS, {**login, "iat": NOW - 120, "exp": NOW - 60}, UPDATE_TYP)),
        ("from the future", "not_yet", token(UPDATE_HS, {**login, "iat": NOW + 61, "exp": NOW + 121}, UPDATE_TYP)),
        ("lives too long", "life", token(UPDATE_HS, {**login, "exp": NOW + 300}, UPDATE_TYP)),
        ("no exp", "malformed", token(UPDATE_HS, without(login, "exp"), UPDATE_TYP)),
        ("of another visitor", "sid", token(UPDATE_HS, {**login, "sid": OTHER_SID}, UPDATE_TYP)),
        ("of no visitor, where the visitor has a session", "sid", token(UPDATE_HS, without(login, "sid"), UPDATE_TYP)),
        ("the session token sent back", "typ", token(ES, CUSTOMER)),
        ("a session token under the system's own key", "typ", token(UPDATE_HS, login, SESSION_TYP)),
        ("oversized", "oversized", token(UPDATE_HS, {**login, "padding": "x" * 3000}, UPDATE_TYP)),
        ("duplicate claims", "malformed", token(UPDATE_HS, compact(login)[:-1] + b',"sub":"1"}', UPDATE_TYP)),
        ("plain JSON where a signed one is due", "malformed", json.dumps({"sub": "4711"})),
    ]  # fmt: skip
    return found + [
        {"name": name, "token": text, "sid": SID, "claims": None, "reason": reason} for name, reason, text in bad
    ]


def made() -> list[dict[str, Any]]:
    """Return what a client is to say, and the claims that the edge must find."""
    lines = [{"sku": f"article-{number}", "quantity": 1} for number in range(200)]
    long = {"id": "b9", "rev": 2, "count": 200, "total": "1.00", "currency": "EUR"}
    says: list[tuple[str, str, Claims, Claims]] = [
        ("a login", SID, {"sub": "4711", "name": "Zoë 🐝"}, {}),
        ("a logout without a token", "", {"sub": None}, {}),
        ("several changes", SID, {"basket": {"id": "b8", "rev": 3, "count": 1}, "handle": "h", "order": "1007"}, {}),
        ("too many lines for a header: the count is enough", SID, {"basket": {**long, "lines": lines}}, {"basket": long}),
    ]  # fmt: skip
    found = []
    for name, sid, changes, instead in says:
        claims = {"iss": "commerce", "aud": "inseam", "iat": NOW, "exp": NOW + 60, "sid": sid, **changes, **instead}
        found.append(
            {"name": name, "sid": sid, "changes": changes, "claims": claims if sid else without(claims, "sid")}
        )
    return found


def vectors() -> dict[str, Any]:
    """Return the whole file."""

    def private(key: Key) -> dict[str, str]:
        given = {"secret": b64(key.secret)} if key.alg == "HS256" else {"private": key.pem()}
        return {"kid": key.kid, "alg": key.alg, **given}

    def public(key: Key) -> dict[str, str]:
        given = {"secret": b64(key.secret)} if key.alg == "HS256" else {"public": key.public_pem()}
        return {"kid": key.kid, "alg": key.alg, **given}

    ours = (UPDATE_HS, UPDATE_ES, UPDATE_ED)
    states = ((ES, "current"), (ED, "next"), (HS_ROOT, "previous"))
    return {
        "about": "Made by make_vectors.py: fixed keys that everybody knows, fixed times. `now` is the clock to use.",
        "now": NOW,
        "system": "commerce",
        "issuer": "inseam",
        "jwks": {"keys": [key.jwk() for key in (ES, ED, HS)]},
        "update_keys": [private(key) for key in ours],
        "update_jwks": {"keys": [key.jwk() for key in ours]},
        "keys_file": {
            "version": 1,
            "cookie": [{"kid": f"cookie-{state}", "secret": b64(seed(f"cookie {state}")), "state": state}
                       for state in ("current", "next")],
            "token": [{**private(key), "state": state} for key, state in states],
            "systems": {"commerce": [public(key) for key in ours], "cms": [public(CMS_UPDATE)]},
        },
        "session_tokens": session_tokens(),
        "updates": updates(),
        "made": made(),
    }  # fmt: skip


def text() -> str:
    """Return the file's text."""
    return json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="ascii")
