"""What a system has to do with the edge: it believes session tokens after checking them, and signs its updates.

Written against the contract with PyJWT alone, and none of the edge's own code, as any shop would write it.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import jwt

ISSUER = "inseam"
LEEWAY = 60
MOST_REMEMBERED = 20_000
REFRESH = 1.0
"""Seconds between looks at the edge's keys. A key is there for long before it signs."""


class EdgeSide:
    """One system's half of the contract. `secret` is what `inseam keys export` gave for its updates."""

    def __init__(self, system: str, edge: str, kid: str, secret: bytes) -> None:
        self.system = system
        self.edge = edge
        self.kid = kid
        self.secret = secret
        self._keys: dict[str, jwt.PyJWK] = {}
        self._believed: dict[str, dict[str, Any]] = {}
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def keep_keys(self) -> None:
        """Look at the edge's keys now and then, for ever."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while True:
                await self._ask(http)
                await asyncio.sleep(REFRESH)

    async def _ask(self, http: aiohttp.ClientSession) -> None:
        try:
            async with http.get(f"{self.edge}/.inseam/jwks.json") as answer:
                said = await answer.json(content_type=None)
        except (OSError, aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
            return
        keys = {}
        for key in said.get("keys", ()):
            keys[key["kid"]] = jwt.PyJWK(key)
        self._keys = keys or self._keys

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        """Return a key by name; an unknown name is looked up at the edge, at most once in a tenth of a second."""
        if kid not in self._keys:
            async with self._asking:
                if kid not in self._keys and time.monotonic() - self._asked_at > 0.1:
                    self._asked_at = time.monotonic()
                    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
                        await self._ask(http)
        return self._keys.get(kid)

    async def read(self, token: str | None) -> dict[str, Any] | None:
        """Return the claims of a session token, None where there is none. Raises jwt.InvalidTokenError."""
        if not token:
            return None
        known = self._believed.get(token)
        if known is None:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = await self._key(kid)
            if key is None:
                raise jwt.InvalidKeyError(f"no key {kid!r}")
            known = jwt.decode(
                token, key.key, algorithms=["ES256"], audience=self.system, issuer=ISSUER, leeway=LEEWAY,
                options={"require": ["iss", "aud", "iat", "exp", "sid"]},
            )  # fmt: skip
            known = {"sub": None, "basket": None, **known}
            if len(self._believed) >= MOST_REMEMBERED:
                self._believed.clear()
            self._believed[token] = known
        if known["exp"] + LEEWAY < time.time():
            raise jwt.ExpiredSignatureError("it was good once")
        return known

    def update(self, sid: str, changes: dict[str, Any]) -> str:
        """Return the value of Inseam-Update that says what changed."""
        now = int(time.time())
        claims = {"iss": self.system, "aud": ISSUER, "iat": now, "exp": now + 60, "sid": sid, **changes}
        return jwt.encode(claims, self.secret, algorithm="HS256", headers={"kid": self.kid, "typ": "inseam-update+jwt"})
