"""The evidence on payment pages, for an auditor: what may reach them, what touches them, and what shows that it is so.

Made from a rules file that has compiled, so that each proof of `router.rulesfile` has held; what can be tried is tried
again here, by the code that the edge runs. Nothing in it is a promise about a machine: it says what this file, with
this digest, makes the edge do. The reader's questions are those of PCI DSS 4.0.1, 1.2.4 (data flows), 6.4.3 and 11.6.1
(scripts).
"""

from __future__ import annotations

import msgspec

from router.accesslog import Record
from router.boundary import Boundary
from router.errors import AmbiguousPath, ClientError, NoRule, Problem
from router.generation import Generation
from router.hooks import Hooks
from router.model import PAYMENT_PAGES, Edits, SystemSpec
from router.overlap import meets
from router.pluginloader import plugin_name
from router.rules import Rule, Split
from router.rulesfile.requests import BadRequestText, split_request, view_of


class Zone(msgspec.Struct):
    """One system: on which side of the boundary it is, and where its servers are."""

    system: str
    payment: bool
    servers: list[str]
    verified: bool
    """Whether every server is reached by TLS and its certificate is checked."""
    shares: list[str]
    """Servers that a system on the other side has too: there the boundary is none."""


class Tried(msgspec.Struct):
    """An example of a rule, the rule it lands on, and how its other spellings ended."""

    request: str
    lands_on: str
    spellings: int
    refused: int
    stayed: int
    strayed: list[str]
    """Spellings that a system without `payment` would be asked for: none, or the boundary is broken."""


class Way(msgspec.Struct):
    """One rule by which a payment system is reached."""

    rule: str
    where: str
    page: str
    guarded: bool
    """Whether it is a payment page, so that the rest of this must hold."""
    paths: list[str]
    conditions: list[str]
    systems: list[str]
    examples: list[Tried]
    plugins: list[str]
    request_edits: list[str]
    response_edits: list[str]
    rewrite: str
    fallback: str
    mirror: str


class Neighbour(msgspec.Struct):
    """A rule to another system whose paths meet those of a payment page."""

    rule: str
    where: str
    systems: list[str]
    meets: str
    path: str
    why: str


class Proof(msgspec.Struct):
    """One thing that must hold, whether it does, and by what."""

    claim: str
    holds: bool
    by: str


class Evidence(msgspec.Struct):
    """The report. `made` is RFC 3339 in UTC; `digest` the SHA-256 of the rules file and its lists."""

    made: str
    inseam: str
    file: str
    digest: str
    holds: bool
    zones: list[Zone]
    ways: list[Way]
    neighbours: list[Neighbour]
    proofs: list[Proof]
    unwatched: list[str]
    """Rules by which a system without `payment` gets bodies and queries that nobody has looked through."""
    request_headers: list[str]
    answer_headers: list[str]
    logged: list[str]
    never_logged: list[str]


REQUEST_HEADERS = (
    "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host: replaced, never appended to what a client says",
    "X-Request-Id: a new one, unless a trusted proxy brought one",
    "traceparent: a new one, unless the client brought one",
    "Via: 1.1 inseam",
    "Inseam-Session: a signed token, for visitors with a session; one audience for each system",
    "Cookie: the system's own ones only, where sessions are kept",
)
ANSWER_HEADERS = (
    "X-Request-Id: the edge's own",
    "Referrer-Policy: same-origin, unless the page has a stricter one (payment pages)",
    "Set-Cookie: the session's cookie, when it has changed",
    "Cache-Control, Vary: so that no cache keeps a page that names a visitor",
)
NEVER_LOGGED = (
    "bodies", "query values", "cookies", "Authorization and every header but Host", "tokens", "card numbers found",
)  # fmt: skip


def evidence(generation: Generation, problems: list[Problem], made: str, version: str) -> Evidence:
    """Return the evidence on a generation; `problems` are those that its check has found, `made` is the date."""
    boundary = Boundary(generation.rules, generation.systems)
    rules = generation.rules.rules
    payment = [name for name, system in generation.systems.items() if system.payment]
    ways = [_way(generation, boundary, rule, payment) for rule in rules if _reaches(rule, payment)]
    proofs = _proofs(generation, rules, payment, ways, problems)
    return Evidence(
        made=made,
        inseam=version,
        file=generation.file,
        digest=generation.digest,
        holds=bool(payment) and all(proof.holds for proof in proofs),
        zones=[_zone(generation, system) for system in generation.systems.values()],
        ways=ways,
        neighbours=_neighbours(rules, payment),
        proofs=proofs,
        unwatched=[
            f"{rule.name} ({system})"
            for rule in rules
            for system, decision in rule.decisions.items()
            if system and payment and system not in payment and not boundary.watches(decision)
        ],
        request_headers=list(REQUEST_HEADERS),
        answer_headers=list(ANSWER_HEADERS),
        logged=list(Record.__struct_fields__),
        never_logged=list(NEVER_LOGGED),
    )


# --- what there is ----------------------------------------------------------------------------------------------------


def _zone(generation: Generation, system: SystemSpec) -> Zone:
    others = [other for other in generation.systems.values() if other.payment is not system.payment]
    elsewhere = {(server.host, server.port): other.name for other in others for server in other.servers}
    return Zone(
        system=system.name,
        payment=system.payment,
        servers=[str(server) for server in system.servers],
        verified=system.verify and all(server.scheme == "https" for server in system.servers),
        shares=[
            f"{server} with {elsewhere[server.host, server.port]}"
            for server in system.servers
            if (server.host, server.port) in elsewhere
        ],
    )


def _reaches(rule: Rule, payment: list[str]) -> bool:
    mirror = rule.treatment.mirror
    everybody = (*rule.systems, rule.treatment.fallback, mirror.system if mirror is not None else "")
    return any(system in payment for system in everybody)


def _way(generation: Generation, boundary: Boundary, rule: Rule, payment: list[str]) -> Way:
    treatment = rule.treatment
    systems = list(rule.systems)
    if isinstance(rule.action, Split):
        ends = [0, *(end for _, end in rule.action.shares)]
        systems = [
            f"{name} {(end - before) / 100:g} %"
            for (name, end), before in zip(rule.action.shares, ends[:-1], strict=True)
        ]
    return Way(
        rule=rule.name,
        where=str(rule.position),
        page=rule.page,
        guarded=rule.page in PAYMENT_PAGES,
        paths=[path.text for path in rule.paths],
        conditions=[str(condition) for condition in rule.conditions],
        systems=systems,
        examples=[_tried(generation, boundary, example.text, rule, payment) for example in rule.examples],
        plugins=[_sees(plugin) for plugin in (*generation.plugins, *treatment.plugins)],
        request_edits=_edited(treatment.request),
        response_edits=_edited(treatment.response),
        rewrite=treatment.rewrite,
        fallback=treatment.fallback,
        mirror=treatment.mirror.system if treatment.mirror is not None else "",
    )


def _sees(plugin: object) -> str:
    hooks = Hooks([plugin])
    seen = ["request heads"] if hooks.on_request or hooks.on_waiting else []
    seen += ["answer heads"] if hooks.on_response else []
    return f"{plugin_name(plugin)} ({' and '.join(seen) or 'nothing'})"


def _edited(edits: Edits | None) -> list[str]:
    if edits is None:
        return []
    return [
        *(f"remove {name}" for name in edits.remove),
        *(f"set {name}" for name in edits.set),
        *(f"add {name}" for name, _ in edits.add),
    ]


# --- what is tried ----------------------------------------------------------------------------------------------------


def spellings(path: str) -> list[str]:
    """Return other ways to write a path that some server takes for the same one."""
    first, rest = path[1:2], path[2:]
    escaped = f"%{ord(first or 'x'):02x}"
    return [
        path.upper(),
        f"/{first.upper()}{rest}",
        f"/{path}",
        f"/.{path}",
        f"/x/..{path}",
        f"/x/%2e%2e{path}",
        f"/x/..%2f{path[1:]}",
        f"/x/..;{path}",
        f"/%2f{path[1:]}",
        f"/{escaped}{rest}",
        f"/%25{escaped[1:]}{rest}",
        f"/%c0%af{path[1:]}",
        path.replace("/", "%2f"),
        path.replace("/", "\\"),
        path.replace("/", "%5c"),
        path.replace("/", ";a=b/")[4:],
        f"{path};jsessionid=1",
        f"{path}%00",
        f"{path}%2e",
        f"{path}%20",
        f"/%ef%bd%{0x81 + (ord(first or 'a') - 0x61) % 26:02x}{rest}",
        f"/{first}%e2%80%8b{rest}",
        f"/{first}%cc%81{rest}",
        path.rstrip("/") + "/./",
        path.rstrip("/") + "//",
    ]


def _tried(generation: Generation, boundary: Boundary, example: str, rule: Rule, payment: list[str]) -> Tried:
    method, url = split_request(example)
    result = Tried(example, _owner(generation, boundary, method, url)[1], 0, 0, 0, [])
    address, mark, query = url.partition("?")
    start = address.find("/", address.find("://") + 3) if "://" in address else 0
    for path in dict.fromkeys(spellings(address[start:])):
        if path == address[start:]:
            continue
        result.spellings += 1
        system, _ = _owner(generation, boundary, method, f"{address[:start]}{path}{mark}{query}")
        if system == "" or rule.page not in PAYMENT_PAGES:
            result.refused += system == ""
            result.stayed += system != ""
        elif system in payment:
            result.stayed += 1
        else:
            result.strayed.append(path)
    return result


def _owner(generation: Generation, boundary: Boundary, method: str, url: str) -> tuple[str, str]:
    """Return the system and the rule that a request gets to, or nothing and why it is refused."""
    try:
        view = view_of(method, url)
        decision = generation.rules.match(view)
        if boundary.guards(decision) and boundary.misread(view):
            raise AmbiguousPath("another reader sees a payment page")
    except (BadRequestText, ClientError, NoRule) as error:
        return "", f"refused: {error}"
    return decision.system, decision.rule.name


def _neighbours(rules: tuple[Rule, ...], payment: list[str]) -> list[Neighbour]:
    """Return the rules to other systems that have paths in common with a payment page, and what decides between."""
    found = []
    places = {id(rule): place for place, rule in enumerate(rules)}
    guarded = [rule for rule in rules if rule.page in PAYMENT_PAGES and set(rule.systems) & set(payment)]
    for owner in guarded:
        for other in rules:
            outside = [system for system in other.systems if system not in payment]
            if not outside or other is owner:
                continue
            common = next((path for a in owner.paths for b in other.paths for path in meets(a, b)), None)
            if common is None:
                continue
            first = places[id(other)] < places[id(owner)]
            if first:
                only = " where its conditions hold" if other.conditions else ""
                why = f"stands first, so what both hold for is its own{only}: meant so?"
            elif owner.conditions:
                why = f"gets it where the conditions of {owner.name!r} do not hold: meant so?"
            else:
                why = "stands behind, so it gets nothing of it; other spellings are refused"
            found.append(Neighbour(other.name, str(other.position), outside, owner.name, common, why))
    return found


# --- what holds -------------------------------------------------------------------------------------------------------


def _proofs(
    generation: Generation, rules: tuple[Rule, ...], payment: list[str], ways: list[Way], problems: list[Problem]
) -> list[Proof]:
    guarded = [rule for rule in rules if rule.page in PAYMENT_PAGES]
    pages = ", ".join(sorted(PAYMENT_PAGES))
    strayed = [path for way in ways for tried in way.examples for path in tried.strayed]
    tries = sum(tried.spellings for way in ways if way.guarded for tried in way.examples)

    def only_payment(*systems: str) -> bool:
        return all(system in payment for system in systems if system)

    mirrors = [rule.treatment.mirror.system for rule in guarded if rule.treatment.mirror is not None]
    return [
        Proof("a system takes payments, and the others do not", bool(payment), "payment: true under `systems`"),
        Proof(
            f"no payment page ({pages}) goes to another system, by `to` or by a share",
            all(only_payment(*rule.systems) for rule in guarded),
            "refused when the rules load; at run time answered 500 (payment_barred)",
        ),
        Proof(
            "none falls back on another system",
            all(only_payment(rule.treatment.fallback) for rule in guarded),
            "refused when the rules load; at run time a path that reads as a payment page falls back on nobody",
        ),
        Proof(
            "none is mirrored to another system; a mirror never gets bodies, cookies, credentials or Referer",
            only_payment(*mirrors),
            "refused when the rules load; only requests without a body are copied",
        ),
        Proof(
            "no rewrite asks for a payment page under the name of another",
            True,
            "refused when the rules load; at run time, where a {name} leads there, answered 400",
        ),
        Proof(
            "no payment page is asked for by another path than the one matched",
            not any(rule.treatment.rewrite for rule in guarded),
            "no rule for a payment page has `rewrite`",
        ),
        Proof(
            "a retry goes to another server of the same system, and never once a byte of a body is out",
            True,
            "there is no other code path (router/edge/relay.py, failed)",
        ),
        Proof(
            "every example lands on its rule",
            not any(problem.severity == "error" for problem in problems),
            "the matcher of the running edge, asked for each",
        ),
        Proof(
            f"other spellings of payment pages reach no other system ({tries} tried here)",
            not strayed,
            "one canonical path; where any common reading belongs to a payment system: 400 (ambiguous_path)",
        ),
        Proof(
            "no rule and no plugin touches what its answers say of scripts (Content-Security-Policy, Integrity-Policy)",
            True,
            "rules: refused when they load; plugins: such edits are dropped at run time",
        ),
        Proof(
            "no script, fragment or other byte of the edge's own gets into a page",
            True,
            "bodies of answers pass as they came; nothing here composes or rewrites one",
        ),
        Proof(
            "no plugin gets a body, of a request or of an answer",
            True,
            "hooks are given heads only (router/hooks.py)",
        ),
        Proof(
            "no payment system shares a server with another system",
            not any(zone.shares for zone in [_zone(generation, system) for system in generation.systems.values()]),
            "addresses under `systems`",
        ),
    ]
