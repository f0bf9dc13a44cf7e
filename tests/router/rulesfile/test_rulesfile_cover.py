"""A rule that is said never to win never wins, and the plain cases are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rulesfile_shop import shop, view

from router.conditions import Host, Method
from router.errors import NoRule
from router.patterns import PathPattern
from router.rules import Rule, Rules, To
from router.rulesfile import lint
from router.rulesfile.cover import covers, shadowed


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("/**", "/a/b"), ("/**", "/"), ("/a/**", "/a"), ("/a/**", "/a/"), ("/a/**", "/a/{x}/b*"), ("/a/**", "/a/**"),
        ("/{x}", "/a"), ("/{x}/b", "/*/b"), ("/{x}/**", "/a/b"), ("/a*", "/ab"),
        ("/*.html", "/a.html"), ("/a/*", "/a/b*"),
    ],
)  # fmt: skip
def test_a_wide_path_covers_a_narrow_one(wide, narrow):
    assert covers(PathPattern.parse(wide), PathPattern.parse(narrow))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("/a", "/**"), ("/{x}", "/"), ("/{x}", "/a/"), ("/{x}", "/a/b"), ("/a/{x}", "/a/**"), ("/a*", "/{x}"),
        ("/a/**", "/b"),
        ("/a/**", "/ab"), ("/{x}/**", "/**"), ("/*.html", "/a.htm"), ("/a/b/**", "/a"), ("/**/a", "/b/a"),
    ],
)  # fmt: skip
def test_a_path_that_leaves_something_out_covers_nothing(wide, narrow):
    assert not covers(PathPattern.parse(wide), PathPattern.parse(narrow))


segment = st.sampled_from(["a", "b", "ab", "a*", "*b", "*", "{x}", "**", ""])
patterns = st.lists(segment, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
paths = st.lists(st.sampled_from(["a", "b", "ab", "ba", "c", ""]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def parsed(text: str) -> PathPattern | None:
    try:
        return PathPattern.parse(text)
    except Exception:
        return None


@given(patterns, patterns, st.lists(paths, max_size=20))
def test_nothing_escapes_a_path_that_covers_another(wide, narrow, requests):
    one, other = parsed(wide), parsed(narrow)
    if one is None or other is None or not covers(one, other):
        return

    assert [path for path in requests if other(path) and not one(path)] == []


some_conditions = st.sets(
    st.sampled_from(
        [Method(frozenset({"GET"})), Host(frozenset({"a"})), Host(frozenset({"b"})), Method(frozenset({"POST"}))]
    ),
    max_size=2,
).map(tuple)


@given(
    st.lists(st.tuples(st.lists(patterns, min_size=1, max_size=2), some_conditions), max_size=8),
    st.lists(st.tuples(paths, st.sampled_from(["GET", "POST"]), st.sampled_from(["a", "b"])), max_size=20),
)
def test_a_rule_that_is_said_never_to_win_never_wins(drafts, requests):
    rules = []
    for number, (texts, conditions) in enumerate(drafts):
        found = tuple(path for path in map(parsed, texts) if path is not None)
        if found:
            rules.append(Rule(f"rule {number}", found, To("cms"), conditions))
    losers = {id(rule) for rule, _ in shadowed(rules)}
    scan = Rules(rules)

    for path, method, host in requests:
        try:
            decision = scan.match(view(path, method=method, host=host))
        except NoRule:
            continue
        assert id(decision.rule) not in losers


def test_the_same_name_at_another_place_is_another_condition():
    generation = shop(
        """
        - {name: first segment, path: "/{x}/{y}", when: {x: a}, to: cms}
        - {name: second segment, path: "/{y}/{x}", when: {x: a}, to: cms}
        - {name: rest, path: /**, to: commerce}
        """
    )

    assert [problem for problem in lint(generation) if "never win" in problem.message] == []


def test_thousands_of_rules_with_one_path_are_checked_in_no_time():
    rules = "\n".join(
        f"- {{name: brand {number}, path: /**, when: {{host: b{number}.example}}, to: cms}}" for number in range(3000)
    )

    assert [problem for problem in lint(shop(rules)) if "never win" in problem.message] == []
