"""The judges of `make conformance`: what the RFC permits, what it does not, and when readers disagree."""

from __future__ import annotations

import pytest

from tests.conformance.judgement import Seen, answer_fault, permitted_answer, plain
from tests.conformance.readers import PERMITTED, STRICT, Refused, agreed
from tests.edge.hostile.cases import SMUGGLED, chunked, get, post
from tests.edge.hostile.corpus_answers import ANSWERS
from tests.edge.hostile.corpus_framing import FRAMING
from tests.edge.hostile.corpus_heads import HEADS

PLAIN = (b"GET", b"/page", b"")


@pytest.mark.parametrize("case", [case for case in (*FRAMING, *HEADS) if case.passes], ids=str)
def test_what_the_edge_may_pass_on_the_rfc_permits_everybody(case):
    meant = [(method.encode(), target.encode(), body) for method, target, body in case.passes]

    found = [(one.method, plain(one.target), one.body) for one in PERMITTED.requests(case.sent)]

    assert found[: len(meant)] == meant


@pytest.mark.parametrize(
    "sent",
    [
        get(b"X: y\n"),
        get(b"X: y\r\n z\r\n"),
        get().replace(b"GET /page", b"GET  \t/page"),
        get(b"Content-Length: 0\r\nContent-Length: 0\r\n"),
        get(b"X: \0\r\n"),
    ],
)
def test_what_the_rfc_lets_a_recipient_forgive_is_permitted_and_not_strict(sent):
    assert [request.asked for request in PERMITTED.requests(sent)] == [PLAIN]
    with pytest.raises(Refused):
        STRICT.requests(sent)


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: +5\r\n", b"hello"),
        post(b"Content-Length : 5\r\n", b"hello"),
        post(b"Content-Length: 5, 6\r\n", b"hello!"),
        post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"),
        chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
        chunked(b"5\r\nhelloXY0\r\n\r\n"),
    ],
)
def test_what_nobody_may_forgive_is_not_permitted(sent):
    with pytest.raises(Refused):
        PERMITTED.requests(sent)


def test_after_two_framings_nothing_more_is_permitted_on_the_connection():
    """RFC 9112, 6.3."""
    sent = post(b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED)

    assert [request.asked for request in PERMITTED.requests(sent)] == [(b"POST", b"/form", b"")]


@pytest.mark.parametrize(
    "arrived",
    [
        post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        post(b"Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", b"0\r\n\r\n"),
        post(b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        post(b"Content-Length: 43\r\nX: y\rContent-Length: 0\r\n", SMUGGLED),
    ],
)
def test_readers_that_see_different_requests_in_what_arrived_are_noticed(arrived):
    assert agreed(arrived)[1]


def test_a_message_written_anew_is_read_alike_by_everybody():
    assert agreed(get() + chunked(b"5\r\nhello\r\n0\r\n\r\n")) == ([PLAIN, (b"POST", b"/form", b"hello")], "")


@pytest.mark.parametrize("case", [case for case in ANSWERS if case.verdict == "passes"], ids=lambda case: case.name)
def test_an_answer_that_passes_is_what_the_rfc_permits(case):
    meant = permitted_answer(case)

    assert meant is not None
    assert (meant.body, meant.whole) == (case.body, True)


@pytest.mark.parametrize(
    ("heard", "end", "safe"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", "eof", True),
        (b"", "reset", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "eof", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", False),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "eof", False),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "reset", True),
    ],
)
def test_an_answer_that_broke_off_must_not_look_whole(heard, end, safe):
    (case,) = (case for case in ANSWERS if case.name == "a body that is too short")

    assert (answer_fault(case, Seen(heard, end)) == "") is safe
