"""200 requests at the same moment with one cookie that is due for renewal: 200 good answers, one renewal.

Ten tabs that open at once must not become ten sessions, nor a storm of logouts. REQUIREMENTS, 15.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass

from sessions import keyfile
from sessions.cookie import cookie_name, seal, unseal
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Session
from tests.soak import browser as http
from tests.soak.browser import Browser, Received
from tests.soak.house import House
from tests.soak.page import facts

AT_ONCE = 200
NAME = cookie_name(secure=False, login=True)


@dataclass(frozen=True, slots=True)
class Once:
    """What came of it. `good` answers showed the right login and basket; `ids` and `revisions` are those of all cookies
    that were set then, `later` those of a request afterwards, `sids` what the CMS was told."""

    good: int
    ids: frozenset[str]
    revisions: frozenset[int]
    sids: frozenset[str]
    renewals: int
    later: int
    """The revision that the session has a little later, on all workers."""

    @property
    def kept(self) -> bool:
        """Whether there were 200 good answers and one renewal."""
        return (
            self.good == AT_ONCE
            and len(self.ids) == len(self.revisions) == len(self.sids) == 1
            and self.revisions == {self.later}
        )


def due(ring: KeyRing, now: int) -> tuple[Session, bytes]:
    """Return a customer's session that was last renewed three days ago, and its cookie."""
    ago = now - Policy().idle // 10
    session = Session(
        secrets.token_urlsafe(16), 7, ago, ago,
        login=Login("c9999", "Shopper 9999"), login_at=ago, basket=Basket("b9999-1", 3, 5, "50.00", "EUR"),
    )  # fmt: skip
    return session, seal(session, ring)


async def one_rotation(house: House) -> Once:
    """Ask, all at once, over connections that are open already and lie with all workers."""
    ring = keyfile.load(house.keys)
    session, cookie = due(ring, int(time.time()))
    browsers = [Browser(house.port, "9999") for _ in range(AT_ONCE)]
    await asyncio.gather(*(browser.ask("GET", "/static/shop.css", http.FILE) for browser in browsers))
    for browser in browsers:
        browser.jar.kept[NAME, "/"] = cookie.decode()
    answers = await asyncio.gather(*(browser.ask("GET", "/stories/linen/", http.PAGE) for browser in browsers))
    told = [unseal(value, ring, int(time.time())) for answer in answers for value in _set(answer)]
    shown = [found for answer in answers if (found := facts(answer.body)) and found["token"]]
    good = [one for one in shown if one["token"]["sub"] == "c9999" and one["token"]["basket"]["count"] == 5]
    await asyncio.sleep(1)
    after = await asyncio.gather(*(browser.ask("GET", "/stories/linen/", http.PAGE) for browser in browsers))
    again = {unseal(value, ring, int(time.time())).rev for answer in after for value in _set(answer)}
    last = {unseal(browser.jar.get(NAME).encode(), ring, int(time.time())).rev for browser in browsers}
    for browser in browsers:
        browser.rest()
    return Once(
        good=len(good),
        ids=frozenset(one.id for one in told),
        revisions=frozenset(one.rev for one in told),
        sids=frozenset(one["token"]["sid"] for one in shown),
        renewals=len({one.rev for one in told} - {session.rev}),
        later=max(again | last),
    )


def _set(answer: Received) -> list[bytes]:
    return [line.partition(";")[0].partition("=")[2].encode() for line in answer.cookies if line.startswith(f"{NAME}=")]
