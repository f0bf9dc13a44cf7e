"""A shop whose sessions are kept: systems that say what the request tells them to say, and browsers that keep cookies.

    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/basket", "POST", says(basket=TWO))      # commerce answers with that update
        token = it.heard("cms", await anna.ask("/"))                  # what the CMS was told of her

Every system answers by the line `X-Say` of the request, which a system behind an edge gets as the client sent it.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from shop import Asked, Behaviour, Shop, Wanted, answering, page, rule, shop, system
from visitor import Answer, Visitor, request

from router.edge import relay
from router.rules import Rule
from sessions.cookie import unseal
from sessions.keeper import Keeper
from sessions.keys import KeyRing
from sessions.model import Policy, Session
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Store
from sessions.stores.sqlite import SqliteStore
from sessions.token import read_session_token

interpreted = pytest.mark.skipif(relay.__file__.endswith(".so"), reason="its times are compiled in")
"""For specs that shorten a time of the edge's."""

RING = KeyRing.fresh(("cms", "commerce"), "HS256")
ALL = frozenset(("login", "basket", "order"))
TWO = {"id": "b7", "rev": 2, "count": 2, "total": "39.80", "currency": "EUR"}
THREE = {**TWO, "rev": 3, "count": 3, "total": "59.70"}

RULES: tuple[Rule, ...] = (
    rule("/static/**", "commerce", name="static", page="asset"),
    rule("/shop/checkout/**", "commerce", name="checkout", page="checkout"),
    rule("/shop/**", "commerce", name="shop", page="product"),
    rule("/**", "cms", name="magazine", page="content"),
)


# --- what a system is told to say -------------------------------------------------------------------------------------


def says(
    status: str = "200 OK",
    lines: Sequence[str] = (),
    body: str = "hello",
    raw: str = "",
    html: bool = True,
    **update: Any,
) -> str:
    """The request line by which a system answers with these lines and, if anything is in it, with this update.

    `raw` is the value of Inseam-Update as it stands.
    """
    return "X-Say: " + json.dumps(
        {"status": status, "lines": list(lines), "body": body, "raw": raw, "html": html, "update": update}
    )


def signed(name: str, sid: str, /, **changes: Any) -> str:
    """An update as a system signs it."""
    key = RING.systems[name][-1]
    now = int(time.time())
    claims = {"iss": name, "aud": "inseam", "iat": now, "exp": now + 60, "sid": sid, **changes}
    return jwt.encode(claims, key.material, "HS256", {"kid": key.kid, "typ": "inseam-update+jwt"})


def read(name: str, asked: Asked) -> dict[str, Any] | None:
    """The claims of the token that a system got, None if it got none."""
    token = asked.get("inseam-session")
    return dict(read_session_token(token.encode(), name, RING, int(time.time()))) if token else None


def sid_of(asked: Asked) -> str:
    token = asked.get("inseam-session")
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sid"] if token else ""


def answer_of(name: str, asked: Asked) -> bytes:
    """The answer that the request orders."""
    said = json.loads(asked.get("x-say") or "{}")
    lines = list(said.get("lines", ()))
    if said.get("html", True):
        lines.append("Content-Type: text/html; charset=utf-8")
    if said.get("update"):
        lines.append(f"Inseam-Update: {signed(name, sid_of(asked), **said['update'])}")
    if said.get("raw"):
        lines.append(f"Inseam-Update: {said['raw']}")
    return page(said.get("body", name).encode(), said.get("status", "200 OK"), *lines)


def saying(name: str) -> Behaviour:
    """A system that answers as it is told."""
    return answering(lambda asked: answer_of(name, asked))


# --- who asks ---------------------------------------------------------------------------------------------------------


@dataclass
class Browser:
    """Keeps cookies by name and sends them again. `shop` is the edge (the worker) that it asks next."""

    shop: Shop
    https: bool = False
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """The session cookie's value; the customer's, where there are a guest's and a customer's."""
        start = "__Host-inseam" if self.https else "inseam"
        return self.cookies.get(f"{start}-login") or self.cookies.get(start, "")

    @property
    def session(self) -> Session | None:
        """What stands in the session cookie."""
        return unseal(self.cookie.encode(), RING, int(time.time())) if self.cookie else None

    def lines(self, *lines: str) -> list[str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        mine = [f"Cookie: {cookies}"] if cookies else []
        return [*mine, *(["X-Forwarded-Proto: https"] if self.https else []), *lines]

    def twin(self, shop: Shop | None = None) -> Browser:
        """Another browser with the same cookies: a tab that goes its own way, a thief, the same one a moment ago."""
        return Browser(shop or self.shop, self.https, dict(self.cookies))

    async def ask(self, target: str = "/", method: str = "GET", *lines: str, body: bytes = b"") -> Answer:
        """Ask once, on a connection of its own, and keep the cookies of the answer."""
        answer = await self.shop.ask(target, method, *self.lines(*lines), body=body)
        self.take(answer)
        return answer

    async def begin(self, target: str = "/", method: str = "GET", *lines: str, body: bytes = b"") -> Visitor:
        """Send a request and leave it to the spec to read the answer."""
        visitor = await self.shop.visitor()
        await visitor.send(request(target, method, *self.lines(*lines), body=body))
        return visitor

    def take(self, answer: Answer) -> None:
        for line in answer.all("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            low = attributes.lower()
            if "max-age=0" in low or "01 jan 1970" in low:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


@dataclass
class House:
    """The workers of a shop, each with systems of its own, over one store."""

    shops: list[Shop]
    keepers: list[Keeper]

    @property
    def shop(self) -> Shop:
        return self.shops[0]

    def browser(self, worker: int = 0, https: bool = False) -> Browser:
        return Browser(self.shops[worker], https)

    def asked(self, name: str, worker: int = 0) -> Asked:
        """The request that a system got last."""
        return self.shops[worker][name].asked[-1]

    def heard(self, name: str, worker: int = 0) -> dict[str, Any] | None:
        """What the token said that a system got last."""
        return read(name, self.asked(name, worker))

    def events(self, worker: int = 0) -> dict[str, int]:
        return self.shops[worker].edge.snapshot().events

    def everything(self, name: str) -> str:
        """All that a system was ever sent, to look for what it must not know."""
        return "\n".join(
            f"{asked.method} {asked.target} {asked.lines} {asked.body!r} {asked.trailers}"
            for one in self.shops
            for asked in one[name].asked
        )

    async def login(self, browser: Browser, sub: str = "4711", name: str = "Anna", **more: Any) -> Answer:
        """Log in at commerce, by a form."""
        return await browser.ask("/shop/login", "POST", says("302 Found", ["Location: /"], sub=sub, name=name, **more))


def two_workers(tmp_path: Path) -> tuple[SqliteStore, SqliteStore]:
    """One store for two workers."""
    path = str(tmp_path / "sessions.db")
    return SqliteStore(path), SqliteStore(path)


@asynccontextmanager
async def kept(
    *stores: Store, rules: Sequence[Rule] = RULES, policy: Policy | None = None, ring: KeyRing = RING,
    clock: Callable[[], float] = time.time, cms: Behaviour | Wanted | None = None,
    commerce: Behaviour | Wanted | None = None, trusted: bool = False,
    new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16), **more: Any,
) -> AsyncIterator[House]:  # fmt: skip
    """Open a shop with a worker for each store; without stores, one worker on a store in memory.

    Commerce may say everything, the CMS nothing, unless a system is given as it should be.
    """
    policy = policy or Policy()
    generation: dict[str, Any] = {"session": policy, **more.pop("generation", {})}
    if trusted:
        from ipaddress import ip_network

        generation["trusted"] = (ip_network("127.0.0.0/8"),)
    async with AsyncExitStack() as stack:
        house = House([], [])
        for store in stores or (MemoryStore(),):
            events: list[Callable[[str], None]] = []

            def tell(event: str, events: list[Callable[[str], None]] = events) -> None:
                for hear in events:
                    hear(event)

            keeper = Keeper(ring, policy, store, new_id, tell, clock)
            one = await stack.enter_async_context(
                shop(
                    rules, keeper=keeper, generation=generation, cms=cms or saying("cms"),
                    commerce=commerce or system(saying("commerce"), authority=ALL), **more,
                )
            )  # fmt: skip
            events.append(one.edge.ledger.event)
            house.shops.append(one)
            house.keepers.append(keeper)
        yield house
