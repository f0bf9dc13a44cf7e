"""The alphabet: what each expression takes, the look-alike beside what it refuses."""

from __future__ import annotations

import re
from time import perf_counter

import pytest

from router.wire import grammar


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        # RFC 9112, 3
        (grammar.REQUEST_LINE, b"GET / HTTP/1.1", b"GET  / HTTP/1.1"),
        (grammar.REQUEST_LINE, b"GET / HTTP/1.0", b"GET / HTTP/1.2"),
        (grammar.REQUEST_LINE, b"M-SEARCH * HTTP/1.1", b"M/SEARCH * HTTP/1.1"),
        (grammar.REQUEST_LINE, b"PATCH /x HTTP/1.1", b"patch /x HTTP/1.1"),
        (grammar.REQUEST_LINE, b"GET /%20 HTTP/1.1", b"GET /\x20 HTTP/1.1"),
        (grammar.REQUEST_LINE, b"GET /~ HTTP/1.1", b"GET /\x7f HTTP/1.1"),
        (grammar.REQUEST_LINE, b"GET /%C3%BC HTTP/1.1", b"GET /\xc3\xbc HTTP/1.1"),
        (grammar.REQUEST_LINE, b"G" * 32 + b" / HTTP/1.1", b"G" * 33 + b" / HTTP/1.1"),
        (grammar.REQUEST_LINE, b"GET / HTTP/1.1", b"GET / HTTP/1.1\n"),
        (grammar.PLAIN_REQUEST, b"GET /a/b?c=d HTTP/1.1", b"GET /a/b?c=d#e HTTP/1.1"),
        (grammar.PLAIN_REQUEST, b"GET /a/.b HTTP/1.1", b"GET /a/./b HTTP/1.1"),
        (grammar.PLAIN_REQUEST, b"GET /a/...?x HTTP/1.1", b"GET /a/..?x HTTP/1.1"),
        (grammar.PLAIN_REQUEST, b"GET / HTTP/1.1", b"GET // HTTP/1.1"),
        (grammar.PLAIN_REQUEST, b"GET /a,b HTTP/1.1", b"GET /a;b HTTP/1.1"),
        # RFC 9112, 4
        (grammar.STATUS_LINE, b"HTTP/1.1 200 OK", b"HTTP/1.1  200 OK"),
        (grammar.STATUS_LINE, b"HTTP/1.1 200", b"HTTP/1.1 20"),
        (grammar.STATUS_LINE, b"HTTP/1.0 404 ", b"HTTP/2.0 404 "),
        (grammar.STATUS_LINE, b"HTTP/1.1 100 Continue", b"HTTP/1.1 000 Continue"),
        (grammar.STATUS_LINE, b"HTTP/1.1 200 Nicht gef\xfcllt", b"HTTP/1.1 200 a\x00b"),
        # RFC 9112, 5
        (grammar.LINE, b"A: b", b"A : b"),
        (grammar.LINE, b"A:b", b" A: b"),
        (grammar.LINE, b"A:", b": b"),
        (grammar.LINE, b"A: b\tc", b"A: b\x0bc"),
        (grammar.LINE, b"A: \x80\xff", b"A: \x7f"),
        (grammar.LINE, b"A!#$%&'*+-.^_`|~: b", b"A(: b"),
        (grammar.LINE, b"A: b", b"A: b\r"),
        (grammar.LINE, b"A: b", b"A: b\nC: d"),
        # RFC 9110, 8.6
        (grammar.DIGITS, b"0", b"-0"),
        (grammar.DIGITS, b"007", b"0x7"),
        (grammar.DIGITS, b"9" * 18, b"9" * 19),
        (grammar.DIGITS, b"12", b"1 2"),
        (grammar.DIGITS, b"12", b"1_2"),
        (grammar.DIGITS, b"12", "１２".encode()),
        # RFC 9112, 3.2
        (grammar.HOST, b"shop.test", b"shop.test/"),
        (grammar.HOST, b"shop.test:8080", b"shop.test:"),
        (grammar.HOST, b"[::1]:80", b"::1"),
        (grammar.HOST, b"127.0.0.1", b"user@127.0.0.1"),
        (grammar.HOST, b"shop", b""),
        (grammar.HOST, b"shop.test", b"shop.test,evil.test"),
        (grammar.HOST, b"shop.test:1", b"shop.test:123456"),
        (grammar.HOST, b"sh-op.test", b"sh%2dop.test"),
        # RFC 9112, 7.1
        (grammar.CHUNK_SIZE, b"5", b"0x5"),
        (grammar.CHUNK_SIZE, b"aF", b"ag"),
        (grammar.CHUNK_SIZE, b"000000000000005", b"0000000000000005"),
        (grammar.CHUNK_SIZE, b"5;a", b"5;"),
        (grammar.CHUNK_SIZE, b"5;a=b", b"5 ;a=b"),
        (grammar.CHUNK_SIZE, b'5;a="b;\\"c"', b'5;a="b'),
        (grammar.CHUNK_SIZE, b"5;a=b;c", b"5;a=b\nc"),
        (grammar.CHUNK_SIZE, b"5", b"5 "),
        (grammar.CHUNK_SIZE, b"5", b"+5"),
        # W3C Trace Context, 3.2
        (grammar.TRACEPARENT, b"00-%b-%b-01" % (b"a" * 32, b"b" * 16), b"00-%b-%b-01" % (b"0" * 32, b"b" * 16)),
        (grammar.TRACEPARENT, b"00-%b-%b-00" % (b"a" * 32, b"b" * 16), b"00-%b-%b-00" % (b"A" * 32, b"b" * 16)),
        (grammar.TRACEPARENT, b"00-%b-%b-01" % (b"a" * 32, b"b" * 16), b"01-%b-%b-01" % (b"a" * 32, b"b" * 16)),
        (grammar.REQUEST_ID, b"a-b:c/d+e=f@1._", b"a b"),
        (grammar.REQUEST_ID, b"a" * 128, b"a" * 129),
        (grammar.REQUEST_ID, b"a", b'a"'),
    ],
)  # fmt: skip
def test_what_is_taken_and_what_only_looks_like_it(pattern: re.Pattern[bytes], taken: bytes, refused: bytes):
    assert pattern.fullmatch(taken)
    assert not pattern.fullmatch(refused)


@pytest.mark.parametrize(
    "hostile",
    [
        b"GET " + b"/a" * 20_000 + b"\x00 HTTP/1.1",
        b"GET " + b"/." * 20_000 + b"; HTTP/1.1",
        b"GET /" + b"a" * 40_000 + b"; HTTP/1.1",
        b"GET /?" + b"?" * 40_000 + b"# HTTP/1.1",
        b"A:" + b" " * 40_000 + b"\x00",
        b"A:" + b" \t" * 20_000 + b"\x00",
        b"a" * 40_000,
        b'5;a="' + b"\\a" * 20_000,
        b"5" + b";a=a" * 10_000 + b"=",
        b"HTTP/1.1 200 " + b" " * 40_000 + b"\x00",
        b"a." * 20_000 + b"/",
    ],
)
def test_no_line_takes_long_to_refuse(hostile: bytes):
    patterns = [value for value in vars(grammar).values() if isinstance(value, re.Pattern)]

    started = perf_counter()
    for pattern in patterns:
        pattern.fullmatch(hostile)

    assert perf_counter() - started < 0.5  # in truth some milliseconds; quadratic time would take minutes
