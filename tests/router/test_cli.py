"""The command line: what it prints, and with which code it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from running_edge import Shop

from router import __version__
from router.__main__ import BUILD, cli, main
from router.commands.check import annotation
from router.errors import Position, Problem

Out = pytest.CaptureFixture[str]


@pytest.fixture
def rules(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop's rules file, in the current folder."""
    monkeypatch.chdir(shop.folder)
    return shop.rules


def change(rules: Path, old: str, new: str) -> None:
    assert old in rules.read_text()
    rules.write_text(rules.read_text().replace(old, new))


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_fine_file_is_said_to_be_fine(rules: Path, capsys: Out) -> None:
    assert main(["check"]) == 0

    said = capsys.readouterr().out
    assert said.endswith("\nrules.yaml: 4 rules, 1 example, fine\n")
    assert "warning: 3 rules have no examples" in said


def test_all_problems_are_printed_with_their_places(rules: Path, capsys: Out) -> None:
    change(rules, "to: cms", "to: csm")

    assert main(["check"]) == 1

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        'rules.yaml:9:94: error: rule "short-tail product": unknown system "csm" (did you mean "cms"?)',
        'rules.yaml:11:44: error: rule "everything else": unknown system "csm" (did you mean "cms"?)',
    ]
    assert said.err == "rules.yaml: 2 problems\n"


def test_an_example_that_lands_elsewhere_is_a_problem(rules: Path, capsys: Out) -> None:
    change(rules, "[/checkout/payment-details/]", "[/basket/]")

    assert main(["check", "rules.yaml"]) == 1

    assert 'rule "checkout": example "/basket/" does not hold' in capsys.readouterr().out


def test_problems_come_as_json_too(rules: Path, capsys: Out) -> None:
    change(rules, "to: cms, page: home", "to: csm, page: home")

    assert main(["check", "--format", "json"]) == 1

    said = json.loads(capsys.readouterr().out)
    (problem,) = said["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("rules.yaml", 11, 44)
    assert said["fine"] is False


def test_github_shows_problems_beside_the_line(rules: Path, capsys: Out) -> None:
    change(rules, "to: cms, page: home", "to: csm, page: home")

    assert main(["check", "--format", "github"]) == 1

    assert capsys.readouterr().out.startswith('::error file=rules.yaml,line=11,col=44::rule "everything else": unknown')


def test_an_annotation_cannot_be_broken_out_of() -> None:
    problem = Problem(Position("a,b:c.yaml", 1, 2), "100 %\n::error::forged", severity="warning")

    assert annotation(problem) == "::warning file=a%2Cb%3Ac.yaml,line=1,col=2::100 %25%0A::error::forged"


def test_a_file_that_is_not_there_is_one_clear_line(rules: Path, capsys: Out) -> None:
    assert main(["check", "no.yaml"]) == 1

    assert capsys.readouterr().out == "no.yaml: error: cannot be read: there is no such file (is this the path?)\n"


def test_what_would_move_away_from_the_live_rules_is_a_problem_unless_it_may(rules: Path, capsys: Out) -> None:
    live = rules.with_name("live.yaml")
    live.write_text(rules.read_text())
    assert main(["check", "--against", "live.yaml"]) == 0
    capsys.readouterr()
    change(rules, "rules:\n", "rules:\n  - {name: promo, path: /checkout/help/, to: cms}\n")

    assert main(["check", "--against", "live.yaml"]) == 1
    said = capsys.readouterr()
    assert 'rules.yaml:8:5: error: rule "promo": /checkout/help/ could reach "cms"' in said.out
    assert main(["check", "--against", "live.yaml", "--allow-move"]) == 0
    assert "rules.yaml:8:5: warning:" in capsys.readouterr().out


# --- test -------------------------------------------------------------------------------------------------------------


def test_the_tests_of_a_file_are_run(rules: Path, capsys: Out) -> None:
    assert main(["test"]) == 0

    assert capsys.readouterr().out == "rules.yaml: 1 test, fine\n"


def test_a_failed_test_says_what_was_expected_and_what_came(rules: Path, capsys: Out) -> None:
    change(rules, "expect: {system: commerce", "expect: {system: cms")

    assert main(["test"]) == 1

    said = capsys.readouterr()
    assert "rules.yaml:13:" in said.out
    assert "expected system 'cms', got 'commerce'" in said.out
    assert said.err == "rules.yaml: 1 of 1 test failed\n"


# --- explain, routes, schema ------------------------------------------------------------------------------------------


def test_explain_says_of_every_rule_whether_it_held_and_what_is_asked(rules: Path, capsys: Out) -> None:
    assert main(["explain", "/catalogue/9/?size=m", "-H", "Accept-Language: de", "--cookie", "a=b"]) == 0

    said = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == "GET http://localhost/catalogue/9/?size=m"
    assert lines[1] == "no checkout (rules.yaml:8:5) path /checkout/**"
    assert lines[2] == "no short-tail product (rules.yaml:9:5) {sku} in list short_tail (2 values)"
    assert lines[3] == "holds long-tail product (rules.yaml:10:5)"
    assert "target /catalogue/9/?size=m" in lines
    assert "Accept-Language: de" in said
    assert "Cookie: a=b" in said


def test_explain_gives_json_for_scripts(rules: Path, capsys: Out) -> None:
    assert main(["explain", "POST", "https://shop.example/checkout/", "--format", "json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["rule"], said["system"], said["intent"]) == ("checkout", "commerce", "buy")
    assert ["X-Forwarded-Proto", "https"] in said["headers"]


def test_routes_lists_the_rules(rules: Path, capsys: Out) -> None:
    assert main(["routes", "--format", "json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)][:2] == ["checkout", "short-tail product"]

    assert main(["routes"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert any("short-tail product" in row and "{sku} in list short_tail" in row for row in rows)  # nothing is folded


def test_the_schema_is_json(capsys: Out) -> None:
    assert main(["schema"]) == 0

    assert "rules" in json.loads(capsys.readouterr().out)["properties"]


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "--lisen", ":80"], "did you mean"),
        (["serve", "--listen", "8080"], "is not HOST:PORT, such as 127.0.0.1:8080"),
        (["serve", "--workers", "zero"], "is not a number from 1 to 1024, nor auto"),
        (["serve", "--drain", "-1"], "is not a number of seconds"),
        (["serve", "--tls-cert", "a.pem"], "--tls-cert and --tls-key go together"),
        (["explain"], "missing argument"),
        (["explain", "GET", "/", "/"], "give a method and a url"),
        (["explain", "no-path"], "neither a path nor a url"),
        (["explain", "http:///basket/"], "names no host"),
        (["explain", "/", "--client", "banana"], "the client 'banana' is no IP address"),
        (["demo", "--listen", "banana"], "is not HOST:PORT"),
        (["explain", "/", "--at", "soon"], "is no date or time"),
        (["explain", "/", "-H", "nothing"], "is not name: value"),
        (["explain", "/", "-H", "Bad Name: x"], "the edge would answer 400"),
        (["check", "--format", "xml"], "is not one of"),
        (["no-such-command"], "no such command"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_code_64(rules: Path, capsys: Out, arguments: list[str], told: str) -> None:
    assert main(arguments) == 64

    said = capsys.readouterr().err
    assert told.lower() in said.lower()
    assert said.count("\n") == 1
    assert "--help" in said


def test_without_a_command_there_is_help_and_code_64(capsys: Out) -> None:
    assert main([]) == 64

    assert "serve" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "--rules", "no.yaml"], "no.yaml: error: cannot be read: there is no such file"),
        (["serve", "--tls-cert", "a.pem", "--tls-key", "b.pem"], "TLS file a.pem: No such file or directory"),
        (["serve", "--access-log", "no/such/folder/log"], "access log no/such/folder/log: No such file"),
        (["serve", "--listen", "no-such-host.invalid:80"], "no-such-host.invalid does not resolve"),
        (["serve", "--tls-cert", "rules.yaml", "--tls-key", "rules.yaml"], "they are not a certificate and a key"),
        (["reload", "--admin", "127.0.0.1:1"], "no edge answers at http://127.0.0.1:1: Connection refused"),
    ],
)
def test_what_cannot_be_started_is_one_clear_line_and_code_1(
    rules: Path, capsys: Out, arguments: list[str], told: str
) -> None:
    assert main(arguments) == 1

    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_missing_list_is_told_where_it_is_named(rules: Path, capsys: Out) -> None:
    (rules.parent / "short_tail.txt").unlink()

    assert main(["serve"]) == 1

    assert 'rules.yaml:6:22: error: list "short_tail": cannot read "short_tail.txt"' in capsys.readouterr().err


def test_the_version_is_told(capsys: Out) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"inseam {__version__} ({BUILD})\n"


def test_every_option_has_a_twin_in_the_environment(rules: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, command in cli.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                meant_for_one_time = parameter.name == "allow_move"
                assert bool(parameter.envvar) is not meant_for_one_time, f"{name} {parameter.opts}"
    monkeypatch.setenv("INSEAM_RULES", "no.yaml")
    assert main(["serve"]) == 1
    assert main(["check"]) == 1
    monkeypatch.setenv("INSEAM_RULES", "rules.yaml")
    monkeypatch.setenv("INSEAM_HEADER", "X-A: 1\nX-B: 2 3")
    capsys.readouterr()

    assert main(["explain", "/", "--format", "json"]) == 0

    headers = json.loads(capsys.readouterr().out)["headers"]
    assert ["X-A", "1"] in headers
    assert ["X-B", "2 3"] in headers


def test_python_m_router_is_the_same_program_and_a_closed_pipe_is_no_traceback(rules: Path) -> None:
    command = f"{sys.executable} -m router schema | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("{", "")
