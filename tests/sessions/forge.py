"""Tokens and updates as systems and attackers make them, for the specs of keys, tokens and cookies."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import jwt

from sessions.keys import KeyRing
from sessions.model import Basket, Login, Session

NOW = 1_790_000_000
SID = "0123456789abcdefghijkl"

SESSION = Session(
    id="J8qY4rT2vW6xZ0aB3cD5eF",
    rev=7,
    created=NOW - 5000,
    renewed=NOW - 100,
    login=Login("4711", "Anna"),
    login_at=NOW - 900,
    basket=Basket("b7", 3, 2, "39.80", "EUR"),
    handles={"commerce": "their-own"},
    order="2000134",
)


def b64(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a good update of commerce; `...` takes one away."""
    said = {"iss": "commerce", "aud": "inseam", "iat": NOW, "exp": NOW + 60, "sid": SID, "order": "1", **changed}
    return {name: value for name, value in said.items() if value is not ...}


def update(ring: KeyRing, system: str = "commerce", header: dict[str, Any] | None = None, **changed: Any) -> bytes:
    """An update that the system signs with its newest key, an HS256 one."""
    key = ring.systems[system][-1]
    return signed(json.dumps(claims(**{"iss": system, **changed})).encode(), key.kid, key.material, header)


def signed(payload: bytes, kid: str, secret: bytes, header: dict[str, Any] | None = None) -> bytes:
    """Any bytes as payload, under an HS256 key; `header` is laid over the usual one, and `...` takes a name away."""
    head = {"alg": "HS256", "kid": kid, "typ": "inseam-update+jwt", **(header or {})}
    return sealed_by_hand(json.dumps({n: v for n, v in head.items() if v is not ...}).encode(), payload, secret)


def sealed_by_hand(header: bytes, payload: bytes, secret: bytes) -> bytes:
    text = b64(header) + b"." + b64(payload)
    return text + b"." + b64(hmac.new(secret, text, hashlib.sha256).digest())


def with_private_key(payload: dict[str, Any], pem: bytes, alg: str, kid: str, typ: str = "inseam-update+jwt") -> bytes:
    return jwt.encode(payload, pem, alg, {"kid": kid, "typ": typ}).encode()
