"""Close the shop, or a part of it, with a page that says so, while those who work on it can look around.

Search engines and scripts hear 503 with Retry-After, so nothing is dropped from an index and nobody hammers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from router.conditions import Between
from router.edge.pages import error_reply
from router.model import Reply, RequestView
from router.options import NOBODY, Clients, Duration, HeaderName, Path, SecretDigest, Window
from router.patterns import PathPattern


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Closed are `paths`, within the window `between`, or for as long as the plugin stands in the rules file.

    Who comes from `bypass_clients`, or sends the secret in `bypass_cookie` or `bypass_header`, passes. Retry-After is
    the time left of the window, else `retry_after` (seconds).
    """

    paths: tuple[Path, ...] = (PathPattern.parse("/**"),)
    title: str = "We will be back soon"
    message: str = "The shop is closed for a moment while we work on it."
    between: Window = Between()
    retry_after: Duration = 600.0
    bypass_clients: Clients = NOBODY
    bypass_cookie: str = ""
    bypass_header: HeaderName | None = None
    secret: SecretDigest | None = None

    def __post_init__(self) -> None:
        if not self.paths:
            raise ValueError("paths is empty, so nothing would be closed: leave it out to close all of the shop")
        if (self.secret is None) is not (not self.bypass_cookie and self.bypass_header is None):
            raise ValueError("secret goes with bypass_cookie or bypass_header: give both, or neither")

    def on_request(self, view: RequestView) -> Reply | None:
        if not self.between(view) or not any(path(view.path) for path in self.paths) or self._passes(view):
            return None
        left = self.retry_after if self.between.until is None else self.between.until - view.now
        accept = view.headers.get("accept") or ""
        return error_reply(503, view.request_id, accept, retry_after=ceil(left), title=self.title, said=self.message)

    def _passes(self, view: RequestView) -> bool:
        if self.bypass_clients(view):
            return True
        if self.secret is None:
            return False
        given = [view.cookies.get(self.bypass_cookie, "")]
        if self.bypass_header is not None:
            given.append(view.headers.get(self.bypass_header) or "")
        return any(self.secret(text.encode("latin-1", "replace")) for text in given)


PLUGIN = Maintenance
