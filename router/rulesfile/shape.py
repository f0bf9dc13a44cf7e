"""What a rules file may hold: its keys, their types and what an editor says about them.

These models check shapes only; whether names, patterns and addresses mean anything is found out when they are
compiled. The sentence under a key is its description in the JSON Schema, and so what an editor shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from router import model
from router.rulesfile.scalars import Duration, Period, Share, Size, Text, kind_of, kind_of_text
from sessions import profiles
from sessions.model import MOST_COUNT, Policy

_TIMEOUTS, _SYSTEM, _LIMITS = model.Timeouts(), model.SystemSpec("", ()), model.Limits()
_POLICY, _OVERLOAD = Policy(), model.Overload()


def _one_of(expected: str, numbers_are_text: bool = False) -> Discriminator:
    """Pick by the kind of value, so that one mistake is one message."""
    return Discriminator(
        kind_of_text if numbers_are_text else kind_of,
        custom_error_type="shape",
        custom_error_message=f"expected {expected}",
    )


_Word = Annotated[str, Tag("<text>")]

OneOrMany = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[Text], Tag("<list>")], _one_of("a text or a list of texts", True)
]
Paths = Annotated[_Word | Annotated[list[str], Tag("<list>")], _one_of("a path or a list of paths")]


class Shape(BaseModel):
    """No conversions, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


# --- systems ----------------------------------------------------------------------------------------------------------


class Health(Shape):
    """How a system's servers are probed."""

    path: str = "/"
    """The path to ask for; 2xx and 3xx are healthy."""
    every: Duration = 5.0
    """Time between two probes of one server."""
    timeout: Duration = 2.0
    """Time a probe may take; at most `every`, and 2s or `every` unless given."""
    rise: int = Field(2, ge=1, le=100)
    """So many successes in a row bring a server back."""
    fall: int = Field(3, ge=1, le=100)
    """So many failures in a row take a server out."""
    host: str = ""
    """The Host that probes send; the first of `hosts` by the alphabet, else the server's own address, unless given."""


CardNumbers = Literal["refuse", "pass"]


class TimeoutParts(Shape):
    """Timeouts one by one."""

    connect: Duration = _TIMEOUTS.connect
    """Time for a connection to be made."""
    response: Duration = _TIMEOUTS.response
    """Time until the first byte of the answer."""
    idle: Duration = _TIMEOUTS.idle
    """Time without a byte while a body is under way."""


Timeout = Annotated[
    Annotated[Duration, Tag("<text>")] | Annotated[TimeoutParts, Tag("<map>")],
    _one_of('a duration such as "10s", or {connect, response, idle}'),
]


class Tls(Shape):
    """TLS towards a system's https servers."""

    verify: bool = True
    """Whether a server's certificate is checked."""
    ca: str = ""
    """A file with the certificates to trust, PEM, relative to the rules file; the machine's own unless given."""
    name: str = ""
    """The name in the server's certificate, where it is not the one in its address."""


Limit = Annotated[
    Annotated[Literal["auto"], Tag("<text>")] | Annotated[int, Field(ge=1, le=65_535), Tag("<number>")],
    _one_of('"auto" or a number'),
]


class OverloadParts(Shape):
    """How many requests at a time a system is asked, and how long those wait for whom it has no room."""

    limit: Limit = "auto"
    """The most requests that are sent and not yet answered, per worker; `auto`: as many as it is found to bear."""
    min: int = Field(_OVERLOAD.least, ge=1, le=65_535)
    """The least that `auto` may come to, per worker."""
    max: int | None = Field(None, ge=1, le=65_535)
    """The most that `auto` may come to, per worker; as many as there are connections, unless given."""
    patience: Duration = _OVERLOAD.patience
    """Time that somebody without a basket who browses waits for a system that is overloaded."""


Overload = Annotated[
    Annotated[Literal["auto", "off"], Tag("<text>")] | Annotated[OverloadParts, Tag("<map>")],
    _one_of('"auto", "off", or {limit, min, max, patience}'),
]


class System(Shape):
    """One upstream application: where its servers are and how to treat them."""

    servers: list[str] = Field(min_length=1)
    """Addresses such as http://10.0.0.5:8000; requests go to the one with the fewest under way."""
    profile: str = Field("generic", pattern="^[a-z][a-z0-9-]*$", json_schema_extra={"enum": list(profiles.names())})
    """How this product shows login, logout, basket and order: wagtail, django-oscar, ..."""
    payment: bool = False
    """Whether this system may be asked for payment pages (basket, checkout, payment, order). Once one system has it,
    no other may."""
    authority: list[Literal["login", "basket", "order"]] = []
    """What this system may tell the edge about a visitor. The default is nothing."""
    updates: Literal["signed", "unsigned"] | None = None
    """Whether what this system tells must be signed; as `updates` at the top says, unless given."""
    health: Health | None = None
    """Active probes; without them a server is only taken out when requests to it fail."""
    timeout: Timeout | None = None
    """How long to wait: one duration is the time until the first byte of an answer."""
    retries: int = Field(_SYSTEM.retries, ge=0, le=10)
    """How often a request that is safe to send again is tried on another server."""
    connections: int = Field(_SYSTEM.connections, ge=1, le=65_535)
    """The most connections to one server, per worker."""
    queue: int = Field(_SYSTEM.queue, ge=0, le=1_000_000)
    """The most requests waiting for a connection, per worker; one more is answered 503."""
    queue_timeout: Duration = _SYSTEM.queue_timeout
    """Time a request may wait for a connection."""
    overload: Overload = "auto"
    """What is done when the system bears no more: `auto` finds out how much that is and sheds browsing first, `off`
    asks for as much as there are connections."""
    keepalive: Duration = _SYSTEM.keepalive
    """Time an unused connection is kept; stay below what the server itself allows."""
    tls: Tls | None = None
    """TLS towards https servers."""
    card_numbers: CardNumbers = "refuse"
    """What becomes of a body or query with a card number, where this system has no `payment: true` and another has:
    it is refused, or nobody looks."""


# --- conditions -------------------------------------------------------------------------------------------------------


class ValueTest(Shape):
    """A test of one text: exactly one of these."""

    in_: str | None = Field(None, alias="in")
    """The value stands in this list (one of `lists:`)."""
    is_: OneOrMany | None = Field(None, alias="is")
    """The value is this text, or one of these, letter for letter."""
    matches: str | None = None
    """The whole value matches this RE2 expression."""


Test = Annotated[
    Annotated[bool, Tag("<bool>")]
    | Annotated[Text, Tag("<text>")]
    | Annotated[list[Text], Tag("<list>")]
    | Annotated[ValueTest, Tag("<map>")],
    _one_of("true, false, a text, a list of texts, or one of {in, is, matches}", True),
]
"""`true` for present, `false` for absent, a text or a list of texts for equal, or {in, is, matches}."""


class SessionTest(Shape):
    """What is known of the visitor; keys that are left out ask nothing."""

    login: bool | None = None
    """Somebody is (true) or nobody is (false) logged in."""
    basket: Literal["filled", "empty"] | None = None
    """Whether the basket holds anything."""


class Window(Shape):
    """A time window. A bare date means midnight in the time zone; either side may be left open."""

    from_: str | None = Field(None, alias="from", examples=["2026-06-01", "2026-06-01T08:00"])
    """The first moment of it: 2026-06-01 or 2026-06-01T08:00."""
    until: str | None = Field(None, examples=["2026-09-01", "2026-09-01T00:00"])
    """The first moment after it."""
    timezone: str = Field("UTC", examples=["Europe/Berlin", "UTC"])
    """The time zone of both, such as Europe/Berlin."""


class When(Shape):
    """Conditions that must all hold, beside the path. Any {name} of the path can be a key here too."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Test]

    host: OneOrMany | None = None
    """Host is one of these names; *.shop.example is any name below shop.example."""
    method: OneOrMany | None = None
    """The method is one of these. GET does not stand for HEAD."""
    header: dict[str, Test] | None = None
    """Tests of request headers, by name."""
    cookie: dict[str, Test] | None = None
    """Tests of cookies, by name."""
    query: dict[str, Test] | None = None
    """Tests of the query's values, by name; of several values one must pass."""
    language: OneOrMany | None = None
    """The language the client likes best is one of these; de stands for de-AT too."""
    country: OneOrMany | None = None
    """The country, as `country_header` says, is one of these two-letter codes."""
    client: OneOrMany | None = None
    """The client's address lies in one of these networks (CIDR)."""
    session: SessionTest | None = None
    """What is known of the visitor."""
    between: Window | None = None
    """The time lies within this window."""


# --- treatments -------------------------------------------------------------------------------------------------------

Owner = Annotated[_Word | Annotated[dict[str, Share], Tag("<map>")], _one_of("a system, or {system: percent, ...}")]


class RedirectParts(Shape):
    """A redirect in full."""

    to: str | None = None
    """A path or an http(s) URL, in which {name} stands for a name of the path."""
    location: str | None = None
    """Another word for `to`."""
    status: Literal[301, 302, 303, 307, 308] = 302
    """301 and 308 are for ever, 307 and 308 keep the method."""
    keep_query: bool = True
    """Whether the query goes along."""


class Respond(Shape):
    """An answer that the edge gives itself."""

    status: int = Field(200, ge=200, le=599)
    """The status of the answer."""
    body: str | None = None
    """Its text."""
    file: str | None = None
    """A file with its body, relative to the rules file."""
    content_type: str | None = None
    """Its Content-Type; plain text, or what the file's name says, unless given."""
    headers: dict[str, OneOrMany] = {}
    """More headers of the answer."""


class HeaderEdits(Shape):
    """Headers to remove, set (replacing those of that name) and add, in this order."""

    set: dict[str, Text] = {}
    """Headers to set, replacing all of that name."""
    add: dict[str, OneOrMany] = {}
    """Headers to add beside those of that name."""
    remove: list[str] = []
    """Headers to remove."""


class Headers(Shape):
    """What changes in the headers on the way to the system, and on the way back."""

    request: HeaderEdits | None = None
    """On the way to the system."""
    response: HeaderEdits | None = None
    """On the way back to the client."""


class MirrorParts(Shape):
    """A mirror of a part of the requests."""

    to: str
    """The system that gets the copies."""
    percent: Share = 10_000
    """How many requests of a hundred are copied."""


Redirect = Annotated[_Word | Annotated[RedirectParts, Tag("<map>")], _one_of("a location, or {to, status, keep_query}")]
Mirror = Annotated[_Word | Annotated[MirrorParts, Tag("<map>")], _one_of("a system, or {to, percent}")]
Plugin = Annotated[
    Any,  # what an entry is, and what its options are, is told when the plugin is found
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "maxProperties": 1, "additionalProperties": {"type": ["object", "null"]}},
            ]
        }
    ),
]


# --- rules, tests, the file -------------------------------------------------------------------------------------------


class Rule(Shape):
    """Conditions, an owner and its treatment. The first rule in the file that holds wins."""

    name: str = Field(min_length=1, max_length=100)
    """What this rule is called in messages, logs and metrics; no two may have one name."""
    path: Paths
    """One pattern or a list of them: ** is any depth, * any characters within a segment, {name} one segment."""
    when: When | None = None
    """Conditions that must all hold, beside the path."""
    to: Owner | None = None
    """The system that owns the page, or {system: percent, ...} to share visitors out, sticky and exact."""
    redirect: Redirect | None = None
    """Answer with a redirect."""
    respond: Respond | None = None
    """Answer without asking a system."""
    fallback: str | None = None
    """The system to ask when the owner is down or does not have the page."""
    rewrite: str | None = None
    """The path to ask for instead, in which {name} stands for a name of the path."""
    timeout: Timeout | None = None
    """How long to wait for the system, in place of the system's own timeout."""
    retries: int | None = Field(None, ge=0, le=10)
    """How often a request that is safe to send again is tried on another server."""
    headers: Headers | None = None
    """What changes in the headers of requests and responses."""
    plugins: list[Plugin] = []
    """Plugins for this rule, after those of the file."""
    mirror: Mirror | None = None
    """Copy safe requests, without cookies and credentials, to another system; its answers are thrown away."""
    body_limit: Size | None = None
    """The largest request body, in place of the file's; 0 for no limit."""
    card_numbers: CardNumbers | None = None
    """What becomes of a body or query with a card number on its way to a system that takes no payments; as the system
    says unless given."""
    page: str = ""
    """What kind of page it is: home, campaign, brand, product, listing, basket, checkout, ..."""
    intent: Literal["browse", "buy", "account", "api", "asset"] | None = None
    """What a visit is for; it follows from `page` unless given."""
    examples: list[str] = []
    """Requests that must land on this rule, `/path` or `METHOD URL`; `inseam check` proves each."""


class Expect(Shape):
    """What must be decided; keys that are left out are not looked at."""

    system: str | None = None
    """The system that is asked."""
    rule: str | None = None
    """The rule that wins."""
    page: str | None = None
    """The page type."""
    intent: Literal["browse", "buy", "account", "api", "asset"] | None = None
    """What the visit is for."""
    status: int | None = None
    """The status of an answer that the edge gives itself."""
    location: str | None = None
    """Where a redirect leads."""
    target: str | None = None
    """Path and query that the system is asked for."""


class Case(Shape):
    """One entry of `tests:`, run by `inseam test`."""

    request: str = Field(examples=["GET /catalogue/999/"])
    """Method and URL, or only a path."""
    headers: dict[str, Text] = {}
    """Headers of the request."""
    at: str | None = None
    """The time of the request, such as 2026-07-01T12:00; now unless given. UTC unless it has an offset."""
    expect: Expect
    """What must be decided."""


class Limits(Shape):
    """What one client may ask of the edge."""

    request_line: Size = _LIMITS.request_line
    """The longest request line; beyond it the answer is 414."""
    head: Size = _LIMITS.head
    """The largest header section; beyond it the answer is 431."""
    fields: int = Field(_LIMITS.fields, ge=1, le=10_000)
    """The most header lines; beyond it the answer is 431."""
    body: Size = _LIMITS.body
    """The largest request body, 0 for no limit; beyond it the answer is 413."""
    head_time: Duration = _LIMITS.head_time
    """Time a client may take to send a head; then the answer is 408."""
    body_rate: Size = _LIMITS.body_rate
    """Bytes a second below which an upload is given up."""
    body_grace: Duration = _LIMITS.body_grace
    """Time over which that rate is averaged."""
    idle: Duration = _LIMITS.idle
    """Time an unused client connection is kept."""
    write_idle: Duration = _LIMITS.write_idle
    """Time a client may take without accepting a byte of its answer."""
    connections: int = Field(_LIMITS.connections, ge=1)
    """The most client connections in one worker."""
    client_connections: int = Field(_LIMITS.client_connections, ge=1)
    """The most connections from one client address in one worker."""
    requests: int = Field(_LIMITS.requests, ge=0)
    """The most requests on one connection, 0 for no limit."""
    memory: Size = _LIMITS.memory
    """Free memory (a tenth of all, if that is less) below which new work is refused with 503; 0 for never."""


class BasketPolicy(Shape):
    """What becomes of a guest's basket when the customer has one already."""

    merge: Literal["sum", "max", "newest", "guest", "customer"] = _POLICY.merge
    """For an article in both: add up, or take the larger number; or which of the two baskets counts."""
    line_cap: int = Field(default=_POLICY.line_cap, ge=0, le=MOST_COUNT)
    """The most items of one article, 0 for no limit."""
    basket_cap: int = Field(default=_POLICY.basket_cap, ge=0, le=MOST_COUNT)
    """The most items in all, 0 for no limit."""


class Session(Shape):
    """How long sessions live, and what becomes of baskets."""

    idle: Period = _POLICY.idle
    """Time after which a visitor who does not come back is forgotten."""
    absolute: Period = _POLICY.absolute
    """Time after which a session ends however often the visitor comes."""
    grace: Period = _POLICY.grace
    """Time in which forms that were open before a login go on working."""
    token: Period = _POLICY.token_life
    """Life of the token that a system receives; five minutes at most."""
    basket: BasketPolicy | None = None
    """What becomes of a guest's basket when the customer has one already."""
    callbacks: list[str] = []
    """Exact paths to which other sites may send a visitor with a form: payment providers come back there."""
    sites: list[str] = []
    """Origins, such as https://brand.example, that a session may be handed over to."""
    home: str | None = Field(None, examples=["https://shop.example"])
    """The shop's own origin, from which sessions are handed over to the sites; none are, unless given."""


class ListFile(Shape):
    """A list that is kept in a file of its own."""

    file: str
    """The file, relative to the rules file: one value a line, lines that begin with # left out."""


List = Annotated[
    Annotated[list[Text], Tag("<list>")] | Annotated[ListFile, Tag("<map>")],
    _one_of("a list of values, or {file: ...}"),
]


class File(Shape):
    """The routes of a shop: which system owns which pages."""

    version: Annotated[Literal[1], WithJsonSchema({"const": 1})]
    """The version of this format: 1."""
    hosts: list[str] = []
    """The names the edge answers to, such as shop.example or *.shop.example; other hosts get 421. Any, unless given."""
    trusted_proxies: list[str] = []
    """Networks (CIDR) of proxies in front, whose X-Forwarded-* are believed."""
    country_header: str = ""
    """The header in which a trusted proxy gives the client's country, such as cf-ipcountry."""
    limits: Limits | None = None
    """What one client may ask of the edge."""
    updates: Literal["signed", "unsigned"] = "signed"
    """Whether what a system tells about a visitor must be signed."""
    session: Session | None = None
    """How long sessions live, and what becomes of baskets."""
    systems: dict[str, System]
    """The upstream applications, by name."""
    lists: dict[str, List] = {}
    """Named lists of values, for `{in: name}`; those in files are read again when they change."""
    plugins: list[Plugin] = []
    """Plugins for every request, in order."""
    rules: list[Rule]
    """The rules; the first that holds wins."""
    tests: list[Case] = []
    """Requests and what must be decided for them; run by `inseam test`."""
