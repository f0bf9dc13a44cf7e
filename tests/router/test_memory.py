"""When memory is short new work is refused, less and less is taken on, and some always is."""

import pytest

from router.memory import LEAST, Ceiling
from router.ranks import BROWSING, BUYING, CARRYING


def test_with_enough_memory_everything_is_taken_on():
    ceiling = Ceiling()

    assert not ceiling.look(3.0, under_way=10_000)
    assert ceiling.allows(1_000_000, BROWSING)


def test_when_it_gets_short_less_and_less_is_taken_on():
    ceiling = Ceiling()
    most = []
    for _ in range(5):
        ceiling.look(0.9, under_way=1000)
        most.append(next(count for count in range(3000) if not ceiling.allows(count, 0)))

    assert most == [750, 563, 422, 317, 238]


def test_some_work_always_goes_on():
    ceiling = Ceiling()
    for _ in range(100):
        ceiling.look(0.0, under_way=3)

    assert ceiling.allows(LEAST - 1, BROWSING)


def test_who_buys_finds_room_when_who_browses_does_not():
    ceiling = Ceiling()
    ceiling.look(0.5, under_way=100)

    assert [rank for rank in range(6) if ceiling.allows(110, rank)] == [CARRYING, 4, BUYING]
    assert not ceiling.allows(150, BUYING)


def test_it_is_over_only_when_clearly_more_is_free():
    ceiling = Ceiling()

    told = [ceiling.look(free, 100) for free in (2.0, 0.9, 0.8, 1.2, 1.4, 1.6, 2.0)]

    assert told == [False, True, False, False, False, True, False]
    assert not ceiling.low


@pytest.mark.parametrize("free", [1.0, 1.49])
def test_between_short_and_enough_all_stays_as_it_is(free):
    ceiling = Ceiling()
    ceiling.look(0.9, 100)
    ceiling.look(free, 100)

    assert ceiling.low
    assert ceiling.allows(74, 0)
    assert not ceiling.allows(75, 0)
