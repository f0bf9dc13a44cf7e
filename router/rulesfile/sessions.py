"""Compiling `session:`."""

from __future__ import annotations

import re
from typing import Final

from router.errors import EdgeError
from router.rulesfile import shape
from router.rulesfile.work import Work
from router.wire.target import canonical
from sessions.model import Policy

_MOST_TOKEN: Final = 300
"""Seconds: a revoked session must be of no use anywhere soon. REQUIREMENTS, 11 and 42."""

_ORIGIN: Final = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")


def compiled_policy(work: Work, said: shape.Session) -> Policy:
    """Return how sessions are kept."""
    if said.absolute < said.idle:
        work.findings.error(
            ("session", "absolute"), "ends a session before its idle time is over", "make it longer than idle"
        )
    if said.token > _MOST_TOKEN:
        work.findings.error(("session", "token"), "a token lives longer than five minutes", "write 5m at most")
    basket = said.basket or shape.BasketPolicy()
    return Policy(
        idle=said.idle,
        absolute=said.absolute,
        grace=said.grace,
        token_life=min(said.token, _MOST_TOKEN),
        merge=basket.merge,
        line_cap=basket.line_cap,
        basket_cap=basket.basket_cap,
        callbacks=frozenset(_callbacks(work, said.callbacks)),
        sites=frozenset(_sites(work, said.sites)),
        home=_home(work, said.home, said.sites) if said.home is not None else "",
    )


def _callbacks(work: Work, paths: list[str]) -> list[str]:
    good = []
    for place, path in enumerate(paths):
        try:
            plain = path.startswith("/") and "*" not in path and canonical(path.encode()).decode() == path
        except (EdgeError, UnicodeEncodeError):
            plain = False
        if plain:
            good.append(path)
        else:
            work.findings.error(
                ("session", "callbacks", place),
                f'"{path}" is no exact path',
                "write /checkout/payment-return/, without *",
            )
    return good


def _sites(work: Work, origins: list[str]) -> list[str]:
    good = []
    for place, origin in enumerate(origins):
        if _is_origin(origin):
            good.append(origin)
        else:
            work.findings.error(
                ("session", "sites", place),
                f'"{origin}" is no origin',
                "write scheme, host and maybe port in small letters: https://brand.example",
            )
    return good


def _is_origin(text: str) -> bool:
    """Whether it is an origin as browsers write it: with no port where it is the scheme's own."""
    default = ":443" if text.startswith("https:") else ":80"
    return bool(_ORIGIN.fullmatch(text)) and not text.endswith(default)


def _home(work: Work, origin: str, sites: list[str]) -> str:
    """Return the shop's own origin, if sessions can be handed over from it."""
    place = ("session", "home")
    if not _is_origin(origin):
        work.findings.error(place, f'"{origin}" is no origin', "write https://shop.example, in small letters")
        return ""
    if not sites:
        work.findings.warn(place, "there is no site to hand a session over to", "name the brand's origin under sites")
    for number, site in enumerate(sites):
        if site == origin:
            work.findings.error(("session", "sites", number), "the shop itself is one of its sites", "take it out")
        elif origin.startswith("https:") and site.startswith("http:"):
            work.findings.error(
                ("session", "sites", number), f"{site} would get sessions from https in plain text", "write https://"
            )
    return origin
