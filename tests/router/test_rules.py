"""The plain scan, which is the specification: which rule wins, what it decides, and what `explain` says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.conditions import Between, In, Is, Method, Text
from router.errors import NoRule
from router.model import BUCKETS, Edits, Headers, Reply, RequestView
from router.patterns import PathPattern
from router.rules import Mirror, Redirect, Respond, Rule, Rules, Split, To, Treatment, intent_of


def request(path, method="GET", **known):
    return RequestView(method, path, Headers.of({}), host="shop.example", **known)


def rule(name, *paths, to="cms", when=(), **more):
    action = To(to) if isinstance(to, str) else to
    return Rule(name, tuple(PathPattern.parse(path) for path in paths), action, tuple(when), **more)


SHORT_TAIL = In("short_tail", frozenset({"1", "7", "grün"}))


@pytest.fixture
def shop():
    return Rules(
        [
            rule("basket", "/checkout/**", "/basket/**", to="commerce"),
            rule("short-tail product", "/catalogue/{sku}/", when=[Text("param", "sku", SHORT_TAIL)]),
            rule("long-tail product", "/catalogue/{sku}/", to="commerce"),
            rule("summer campaign", "/summer/**", when=[Between(100, 200, said="the summer")]),
            rule("new brand pages", "/brands/**", to=Split.of([("cms", 20), ("commerce", 80)])),
            rule("orders", "/orders/", when=[Method(frozenset({"POST"}))], to="commerce"),
            rule("pages", "/pages/**"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "name", "system"),
    [
        ("/basket", "basket", "commerce"),
        ("/basket/items/3", "basket", "commerce"),
        ("/catalogue/7/", "short-tail product", "cms"),
        ("/catalogue/gr%C3%BCn/", "short-tail product", "cms"),
        ("/catalogue/77/", "long-tail product", "commerce"),
        ("/pages/basket", "pages", "cms"),
    ],
)
def test_the_first_rule_that_holds_wins(shop, path, name, system):
    decision = shop.match(request(path))

    assert (decision.rule.name, decision.system) == (name, system)


@pytest.mark.parametrize("path", ["/basketball", "/catalogue/7", "/catalogue/", "/orders/", "/summer/"])
def test_a_look_alike_meets_no_rule(shop, path):
    with pytest.raises(NoRule, match=f"no rule for GET shop.example{path}"):
        shop.match(request(path, now=50))


def test_a_campaign_ends_by_itself(shop):
    assert shop.match(request("/summer/dresses", now=199)).rule.name == "summer campaign"
    with pytest.raises(NoRule):
        shop.match(request("/summer/dresses", now=200))


def test_the_names_of_the_winning_path_are_left_in_the_view(shop):
    view = request("/catalogue/gr%C3%BCn/")

    shop.match(view)
    assert view.params == {"sku": "gr%C3%BCn"}

    view.path = "/pages/"
    shop.match(view)
    assert view.params == {}


def test_of_several_paths_the_first_that_covers_gives_the_names():
    sale = [Text("param", "page", Is(frozenset({"sale"})))]
    rules = Rules([rule("two readings", "/{brand}/sale", "/acme/{page}", when=sale), rule("all", "/**")])

    # With its second path it would hold, condition and all; but its first path covers, so that is the one that counts.
    assert rules.match(request("/acme/sale")).rule.name == "all"


def test_explain_names_the_first_condition_that_does_not_hold(shop):
    steps = shop.explain(request("/catalogue/8/"))

    assert [(step.rule.name, step.held, step.failed) for step in steps] == [
        ("basket", False, "path /checkout/** or /basket/**"),
        ("short-tail product", False, "{sku} in list short_tail (3 values)"),
        ("long-tail product", True, ""),
    ]


def test_explain_goes_through_all_rules_when_none_holds(shop):
    steps = shop.explain(request("/orders/"))

    assert len(steps) == len(shop.rules)
    assert not any(step.held for step in steps)
    assert steps[5].failed == "method is POST"


def test_decisions_are_made_once_and_numbered_densely(shop):
    assert [decision.number for decision in shop.decisions] == list(range(8))
    assert [decision.system for decision in shop.decisions if decision.rule.name == "new brand pages"] == [
        "cms",
        "commerce",
    ]
    assert shop.match(request("/basket")) is shop.match(request("/basket/3"))


def test_a_fallback_has_its_own_decision():
    product = rule("product", "/catalogue/{sku}/", to="cms", treatment=Treatment(fallback="commerce"))

    rules = Rules([product])

    assert product.systems == ("cms",)
    assert [decision.system for decision in rules.decisions] == ["cms", "commerce"]
    assert rules.match(request("/catalogue/1/")).system == "cms"


@pytest.mark.parametrize("action", [Redirect("/new/{sku}"), Respond(Reply(410))])
def test_a_rule_that_answers_by_itself_asks_no_system(action):
    gone = rule("gone", "/old/{sku}", to=action)

    assert gone.systems == ()
    assert Rules([gone]).match(request("/old/1")).system == ""


def test_only_a_rule_with_names_needs_them():
    assert rule("product", "/p", "/catalogue/{sku}/").needs_params
    assert not rule("pages", "/p", "/catalogue/*/**").needs_params


@pytest.mark.parametrize(
    ("treatment", "plain"),
    [
        (Treatment(), True),
        (Treatment(fallback="commerce", retries=2, body_limit=5), True),
        (Treatment(rewrite="/x"), False),
        (Treatment(request=Edits(remove=["x-a"])), False),
        (Treatment(request=Edits()), True),
        (Treatment(response=Edits(set={"x-a": "1"})), False),
        (Treatment(plugins=(object(),)), False),
        (Treatment(mirror=Mirror("cms")), False),
    ],
)
def test_a_treatment_is_plain_when_nothing_is_changed_on_the_way(treatment, plain):
    assert treatment.plain is plain


def test_a_page_type_has_an_intent():
    assert [intent_of(page) for page in ("checkout", "login", "api", "asset", "campaign", "")] == [
        "buy", "account", "api", "asset", "browse", "browse",
    ]  # fmt: skip


# --- splits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([("cms", 20), ("commerce", 70)], "add up to 90 %, not 100 %"),
        ([("cms", 60), ("commerce", 60)], "add up to 120 %, not 100 %"),
        ([("cms", 33.333), ("commerce", 66.667)], "a share of 33.333 % is not a multiple of 0.01 %"),
        ([("cms", -10), ("commerce", 110)], "a share of -10 % is not"),
        ([("cms", float("nan")), ("commerce", 100)], "a share of nan % is not"),
        ([("cms", float("inf"))], "a share of inf % is not"),
        ([], "add up to 0 %"),
    ],
)
def test_shares_that_are_not_exact_are_refused(shares, message):
    with pytest.raises(ValueError, match=message):
        Split.of(shares)


def hundredths(total, count):
    """Lists of `count` whole numbers that add up to `total`."""
    cuts = st.lists(st.integers(0, total), min_size=count - 1, max_size=count - 1).map(sorted)
    return cuts.map(lambda at: [after - before for before, after in zip([0, *at], [*at, total], strict=True)])


@given(st.integers(1, 4).flatmap(lambda count: hundredths(BUCKETS, count)))
def test_shares_are_exact_over_all_buckets(shares):
    systems = [f"s{place}" for place in range(len(shares))]

    split = Split.of([(system, share / 100) for system, share in zip(systems, shares, strict=True)])

    dealt = [split.system(bucket) for bucket in range(BUCKETS)]
    assert [dealt.count(system) for system in systems] == shares


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_raising_the_first_share_moves_nobody_away_from_it(one, other):
    low, high = sorted((one, other))
    before = Split.of([("cms", low / 100), ("commerce", 100 - low / 100)])
    after = Split.of([("cms", high / 100), ("commerce", 100 - high / 100)])

    moved = [bucket for bucket in range(BUCKETS) if before.system(bucket) != after.system(bucket)]

    assert len(moved) == high - low
    assert all(after.system(bucket) == "cms" for bucket in moved)


def test_a_visitor_stays_on_the_system_of_the_bucket(shop):
    assert shop.match(request("/brands/acme", given_bucket=1999)).system == "cms"
    assert shop.match(request("/brands/acme", given_bucket=2000)).system == "commerce"


def test_a_bucket_is_dealt_only_where_a_split_asks_for_it(shop):
    view = request("/basket", allot=lambda: 5)
    shop.match(view)
    assert view.allotted == -1

    view.path = "/brands/acme"
    assert shop.match(view).system == "cms"
    assert view.allotted == 5
