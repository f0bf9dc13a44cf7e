"""The edge's keys, to believe it by, and this system's own, to be believed by."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

FETCH_AGAIN = 60.0
"""Seconds between two fetches at most: a token with a kid that nobody knows is no way to make us ask all the time."""
FETCH_TIME = 2.0
SHORTEST_SECRET = 32
"""Bytes of an HS256 secret. RFC 7518, 3.2."""

ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "oct": "HS256"}
_log = logging.getLogger("inseam")


class BadKeys(Exception):
    """Keys that are of no use: says which and why."""


def fetch(url: str) -> str:
    """Return what stands at an http(s) address. Raises OSError."""
    with urllib.request.urlopen(url, timeout=FETCH_TIME) as answer:  # noqa: S310  the scheme is checked by Keys
        found: bytes = answer.read(1 << 16)
    return found.decode()


def read_jwks(said: str | Mapping[str, Any]) -> dict[str, PyJWK]:
    """Return the keys of a JWKS by kid. Each is good for one algorithm: that of its kind. Raises BadKeys."""
    try:
        found = json.loads(said) if isinstance(said, str) else said
        entries = [dict(entry) for entry in found["keys"]]
    except (ValueError, LookupError, TypeError):
        raise BadKeys('no JWKS: it looks like {"keys": [{"kid": ..., "kty": ...}]}') from None
    keys = {}
    for entry in entries:
        kid, alg = entry.get("kid"), ALGORITHMS.get(str(entry.get("kty")))
        if alg is None or entry.get("alg", alg) != alg or not isinstance(kid, str):
            raise BadKeys(f"key {kid!r}: only ES256, EdDSA and HS256 keys with a kid are taken")
        if alg == "HS256":
            secret(str(entry.get("k", "")), f"key {kid!r}")
        try:
            keys[kid] = PyJWK(entry, algorithm=alg)
        except (PyJWTError, ValueError) as error:
            raise BadKeys(f"key {kid!r}: {error}") from error
    return keys


def secret(said: str, what: str) -> bytes:
    """Return the bytes of a secret given as base64url. Raises BadKeys for a short one."""
    try:
        found = urlsafe_b64decode(said.encode() + b"=" * (-len(said) % 4))
    except ValueError:
        raise BadKeys(f"{what}: the secret is not base64url") from None
    if len(found) < SHORTEST_SECRET:
        raise BadKeys(f"{what}: the secret has {len(found)} bytes, and must have {SHORTEST_SECRET}")
    return found


class Keys:
    """The edge's public keys (or HS256 secrets) by kid, from a JWKS as text, or from the address of one.

    An address is asked when a key is first needed, and again when a token names a kid that is not known: so rotation
    needs no restart. Raises BadKeys.
    """

    def __init__(
        self,
        source: str | Mapping[str, Any],
        fetch: Callable[[str], str] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = source if isinstance(source, str) and source.startswith(("https://", "http://")) else ""
        self._keys: Mapping[str, PyJWK] = {} if self.url else read_jwks(source)
        self._fetch, self._clock, self._asked = fetch, clock, float("-inf")
        self._lock = threading.Lock()

    def get(self, kid: str) -> PyJWK | None:
        """Return the key of that name; None if there is none. May fetch: FETCH_TIME at most, every FETCH_AGAIN."""
        if self.waits_for(kid):
            self._refresh()
        return self._keys.get(kid)

    def waits_for(self, kid: str) -> bool:
        """Whether `get` would fetch: an event loop calls it in a thread then."""
        return bool(self.url) and kid not in self._keys and self._clock() - self._asked >= FETCH_AGAIN

    def _refresh(self) -> None:
        with self._lock:
            if self._clock() - self._asked < FETCH_AGAIN:
                return  # another thread was at it, and we have waited for what it got
            try:
                self._keys = read_jwks(self._fetch(self.url))
            except (OSError, ValueError, BadKeys) as error:
                _log.warning("the edge's keys cannot be had from %s: %s", self.url, error)
            self._asked = self._clock()


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """The key with which this system signs. `key` is a secret's bytes, or a private key as PEM."""

    kid: str
    alg: str
    key: bytes | str = field(repr=False)

    @classmethod
    def of(cls, said: Mapping[str, str]) -> UpdateKey:
        """Read {kid, alg, secret} (HS256) or {kid, alg, private} (ES256, EdDSA; PEM). Raises BadKeys."""
        kid, alg = said.get("kid", ""), said.get("alg", "HS256")
        if not kid or alg not in ALGORITHMS.values():
            raise BadKeys("the update key needs a kid, and HS256, ES256 or EdDSA as its alg")
        if alg == "HS256":
            return cls(kid, alg, secret(said.get("secret", ""), f"update key {kid!r}"))
        if "PRIVATE KEY" not in said.get("private", ""):
            raise BadKeys(f"update key {kid!r}: `private` is to be a private key as PEM")
        return cls(kid, alg, said["private"])
