"""The corpus of hostile requests, driven over sockets: judged by what the systems got, not by what the edge says."""

from __future__ import annotations

import pytest

from tests.edge.hostile.cases import SMUGGLED, Hostile
from tests.edge.hostile.corpus_framing import FRAMING
from tests.edge.hostile.corpus_heads import HEADS
from tests.edge.hostile.corpus_spoofing import SPOOFING
from tests.edge.hostile.harness import CLOSING, Shop, exchange, pieces_of, shop

CORPUS = [*FRAMING, *HEADS, *SPOOFING]

REFUSED = [case for case in CORPUS if case.statuses]
NORMALISED = [case for case in CORPUS if not case.statuses]


def test_the_corpus_is_large_and_says_each_thing_once():
    assert len(REFUSED) >= 200
    assert len({case.name for case in CORPUS}) == len(CORPUS)
    assert all(case.section for case in CORPUS)


@pytest.mark.parametrize("case", [case for case in REFUSED if not case.stays], ids=str)
async def test_a_refused_message_reaches_no_system(case: Hostile):
    async with shop() as it:
        for pieces in ([case.sent], [case.sent + SMUGGLED], pieces_of(case.sent), [*pieces_of(case.sent), SMUGGLED]):
            answers = await exchange(it.port, pieces)

            assert [answer.status for answer in answers] == [answers[0].status]
            assert answers[0].status in case.statuses
            assert answers[0].headers["connection"] == "close"
            assert answers[0].whole
            assert it.requests == 0
            assert case.begun or it.everything == b""


@pytest.mark.parametrize("case", [case for case in REFUSED if case.begun], ids=str)
async def test_a_message_refused_in_its_body_never_becomes_whole_on_a_connection_that_is_ready(case: Hostile):
    async with shop() as it:
        await exchange(it.port, [CLOSING])
        it.forget()

        answers = await exchange(it.port, [*pieces_of(case.sent), SMUGGLED])
        honest = await exchange(it.port, [CLOSING])

        assert [answer.status in case.statuses for answer in answers] == [True]
        assert b"/smuggled" not in it.everything
        assert [(request.target, request.body) for request in it.cms.requests] == [("/after", b"")]
        assert [answer.body for answer in honest] == [b"cms GET /after"]


@pytest.mark.parametrize("case", [case for case in REFUSED if case.stays], ids=str)
async def test_a_request_refused_for_what_it_asks_costs_only_itself(case: Hostile):
    async with shop() as it:
        for pieces in ([case.sent + CLOSING], [*pieces_of(case.sent), CLOSING]):
            it.forget()

            refusal, honest = await exchange(it.port, pieces)

            assert refusal.status in case.statuses
            assert honest.body == b"cms GET /after"
            assert it.requests == 1


@pytest.mark.parametrize("case", NORMALISED, ids=str)
async def test_a_message_that_passes_means_one_thing_to_everybody(case: Hostile):
    async with shop() as it:
        for pieces in ([case.sent + CLOSING], [*pieces_of(case.sent), CLOSING]):
            it.forget()

            answers = await exchange(it.port, pieces)

            assert {answer.status for answer in answers} <= {200, 204}
            assert len(answers) == (len(case.passes) or 1) + 1
            assert answers[-1].body == b"cms GET /after"
            asked = [(request.method, request.target, request.body) for request in it.cms.requests]
            assert asked == [*case.passes, ("GET", "/after", b"")]
            assert it.commerce.requests == []
            assert_nothing_is_spoofed(it, case)


def assert_nothing_is_spoofed(it: Shop, case: Hostile) -> None:
    """What the systems got has the edge's own lines once each, and none of what the client must not say."""
    got = it.everything.lower()
    for never in case.never:
        assert never not in got
    for request in it.cms.requests:
        for name, value in [
            ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http"), ("x-forwarded-host", "shop.test"),
            ("via", "1.1 inseam"),
        ]:  # fmt: skip
            assert [said.lower() for said in request.all(name)] == [value]
        assert len(request.all("host")) == 1
        assert len(request.all("x-request-id")) == 1
        assert not request.all("connection")
