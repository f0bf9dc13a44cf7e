"""`inseam keys`: the keys file made, rotated, listed and handed to systems. What a rotation is: sessions.rotation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import msgspec

from router.commands.options import option
from router.errors import StartError
from sessions import keyfile, rotation
from sessions.errors import KeysError
from sessions.keymaterial import Alg, SystemKey, new_system_key, public_system_key
from sessions.keys import KeyRing, is_system_name
from sessions.token import ISSUER, jwks_for

_ALGS = click.Choice(["ES256", "EdDSA", "HS256"])
keys_option = option("--keys", "path", default="keys.json", show_default=True, metavar="FILE", help="The keys file.")


@click.group()
def keys() -> None:
    """Make, rotate and hand out the keys of cookies, tokens and updates (docs/keys.md)."""


@contextmanager
def _told() -> Iterator[None]:
    """Turn what is wrong with keys into the one line that the operator sees."""
    try:
        yield
    except KeysError as error:
        raise StartError(str(error)) from None


@contextmanager
def _changing(path: str) -> Iterator[KeyRing]:
    """Hold the lock and give the ring that is there; a file that is not there, or bad, gets no lock file beside it."""
    with _told():
        keyfile.load(path)
        with keyfile.locked(path):
            yield keyfile.load(path)


def _now() -> int:
    return int(time.time())


@keys.command()
@keys_option
@option("--rules", default="rules.yaml", show_default=True, metavar="FILE", help="The file that names the systems.")
@click.option(
    "--system", "systems", envvar="INSEAM_SYSTEMS", multiple=True, metavar="NAME",
    help="A system, instead of those of the rules file.",
)  # fmt: skip
@option("--alg", type=_ALGS, default="ES256", show_default=True, help="What session tokens are signed with.")
def init(path: str, rules: str, systems: tuple[str, ...], alg: Alg) -> int:
    """Make a new keys file, with a key for each system."""
    names = list(dict.fromkeys(systems)) or _systems_of(rules)
    for name in names:
        if not is_system_name(name):
            raise click.BadParameter(f"{name!r} cannot name a system: use letters, digits, - and _")
    with _told(), keyfile.locked(path):
        if Path(path).exists():
            raise KeysError(f"{path}: is there already, and new keys would log everybody out: inseam keys rotate")
        ring = KeyRing.fresh(names, alg, _now())
        keyfile.write(path, ring)
    click.echo(f"{path}: keys for cookies, for tokens ({alg}) and for {_and(names) or 'no system yet'}")
    for name in names:
        click.echo(f"  what {name} needs: inseam keys export {name} --keys {path}")
    return 0


def _systems_of(rules: str) -> list[str]:
    from router.rulesfile import load

    return list(load(rules).systems)


@keys.command()
@keys_option
@option("--if-older", type=click.FloatRange(0), metavar="DAYS", help="Only if the keys have signed for so long.")
@option(
    "--keep", type=click.FloatRange(0), default=31, show_default=True, metavar="DAYS",
    help="How long cookies under old keys are accepted; more than the sessions' idle time.",
)  # fmt: skip
@option("--alg", type=_ALGS, help="What tokens are signed with after the rotation that follows.")
@option("--force", is_flag=True, help="Even if the next keys are too young to be known everywhere.")
def rotate(path: str, if_older: float | None, keep: float, alg: Alg | None, force: bool) -> int:
    """Sign with the next keys, still accept the current ones, make new next ones. Nobody is logged out."""
    now = _now()
    with _changing(path) as ring:
        days = rotation.age(ring, now) / rotation.DAY
        if if_older is not None and days < if_older:
            click.echo(f"{path}: its keys have signed for {days:.1f} days, less than {if_older:g}: nothing done")
            return 0
        missing = rotation.unripe(ring, now)
        if missing and not force:
            raise KeysError(
                f"{path}: the next keys are so new that edges and systems may not know them: "
                f"try again in {missing} s, or use --force if nothing runs yet"
            )
        after = rotation.rotated(ring, now, int(keep * rotation.DAY), alg)
        keyfile.write(path, after)
    gone = sorted(set(ring.kids()) - set(after.kids()))
    click.echo(f"{path}: rotated; tokens are signed with {after.token_current.kid}")
    if gone:
        click.echo(f"  no longer accepted: {_and(gone)}")
    return 0


@keys.command()
@keys_option
@click.argument("kid")
def retire(path: str, kid: str) -> int:
    """Accept a key no longer, at once: for one that somebody else may have.

    Cookies under a cookie key that is retired are void: their visitors log in again.
    """
    with _changing(path) as ring:
        after = rotation.retired(ring, kid, _now())
        keyfile.write(path, after)
    click.echo(f"{path}: {kid} is no longer accepted")
    if after.token_current.kid != ring.token_current.kid:
        click.echo(f"  tokens are signed with {after.token_current.kid}")
    return 0


@keys.command("list")
@keys_option
def list_(path: str) -> int:
    """Show the keys there are, by name: never a secret."""
    with _told():
        ring = keyfile.load(path)
    rows: list[tuple[str, str, str, str, str]] = [("for", "kid", "alg", "state", "since")]
    rows += [("cookie", key.kid, "HS256", key.state, _day(key.since)) for key in ring.cookie]
    rows += [("token", key.kid, key.alg, key.state, _day(key.since)) for key in ring.token]
    for name, of_system in ring.systems.items():
        rows += [(name, key.kid, key.alg, "accepted", _day(key.since)) for key in of_system]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


@keys.command()
@keys_option
@click.argument("system")
@option("--public", metavar="FILE", help="The system's public key as PEM (P-256 or Ed25519), instead of a secret.")
@option("--kid", default="", help="What the system calls the key in its updates, where it cannot be told.")
def add(path: str, system: str, public: str | None, kid: str) -> int:
    """Add a key for a system's updates; its older ones are accepted until `inseam keys retire`."""
    if not is_system_name(system):
        raise click.BadParameter(f"{system!r} cannot name a system: use letters, digits, - and _")
    if kid and not public:
        raise click.UsageError("--kid is for a key that the system made: give it with --public")
    with _changing(path) as ring:
        key = new_system_key(system, _now()) if public is None else _given(system, public, kid)
        keyfile.write(path, rotation.added(ring, system, key))
    click.echo(f"{path}: {system} has {key.kid} ({key.alg})")
    click.echo(f"  what {system} needs: inseam keys export {system} --keys {path}")
    return 0


def _given(system: str, file: str, kid: str) -> SystemKey:
    try:
        pem = Path(file).read_bytes()
    except OSError as error:
        raise KeysError(f"{file}: {error.strerror}: give the file with the system's public key") from None
    return public_system_key(system, pem, _now(), file, kid)


@keys.command()
@keys_option
@click.argument("system")
@option("--url", default="", metavar="URL", help="The shop's address: the system fetches the public keys there.")
@option("--format", "form", type=click.Choice(["env", "json"]), default="env", show_default=True)
def export(path: str, system: str, url: str, form: str) -> int:
    """Print what a system needs to read tokens and to sign updates.

    Its secret is part of it: mind where it goes.
    """
    with _told():
        ring = keyfile.load(path)
        known = ring.systems.get(system)
        if not known:
            near = get_close_matches(system, ring.systems, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"`inseam keys add {system}` makes one"
            raise KeysError(f"{path}: {system!r} has no key: {hint}")
    symmetric = any(key.private is None for key in ring.token)
    if url and not symmetric:
        if not url.startswith(("https://", "http://")):
            raise click.BadParameter(f"{url!r} is no address, such as https://shop.example", param_hint="--url")
        source: Any = f"{url.rstrip('/')}/.inseam/jwks.json"
    else:
        source = msgspec.json.decode(jwks_for(ring, system))
        why = "secrets are never published" if symmetric else "or give --url https://YOUR-SHOP, and it fetches them"
        click.echo(f"inseam: export again after each rotation ({why})", err=True)
    newest = known[-1]
    update_key = {"kid": newest.kid, "alg": newest.alg}
    if newest.public is None:
        update_key["secret"] = newest.text
    said = {"system": system, "issuer": ISSUER, "audience": system, "jwks": source, "update_key": update_key}
    click.echo(msgspec.json.format(msgspec.json.encode(said)).decode() if form == "json" else _env(said))
    return 0


def _env(said: dict[str, Any]) -> str:
    """Return lines for a shell, an EnvironmentFile of systemd or a .env file: nothing in them has a single quote."""
    lines = []
    for name, value in said.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        lines.append(f"INSEAM_{name.upper()}={text}" if isinstance(value, str) else f"INSEAM_{name.upper()}='{text}'")
    return "\n".join(lines)


def _day(since: int) -> str:
    return f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC" if since else ""


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[:-1] else "") + "".join(names[-1:])
