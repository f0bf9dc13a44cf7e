"""Transcripts: a message means the same wherever the network cuts it, judged by h11 as a second reader."""

from __future__ import annotations

import re

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import rule
from stage import Stage, stage
from visitor import request

from router.model import Reply
from router.rules import Redirect, Respond

UPLOADS = {
    "length": request("/form", "POST", "X-Kept: 1", body=b"name=Ada&town=London"),
    "chunked": request("/form", "POST", "Transfer-Encoding: chunked")
    + b"8;x=1\r\nname=Ada\r\n00c\r\n&town=London\r\n0\r\nX-Sum: 42\r\n\r\n",
    "none": request("/form", "GET"),
}

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 11\r\nSet-Cookie: b=2\r\n\r\nhello there",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x\r\nhello\r\n6\r\n there\r\n0\r\nX-Sum: 1\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there",
    "without a body": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
}

RULES = [
    rule("/old/{name}", Redirect("/new/{name}")),
    rule("/hello", Respond(Reply(200, [], b"hi"))),
    rule("/form", "cms"),
]

_IDS = re.compile(rb"(?i)(x-request-id: )[0-9a-f]{32}|(traceparent: )[0-9a-f-]{55}|(request )[0-9a-f]{32}")


def without_ids(data: bytes) -> bytes:
    """The bytes with every id replaced by `*`: each request has another."""
    return _IDS.sub(lambda found: (found[1] or found[2] or found[3]) + b"*", data)


def read_by_h11(heard: bytes, *methods: str) -> list[tuple[int, list[tuple[bytes, bytes]], bytes]]:
    """Status, headers and body of each answer, interim ones without a body among them."""
    reader = h11.Connection(h11.CLIENT)
    reader.receive_data(heard)
    answers: list[tuple[int, list[tuple[bytes, bytes]], bytes]] = []
    for method in methods:
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        reader.send(h11.EndOfMessage())
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response | h11.InformationalResponse):
                kept = [line for line in event.headers if line[0] != b"x-request-id"]
                answers.append((event.status_code, kept, b""))
            elif isinstance(event, h11.Data):
                status, lines, body = answers[-1]
                answers[-1] = status, lines, body + bytes(event.data)
            else:
                raise AssertionError(event)
        reader.start_next_cycle()
    assert reader.trailing_data[0] == b""
    return answers


async def told(it: Stage, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """What the system and the client hear when a client says this in these pieces."""
    client = it.client()
    for piece in pieces:
        await client.says(piece)
    server = await it.server()
    await server.says(ANSWERS["length"])
    return server.heard, client.heard


@pytest.mark.parametrize("kind", UPLOADS)
async def test_a_conversation_means_the_same_wherever_it_is_cut(kind):
    said = request("/old/shoe") + UPLOADS[kind] + request("/hello") + request("/nowhere", "HEAD") + request("/old/hat")
    async with stage(*RULES) as it:
        system, client = await told(it, [said])
    expected = meaning(system), without_ids(client)

    answers = read_by_h11(client, "GET", "POST", "GET", "HEAD", "GET")
    assert [status for status, _, _ in answers] == [302, 200, 200, 404, 302]
    for place in range(1, len(said)):
        async with stage(*RULES) as it:
            system, client = await told(it, [said[:place], said[place:]])
            assert (meaning(system), without_ids(client)) == expected, place
    async with stage(*RULES) as it:
        system, client = await told(it, [bytes((byte,)) for byte in said])
        assert (meaning(system), without_ids(client)) == expected


def meaning(message: bytes) -> tuple[bytes, bytes]:
    """Head and body of a request, the chunks joined: where they are cut means nothing."""
    head, _, body = without_ids(message).partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return head, body
    joined = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return head, joined + b"|" + body
        joined, body = joined + body[: int(size, 16)], body[int(size, 16) + 2 :]


@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer_means_the_same_wherever_it_is_cut(kind):
    answer = ANSWERS[kind]
    expected = None
    for place in range(len(answer)):
        async with stage() as it:
            client = it.client()
            await client.says(request("/", "GET", "TE: trailers"))
            server = await it.server()

            for piece in (answer[:place], answer[place:]):
                if piece:
                    await server.says(piece)

            answers = read_by_h11(client.heard, "GET")
            expected = expected or answers
            assert answers == expected, place
            assert it.pool().idle, place  # and the connection is good for another
    assert expected
    assert expected[-1][2] == (b"" if kind == "without a body" else b"hello there")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.sampled_from(["/old/shoe", "/hello", "/nowhere", "/form", "/form?x"]), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 2000), max_size=12),
    answer=st.sampled_from(["length", "chunked"]),
)
async def test_any_pipeline_in_any_pieces_is_answered_in_order(asked, cuts, answer):
    said = b"".join(request(target) for target in asked)
    places = sorted({place for place in cuts if place < len(said)})
    status = {"/old/shoe": 302, "/hello": 200, "/nowhere": 404, "/form": 200, "/form?x": 200}
    async with stage(*RULES) as it:
        client = it.client()
        server = None

        for start, end in zip([0, *places], [*places, len(said)], strict=True):
            await client.says(said[start:end])
        for _ in range(sum(target.startswith("/form") for target in asked)):
            server = server or await it.server()
            await server.says(ANSWERS[answer])

        answers = read_by_h11(client.heard, *["GET"] * len(asked))
        assert [each[0] for each in answers] == [status[target] for target in asked]
        if server is not None:
            wanted = [target.encode() for target in asked if target.startswith("/form")]
            assert re.findall(rb"GET (\S+) HTTP/1.1\r\n", server.heard) == wanted


def of(*words: bytes) -> st.SearchStrategy[list[bytes]]:
    """Noise made of these words and of anything."""
    return st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(words)), max_size=14)


@settings(max_examples=150, deadline=None)
@given(noise=of(
    b"\r\n", b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n", b"POST /form HTTP/1.1\r\n", b"\n", b"abc",
))  # fmt: skip
async def test_no_noise_makes_the_edge_raise_or_leave_anything(noise):
    async with stage(*RULES) as it:
        client = it.client()

        for piece in noise:
            if client.reading and not client.lost and piece:
                await client.says(piece)
        await it.passes(1.0)

        assert it.edge.clients or client.lost


@settings(max_examples=150, deadline=None)
@given(noise=of(
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Content-Length: 5\r\n", b"\r\n", b"hello",
    b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.1 204 No Content\r\n\r\n",
))  # fmt: skip
async def test_no_noise_of_a_system_makes_the_edge_raise_or_leave_anything(noise):
    async with stage() as it:
        client = it.client()
        await client.says(request())
        server = await it.server()

        for piece in noise:
            if server.reading and not server.lost and piece:
                await server.says(piece)
        if not server.lost:
            await server.leaves()
        while it.wanted:
            await it.refuses()

        assert client.heard or client.lost
