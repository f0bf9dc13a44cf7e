"""The keys file and the ring made of it: what is accepted, what is refused and how it is said."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from forge import NOW

from sessions.errors import KeysError
from sessions.keymaterial import Alg, b64, public_system_key
from sessions.keys import KeyRing


def said(ring: KeyRing) -> Any:
    return json.loads(ring.to_json())


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh(["cms", "commerce"], now=NOW)


@pytest.mark.parametrize("alg", ["ES256", "HS256", "EdDSA"])
def test_a_ring_is_the_same_after_it_was_written_and_read(alg: Alg) -> None:
    ring = KeyRing.fresh(["cms", "commerce"], alg, NOW)

    assert KeyRing.parse(ring.to_json()) == ring


def test_a_systems_public_key_is_the_same_after_it_was_written_and_read(ring: KeyRing) -> None:
    key = public_system_key("cms", public_pem(ed25519.Ed25519PrivateKey.generate()), NOW, "cms.pem", "mine")
    ring = KeyRing(ring.cookie, ring.token, {"cms": (key,)})

    again = KeyRing.parse(ring.to_json())

    assert again == ring
    assert again.systems["cms"][0].alg == "EdDSA"


def test_the_file_may_leave_out_when_keys_were_made(ring: KeyRing) -> None:
    file = said(ring)
    for key in [*file["cookie"], *file["token"], *file["systems"]["cms"]]:
        del key["since"]

    assert KeyRing.parse(json.dumps(file).encode()).cookie[0].since == 0


def test_fresh_keys_are_always_others() -> None:
    one, other = KeyRing.fresh(["cms"], now=NOW), KeyRing.fresh(["cms"], now=NOW)

    assert one != other
    assert len({key.secret for ring in (one, other) for key in ring.cookie}) == 4


def test_requirement_7_fresh_secrets_have_256_bits() -> None:
    ring = KeyRing.fresh(["cms"], "HS256", NOW)

    assert {len(key.secret) for key in ring.cookie} == {32}
    assert {len(key.material) for key in [*ring.token, *ring.systems["cms"]]} == {32}


def test_requirement_6_each_system_has_a_secret_of_its_own_and_never_that_of_the_file() -> None:
    (key, _) = KeyRing.fresh([], "HS256", NOW).token

    assert len({key.secret_of("cms"), key.secret_of("commerce"), key.material}) == 3
    assert len(key.secret_of("cms")) == 32


# --- what is wrong with a file ----------------------------------------------------------------------------------------


def pem_of(private: Any, password: bytes = b"") -> str:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode())


def public_pem(private: Any) -> bytes:
    return bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def p256(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def of_system(**key: str) -> list[dict[str, str]]:
    return [{"kid": "k", **key}]


def put(*path: Any) -> Callable[[Any], None]:
    """A change of the file: all but the last are where, the last is what."""

    def change(file: Any) -> None:
        for step in path[:-2]:
            file = file[step]
        file[path[-2]] = path[-1]

    return change


def same_secret(file: Any) -> None:
    file["systems"]["cms"][0]["secret"] = file["systems"]["commerce"][0]["secret"]


def same_kid(file: Any) -> None:
    file["token"][1]["kid"] = file["cookie"][0]["kid"]


def many_previous(file: Any) -> None:
    for number in range(41):
        key = KeyRing.fresh([]).cookie[0]
        file["cookie"].append({"kid": f"old-{number}", "secret": b64(key.secret), "state": "previous"})


WRONG = [
    (put("version", 2), "version:"),
    (put("cookies", []), "unknown field `cookies`"),
    (put("cookie", 0, "state", "old"), "cookie[0].state:"),
    (put("cookie", 0, "state", "next"), "cookie: no keys are 'current'"),
    (put("token", 1, "state", "current"), "token: 2 keys are 'current'"),
    (put("token", []), "token: no keys are 'current'"),
    (put("cookie", 0, "kid", "../../etc/passwd"), "cookie[0].kid:"),
    (put("cookie", 0, "since", -1), "cookie[0].since:"),
    (put("cookie", 0, "secret", 7), "cookie[0].secret:"),
    (put("cookie", 0, "secret", ""), "cookie[0].secret: not base64url"),
    (put("cookie", 0, "secret", "kein base64!"), "cookie[0].secret: not base64url"),
    (put("cookie", 0, "secret", b64(bytes(range(31)))), "cookie[0].secret: 248 bits, and a secret has 256 at least"),
    (put("cookie", 0, "secret", b64(bytes(32))), "cookie[0].secret: nobody drew this at random"),
    (put("cookie", 0, "secret", b64(public_pem(p256()))), "cookie[0].secret: this is a key of another kind"),
    (put("token", 0, "alg", "RS256"), "token[0].alg:"),
    (put("token", 0, "alg", "none"), "token[0].alg:"),
    (put("token", 0, "alg", "EdDSA"), "token[0].private: not a private key of Ed25519"),
    (put("token", 0, "alg", "HS256"), "token[0].private: a key of HS256 has none"),
    (put("token", 0, "secret", b64(bytes(range(32)))), "token[0].secret: a key of ES256 has none"),
    (put("token", 0, "private", "PEM"), "token[0].private: not a private key of the curve P-256"),
    (put("token", 0, "private", public_pem(p256()).decode()), "token[0].private: not a private key"),
    (put("token", 0, "private", pem_of(p256(), b"password")), "token[0].private: not a private key"),
    (put("token", 0, "private", pem_of(p256(ec.SECP384R1()))), "token[0].private: not a private key"),
    (put("token", 0, "private", pem_of(rsa.generate_private_key(65537, 2048))), "token[0].private: not a private key"),
    (put("systems", "c/ms", []), "systems.'c/ms': this is no system's name"),
    (put("systems", "inseam", []), "systems.'inseam': this is no system's name"),
    (put("systems", "cms", {}), "systems[...]: Expected `array`"),
    (put("systems", "cms", 0, "public", "PEM"), "systems.cms[0].public: a key of HS256 has none"),
    (put("systems", "cms", of_system(alg="ES256", public=pem_of(p256()))), "cms[0].public: this is a private key"),
    (put("systems", "cms", of_system(alg="EdDSA", public=public_pem(p256()).decode())), "systems.cms[0].alg:"),
    (same_secret, "the same as systems."),
    (same_kid, "two keys are named 'cookie-"),
    (many_previous, "cookie: more than 40 keys are 'previous'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), WRONG, ids=[expected for _, expected in WRONG])
def test_what_is_wrong_is_said_with_file_and_place_and_without_a_secret(
    change: Callable[[Any], None], expected: str, ring: KeyRing
) -> None:
    file = said(ring)
    change(file)

    with pytest.raises(KeysError) as refused:
        KeyRing.parse(json.dumps(file).encode(), "shop/keys.json")

    message = str(refused.value)
    assert message.startswith("shop/keys.json: ")
    assert expected in message
    for key in ring.cookie:
        assert b64(key.secret) not in message
    assert "BEGIN" not in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "line 1, column 1: not JSON"),
        (b"{]", "line 1, column 2: not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "Expected `object`"),
        (b'{"version": 1, "version": 1}', "'version' stands twice in one object"),
        (b" " * 300_000, "longer than 256 KB"),
    ],
)
def test_what_is_no_keys_file_is_refused_in_one_line(content: bytes, expected: str) -> None:
    with pytest.raises(KeysError) as refused:
        KeyRing.parse(content, "keys.json")

    assert str(refused.value).startswith(f"keys.json: {expected}")
    assert "\n" not in str(refused.value)


# --- secrets stay secret ----------------------------------------------------------------------------------------------


def test_requirement_7_no_repr_shows_a_secret() -> None:
    ring = KeyRing.fresh(["cms"], "HS256", NOW)

    shown = repr(ring) + str(ring) + repr(ring.signer) + repr(ring.token_current) + f"{ring.systems}"

    assert "cookie-" in shown
    for key in ring.cookie:
        assert repr(key.secret)[2:-1] not in shown
        assert b64(key.secret) not in shown
    for key in (*ring.token, *ring.systems["cms"]):
        assert repr(key.material)[2:-1] not in shown


def test_requirement_7_a_bad_file_leaves_no_secret_in_the_traceback_nor_in_what_caused_it(ring: KeyRing) -> None:
    content = ring.to_json().replace(b'"version": 1', b'"version": 1,,')

    with pytest.raises(KeysError) as refused:
        KeyRing.parse(content)

    error: BaseException | None = refused.value
    shown = "".join(traceback.format_exception(refused.value))
    while error is not None:
        shown += repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    assert "BEGIN PRIVATE" not in shown
    assert all(b64(key.secret) not in shown for key in ring.cookie)


@pytest.mark.parametrize(
    ("pem", "expected"),
    [
        (b"", "not a public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a public key"),
        (public_pem(rsa.generate_private_key(65537, 2048)), "not a public key of P-256"),
        (pem_of(p256()).encode(), "this is a private key, which the system keeps to itself"),
    ],
)
def test_a_system_gives_a_public_key_that_can_be_used_or_hears_why_not(pem: bytes, expected: str) -> None:
    with pytest.raises(KeysError, match=expected):
        public_system_key("cms", pem, NOW, "cms.pem")
