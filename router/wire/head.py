"""Heads: from bytes to values, through the strict gate.

A `Block` is a header section read once: its lines, what they say about framing and connection, and the lines that go on
to a system, joined and ready. A browser says nearly the same thing with every request of a connection, so the
connection keeps its last block and compares bytes (70 ns) instead of reading again (8 us); nothing is shared between
connections.
"""

from __future__ import annotations

from typing import Final

from router.errors import (
    BadRequest,
    BadResponse,
    EdgeError,
    ExpectationFailed,
    HeadTooLarge,
    MethodRefused,
    VersionRefused,
)
from router.model import Headers
from router.wire import grammar
from router.wire.target import canonical

UNKNOWN: Final = -1
"""No Content-Length was given."""

# What a header line means to us; a line that means nothing passes through.
_HOST, _LENGTH, _CODING, _CONNECTION, _DROP, _UPGRADE, _EXPECT, _TE, _COOKIE, _TRACE, _REQUEST_ID, _FORWARDED = range(
    12
)

_REQUEST_LINES: Final[dict[bytes, int]] = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
    b"expect": _EXPECT,
    b"te": _TE,
    b"cookie": _COOKIE,
    b"traceparent": _TRACE,
    b"x-request-id": _REQUEST_ID,
    b"x-forwarded-for": _FORWARDED,
    b"x-forwarded-proto": _FORWARDED,
    b"x-forwarded-host": _FORWARDED,
    # hop by hop: RFC 9110, 7.6.1, and RFC 7230's list of old
    b"keep-alive": _DROP,
    b"proxy-connection": _DROP,
    b"proxy-authenticate": _DROP,
    b"proxy-authorization": _DROP,
    b"trailer": _DROP,
    b"http2-settings": _DROP,
    # what only the edge may say: REQUIREMENTS, 21
    b"via": _DROP,
    b"forwarded": _DROP,
    b"x-real-ip": _DROP,
    b"x-client-ip": _DROP,
    b"x-cluster-client-ip": _DROP,
    b"true-client-ip": _DROP,
    b"cf-connecting-ip": _DROP,
    b"x-original-url": _DROP,
    b"x-original-uri": _DROP,
    b"x-original-host": _DROP,
    b"x-rewrite-url": _DROP,
    b"x-host": _DROP,
}

_DROPPED_PREFIXES: Final = (b"inseam-", b"x-forwarded-", b"x-accel-", b"x-original-", b"x-rewrite-")

_RESPONSE_LINES: Final[dict[bytes, int]] = {
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
    b"keep-alive": _DROP,
    b"proxy-connection": _DROP,
    b"proxy-authenticate": _DROP,
    b"trailer": _DROP,
    b"te": _DROP,
    b"set-cookie": _COOKIE,
    b"x-request-id": _DROP,  # the edge answers with its own
    # for the edge's ears only
    b"x-accel-redirect": _DROP,
    b"x-accel-buffering": _DROP,
    b"x-sendfile": _DROP,
}

_PASS: Final = -1

_MEMO_SIZE: Final = 4096
_MEMO_LINE: Final = 200
"""Lines longer than this, in bytes, are not remembered."""

_FORGOTTEN: Final = frozenset(
    (b"cookie", b"set-cookie", b"authorization", b"referer", b"origin", b"location", b"x-csrf-token", b"x-csrftoken",
     b"x-xsrf-token", b"x-api-key", b"idempotency-key"),
)  # fmt: skip
"""Lines that say something of one person, or are never twice the same: read each time, never remembered."""


class _Memo:
    """Header lines that were read before and mean nothing to the edge: browsers and servers repeat themselves.

    Remembers well-formed lines only, of bounded number and size, and only that they pass: reading one again would give
    the same. Looking a line up costs 0.08 us, reading it 0.8 us.
    """

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: set[bytes] = set()

    def add(self, line: bytes, name: bytes) -> None:
        if len(line) <= _MEMO_LINE and name not in _FORGOTTEN:
            if len(self.lines) >= _MEMO_SIZE:
                self.lines.clear()  # a client that sends ever new lines costs speed, never memory
            self.lines.add(line)


_MOST_HOSTS: Final = 64
_hosts: Final[dict[bytes, bytes]] = {}
"""The first Host lines that came, with their values; a shop has few names."""

_asked: Final = _Memo()
_told: Final = _Memo()

_FRAMING: Final = frozenset((b"host", b"content-length", b"transfer-encoding", b"content-type", b"cookie",
                             b"authorization", b"set-cookie", b"location"))  # fmt: skip
"""Lines that `Connection: name` cannot remove: who could would change what the message says. nginx and Envoy agree."""


NO_NAMES: Final[frozenset[bytes]] = frozenset()
NO_HEADERS: Final = Headers([])


class Block:
    """A header section. `forward` are the lines that pass, as they go over the wire.

    `length` is Content-Length in bytes or UNKNOWN; `chunked` whether the body is. `close` and `keep_alive` are what
    Connection said; `upgrade` the protocol asked for or granted, in lower case, empty for none. `cookies` are the
    values of the Cookie lines of a request, or of the Set-Cookie lines of an answer; they stand in `forward` too.
    `updates` are the values of an answer's Inseam-Update lines; `varies` says that it is another for each visitor.
    `forwards` is for who sends a request on: the lines that pass by the system they go to; `sealed` likewise keeps the
    session cookie that was found.
    """

    __slots__ = (
        "chunked", "close", "cookies", "dropped_names", "expect", "forward", "forwarded", "forwards", "headers", "host",
        "keep_alive", "length", "request_id", "sealed", "traceparent", "trailers", "updates", "upgrade",
        "varies",
    )  # fmt: skip

    def __init__(self) -> None:
        self.forward = b""
        self.host = b""
        self.length = UNKNOWN
        self.chunked = False
        self.close = False
        self.keep_alive = False
        self.upgrade = b""
        self.expect = False
        self.trailers = False
        self.traceparent = b""
        self.request_id = b""
        self.forwarded: list[tuple[bytes, bytes]] = []
        self.dropped_names: frozenset[bytes] = NO_NAMES
        self.cookies: list[bytes] = []
        self.updates: list[bytes] = []
        self.varies = False
        self.sealed: bytes | None = None
        self.forwards: dict[str, bytes] | None = None
        self.headers: Headers = NO_HEADERS
        """The same lines for rules and plugins."""

    @property
    def lines(self) -> list[tuple[bytes, bytes]]:
        """The lines that pass as (name as it came, value without white space around it)."""
        return self.headers.lines


class RequestHead:
    """One request's head. `path` is canonical, `target` is what is sent: the same path with the query as it came.

    `minor` is the 0 or 1 of HTTP/1.x. `OPTIONS *` has the path `*`.
    """

    __slots__ = ("block", "method", "minor", "path", "query", "target")

    def __init__(self, method: bytes, target: bytes, path: str, query: str, minor: int, block: Block) -> None:
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.minor = minor
        self.block = block

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants the connection to stay. RFC 9112, 9.3."""
        block = self.block
        return not block.close and (self.minor == 1 or block.keep_alive)


class ResponseHead:
    """One answer's head; `start` is its status line as it goes on, without the line's end."""

    __slots__ = ("block", "minor", "start", "status")

    def __init__(self, status: int, minor: int, start: bytes, block: Block) -> None:
        self.status = status
        self.minor = minor
        self.start = start
        self.block = block

    @property
    def keep_alive(self) -> bool:
        """Whether the server keeps the connection. RFC 9112, 9.3."""
        block = self.block
        return not block.close and (self.minor == 1 or block.keep_alive)


# --- requests ---------------------------------------------------------------------------------------------------------


def request_head(line: bytes, block: Block) -> RequestHead:
    """Return the head that a request line (without its end) and a header section make.

    Raises BadRequest, AmbiguousPath, MethodRefused, VersionRefused.
    """
    plain = grammar.PLAIN_REQUEST.fullmatch(line)
    if plain is not None:
        method, target, path, query = plain.groups()
        if method != b"CONNECT" and method != b"TRACE":  # noqa: PLR1714  a tuple costs twice as much
            return RequestHead(method, target, path.decode("ascii"), query.decode("ascii") if query else "", 1, block)
    method, target, minor = request_line(line)
    if minor == 0 and block.chunked:
        raise BadRequest("Transfer-Encoding with HTTP/1.0")
    if target == b"*":
        return RequestHead(method, target, "*", "", minor, block)
    if target[0] != 0x2F:
        target = _origin_form(target, block)
    path, mark, query = target.partition(b"?")
    path = canonical(path)
    return RequestHead(method, path + mark + query, path.decode("ascii"), query.decode("ascii"), minor, block)


def _origin_form(target: bytes, block: Block) -> bytes:
    """Return the path and query of an absolute form, whose authority must be Host. RFC 9112, 3.2.2."""
    rest = target[target.index(b"//") + 2 :]
    end = min(place if place >= 0 else len(rest) for place in (rest.find(b"/"), rest.find(b"?")))
    if rest[:end].lower() != block.host.lower():
        raise BadRequest("the target's authority is not Host")
    return rest[end:] if rest[end : end + 1] == b"/" else b"/" + rest[end:]


def request_line(line: bytes) -> tuple[bytes, bytes, int]:
    """Return method, target and minor version of a request line. Raises BadRequest, MethodRefused, VersionRefused."""
    found = grammar.REQUEST_LINE.fullmatch(line)
    if found is None:
        raise _bad_request_line(line)
    method, target, minor = found.groups()
    if method in (b"CONNECT", b"TRACE"):
        raise MethodRefused(f"{method.decode()} is not for a reverse proxy")
    if target[0] != 0x2F:  # a slash
        if target == b"*" and method != b"OPTIONS":
            raise BadRequest("the target * goes only with OPTIONS")
        if target != b"*" and target[:7].lower() != b"http://" and target[:8].lower() != b"https://":
            raise BadRequest("the target has no form of RFC 9112, 3.2")
    if b"#" in target:
        raise BadRequest("the target has a fragment")
    return method, target, 1 if minor == b"1" else 0


def _bad_request_line(line: bytes) -> EdgeError:
    version = grammar.VERSION.search(line)
    if version is not None and version[1] != b"1":
        return VersionRefused(f"HTTP/{version[1].decode()}.{version[2].decode()} is not spoken here")
    return BadRequest("the request line is malformed")


def request_block(block: bytes, max_fields: int) -> Block:
    """Return a request's header section, `block` being its lines with their ends, without the empty one.

    Raises BadRequest, HeadTooLarge (more than `max_fields` lines), ExpectationFailed.
    """
    lines = block.split(b"\r\n")
    if len(lines) > max_fields + 1:
        raise HeadTooLarge(f"more than {max_fields} header lines")
    result = Block()
    known = _asked.lines
    keep = [line for line in lines if line in known or (line and _read_request_line(result, line))]
    if not result.host:
        raise BadRequest("no Host")
    if result.chunked and result.length != UNKNOWN:
        raise BadRequest("both Content-Length and Transfer-Encoding")
    _close_up(result, keep)
    return result


def _read_request_line(block: Block, line: bytes) -> bool:
    """Take in what one line of a request says; return whether it goes on to the system."""
    if line == b"Connection: keep-alive":
        block.keep_alive = True
        return False
    host = _hosts.get(line)
    if host is not None and not block.host:
        block.host = host
        return True
    found = grammar.LINE.fullmatch(line)
    if found is None:
        raise BadRequest("a header line is malformed")
    name = found[1].lower()
    meaning = _REQUEST_LINES.get(name, _PASS)
    if meaning == _PASS:
        if name in _FORGOTTEN:
            return True
        if only_ours(name):
            return False
        _asked.add(line, name)
        return True
    value: bytes = found[2].rstrip(b" \t")
    if meaning == _HOST:
        if block.host:
            raise BadRequest("more than one Host")
        if grammar.HOST.fullmatch(value) is None:
            raise BadRequest("Host is not a host")
        block.host = value
        if len(_hosts) < _MOST_HOSTS:
            _hosts[line] = value
        return True
    if meaning == _CONNECTION:
        _connection(block, value)
    elif meaning == _LENGTH:
        block.length = _length(block, value, BadRequest)
    elif meaning == _CODING:
        _coding(block, found[2], BadRequest)
    elif meaning == _UPGRADE:
        _upgrade(block, value)
    elif meaning == _EXPECT:
        if value.lower() != b"100-continue":
            raise ExpectationFailed("Expect asks for something other than 100-continue")
        block.expect = True
        return True
    elif meaning == _TE:
        block.trailers = b"trailers" in value.lower()
    elif meaning == _COOKIE:
        block.cookies.append(value)
        return True
    elif meaning == _TRACE:
        if grammar.TRACEPARENT.fullmatch(value) and not block.traceparent:
            block.traceparent = value
            return True
    elif meaning == _REQUEST_ID:
        block.request_id = value if grammar.REQUEST_ID.fullmatch(value) else b""
    elif meaning == _FORWARDED:
        block.forwarded.append((name, value))
    return False


# --- responses --------------------------------------------------------------------------------------------------------


def response_head(head: bytes, line_end: int, max_fields: int) -> ResponseHead:
    """Return the head of an answer; `head` ends with the last header line's CRLF, `line_end` is where line one ends.

    Raises BadResponse.
    """
    found = grammar.STATUS_LINE.fullmatch(head, 0, line_end)
    if found is None:
        raise BadResponse("the status line is malformed")
    minor, status_text, reason = found.groups()
    status = int(status_text)
    if status > 599:
        raise BadResponse(f"status {status} is outside 100 to 599")
    start = b"HTTP/1.1 " + status_text + b" " + (reason or b"")
    block = response_block(head[line_end + 2 :], max_fields)
    if block.chunked and minor == b"0":
        block.close = True  # RFC 9112, 6.1: its framing is doubtful, so nothing may follow it
    return ResponseHead(status, 1 if minor == b"1" else 0, start, block)


def response_block(block: bytes, max_fields: int) -> Block:
    """Return an answer's header section. Raises BadResponse."""
    lines = block.split(b"\r\n")
    if len(lines) > max_fields + 1:
        raise BadResponse(f"more than {max_fields} header lines")
    result = Block()
    known = _told.lines
    keep = [line for line in lines if line in known or (line and _read_response_line(result, line))]
    if result.chunked and result.length != UNKNOWN:
        raise BadResponse("both Content-Length and Transfer-Encoding")
    _close_up(result, keep)
    return result


def _read_response_line(block: Block, line: bytes) -> bool:
    """Take in what one line of an answer says; return whether it goes on to the client."""
    if line == b"Connection: keep-alive":
        block.keep_alive = True
        return False
    if line.startswith(b"Content-Length: ") and block.length == UNKNOWN:
        digits = line[16:]
        if digits.isdigit() and len(digits) <= 18:  # as grammar.DIGITS has it, without two expressions
            block.length = int(digits)
            return False
    found = grammar.LINE.fullmatch(line)
    if found is None:
        raise BadResponse("a header line is malformed")
    name = found[1].lower()
    meaning = _RESPONSE_LINES.get(name, _PASS)
    if meaning == _PASS:
        if name[:6] == b"inseam" and name[6:7] in (b"-", b"_"):
            if name == b"inseam-update":
                block.updates.append(found[2].rstrip(b" \t"))
            return False  # said to the edge, not to the browser: REQUIREMENTS, 23
        if name == b"vary" and b"inseam-session" in found[2].lower():
            block.varies = True
            return True  # and not remembered, so that it is seen each time
        _told.add(line, name)
        return True
    value: bytes = found[2].rstrip(b" \t")
    if meaning == _CONNECTION:
        _connection(block, value)
    elif meaning == _LENGTH:
        block.length = _length(block, value, BadResponse)
    elif meaning == _CODING:
        _coding(block, found[2], BadResponse)
    elif meaning == _UPGRADE:
        _upgrade(block, value)
    elif meaning == _COOKIE:
        block.cookies.append(value)
        return True
    return False


# --- what single lines say --------------------------------------------------------------------------------------------


def joined(lines: list[tuple[bytes, bytes]]) -> bytes:
    """Return header lines as they go over the wire."""
    return b"".join([b"%b: %b\r\n" % line for line in lines])


def _close_up(block: Block, keep: list[bytes]) -> None:
    """Leave out what Connection names (RFC 9110, 7.6.1) and join the rest."""
    if block.upgrade and b"upgrade" not in block.dropped_names:
        block.upgrade = b""  # RFC 9110, 7.8: meant for this hop only if Connection says so
    if block.dropped_names:
        keep = [line for line in keep if line[: line.index(b":")].lower() not in block.dropped_names]
    keep.append(b"")
    block.forward = b"\r\n".join(keep)
    block.headers = Headers(None, block.forward)


def _length(block: Block, value: bytes, error: type[EdgeError]) -> int:
    if block.length != UNKNOWN:
        raise error("more than one Content-Length")
    if grammar.DIGITS.fullmatch(value) is None:
        raise error("Content-Length is not a plain number")
    return int(value)


def _coding(block: Block, value: bytes, error: type[EdgeError]) -> None:
    """Take in Transfer-Encoding; white space behind it hides it from some readers, so none may stand there."""
    if block.chunked or value.lower() != b"chunked":
        raise error("Transfer-Encoding is not exactly one `chunked`")
    block.chunked = True


def only_ours(name: bytes) -> bool:
    """Whether a field of a client's, `name` in lower case, could be taken for what only the edge says.

    Names with anything but letters, digits and hyphens are: some servers read `_`, and old ones any other sign, as `-`,
    and nginx drops them for that reason. RFC 3875, 4.1.18; REQUIREMENTS, 21.
    """
    return (
        name.startswith(_DROPPED_PREFIXES)
        or not name.replace(b"-", b"").isalnum()
        or _REQUEST_LINES.get(name, _PASS) != _PASS
    )


def _upgrade(block: Block, value: bytes) -> None:
    """Take in an Upgrade line; two of them are a list, and a list is no protocol that we grant."""
    block.upgrade += (b", " if block.upgrade else b"") + value.lower()


def _connection(block: Block, value: bytes) -> None:
    names = []
    for text in value.lower().split(b","):
        option = text.strip(b" \t")
        if option == b"close":
            block.close = True
        elif option == b"keep-alive":
            block.keep_alive = True
        elif option and option not in _FRAMING:
            names.append(option)
    if names:
        block.dropped_names |= frozenset(names)
