"""One request on its way: what comes back for it, and what becomes of it when something fails.

    begin ... send (router.edge.request) -> answered -> (settled) -> more ... -> ended -> finish
                                             '- failed: again, elsewhere, or the page that says so

Nothing here reads from a socket: the client's connection hands in the request, the server's the answer.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from router.edge.held import Held, holds
from router.edge.live import Route
from router.edge.pages import error_reply, reply_bytes
from router.edge.request import ANSWERING, ASKED, FINISHED, HOLDING, TO_SETTLE, TUNNEL, WAITING, Request
from router.edge.seam import is_page
from router.errors import (
    ConnectTimeout,
    EdgeError,
    MemoryShort,
    Overloaded,
    QueueFull,
    RedirectLoop,
    RequestTimeout,
    ResponseTimeout,
    ServerRefused,
    SystemFault,
)
from router.exchange import inbound
from router.headers import applied, unguarded
from router.loops import COOKIE as TRAIL
from router.loops import trailed
from router.model import Edits, Reply, ResponseView
from router.ranks import NAMES
from router.referrers import discreet
from router.tally import slot_of
from router.wire.body import LAST_CHUNK, chunk, last_chunk
from router.wire.head import UNKNOWN, ResponseHead, joined

if TYPE_CHECKING:
    pass

_TUNNEL_IDLE: Final = 3600.0
"""Seconds a WebSocket may be silent: browsers and libraries ping far more often where it matters."""

_TRAIL: Final = TRAIL.encode("ascii")


class Relay(Request):
    """Carries one request to a system and the answer back."""

    __slots__ = ()

    # --- the answer ---------------------------------------------------------------------------------------------------

    def interim(self, head: ResponseHead) -> None:
        # RFC 9110, 15.2: an HTTP/1.0 client knows none; and what hints at cookies is not worth translating.
        if self.head.minor == 1 and not head.block.cookies:
            self.client.write(b"%b\r\n%b\r\n" % (head.start, head.block.forward))

    def answered(self, head: ResponseHead, body: bytes, done: bool) -> None:
        route = self.route
        assert route is not None
        status = head.status
        if status >= 400 and route.fallback is not None and self._may_fall_back(status):
            connection, self.connection = self.connection, None
            if not done and connection is not None:
                connection.abandon()
            self._fall_back(route)
            return
        seam = self.live.seam
        if (
            seam is not None
            and (
                self.wants_body
                or head.block.updates
                or head.block.cookies
                or seam.watches(route.decision.system, self.view)
                or (self.head.block.cookies and is_page(self, head))
            )
            and holds(seam, self, head, body, done)
        ):
            return
        self._pass_on(head, body, done)

    def keep(self, answer: Held) -> None:
        """Have an answer wait until what it says of the visitor is settled."""
        self.held = answer
        self.phase = HOLDING
        self.client.deadline = self.edge.now + TO_SETTLE
        if answer.end is not None:
            self.connection = None

    def wait(self) -> None:
        """Begin the time in which what the answer says must be settled."""
        if self.phase == HOLDING:
            self.client.deadline = self.edge.now + TO_SETTLE

    def rest(self) -> None:
        """Read no more of the answer that waits."""
        if self.phase == HOLDING and self.connection is not None:
            self.connection.pause()

    def go_on(self, answer: Held) -> None:
        """Pass on the answer that has waited, and all of it that came meanwhile."""
        if self.phase != HOLDING:
            return  # nobody waits for it any more
        self.held = None
        connection = self.connection
        self._pass_on(answer.head, answer.taken(), done=False)
        if self.phase == FINISHED:
            return  # it was no answer to pass on
        if answer.error is not None:
            self.cut(answer.error)
        elif answer.end is not None:
            self.ended(answer.end)
        elif connection is not None:
            connection.resume()

    def _pass_on(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Begin the answer to the client."""
        route = self.route
        assert route is not None
        status = head.status
        block = head.block
        self.status = status
        trail: Edits | None = None
        if 300 < status < 400 or self._has_trail():
            try:
                trail = trailed(self.view, route.decision, ResponseView(status, block.headers), self.live.rules)
            except RedirectLoop as error:
                if done:
                    self.connection = None
                self.refuse(error)
                return
        forward = block.forward
        seam = self.live.seam
        lines: list[tuple[bytes, bytes]] | None = None
        edits: Edits | None = None
        if seam is not None and (
            block.cookies or block.varies or self.kept is not None or self.own_cookies or self.head.block.cookies
        ):
            lines, edits = seam.answer(self, head)
        if not route.plain:
            more = inbound(
                self.view, route.decision, ResponseView(status, block.headers), route.on_response,
                self.edge.ledger.plugin_failed,
            )  # fmt: skip
            edits = more if edits is None else more.then(edits)
        if trail is not None:
            edits = trail if edits is None else edits.then(trail)
        if edits and route.hidden:
            edits = unguarded(edits)
        if edits:
            forward = joined(applied(block.lines if lines is None else lines, edits))
        elif lines is not None:
            forward = joined(lines)
        if route.hidden:
            forward = discreet(forward)
        client = self.client
        parts = [head.start, b"\r\n", forward]
        if self.bodiless or status in (204, 304):
            if block.length != UNKNOWN and status != 204:
                parts.append(b"Content-Length: %d\r\n" % block.length)
        elif block.length != UNKNOWN:
            parts.append(b"Content-Length: %d\r\n" % block.length)
        elif self.head.minor == 1:
            self.chunking = True
            parts.append(b"Transfer-Encoding: chunked\r\n")
        else:
            client.keep = False
        if not self.whole:
            client.keep = False  # the rest of the request would be read as the next one
        parts += (b"X-Request-Id: ", self.request_id, client.connection_line(), b"\r\n")
        if body:
            self.bytes_out = len(body)
            parts.append(chunk(body) if self.chunking else body)
        if done:
            self.connection = None
            if self.chunking:
                parts.append(LAST_CHUNK)
            client.write(b"".join(parts))
            self.finish()
            return
        self.phase = ANSWERING
        client.deadline = self.edge.now + route.idle_timeout
        client.write(b"".join(parts))

    def _has_trail(self) -> bool:
        """Whether the browser was led here from the other system."""
        return any(_TRAIL in line for line in self.head.block.cookies)

    def more(self, data: bytes) -> None:
        if self.held is not None:
            self.held.more(data)
            return
        client = self.client
        self.bytes_out += len(data)
        if self.phase == TUNNEL:
            client.deadline = self.edge.now + _TUNNEL_IDLE
            client.write(data)
        else:
            client.deadline = self.edge.now + self._idle()
            client.write(chunk(data) if self.chunking else data)

    def ended(self, trailers: bytes) -> None:
        self.connection = None
        if self.held is not None:
            self.held.ended(trailers)
            return
        if self.phase == TUNNEL:
            self.client.keep = False
            self.finish()
            return
        if self.chunking:
            self.client.write(last_chunk(trailers) if self.head.block.trailers else LAST_CHUNK)
        elif self.head.minor == 0 and not self.client.keep:
            pass  # the end of the connection is the end of the body
        self.finish()

    def hold(self) -> None:
        """The client does not take bytes as fast as they come: read no more of the answer."""
        if self.connection is not None:
            self.connection.pause()
        if self.phase != WAITING:
            self.client.give_time()

    def release(self) -> None:
        """The client takes bytes again."""
        if self.held is not None:
            return
        if self.connection is not None:
            self.connection.resume()
        if self.phase == TUNNEL:
            self.client.deadline = self.edge.now + _TUNNEL_IDLE
        elif self.phase != WAITING:
            self.client.deadline = self.edge.now + (self._response() if self.phase == ASKED else self._idle())

    # --- tunnels ------------------------------------------------------------------------------------------------------

    def upgraded(self, head: ResponseHead, rest: bytes) -> None:
        self.status = 101
        self.phase = TUNNEL
        self.client.keep = False
        self.edge.ledger.event("tunnels")
        self._count_system(perf_counter())  # now, because an open tunnel is no work for the system
        self.client.deadline = self.edge.now + _TUNNEL_IDLE
        if self.kept is not None and self.kept.session is None:
            self.kept = None  # a guest from the start has nothing that could end
        forward = head.block.forward
        if self.live.seam is not None and head.block.cookies:
            forward = joined(self.live.seam.to_browser(self, head.block.lines, self.system_name))
        self.client.write(
            b"%b\r\n%bConnection: Upgrade\r\nUpgrade: %b\r\n\r\n%b" % (head.start, forward, head.block.upgrade, rest)
        )
        self.client.tunnel()

    def end_tunnel(self) -> None:
        """Close both ends: whoever is there may not be any more."""
        self.edge.ledger.event("tunnels_cut")
        self._let_go()
        self.client.keep = False
        self.finish()

    def through(self, data: bytes) -> None:
        """Bytes of the client's for the other end of the tunnel."""
        self.bytes_in += len(data)
        connection = self.connection
        if connection is not None:
            self.client.deadline = self.edge.now + _TUNNEL_IDLE
            connection.send(data)
            if connection.blocked:
                self.client.stop_reading()

    # --- when something fails -----------------------------------------------------------------------------------------

    def failed(self, error: SystemFault) -> None:
        self.connection = None
        route = self.route
        assert route is not None
        if self.held is not None:
            self.held.failed(error)
            return
        if self.phase in (ANSWERING, TUNNEL):
            self.cut(error)
            return
        if isinstance(error, Overloaded | QueueFull):
            self.edge.ledger.event(f"shed:{route.decision.system}:{self.intent}:{NAMES[self.rank]}")
        if error.retry and self.tries <= route.retries and self._may_repeat(error):
            route.tally.retries += 1
            self._ask(route, error.server)
        elif route.fallback is not None and self._may_fall_back(error.status):
            self._fall_back(route)
        else:
            self.refuse(error)

    def _may_repeat(self, error: SystemFault) -> bool:
        """Whether the request can be sent again without being processed twice. RFC 9110, 9.2.2."""
        if self.sent_body:
            return False
        return self.safe or isinstance(error, ServerRefused | ConnectTimeout)  # nothing was sent at all

    def _may_fall_back(self, status: int) -> bool:
        """Whether the rule's other system may be asked: a safe request, not found or not well here."""
        if not self.safe or self.fallen_back or (status not in (404, 410) and status < 500):
            return False
        assert self.route is not None
        assert self.route.fallback is not None
        decision = self.route.decision
        return not self.live.boundary.spares(self.view, decision, decision.rule.treatment.fallback, self.view.path)

    def _fall_back(self, route: Route) -> None:
        assert route.fallback is not None
        seconds = perf_counter() - self.asked_at
        self.asked_at = 0.0
        if self.server is not None:
            self.server.seconds += seconds
            self.server = None
        route.tally.system_seconds += seconds
        route.tally.fallbacks += 1
        self.fallen_back = True
        self.tries = 0
        self.view.decision = route.fallback.decision
        self._ask_anew(route.fallback)  # for the very same: rule and plugins have had their say

    def refuse(self, error: EdgeError) -> None:
        """Answer with the page for this error, or cut the answer that is under way."""
        if self.phase in (ANSWERING, TUNNEL):
            self.cut(error)
            return
        self.reason = error.reason
        self.edge.ledger.error(error.reason)
        overloaded = isinstance(error, Overloaded | MemoryShort)
        if error.blame != "client" and not overloaded:  # that it is overloaded was said once
            self.edge.ledger.complain(self, error)
        retry_after = 0
        if error.status == 503:
            system = self.route.system if self.route else None
            retry_after = system.retry_after if system else 1
            if overloaded:
                retry_after += self.edge.apart()
        self.reply(error_reply(error.status, self.view.request_id, self.view.headers.get("accept") or "", retry_after))

    def reply(self, reply: Reply) -> None:
        """Give an answer of the edge's own."""
        self._let_go()
        if not self.whole:
            self.client.keep = False
        self.status = reply.status
        self.bytes_out = 0 if self.bodiless else len(reply.body)
        self.client.write(reply_bytes(reply, self.bodiless, self.request_id, self.client.connection_line()))
        self.finish()

    def cut(self, error: EdgeError) -> None:
        """The answer is under way and cannot be finished: the client must see that it is not whole."""
        self.reason = error.reason
        self.edge.ledger.error(error.reason)
        self.edge.ledger.complain(self, error)
        self._let_go()
        self.client.reset()  # first, so that no request behind this one is begun
        self.finish()

    def deadline(self) -> None:
        """The time for the present phase is over."""
        route = self.route
        if self.held is not None:
            self.held.late()
        elif route is None:
            self.refuse(EdgeError("a session was not settled in time"))
        elif self.form_route is not None:
            self.refuse(RequestTimeout("the form did not arrive in time"))
        elif self.phase == WAITING:
            assert route.system is not None
            if not self.request:
                self.refuse(EdgeError("a plugin did not keep to its budget"))
                return
            self.failed_in_queue(QueueFull(f"no connection to {route.system.name} became free in time"))
        elif self.client.blocked:
            self.reason = "client_slow"
            self.edge.ledger.error("client_slow")
            self._let_go()
            self.client.reset()
            self.finish()
        elif self.phase == TUNNEL:
            self._let_go()
            self.client.keep = False
            self.finish()
        elif self.phase == ASKED and not self.whole and not self.client.stopped:
            self.client.late_body()
        else:
            connection = self.connection
            assert connection is not None
            error = ResponseTimeout(f"{connection.server} did not go on within its time")
            connection.server.failure(error)
            self._let_go()
            if self.phase == ANSWERING:
                self.cut(error)
            elif route.fallback is not None and self._may_fall_back(error.status):
                self._fall_back(route)
            else:
                self.refuse(error)

    def failed_in_queue(self, error: SystemFault) -> None:
        """The wait for a connection is over."""
        assert self.route is not None
        assert self.route.system is not None
        self.route.system.forget(self)
        self.failed(error)

    def gone(self) -> None:
        """The client has gone: nobody wants the answer any more."""
        if self.phase != FINISHED:
            self.reason = self.reason or ("client_gone" if self.phase != TUNNEL else "")
            if self.phase != TUNNEL:
                self.edge.ledger.error("client_gone")
                self.status = self.status or 499
            answer, self.held = self.held, None
            self._let_go()
            self.finish()
            if answer is not None:
                answer.unwanted()

    def _let_go(self) -> None:
        """Leave the queue, or give up the connection."""
        connection, self.connection = self.connection, None
        if connection is not None:
            if self.phase == TUNNEL:
                connection.finish()
            else:
                connection.abandon()
        elif self.route is not None and self.route.system is not None:
            self.route.system.forget(self)

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Count the request, and let the client go on."""
        if self.phase == FINISHED:
            return
        self.phase = FINISHED
        self.edge.under_way -= 1
        seconds = perf_counter() - self.started
        route = self.route
        if route is not None:
            tally = route.tally
            tally.requests += 1
            tally.seconds += seconds
            if self.asked_at:
                self._count_system(self.started + seconds)
            tally.bytes_in += self.bytes_in
            tally.bytes_out += self.bytes_out
            tally.statuses[self.status // 100] += 1
            tally.histogram[slot_of(seconds)] += 1
        if self.edge.ledger.access_log is not None:
            self.edge.ledger.record(self, seconds)
        self.client.answered()

    def _count_system(self, now: float) -> None:
        """The system has done its part."""
        assert self.route is not None
        self.system_seconds = seconds = now - self.asked_at
        self.asked_at = 0.0
        self.route.tally.system_seconds += seconds
        if self.server is not None:
            self.server.seconds += seconds
