"""What an answer says of its visitor, settled before it goes on: read, asked about, stored. REAL_SYSTEMS, 6.

The reply to a login is often a redirect, and the browser follows it at once: were the login stored behind the reply,
the next page would come before it. So an answer that tells of a change is held until the store has it; every other
answer passes without ever coming here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from router.edge.question import Question
from router.edge.seam import Seam, visit_of
from router.headers import line
from router.wire.head import ResponseHead, joined
from sessions.bridge import Outcome, carried
from sessions.errors import BadClaims, BadToken
from sessions.jar import without
from sessions.model import Changes, Session, Unsaid, read_changes
from sessions.profiles import Answer, Asked, Observed, merge_changes
from sessions.profiles import Question as Ask
from sessions.token import read_plain_update, read_update, sid_for

if TYPE_CHECKING:
    from router.edge.request import Request

_FOR_A_QUESTION: Final = 3.0
"""Seconds that one question may take: the shopper waits for it."""

_NOTHING: Final = Changes()

_ENVELOPE: Final = frozenset({"iss", "aud", "iat", "exp", "nbf", "jti", "sid"})
"""Claims that say nothing of the visitor."""

_PATH: Final = re.compile("/[!-~]*")


def told(seam: Seam, relay: Request, head: ResponseHead, body: bytes | None) -> Observed | None:
    """Return what an answer says of its visitor, and what is to be asked about it; None for nothing.

    An update that cannot be believed is counted and passed over: the shopper has done nothing wrong.
    """
    system = relay.system_name
    block = head.block
    changes = _update(seam, relay, system, block.updates) if block.updates else None
    profile = seam.profiles.get(system)
    observed: Observed | None = None
    if profile is not None and relay.view.method != "OPTIONS":
        set_cookies = [value.decode("latin-1") for value in block.cookies]
        watched = profile.watches(relay.view.method, relay.view.path)
        if watched or (set_cookies and profile.notices(set_cookies)):
            asked = Asked(relay.view.method, relay.view.path, relay.view.query, _pairs(relay, seam, system))
            answer = Answer(head.status, list(block.headers), set_cookies, body)
            observed = profile.observe(asked, answer)
        if set_cookies and changes is None and _took_login(seam, relay, set_cookies, observed):
            said = observed.changes if observed is not None else _NOTHING
            observed = Observed(replace(said, login=None), observed.ask if observed is not None else ())
    if changes is not None:  # the system's own word counts; what its profile would ask, it has said
        seam.speaking.add(system)
        return Observed(replace(changes, cookies=observed.changes.cookies if observed is not None else {}))
    if observed is None or not (observed.changes or observed.ask):
        return None
    return observed


def inquiry(seam: Seam, relay: Request, head: ResponseHead) -> Observed | None:
    """Return what to ask a system about a visitor whom it may know and the edge does not; None for nothing."""
    system = relay.system_name
    view = relay.view
    asked = Asked(view.method, view.path, view.query, _pairs(relay, seam, system))
    set_cookies = [value.decode("latin-1") for value in head.block.cookies]
    questions = seam.profiles[system].inquire(asked, Answer(head.status, list(head.block.headers), set_cookies))
    if not questions:
        return None
    seam.ledger.event("repair:session")
    return Observed(_NOTHING, questions)


async def settle(seam: Seam, relay: Request, head: ResponseHead, observed: Observed) -> None:
    """Ask what is to be asked, and store what was said; afterwards `relay.kept` is the visitor as it is now."""
    system = relay.system_name
    changes = observed.changes
    if observed.ask:
        errand = _Errand(seam, relay, head, system)
        for question in observed.ask:
            said = await errand.ask(question)
            if said is not None:
                changes = merge_changes(changes, said)
    if not changes:
        return
    if not _worth(changes) and (relay.kept is None or relay.kept.session is None):
        return
    now = int(relay.edge.wall)
    authority = seam.systems[system].authority
    kept, outcome = await seam.keeper.keep(relay.kept, changes, system, authority, now)
    relay.kept = kept
    if outcome.changed:
        relay.opened = b""
    if kept is not None:
        relay.view.visit = visit_of(kept)
    _count(seam, relay, system, outcome)
    if "logout" in outcome.events or "customer" in outcome.events:
        end_logins(seam, relay, system)


def end_logins(seam: Seam, relay: Request, but: str) -> None:
    """A login has ended: the browser forgets what the other systems know it by."""
    secure = relay.view.scheme == "https"
    relay.login_ended = True
    for forms in seam.forms.values():
        relay.own_cookies += forms.forget(relay.head.block.cookies, secure)
    for name, cookies in seam.login_cookies.items():
        if name != but:
            relay.own_cookies += seam.jar.forget(name, cookies, relay.head.block.cookies, secure)


# --- reading ----------------------------------------------------------------------------------------------------------


def _update(seam: Seam, relay: Request, system: str, values: list[bytes]) -> Changes | None:
    """Return what a system's Inseam-Update says, or None if it is not to be believed."""
    kept = relay.kept
    sid = sid_for(kept.session.id, system) if kept is not None and kept.session is not None else ""
    try:
        if len(values) != 1:
            raise BadToken(f"{len(values)} updates in one answer")
        value = values[0]
        if seam.systems[system].unsigned and value[:1] == b"{":
            claims: Mapping[str, object] = read_plain_update(value, sid)
        else:
            claims = read_update(value, system, sid, seam.keeper.ring, int(relay.edge.wall))
        changes = read_changes(claims)
        if not changes:
            names = ", ".join(sorted(claims.keys() - _ENVELOPE)) or "no claim"
            seam.ledger.log(
                f"an update of {system} tells nothing that is known here: it has {names[:200]}; "
                f"request={relay.view.request_id}"
            )
        return changes
    except (BadToken, BadClaims) as error:
        seam.ledger.event(f"update_refused:{system}:{error.reason}")
        seam.ledger.log(f"an update of {system} is refused ({error.reason}): {error}; request={relay.view.request_id}")
        return None


def _pairs(relay: Request, seam: Seam, system: str) -> dict[str, str]:
    """Return the cookies that the system was sent."""
    pairs: dict[str, str] = {}
    for piece in seam.cookies(relay.head.block, system).decode("latin-1").split(";"):
        name, equals, value = piece.strip().partition("=")
        if equals:
            pairs.setdefault(name, value)
    return pairs


def _deletes(value: str, attributes: str) -> bool:
    """Whether a Set-Cookie line takes the cookie away."""
    low = attributes.lower().replace(" ", "").replace("-", "")
    return not value.strip(' "') or "maxage=0" in low or "01jan1970" in low


def _took_login(seam: Seam, relay: Request, set_cookies: list[str], observed: Observed | None) -> bool:
    """Whether a system takes its login cookie away and says nothing of a logout: its session was lost, and with it the
    login, as the system is the one that knows. Counted as a loss.

    A system that speaks for itself would have told: to it a customer is who our token says, cookie or none.
    """
    system = relay.system_name
    session = relay.kept.session if relay.kept is not None else None
    if session is None or session.login is None or not relay.head.block.cookies or system in seam.speaking:
        return False
    if observed is not None and not isinstance(observed.changes.login, Unsaid):
        return False
    taken = set()
    for said in set_cookies:
        pair, _, attributes = said.partition(";")
        name, _, value = pair.partition("=")
        if any(_named(glob, name.strip()) for glob in seam.login_cookies.get(system, ())):
            taken.add(_deletes(value, attributes))
    if taken != {True}:
        return False  # nothing of the kind, or it was only exchanged for another
    lose(seam, relay, "login", "cookie_deleted", session)
    return True


def _named(glob: str, name: str) -> bool:
    head, star, tail = glob.partition("*")
    return (
        name.startswith(head) and name.endswith(tail) and len(name) >= len(head) + len(tail) if star else name == glob
    )


def _worth(changes: Changes) -> bool:
    """Whether the changes of a visitor without a session say anything that is worth one: a login, a basket."""
    login = not isinstance(changes.login, Unsaid) and changes.login is not None
    basket = not isinstance(changes.basket, Unsaid) and changes.basket is not None
    handle = isinstance(changes.handle, str) and bool(changes.handle)
    return login or basket or handle


# --- asking -----------------------------------------------------------------------------------------------------------


class _Errand:
    """The questions about one visitor, each with the cookies as the held answer and the questions before left them."""

    def __init__(self, seam: Seam, relay: Request, head: ResponseHead, system: str) -> None:
        self._seam = seam
        self._relay = relay
        self._system = system
        self._pairs = _pairs(relay, seam, system)
        for value in head.block.cookies:
            self._set(value)

    async def ask(self, question: Ask) -> Changes | None:
        """Ask in the visitor's name; what the answer sets belongs to the visitor too. None for no answer."""
        seam, relay, system = self._seam, self._relay, self._system
        if _PATH.fullmatch(question.path) is None:
            return None  # what a path is filled with came from outside
        seam.ledger.event(f"question:{system}")
        answer = await Question(relay.live.systems[system], self._request(question)).ask(_FOR_A_QUESTION)
        if answer is None:
            seam.ledger.event(f"question_failed:{system}")
            return None
        got, body = answer
        secure = relay.view.scheme == "https"
        for value in got.block.cookies:
            if not question.leaves_out(value.partition(b";")[0].partition(b"=")[0].strip().decode("latin-1")):
                relay.own_cookies += seam.jar.to_browser(system, value, relay.head.block.cookies, secure, False)
                self._set(value)
        set_cookies = [value.decode("latin-1") for value in got.block.cookies]
        return question.read(Answer(got.status, list(got.block.headers), set_cookies, body))

    def _set(self, value: bytes) -> None:
        pair, _, attributes = value.decode("latin-1").partition(";")
        name, _, text = pair.partition("=")
        if _deletes(text, attributes):
            self._pairs.pop(name.strip(), None)
        else:
            self._pairs[name.strip()] = text.strip()

    def _request(self, question: Ask) -> bytes:
        relay = self._relay
        headers = {"user-agent": "inseam", "accept": "*/*"}
        for name in ("user-agent", "accept-language", *question.passes):
            said = relay.view.headers.get(name)
            if said is not None:
                headers[name] = said
        headers |= {name.lower(): value for name, value in question.headers}
        cookies = "; ".join([f"{name}={value}" for name, value in self._pairs.items()]).encode("latin-1", "replace")
        cookies = without(cookies, question.without) if question.without else cookies
        lines = [line(name, value) for name, value in headers.items()]
        if cookies:
            lines.append((b"Cookie", cookies))
        return b"GET %b HTTP/1.1\r\nHost: %b\r\n%b%bX-Request-Id: %b\r\n\r\n" % (
            question.path.encode("ascii"), relay.view.authority.encode("ascii"), joined(lines),
            relay.client.forwarded, relay.request_id,
        )  # fmt: skip


# --- counting ---------------------------------------------------------------------------------------------------------


def _count(seam: Seam, relay: Request, system: str, outcome: Outcome) -> None:
    ledger, before = seam.ledger, outcome.before
    for event in outcome.events:
        ledger.event(f"session:{event}")
    for aspect in outcome.refused:
        ledger.event(f"update_beyond:{system}:{aspect}")
        ledger.log(f"{system} told of a visitor's {aspect} without the authority for it; declare it in its `authority`")
    if before is None or relay.view.method != "GET" or {"logout", "order", "customer"} & set(outcome.events):
        return
    # Somebody only looked at a page, and what was there is not there any more: the system explains it by nothing.
    after = outcome.session
    for kind in carried(before):
        if after is None or kind not in carried(after):
            lose(seam, relay, kind, "gone_at_page", before)


def lose(seam: Seam, relay: Request, kind: str, reason: str, session: Session) -> None:
    """Count a loss, and tell its story: what happened to the session last, without names."""
    seam.ledger.event(f"loss:{kind}:{reason}")
    trail, where = " ".join(session.trail) or "nothing", relay.system_name
    seam.ledger.log(
        f"a shopper lost the {kind} ({reason}) at {where}; before: {trail}; request={relay.view.request_id}"
    )
