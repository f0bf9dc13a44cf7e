"""`inseam check`, `inseam test`, `inseam schema`: what can be said of a rules file without serving by it."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from router.commands.options import option, rules_argument
from router.errors import Problem, RulesProblems
from router.generation import Generation

_FORMATS = click.Choice(["text", "json", "github"])


@click.command()
@rules_argument
@option("--format", "form", type=_FORMATS, default="text", show_default=True, help="github gives annotations.")
@option("--payment-report", "report", is_flag=True, help="Print the evidence on payment pages, for an auditor.")
@option(
    "--against", metavar="FILE", default="",
    help="The live rules: what would move a basket, a checkout or an account away from its system is a problem.",
)  # fmt: skip
@click.option("--allow-move", is_flag=True, help="With --against: print what would move as warnings.")
def check(file: str, form: str, report: bool, against: str, allow_move: bool) -> int:
    """Check a rules file: report all its problems, and prove that each example lands on its rule."""
    from router.rulesfile import check_examples, lint, load

    generation: Generation | None = None
    try:
        generation = load(file)
        problems = [*check_examples(generation), *lint(generation)]
        if against:
            from router.moves import moves

            severity = "warning" if allow_move else "error"
            problems += [move.problem(severity) for move in moves(load(against), generation)]
    except RulesProblems as error:
        problems = error.problems
    if report and generation is not None:
        from router.commands.payment_report import payment_report

        return payment_report(generation, sorted(problems), form)
    return _report(file, generation, sorted(problems), form)


def _report(file: str, generation: Generation | None, problems: list[Problem], form: str) -> int:
    rules = len(generation.rules.rules) if generation else 0
    examples = sum(len(rule.examples) for rule in generation.rules.rules) if generation else 0
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "json":
        said = {"file": file, "rules": rules, "examples": examples, "fine": not errors}
        rows = [_row(problem) for problem in problems]
        click.echo(msgspec.json.format(msgspec.json.encode({**said, "problems": rows})).decode())
    else:
        for problem in problems:
            click.echo(annotation(problem) if form == "github" else str(problem))
        if not errors:
            click.echo(f"{file}: {_many(rules, 'rule')}, {_many(examples, 'example')}, fine")
        elif form == "text":
            click.echo(f"{file}: {_many(errors, 'problem')}", err=True)
    return 1 if errors else 0


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _row(problem: Problem) -> dict[str, Any]:
    place = problem.position
    return {
        "file": place.file, "line": place.line, "column": place.column, "severity": problem.severity,
        "message": problem.message, "hint": problem.hint,
    }  # fmt: skip


def annotation(problem: Problem) -> str:
    """Return the problem as a workflow command of GitHub Actions, which shows it beside the line in the change."""
    place = problem.position
    where = f"file={_property(place.file)}" + (f",line={place.line},col={place.column}" if place.line else "")
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"::{problem.severity} {where}::{_data(problem.message + hint)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


@click.command()
@rules_argument
def test(file: str) -> int:
    """Run the `tests:` of a rules file."""
    from router.rulesfile import load, run_tests

    generation = load(file)
    failed = [result for result in run_tests(generation) if not result.passed]
    for result in failed:
        for problem in result.problems:
            click.echo(str(problem))
    if failed:
        click.echo(f"{file}: {len(failed)} of {_many(len(generation.tests), 'test')} failed", err=True)
        return 1
    click.echo(f"{file}: {_many(len(generation.tests), 'test')}, fine")
    return 0


@click.command()
def schema() -> None:
    """Print the JSON Schema of rules files, for editors."""
    from router.rulesfile import schema as make

    click.echo(msgspec.json.format(msgspec.json.encode(make())).decode())
