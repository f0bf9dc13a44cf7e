"""Forms that were open across a login, and two unchanged systems of one make in one browser."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from sessionful import ALL, House, kept, saying, says
from shop import Call, system
from unchanged import FORM, RULES, Oscar, form

from sessions.model import Policy
from sessions.stores.port import Revocation, key_of


@pytest.fixture
def oscar() -> Oscar:
    return Oscar()


# --- forms that were open ---------------------------------------------------------------------------------------------

BEFORE = "B" * 32


async def _with_an_open_form(it: House) -> Any:
    anna = it.browser()
    anna.cookies["csrftoken"] = BEFORE
    await anna.ask("/accounts/login/", "POST", FORM, body=form(BEFORE))
    assert anna.cookies["csrftoken"] == "N" * 32
    return anna


async def test_a_form_that_was_open_across_the_login_goes_with_the_secret_it_was_made_with(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = await _with_an_open_form(it)
        await anna.ask("/basket/add/7/", "POST", FORM, body=form(BEFORE))
        old = it.shop["commerce"].asked[-2]
        await anna.ask("/basket/add/7/", "POST", FORM, body=form("N" * 32))
        new = it.shop["commerce"].asked[-2]

        assert f"csrftoken={BEFORE}" in old.get("cookie")
        assert "csrftoken=" + "N" * 32 in new.get("cookie")
        assert old.body == form(BEFORE)
        assert "~-" not in it.everything("commerce")


@pytest.mark.parametrize("cut", [1, 20, 40, 60])
async def test_so_does_one_that_comes_in_pieces(oscar: Oscar, cut: int):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = await _with_an_open_form(it)
        body = form(BEFORE)
        visitor = await anna.begin("/basket/add/7/", "POST", FORM, f"Content-Length: {len(body)}", body=body[:cut])
        await asyncio.sleep(0.02)
        await visitor.send(body[cut:])
        answer = await visitor.answer("POST")
        asked = it.shop["commerce"].asked[-2]

        assert answer.status == 302
        assert f"csrftoken={BEFORE}" in asked.get("cookie")
        assert asked.body == body


async def test_a_form_that_never_comes_is_given_up(oscar: Oscar):
    from router.model import Limits

    async with kept(commerce=oscar.wanted, rules=RULES, limits=Limits(body_grace=0.1)) as it:
        anna = await _with_an_open_form(it)
        visitor = await anna.begin("/basket/add/7/", "POST", FORM, "Content-Length: 80")
        answer = await visitor.answer("POST")

        assert answer.status == 408


async def test_a_made_up_form_token_opens_nothing(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = await _with_an_open_form(it)
        await anna.ask("/basket/add/7/", "POST", FORM, body=form("M" * 32))

        assert "csrftoken=" + "N" * 32 in it.shop["commerce"].asked[-2].get("cookie")


async def test_after_a_logout_no_form_of_before_is_taken(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = await _with_an_open_form(it)
        await anna.ask("/accounts/logout/")

        assert not [name for name in anna.cookies if "~-" in name]


async def test_without_a_grace_time_no_form_of_before_is_kept(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES, policy=Policy(grace=0)) as it:
        anna = await _with_an_open_form(it)

        assert not [name for name in anna.cookies if "~-" in name]


# --- two unchanged systems of the same make ---------------------------------------------------------------------------


@pytest.fixture
def pair(oscar: Oscar) -> Any:
    """A CMS and a shop that both say `sessionid`, `csrftoken` and `messages`."""
    return kept(cms=system(saying("cms"), profile="wagtail"), commerce=oscar.wanted, rules=RULES)


async def test_two_django_sites_share_a_browser_as_if_each_were_alone(pair: Any):
    """REAL_SYSTEMS, 3."""
    async with pair as it:
        editor = it.browser()
        await editor.ask("/admin/", "GET", says(lines=["Set-Cookie: sessionid=of-editor; HttpOnly; Path=/"]))
        await editor.ask("/", "GET", says(lines=["Set-Cookie: csrftoken=" + "C" * 32 + "; Path=/"]))
        await editor.ask("/accounts/login/", "POST", FORM, body=form("x"))
        await editor.ask("/")
        await editor.ask("/catalogue/")
        await editor.ask("/login/", "GET", says(lines=['Set-Cookie: sessionid=""; Max-Age=0; Path=/']))
        await editor.ask("/catalogue/")

        to_cms = [asked.get("cookie") or "" for asked in it.shop["cms"].asked]
        to_shop = [asked.get("cookie") or "" for asked in it.shop["commerce"].asked]
        assert "sessionid=of-editor" in to_cms[2]
        assert "sessionid=of-anna" in to_shop[-1]
        assert "of-anna" not in it.everything("cms")
        assert "of-editor" not in it.everything("commerce")
        assert "~" not in "".join(to_cms + to_shop)
        assert editor.session.login.sub == "anna@shop.example"


async def test_cookies_from_before_the_edge_go_to_the_system_that_logs_people_in(pair: Any):
    """And whoever was logged in there still is."""
    async with pair as it:
        anna = it.browser()
        anna.cookies |= {"sessionid": "of-anna", "csrftoken": "B" * 32}
        await anna.ask("/")
        await anna.ask("/catalogue/")
        await anna.ask("/")

        assert it.shop["cms"].asked[0].get("cookie") is None
        assert it.heard("cms")["sub"] == "anna@shop.example"
        assert "of-anna" not in it.everything("cms")


async def test_a_page_s_script_reads_its_own_system_s_form_token(pair: Any):
    async with pair as it:
        anna = it.browser()
        await anna.ask("/catalogue/", "GET")
        await anna.ask("/", "GET", says(lines=["Set-Cookie: csrftoken=" + "C" * 32 + "; Path=/"]))
        at_cms = anna.cookies["csrftoken"]
        await anna.ask("/accounts/login/", "POST", FORM, body=form("x"))
        await anna.ask("/catalogue/")
        at_shop = anna.cookies["csrftoken"]
        await anna.ask("/")

        assert (at_cms, at_shop, anna.cookies["csrftoken"]) == ("C" * 32, "N" * 32, "C" * 32)


async def test_a_system_that_may_tell_nothing_is_not_asked(oscar: Oscar):
    commerce = system(oscar, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/basket/add/7/", "POST")
        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.ask("/catalogue/")

        assert anna.session is None
        asked = [asked.target for asked in it.shop["commerce"].asked]
        assert asked == ["/basket/add/7/", "/accounts/login/", "/catalogue/"]


async def test_a_system_that_is_declared_anew_meanwhile_is_asked_all_the_same(oscar: Oscar):
    go = asyncio.Event()

    async def waiting(call: Call) -> None:
        while True:
            asked = await call.request()
            if asked.target == "/basket/add/7/":
                await go.wait()
            await call.send(oscar.answer(asked))

    commerce = system(waiting, authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        visitor = await anna.begin("/basket/add/7/", "POST")
        await it.shop["commerce"].until(lambda: it.shop["commerce"].asked)
        systems = it.shop.edge.live.generation.systems
        it.shop.swap(systems={**systems, "commerce": replace(systems["commerce"], retries=0)})
        go.set()
        answer = await visitor.answer("POST")
        anna.take(answer)

        assert answer.status == 302
        assert anna.session.basket.count == 2


async def test_whoever_was_logged_out_by_the_operator_can_log_in_with_the_form_that_was_open(oscar: Oscar):
    """The cookie of the new login must not go with those of the old one."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", FORM, body=form("x"))
        now = int(time.time())
        await it.keepers[0].revoke(Revocation("customer", key_of("anna@shop.example"), now, now + 3600))
        await asyncio.sleep(1.1)  # whoever logged in in the same second is revoked, too
        await anna.ask("/accounts/login/", "POST", FORM, body=form("x"))
        again = dict(anna.cookies)
        await anna.ask("/catalogue/")

        assert again["sessionid"] == "of-anna"
        assert "sessionid=of-anna" in it.asked("commerce").get("cookie")
        assert it.heard("commerce")["sub"] == "anna@shop.example"
