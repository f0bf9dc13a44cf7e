"""Say how long a page may be kept, where its system says nothing: for assets that a CMS sends without any word on it.

Only a 200 to GET or HEAD that sets no cookie and was asked for without credentials is ever marked: a page of one
visitor must not be kept for another. RFC 9111, 3 and 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.model import Edits, RequestView, ResponseView
from router.options import HeaderValue

_SPOKEN = ("cache-control", "expires", "pragma", "set-cookie")
"""A system that sends one of these has said enough, or sends a page that is one visitor's."""


@dataclass(frozen=True, slots=True)
class CacheControl:
    """`value` is what answers of the page types `pages` are marked with."""

    value: HeaderValue = "public, max-age=3600"
    pages: frozenset[str] = frozenset({"asset"})

    def __post_init__(self) -> None:
        if not self.value:
            raise ValueError("value is empty: write one such as 'public, max-age=3600', or leave the plugin out")

    def on_response(self, view: RequestView, response: ResponseView) -> Edits | None:
        if view.decision is None or view.decision.rule.page not in self.pages:
            return None
        if response.status != 200 or view.method not in ("GET", "HEAD") or "authorization" in view.headers:
            return None
        if any(name in response.headers for name in _SPOKEN):
            return None
        return Edits(set={"Cache-Control": self.value})


PLUGIN = CacheControl
