"""Systems that cannot be changed: what their profile sees, what it asks, and the cookies that it looks after."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from sessionful import ALL, House, interpreted, kept, saying, says
from shop import Asked, Behaviour, Call, Wanted, answering, page, rule, system

from sessions.model import Policy
from sessions.stores.port import Revocation, key_of

RULES = (
    rule("/basket/**", "commerce", name="basket", page="basket"),
    rule("/accounts/**", "commerce", name="accounts", page="account"),
    rule("/catalogue/**", "commerce", name="catalogue", page="product"),
    rule("/checkout/**", "commerce", name="checkout", page="checkout"),
    rule("/**", "cms", name="magazine", page="content"),
)

EMPTY = '<div id="content_inner">Your basket is empty</div>'
PROFILE = (
    '<a href="/accounts/logout/">Logout</a><table><tbody><tr><th>Name</th><td>Anna Berg</td></tr>'
    "<tr><th>E-mail</th><td>anna@shop.example</td></tr></tbody></table>"
)


def full(count: int, known: bool = False) -> str:
    logout = '<a href="/accounts/logout/">Logout</a>' if known else ""
    return (
        f'<div id="content_inner">{logout}<h3><a href="/catalogue/tea_7/">Tea</a></h3>'
        f'<input name="form-0-quantity" value="{count}"><input name="form-TOTAL_FORMS" value="1"></div>'
        '<a class="btn btn-default btn-cart">39.80</a>'
    )


class Oscar:
    """A shop that knows nothing of the edge: it goes by its own cookies, as django-oscar does."""

    def __init__(self) -> None:
        self.count = 0
        self.hangs = ""
        """The address at which it never answers."""
        self.fails = False
        self.sets: list[str] = []
        """What its basket page sets."""

    def answer(self, asked: Asked) -> bytes:
        path, method = asked.target.partition("?")[0], asked.method
        known = "sessionid=of-anna" in (asked.get("cookie") or "")
        html = "Content-Type: text/html; charset=utf-8"
        if path.startswith("/basket/add/"):
            self.count += 2
            lines = [] if known else ["Set-Cookie: oscar_open_basket=9:signature; HttpOnly; Path=/"]
            return page(b"", "302 Found", "Location: /basket/", *lines)
        if path == "/basket/":
            if self.fails:
                return page(b"", "500 Oops")
            return page((full(self.count, known) if self.count else EMPTY).encode(), "200 OK", html, *self.sets)
        if path == "/accounts/login/" and method == "POST":
            if b"wrong" in asked.body:
                return page(b"<form>", "200 OK", html)
            return page(
                b"", "302 Found", "Location: /", "Set-Cookie: sessionid=of-anna; HttpOnly; Path=/; SameSite=Lax",
                "Set-Cookie: csrftoken=" + "N" * 32 + "; Path=/; SameSite=Lax",
            )  # fmt: skip
        if path == "/accounts/logout/":
            self.count = 0
            return page(b"", "302 Found", "Location: /", 'Set-Cookie: sessionid=""; Max-Age=0; Path=/')
        if path == "/accounts/profile/":
            return (
                page(PROFILE.encode(), "200 OK", html)
                if known
                else page(b"", "302 Found", "Location: /accounts/login/")
            )
        if path == "/checkout/preview/":
            self.count = 0
            return page(b"", "302 Found", "Location: http://shop.example/checkout/thank-you/")
        return page(b"<html>a page", "200 OK", html)

    async def __call__(self, call: Call) -> None:
        while True:
            asked = await call.request()
            if asked.target == self.hangs:
                await call.gone()
                return
            await call.send(self.answer(asked))

    @property
    def wanted(self) -> Wanted:
        behaviour: Behaviour = self
        return system(behaviour, authority=ALL, profile="django-oscar")


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


# --- forms that were open ---------------------------------------------------------------------------------------------

BEFORE = "B" * 32


def form(token: str) -> bytes:
    return f"csrfmiddlewaretoken={token}&quantity=1".encode()


FORM = "Content-Type: application/x-www-form-urlencoded"


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
