"""Bad cookies, bad updates, other sites: to the shopper a fresh guest's page, to the operator a count by reason."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sessionful import ALL, RING, TWO, kept, saying, says, sid_of, signed
from shop import Asked, answering, page, system

from sessions.cookie import seal
from sessions.keymaterial import SystemKey, read_public
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Session
from sessions.record import packed
from sessions.stores.memory import MemoryStore
from sessions.stores.port import Stored, key_of

# --- cookies ----------------------------------------------------------------------------------------------------------

NOW = int(time.time())
ANNA = Session("a" * 22, 3, NOW, NOW, Login("4711", "Anna"), NOW, Basket("b7", 2, 2))
GOOD = seal(ANNA, RING).decode()
OTHER = KeyRing.fresh(("cms", "commerce"), "HS256")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_another_customer() -> str:
    """Anna's cookie, its payload rewritten to say Ben and her signature kept."""
    ben = seal(replace(ANNA, login=Login("4712", "Ben")), RING).decode()
    return ben.split(".")[0] + "." + GOOD.split(".")[1]


COOKIES: dict[str, tuple[str, str]] = {
    "another customer's id under the old signature": (with_another_customer(), "forged"),
    "signed with keys of another edge": (seal(ANNA, OTHER).decode(), "forged"),
    "its last letter changed": (GOOD[:-2] + ("A" if GOOD[-2] != "A" else "B") + GOOD[-1], "forged"),
    "cut in the middle": (GOOD[: len(GOOD) // 2], "malformed"),
    "without a signature": (GOOD.split(".")[0], "malformed"),
    "empty signature": (GOOD.split(".")[0] + ".", "malformed"),
    "of 6 KB": ("A" * 6000 + "." + "A" * 43, "malformed"),
    "no base64 at all": ("%00%ff<script>", "malformed"),
    "empty": ("", "malformed"),
    "in quotation marks": (f'"{GOOD}"', "malformed"),
    "a token": (signed("commerce", "", sub="4711"), "malformed"),
    "too old": (seal(replace(ANNA, renewed=NOW - 40 * 86400), RING).decode(), "expired"),
    "begun too long ago": (seal(replace(ANNA, created=NOW - 200 * 86400), RING).decode(), "expired"),
}


@pytest.mark.parametrize("what", COOKIES)
async def test_a_bad_cookie_is_a_guest_and_a_count_and_never_an_error(what: str):
    """REQUIREMENTS, 8, 13 and 18."""
    value, reason = COOKIES[what]
    store = MemoryStore()
    async with kept(store) as it:
        answer = await it.shop.ask("/", "GET", f"Cookie: a=1; inseam={value}")

        assert answer.status == 200
        assert it.heard("cms") is None
        assert it.asked("cms").get("cookie") == "a=1"
        assert not store._sessions
        assert answer.all("set-cookie") == ([] if not value else ["inseam=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"])
        assert it.events().get(f"cookie_refused:{reason}", 0) == (1 if value else 0)


async def test_who_comes_with_a_bad_cookie_begins_a_fresh_session():
    store = MemoryStore()
    async with kept(store) as it:
        anna = it.browser()
        anna.cookies["inseam"] = with_another_customer()
        await anna.ask("/shop/", "POST", says(basket=TWO))

        assert anna.session.login is None
        assert anna.session.id != ANNA.id
        assert anna.session.basket.count == 2
        assert len(store._sessions) == 1


async def test_the_first_genuine_cookie_of_several_counts_whatever_stands_before_it():
    """REQUIREMENTS, 18: another host of the domain may have planted one of our name."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        mine = anna.cookie
        for line in (
            f"inseam=planted; inseam={mine}",
            f"inseam={mine}; inseam=planted",
            f"x=1;inseam=;inseam={mine};y=2",
        ):
            answer = await it.shop.ask("/", "GET", f"Cookie: {line}")

            assert it.heard("cms")["sub"] == "4711"
            assert answer.all("set-cookie") == []


async def test_of_two_genuine_cookies_one_counts_and_never_a_mix():
    """REQUIREMENTS, 18."""
    async with kept() as it:
        anna, ben = it.browser(), it.browser()
        await it.login(anna)
        await it.login(ben, sub="4712", name="Ben", basket=TWO)
        await it.shop.ask("/", "GET", f"Cookie: inseam={anna.cookie}; inseam={ben.cookie}")

        said = it.heard("cms")
        assert (said["sub"], said["name"], said["basket"]) == ("4711", "Anna", None)


async def test_seven_kilobytes_of_other_cookies_pass_and_are_warned_of(capfd):
    """REQUIREMENTS, 17. Names are told, values never."""
    heavy = "; ".join(f"tracker{number}={'v' * 690}secret" for number in range(10))
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        await it.shop.ask("/", "GET", f"Cookie: {heavy}; inseam={anna.cookie}")

        assert it.heard("cms")["sub"] == "4711"
        assert it.asked("cms").get("cookie") == heavy
        assert it.events()["cookies_heavy"] == 1
    said = capfd.readouterr().err
    assert "tracker0 (" in said
    assert "secret" not in said


async def test_two_hundred_cookies_pass():
    """REQUIREMENTS, 18."""
    many = "; ".join(f"c{number}={number}" for number in range(200))
    async with kept() as it:
        await it.shop.ask("/", "GET", f"Cookie: {many}")

        assert it.asked("cms").get("cookie") == many


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"s1", b"s1\xff\xff", b"s9" + packed(ANNA)[2:], b"m1\x91"])
async def test_garbage_in_the_store_is_deleted_and_the_cookie_s_own_facts_count(garbage: bytes):
    """REQUIREMENTS, 45."""
    store = MemoryStore()
    async with kept(store) as it:
        await store.save(key_of(ANNA.id), Stored(3, garbage), None, 3600)
        answer = await it.shop.ask("/", "GET", f"Cookie: inseam={GOOD}")

        assert answer.status == 200
        assert it.heard("cms")["sub"] == "4711"
        assert it.events()["session_spoiled"] == 1
        assert (await store.load(key_of(ANNA.id))).data == packed(ANNA)


# --- updates ----------------------------------------------------------------------------------------------------------


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": "commerce", "aud": "inseam", "iat": now, "exp": now + 60, "sid": "", "sub": "666", **changed}
    return {name: value for name, value in said.items() if value is not ...}


def by(
    secret: Any = None, alg: str = "HS256", kid: str = "", header: dict[str, Any] | None = None, **changed: Any
) -> str:
    """An update, signed with a secret (commerce's own, unless given)."""
    key = RING.systems["commerce"][-1]
    head = {"kid": kid or key.kid, "typ": "inseam-update+jwt", **(header or {})}
    return jwt.encode(claims(**changed), key.material if secret is None else secret, alg, head)


def unsigned(**changed: Any) -> str:
    """`alg: none`."""
    head = {"alg": "none", "kid": RING.systems["commerce"][-1].kid}
    return f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(claims(**changed)).encode())}."


def long_ago(**changed: Any) -> str:
    return by(iat=NOW - 1000, exp=NOW - 940, **changed)


UPDATES: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (unsigned, "alg"),
    "signed by nobody we know": (lambda: by(b"x" * 32), "forged"),
    "the CMS's key": (lambda: by(RING.systems["cms"][-1].material, kid=RING.systems["cms"][-1].kid), "kid"),
    "the CMS's own update": (lambda: signed("cms", "", sub="666"), "kid"),
    "a kid with a path": (lambda: by(kid="../../etc/passwd"), "kid"),
    "a kid of 10 KB": (lambda: by(kid="k" * 10_000), "oversized"),
    "HS512": (lambda: by(b"x" * 64, alg="HS512"), "alg"),
    "expired": (long_ago, "expired"),
    "from the future": (lambda: by(iat=NOW + 900, exp=NOW + 960), "not_yet"),
    "good for a day": (lambda: by(exp=int(time.time()) + 86400), "life"),
    "for another audience": (lambda: by(aud="cms"), "audience"),
    "issued by another system": (lambda: by(iss="cms"), "issuer"),
    "of another session": (lambda: by(sid="x" * 22), "sid"),
    "a session token": (lambda: by(header={"typ": "inseam-session+jwt"}), "typ"),
    "cut": (lambda: by()[:-22], "malformed"),
    "too large": (lambda: by(basket={**TWO, "lines": [{"sku": "s" * 60, "quantity": 1}] * 90}), "oversized"),
    "no token": (lambda: "hello", "malformed"),
    "plain JSON": (lambda: '{"sub":"666"}', "malformed"),
    "a customer that is a list": (lambda: by(sub=["666"]), "claims"),
    "a basket that is a number": (lambda: by(sub=..., basket=7), "claims"),
    "minus two items": (lambda: by(sub=..., basket={**TWO, "count": -2}), "claims"),
    "with jku and jwk": (
        lambda: by(b"x" * 32, header={"jku": "http://evil.example/", "jwk": {"kty": "oct"}}),
        "forged",
    ),
}


@pytest.mark.parametrize("what", UPDATES)
async def test_an_update_that_cannot_be_believed_changes_nothing_and_costs_no_page(what: str):
    """REQUIREMENTS, 1, 2, 5, 6 and 8."""
    make, reason = UPDATES[what]
    store = MemoryStore()
    async with kept(store) as it:
        answer = await it.browser().ask("/shop/", "POST", says("302 Found", ["Location: /"], body="", raw=make()))

        assert (answer.status, answer.get("location")) == (302, "/")
        assert answer.all("set-cookie") == []
        assert answer.get("inseam-update") is None
        assert not store._sessions
        assert it.events()[f"update_refused:commerce:{reason}"] == 1


async def test_an_update_with_a_name_mistyped_is_told_of(capsys):
    async with kept() as it:
        await it.browser().ask("/shop/", "POST", says(raw=by(sub=..., bascet=TWO)))

    assert "an update of commerce tells nothing that is known here: it has bascet" in capsys.readouterr().err


async def test_a_public_key_is_no_secret_to_sign_with():
    """REQUIREMENTS, 1: key confusion."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = SystemKey("es", "ES256", read_public(pem, "test"))
    ring = replace(RING, systems={**RING.systems, "commerce": (key,)})
    confused = f"{_b64(json.dumps({'alg': 'HS256', 'kid': 'es'}).encode())}.{_b64(json.dumps(claims()).encode())}"
    confused += "." + _b64(hmac.new(pem, confused.encode(), hashlib.sha256).digest())
    async with kept(ring=ring) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(raw=confused))
        assert anna.cookies == {}
        assert it.events()["update_refused:commerce:alg"] == 1
        honest = jwt.encode(claims(sub="4711"), private, "ES256", {"kid": "es"})
        answer = await anna.ask("/shop/", "POST", says(raw=honest))

        assert answer.get("set-cookie").startswith("inseam")


async def test_an_update_of_anna_s_session_does_nothing_in_ben_s():
    """Replayed: a system that mixes up its visitors, or a cache that kept an answer."""
    async with kept() as it:
        anna, ben = it.browser(), it.browser()
        await it.login(anna)
        await anna.ask("/shop/")
        update = signed("commerce", sid_of(it.asked("commerce")), basket=TWO)
        await it.login(ben, sub="4712", name="Ben")
        before = ben.session
        await ben.ask("/shop/", "GET", says(raw=update))

        assert ben.session == before
        assert it.events()["update_refused:commerce:sid"] == 1


async def test_an_update_of_before_the_login_does_nothing_behind_it():
    async with kept() as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(basket=TWO))
        await anna.ask("/shop/")
        old = signed("commerce", sid_of(it.asked("commerce")), sub="666")
        await it.login(anna)
        await anna.ask("/shop/", "GET", says(raw=old))

        assert anna.session.login.sub == "4711"


async def test_two_updates_in_one_answer_are_none():
    def twice(asked: Asked) -> bytes:
        mine = signed("commerce", "", sub="666")
        return page(b"", "200 OK", f"Inseam-Update: {mine}", f"Inseam-Update: {mine}")

    async with kept(commerce=system(answering(twice), authority=ALL)) as it:
        anna = it.browser()
        assert (await anna.ask("/shop/", "POST")).status == 200

        assert anna.cookies == {}
        assert it.events()["update_refused:commerce:malformed"] == 1


async def test_plain_json_is_an_update_only_where_the_rules_file_says_so():
    commerce = system(saying("commerce"), authority=ALL, unsigned=True)
    async with kept(commerce=commerce) as it:
        anna = it.browser()
        await anna.ask("/shop/", "POST", says(raw='{"sub":"4711","name":"Anna"}'))
        await anna.ask("/shop/", "POST", says(raw='{"sub":"4712","sid":"of-somebody-else"}'))
        await anna.ask("/shop/", "POST", says(raw='{"sub":"4712","sub":"4713"}'))

        assert anna.session.login == Login("4711", "Anna")
        assert it.events()["update_refused:commerce:sid"] == 1
        assert it.events()["update_refused:commerce:malformed"] == 1


async def test_nothing_secret_is_logged(capfd):
    """REQUIREMENTS, 7 and 28."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna, sub="customer-4711-secret", name="Anna Secret")
        cookie = anna.cookie
        token = signed("commerce", "wrong-sid", sub="customer-4711-secret")
        await anna.ask("/shop/?card=4111111111111111", "GET", says(raw=token))
        await it.shop.ask("/", "GET", f"Cookie: inseam={cookie[:-2]}AA")
        await anna.ask("/", "GET", says(sub="customer-4712-secret"))
        commerce_secret = _b64(RING.systems["commerce"][-1].material)
    said = capfd.readouterr().err
    assert "update of commerce is refused (sid)" in said
    for secret in ("secret", "Secret", cookie, token, "4111", commerce_secret):
        assert secret not in said


# --- other sites ------------------------------------------------------------------------------------------------------

OURS = [
    [], ["Origin: http://shop.example"], ["Origin: http://SHOP.example"], ["Sec-Fetch-Site: same-origin"],
    ["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: none"], ["Origin: null"],
    ["Origin: null", "Sec-Fetch-Site: same-origin"], ["Origin: https://brand.example"],
]  # fmt: skip
THEIRS = [
    ["Origin: http://evil.example"], ["Origin: https://shop.example"], ["Origin: http://shop.example:8080"],
    ["Origin: http://shop.example.evil.example"], ["Origin: http://evil.shop.example"], ["Sec-Fetch-Site: cross-site"],
    ["Origin: null", "Sec-Fetch-Site: cross-site"], ["Origin: "],
]  # fmt: skip


@pytest.mark.parametrize("lines", THEIRS, ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_another_site_sends_in_a_visitor_s_name_is_refused(method: str, lines: list[str]):
    """REQUIREMENTS, 34."""
    async with kept() as it:
        anna = it.browser()
        await it.login(anna)
        asked = len(it.shop["commerce"].asked)
        answer = await anna.ask("/shop/", method, *lines)

        assert answer.status == 403
        assert len(it.shop["commerce"].asked) == asked
        assert it.shop.edge.snapshot().errors == {"cross_site": 1}


@pytest.mark.parametrize("lines", OURS, ids=str)
async def test_what_the_shop_s_own_pages_send_goes_on(lines: list[str]):
    policy = Policy(sites=frozenset({"https://brand.example"}))
    async with kept(policy=policy) as it:
        anna = it.browser()
        await it.login(anna)

        assert (await anna.ask("/shop/", "POST", *lines)).status == 200


async def test_a_payment_provider_may_send_the_shopper_back_to_the_exact_address():
    """REQUIREMENTS, 34: exempt by exact path."""
    policy = Policy(callbacks=frozenset({"/shop/checkout/payment-return/"}))
    lines = ["Origin: https://pay.example", "Sec-Fetch-Site: cross-site"]
    async with kept(policy=policy) as it:
        anna = it.browser()
        await it.login(anna)
        there = await anna.ask("/shop/checkout/payment-return/?ok=1", "POST", *lines)
        beside = [
            (await anna.ask(path, "POST", *lines)).status
            for path in ("/shop/checkout/payment-return", "/shop/checkout/payment-return/x", "/shop/checkout/")
        ]

        assert there.status == 200
        assert beside == [403, 403, 403]


async def test_a_guest_and_a_page_that_only_reads_may_come_from_anywhere():
    lines = ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"]
    async with kept() as it:
        anna, ben = it.browser(), it.browser()
        await it.login(anna)

        assert (await ben.ask("/shop/", "POST", *lines)).status == 200
        assert (await anna.ask("/shop/", "GET", *lines)).status == 200
