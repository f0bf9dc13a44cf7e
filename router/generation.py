"""A generation: one compiled rules file with everything that it says. Made by `router.rulesfile`, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.conditions import Host, Network
from router.errors import Position, Problem
from router.index import Index
from router.model import Limits, SystemSpec
from sessions.model import Policy


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry of `tests:`: a request, and what must be decided for it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    at: float | None
    """Seconds since the epoch, None for now."""
    expect: Mapping[str, str | int]
    """Any of system, rule, page, intent, status, location, target."""
    position: Position


@dataclass(frozen=True, slots=True)
class Generation:
    """What the edge works by. `number` counts from 1 in the order in which generations went live."""

    file: str
    rules: Index
    """Answers as `Rules` does, sooner; `rules.rules` are the rules in file order."""
    systems: Mapping[str, SystemSpec]
    number: int = 1
    digest: str = ""
    """SHA-256 of the rules file and its lists, in hex: the same bytes give the same digest."""
    hosts: Host | None = None
    """The names we answer to; None for any."""
    trusted: tuple[Network, ...] = ()
    """The proxies whose X-Forwarded-* and X-Request-Id are believed."""
    country_header: str = ""
    limits: Limits = Limits()
    session: Policy = Policy()
    plugins: tuple[object, ...] = ()
    """The plugins for every request, ready made, in file order."""
    tests: tuple[Expectation, ...] = ()
    warnings: tuple[Problem, ...] = ()
    watched: tuple[str, ...] = ()
    """The files it was read from: the rules file and its lists."""
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for decision in self.rules.decisions:
            decision.payment = decision.system in self.systems and self.systems[decision.system].payment
