"""The chunked coding: transcripts of what is fed and what comes out, whole and in pieces. RFC 9112, 7.1."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest, BadResponse
from router.wire.body import LAST_CHUNK, ChunkedReader, chunk, last_chunk


def read(*fed: bytes) -> tuple[bytes, ChunkedReader]:
    """Feed the pieces one after the other; return the data that came out, and the reader."""
    reader = ChunkedReader(BadRequest)
    data = b""
    for piece in fed:
        data += b"".join(reader.feed(piece))
    return data, reader


def bytewise(body: bytes) -> list[bytes]:
    return [body[place : place + 1] for place in range(len(body))]


@pytest.mark.parametrize(
    ("body", "data", "trailers"),
    [
        (b"0\r\n\r\n", b"", b""),
        (b"000\r\n\r\n", b"", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", b""),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", b""),
        (b"00000000000000a\r\n0123456789\r\n0\r\n\r\n", b"0123456789", b""),
        (b"5\r\n\r\n0\r\n\r\n0\r\n\r\n", b"\r\n0\r\n", b""),  # what looks like an end is data
        (b"5;name\r\nhello\r\n0;name=value\r\n\r\n", b"hello", b""),
        (b'5;name="a;b"\r\nhello\r\n0\r\n\r\n', b"hello", b""),
        (b"0\r\nDigest: abc\r\n\r\n", b"", b"Digest: abc\r\n"),
        (b"0\r\nA:b \r\nC:  d\r\n\r\n", b"", b"A: b\r\nC: d\r\n"),
    ],
)
def test_a_body_is_read_alike_whole_and_byte_by_byte(body: bytes, data: bytes, trailers: bytes):
    for fed in ([body], bytewise(body)):
        got, reader = read(*fed)

        assert (got, reader.done, reader.trailers, reader.rest) == (data, True, trailers, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5\t\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"-0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5h\r\nhello\r\n0\r\n\r\n",
        b"5_0\r\nhello",
        b"\xd9\xa5\r\nhello",  # a digit to those who ask Unicode
        b"g\r\nhello\r\n0\r\n\r\n",
        b"5,5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\rhello\r0\r\r",
        b"5\r\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nhello",
        b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        b"0000000000000005\r\nhello\r\n0\r\n\r\n",
        b"5;\r\nhello\r\n0\r\n\r\n",
        b"5 ; a=b\r\nhello\r\n0\r\n\r\n",
        b"5;a=b;\r\nhello\r\n0\r\n\r\n",
        b"5;a b\r\nhello\r\n0\r\n\r\n",
        b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
        b"5;" + b"a" * 600 + b"\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"a" * 600,
        b"0\r\nA : b\r\n\r\n",
        b"0\r\n A: b\r\n\r\n",
        b"0\r\nA: b\r\n c\r\n\r\n",
        b"0\r\nA: b\nC: d\r\n\r\n",
        b"0\r\nA: b\x00\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n: b\r\n\r\n",
        b"0\r\nContent-Length: 3\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\n\n",
        b"0\r\n\rX",
        b"0\r\nGET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"0\r\nA: " + b"b" * 9000 + b"\r\n\r\n",
        b"0\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
    ],
)
def test_a_body_that_readers_could_read_differently_is_refused(body: bytes):
    for fed in ([body], bytewise(body)):
        with pytest.raises(BadRequest):
            read(*fed)


def test_a_systems_body_is_a_bad_answer():
    with pytest.raises(BadResponse):
        ChunkedReader(BadResponse).feed(b"x\r\n")


@pytest.mark.parametrize("start", [b"", b"5", b"5\r", b"5\r\n", b"5\r\nhell", b"5\r\nhello", b"5\r\nhello\r",
                                   b"5\r\nhello\r\n0", b"0\r\n", b"0\r\n\r", b"0\r\nA: b\r\n", b'5;a="b'])  # fmt: skip
def test_a_body_that_is_not_whole_is_not_done(start: bytes):
    assert not read(start)[1].done
    assert not read(*bytewise(start))[1].done


@pytest.mark.parametrize(
    "name",
    [
        "Inseam-Session", "inseam-update", "Inseam_Session", "Inseam.Session", "X-Forwarded-For", "X-Real-IP", "Via",
        "Forwarded", "X-Client-IP", "True-Client-IP", "X-Original-URL", "X-Accel-Redirect", "X-Request-Id",
        "traceparent", "Host", "Connection", "TE", "Trailer", "Upgrade",
        "Expect", "Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "Content-Type", "Cache-Control",
        "Location", "Content_Length", "Vary", "Range",
    ],
)  # fmt: skip
def test_a_trailer_cannot_say_what_belongs_into_a_head_or_to_the_edge(name: str):
    """RFC 9110, 6.5.1; REQUIREMENTS, 21."""
    _, reader = read(b"0\r\n" + name.encode() + b": x\r\nServer-Timing: y\r\n\r\n")

    assert reader.trailers == b"Server-Timing: y\r\n"


def test_what_follows_the_body_is_kept_apart():
    behind = b"GET /next HTTP/1.1\r\n"

    data, reader = read(b"5\r\nhello\r\n0\r\n\r\n" + behind)

    assert (data, reader.rest) == (b"hello", behind)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    trailers=st.booleans(),
    behind=st.binary(max_size=20),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_what_is_written_is_read_however_it_is_cut(pieces: list[bytes], trailers: bool, behind: bytes, cuts: list[int]):
    end = last_chunk(b"Server-Timing: a\r\n") if trailers else LAST_CHUNK
    body = b"".join(map(chunk, pieces)) + end + behind
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body) - len(behind))})

    data, reader = read(*(body[a:b] for a, b in pairwise(edges)))

    assert (data, reader.done, reader.rest) == (b"".join(pieces), True, behind)
    assert reader.trailers == (b"Server-Timing: a\r\n" if trailers else b"")
