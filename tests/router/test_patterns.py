"""Path patterns: what they hold for, what they remember, and what is refused when the rules load."""

from __future__ import annotations

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from router.errors import ClientError
from router.patterns import PathPattern, PatternError, Segment, canonical_segment
from router.wire.target import canonical


@pytest.mark.parametrize(
    ("pattern", "path", "holds"),
    [
        ("/", "/", True),
        ("/", "/a", False),
        ("/cart", "/cart", True),
        ("/cart", "/cart/", False),
        ("/cart", "/cartoon", False),
        ("/cart", "/Cart", False),
        ("/cart/", "/cart/", True),
        ("/cart/", "/cart", False),
        ("/brands/**", "/brands", True),
        ("/brands/**", "/brands/", True),
        ("/brands/**", "/brands/acme/news/", True),
        ("/brands/**", "/brandstore", False),
        ("/**", "/", True),
        ("/**", "/anything/at/all", True),
        ("/catalogue/*/", "/catalogue/999/", True),
        ("/catalogue/*/", "/catalogue//", False),
        ("/catalogue/*/", "/catalogue/999", False),
        ("/catalogue/*/", "/catalogue/999/reviews/", False),
        ("/catalogue/{sku}", "/catalogue/", False),
        ("/pages/*.html", "/pages/about.html", True),
        ("/pages/*.html", "/pages/.html", True),
        ("/pages/*.html", "/pages/de/about.html", False),
        ("/pages/*.html", "/pages/about-html", False),
        ("/pages/a*b*c", "/pages/abc", True),
        ("/pages/a*b*c", "/pages/acb", False),
        ("/shop/**/reviews", "/shop/reviews", True),
        ("/shop/**/reviews", "/shop/a/b/reviews", True),
        ("/shop/**/reviews", "/shop/a/previews", False),
        ("/**/*.jpg", "/cat.jpg", True),
        ("/**/*.jpg", "/media/2026/cat.jpg", True),
        ("/**/*.jpg", "/media/cat.jpg/thumb", False),
        ("/a+b(c)/$1", "/a+b(c)/$1", True),
        ("/a+b(c)/$1", "/aab(c)/$1", False),
        ("/straße", "/stra%C3%9Fe", True),
        ("/straße", "/strasse", False),
        ("/%7euser", "/~user", True),
        ("/%2A", "/%2A", True),
        ("/%2A", "/x", False),
        ("/a%2A*", "/a%2Ax", True),
        ("/a%2A*", "/axx", False),
        ("/**", "*", False),
    ],
)
def test_a_pattern_holds_for_its_paths_and_not_for_look_alikes(pattern, path, holds):
    assert PathPattern.parse(pattern)(path) is holds


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        ("/catalogue/{sku}/", "/catalogue/999/", {"sku": "999"}),
        ("/{country}/{language}/**", "/at/de/home", {"country": "at", "language": "de"}),
        ("/{country}/{language}/**", "/at/de", {"country": "at", "language": "de"}),
        ("/catalogue/{sku}/", "/catalogue/gr%C3%BCn/", {"sku": "gr%C3%BCn"}),
        ("/shop/**/p/{sku}", "/shop/a/p/p/7", {"sku": "7"}),
        ("/{brand}/*.html", "/acme/about.html", {"brand": "acme"}),
        ("/*/{sku}", "/x/7", {"sku": "7"}),
        ("/brands/**", "/brands/acme", {}),
    ],
)
def test_a_name_stands_for_one_segment(pattern, path, names):
    assert PathPattern.parse(pattern).capture(path) == names


def test_a_path_that_is_not_covered_has_no_names():
    assert PathPattern.parse("/catalogue/{sku}/").capture("/basket/") is None


@pytest.mark.parametrize(
    ("pattern", "exact", "simple"),
    [
        ("/", "/", True),
        ("/checkout/", "/checkout/", True),
        ("/straße", "/stra%C3%9Fe", True),
        ("/catalogue/{sku}/", None, True),
        ("/brands/**", None, True),
        ("/**", None, True),
        ("/pages/*.html", None, False),
        ("/**/reviews", None, False),
        ("/**/**", None, False),
    ],
)
def test_the_index_learns_what_it_takes_to_decide_a_pattern(pattern, exact, simple):
    parsed = PathPattern.parse(pattern)

    assert (parsed.exact, parsed.simple) == (exact, simple)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("/**/*-sale-*.html", ("-sale-", ".html")),
        ("/a*/**/straße/", ("a", "stra%C3%9Fe")),
        ("/**/**", ()),
        ("/brands/**", ()),
    ],
)
def test_a_path_without_the_words_of_a_glob_need_not_be_searched(pattern, words):
    assert PathPattern.parse(pattern).words == words


def test_segments_are_those_after_the_leading_slash():
    assert PathPattern.parse("/a/{b}/c*/**").segments == (
        Segment("literal", "a"),
        Segment("one", "b"),
        Segment("glob", "c*"),
        Segment("deep", ""),
    )
    assert PathPattern.parse("/a/").segments == (Segment("literal", "a"), Segment("literal", ""))


def test_patterns_are_equal_when_their_texts_are():
    assert PathPattern.parse("/catalogue/{sku}/") == PathPattern.parse("/catalogue/{sku}/")
    assert PathPattern.parse("/catalogue/{sku}/") != PathPattern.parse("/catalogue/{id}/")
    assert len({PathPattern.parse("/a*"), PathPattern.parse("/a*")}) == 1
    assert repr(PathPattern.parse("/a*")) == "PathPattern(text='/a*')"
    assert str(PathPattern.parse("/a*")) == "/a*"


@pytest.mark.parametrize(
    ("pattern", "message", "column"),
    [
        ("checkout", "does not start with a slash", 0),
        ("", "does not start with a slash", 0),
        ("/search?q=1", "has a query or fragment", 7),
        ("/a#b?c", "has a query or fragment", 2),
        ("/a//b", "has an empty segment", 2),
        ("/a/**b", "`**` must be a whole segment", 3),
        ("/a/***", "`**` must be a whole segment", 3),
        ("/a/{sku}.html", "must be a whole segment", 3),
        ("/a/{1}", "must be a whole segment", 3),
        ("/a/{}", "must be a whole segment", 3),
        ("/{sku}/{sku}", "has the name {sku} twice", 7),
        ("/a/../b", "a dot segment", 3),
        ("/a/.", "a dot segment", 3),
        ("/a/%2e%2E/b", "a dot segment", 3),
        ("/a/b;c=1", "has ';'", 3),
        ("/a\\b", "has '\\\\'", 1),
        ("/a/%", "a % that encodes nothing", 3),
        ("/a/%zz", "a % that encodes nothing", 3),
        ("/a%2fb", "an encoded slash", 1),
        ("/a%5Cb", "an encoded backslash", 1),
        ("/a%00", "an encoded control character", 1),
        ("/a\tb", "an encoded control character", 1),
        ("/a%252e", "a double encoding", 1),
        ("/a%FF", "not UTF-8", 1),
    ],
)
def test_a_pattern_that_no_request_can_meet_is_refused_with_a_way_out(pattern, message, column):
    with pytest.raises(PatternError) as caught:
        PathPattern.parse(pattern)

    assert message in str(caught.value)
    assert caught.value.column == column
    assert caught.value.hint


# --- properties -------------------------------------------------------------------------------------------------------

whole = st.sampled_from(["a", "b", "a.b", "%C3%BC", "{x}", "{y}", "*"])
any_kind = st.sampled_from(["a", "b", "a.b", "{x}", "{y}", "*", "**", "a*", "*b", "a*b*"])
ends = st.sampled_from(["", "/", "/**"])


def _once(segments: list[str]) -> list[str]:
    """The segments, a repeated `{name}` having become `*`."""
    return [s if s[:1] != "{" or segments.index(s) == place else "*" for place, s in enumerate(segments)]


simple_patterns = st.builds(
    lambda segments, end: "/" + "/".join(_once(segments)) + end if segments else end or "/",
    st.lists(whole, max_size=4), ends,
)  # fmt: skip
patterns = st.builds(
    lambda segments, end: "/" + "/".join(_once(segments)) + end if segments else end or "/",
    st.lists(any_kind, max_size=4), ends,
)  # fmt: skip
paths = st.builds(
    lambda segments, end: "/" + "/".join(segments) + end if segments else "/",
    st.lists(st.sampled_from(["a", "b", "ab", "a.b", "aXb", "%C3%BC", "c"]), max_size=6),
    st.sampled_from(["", "/"]),
)


@given(simple_patterns, paths)
@example("/**", "")
@example("/**", "*")
@example("/a/**", "/a\n")
@example("/{x}", "/\n")
@example("/a/*", "/a//")
def test_a_walk_over_segments_answers_as_the_expression_does(text, path):
    pattern = PathPattern.parse(text)
    found = re2.compile(pattern.regex).fullmatch(path)

    assert pattern.simple
    assert pattern.capture(path) == (None if found is None else dict(zip(pattern.names, found.groups(), strict=True)))


@given(patterns, paths)
def test_a_pattern_holds_exactly_where_its_meaning_says(text, path):
    assert PathPattern.parse(text)(path) is _means(_once(text[1:].split("/")), path[1:].split("/"))


def _means(pattern: list[str], parts: list[str]) -> bool:
    """The meaning of a pattern, spelled out by recursion."""
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        if not rest:
            return True
        return _means(rest, parts) or (bool(parts) and _means(pattern, parts[1:]))
    if not parts:
        return False
    if first == "*" or first.startswith("{"):
        return parts[0] != "" and _means(rest, parts[1:])
    return _glob(first, parts[0]) and _means(rest, parts[1:])


def _glob(glob: str, text: str) -> bool:
    if not glob:
        return not text
    if glob[0] == "*":
        return _glob(glob[1:], text) or (bool(text) and _glob(glob, text[1:]))
    return bool(text) and glob[0] == text[0] and _glob(glob[1:], text[1:])


@given(st.text(st.sampled_from("aZ.~-_!$&'()*+,=:@%2Ff5cC3bBeE0öß ü\u0308<\"{;\\"), min_size=1, max_size=6))
@example("%C3%BC")
@example("u\u0308")
def test_a_literal_is_spelled_as_the_wire_spells_paths(raw):
    """What a segment canonicalises to is canonical, and stays what it is."""
    try:
        segment = canonical_segment(raw)
    except ClientError:
        return

    assert canonical(b"/" + segment.encode()) == b"/" + segment.encode()
    assert canonical_segment(segment) == segment


@given(st.text(st.sampled_from("aZ.~-_!$&'()+,=:@%2Ff5cCeE04"), min_size=1, max_size=6))
def test_a_path_that_is_passed_on_can_be_written_as_a_pattern(raw):
    try:
        path = canonical(b"/" + raw.encode()).decode()
    except ClientError:
        with pytest.raises(PatternError):
            PathPattern.parse("/" + raw)
        return

    assert PathPattern.parse("/" + raw).exact == path
