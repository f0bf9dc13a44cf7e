"""Who may ask what.

On loopback the admin address trusts whoever reaches it, but not the pages open in that person's browser: a page from
elsewhere must not read the rules by DNS rebinding (it would send its own name as Host), nor start a reload by a form or
a script (neither can add a header of its own without being asked whether it may, and the answer is no).

Where others than this machine reach it, a token is needed for all but the two probes. No browser sends one by itself,
so there is nothing left that a page could misuse. The metrics need it too: they tell a shop's sales by the minute,
the names of its rules and where its servers are, and what scrapes them can send a token.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from router.admin.audit import Audit
from router.admin.token import Token
from router.errors import StartError
from router.supervision.settings import ADMIN_TOKEN, Address

PROBES: Final = frozenset({"/livez", "/readyz"})
"""What everybody may ask: yes or no."""

OPEN_TO_ALL_NAMES: Final = PROBES | {"/metrics"}
"""What machines ask, by whatever name they know us."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Server": "inseam",
}


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer the headers that browsers heed."""
    response.headers.update(HEADERS)


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in: `name` is the host that --admin gave; with `probes_only` there is nothing but the probes."""

    name: str = ""
    token: Token | None = None
    probes_only: bool = False


def check_reach(addresses: Iterable[Address], access: Access) -> None:
    """Raise StartError if others than this machine could reach the admin address without a token."""
    if access.token is not None or access.probes_only:
        return
    for address in addresses:
        if not _loopback(address.host):
            raise StartError(
                f"--admin {address} can be reached from elsewhere, and who reaches it may change the rules: give"
                f" --admin-token-file FILE (or {ADMIN_TOKEN}), or --probes-only for nothing but /livez and /readyz,"
                " or listen on 127.0.0.1"
            )


def _loopback(host: str) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def guard(access: Access, audit: Audit) -> Middleware:
    """Return the middleware that lets in who may ask, and has it written down who wanted to change something."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _admit(request, access)
        except web.HTTPException as refusal:
            if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) or hdrs.AUTHORIZATION in request.headers:
                await audit.refused(str(request.remote), f"{request.method} {request.path}", str(refusal.status))
            raise
        return await handler(request)

    return middleware


def _admit(request: web.Request, access: Access) -> None:
    """Raise the answer for a request that may not be asked."""
    safe = request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
    if safe and request.path in PROBES and "verbose" not in request.query:
        return
    if access.probes_only:
        raise web.HTTPNotFound(text="404: only /livez and /readyz are answered here (--probes-only)\n")
    if access.token is not None:
        if not access.token.admits(request.headers.get(hdrs.AUTHORIZATION, "")):
            raise web.HTTPUnauthorized(
                text="401: send the header Authorization: Bearer TOKEN, the token of --admin-token-file\n",
                headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="inseam"'},
            )
        return
    if request.path not in OPEN_TO_ALL_NAMES and not known_host(request.host, access.name):
        raise web.HTTPMisdirectedRequest(
            text="421: this is asked for by an unknown name; use the address, localhost, or the name in --admin\n"
        )
    if not safe:
        refuse_foreign(request)


def known_host(host: str, own_name: str) -> bool:
    """Whether a Host header names us by an address, as localhost, or by the name that --admin gave."""
    name = host.lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name == "localhost" or (own_name and name == own_name.lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def refuse_foreign(request: web.Request) -> None:
    """Raise HTTPForbidden unless the request is one that no page from elsewhere can make a browser send."""
    headers = request.headers
    if "X-Requested-With" not in headers:
        raise web.HTTPForbidden(text="403: add the header X-Requested-With: inseam, which foreign pages cannot\n")
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise web.HTTPForbidden(text="403: asked for by a page from elsewhere\n")
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="403: asked for by a page from elsewhere\n")
