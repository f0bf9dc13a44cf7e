"""The update with which a system tells what has changed; and everything that is none. REQUIREMENTS, 1, 2, 5, 6, 8."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from forge import NOW, SID, b64, claims, sealed_by_hand, signed, update, with_private_key

from sessions.errors import BadToken
from sessions.keymaterial import public_system_key
from sessions.keys import KeyRing
from sessions.rotation import added, retired
from sessions.token import read_plain_update, read_update

RING = KeyRing.fresh(["cms", "commerce"], now=NOW)
KEY = RING.systems["commerce"][0]


def read(
    value: bytes, system: str = "commerce", sid: str = SID, ring: KeyRing = RING, now: int = NOW
) -> dict[str, Any]:
    return dict(read_update(value, system, sid, ring, now))


def reason(value: bytes, system: str = "commerce", sid: str = SID, ring: KeyRing = RING, now: int = NOW) -> str:
    """Why an update is refused."""
    with pytest.raises(BadToken) as refused:
        read(value, system, sid, ring, now)
    return refused.value.reason


def test_what_commerce_signed_is_believed() -> None:
    basket = {"id": "b7", "rev": 4, "count": 3, "lines": [{"sku": "a", "quantity": 3}]}

    assert read(update(RING, basket=basket, sub=None)) == claims(basket=basket, sub=None)


@pytest.mark.parametrize("typ", ["inseam-update+jwt", "JWT", "jwt", ...])
def test_the_kind_of_an_update_may_be_jwt_or_unsaid(typ: Any) -> None:
    assert read(update(RING, header={"typ": typ}))["order"] == "1"


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_system_may_keep_its_private_key_to_itself(alg: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ring = added(RING, "commerce", public_system_key("commerce", public, NOW, "commerce.pem", "k2"))

    assert read(with_private_key(claims(), pem, alg, "k2"), ring=ring)["order"] == "1"
    assert read(update(RING), ring=ring)["order"] == "1"
    assert reason(with_private_key(claims(), pem, alg, "k2"), ring=retired(ring, "k2", NOW)) == "kid"


# --- forged headers ---------------------------------------------------------------------------------------------------

_PUBLIC = ec.generate_private_key(ec.SECP256R1()).public_key()
PUBLIC_PEM = _PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
WITH_PUBLIC = added(RING, "commerce", public_system_key("commerce", PUBLIC_PEM, NOW, "commerce.pem", "public"))

ATTACKERS: Any = {"kty": "oct", "k": b64(b"a" * 32).decode()}


def by_attacker(**header: Any) -> bytes:
    return signed(json.dumps(claims()).encode(), KEY.kid, b"a" * 32, header)


FORGED = [
    ("alg none", signed(json.dumps(claims()).encode(), KEY.kid, b"", {"alg": "none"}).rsplit(b".", 1)[0] + b".", "alg"),
    ("alg None", update(RING, header={"alg": "None"}), "alg"),
    ("no alg", update(RING, header={"alg": ...}), "alg"),
    ("alg null", update(RING, header={"alg": None}), "alg"),
    ("alg a list", update(RING, header={"alg": ["HS256"]}), "alg"),
    ("alg unknown", update(RING, header={"alg": "XS256"}), "alg"),
    ("alg hs256", update(RING, header={"alg": "hs256"}), "alg"),
    ("alg HS512", update(RING, header={"alg": "HS512"}), "alg"),
    ("alg RS256", update(RING, header={"alg": "RS256"}), "alg"),
    ("alg ES256 for a secret", update(RING, header={"alg": "ES256"}), "alg"),
    ("HS256 with the public key as secret", signed(json.dumps(claims()).encode(), "public", PUBLIC_PEM), "alg"),
    ("no kid", update(RING, header={"kid": ...}), "kid"),
    ("kid a number", update(RING, header={"kid": 7}), "kid"),
    ("kid empty", update(RING, header={"kid": ""}), "kid"),
    ("kid unknown", update(RING, header={"kid": "commerce-000000"}), "kid"),
    ("kid a path", update(RING, header={"kid": "../../../../dev/null"}), "kid"),
    ("kid an address", update(RING, header={"kid": "https://evil.example/key"}), "kid"),
    ("kid sql", update(RING, header={"kid": "x' UNION SELECT 'secret"}), "kid"),
    ("kid with NUL", update(RING, header={"kid": KEY.kid + "\0"}), "kid"),
    ("kid of 600 bytes", update(RING, header={"kid": "k" * 600}), "kid"),
    ("kid of 10 KB", update(RING, header={"kid": "k" * 10_000}), "oversized"),
    ("kid of the edge's token key", update(RING, header={"kid": RING.token_current.kid}), "kid"),
    ("kid of the edge's cookie key", update(RING, header={"kid": RING.cookie[0].kid}), "kid"),
    ("kid of the other system", update(RING, header={"kid": RING.systems["cms"][0].kid}), "kid"),
    ("crit", update(RING, header={"crit": ["exp"], "exp": 1}), "malformed"),
    ("b64", update(RING, header={"b64": False}), "malformed"),
    ("typ of a session token", update(RING, header={"typ": "inseam-session+jwt"}), "typ"),
    ("typ of others", update(RING, header={"typ": "at+jwt"}), "typ"),
    ("typ a list", update(RING, header={"typ": ["JWT"]}), "typ"),
    ("jwk of the attacker", by_attacker(jwk=ATTACKERS), "forged"),
    ("jku of the attacker", by_attacker(jku="http://127.0.0.1:1/"), "forged"),
    ("x5u of the attacker", by_attacker(x5u="http://127.0.0.1:1/"), "forged"),
    ("signed with nothing", signed(json.dumps(claims()).encode(), KEY.kid, b""), "forged"),
    ("signed by the other system", update(RING, "cms", {"kid": KEY.kid}, iss="commerce"), "forged"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
def test_requirements_1_and_2_a_forged_head_is_refused_without_asking_anybody(
    value: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*address: Any) -> None:
        raise AssertionError("a token made the edge connect")

    monkeypatch.setattr(socket, "socket", connect)
    monkeypatch.setattr("builtins.open", connect)

    assert reason(value, ring=WITH_PUBLIC) == expected


def test_requirement_2_keys_that_a_good_token_brings_along_are_not_read() -> None:
    assert read(update(RING, header={"jwk": ATTACKERS, "jku": "http://127.0.0.1:1/", "x5c": ["AA"]}))["order"] == "1"


def test_a_system_without_a_key_is_not_believed() -> None:
    assert reason(update(RING), "wiki") == "kid"
    assert reason(update(RING), "cms") == "kid"


# --- claims -----------------------------------------------------------------------------------------------------------

CLAIMS = [
    ({"iss": "cms"}, "issuer"),
    ({"iss": ...}, "issuer"),
    ({"iss": ["commerce"]}, "issuer"),
    ({"iss": "Commerce"}, "issuer"),
    ({"aud": "commerce"}, "audience"), ({"aud": ...}, "audience"), ({"aud": None}, "audience"),
    ({"aud": ["inseam", "cms"]}, "audience"), ({"aud": {"inseam": 1}}, "audience"),
    ({"exp": ...}, "malformed"),
    ({"iat": ...}, "malformed"),
    ({"exp": "soon"}, "malformed"),
    ({"iat": True}, "malformed"),
    ({"exp": None}, "malformed"),
    ({"iat": -1}, "malformed"),
    ({"exp": 1 << 41}, "malformed"),
    ({"nbf": "x"}, "malformed"),
    ({"exp": NOW + 301}, "life"),
    ({"exp": NOW}, "life"),
    ({"exp": NOW - 1}, "life"),
    ({"iat": NOW - 290, "exp": NOW + 11}, "life"),
    ({"iat": NOW - 120, "exp": NOW - 60}, "expired"), ({"iat": NOW - 9999, "exp": NOW - 9900}, "expired"),
    ({"iat": NOW + 61, "exp": NOW + 90}, "not_yet"), ({"nbf": NOW + 61, "exp": NOW + 90}, "not_yet"),
    ({"sid": ...}, "sid"),
    ({"sid": ""}, "sid"),
    ({"sid": None}, "sid"),
    ({"sid": SID[:-1]}, "sid"),
    ({"sid": 7}, "sid"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), CLAIMS, ids=[f"{case[0]}" for case in CLAIMS])
def test_requirements_5_and_6_a_genuine_update_with_wrong_claims_is_refused(
    changed: dict[str, Any], expected: str
) -> None:
    assert reason(update(RING, **changed)) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["inseam"]}, {"exp": NOW + 300}, {"iat": NOW - 240, "exp": NOW - 59},
        {"iat": NOW + 60, "exp": NOW + 90},
        {"nbf": NOW + 60}, {"nbf": NOW - 1000}, {"iat": NOW + 0.5, "exp": NOW + 1.5}, {"jti": "x"}, {"future": [1]},
    ],
)  # fmt: skip
def test_requirement_5_clocks_may_differ_by_a_minute_and_claims_may_be_written_as_the_rfc_allows(changed: Any) -> None:
    assert read(update(RING, **changed))["order"] == "1"


def test_an_update_to_a_request_without_a_session_has_no_sid() -> None:
    assert read(update(RING, sid=...), sid="")
    assert read(update(RING, sid=""), sid="")
    assert reason(update(RING), sid="") == "sid"


# --- what is no token at all ------------------------------------------------------------------------------------------


def payload(text: bytes) -> bytes:
    """An update that commerce has really signed, over these very bytes."""
    return signed(text, KEY.kid, KEY.material)


GOOD = json.dumps(claims()).encode()
HEAD = json.dumps({"alg": "HS256", "kid": KEY.kid}).encode()

MALFORMED = [
    ("nothing", b""), ("dots", b".."), ("one dot", b"a.b"), ("four parts", update(RING) + b".x"), ("NUL", b"\0"),
    ("NUL inside", update(RING)[:50] + b"\0" + update(RING)[51:]), ("a space before", b" " + update(RING)),
    ("a line break behind", update(RING) + b"\n"),
    ("padding", update(RING) + b"="),
    ("two", update(RING) + b", " + update(RING)),
    ("bad base64", b"!!!!.!!!!.!!!!"), ("a length no base64 has", b"AAAAA.AAAAA.AAAAA"), ("latin", "é.é.é".encode()),
    ("head no JSON", sealed_by_hand(b"{", GOOD, KEY.material)),
    ("head a list", sealed_by_hand(b"[]", GOOD, KEY.material)),
    ("head of UTF-16", sealed_by_hand(HEAD.decode().encode("utf-16"), GOOD, KEY.material)),
    ("kid twice", sealed_by_hand(HEAD[:-1] + b', "kid": "x"}', GOOD, KEY.material)),
    ("alg twice", sealed_by_hand(HEAD[:-1] + b', "alg": "none"}', GOOD, KEY.material)),
    ("deep head", sealed_by_hand(HEAD[:-1] + b', "x": ' + b"[" * 300 + b"]" * 300 + b"}", GOOD, KEY.material)),
    ("long head", sealed_by_hand(HEAD[:-1] + b', "x": "' + b"x" * 1000 + b'"}', GOOD, KEY.material)),
    ("no JSON", payload(b"order=1")),
    ("no object", payload(b"[1]")),
    ("null", payload(b"null")),
    ("text", payload(b'"x"')),
    ("empty", payload(b"")), ("twice sub", payload(GOOD[:-1] + b', "sub": "1", "sub": "2"}')),
    ("twice in basket", payload(GOOD[:-1] + b', "basket": {"id": "1", "id": "2"}}')),
    ("deep", payload(GOOD[:-1] + b', "x": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}")),
    ("a little too deep", payload(GOOD[:-1] + b', "x": [[[[[1]]]]]}')),
    ("very deep", payload(b"[" * 2900)), ("huge number", payload(GOOD[:-1] + b', "x": ' + b"9" * 2500 + b"}")),
    ("huge exponent", payload(GOOD[:-1] + b', "x": 1e999}')), ("NaN", payload(GOOD[:-1] + b', "x": NaN}')),
    ("Infinity", payload(GOOD.replace(str(NOW + 60).encode(), b"Infinity"))), ("BOM", payload(b"\xef\xbb\xbf" + GOOD)),
    ("bytes that are no UTF-8", payload(GOOD[:-1] + b', "x": "\xff"}')),
    ("half a pair", payload(GOOD[:-1] + b', "handle": "\\ud800"}')),
    ("half a pair, named", payload(GOOD[:-1] + b', "\\uDFFF": 1}')),
]  # fmt: skip


@pytest.mark.parametrize("value", [case[1] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_requirement_8_what_is_no_token_is_malformed_and_nothing_worse(value: bytes) -> None:
    assert reason(value) == "malformed"


@pytest.mark.parametrize("value", [b"A" * 100_000, update(RING, handle="x" * 100_000), b"." * 4097, b"[" * 1_000_000])
def test_requirement_8_what_is_too_long_is_not_even_looked_at(value: bytes) -> None:
    assert reason(value) == "oversized"


def test_requirement_1_an_update_with_any_byte_changed_is_refused() -> None:
    value = update(RING)

    for place in range(len(value)):
        for byte in {value[place] ^ 1, ord("A"), ord("."), 0} - {value[place]}:
            reason(value[:place] + bytes([byte]) + value[place + 1 :])
        reason(value[:place])


# --- updates: unsigned ------------------------------------------------------------------------------------------------


def test_a_plain_update_is_the_json_object_of_what_changed() -> None:
    assert read_plain_update(b'{"sub": null, "basket": {"id": 7, "count": 1}}', SID) == {
        "sub": None, "basket": {"id": 7, "count": 1}
    }  # fmt: skip
    assert read_plain_update(json.dumps({"sid": SID, "order": "1"}).encode(), SID)["order"] == "1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", "malformed"), (b"sub=4711", "malformed"), (b'{"sub": "1", "sub": "2"}', "malformed"),
        (b"[]", "malformed"),
        (b'{"sub": "' + b"x" * 5000 + b'"}', "oversized"), (b'{"sid": "other"}', "sid"), (b'{"sub": NaN}', "malformed"),
    ],
)  # fmt: skip
def test_requirement_8_a_plain_update_is_read_as_strictly(value: bytes, expected: str) -> None:
    with pytest.raises(BadToken) as refused:
        read_plain_update(value, SID)

    assert refused.value.reason == expected
