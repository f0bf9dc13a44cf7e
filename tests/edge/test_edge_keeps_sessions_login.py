"""Login, logout, another customer, an order: on whichever system and worker, in every tab."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sessionful import ALL, THREE, TWO, answer_of, kept, saying, says, two_workers
from shop import Call, system

# --- who may say what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("update", "aspect"), [({"sub": "1"}, "login"), ({"basket": TWO}, "basket"), ({"order": "9"}, "order")]
)
async def test_a_cms_without_the_authority_can_say_nothing_of_a_visitor(update: dict, aspect: str):
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=THREE)
        before = anna.session
        await anna.ask("/", "GET", says(**update))

        assert (anna.session.login, anna.session.basket) == (before.login, before.basket)
        assert it.events()[f"update_beyond:cms:{aspect}"] == 1


async def test_a_cms_may_keep_a_handle_without_any_authority_and_commerce_never_sees_it():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/", "GET", says(handle="of-cms"))
        await anna.ask("/shop/")
        await anna.ask("/")

        assert it.heard("cms")["handle"] == "of-cms"
        assert "handle" not in it.heard("commerce")


async def test_what_a_system_may_say_of_an_update_is_taken_though_the_rest_is_refused():
    cms = system(saying("cms"), authority=frozenset({"login"}))
    async with kept(cms=cms) as it:
        anna = it.browser()
        await anna.ask("/", "POST", says(sub="1", basket=TWO))

        assert anna.session.login.sub == "1"
        assert anna.session.basket is None


# --- the id -----------------------------------------------------------------------------------------------------------


async def test_the_id_changes_at_login_at_logout_and_with_another_customer():
    """REQUIREMENTS, 9."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        ids = [anna.session.id]
        await it.login(anna)
        ids.append(anna.session.id)
        await it.login(anna, sub="4712", name="Ben")
        ids.append(anna.session.id)
        await anna.ask("/shop/logout", "POST", says(sub=None))

        ids.append(anna.session.id)
        assert len(set(ids)) == 4
        assert it.events()["session:login"] == it.events()["session:customer"] == it.events()["session:logout"] == 1


async def test_a_login_is_known_on_the_other_system_and_the_basket_stays():
    """REQUIREMENTS, 10."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await it.login(anna)
        await anna.ask("/")

        said = it.heard("cms")
        assert (said["sub"], said["name"], said["basket"]) == ("4711", "Anna", TWO)


async def test_an_id_that_nobody_issued_is_never_adopted():
    """REQUIREMENTS, 9."""
    async with kept() as it:
        anna = it.browser()
        anna.cookies["inseam"] = "chosen-by-somebody-else"
        await it.login(anna)

        assert anna.session.login.sub == "4711"
        assert "chosen" not in anna.cookie


async def test_who_planted_the_cookie_before_the_login_has_a_guests_session():
    """REQUIREMENTS, 9: fixation."""
    async with kept() as it:
        mallory, anna = it.browser(), it.browser()
        await mallory.ask("/shop/", "POST", says(basket=TWO))
        anna.cookies = dict(mallory.cookies)
        await it.login(anna)
        await mallory.ask("/")

        assert it.heard("cms").get("sub") is None
        await anna.ask("/")
        assert it.heard("cms")["sub"] == "4711"


@pytest.mark.parametrize("other_worker", [False, True])
async def test_an_old_id_in_flight_brings_nothing_back(other_worker: bool, tmp_path: Path):
    """REAL_SYSTEMS, 13: its answer neither changes the session nor sets or deletes a cookie."""
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        while True:
            asked = await call.request()
            if asked.target == "/shop/slow":
                await gate.wait()
            await call.send(answer_of("commerce", asked))

    async with kept(*two_workers(tmp_path), commerce=system(slow, authority=ALL)) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        anna.shop = it.shops[int(other_worker)]
        visitor = await anna.begin("/shop/slow", "GET", says(basket=None))
        await anna.shop["commerce"].until(lambda: any(a.target == "/shop/slow" for a in anna.shop["commerce"].asked))
        anna.shop = it.shop
        await anna.ask("/shop/", "POST", says(basket=THREE))
        await it.login(anna)
        gate.set()
        late = await visitor.answer()
        await anna.ask("/")

        assert late.status == 200
        assert late.all("set-cookie") == []
        assert it.heard("cms")["sub"] == "4711"
        assert it.heard("cms")["basket"] == THREE


async def test_a_request_with_the_old_id_is_a_guests_and_its_answer_leaves_the_cookie_alone():
    """REAL_SYSTEMS, 13."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        old = anna.twin()
        await it.login(anna)
        answer = await old.ask("/shop/", "GET", says(basket=None))

        assert it.heard("commerce").get("sub") is None
        assert answer.all("set-cookie") == []
        assert it.events()["session_late"] == 1


async def test_after_a_logout_the_old_id_is_nobody():
    """REQUIREMENTS, 12."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        old = anna.twin()
        await anna.ask("/shop/logout", "POST", says(sub=None))
        await asyncio.sleep(1.1)  # the id stands for nobody from the next second on
        await old.ask("/")

        assert it.heard("cms") is None


async def test_a_logout_on_either_system_ends_both():
    """REQUIREMENTS, 12."""
    cms = system(saying("cms"), authority=frozenset({"login"}))
    for where in ("/logout", "/shop/logout"):
        async with kept(cms=cms) as it:
            anna = it.browser()
            await it.login(anna, basket=TWO)
            await anna.ask(where, "POST", says(sub=None))
            await anna.ask("/")
            await anna.ask("/shop/")

            assert it.heard("cms").get("sub") is it.heard("commerce").get("sub") is None
            assert it.heard("cms")["basket"] is None


async def test_another_customer_finds_nothing_of_the_first():
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, basket=TWO, handle="of-anna")
        await it.login(anna, sub="4712", name="Ben")
        await anna.ask("/shop/")

        said = it.heard("commerce")
        assert (said["sub"], said["basket"], said.get("handle")) == ("4712", None, None)


async def test_the_shops_word_counts_when_its_own_cookie_says_somebody_else():
    """REAL_SYSTEMS, 12."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        await anna.ask("/shop/", "GET", says(sub="4712", name="Ben", basket=THREE))
        await anna.ask("/")

        assert (it.heard("cms")["sub"], it.heard("cms")["basket"]) == ("4712", THREE)


# --- the edge's own logout --------------------------------------------------------------------------------------------


async def test_a_page_can_log_out_by_the_edge_with_the_form_token():
    """REQUIREMENTS, 35."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        token = json.loads((await anna.ask("/.inseam/session")).body)["csrf"]
        refused = [
            (await anna.ask("/.inseam/logout", "POST")).status,
            (await anna.ask("/.inseam/logout", "POST", "X-CSRF-Token: made-up", "Sec-Fetch-Site: same-origin")).status,
            (await anna.ask("/.inseam/logout", "POST", "Origin: http://evil.example")).status,
            (await anna.ask("/.inseam/logout", "GET", "Sec-Fetch-Site: same-origin")).status,
        ]
        assert refused == [403, 403, 403, 405]
        assert anna.session.login is not None
        answer = await anna.ask("/.inseam/logout", "POST", f"X-CSRF-Token: {token}")
        await anna.ask("/shop/")

        assert answer.status == 204
        assert "sub" not in (it.heard("commerce") or {})


async def test_the_form_token_of_one_session_is_of_no_use_in_another():
    """REQUIREMENTS, 35: bound to the session."""
    async with kept() as it:
        anna, mallory = it.browser(), it.browser()
        await it.login(anna)
        await it.login(mallory, sub="666", name="M")
        token = json.loads((await mallory.ask("/.inseam/session")).body)["csrf"]

        assert (await anna.ask("/.inseam/logout", "POST", f"X-CSRF-Token: {token}")).status == 403


@pytest.mark.parametrize(
    ("referer", "place"),
    [
        ("http://shop.example/summer?x=1", "/summer"), ("http://evil.example/x", "/"),
        ("http://shop.example//evil.example/", "/"), ("http://shop.example/\\evil.example", "/"), ("", "/"),
    ],
)  # fmt: skip
async def test_a_logout_leads_back_to_the_page_and_to_no_other_site(referer: str, place: str):
    """REQUIREMENTS, 25 and 32."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        lines = [f"Referer: {referer}"] if referer else []
        answer = await anna.ask("/.inseam/logout", "POST", "Accept: text/html", "Sec-Fetch-Site: same-origin", *lines)

        assert (answer.status, answer.get("location")) == (303, place)


# --- baskets ----------------------------------------------------------------------------------------------------------


async def test_an_answer_that_was_overtaken_does_not_bring_the_older_basket_back():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=THREE))
        await anna.ask("/shop/", "GET", says(basket=TWO))

        assert anna.session.basket.count == 3


async def test_two_updates_at_the_same_time_on_two_workers_are_both_kept(tmp_path: Path):
    """REQUIREMENTS, 15."""
    async with kept(*two_workers(tmp_path)) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        tabs = [it.browser(worker) for worker in (0, 1)]
        for tab in tabs:
            tab.cookies = dict(anna.cookies)
            await tab.ask("/")  # so that both have it at hand
        await asyncio.gather(
            tabs[0].ask("/shop/", "POST", says(basket=THREE)), tabs[1].ask("/shop/", "GET", says(handle="mine"))
        )
        newest = max(tabs, key=lambda tab: tab.session.rev)
        newest.shop = it.shops[0]
        await newest.ask("/shop/")

        assert it.heard("commerce")["basket"] == THREE
        assert it.heard("commerce")["handle"] == "mine"
        assert sum(it.events(worker).get("session_conflict", 0) for worker in (0, 1)) <= 2


async def test_twenty_updates_at_once_leave_one_session_and_lose_none(tmp_path: Path):
    async with kept(*two_workers(tmp_path)) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket={**TWO, "rev": 1}))

        async def add(number: int) -> None:
            tab = it.browser(number % 2)
            tab.cookies = dict(anna.cookies)
            await tab.ask("/shop/", "POST", says(basket={**TWO, "rev": number, "count": number}))

        await asyncio.gather(*(add(number) for number in range(2, 12)))
        await asyncio.sleep(0.3)
        for worker in (0, 1):
            anna.shop = it.shops[worker]
            await anna.ask("/shop/")
            assert it.heard("commerce", worker)["basket"]["rev"] == 11


async def test_an_order_empties_the_basket_in_every_tab_on_both_systems_and_workers(tmp_path: Path):
    async with kept(*two_workers(tmp_path)) as it:
        anna = it.browser()
        await it.login(anna, basket=TWO)
        tab = it.browser(1)
        tab.cookies = dict(anna.cookies)
        await tab.ask("/")
        await anna.ask("/shop/checkout/place", "POST", says("302 Found", ["Location: /thanks"], order="1001"))
        await asyncio.sleep(0.4)
        await tab.ask("/")
        await tab.ask("/shop/")

        for name in ("cms", "commerce"):
            said = it.heard(name, 1)
            assert said["basket"] is None
            assert said["order"] == "1001"
            assert said["sub"] == "4711"


LINES = [{"sku": "tea", "quantity": 2}]


async def test_a_merge_of_the_shops_own_is_told_by_a_receipt_on_both_systems():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket={**TWO, "lines": LINES}))
        await it.login(anna)
        merged = {
            "id": "c1",
            "rev": 9,
            "count": 3,
            "lines": [{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": 1}],
        }
        await anna.ask("/shop/basket", "GET", says(basket=merged, merged="b7"))
        await anna.ask("/")
        receipt = json.loads((await anna.ask("/.inseam/session")).body)["receipt"]

        assert receipt["outcome"] == "merged"
        assert receipt["lines"] == [{"sku": "tea", "wanted": 2, "kept": 2}]
        assert it.heard("cms")["receipt"] == receipt


async def test_a_merge_that_was_capped_says_so_and_can_be_undone():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket={**TWO, "lines": LINES}))
        await it.login(anna)
        capped = {"id": "c1", "rev": 9, "count": 1, "lines": [{"sku": "tea", "quantity": 1}]}
        await anna.ask("/shop/basket", "GET", says(basket=capped, merged="b7"))
        said = json.loads((await anna.ask("/.inseam/session")).body)
        assert said["receipt"]["outcome"] == "capped"
        asked = await anna.ask("/.inseam/undo", "POST", f"X-CSRF-Token: {said['csrf']}")
        await anna.ask("/shop/")
        told = it.heard("commerce")["undo"]
        await anna.ask(
            "/shop/", "GET", says(undone=said["receipt"]["id"], basket={**capped, "rev": 10, "count": 0, "lines": []})
        )
        again = await anna.ask("/.inseam/undo", "POST", f"X-CSRF-Token: {said['csrf']}")

        assert (asked.status, again.status) == (202, 409)
        assert told == {"receipt": said["receipt"]["id"], "lines": [{"sku": "tea", "quantity": 1}]}
        assert json.loads((await anna.ask("/.inseam/session")).body)["receipt"] is None


async def test_a_merge_that_is_told_twice_happens_once():
    """REQUIREMENTS, 10."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket={**TWO, "lines": LINES}))
        await it.login(anna)
        merged = {"id": "c1", "rev": 9, "count": 2, "lines": LINES}
        receipts = []
        for _ in range(2):
            await anna.ask("/shop/basket", "GET", says(basket=merged, merged="b7"))
            receipts.append(json.loads((await anna.ask("/.inseam/session")).body)["receipt"])

        assert receipts[0] == receipts[1]
        assert it.events()["session:basket"] == 2
