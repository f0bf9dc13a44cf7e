"""Hostile answers: what a broken or captured system may say, and what a client may see of it.

A REFUSED answer becomes a page of the edge's own. One that is CUT has begun before the fault showed, so the client must
see that it is not whole. One that PASSES is whole, but nothing may follow it on that connection. `LEAK` stands in every
byte that no client may ever get.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.edge.recording import CLOSE, RESET, Step

LEAK = b"leak"
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
_STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nleak"
"""A second answer, which would be the next client's."""

Verdict = Literal["refused", "cut", "passes"]


@dataclass(frozen=True, slots=True)
class Hostile:
    name: str
    section: str
    steps: tuple[Step, ...]
    verdict: Verdict
    statuses: frozenset[int] = frozenset({502})
    """What the client hears where the answer is refused."""
    body: bytes = b"hello"
    """What the client gets where it passes."""
    method: bytes = b"GET"

    def __str__(self) -> str:
        return self.name


def refused(name: str, section: str, *steps: Step, statuses: frozenset[int] = frozenset({502})) -> Hostile:
    return Hostile(name, section, steps, "refused", statuses)


def cut(name: str, section: str, *steps: Step) -> Hostile:
    return Hostile(name, section, steps, "cut")


def passes(name: str, section: str, *steps: Step, body: bytes = b"hello", method: bytes = b"GET") -> Hostile:
    return Hostile(name, section, steps, "passes", body=body, method=method)


_LEAKED = b"leak\r\n0\r\n\r\n"

_FRAMING = [
    refused(f"the framing {lines!r}", section, OK + lines + b"\r\n\r\n4\r\n" + _LEAKED)
    for section, found in [
        (
            "RFC 9112, 6.3",
            [
                b"Content-Length: 12\r\nTransfer-Encoding: chunked",
                b"Transfer-Encoding: chunked\r\nContent-Length: 12",
                b"Content-Length: 0\r\nTransfer-Encoding: chunked", b"Content-Length: 4\r\nContent-Length: 4",
                b"Content-Length: 4\r\nContent-Length: 5", b"Content-Length: 4, 4", b"Content-Length: 4,5",
                b"Content-Length:", b"Content-Length: -4", b"Content-Length: +4", b"Content-Length: 0x4",
                b"Content-Length: 4 4", b"Content-Length: 4a", b"Content-Length: 18446744073709551620",
                b"Content-Length: 4.0", b"Content-Length : 4", b"Content-Length\t: 4",
            ],
        ),
        (
            "RFC 9112, 6.1",
            [
                b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
                b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, chunked",
                b"Transfer-Encoding:", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                b"Transfer-Encoding : chunked", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
                b"Transfer-Encoding\x00: chunked",
            ],
        ),
    ]
    for lines in found
]  # fmt: skip

_LINES = [
    refused(f"the line {line!r}", section, OK + line + b"\r\nContent-Length: 4\r\n\r\nleak")
    for section, lines in [
        ("RFC 9112, 5.1", [b"X : y", b"X\t: y", b": y", b"X", b"X y: z"]),
        ("RFC 9112, 5.2", [b" X: y", b"\tX: y", b"X: y\r\n z", b"X: y\r\n\tz"]),
        ("RFC 9112, 2.2", [b"X: y\rZ: z", b"X: y\nZ: z", b"X: y\r", b"\nX: y", b"X: y\n\nleak"]),
        ("RFC 9110, 5.5", [b"X: \x00", b"X\x00: y", b"X: \x01", b"X: \x0b", b"X: \x7f", b"Set-Cookie: a=\x00b"]),
        ("RFC 9110, 5.6.2", [b"X(y): z", b"X,Y: z", b"\xc3\xa4: y", b"X<y>: z", b"X@y: z"]),
    ]
    for line in lines
]

_STATUS_LINES = [
    refused(f"the status line {line!r}", section, line + b"\r\nContent-Length: 4\r\n\r\nleak", CLOSE)
    for section, lines in [
        (
            "RFC 9112, 4",
            [
                b"HTTP/1.1  200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 200OK", b"HTTP/1.1 abc OK",
                b"HTTP/1.1", b"HTTP/1.1 -200 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1200 OK", b" HTTP/1.1 200 OK",
                b"200 OK", b"HTTP/1.1\t200\tOK", b"HTTP/1.1 200 \x00", b"HTTP/1.1 200 a\rb", b"HTTP/1.1 2\xc2\xb20 OK",
            ],
        ),
        ("RFC 9110, 15", [b"HTTP/1.1 000 Huh", b"HTTP/1.1 099 Huh", b"HTTP/1.1 600 Huh", b"HTTP/1.1 999 Huh"]),
        (
            "RFC 9112, 2.3",
            [b"HTTP/2.0 200 OK", b"HTTP/2 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.2 200 OK", b"http/1.1 200 OK",
             b"HTTPS/1.1 200 OK", b"ICY 200 OK", b"RTSP/1.0 200 OK"],
        ),
    ]
    for line in lines
]  # fmt: skip

_HEADS = [
    refused("HTTP/0.9", "RFC 1945, 6", b"<html>leak</html>", CLOSE),
    refused("HTTP/0.9 that goes on", "RFC 1945, 6", b"<html>leak</html>" * 100),
    refused("an empty line first", "RFC 9112, 4", b"\r\n" + _STOLEN),
    refused("lines that end in LF", "RFC 9112, 2.2", _STOLEN.replace(b"\r\n", b"\n")),
    refused("an echo of the request", "RFC 9112, 4", b"GET /hostile HTTP/1.1\r\nHost: leak\r\n\r\n"),
    refused("a TLS alert", "RFC 9112, 4", b"\x15\x03\x01\x00\x02\x02\x46", CLOSE),
    refused("an HTTP/2 frame", "RFC 9113, 4", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18),
    refused("a head of 80 KB", "RFC 9110, 5.4", OK + b"X: " + b"leak" * 20_000 + b"\r\n\r\n"),
    refused("a head without an end", "RFC 9110, 5.4", OK + b"X-Y: leak\r\n" * 50_000),
    refused("201 lines", "RFC 9110, 5.4", OK + b"X: leak\r\n" * 200 + b"Content-Length: 0\r\n\r\n"),
    refused("a line of blanks and a NUL", "RFC 9110, 5.5", OK + b"X:" + b" " * 60_000 + b"\x00\r\n\r\n"),
    refused("nothing", "RFC 9112, 9.5", CLOSE),
    refused("a reset", "RFC 9112, 9.5", RESET),
    refused("half a status line", "RFC 9112, 8", b"HTTP/1.1 20", CLOSE),
    refused("half a head", "RFC 9112, 8", OK + b"X: leak\r\nContent-Le", CLOSE),
    refused("half a head and a reset", "RFC 9112, 8", OK + b"X: leak\r\nContent-Le", RESET),
    refused("a head but for its last byte", "RFC 9112, 8", OK + b"Content-Length: 0\r\n\r", CLOSE),
    refused("silence", "RFC 9110, 15.6.5", 5.0, statuses=frozenset({504})),
    refused("half a head and silence", "RFC 9110, 15.6.5", OK + b"X: leak\r\n", 5.0, statuses=frozenset({504})),
    refused("100 and silence", "RFC 9110, 15.6.5", b"HTTP/1.1 100 Continue\r\n\r\n", 5.0, statuses=frozenset({504})),
]

_INTERIM = [
    refused("101 unasked", "RFC 9110, 7.8", b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nleak"),
    refused("101 unasked, without Upgrade", "RFC 9110, 7.8", b"HTTP/1.1 101 Switching\r\n\r\nleak"),
    refused("101 to h2c", "RFC 9110, 7.8", b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nleak"),
    refused(
        "101 after 100", "RFC 9110, 7.8", b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\nleak"
    ),
    refused("a flood of 1xx", "RFC 9110, 15.2", b"HTTP/1.1 102 Processing\r\n\r\n" * 10_000 + _STOLEN),
    refused("a flood of 1xx in pieces", "RFC 9110, 15.2", *[b"HTTP/1.1 103 Hints\r\n\r\n", 0.001] * 40),
    refused("1xx and close", "RFC 9110, 15.2", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", CLOSE),
    refused(
        "1xx and a bad head", "RFC 9110, 15.2", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\nleak: x\r\n\r\n"
    ),
    refused("1xx with a body", "RFC 9110, 15.2", b"HTTP/1.1 103 Hints\r\nContent-Length: 4\r\n\r\nleak"),
    refused("1xx with a bad line", "RFC 9110, 15.2", b"HTTP/1.1 103 Early Hints\r\nX : leak\r\n\r\n" + HELLO),
]

_CUT = [
    cut("a body that is too short", "RFC 9112, 8", OK + b"Content-Length: 9\r\n\r\nhello", CLOSE),
    cut("a body that is too short by one", "RFC 9112, 8", OK + b"Content-Length: 6\r\n\r\nhello", CLOSE),
    cut("a length and nothing", "RFC 9112, 8", OK + b"Content-Length: 9\r\n\r\n", CLOSE),
    cut("a body that is too short, and a reset", "RFC 9112, 8", OK + b"Content-Length: 9\r\n\r\nhello", RESET),
    cut("a body that stops", "RFC 9112, 8", OK + b"Content-Length: 9\r\n\r\nhello", 5.0),
    cut("a body until the end, and a reset", "RFC 9112, 8", OK + b"\r\nhello", 0.02, RESET),
    cut("a body until the end that stops", "RFC 9112, 8", OK + b"\r\nhello", 5.0),
] + [
    cut(f"the chunks {body!r}"[:90], "RFC 9112, 7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n", wait, body, CLOSE)
    for wait in (0.0, 0.01)
    for body in [
        b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"5\r\nhello\r\n0", b"5\r\nhello\r\n0\r\n",
        b"5\r\nhello\r\n0\r\n\r", b"5\r\nhello\r\n0\r\nA: b\r\n", b"x\r\nleak\r\n0\r\n\r\n", b"-4\r\nleak\r\n0\r\n\r\n",
        b"0x4\r\nleak\r\n0\r\n\r\n", b"4 \r\nleak\r\n0\r\n\r\n", b"4\nleak\n0\n\n", b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n", b"ffffffffffffffff\r\nleak", b"4;\r\nleak\r\n0\r\n\r\n",
        b"4;a\nb\r\nleak\r\n0\r\n\r\n", b"4;" + b"a" * 900 + b"\r\nleak\r\n", b"5\r\nhello\r\n0\r\nA : b\r\n\r\n",
        b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", b"5\r\nhello\r\n0\r\nA: \x00\r\n\r\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n", b"5\r\nhello\r\n0\n\n", b"5\r\nhello\r\n\r\n",
    ]
]  # fmt: skip

_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
_NONE = b"HTTP/1.1 204 None\r\n"
_FOUR = b"Content-Length: 4\r\n\r\n"


def _saying(connection: bytes) -> bytes:
    return HELLO.replace(b"OK\r\n", b"OK\r\nConnection: " + connection + b"\r\n")


_BEHIND = [
    passes("another answer behind", "RFC 9112, 9.2", HELLO + _STOLEN),
    passes("another answer behind, in two writes", "RFC 9112, 9.2", HELLO, _STOLEN),
    passes("another answer behind, a little later", "RFC 9112, 9.2", HELLO, 0.005, _STOLEN),
    passes("another answer behind, later", "RFC 9112, 9.2", HELLO, 0.03, _STOLEN),
    passes("one byte behind", "RFC 9112, 9.2", HELLO + b"!"),
    passes("an empty line behind", "RFC 9112, 9.2", HELLO + b"\r\n"),
    passes("half an answer behind", "RFC 9112, 9.2", HELLO + _STOLEN[:20]),
    passes("another answer behind chunks", "RFC 9112, 9.2", _CHUNKS + _STOLEN),
    passes("one byte behind chunks", "RFC 9112, 9.2", _CHUNKS + b"!"),
    passes("another answer behind nothing", "RFC 9112, 9.2", OK + b"Content-Length: 0\r\n\r\n" + _STOLEN, body=b""),
    passes("another answer behind 204", "RFC 9110, 15.3.5", _NONE + b"\r\n" + _STOLEN, body=b""),
    passes("204 with a body", "RFC 9110, 15.3.5", _NONE + _FOUR + LEAK, body=b""),
    passes("204 with a length", "RFC 9110, 8.6", _NONE + _FOUR, 0.03, LEAK, body=b""),
    passes("204 with chunks", "RFC 9112, 6.1", _NONE + b"Transfer-Encoding: chunked\r\n\r\n", 0.03, _LEAKED, body=b""),
    passes("304 with a body", "RFC 9110, 15.4.5", b"HTTP/1.1 304 Same\r\n" + _FOUR + LEAK, body=b""),
    passes("HEAD with a body", "RFC 9110, 9.3.2", OK + _FOUR + LEAK, body=b"", method=b"HEAD"),
    passes("HEAD with a body later", "RFC 9110, 9.3.2", OK + _FOUR, 0.03, LEAK, body=b"", method=b"HEAD"),
    passes(
        "HEAD with chunks",
        "RFC 9110, 9.3.2",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + _LEAKED,
        body=b"",
        method=b"HEAD",
    ),
    passes("HTTP/1.0", "RFC 9112, 9.3", HELLO.replace(b"1.1", b"1.0") + _STOLEN),
    passes(
        "HTTP/1.0 with chunks",
        "RFC 9112, 6.1",
        _CHUNKS.replace(b"1.1 200 OK", b"1.0 200 OK\r\nConnection: keep-alive"),
        0.03,
        _STOLEN,
    ),
    passes("close, and more", "RFC 9112, 9.6", _saying(b"close"), 0.03, _STOLEN),
    passes("close in a list, and more", "RFC 9112, 9.6", _saying(b"x, Close"), 0.03, _STOLEN),
    passes("a body until the end", "RFC 9112, 6.3", OK + b"\r\nhel", 0.02, b"lo", CLOSE),
]

_ONLY_FOR_THE_EDGE = [
    passes(
        f"{name} in an answer",
        "REQUIREMENTS, 23",
        b"HTTP/1.1 103 Hints\r\n%b: leak\r\n\r\nHTTP/1.1 200 OK\r\n%b: leak\r\nConnection: close, %b\r\n%b:leak\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%b: leak\r\n\r\n" % ((name,) * 5),
    )
    for name in [
        b"Inseam-Update", b"INSEAM-UPDATE", b"inseam-update", b"Inseam_Update", b"inseam_UPDATE", b"Inseam-Session",
        b"Inseam_Session", b"Inseam-Anything", b"X-Accel-Redirect", b"X-Sendfile", b"X-Accel-Buffering",
    ]
]  # fmt: skip

ANSWERS: list[Hostile] = [
    *_FRAMING, *_LINES, *_STATUS_LINES, *_HEADS, *_INTERIM, *_CUT, *_BEHIND, *_ONLY_FOR_THE_EDGE,
]  # fmt: skip
