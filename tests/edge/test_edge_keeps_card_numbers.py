"""Card data stays with payment systems: bodies, queries, Referer, logs. REQUIREMENTS, 26 to 29.

The CMS here writes down every byte that the edge sends it, and nobody may find a canary among them.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from sessionful import House, kept
from shop import QUICK, Call, answering, hanging, page, rule, shop, system
from unchanged import FORM, Oscar
from unchanged import form as form_of_the_shop
from visitor import request

from router.accesslog import AccessLog
from router.model import Edits, Headers, RequestView, ResponseView
from router.rules import Mirror

CANARY = "4556737586899855"
WRITTEN = [CANARY, "4556 7375 8689 9855", "4556-7375-8689-9855", "%34%35%35%36" + CANARY[4:], "\\u0034" + CANARY[1:]]

PAGES = rule("/**", "cms", name="pages")
CHECKOUT = rule("/checkout/**", "commerce", name="checkout", page="checkout")


def till(*behaviours, **options):
    return system(*(behaviours or (answering(page(b"paid")),)), payment=True, **options)


def overheard(into: bytearray, answer: bytes = b""):
    """A system that writes down every byte; it answers when a body of the length it was told is there."""

    async def listen(call: Call) -> None:
        seen = b""
        while data := await call.reader.read(65536):
            into.extend(data)
            seen += data
            head, end, body = seen.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            whole = body.endswith(b"0\r\n\r\n") if b"chunked" in head else len(body) >= int(length[1] if length else 0)
            if end and whole:
                seen = b""
                await call.send(answer or page(b"cms"))

    return listen


def digits(raw: bytes) -> str:
    """All digits in what was overheard, in order: the canary is found in whatever pieces it came."""
    return re.sub(r"\D", "", raw.decode("latin-1"))


def form(value: str) -> tuple[list[str], bytes]:
    return ["Content-Type: application/x-www-form-urlencoded"], f"name=Ada&number={value}&cvv=123".encode()


def as_json(value: str) -> tuple[list[str], bytes]:
    return ["Content-Type: application/json"], f'{{"card": {{"number": "{value}", "cvv": "123"}}}}'.encode()


def multipart(value: str) -> tuple[list[str], bytes]:
    part = f'--b\r\nContent-Disposition: form-data; name="number"\r\n\r\n{value}\r\n--b--\r\n'
    return ["Content-Type: multipart/form-data; boundary=b"], part.encode()


def untyped(value: str) -> tuple[list[str], bytes]:
    return [], f"number={value}".encode()


def chunks(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("carrier", [form, as_json, multipart, untyped])
async def test_requirement_27_no_body_with_a_card_number_reaches_the_cms(carrier, written, capsys, tmp_path):
    heard = bytearray()
    lines, body = carrier(written)
    log = AccessLog(str(tmp_path / "access.log"), pause=0.01)
    async with shop([CHECKOUT, PAGES], cms=overheard(heard), commerce=till(), access_log=log) as it:
        answer = await it.ask("/contact/?from=footer", "POST", *lines, body=body)

        assert answer.status == 422
        assert b"card number" in answer.body
        assert it.edge.snapshot().errors == {"card_number": 1}
        assert CANARY[:8] not in digits(heard)
        log.close()
        (said,) = [line for line in capsys.readouterr().err.splitlines() if "card_number" in line]
        written_down = said + (tmp_path / "access.log").read_text() + msgspec.json.encode(it.edge.snapshot()).decode()
        assert f"request={answer.get('x-request-id')}" in said
        assert "'pages'" in said
        assert "cms" in said
        assert CANARY[:8] not in re.sub(r"[ \-]", "", written_down + answer.body.decode())


@pytest.mark.parametrize("written", ["4556 7375 8689 9855", "%34%35%35%36" + CANARY[4:]])
async def test_requirement_27_however_an_upload_is_cut_no_digit_passes(written):
    lines, body = form(written)
    start = body.index(b"number=") + 7
    heard = bytearray()
    async with shop([CHECKOUT, PAGES], cms=overheard(heard), commerce=till()) as it:
        for cut in range(start - 3, len(body), 2):
            heard.clear()
            visitor = await it.visitor()
            await visitor.send(request("/contact/", "POST", *lines, "Transfer-Encoding: chunked"))
            whole = chunks([body[:cut], body[cut:]])
            half = whole.index(body[:cut]) + cut
            await visitor.send(whole[:half])
            await asyncio.sleep(0.01)
            await visitor.send(whole[half:])
            assert (await visitor.answer("POST")).status == 422
            await visitor.leave()

            assert written.encode()[:4] not in bytes(heard)
            assert b"cvv" not in heard


async def test_requirement_27_a_number_deep_in_an_upload_stops_it_and_nothing_of_it_passes():
    text = b"It was a dark and stormy night. " * 20_000
    heard = bytearray()
    async with shop([CHECKOUT, PAGES], cms=overheard(heard), commerce=till()) as it:
        answer = await it.ask("/contact/", "POST", "Content-Type: text/plain", body=text + CANARY.encode() + text)

        assert answer.status == 422
        assert not answer.keeps
        assert text.startswith(bytes(heard).partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("query", [urlencode({"q": CANARY}), "q=4556+7375+8689+9855", "q=4556%207375%208689%209855"])
async def test_requirement_27_no_query_with_a_card_number_reaches_the_cms(query, capsys):
    heard = bytearray()
    async with shop([CHECKOUT, PAGES], cms=overheard(heard), commerce=till()) as it:
        answer = await it.ask(f"/search/?{query}")

        assert answer.status == 422
        assert not heard
        assert CANARY[:4] not in capsys.readouterr().err


async def test_a_script_hears_of_it_in_its_own_words():
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till()) as it:
        lines, body = as_json(CANARY)
        answer = await it.ask("/api/contact", "POST", *lines, "Accept: application/json", body=body)

        assert (answer.status, answer.get("content-type")) == (422, "application/problem+json")
        assert json.loads(answer.body)["title"] == "A card number does not belong here"


async def test_the_next_request_on_the_connection_is_served_where_the_body_was_whole():
    lines, body = form(CANARY)
    async with shop([CHECKOUT, PAGES], cms=answering(page(b"cms")), commerce=till()) as it:
        visitor = await it.visitor()

        first = await visitor.ask("/contact/", "POST", *lines, body=body)

        assert first.status == 422
        if first.keeps:
            assert (await visitor.ask("/")).body == b"cms"


async def test_a_number_that_comes_behind_an_early_answer_cuts_it():
    async def hasty(call: Call) -> None:
        await call.head()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
        await call.gone()

    heard = bytearray()
    async with shop([CHECKOUT, PAGES], cms=hasty, commerce=till()) as it:
        visitor = await it.visitor()
        await visitor.send(request("/contact/", "POST", "Content-Length: 100"))
        await visitor.send(b"name=Ada&")
        await it.until(lambda: it.edge.snapshot().servers[0].busy)
        await asyncio.sleep(0.05)
        await visitor.send(b"number=" + CANARY.encode() + b"&")

        await it.until(lambda: "card_number" in it.edge.snapshot().errors)
        assert CANARY[:4].encode() not in heard


# --- what passes ------------------------------------------------------------------------------------------------------


async def test_the_payment_system_gets_the_number_byte_for_byte():
    lines, body = form("4556 7375 8689 9855")
    got = bytearray()
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till(overheard(got))) as it:
        assert (await it.ask("/checkout/pay", "POST", *lines, body=body)).status == 200
        assert (await it.ask(f"/checkout/back?pan={CANARY}")).status == 200

        assert body in got
        assert CANARY.encode() in got


@pytest.mark.parametrize("framed", ["length", "chunked"])
@pytest.mark.parametrize("size", [1, 3, 511, 513, 4096])
async def test_a_form_without_one_arrives_byte_for_byte_however_it_is_cut(framed, size):
    body = (b"note=%C3%BC+4006381333931&iban=DE89 3704 0044 0532 0130 00&t=1795342206000&p=" + b"12 34 " * 300)[:3000]
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    got = []

    def remember(asked):
        got.append(asked.body)
        return page()

    async with shop([CHECKOUT, PAGES], cms=answering(remember), commerce=till()) as it:
        visitor = await it.visitor()
        if framed == "chunked":
            await visitor.send(request("/contact/", "POST", "Transfer-Encoding: chunked") + chunks(pieces))
        else:
            await visitor.send(request("/contact/", "POST", f"Content-Length: {len(body)}"))
            for piece in pieces[:200]:
                await visitor.send(piece)
            await visitor.send(b"".join(pieces[200:]))
        assert (await visitor.answer("POST")).status == 200

        assert got == [body]


async def test_what_waits_for_a_connection_is_looked_through_too():
    lines, body = form(CANARY)
    heard = bytearray()
    async with shop(
        [CHECKOUT, PAGES], cms=system(overheard(heard, page(b"slow")), connections=1), commerce=till()
    ) as it:
        first = await it.visitor()
        await first.send(request("/upload", "POST", "Content-Length: 5") + b"1")
        await it.until(lambda: it.server("cms").busy)
        second = await it.visitor()
        await second.send(request("/contact/", "POST", *lines, body=body))

        assert (await second.answer("POST")).status == 422
        await first.send(b"2345")
        assert (await first.answer("POST")).body == b"slow"
        assert CANARY.encode() not in heard


async def test_a_shop_without_a_payment_system_looks_for_nothing():
    lines, body = form(CANARY)
    async with shop([PAGES], cms=answering(page(b"cms"))) as it:
        assert (await it.ask("/contact/", "POST", *lines, body=body)).status == 200


@pytest.mark.parametrize("off", ["rule", "system"])
async def test_looking_can_be_switched_off_for_a_rule_or_a_system(off):
    lines, body = form(CANARY)
    rules = [CHECKOUT, rule("/**", "cms", passes_cards=True if off == "rule" else None)]
    cms = system(answering(page(b"cms")), passes_cards=off == "system")
    async with shop(rules, cms=cms, commerce=till()) as it:
        assert (await it.ask("/contact/", "POST", *lines, body=body)).status == 200
        assert (await it.ask(f"/search/?q={CANARY}")).status == 200


async def test_a_rule_can_look_where_its_system_does_not():
    rules = [CHECKOUT, rule("/**", "cms", passes_cards=False)]
    async with shop(rules, cms=system(answering(), passes_cards=True), commerce=till()) as it:
        assert (await it.ask(f"/search/?q={CANARY}")).status == 422


async def test_pictures_are_not_looked_through():
    async with shop([CHECKOUT, PAGES], cms=answering(page(b"cms")), commerce=till()) as it:
        assert (await it.ask("/upload", "POST", "Content-Type: image/png", body=CANARY.encode())).status == 200


async def test_a_compressed_body_passes_and_is_counted_as_unread():
    async with shop([CHECKOUT, PAGES], cms=answering(page(b"cms")), commerce=till()) as it:
        assert (await it.ask("/upload", "POST", "Content-Encoding: gzip", body=b"\x1f\x8b")).status == 200

        assert it.edge.snapshot().events["bodies_unread"] == 1


# --- where the edge waits for a form, too -----------------------------------------------------------------------------

WATCHED = (
    rule("/pay/**", "till", page="payment"),
    rule("/basket/**", "commerce", name="basket", page="product"),
    rule("/accounts/**", "commerce", name="accounts", page="account"),
    rule("/**", "cms", name="magazine", page="content"),
)
"""A shop whose forms go to a system that takes no payments."""


async def _with_an_open_form(it: House) -> Any:
    anna = it.browser()
    anna.cookies["csrftoken"] = "B" * 32
    await anna.ask("/accounts/login/", "POST", FORM, body=form_of_the_shop("B" * 32))
    return anna


@pytest.mark.parametrize("framed", ["length", "chunked"])
@pytest.mark.parametrize("cut", [0, 1, 20, 40, 60])
@pytest.mark.parametrize("more", [b"", b"&phone=0171 2345678 9", b"&n=%"])
async def test_a_form_that_was_open_across_the_login_arrives_whole(framed, cut, more):
    oscar = Oscar()
    async with kept(commerce=oscar.wanted, till=till(), rules=WATCHED) as it:
        anna = await _with_an_open_form(it)
        body = form_of_the_shop("B" * 32) + more
        pieces = [chunks([body])[:cut], chunks([body])[cut:]] if framed == "chunked" else [body[:cut], body[cut:]]
        line = "Transfer-Encoding: chunked" if framed == "chunked" else f"Content-Length: {len(body)}"
        visitor = await anna.begin("/basket/add/7/", "POST", FORM, line, body=pieces[0])
        await asyncio.sleep(0.01)
        await visitor.send(pieces[1])

        assert (await visitor.answer("POST")).status == 302
        (asked,) = [asked for asked in it.shop["commerce"].asked if asked.target == "/basket/add/7/"]
        assert asked.body == body
        assert "csrftoken=" + "B" * 32 in asked.get("cookie")


@pytest.mark.parametrize("cut", [0, 1, 20, 60])
async def test_a_card_number_in_such_a_form_is_never_asked_with(cut):
    oscar = Oscar()
    async with kept(commerce=oscar.wanted, till=till(), rules=WATCHED) as it:
        anna = await _with_an_open_form(it)
        body = form_of_the_shop("B" * 32) + b"&number=" + CANARY.encode()
        visitor = await anna.begin("/basket/add/7/", "POST", FORM, f"Content-Length: {len(body)}", body=body[:cut])
        await asyncio.sleep(0.01)
        await visitor.send(body[cut:])

        assert (await visitor.answer("POST")).status == 422
        assert not [asked for asked in it.shop["commerce"].asked if CANARY.encode() in asked.body]


# --- beside the owner -------------------------------------------------------------------------------------------------


async def test_requirement_26_no_fallback_and_no_copy_has_a_query_with_a_card_number():
    heard = bytearray()
    rules = [
        rule("/find/**", "commerce", fallback="cms"),
        rule("/see/**", "commerce", mirror=Mirror("cms", 10_000)),
        PAGES,
    ]
    gone = answering(lambda asked: page(b"none", status="404 Not Found"))
    async with shop(rules, cms=overheard(heard), commerce=till(gone)) as it:
        assert (await it.ask(f"/find/?q={CANARY}")).body == b"none"
        assert (await it.ask(f"/see/?q={CANARY}")).body == b"none"
        assert (await it.ask("/find/?q=vase")).body == b"cms"
        await it.ask("/see/?q=vase", "GET", f"Referer: http://shop.example/find/?q={CANARY}")

        await it.until(lambda: b"/see/?q=vase" in heard)
        assert CANARY.encode() not in heard


@dataclass(frozen=True, slots=True)
class Curious:
    """A plugin that writes down all it can see."""

    seen: list[str]

    def on_request(self, view: RequestView) -> Edits | None:
        self.seen.append(f"{view.method} {view.path} {[*view.headers]} {dir(view)}")
        return None


async def test_requirement_26_no_plugin_gets_to_see_a_body():
    seen: list[str] = []
    lines, body = form(CANARY)
    async with shop(
        [rule("/checkout/**", "commerce", page="checkout", plugins=(Curious(seen),)), PAGES],
        cms=answering(), commerce=till(),
    ) as it:  # fmt: skip
        assert (await it.ask("/checkout/pay", "POST", *lines, body=body)).status == 200

        assert len(seen) == 1
        assert CANARY not in seen[0]
        assert "body" not in seen[0]


async def test_requirement_26_the_last_guard_holds_where_the_rules_are_not_as_they_were_proved(capsys):
    wrong = rule("/checkout/**", "cms", name="checkout", page="checkout")  # a rules file that says this is refused
    async with shop([wrong, PAGES], cms=answering(), commerce=till()) as it:
        answer = await it.ask("/checkout/pay")

        assert answer.status == 500
        assert it["cms"].asked == []
        assert it.edge.snapshot().errors == {"payment_barred": 1}
        assert "payment_barred" in capsys.readouterr().err


async def test_requirement_26_a_payment_page_never_falls_back_on_another_system():
    wrong = rule("/checkout/**", "commerce", page="checkout", fallback="cms")
    gone = answering(page(b"gone", status="404 Not Found"))
    async with shop([wrong, PAGES], cms=answering(), commerce=till(gone)) as it:
        assert (await it.ask("/checkout/pay")).status == 500
        assert it["cms"].asked == []


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("http://shop.example/checkout/return?PaRes=secret&pan=4556", "http://shop.example/checkout/return"),
        ("http://shop.example/Checkout/return?PaRes=secret", "http://shop.example/Checkout/return"),
        ("http://shop.example/checkout/..%2f?PaRes=secret", "http://shop.example/checkout/..%2f"),
        ("HTTPS://SHOP.example/checkout/?PaRes=secret", "HTTPS://SHOP.example/checkout/"),
        ("http://shop.example/stories/?utm_source=poster", None),
        ("http://shop.example/checkout/return", None),
        ("https://search.example/checkout/?q=vase", None),
        ("http://shop.example", None),
    ],
)
@pytest.mark.parametrize("name", ["Referer", "referer", "REFERER"])
async def test_requirement_27_the_cms_does_not_hear_what_came_back_from_the_payment_provider(name, said, told):
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till()) as it:
        await it.ask("/banner", "GET", "Sec-CH-UA-Mobile: ?0", f"{name}: {said}", "X-Last: ?x")

        (asked,) = it["cms"].asked
        assert asked.get("referer") == (told or said)
        assert (asked.get("sec-ch-ua-mobile"), asked.get("x-last")) == ("?0", "?x")


async def test_of_several_referers_none_says_too_much():
    secret = "Referer: http://shop.example/checkout/?PaRes=secret"
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till()) as it:
        await it.ask("/banner", "GET", secret, "X-Referer: referer: ?", secret, "Referer: http://shop.example/?a=b")

        (asked,) = it["cms"].asked
        assert asked.all("referer") == ["http://shop.example/checkout/"] * 2 + ["http://shop.example/?a=b"]
        assert asked.get("x-referer") == "referer: ?"


async def test_the_payment_system_hears_its_own_addresses():
    address = "http://shop.example/checkout/return?PaRes=secret"
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till()) as it:
        await it.ask("/checkout/done", "GET", f"Referer: {address}")

        assert it["commerce"].asked[0].get("referer") == address


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([], ["same-origin"]),
        (["unsafe-url"], ["same-origin"]),
        (["strict-origin-when-cross-origin"], ["same-origin"]),
        ([""], ["same-origin"]),
        (["no-referrer, unsafe-url"], ["same-origin"]),
        (["no-referrer", "origin-when-cross-origin"], ["same-origin"]),
        (["no-referrer"], ["no-referrer"]),
        (["same-origin"], ["same-origin"]),
        (["Strict-Origin"], ["Strict-Origin"]),
        (["unsafe-url, no-referrer"], ["unsafe-url, no-referrer"]),
        (["no-referrer, a-policy-of-tomorrow"], ["no-referrer, a-policy-of-tomorrow"]),
    ],
)
async def test_requirement_27_payment_pages_tell_no_other_site_their_address(said, heard):
    lines = [f"referrer-policy: {value}" for value in said]
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till(answering(page(b"pay", "200 OK", *lines)))) as it:
        answer = await it.ask("/checkout/pay")

        assert answer.all("referrer-policy") == heard


async def test_other_pages_say_what_they_like_about_it():
    async with shop([CHECKOUT, PAGES], cms=answering(page(b"cms")), commerce=till()) as it:
        assert (await it.ask("/")).get("referrer-policy") is None


async def test_requirement_29_what_a_payment_page_says_of_its_scripts_arrives_byte_for_byte():
    lines = [
        "content-security-policy: script-src 'nonce-r4nd0m' ;  frame-src https://psp.example",
        "Content-Security-Policy-Report-Only: default-src 'self'",
        "Integrity-Policy: blocked-destinations=(script)",
        'Reporting-Endpoints: csp="https://reports.example/csp"',
    ]
    body = b"<script integrity=sha384-abc nonce=r4nd0m></script>"
    answer_of = page(body, "200 OK", "Content-Type: text/html", *lines)
    async with shop([CHECKOUT, PAGES], cms=answering(), commerce=till(answering(answer_of))) as it:
        answer = await it.ask("/checkout/pay")

        assert answer.body == body
        assert [f"{name}: {value}" for name, value in answer.lines if "polic" in name.lower() or "reporting" in
                name.lower()] == [*lines, "Referrer-Policy: same-origin"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meddler:
    """A plugin that rewrites what a page says of its scripts."""

    def on_response(self, view: RequestView, response: ResponseView) -> Edits | None:
        return Edits(
            set={"content-security-policy": "*", "X-Own": "1"},
            add=[("Report-To", "{}")],
            remove=["Integrity-Policy"],
        )


async def test_requirement_29_no_plugin_changes_what_a_payment_page_says_of_its_scripts():
    lines = ["Content-Security-Policy: script-src 'self'", "Integrity-Policy: blocked-destinations=(script)"]
    said = answering(page(b"x", "200 OK", *lines))
    rules = [
        rule("/checkout/**", "commerce", page="checkout", plugins=(Meddler(),)),
        rule("/**", "cms", plugins=(Meddler(),)),
    ]
    async with shop(rules, cms=said, commerce=till(said)) as it:
        payment, other = await it.ask("/checkout/pay"), await it.ask("/")

        assert payment.get("content-security-policy") == "script-src 'self'"
        assert payment.get("integrity-policy") == "blocked-destinations=(script)"
        assert (payment.get("report-to"), payment.get("x-own")) == (None, "1")
        assert (other.get("content-security-policy"), other.get("integrity-policy")) == ("*", None)


# --- what is written down ---------------------------------------------------------------------------------------------


async def test_requirement_28_nothing_secret_of_a_payment_is_written_down_whatever_happens(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    lines, body = form(CANARY)
    secrets = ["Cookie: sessionid=canary-cookie", "Authorization: Bearer canary-token", *lines]

    async def broken(call: Call) -> None:
        await call.head()
        await call.send(b"HTTP/1.1 200 OK\r\nX-Canary: canary-header\r\nContent-Length: nonsense\r\n\r\n")

    async def reset(call: Call) -> None:
        await call.head()
        call.reset()

    log = AccessLog(str(tmp_path / "access.log"), pause=0.01)
    for behaviour in (answering(page(b"canary-answer")), broken, reset, hanging):
        async with shop(
            [CHECKOUT, PAGES], cms=answering(), commerce=till(behaviour, timeouts=QUICK), access_log=log
        ) as it:
            await it.ask("/checkout/pay?pan=4556737586899855&PaRes=canary-query", "POST", *secrets, body=body)
            await it.ask("/checkout//..?x=canary-query", "POST", *secrets, body=body)
            visitor = await it.visitor()
            await visitor.send(request("/checkout/?x=canary-query", "POST", *secrets, "Content-Length: 999") + body)
            visitor.vanish()
            counted = msgspec.json.encode(it.edge.snapshot()).decode()
            assert "canary" not in counted
            assert CANARY[:8] not in counted
    log.close()
    said = capsys.readouterr()
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1  # the access log, and nothing spooled
    for text in (said.err, said.out, *files):
        assert "canary" not in text
        assert CANARY[:8] not in text
    assert said.err.count("rule='checkout'") >= 3


def test_requirement_28_a_request_shows_no_header_when_it_is_printed():
    view = RequestView("POST", "/checkout/", Headers.of({"authorization": "Bearer canary"}))

    assert "canary" not in repr(view) + repr(view.headers)
