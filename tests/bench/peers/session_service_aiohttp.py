"""The session service as one would usually write it: a handler of a web framework, here aiohttp's on uvloop.

It does what session_service.py does, and remembers as much.
"""

from __future__ import annotations

import sys
import time

import uvloop
from aiohttp import web

from sessions import keyfile
from sessions.cookie import unseal
from sessions.errors import BadCookie
from sessions.model import Policy
from sessions.token import mint

ring = keyfile.load(sys.argv[2])
policy = Policy()
tokens: dict[str, str] = {}


async def check(request: web.Request) -> web.Response:
    """Answer with the token of the session that the cookie names."""
    cookie = request.cookies.get("inseam", "")
    token = tokens.get(cookie)
    if token is None:
        now = int(time.time())
        try:
            made, _ = mint(unseal(cookie.encode(), ring, now), "commerce", {}, ring, now, policy)
        except BadCookie:
            return web.Response()
        token = tokens[cookie] = made.decode()
    return web.Response(headers={"Inseam-Session": token})


app = web.Application()
app.router.add_route("*", "/{path:.*}", check)
uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, keepalive_timeout=300)
