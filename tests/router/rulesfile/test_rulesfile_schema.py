"""The schema that editors read, and the promise that nothing an operator types can crash the compiler."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router import model
from router.errors import RulesProblems
from router.generation import Generation
from router.rulesfile import Sources, check_examples, lint, load, run_tests, schema, shape
from router.rulesfile import compile as compile_rules
from router.rulesfile.schema import keys_at

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "rules.yaml").read_text()
SHORT_TAIL = (ROOT / "short_tail.txt").read_bytes()


def test_the_schema_beside_the_rules_file_is_the_one_that_inseam_prints():
    assert json.loads((ROOT / "rules.schema.json").read_text()) == schema(), "inseam schema > rules.schema.json"


def test_the_rules_file_tells_editors_where_its_schema_lies():
    assert RULES.startswith("# yaml-language-server: $schema=rules.schema.json\n")


def test_every_key_is_explained_to_whoever_hovers_over_it():
    silent = [
        f"{name}.{key}"
        for name, said in [("File", schema()), *schema()["$defs"].items()]
        for key, value in said.get("properties", {}).items()
        if not value.get("description")
    ]

    assert silent == []


def test_the_schema_speaks_as_one_writes():
    limits, rule = schema()["$defs"]["Limits"]["properties"], schema()["$defs"]["Rule"]

    assert limits["request_line"]["default"] == "8KB"
    assert limits["head_time"]["default"] == "10s"
    assert schema()["$defs"]["Health"]["properties"]["rise"]["default"] == 2
    assert "null" not in json.dumps(rule).replace('["object", "null"]', "")
    assert {"required": ["redirect"]} in rule["oneOf"]


def test_limits_have_the_names_and_defaults_of_the_model():
    assert list(shape.Limits.model_fields) == [field.name for field in fields(model.Limits)]
    assert model.Limits(**shape.Limits().model_dump()) == model.Limits()


@pytest.mark.parametrize(
    ("loc", "key"),
    [
        ((), "rules"), (("rules", 3), "fallback"), (("rules", 3, "when", "sku", "<map>"), "matches"),
        (("systems", "cms", "timeout", "<map>"), "connect"), (("tests", 0, "expect"), "location"),
        (("rules", 0, "headers", "request"), "remove"), (("lists", "short_tail", "<map>"), "file"),
    ],
)  # fmt: skip
def test_the_schema_knows_which_keys_stand_where(loc, key):
    assert key in keys_at(loc)


def test_the_demos_rules_are_without_a_flaw():
    generation = load(ROOT / "rules.yaml")

    assert check_examples(generation) == []
    assert [result.problems for result in run_tests(generation) if not result.passed] == []
    assert lint(generation) == []


def compiled(text: str) -> Generation | RulesProblems:
    try:
        return compile_rules(
            Sources("rules.yaml", text.encode("utf-8", "surrogatepass"), {"short_tail.txt": SHORT_TAIL})
        )
    except RulesProblems as error:
        return error


LINES = RULES.split("\n")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_rules_file_with_a_slip_of_the_hand_is_compiled_or_refused_with_places(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        start = data.draw(st.integers(0, len(line)))
        end = data.draw(st.integers(start, min(len(line), start + 12)))
        put_in = data.draw(
            st.sampled_from(["", " ", "  ", ":", "- ", "x", "[", "}", '"', "\t", "&a ", "*a", "null", "5", "{}"])
        )
        lines[number] = line[:start] + put_in + line[end:]

    outcome = compiled("\n".join(lines))

    if isinstance(outcome, RulesProblems):
        assert outcome.problems
        assert all(0 < problem.position.line <= len(lines) + 1 for problem in outcome.problems)
        assert all("\n" not in str(problem) for problem in outcome.problems)
    else:
        check_examples(outcome)
        run_tests(outcome, now=0)
        lint(outcome)


KEYS = sorted({key for said in [schema(), *schema()["$defs"].values()] for key in said.get("properties", {})})
anything = st.recursive(
    st.sampled_from(
        [True, 5, 0, 1.5, "", "cms", "/**", "10s", "8KB", "{sku}", "*.a", "2026-06-01", "10.0.0.0/8", "none"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "cms", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=4),
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=6),
)
def test_any_shape_at_any_key_is_compiled_or_refused(top, rule):
    data = {"version": 1, "systems": {"cms": {"servers": ["http://127.0.0.1:1"]}}, "rules": [rule], **top}

    outcome = compiled(json.dumps(data))

    assert isinstance(outcome, Generation) or outcome.problems
