from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugins.ab_label import AbLabel, dealt
from router.exchange import inbound
from router.headers import applied
from router.model import BUCKETS, Headers

PLUGIN = AbLabel("navigation", {"mega-menu": 2000, "control": 8000})


def bucket_of(label: str) -> int:
    return PLUGIN._labels.index(label)


def test_the_system_and_the_pages_script_hear_of_the_same_variant(view, response):
    request = view(given_bucket=bucket_of("mega-menu"))

    assert PLUGIN.on_request(request).set == {"X-Ab-navigation": "mega-menu"}
    assert ("Server-Timing", 'ab-navigation;desc="mega-menu"') in PLUGIN.on_response(request, response()).add


def test_a_client_cannot_choose_its_variant(view):
    lines = Headers.of({"x-ab-navigation": "mega-menu"}).lines

    sent = applied(lines, PLUGIN.on_request(view(given_bucket=bucket_of("control"))))

    assert sent == [(b"X-Ab-navigation", b"control")]


def test_a_visitor_keeps_the_variant_by_the_buckets_cookie(view, response):
    first = view(allot=lambda: 4711)
    label = PLUGIN.on_request(first).set
    answer = inbound(first, first.decision, response(), [PLUGIN])
    cookie = next(value for name, value in answer.add if name == "Set-Cookie").partition(";")[0]

    again = view(headers={"Cookie": cookie}, allot=lambda: 1)

    assert again.bucket == 4711
    assert PLUGIN.on_request(again).set == label
    assert answer.set["Cache-Control"] == "no-store"
    assert not any(name == "Set-Cookie" for name, _ in inbound(again, again.decision, response(), [PLUGIN]).add)


def test_a_shared_cache_hears_that_the_page_has_variants(view, response):
    request = view(given_bucket=1)

    assert ("Vary", "Cookie") in PLUGIN.on_response(request, response()).add
    assert ("Vary", "Cookie") not in PLUGIN.on_response(request, response(headers={"Vary": "Accept, Cookie"})).add


def test_the_header_can_be_named_and_the_script_kept_in_the_dark(view, response):
    plugin = AbLabel("navigation", {"a": 5000, "b": 5000}, header="X-Variant", timing=False)

    assert list(plugin.on_request(view(given_bucket=0)).set) == ["X-Variant"]
    assert not any(name == "Server-Timing" for name, _ in plugin.on_response(view(given_bucket=0), response()).add)


@given(st.lists(st.integers(0, BUCKETS), min_size=0, max_size=4))
@settings(max_examples=30, deadline=None)
def test_shares_are_exact(cuts):
    ends = [*sorted(cuts), BUCKETS]
    shares = {f"v{place}": end - begin for place, (begin, end) in enumerate(zip([0, *ends], ends, strict=False))}

    assert Counter(dealt("an experiment", shares)) == Counter(shares)


def kept(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """The variants, the control left out, whose visitors all kept them."""
    pairs = list(zip(dealt("an experiment", before), dealt("an experiment", after), strict=True))
    *others, _ = before
    return {name for name in others if all(new == name for old, new in pairs if old == name)}


def with_control(*shares: int) -> dict[str, int]:
    return {f"v{place}": share for place, share in enumerate(shares)} | {"control": BUCKETS - sum(shares)}


@given(st.lists(st.tuples(st.integers(0, BUCKETS), st.integers(0, BUCKETS)), min_size=1, max_size=2))
@settings(max_examples=40, deadline=None)
def test_raising_one_or_two_variants_to_any_share_moves_nobody_back(steps):
    before, after = with_control(*map(min, steps)), with_control(*map(max, steps))
    assume(after["control"] >= 0)

    assert kept(before, after) == set(before) - {"control"}


@given(st.data(), st.integers(3, 6))
@settings(max_examples=40, deadline=None)
def test_raising_many_variants_within_their_own_part_moves_nobody_back(data, variants):
    share = st.integers(0, BUCKETS // variants)
    steps = data.draw(st.lists(st.tuples(share, share), min_size=variants, max_size=variants))
    before, after = with_control(*map(min, steps)), with_control(*map(max, steps))

    assert kept(before, after) == set(before) - {"control"}


def test_experiments_are_independent_of_each_other_and_of_a_split():
    one, other = dealt("one", {"a": 5000, "b": 5000}), dealt("other", {"a": 5000, "b": 5000})

    both = sum(x == y == "a" for x, y in zip(one, other, strict=True))
    on_cms = sum(label == "a" for label in one[:2000])

    assert 2300 < both < 2700  # a quarter, give or take four standard deviations
    assert 850 < on_cms < 1150


def test_a_visitors_variant_is_the_same_in_every_version_of_inseam():
    labels = dealt("navigation", {"a": 2500, "b": 2500, "control": 5000})

    assert "".join(label[0] for label in labels[:32]) == "acabaababbabcbcacccccccabcacbcac"


@pytest.mark.parametrize(
    ("experiment", "variants", "says"),
    [
        ("nav", {"a": 5000, "b": 4000}, "add up to 90 %"),
        ("nav", {}, "add up to 0 %"),
        ("n a v", {"a": BUCKETS}, "cannot be a name"),
        ("nav", {'a"': BUCKETS}, "cannot be a name"),
        ("", {"a": BUCKETS}, "cannot be a name"),
    ],
)
def test_an_experiment_that_cannot_be_run_is_refused(experiment, variants, says):
    with pytest.raises(ValueError, match=says):
        AbLabel(experiment, variants)
