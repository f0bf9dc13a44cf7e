"""What an installation is made of, and whether a weakness of a part is known."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from deploy.supply import bill, main, parts, verdict

ROOT = Path(__file__).parents[1]


def test_the_bill_has_every_package_that_is_needed_and_its_version():
    found = bill(parts(), made=0)

    names = {component["name"].lower().replace("_", "-"): component["version"] for component in found["components"]}
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    for requirement in wanted:
        name = requirement.partition(">")[0].partition("[")[0].lower().replace("_", "-")
        assert names[name] == version(name)
    assert {
        "cryptography",
        "multidict",
        "hiredis",
    } <= names.keys()  # what those need, and what is asked for as an extra
    assert not {"pytest", "ruff"} & names.keys()
    assert found["metadata"]["component"]["name"] == "inseam"


def test_the_bill_is_cyclonedx_and_says_who_needs_whom():
    found = bill(parts(), made=1_795_000_000)

    refs = {component["bom-ref"] for component in [*found["components"], found["metadata"]["component"]]}
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    assert found["metadata"]["timestamp"] == "2026-11-18T11:06:40Z"
    assert {row["ref"] for row in found["dependencies"]} == refs
    assert all(need in refs for row in found["dependencies"] for need in row["dependsOn"])
    assert all(component["purl"].startswith("pkg:pypi/") for component in found["components"])
    assert sum("licenses" in component for component in found["components"]) == len(found["components"])


def test_the_same_installation_gives_the_same_bill(monkeypatch, capsys):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    assert main(["bill"]) == 0
    once = capsys.readouterr().out
    assert main(["bill"]) == 0

    assert capsys.readouterr().out == once
    assert str(ROOT) not in once


def test_tools_of_the_developers_are_another_bill():
    assert len(parts(["dev"])) > len(parts())


def test_a_package_that_is_needed_and_not_there_is_told(monkeypatch, capsys):
    def gone(name):
        raise PackageNotFoundError(name)

    with pytest.raises(PackageNotFoundError):
        parts(find=gone)
    assert main([]) == 64
    assert "usage" in capsys.readouterr().err


REPORT = {
    "dependencies": [
        {"name": "good", "version": "1", "vulns": []},
        {"name": "weak", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
        {"name": "unknown", "skip_reason": "Dependency not found on PyPI"},
    ]
}


def test_a_known_weakness_fails_and_says_what_is_better():
    code, lines = verdict(json.dumps(REPORT))

    assert code == 1
    assert lines == ["weak 2: PYSEC-1, better 3", "audit: 1 known weaknesses, 2 of 3 packages looked up"]


def test_no_known_weakness_is_said_with_how_many_were_looked_up():
    assert verdict(json.dumps({"dependencies": REPORT["dependencies"][:1]})) == (
        0, ["audit: no known weaknesses, 1 of 1 packages looked up"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "complaint", "why"),
    [
        (json.dumps({"dependencies": REPORT["dependencies"][2:]}), "", "the registry tells nothing of weaknesses"),
        ("", "No module named pip_audit", "No module named pip_audit"),
        ("", "", "it said nothing"),
        ("[]", "ERROR: connection refused", "connection refused"),
    ],
)
def test_what_could_not_be_asked_is_one_line_and_no_failure(report, complaint, why):
    code, (line,) = verdict(report, complaint)

    assert code == 0
    assert line.startswith("audit: not done: ")
    assert why in line
