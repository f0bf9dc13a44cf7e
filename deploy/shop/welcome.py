"""What `make shop` prints: addresses, people, and what to try."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.shop import feed

_console = Console(highlight=False, soft_wrap=True)

_VARIANTS = {
    "client": "Both sites have the client of deploy/clients and talk to the edge by signed headers.",
    "unchanged": "Both sites are as their makers ship them; the edge works by their profiles.",
}


def welcome(shop: str, admin: str, variant: str, data: Path) -> None:
    """Print it."""
    (name, email, password), (_, other, other_password) = feed.CUSTOMERS
    who, staff, staff_password = feed.STAFF[0]
    steps = (
        f"[b]Buy:[/] {shop}/campaigns/summer-table/ is Wagtail's; what it offers is posted to the shop and back.",
        f"[b]Log in[/] at the top as {name}. The page you come back to greets you, and the basket is whole.",
        f"[b]Walk:[/] makers, Atelier, {shop}/catalogue/ (django-oscar's), and back. Basket and login are everywhere.",
        "[b]Two tabs:[/] log out in one, on either side, and reload the other.",
        "[b]Order[/] it (nothing is charged). Both sides show an empty basket, in every tab.",
        f"[b]See what scripts see:[/] {shop}/.inseam/session",
        f"[b]Edit[/] {escape(str(Path(__file__).with_name('rules.yaml')))} and save: the edge takes it over.",
    )
    facts = Table.grid(padding=(0, 2))
    facts.add_row("[b]The shop[/]", f"[b cyan]{shop}/[/]")
    facts.add_row("[b]Admin of the edge[/]", f"[cyan]{admin}/[/]")
    facts.add_row("[b]Customers[/]", f"{email} / {password}, {other} / {other_password}")
    facts.add_row("[b]Staff[/]", f"{staff} / {staff_password} (/dashboard/), {who.lower()} / the same (/admin/)")
    facts.add_row("[b]Variant[/]", f"{variant}: {_VARIANTS[variant]}")
    facts.add_row("[b]Data and logs[/]", escape(str(data)))
    tries = Table.grid(padding=(0, 2))
    for number, step in enumerate(steps, 1):
        tries.add_row(str(number), step)
    _console.print()
    _console.print(facts)
    _console.print("\nWhat to try:")
    _console.print(tries)
    _console.print("\nCtrl-C ends everything.\n")
