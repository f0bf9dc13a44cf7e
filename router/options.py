"""Types of options that plugins share: checked once, when the rules load; from then on values that answer.

Each is the type of a dataclass field. The rules file has text, pydantic hands the field the value. Whoever makes a
plugin by hand gives the value: `Maintenance(paths=(PathPattern.parse("/checkout/**"),))`. What is wrong raises
ValueError with a sentence for the operator.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from router.conditions import Between, Client
from router.headers import UNTOUCHABLE
from router.patterns import PathPattern, PatternError
from router.rulesfile.addresses import BadAddress
from router.rulesfile.conditions import method_name
from router.rulesfile.scalars import Duration, Share
from router.rulesfile.times import BadTime, moment, time_zone

__all__ = [
    "NOBODY",
    "Clients",
    "Duration",
    "HeaderName",
    "HeaderValue",
    "Method",
    "Path",
    "Secret",
    "SecretDigest",
    "Share",
    "Window",
]

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")  # RFC 9110, 5.6.2, without `_`: some systems read it as `-`
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WINDOW: Final = ("from", "until", "timezone")
_EDGE: Final = ("inseam-", "x-forwarded-", "x-accel-")
_EDGE_NAMES: Final = frozenset({"via", "forwarded", "traceparent", "x-request-id", "x-real-ip", "set-cookie", "cookie"})


def header_name(text: str) -> str:
    """Return the name of a header that a plugin may write. Raises ValueError."""
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"{text!r} is not a header name: letters, digits and hyphens make one")
    low = text.lower()
    if low.startswith(_EDGE) or low in _EDGE_NAMES or low.encode("ascii") in UNTOUCHABLE:
        raise ValueError(f"{text!r} is written by the edge itself: choose another header")
    return text


def header_value(text: str) -> str:
    """Return a header's value: printable ASCII, nothing that could begin another line. Raises ValueError."""
    if text and not _VALUE.fullmatch(text):
        raise ValueError(f"{text!r} cannot be a header's value: printable ASCII on one line can")
    return text


def _method(text: str) -> str:
    try:
        return method_name(text)
    except BadAddress as error:
        raise ValueError(f"{error}: {error.hint}") from error


def _path(text: Any) -> PathPattern:
    if isinstance(text, PathPattern):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a path: write text such as /checkout/**")
    try:
        return PathPattern.parse(text)
    except PatternError as error:
        raise ValueError(f"{error}; {error.hint}" if error.hint else str(error)) from error


def _clients(texts: Any) -> Client:
    if isinstance(texts, Client):
        return texts
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError("this is not a list of networks such as [10.0.0.0/8, 2001:db8::/32]")
    try:
        return Client(tuple(ipaddress.ip_network(text) for text in texts))
    except ValueError as error:
        raise ValueError(f"{error}: write networks such as [10.0.0.0/8, 2001:db8::/32]") from error


def _window(said: Any) -> Between:
    if isinstance(said, Between):
        return said
    if not isinstance(said, dict) or set(said) <= {"timezone"} or set(said) - set(_WINDOW):
        raise ValueError("this is no window of time: write {from: 2026-06-01T22:00, until: 2026-06-02}, or one of them")
    try:
        zone = time_zone(said.get("timezone", "UTC"))
        since, until = (moment(said[side], zone) if side in said else None for side in ("from", "until"))
    except BadTime as error:
        raise ValueError(f"{error}: {error.hint}" if error.hint else str(error)) from error
    except TypeError as error:
        raise ValueError("from, until and timezone are texts: write 2026-06-01T22:00 and Europe/Berlin") from error
    if since is not None and until is not None and until <= since:
        raise ValueError("the window ends before it begins: until must be after from")
    return Between(since, until)


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of which only the SHA-256 is known, in hex: the rules file gives nothing away to who reads it.

    Calling it with what a client sent compares in constant time. A fast hash guards only a secret that nobody can
    guess, so it must be a random one (`openssl rand -hex 16`), never a word.
    """

    digest: str = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Secret:
        """Return the secret that this text is, for tests."""
        return cls(sha256(text.encode()).hexdigest())

    def __call__(self, given: bytes) -> bool:
        return hmac.compare_digest(sha256(given).hexdigest(), self.digest)


def _secret(text: Any) -> Secret:
    if isinstance(text, Secret):
        return text
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        # The text is not repeated: somebody may have written the secret itself.
        raise ValueError("this is not a SHA-256 in 64 hex digits: printf %s THE-SECRET | sha256sum prints it")
    return Secret(text)


def _text(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


HeaderName = Annotated[str, AfterValidator(header_name)]
"""A header that a plugin may write: none that the edge writes itself."""

HeaderValue = Annotated[str, AfterValidator(header_value)]
"""One line of printable ASCII; empty where the plugin says what that means."""

Path = Annotated[PathPattern, PlainValidator(_path), _text("/checkout/**")]
"""A path pattern, as the rules use them; calling it with a path tells whether it holds."""

Clients = Annotated[
    Client,
    PlainValidator(_clients),
    WithJsonSchema({"type": "array", "items": {"type": "string", "examples": ["::1"]}}),
]
"""A list of networks, IPv4 or IPv6; calling it with a request tells whether the client is in one of them."""

NOBODY: Final = Client(())
"""No client at all: the default of an option that makes exceptions."""

Method = Annotated[str, AfterValidator(_method)]
"""A method, in capitals as it is sent."""

Window = Annotated[
    Between,
    PlainValidator(_window),
    WithJsonSchema({"type": "object", "properties": {side: {"type": "string"} for side in _WINDOW}}),
]
"""A window of time, in the words of `when: {between: ...}`; calling it with a request tells whether it is open."""

SecretDigest = Annotated[Secret, PlainValidator(_secret), _text("64 hex digits, from sha256sum")]
"""The SHA-256 of a random secret, in hex."""
