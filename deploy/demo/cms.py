"""The demo's CMS: an editorial magazine. It knows no visitor, sets no cookie, and every page can be cached.

What it does not have it says so: `/catalogue/1030/` is 404 here, although the rules file asks here first, and commerce
answers as the fallback.
"""

from __future__ import annotations

from hashlib import sha256

from aiohttp import web

from deploy.demo import cms_pages as pages
from deploy.demo.banner import ribbon
from deploy.demo.catalogue import BRANDS, PRODUCTS, SHORT_TAIL
from deploy.demo.cms_pages import Page
from deploy.demo.editorial import ARTICLES, CAMPAIGNS
from deploy.demo.web import NAME, new_app

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def new_cms(name: str = "cms") -> web.Application:
    """Return the CMS; `name` is what the rules file calls it."""
    app = new_app(name, "cms", POLICY, lambda request, status: _show(request, pages.error(status), status))
    get = app.router.add_get
    get("/", _home)
    for path in ARTICLES:
        get(path, _article)
    get("/stories/", _stories)
    get("/brands/", _makers)
    get("/brands/{brand}/", _brand)
    get("/catalogue/{sku}/", _product)
    return app


def _show(request: web.Request, page: Page, status: int = 200) -> web.Response:
    """Answer with a page, or with 304 when the client has these very bytes. RFC 9110, 13.1.2."""
    banner = ribbon(request.headers, request.app[NAME])
    body = pages.whole(page, banner).encode()
    tag = sha256(body).hexdigest()[:20]
    # A ribbon tells of a rule that may be edited any moment, so a page that wears one is asked for again each time.
    caching = "no-cache" if banner or status != 200 else "public, max-age=60"
    known = request.if_none_match or ()
    if status == 200 and any(given.value in {tag, "*"} for given in known):
        response = web.Response(status=304)
    else:
        response = web.Response(status=status, body=body, content_type="text/html", charset="utf-8")
    if status == 200:
        response.etag = tag
    response.headers["Cache-Control"] = caching
    return response


async def _home(request: web.Request) -> web.Response:
    return _show(request, pages.home())


async def _article(request: web.Request) -> web.Response:
    article = ARTICLES[request.path]
    part = "/" + request.path.split("/")[1] + "/"
    return _show(request, pages.article(article, request.path if article.path in CAMPAIGNS else part))


async def _stories(request: web.Request) -> web.Response:
    return _show(request, pages.stories())


async def _makers(request: web.Request) -> web.Response:
    return _show(request, pages.makers())


async def _brand(request: web.Request) -> web.Response:
    brand = BRANDS.get(request.match_info["brand"])
    if brand is None:
        raise web.HTTPNotFound
    return _show(request, pages.brand(brand))


async def _product(request: web.Request) -> web.Response:
    sku = request.match_info["sku"]
    if sku not in SHORT_TAIL:
        raise web.HTTPNotFound
    return _show(request, pages.product(PRODUCTS[sku]))
