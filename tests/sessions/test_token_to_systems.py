"""The token that tells a system of a session. REQUIREMENTS, 2, 4-6, 22; DESIGN, 6."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import jwt
import pytest
from forge import NOW, SESSION, b64, sealed_by_hand, update, with_private_key

from sessions.errors import BadToken
from sessions.keymaterial import Alg
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Receipt, Session
from sessions.rotation import rotated
from sessions.token import MOST_TOKEN, csrf, csrf_ok, jwks, jwks_for, mint, read_session_token, read_update, sid_for

CTX = {"language": "de", "country": "DE", "device": "mobile"}
POLICY = Policy()
RING = KeyRing.fresh(["cms", "commerce"], now=NOW)


def minted(session: Session = SESSION, system: str = "commerce", ring: KeyRing = RING, now: int = NOW) -> bytes:
    return mint(session, system, CTX, ring, now, POLICY)[0]


def read(token: bytes, system: str = "commerce", ring: KeyRing = RING, now: int = NOW) -> dict[str, Any]:
    return dict(read_session_token(token, system, ring, now))


@pytest.mark.parametrize("alg", ["ES256", "HS256", "EdDSA"])
def test_a_system_learns_who_is_there_and_what_is_in_the_basket(alg: Alg) -> None:
    ring = KeyRing.fresh(["commerce"], alg, NOW)

    told = read(minted(ring=ring), ring=ring)

    assert told.pop("exp") - told.pop("iat") == 300
    assert told == {
        "iss": "inseam",
        "aud": "commerce",
        "sid": sid_for(SESSION.id, "commerce"),
        "sub": "4711",
        "name": "Anna",
        "basket": {"id": "b7", "rev": 3, "count": 2, "total": "39.80", "currency": "EUR"},
        "ctx": CTX,
        "handle": "their-own",
    }


def test_a_guest_has_no_sub_no_name_and_maybe_no_basket() -> None:
    told = read(minted(Session("i" * 22, 1, NOW, NOW)))

    assert "sub" not in told  # PyJWT, for one, refuses a token whose `sub` is null
    assert told["basket"] is None
    assert {"name", "handle", "receipt", "order"}.isdisjoint(told)


def test_a_handle_is_told_only_to_the_system_that_left_it() -> None:
    assert "handle" not in read(minted(system="cms"), "cms")


def test_a_receipt_is_told_while_it_is_fresh_and_an_order_until_the_next_basket() -> None:
    done = replace(SESSION, basket=None, receipt=Receipt("g1", NOW, "g1", "b7", "capped", (("sku", 3, 1),)))

    told = read(minted(done))

    assert told["receipt"] == {
        "id": "g1", "at": NOW, "outcome": "capped", "lines": [{"sku": "sku", "wanted": 3, "kept": 1}]
    }  # fmt: skip
    assert told["order"] == "2000134"
    assert "receipt" not in read(minted(done, now=NOW + 7200), now=NOW + 7200)
    assert "order" not in read(minted())


def test_the_head_names_key_algorithm_and_kind() -> None:
    head = jwt.get_unverified_header(minted())

    assert head == {"alg": "ES256", "kid": RING.token_current.kid, "typ": "inseam-session+jwt"}


def test_a_sid_is_what_the_contract_says_and_differs_by_system() -> None:
    mac = hmac.new(b"session-id", b"cms", hashlib.sha256).digest()

    assert sid_for("session-id", "cms") == urlsafe_b64encode(mac)[:22].decode()
    assert len({sid_for(one, system) for one in ("a", "b") for system in ("cms", "commerce")}) == 4


# --- when it is minted ------------------------------------------------------------------------------------------------


def test_all_workers_make_the_same_claims_until_it_is_time_for_new_ones() -> None:
    _, until = mint(SESSION, "cms", CTX, RING, NOW, POLICY)
    first = read(minted(system="cms"), "cms")

    assert NOW < until <= NOW + 150
    assert read(minted(system="cms", now=until - 1), "cms") == first
    assert read(minted(system="cms", now=until), "cms", now=until)["iat"] == until


@pytest.mark.parametrize("life", [1, 2, 60, 299, 300, 100_000])
def test_requirement_5_a_token_that_goes_out_lives_half_its_life_at_least_and_five_minutes_at_most(life: int) -> None:
    policy = replace(POLICY, token_life=life)
    for now in range(NOW, NOW + 400, 7):
        token, until = mint(SESSION, "cms", CTX, RING, now, policy)
        told = read(token, "cms", now=now)
        assert told["iat"] <= now < until
        assert told["exp"] - told["iat"] <= 300
        assert told["exp"] - until >= (told["exp"] - told["iat"]) // 2


def test_tokens_of_a_thousand_sessions_are_not_made_in_one_second() -> None:
    ends = {mint(replace(SESSION, id=f"{number:022}"), "cms", CTX, RING, NOW, POLICY)[1] for number in range(300)}

    assert len(ends) > 100


def test_a_token_is_never_longer_than_systems_take() -> None:
    letter = "\U0001f600"
    lines = tuple((letter * 64, 9, number) for number in range(200))
    most = replace(
        SESSION, login=Login(letter * 128, letter * 64), basket=Basket(letter * 64, 1 << 52, 9, "1", letter * 8),
        handles={"x" * 63: "\x01" * 512}, receipt=Receipt("g", NOW, "g", "b", "capped", lines),
    )  # fmt: skip

    token = minted(most, "x" * 63)
    told = read(token, "x" * 63)

    assert len(token) <= MOST_TOKEN
    assert told["sub"] == letter * 128
    assert told["receipt"]["outcome"] == "capped"


# --- who believes it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "HS256", "EdDSA"])
def test_requirement_6_a_token_for_the_cms_is_refused_by_commerce_and_the_other_way_round(alg: Alg) -> None:
    ring = KeyRing.fresh([], alg, NOW)

    for mine, other in (("cms", "commerce"), ("commerce", "cms")):
        with pytest.raises(BadToken) as refused:
            read(minted(system=mine, ring=ring), other, ring)
        assert refused.value.reason == ("forged" if alg == "HS256" else "audience")


def test_requirement_6_the_cms_cannot_make_a_token_for_commerce_with_its_hs256_secret() -> None:
    ring = KeyRing.fresh([], "HS256", NOW)
    of_cms = ring.token_current.secret_of("cms")
    head = json.dumps({"alg": "HS256", "kid": ring.token_current.kid, "typ": "inseam-session+jwt"}).encode()
    said = {"iss": "inseam", "aud": "commerce", "iat": NOW, "exp": NOW + 60, "sid": "s", "sub": "4711"}

    with pytest.raises(BadToken) as refused:
        read(sealed_by_hand(head, json.dumps(said).encode(), of_cms), ring=ring)

    assert refused.value.reason == "forged"


def test_requirement_6_an_update_is_no_session_token_and_a_session_token_is_no_update() -> None:
    with pytest.raises(BadToken) as refused:
        read(update(RING))
    assert refused.value.reason == "typ"

    with pytest.raises(BadToken) as refused:
        read_update(minted(), "commerce", sid_for(SESSION.id, "commerce"), RING, NOW)
    assert refused.value.reason == "typ"


def test_requirement_6_a_form_token_is_no_token() -> None:
    with pytest.raises(BadToken):
        read(csrf(SESSION.id, RING).encode())


def test_requirement_5_the_reader_caps_the_life_itself() -> None:
    said = {"iss": "inseam", "aud": "commerce", "iat": NOW, "exp": NOW + 301, "sid": "s", "sub": None}
    key = RING.token_current

    with pytest.raises(BadToken) as refused:
        read(with_private_key(said, key.material, key.alg, key.kid, "inseam-session+jwt"))

    assert refused.value.reason == "life"


def test_requirement_4_tokens_are_read_while_one_edge_has_rotated_and_the_other_lags() -> None:
    lagging, ahead = RING, rotated(RING, NOW + 3600)

    assert read(minted(ring=ahead), ring=lagging)["sub"] == "4711"
    assert read(minted(ring=lagging), ring=ahead)["sub"] == "4711"
    assert jwt.get_unverified_header(minted(ring=ahead))["kid"] != jwt.get_unverified_header(minted())["kid"]


# --- the keys that are published --------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_system_that_knows_only_the_published_keys_can_read_tokens(alg: Alg) -> None:
    ring = rotated(KeyRing.fresh(["cms"], alg, NOW), NOW)
    published = jwt.PyJWKSet.from_json(jwks(ring).decode())
    token = minted(system="cms", ring=ring)

    key = published[jwt.get_unverified_header(token)["kid"]]
    told = jwt.decode(
        token, key, [alg], audience="cms", issuer="inseam", options={"verify_exp": False, "verify_iat": False}
    )

    assert told["sub"] == "4711"
    assert json.loads(jwks(ring))["keys"][0]["kid"] == ring.token_current.kid
    assert len(published.keys) == 3


def test_no_secret_is_published() -> None:
    published = jwks(RING).decode()

    assert json.loads(jwks(KeyRing.fresh(["cms"], "HS256", NOW))) == {"keys": []}
    assert '"d"' not in published
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for key in json.loads(published)["keys"])


def test_what_is_handed_to_a_system_that_prefers_hs256_are_its_own_secrets() -> None:
    ring = KeyRing.fresh([], "HS256", NOW)

    handed = json.loads(jwks_for(ring, "cms"))["keys"]

    assert handed[0]["k"] == b64(ring.token_current.secret_of("cms")).decode()
    assert jwks_for(ring, "cms") != jwks_for(ring, "commerce")


# --- form tokens ------------------------------------------------------------------------------------------------------


def test_requirement_35_a_form_token_belongs_to_its_session() -> None:
    token = csrf("one", RING)

    assert csrf_ok(token, "one", RING)
    assert not csrf_ok(token, "other", RING)
    assert not csrf_ok(csrf("one", KeyRing.fresh([], now=NOW)), "one", RING)


@pytest.mark.parametrize("given", ["", "x", "é" * 43, "\ud800", "\0" * 43, "A" * 100_000])
def test_requirement_35_what_is_no_form_token_is_just_wrong(given: str) -> None:
    assert csrf_ok(given, "one", RING) is False


def test_requirement_3_a_form_that_was_open_across_a_rotation_still_works() -> None:
    token = csrf("one", RING)

    assert csrf_ok(token, "one", rotated(RING, NOW))
    assert csrf_ok(csrf("one", rotated(RING, NOW)), "one", RING)


def test_requirement_35_form_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[object, object]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert csrf_ok(csrf("one", RING), "one", RING)
    assert len(compared) == len(RING.cookie)
