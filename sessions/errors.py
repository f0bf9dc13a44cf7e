"""What can be wrong with what others say of a session. To a visitor none of it is an error: the bridge decides."""

from __future__ import annotations


class SessionError(Exception):
    """The family. `reason` is the label in metrics."""

    reason = "bad"


class BadCookie(SessionError):
    """A session cookie that cannot be believed."""


class ForgedCookie(BadCookie):
    """The signature is not of any key that is accepted."""

    reason = "forged"


class MalformedCookie(BadCookie):
    """It is no session cookie, or too long for one."""

    reason = "malformed"


class ExpiredSession(BadCookie):
    """It was good, and its idle or absolute time is over."""

    reason = "expired"


class RevokedSession(BadCookie):
    """It was good, and somebody has ended it: a logout everywhere, a revocation, a login that moved it on."""

    reason = "revoked"


class BadToken(SessionError):
    """A token that cannot be believed. `reason` says why, for the counter; the answer is the same for all."""

    def __init__(self, message: str, reason: str = "malformed") -> None:
        super().__init__(message)
        self.reason = reason


class BadClaims(SessionError):
    """A token or an update that is genuine and says something that cannot be."""

    reason = "claims"


class KeysError(SessionError):
    """A keys file that is of no use: says what, where, and what to do."""


class StoreDown(SessionError):
    """The store did not answer in time, or refuses."""

    reason = "store_down"
