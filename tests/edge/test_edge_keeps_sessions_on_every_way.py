"""A session on every way that a request can take: its rule, a fallback, a retry, a mirror, TLS; and for scripts."""

from __future__ import annotations

import asyncio

import pytest
from sessionful import THREE, TWO, answer_of, kept, says
from shop import Asked, Call, answering, page, rule, system

from router.conditions import Session as WithSession
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Stored

# --- where a request goes by its session ------------------------------------------------------------------------------


async def test_rules_route_by_login_and_basket():
    rules = (
        rule("/home", "commerce", WithSession(True, None), name="for customers"),
        rule("/shop/**", "commerce", name="shop"),
        rule("/**", "cms", name="all else"),
    )
    async with kept(rules=rules) as it:
        anna, ben = it.browser(), it.browser()
        await it.login(anna)

        assert (await anna.ask("/home")).body == b"commerce"
        assert (await ben.ask("/home")).body == b"cms"


# --- the other system, a retry, a mirror ------------------------------------------------------------------------------


async def test_a_fallback_gets_its_own_cookies_and_its_own_token():
    """REQUIREMENTS, 20."""
    rules = (
        rule("/shop/**", "commerce", name="shop"),
        rule("/**", "cms", name="pages", fallback="commerce"),
    )

    def missing(asked: Asked) -> bytes:
        return page(b"", "404 Not Found") if asked.target == "/shoes" else answer_of("cms", asked)

    async with kept(rules=rules, cms=answering(missing)) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(lines=["Set-Cookie: sid=of-commerce; HttpOnly"], basket=TWO))
        await anna.ask("/", "GET", says(lines=["Set-Cookie: sid=of-cms; HttpOnly"]))
        answer = await anna.ask("/shoes")

        assert answer.body == b"commerce"
        assert it.asked("cms").get("cookie") == "sid=of-cms"
        assert it.asked("commerce").get("cookie") == "sid=of-commerce"
        assert (it.heard("cms")["aud"], it.heard("commerce")["aud"]) == ("cms", "commerce")


async def test_a_mirror_gets_neither_cookies_nor_a_token():
    from router.rules import Mirror

    rules = (
        rule("/shop/**", "commerce", name="shop"),
        rule("/**", "cms", name="pages", mirror=Mirror("commerce", 10_000)),
    )
    async with kept(rules=rules) as it:
        anna = it.browser()
        await it.login(anna)
        await anna.ask("/", "GET", says(lines=["Set-Cookie: a=1"]))
        await anna.ask("/summer")
        await it.shop["commerce"].until(lambda: it.asked("commerce").target == "/summer")

        copy = it.asked("commerce")
        assert copy.get("inseam-mirror") == "1"
        assert copy.get("cookie") is None
        assert copy.get("inseam-session") is None


async def test_a_retry_says_the_same_as_the_first_try():
    async def dying(call: Call) -> None:
        await call.request()

    healthy = answering(lambda asked: answer_of("cms", asked))
    async with kept(cms=system(dying, healthy)) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(lines=["Set-Cookie: a=1"], basket=TWO))
        answers = [await anna.ask("/") for _ in range(2)]

        asked = [each for host in it.shop.systems["cms"] for each in host.asked]
        assert [answer.status for answer in answers] == [200, 200]
        assert len(asked) == 3
        assert len({(each.get("inseam-session"), each.get("cookie")) for each in asked}) == 1


# --- what a page's script may know ------------------------------------------------------------------------------------


async def test_a_page_s_script_learns_the_state_and_no_id():
    import json

    async with kept() as it:
        anna = it.browser()
        nobody = json.loads((await anna.ask("/.inseam/session")).body)
        await it.login(anna, basket=THREE)
        answer = await anna.ask("/.inseam/session")
        said = json.loads(answer.body)

        assert nobody == {
            "login": False, "name": None, "basket": {"count": 0, "total": None, "currency": None},
            "receipt": None, "csrf": None,
        }  # fmt: skip
        assert (said["login"], said["name"]) == (True, "Anna")
        assert said["basket"] == {"count": 3, "total": "59.70", "currency": "EUR"}
        assert answer.get("cache-control") == "no-store"
        assert anna.session.id not in answer.body.decode()
        assert "4711" not in answer.body.decode()
        assert len(it.shop["commerce"].asked) == 1


async def test_nothing_of_the_edges_own_addresses_reaches_a_system():
    async with kept() as it:
        statuses = [(await it.browser().ask(path)).status for path in ("/.inseam/jwks.json", "/.inseam/", "/.inseam/x")]

        assert statuses == [200, 404, 404]
        assert it.shop["cms"].asked == []


# --- images, forged names, TLS, a change of rules ---------------------------------------------------------------------


async def test_an_image_of_the_shop_stays_in_every_cache_whatever_became_of_the_session():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        tab = anna.twin()
        await anna.ask("/shop/", "POST", says(basket=THREE))
        answer = await tab.ask(
            "/static/logo.png", "GET", says(lines=["Cache-Control: public, max-age=600"], html=False)
        )

        assert answer.all("set-cookie") == []
        assert answer.get("cache-control") == "public, max-age=600"


async def test_an_address_for_images_that_changes_the_session_brings_the_cookie():
    """Or nobody would ever know the session by it."""
    store = MemoryStore()
    async with kept(store) as it:
        anna = it.browser()
        answer = await anna.ask("/static/pixel.gif", "GET", says(basket=TWO))
        await anna.ask("/")

        assert answer.get("cache-control") == "no-store"
        assert it.heard("cms")["basket"] == TWO
        assert len(store._sessions) == 1


@pytest.mark.parametrize(
    "name", ["commerce~sessionid", "commerce~!csrftoken", "~csrftoken", "__Host-commerce~x", "commerce~-csrftoken"]
)
async def test_a_system_cannot_set_another_one_s_cookies_by_the_names_they_have_in_the_browser(name: str):
    """REQUIREMENTS, 20."""
    async with kept(trusted=True) as it:
        anna = it.browser(https=True)
        await anna.ask("/", "GET", says(lines=[f"Set-Cookie: {name}=of-cms; Path=/; Secure; HttpOnly"]))
        await anna.ask("/shop/")
        await anna.ask("/")

        assert it.asked("commerce").get("cookie") is None
        assert it.asked("cms").get("cookie") == f"{name}=of-cms"


async def test_over_tls_of_the_edge_s_own_the_cookie_is_host_bound(tmp_path):
    from certificates import Authority

    authority = Authority(tmp_path)
    async with kept(tls=authority.server("shop.example"), visitor_tls=authority.client) as it:
        anna = it.browser()
        (line,) = (await anna.ask("/shop/", "POST", says(basket=TWO))).all("set-cookie")

        assert line.startswith("__Host-inseam=")
        assert line.endswith("; Secure")


async def test_rules_may_change_while_an_answer_waits():
    class Waiting(MemoryStore):
        writing, go = asyncio.Event(), asyncio.Event()

        async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
            self.writing.set()
            await self.go.wait()
            return await super().save(key, fresh, expected, life)

    store = Waiting()
    async with kept(store) as it:
        anna = it.browser()
        visitor = await anna.begin("/shop/", "POST", says(basket=TWO))
        await store.writing.wait()
        it.shop.swap(rule("/shop/**", "commerce", name="shop"), rule("/**", "cms", name="new"))
        store.go.set()
        answer = await visitor.answer("POST")
        anna.take(answer)
        await anna.ask("/")

        assert answer.status == 200
        assert it.heard("cms")["basket"] == TWO
