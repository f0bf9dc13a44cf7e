"""What the edge itself answers to a shop's pages, under `/.inseam/`: the visitor's state, the public keys, a logout.

Never forwarded. Nothing here tells an id or changes anything for a request that another site has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from router.edge.handoff import ADDRESSES, answer_hand_off
from router.edge.pages import reserved
from router.edge.seam import Seam
from router.edge.settling import end_logins
from router.model import Reply, RequestView
from sessions.bridge import public_view
from sessions.cookie import delete_cookie
from sessions.model import Changes
from sessions.token import csrf, csrf_ok, jwks

if TYPE_CHECKING:
    from router.edge.request import Request

_EDGE: Final = "inseam"
"""The name by which trails and tokens know the edge; no system can have it."""

_ALL: Final = frozenset(("login",))

_JWKS_LIFE: Final = 300
"""Seconds for which the public keys may be cached: a key is published as `next` long before it is used."""


def answer_public(seam: Seam, relay: Request) -> None:
    """Answer a request for something under `/.inseam/`."""
    view = relay.view
    read = view.method in ("GET", "HEAD")
    if view.path == "/.inseam/session":
        relay.reply(_session(seam, relay) if read else _not_so("GET, HEAD"))
    elif view.path == "/.inseam/jwks.json":
        relay.reply(_keys(seam) if read else _not_so("GET, HEAD"))
    elif view.path in _ACTIONS:
        if view.method != "POST":
            relay.reply(_not_so("POST"))
        elif not _is_ours(seam, relay):
            relay.reply(_json(403, b'{"error":"send the csrf token of /.inseam/session as X-CSRF-Token"}\n'))
        else:
            relay.edge.start_task(_ACTIONS[view.path](seam, relay))
    elif view.path in ADDRESSES:
        answer_hand_off(seam, relay)
    else:
        relay.reply(reserved())


def _session(seam: Seam, relay: Request) -> Reply:
    """What a page's script may know. The token is for unsafe requests to the edge itself. REQUIREMENTS, 35."""
    kept = relay.kept
    session = kept.session if kept is not None else None
    said = public_view(session, int(relay.edge.wall))
    said["csrf"] = csrf(session.id, seam.keeper.ring) if session is not None else None
    reply = _json(200, msgspec.json.encode(said) + b"\n")
    sets = [*seam.session_cookies(relay), *relay.early_cookies]
    reply.headers += [("Set-Cookie", value.decode("latin-1")) for value in sets]
    return reply


def _keys(seam: Seam) -> Reply:
    headers = [
        ("Content-Type", "application/jwk-set+json"),
        ("Cache-Control", f"public, max-age={_JWKS_LIFE}"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Reply(200, headers, jwks(seam.keeper.ring))


def _is_ours(seam: Seam, relay: Request) -> bool:
    """Whether one of the shop's own pages has sent this, by its token or by what browsers alone can say."""
    headers = relay.view.headers
    session = relay.kept.session if relay.kept is not None else None
    token = headers.get("x-csrf-token")
    if token is not None:
        if session is None:
            return False
        return any(csrf_ok(token, one, seam.keeper.ring) for one in (session.id, session.former) if one)
    if headers.get("sec-fetch-site") == "same-origin":
        return True
    return (headers.get("origin") or "").lower() == f"{relay.view.scheme}://{relay.view.authority.lower()}"


async def _logout(seam: Seam, relay: Request) -> None:
    """End the login on every system, in every tab."""
    view = relay.view
    kept = relay.kept
    secure = view.scheme == "https"
    reply = _back(view)
    if kept is not None and kept.session is not None and kept.session.login is not None:
        now = int(relay.edge.wall)
        relay.kept, outcome = await seam.keeper.keep(kept, Changes(login=None), _EDGE, _ALL, now)
        for event in outcome.events:
            seam.ledger.event(f"session:{event}")
    end_logins(seam, relay, "")
    fresh = relay.kept
    if fresh is not None and fresh.cookie:
        sets = [*seam.brought(relay, fresh), *relay.own_cookies]
    else:
        sets = [delete_cookie(secure), delete_cookie(secure, login=True), *relay.own_cookies]
    reply.headers += [("Set-Cookie", value.decode("latin-1")) for value in sets]
    if relay.unfinished:
        relay.reply(reply)


async def _undo(seam: Seam, relay: Request) -> None:
    """Have commerce take the guest's basket out of the customer's again, if it can, with its next request."""
    kept = relay.kept
    asked = kept is not None and await seam.keeper.undo(kept, int(relay.edge.wall))
    if relay.unfinished:
        relay.reply(_json(202, b'{"undo":"asked"}\n') if asked else _json(409, b'{"error":"nothing to undo"}\n'))


_ACTIONS: Final = {"/.inseam/logout": _logout, "/.inseam/undo": _undo}


def _back(view: RequestView) -> Reply:
    """Return to the page that the form was on; a script gets 204."""
    headers = [("Cache-Control", "no-store")]
    if "text/html" not in (view.headers.get("accept") or ""):
        return Reply(204, headers)
    place = urlsplit(view.headers.get("referer") or "")
    path = place.path if place.netloc.lower() == view.authority.lower() else ""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return Reply(303, [("Location", path if safe else "/"), *headers])


def _json(status: int, body: bytes) -> Reply:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Vary", "Cookie"),
               ("X-Content-Type-Options", "nosniff")]  # fmt: skip
    return Reply(status, headers, body)


def _not_so(allow: str) -> Reply:
    reply = _json(405, b'{"error":"this address cannot be asked in that way"}\n')
    reply.headers.append(("Allow", allow))
    return reply
