"""What both demo systems are as web servers: safe headers, static files, a health check, errors as pages.

It knows no shop: each system brings its routes, its content policy and its own way to show an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ShowError = Callable[[web.Request, int], web.StreamResponse]

NAME = web.AppKey("name", str)
STATIC = Path(__file__).parent / "static"

FORM_LIMIT = 16 * 1024
"""Bytes of the longest form; an address and a card need one of them."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def new_app(name: str, folder: str, policy: str, show_error: ShowError) -> web.Application:
    """Return an application without pages, with `/healthz` and its files under `/static/FOLDER/`.

    `policy` is its Content-Security-Policy; `show_error` makes the page for an error status.
    """

    @web.middleware
    async def errors_as_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPError as error:
            response = show_error(request, error.status)
            if "Allow" in error.headers:  # a 405 must say what is allowed: RFC 9110, 15.5.6
                response.headers["Allow"] = error.headers["Allow"]
            return response

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        if request.path.startswith("/static/") and response.status in {200, 206, 304}:
            response.headers["Cache-Control"] = "public, max-age=300"

    slashes = web.normalize_path_middleware(append_slash=True, merge_slashes=False)
    app = web.Application(middlewares=[errors_as_pages, slashes], client_max_size=FORM_LIMIT)
    app[NAME] = name
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/healthz", healthz)
    app.router.add_get(f"/static/{folder}/ribbon.css", ribbon_css)
    app.router.add_static(f"/static/{folder}/", STATIC / folder)
    return app


async def healthz(request: web.Request) -> web.Response:
    """Say that the system works: 200 and one word."""
    return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})


async def ribbon_css(request: web.Request) -> web.FileResponse:
    """Give the ribbon's style, which both systems serve as their own: neither depends on the other being up."""
    return web.FileResponse(STATIC / "ribbon.css")
