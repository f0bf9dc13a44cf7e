"""Hostile messages about where a request ends: lengths, codings, chunks, trailers."""

from __future__ import annotations

from tests.edge.hostile.cases import SMUGGLED, Hostile, chunked, normalised, post, refused

_SMALL = b"5\r\nhello\r\n0\r\n\r\n"
_HIDDEN = b"0\r\n\r\n" + SMUGGLED
"""An empty chunked body to one reader, and a request behind it; a longer body to another."""

_BOTH = [
    refused(
        "a length and a coding, the coding true",
        "RFC 9112, 6.1",
        post(b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(_HIDDEN), _HIDDEN),
    ),
    refused(
        "a coding and a length, the length true",
        "RFC 9112, 6.1",
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"2b\r\n" + SMUGGLED + b"\r\n0\r\n\r\n"),
    ),
    refused(
        "a length of nothing and a coding",
        "RFC 9112, 6.1",
        post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", _SMALL),
    ),
    refused(
        "a length, and a coding that only some know",
        "RFC 9112, 6.1",
        post(b"Content-Length: 5\r\nTransfer-Encoding: x\r\n", b"hello"),
    ),
    refused(
        "a length, and a coding in another line's clothes",
        "RFC 9112, 6.1",
        post(b"Content-Length: %d\r\ntransfer-ENCODING:chunked\r\n" % len(_HIDDEN), _HIDDEN),
    ),
    refused(
        "a coding that Connection would take away, and a length",
        "RFC 9110, 7.6.1",
        post(b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n", _HIDDEN),
    ),
    refused("a coding in HTTP/1.0", "RFC 9112, 6.1", post(b"Transfer-Encoding: chunked\r\n", _SMALL, b"1.0")),
    refused(
        "a coding and a length in HTTP/1.0",
        "RFC 9112, 6.1",
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", _HIDDEN, b"1.0"),
    ),
]

_CODINGS = [
    refused(f"the coding {value!r}", "RFC 9112, 6.1", post(b"Transfer-Encoding:" + value + b"\r\n", _HIDDEN))
    for value in [
        b" chunked ", b" chunked\t", b" chunked  \t",
        b" identity", b" chunked, identity", b" identity, chunked", b" xchunked", b" chunkedx", b" chunked, chunked",
        b" gzip, chunked", b" chunked, gzip", b" chunked,", b" ,chunked", b" chunked;q=1", b' "chunked"',
        b" 'chunked'", b" chunk", b" chunked\x0b", b" \x0bchunked", b" chunked\x0c", b" \x00chunked", b" chunked\x00",
        b" ch\xc3\xbcnked", b" chun\xc5\xbfked", b" chunked\xa0", b" \xa0chunked", b"", b" ", b" cow", b" deflate",
        b" compress", b" chunked\x7f", b" chunked chunked", b" chunked\ridentity", b" chunked\nidentity",
        b"\n chunked", b"\r\n chunked", b" chunked\r\n ,x",
    ]
]  # fmt: skip

_CODING_LINES = [
    refused(f"the coding's line as {line!r}", "RFC 9112, 5", post(line + b"\r\n", _HIDDEN))
    for line in [
        b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked",
        b"\tTransfer-Encoding: chunked", b"Transfer-Encoding\x00: chunked", b"\x00Transfer-Encoding: chunked",
        b"Transfer-Encoding\x0b: chunked", b"X: y\rTransfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
        b"X: y\r\rTransfer-Encoding: chunked", b"Transfer Encoding: chunked", b"Transfer-Encoding",
        b"(Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding:",
        b"Transfer-\xc4\xb1ncoding: chunked", b"Foo\r\nTransfer-Encoding: chunked",
    ]
]  # fmt: skip

_CODINGS_MEANT_WELL = [
    normalised(
        f"the coding's line as {line!r}",
        "RFC 9112, 5.1; RFC 9110, 5.6.3",
        post(line + b"\r\n", _SMALL),
        ("POST", "/form", b"hello"),
    )
    for line in [
        b"Transfer-Encoding:\tchunked",
        b"Transfer-Encoding:chunked", b"transfer-encoding: Chunked", b"TRANSFER-ENCODING: CHUNKED",
        b"Transfer-Encoding:   \t chunked", b"Transfer-Encoding: chunked\r\nTransfer_Encoding: identity",
        b"Transfer-Encoding: chunked\r\nContent_Length: 2",
        b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    ]
]  # fmt: skip

_LENGTHS = [
    refused(f"the length {value!r}", "RFC 9110, 8.6", post(b"Content-Length:" + value + b"\r\n", b"hello" + SMUGGLED))
    for value in [
        b" +5", b" -5", b" -0", b" 0x5", b" 5.0", b" 5e0", b" 5,5", b" 5, 5", b" 5,6", b" 5 5", b" 5;", b" 5_0",
        b" '5'", b' "5"', b" 5\x00", b" \x005", b" 5\x0b", b" \xa05", b" 5\xa0", b" five", b"", b" ", b" ,5", b" 5,",
        b" \xd9\xa5", b" 05x", b" 9999999999999999999", b" 18446744073709551621", b" 4294967301" + b"0" * 12,
        b" " + b"9" * 400, b" 5\r6", b" 5\n6", b"\r\n 5", b" 5\r\n 5", b" 5\r\nContent-Length: 5",
        b" 5\r\nContent-Length: 6", b" 5\r\ncontent-length:5", b" (5)",
    ]
]  # fmt: skip

_LENGTH_LINES = [
    refused(f"the length's line as {line!r}", "RFC 9112, 5", post(line + b"\r\n", b"hello" + SMUGGLED))
    for line in [
        b"Content-Length : 5", b"Content-Length\t: 5", b" Content-Length: 5", b"Content-Length\x00: 5",
        b"X: y\rContent-Length: 5", b"X: y\nContent-Length: 5", b"Content Length: 5", b"Content-Length",
        b"Content-Length= 5", b"\xefContent-Length: 5",
    ]
]  # fmt: skip

_LENGTHS_MEANT_WELL = [
    normalised(
        f"the length's line as {line!r}", "RFC 9110, 8.6", post(line + b"\r\n", b"hello"), ("POST", "/form", b"hello")
    )
    for line in [
        b"Content-Length:5", b"Content-Length: \t5\t ", b"content-length: 05", b"CONTENT-LENGTH: 000000000000000005",
        b"Content-Length: 5\r\nContent_Length: 9", b"Connection: Content-Length\r\nContent-Length: 5",
        b"Content-Length: 5\r\nX-Content-Length: 9", b"Content-Length: 5\r\nContent.Length: 9",
    ]
] + [
    normalised(
        "a body that looks like a request",
        "RFC 9112, 6",
        post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
        ("POST", "/form", SMUGGLED),
    ),
    normalised(
        "a length that names less than comes: the rest is the next request",
        "RFC 9112, 9.3.2",
        post(b"Content-Length: 5\r\n", b"hello" + SMUGGLED.replace(b"/smuggled", b"/pipelined")),
        ("POST", "/form", b"hello"),
        ("GET", "/pipelined", b""),
    ),
    normalised(
        "a length in another line with an underscore only",
        "RFC 3875, 4.1.18",
        post(b"Content_Length: 43\r\n", b""),
        ("POST", "/form", b""),
    ),
    normalised(
        "a GET with a body",
        "RFC 9110, 9.3.1",
        post(b"Content-Length: 5\r\n", b"hello").replace(b"POST", b"GET"),
        ("GET", "/form", b"hello"),
    ),
]  # fmt: skip

_CHUNKS = [
    refused(f"the chunks {body!r}"[:90], "RFC 9112, 7.1", chunked(body + b"0\r\n\r\n" + SMUGGLED), begun=True)
    for body in [
        b"\r\n", b"x\r\n", b"+5\r\nhello\r\n", b"-5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5 \r\nhello\r\n",
        b" 5\r\nhello\r\n", b"5\t\r\nhello\r\n", b"5,\r\nhello\r\n", b"5h\r\nhello\r\n", b"5_0\r\nhello\r\n",
        b"5\nhello\n", b"5\rhello\r", b"5\r\nhello", b"5\r\nhello\n", b"5\r\nhello\r", b"5\r\nhelloXY",
        b"4\r\nhello\r\n", b"6\r\nhello\r\n", b"5\r\r\nhello\r\n", b"5;\r\nhello\r\n", b"5 ;a\r\nhello\r\n",
        b"5; a\r\nhello\r\n", b"5;a=\r\nhello\r\n", b'5;a="\r\nhello\r\n', b"5;a\nb\r\nhello\r\n",
        b"5;a\rb\r\nhello\r\n", b"5;a\x00\r\nhello\r\n", b"5;a\n\r\nhello\r\n", b"5;\nhello\r\n",
        b"5\r\n;a\r\nhello\r\n", b"ffffffffffffffff\r\nhello\r\n", b"10000000000000005\r\nhello\r\n",
        b"0000000000000005\r\nhello\r\n", b"5;" + b"a" * 5000 + b"\r\nhello\r\n", b"\x35\xcc\x80\r\nhello\r\n",
        b"\xef\xbc\x95\r\nhello\r\n", b"5\x00\r\nhello\r\n", b"5\r\nhello\r\n\r\n", b"5\r\nhello\r\n 0\r\n\r\n",
        b"5\r\nhello\r\n-0\r\n\r\n", b"5\r\nhello\r\n0x0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\n\n", b"5\r\nhello\r\n0\r\r\n",
    ]
]  # fmt: skip

_CHUNKS_MEANT_WELL = [
    normalised(f"the chunks {body!r}", "RFC 9112, 7.1", chunked(body), ("POST", "/form", data), never=(b"ext",))
    for body, data in [
        (b"5;ext\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5;ext=1;ext2=2\r\nhello\r\n0;ext\r\n\r\n", b"hello"),
        (b'5;ext="a;b"\r\nhello\r\n0\r\n\r\n', b"hello"),
        (b"00005\r\nhello\r\n000\r\n\r\n", b"hello"),
        (b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", b"01234567890123456789"),
        (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n"),
        (b"2b\r\n" + SMUGGLED + b"\r\n0\r\n\r\n", SMUGGLED),
        (b"0\r\n\r\n", b""),
    ]
]

_TRAILERS = [
    refused(f"the trailer {line!r}"[:90], "RFC 9112, 7.1.2", chunked(b"0\r\n" + line + b"\r\n" + SMUGGLED), begun=True)
    for line in [
        b"A : b\r\n", b" A: b\r\n", b"A: b\r\n c\r\n", b"A: b\nC: d\r\n", b"A: b\rC: d\r\n", b"A: \x00\r\n",
        b": b\r\n", b"no colon\r\n", b"GET /smuggled HTTP/1.1\r\n", b"A: " + b"b" * 9000 + b"\r\n", b"A: b\r\n" * 1500,
        b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"transfer-encoding: identity\r\n",
    ]
]  # fmt: skip

_TRAILERS_MEANT_BADLY = [
    normalised(
        f"the trailer {name}",
        "RFC 9110, 6.5.1",
        chunked(b"5\r\nhello\r\n0\r\n" + name.encode() + b": spoofed\r\nServer-Timing: a\r\n\r\n"),
        ("POST", "/form", b"hello"),
        never=(b"spoofed",),
    )
    for name in [
        "Host", "Inseam-Session", "inseam_session", "INSEAM-UPDATE", "X-Forwarded-For", "X-Real-IP", "Forwarded", "Via",
        "X-Original-URL", "Cookie", "Authorization", "Content-Type", "Connection", "Expect", "X-Accel-Redirect", "TE",
    ]
]  # fmt: skip

FRAMING: list[Hostile] = [
    *_BOTH, *_CODINGS, *_CODING_LINES, *_CODINGS_MEANT_WELL, *_LENGTHS, *_LENGTH_LINES, *_LENGTHS_MEANT_WELL,
    *_CHUNKS, *_CHUNKS_MEANT_WELL, *_TRAILERS, *_TRAILERS_MEANT_BADLY,
]  # fmt: skip
