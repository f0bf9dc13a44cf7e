"""The keys of the edge and of the systems: one JSON file, read once, kept as values that are ready to sign with.

A key is first accepted everywhere (`next`), then signed with (`current`), then only accepted (`previous`), then gone.
So two edges of which one has an older file understand each other (REQUIREMENTS, 4). What a token says of its own key or
algorithm is only ever compared with what stands here (RFC 8725, 3.1).

No secret is in a repr or in a message. Nothing here touches a file or a clock: `sessions.keyfile` does.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from itsdangerous import Signer
from jwt import InvalidKeyError
from jwt.algorithms import HMACAlgorithm

from sessions.errors import KeysError
from sessions.keymaterial import (
    KID_PATTERN,
    SECRET_BYTES,
    Alg,
    CookieKey,
    State,
    SystemKey,
    TokenKey,
    b64,
    new_cookie_key,
    new_system_key,
    new_token_key,
    read_private,
    read_public,
)

MOST_FILE: Final = 256 * 1024
"""Bytes of a keys file: room for hundreds of systems, and for none that was given by mistake."""

MOST_PREVIOUS: Final = 40
"""Keys of one kind that are only accepted: enough for a month of daily rotations. Each costs a forged cookie 3 us."""

_DISTINCT: Final = 8
"""Different bytes that a random secret has at the very least: 32 zeros are a placeholder, not a secret."""

_COOKIE_SALT: Final = b"inseam.session-cookie"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys of an edge. Equal rings hold the same keys, whatever their files look like."""

    cookie: tuple[CookieKey, ...]
    token: tuple[TokenKey, ...]
    systems: Mapping[str, tuple[SystemKey, ...]]
    signer: Signer = field(init=False, repr=False, compare=False)
    """Signs and verifies session cookies."""
    csrf_secrets: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    """Under which form tokens are made, the one in use first."""
    token_current: TokenKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.cookie, key=lambda key: _ORDER[key.state])
        # itsdangerous takes keys oldest first and signs with the last: here that is the current one.
        signer = Signer(
            [key.secret for key in reversed(ordered)],
            salt=_COOKIE_SALT, key_derivation="hmac", digest_method=hashlib.sha256,
        )  # fmt: skip
        object.__setattr__(self, "signer", signer)
        csrf = tuple(hmac.digest(key.secret, b"inseam.csrf", "sha256") for key in ordered)
        object.__setattr__(self, "csrf_secrets", csrf)
        object.__setattr__(self, "token_current", next(key for key in self.token if key.state == "current"))

    @classmethod
    def parse(cls, content: bytes, file: str = "keys.json") -> KeyRing:
        """Return the keys that a file holds. Raises KeysError: file, place, way out, and never a secret."""
        return _Reader(file).ring(content)

    @classmethod
    def fresh(cls, systems: Iterable[str], alg: Alg = "ES256", now: int = 0) -> KeyRing:
        """Return new random keys for an edge with these systems, `alg` for the tokens to them."""
        return cls(
            tuple(new_cookie_key(state, now) for state in _FRESH),
            tuple(new_token_key(state, alg, now) for state in _FRESH),
            {name: (new_system_key(name, now),) for name in systems},
        )

    def token_key(self, kid: str) -> TokenKey | None:
        """Return the accepted token key of that name."""
        for key in self.token:
            if key.kid == kid:
                return key
        return None

    def system_key(self, system: str, kid: str) -> SystemKey | None:
        """Return the key of that name, if it is the system's own."""
        for key in self.systems.get(system, ()):
            if key.kid == kid:
                return key
        return None

    def kids(self) -> list[str]:
        """Return the names of all keys."""
        of_systems = [key.kid for keys in self.systems.values() for key in keys]
        return [*(key.kid for key in self.cookie), *(key.kid for key in self.token), *of_systems]

    def to_json(self) -> bytes:
        """Return the file that `parse` reads."""
        said = _File(
            1,
            [_Cookie(key.kid, key.state, b64(key.secret), key.since) for key in self.cookie],
            [
                _Token(key.kid, key.alg, key.state, since=key.since, **_written(key.alg, key.material, "private"))
                for key in self.token
            ],
            {
                name: [
                    _System(key.kid, key.alg, since=key.since, **_written(key.alg, key.material, "public"))
                    for key in keys
                ]
                for name, keys in self.systems.items()
            },
        )
        return msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"


_ORDER: Final[dict[State, int]] = {"current": 0, "next": 1, "previous": 2}
_FRESH: Final[tuple[State, ...]] = ("current", "next")


def in_order(keys: Sequence[TokenKey]) -> list[TokenKey]:
    """Return token keys as they are published: current, next, previous."""
    return sorted(keys, key=lambda key: _ORDER[key.state])


# --- the file ---------------------------------------------------------------------------------------------------------

_SYSTEM: Final = re.compile("(?!inseam$)[A-Za-z][A-Za-z0-9_-]{0,62}")

_Kid = Annotated[str, msgspec.Meta(pattern=KID_PATTERN)]
_Since = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


def is_system_name(name: str) -> bool:
    """Whether a system can have the name: as in rules files."""
    return _SYSTEM.fullmatch(name) is not None


class _Written(msgspec.Struct):
    def __repr__(self) -> str:
        return type(self).__name__  # it holds secrets


class _Cookie(_Written, forbid_unknown_fields=True):
    kid: _Kid
    state: State
    secret: str
    since: _Since = 0


class _Token(_Written, forbid_unknown_fields=True, omit_defaults=True):
    kid: _Kid
    alg: Alg
    state: State
    private: str = ""
    secret: str = ""
    since: _Since = 0


class _System(_Written, forbid_unknown_fields=True, omit_defaults=True):
    kid: _Kid
    alg: Alg
    public: str = ""
    secret: str = ""
    since: _Since = 0


class _File(_Written, forbid_unknown_fields=True):
    version: Literal[1]
    cookie: list[_Cookie]
    token: list[_Token]
    systems: dict[str, list[_System]] = {}


def _written(alg: Alg, material: bytes, pem: Literal["private", "public"]) -> dict[str, Any]:
    return {"secret": b64(material)} if alg == "HS256" else {pem: material.decode("ascii")}


class _Reader:
    """Reads one keys file; `file` is for the messages."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.taken: dict[bytes, str] = {}

    def wrong(self, place: str, what: str) -> KeysError:
        return KeysError(f"{self.file}: {place}: {what}" if place else f"{self.file}: {what}")

    def ring(self, content: bytes) -> KeyRing:
        said = self.shape(content)
        cookie = tuple(
            CookieKey(one.kid, one.state, self.secret(one.secret, f"cookie[{place}]"), one.since)
            for place, one in enumerate(said.cookie)
        )
        token = tuple(self.token(one, f"token[{place}]") for place, one in enumerate(said.token))
        systems: dict[str, tuple[SystemKey, ...]] = {}
        for name, keys in said.systems.items():
            if not is_system_name(name):
                raise self.wrong(f"systems.{name[:64]!r}", "this is no system's name: take the one in rules.yaml")
            systems[name] = tuple(self.system(one, f"systems.{name}[{place}]") for place, one in enumerate(keys))
        self.states("cookie", [key.state for key in cookie])
        self.states("token", [key.state for key in token])
        ring = KeyRing(cookie, token, systems)
        seen: set[str] = set()
        for kid in ring.kids():
            if kid in seen:
                raise self.wrong("", f"two keys are named {kid!r}: give one of them another kid")
            seen.add(kid)
        return ring

    def shape(self, content: bytes) -> _File:
        if len(content) > MOST_FILE:
            raise self.wrong(
                "", f"longer than {MOST_FILE // 1024} KB, so it is no keys file; `inseam keys init` makes one"
            )
        value, fault = _loaded(content)
        if not fault:
            try:
                return msgspec.convert(value, _File)
            except msgspec.ValidationError as error:
                what, _, place = str(error).partition(" - at ")
                fault = (f"{place.strip('`').removeprefix('$').lstrip('.')}: " if place else "") + what
        raise self.wrong("", f"{fault} (docs/keys.md shows the file; `inseam keys init` makes one)")

    def states(self, kind: str, states: list[State]) -> None:
        for state in _FRESH:
            if states.count(state) != 1:
                raise self.wrong(
                    kind,
                    f"{states.count(state) or 'no'} keys are {state!r}, and exactly one must be: correct the states",
                )
        if states.count("previous") > MOST_PREVIOUS:
            raise self.wrong(kind, f"more than {MOST_PREVIOUS} keys are 'previous': remove the oldest")

    def token(self, said: _Token, place: str) -> TokenKey:
        if said.alg == "HS256":
            self.only(place, said.alg, "secret", "private", said.private)
            return TokenKey(said.kid, said.alg, said.state, self.secret(said.secret, place), said.since)
        self.only(place, said.alg, "private", "secret", said.secret)
        pem = said.private.encode()
        private = read_private(pem, said.alg, f"{self.file}: {place}.private")
        self.unique(pem, place)
        return TokenKey(said.kid, said.alg, said.state, pem, said.since, private)

    def system(self, said: _System, place: str) -> SystemKey:
        if said.alg == "HS256":
            self.only(place, said.alg, "secret", "public", said.public)
            return SystemKey(said.kid, said.alg, self.secret(said.secret, place), said.since)
        self.only(place, said.alg, "public", "secret", said.secret)
        pem = said.public.encode()
        public = read_public(pem, f"{self.file}: {place}.public")
        if isinstance(public, EllipticCurvePublicKey) is not (said.alg == "ES256"):
            raise self.wrong(f"{place}.alg", f"{said.alg}, and the key is of the other kind: write the other one")
        self.unique(pem, place)
        return SystemKey(said.kid, said.alg, pem, said.since, public)

    def only(self, place: str, alg: Alg, wanted: str, other: str, given: str) -> None:
        if given:
            raise self.wrong(f"{place}.{other}", f"a key of {alg} has none: write {wanted!r} and leave this out")

    def secret(self, text: str, place: str) -> bytes:
        place = f"{place}.secret"
        try:
            secret = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        except (ValueError, binascii.Error):
            secret = b""
        if not secret or b64(secret) != text:
            raise self.wrong(place, "not base64url without padding: `inseam keys` writes it so")
        if len(secret) < SECRET_BYTES:
            raise self.wrong(
                place, f"{len(secret) * 8} bits, and a secret has 256 at least: have `inseam keys` make it"
            )
        if len(set(secret)) < _DISTINCT:
            raise self.wrong(place, "nobody drew this at random: have `inseam keys` make it")
        if not _is_plain(secret):
            raise self.wrong(place, "this is a key of another kind, and maybe a public one: have `inseam keys` make it")
        self.unique(secret, place)
        return secret

    def unique(self, material: bytes, place: str) -> None:
        first = self.taken.setdefault(material.strip(), place)
        if first != place:
            raise self.wrong(
                place, f"the same as {first}: who has the one could forge what the other signs; make another"
            )


def _is_plain(secret: bytes) -> bool:
    """Whether PyJWT signs with it: not with what looks like somebody's public key. RFC 8725, 2.1."""
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError:
        return False
    return True


def _loaded(content: bytes) -> tuple[object, str]:
    """Return the JSON value and "", or None and what is wrong.

    It does not raise, because the errors of the JSON parser keep the whole file, secrets and all.
    """
    try:
        return json.loads(content.decode(), object_pairs_hook=_once), ""
    except json.JSONDecodeError as error:
        return None, f"line {error.lineno}, column {error.colno}: not JSON"
    except _Twice as error:
        return None, f"{error.args[0]!r} stands twice in one object"
    except (ValueError, RecursionError):
        return None, "not JSON"


class _Twice(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1)[:64])
    return found
