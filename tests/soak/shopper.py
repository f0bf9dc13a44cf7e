"""One shopper: walks between the systems, buys, logs in and out, and checks on every page whose it is.

The names of all that belongs to a shopper hold its number, so that anything of another shopper is seen at once. What
the edge's own metrics say plays no part.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from tests.soak import browser as http
from tests.soak.belief import NO_LINES, Has, Lines, Seen, wrong
from tests.soak.browser import Browser, Cut, Received
from tests.soak.findings import Findings
from tests.soak.page import facts

CMS_PAGES = ("/", "/stories/linen/", "/stories/wool/", "/club/", "/brands/loom/")
COMMERCE_PAGES = ("/catalogue/", "/catalogue/4711/", "/basket/", "/account/", "/search/?q=linen")
ATTEMPTS = 60
"""Reloads of one page before a shopper gives up; half a second each is longer than any system here is away."""


Explains = Callable[[int], bool]
"""Says whether an answer of this status (0: none) at this moment comes from what is done to the shop on purpose."""

Truth = Callable[[str], Awaitable[Lines]]
"""Tells from behind what a customer's basket holds."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What all shoppers of a run have in common. `think` is the mean of the seconds between two steps."""

    think: float = 1.0
    tabs: float = 0.25
    """How often a second tab is busy while a form is sent."""
    cms_login: bool = True
    edge_logout: bool = True


class Shopper:
    """One of them, with a browser. `may` are the states it may be in, the likeliest last."""

    def __init__(
        self, number: int, port: int, habits: Habits, findings: Findings, explains: Explains, truth: Truth, seed: int
    ) -> None:
        self.number = f"{number:04d}"
        self.customer = f"c{self.number}"
        self.port = port
        self.habits = habits
        self.findings = findings
        self.explains = explains
        self.truth = truth
        self.dice = random.Random(f"{seed}-{number}")
        self.things = itertools.count(1)
        self.trail: deque[str] = deque(maxlen=24)
        self.begin(NO_LINES)

    def begin(self, customers: Lines) -> None:
        """Take a fresh browser, as a guest whose basket as a customer holds this."""
        self.browser = Browser(self.port, self.number)
        self.browser.jar.kept["consent", "/"] = "all"  # as a script of a third party does
        self.may: tuple[Has, ...] = (Has(customer=customers),)
        self.own: dict[str, dict[str, str]] = {}
        """The cookies that each system is known to have given; nothing where it may have given others since."""
        self.at = ""
        self.posting = self.reading_twice = self.stumbled = False
        self.trail.append("new browser")

    # --- walking ------------------------------------------------------------------------------------------------------

    async def walk(self, until: float) -> None:
        """Go on until the monotonic clock says `until`, then look at everything once more."""
        await asyncio.sleep(self.dice.uniform(0, 2 * self.habits.think))
        while time.monotonic() < until:
            await self.step()
            self.findings.done["steps"] += 1
            if self.stumbled:  # what was wrong once is counted once
                self.browser.rest()
                self.begin(await self.truth(self.customer))
            await asyncio.sleep(self.dice.expovariate(1 / self.habits.think))
        await self.page("/basket/")
        await self.page("/")
        await self.ask_edge()
        self.browser.rest()

    async def step(self) -> None:
        """Do something at random."""
        has = self.may[-1]
        does: list[tuple[int, Callable[[], Any]]] = [
            (28, self.read_cms), (18, self.read_commerce), (22, self.add), (7, self.vote), (6, self.two_tabs),
            (3, self.rest), (9, self.log_out if has.login else self.log_in), (5 if has.lines else 0, self.order),
        ]  # fmt: skip
        await self.dice.choices([do for _, do in does], [weight for weight, _ in does])[0]()

    async def read_cms(self) -> None:
        await self.visit(self.dice.choice(CMS_PAGES))

    async def read_commerce(self) -> None:
        await self.visit(self.dice.choice(COMMERCE_PAGES))

    async def visit(self, path: str) -> None:
        """Open a page with what belongs to it, as a browser does."""
        await self.page(path)
        media = "/static/shop.css" if self.at == "cms" else "/shop-media/4711.jpg"
        await asyncio.gather(self.file(media), self.file("/shop-media/1.jpg"), self.ask_edge())

    async def two_tabs(self) -> None:
        """Read in both tabs at once."""
        if len(self.own) < 2:  # as with any shop, two first pages at once would give two different form cookies
            await self.read_commerce()
            return
        self.reading_twice = True
        await asyncio.gather(self.visit(self.dice.choice(CMS_PAGES)), self.visit(self.dice.choice(COMMERCE_PAGES)))
        self.reading_twice = False

    async def rest(self) -> None:
        """Be away for so long that the connections are gone."""
        self.browser.rest()
        await self.read_cms()

    async def add(self) -> None:
        sku, quantity = f"s{self.number}-{next(self.things)}", self.dice.randint(1, 3)
        await self.send(
            "commerce", "/basket/add/", {"sku": sku, "quantity": str(quantity)}, lambda has: (has.added(sku, quantity),)
        )

    async def vote(self) -> None:
        vote = f"v{self.number}-{next(self.things)}"
        await self.send("cms", "/club/vote/", {"vote": vote}, lambda has: (has.voted(vote),))

    async def order(self) -> None:
        await self.send("commerce", "/checkout/place/", {}, lambda has: (has.ordered(),))

    async def log_in(self) -> None:
        form = {"customer": self.customer, "password": f"pw-{self.customer}"}
        if self.habits.cms_login and self.dice.random() < 0.3:
            await self.send("cms", "/club/login/", form, lambda has: (has.logged_in_on_cms(),))
        else:
            await self.send("commerce", "/account/login/", form, lambda has: (has.logged_in(),), Has.orphaned)

    async def log_out(self) -> None:
        dice = self.dice.random()
        if self.habits.edge_logout and dice < 0.2:
            await self.send("edge", "/.inseam/logout", {}, lambda has: _either_vote(has.logged_out_on_cms()))
        elif self.habits.cms_login and dice < 0.5:
            await self.send("cms", "/club/logout/", {}, lambda has: _either_vote(has.logged_out_on_cms()))
        else:
            await self.send("commerce", "/account/logout/", {}, lambda has: _either_vote(has.logged_out()))

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, kind: dict[str, str], form: str = "") -> Received | None:
        """Ask once; None where no answer came, or one that says that a system or the edge is away."""
        try:
            received = await self.browser.ask(method, path, kind, form)
        except (Cut, OSError, TimeoutError) as error:
            self.trail.append(f"{method} {path} cut")
            self.findings.done["requests cut"] += 1
            if not self.explains(0):
                self.findings.found("odd answer", f"{self.said()}: {type(error).__name__} {error} on {path}")
            return None
        self.findings.done["requests"] += 1
        if mark := _mark(received):
            self.trail.append(f"({path} set {mark})")
        if received.status >= 500:
            self.trail.append(f"{method} {path} {received.status}")
            if self.explains(received.status):
                self.findings.done["answers of a system away"] += 1
            elif received.status == 503:  # the edge holds back for a system that is slow, on a machine that is busy
                self.findings.done["answers of a busy system"] += 1
            else:
                self.findings.found("odd answer", f"{self.said()}: {received.status} on {path}: {received.body[:80]!r}")
            return None
        return received

    async def get(self, path: str, kind: dict[str, str]) -> Received | None:
        """Ask for something, and reload until it comes."""
        for _ in range(ATTEMPTS):
            received = await self.ask("GET", path, kind)
            if received is not None:
                return received
            if path in COMMERCE_PAGES:  # which may have answered all the same
                self.may = _unique([*(has.maybe_settled() for has in self.may), *self.may])
            await asyncio.sleep(self.dice.uniform(0.3, 0.7))
        self.findings.found("odd answer", f"{self.said()}: {path} never came")
        return None

    async def file(self, path: str) -> None:
        received = await self.ask("GET", path, http.FILE)
        if received is not None and received.status != 200:
            self.findings.found("odd answer", f"{self.said()}: {received.status} on {path}")

    async def page(self, path: str, doubt: bool = False) -> dict[str, Any] | None:
        """Open a page, check whose it is, and return its facts.

        In `doubt` commerce may know what the edge has not heard, and what counts is that it hears of it now.
        """
        before = self.may
        received = await self.get(path, http.PAGE)
        if received is None:
            return None
        said = facts(received.body)
        if received.status != 200 or said is None:
            self.findings.found("odd answer", f"{self.said()}: {received.status} on {path}: {received.body[:80]!r}")
            return None
        self.findings.took.append(received.took)
        system = said["system"]
        self.trail.append(f"GET {path} {system}")
        self.findings.done["pages"] += 1
        if self.at and self.at != system:
            self.findings.done["crossings"] += 1
            if self.may[-1].login or self.may[-1].lines:
                self.findings.done["hand-offs"] += 1
        self.at, self.browser.page = system, path
        self.check_page(said, before, doubt)
        return said

    async def ask_edge(self) -> str:
        """Look at what the edge tells a page's script; return the form token it gives, empty for none."""
        before = self.may
        received = await self.get("/.inseam/session", http.SCRIPT)
        if received is None:
            return ""
        try:
            said = json.loads(received.body)
            login, name, count = said["login"], said["name"], said["basket"]["count"]
        except (ValueError, KeyError, TypeError):
            self.findings.found("odd answer", f"{self.said()}: {received.status} on /.inseam/session {received.body!r}")
            return ""
        if name and not self.is_own_name(name):
            self.mixed("another's login", f"/.inseam/session says {name!r}")
        self.check(Seen("/.inseam/session", login, count), before)
        return said.get("csrf") or ""

    async def send(
        self,
        system: str,
        path: str,
        form: dict[str, str],
        then: Callable[[Has], Sequence[Has]],
        half: Callable[[Has], Has] | None = None,
    ) -> None:
        """Send a form, with another tab busy now and then; `then` are the states afterwards.

        `half` is a further one where the system has done it, but nobody heard. Whoever does not know looks first.
        """
        token = await self.form_token(system)
        if token is None:
            return
        tabs = self.dice.random() < self.habits.tabs
        before = self.may
        if tabs:  # the other one may be at commerce just before
            before = _unique([*(has.maybe_settled() for has in before), *before])
        after = _unique([state for has in before for state in then(has)])
        if tabs:  # or just behind
            after = _unique([*(has.maybe_settled() for has in after), *after])
        unsure = _unique([*(half(has) for has in before if half), *before, *after])
        form = {"csrf": token, "next": self.dice.choice((*CMS_PAGES, *COMMERCE_PAGES)), **form}
        self.posting, self.may = True, unsure
        tab = asyncio.ensure_future(self.two_tabs()) if tabs else None
        received = await self.ask("POST", path, http.PAGE, urlencode(form))
        if received is not None and received.status in (200, 204, 303):
            self.trail.append(f"POST {path} {received.status}")
            self.findings.done["forms"] += 1
            self.may = after
        elif received is not None:
            kind = "form refused" if received.status == 403 else "odd answer"
            self.findings.found(kind, f"{self.said()}: {received.status} on {path}: {received.body[:80]!r}")
            self.may = before
        if tab is not None:
            await tab
        self.own.pop("commerce", None)  # it gives new ones at login and logout
        self.posting = False
        if received is None:
            self.findings.done["forms in doubt"] += 1
            await self.page("/basket/", doubt=True)
            await self.visit("/club/")
        else:
            await self.visit(received.headers.get("location") or "/")

    async def form_token(self, system: str) -> str | None:
        """Open the page with the form and return what the form must hold; None where it cannot be had."""
        if system == "edge":
            return await self.ask_edge()
        said = await self.page("/club/" if system == "cms" else "/account/")
        return str(said["csrf"]) if said else None

    # --- checking -----------------------------------------------------------------------------------------------------

    def check_page(self, said: dict[str, Any], before: tuple[Has, ...], doubt: bool) -> None:
        """Check all that a page shows: the token it was given, what commerce itself knows, the cookies that came."""
        system, token = said["system"], said["token"]
        if isinstance(token, str):
            self.findings.found("token not believed", f"{self.said()}: {system}: {token}")
            return
        self.check_cookies(system, said)
        claims = token or {"sub": None, "basket": None, "sid": ""}
        basket = claims["basket"] or {"id": "", "count": 0}
        self.check_owner(system, claims, basket["id"])
        vote = claims.get("handle", "") if system == "cms" else None
        if vote and not vote.startswith(f"v{self.number}-"):
            self.mixed("another's handle", f"{system}: {vote}")
        if not doubt:
            self.check(Seen(f"the token for {system}", claims["sub"] is not None, basket["count"], vote=vote), before)
        if system == "commerce":
            lines: Lines = frozenset(said["lines"].items())
            if said["customer"] not in ("", self.customer) or not self.is_own_basket(said["basket"], lines):
                self.mixed("another's basket", f"commerce shows {said['customer']} {said['basket']} {sorted(lines)}")
            self.check(Seen("commerce", bool(said["customer"]), sum(said["lines"].values()), lines), before)
            if not self.posting:
                self.may = _unique([has.settled() for has in self.may])

    def check(self, seen: Seen, before: tuple[Has, ...]) -> None:
        """Hold what is seen against what may be; what was right when the page was asked for is right, too."""
        self.findings.done["checks"] += 1
        fitting = tuple(has for has in self.may if has.fits(seen))
        if fitting:
            if not self.posting:
                self.may = fitting
            return
        if not self.stumbled and (kind := wrong((*before, *self.may), seen)):
            self.findings.found(kind, f"{self.said()}: {seen}, expected {self.may[-1]} of {len(self.may)}")
            self.stumbled = True

    def check_owner(self, system: str, claims: dict[str, Any], basket: str) -> None:
        if claims["sub"] not in (None, self.customer) or not self.is_own_name(claims.get("name")):
            self.mixed("another's login", f"{system}: {claims['sub']} {claims.get('name')}")
        if not self.is_own_basket(basket, frozenset()):
            self.mixed("another's basket", f"{system}: {basket}")
        sid = claims["sid"]
        if sid and self.findings.owners.setdefault(sid, f"{system} {self.number}") != f"{system} {self.number}":
            self.mixed("another's session id", f"{system}: {sid} is of {self.findings.owners[sid]}")

    def check_cookies(self, system: str, said: dict[str, Any]) -> None:
        """Check that the system received its own cookies, all of them, and nobody else's."""
        came = [pair.strip().partition("=")[::2] for pair in said["cookies"].split(";") if pair.strip()]
        mine = "cms-" if system == "cms" else "shop-"
        for name, value in came:
            if name == "consent":
                continue
            if name not in ("sessionid", "csrftoken") or not value.startswith(mine):
                self.findings.found("wrong cookie", f"{self.said()}: {system} received {name}={value}")
            elif not value.startswith(f"{mine}{self.number}-"):
                self.mixed("another's cookie", f"{system} received {name}={value}")
        known = self.own.get(system, {})
        if not self.posting:
            missing = {name: value for name, value in known.items() if (name, value) not in came}
            if missing or ("consent", "all") not in came:
                self.findings.found("cookie lost", f"{self.said()}: {system} did not receive {missing}: {came}")
            if not self.reading_twice and said["csrf"] and self.browser.jar.get("csrftoken") != said["csrf"]:
                self.findings.found("script's cookie", f"{self.said()}: {self.browser.jar.header()} on {system}")
            gave = {"sessionid": said["session"], "csrftoken": said["csrf"]}
            self.own[system] = {name: value for name, value in gave.items() if value}

    def is_own_name(self, name: str | None) -> bool:
        return name in (None, "", f"Shopper {self.number}")

    def is_own_basket(self, basket: str, lines: Lines) -> bool:
        return (not basket or basket.startswith(f"b{self.number}-")) and all(
            sku.startswith(f"s{self.number}-") for sku, _ in lines
        )

    def mixed(self, kind: str, what: str) -> None:
        self.findings.found(kind, f"{self.said()}: {what}")

    def said(self) -> str:
        """Return who this is, when, and what it did last."""
        return f"{self.number} at {time.time() % 86400:.2f} after {', '.join(self.trail)}"


def _mark(received: Received) -> str:
    """Return the id and revision in the edge's cookie if the answer sets one, unverified: to tell how it came about."""
    for line in received.cookies:
        name, _, value = line.partition(";")[0].partition("=")
        if name in ("inseam", "inseam-login") and value:
            packed = value.partition(".")[0]
            _, session, revision, *_ = msgspec.msgpack.decode(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
            return f"{session[:4]} rev {revision}"
    return ""


def _either_vote(has: Has) -> tuple[Has, ...]:
    return (has.without_vote(), has)


def _unique(states: Sequence[Has]) -> tuple[Has, ...]:
    return tuple(dict.fromkeys(states))
