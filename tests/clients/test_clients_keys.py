"""A system's keys: what `inseam keys export` prints is all it needs, and what is of no use is told at its start."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from inseam_client import BadKeys, Keys, UpdateKey, client_of
from inseam_client.keys import FETCH_AGAIN
from other_languages import VECTORS

from router.__main__ import main

JWKS = json.dumps(VECTORS["jwks"])
KID = VECTORS["jwks"]["keys"][0]["kid"]
URL = "https://shop.example/.inseam/jwks.json"


class Published:
    """Where the edge publishes its keys; counts how often it is asked."""

    def __init__(self):
        self.text, self.asked, self.now = JWKS, [], 0.0

    def __call__(self, url):
        self.asked.append(url)
        if not self.text:
            raise OSError("nobody there")
        return self.text

    def clock(self):
        return self.now

    def keys(self):
        return Keys(URL, self, self.clock)


@pytest.fixture
def published():
    return Published()


def test_keys_at_an_address_are_fetched_once(published):
    keys = published.keys()
    assert published.asked == []

    assert keys.get(KID).algorithm_name == "ES256"
    assert keys.get(KID) is keys.get(KID)

    assert published.asked == [URL]


def test_a_kid_that_nobody_knows_is_no_way_to_make_the_system_ask_all_the_time(published):
    keys = published.keys()

    for number in range(100):
        assert keys.get(f"unknown-{number}") is None
    assert len(published.asked) == 1

    published.now += FETCH_AGAIN
    assert keys.get("unknown") is None
    assert len(published.asked) == 2


def test_whoever_comes_while_the_keys_are_fetched_waits_for_them(published):
    begun, go = threading.Event(), threading.Event()

    def slow(url):
        begun.set()
        go.wait(5)
        return published(url)

    keys = Keys(URL, slow, published.clock)
    with ThreadPoolExecutor(4) as visitors:
        early = [visitors.submit(keys.get, KID) for _ in range(4)]
        begun.wait(5)
        go.set()

        assert all(one.result(5) is not None for one in early)
    assert published.asked == [URL]


def test_a_rotation_needs_no_restart(published):
    keys = published.keys()
    keys.get(KID)
    published.text = JWKS.replace(KID, "token-new")
    published.now += FETCH_AGAIN

    assert keys.get("token-new") is not None


def test_keys_stay_when_the_edge_cannot_be_asked(published, caplog):
    keys = published.keys()
    keys.get(KID)
    published.text = ""
    published.now += FETCH_AGAIN

    assert keys.get("token-new") is None
    assert keys.get(KID) is not None
    assert "nobody there" in caplog.text


@pytest.mark.parametrize(
    ("jwks", "says"),
    [
        ("{", "no JWKS"),
        ('{"keys": 7}', "no JWKS"),
        ('{"keys": [{"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}]}', "key 'r': only ES256, EdDSA and HS256"),
        ('{"keys": [{"kty": "oct", "kid": "s", "k": "c2hvcnQ"}]}', "key 's': the secret has 5 bytes, and must have 32"),
        ('{"keys": [{"kty": "EC", "crv": "P-256", "alg": "HS256", "kid": "c", "x": "AA", "y": "AA"}]}', "key 'c'"),
        ('{"keys": [{"kty": "EC", "crv": "P-256", "kid": "c", "x": "AA", "y": "AA"}]}', "key 'c'"),
        ('{"keys": [{"kty": "EC", "crv": "P-384", "kid": "c", "x": "AA", "y": "AA"}]}', "key 'c'"),
    ],
)
def test_keys_of_no_use_are_told_by_name(jwks, says):
    with pytest.raises(BadKeys, match=says):
        Keys(jwks)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ({}, "needs a kid"),
        ({"kid": "k", "alg": "RS256"}, "HS256, ES256 or EdDSA"),
        ({"kid": "k", "alg": "HS256", "secret": "c2hvcnQ"}, "update key 'k': the secret has 5 bytes"),
        ({"kid": "k", "alg": "ES256", "private": "-----BEGIN PUBLIC KEY-----"}, "private key as PEM"),
    ],
)
def test_an_update_key_of_no_use_is_told(key, says):
    with pytest.raises(BadKeys, match=says):
        UpdateKey.of(key)


def test_no_secret_shows_when_a_key_is_printed():
    key = VECTORS["update_keys"][0]

    assert key["secret"] not in repr(UpdateKey.of(key))


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "HS256"])
def test_what_the_edge_exports_is_all_that_a_system_needs(alg, tmp_path, capsys):
    file = str(tmp_path / "keys.json")
    assert main(["keys", "init", "--keys", file, "--system", "commerce", "--alg", alg]) == 0
    capsys.readouterr()

    assert main(["keys", "export", "commerce", "--keys", file, "--format", "json"]) == 0
    from_json = client_of(json.loads(capsys.readouterr().out))
    assert main(["keys", "export", "commerce", "--keys", file]) == 0
    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    from_lines = client_of({**os.environ, **{name: value.strip("'") for name, value in lines.items()}})

    assert from_json.system == from_lines.system == "commerce"
    assert from_json.update_key == from_lines.update_key
    assert from_lines.update_key.alg == "HS256"


def test_a_system_that_only_reads_needs_no_update_key():
    client = client_of({"system": "cms", "jwks": VECTORS["jwks"]})

    with pytest.raises(ValueError, match="inseam keys export"):
        client.sign("", {"sub": None}, 0)


@pytest.mark.parametrize("said", [{}, {"system": "cms"}, {"INSEAM_JWKS": "{}"}])
def test_a_system_without_settings_is_told_where_they_come_from(said):
    with pytest.raises(BadKeys, match="inseam keys export"):
        client_of(said)
