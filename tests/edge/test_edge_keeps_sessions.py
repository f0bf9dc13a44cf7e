"""One session on both systems: when it begins, what each system hears, and what nobody else ever sees."""

from __future__ import annotations

import asyncio
import time

import pytest
from sessionful import ALL, RING, TWO, answer_of, kept, says
from shop import Call, system
from visitor import request

from sessions.errors import BadToken
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Stored
from sessions.token import read_session_token, sid_for

# --- when it begins ---------------------------------------------------------------------------------------------------


async def test_a_visit_with_nothing_to_keep_gets_no_cookie_no_token_and_no_entry_in_the_store():
    store = MemoryStore()
    async with kept(store) as it:
        answer = await it.browser().ask("/", "GET")

        assert answer.status == 200
        assert answer.all("set-cookie") == []
        assert answer.get("cache-control") is None
        assert it.heard("cms") is None
        assert not store._sessions
        assert "session_begun" not in it.events()


@pytest.mark.parametrize("update", [{"sub": None}, {"basket": None}, {"order": "1"}, {"handle": ""}], ids=str)
async def test_to_be_told_of_nothing_begins_no_session(update):
    store = MemoryStore()
    async with kept(store) as it:
        answer = await it.browser().ask("/shop/", "GET", says(**update))

        assert answer.all("set-cookie") == []
        assert not store._sessions


async def test_the_first_basket_begins_a_session_and_the_next_page_on_the_other_system_knows_of_it():
    async with kept() as it:
        anna = it.browser()
        answer = await anna.ask("/shop/basket", "POST", says("302 Found", ["Location: /"], basket=TWO))
        await anna.ask("/")

        assert (answer.status, answer.get("location")) == (302, "/")
        assert it.heard("cms")["basket"] == TWO
        assert it.heard("cms").get("sub") is None
        assert it.events()["session_begun"] == 1


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it():
    """REQUIREMENTS, 16 and 17."""
    async with kept() as it:
        (line,) = (await it.browser().ask("/shop/", "POST", says(basket=TWO))).all("set-cookie")

        name, _, attributes = line.partition("=")[0], "", line.partition(";")[2]
        assert name == "inseam"
        assert attributes == " Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
        assert len(line) <= 1024


async def test_under_https_the_cookie_is_host_bound_and_secure():
    """REQUIREMENTS, 16. The proxy before us says what the visitor speaks."""
    async with kept(trusted=True) as it:
        anna = it.browser(https=True)
        (line,) = (await anna.ask("/shop/", "POST", says(basket=TWO))).all("set-cookie")
        await anna.ask("/")

        assert line.startswith("__Host-inseam=")
        assert line.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure")
        assert it.heard("cms")["basket"] == TWO


async def test_a_cookie_of_http_is_none_under_https():
    """Anybody between could have set it."""
    async with kept(trusted=True) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await it.shop.ask("/", "GET", *anna.lines("X-Forwarded-Proto: https"))

        assert it.heard("cms") is None


class SlowStore(MemoryStore):
    """A store that takes its time to write."""

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        await asyncio.sleep(0.04)
        return await super().save(key, fresh, expected, life)


async def test_what_was_said_is_stored_before_the_reply_goes_on():
    """REAL_SYSTEMS, 6: the browser follows a redirect at once, maybe on another worker."""
    store = SlowStore()
    async with kept(store) as it:
        visitor = await it.shop.visitor()
        began = time.perf_counter()
        await visitor.send(request("/shop/", "POST", says("302 Found", ["Location: /"], basket=TWO)))
        answer = await visitor.answer("POST")

        assert time.perf_counter() - began >= 0.04
        assert answer.status == 302
        assert len(store._sessions) == 1


# --- what a system hears ----------------------------------------------------------------------------------------------


async def test_each_system_gets_a_token_of_its_own():
    """REQUIREMENTS, 6: a token for one system is none for the other, and the two cannot tell who it is together."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/")
        await anna.ask("/shop/")
        to_cms, to_commerce = it.heard("cms"), it.heard("commerce")

        assert (to_cms["aud"], to_commerce["aud"]) == ("cms", "commerce")
        assert to_cms["sid"] != to_commerce["sid"]
        assert to_cms["sid"] == sid_for(anna.session.id, "cms")
        assert to_cms["exp"] - to_cms["iat"] <= 300
        with pytest.raises(BadToken):
            read_session_token(it.asked("cms").get("inseam-session").encode(), "commerce", RING, int(time.time()))


async def test_the_token_says_where_the_visitor_is_and_by_what():
    async with kept(trusted=True, generation={"country_header": "x-country"}) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/", "GET", "Accept-Language: de-CH, en;q=0.5", "X-Country: ch", "Sec-CH-UA-Mobile: ?1")

        assert it.heard("cms")["ctx"] == {"language": "de-ch", "country": "CH", "device": "mobile"}


async def test_the_token_is_minted_once_for_many_pages():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        for _ in range(3):
            await anna.ask("/")

        assert len({asked.get("inseam-session") for asked in it.shop["cms"].asked}) == 1


SPELLINGS = [
    "Inseam-Session", "inseam-session", "INSEAM-SESSION", "Inseam_Session", "inseam_session", "Inseam-_Session",
    "Inseam.Session", "Inseam-Update", "Inseam_Update", "inseam-anything", "INSEAM_X",
]  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
async def test_what_only_the_edge_says_is_dropped_from_a_client_in_every_spelling(name: str):
    """REQUIREMENTS, 21."""
    async with kept() as it:
        await it.browser().ask("/", "GET", f"{name}: forged", f"{name}: twice")

        assert "forged" not in it.everything("cms")
        assert "twice" not in it.everything("cms")


async def test_a_client_cannot_send_it_behind_its_upload_either():
    """REQUIREMENTS, 21: trailers included."""
    async with kept() as it:
        visitor = await it.shop.visitor()
        body = b"3\r\nabc\r\n0\r\nInseam-Session: forged\r\nInseam_Update: forged\r\nX-Sum: 1\r\n\r\n"
        await visitor.send(request("/", "POST", "Transfer-Encoding: chunked", body=body))
        await visitor.answer("POST")

        assert it.asked("cms").trailers == [("X-Sum", "1")]


async def test_a_connection_line_cannot_take_the_token_away():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/", "GET", "Connection: Inseam-Session, Cookie")

        assert it.heard("cms")["basket"] == TWO


async def test_a_system_never_sees_the_session_cookie():
    """REQUIREMENTS, 20."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        cookie = anna.cookie
        await anna.ask("/")
        await anna.ask("/shop/")
        await it.shop.ask("/", "GET", f"Cookie: a=1; inseam={cookie}; b=2", f"Cookie: inseam={cookie}")

        assert it.asked("cms").all("cookie") == ["a=1; b=2"]
        assert cookie not in it.everything("cms") + it.everything("commerce")


async def test_two_systems_with_cookies_of_the_same_name_never_see_each_others():
    """REAL_SYSTEMS, 3; REQUIREMENTS, 20."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/", "GET", says(lines=["Set-Cookie: sessionid=of-cms; HttpOnly; Path=/"]))
        await anna.ask("/shop/", "GET", says(lines=["Set-Cookie: sessionid=of-commerce; HttpOnly; Path=/; Domain=x.y"]))
        await anna.ask("/", "GET", says(lines=["Set-Cookie: csrftoken=c1"]))
        await anna.ask("/shop/", "GET", says(lines=["Set-Cookie: csrftoken=s1"]))
        await anna.ask("/")
        await anna.ask("/shop/")

        assert sorted(it.asked("cms").get("cookie").split("; ")) == ["csrftoken=c1", "sessionid=of-cms"]
        assert sorted(it.asked("commerce").get("cookie").split("; ")) == ["csrftoken=s1", "sessionid=of-commerce"]
        assert "of-commerce" not in it.everything("cms").replace(says(), "").split("X-Say")[0]


async def test_logging_out_of_the_cms_leaves_the_shops_cookie_of_the_same_name():
    """REAL_SYSTEMS, 3: `sessionid=""; Max-Age=0` of one system logged shoppers out of the other."""
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "GET", says(lines=["Set-Cookie: sessionid=of-commerce; HttpOnly; Path=/"]))
        await anna.ask("/login/", "GET", says(lines=['Set-Cookie: sessionid=""; Max-Age=0; Path=/']))
        await anna.ask("/shop/")

        assert it.asked("commerce").get("cookie") == "sessionid=of-commerce"


async def test_odd_cookies_reach_a_system_byte_by_byte():
    """REAL_SYSTEMS, 1: a strict parser loses every cookie when one is odd."""
    odd = 'foo={"a":1}; x[y]=1; a=b c; word; oscar_history="[1\\054 3]"; v=a=b=c; n=caf\xe9'
    async with kept() as it:
        await it.shop.ask("/", "GET", f"Cookie: {odd}")

        assert it.asked("cms").get("cookie") == odd


async def test_every_set_cookie_and_link_line_survives_in_order():
    """REAL_SYSTEMS, 2; REQUIREMENTS, 16."""
    lines = [
        "Link: </a>; rel=preload",
        "Set-Cookie: a=1; HttpOnly",
        "Link: </b>; rel=preload",
        "Set-Cookie: b=2; HttpOnly",
    ]
    async with kept() as it:
        answer = await it.browser().ask("/shop/", "GET", says(lines=lines, basket=TWO))

        assert answer.all("link") == ["</a>; rel=preload", "</b>; rel=preload"]
        names = [line.partition("=")[0] for line in answer.all("set-cookie")]
        assert names == ["commerce~a", "commerce~b", "inseam"]


# --- what the browser never sees --------------------------------------------------------------------------------------

STATUSES = ["200 OK", "201 Created", "204 No Content", "302 Found", "304 Not Modified", "404 Not Found", "500 Oops"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("status", STATUSES)
async def test_an_update_counts_on_any_status_and_never_reaches_the_browser(status: str, method: str):
    """REQUIREMENTS, 23; REAL_SYSTEMS, 13."""
    async with kept() as it:
        anna = it.browser()
        lines = ["Inseam-Session: leaked", "inseam_update: leaked", "INSEAM-OTHER: leaked"]
        answer = await anna.ask("/shop/", method, says(status, lines, body="", basket=TWO))

        assert f"{answer.status}" == status[:3]
        assert not [name for name, _ in answer.lines if name.lower().startswith("inseam")]
        assert anna.session.basket.count == 2


async def test_neither_do_what_comes_before_and_behind_an_answer():
    async def chatty(call: Call) -> None:
        asked = await call.request()
        await call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nInseam-Update: x\r\n\r\n")
        update = answer_of("commerce", asked).split(b"Inseam-Update: ")[1].split(b"\r\n")[0]
        await call.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nInseam-Update: " + update + b"\r\n\r\n"
            b"2\r\nhi\r\n0\r\nInseam-Update: y\r\nX-Sum: 1\r\n\r\n"
        )

    async with kept(commerce=system(chatty, authority=ALL)) as it:
        anna = it.browser()
        answer = await anna.ask("/shop/", "GET", "TE: trailers", says(basket=TWO))

        assert [hint.lines for hint in answer.interim] == [[("Link", "</a>")]]
        assert answer.trailers == [("X-Sum", "1")]
        assert answer.get("inseam-update") is None
        assert anna.session.basket.count == 2


async def test_neither_does_one_that_a_websocket_begins_with():
    async def switching(call: Call) -> None:
        await call.head()
        await call.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Inseam-Update: x\r\nInseam-Session: y\r\nSet-Cookie: a=1; HttpOnly\r\n\r\n"
        )
        await call.gone()

    async with kept(commerce=switching) as it:
        visitor = await it.browser().begin("/shop/", "GET", "Connection: Upgrade", "Upgrade: websocket")
        answer = await visitor.head()

        assert answer.status == 101
        assert not [name for name, _ in answer.lines if name.lower().startswith("inseam")]
        assert answer.get("set-cookie") == "commerce~a=1; HttpOnly"
        await visitor.leave()


async def test_a_system_cannot_set_or_delete_the_session_cookie():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        lines = ["Set-Cookie: inseam=mine", "Set-Cookie: __Host-inseam=x; Max-Age=0", "Set-Cookie: inseam-split=1"]
        answer = await anna.ask("/", "GET", says(lines=lines))

        assert answer.all("set-cookie") == []
