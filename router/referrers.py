"""What the address of a payment page tells others: by `Referrer-Policy` on its answers, by `Referer` of what follows.

REQUIREMENTS, 27: payment providers send shoppers back with query strings that no other system may see, and a browser
repeats the whole address to everybody whom the page loads something from. To other sites the policy stops that; the
CMS, which has the same origin, is told the path only, because the edge takes the query away.
"""

from __future__ import annotations

from typing import Final

from router.errors import ClientError
from router.wire.target import canonical

_KEPT: Final = frozenset((b"no-referrer", b"same-origin", b"strict-origin", b"origin"))
"""Policies under which no other site ever hears the path. The last two tell other sites the origin and, unlike
same-origin, tell the same site no more than that."""

_KNOWN: Final = _KEPT | {
    b"no-referrer-when-downgrade", b"origin-when-cross-origin", b"strict-origin-when-cross-origin", b"unsafe-url",
}  # fmt: skip

_POLICY: Final = b"Referrer-Policy: same-origin\r\n"


def discreet(lines: bytes) -> bytes:
    """Return an answer's header lines with a Referrer-Policy that is same-origin, or the stricter one they have.

    Of several policies in a line, or several lines, the last one that a browser knows counts (Referrer Policy, 8.1).
    """
    if b"referrer-policy" not in lines.lower():
        return lines + _POLICY
    others: list[bytes] = []
    chosen = b""
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() != b"referrer-policy":
            others.append(line)
            continue
        for token in value.lower().split(b","):
            policy = token.strip(b" \t")
            if policy in _KNOWN:
                chosen = policy
    return lines if chosen in _KEPT else b"\r\n".join(others) + _POLICY


def referers(lines: bytes) -> list[tuple[int, int]]:
    """Return where the values of a request's Referer lines begin and end, the last first; those with a query only."""
    low = lines.lower()  # 0.3 us, as much as to look for one more spelling
    found: list[tuple[int, int]] = []
    start = low.find(b"referer:")
    while start >= 0:
        end = low.find(b"\r\n", start)
        begins = start == 0 or (start > 1 and low[start - 2 : start] == b"\r\n")
        if begins and low.find(b"?", start, end) >= 0:
            found.insert(0, (start + 8, end))
        start = low.find(b"referer:", end)
    return found


def path_of(referer: bytes, authority: str) -> str | None:
    """Return the canonical path of a Referer that is a page of ours; None for another site's.

    Empty for a path that nobody's rules can tell anything of.
    """
    scheme, mark, rest = referer.strip(b" \t").partition(b"://")
    host, slash, path = rest.partition(b"/")
    if not mark or not slash or scheme.lower() not in (b"http", b"https"):
        return None
    if host.lower() != authority.lower().encode("latin-1", "replace"):
        return None
    try:
        return canonical(b"/" + path.partition(b"#")[0].partition(b"?")[0]).decode("ascii")
    except (ClientError, UnicodeDecodeError):
        return ""
