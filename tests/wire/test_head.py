"""Heads: what is refused, with the section that says so, and what a head means once it is let through."""

from __future__ import annotations

import pytest

from router.errors import (
    AmbiguousPath,
    BadRequest,
    BadResponse,
    EdgeError,
    ExpectationFailed,
    HeadTooLarge,
    MethodRefused,
    VersionRefused,
)
from router.wire.head import (
    UNKNOWN,
    Block,
    RequestHead,
    ResponseHead,
    only_ours,
    request_block,
    request_head,
    response_head,
)

HOST = b"Host: shop.test\r\n"


def asked(line: bytes, fields: bytes = HOST) -> RequestHead:
    return request_head(line, request_block(fields, 100))


def told(head: bytes) -> ResponseHead:
    return response_head(head, head.find(b"\r\n"), 200)


# --- request lines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "method", "path", "query", "sent"),
    [
        (b"GET / HTTP/1.1", b"GET", "/", "", b"/"),
        (b"GET /catalogue/12/?page=2 HTTP/1.1", b"GET", "/catalogue/12/", "page=2", b"/catalogue/12/?page=2"),
        (b"GET /? HTTP/1.1", b"GET", "/", "", b"/?"),
        (b"GET /?a?b HTTP/1.1", b"GET", "/", "a?b", b"/?a?b"),
        (b"GET /a?next=//x/../y;z\\%2f HTTP/1.1", b"GET", "/a", "next=//x/../y;z\\%2f", b"/a?next=//x/../y;z\\%2f"),
        (b"GET /%63atalogue/ HTTP/1.1", b"GET", "/catalogue/", "", b"/catalogue/"),
        (b"GET /k%c3%a4se?q=%c3 HTTP/1.1", b"GET", "/k%C3%A4se", "q=%c3", b"/k%C3%A4se?q=%c3"),
        (b"PURGE /x HTTP/1.1", b"PURGE", "/x", "", b"/x"),
        (b"VERSION-CONTROL /x HTTP/1.1", b"VERSION-CONTROL", "/x", "", b"/x"),
        (b"OPTIONS * HTTP/1.1", b"OPTIONS", "*", "", b"*"),
        (b"GET http://shop.test/a?b HTTP/1.1", b"GET", "/a", "b", b"/a?b"),
        (b"GET HTTP://SHOP.test/a HTTP/1.1", b"GET", "/a", "", b"/a"),
        (b"GET https://shop.test HTTP/1.1", b"GET", "/", "", b"/"),
        (b"GET http://shop.test?x=/checkout HTTP/1.1", b"GET", "/", "x=/checkout", b"/?x=/checkout"),
        (b"GET http://shop.test/a%62 HTTP/1.0", b"GET", "/ab", "", b"/ab"),
    ],
)
def test_a_target_is_read_once_and_sent_as_it_was_read(line: bytes, method: bytes, path: str, query: str, sent: bytes):
    head = asked(line)

    assert (head.method, head.path, head.query, head.target) == (method, path, query, sent)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"GET /", BadRequest),  # HTTP/0.9: RFC 1945, 5
        (b"GET  / HTTP/1.1", BadRequest),  # RFC 9112, 3
        (b"GET\t/ HTTP/1.1", BadRequest),
        (b"GET / HTTP/1.1 ", BadRequest),
        (b" GET / HTTP/1.1", BadRequest),
        (b"GET / http/1.1", BadRequest),
        (b"GET / HTTP/01.1", BadRequest),
        (b"GET / HTTP/1.1\n", BadRequest),
        (b"GET /a\rb HTTP/1.1", BadRequest),
        (b"GET /\x00 HTTP/1.1", BadRequest),
        (b"get / HTTP/1.1", BadRequest),  # RFC 9110, 9.1: methods are case-sensitive
        (b"GE\xc3\xb6 / HTTP/1.1", BadRequest),
        (b"GET /a#b HTTP/1.1", BadRequest),  # RFC 9112, 3.2
        (b"GET /a?b#c HTTP/1.1", BadRequest),
        (b"GET a HTTP/1.1", BadRequest),
        (b"GET * HTTP/1.1", BadRequest),  # RFC 9112, 3.2.4
        (b"GET shop.test:80 HTTP/1.1", BadRequest),
        (b"GET ftp://shop.test/ HTTP/1.1", BadRequest),
        (b"GET http://other.test/ HTTP/1.1", BadRequest),  # RFC 9112, 3.2.2: it would replace Host
        (b"GET http://shop.test:80/ HTTP/1.1", BadRequest),
        (b"GET http://user@shop.test/ HTTP/1.1", BadRequest),
        (b"GET http:///a HTTP/1.1", BadRequest),
        (b"GET http:/shop.test/a HTTP/1.1", BadRequest),
        (b"GET http://shop.test//a HTTP/1.1", AmbiguousPath),
        (b"GET http://shop.test/../a HTTP/1.1", AmbiguousPath),
        (b"CONNECT shop.test:443 HTTP/1.1", MethodRefused),  # RFC 9110, 9.3.6
        (b"CONNECT /x HTTP/1.1", MethodRefused),
        (b"TRACE / HTTP/1.1", MethodRefused),  # RFC 9110, 9.3.8
        (b"PRI * HTTP/2.0", VersionRefused),  # RFC 9113, 3.4
        (b"GET / HTTP/0.9", VersionRefused),
        (b"GET / HTTP/3.0", VersionRefused),
        (b"GET / HTTP/1.2", BadRequest),
    ],
)
def test_a_request_line_that_readers_could_read_differently_is_refused(line: bytes, error: type[EdgeError]):
    with pytest.raises(error):
        asked(line)


@pytest.mark.parametrize(
    ("line", "fields", "keeps"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: Upgrade, CLOSE\r\n", False),
        (b"GET / HTTP/1.0", b"", False),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", True),
        (b"GET / HTTP/1.0", b"Connection: Keep-Alive , x\r\n", True),
        (b"GET / HTTP/1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
def test_the_connection_stays_as_the_version_and_connection_say(line: bytes, fields: bytes, keeps: bool):
    """RFC 9112, 9.3."""
    assert asked(line, HOST + fields).keep_alive is keeps


# --- header sections of requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (b"", BadRequest),  # RFC 9112, 3.2: no Host
        (b"Host:\r\n", BadRequest),
        (HOST + HOST, BadRequest),
        (HOST + b"host: shop.test\r\n", BadRequest),
        (b"Host: a, b\r\n", BadRequest),
        (b"Host: user@shop.test\r\n", BadRequest),
        (b"Host: shop.test/x\r\n", BadRequest),
        (b"Host: shop.test\\x\r\n", BadRequest),
        (b"Host : shop.test\r\n", BadRequest),  # RFC 9112, 5.1
        (HOST + b"A : b\r\n", BadRequest),
        (HOST + b"A\t: b\r\n", BadRequest),
        (HOST + b" A: b\r\n", BadRequest),  # RFC 9112, 2.2 and 5.2
        (HOST + b"A: b\r\n c\r\n", BadRequest),
        (HOST + b"A: b\r\n\tc\r\n", BadRequest),
        (HOST + b"A: b\rC: d\r\n", BadRequest),  # RFC 9112, 2.2
        (HOST + b"A: b\nC: d\r\n", BadRequest),
        (HOST + b"A: b\r\r\n", BadRequest),
        (HOST + b"A: b\x00\r\n", BadRequest),  # RFC 9110, 5.5
        (HOST + b"A: b\x7f\r\n", BadRequest),
        (HOST + b"A\x00: b\r\n", BadRequest),
        (HOST + b"A(b): c\r\n", BadRequest),  # RFC 9110, 5.6.2
        (HOST + b"\xc3\xa4: c\r\n", BadRequest),
        (HOST + b": c\r\n", BadRequest),
        (HOST + b"no colon\r\n", BadRequest),
        (HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", BadRequest),  # RFC 9112, 6.1
        (HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", BadRequest),
        (HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n", BadRequest),  # RFC 9110, 8.6
        (HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n", BadRequest),
        (HOST + b"Content-Length: 5, 5\r\n", BadRequest),
        (HOST + b"Content-Length: +5\r\n", BadRequest),
        (HOST + b"Content-Length: -1\r\n", BadRequest),
        (HOST + b"Content-Length: 0x5\r\n", BadRequest),
        (HOST + b"Content-Length: 5 5\r\n", BadRequest),
        (HOST + b"Content-Length: 1_0\r\n", BadRequest),
        (HOST + b"Content-Length: 5.0\r\n", BadRequest),
        (HOST + b"Content-Length:\r\n", BadRequest),
        (HOST + b"Content-Length: 18446744073709551621\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: identity\r\n", BadRequest),  # RFC 9112, 6.1
        (HOST + b"Transfer-Encoding: gzip, chunked\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked, identity\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: xchunked\r\n", BadRequest),
        (HOST + b'Transfer-Encoding: "chunked"\r\n', BadRequest),
        (HOST + b"Transfer-Encoding: chunked;q=1\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked\x0b\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked \r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked\t\r\n", BadRequest),
        (HOST + b"Transfer-Encoding:\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", BadRequest),
        (HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", BadRequest),
        (HOST + b"Expect: 200-ok\r\n", ExpectationFailed),  # RFC 9110, 10.1.1
        (HOST + b"A: b\r\n" * 100, HeadTooLarge),  # RFC 6585, 5
    ],
)
def test_a_header_section_that_readers_could_read_differently_is_refused(fields: bytes, error: type[EdgeError]):
    with pytest.raises(error):
        request_block(fields, 100)


def test_a_line_that_was_let_through_once_is_judged_the_same_ever_after():
    for _ in range(2):
        assert request_block(HOST + b"X-Plain: a\r\n", 100).forward == HOST + b"X-Plain: a\r\n"
        with pytest.raises(BadRequest):
            request_block(HOST + b"X-Plain: a\x00\r\n", 100)
        with pytest.raises(BadRequest):
            request_block(HOST + b"X-Plain: a\r\n" + HOST, 100)


@pytest.mark.parametrize(
    ("fields", "length", "chunked"),
    [
        (b"", UNKNOWN, False),
        (b"Content-Length: 0\r\n", 0, False),
        (b"CONTENT-LENGTH:7\r\n", 7, False),
        (b"Content-Length: \t7 \t\r\n", 7, False),
        (b"Content-Length: 999999999999999999\r\n", 999999999999999999, False),
        (b"Transfer-Encoding: chunked\r\n", UNKNOWN, True),
        (b"transfer-encoding:\t ChUnKeD\r\n", UNKNOWN, True),
        (b"Transfer_Encoding: chunked\r\nContent_Length: 3\r\n", UNKNOWN, False),
    ],
)
def test_the_framing_is_read_and_is_not_among_the_lines_that_pass(fields: bytes, length: int, chunked: bool):
    block = request_block(HOST + fields, 100)

    assert (block.length, block.chunked) == (length, chunked)
    assert block.forward == HOST


@pytest.mark.parametrize(
    "name",
    [
        "Inseam-Session", "INSEAM-SESSION", "inseam-update", "Inseam-Anything", "Inseam_Session", "Inseam.Session",
        "Inseam~Session", "X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-PROTO", "X-Forwarded-Prefix",
        "X_Forwarded_For", "X-Forwarded_For", "X.Forwarded.For", "X-Real-IP", "X-Real_IP", "Forwarded", "Via",
        "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP", "X-Original-URL", "X-Rewrite-URL",
        "X-Original-Anything", "X-Accel-Redirect", "X-Host", "X-Request-Id", "Keep-Alive", "Proxy-Connection",
        "Proxy-Authorization", "Trailer", "TE", "HTTP2-Settings", "Any_Name", "Any.Name", "Any!Name",
    ],
)  # fmt: skip
def test_what_only_the_edge_may_say_never_comes_from_a_client(name: str):
    """REQUIREMENTS, 21, in every spelling that some server reads as the name."""
    block = request_block(HOST + name.encode() + b": spoofed\r\nX-Honest: yes\r\n", 100)

    assert block.forward == HOST + b"X-Honest: yes\r\n"
    assert only_ours(name.lower().encode())


@pytest.mark.parametrize("name", ["Inseamstress", "X-Forward", "X-Real", "Via2", "Accept", "X-Hosts", "Sec-Fetch-Site"])
def test_what_only_looks_like_it_passes(name: str):
    line = name.encode() + b": honest\r\n"

    assert request_block(HOST + line, 100).forward == HOST + line
    assert not only_ours(name.lower().encode())


@pytest.mark.parametrize(
    ("connection", "line", "passes"),
    [
        (b"X-Hop", b"X-Hop: 1\r\n", False),
        (b"close, x-hop", b"X-HOP: 1\r\n", False),
        (b"X-Hop2", b"X-Hop: 1\r\n", True),
        (b"Cookie", b"Cookie: a=b\r\n", True),  # who could take it away would change what the request says
        (b"Authorization", b"Authorization: x\r\n", True),
        (b"Content-Type", b"Content-Type: text/plain\r\n", True),
        (b"Host", b"", True),
    ],
)
def test_a_line_that_connection_names_is_for_this_hop(connection: bytes, line: bytes, passes: bool):
    """RFC 9110, 7.6.1."""
    block = request_block(HOST + b"Connection: " + connection + b"\r\n" + line, 100)

    assert block.forward == HOST + (line if passes else b"")


def test_connection_cannot_take_the_framing_away():
    block = request_block(HOST + b"Connection: Content-Length, close\r\nContent-Length: 5\r\n", 100)

    assert block.length == 5


def test_connection_cannot_take_away_what_a_proxy_said_of_the_client():
    block = request_block(HOST + b"Connection: X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.1\r\n", 100)

    assert block.forwarded == [(b"x-forwarded-for", b"192.0.2.1")]


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        (b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n", b"websocket"),
        (b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n", b"websocket"),
        (b"Upgrade: websocket\r\n", b""),  # RFC 9110, 7.8: not meant for this hop
        (b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n", b"h2c, websocket"),
        (b"Connection: Upgrade\r\n", b""),
    ],
)
def test_an_upgrade_counts_only_with_connection(fields: bytes, upgrade: bytes):
    assert request_block(HOST + fields, 100).upgrade == upgrade


def test_as_many_lines_as_the_limit_pass_and_go_on_in_order():
    fields = HOST + b"".join(b"A%d: b\r\n" % number for number in range(99))

    assert request_block(fields, 100).forward == fields


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [(b"X-Request-Id: abc-1\r\n", b"abc-1"), (b"X-Request-Id: a b\r\n", b""), (b"X-Request-Id: a\xc3\r\n", b"")],
)
def test_a_request_id_that_could_forge_a_log_line_is_none(fields: bytes, request_id: bytes):
    assert request_block(HOST + fields, 100).request_id == request_id


def test_only_a_traceparent_of_the_right_form_passes_and_only_one():
    good = b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01\r\n"

    assert request_block(HOST + good + good + b"traceparent: 00-x\r\n", 100).forward == HOST + good


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status", "start"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200, b"HTTP/1.1 200 OK"),
        (b"HTTP/1.0 404 Not Found\r\n", 404, b"HTTP/1.1 404 Not Found"),
        (b"HTTP/1.1 204\r\n", 204, b"HTTP/1.1 204 "),
        (b"HTTP/1.1 599 \r\n", 599, b"HTTP/1.1 599 "),
        (b"HTTP/1.1 100 Continue\r\n", 100, b"HTTP/1.1 100 Continue"),
    ],
)
def test_an_answer_is_told_in_our_own_version(head: bytes, status: int, start: bytes):
    assert (told(head).status, told(head).start) == (status, start)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 600 Huh\r\n",  # RFC 9110, 15
        b"HTTP/1.1 000 Huh\r\n",
        b"HTTP/1.1 099 Huh\r\n",
        b"HTTP/1.1 1000 Huh\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 +20 OK\r\n",
        b"HTTP/1.1 200OK\r\n",
        b"HTTP/1.1\r\n",
        b"HTTP/2.0 200 OK\r\n",
        b"HTTP/2 200 OK\r\n",
        b"http/1.1 200 OK\r\n",
        b"ICY 200 OK\r\n",
        b" HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 O\x00K\r\n",
        b"HTTP/1.1 200 O\rK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",  # RFC 9112, 6.3
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n",  # RFC 9112, 5.1
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",  # RFC 9112, 5.2
        b"HTTP/1.1 200 OK\r\nA: b\x00\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n",
        b"HTTP/1.1 200 OK\r\n\xff: b\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 201,
    ],
)
def test_an_answer_that_readers_could_read_differently_is_refused(head: bytes):
    with pytest.raises(BadResponse):
        told(head)


@pytest.mark.parametrize(
    "name", ["Inseam-Update", "inseam-update", "INSEAM_UPDATE", "Inseam-Session", "X-Accel-Redirect", "X-Sendfile"]
)
def test_what_a_system_says_to_the_edge_never_reaches_a_client(name: str):
    """REQUIREMENTS, 23."""
    head = told(b"HTTP/1.1 200 OK\r\nServer: x\r\n" + name.encode() + b": secret\r\n")

    assert head.block.forward == b"Server: x\r\n"


def test_lines_of_an_answer_keep_their_order_and_their_number():
    lines = b"Set-Cookie: a=b\r\nVary: x\r\nSet-Cookie: c=d\r\nLink: </e>\r\nset-cookie: f=g; h\r\nX_Y: z\r\n"

    assert told(b"HTTP/1.1 200 OK\r\n" + lines).block.forward == lines


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n", False),  # RFC 9112, 6.1
    ],
)
def test_a_server_keeps_its_connection_only_where_its_framing_is_beyond_doubt(head: bytes, keeps: bool):
    assert told(head).keep_alive is keeps


def test_a_block_tells_plugins_the_lines_that_pass():
    block: Block = request_block(HOST + b"Cookie:a=b \r\nInseam-Session: x\r\nAccept: c\r\n", 100)

    assert block.lines == [(b"Host", b"shop.test"), (b"Cookie", b"a=b"), (b"Accept", b"c")]
    assert block.headers.get("cookie") == "a=b"
    assert block.headers.get("inseam-session") is None
