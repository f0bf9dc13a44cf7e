"""One suite over all stores, on real servers: what any of them promises to the edge."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from store_workers import Workers, until

from sessions.errors import StoreDown
from sessions.stores.port import Changed, Revocation, Stored, key_of

KEY = key_of("session of a shopper")
HOUR = 3600


async def test_what_one_worker_saves_the_other_loads(workers: Workers):
    basket = Stored(1, b"three \x00 shoes \xff\r\n")

    written = await workers.one.save(KEY, basket, 0, HOUR)

    assert written is None
    assert await workers.other.load(KEY) == basket


async def test_who_has_never_been_here_is_not_there(workers: Workers):
    assert await workers.one.load(KEY) is None


@pytest.mark.parametrize(
    ("there", "fresh", "expected", "wins"),
    [
        (None, 1, 0, True),
        (None, 7, 6, True),  # a store that came back empty is filled again
        (None, 7, None, True),
        (3, 4, 3, True),
        (3, 4, 2, False),  # somebody was quicker
        (3, 1, 0, False),
        (3, 4, None, True),
        (3, 9, None, True),
        (3, 3, None, False),
        (3, 2, None, False),
        (9, 10, None, True),  # numbers, not texts
        (10, 9, None, False),
    ],
)
async def test_a_basket_is_written_only_over_the_revision_it_was_made_from(workers, there, fresh, expected, wins):
    """REQUIREMENTS, 40: never over a newer revision."""
    if there is not None:
        await workers.one.save(KEY, Stored(there, b"there"), 0, HOUR)

    answer = await workers.other.save(KEY, Stored(fresh, b"fresh"), expected, HOUR)

    kept = await workers.one.load(KEY)
    assert kept == (Stored(fresh, b"fresh") if wins else Stored(there, b"there"))
    assert answer == (None if wins else kept)


async def test_saving_the_same_twice_is_saving_it_once(workers: Workers):
    await workers.one.save(KEY, Stored(2, b"merged"), 0, HOUR)

    again = await workers.one.save(KEY, Stored(2, b"merged"), 1, HOUR)

    assert again is None


async def test_of_twenty_tabs_that_write_over_the_same_revision_one_wins(workers: Workers):
    """REQUIREMENTS, 10 and 15."""
    await workers.one.save(KEY, Stored(1, b"before"), 0, HOUR)
    tabs = [(workers.one, workers.other)[tab % 2].save(KEY, Stored(2, b"tab %d" % tab), 1, HOUR) for tab in range(20)]

    answers = await asyncio.gather(*tabs)

    kept = await workers.one.load(KEY)
    assert kept is not None
    assert answers.count(None) == 1
    assert kept.data == b"tab %d" % answers.index(None)
    assert all(answer == kept for answer in answers if answer is not None)


async def test_the_other_worker_hears_what_was_written_and_dropped(workers: Workers):
    await workers.one.save(KEY, Stored(5, b"basket"), None, HOUR)
    await until(lambda: Changed(KEY, 5) in workers.heard_by_other)

    await workers.one.drop(KEY)

    await until(lambda: Changed(KEY, 0) in workers.heard_by_other and Changed(KEY, 0) in workers.heard_by_one)
    assert await workers.other.load(KEY) is None


async def test_a_save_that_lost_is_no_news(workers: Workers):
    await workers.one.save(KEY, Stored(5, b"basket"), None, HOUR)

    await workers.other.save(KEY, Stored(4, b"older"), None, HOUR)
    await workers.other.save(key_of("later"), Stored(1, b""), 0, HOUR)

    await until(lambda: Changed(key_of("later"), 1) in workers.heard_by_one)
    assert Changed(KEY, 4) not in workers.heard_by_one


async def test_a_revocation_reaches_every_worker_within_a_second(workers: Workers):
    """REQUIREMENTS, 12."""
    revocation = Revocation("customer", key_of("customer 7"), int(time.time()), int(time.time()) + HOUR)

    await workers.one.revoke(revocation)

    await until(lambda: revocation in workers.heard_by_other and revocation in workers.heard_by_one, within=1.0)


async def test_a_worker_that_starts_later_learns_what_was_revoked_before(workers: Workers):
    now = int(time.time())
    everything = Revocation("all", "", now, now + HOUR)
    one = Revocation("session", KEY, now, now + HOUR)
    await workers.one.revoke(everything)
    await workers.one.revoke(one)
    heard: list[object] = []

    await workers.other.close()
    await workers.other.start(heard.append)

    assert {everything, one} <= set(heard)
    assert {everything, one} <= set(await workers.other.revocations())


async def test_a_revocation_that_no_longer_matters_is_forgotten(workers: Workers):
    now = int(time.time())
    over, lasting = Revocation("session", KEY, now - 90, now - 30), Revocation("session", KEY, now, now + HOUR)

    await workers.one.revoke(over)
    await workers.one.revoke(lasting)

    assert await workers.other.revocations() == [lasting]


async def test_the_same_revocation_twice_is_told_once(workers: Workers):
    revocation = Revocation("session", KEY, int(time.time()), int(time.time()) + HOUR)
    await workers.one.revoke(revocation)
    await until(lambda: revocation in workers.heard_by_one)

    await workers.one.revoke(revocation)
    await workers.one.save(KEY, Stored(1, b""), 0, HOUR)
    await until(lambda: Changed(KEY, 1) in workers.heard_by_one)

    assert workers.heard_by_one.count(revocation) == 1


async def test_a_hand_off_code_is_redeemed_by_one_of_thirty(workers: Workers):
    """REQUIREMENTS, 31: single use across workers."""
    code = key_of("code")
    assert await workers.one.put_once(code, b"who and where", 60)

    tried = await asyncio.gather(*((workers.one, workers.other)[n % 2].take_once(code) for n in range(30)))

    assert sorted(tried, key=bool) == [None] * 29 + [b"who and where"]


async def test_a_jti_can_be_put_only_once(workers: Workers):
    """REQUIREMENTS, 11."""
    tried = await asyncio.gather(*((workers.one, workers.other)[n % 2].put_once(KEY, b"", 60) for n in range(10)))

    assert tried.count(True) == 1


async def test_a_code_that_was_redeemed_may_be_given_out_again(workers: Workers):
    await workers.one.put_once(KEY, b"first", 60)
    await workers.one.take_once(KEY)

    assert await workers.other.put_once(KEY, b"second", 60)


async def test_a_big_basket_and_an_empty_one_come_back_as_they_were(workers: Workers):
    for rev, data in ((1, b""), (2, bytes(range(256)) * 256)):
        await workers.one.save(KEY, Stored(rev, data), None, HOUR)

        assert await workers.other.load(KEY) == Stored(rev, data)


async def test_a_revision_may_have_any_size_that_a_basket_can_have(workers: Workers):
    most = (1 << 53) - 1
    await workers.one.save(KEY, Stored(most - 1, b"x"), None, HOUR)

    assert await workers.one.save(KEY, Stored(most, b"y"), most - 1, HOUR) is None
    assert await workers.one.save(KEY, Stored(most - 1, b"x"), None, HOUR) == Stored(most, b"y")


async def test_two_hundred_shoppers_at_once_are_no_trouble(workers: Workers):
    keys = [key_of(f"shopper {number}") for number in range(200)]

    await asyncio.gather(*(workers.one.save(key, Stored(1, key.encode()), 0, HOUR) for key in keys))
    loaded = await asyncio.gather(*(workers.other.load(key) for key in keys))

    assert [each and each.data for each in loaded] == [key.encode() for key in keys]


async def test_the_clock_of_the_store_is_near_ours_or_it_has_none(workers: Workers):
    now = await workers.one.now()

    assert now is None or abs(now - time.time()) < 5


async def test_a_closed_store_is_down_or_answers(workers: Workers):
    await workers.one.close()

    with suppress(StoreDown):
        await workers.one.load(KEY)
