"""What the demo's shop tells the edge, and what it makes of what the edge says: read with the edge's own code."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.demo.commerce import new_commerce
from deploy.demo.run import made_keys
from deploy.demo.telling import Edge
from sessions import keyfile
from sessions.keys import KeyRing
from sessions.model import Basket, Line, Login, Policy, Session, read_changes
from sessions.token import mint, read_update, sid_for


class Shop:
    """The shop behind an edge: what it is asked with, and what it told."""

    def __init__(self, client: TestClient, ring: KeyRing) -> None:
        self.client = client
        self.ring = ring
        self.session: Session | None = None

    async def ask(self, method: str, path: str, **form: str):
        now = int(time.time())
        headers = {"Sec-Fetch-Site": "same-origin"}
        if self.session is not None:
            token, _ = mint(self.session, "commerce", {}, self.ring, now, Policy())
            headers["Inseam-Session"] = token.decode()
        answer = await self.client.request(method, path, data=form or None, headers=headers, allow_redirects=False)
        await answer.read()
        update = answer.headers.get("Inseam-Update")
        if update is None:
            return None
        sid = sid_for(self.session.id, "commerce") if self.session is not None else ""
        return read_changes(read_update(update.encode(), "commerce", sid, self.ring, now))

    def forgets(self) -> None:
        """The shop's own cookie is gone, as after a restart."""
        self.client.session.cookie_jar.clear()


@pytest.fixture
async def shop(tmp_path, monkeypatch):
    for name, value in made_keys(tmp_path / "keys.json")["commerce"].items():
        monkeypatch.setenv(name, value)
    ring = keyfile.load(tmp_path / "keys.json")
    async with TestClient(TestServer(new_commerce())) as client:
        yield Shop(client, ring)


VISITOR = Session("s" * 22, 1, int(time.time()), int(time.time()))


async def test_who_only_looks_around_is_nobody_to_the_edge(shop):
    assert await shop.ask("GET", "/catalogue/1004/") is None


async def test_a_basket_is_told_with_its_lines_and_once(shop):
    told = await shop.ask("POST", "/basket/add/", sku="1004", quantity="2")

    assert (told.basket.count, told.basket.total, told.basket.currency) == (2, "58.00", "EUR")
    assert told.basket.lines == (Line("1004", 2),)
    assert told.handle == "1004*2"
    shop.session = replace(VISITOR, basket=told.basket, handles={"commerce": told.handle})
    assert await shop.ask("GET", "/basket/") is None


async def test_a_shop_that_has_forgotten_everything_goes_on_where_it_was(shop):
    basket = Basket("b", 1, 3, "87.00", "EUR")
    shop.session = replace(
        VISITOR, login=Login("anna@shop.test", "Anna"), basket=basket, handles={"commerce": "1004*3"}
    )

    told = await shop.ask("GET", "/basket/")

    assert told.basket.count == 3
    assert not isinstance(told.login, Login)  # the edge knows it already


async def test_a_logout_is_told_and_takes_the_basket_along(shop):
    shop.session = replace(VISITOR, login=Login("nobody@shop.test"), basket=Basket("b", 1, 1))

    told = await shop.ask("GET", "/catalogue/")

    assert told.login is None
    assert told.basket is None


async def test_a_token_for_another_system_is_nobodys(shop):
    shop.session = None
    token, _ = mint(replace(VISITOR, login=Login("anna@shop.test")), "cms", {}, shop.ring, int(time.time()), Policy())

    answer = await shop.client.get("/api/basket", headers={"Inseam-Session": token.decode()})

    assert (await answer.json())["login"] is False


def test_without_keys_the_shop_works_on_its_own():
    assert Edge.known({}) is None
