"""The way out for a browser whose cookies have grown too large to be sent: an address that takes the heaviest away.

Whatever it asks for is refused with 431, this address too; so the refusal itself is the page. It takes away what others
have left there, never the edge's own cookies: nobody loses a basket by it. REQUIREMENTS, 17.
"""

from __future__ import annotations

import re
from typing import Final

from router.edge.pages import error_reply
from router.model import Reply
from sessions.jar.names import OURS, Names

_ADDRESS: Final = "/.inseam/cookies"
_WAYS: Final = [("Delete the largest cookies of this site", _ADDRESS)]

_ASKED: Final = re.compile(rb"(?:\r\n)*GET /\.inseam/cookies[ ?]")
_COOKIES: Final = re.compile(rb"\r\nCookie:([^\r\n]*)", re.IGNORECASE)
_HOST: Final = re.compile(
    rb"\r\nHost:[ \t]*(?:[a-z0-9-]{1,63}\.){0,9}?([a-z0-9-]{1,63}\.[a-z][a-z0-9-]{1,62})[ \t]*(?::[0-9]{1,5})?\r\n",
    re.IGNORECASE,
)
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")

_AT_ONCE: Final = 20
"""Cookies that one answer takes away: proxies before us take answers with heads of 4 KB. The next one takes more."""

_names: Final = Names({}, "")


def too_large(begun: bytes, request_id: str, accept: str) -> Reply:
    """Return the answer to a request whose head is too large, of which `begun` has come so far."""
    if not _ASKED.match(begun):
        return error_reply(431, request_id, accept, ways=_WAYS)
    return Reply(303, [("Location", "/"), ("Cache-Control", "no-store"), *_deletions(begun)])


def _deletions(begun: bytes) -> list[tuple[str, str]]:
    """Return the lines that delete the heaviest cookies: those of this host, and those of its whole domain."""
    pieces = [piece.strip() for line in _COOKIES.findall(begun) for piece in line.split(b";")]
    sizes: dict[bytes, int] = {}
    for piece in pieces:
        name, equals, _ = piece.partition(b"=")
        if equals and _NAME.fullmatch(name) and _names.form(name).kind != OURS:
            sizes[name] = sizes.get(name, 0) + len(piece)
    heaviest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:_AT_ONCE]
    host = _HOST.search(begun)
    domain = f"; Domain={host[1].decode('ascii').lower()}" if host is not None else ""
    lines: list[tuple[str, str]] = []
    for name in heaviest:
        line = f"{name.decode('ascii')}=; Path=/; Max-Age=0"
        if name[:2] == b"__":
            line += "; Secure"  # or browsers ignore the line
        lines.append(("Set-Cookie", line))
        if domain and not name.lower().startswith(b"__host-"):
            lines.append(("Set-Cookie", line + domain))
    return lines
