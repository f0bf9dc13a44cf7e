"""What a shared cache may keep: never an answer that depends on a session or sets one. Pure.

A cache between us and the shopper sees one address and one page; that the page was made for somebody it can only know
from the answer's headers. RFC 9111, 3 and 5.2; REQUIREMENTS, 19.
"""

from __future__ import annotations

from typing import Final

from router.model import Edits, Headers

_FOR_CACHES: Final = ("CDN-Cache-Control", "Surrogate-Control", "Expires")
"""Lines that some cache believes before, or beside, Cache-Control. RFC 9213."""


def withheld(headers: Headers, sets_session: bool, personal: bool) -> Edits | None:
    """Return the edits that keep an answer out of shared caches; None if it says so itself.

    `sets_session`: it carries the edge's session cookie, so nobody may store it. `personal`: it was made for this
    visitor, and its Vary names what no cache sees. Otherwise it carries cookies of a system.
    """
    said = (headers.get("cache-control") or "").lower()
    edits = Edits()
    if sets_session:
        edits.set["Cache-Control"] = "no-store"
    elif "no-store" not in said and "private" not in said:
        edits.set["Cache-Control"] = "private, no-cache" if personal else _made_private(said)
    vary = headers.get("vary")
    if vary is not None and "inseam-session" in vary.lower():
        names = [name.strip() for name in vary.split(",") if name.strip().lower() not in ("inseam-session", "cookie")]
        edits.set["Vary"] = ", ".join([*names, "Cookie"])
    if edits.set.get("Cache-Control"):
        edits.remove += [name for name in _FOR_CACHES if name in headers]
    return edits if edits else None


def _made_private(said: str) -> str:
    """Return the directives without those that speak to shared caches, and with `private`."""
    kept = [part.strip() for part in said.split(",")]
    own = [part for part in kept if part and part != "public" and not part.startswith("s-maxage")]
    return ", ".join(["private", *own])
