"""Systems that cannot be changed: what their profile sees, what it asks, and the cookies that it looks after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sessionful import ALL, interpreted, kept, saying, says
from shop import Asked, Call, answering, page, system
from unchanged import RULES, Oscar


@pytest.fixture
def oscar() -> Oscar:
    return Oscar()


async def test_an_unchanged_shop_s_basket_is_on_the_cms_page_behind_the_redirect(oscar: Oscar):
    """REAL_SYSTEMS, 9: a raw form of the CMS posts to the shop and comes back to the CMS."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/basket/add/7/", "POST", body=b"quantity=2")
        await anna.ask("/")

        said = it.heard("cms")["basket"]
        assert (said["id"], said["count"]) == ("9", 2)
        assert it.events()["question:commerce"] == 1
        (question,) = [asked for asked in it.shop["commerce"].asked if asked.target == "/basket/"]
        assert question.get("cookie") == "oscar_open_basket=9:signature"
        assert question.get("host") == "shop.example"
        assert question.get("x-forwarded-for") == "127.0.0.1"


async def test_an_unchanged_shop_s_login_is_known_with_the_customer_s_name(oscar: Oscar):
    """REAL_SYSTEMS, 5: by what it asks, for the cookies alone do not show it."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"login-password=right")
        await anna.ask("/")

        said = it.heard("cms")
        assert (said["sub"], said["name"]) == ("anna@shop.example", "Anna Berg")
        assert "sessionid" not in it.everything("cms")
        assert "of-anna" not in it.everything("cms")


async def test_a_login_that_the_shop_refused_is_none(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"login-password=wrong")

        assert anna.session is None


async def test_an_unchanged_shop_s_logout_ends_the_session_and_its_order_empties_the_basket(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.ask("/basket/add/7/", "POST")
        await anna.ask("/checkout/preview/", "POST", body=b"action=place_order")
        await anna.ask("/")
        ordered = it.heard("cms")
        await anna.ask("/accounts/logout/")
        await anna.ask("/")
        left = it.heard("cms") or {}

        assert (ordered["sub"], ordered["basket"]) == ("anna@shop.example", None)
        assert left.get("sub") is None
        assert "sessionid" not in anna.cookies
        assert not [event for event in it.events() if event.startswith("loss:")]


async def test_cookies_that_the_answer_to_a_question_sets_reach_the_browser(oscar: Oscar):
    """REAL_SYSTEMS, 7: the shop merges the baskets when it is asked, and then deletes the guest's cookie."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/basket/add/7/", "POST")
        assert anna.cookies["oscar_open_basket"] == "9:signature"
        oscar.sets = ["Set-Cookie: oscar_open_basket=; Max-Age=0; Path=/", "Set-Cookie: messages=used-up; Path=/"]
        await anna.ask("/accounts/login/", "POST", body=b"x")

        assert "oscar_open_basket" not in anna.cookies
        assert "messages" not in anna.cookies, "the messages of a page that nobody saw"


@interpreted
async def test_a_question_that_hangs_costs_its_time_and_nothing_else(oscar: Oscar, monkeypatch: Any):
    monkeypatch.setattr("router.edge.settling._FOR_A_QUESTION", 0.15)
    oscar.hangs = "/basket/"
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        answer = await anna.ask("/basket/add/7/", "POST")

        assert (answer.status, answer.get("location")) == (302, "/basket/")
        assert anna.cookies["oscar_open_basket"] == "9:signature"
        assert it.events()["question_failed:commerce"] == 1


async def test_a_question_that_fails_says_nothing(oscar: Oscar):
    oscar.fails = True
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        answer = await anna.ask("/basket/add/7/", "POST")

        assert answer.status == 302
        assert anna.session.login.sub == "anna@shop.example"
        assert anna.session.basket is None


async def test_a_server_that_does_one_thing_at_a_time_can_be_asked_while_its_page_waits():
    """Many shops run so: the page must leave the server before it hears the question."""
    one = asyncio.Lock()
    oscar = Oscar()
    oscar.count = 1
    filler = b"<p>" + b"x" * 400_000

    async def single(call: Call) -> None:
        while True:
            asked = await call.request()
            async with one:
                if asked.target == "/catalogue/":
                    call.writer.transport.set_write_buffer_limits(0)
                    await call.send(page(filler, "200 OK", "Content-Type: text/html"))
                else:
                    await call.send(oscar.answer(asked))

    commerce = system(single, authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        anna.cookies["oscar_open_basket"] = "9:signature"
        answer = await anna.ask("/catalogue/")

        assert answer.body == filler
        assert anna.session.basket.count == 1
        assert "question_failed:commerce" not in it.events()


# --- who was here before ----------------------------------------------------------------------------------------------


async def test_who_comes_with_the_shop_s_cookies_only_is_adopted(oscar: Oscar):
    """From before there was an edge, or the browser has lost our cookie."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        anna.cookies |= {"sessionid": "of-anna", "csrftoken": "c"}
        answer = await anna.ask("/catalogue/")
        await anna.ask("/")

        assert answer.body == b"<html>a page"
        assert it.heard("cms")["sub"] == "anna@shop.example"
        assert it.events()["repair:session"] == 1


async def test_a_stranger_is_asked_about_once_and_not_at_every_page(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        anna.cookies |= {"sessionid": "of-nobody"}
        for _ in range(4):
            await anna.ask("/catalogue/")

        assert anna.session is None
        assert it.events()["repair:session"] == 1


async def test_cookies_of_analytics_that_change_with_every_page_make_nobody_another_stranger(oscar: Oscar):
    """Or the shop would be asked two questions for each page of a guest."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        anna.cookies |= {"sessionid": "of-nobody"}
        for number in range(4):
            anna.cookies["_ga"] = f"GS1.1.{number}"
            await anna.ask("/catalogue/")
        ben = it.browser()
        ben.cookies["_ga"] = "GS1.1.9"
        await ben.ask("/catalogue/")

        assert it.events()["repair:session"] == 1
        assert len(it.shop["commerce"].asked) == 7


@pytest.mark.parametrize(("target", "method"), [("/catalogue/x.js", "GET"), ("/catalogue/", "HEAD"), ("/", "GET")])
async def test_nobody_is_asked_about_for_less_than_a_page_of_the_shop(oscar: Oscar, target: str, method: str):
    def plain(asked: Asked) -> bytes:
        return (
            page(b"js", "200 OK", "Content-Type: text/javascript")
            if asked.target.endswith(".js")
            else oscar.answer(asked)
        )

    commerce = system(answering(plain), authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        anna.cookies |= {"sessionid": "of-anna"}
        await anna.ask(target, method)

        assert "repair:session" not in it.events()


async def test_a_guest_s_basket_whose_cookie_the_browser_lost_is_given_back(oscar: Oscar):
    """The cookie in which the shop keeps the basket is in the session, too."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/basket/add/7/", "POST")
        del anna.cookies["oscar_open_basket"]
        await anna.ask("/catalogue/")

        assert it.asked("commerce").get("cookie") == "oscar_open_basket=9:signature"
        assert anna.cookies["oscar_open_basket"] == "9:signature"
        assert it.events()["repair:cookie"] == 1


async def test_it_is_given_to_nobody_but_the_shop(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/basket/add/7/", "POST")
        del anna.cookies["oscar_open_basket"]
        await anna.ask("/")

        assert "oscar_open_basket" not in it.everything("cms")


async def test_a_login_cookie_that_goes_without_a_logout_is_a_loss_and_the_log_tells_the_story(
    oscar: Oscar, capfd: Any
):
    def forgetful(asked: Asked) -> bytes:
        if asked.target == "/catalogue/":
            return page(b"x", "200 OK", 'Set-Cookie: sessionid=""; Max-Age=0; Path=/')
        return oscar.answer(asked)

    commerce = system(answering(forgetful), authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.ask("/catalogue/")

        assert it.events()["loss:login:cookie_deleted"] == 1
        assert anna.session is None or anna.session.login is None, "the shop is the one that knows"
    said = capfd.readouterr().err
    assert "a shopper lost the login (cookie_deleted) at commerce; before: " in said
    assert "login@commerce" in said
    assert "anna" not in said.lower()


async def test_a_page_that_was_under_way_at_a_logout_does_not_bring_the_login_back(oscar: Oscar):
    """REAL_SYSTEMS, 13. The shop's own cookie is on the way, too, and the shop has heard of no logout."""
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        under_way = anna.twin()
        await anna.ask("/.inseam/logout", "POST", "Sec-Fetch-Site: same-origin")

        for path in ("/catalogue/", "/basket/", "/accounts/profile/"):
            await under_way.ask(path)

        assert "sessionid" not in (it.asked("commerce").get("cookie") or "")
        assert not it.events().get("repair:session")
        assert anna.session is None or anna.session.login is None
        assert it.events()["session:login"] == 1


async def test_whoever_logs_in_after_a_logout_whose_answer_was_lost_is_logged_in(oscar: Oscar):
    async with kept(commerce=oscar.wanted, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.twin().ask("/.inseam/logout", "POST", "Sec-Fetch-Site: same-origin")

        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.ask("/catalogue/")

        assert anna.session.login.sub == "anna@shop.example"
        assert "sessionid=of-anna" in it.asked("commerce").get("cookie")


async def test_a_login_cookie_is_no_loss_to_a_system_that_speaks_for_itself():
    """It knows the customer by the token, and its own cookie may go."""
    gone = says(lines=['Set-Cookie: sessionid=""; Max-Age=0; Path=/'])
    commerce = system(saying("commerce"), authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", says("302 Found", ["Location: /"], sub="4711", name="Anna"))
        await anna.ask("/catalogue/", "GET", gone)

        assert "loss:login:cookie_deleted" not in it.events()
        assert anna.session is not None
        assert anna.session.login is not None


async def test_a_login_cookie_that_is_exchanged_for_another_is_no_loss(oscar: Oscar):
    def exchanging(asked: Asked) -> bytes:
        if asked.target == "/catalogue/":
            new = "Set-Cookie: sessionid=of-anna; HttpOnly; Path=/"
            return page(b"x", "200 OK", 'Set-Cookie: sessionid=""; Max-Age=0; Path=/', new)
        return oscar.answer(asked)

    commerce = system(answering(exchanging), authority=ALL, profile="django-oscar")
    async with kept(commerce=commerce, rules=RULES) as it:
        anna = it.browser()
        await anna.ask("/accounts/login/", "POST", body=b"x")
        await anna.ask("/catalogue/")

        assert "loss:login:cookie_deleted" not in it.events()
        assert anna.session.login.sub == "anna@shop.example"
