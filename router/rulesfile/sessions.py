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
        if _ORIGIN.fullmatch(origin):
            good.append(origin)
        else:
            work.findings.error(
                ("session", "sites", place),
                f'"{origin}" is no origin',
                "write scheme, host and maybe port in small letters: https://brand.example",
            )
    return good
