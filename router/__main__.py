"""The command line: `inseam`, or `python -m router`. Arguments only; what commands do is in `router.commands`.

Exit codes: 0 fine, 1 problems or failed tests, 64 wrong usage (EX_USAGE of sysexits.h). A fault of the operator is one
clear line on standard error, a rules file's problems one line each; a traceback is always a fault of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from router import __version__
from router.commands.check import check, schema, test
from router.commands.explain import explain, routes
from router.commands.keys import keys
from router.commands.profiles import profiles
from router.commands.running import demo, reload, revoke, serve
from router.errors import InseamError, RulesProblems
from router.wire import head

PROBLEMS: Final = 1
WRONG_USAGE: Final = 64

BUILD: Final = "plain" if str(head.__file__).endswith(".py") else "compiled"
"""Whether the hot modules run as they were written or as setup.py has compiled them."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(f"{__version__} ({BUILD})", prog_name="inseam", message="%(prog)s %(version)s")
def cli() -> None:
    """Send each URL of a shop to the CMS or to the commerce server, by the rules of one file.

    Every option but --allow-move can be given in the environment too: --tls-cert as INSEAM_TLS_CERT.
    """


for command in (serve, check, test, explain, routes, schema, reload, revoke, keys, profiles, demo):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; `arguments` without the program's name, None for the process's own."""
    try:
        return int(cli.main(arguments, prog_name="inseam", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "inseam"
        said = " ".join(error.format_message().split()).rstrip(".")
        click.echo(f"{where}: {said} (see {where} --help)", err=True)
        return WRONG_USAGE
    except RulesProblems as error:
        click.echo(str(error), err=True)
        return PROBLEMS
    except InseamError as error:
        click.echo(f"inseam: {error}", err=True)
        return PROBLEMS
    except (click.Abort, KeyboardInterrupt):
        return PROBLEMS
    except BrokenPipeError:  # `inseam routes | head`: nothing is wrong, and nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PROBLEMS


if __name__ == "__main__":
    sys.exit(main())
