"""Anything at all as a token: a BadToken, soon. REQUIREMENTS, 8."""

from __future__ import annotations

import json
import random
import time

import pytest
from forge import NOW, SESSION, SID, claims, signed, update
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.errors import BadClaims, BadToken
from sessions.keys import KeyRing
from sessions.model import Policy, read_changes
from sessions.token import mint, read_plain_update, read_session_token, read_update

RING = KeyRing.fresh(["cms", "commerce"], now=NOW)
KEY = RING.systems["commerce"][0]
MUTATIONS = 20_000


def hear(value: bytes) -> bool:
    """Whether anything about it was believed. Whatever it raises beyond a BadToken fails the test."""
    try:
        read_update(value, "commerce", SID, RING, NOW)
    except BadToken:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=5000) | st.from_regex(rb"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,50}"))
def test_requirement_8_random_bytes_are_never_believed_and_never_more_than_a_bad_token(value: bytes) -> None:
    assert not hear(value)
    with pytest.raises(BadToken):
        read_session_token(value, "commerce", RING, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["iss", "aud", "iat", "exp", "nbf", "sid", "sub", "name", "basket", "order", "handle", "merged"]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(names, json_values, max_size=4), st.dictionaries(names, json_values, max_size=3))
def test_requirement_8_a_system_that_is_hacked_can_sign_anything_and_break_nothing(
    changed: dict[str, object], in_basket: dict[str, object]
) -> None:
    text = json.dumps(claims(**{"basket": in_basket, **changed})).encode()

    for value, plain in ((signed(text, KEY.kid, KEY.material), False), (text, True)):
        try:
            said = read_plain_update(value, SID) if plain else read_update(value, "commerce", SID, RING, NOW)
            read_changes(said)
        except (BadToken, BadClaims):
            pass


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "cty", "x"]), json_values, max_size=5))
def test_requirement_1_whatever_a_head_says_only_the_right_key_and_algorithm_count(head: dict[str, object]) -> None:
    assert not hear(signed(json.dumps(claims()).encode(), KEY.kid, b"x" * 32, head))


def test_requirement_8_twenty_thousand_mutated_tokens_cost_well_below_a_millisecond_each() -> None:
    chance = random.Random(8)
    session_token = mint(SESSION, "commerce", {}, RING, NOW, Policy())[0]
    good = [update(RING), update(RING, basket={"id": "b", "lines": [{"sku": "a"}] * 20}), session_token]
    mutated = [mutation(chance, chance.choice(good)) for _ in range(MUTATIONS)]

    begun = time.process_time()
    believed = [value for value in mutated if hear(value)]
    mean = (time.process_time() - begun) / MUTATIONS

    assert not believed
    assert mean < 0.000_5


def mutation(chance: random.Random, value: bytes) -> bytes:
    """A token that is not quite what it was."""
    text = bytearray(value)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 30])):
        place = chance.randrange(len(text))
        match chance.randrange(6):
            case 0:
                text[place] ^= 1 << chance.randrange(8)
            case 1:
                text[place] = chance.choice(b'AZaz09_-.=+/ \0\n{["')
            case 2:
                del text[place : place + chance.randrange(1, 9)]
                text += b"" if text else b"A"
            case 3:
                text[place:place] = bytes(chance.choices(b"ABCDwxyz0189-_.", k=chance.randrange(1, 9)))
            case 4:
                text[place:place] = text[: chance.randrange(200)]
            case _:
                other = chance.randrange(len(text))
                text[place], text[other] = text[other], text[place]
    return bytes(text) if bytes(text) != value else bytes(text[1:])
