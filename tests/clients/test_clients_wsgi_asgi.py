"""A shop of any Python framework: it reads the visitor when it wants to, and only then its answer is private."""

import asyncio
import json

import pytest
from inseam_client import Client, Keys, UpdateKey, Visit
from inseam_client.asgi import InseamMiddleware as Asgi
from inseam_client.visit import personal
from inseam_client.wsgi import InseamMiddleware as Wsgi
from other_languages import VECTORS

from sessions import token as edge
from sessions.keys import KeyRing

NOW = VECTORS["now"]
RING = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())
CUSTOMER = next(one["token"] for one in VECTORS["session_tokens"] if one["name"] == "a customer with everything")
SID = VECTORS["session_tokens"][1]["claims"]["sid"]
FORGED = next(one["token"] for one in VECTORS["session_tokens"] if one["reason"] == "forged")


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    monkeypatch.setattr(Visit, "clock", staticmethod(lambda: NOW))


@pytest.fixture
def client():
    return Client("commerce", Keys(VECTORS["jwks"]), UpdateKey.of(VECTORS["update_keys"][0]))


def by_wsgi(client, page, token, headers=()):
    answered = {}

    def app(environ, start_response):
        body = page(environ["inseam"])
        start_response("200 OK", list(headers))
        return [body.encode()]

    environ = {"HTTP_INSEAM_SESSION": token} if token else {}
    body = b"".join(Wsgi(app, client)(environ, lambda status, lines, *_: answered.update(lines=lines)))
    return body.decode(), dict(answered["lines"])


def by_asgi(client, page, token, headers=()):
    sent = []

    async def app(scope, receive, send):
        body = page(scope["inseam"])
        lines = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": body.encode()})

    async def told(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"inseam-session", token.encode())] if token else []}
    asyncio.run(Asgi(app, client)(scope, None, told))
    return sent[1]["body"].decode(), {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}


both = pytest.mark.parametrize("ask", [by_wsgi, by_asgi])


@both
def test_a_page_greets_the_customer_and_becomes_private(ask, client):
    said = [("Cache-Control", "public, max-age=60, s-maxage=600"), ("Vary", "Accept-Encoding")]

    body, headers = ask(client, lambda visit: f"{visit.name}: {visit.basket.count}", CUSTOMER, said)

    assert body == "Zoë 🐝: 3"
    assert headers == {"Vary": "Accept-Encoding, Inseam-Session", "Cache-Control": "max-age=60, private"}


@both
def test_a_page_that_does_not_ask_who_visits_stays_as_it_is(ask, client):
    _, headers = ask(client, lambda visit: "for everybody", CUSTOMER, [("Cache-Control", "public, max-age=60")])

    assert headers == {"Cache-Control": "public, max-age=60"}


@both
def test_a_page_for_a_visitor_without_a_session_is_private_too_once_it_asked(ask, client):
    body, headers = ask(client, lambda visit: f"{visit.known} {visit.basket.count}", "")

    assert body == "False 0"
    assert headers["Vary"] == "Inseam-Session"


@both
def test_a_forged_token_is_a_guest_and_a_line_in_the_log_never_an_error(ask, client, caplog):
    body, _ = ask(client, lambda visit: str(visit.logged_in), FORGED)

    assert body == "False"
    assert "refused (forged)" in caplog.text
    assert FORGED not in caplog.text


@both
def test_all_that_a_page_says_goes_out_in_one_update(ask, client):
    def page(visit):
        visit.login(7, "Anna")
        visit.set_basket({"id": "b8", "count": 1})
        visit.set_handle("h")
        return ""

    _, headers = ask(client, page, CUSTOMER)

    claims = edge.read_update(headers["Inseam-Update"].encode(), "commerce", SID, RING, NOW)
    assert (claims["sub"], claims["name"], claims["basket"]["id"], claims["handle"]) == ("7", "Anna", "b8", "h")
    assert headers["Cache-Control"] == "private"


@both
def test_a_page_can_tell_of_a_visitor_who_had_no_session(ask, client):
    _, headers = ask(client, lambda visit: visit.order_placed(1007) or "", "")

    assert edge.read_update(headers["Inseam-Update"].encode(), "commerce", "", RING, NOW)["order"] == "1007"


def test_what_comes_after_the_headers_is_a_mistake_that_is_told(client):
    visit = Visit(client, CUSTOMER)
    visit.headers()

    with pytest.raises(RuntimeError, match="headers are gone"):
        _ = visit.sub
    with pytest.raises(RuntimeError, match="headers are gone"):
        visit.logout()


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"handle": "x" * 513}, "512 bytes"), ({"name": "x" * 5000}, "4096 characters")],
)
def test_what_an_update_cannot_say_is_told_where_it_is_said(client, changes, says):
    visit = Visit(client, CUSTOMER)

    with pytest.raises(ValueError, match=says):
        visit.update(**changes)
    assert visit.changes == {}


@pytest.mark.parametrize(
    ("vary", "cache_control", "becomes"),
    [
        ("", "", ("Inseam-Session", "private")),
        ("inseam-session", "no-store", ("inseam-session", "no-store, private")),
        ("*", "PUBLIC", ("*", "private")),
        ("Cookie, Accept", 'private="set-cookie", max-age=5', ("Cookie, Accept, Inseam-Session", "max-age=5, private")),
        ("", "publicity=1", ("Inseam-Session", "publicity=1, private")),
    ],
)
def test_no_shared_cache_may_keep_a_personal_page(vary, cache_control, becomes):
    assert personal(vary, cache_control) == becomes


async def test_an_event_loop_does_not_wait_for_the_edges_keys():
    threads = []

    def fetch(url):
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()  # so this is a thread of its own
        threads.append(url)
        return json.dumps(VECTORS["jwks"])

    client = Client("commerce", Keys("https://shop.example/jwks", fetch))

    async def app(scope, receive, send):
        assert scope["inseam"].sub == "4711"

    await Asgi(app, client)({"type": "http", "headers": [(b"inseam-session", CUSTOMER.encode())]}, None, None)
    assert len(threads) == 1


async def test_what_is_neither_a_request_nor_a_socket_passes_untouched(client):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    await Asgi(app, client)({"type": "lifespan"}, None, None)

    assert seen == [{"type": "lifespan"}]


def test_two_session_headers_are_no_session(client, caplog):
    body, _ = by_wsgi(client, lambda visit: str(visit.known), f"{CUSTOMER},{CUSTOMER}")

    assert body == "False"
