"""Close the shop, or a part of it, with a page that says so, while those who work on it can look around.

Search engines and scripts hear 503 with Retry-After, so nothing is dropped from an index and nobody hammers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from router.conditions import Between
from router.edge.pages import error_reply
from router.model import Reply, RequestView
from router.options import NOBODY, Clients, HeaderName, Moment, Path, SecretDigest, TimeZone
from router.patterns import PathPattern


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Closed are `paths`, from `since` until `until` (in `timezone` where they name no offset; without them, now).

    Who comes from `bypass_clients`, or sends `secret` in `bypass_cookie` or `bypass_header`, passes. Retry-After is the
    time left until `until`, else `retry_after` seconds.
    """

    paths: tuple[Path, ...] = (PathPattern.parse("/**"),)
    title: str = "We will be back soon"
    message: str = "The shop is closed for a moment while we work on it."
    since: Moment | None = None
    until: Moment | None = None
    timezone: TimeZone = ZoneInfo("UTC")
    retry_after: Annotated[int, Field(ge=1, le=86_400)] = 600
    bypass_clients: Clients = NOBODY
    bypass_cookie: str = ""
    bypass_header: HeaderName | None = None
    secret: SecretDigest | None = None
    _window: Between = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        window = Between(_epoch(self.since, self.timezone), _epoch(self.until, self.timezone))
        if window.since is not None and window.until is not None and window.until <= window.since:
            raise ValueError("until is not after since, so the page would never be shown")
        if (self.secret is None) is not (not self.bypass_cookie and self.bypass_header is None):
            raise ValueError("secret goes with bypass_cookie or bypass_header: give both, or neither")
        object.__setattr__(self, "_window", window)

    def on_request(self, view: RequestView) -> Reply | None:
        if not self._window(view) or not any(path(view.path) for path in self.paths) or self._passes(view):
            return None
        left = self.retry_after if self._window.until is None else ceil(self._window.until - view.now)
        accept = view.headers.get("accept") or ""
        return error_reply(503, view.request_id, accept, retry_after=left, title=self.title, said=self.message)

    def _passes(self, view: RequestView) -> bool:
        if self.bypass_clients(view):
            return True
        if self.secret is None:
            return False
        given = [view.cookies.get(self.bypass_cookie, "")]
        if self.bypass_header is not None:
            given.append(view.headers.get(self.bypass_header) or "")
        return any(self.secret(text.encode("latin-1", "replace")) for text in given)


def _epoch(moment: datetime | None, zone: ZoneInfo) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp()


PLUGIN = Maintenance
