"""Compiling `systems:` and `lists:`."""

from __future__ import annotations

import re
import ssl
from typing import Any

from router.errors import Position
from router.model import HealthCheck, Overload, ServerAddress, SystemSpec, Timeouts
from router.rulesfile import shape
from router.rulesfile.addresses import BadAddress, host_name, server_address
from router.rulesfile.document import Loc
from router.rulesfile.findings import did_you_mean
from router.rulesfile.work import Work
from sessions import profiles

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def check_name(work: Work, kind: str, name: str, loc: Loc) -> None:
    """Report a name that is no plain word: names of systems and lists go into tokens, metrics and cookies."""
    if not _NAME.fullmatch(name):
        work.findings.error(loc, f'"{name}" cannot name a {kind}', "use letters, digits, - and _", key=True)
    elif kind == "system" and name == "inseam":
        work.findings.error(
            loc,
            'no system can have the name "inseam": tokens know the edge by it',
            "call it cms, commerce, ...",
            key=True,
        )


def compiled_system(work: Work, name: str, said: shape.System) -> SystemSpec:
    """Return the system as the edge works by it."""
    loc: Loc = ("systems", name)
    check_name(work, "system", name, loc)
    servers = _servers(work, said, (*loc, "servers"))
    tls = said.tls or shape.Tls()
    if said.tls is not None and servers and all(server.scheme == "http" for server in servers):
        work.findings.error(
            (*loc, "tls"),
            "tls is for https servers, and this system has none",
            "write https:// or leave tls out",
            key=True,
        )
    if said.profile not in profiles.names():
        hint = did_you_mean(said.profile, profiles.names(), "`inseam profiles` lists them")
        work.findings.error((*loc, "profile"), f'unknown profile "{said.profile}"', hint)
    return SystemSpec(
        name=name,
        servers=tuple(servers),
        profile=said.profile,
        payment=said.payment,
        authority=frozenset(said.authority),
        unsigned=(said.updates or work.updates) == "unsigned",
        health=_health(work, said.health, (*loc, "health")) if said.health is not None else None,
        timeouts=timeouts(said.timeout, Timeouts()),
        retries=said.retries,
        connections=said.connections,
        queue=said.queue,
        queue_timeout=said.queue_timeout,
        overload=_overload(work, said.overload, (*loc, "overload")),
        keepalive=said.keepalive,
        verify=tls.verify,
        ca=_certificates(work, tls.ca, (*loc, "tls", "ca")),
        tls_name=_host(work, tls.name, (*loc, "tls", "name")),
        passes_cards=said.card_numbers == "pass",
    )


def _overload(work: Work, said: str | shape.OverloadParts, loc: Loc) -> Overload:
    if not isinstance(said, shape.OverloadParts):
        return Overload(adaptive=said == "auto")
    if isinstance(said.limit, int):
        for key in ("min", "max"):
            if key in said.model_fields_set:
                work.findings.error(
                    (*loc, key), f"{key} is for limit: auto, and the limit is {said.limit}", "leave one of them out"
                )
        return Overload(said.limit, adaptive=False, patience=said.patience)
    if said.max is not None and said.max < said.min:
        work.findings.error((*loc, "max"), f"max is {said.max} and min is {said.min}", "max must not be below min")
    return Overload(least=said.min, most=said.max or 0, patience=said.patience)


def _certificates(work: Work, name: str, loc: Loc) -> str:
    """Return the certificates in a file, having tried that they are some: later would be under way."""
    content = work.content(name, loc) if name else None
    if content is None:
        return ""
    text = content.decode("ascii", errors="ignore")  # what stands between certificates may be in any language
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        work.findings.error(
            loc, f'"{name}" holds no certificates that can be read', "give a PEM file: -----BEGIN CERTIFICATE----- ..."
        )
    return text


def timeouts(said: float | shape.TimeoutParts | None, base: Timeouts) -> Timeouts:
    """Return the timeouts of a `timeout:`; what it leaves out is as in `base`."""
    if said is None:
        return base
    if isinstance(said, shape.TimeoutParts):
        given = {name: getattr(said, name) for name in said.model_fields_set}
        return Timeouts(**{"connect": base.connect, "response": base.response, "idle": base.idle, **given})
    return Timeouts(connect=base.connect, response=said, idle=base.idle)


def _servers(work: Work, said: shape.System, loc: Loc) -> list[ServerAddress]:
    servers: list[ServerAddress] = []
    for place, text in enumerate(said.servers):
        try:
            server = server_address(text)
        except BadAddress as error:
            work.findings.error((*loc, place), str(error), error.hint)
            continue
        if server in servers:
            work.findings.error((*loc, place), f"the server {server} stands here twice", "leave one out")
        servers.append(server)
    return servers


def _health(work: Work, said: shape.Health, loc: Loc) -> HealthCheck:
    if not re.fullmatch(r"/[\x21-\x7e]*", said.path) or "#" in said.path:
        work.findings.error((*loc, "path"), f'"{said.path}" is no path to ask for', "write /healthz")
    timeout = said.timeout if "timeout" in said.model_fields_set else min(said.timeout, said.every)
    if timeout > said.every:
        work.findings.error(
            (*loc, "timeout"),
            f"a probe may take {timeout:g}s and the next one begins after {said.every:g}s",
            "timeout must not be longer than every",
        )
    host = _host(work, said.host, (*loc, "host"))
    return HealthCheck(said.path, said.every, timeout, said.rise, said.fall, host)


def _host(work: Work, text: str, loc: Loc) -> str:
    if not text:
        return ""
    try:
        return host_name(text)
    except BadAddress as error:
        work.findings.error(loc, str(error), error.hint)
        return ""


# --- lists ------------------------------------------------------------------------------------------------------------


def compiled_list(work: Work, name: str, said: Any) -> frozenset[str]:
    """Return the values of a list, written here or in its file."""
    loc: Loc = ("lists", name)
    check_name(work, "list", name, loc)
    if isinstance(said, shape.ListFile):
        content = work.content(said.file, (*loc, "file"))
        values = frozenset(_lines(work, said.file, content)) if content is not None else None
    else:
        values = frozenset(said)
    if values is not None and not values:
        work.findings.warn(loc, "the list is empty, so nothing is in it", "add a value", key=True)
    return values or frozenset()


def _lines(work: Work, name: str, content: bytes) -> list[str]:
    """Return the values in a list file: one a line, without blanks around it; a line that begins with # is a remark."""
    values = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        try:
            value = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            where = Position(work.sources.path_of(name), number, error.start + 1)
            work.findings.elsewhere(where, "this line is not UTF-8", "save the file as UTF-8")
            continue
        if value and not value.startswith("#"):
            values.append(value)
    return values
