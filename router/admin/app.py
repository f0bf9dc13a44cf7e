"""The admin address: an aiohttp application in the supervisor's process, where no shopper's request waits for it."""

from __future__ import annotations

import asyncio
import socket
import time
from html import escape
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from router import __version__
from router.admin.audit import Audit
from router.admin.guard import Access, guard, harden
from router.admin.house import House
from router.admin.metrics import exposition
from router.admin.readiness import report
from router.counters import total
from router.explain import Question, explain
from router.rulesfile.times import BadTime, moment
from router.supervision.settings import Address
from router.supervision.sockets import address_of
from router.table import table
from sessions.stores.port import key_of

_TO_CLOSE: Final = 1.0

_KEY_SHOWN: Final = 12
"""Characters of a customer's key in the audit log: enough to tell which one, for who knows the number."""

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Inseam</title>
<h1>Inseam {version}</h1>
<p>Generation {generation} of {rules}: {count} rules, {workers} of {wanted} workers serve.</p>
<ul>
<li><a href="/readyz?verbose">/readyz?verbose</a>: workers, rules, the last reload, the systems' servers
<li><a href="/livez">/livez</a>: whether this process works
<li><a href="/metrics">/metrics</a>: for Prometheus
<li><a href="/api/rules">/api/rules</a>: the compiled rules
<li><a href="/api/explain?url=/">/api/explain?method=GET&amp;url=/</a>: what would become of a request, and why
<li><a href="/api/counters">/api/counters</a>: what the workers counted
<li>POST /api/revoke: end a customer's sessions, <code>{{"customer": "42"}}</code>, or everybody's
<li>POST /api/reload: read the rules again, as <code>inseam reload</code> does; <code>?allow_move=1</code> too
</ul></html>
"""


class Admin:
    """Answers on `sockets` (none: the address is off) whom `access` lets in; what changes goes to `audit`."""

    def __init__(
        self, house: House, sockets: list[socket.socket], access: Access | None = None, audit: Audit | None = None
    ) -> None:
        self._house = house
        self._sockets = sockets
        self._access = access or Access()
        self._audit = audit or Audit()
        self._runner: web.AppRunner | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where it answers."""
        return [address_of(sock) for sock in self._sockets]

    async def start(self) -> None:
        """Answer from now on."""
        runner = self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=_TO_CLOSE)
        await runner.setup()
        for sock in self._sockets:
            await web.SockSite(runner, sock).start()

    async def close(self) -> None:
        """Answer no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def app(self) -> web.Application:
        """Return the application, for `start` and for tests."""
        app = web.Application(middlewares=[guard(self._access, self._audit)])
        app.on_response_prepare.append(harden)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                web.get("/api/rules", self._rules),
                web.get("/api/explain", self._explain),
                web.get("/api/counters", self._counters),
                web.post("/api/reload", self._reload),
                web.post("/api/revoke", self._revoke),
            ]
        )
        return app

    # --- for machines -------------------------------------------------------------------------------------------------

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        standing = self._house.standing()
        status = 200 if standing.ready else 503
        if "verbose" not in request.query:
            return web.Response(text="ready\n" if standing.ready else "not ready\n", status=status)
        text = report(standing, self._house.generation, total(await self._house.snapshots()))
        return web.Response(text=text, status=status)

    async def _metrics(self, request: web.Request) -> web.Response:
        snapshots = await self._house.snapshots()
        standing = self._house.standing()

        def make() -> tuple[bytes, str]:
            return exposition(standing, total(snapshots), request.headers.get("Accept", ""))

        body, content_type = await asyncio.to_thread(make)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _counters(self, _request: web.Request) -> web.Response:
        snapshots = await self._house.snapshots()
        return _json(
            {
                "at": time.time(),
                "standing": self._house.standing(),
                "total": total(snapshots),
                "workers": snapshots[:-1],
            }
        )

    # --- for operators ------------------------------------------------------------------------------------------------

    async def _page(self, _request: web.Request) -> web.Response:
        standing = self._house.standing()
        text = _PAGE.format(
            version=__version__, generation=standing.generation, rules=escape(standing.rules),
            count=len(self._house.generation.rules.rules), workers=standing.workers_ready,
            wanted=standing.workers_wanted,
        )  # fmt: skip
        return web.Response(text=text, content_type="text/html")

    async def _rules(self, _request: web.Request) -> web.Response:
        generation = self._house.generation
        return _json({"generation": generation.number, "file": generation.file, "rules": table(generation)})

    async def _explain(self, request: web.Request) -> web.Response:
        generation = self._house.generation
        try:
            question = _question(request)
            return _json(await asyncio.to_thread(explain, generation, question))
        except BadTime as error:
            return _json({"error": f"{error}; {error.hint}"}, 400)
        except ValueError as error:
            return _json({"error": str(error)}, 400)

    async def _revoke(self, request: web.Request) -> web.Response:
        """End sessions for good, on all workers, within a second. REQUIREMENTS, 12."""
        try:
            kind, key = _void(await request.json())
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        stored = await self._house.revoke(kind, key)
        whose = f"customer {key[:_KEY_SHOWN]}" if key else "everybody"  # the key is a digest: no log gets the number
        known = "ended" if stored else "ended on this edge; the store is down"
        await self._audit.changed(str(request.remote), f"revoke of {whose}", known)
        if not stored:
            said = "the store is down: the workers of this edge know, others will when it is back"
            return _json({"ended": kind, "stored": False, "warning": said}, 503)
        return _json({"ended": kind, "stored": True})

    async def _reload(self, request: web.Request) -> web.Response:
        try:
            allow_move = _flag(request, "allow_move")
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        outcome = await self._house.reload("asked on the admin address", allow_move)
        await self._audit.changed(
            str(request.remote), "reload with allow_move" if allow_move else "reload",
            f"{outcome.outcome}, generation {outcome.generation} is live",
        )  # fmt: skip
        return _json(outcome, 409 if outcome.outcome == "refused" else 200)


def _flag(request: web.Request, name: str) -> bool:
    """Return whether the query sets a flag. Raises ValueError for what is neither yes nor no."""
    said = request.query.get(name, "0")
    if said not in ("0", "1"):
        raise ValueError(f"{name}={said!r} is neither 0 nor 1")
    return said == "1"


def _void(said: Any) -> tuple[Literal["session", "customer", "all"], str]:
    """Return what a body such as `{"customer": "42"}` ends. Raises ValueError with a way out."""
    if said == {"all": True}:
        return "all", ""
    match said:
        case {"customer": str(customer)} if len(said) == 1 and customer:
            return "customer", key_of(customer)
        case _:
            raise ValueError('say whose sessions to end: {"customer": "42"}, or {"all": true} for everybody\'s')


def _question(request: web.Request) -> Question:
    """Return the question that the query asks. Raises ValueError."""
    query = request.query
    if "url" not in query:
        raise ValueError("say what to explain: /api/explain?url=/catalogue/1/&method=GET&header=Host: shop.example")
    headers = []
    for text in query.getall("header", []):
        name, colon, value = text.partition(":")
        if not colon:
            raise ValueError(f"{text!r} is not NAME: VALUE")
        headers.append((name.strip(), value.strip()))
    return Question(
        method=query.get("method", "GET").upper(),
        url=query["url"],
        at=moment(query["at"]) if "at" in query else time.time(),
        headers=headers,
        cookies=query.getall("cookie", []),
        client=query.get("client", "127.0.0.1"),
        login="login" in query,
        basket=int(query.get("basket", "0")),
    )


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", status=status, content_type="application/json")
