"""What a shared cache may keep: never an answer that depends on a session or sets one. Pure.

A cache between us and the shopper sees one address and one page; that the page was made for somebody it can only know
from the answer's headers. RFC 9111, 3 and 5.2; REQUIREMENTS, 19.
"""

from __future__ import annotations

import re
from typing import Final

from router.model import Edits, Headers

_PARTS: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
"""The directives of Cache-Control; a comma within quotation marks parts nothing."""

_FOR_CACHES: Final = ("cdn-cache-control", "surrogate-control", "edge-control", "akamai-cache-control")
"""Lines that some cache believes before Cache-Control, private or not. RFC 9213; Akamai's are older."""


def withheld(headers: Headers, sets_session: bool, personal: bool, sets_cookies: bool) -> Edits | None:
    """Return the edits that keep an answer out of shared caches; None if it says so itself, or need not.

    `sets_session`: it carries the edge's session cookie, so nobody may store it. `personal`: it was made for this
    visitor. `sets_cookies`: it carries cookies of a system. Whatever it is, a Vary by what no cache ever sees becomes
    one by Cookie: the guests' page must not be everybody's.
    """
    edits = Edits()
    if sets_session or personal or sets_cookies:
        said = _PARTS.findall((headers.get("cache-control") or "").lower())
        parts = [part.strip() for part in said if part.strip()]
        if sets_session and "no-store" not in parts:
            edits.set["Cache-Control"] = "no-store"
        elif "no-store" not in parts and "private" not in parts:
            edits.set["Cache-Control"] = "private, no-cache" if personal else _made_private(parts)
        edits.remove += [name for name, _ in headers if _is_for_caches(name.lower())]
        if edits.set and "expires" in headers:
            edits.remove.append("Expires")
    vary = headers.get("vary")
    if vary is not None and "inseam-session" in vary.lower():
        names = [name.strip() for name in vary.split(",") if name.strip().lower() not in ("inseam-session", "cookie")]
        edits.set["Vary"] = ", ".join([*names, "Cookie"])
    return edits if edits else None


def insisted(headers: Headers, edits: Edits | None) -> Edits:
    """Return the edits so that they hold whatever a rule or a plugin says of the same answer."""
    edits = edits or Edits()
    edits.set.setdefault("Cache-Control", headers.get("cache-control") or "private")
    edits.remove += [name for name in _FOR_CACHES if name not in edits.remove]
    return edits


def _is_for_caches(name: str) -> bool:
    """Whether a line is for shared caches only; RFC 9213, 3.1 lets everybody have one of their own."""
    return name.endswith("cdn-cache-control") or name in _FOR_CACHES


def _made_private(parts: list[str]) -> str:
    """Return the directives without those that speak to shared caches, and with `private`."""
    own = [part for part in parts if part != "public" and not part.startswith(("s-maxage", "private="))]
    return ", ".join(["private", *own])
