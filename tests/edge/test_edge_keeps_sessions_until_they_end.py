"""Sessions end: revoked on every worker within a second, chats and all; or when their time is over."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sessionful import ALL, RING, TWO, House, answer_of, kept, saying, says, two_workers
from shop import Call, system

from sessions.model import Policy
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Revocation, key_of

# --- revocation -------------------------------------------------------------------------------------------------------


async def _chat(it: House, browser) -> object:
    visitor = await browser.begin("/shop/chat", "GET", "Connection: Upgrade", "Upgrade: websocket")
    assert (await visitor.head()).status == 101
    return visitor


async def chatting(call: Call) -> None:
    """Commerce, with a chat."""
    while True:
        asked = await call.head()
        if asked.get("upgrade"):
            await call.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            await call.gone()
            return
        await call.body(asked)
        await call.send(answer_of("commerce", asked))


@pytest.mark.parametrize("kind", ["customer", "all", "session"])
async def test_a_revocation_is_seen_by_every_worker_within_a_second_and_cuts_chats(kind: str, tmp_path: Path):
    """REQUIREMENTS, 12."""
    async with kept(*two_workers(tmp_path), commerce=system(chatting, authority=ALL)) as it:
        anna = it.browser()
        await it.login(anna)
        key = {"customer": key_of("4711"), "all": "", "session": key_of(anna.session.id)}[kind]
        ben = it.browser(1)
        await it.login(ben, sub="4712", name="Ben")
        anna.shop = it.shops[1]
        await anna.ask("/")
        chat, bens = await _chat(it, anna), await _chat(it, ben)
        now = int(time.time())
        began = time.perf_counter()
        await it.keepers[0].revoke(Revocation(kind, key, now, now + 3600))  # type: ignore[arg-type]
        assert await chat.end() in ("eof", "reset")
        took = time.perf_counter() - began
        await anna.ask("/")

        assert took < 1.0
        assert it.heard("cms", 1) is None
        assert it.events(1)["tunnels_cut"] == (2 if kind == "all" else 1)
        if kind != "all":
            await ben.ask("/")
            assert it.heard("cms", 1)["sub"] == "4712"
        await bens.leave()


async def test_a_revoked_customer_can_log_in_again():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        now = int(time.time())
        await it.keepers[0].revoke(Revocation("customer", key_of("4711"), now, now + 3600))
        await asyncio.sleep(1.1)  # whoever logged in in the same second is revoked, too
        await it.login(anna)
        await anna.ask("/")

        assert it.heard("cms")["sub"] == "4711"


async def test_a_revoked_login_ends_at_a_system_whose_own_cookie_still_says_it():
    """REQUIREMENTS, 12: on both systems. A profile knows by which cookies."""
    commerce = system(saying("commerce"), authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce) as it:
        anna = it.browser()
        await it.login(anna)
        anna.cookies |= {"sessionid": "of-anna", "csrftoken": "c"}
        now = int(time.time())
        await it.keepers[0].revoke(Revocation("customer", key_of("4711"), now, now + 3600))
        await anna.ask("/shop/")

        assert it.asked("commerce").get("cookie") == "csrftoken=c"
        assert it.heard("commerce") is None
        assert anna.cookies == {"csrftoken": "c"}


async def test_a_guests_chat_is_not_cut_for_a_cookie_that_counts_for_nothing():
    async with kept(commerce=chatting) as it:
        anna = it.browser()
        anna.cookies["inseam"] = "x" * 60
        chat = await _chat(it, anna)
        await asyncio.sleep(0.8)

        assert it.events().get("tunnels_cut", 0) == 0
        await chat.leave()


async def test_a_logout_in_another_tab_cuts_the_customers_chat():
    async with kept(commerce=system(chatting, authority=ALL)) as it:
        anna = it.browser()
        await it.login(anna)
        chat = await _chat(it, anna)
        await anna.ask("/shop/logout", "POST", says(sub=None))

        assert await chat.end() in ("eof", "reset")
        assert it.events()["tunnels_cut"] == 1


async def test_a_basket_in_another_tab_cuts_no_chat():
    async with kept(commerce=system(chatting, authority=ALL)) as it:
        anna = it.browser()
        await it.login(anna)
        chat = await _chat(it, anna)
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await asyncio.sleep(0.8)

        assert it.events().get("tunnels_cut", 0) == 0
        await chat.leave()


# --- time -------------------------------------------------------------------------------------------------------------


async def test_ten_tabs_with_a_cookie_that_is_due_make_one_renewal():
    """REQUIREMENTS, 15."""
    from dataclasses import replace

    from sessions.cookie import seal
    from sessions.record import packed
    from sessions.stores.port import Stored

    store = MemoryStore()
    async with kept(store) as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        old = replace(anna.session, renewed=int(time.time()) - 3 * 86400, rev=anna.session.rev + 1)
        await store.save(key_of(old.id), Stored(old.rev, packed(old)), None, 86400)
        anna.cookies["inseam"] = seal(old, RING).decode()
        tabs = [it.browser() for _ in range(10)]
        for tab in tabs:
            tab.cookies = dict(anna.cookies)
        await asyncio.gather(*(tab.ask("/") for tab in tabs))

        assert it.events()["session_renewed"] == 1
        assert len({tab.cookie for tab in tabs}) == 1
        assert tabs[0].session.renewed > old.renewed
        assert tabs[0].session.login.sub == "4711"


async def test_whoever_comes_in_after_the_idle_time_is_a_guest():
    """REQUIREMENTS, 13: the time stands in what is signed, whatever the browser does with the cookie's dates."""
    from dataclasses import replace

    from sessions.cookie import seal

    async with kept(policy=Policy(idle=3600, absolute=7200)) as it:
        anna = it.browser()
        await it.login(anna)
        now = int(time.time())
        for old in (replace(anna.session, renewed=now - 3700), replace(anna.session, created=now - 7300)):
            tab = it.browser()
            tab.cookies["inseam"] = seal(old, RING).decode()
            answer = await tab.ask("/")

            assert it.heard("cms") is None
            assert answer.get("set-cookie").startswith("inseam=; Path=/; Max-Age=0")
        assert it.events()["cookie_refused:expired"] == 2
