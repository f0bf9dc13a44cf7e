import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.rate_limit import RateLimit
from router.conditions import Client

NOW = 1_780_000_000.0


def answers(plugin, view, times, **request):
    replies = [plugin.on_request(view(now=NOW + at, **request)) for at in times]
    return [200 if reply is None else reply.status for reply in replies]


def test_a_burst_passes_and_then_one_at_a_time(view):
    plugin = RateLimit(per_minute=60, burst=3)

    assert answers(plugin, view, [0, 0, 0, 0, 1, 1, 2.5, 3, 3.1], client="192.0.2.1") == [
        200, 200, 200, 429, 200, 429, 200, 200, 429,
    ]  # fmt: skip


def test_who_is_refused_hears_when_to_come_back_and_is_served_then(view):
    plugin = RateLimit(per_minute=6, burst=1)
    plugin.on_request(view(now=NOW, client="192.0.2.1"))

    reply = plugin.on_request(view(now=NOW + 0.5, client="192.0.2.1"))

    assert dict(reply.headers)["Retry-After"] == "10"
    assert plugin.on_request(view(now=NOW + 10.5, client="192.0.2.1")) is None


def test_refused_requests_do_not_push_the_wait_out_further(view):
    plugin = RateLimit(per_minute=60, burst=1)

    assert answers(plugin, view, [0, 0.2, 0.4, 0.6, 0.8, 1.0], client="192.0.2.1") == [200, 429, 429, 429, 429, 200]


def test_one_client_does_not_slow_another_down(view):
    plugin = RateLimit(per_minute=1, burst=1)

    assert answers(plugin, view, [0, 0], client="192.0.2.1") == [200, 429]
    assert answers(plugin, view, [0, 0], client="192.0.2.2") == [200, 429]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("unix", "unix", True),
        ("", "192.0.2.1", False),
    ],
)
def test_a_household_is_one_client(view, one, other, same):
    plugin = RateLimit(per_minute=1, burst=1)
    plugin.on_request(view(now=NOW, client=one))

    assert (plugin.on_request(view(now=NOW, client=other)) is not None) is same


def test_a_whole_network_can_count_as_one_client(view):
    plugin = RateLimit(per_minute=1, burst=1, ipv4_prefix=24)
    plugin.on_request(view(now=NOW, client="192.0.2.1"))

    assert plugin.on_request(view(now=NOW, client="192.0.2.254")) is not None


def test_only_the_named_methods_count(view):
    plugin = RateLimit(per_minute=1, burst=1, methods=frozenset({"POST"}))

    assert answers(plugin, view, [0, 0, 0], client="192.0.2.1") == [200, 200, 200]
    assert answers(plugin, view, [0, 0], client="192.0.2.1", method="POST") == [200, 429]


def test_the_office_is_exempt(view):
    plugin = RateLimit(per_minute=1, burst=1, exempt=Client((ipaddress.ip_network("10.0.0.0/8"),)))

    assert answers(plugin, view, [0, 0, 0], client="10.1.2.3") == [200, 200, 200]


def test_memory_is_bounded_and_the_noisy_client_is_not_the_one_forgotten(view):
    plugin = RateLimit(per_minute=1, burst=1, clients=3)
    plugin.on_request(view(now=NOW, client="192.0.2.1"))

    for last in range(2, 50):
        plugin.on_request(view(now=NOW, client=f"192.0.2.{last}"))
        assert plugin.on_request(view(now=NOW, client="192.0.2.1")).status == 429

    assert len(plugin._whole) == 3


def test_a_clock_set_back_shuts_nobody_out_for_longer_than_a_burst(view):
    plugin = RateLimit(per_minute=60, burst=2)
    answers(plugin, view, [0, 0], client="192.0.2.1")

    assert answers(plugin, view, [-86_400, -86_399], client="192.0.2.1") == [429, 200]


@given(
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=80),
    per_minute=st.sampled_from([6.0, 60.0, 90.0, 600.0]),
    burst=st.integers(1, 10),
)
def test_no_window_of_time_has_more_than_the_burst_and_the_rate(gaps, per_minute, burst):
    plugin = RateLimit(per_minute=per_minute, burst=burst)
    now, passed = NOW, []

    for gap in gaps:
        now += gap
        if not plugin.taken("a", now):
            passed.append(now)

    for first, since in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - since) * per_minute / 60 + 0.01
