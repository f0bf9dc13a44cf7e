"""One request on its way in: who the visitor is, which rule it meets, what is sent to which system.

    begin -> (open the session) -> decide -> (plugins that wait) -> choose -> ask -> send

Each step is a method, in this order. What comes back, and what fails, is `router.edge.relay`.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final

from router.cards import CardWatch
from router.edge.asker import Asker
from router.edge.held import Held
from router.edge.live import Live, Route
from router.edge.pages import reserved
from router.edge.public import answer_public
from router.edge.seam import headers_of, visit_of
from router.edge.settling import end_logins
from router.edge.upstream import ServerConnection
from router.edge.vetting import vetted, watch_of
from router.errors import (
    AmbiguousPath,
    BodyTooLarge,
    CrossSite,
    EdgeError,
    MemoryShort,
    MisdirectedRequest,
    PaymentBarred,
    SystemFault,
)
from router.exchange import Outbound, checked, outbound
from router.headers import applied
from router.model import SAFE_METHODS, Edits, Reply, RequestView
from router.ranks import rank_of
from router.wire.body import LAST_CHUNK, chunk, last_chunk
from router.wire.head import UNKNOWN, RequestHead, joined
from sessions.kept import Kept

if TYPE_CHECKING:
    from router.edge.client import ClientConnection
    from router.edge.edge import Edge
    from router.edge.pool import Server

_MOST_PENDING: Final = 64 * 1024
"""Bytes of a request's body kept while no connection is there; then the client is not read any more."""

TO_SETTLE: Final = 15.0
"""Seconds that an answer may be held at most, while what it says of the visitor is asked about and stored."""

UNENCODED: Final = Edits(remove=["accept-encoding", "range", "if-range", "if-none-match", "if-modified-since"])
"""So that the whole body comes, and can be read."""

# Where a relay stands; what a deadline means depends on it.
WAITING, ASKED, HOLDING, ANSWERING, TUNNEL, FINISHED = range(6)


class Request(Asker):
    """One request until it is out. Times are in seconds, `started` by `perf_counter`. `Relay` is the other half."""

    __slots__ = (
        "asked_at", "bodiless", "body_chunked", "bytes_in", "bytes_out", "chunking", "client", "connection",
        "early_cookies", "edge", "edits", "fallen_back", "form", "form_route", "has_body", "head", "held", "intent",
        "kept", "live", "login_ended", "opened", "own_cookies", "pending", "pending_size", "phase", "reason", "request",
        "request_id", "rewritten", "route", "safe", "sealed", "sent_all", "sent_body", "server", "started", "status",
        "system_seconds", "target", "trace", "trailers", "tries", "view", "wants_body", "wants_upgrade", "watch",
        "whole",
    )  # fmt: skip

    def __init__(
        self,
        edge: Edge,
        client: ClientConnection,
        head: RequestHead,
        view: RequestView,
        request_id: bytes,
        trace: bytes,
    ) -> None:
        block = head.block
        self.edge = edge
        edge.under_way += 1
        self.client = client
        self.head = head
        self.view = view
        self.request_id = request_id
        self.trace = trace
        """32 hex digits for `traceparent`, where the client brought none."""
        self.live: Live = edge.live
        self.started = perf_counter()
        self.asked_at = 0.0
        self.system_seconds = 0.0
        self.bodiless = head.method == b"HEAD"
        self.has_body = block.chunked or block.length > 0
        self.body_chunked = block.chunked
        self.sent_all = not self.has_body
        """Whether the whole request is out."""
        self.sent_body = False
        """Whether any of its body is: from then on it cannot be asked again."""
        self.safe = view.method in SAFE_METHODS and not self.has_body
        self.wants_upgrade = False
        self.whole = not self.has_body
        """Whether the whole request is in."""
        self.pending: list[bytes] = []
        self.pending_size = 0
        self.trailers = b""
        """The upload's own, as wire bytes."""
        self.route: Route | None = None
        self.request = b""
        self.connection: ServerConnection | None = None
        self.phase = WAITING
        self.tries = 0
        self.fallen_back = False
        self.status = 0
        self.chunking = False
        self.bytes_in = 0
        self.bytes_out = 0
        self.reason = ""
        self.server: Server | None = None
        self.target = b""
        self.edits: Edits | None = None
        """What rules and plugins change in the request, whichever system it goes to."""
        self.rewritten = False
        self.intent = ""
        self.kept: Kept | None = None
        """The visitor, where the request brought a session cookie."""
        self.sealed = b""
        """That cookie's value."""
        self.opened = b""
        """The value that the cookie should have by what was known at the start; empty once this answer changes it."""
        self.own_cookies: list[bytes] = []
        """Set-Cookie values that the edge adds to the answer."""
        self.early_cookies: list[bytes] = []
        """Those that stand before the system's, which may set anew what they delete."""
        self.form = b""
        """The value of the system's cookie that the form belongs to, where it is not the present one."""
        self.form_route: Route | None = None
        """Whom to ask when enough of the form is there to tell to which value it belongs."""
        self.login_ended = False
        self.wants_body = False
        """Whether the body of the answer is looked at before it goes on."""
        self.held: Held | None = None
        """The answer, while it waits."""
        self.watch: CardWatch | None = None
        """What looks through the body for card numbers, on its way to a system that takes no payments."""

    # --- deciding -----------------------------------------------------------------------------------------------------

    @property
    def system_name(self) -> str:
        """The system that is asked."""
        return self.route.decision.system if self.route is not None else ""

    @property
    def rank(self) -> int:
        return rank_of(self.intent, self.view.visit)

    @property
    def unfinished(self) -> bool:
        """Whether somebody still waits for the answer."""
        return self.phase != FINISHED

    def begin(self) -> None:
        """Find out who the visitor is, which costs time only if this worker has not seen the cookie lately."""
        seam = self.live.seam
        block = self.head.block
        if seam is not None and block.cookies:
            sealed = seam.sealed(block, self.view.scheme == "https")
            if sealed:
                self.sealed = sealed
                kept = seam.keeper.at_hand(sealed, int(self.edge.wall))
                if kept is None:
                    self.client.deadline = self.edge.now + TO_SETTLE
                    self.edge.start_task(self._open(sealed))
                    return
                self._is(kept)
        self._decide()

    async def _open(self, sealed: bytes) -> None:
        seam = self.live.seam
        assert seam is not None
        try:
            self._is(await seam.keeper.open(sealed, int(self.edge.wall)))
        except Exception as error:  # a fault of ours must not cost the page: the visitor goes on as a guest
            self.edge.ledger.log(f"a session could not be opened: {type(error).__name__}: {error}")
        if self.phase != FINISHED:
            self._decide()

    def _is(self, kept: Kept) -> None:
        self.kept = kept
        self.opened = kept.cookie
        if kept.session is not None:
            self.view.visit = visit_of(kept)
        elif kept.fault == "revoked" and self.live.seam is not None:
            end_logins(self.live.seam, self, "")
            self.early_cookies, self.own_cookies = self.own_cookies, []

    def _decide(self) -> None:
        """Find the rule, and go on with what it says."""
        live, view = self.live, self.view
        try:
            if live.hosts is not None and not live.hosts(view):
                raise MisdirectedRequest(f"{view.host} is none of our names")
            if view.path.startswith("/.inseam") and view.path[8:9] in ("", "/"):
                if live.seam is None:
                    self.reply(reserved())
                else:
                    answer_public(live.seam, self)
                return
            if self.kept is not None and live.seam is not None and live.seam.refuses(view, self.kept):
                raise CrossSite(f"another site sends a {view.method} in the name of a visitor")
            decision = live.rules.match(view)
            route = live.routes[decision.number]
            view.decision = decision
            if route.guarded:
                owner = live.boundary.misread(view)
                if owner:
                    raise AmbiguousPath(
                        f"rule {decision.rule.name!r} does not own what other readers see: {owner} does"
                    )
            self.route = route
            self.intent = decision.rule.intent
            edge = self.edge
            if edge.ceiling.low and not edge.ceiling.allows(edge.under_way - 1, self.rank):
                self.client.keep = False
                raise MemoryShort(f"{edge.under_way - 1} requests are under way, and little memory is left")
            limit = route.body_limit
            if limit and self.head.block.length > limit:
                raise BodyTooLarge(f"the body has {self.head.block.length} bytes, the limit is {limit}")
            if route.watched and (self.has_body or view.query):
                self.watch = watch_of(self)
        except EdgeError as error:
            self.refuse(error)
            return
        self._choose(route)

    async def _wait_for_plugins(self, route: Route, out: Outbound) -> None:
        for plugin in route.on_waiting:
            try:
                async with asyncio.timeout(plugin.budget):
                    said = checked(await plugin.on_request_waiting(self.view))
            except Exception as error:  # whatever it raises, it costs its own effect only
                self.edge.ledger.plugin_failed(plugin, error, "its fallback decides")
                said = plugin.otherwise
            if self.phase == FINISHED:
                return
            if isinstance(said, Reply):
                self.reply(said)
                return
            if said:
                out.edits = said if out.edits is None else out.edits.then(said)
        self._go_out(route, out)

    def _choose(self, route: Route) -> None:
        """Ask the rule and the plugins what to send; ask the system, or answer."""
        if route.plain and route.system is not None:
            self.target = self.head.target
            self._ask_anew(route)
            return
        said = outbound(self.view, route.decision, route.on_request, self.edge.ledger.plugin_failed)
        if type(said) is Reply:
            self.reply(said)
            return
        assert type(said) is Outbound
        self.rewritten = said.path != self.view.path
        if self.rewritten and self.live.boundary.strays(self.view, route.decision.system, said.path):
            self.refuse(AmbiguousPath(f"rule {route.decision.rule.name!r} rewrites it to a page of a payment system"))
            return
        if route.on_waiting:
            self.client.deadline = self.edge.now + sum(plugin.budget for plugin in route.on_waiting) + 5.0
            self.edge.start_task(self._wait_for_plugins(route, said))
        else:
            self._go_out(route, said)

    def _go_out(self, route: Route, out: Outbound) -> None:
        self.target = out.target.encode("ascii")
        self.edits = out.edits or None
        mirror = route.mirror
        if (
            mirror is not None
            and self.safe
            and not self.live.boundary.spares(self.view, route.decision, mirror.name, out.path)
        ):
            about_client = b"%bX-Request-Id: %b\r\n" % (self.client.forwarded, self.request_id)
            self.edge.mirror(route, self.head, out, about_client)
        self._ask_anew(route)

    def _ask_anew(self, route: Route) -> None:
        """Ask a system that was not asked before: what it may know of the visitor is another matter for each."""
        self.route = route
        if route.barred:
            self.refuse(PaymentBarred(f"rule {route.decision.rule.name!r} must never get to {self.system_name}"))
            return
        block = self.head.block
        lines = block.forward
        edits = self.edits
        seam = self.live.seam
        if seam is not None:
            system = route.decision.system
            if self.view.method not in SAFE_METHODS:
                form = seam.form(self, system, b"".join(self.pending), self.whole)
                if form is None:
                    self.form_route = route
                    self.client.deadline = self.edge.now + self.live.limits.body_grace
                    return
                self.form = form
            lines = seam.lines(block, system, self.kept, self.view, int(self.edge.wall), self.form)
            profile = seam.profiles.get(system)
            self.wants_body = profile is not None and profile.wants_body(self.view.method, self.view.path)
            if self.wants_body:
                edits = UNENCODED if edits is None else edits.then(UNENCODED)
        if route.guarded:
            lines = self.live.boundary.without_query(lines, self.view)
        if edits is not None:
            lines = joined(applied(headers_of(lines).lines, edits))
        self._write_request(lines)
        self._ask(route)

    def _write_request(self, lines: bytes) -> None:
        """Put the request's head together: what passes of the client's, then what the edge says, then the framing."""
        head = self.head
        block = head.block
        trace = self.trace
        parts = [head.method, b" ", self.target, b" HTTP/1.1\r\n", lines, self.client.forwarded, b"X-Request-Id: "]
        if block.traceparent:
            parts += (self.request_id, b"\r\n")
        else:
            parts += (self.request_id, b"\r\ntraceparent: 00-", trace, b"-", trace[8:24], b"-00\r\n")
        if block.chunked:
            parts.append(b"Transfer-Encoding: chunked\r\n")
        elif block.length != UNKNOWN:
            parts.append(b"Content-Length: %d\r\n" % block.length)
        if block.upgrade == b"websocket" and head.method == b"GET" and head.minor == 1 and not self.has_body:
            self.wants_upgrade = True
            parts.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
        parts.append(b"\r\n")
        self.request = b"".join(parts)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, route: Route, avoid: Server | None = None) -> None:
        system = route.system
        assert system is not None
        self.route = route
        self.phase = WAITING
        self.tries += 1
        if not self.asked_at:
            self.asked_at = perf_counter()
        try:
            connection = system.acquire(self, avoid, fresh=avoid is not None)
        except SystemFault as error:
            self.failed(error)
            return
        if connection is None:
            self.client.deadline = self.edge.now + system.spec.queue_timeout + system.spec.timeouts.connect
        else:
            self.connected(connection)

    def connected(self, connection: ServerConnection) -> None:
        route = self.route
        assert route is not None
        self.connection = connection
        self.server = connection.server
        self.phase = ASKED
        if self.whole:
            self.client.deadline = self.edge.now + route.response_timeout
        else:
            self.client.judge_upload(self.bytes_in)
        connection.ask(self, self.request)
        if self.pending or (self.whole and not self.sent_all):
            pending, self.pending, self.pending_size = self.pending, [], 0
            for data in pending:
                self._send_body(data)
            if self.whole and not self.sent_all:
                self._send_end(self.trailers)
            if not connection.blocked:
                self.client.read_on()

    def body(self, data: bytes) -> None:
        """More of the request's body is in."""
        self.bytes_in += len(data)
        route = self.route
        if route is not None and route.body_limit and self.bytes_in > route.body_limit:
            self.refuse(BodyTooLarge(f"the body has more than {route.body_limit} bytes"))
            return
        if self.watch is not None:
            data = vetted(self, self.watch, data)
        if data:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Send a piece of the body, or keep it until it can be."""
        if self.connection is not None:
            self._send_body(data)
        elif self.phase == WAITING:
            self.pending.append(data)
            self.pending_size += len(data)
            if self.form_route is not None:
                if not self.whole:
                    self._look_at_form()
            elif self.pending_size > _MOST_PENDING:
                self.client.stop_reading()

    def _look_at_form(self) -> None:
        """More of a form is there: ask, if it tells now to which value it belongs."""
        route, self.form_route = self.form_route, None
        assert route is not None
        self._ask_anew(route)

    def _send_body(self, data: bytes) -> None:
        connection = self.connection
        if connection is None:
            return
        self.sent_body = True
        connection.send(chunk(data) if self.body_chunked else data)
        if connection.blocked:
            self.client.stop_reading()
            self.client.deadline = self.edge.now + self._idle()
        elif self.phase == ANSWERING:
            self.client.deadline = self.edge.now + self._idle()

    def body_end(self, trailers: bytes) -> None:
        """The request is whole."""
        self.whole = True
        self.trailers = trailers
        if self.watch is not None:
            rest = vetted(self, self.watch, None)
            if rest:
                self._take(rest)
        if self.phase == FINISHED:
            return  # it was refused for what came of it
        if self.form_route is not None:
            self._look_at_form()
        elif self.connection is not None:
            self._send_end(trailers)

    def _send_end(self, trailers: bytes) -> None:
        assert self.connection is not None
        if self.body_chunked:
            self.connection.send(last_chunk(trailers) if trailers else LAST_CHUNK)
        self.sent_all = True
        if self.phase == ASKED:
            self.connection.complete()
            self.client.deadline = self.edge.now + self._response()

    def _response(self) -> float:
        assert self.route is not None
        return self.route.response_timeout

    def _idle(self) -> float:
        assert self.route is not None
        return self.route.idle_timeout

    def drained(self) -> None:
        self.client.read_on()
        if self.phase == ASKED and not self.whole:
            self.client.judge_upload(self.bytes_in)
        elif self.phase != TUNNEL:
            self.client.deadline = self.edge.now + (self._response() if self.phase == ASKED else self._idle())

    # --- what the other half does -------------------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Give an answer of the edge's own."""
        raise NotImplementedError  # pragma: no cover

    def refuse(self, error: EdgeError) -> None:
        """Answer with the page for this error, or cut the answer that is under way."""
        raise NotImplementedError  # pragma: no cover
