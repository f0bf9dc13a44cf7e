"""`inseam explain` and `inseam routes`: what a rules file means, for one request and as a whole."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.commands.options import OneALine, cookie, header, option, rules_argument

if TYPE_CHECKING:
    from router.explain import Explanation
    from router.table import Row

_FORMATS = click.Choice(["text", "json"])

_ENDLESS: Final = 10_000
"""Columns that no rule fills."""


@click.command()
@click.argument("request", nargs=-1, required=True, metavar="[METHOD] URL")
@option(
    "-H",
    "--header",
    "headers",
    type=OneALine(header),
    multiple=True,
    metavar="LINE",
    help="A header of the request; may be given several times.",
)
@option(
    "--cookie",
    "cookies",
    type=OneALine(cookie),
    multiple=True,
    metavar="NAME=VALUE",
    help="A cookie; inseam-split=0 to 9999 is the bucket of a split.",
)
@option("--client", default="127.0.0.1", show_default=True, metavar="IP", help="The client's address.")
@option("--at", metavar="TIME", help="When, such as 2026-06-01T08:00+02:00; UTC without offset.  [default: now]")
@option("--login", is_flag=True, help="Somebody is logged in.")
@option("--basket", type=click.IntRange(min=0), default=0, metavar="N", help="Items in the basket.")
@option("--rules", default="rules.yaml", show_default=True, metavar="FILE", help="The rules file.")
@option("--format", "form", type=_FORMATS, default="text", show_default=True)
def explain(
    request: tuple[str, ...],
    headers: tuple[tuple[str, str], ...],
    cookies: tuple[str, ...],
    client: str,
    at: str | None,
    login: bool,
    basket: int,
    rules: str,
    form: str,
) -> int:
    """Say what would become of a request, and why.

    For every rule in order: whether it held, and the first condition that did not; then the decision, and what the
    system would be asked. Nothing is sent.
    """
    from router.explain import Question
    from router.explain import explain as make
    from router.rulesfile import load

    if len(request) > 2:
        raise click.UsageError("give a METHOD and a URL, or a URL alone; headers go with -H 'NAME: VALUE'")
    method, url = request if len(request) == 2 else ("GET", request[0])
    question = Question(method.upper(), url, _moment(at), headers, cookies, client, login, basket)
    try:
        result = make(load(rules), question)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        _print(result)
    return 0


def _moment(text: str | None) -> float:
    from router.rulesfile.times import BadTime, moment

    if text is None:
        return time.time()
    try:
        return moment(text)
    except BadTime as error:
        raise click.UsageError(f"--at: {error}; {error.hint}" if error.hint else f"--at: {error}") from error


def _print(said: Explanation) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(said.request, style="bold"))
    for tried in said.tried:
        verdict = Text("  holds  ", style="green") if tried.held else Text("  no     ", style="dim")
        reason = Text(f"  {tried.failed}", style="dim") if tried.failed else Text()
        console.print(Text.assemble(verdict, tried.rule, Text(f" ({tried.where})", style="dim"), reason))
    rows = [
        ("refused", said.refused),
        ("rule", f"{said.rule} ({said.where})" if said.rule else ""),
        ("system", f"{said.system} at {', '.join(said.servers)}" if said.system else ""),
        ("page", f"{said.page}, for {said.intent}" if said.page else ""),
        ("target", said.target),
        ("answer", f"{said.status}, given by the edge itself" if said.status else ""),
        *(("header", f"{name}: {value}") for name, value in said.headers),
        *(("note", note) for note in said.notes),
    ]
    before = ""
    for name, text in rows:
        if text:
            shown = name if name != before else ""
            console.print(
                Text.assemble(Text(f"{shown:<9}", style="cyan"), Text(text, "red" if name == "refused" else ""))
            )
            before = name


@click.command()
@rules_argument
@option("--format", "form", type=_FORMATS, default="text", show_default=True)
def routes(file: str, form: str) -> int:
    """Print the compiled rules as a table."""
    from router.rulesfile import load
    from router.table import table

    rows = table(load(file))
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return 0
    # On a terminal lines are folded to fit; in a file or a pipe a row stays on its lines, so that grep finds it.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _ENDLESS)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("#", "rule", "paths", "when", "to", "page", "besides"):
        shown.add_column(title, overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, _cells(row)))
    console.print(shown)
    return 0


def _cells(row: Row) -> list[str]:
    besides = [_besides(name, value) for name, value in row.treatment.items()]
    return [
        str(row.number), row.name, "\n".join(row.paths), "\n".join(row.conditions), row.to,
        f"{row.page} ({row.intent})" if row.page else row.intent, "\n".join(besides),
    ]  # fmt: skip


def _besides(name: str, value: Any) -> str:
    return f"{name} {', '.join(value)}" if isinstance(value, list) else f"{name} {value}"
