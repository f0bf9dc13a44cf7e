"""Every client and the edge judge the same tokens and updates, and judge them alike. REQUIREMENTS, 1, 2, 5, 6 and 8."""

import importlib.util
import json
from dataclasses import replace

import pytest
from inseam_client import BadToken, Client, Keys, UpdateKey, client_of
from inseam_client.token import read_claims
from other_languages import CLIENTS, COMMANDS, LANGUAGES, VECTORS, judged

from sessions import token as edge
from sessions.errors import BadToken as EdgeRefused
from sessions.keymaterial import public_system_key
from sessions.keys import KeyRing
from sessions.model import Basket, Line, Login, Policy, Receipt, Session

NOW, SYSTEM, ISSUER = VECTORS["now"], VECTORS["system"], VECTORS["issuer"]
UPDATE_TYPES = ("inseam-update+jwt", "jwt", "")
RING = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())

session_token = pytest.mark.parametrize("one", VECTORS["session_tokens"], ids=lambda one: one["name"])
update = pytest.mark.parametrize("one", VECTORS["updates"], ids=lambda one: one["name"])
each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def commerce():
    return Client(SYSTEM, Keys(VECTORS["jwks"]))


def test_the_clients_of_all_languages_are_tried():
    missing = [language for language in COMMANDS if language not in LANGUAGES]

    if missing:
        pytest.skip(f"not here, so not tried: the clients for {' and '.join(missing)} (make clients-test brings them)")


def test_the_vectors_are_what_their_script_makes():
    spec = importlib.util.spec_from_file_location("make_vectors", CLIENTS / "make_vectors.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert script.text() == script.FILE.read_text(encoding="ascii")


# --- what a system is sent --------------------------------------------------------------------------------------------


@session_token
def test_python_believes_what_is_right_and_nothing_else(commerce, one):
    if one["reason"] is None:
        assert commerce.read(one["token"], NOW).claims == one["claims"]
    else:
        with pytest.raises(BadToken) as refused:
            commerce.read(one["token"], NOW)
        assert refused.value.reason == one["reason"]


@session_token
def test_the_edges_own_reader_agrees_about_session_tokens(one):
    if one["reason"] in (None, "sid", "claims"):  # what the edge says cannot be wrong to itself
        assert edge.read_session_token(one["token"].encode(), SYSTEM, RING, NOW)["iss"] == ISSUER
    else:
        with pytest.raises(EdgeRefused) as refused:
            edge.read_session_token(one["token"].encode(), SYSTEM, RING, NOW)
        assert refused.value.reason == one["reason"]


@update
def test_the_edge_believes_the_updates_that_are_right_and_no_others(one):
    if one["reason"] is None:
        assert edge.read_update(one["token"].encode(), SYSTEM, one["sid"], RING, NOW) == one["claims"]
    else:
        with pytest.raises(EdgeRefused) as refused:
            edge.read_update(one["token"].encode(), SYSTEM, one["sid"], RING, NOW)
        assert refused.value.reason == one["reason"]


@update
def test_python_reads_updates_by_the_same_rules(one):
    keys = Keys(VECTORS["update_jwks"])

    def read():
        return read_claims(one["token"], keys, issuer=SYSTEM, audience=ISSUER, typ=UPDATE_TYPES, now=NOW)

    if one["reason"] in (None, "sid"):  # whose update it is, only the edge can know
        assert read()["iss"] == SYSTEM
    else:
        with pytest.raises(BadToken) as refused:
            read()
        assert refused.value.reason == one["reason"]


@each_language
def test_another_language_judges_every_vector_as_python_does(language, tmp_path):
    found = judged(language, VECTORS, tmp_path)

    for kind in ("session_tokens", "updates"):
        assert len(found[kind]) == len(VECTORS[kind])
        for one, its in zip(VECTORS[kind], found[kind], strict=True):
            whose = kind == "updates" and one["reason"] == "sid"
            assert its["reason"] == (None if whose else one["reason"]), one["name"]
            if one["reason"] is None:
                assert its["claims"] == one["claims"], one["name"]


# --- what a system says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", VECTORS["update_keys"], ids=lambda key: key["alg"])
@pytest.mark.parametrize("one", VECTORS["made"], ids=lambda one: one["name"])
def test_the_edge_reads_what_python_says(key, one):
    client = Client(SYSTEM, Keys(VECTORS["jwks"]), UpdateKey.of(key))

    said = client.sign(one["sid"], one["changes"], NOW)

    assert edge.read_update(said.encode(), SYSTEM, one["sid"], RING, NOW) == one["claims"]


@each_language
def test_the_edge_reads_what_another_language_says(language, tmp_path):
    found = judged(language, VECTORS, tmp_path)["made"]

    assert [len(with_key) for with_key in found] == [len(VECTORS["made"])] * len(VECTORS["update_keys"])
    for with_key in found:
        for one, said in zip(VECTORS["made"], with_key, strict=True):
            assert edge.read_update(said.encode(), SYSTEM, one["sid"], RING, NOW) == one["claims"], one["name"]


# --- what the edge mints today ----------------------------------------------------------------------------------------

SESSION = Session(
    "0123456789012345678901", 3, NOW, NOW,
    login=Login("4711", "Zoë"), basket=Basket("b7", 12, 3, "59.70", "EUR"), handles={"commerce": "h", "cms": "no"},
    receipt=Receipt("r1", NOW, "b6", "b7", "capped", (("A-1", 5, 3),)),
)  # fmt: skip


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "HS256"])
def test_what_the_edge_mints_every_client_reads_and_what_they_say_the_edge_reads(alg, tmp_path):
    now = NOW
    ring = KeyRing.fresh([SYSTEM, "cms"], alg, now)
    key = ring.systems[SYSTEM][0]
    minted, _ = edge.mint(SESSION, SYSTEM, {"language": "de", "country": "AT", "device": "mobile"}, ring, now, Policy())
    exported = {
        "system": SYSTEM, "issuer": ISSUER, "jwks": json.loads(edge.jwks_for(ring, SYSTEM)),
        "update_key": {"kid": key.kid, "alg": key.alg, "secret": key.text},
    }  # fmt: skip
    client = client_of(exported)

    visitor = client.read(minted.decode(), now)

    assert (visitor.sub, visitor.name, visitor.basket.count, visitor.handle) == ("4711", "Zoë", 3, "h")
    assert (visitor.language, visitor.country, visitor.device) == ("de", "AT", "mobile")
    assert visitor.receipt["outcome"] == "capped"
    said = client.sign(visitor.sid, {"basket": None, "order": "1"}, now)
    assert edge.read_update(said.encode(), SYSTEM, visitor.sid, ring, now)["order"] == "1"
    for language in LANGUAGES:
        its = judged(
            language,
            {**exported, "now": now, "session_tokens": [{"token": minted.decode()}], "updates": [],
             "update_jwks": {"keys": []}, "update_keys": [exported["update_key"]],
             "made": [{"sid": visitor.sid, "changes": {"sub": None}}]},
            tmp_path,
        )  # fmt: skip
        assert its["session_tokens"][0]["claims"] == visitor.claims
        assert edge.read_update(its["made"][0][0].encode(), SYSTEM, visitor.sid, ring, now)["sub"] is None


def test_a_merge_of_two_hundred_articles_does_not_make_a_guest_of_the_customer(commerce):
    many = tuple(Line(f"article-{number}", 1) for number in range(200))
    session = replace(SESSION, receipt=None, guest=Basket("b6", 1, 200, lines=many), guest_at=NOW, basket=None)
    ring = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())

    minted, _ = edge.mint(session, SYSTEM, {}, ring, NOW, Policy())

    assert commerce.read(minted.decode(), NOW).sub == "4711"


def test_a_shop_that_signs_with_a_key_pair_is_understood():
    key = next(key for key in VECTORS["update_keys"] if key["alg"] == "ES256")
    pem = next(one["public"] for one in VECTORS["keys_file"]["systems"][SYSTEM] if one["alg"] == "ES256")
    fresh = KeyRing.fresh(["cms"])
    ring = KeyRing(
        fresh.cookie, fresh.token, {SYSTEM: (public_system_key(SYSTEM, pem.encode(), 0, "key.pem", "mine"),)}
    )
    client = Client(SYSTEM, Keys({"keys": []}), UpdateKey.of({**key, "kid": "mine"}))

    said = client.sign("", {"sub": "7"}, NOW)

    assert edge.read_update(said.encode(), SYSTEM, "", ring, NOW)["sub"] == "7"
