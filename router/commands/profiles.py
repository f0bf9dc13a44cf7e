"""`inseam profiles`: which products the edge knows, what it sees of each, and what that rests on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from router.commands.options import option

if TYPE_CHECKING:
    from sessions.profiles import Profile

_FORMATS = click.Choice(["text", "json"])

_ENDLESS: Final = 10_000
"""Columns that no line fills: what goes into a pipe is not folded."""


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@option("--format", "form", type=_FORMATS, default="text", show_default=True)
def profiles(name: str | None, form: str) -> int:
    """List the products that have a profile, or say all that the profile of one product rests on.

    A statement was either tried on the running product, or it comes from the documentation that is named.
    """
    from router.rulesfile.findings import did_you_mean
    from sessions.profiles import get, names

    if name is None:
        known = [profile for profile in map(get, names()) if profile is not None]
        if form == "json":
            _print_json([{"name": one.name, "title": one.title, "proven": one.proven} for one in known])
        else:
            _list(known)
        return 0
    profile = get(name)
    if profile is None:
        hint = did_you_mean(name, names(), "`inseam profiles` lists them")
        raise click.UsageError(f'there is no profile "{name}" ({hint})')
    if form == "json":
        _print_json(_everything(profile))
    else:
        click.echo(_told(profile))
    return 0


def _print_json(said: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(said)).decode())


def _list(known: list[Profile]) -> None:
    table = Table("profile", "product", "proven on", box=None, pad_edge=False)
    for profile in known:
        table.add_row(profile.name, profile.title, profile.proven)
    width = None if sys.stdout.isatty() else _ENDLESS
    Console(width=width, highlight=False).print(table)


def _everything(profile: Profile) -> dict[str, Any]:
    statements = [{"what": one.what, "proven": one.proven, "source": one.source} for one in profile.statements]
    return {
        "name": profile.name, "title": profile.title, "about": profile.about, "proven": profile.proven,
        "cookies": profile.cookies, "login_cookies": profile.login_cookies, "keep": profile.keep,
        "statements": statements, "gaps": profile.gaps,
    }  # fmt: skip


def _told(profile: Profile) -> str:
    """Return the profile as text: what it says, by what that rests on, and what it does not see."""
    lines = [f"{profile.title}: {profile.proven}", "", profile.about]
    sources = dict.fromkeys((one.proven, one.source) for one in profile.statements)
    for proven, source in sorted(sources, key=lambda one: not one[0]):
        lines += ["", f"{'tried on' if proven else 'from'} {source}"]
        lines += [f"  - {one.what}" for one in profile.statements if (one.proven, one.source) == (proven, source)]
    if profile.gaps:
        lines += ["", "not seen", *(f"  - {gap}" for gap in profile.gaps)]
    return "\n".join(lines)
