"""Redirects that lead a browser to and fro between two systems: noticed, broken, and told by the rules' names. Pure.

Neither system can see such a loop: each answers with one redirect, and it is the pair that never ends. The browser sees
it after twenty rounds, and says so to the shopper only. So the edge looks at each redirect that leads from one system
to a page of another, and leaves a trail in a cookie of twenty seconds: a short digest of each such place. A page ends
the trail. Where a redirect would bring somebody to a place for the third time without a page in between, it is
answered 508. The second time, if all of them are for ever (301, 308): a place that always leads away leads nowhere.
Nothing is kept at the edge, and a visitor who forges the cookie sees a 508 of their own.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final
from urllib.parse import urljoin, urlsplit

from router.errors import EdgeError, InseamError, RedirectLoop
from router.model import Decision, Edits, Headers, RequestView, ResponseView
from router.rules import Rules
from router.wire.target import canonical

COOKIE: Final = "inseam-trail"
"""Under https its name begins with `__Host-`. The jar keeps what begins with `inseam-` from systems."""

_LIFE: Final = 20
"""Seconds. Browsers give up after 20 redirects, and each takes less than one."""

_LONGEST: Final = 12
"""Places on a trail; a loop of more is one that the browser ends."""

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_FOR_EVER: Final = (301, 308)
_KEEP_METHOD: Final = (307, 308)


def trailed(view: RequestView, decision: Decision, response: ResponseView, rules: Rules) -> Edits | None:
    """Return what an answer to a browser says of the trail: nothing, one more place, or its end.

    `decision` is whose system answered. Raises RedirectLoop, which names the rules at both ends.
    """
    if "text/html" not in (view.headers.get("accept") or ""):
        return None  # a script, an image: what they are led by is not what the shopper sees, and may come every second
    trail = _trail(view)
    if response.status not in _REDIRECTS:
        return Edits(add=[("Set-Cookie", f"{_name(view)}=; {_attributes(view, 0)}")]) if trail else None
    location = response.headers.get("location") or ""
    target = place_of(view, location)
    leads_to = _decision(view, target, response.status, rules) if target else None
    if leads_to is None or leads_to.system == decision.system:
        return None
    for_ever = response.status in _FOR_EVER
    place = _mark(target, for_ever)
    if not trail:
        if _may_be_kept(response.headers):
            return None  # a cache will answer the next one: it must not get a visitor's cookie
        trail = [_mark(view.target, for_ever)]
    before = sum(known[1:] == place[1:] for known in trail)
    if before >= 2 or (before and for_ever and all(known[0] == "e" for known in trail)):
        raise RedirectLoop(
            f"rule {decision.rule.name!r} ({decision.system}) redirects {view.path} to {target.partition('?')[0]}, "
            f"rule {leads_to.rule.name!r} ({leads_to.system or 'the edge'}), which leads back"
        )
    value = ".".join([*trail, place][-_LONGEST:])
    return Edits(add=[("Set-Cookie", f"{_name(view)}={value}; {_attributes(view, _LIFE)}")])


def place_of(view: RequestView, location: str) -> str:
    """Return path and query of a Location on the same host, an empty text for one elsewhere or that is none."""
    try:
        parts = urlsplit(urljoin(f"{view.scheme}://{view.authority}{view.path}", location.strip()))
        if parts.scheme not in ("http", "https") or (parts.hostname or "") != view.host:
            return ""
        path = canonical((parts.path or "/").encode("ascii")).decode("ascii")
    except (ValueError, InseamError):
        return ""
    return f"{path}?{parts.query}" if parts.query else path


def _decision(view: RequestView, target: str, status: int, rules: Rules) -> Decision | None:
    path, _, query = target.partition("?")
    method = view.method if status in _KEEP_METHOD else "GET"
    then = RequestView(method, path, view.headers, query, view.scheme, view.host, view.authority, view.client, view.now)
    then.given_bucket = view.given_bucket if view.given_bucket >= 0 else max(view.allotted, 0)
    then.country = view.country
    then.visit = view.visit
    try:
        return rules.match(then)
    except EdgeError:
        return None


def _trail(view: RequestView) -> list[str]:
    value = view.cookies.get(_name(view), "")
    return [mark for mark in value.split(".")[-_LONGEST:] if mark[:1] in ("e", "t")] if value else []


def _mark(target: str, for_ever: bool) -> str:
    digest = blake2b(target.encode("latin-1", "replace"), digest_size=5).hexdigest()
    return f"{'e' if for_ever else 't'}{digest}"


def _may_be_kept(headers: Headers) -> bool:
    """Whether the system wants the redirect to be kept by caches."""
    said = (headers.get("cache-control") or "").lower()
    if "no-store" in said or "private" in said or "no-cache" in said:
        return False
    return "max-age" in said or "s-maxage" in said or "public" in said or "expires" in headers


def _name(view: RequestView) -> str:
    return f"__Host-{COOKIE}" if view.scheme == "https" else COOKIE


def _attributes(view: RequestView, life: int) -> str:
    return f"Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{'; Secure' if view.scheme == 'https' else ''}"
