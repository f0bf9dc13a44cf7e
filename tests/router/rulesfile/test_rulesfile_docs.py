"""docs/rules.md is run: every YAML example is compiled, its examples and tests hold, its problems are as printed."""

import re
from pathlib import Path

import pytest
import yaml

from router.errors import RulesProblems
from router.rulesfile import check_examples, load, run_tests
from router.rulesfile.schema import keys_at

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rules.md").read_text()

EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$\n*(?:^```problems\n(.*?)^```$)?", PAGE, re.MULTILINE | re.DOTALL)

AROUND = {
    "version": "version: 1",
    "systems": "systems:\n  cms: {servers: [http://127.0.0.1:8001]}\n  commerce: {servers: [http://127.0.0.1:8002]}",
    "lists": "lists: {short_tail: [1001]}",
    "country_header": "country_header: cf-ipcountry",
    "trusted_proxies": "trusted_proxies: [10.0.0.0/8]",
    "rules": "rules:\n  - {name: everything, path: /**, to: cms}",
}


def whole(example: str) -> str:
    """The example as a file of its own: rules alone get the rest of a file above them, a key alone around it."""
    if example.startswith("version:"):
        return example
    own = "rules:\n" + example if example.startswith("- ") else example
    given = yaml.safe_load(own)
    return "\n".join([text for key, text in AROUND.items() if key not in given] + [own])


def ids(example: tuple[str, str]) -> str:
    return example[0].split("\n", 1)[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_every_example_of_the_reference_is_true(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, problems = example
    Path("rules.yaml").write_text(whole(text))
    Path("short_tail.txt").write_text("1001\n")

    if problems:
        with pytest.raises(RulesProblems) as caught:
            load("rules.yaml")
        assert str(caught.value) == problems.strip()
        return

    generation = load("rules.yaml")

    assert check_examples(generation) == []
    assert [result.problems for result in run_tests(generation) if not result.passed] == []


def test_the_reference_speaks_of_every_key():
    for key in [*keys_at(()), *keys_at(("rules", 0)), *keys_at(("systems", "cms")), *keys_at(("limits",)),
                *keys_at(("rules", 0, "when")), *keys_at(("tests", 0, "expect"))]:  # fmt: skip
        assert re.search(rf"\b{key}\b", PAGE), key
