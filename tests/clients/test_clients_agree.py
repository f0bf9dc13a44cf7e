"""Odd tokens by the hundred: what one client believes, all believe, and the edge would have said. Nobody crashes."""

import importlib.util
import json
import random

import pytest
from inseam_client import BadToken, Client, Keys
from other_languages import CLIENTS, LANGUAGES, VECTORS, judged

from sessions import token as edge
from sessions.errors import BadToken as EdgeRefused
from sessions.keys import KeyRing

SEED, HOW_MANY = 20261122, 800
NOW = VECTORS["now"]

_spec = importlib.util.spec_from_file_location("make_vectors", CLIENTS / "make_vectors.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)

VALUES = [
    None, True, 0, -1, 1.5, 1e300, 2**53, 2**64, "", "x", "7" * 200, "\u0000", "\ud800", "é", [1], ["commerce"], {},
    {"a": {"b": 1}}, NOW, NOW + 299, NOW - 61, str(NOW), float(NOW), "commerce", "inseam",
]  # fmt: skip
"""What may stand for any claim and in any head. Not an empty list: PHP cannot tell it from an empty object."""

CLAIMS = ["iss", "aud", "iat", "exp", "nbf", "sid", "sub", "basket", "ctx", "name", "handle", "order", "receipt", "new"]
HEADS = ["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"]
NAMES = ["ES256", "EdDSA", "HS256", "token-es", "token-hs", "inseam-session+jwt", "INSEAM-SESSION+JWT"]


def odd_tokens():
    """Tokens with another claim, head or byte here and there, most of them rightly signed."""
    chance = random.Random(SEED)
    while True:
        key, claims = chance.choice([make.ES, make.ED, make.HS]), dict(chance.choice([make.GUEST, make.CUSTOMER]))
        kind = chance.randrange(4)
        if kind == 0:
            claims[chance.choice(CLAIMS)] = chance.choice(VALUES)
            claims.pop(chance.choice(CLAIMS), None)
            yield make.token(key, claims)
        elif kind == 1:
            head = {chance.choice(HEADS): chance.choice([*VALUES, *NAMES])}
            yield make.token(key, claims, **{"typ": make.SESSION_TYP, **head})
        elif kind == 2:
            payload = bytearray(make.compact(claims))
            payload[chance.randrange(len(payload))] = chance.choice(b'"{}[]:,\\u019 eE.+-\xff\x00')
            payload.insert(chance.randrange(len(payload)), chance.choice(b'"{}[]:,\\ \n\t0'))
            yield make.token(key, bytes(payload))
        else:
            letters = list(make.token(key, claims))
            letters[chance.randrange(len(letters))] = chance.choice("abcXYZ019_-.+/= \n\té")
            yield "".join(letters)


TOKENS = [one for one, _ in zip(odd_tokens(), range(HOW_MANY), strict=False)]


@pytest.fixture(scope="module")
def pythons():
    client = Client("commerce", Keys(VECTORS["jwks"]))

    def judge(token):
        try:
            return client.read(token, NOW).claims
        except BadToken:
            return None

    return [judge(token) for token in TOKENS]


def test_what_python_believes_the_edge_would_have_said(pythons):
    ring = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())
    believed = [(token, claims) for token, claims in zip(TOKENS, pythons, strict=True) if claims is not None]

    assert HOW_MANY // 10 < len(believed) < HOW_MANY // 2
    for token, claims in believed:
        try:
            assert edge.read_session_token(token.encode(), "commerce", ring, NOW) == claims
        except EdgeRefused as refused:  # the edge is stricter about JSON that it would never write
            assert refused.reason == "malformed"  # noqa: PT017


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_another_language_believes_python_believes_too(language, pythons, tmp_path):
    vectors = {**VECTORS, "session_tokens": [{"token": token} for token in TOKENS], "updates": [], "made": []}

    theirs = [one["claims"] for one in judged(language, vectors, tmp_path)["session_tokens"]]

    differ = [
        token for token, one, other in zip(TOKENS, pythons, theirs, strict=True) if (one is None) != (other is None)
    ]
    assert differ == []
