"""The values that requests, rules and systems are made of. Pure: nothing here reads a clock, a socket or a file.

Values made when rules load are frozen dataclasses; values made per request have slots and are not frozen (a frozen one
costs four times as much to build). `Edits` has the shape of Envoy's header mutation on purpose: nothing here knows
which data plane calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from router.rules import Rule

Intent = Literal["browse", "buy", "account", "api", "asset"]

INTENT_OF_PAGE: Mapping[str, Intent] = {
    "basket": "buy",
    "checkout": "buy",
    "payment": "buy",
    "order": "buy",
    "account": "account",
    "login": "account",
    "api": "api",
    "asset": "asset",
}
"""What a page type is for, unless the rule says otherwise; a page type not named here is for browsing."""

PAYMENT_PAGES = frozenset({"basket", "checkout", "payment", "order"})
"""Pages that only a system with `payment: true` may be asked for. DESIGN, 4."""

METHODS: Mapping[bytes, str] = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
"""The common methods as text, by their bytes."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1), without TRACE, which is refused: these may be asked twice."""

SPLIT_COOKIE = "inseam-split"
"""The cookie that keeps a visitor's bucket (a number, no identity); under https its name begins with `__Host-`."""

BUCKETS = 10_000
"""Visitors are dealt into this many buckets, so a split can be as fine as 0.01 %."""


class Headers:
    """The header lines of one message, in order. Names compare without case; values are latin-1 text.

    `lines` holds (name as it came, value without surrounding white space) as bytes.
    """

    __slots__ = ("_index", "_lines", "raw")

    def __init__(self, lines: list[tuple[bytes, bytes]] | None = None, raw: bytes = b"") -> None:
        self._lines = lines
        self.raw = raw
        """The lines as they go over the wire; taken apart when somebody asks."""
        self._index: dict[bytes, list[bytes]] | None = None

    @property
    def lines(self) -> list[tuple[bytes, bytes]]:
        if self._lines is None:
            self._lines = []
            for line in self.raw.split(b"\r\n"):
                name, colon, value = line.partition(b":")
                if colon:
                    self._lines.append((name, value.strip(b" \t")))
        return self._lines

    @classmethod
    def of(cls, lines: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
        """Headers from text, for tests and `inseam explain`."""
        pairs = lines.items() if isinstance(lines, Mapping) else lines
        return cls([(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs])

    def _by_name(self) -> dict[bytes, list[bytes]]:
        index = self._index
        if index is None:
            index = self._index = {}
            for name, value in self.lines:
                index.setdefault(name.lower(), []).append(value)
        return index

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of `name`; several lines are joined as RFC 9110, 5.3 allows (Cookie by `; `)."""
        values = self._by_name().get(name.lower().encode("latin-1"))
        if values is None:
            return default
        if len(values) == 1:
            return values[0].decode("latin-1")
        return (b"; " if name.lower() == "cookie" else b", ").join(values).decode("latin-1")

    def all(self, name: str) -> list[str]:
        """Return every line's value of `name`, in order (Set-Cookie and Link must stay several lines)."""
        return [value.decode("latin-1") for value in self._by_name().get(name.lower().encode("latin-1"), ())]

    def __contains__(self, name: str) -> bool:
        return name.lower().encode("latin-1") in self._by_name()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in self.lines:
            yield name.decode("latin-1"), value.decode("latin-1")

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self.lines]})"  # values may be secret


class Visit:
    """What conditions may know of a session: whether somebody is logged in, and how many items the basket holds."""

    __slots__ = ("items", "login")

    def __init__(self, login: bool = False, items: int = 0) -> None:
        self.login = login
        self.items = items


GUEST = Visit()
"""A visitor of whom nothing is known."""


class RequestView:
    """One request as rules, plugins and the bridge see it. What is costly to work out is worked out when asked for.

    `path` is the canonical path, percent-encoded, and the very text that is sent to the system; `query` is what follows
    `?`, as it came, or empty. `host` is lower case without port, `authority` is Host as it came. `client` is the
    address of the client (or what a trusted proxy says it is). `now` is in seconds since the epoch. `allot` deals a
    bucket to a visitor who has none. `params` are the `{names}` of the matched path, still percent-encoded.
    """

    __slots__ = (
        "_cookies", "_languages", "_query", "allot", "allotted", "authority", "client", "country", "decision",
        "given_bucket", "headers", "host", "method", "now", "params", "path", "query", "request_id", "scheme", "visit",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        headers: Headers,
        query: str = "",
        scheme: str = "http",
        host: str = "",
        authority: str = "",
        client: str = "",
        now: float = 0.0,
        request_id: str = "",
        given_bucket: int = -1,
        allot: Callable[[], int] | None = None,
        country: str = "",
        visit: Visit = GUEST,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.query = query
        self.scheme = scheme
        self.host = host
        self.authority = authority
        self.client = client
        self.now = now
        self.request_id = request_id
        self.given_bucket = given_bucket
        self.allot = allot
        self.allotted = -1
        self.country = country
        self.visit = visit
        self.params: dict[str, str] = {}
        self.decision: Decision | None = None
        self._cookies: dict[str, str] | None = None
        self._languages: list[str] | None = None
        self._query: dict[str, list[str]] | None = None

    @property
    def bucket(self) -> int:
        """The visitor's bucket, 0 to 9999: from the split cookie, else dealt now (and then `allotted` says so)."""
        if self.given_bucket >= 0:
            return self.given_bucket
        said = self.cookies.get(SPLIT_COOKIE if self.scheme != "https" else f"__Host-{SPLIT_COOKIE}", "")
        if said.isascii() and said.isdigit() and len(said) <= 4:
            self.given_bucket = int(said)
            return self.given_bucket
        if self.allotted < 0:
            self.allotted = self.allot() if self.allot is not None else 0
        return self.allotted

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, never parsed strictly: split on `;` and the first `=`; of two with one name the first counts."""
        if self._cookies is None:
            self._cookies = {}
            for pair in (self.headers.get("cookie") or "").split(";"):
                name, equals, value = pair.strip(" \t").partition("=")
                if equals:
                    self._cookies.setdefault(name.rstrip(" \t"), value.lstrip(" \t"))
        return self._cookies

    @property
    def query_values(self) -> dict[str, list[str]]:
        """The query's values by name, decoded; a name may have several."""
        if self._query is None:
            self._query = {}
            if not self.query:
                return self._query
            for name, value in parse_qsl(self.query, keep_blank_values=True, max_num_fields=None):
                self._query.setdefault(name, []).append(value)
        return self._query

    @property
    def languages(self) -> list[str]:
        """The client's languages in lower case, best first; those with q=0 are left out. RFC 9110, 12.5.4."""
        if self._languages is None:
            ranked = []
            for place, item in enumerate((self.headers.get("accept-language") or "").split(",")):
                tag, _, parameters = item.partition(";")
                weight = _weight(parameters)
                if tag.strip() and weight > 0:
                    ranked.append((-weight, place, tag.strip().lower()))
            self._languages = [tag for _, _, tag in sorted(ranked)]
        return self._languages

    def param(self, name: str) -> str:
        """The `{name}` of the matched path, decoded, or an empty string."""
        value = self.params.get(name, "")
        return unquote(value) if "%" in value else value

    @property
    def target(self) -> str:
        """Path and query as they came."""
        return f"{self.path}?{self.query}" if self.query else self.path


def _weight(parameters: str) -> float:
    """Return the q among parameters such as `q=0.8`: 1 where there is none, 0 where it is no weight at all."""
    for parameter in parameters.split(";"):
        key, _, text = parameter.strip().partition("=")
        if key in ("q", "Q"):
            try:
                weight = float(text)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


class ResponseView:
    """The head of a system's answer as plugins and the bridge see it: status 100 to 599 and headers."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers


@dataclass(slots=True)
class Edits:
    """Headers to remove, to set (replacing all lines of that name) and to add, applied in this order."""

    set: dict[str, str] = field(default_factory=dict)
    add: list[tuple[str, str]] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.set or self.add or self.remove)

    def then(self, later: Edits) -> Edits:
        """Both edits as one, `later` having the last word."""
        gone = {name.lower() for name in (*later.remove, *later.set)}
        return Edits(
            {**{n: v for n, v in self.set.items() if n.lower() not in gone}, **later.set},
            [*((n, v) for n, v in self.add if n.lower() not in gone), *later.add],
            [*self.remove, *later.remove],
        )


@dataclass(slots=True)
class Reply:
    """An answer that the edge gives itself, without asking a system."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


# --- what a rules file says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, until the first byte of an answer, and without a byte while a body is under way."""

    connect: float = 3.0
    response: float = 30.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Ask `path` every `every` seconds; `fall` failures in a row take a server out, `rise` successes bring it back."""

    path: str = "/"
    every: float = 5.0
    timeout: float = 2.0
    rise: int = 2
    fall: int = 3
    host: str = ""


@dataclass(frozen=True, slots=True)
class Overload:
    """How many requests at a time a system is asked by one worker, and who waits how long when it bears no more."""

    limit: int = 0
    """The most requests that are sent and not yet answered; 0 for as many as it is found to bear."""
    adaptive: bool = True
    least: int = 4
    most: int = 0
    """Between these lies what is found; 0 for as many as there are connections."""
    patience: float = 0.5
    """Seconds that somebody who browses waits for a system that is overloaded; not for those with a basket."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server of a system: `scheme` is http or https."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """One upstream application as the rules file declares it. Connections and queue are per worker."""

    name: str
    servers: tuple[ServerAddress, ...]
    profile: str = "generic"
    payment: bool = False
    authority: frozenset[str] = frozenset()
    unsigned: bool = False
    """Whether what it tells of a visitor may be plain JSON."""
    health: HealthCheck | None = None
    timeouts: Timeouts = Timeouts()
    retries: int = 1
    connections: int = 256
    """The most connections to one server."""
    queue: int = 512
    """The most requests waiting for a connection; one more is answered 503."""
    queue_timeout: float = 5.0
    """Seconds a request may wait for a connection."""
    overload: Overload = Overload()
    keepalive: float = 30.0
    """Seconds an unused connection is kept; stay below what the server itself allows."""
    verify: bool = True
    """Whether a server's certificate is checked."""
    ca: str = ""
    """Certificates to trust, PEM; empty for those that the machine trusts. The text and not its file: a renewed one is
    another declaration, and every worker has the same."""
    tls_name: str = ""
    passes_cards: bool = False
    """Whether what is sent to it is not looked through for card numbers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of the edge; sizes in bytes, times in seconds, `body` 0 for no limit."""

    request_line: int = 8 * 1024
    head: int = 32 * 1024
    fields: int = 100
    body: int = 0
    head_time: float = 10.0
    body_rate: int = 512
    """Bytes a second, averaged over `body_grace`, below which an upload is given up with 408."""
    body_grace: float = 30.0
    idle: float = 75.0
    write_idle: float = 60.0
    """Seconds a client may take without accepting a byte of its answer."""
    connections: int = 20_000
    """The most client connections in one worker."""
    client_connections: int = 1_000
    """The most connections from one client address in one worker."""
    requests: int = 0
    """The most requests on one connection; 0 for no limit."""
    memory: int = 256 * 1024 * 1024
    """Bytes of free memory (a tenth of all, if that is less) below which new work is refused; 0 for never."""


# --- what a match decides ---------------------------------------------------------------------------------------------


class Decision:
    """The rule that won for a request, with the system to ask.

    Made once per rule and system when the rules load, never per request. `system` is empty where the rule answers by
    itself (redirect, respond). `number` is a small int, dense over a generation, for counters. `payment` says whether
    the system may be asked for payment pages.
    """

    __slots__ = ("number", "payment", "rule", "system")

    def __init__(self, rule: Rule, system: str, number: int = -1) -> None:
        self.rule = rule
        self.system = system
        self.number = number
        self.payment = False

    def __repr__(self) -> str:
        return f"Decision(rule={self.rule.name!r}, system={self.system!r})"
