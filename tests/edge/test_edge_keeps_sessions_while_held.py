"""An answer that waits for the store comes out as it went in: however it is framed, and whoever leaves meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from sessionful import ALL, TWO, House, interpreted, kept, says, signed
from shop import Call, rule, system
from visitor import Answer, Ended, Truncated, request

from sessions.stores.memory import MemoryStore
from sessions.stores.port import Stored


class Gate(MemoryStore):
    """A store whose writes wait until they may."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.writing = asyncio.Event()

    async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        self.writing.set()
        await self.open.wait()
        return await super().save(key, fresh, expected, life)


def update_line() -> bytes:
    return f"Inseam-Update: {signed('commerce', '', basket=TWO)}".encode()


def telling(*pieces: bytes | Callable[[], bytes], then: str = "") -> Callable[[Call], object]:
    """Commerce, which answers each request with an update and these bytes; `then` close or reset the connection."""

    async def tell(call: Call) -> None:
        while True:
            await call.request()
            for piece in pieces:
                said = piece() if callable(piece) else piece
                await call.send(said.replace(b"@UPDATE", update_line()))
                await asyncio.sleep(0.005)
            if then:
                getattr(call, then)()
                return

    return tell


HEAD = b"HTTP/1.1 200 OK\r\n@UPDATE\r\n"


async def held(it: House, store: Gate, ask: bytes, method: str = "POST") -> Answer:
    """Ask; the answer must not come before the store has it, and whole afterwards."""
    visitor = await it.shop.visitor()
    await visitor.send(ask)
    await store.writing.wait()
    await asyncio.sleep(0.03)
    assert not visitor.reader._buffer, "it came before it was stored"  # type: ignore[attr-defined]
    store.open.set()
    return await visitor.answer(method)


ASK = request("/shop/", "POST")
FRAMES: dict[str, tuple[tuple[bytes, ...], str, bytes, str]] = {
    "length": ((HEAD + b"Content-Length: 5\r\n\r\nhello",), "", b"hello", "length"),
    "length, in pieces": ((HEAD + b"Content-Length: 5\r\n\r\nhe", b"l", b"lo"), "", b"hello", "length"),
    "chunked": ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",), "", b"hello", "chunked"),
    "chunked, in pieces": (
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nhe\r\n3\r", b"\nllo\r\n0\r\n\r\n"),
        "", b"hello", "chunked",
    ),
    "until the end": ((HEAD + b"\r\nhe", b"llo"), "close", b"hello", "chunked"),
    "empty": ((HEAD + b"Content-Length: 0\r\n\r\n",), "", b"", "length"),
}  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
async def test_a_body_comes_whole_however_it_is_framed(frame: str):
    pieces, then, body, framing = FRAMES[frame]
    store = Gate()
    async with kept(store, commerce=system(telling(*pieces, then=then), authority=ALL)) as it:
        answer = await held(it, store, ASK)

        assert (answer.body, answer.framing) == (body, framing)
        assert answer.get("set-cookie").startswith("inseam=")


@pytest.mark.parametrize(
    ("status", "method"), [("204 No Content", "POST"), ("304 Not Modified", "GET"), ("200 OK", "HEAD")]
)
async def test_an_answer_without_a_body_stays_one(status: str, method: str):
    store = Gate()
    async with kept(store) as it:
        visitor = await it.shop.visitor()
        await visitor.send(request("/shop/", method, says(status, body="", basket=TWO)) + request("/shop/2", "GET"))
        await store.writing.wait()
        store.open.set()
        first, second = await visitor.answer(method), await visitor.answer()

        assert (first.status, first.body) == (int(status[:3]), b"")
        assert (second.status, second.body) == (200, b"commerce")


async def test_trailers_come_along():
    pieces = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nInseam-Update: x\r\n\r\n",)
    store = Gate()
    async with kept(store, commerce=system(telling(*pieces), authority=ALL)) as it:
        answer = await held(it, store, request("/shop/", "POST", "TE: trailers"))

        assert (answer.body, answer.trailers) == (b"hi", [("X-Sum", "1")])


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_answer_that_breaks_off_while_it_waits_is_not_taken_for_whole(then: str):
    store = Gate()
    pieces = (HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 50,)
    async with kept(store, commerce=system(telling(*pieces, then=then), authority=ALL)) as it:
        with pytest.raises((Truncated, Ended)):
            await held(it, store, ASK)

        assert len(store._sessions) == 1


async def test_a_huge_body_waits_at_the_system_not_in_the_edge():
    size = 8 * 1024 * 1024
    sent = 0

    async def pouring(call: Call) -> None:
        nonlocal sent
        await call.request()
        update = f"Inseam-Update: {signed('commerce', '', basket=TWO)}".encode()
        await call.send(HEAD.replace(b"@UPDATE", update) + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // 65536):
            await call.send(b"x" * 65536)
            sent += 65536

    store = Gate()
    async with kept(store, commerce=system(pouring, authority=ALL)) as it:
        visitor = await it.shop.visitor()
        await visitor.send(ASK)
        await store.writing.wait()
        await asyncio.sleep(0.2)
        (client,) = it.shop.edge.clients
        waiting = client.relay.held._size
        store.open.set()
        answer = await visitor.answer("POST")

        assert waiting < 1024 * 1024
        assert len(answer.body) == size


async def test_requests_sent_behind_it_are_answered_in_order_and_know_of_it():
    store = Gate()
    async with kept(store) as it:
        visitor = await it.shop.visitor()
        first = request("/shop/1", "POST", says(body="one", basket=TWO))
        await visitor.send(
            first + request("/shop/2", "GET", says(body="two")) + request("/3", "GET", says(body="three"))
        )
        await store.writing.wait()
        await asyncio.sleep(0.02)
        before = len(it.shop["commerce"].asked)
        store.open.set()
        bodies = [(await visitor.answer(method)).body for method in ("POST", "GET", "GET")]

        assert before == 1
        assert bodies == [b"one", b"two", b"three"]


async def test_an_http_1_0_client_gets_the_body_until_the_end():
    pieces = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",)
    store = Gate()
    async with kept(store, commerce=system(telling(*pieces), authority=ALL)) as it:
        answer = await held(it, store, request("/shop/", "GET", version="1.0"), "GET")

        assert (answer.body, answer.framing) == (b"hello", "close")
        assert answer.get("set-cookie").startswith("inseam=")


async def test_what_was_told_is_kept_although_the_client_has_gone():
    store = Gate()
    async with kept(store) as it:
        visitor = await it.shop.visitor()
        await visitor.send(request("/shop/", "POST", says(basket=TWO)))
        await store.writing.wait()
        visitor.vanish()
        await it.shop.until(lambda: not it.shop.edge.clients)
        store.open.set()
        await it.shop.until(lambda: store._sessions)


async def test_who_lost_the_answer_to_a_login_logs_in_again():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        visitor = await anna.begin("/shop/login", "POST", says("302 Found", ["Location: /"], sub="4711"))
        await visitor.answer("POST")  # and it never reaches the browser
        await it.login(anna)
        await anna.ask("/")

        assert (it.heard("cms")["sub"], it.heard("cms")["basket"]) == ("4711", TWO)


async def test_a_drain_waits_for_it():
    """REQUIREMENTS, 49."""
    store = Gate()
    async with kept(store) as it:
        visitor = await it.shop.visitor()
        await visitor.send(request("/shop/", "POST", says(basket=TWO)))
        await store.writing.wait()
        drained = asyncio.create_task(it.shop.edge.drain(3))
        await asyncio.sleep(0.05)
        store.open.set()
        answer = await visitor.answer("POST")

        assert await drained == 0
        assert answer.status == 200
        assert answer.get("set-cookie").startswith("inseam=")


@interpreted
async def test_a_store_that_never_answers_costs_time_and_not_the_page(monkeypatch):
    monkeypatch.setattr("router.edge.relay.TO_SETTLE", 0.2)
    store = Gate()
    async with kept(store) as it:
        answer = await it.shop.ask("/shop/", "POST", says(basket=TWO))
        store.open.set()

        assert (answer.status, answer.body) == (200, b"hello")
        assert it.events()["settled_late"] == 1


async def test_a_store_that_raises_whatever_costs_nothing():
    class Broken(MemoryStore):
        async def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
            raise RuntimeError("a fault of ours")

    async with kept(Broken()) as it:
        anna = it.browser()
        answer = await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/")

        assert (answer.status, answer.body) == (200, b"hello")
        assert it.heard("cms")["basket"] == TWO
        assert it.events()["store:fault"] >= 1
        assert {str(one["exception"]) for one in it.shop.errors} == {"a fault of ours"}
        it.shop.errors.clear()


async def test_a_fault_of_ours_while_it_waits_costs_what_it_told_and_not_the_page(capfd):
    def no_id() -> str:
        raise RuntimeError("a fault of ours")

    async with kept(new_id=no_id) as it:
        answer = await it.shop.ask("/shop/", "POST", says(basket=TWO))

        assert (answer.status, answer.body) == (200, b"hello")
        assert it.events()["settling_failed"] == 1
    assert "what an answer told of its visitor is lost: RuntimeError: a fault of ours" in capfd.readouterr().err


async def test_an_upload_that_goes_on_while_the_answer_waits_ends_the_connection_and_nothing_else():
    async def early(call: Call) -> None:
        await call.head()
        update = f"Inseam-Update: {signed('commerce', '', basket=TWO)}"
        await call.send(f"HTTP/1.1 200 OK\r\n{update}\r\nContent-Length: 2\r\n\r\nhi".encode())
        await call.gone()

    store = Gate()
    async with kept(store, commerce=system(early, authority=ALL)) as it:
        visitor = await it.shop.visitor()
        await visitor.send(
            b"POST /shop/ HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 200000\r\n\r\n" + b"x" * 1000
        )
        await store.writing.wait()
        with contextlib.suppress(ConnectionError):
            await visitor.send(b"x" * 50_000)
        store.open.set()
        answer = await visitor.answer("POST")

        assert (answer.status, answer.body, answer.get("connection")) == (200, b"hi", "close")


# --- a body that is looked at -----------------------------------------------------------------------------------------

QUANTITY = b'<div id="content_inner"><input name="form-0-quantity" value="%d"><a class="btn btn-cart">9.00</a>'


def basket_page(count: int, filler: int = 0) -> bytes:
    return QUANTITY % count + b"x" * filler


OSCAR = (
    rule("/basket/**", "commerce", name="basket", page="basket"),
    rule("/**", "cms", name="magazine", page="content"),
)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_page_that_shows_the_basket_is_read_and_comes_whole(framing: str):
    body = basket_page(3, 1000)
    frames = {
        "length": b"Content-Length: %d\r\n\r\n" % len(body) + body,
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        "close": b"\r\n" + body,
    }

    async def shows(call: Call) -> None:
        while True:
            asked = await call.request()
            assert asked.get("accept-encoding") is None
            assert asked.get("if-none-match") is None
            await call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + frames[framing])
            if framing == "close":
                return

    async with kept(commerce=system(shows, authority=ALL, profile="django-oscar"), rules=OSCAR) as it:
        anna = it.browser()
        anna.cookies["oscar_open_basket"] = "9:signature"
        answer = await anna.ask("/basket/", "GET", "Accept-Encoding: br", 'If-None-Match: "1"')

        assert answer.body == body
        assert (anna.session.basket.id, anna.session.basket.count) == ("9", 3)


async def test_a_page_that_is_too_large_or_packed_to_be_read_comes_all_the_same():
    body = basket_page(3, 2 * 1024 * 1024)

    async def shows(call: Call) -> None:
        while True:
            asked = await call.request()
            coding = b"Content-Encoding: br\r\n" if "packed" in asked.target else b""
            await call.send(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%bContent-Length: %d\r\n\r\n" % (coding, len(body))
                + body
            )

    async with kept(commerce=system(shows, authority=ALL, profile="django-oscar"), rules=OSCAR) as it:
        anna = it.browser()
        for path in ("/basket/", "/basket/?packed"):
            answer = await anna.ask(path)

            assert len(answer.body) == len(body)
        assert anna.cookies == {}


async def test_a_page_that_breaks_off_while_it_is_read_is_not_taken_for_whole():
    async def breaks(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\nabc")
        call.reset()

    async with kept(commerce=system(breaks, authority=ALL, profile="django-oscar"), rules=OSCAR) as it:
        with pytest.raises((Truncated, Ended)):
            await it.shop.ask("/basket/")


@interpreted
async def test_a_page_that_comes_slowly_is_shown_after_a_while_and_read_no_further(monkeypatch):
    monkeypatch.setattr("router.edge.relay.TO_SETTLE", 0.2)
    more = asyncio.Event()

    async def slowly(call: Call) -> None:
        await call.request()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nabc")
        await more.wait()
        await call.send(b"def")

    async with kept(commerce=system(slowly, authority=ALL, profile="django-oscar"), rules=OSCAR) as it:
        visitor = await it.shop.visitor()
        await visitor.send(request("/basket/"))
        head = await visitor.head()
        first = await visitor.exactly(3)
        more.set()

        assert (head.status, first, await visitor.exactly(3)) == (200, b"abc", b"def")


async def test_what_a_head_said_is_kept_although_the_client_left_before_the_page_was_whole():
    async def slowly(call: Call) -> None:
        await call.request()
        update = f"Inseam-Update: {signed('commerce', '', basket=TWO)}"
        await call.send(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{update}\r\nContent-Length: 6\r\n\r\nabc".encode()
        )
        await call.gone()

    store = MemoryStore()
    async with kept(store, commerce=system(slowly, authority=ALL, profile="django-oscar"), rules=OSCAR) as it:
        visitor = await it.shop.visitor()
        await visitor.send(request("/basket/"))
        await it.shop.until(lambda: [client for client in it.shop.edge.clients if client.relay and client.relay.held])
        visitor.vanish()
        await it.shop.until(lambda: store._sessions)


async def test_who_lost_the_answer_to_a_logout_begins_a_basket_as_a_guest():
    """The browser still has the cookie of the login that is over, and it must not stand before the new one."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        visitor = await anna.begin("/shop/logout", "POST", says("302 Found", ["Location: /"], sub=None))
        await visitor.answer("POST")  # and it never reaches the browser
        await asyncio.sleep(1.1)  # the old id stands for nobody from the next second on
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/")
        await anna.ask("/shop/")

        assert (it.heard("cms") or {}).get("basket") == TWO
        assert "sub" not in it.heard("cms")
        assert it.heard("commerce")["basket"] == TWO
