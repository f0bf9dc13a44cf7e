"""The fuzzers run: for a moment, from a seed of their own, so that `make fuzz` works when somebody wants it."""

from __future__ import annotations

import random
from time import monotonic

import pytest

from tests.edge.hostile.fuzz import fuzz_answers, fuzz_edge, fuzz_gate, fuzz_paths, mutated


@pytest.mark.parametrize("run", [fuzz_gate, fuzz_paths])
def test_a_moment_of_fuzzing_finds_nothing(run):
    assert run(random.Random(1), monotonic() + 0.3) > 0


@pytest.mark.parametrize("run", [fuzz_edge, fuzz_answers])
async def test_a_moment_of_fuzzing_over_sockets_finds_nothing(run):
    assert await run(random.Random(1), monotonic() + 0.3) > 0


def test_the_same_seed_gives_the_same_messages():
    first, second = (mutated(random.Random(7), b"GET / HTTP/1.1\r\n\r\n") for _ in range(2))

    assert first == second
