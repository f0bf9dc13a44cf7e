"""`make shop`: Wagtail and django-oscar with the edge in front, ready to click.

Two variants: `unchanged`, where both sites are as their makers ship them and the edge works by their profiles, and
`client`, where both have the small client of deploy/clients and talk to the edge by signed headers.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final, Literal

from deploy.demo.processes import Edge
from deploy.demo.run import Copy, free, told_to_stop
from deploy.demo.welcome import tell
from deploy.shop.introduction import introduce
from deploy.shop.sites import HERE, NAMES, Site, seeded
from deploy.shop.welcome import welcome
from router.errors import StartError
from router.supervision.settings import Address

Variant = Literal["client", "unchanged"]

ROOT: Final = HERE.parents[1]
STATE: Final = ROOT / ".shop"
"""Where databases, keys and logs are; git-ignored, and made anew if it is deleted."""

PYTHON: Final = ROOT / ".venv-shop" / "bin" / "python"
"""The interpreter that has Django, as `make shop` makes it."""

PORTS: Final = {"cms": 8001, "commerce": 8002}
"""Where the sites listen, as in rules.yaml; if somebody else does already, any free port is as good."""

_TO_START: Final = 60.0
"""Seconds for sites and edge to get ready: an old laptop, everything imported for the first time."""

_LOOK: Final = 0.3
"""Seconds between two looks at the rules file and at the processes."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A running shop: the addresses of the edge, and what is behind it."""

    url: str
    admin: str
    sites: Mapping[str, Site]
    edge: Edge
    rules: Copy
    data: Path


def _directly(_name: str, url: str) -> str:
    return url


@contextmanager
def running(
    variant: Variant,
    data: Path,
    listen: Address,
    admin: Address,
    stop: Event,
    through: Callable[[str, str], str] = _directly,
    options: Sequence[str] = (),
) -> Iterator[Shop | None]:
    """Run both sites on the databases in `data`, and the edge; None if told to stop before it was ready.

    `through` is told a site's name and URL and returns the URL at which the edge shall ask for it: a recorder's, say.
    `options` are more ones for `inseam serve`. Raises StartError.
    """
    url = f"{'https' if '--tls-cert' in options else 'http'}://{listen}"
    with ExitStack() as stack:
        keys = introduce(data, url)
        settings = "with_client" if variant == "client" else "settings"
        sites = {name: stack.enter_context(Site(name, PORTS[name], data, PYTHON, settings)) for name in NAMES}
        folder = data / "edge"
        folder.mkdir(exist_ok=True)
        servers = {name: through(name, site.url) for name, site in sites.items()}
        rules = Copy(HERE / "rules.yaml", folder / "rules.yaml", servers, admin="")
        rules.renew()
        more = ["--store", f"sqlite:{data / 'sessions.sqlite3'}", "--keys", str(keys), *options]
        edge = stack.enter_context(Edge(folder, listen, admin, more))
        for site in sites.values():
            if not site.wait_until_ready(stop, _TO_START) and not stop.is_set():
                raise StartError(f"the {site.name} does not start; what it said is in {site.said}")
        if edge.wait_until_ready(stop, _TO_START):
            yield Shop(url, f"http://{admin}", sites, edge, rules, data)
        elif stop.is_set():
            yield None
        else:
            raise StartError("the edge does not start; what it said stands above")


def prepared(data: Path) -> Path:
    """Return the folder, with freshly filled databases if it is not there or was filled by another version of this."""
    STATE.mkdir(exist_ok=True)
    fresh = seeded(STATE, PYTHON)
    mark = data / "seeded-by"
    if not mark.exists() or mark.read_text() != fresh.name:
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(fresh, data)
        mark.write_text(fresh.name)
    return data


def main(variant: Variant, listen: str, admin: str) -> None:
    """Run the shop until it is interrupted. Raises StartError."""
    shop_at = free(listen, "the shop")
    admin_at = free(admin, "the admin address", not_port=shop_at.port)
    with told_to_stop() as stop:
        if not (STATE / variant).exists():
            tell("Filling two databases; the next start is a matter of seconds.")
        data = prepared(STATE / variant)
        with running(variant, data, shop_at, admin_at, stop) as shop:
            if shop is None:
                return
            welcome(shop.url, shop.admin, variant, data)
            while not stop.wait(_LOOK):
                if shop.edge.ended:
                    raise StartError("the edge has ended by itself; what it said stands above")
                shop.rules.renew()
                for site in shop.sites.values():
                    tell(site.look_after(time.monotonic()))
