"""Whatever the gate lets through, llhttp and h11 read alike, as it came and as it goes on. The gate may refuse more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from referees import (
    Lines,
    Message,
    gate_request,
    gate_response,
    h11_request,
    h11_response,
    llhttp_request,
    llhttp_response,
)

Reader = Callable[[bytes], Message | None]

_FRAMING = (b"content-length", b"transfer-encoding")

REQUEST_REFEREES = pytest.mark.parametrize("referee", [llhttp_request, h11_request])
RESPONSE_REFEREES = pytest.mark.parametrize("referee", [llhttp_response, h11_response])

# --- messages, good and nearly good -----------------------------------------------------------------------------------


def _mostly(good: Sequence[bytes], bad: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return st.integers(0, 9).flatmap(lambda luck: st.sampled_from(bad if luck == 0 else good))


_METHODS = _mostly([b"GET", b"POST", b"HEAD", b"OPTIONS", b"PURGE", b"X-NEW"], [b"get", b"G@T", b"TRACE", b"G\xc3T"])

_TARGETS = st.one_of(
    _mostly(
        [b"/", b"/a/b?c=d", b"/%C3%A4", b"http://a/b", b"http://a?x=/y", b'/?"<>\\^`{|}', b"/%61?%2F", b"/?a?b//../"],
        [b"/a#b", b"//", b"a", b"*", b"/%61%2F", b"http://b/", b"/\x80", b"/a b", b"/\x7f", b"/a\tb"],
    ),
    st.from_regex(rb"/[!-~]{0,12}", fullmatch=True),
)

_VERSIONS = _mostly([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"], [b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ", b""])

_REQUEST_LINES = st.tuples(_METHODS, _TARGETS, _VERSIONS).map(b" ".join)

_STATUS_LINES = st.one_of(
    _mostly(
        [
            b"HTTP/1.1 200 OK",
            b"HTTP/1.0 200 OK",
            b"HTTP/1.1 204 None",
            b"HTTP/1.1 304 ",
            b"HTTP/1.1 500",
            b"HTTP/1.1 404 \xfc",
        ],
        [b"HTTP/1.1  200 OK", b"HTTP/1.1 2000 OK", b"HTTP/2.0 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 200OK", b"200 OK"],
    ),
    st.integers(190, 620).map(lambda status: b"HTTP/1.1 %d A reason\there" % status),
)

_LINES = st.one_of(
    _mostly(
        [
            b"Accept: */*", b"accept:text/html, */*;q=0.8", b"X-Empty:", b"X-Blank: \t ", b"X-Tab:\ta\tb\t",
            b"X-Old: \xe9", b"Cookie: a=b; c=d", b"Connection: close", b"Connection: keep-alive", b"Via: 1.1 a",
            b"Connection: x-tab, close", b"Connection: upgrade", b"Upgrade: websocket", b"Expect: 100-continue",
            b"X_Y: z", b"Keep-Alive: timeout=5", b"Transfer_Encoding: chunked", b"Set-Cookie: a=b", b"TE: trailers",
            b"!#$%&'*+-.^`|~: odd", b'X-Quoted: "a\\"b"',
        ],
        [
            b"Host: b", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"X: a\x00b", b"X: a\rb",
            b"Transfer-Encoding: chunked", b"Content-Length: 5", b"Content-Length: 05", b"Content-Length: +5",
            b"Content-Length: 5, 5", b"Content-Length :5", b"X-Fold: a\r\n b", b"no colon", b": no name", b"X Y: z",
            b"X: a\nb", b" X: a", b"",
        ],
    ),
    st.builds(
        lambda name, value: name + b": " + value,
        st.from_regex(rb"[!#$%&'*+.^`|~0-9A-Za-z-]{1,12}", fullmatch=True),
        st.from_regex(rb"[\t\x20-\x7e\x80-\xff]{0,20}", fullmatch=True),
    ),
)  # fmt: skip

_EXTENSIONS = _mostly(
    [b"", b"", b"", b";a", b";a=b", b';a="b c"', b";a=b;c=d", b';a=""', b';a="b";c', b';a="b;c"'],
    [b'; a="b;c"', b";", b" ;a", b";a=\x80", b";a=", b';a="b"c', b" ", b"\n", b';a="\\""', b';a="\x80"'],
)

_CHUNKS = st.lists(
    st.builds(
        lambda data, size, extension: size % len(data) + extension + b"\r\n" + data + b"\r\n",
        st.binary(min_size=1, max_size=20),
        st.sampled_from([b"%x", b"%X", b"0%x"]),
        _EXTENSIONS,
    ),
    max_size=4,
).map(b"".join)

_ENDS = _mostly(
    [b"0\r\n\r\n", b"00\r\n\r\n", b"0;a=b\r\n\r\n", b"0\r\nX-Sum: 1\r\n\r\n", b"0\r\nX:1 \r\nY:\r\n\r\n",
     b"0\r\nX: \xe9\r\n\r\n", b"0\r\nHost: x\r\n\r\n"],
    [b"0\r\nX : 1\r\n\r\n", b"0\r\n\n", b"0\n\n", b"0\r\nContent-Length: 3\r\n\r\n", b"0\r\n\rX", b"0\r\n"],
)  # fmt: skip

_BODIES = st.one_of(
    st.just((b"", b"")),
    st.binary(max_size=30).map(lambda body: (b"Content-Length: %d\r\n" % len(body), body)),
    st.binary(max_size=30).map(lambda body: (b"content-length:  %d \r\n" % max(0, len(body) - 3), body)),
    st.builds(lambda chunks, end: (b"Transfer-Encoding: chunked\r\n", chunks + end), _CHUNKS, _ENDS),
    st.builds(lambda chunks, end: (b"transfer-encoding:\tChunked\r\n", chunks + end + b"GET /"), _CHUNKS, _ENDS),
)
"""The line that announces a body, and the body, sometimes with more behind it."""

_NASTY = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x0b", b":", b";", b",", b"0", b"1", b"5", b"a", b"\x7f", b"\x80",
     b"\xff", b"#", b"?", b"/", b"chunked", b"HTTP/1.1", b"\r\n\r\n", b"_", b'"', b"\\"]
)  # fmt: skip

_EDITS = st.one_of(st.just([]), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), _NASTY), max_size=2))


def _edited(message: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for where, gone, new in edits:
        place = where % (len(message) + 1)
        message = message[:place] + new + message[place + gone :]
    return message


def _messages(starts: st.SearchStrategy[bytes], host: bytes) -> st.SearchStrategy[bytes]:
    def message(
        start: bytes, lines: list[bytes], body: tuple[bytes, bytes], edits: list[tuple[int, int, bytes]]
    ) -> bytes:
        head = b"".join(line + b"\r\n" for line in lines)
        return _edited(start + b"\r\n" + host + head + body[0] + b"\r\n" + body[1], edits)

    return st.builds(message, starts, st.lists(_LINES, max_size=3), _BODIES, _EDITS)


REQUESTS = _messages(_REQUEST_LINES, b"Host: a\r\n")
RESPONSES = _messages(_STATUS_LINES, b"")

_settings = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

# --- what must hold ---------------------------------------------------------------------------------------------------


def in_order(some: Lines, all_of_them: Lines) -> bool:
    """Whether the lines are found among all, in order."""
    rest = iter(all_of_them)
    return all(line in rest for line in some)


def without_framing(lines: Lines) -> Lines:
    return [line for line in lines if line[0] not in _FRAMING]


def judge(data: bytes, gate: Reader, referee: Reader) -> None:
    ours = gate(data)
    event("let through" if ours else "refused")
    if ours is None:
        return
    came = referee(data[: ours.used])
    assert came is not None, "the referee refuses what came"
    assert (came.start, came.body, came.used) == (ours.start, ours.body, ours.used)
    assert in_order(ours.lines, came.lines)
    went = referee(ours.sent)
    assert went is not None, "the referee refuses what goes on"
    assert (went.body, without_framing(went.lines), went.used) == (ours.body, ours.lines, len(ours.sent))
    assert went.start[0] == ours.start[0]


@REQUEST_REFEREES
@_settings
@given(data=REQUESTS)
def test_a_request_that_is_let_through_is_read_alike_by_everybody(data: bytes, referee: Reader):
    judge(data, gate_request, referee)


@RESPONSE_REFEREES
@_settings
@given(data=RESPONSES)
def test_an_answer_that_is_let_through_is_read_alike_by_everybody(data: bytes, referee: Reader):
    judge(data, gate_response, referee)


@_settings
@given(data=REQUESTS)
def test_what_goes_on_is_let_through_again_unchanged(data: bytes):
    once = gate_request(data)
    if once is not None:
        again = gate_request(once.sent)
        assert again is not None
        assert again.sent == once.sent
