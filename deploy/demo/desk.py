"""What stands between a request and the shop: whose visit it is, whether a form is ours, what to answer."""

from __future__ import annotations

from aiohttp import web

from deploy.demo.banner import ribbon
from deploy.demo.shop_pages import View, whole
from deploy.demo.shoppers import Shop, Visit
from deploy.demo.web import NAME, Handler

SHOP = web.AppKey("shop", Shop)
VISIT = web.RequestKey("visit", Visit)

COOKIE = "shop_session"


@web.middleware
async def visits(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the visit of a request; give the browser the cookie of a visit that began or changed its id."""
    given = request.cookies.get(COOKIE, "")
    known = request.app[SHOP].visit(given)
    if known is not None:
        request[VISIT] = known
    response = await handler(request)
    visit = visit_of(request)
    if visit is not None and visit.id != given:
        response.set_cookie(
            COOKIE,
            visit.id,
            httponly=True,
            samesite="Lax",
            secure=request.headers.get("X-Forwarded-Proto") == "https",
        )
    return response


def visit_of(request: web.Request) -> Visit | None:
    """Return the visit, None where nothing needs to be remembered yet."""
    return request.get(VISIT)


def begin(request: web.Request) -> Visit:
    """Return the visit; there is one from now on. Looking around opens none, so crawlers fill no memory."""
    visit = visit_of(request)
    if visit is None:
        visit = request[VISIT] = request.app[SHOP].begin()
    return visit


async def form_of(request: web.Request) -> dict[str, str]:
    """Return the fields of a form that came from a page of this visit.

    Raises HTTPForbidden for a form without the visit's token, HTTPBadRequest or
    HTTPUnsupportedMediaType for one that cannot be read.
    """
    fields = await _fields(request)
    visit = visit_of(request)
    if visit is None or not visit.vouches_for(fields.get("token", "")):
        raise web.HTTPForbidden
    return fields


async def form_of_any_page(request: web.Request) -> dict[str, str]:
    """Return the fields of a form that came from a page of this site, on whichever system it was made.

    The magazine's pages are the same for everybody and hold no token, so the browser's own word stands for it: either
    Sec-Fetch-Site or an Origin that is our host. Raises as `form_of` does.
    """
    fields = await _fields(request)
    site = request.headers.get("Sec-Fetch-Site")
    ours = site == "same-origin" if site else request.headers.get("Origin", "").partition("://")[2] == request.host
    visit = visit_of(request)
    if not ours and not (visit and visit.vouches_for(fields.get("token", ""))):
        raise web.HTTPForbidden
    return fields


async def _fields(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":  # none of our forms uploads a file
        raise web.HTTPUnsupportedMediaType
    try:
        posted = await request.post()
    except (LookupError, ValueError) as error:  # a charset nobody knows, bytes that are none of it
        raise web.HTTPBadRequest from error
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def show(request: web.Request, view: View, status: int = 200) -> web.Response:
    """Answer with a page as this visit sees it, for nobody else and for no cache; its notice is said and gone."""
    visit = visit_of(request)
    page = whole(view, ribbon(request.headers, request.app[NAME]), visit)
    if visit is not None:
        visit.notice = ""
    headers = {"Cache-Control": "private, no-store"}
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)


def local(path: str, otherwise: str) -> str:
    """Return a path of this site to go on to: `path` if it is one, else `otherwise`. Never another host."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and path.isascii()
    return path if safe else otherwise


def see_other(path: str) -> web.Response:
    """Send the browser on after a form, so that going back or reloading sends nothing twice. RFC 9110, 15.4.4."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def number(text: str) -> int | None:
    """Return a small whole number, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
