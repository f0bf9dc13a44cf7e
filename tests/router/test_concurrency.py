"""How much a system bears is found out, and a healthy one never pays for it: minutes of a shop, in milliseconds."""

from __future__ import annotations

import random

import pytest
from busy_system import Seconds, Told, about, play
from hypothesis import given, settings
from hypothesis import strategies as st

from router.concurrency import LEAST, Concurrency
from router.ranks import BROWSING, BUYING

SEEDS = range(5)
CALM, CROWD = 40, 240
"""Requests a second: half of what 8 threads of 100 ms each can do, and three times of it."""


def crowd_at(moment: float, calm: float = CALM, crowd: float = CROWD):
    return lambda now: calm if now < moment else crowd


def slower_at(moment: float, before: float, after: float) -> Seconds:
    return lambda chance, now: (before if now < moment else after) * chance.lognormvariate(0, 0.3)


def nobody_limits() -> Concurrency:
    return Concurrency(256, adaptive=False)


# --- overload ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_at_three_times_what_commerce_bears_everybody_who_buys_is_served_and_browsing_waits(seed):
    bears = Concurrency(256)
    told = play(bears, about(0.1), 8, crowd_at(20), 80, counted_from=20, seed=seed)

    assert told.share(BUYING) >= 0.99
    assert told.share(BROWSING) < 0.3
    assert bears.overloaded
    assert 8 <= bears.limit <= 32


@pytest.mark.parametrize("seed", SEEDS)
def test_once_the_limit_is_found_who_buys_waits_for_next_to_nothing(seed):
    limited, unlimited = Concurrency(256), nobody_limits()
    told = play(limited, about(0.1), 8, crowd_at(20), 80, counted_from=30, seed=seed)
    without = play(unlimited, about(0.1), 8, crowd_at(20), 80, counted_from=30, seed=seed)

    assert told.slowest(BUYING) < 0.6
    assert without.slowest(BUYING) > 3.0
    assert told.answers > 0.97 * without.answers


@pytest.mark.parametrize("seed", SEEDS)
def test_a_worker_that_starts_in_the_crowd_finds_it_too_though_it_never_saw_the_system_idle(seed):
    bears = Concurrency(256)
    told = play(bears, about(0.1), 8, lambda now: CROWD, 80, counted_from=20, seed=seed)

    assert bears.overloaded
    assert told.share(BUYING) >= 0.99
    assert told.slowest(BUYING) < 1.0
    assert bears.limit < 64


@pytest.mark.parametrize(("threads", "seconds"), [(1, 0.05), (4, 0.5), (60, 0.5), (100, 0.2)])
def test_small_and_large_systems_are_kept_busy(threads, seconds):
    bears, free = Concurrency(512), Concurrency(512, adaptive=False)
    can = threads / seconds
    told = play(bears, about(seconds), threads, crowd_at(20, can / 2, 3 * can), 80, counted_from=30)
    without = play(free, about(seconds), threads, crowd_at(20, can / 2, 3 * can), 80, counted_from=30)

    assert told.answers > 0.95 * without.answers
    assert told.share(BUYING) >= 0.99


def test_when_the_crowd_has_gone_nobody_waits_or_is_turned_away():
    bears = Concurrency(256)
    told = play(bears, about(0.1), 8, lambda now: CROWD if 20 < now < 50 else CALM, 120, counted_from=60)

    assert not told.shed
    assert told.slowest(BROWSING) < 0.4
    assert not bears.overloaded


def test_a_system_that_gets_slower_in_the_crowd_is_still_kept_busy():
    bears, free = Concurrency(256), nobody_limits()
    told = play(bears, slower_at(40, 0.1, 0.4), 8, crowd_at(20), 160, counted_from=80, buying=0.05)
    without = play(free, slower_at(40, 0.1, 0.4), 8, crowd_at(20), 160, counted_from=80, buying=0.05)

    assert told.answers > 0.9 * without.answers
    assert told.share(BUYING) >= 0.99


def test_a_system_that_refuses_by_itself_is_asked_less_until_it_hardly_does():
    """It answers twenty at a time in 100 ms, and refuses whoever comes beyond that."""
    bears = Concurrency(256)
    under_way: list[tuple[float, int]] = []
    refused = []
    for moment in range(600):
        now = moment * 0.1
        for since, status in under_way:
            bears.end(now, since, status)
        under_way = []
        while bears.room and len(under_way) < (10 if moment < 100 else 40):
            bears.begin(now)
            under_way.append((now, 200 if len(under_way) < 20 else 503))
        bears.felt = not bears.room
        bears.tick(now)
        refused.append(sum(status == 503 for _, status in under_way))

    assert refused[101] == 20
    assert sum(refused[300:]) < 0.3 * 20 * 300


# --- a healthy system is left alone -----------------------------------------------------------------------------------


def same(bears: Concurrency, seconds: Seconds, per_second: float, until: float, **more: object) -> tuple[Told, Told]:
    """The same shop with the limit found and without any."""
    told = play(bears, seconds, 10_000, lambda now: per_second, until, **more)
    return told, play(nobody_limits(), seconds, 10_000, lambda now: per_second, until, **more)


@pytest.mark.parametrize("seconds", [0.005, 0.05, 0.5, 2.0])
def test_a_system_that_is_slow_but_bears_everybody_never_feels_a_limit(seconds):
    told, without = same(Concurrency(256), about(seconds), 60, 60)

    assert not told.shed
    assert told.answers == without.answers
    assert told.seconds == without.seconds


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("after", [0.3, 0.8, 1.5])
def test_when_a_healthy_system_becomes_slow_nobody_is_turned_away(after, seed):
    """A new version, a payment provider: answers take three to fifteen times as long, and that is all."""
    bears = Concurrency(256)
    told, without = same(bears, slower_at(20, 0.1, after), 80, 90, seed=seed)

    assert not told.shed
    assert told.answers > 0.99 * without.answers
    assert bears.limit == 256
    assert not bears.overloaded
    assert told.slowest(BROWSING, 0.9) < 1.5 * without.slowest(BROWSING, 0.9)


@pytest.mark.parametrize("seed", SEEDS)
def test_pages_of_milliseconds_beside_searches_of_seconds_confuse_nobody(seed):
    """And every ten seconds there is more of the one, then of the other."""

    def mixed(chance: random.Random, now: float) -> float:
        quick = chance.random() < (0.95 if int(now / 10) % 2 else 0.3)
        return (0.005 if quick else 2.0) * chance.lognormvariate(0, 0.3)

    told, without = same(Concurrency(256), mixed, 100, 120, seed=seed)

    assert not told.shed
    assert told.answers > 0.99 * without.answers


@settings(max_examples=60, deadline=None)
@given(
    threads=st.integers(1, 200), milliseconds=st.integers(1, 3000), load=st.floats(0.05, 4.0), spread=st.floats(0, 1.5),
    most=st.integers(1, 512), seed=st.integers(0, 1000),
)  # fmt: skip
def test_whatever_the_system_the_limit_stays_in_its_bounds_and_nobody_is_forgotten(
    threads, milliseconds, load, spread, most, seed
):
    seconds = milliseconds / 1000
    can = min(threads / seconds, 300.0)
    bears = Concurrency(most)
    told = play(bears, about(seconds, spread), threads, lambda now: load * can, 20, seed=seed)

    assert all(min(LEAST, most) <= limit <= most for _, limit in told.limits)
    assert bears.in_flight >= 0
    if load < 0.3 and threads >= 10 and most > 2 * threads and spread < 1:
        assert not told.shed


def test_a_limit_that_is_given_is_not_changed():
    bears = Concurrency(12, adaptive=False)
    play(bears, about(0.1), 8, lambda now: CROWD, 20)

    assert bears.limit == 12
    assert not bears.overloaded
