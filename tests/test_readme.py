"""What the README shows is true: its rules file loads and proves itself, its commands exist, its error reads so."""

import re
from pathlib import Path

import pytest

from router import rulesfile
from router.__main__ import main
from router.errors import RulesProblems

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RULES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]


@pytest.fixture
def shown(tmp_path):
    """The README's rules file."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_the_rules_file_of_the_readme_proves_its_examples_and_passes_its_tests(shown, capsys):
    assert main(["check", str(shown)]) == 0
    assert main(["test", str(shown)]) == 0

    assert "6 examples, fine" in capsys.readouterr().out


def test_a_mistake_is_told_as_the_readme_says(shown):
    shown.write_text("version: 1\n\nsystems:\n  commerce: {servers: [http://127.0.0.1:8002]}\nrules:\n"
                     "    - name: basket\n      path: /basket/**\n      to: comerce\n")  # fmt: skip

    with pytest.raises(RulesProblems) as told:
        rulesfile.load(shown)

    said = next(line for line in README.splitlines() if "did you mean" in line).strip()
    assert str(told.value).replace(str(shown), "rules.yaml") == said


def test_every_page_that_the_documentation_links_to_is_there():
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_knows_the_commands_of_the_readme():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
