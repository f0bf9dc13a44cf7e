"""The seam in one worker, for one generation: who a request's visitor is, and what each system and the browser hear.

What goes to a system: its own cookies and the session token, never the edge's cookie or another system's. What comes to
the browser: a system's cookies under names that cannot collide, the session cookie when it has changed, and nothing
that a shared cache could keep for somebody else. What must wait for the store stands in `router.edge.settling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.caching import insisted, withheld
from router.edge.ledger import Ledger
from router.generation import Generation
from router.index import Index
from router.model import SAFE_METHODS, Edits, Headers, RequestView, Visit
from router.wire.head import Block, ResponseHead
from sessions.bridge import carried
from sessions.cookie import cookie_name, delete_cookie, set_cookie
from sessions.jar import HEAVY, Jar, values, weigh, with_kept, without
from sessions.jar.names import Globs
from sessions.keeper import Keeper
from sessions.kept import Kept
from sessions.openforms import FIRST_BYTES, OpenForms
from sessions.profiles import Profile
from sessions.profiles import get as get_profile

if TYPE_CHECKING:
    from router.edge.request import Request

_FAULTS_TO_CLEAR: Final = frozenset(("forged", "malformed", "expired", "revoked"))
"""Faults for which the browser is told to drop the cookie. Not for an id that has moved on: its answer may come behind
the one that brought the new cookie, and would take that away. REAL_SYSTEMS, 13."""

_NAMES: Final = tuple(
    tuple(cookie_name(secure, login).encode("ascii") for login in (False, True)) for secure in (False, True)
)
"""The names of the session cookie: by https or not, and of a guest or somebody logged in."""

_STRANGER: Final = 600
"""Seconds for which the same cookies are not asked about again."""

_MOST_STRANGERS: Final = 10_000

_NONE: Final[dict[bytes, bytes]] = {}

Lines = list[tuple[bytes, bytes]]


class Seam:
    """Joins requests and answers with sessions. Pure but for the counters and the keeper's cache."""

    def __init__(self, generation: Generation, keeper: Keeper, ledger: Ledger) -> None:
        self.keeper = keeper
        self.ledger = ledger
        self.policy = generation.session
        self.systems = generation.systems
        self.profiles: dict[str, Profile] = {}
        """Of the systems that may tell anything: whoever may not is not watched, and not asked."""
        self._tell: dict[str, Globs] = {}
        """The cookies by which they know a visitor."""
        self.forms: dict[str, OpenForms] = {}
        self.login_cookies: dict[str, tuple[str, ...]] = {}
        """Those by which a system knows who has logged in, of each system that may say so."""
        self.speaking: set[str] = set()
        """The systems that have sent an update that was believed: they need not be watched."""
        claims: dict[str, tuple[str, ...]] = {}
        login_system = ""
        for name, spec in generation.systems.items():
            profile = get_profile(spec.profile)
            if "login" in spec.authority and (spec.payment or not login_system):
                login_system = name
            if profile is None:
                continue
            claims[name] = tuple(profile.cookies)
            if spec.authority:
                self.profiles[name] = profile
                self._tell[name] = Globs((*profile.login_cookies, *profile.keep))
            if "login" in spec.authority and profile.login_cookies:
                self.login_cookies[name] = profile.login_cookies
            csrf = profile.csrf
            if csrf is not None:
                self.forms[name] = OpenForms(name, csrf.cookie, csrf.field, csrf.header, csrf.scheme, self.policy.grace)
        self.jar = Jar(claims, login_system)
        self._rules: Index = generation.rules
        self._strangers: dict[int, int] = {}
        """What a system knows visitors by (its hash: anybody can send 30 KB of it) who were asked about, with the time
        until which that counts."""

    # --- who is it? ---------------------------------------------------------------------------------------------------

    def sealed(self, block: Block, secure: bool) -> bytes:
        """Return the session cookie of a request, empty if there is none; several are joined by `;`."""
        found = block.sealed
        if found is None:
            guest, login = _NAMES[secure]
            found = block.sealed = b";".join(values(block.cookies, login) + values(block.cookies, guest))
        return found

    def refuses(self, view: RequestView, kept: Kept) -> bool:
        """Whether another site has made the visitor's browser send this. REQUIREMENTS, 34."""
        if kept.session is None or view.method in SAFE_METHODS or view.path in self.policy.callbacks:
            return False
        headers = view.headers
        origin = headers.get("origin")
        if origin is not None and origin != "null":
            return origin.lower() != f"{view.scheme}://{view.authority.lower()}" and origin not in self.policy.sites
        return headers.get("sec-fetch-site") == "cross-site"

    def watches(self, system: str, view: RequestView) -> bool:
        """Whether the profile of a system might see something in its answer to this."""
        profile = self.profiles.get(system)
        return profile is not None and profile.watches(view.method, view.path)

    def is_stranger(self, relay: Request, system: str, now: int) -> bool:
        """Whether a system may know the visitor while the edge does not: from before there was an edge, or because the
        browser has lost the session cookie. True once in ten minutes for the same cookies."""
        profile = self.profiles.get(system)
        block = relay.head.block
        if profile is None or not profile.asks or not block.cookies or relay.intent in ("asset", "api"):
            return False
        kept = relay.kept
        if kept is not None and (kept.session is not None or kept.fixed or kept.over):
            return False
        cookies = self.cookies(block, system)
        # Only by these a system knows anybody; analytics change theirs with every page.
        tells = self._tell[system]
        own = [piece for piece in cookies.split(b";") if tells.has(piece.partition(b"=")[0].strip())]
        known = hash(b";".join(own))
        if not own or self._strangers.get(known, 0) > now:
            return False
        if len(self._strangers) >= _MOST_STRANGERS:
            self._strangers.clear()
        self._strangers[known] = now + _STRANGER
        return True

    # --- what a system hears ------------------------------------------------------------------------------------------

    def lines(
        self, block: Block, system: str, kept: Kept | None, view: RequestView, now: int, form: bytes = b""
    ) -> bytes:
        """Return the header lines of a request as they go to a system: with its cookies only, and the session token.

        `form` is the value of the cookie that the request's form belongs to, where it is not the present one.
        """
        forward = block.forward
        if block.cookies or (kept is not None and kept.session is not None and kept.session.handles):
            forward = self._with_own_cookies(block, system, kept)
        if form:
            cookies = with_kept(self.cookies(block, system), self.missing(block, system, kept))
            forward = _with_cookies(block, self.forms[system].replaced(cookies, form))
        if kept is None or kept.session is None:
            return forward
        said = kept.tokens.get(system)
        token = said[0] if said is not None and now < said[1] else self._mint(kept, system, view, now)
        return b"%bInseam-Session: %b\r\n" % (forward, token)

    def _mint(self, kept: Kept, system: str, view: RequestView, now: int) -> bytes:
        mobile = view.headers.get("sec-ch-ua-mobile") == "?1" or "Mobi" in (view.headers.get("user-agent") or "")
        languages = view.languages
        ctx = {
            "language": languages[0] if languages and len(languages[0]) <= 35 else "",
            "country": view.country[:8],
            "device": "mobile" if mobile else "desktop",
        }
        return self.keeper.token(kept, system, ctx, now)

    def _with_own_cookies(self, block: Block, system: str, kept: Kept | None) -> bytes:
        if kept is not None and kept.over:
            # Whatever the system's cookies say: a page that was under way at the logout would bring the login back.
            return _with_cookies(block, without(self.cookies(block, system), self.login_cookies.get(system, ())))
        lost = self.missing(block, system, kept)
        if lost:
            return _with_cookies(block, with_kept(self.cookies(block, system), lost))
        known = block.forwards
        if known is None:
            known = block.forwards = {}
        forward = known.get(system)
        if forward is None:
            if len(block.forward) > HEAVY:
                self._weigh(block)
            cookies = self.cookies(block, system)
            same = len(block.cookies) == 1 and cookies == block.cookies[0]
            forward = known[system] = block.forward if same else _with_cookies(block, cookies)
        return forward

    def _weigh(self, block: Block) -> None:
        """Warn of cookies that some server will soon refuse with 400 or 431. REQUIREMENTS, 17."""
        weight = weigh(block.cookies)
        if not weight.heavy:
            return
        names = ", ".join(f"{name.decode('latin-1')} ({size} bytes)" for name, size in weight.heaviest)
        self.ledger.event("cookies_heavy")
        self.ledger.log(f"cookies of {weight.total} bytes in a request; many servers refuse 8 KB; the largest: {names}")

    def cookies(self, block: Block, system: str) -> bytes:
        """Return the value of the Cookie line that a system gets, empty for none."""
        return self.jar.for_system(block.cookies, system)

    def missing(self, block: Block, system: str, kept: Kept | None) -> dict[bytes, bytes]:
        """Return the cookies of a system that the session keeps for it, and that the browser has lost."""
        session = kept.session if kept is not None else None
        if session is None or not session.handles:
            return _NONE
        start = f"{system}~"
        found: dict[bytes, bytes] = {}
        for key, value in session.handles.items():
            if key.startswith(start):
                name = key[len(start) :].encode("latin-1", "replace")
                if not values([self.cookies(block, system)], name):
                    found[name] = value.encode("latin-1", "replace")
        return found

    # --- open forms ---------------------------------------------------------------------------------------------------

    def form(self, relay: Request, system: str, body: bytes, whole: bool) -> bytes | None:
        """Return the value of the system's cookie that the request's form was made with, empty for the present one.

        None if more of the body is needed to tell; `whole` says that there is no more.
        """
        forms = self.forms.get(system)
        block = relay.head.block
        if forms is None or not block.cookies:
            return b""
        view = relay.view
        secure = view.scheme == "https"
        token = (view.headers.get(forms.header) or "").encode("latin-1") if forms.header else b""
        kind = (view.headers.get("content-type") or "").encode("latin-1")
        sent = self.cookies(block, system)
        chosen = forms.chosen(view.method, kind, token, block.cookies, sent, secure, body)
        if chosen and forms.replaced(sent, chosen) == sent:
            return b""
        if chosen or whole or len(body) >= FIRST_BYTES or block.expect:
            return chosen
        return None if forms.wants_body(view.method, kind, token, block.cookies, sent, secure) else b""

    # --- what the browser hears ---------------------------------------------------------------------------------------

    def answer(self, relay: Request, head: ResponseHead) -> tuple[Lines | None, Edits | None]:
        """Return an answer's lines where cookies change them, and the edits that come after rules and plugins."""
        view, kept, block = relay.view, relay.kept, head.block
        system = relay.system_name
        lines: Lines | None = None
        if block.cookies or relay.own_cookies or relay.early_cookies:
            lines = self.to_browser(relay, block.lines, system)
        page = is_page(relay, head)
        asked = relay.head.block.cookies
        if page and asked and any(b"~!" in line for line in asked):
            secure = view.scheme == "https"
            reset = self.jar.reset_script_copies(system, asked, secure, [*block.cookies, *relay.own_cookies])
            if reset:
                lines = [*(lines if lines is not None else block.lines), *[(b"Set-Cookie", value) for value in reset]]
        edits: Edits | None = None
        sets = self.session_cookies(relay)
        if kept is not None and kept.session is not None:
            if page:
                repaired = self._page(relay, kept, system)
                if repaired:
                    lines = [*(lines if lines is not None else block.lines), *repaired]
            personal = relay.intent in ("buy", "account") or block.varies
        else:
            personal = False
        if sets or personal or lines is not None or block.varies:
            edits = withheld(block.headers, bool(sets), personal, lines is not None)
            if edits is not None:
                self.ledger.event("cache_withheld")
            if relay.route is not None and not relay.route.plain and (sets or personal or lines is not None):
                edits = insisted(block.headers, edits)
        if sets:
            edits = edits or Edits()
            edits.add += [("Set-Cookie", value.decode("ascii")) for value in sets]
        return lines, edits

    def to_browser(self, relay: Request, lines: Lines, system: str) -> Lines:
        """Return the lines with every Set-Cookie of the system under the name that the browser has it by."""
        secure = relay.view.scheme == "https"
        asked = relay.head.block.cookies
        forms = self.forms.get(system)
        sent = self.cookies(relay.head.block, system) if forms is not None and asked else b""
        result: Lines = [(b"Set-Cookie", mine) for mine in relay.early_cookies]
        for name, value in lines:
            if name.lower() == b"set-cookie":
                if forms is not None and sent:
                    if forms.reverts(value, sent, relay.form):
                        continue
                    former = forms.keep(value, sent, secure) if not relay.login_ended else b""
                    if former:
                        result.append((b"Set-Cookie", former))
                for mine in self.jar.to_browser(system, value, asked, secure, relay.rewritten, relay.edge.wall):
                    result.append((name, mine))
            else:
                result.append((name, value))
        for mine in relay.own_cookies:
            result.append((b"Set-Cookie", mine))
        return result

    def session_cookies(self, relay: Request) -> list[bytes]:
        """Return the Set-Cookie values that the browser must get for its session."""
        kept, secure = relay.kept, relay.view.scheme == "https"
        if kept is None:
            return []
        if relay.intent == "asset" and (relay.opened or kept.session is None):
            return []  # an image is not kept from the caches, unless it has changed something itself
        sealed = relay.sealed
        if kept.session is None:
            if not sealed or kept.fault not in _FAULTS_TO_CLEAR:
                return []
            return [delete_cookie(secure, login) for login in (True, False) if self._has(relay, secure, login)]
        cookie = kept.cookie
        if not cookie or kept.fixed or cookie == sealed or _holds(sealed, cookie):
            return []
        if relay.opened and (kept.stale or cookie != relay.opened):
            # Another request has changed the session meanwhile, and its answer brings the cookie: ours may come behind.
            return []
        return self.brought(relay, kept)

    def brought(self, relay: Request, kept: Kept) -> list[bytes]:
        """Return the Set-Cookie values that bring a visitor's cookie, under its name.

        One under the other name goes only with the answer that has put an end to it: any other answer may come behind
        the next login.
        """
        secure, login = relay.view.scheme == "https", kept.login
        sets = [set_cookie(kept.cookie, secure, self.policy.idle, login)]
        ends = not relay.opened if login else relay.login_ended
        if ends and self._has(relay, secure, not login):
            sets.append(delete_cookie(secure, not login))
        return sets

    @staticmethod
    def _has(relay: Request, secure: bool, login: bool) -> bool:
        return bool(values(relay.head.block.cookies, _NAMES[secure][login]))

    # --- continuity ---------------------------------------------------------------------------------------------------

    def _page(self, relay: Request, kept: Kept, system: str) -> list[tuple[bytes, bytes]]:
        """A page is on its way: count a crossing, and give back what the browser has lost."""
        came_from = self._came_from(relay.view) or kept.system
        kept.system = system
        if came_from and came_from != system:
            self.ledger.event("crossings")
            assert kept.session is not None
            for kind in carried(kept.session):
                self.ledger.event(f"handoff:{kind}")
        lost = self.missing(relay.head.block, system, kept)
        if not lost:
            return []
        secure = relay.view.scheme == "https"
        given_back: list[tuple[bytes, bytes]] = []
        for name, value in lost.items():
            self.ledger.event("repair:cookie")
            line = b"%b=%b; Path=/; HttpOnly; SameSite=Lax" % (name, value)
            for mine in self.jar.to_browser(system, line, relay.head.block.cookies, secure, False):
                given_back.append((b"Set-Cookie", mine))  # noqa: PERF401
        return given_back

    def _came_from(self, view: RequestView) -> str:
        """Return the system of the page before, as the browser tells it; nothing if it does not."""
        referer = _referer(view)
        if referer is None:
            return ""
        start = f"{view.scheme}://{view.authority}"
        if not referer.startswith(start) or referer[len(start) : len(start) + 1] != "/":
            return ""
        path = referer[len(start) :].partition("#")[0].partition("?")[0]
        before = RequestView(
            "GET", path, view.headers, "", view.scheme, view.host, view.authority, view.client, view.now
        )
        before.given_bucket = view.given_bucket if view.given_bucket >= 0 else max(view.allotted, 0)
        before.visit = view.visit
        try:
            return self._rules.match(before).system
        except Exception:  # no rule, or a path that is none: then it is not known
            return ""


def _referer(view: RequestView) -> str | None:
    """Return the Referer; where it stands as browsers write it, without taking the other lines apart (4 us)."""
    lines = view.headers.raw
    start = lines.find(b"\r\nReferer: ")
    if start < 0:
        return view.headers.get("referer")
    return lines[start + 11 : lines.index(b"\r\n", start + 2)].decode("latin-1")


def _holds(sealed: bytes, cookie: bytes) -> bool:
    """Whether one of a request's cookies says the same, be it under a former key: that is no reason for a new one."""
    said = cookie[: cookie.rfind(b".")]
    return any(value[: value.rfind(b".")] == said for value in sealed.split(b";"))


def visit_of(kept: Kept) -> Visit:
    """Return what conditions may know of a visitor."""
    return Visit(kept.login, kept.items)


def is_page(relay: Request, head: ResponseHead) -> bool:
    """Whether the answer is a page that somebody looks at."""
    return (
        relay.view.method == "GET"
        and head.status == 200
        and relay.intent not in ("asset", "api")
        and b"text/html" in head.block.forward
    )


def _with_cookies(block: Block, cookies: bytes) -> bytes:
    """Return the request's lines with one Cookie line of this value in the place of the first, or with none."""
    if len(block.cookies) == 1:  # as browsers write it, found at once: 0.3 us instead of 2
        line = b"\r\nCookie: %b\r\n" % block.cookies[0]
        if line in block.forward:
            return block.forward.replace(line, b"\r\nCookie: %b\r\n" % cookies if cookies else b"\r\n", 1)
    kept: list[bytes] = []
    placed = not cookies
    for line in block.forward.split(b"\r\n"):
        if line[:7].lower() == b"cookie:":
            if not placed:
                kept.append(b"Cookie: " + cookies)
                placed = True
            continue
        kept.append(line)
    if not placed:
        kept.insert(0, b"Cookie: " + cookies)
    return b"\r\n".join(kept)


def headers_of(lines: bytes) -> Headers:
    """Return header lines for edits."""
    return Headers(None, lines)
