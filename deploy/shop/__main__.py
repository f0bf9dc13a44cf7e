"""`python -m deploy.shop`: what `make shop` runs once both environments are there."""

from __future__ import annotations

import sys

import click

from deploy.shop.run import Variant, main
from router.errors import StartError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--variant", type=click.Choice(["client", "unchanged"]), default="client", show_default=True)
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True)
@click.option("--admin", metavar="HOST:PORT", default="127.0.0.1:9090", show_default=True)
def shop(variant: Variant, listen: str, admin: str) -> None:
    """Run Wagtail and django-oscar with the edge in front, until Ctrl-C."""
    try:
        main(variant, listen, admin)
    except StartError as error:
        click.echo(f"shop: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    shop()
