"""Changing a ring of keys: rotate, retire, add. Old ring in, new ring out; the clock is an argument.

`rotated` logs nobody out: what was signed with is still accepted, and what is signed with from now on has been accepted
for a while (REQUIREMENTS, 3 and 4). `retired` is for keys that somebody else may have: it takes effect at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

from sessions.errors import KeysError
from sessions.keymaterial import Alg, CookieKey, State, SystemKey, TokenKey, new_cookie_key, new_token_key
from sessions.keys import MOST_PREVIOUS, KeyRing

DAY: Final = 24 * 3600

KEEP: Final = 31 * DAY
"""Seconds for which a cookie key that signs no more is accepted: one more day than the idle time of sessions."""

READY: Final = 600
"""Seconds from the making of a key until it may sign: time for the file to reach every edge, and for systems to fetch
the public keys, which libraries keep for five minutes."""

Key = TypeVar("Key", CookieKey, TokenKey)


def rotated(ring: KeyRing, now: int, keep: int = KEEP, alg: Alg | None = None) -> KeyRing:
    """Return the ring a step on: next signs, current is still accepted, a new next is made; `alg` is for the latter.

    Cookie keys that signed until `keep` seconds ago are still accepted. Of the token keys only the last: tokens live
    for minutes.
    """
    cookie = _stepped(ring.cookie, now, keep)
    token = _stepped(ring.token, now, READY)
    fresh = new_token_key("next", alg or ring.token_current.alg, now)
    return KeyRing((*cookie, new_cookie_key("next", now)), (*token, fresh), ring.systems)


def _stepped(keys: tuple[Key, ...], now: int, keep: int) -> list[Key]:
    current = [_moved(key, "current", now) for key in keys if key.state == "next"]
    left = [_moved(key, "previous", now) for key in keys if key.state == "current"]
    old = [key for key in keys if key.state == "previous" and key.since > now - keep]
    old.sort(key=_since, reverse=True)
    return (current + left + old)[: 1 + MOST_PREVIOUS]


def _moved(key: Key, state: State, now: int) -> Key:
    return replace(key, state=state, since=now)


def _since(key: CookieKey | TokenKey) -> int:
    return key.since


def age(ring: KeyRing, now: int) -> int:
    """Return for how many seconds the ring's keys have been signing."""
    return max(0, now - min(_since(key) for key in _all(ring) if key.state == "current"))


def unripe(ring: KeyRing, now: int) -> int:
    """Return how many seconds are missing until the next keys may sign: 0 if they may."""
    made = max(_since(key) for key in _all(ring) if key.state == "next")
    return max(0, READY - max(0, now - made))


def _all(ring: KeyRing) -> tuple[CookieKey | TokenKey, ...]:
    return (*ring.cookie, *ring.token)


def retired(ring: KeyRing, kid: str, now: int) -> KeyRing:
    """Return the ring without a key. What it has signed is refused from now on. Raises KeysError.

    If it is the current one, the next one takes over at once; a new next is made.
    """
    if kid not in ring.kids():
        raise KeysError(f"there is no key {kid!r}: `inseam keys list` shows those there are")
    cookie, token = _without(ring.cookie, kid, now), _without(ring.token, kid, now)
    if all(key.state != "next" for key in cookie):
        cookie.append(new_cookie_key("next", now))
    if all(key.state != "next" for key in token):
        token.append(new_token_key("next", ring.token_current.alg, now))
    systems = {}
    for name, keys in ring.systems.items():
        systems[name] = tuple(key for key in keys if key.kid != kid)
        if keys and not systems[name]:
            raise KeysError(f"{kid!r} is the only key of {name}: `inseam keys add {name}` first makes another")
    return KeyRing(tuple(cookie), tuple(token), systems)


def _without(keys: tuple[Key, ...], kid: str, now: int) -> list[Key]:
    left = [key for key in keys if key.kid != kid]
    if any(key.state == "current" for key in left):
        return left
    return [_moved(key, "current", now) if key.state == "next" else key for key in left]


def added(ring: KeyRing, system: str, key: SystemKey) -> KeyRing:
    """Return the ring with one more key of a system, whose older ones are still accepted. Raises KeysError."""
    if key.kid in ring.kids():
        raise KeysError(f"there is a key {key.kid!r} already: give this one another name (--kid)")
    for name, keys in ring.systems.items():
        if any(other.material.strip() == key.material.strip() for other in keys):
            raise KeysError(f"this is a key of {name} already, and one key cannot speak for two systems")
    return KeyRing(ring.cookie, ring.token, {**ring.systems, system: (*ring.systems.get(system, ()), key)})
