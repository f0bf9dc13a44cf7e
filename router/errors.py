"""One family of errors: what the client hears, who is to blame, and whether another try may help.

The attributes feed the response, the metric and the retry. Foreign errors are translated once, where foreign code is
called, and keep their cause. Messages are for operators (log); a client only ever sees the status and the request id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Blame = Literal["client", "edge", "system"]


class InseamError(Exception):
    """Everything Inseam raises on purpose."""


class EdgeError(InseamError):
    """A request cannot be served as asked.

    `status` is what the client hears, `blame` whose fault it is, `retry` whether the same request may be tried on
    another server *provided that it is safe to send again*, `reason` the metric's label.
    """

    status: ClassVar[int] = 500
    blame: ClassVar[Blame] = "edge"
    retry: ClassVar[bool] = False
    reason: ClassVar[str] = "internal"


# --- the client's fault -----------------------------------------------------------------------------------------------


class ClientError(EdgeError):
    """The client sent something that must not be passed on."""

    status = 400
    blame = "client"
    reason = "bad_request"


class BadRequest(ClientError):
    """The bytes are not one HTTP/1.x request that every reader would read alike. RFC 9112."""


class AmbiguousPath(ClientError):
    """Two servers could read this path differently, so no owner can be named for it. RFC 3986, 6; DESIGN, 4."""

    reason = "ambiguous_path"


class CrossSite(ClientError):
    """Another site has made a visitor's browser send this. REQUIREMENTS, 34."""

    status = 403
    reason = "cross_site"


class RequestTimeout(ClientError):
    """The head did not arrive in time, or the body stopped arriving."""

    status = 408
    reason = "request_timeout"


class BodyTooLarge(ClientError):
    """The request's body is larger than the limit."""

    status = 413
    reason = "body_too_large"


class UriTooLong(ClientError):
    """The request line is longer than the limit."""

    status = 414
    reason = "uri_too_long"


class CardNumber(ClientError):
    """A card's number is on its way to a system that takes no payments. REQUIREMENTS, 27."""

    status = 422
    reason = "card_number"


class MisdirectedRequest(ClientError):
    """The Host is none of ours. RFC 9110, 7.4."""

    status = 421
    reason = "unknown_host"


class HeadTooLarge(ClientError):
    """The header section is larger, or has more fields, than the limit. RFC 6585, 5."""

    status = 431
    reason = "head_too_large"


class MethodRefused(ClientError):
    """CONNECT and TRACE are not for a reverse proxy. RFC 9110, 9.3.6 and 9.3.8."""

    status = 405
    reason = "method_refused"


class ExpectationFailed(ClientError):
    """`Expect` asks for something other than 100-continue. RFC 9110, 10.1.1."""

    status = 417
    reason = "expectation"


class VersionRefused(ClientError):
    """An HTTP version we do not speak. RFC 9110, 15.6.6."""

    status = 505
    reason = "version"


class NoRule(EdgeError):
    """No rule of the file holds for the request."""

    status = 404
    blame = "edge"
    reason = "no_rule"


class PaymentBarred(EdgeError):
    """A payment page was about to be asked of a system that takes no payments: the last guard. REQUIREMENTS, 26."""

    reason = "payment_barred"


# --- a system's fault -------------------------------------------------------------------------------------------------


class SystemFault(EdgeError):
    """A system did not do its part; `server` is the one that failed, where one was asked."""

    status = 502
    blame: ClassVar[Blame] = "system"
    reason = "bad_gateway"

    def __init__(self, message: str, server: Any = None) -> None:
        super().__init__(message)
        self.server = server


class ServerRefused(SystemFault):
    """Nobody listens at the server's address, or its name does not resolve."""

    retry = True
    reason = "refused"


class ConnectTimeout(SystemFault):
    """The server did not accept the connection in time."""

    status = 504
    retry = True
    reason = "connect_timeout"


class ServerReset(SystemFault):
    """The server closed the connection before its answer was whole."""

    retry = True
    reason = "reset"


class BadResponse(SystemFault):
    """The server's bytes are not one HTTP/1.x response that every reader would read alike."""

    reason = "bad_response"


class ResponseTimeout(SystemFault):
    """The server was asked and did not answer in time."""

    status = 504
    reason = "response_timeout"


class SystemDown(SystemFault):
    """Every server of the system is ejected."""

    status = 503
    reason = "system_down"


class QueueFull(SystemFault):
    """All connections to the system are busy, and so is the queue, or the wait in it was too long."""

    status = 503
    reason = "queue_full"


class MemoryShort(EdgeError):
    """Little memory is left: what is under way is finished first."""

    status = 503
    reason = "memory_short"


class RedirectLoop(SystemFault):
    """Two systems send a browser to and fro. RFC 5842, 7.2 has the status for it."""

    status = 508
    reason = "redirect_loop"


class Overloaded(SystemFault):
    """The system does not bear more, and others go first: an answer at once is better than none for everybody."""

    status = 503
    blame = "edge"
    reason = "overloaded"


class NoDescriptors(SystemFault):
    """The edge itself has no file descriptor left to reach a system with: no server is to blame. REQUIREMENTS, 51."""

    status = 503
    blame = "edge"
    reason = "no_descriptors"


# --- the operator's fault ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1, 0 when only the file is known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`rules.yaml:8:11`, the form that editors and terminals make clickable."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a rules file: where, what, and a way out."""

    position: Position
    message: str
    hint: str = ""
    severity: str = "error"
    """`error` or `warning`. Plain text: compiled, a Literal would be no type that msgspec can read at run time."""

    def __str__(self) -> str:
        """One line, as compilers print it: `rules.yaml:8:11: error: ... (did you mean ...?)`."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.position}: {self.severity}: {self.message}{hint}"


class RulesProblems(InseamError):
    """A rules file cannot be used; `problems` has all of them, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StartError(InseamError):
    """The program cannot start: one clear line for the operator (port in use, unreadable key, missing file)."""
