"""The index: the same answers as the plain scan, and as few questions however many rules there are."""

from __future__ import annotations

import random

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from router.conditions import Between, Country, Host, In, Is, Matches, Method, Present, Session, Text
from router.errors import NoRule
from router.index import Index
from router.model import Headers, RequestView, Visit
from router.patterns import PathPattern
from router.rules import Redirect, Rule, Rules, Split, To


def request(path, host="shop.example", **known):
    return RequestView(known.pop("method", "GET"), path, Headers.of(known.pop("headers", {})), host=host, **known)


def rule(name, *paths, to="cms", when=()):
    action = To(to) if isinstance(to, str) else to
    return Rule(name, tuple(PathPattern.parse(path) for path in paths), action, tuple(when))


def answer(rules, view):
    """What is decided for a request: rule, system and names, or nothing."""
    view.params = {"left": "over"}
    try:
        decision = rules.match(view)
    except NoRule as error:
        return str(error)
    return decision.rule, decision.system, view.params


def agreed(rules, view):
    """The name of the rule that wins, which index and plain scan must agree on."""
    said = answer(Index(rules), view)
    assert said == answer(Rules(rules), view)
    return said if isinstance(said, str) else said[0].name


# --- property: the index is the plain scan ----------------------------------------------------------------------------

SEGMENTS = ["a", "b", "{x}", "{y}", "*", "**", "a*", "*b", "*a*"]


def _pattern(segments, end):
    """The segments as a pattern, a repeated `{name}` having become `*`."""
    once = [s if s[0] != "{" or segments.index(s) == place else "*" for place, s in enumerate(segments)]
    return PathPattern.parse("/" + "/".join(once) + end if once else end or "/")


patterns = st.builds(_pattern, st.lists(st.sampled_from(SEGMENTS), max_size=3), st.sampled_from(["", "/", "/**"]))
paths = st.builds(
    lambda segments, end: "/" + "/".join(segments) + end if segments else "/",
    st.lists(st.sampled_from(["a", "b", "ab", "%61", "c"]), max_size=4),
    st.sampled_from(["", "", "/"]),
)
HOSTS = ["shop.example", "www.shop.example", "a.www.shop.example", "brand.example", ".shop.example", "", "example"]
hosts = st.builds(
    lambda names, below: Host(frozenset(names), tuple(below)),
    st.lists(st.sampled_from(HOSTS[:4]), max_size=2),
    st.lists(st.sampled_from([".shop.example", ".example", "example"]), max_size=2),
)
texts = st.frozensets(st.sampled_from(["a", "b", "ab", "c"]), max_size=3)
names = st.builds(
    Text,
    st.just("param"),
    st.sampled_from("xyz"),
    st.one_of(
        st.builds(Is, texts),
        st.builds(In, st.just("list"), texts),
        st.builds(Present, st.booleans()),
        st.builds(Matches, st.just("a.?")),
    ),
)
others = st.sampled_from(
    [
        Method(frozenset({"POST"})),
        Text("header", "x", Is(frozenset({"b"}))),
        Between(10, 20),
        Session(login=True),
        Session(basket="filled"),
        Country(frozenset({"AT"})),
    ]
)
actions = st.sampled_from(
    [To("cms"), To("commerce"), Split.of([("cms", 20), ("commerce", 80)]), Redirect("/elsewhere")],
)


@st.composite
def shops(draw):
    """Up to 40 rules over a handful of patterns, so that they collide."""
    few = draw(st.lists(patterns, min_size=1, max_size=6))
    count = draw(st.integers(1, 40))
    chosen = st.lists(st.sampled_from(few), min_size=1, max_size=2).map(tuple)
    conditions = st.lists(st.one_of(hosts, names, others), max_size=2).map(tuple)
    return [
        Rule(f"rule {number}", draw(chosen), draw(actions), draw(conditions)) for number in range(count)
    ]  # fmt: skip


views = st.builds(
    request,
    paths,
    host=st.sampled_from(HOSTS),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.sampled_from([{}, {"X": "b"}]),
    now=st.sampled_from([5.0, 10.0, 20.0]),
    visit=st.builds(Visit, st.booleans(), st.integers(0, 1)),
    country=st.sampled_from(["", "AT"]),
    given_bucket=st.sampled_from([0, 1999, 2000, 9999]),
)


@settings(max_examples=400, deadline=None)
@given(shops(), st.lists(views, min_size=1, max_size=12))
def test_the_index_answers_as_the_plain_scan_does(rules, requests):
    plain, index = Rules(rules), Index(rules)

    for view in requests:
        said = answer(index, view)

        assert said == answer(plain, view)
        last = index.explain(view)[-1]
        assert last.held is not isinstance(said, str)
        assert not last.held or last.rule is said[0]


@settings(max_examples=100, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=60), st.lists(paths, min_size=1, max_size=20))
def test_the_index_finds_every_path_that_a_pattern_covers(many, asked):
    rules = [Rule(pattern.text, (pattern,), To("cms")) for pattern in many]
    index, plain = Index(rules), Rules(rules)

    for path in asked:
        assert answer(index, request(path)) == answer(plain, request(path))


# --- by example: what a property test could miss ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("/pages/a.html", "html pages"),
        ("/pages/a", "pages"),
        ("/pages/early/a.html", "early"),
        ("/pages", "pages"),
        ("/shop/x/reviews", "reviews"),
        ("/shop/x/views", "no rule for GET shop.example/shop/x/views"),
        ("/x.jpg", "pictures"),
        ("/pages/x.jpg", "pages"),
    ],
)
def test_globs_stand_in_file_order_among_the_others(path, winner):
    rules = [
        rule("early", "/pages/early/**"),
        rule("html pages", "/pages/*.html"),
        rule("pages", "/pages/**"),
        rule("reviews", "/shop/**/reviews"),
        rule("pictures", "/**/*.jpg"),
        rule("late", "/pages/*"),
    ]

    assert agreed(rules, request(path)) == winner


def test_a_rule_whose_first_path_covers_is_not_tried_with_its_second():
    sale = [Text("param", "page", Is(frozenset({"sale"})))]
    for second in ("/acme/{page}", "/acme/**/{page}"):
        rules = [rule("two readings", "/{brand}/sale", second, when=sale), rule("all", "/**")]

        assert agreed(rules, request("/acme/sale")) == "all"


def test_a_rule_with_two_paths_keeps_its_first_reading_among_many():
    """Drawers by value would hide the first path, which covers and then fails, and find the second."""

    def page(value):
        return [Text("param", "page", Is(frozenset({value})))]

    rules = [
        rule("two readings", "/{page}/sale", "/acme/{page}", when=page("sale")),
        *(rule(f"page {n}", "/acme/{page}", when=page(f"{n}")) for n in range(20)),
        *(rule(f"sale {n}", "/{page}/sale", when=page(f"{n}")) for n in range(20)),
        rule("all", "/**"),
    ]

    assert agreed(rules, request("/acme/sale")) == "all"
    assert agreed(rules, request("/acme/7")) == "page 7"
    assert agreed(rules, request("/7/sale")) == "sale 7"
    assert agreed(rules, request("/sale/sale")) == "two readings"


def test_names_of_an_earlier_rule_that_failed_are_not_left_over():
    rules = [rule("posts", "/catalogue/{sku}/", when=[Method(frozenset({"POST"}))]), rule("all", "/**")]
    view = request("/catalogue/7/")

    assert Index(rules).match(view).rule.name == "all"
    assert view.params == {}


@pytest.mark.parametrize("path", ["", "*", "catalogue/7/", "/", "//", "/catalogue//"])
def test_odd_paths_are_answered_as_by_the_plain_scan(path):
    rules = [
        rule("product", "/catalogue/{sku}/"),
        rule("brand", "/{brand}/**"),
        rule("page", "/*/"),
        rule("all", "/**"),
    ]

    agreed(rules, request(path))
    agreed(rules[:3], request(path))


def test_a_path_in_letters_of_its_own_is_answered_too():
    rules = [rule("street", "/straße/*.html"), rule("all", "/**")]

    assert agreed(rules, request("/stra%C3%9Fe/a.html")) == "street"
    assert agreed(rules, request("/straße/a.html")) == "all"
    assert agreed([rule("any", "/**/x*")], request("/straße/xß")) == "any"


def test_no_rules_at_all_is_an_empty_shop():
    assert agreed([], request("/")) == "no rule for GET shop.example/"
    assert agreed([Rule("pathless", (), To("cms"))], request("/")) == "no rule for GET shop.example/"


# --- however many rules there are -------------------------------------------------------------------------------------


class Asked:
    """A condition that counts how often any of its kind is asked."""

    times = 0

    def __init__(self, holds=False):
        self.holds = holds

    def __call__(self, view):
        Asked.times += 1
        return self.holds


@pytest.fixture
def asked():
    Asked.times = 0
    return Asked


def brands(count, *paths, when=()):
    for number in range(count):
        host = Host(frozenset({f"brand-{number}.example", f"www.brand-{number}.example"}))
        yield rule(f"brand {number}", *(paths or ["/**"]), when=[Asked(holds=True), host, *when])


def test_a_thousand_brand_domains_cost_as_much_as_one(asked):
    index = Index([*brands(1000), rule("all", "/**")])

    assert index.match(request("/", host="www.brand-777.example")).rule.name == "brand 777"
    assert asked.times == 1
    assert index.match(request("/", host="shop.example")).rule.name == "all"
    assert asked.times == 1


def test_brand_domains_share_globs_and_exact_paths_too(asked):
    index = Index([rule for path in ("/", "/*.html", "/shop/{sku}", "/**/{sku}/size") for rule in brands(1000, path)])

    for path, names in [("/", {}), ("/about.html", {}), ("/shop/7", {"sku": "7"}), ("/a/b/7/size", {"sku": "7"})]:
        asked.times = 0
        view = request(path, host="brand-777.example")

        assert index.match(view).rule.name == "brand 777"
        assert asked.times == 1
        assert view.params == names


def test_names_below_a_domain_are_found_without_asking_all(asked):
    rules = [
        rule(f"below {n}", "/**", when=[Asked(holds=True), Host(frozenset(), (f".brand-{n}.example",))])
        for n in range(99)
    ]
    index = Index([*rules, rule("all", "/**")])

    assert index.match(request("/", host="a.b.brand-7.example")).rule.name == "below 7"
    assert asked.times == 1
    assert index.match(request("/", host="brand-7.example")).rule.name == "all"


def test_thousands_of_products_with_rules_of_their_own_cost_as_much_as_one(asked):
    def moved(number):
        return [Asked(holds=True), Text("param", "sku", Is(frozenset({f"{number}", f"ü{number}"})))]

    index = Index([*(rule(f"moved {n}", "/catalogue/{sku}/", when=moved(n)) for n in range(5000)), rule("all", "/**")])

    assert index.match(request("/catalogue/4321/")).rule.name == "moved 4321"
    assert index.match(request("/catalogue/%C3%BC4321/")).rule.name == "moved 4321"
    assert index.match(request("/catalogue/5000/")).rule.name == "all"
    assert asked.times == 2


def test_products_of_many_brands_are_told_apart_by_both(asked):
    def product(number):
        return [Text("param", "sku", In(f"list {number}", frozenset({str(number)})))]

    index = Index([r for n in range(50) for r in brands(20, "/catalogue/{sku}/", when=product(n))])

    view = request("/catalogue/33/", host="brand-7.example")

    assert index.match(view).rule is Rules(index.rules).match(view).rule
    asked.times = 0
    index.match(view)
    assert asked.times == 1


def test_a_rule_without_drawer_keeps_its_place_among_those_with_one():
    many = [rule(f"brand {n}", "/**", when=[Host(frozenset({f"brand-{n}.example"}))]) for n in range(20)]
    at_ten = rule("holiday", "/**", when=[Session(login=True)])
    rules = [*many[:10], at_ten, *many[10:]]

    assert agreed(rules, request("/", host="brand-9.example", visit=Visit(login=True))) == "brand 9"
    assert agreed(rules, request("/", host="brand-11.example", visit=Visit(login=True))) == "holiday"
    assert agreed(rules, request("/", host="brand-11.example")) == "brand 11"


def test_the_conditions_of_later_rules_are_not_asked(asked):
    index = Index([rule("first", "/**"), *(rule(f"later {n}", "/**", when=[Asked()]) for n in range(100))])

    assert index.match(request("/")).rule.name == "first"
    assert asked.times == 0


def test_whole_segments_take_no_compiled_expression(monkeypatch):
    def refuse(*_):
        raise AssertionError("RE2 was asked")

    monkeypatch.setattr(re2, "compile", refuse)
    monkeypatch.setattr(re2.Set, "Match", refuse)
    rules = [rule("html", "/pages/*.html"), rule("product", "/catalogue/{sku}/"), rule("all", "/**")]
    view = request("/catalogue/7/")

    assert Index(rules).match(view).rule.name == "product"
    assert Index(rules).match(request("/")).rule.name == "all"
    assert [step.rule.name for step in Index(rules[1:]).explain(view)] == ["product"]


def test_a_hostile_path_is_cut_where_the_rules_end():
    index = Index([rule("a", "/a/a/a/{x}/b"), rule("deep", "/a/**"), rule("glob", "/**/*.jpg")])
    hostile = "/a" * 4000

    assert index.match(request(hostile)).rule.name == "deep"
    with pytest.raises(NoRule):
        index.match(request("/b" * 4000))


def test_thousands_of_globs_are_one_question(monkeypatch):
    questions = []
    ask = re2.Set.Match

    def counted(self, path):
        questions.append(path)
        return ask(self, path)

    rules = [rule(f"glob {n}", f"/brand-{n}/*.html", f"/**/x{n}-*") for n in range(3000)]
    index = Index([*rules, rule("all", "/**")])

    monkeypatch.setattr(re2.Set, "Match", counted)

    assert index.match(request("/brand-2999/about.html")).rule.name == "glob 2999"
    assert index.match(request("/elsewhere/about.html")).rule.name == "all"
    assert len(questions) == 2
    assert index.match(request("/deep/down/x2998-7")).rule.name == "glob 2998"
    assert index.match(request("/brand-2999/about.htm")).rule.name == "all"


def test_globs_with_several_stars_are_kept_out_of_the_set(monkeypatch):
    """There they could make a hostile path cost a hundred times as much."""

    def refuse(*_):
        raise AssertionError("the set was asked")

    monkeypatch.setattr(re2.Set, "Match", refuse)
    rules = [rule("sale", "/{brand}/*-sale-*.html"), rule("years", "/**/20*-2*/**"), rule("all", "/**")]
    view = request("/acme/big-sale-now.html")

    assert Index(rules).match(view).rule.name == "sale"
    assert view.params == {"brand": "acme"}
    assert agreed(rules, request("/news/2025-2026/winter")) == "years"
    assert agreed(rules, request("/news/25-2026/winter")) == "all"


def test_a_large_shop_is_answered_as_by_the_plain_scan():
    chance = random.Random(7)
    shapes = ["/c/{a}/p-{n}/", "/c/x{n}/{b}", "/b{n}/**", "/{a}/b{n}/**", "/m{n}/*.html", "/e/{n}", "/{a}/{b}/z{n}"]
    rules = []
    for number in range(2000):
        path = shapes[number % len(shapes)].replace("{n}", str(number % 300))
        when = [Host(frozenset({f"h{chance.randrange(3)}"}))] if chance.random() < 0.5 else []
        rules.append(rule(str(number), path, when=when))
    index, plain = Index(rules), Rules(rules)

    for _ in range(300):
        shape = chance.choice(shapes).replace("{n}", str(chance.randrange(300)))
        path = shape.replace("{a}", "c").replace("{b}", "x7").replace("**", "q/r").replace("*", "s")
        view = request(path, host=f"h{chance.randrange(4)}")
        assert answer(index, view) == answer(plain, view)
