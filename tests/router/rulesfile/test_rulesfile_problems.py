"""Bad files and what is said of them, word for word: `bad/*.yaml` with `bad/*.expected`, and so in `odd/`.

After a wanted change: `INSEAM_GOLDEN=write make unit`, and read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest

from router.errors import RulesProblems
from router.rulesfile import check_examples, lint, load

HERE = Path(__file__).parent

WRITE = os.environ.get("INSEAM_GOLDEN") == "write"  # read here: no test sees variables from outside


def files(folder: str) -> list[str]:
    return sorted(path.stem for path in (HERE / folder).glob("*.yaml"))


def compare(name: str, said: str) -> None:
    golden = Path(f"{name}.expected")
    if WRITE:
        golden.write_text(said + "\n")
    assert said + "\n" == golden.read_text()


@pytest.mark.parametrize("name", files("bad"))
def test_a_bad_file_is_refused_with_all_its_problems(name, monkeypatch):
    monkeypatch.chdir(HERE / "bad")

    with pytest.raises(RulesProblems) as caught:
        load(f"{name}.yaml")

    compare(name, str(caught.value))


@pytest.mark.parametrize("name", files("bad"))
def test_every_problem_has_a_place_and_nearly_every_one_a_way_out(name, monkeypatch):
    monkeypatch.chdir(HERE / "bad")

    with pytest.raises(RulesProblems) as caught:
        load(f"{name}.yaml")

    assert all(problem.position.line and problem.position.column for problem in caught.value.problems)
    assert sum(not problem.hint for problem in caught.value.problems) <= len(caught.value.problems) / 2


@pytest.mark.parametrize("name", files("odd"))
def test_an_odd_file_is_used_and_what_is_odd_is_said(name, monkeypatch):
    monkeypatch.chdir(HERE / "odd")
    generation = load(f"{name}.yaml")

    said = [*check_examples(generation), *lint(generation)]

    compare(name, "\n".join(str(problem) for problem in sorted(said)))
