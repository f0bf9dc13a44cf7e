"""Forms that were open keep working when a login changes the secret they are protected by.

A form carries a token that must fit a cookie. Django and others change that cookie at login, so a form that was opened
before in another tab is refused with 403, filled in as it is. Here the former value is kept by the browser for a grace
time, under a name of the edge's own; and of a request whose token fits the former value, not the present one, the
system is sent the former. Which of the two it fits is told by the token alone, from its header or from the first bytes
of the form; no byte of the request but that one cookie is changed.

Why this opens no door. A token is proof that whoever made the form could read what this browser was given, and it stays
so:

- The former value came from the same browser's own cookie. It is HttpOnly, so no script can read it, and under https it
  has the `__Host-` prefix, so neither a subdomain nor an http page can plant it.
- No token is made here, and none let through: the system still compares, and a token that fits neither value is refused
  as ever.
- A system changes the secret at login for fear that somebody learnt the one before. Who did has the grace time, not
  longer, and still not the rest: SameSite, and the refusal of foreign Origins (REQUIREMENTS, 34), which the edge must
  have done before it asks here.
- After a logout, or when another customer logs in, nothing of it is left: `forget`.

A page's script may send, in its header, the token of the system whose page was loaded last in another tab (both systems
say `csrftoken`: sessions.jar). That one, too, is sent as the cookie: no other site can set such a header.

Pure; the grace time is kept by the browser, as Max-Age. A form costs 0.9 us while no secret changed, a page nothing.
"""

from __future__ import annotations

import hmac
import string
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from sessions.jar import values
from sessions.jar.names import FORMER, SPACE, spelled
from sessions.jar.setcookie import SetCookie

FIRST_BYTES: Final = 16 * 1024
"""Bytes of a form in which the token is looked for. Frameworks put it first; what comes later stays as it is."""

_MOST_TRIED: Final = 4
"""Tokens or cookies of one name that are tried. A form has one; who sends thousands shall not cost milliseconds."""

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))

_LETTERS: Final = (string.ascii_letters + string.digits).encode()
_PLACES: Final = {letter: place for place, letter in enumerate(_LETTERS)}
_SECRET: Final = 32
"""Letters of Django's secret; a token of twice as many is a mask and the secret under it. django.middleware.csrf."""


def unmasked(token: bytes) -> bytes:
    """Return the secret in a Django token, masked (64 letters) or not (32); b"" for what is no token."""
    if len(token) not in (_SECRET, 2 * _SECRET) or not set(token) <= _PLACES.keys():
        return b""
    if len(token) == _SECRET:
        return token
    mask, cipher = token[:_SECRET], token[_SECRET:]
    return bytes([_LETTERS[_PLACES[under] - _PLACES[over]] for under, over in zip(cipher, mask, strict=True)])


def _kind(content_type: bytes) -> bytes:
    """Return which of the two kinds of form it is; b"" for none."""
    kind = content_type.partition(b";")[0].strip(SPACE).lower()
    return kind if kind in (b"application/x-www-form-urlencoded", b"multipart/form-data") else b""


class OpenForms:
    """The forms of one system. The fields are those of its profile's `csrf`; `grace` is in seconds.

    `cookies` are always the request's Cookie lines as the browser sent them, `sent` the Cookie value that
    `Jar.for_system` made of them.
    """

    __slots__ = ("_cookie", "_django", "_field", "_former", "_former_https", "_grace", "header")

    def __init__(
        self, system: str, cookie: str, field: str, header: str, scheme: Literal["django", "equal"], grace: int
    ) -> None:
        self.header = header
        self._cookie = cookie.encode("latin-1")
        self._field = field.encode()
        self._django = scheme == "django"
        self._grace = grace
        self._former = spelled(system, FORMER, self._cookie)
        self._former_https = self._former if self._former.startswith(b"__Host-") else b"__Host-" + self._former

    # --- the request --------------------------------------------------------------------------------------------------

    def wants_body(
        self, method: str, content_type: bytes, token: bytes, cookies: Sequence[bytes], sent: bytes, secure: bool
    ) -> bool:
        """Whether the first bytes of the body are needed to tell to which value the form belongs.

        `token` is the value of the request's `header`, b"" for none; `secure` says that the visitor speaks https.
        """
        if method in _SAFE or not _kind(content_type):
            return False
        former = self._kept(cookies, secure)
        if not former:
            return False
        present = self._present(sent)
        if not present or self._same(former, present):
            return False
        return not (token and self.chosen(method, content_type, token, cookies, sent, secure))

    def chosen(
        self,
        method: str,
        content_type: bytes,
        token: bytes,
        cookies: Sequence[bytes],
        sent: bytes,
        secure: bool,
        body: bytes = b"",
    ) -> bytes:
        """Return the cookie's value that the request's form was made with; b"" if nothing tells.

        `body` are the first bytes of it, cut anywhere. Ask again with more of it while the answer is b""; any other is
        final. One that is not the present value goes into the request by `replaced`.
        """
        if method in _SAFE:
            return b""
        former = self._kept(cookies, secure)
        if not former and not token:
            return b""
        present = self._present(sent)
        if not present:
            return b""
        if token:
            for value in (present, former, *values(cookies, self._cookie)[:_MOST_TRIED]):
                if value and self._fits(token, value):
                    return value
        if former:
            for found in self._tokens(content_type, body[:FIRST_BYTES])[:_MOST_TRIED]:
                for value in (present, former):
                    if self._fits(found, value):
                        return value
        return b""

    def replaced(self, sent: bytes, value: bytes) -> bytes:
        """Return the Cookie value with this value of the system's cookie; every other byte stays."""
        pieces = sent.split(b";")
        for number, piece in enumerate(pieces):
            name, equals, _ = piece.partition(b"=")
            if equals and name.strip(SPACE) == self._cookie:
                pieces[number] = name + b"=" + value
        return b";".join(pieces)

    # --- the answer ---------------------------------------------------------------------------------------------------

    def keep(self, set_cookie: bytes, sent: bytes, secure: bool) -> bytes:
        """Return the Set-Cookie that keeps the present value, if the system's `set_cookie` changes it; otherwise b"".

        `sent` is the Cookie value before `replaced`. Not to be asked for an answer that ends a login.
        """
        said = self._said(set_cookie)
        present = self._present(sent)
        if not said or not present or self._same(said, present):
            return b""
        return self._line(present, self._grace, secure)

    def reverts(self, set_cookie: bytes, sent: bytes, value: bytes) -> bool:
        """Whether a Set-Cookie of the answer would bring back the former value that its request was sent with.

        It is to be left out: the browser has a newer one, and Django only sends again what it was sent.
        """
        said = self._said(set_cookie)
        present = self._present(sent)
        return bool(said and present and value) and self._same(said, value) and not self._same(said, present)

    def forget(self, cookies: Sequence[bytes], secure: bool) -> list[bytes]:
        """Return the Set-Cookie values that delete what was kept: for a logout, and for another customer's login."""
        name = self._former_https if secure else self._former
        return [self._line(b"", 0, secure)] if values(cookies, name) else []

    # --- reading ------------------------------------------------------------------------------------------------------

    def _present(self, sent: bytes) -> bytes:
        """Return the system's own value; b"" if there is none, or several: then nobody knows which one counts."""
        found = values([sent], self._cookie)
        return found[0] if len(found) == 1 else b""

    def _kept(self, cookies: Sequence[bytes], secure: bool) -> bytes:
        found = values(cookies, self._former_https if secure else self._former)
        return found[0] if len(found) == 1 else b""

    def _said(self, set_cookie: bytes) -> bytes:
        if self._cookie not in set_cookie:
            return b""
        cookie = SetCookie(set_cookie, secure=False, rewritten=False)
        return cookie.value.strip(SPACE) if cookie.name == self._cookie and not cookie.deletes else b""

    def _same(self, one: bytes, other: bytes) -> bool:
        """Whether two values of the cookie are one secret: older Djangos put a new mask on it each time."""
        return one == other or (self._django and bool(unmasked(one)) and unmasked(one) == unmasked(other))

    def _fits(self, token: bytes, value: bytes) -> bool:
        if self._django:
            secret = unmasked(token)
            return bool(secret) and hmac.compare_digest(secret, unmasked(value))
        plain = value.strip(b'"')
        return hmac.compare_digest(token, plain) or hmac.compare_digest(token, unquote_to_bytes(plain))

    def _tokens(self, content_type: bytes, body: bytes) -> list[bytes]:
        """Return the values of the field in a form; the last one may be cut, and then fits nothing."""
        kind = _kind(content_type)
        if kind == b"multipart/form-data":
            return self._parts(content_type, body)
        if not kind or self._field not in body:
            return []
        found: list[bytes] = []
        for pair in body.split(b"&"):
            name, _, value = pair.partition(b"=")
            if name == self._field:
                found.append(unquote_to_bytes(value.replace(b"+", b" ")))
        return found

    def _parts(self, content_type: bytes, body: bytes) -> list[bytes]:
        _, found, boundary = content_type.partition(b"boundary=")
        boundary = boundary.partition(b";")[0].strip(b' \t"')
        if not found or not boundary or self._field not in body:
            return []
        wanted = b'name="' + self._field + b'"'
        tokens: list[bytes] = []
        for part in body.split(b"--" + boundary):
            head, ends, value = part.partition(b"\r\n\r\n")
            if ends and wanted in head:
                tokens.append(value.removesuffix(b"\r\n"))
        return tokens

    def _line(self, value: bytes, age: int, secure: bool) -> bytes:
        name = self._former_https if secure else self._former
        ending = b"; Secure" if secure else b""
        return b"%b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b" % (name, value, age, ending)
