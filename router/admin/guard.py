"""Who may ask what: the admin address trusts whoever reaches it, but not the pages open in that person's browser.

A page from elsewhere must not read the rules by DNS rebinding (it would send its own name as Host), nor start a reload
by a form or a script (neither can add a header of its own without being asked whether it may, and the answer is no).
"""

from __future__ import annotations

import ipaddress
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

OPEN_TO_ALL_NAMES: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""What machines ask, by whatever name they know us: it says nothing of the rules but their names."""

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


def guard(own_name: str) -> Middleware:
    """Return the middleware that refuses strange names and foreign pages; `own_name` is the admin address's host."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in OPEN_TO_ALL_NAMES and not known_host(request.host, own_name):
            raise web.HTTPMisdirectedRequest(
                text="421: this is asked for by an unknown name; use the address, localhost, or the name in --admin\n"
            )
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            refuse_foreign(request)
        return await handler(request)

    return middleware


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
