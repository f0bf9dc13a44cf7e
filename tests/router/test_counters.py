"""Counters: where a duration is counted, and how the counts of workers add up."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.counters import RuleCount, ServerCount, Snapshot, settled, total
from router.tally import HISTOGRAM_SLOTS, Tally, slot_of


@pytest.mark.parametrize(
    ("seconds", "slot"),
    [
        (0.0, 0),
        (0.000_2, 0),
        (0.000_25, 1),
        (0.001, 3),
        (0.5, 12),
        (0.999, 12),
        (1.0, 13),
        (15.9, 16),
        (16.0, 17),
        (9e9, 17),
    ],
)
def test_a_duration_falls_into_its_slot(seconds, slot):
    assert slot_of(seconds) == slot


@given(st.floats(0, 1e6))
def test_a_slot_holds_what_took_less_than_its_bound_and_not_less_than_the_one_before(seconds):
    slot = slot_of(seconds)

    assert slot == HISTOGRAM_SLOTS - 1 or seconds < 2**slot / 4096
    assert slot == 0 or seconds >= 2 ** (slot - 1) / 4096


def test_a_new_tally_has_counted_nothing():
    tally = Tally()

    assert (tally.requests, tally.bytes_in, tally.bytes_out, tally.seconds, tally.system_seconds) == (0, 0, 0, 0.0, 0.0)
    assert (tally.statuses, tally.histogram) == ([0] * 6, [0] * HISTOGRAM_SLOTS)
    assert Tally().statuses is not tally.statuses


def basket(**counts):
    return RuleCount("basket", "commerce", "basket", "buy", **counts)


def test_the_counts_of_two_workers_add_up():
    one = Snapshot(
        worker=1, generation=4, clients=10, accepted=100, errors={"reset": 1}, events={"mirrored": 2},
        rules=[basket(requests=3, seconds=0.5, statuses=[0, 0, 3, 0, 0, 0], histogram=[3] + [0] * 17)],
        servers=[ServerCount("commerce", "one:8002", open=2, requests=3, failures={"refused": 1})],
    )  # fmt: skip
    two = Snapshot(
        worker=2, generation=5, clients=5, accepted=50, errors={"reset": 2, "bad_request": 1}, plugin_errors={"ab": 1},
        rules=[basket(requests=4, seconds=0.25, statuses=[0, 0, 3, 0, 1, 0], histogram=[0, 4] + [0] * 16),
               RuleCount("home", "cms", "home", "browse", requests=1)],
        servers=[ServerCount("commerce", "one:8002", open=1, requests=4, failures={"refused": 1, "reset": 1}),
                 ServerCount("cms", "two:8001", ejected=1)],
    )  # fmt: skip

    both = total([one, two])

    assert (both.clients, both.accepted) == (15, 150)
    assert both.errors == {"reset": 3, "bad_request": 1}
    assert both.plugin_errors == {"ab": 1}
    assert both.events == {"mirrored": 2}
    assert both.rules == [
        basket(requests=7, seconds=0.75, statuses=[0, 0, 6, 0, 1, 0], histogram=[3, 4] + [0] * 16),
        RuleCount("home", "cms", "home", "browse", requests=1),
    ]
    assert both.servers == [
        ServerCount("commerce", "one:8002", open=3, requests=7, failures={"refused": 2, "reset": 1}),
        ServerCount("cms", "two:8001", ejected=1),
    ]


def test_rules_with_one_name_on_two_systems_are_counted_apart():
    split = [
        Snapshot(rules=[RuleCount("brands", system, "brand", "browse", requests=1)]) for system in ("cms", "commerce")
    ]

    assert [count.system for count in total(split).rules] == ["cms", "commerce"]


def test_adding_up_changes_no_snapshot():
    one = Snapshot(rules=[basket(requests=3)], errors={"reset": 1})
    before = msgspec.json.encode(one)

    total([one, one])

    assert msgspec.json.encode(one) == before


def test_the_total_generation_is_the_one_that_every_worker_has():
    assert total([Snapshot(generation=3), Snapshot(generation=2)]).generation == 2
    assert total([]).generation == 0


def test_a_worker_that_died_takes_no_count_back_and_holds_no_generation_up():
    server = ServerCount("commerce", "s", open=2, busy=1, waiting=4, ejected=1, requests=3, ejections=1)
    died = Snapshot(generation=1, clients=7, accepted=20, rules=[basket(requests=3)], servers=[server])

    both = total([settled(died), Snapshot(generation=2, clients=1, accepted=1, rules=[basket(requests=1)])])

    assert (both.generation, both.clients, both.accepted) == (2, 1, 21)
    assert both.rules == [basket(requests=4)]
    assert both.servers == [ServerCount("commerce", "s", requests=3, ejections=1)]


def test_a_snapshot_survives_its_way_to_the_supervisor():
    sent = Snapshot(
        worker=1, pid=7, rules=[basket(requests=3)], servers=[ServerCount("cms", "s", failures={"reset": 1})]
    )

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Snapshot) == sent
