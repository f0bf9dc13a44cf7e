"""Handing a session over to a brand's site on a domain of its own: the redirects.

Which steps there are and why stands in `sessions.handoff`; here are the two addresses. On a site `/.inseam/join` sends
the browser to the shop and receives it again; at the shop `/.inseam/handoff` makes the code. Whatever fails on the way,
the shopper arrives at the page that was wanted, as who they were there before. Only where the store is down, and a code
could be used twice, they are told, with a link to go on without. REQUIREMENTS, 31 to 33, 40, 42.

What is counted, all beginning with `site:`: `begun` (a site sends a browser off), `given` (a code), `nothing`
(the shop knows nothing of the visitor), `taken`, `kept` (the visitor had more at the site), `refused_REASON`,
`asked_badly`, `store_down`. `refused_used` is a code that came again: what came of it is ended.
"""

from __future__ import annotations

import re
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from router.edge.pages import error_reply, reserved
from router.edge.seam import Seam
from router.edge.settling import end_logins
from router.errors import EdgeError
from router.model import Reply, RequestView
from router.wire.target import canonical
from sessions.codes import Codes
from sessions.errors import StoreDown
from sessions.handoff import LIFE, BadCode, bind_of, is_bind, is_nonce, worth_handing
from sessions.jar import values
from sessions.kept import Kept
from sessions.model import Session

if TYPE_CHECKING:
    from router.edge.request import Request

JOIN: Final = "/.inseam/join"
GIVE: Final = "/.inseam/handoff"

ADDRESSES: Final = frozenset((JOIN, GIVE))

START_PAGE: Final = "/"

_NONCE_LIFE: Final = 2 * LIFE
"""Seconds: the nonce is set before the code is made."""

_MOST_PLACE: Final = 2000
"""Characters of an address to return to: what fits into the redirects with all that is beside it."""

_PATIENCE: Final = 5.0
"""Seconds for the store, which has 50 ms for each of at most five questions."""

_RETRY_AFTER: Final = 5
"""Seconds after which a store that was down may be asked again."""

_REMARKABLE: Final = frozenset(("used", "browser", "site", "spoiled"))
"""Reasons that are worth a line in the log: for these a genuine code is needed. Anybody can send others all day."""

_QUERY: Final = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*")
"""The characters of a query, RFC 3986, 3.4: no fragment, no backslash, no blank, nothing that ends a header line."""


def answer_hand_off(seam: Seam, relay: Request) -> None:
    """Answer a request for one of ADDRESSES, at the end of the hand-off that the host is."""
    view, policy = relay.view, seam.policy
    here = f"{view.scheme}://{view.authority.lower()}"
    if not policy.home or (here != policy.home and (here not in policy.sites or view.path == GIVE)):
        relay.reply(reserved())
    elif view.method != "GET":  # nor HEAD: who only looks must not use a code up
        relay.reply(_not_so())
    elif view.path == GIVE:
        _give(seam, relay)
    elif here == policy.home:
        relay.reply(_to(return_place(_only(view, "return_to"))))  # a link that is on all sites may be on the shop, too
    elif "code" in view.query_values:
        _wait(relay)
        relay.edge.start_task(_take(seam, relay, here))
    else:
        relay.reply(_begun(seam, relay, here))


def return_place(said: str) -> str:
    """Return the path (and query) to return to on the same host: the one that was asked for, or the start page.

    It must be spelt canonically, so that no two readers can read it differently: `//evil`, `/\\evil` and
    everything encoded that could become one are none. Nothing under `/.inseam/` either. REQUIREMENTS, 32.
    """
    path, _, query = said.partition("?")
    if not path.startswith("/") or len(said) > _MOST_PLACE or not _QUERY.fullmatch(query):
        return START_PAGE
    try:
        plain = canonical(path.encode("ascii")).decode("ascii") == path
    except (EdgeError, UnicodeEncodeError):
        return START_PAGE
    if not plain or path == "/.inseam" or path.startswith("/.inseam/"):
        return START_PAGE
    return said


# --- on the site: away ------------------------------------------------------------------------------------------------


def _begun(seam: Seam, relay: Request, here: str) -> Reply:
    """Send the browser to the shop.

    A nonce that it has already is used again: two tabs that join at the same time do not get into each other's way.
    """
    nonce = _nonce(relay) or token_urlsafe(16)
    place = return_place(_only(relay.view, "return_to"))
    query = urlencode({"site": here, "bind": bind_of(nonce), "return_to": place})
    seam.ledger.event("site:begun")
    reply = _to(f"{seam.policy.home}{GIVE}?{query}")
    reply.headers.append(("Set-Cookie", _nonce_cookie(relay, nonce, _NONCE_LIFE)))
    return reply


def _nonce(relay: Request) -> str:
    """Return the browser's nonce; empty if there is none, or if somebody has planted a second one."""
    found = {value.decode("latin-1") for value in values(relay.head.block.cookies, _nonce_name(relay).encode())}
    nonce = found.pop() if len(found) == 1 else ""
    return nonce if is_nonce(nonce) else ""


def _nonce_name(relay: Request) -> str:
    return "__Host-inseam-join" if relay.view.scheme == "https" else "inseam-join"


def _nonce_cookie(relay: Request, nonce: str, life: int) -> str:
    secure = "; Secure" if relay.view.scheme == "https" else ""
    return f"{_nonce_name(relay)}={nonce}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"


# --- at the shop ------------------------------------------------------------------------------------------------------


def _give(seam: Seam, relay: Request) -> None:
    """Send the browser back to a site that is one of ours: with a code, if the shop knows the visitor."""
    view = relay.view
    site, bind = _only(view, "site"), _only(view, "bind")
    if site not in seam.policy.sites or not is_bind(bind):
        seam.ledger.event("site:asked_badly")
        said = "The link leads to a site that does not belong to this shop, or it is not whole."
        relay.reply(_private(error_reply(400, view.request_id, view.headers.get("accept") or "", said=said)))
        return
    place = return_place(_only(view, "return_to"))
    kept = relay.kept
    if kept is None or kept.session is None or kept.fixed or not worth_handing(kept.session):
        seam.ledger.event("site:nothing")
        relay.reply(_to(site + place))
        return
    _wait(relay)
    relay.edge.start_task(_give_code(seam, relay, kept, site, bind, place))


async def _give_code(seam: Seam, relay: Request, kept: Kept, site: str, bind: str, place: str) -> None:
    try:
        code = await _codes(seam).give(kept, site, bind, int(relay.edge.wall))
    except StoreDown:
        reply = _without_store(seam, relay, f"{site}{place}", _join_at(site, place))
    else:
        seam.ledger.event("site:given")
        reply = _to(f"{site}{JOIN}?{urlencode({'code': code, 'return_to': place})}")
        if kept.cookie != relay.opened and not kept.stale:  # it says now that there are others to end with it
            reply.headers += [("Set-Cookie", value.decode("ascii")) for value in seam.brought(relay, kept)]
    if relay.unfinished:
        relay.reply(reply)


def _codes(seam: Seam) -> Codes:
    homes = {
        name: " ".join(sorted(f"{one.scheme}://{one.host}:{one.port}" for one in spec.servers))
        for name, spec in seam.systems.items()
    }
    return Codes(seam.keeper, homes, lambda: token_urlsafe(16))


# --- on the site: back ------------------------------------------------------------------------------------------------


async def _take(seam: Seam, relay: Request, here: str) -> None:
    """Begin a session here, if the code is good; go on to the page that was wanted in any case."""
    view = relay.view
    place = return_place(_only(view, "return_to"))
    before = relay.kept.session if relay.kept is not None else None
    try:
        code, nonce = _only(view, "code"), _nonce(relay)
        kept = await _codes(seam).take(code, here, nonce, relay.kept, int(relay.edge.wall))
    except BadCode as error:
        seam.ledger.event(f"site:refused_{error.reason}")
        if error.reason in _REMARKABLE:
            seam.ledger.log(f"a hand-off is refused ({error.reason}): {error}; request={view.request_id}")
        reply = _to(place)
    except StoreDown:
        reply = _without_store(seam, relay, place, _join_at("", place))
    else:
        reply = _to(place)
        _greet(seam, relay, before, kept, reply)
    if relay.unfinished:
        relay.reply(reply)


def _greet(seam: Seam, relay: Request, before: Session | None, kept: Kept | None, reply: Reply) -> None:
    """Give the browser the session that it has now."""
    session = kept.session if kept is not None else None
    moved = session is not None and (before is None or session.id != before.id)
    seam.ledger.event("site:taken" if moved else "site:kept")
    relay.kept = kept
    cookies = [_nonce_cookie(relay, "", 0).encode("ascii")]
    if kept is not None and moved:
        relay.opened = b""  # this answer is the one that has put an end to what was before
        if before is not None and before.login is not None and _who(before) != _who(session):
            end_logins(seam, relay, "")
        cookies += [*seam.brought(relay, kept), *relay.own_cookies]
    reply.headers += [("Set-Cookie", value.decode("latin-1")) for value in cookies]


def _who(session: Session | None) -> str:
    return session.login.sub if session is not None and session.login is not None else ""


# --- answers ----------------------------------------------------------------------------------------------------------


def _only(view: RequestView, name: str) -> str:
    """Return the query's value of that name, empty if there is none or if there are several."""
    found = view.query_values.get(name, [])
    return found[0] if len(found) == 1 else ""


def _wait(relay: Request) -> None:
    relay.client.deadline = relay.edge.now + _PATIENCE


def _join_at(site: str, place: str) -> str:
    return f"{site}{JOIN}?{urlencode({'return_to': place})}"


def _to(address: str) -> Reply:
    """Send the browser on; what it asks for next hears of no code, neither from it nor from a cache."""
    return _private(Reply(303, [("Location", address), ("Cache-Control", "no-store")]))


def _private(reply: Reply) -> Reply:
    reply.headers.append(("Referrer-Policy", "no-referrer"))
    return reply


def _not_so() -> Reply:
    return _private(Reply(405, [("Allow", "GET"), ("Cache-Control", "no-store")]))


def _without_store(seam: Seam, relay: Request, onward: str, again: str) -> Reply:
    """Tell the shopper that the hand-off has to wait. REQUIREMENTS, 40."""
    seam.ledger.event("site:store_down")
    view = relay.view
    said = "Your basket and your login could not be brought along just now. Nothing of them is lost."
    ways = [("Go on without them", onward), ("Try again", again)]
    return _private(
        error_reply(503, view.request_id, view.headers.get("accept") or "", _RETRY_AFTER, "One moment", said, ways)
    )
