"""YAML text becomes plain values, each with its place; whatever the text, there is an answer and never a crash."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rulesfile.document import DEPTH, Document, place_in


def read(text: str) -> Document:
    return Document.read("rules.yaml", text.encode())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("NO", "NO"), ("y", "y"),
        ("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue"), ("'true'", "true"), ('"5"', "5"),
        ("012", 12), ("+7", 7), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("0b1", "0b1"), ("1_000", "1_000"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.2.3", "1.2.3"), ("12:30:45", "12:30:45"), (".", "."),
        ("2026-06-01", "2026-06-01"), ("~x", "~x"), ("nullable", "nullable"), ("/basket/**", "/basket/**"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"), (".inf", float("inf")), ("-.INF", float("-inf")),
    ],
)  # fmt: skip
def test_a_bare_word_means_what_yaml_1_2_says(written, meant):
    value = read(f"a: {written}").data["a"]

    assert value == meant
    assert isinstance(value, type(meant))


@pytest.mark.parametrize("digits", ["0815", "1.10", "0x1F", "+5"])
def test_a_number_still_knows_how_it_was_written(digits):
    assert read(f"a: {digits}").data["a"].text == digits


PLACES = """\
version: 1
rules:
  - name: basket
    path: ["/basket/**", '/cart/**']
    to: {cms: 20,
         commerce: 80}
  - {name: home, path: /}
"""


@pytest.mark.parametrize(
    ("loc", "options", "place"),
    [
        ((), {}, "rules.yaml:1:1"),
        (("rules",), {"key": True}, "rules.yaml:2:1"),
        (("rules",), {}, "rules.yaml:3:3"),
        (("rules", 0), {}, "rules.yaml:3:5"),
        (("rules", 0, "name"), {}, "rules.yaml:3:11"),
        (("rules", 0, "name"), {"offset": 2}, "rules.yaml:3:13"),
        (("rules", 0, "path", 1), {}, "rules.yaml:4:26"),
        (("rules", 0, "path", 1), {"offset": 5}, "rules.yaml:4:32"),
        (("rules", 0, "to", "commerce"), {"key": True}, "rules.yaml:6:10"),
        (("rules", 0, "to", "<map>", "commerce"), {}, "rules.yaml:6:20"),
        (("rules", 1, "missing", "too"), {}, "rules.yaml:7:5"),
    ],
)
def test_every_value_and_every_key_has_its_place(loc, options, place):
    assert str(read(PLACES).position(loc, **options)) == place


def test_the_steps_that_pydantic_adds_are_left_out_of_a_place():
    data = read(PLACES).data

    assert place_in(data, ("rules", 0, "to", "<map>", "cms")) == ("rules", 0, "to", "cms")
    assert place_in(data, ("rules", 0, "when", "host")) == ("rules", 0)


def test_a_windows_file_with_a_byte_order_mark_is_read_like_any_other():
    document = Document.read("rules.yaml", b"\xef\xbb\xbfversion: 1\r\nrules: []\r\n")

    assert document.data == {"version": 1, "rules": []}
    assert str(document.position(("rules",), key=True)) == "rules.yaml:2:1"


def test_an_alias_stands_for_what_its_anchor_marks():
    document = read("a: &hosts [x, y]\nb: *hosts\n")

    assert document.data == {"a": ["x", "y"], "b": ["x", "y"]}
    assert document.faults == []


@pytest.mark.parametrize("depth", [DEPTH + 1, 200_000])
def test_brackets_without_end_are_refused_and_cost_no_memory(depth):
    broken = read("a: " + "[" * depth).broken

    assert broken is not None
    assert "levels deep" in broken.message


def test_aliases_that_unfold_to_billions_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    broken = read("\n".join(lines)).broken

    assert broken is not None
    assert "aliases" in broken.message


words = st.text(st.characters(exclude_categories=["C"]), max_size=12)
keys = words.filter(bool)
plain = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | words | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(keys, plain, min_size=1, max_size=4))
def test_every_json_document_is_read_as_it_is(data):
    document = read(json.dumps(data, ensure_ascii=False))

    assert document.broken is None
    assert document.faults == []
    assert document.data == data


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#~ \n\t<é\u2028\x01", max_size=60))
def test_any_text_is_a_document_or_a_problem_with_a_place(text):
    document = read(text)

    if document.broken is not None:
        assert 0 <= document.broken.position.line <= text.count("\n") + text.count("\u2028") + 2
        assert document.data == {}


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_problem(content):
    assert Document.read("rules.yaml", content).file == "rules.yaml"
