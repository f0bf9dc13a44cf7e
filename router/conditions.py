"""A condition is a value that answers yes or no for a request, and prints itself.

Validated once, when the rules load; from then on it only answers. `str(condition)` is what `inseam explain` prints.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import re2

from router.model import RequestView

Condition = Callable[[RequestView], bool]
"""What every class below is: equality, hash and text come with it."""

Source = Literal["header", "cookie", "query", "param"]


# --- tests of one text ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Present:
    """The text is there (or, with `wanted` False, is not)."""

    wanted: bool = True

    def __call__(self, value: str | None) -> bool:
        return (value is not None) is self.wanted

    def __str__(self) -> str:
        return "is present" if self.wanted else "is absent"


@dataclass(frozen=True, slots=True)
class Is:
    """The text is one of these, letter for letter."""

    values: frozenset[str]

    def __call__(self, value: str | None) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return "is " + " or ".join(sorted(self.values))


@dataclass(frozen=True, slots=True)
class In:
    """The text stands in the named list. Two lists with one name are the same list of one generation."""

    name: str
    values: frozenset[str] = field(repr=False, compare=False)

    def __call__(self, value: str | None) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return f"in list {self.name} ({len(self.values)} values)"


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole text matches an RE2 expression (linear time, whatever the client sends)."""

    pattern: str
    _compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re2.compile(self.pattern))

    def __call__(self, value: str | None) -> bool:
        return value is not None and self._compiled.fullmatch(value) is not None

    def __str__(self) -> str:
        return f"matches {self.pattern}"


TextTest = Present | Is | In | Matches


# --- conditions on a request ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A header, cookie, query value or `{name}` of the path passes a test."""

    source: Source
    name: str
    test: TextTest

    def __call__(self, view: RequestView) -> bool:
        """Whether the test is passed; of several query values with this name, one that passes is enough."""
        if self.source == "query":
            values = view.query_values.get(self.name)
            return self.test(None) if values is None else any(self.test(value) for value in values)
        return self.test(self.value(view))

    def value(self, view: RequestView) -> str | None:
        """What the test looks at, None where there is nothing."""
        if self.source == "param":
            return view.param(self.name) if self.name in view.params else None
        if self.source == "header":
            return view.headers.get(self.name)
        return view.cookies.get(self.name)

    def __str__(self) -> str:
        name = f"{{{self.name}}}" if self.source == "param" else f"{self.source} {self.name}"
        return f"{name} {self.test}"


@dataclass(frozen=True, slots=True)
class Host:
    """Host, without port and in lower case, is one of these; `*.shop.example` is any name below shop.example."""

    names: frozenset[str]
    below: tuple[str, ...] = ()

    def __call__(self, view: RequestView) -> bool:
        return view.host in self.names or (bool(self.below) and view.host.endswith(self.below))

    def __str__(self) -> str:
        return "host is " + " or ".join([*sorted(self.names), *("*" + suffix for suffix in self.below)])


@dataclass(frozen=True, slots=True)
class Method:
    """The method is one of these."""

    names: frozenset[str]

    def __call__(self, view: RequestView) -> bool:
        return view.method in self.names

    def __str__(self) -> str:
        return "method is " + " or ".join(sorted(self.names))


@dataclass(frozen=True, slots=True)
class Language:
    """The language the client likes best is one of these; `de` stands for `de-AT` too."""

    tags: frozenset[str]

    def __call__(self, view: RequestView) -> bool:
        best = view.languages[:1]
        return bool(best) and (best[0] in self.tags or best[0].partition("-")[0] in self.tags)

    def __str__(self) -> str:
        return "language is " + " or ".join(sorted(self.tags))


@dataclass(frozen=True, slots=True)
class Country:
    """The country, as the header named by `country_header` says (from a trusted proxy only), is one of these."""

    codes: frozenset[str]

    def __call__(self, view: RequestView) -> bool:
        return view.country in self.codes

    def __str__(self) -> str:
        return "country is " + " or ".join(sorted(self.codes))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@dataclass(frozen=True, slots=True)
class Client:
    """The client's address lies in one of these networks."""

    networks: tuple[Network, ...]

    def __call__(self, view: RequestView) -> bool:
        address = _address(view.client)
        return address is not None and any(address in network for network in self.networks)

    def __str__(self) -> str:
        return "client in " + " or ".join(str(network) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is (not) logged in, or the basket is filled (or empty). None asks nothing."""

    login: bool | None = None
    basket: Literal["filled", "empty"] | None = None

    def __call__(self, view: RequestView) -> bool:
        if self.login is not None and view.visit.login is not self.login:
            return False
        return self.basket is None or (view.visit.items > 0) is (self.basket == "filled")

    def __str__(self) -> str:
        login = [] if self.login is None else ["logged in" if self.login else "not logged in"]
        return "session is " + " and ".join([*login, *([f"basket {self.basket}"] if self.basket else [])])


@dataclass(frozen=True, slots=True)
class Between:
    """The time is at or after `since` and before `until`, both in seconds since the epoch; None leaves a side open.

    `said` is the window in the words and the time zone of the rules file.
    """

    since: float | None = None
    until: float | None = None
    said: str = field(default="", compare=False)

    def __call__(self, view: RequestView) -> bool:
        return (self.since is None or view.now >= self.since) and (self.until is None or view.now < self.until)

    def __str__(self) -> str:
        return "between " + (self.said or f"{_moment(self.since)} and {_moment(self.until)}")


def _moment(seconds: float | None) -> str:
    return "ever" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
