"""The guard: nobody waits for a store, nothing missed is lost, and nothing newer is overwritten."""

from __future__ import annotations

import asyncio
import time

import pytest
from store_troubles import Moody, guarding
from store_workers import until

from sessions.errors import StoreDown
from sessions.stores.guarded import GuardedStore
from sessions.stores.missed import Missed
from sessions.stores.port import Changed, Gap, Revocation, Stored

HOUR = 3600


async def fails(asked: object, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(StoreDown):
            await asked()


async def test_the_breaker_opens_after_five_failures_and_then_the_store_is_left_alone():
    """REQUIREMENTS, 41."""
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "down"
        await fails(lambda: guard.load("k"), 5)
        asked = moody.asked

        await fails(lambda: guard.load("k"), 100)

        assert not guard.up
        assert moody.asked == asked
        assert guard.counters["refused"] == 100
        assert guard.counters["opened"] == 1


async def test_four_failures_and_a_success_leave_it_up():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        for _ in range(3):
            moody.mood = "down"
            await fails(lambda: guard.load("k"), 4)
            moody.mood = "fine"
            await guard.load("k")

        assert guard.up


async def test_a_slow_store_costs_its_budget_and_no_more():
    """REQUIREMENTS, 41."""
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "slow"
        began = time.monotonic()
        await fails(lambda: guard.load("k"), 5)
        took = time.monotonic() - began
        await fails(lambda: guard.load("k"), 100)

        assert 0.24 < took < 0.6
        assert time.monotonic() - began - took < 0.1
        assert guard.counters["slow"] == 5


async def test_a_store_that_reads_and_does_not_write_is_down():
    """REQUIREMENTS, 44: a full disk, a replica."""
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "full"
        for number in range(5):
            await guard.load("k")
            await fails(lambda number=number: guard.save("k", Stored(number + 1, b""), None, HOUR))

        assert not guard.up


async def test_of_what_was_missed_the_newest_is_written_when_it_is_back():
    """REQUIREMENTS, 40."""
    moody = Moody()
    async with guarding(moody) as guard:
        moody.mood = "down"
        for rev in (1, 3, 2):
            await fails(lambda rev=rev: guard.save("k", Stored(rev, b"%d" % rev), None, HOUR), 3)
        assert not guard.up
        assert await guard.load("k") == Stored(3, b"3"), "what this worker knows itself it goes on knowing"

        moody.mood = "fine"
        await until(lambda: guard.up)

        assert await moody.inner.load("k") == Stored(3, b"3")
        assert guard.counters["late"] == 1
        assert guard.missed == 0


async def test_what_was_missed_is_never_written_over_a_newer_revision():
    """REQUIREMENTS, 40."""
    moody = Moody()
    async with guarding(moody) as guard:
        moody.mood = "down"
        await fails(lambda: guard.save("k", Stored(3, b"mine"), None, HOUR), 5)
        moody.inner._hear = lambda news: None  # another worker's write, of which the news was lost
        await moody.inner.save("k", Stored(4, b"theirs"), None, HOUR)

        moody.mood = "fine"
        await until(lambda: guard.up)

        assert await guard.load("k") == Stored(4, b"theirs")
        assert guard.counters["stale"] == 1


async def test_a_session_that_was_ended_meanwhile_is_not_brought_back():
    moody = Moody()
    async with guarding(moody) as guard:
        now = int(time.time())
        moody.mood = "down"
        for key in ("here", "there", "fine"):
            await fails(lambda key=key: guard.save(key, Stored(3, b"x"), None, HOUR), 3)
        await fails(lambda: guard.revoke(Revocation("session", "here", now, now + HOUR)))
        moody.inner._hear = lambda news: None
        await moody.inner.revoke(Revocation("session", "there", now, now + HOUR))  # by another worker

        moody.mood = "fine"
        await until(lambda: guard.up)

        assert [await guard.load(key) for key in ("here", "there", "fine")] == [None, None, Stored(3, b"x")]
        assert {each.key for each in await guard.revocations()} == {"here", "there"}


async def test_a_revocation_that_the_store_missed_holds_here_at_once_and_everywhere_later():
    """REQUIREMENTS, 40: the operator is told 503, and it is made up for."""
    moody = Moody()
    async with guarding(moody) as guard:
        revocation = Revocation("all", "", int(time.time()), int(time.time()) + HOUR)
        moody.mood = "down"

        await fails(lambda: guard.revoke(revocation), 5)
        assert revocation in guard.heard

        moody.mood = "fine"
        await until(lambda: guard.up)
        assert await moody.inner.revocations() == [revocation]


async def test_a_logout_that_the_store_missed_is_made_up_for():
    moody = Moody()
    async with guarding(moody) as guard:
        await guard.save("k", Stored(1, b"x"), 0, HOUR)
        moody.mood = "down"
        await fails(lambda: guard.drop("k"), 5)
        assert await guard.load("k") is None

        moody.mood = "fine"
        await until(lambda: guard.up)

        assert await moody.inner.load("k") is None


async def test_a_single_write_that_failed_is_made_up_for_without_the_breaker():
    moody = Moody()
    async with guarding(moody) as guard:
        moody.mood = "slow"
        await fails(lambda: guard.save("k", Stored(2, b"x"), None, HOUR))
        moody.mood = "fine"
        assert guard.up
        assert await guard.load("k") == Stored(2, b"x")

        await until(lambda: not guard.missed)

        assert await moody.inner.load("k") == Stored(2, b"x")


async def test_codes_are_refused_while_it_is_down_and_not_kept_for_later():
    """REQUIREMENTS, 40 and 42."""
    moody = Moody()
    async with guarding(moody) as guard:
        assert await guard.put_once("code", b"x", 60)
        moody.mood = "down"
        await fails(lambda: guard.put_once("other", b"x", 60), 3)
        await fails(lambda: guard.take_once("code"), 3)

        moody.mood = "fine"
        await until(lambda: guard.up)

        assert await guard.take_once("other") is None
        assert await guard.take_once("code") == b"x"


async def test_a_store_that_forgot_everything_is_told_the_revocations_again():
    moody = Moody()
    async with guarding(moody) as guard:
        revocation = Revocation("customer", "c", int(time.time()), int(time.time()) + HOUR)
        await guard.revoke(revocation)
        moody.inner._revocations.clear()

        moody.hear(Gap())

        await until(lambda: moody.inner._revocations)
        assert Gap() in guard.heard


async def test_the_state_is_said_once_in_ten_seconds_at_most():
    """REQUIREMENTS, 44."""
    moody, lines, now = Moody(), [], 0.0
    async with guarding(moody, say=lines.append, clock=lambda: now) as guard:
        for _ in range(3):  # it flaps
            moody.mood = "down"
            await fails(lambda: guard.load("k"), 5)
            moody.mood = "fine"
            await until(lambda: guard.up)
        assert len(lines) == 1
        assert lines[0].startswith("store down: disk on fire")

        now = 11.0
        await until(lambda: len(lines) == 2)

        assert lines[1].startswith("store up again")


async def test_a_store_that_is_down_when_the_edge_starts_does_not_keep_it_from_starting():
    moody, lines = Moody(), []
    moody.mood = "down"
    async with guarding(moody, say=lines.append) as guard:
        assert not guard.up
        await fails(lambda: guard.load("k"))
        assert len(lines) == 1

        moody.mood = "fine"
        await until(lambda: guard.up)


async def test_a_hundred_requests_at_a_store_that_just_died_wait_once_and_not_in_turn():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "slow"
        began = time.monotonic()

        answers = await asyncio.gather(*(guard.load("k") for _ in range(100)), return_exceptions=True)

        assert all(isinstance(answer, StoreDown) for answer in answers)
        assert time.monotonic() - began < 0.3


async def test_a_crowd_that_the_store_serves_in_turn_does_not_take_it_for_dead():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        turn = asyncio.Lock()
        whole = moody.inner.load

        async def load(key: str) -> Stored | None:
            async with turn:
                await asyncio.sleep(0.002)
                return await whole(key)

        moody.inner.load = load
        answers = await asyncio.gather(*(guard.load("k") for _ in range(100)), return_exceptions=True)

        assert guard.up
        assert sum(isinstance(answer, StoreDown) for answer in answers) == guard.counters["slow"] > 0


async def test_a_loop_that_stood_still_does_not_take_the_store_for_dead():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "slow"
        waiting = [asyncio.create_task(guard.load("k")) for _ in range(50)]
        await asyncio.sleep(0.01)
        time.sleep(0.06)
        await asyncio.gather(*waiting, return_exceptions=True)
        moody.mood = "fine"

        assert guard.up
        await guard.load("k")


async def test_too_many_missed_writes_lose_the_oldest_and_that_is_counted():
    moody = Moody()
    async with guarding(moody, most_missed=3, probe=60) as guard:
        moody.mood = "down"
        for number in range(5):
            await fails(lambda number=number: guard.save(f"k{number}", Stored(1, b""), None, HOUR))

        assert guard.missed == 3
        assert guard.counters["lost"] == 2


async def test_one_write_that_can_never_succeed_does_not_keep_the_store_down():
    moody = Moody()
    async with guarding(moody) as guard:
        whole = moody.inner.save

        async def save(key: str, *rest: object) -> object:
            if key == "cursed":
                raise StoreDown("this one never")
            return await whole(key, *rest)

        moody.inner.save = save
        await fails(lambda: guard.save("cursed", Stored(1, b""), None, HOUR), 5)

        await until(lambda: guard.up)

        assert guard.counters["lost"] == 1


async def test_clocks_that_differ_are_seen():
    """REQUIREMENTS, 46."""
    moody = Moody()
    moody.clock_ahead = 600
    async with guarding(moody) as guard:
        moody.hear(Gap())
        await until(lambda: guard.skew)

        assert guard.skew == pytest.approx(600, abs=1)


async def test_what_was_missed_is_written_at_the_end_if_the_store_is_up():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "down"
        await fails(lambda: guard.save("k", Stored(2, b"x"), None, HOUR))
        moody.mood = "fine"

    assert await moody.inner.load("k") == Stored(2, b"x")


async def test_a_guard_that_was_not_started_is_down():
    guard = GuardedStore(Moody())

    await fails(lambda: guard.load("k"))
    await guard.close()


def test_a_missed_write_is_of_no_use_after_its_life():
    missed = Missed(10)
    missed.save("k", Stored(1, b"x"), life=60, now=0)

    assert missed.get("k", now=59)
    assert missed.get("k", now=60) is None
    assert missed.writes(10, now=60) == []
    assert len(missed) == 0


def test_a_newer_write_while_an_older_one_is_made_up_for_still_waits():
    missed = Missed(10)
    missed.save("k", Stored(1, b"old"), 60, now=0)
    (under_way,) = missed.writes(10, now=0)
    missed.save("k", Stored(2, b"new"), 60, now=0)

    missed.done(under_way)

    assert [late.fresh for late in missed.writes(10, now=0)] == [Stored(2, b"new")]


async def test_news_of_a_newer_revision_take_what_waits_out_of_the_queue():
    moody = Moody()
    async with guarding(moody, probe=60) as guard:
        moody.mood = "down"
        await fails(lambda: guard.save("k", Stored(2, b"x"), None, HOUR))

        moody.hear(Changed("k", 3))

        assert guard.missed == 0
