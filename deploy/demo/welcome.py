"""What `inseam demo` prints: two addresses, and what to try."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_console = Console(highlight=False, soft_wrap=True)


def welcome(shop: str, admin: str, rules: Path, cms_pid: int, commerce_pid: int) -> None:
    """Print where the shop and the admin address are, and what to try."""
    file = escape(str(rules))
    steps = (
        (
            f"[b]Shop:[/] {shop}/ > Summer table > Tidal plate > basket > log in (anna@shop.test / anna) > checkout. "
            "The ribbon on top says which system served the page, by which rule, and why."
        ),
        f"[b]Fall back:[/] {shop}/catalogue/1030/ is asked of the CMS, which has no such page: commerce answers.",
        f"[b]Edit[/] {file}: give /brands/** to one system only, save, and reload {shop}/brands/hald/.",
        "[b]Break it:[/] write `to: comerce`. The line and the way out are printed here; the shop goes on as before.",
        f"[b]Ask why:[/] curl '{admin}/api/explain?url=/catalogue/1001/'",
        f"[b]Ask about another day:[/] curl '{admin}/api/explain?url=/summer/&at=2026-07-14'",
        f"[b]Stop the CMS:[/] kill {cms_pid}. Products come from commerce; after a while the CMS is back.",
        (
            f"[b]Stop commerce[/] with something in the basket: kill {commerce_pid}. When it is back it has forgotten "
            "everybody, and you go on as if nothing had been."
        ),
    )
    addresses = Table.grid(padding=(0, 2))
    addresses.add_row("[b]The shop[/]", f"[b cyan]{shop}/[/]")
    addresses.add_row("[b]Admin[/]", f"[cyan]{admin}/[/]")
    tries = Table.grid(padding=(0, 2))
    for number, step in enumerate(steps, 1):
        tries.add_row(str(number), step)
    _console.print()
    _console.print(addresses)
    _console.print("\nWhat to try:")
    _console.print(tries)
    _console.print("\nCtrl-C ends everything.\n")


def tell(text: str) -> None:
    """Print one line on what has happened; nothing for an empty text."""
    if text:
        _console.print(f"[yellow]{escape(text)}[/]")
