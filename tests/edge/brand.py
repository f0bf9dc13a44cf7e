"""A shop and a brand's site on another domain, for specs: edges that answer to both, browsers that follow redirects.

    async with edges(MemoryStore()) as (edge,):
        browser = await known(edge)             # the shop knows her
        claims = await browser.join()           # and now the brand's system does

Each edge has a worker's keeper of its own; those of one shop are given stores on one file.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from shop import Asked, Shop, answering, page, shop
from visitor import Answer

from sessions.cookie import cookie_name
from sessions.errors import StoreDown
from sessions.keeper import Keeper
from sessions.kept import Kept
from sessions.keys import KeyRing
from sessions.model import Basket, Changes, Login, Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Store
from sessions.token import read_session_token

SHOP, BRAND = "http://shop.example", "http://brand.example"
POLICY = Policy(home=SHOP, sites=frozenset({BRAND}))
RING = KeyRing.fresh(["cms"], "HS256")
ADA, BEN = Login("c1", "Ada"), Login("c2", "Ben")
BASKET = Basket("b7", 3, 2, "39.80", "EUR")
BOTH = frozenset({"login", "basket"})
NAMES = [cookie_name(False, login) for login in (True, False)]


def told(asked: Asked) -> bytes:
    """A system that says what it was told of its visitor."""
    token = asked.get("inseam-session")
    claims = dict(read_session_token(token.encode(), "cms", RING, int(time.time()))) if token else {}
    return page(json.dumps(claims).encode(), "200 OK", "Content-Type: text/html")


def keeper_on(store: Store, policy: Policy = POLICY) -> Keeper:
    return Keeper(RING, policy, store, lambda: secrets.token_urlsafe(16), lambda name: None, time.time)


@asynccontextmanager
async def edges(*stores: Store, policy: Policy = POLICY, **more: Any) -> AsyncIterator[list[Shop]]:
    """An edge for each store; all of them answer to both hosts."""
    more.setdefault("cms", answering(told))
    async with AsyncExitStack() as stack:
        found = []
        for store in stores:
            keeper = keeper_on(store, policy)
            generation = {"session": policy, **more.get("generation", {})}
            options = {name: value for name, value in more.items() if name != "generation"}
            found.append(await stack.enter_async_context(shop(generation=generation, keeper=keeper, **options)))
        yield found


@dataclass
class Browser:
    """Keeps cookies by host and follows redirects, to whichever edge `edge` is at that time."""

    edge: Shop
    scheme: str = "http"
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The addresses that were asked for, in order."""

    def session(self, host: str = BRAND) -> str:
        """The value of the session cookie that a host would be sent; empty if there is none."""
        jar = self.cookies.get(urlsplit(host).netloc, {})
        return ";".join(jar[name] for name in NAMES if name in jar)

    async def step(self, address: str, method: str = "GET", *more: str) -> Answer:
        """Ask for one address."""
        self.seen.append(address)
        parts = urlsplit(address)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        jar = self.cookies.setdefault(parts.netloc, {})
        lines = [f"Host: {parts.netloc}", *more]
        lines += ["X-Forwarded-Proto: https"] if parts.scheme == "https" else []
        lines += ["Cookie: " + "; ".join(f"{name}={value}" for name, value in jar.items())] if jar else []
        answer = await self.edge.ask(target, method, *lines)
        for line in answer.all("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                jar.pop(name, None)
            else:
                jar[name] = value
        return answer

    async def go(self, address: str, until: str = "") -> Answer:
        """Ask for an address and follow the redirects; not to an address that has `until` in it."""
        for _ in range(8):
            answer = await self.step(address)
            location = answer.get("location")
            if location is None:
                return answer
            address = location if "://" in location else f"{'/'.join(address.split('/')[:3])}{location}"
            if until and until in address:
                self.seen.append(address)
                return answer
        raise AssertionError(f"redirects without end: {self.seen}")

    async def join(self, place: str = "/summer/") -> dict[str, Any]:
        """Join the brand's site; return what its system was told of the visitor at the end."""
        answer = await self.go(f"{BRAND}/.inseam/join?return_to={quote(place, safe='')}")
        assert (answer.status, self.seen[-1]) == (200, f"{BRAND}{place}")
        return json.loads(answer.body)

    async def fetch_code(self, place: str = "/summer/") -> str:
        """Join, but stop when the code is there; return the address with it."""
        await self.go(f"{BRAND}/.inseam/join?return_to={quote(place, safe='')}", until="code=")
        assert "code=" in self.seen[-1]
        return self.seen.pop()


async def known(at: Shop, login: Login | None = ADA, basket: Basket | None = BASKET, host: str = SHOP) -> Browser:
    """A browser that one of the hosts knows already."""
    browser = Browser(at)
    kept = await session_of(at, login, basket)
    browser.cookies[urlsplit(host).netloc] = {cookie_name(False, kept.login): kept.cookie.decode()}
    return browser


async def session_of(at: Shop, login: Login | None, basket: Basket | None) -> Kept:
    keeper = at.edge.keeper
    assert keeper is not None
    kept, _ = await keeper.keep(None, Changes(login=login, basket=basket), "cms", BOTH, int(time.time()))
    assert kept is not None
    return kept


def events(at: Shop) -> dict[str, int]:
    """What was counted of hand-offs."""
    counted = at.edge.snapshot().events
    return {name.partition(":")[2]: count for name, count in counted.items() if name.startswith("site:")}


async def log_out(browser: Browser, host: str) -> None:
    """As a page of the host does it."""
    answer = await browser.step(f"{host}/.inseam/logout", "POST", "Sec-Fetch-Site: same-origin")
    assert answer.status == 204


async def seen_at(browser: Browser, host: str) -> str | None:
    """Who the host's system takes the browser for."""
    return json.loads((await browser.step(f"{host}/")).body).get("sub")


def at_hand(at: Shop, browser: Browser, host: str) -> Kept:
    """The visitor as a worker that has just answered knows them."""
    assert at.edge.keeper is not None
    kept = at.edge.keeper.at_hand(browser.session(host).encode(), int(time.time()))
    assert kept is not None
    return kept


async def ended(at: Shop, kept: Kept) -> None:
    """Wait until a worker has heard from another one that a session is void, which takes a second at most."""
    keeper = at.edge.keeper
    assert keeper is not None
    await at.until(lambda: keeper.is_void(kept), 1.5)


class Watched(MemoryStore):
    """A store that tells what it was asked, and is down from the operation on that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.down: frozenset[str] = frozenset()

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what in self.down:
            raise StoreDown("the store is down")

    async def put_once(self, key, data, life):
        self._note("put_once")
        return await super().put_once(key, data, life)

    async def take_once(self, key):
        self._note("take_once")
        return await super().take_once(key)

    async def load(self, key):
        self._note("load")
        return await super().load(key)

    async def revoke(self, revocation):
        self._note("revoke")
        await super().revoke(revocation)
