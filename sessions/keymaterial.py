"""One key: for cookies, for tokens to systems, or a system's own for its updates; and how new ones are made.

The objects of cryptography are made when a key is read, never per token. No secret is in a repr.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sessions.errors import KeysError

Alg = Literal["ES256", "HS256", "EdDSA"]
State = Literal["next", "current", "previous"]

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

SECRET_BYTES: Final = 32
"""256 bits, the least a secret may have. REQUIREMENTS, 7; RFC 7518, 3.2."""

KID_PATTERN: Final = "^[A-Za-z0-9_-]{1,64}$"
_KID: Final = re.compile(KID_PATTERN[1:-1])


@dataclass(frozen=True, slots=True)
class CookieKey:
    """A secret under which session cookies are signed. `since` is when it got its state, seconds since the epoch."""

    kid: str
    state: State
    secret: bytes = field(repr=False)
    since: int = 0


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key under which session tokens are signed: `material` is its PEM, or the secret of HS256.

    An HS256 secret itself is given to nobody: each system gets one derived from it, so none can forge another's token.
    """

    kid: str
    alg: Alg
    state: State
    material: bytes = field(repr=False)
    since: int = 0
    private: PrivateKey | None = field(default=None, repr=False, compare=False)

    def signs_for(self, system: str) -> PrivateKey | bytes:
        """Return what a token for the system is signed with."""
        return self.private if self.private is not None else self.secret_of(system)

    def verifies_for(self, system: str) -> PublicKey | bytes:
        """Return what the system verifies it with."""
        return self.private.public_key() if self.private is not None else self.secret_of(system)

    def secret_of(self, system: str) -> bytes:
        """Return the system's own secret of an HS256 key, 32 bytes: HMAC-SHA256(secret, "inseam-session:" + system)."""
        return hmac.digest(self.material, b"inseam-session:" + system.encode(), "sha256")


@dataclass(frozen=True, slots=True)
class SystemKey:
    """A key under which a system signs its updates: `material` is its public PEM, or the secret of HS256."""

    kid: str
    alg: Alg
    material: bytes = field(repr=False)
    since: int = 0
    public: PublicKey | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The key as it is written into files: base64url without padding for a secret, else the public PEM."""
        return b64(self.material) if self.public is None else self.material.decode("ascii")

    @property
    def verifies(self) -> PublicKey | bytes:
        """What an update is verified with."""
        return self.public if self.public is not None else self.material


# --- new keys ---------------------------------------------------------------------------------------------------------


def new_cookie_key(state: State, now: int) -> CookieKey:
    """Return a random key for cookies."""
    return CookieKey(new_kid("cookie"), state, secrets.token_bytes(SECRET_BYTES), now)


def new_token_key(state: State, alg: Alg, now: int) -> TokenKey:
    """Return a random key for tokens."""
    kid = new_kid("token")
    if alg == "HS256":
        return TokenKey(kid, alg, state, secrets.token_bytes(SECRET_BYTES), now)
    private = generate_private_key(SECP256R1()) if alg == "ES256" else Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return TokenKey(kid, alg, state, pem, now, private)


def new_system_key(system: str, now: int) -> SystemKey:
    """Return a random HS256 key for a system's updates."""
    return SystemKey(new_kid(system), "HS256", secrets.token_bytes(SECRET_BYTES), now)


def public_system_key(system: str, pem: bytes, now: int, file: str, kid: str = "") -> SystemKey:
    """Return a system's key from the public half that it gave us, ES256 or EdDSA. Raises KeysError."""
    public = read_public(pem, file)
    alg: Alg = "ES256" if isinstance(public, EllipticCurvePublicKey) else "EdDSA"
    if kid and not _KID.fullmatch(kid):
        raise KeysError(f"{kid!r} is no name for a key: at most 64 letters, digits, _ and - make one")
    clean = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return SystemKey(kid or new_kid(system), alg, clean, now, public)


def b64(raw: bytes) -> str:
    """Return base64url without padding, as JWK writes secrets. RFC 7515, 2."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def new_kid(kind: str) -> str:
    """Return a name for a key: what it is for, and six random characters."""
    return f"{kind[:48]}-{secrets.token_hex(3)}"


# --- PEM --------------------------------------------------------------------------------------------------------------


def read_private(pem: bytes, alg: Alg, where: str) -> PrivateKey:
    """Return the private key of a PEM. Raises KeysError, `where` being file and place."""
    key: object = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load_pem_private_key(pem, None)
    if alg == "ES256" and isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    if alg == "EdDSA" and isinstance(key, Ed25519PrivateKey):
        return key
    kind = "of the curve P-256" if alg == "ES256" else "of Ed25519"
    raise KeysError(f"{where}: not a private key {kind} in PEM without a password: `inseam keys rotate` makes one")


def read_public(pem: bytes, where: str) -> PublicKey:
    """Return the public key of a PEM. Raises KeysError; what it holds is not repeated: it may be a private one."""
    if b"PRIVATE KEY" in pem:
        raise KeysError(
            f"{where}: this is a private key, which the system keeps to itself: give its public half "
            "(openssl pkey -in KEY.pem -pubout)"
        )
    key: object = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load_pem_public_key(pem)
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise KeysError(f"{where}: not a public key of P-256 (ES256) or Ed25519 (EdDSA) in PEM")
