"""`inseam serve`, `inseam reload`, `inseam revoke`, `inseam demo`: the commands that have to do with a running edge."""

from __future__ import annotations

import http.client
import os
from typing import Any

import click
import msgspec

from router.commands.options import address, address_or_none, option, seconds, worker_count
from router.errors import StartError
from router.supervision.settings import ADMIN_TOKEN, Address, Certificate, Settings

_TO_RELOAD = 120.0
"""Seconds: compiling 100,000 rules in every worker of a busy machine takes its time."""

_token_file = option(
    "--admin-token-file", metavar="FILE", default="",
    help=f"The token that the admin address asks for ({ADMIN_TOKEN} has the token itself).",
)  # fmt: skip


@click.command()
@option("--rules", default="rules.yaml", show_default=True, metavar="FILE", help="The rules file.")
@option(
    "--listen", type=address, metavar="HOST:PORT", multiple=True, default=["127.0.0.1:8080"], show_default=True,
    help="Where shoppers come in; may be given several times.",
)  # fmt: skip
@option(
    "--admin", type=address_or_none, metavar="HOST:PORT", default="127.0.0.1:9090", show_default=True,
    help="Health, metrics and reload; '' (INSEAM_ADMIN=off) for none.",
)  # fmt: skip
@option("--workers", type=worker_count, metavar="N|auto", default="1", show_default=True, help="Processes that serve.")
@option("--tls-cert", metavar="FILE", help="Certificate with its chain, PEM.")
@option("--tls-key", metavar="FILE", help="The private key that belongs to it, PEM.")
@option("--access-log", metavar="FILE", default="", help="JSON lines, one a request; - for standard output.")
@option(
    "--store", metavar="URL", default="memory:", show_default=True,
    help="Where sessions are kept: memory:, sqlite:PATH or redis://HOST/0.",
)  # fmt: skip
@option("--keys", metavar="FILE", default="", help="The keys file (inseam keys init); without it, keys of this run.")
@option(
    "--drain", type=seconds, metavar="SECONDS", default="15", show_default=True,
    help="How long requests under way may take after SIGTERM.",
)  # fmt: skip
@option(
    "--drain-wait", type=seconds, metavar="SECONDS", default="0", show_default=True,
    help="How long shoppers are let in after readiness said no.",
)  # fmt: skip
@_token_file
@option("--probes-only", is_flag=True, help="Answer nothing on the admin address but /livez and /readyz.")
@option("--audit-log", metavar="FILE", default="", help="JSON lines, one for each change by the admin address.")
def serve(
    rules: str,
    listen: tuple[Address, ...],
    admin: Address | None,
    workers: int,
    tls_cert: str | None,
    tls_key: str | None,
    access_log: str,
    store: str,
    keys: str,
    drain: float,
    drain_wait: float,
    admin_token_file: str,
    probes_only: bool,
    audit_log: str,
) -> int:
    """Serve the shop by the rules file, until SIGTERM.

    A changed rules file goes live by itself if it has no problem; SIGHUP and `inseam reload` do the same at once.
    """
    from router.supervision.supervisor import serve as run

    if bool(tls_cert) != bool(tls_key):
        raise click.UsageError("--tls-cert and --tls-key go together: give both, or neither")
    certificate = Certificate(tls_cert, tls_key) if tls_cert and tls_key else None
    return run(
        Settings(
            rules=rules,
            listen=tuple(listen),
            admin=admin,
            workers=workers,
            certificate=certificate,
            access_log=access_log,
            drain=drain,
            drain_wait=drain_wait,
            store=store,
            keys=keys,
            admin_token=os.environ.get(ADMIN_TOKEN, ""),
            admin_token_file=admin_token_file,
            probes_only=probes_only,
            audit_log=audit_log,
        )
    )


@click.command()
@option(
    "--admin", type=address, metavar="HOST:PORT", default="127.0.0.1:9090", show_default=True,
    help="Where the edge is asked.",
)  # fmt: skip
@_token_file
@click.option(  # without a twin in the environment, where it would be forgotten: it is meant for this one time
    "--allow-move", is_flag=True, help="Also if a basket, a checkout or an account then belongs to another system."
)
def reload(admin: Address, admin_token_file: str, allow_move: bool) -> int:
    """Have a running edge read its rules again; fails if it refuses them."""
    path = "/api/reload?allow_move=1" if allow_move else "/api/reload"
    status, body = _asked(admin, path, admin_token_file)
    return _print_outcome(status, body, admin)


@click.command()
@option("--customer", metavar="ID", default="", help="End all sessions of this customer.")
@option("--everybody", is_flag=True, help="End everybody's sessions.")
@option(
    "--admin", type=address, metavar="HOST:PORT", default="127.0.0.1:9090", show_default=True,
    help="Where the edge is asked.",
)  # fmt: skip
@_token_file
def revoke(customer: str, everybody: bool, admin: Address, admin_token_file: str) -> int:
    """End sessions on all workers at once: a customer's, or everybody's."""
    if bool(customer) == everybody:
        raise click.UsageError("say whose sessions to end: --customer ID or --everybody")
    said = {"all": True} if everybody else {"customer": customer}
    status, body = _asked(admin, "/api/revoke", admin_token_file, said)
    if status == http.client.OK:
        click.echo("ended, on every worker")
        return 0
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        told = {}
    raise StartError(str(told.get("warning") or told.get("error") or f"http://{admin} answered {status}"))


def _asked(admin: Address, path: str, token_file: str, said: object = None) -> tuple[int, bytes]:
    """Return status and body of what the admin address answers to a POST. Raises StartError if it lets nobody in."""
    from router.admin.token import read_token

    token = read_token(token_file) if token_file else os.environ.get(ADMIN_TOKEN, "").strip()
    host = "127.0.0.1" if admin.host in ("", "0.0.0.0", "::") else admin.host
    connection = http.client.HTTPConnection(host, admin.port, timeout=_TO_RELOAD)
    try:
        headers = {"X-Requested-With": "inseam", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request("POST", path, None if said is None else msgspec.json.encode(said), headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StartError(f"no edge answers at http://{admin}: {why}; is it running, with this --admin?") from error
    finally:
        connection.close()
    if status == http.client.UNAUTHORIZED:
        wrong = "does not know this token" if token else "asks for a token"
        raise StartError(
            f"http://{admin} {wrong}: give --admin-token-file FILE, the one that the edge was started with"
        )
    return status, body


def _print_outcome(status: int, body: bytes, admin: Address) -> int:
    from router.reload import Outcome

    try:
        outcome = msgspec.json.decode(body, type=Outcome)
    except msgspec.MsgspecError:
        said = body.decode(errors="replace").strip()[:200]
        raise StartError(f"http://{admin} answered {status} as no edge does: {said}") from None
    for problem in [*outcome.problems, *outcome.warnings]:
        click.echo(str(problem), err=True)
    if outcome.outcome == "refused":
        click.echo(f"refused, generation {outcome.generation} stays live", err=True)
        return 1
    click.echo(
        f"generation {outcome.generation} is live" + (", nothing changed" if outcome.outcome == "unchanged" else "")
    )
    return 0


@click.command()
@option(
    "--listen", type=address, default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT",
    help="Where the shop is.",
)  # fmt: skip
@option(
    "--admin", type=address, default="127.0.0.1:9090", show_default=True, metavar="HOST:PORT",
    help="Health and metrics.",
)  # fmt: skip
def demo(listen: Address, admin: Address) -> int:
    """Run a small shop on two built-in systems with the edge in front, ready to click."""
    from deploy.demo.run import main

    return int(main(listen=str(listen), admin=str(admin)))
