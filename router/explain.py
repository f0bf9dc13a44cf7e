"""What would become of a request, and why: for `inseam explain` and `/api/explain`.

The request is read, matched and dressed by the very functions that the edge uses; nothing is sent. What only a live
edge knows (who is rate limited, which plugin that waits would say what) is left out and said to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import msgspec

from router.boundary import Boundary
from router.edge.pages import phrase_of
from router.errors import AmbiguousPath, EdgeError, MisdirectedRequest
from router.exchange import Outbound, outbound
from router.generation import Generation
from router.headers import VIA, applied
from router.hooks import Hooks
from router.model import Decision, Headers, Reply, RequestView, Visit
from router.rules import Split
from router.wire.head import Block, request_block, request_line
from router.wire.target import canonical

RESERVED = "/.inseam/"
"""Paths that the edge keeps for itself and never forwards."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request to explain. `url` is a path or an absolute URL; `at` is in seconds since the epoch.

    `cookies` are `name=value`; `basket` is how many items are in it.
    """

    method: str
    url: str
    at: float
    headers: Sequence[tuple[str, str]] = ()
    cookies: Sequence[str] = ()
    client: str = "127.0.0.1"
    login: bool = False
    basket: int = 0


class Tried(msgspec.Struct):
    """One rule that was tried: whether it held, and the first condition that did not."""

    rule: str
    where: str
    held: bool
    failed: str = ""


class Explanation(msgspec.Struct):
    """What would become of the request.

    `refused` says why there is no decision. Of `target` (with `headers`, for `system`) and `status` (with `headers`,
    the edge's own answer) one is given. `notes` are what an operator should know besides.
    """

    request: str
    tried: list[Tried] = msgspec.field(default_factory=list)
    refused: str = ""
    rule: str = ""
    where: str = ""
    system: str = ""
    page: str = ""
    intent: str = ""
    servers: list[str] = msgspec.field(default_factory=list)
    target: str = ""
    status: int = 0
    headers: list[tuple[str, str]] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)


def explain(generation: Generation, question: Question) -> Explanation:
    """Return what would become of a request under a generation. Raises ValueError for a question that is none."""
    try:
        ip_address(question.client)
    except ValueError:
        raise ValueError(f"the client {question.client!r} is no IP address") from None
    method, target, scheme, block = _read(generation, question)
    result = Explanation(request=f"{method} {scheme}://{block.host.decode()}{target.decode()}")
    try:
        view = _view(generation, question, method, target, scheme, block)
        if generation.hosts is not None and not generation.hosts(view):
            raise MisdirectedRequest(f"{view.host} is none of the file's hosts ({generation.hosts})")
        if view.path.startswith(RESERVED):
            result.notes.append(f"everything under {RESERVED} is the edge's own and never forwarded")
            return result
        result.tried = [
            Tried(step.rule.name, str(step.rule.position), step.held, step.failed)
            for step in generation.rules.explain(view)
        ]
        decision = generation.rules.match(view)
        view.decision = decision
        boundary = Boundary(generation.rules, generation.systems)
        if boundary.guards(decision) and (owner := boundary.misread(view)):
            raise AmbiguousPath(f"rule {decision.rule.name!r} does not own what other readers see: {owner} does")
    except EdgeError as error:
        result.refused = f"{error.status} {phrase_of(error.status)}: {error}"
        return result
    _decide(result, generation, decision, view, block)
    return result


def _read(generation: Generation, question: Question) -> tuple[str, bytes, str, Block]:
    """Return method, target, scheme and header section, having read them as the edge reads them from a client."""
    url = quote(question.url, safe="".join(map(chr, range(33, 127))))  # as a browser sends what a person types
    parts = urlsplit(url)
    if parts.scheme and parts.scheme not in ("http", "https"):
        raise ValueError(f"{question.url!r} is neither a path nor an http or https URL")
    if parts.scheme and not parts.netloc:
        raise ValueError(f"{question.url!r} names no host")
    if parts.scheme:
        target = url.partition("://")[2]
        target = target[len(parts.netloc) :].partition("#")[0]
        target = target if target.startswith("/") else f"/{target}"
    else:
        target = url.partition("#")[0]
        if not target.startswith("/"):
            raise ValueError(f"{question.url!r} is neither a path nor a URL: begin with / or https://")
    named = [value for name, value in question.headers if name.lower() == "host"]
    host = parts.netloc or "".join(named[:1]) or _first_host(generation)
    lines = [("Host", host), *((name, value) for name, value in question.headers if name.lower() != "host")]
    if question.cookies:
        lines.append(("Cookie", "; ".join(question.cookies)))
    try:
        block_bytes = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in lines)
        method, target_bytes, _ = request_line(f"{question.method} {target} HTTP/1.1".encode("latin-1"))
        block = request_block(block_bytes, generation.limits.fields)
    except UnicodeEncodeError as error:
        raise ValueError(f"headers are latin-1 text: {error}") from error
    except EdgeError as error:
        raise ValueError(f"the edge would answer {error.status}: {error}") from error
    return method.decode(), target_bytes, parts.scheme or "http", block


def _first_host(generation: Generation) -> str:
    names = generation.hosts.names if generation.hosts is not None else ()
    return min(names, default="localhost")


def _view(
    generation: Generation, question: Question, method: str, target: bytes, scheme: str, block: Block
) -> RequestView:
    path, _, query = target.partition(b"?")
    authority = block.host.decode()
    host = authority.lower()
    if ":" in host and not host.endswith("]"):
        host = host[: host.rindex(":")]
    headers = Headers(block.lines)
    country = (headers.get(generation.country_header) or "").upper() if generation.country_header else ""
    return RequestView(
        method, canonical(path).decode("ascii"), headers, query.decode("ascii"), scheme, host, authority,
        question.client, question.at, "0" * 32, country=country, visit=Visit(question.login, question.basket),
    )  # fmt: skip


def _decide(result: Explanation, generation: Generation, decision: Decision, view: RequestView, block: Block) -> None:
    """Fill in what the decision leads to."""
    rule = decision.rule
    hooks = Hooks((*generation.plugins, *rule.treatment.plugins))
    result.rule, result.where = rule.name, str(rule.position)
    result.system, result.page, result.intent = decision.system, rule.page, rule.intent
    if isinstance(rule.action, Split):
        dealt = "none, so 0 was taken (a real visitor is dealt one)" if view.allotted >= 0 else str(view.bucket)
        result.notes.append(f"split: the visitor's bucket of 10000 is {dealt}")
    for plugin in hooks.on_waiting:
        result.notes.append(f"plugin {type(plugin).__name__} was not asked: it waits for somebody")
    said = outbound(view, decision, hooks.on_request, lambda plugin, error: result.notes.append(
        f"plugin {type(plugin).__name__} failed and was passed over: {type(error).__name__}: {error}"
    ))  # fmt: skip
    if isinstance(said, Reply):
        result.status, result.headers = said.status, list(said.headers)
        return
    boundary = Boundary(generation.rules, generation.systems)
    if said.path != view.path and boundary.strays(view, decision.system, said.path):
        result.refused = f"400 {phrase_of(400)}: the rule rewrites the path to a page of a payment system, {said.path}"
        return
    result.target = said.target
    result.servers = [str(server) for server in generation.systems[decision.system].servers]
    result.headers = _headers(said, view, block)
    fallback, mirror = rule.treatment.fallback, rule.treatment.mirror
    if fallback not in ("", decision.system):
        if boundary.strays(view, fallback, view.path):
            result.notes.append(f"{fallback} is not asked instead: it could take the path for a payment page")
        else:
            result.notes.append(f"{fallback} is asked if {decision.system} is down or does not have the page")
    if mirror is not None:
        if boundary.strays(view, mirror.system, said.path):
            result.notes.append(f"{mirror.system} gets no copy: it could take the path for a payment page")
        else:
            result.notes.append(f"{mirror.system} gets a copy without cookies, of safe requests")


def _headers(out: Outbound, view: RequestView, block: Block) -> list[tuple[str, str]]:
    lines = applied(block.lines, out.edits) if out.edits else block.lines
    told = [
        ("X-Forwarded-For", view.client),
        ("X-Forwarded-Proto", view.scheme),
        ("X-Forwarded-Host", view.authority),
        ("Via", VIA.decode()),
        ("X-Request-Id", "(a new one)"),
    ]
    if not block.traceparent:
        told.append(("traceparent", "(a new one)"))
    return [*((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines), *told]
