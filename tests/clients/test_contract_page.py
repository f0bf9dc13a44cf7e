"""docs/contract.md is what third parties build on: its examples, limits and names are those of the code."""

import importlib.util
import json
import re
import threading
from dataclasses import replace
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from inseam_client import Client, Keys, UpdateKey, Visit
from inseam_client import token as python_client
from inseam_client.wsgi import InseamMiddleware
from other_languages import CLIENTS, ROOT, VECTORS

from router.admin.session_metrics import FAMILIES
from sessions import token as edge
from sessions.bridge import undo_asked
from sessions.errors import BadClaims
from sessions.keys import KeyRing
from sessions.model import (
    MOST_COUNT,
    MOST_HANDLE,
    MOST_ID,
    MOST_LINES,
    MOST_NAME,
    MOST_SUB,
    Basket,
    Line,
    Login,
    Policy,
    Receipt,
    Session,
    read_changes,
)  # fmt: skip

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
NOW = VECTORS["now"]
RING = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def table(title):
    """The cells of the rows whose first cell is code."""
    rows = [line.strip("|").split("|") for line in section(title).splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([^`]+)`", cells[0]), *cells[1:]) for cells in rows]


def names(title):
    return {name for first, *_ in table(title) for name in first}


# --- the example ------------------------------------------------------------------------------------------------------

EXAMPLE = section("An example")
SECRET, TOKEN, UPDATE_SECRET, HEADER = re.findall(r"```text\n(.*?)\n```", EXAMPLE, re.DOTALL)
CLAIMS, SAID = (json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", EXAMPLE, re.DOTALL))


def test_the_token_of_the_example_says_what_stands_below_it():
    jwks = {"keys": [{"kty": "oct", "kid": "token-hs", "k": SECRET}]}

    assert Client("commerce", Keys(jwks)).read(TOKEN, NOW).claims == CLAIMS


def test_the_update_of_the_example_is_what_a_client_makes_of_its_claims():
    assert HEADER.removeprefix("Inseam-Update: ") in [one["token"] for one in VECTORS["updates"]]
    key = UpdateKey.of({"kid": "commerce-hs", "secret": UPDATE_SECRET})
    changes = {name: value for name, value in SAID.items() if name not in ("iss", "aud", "iat", "exp", "sid")}

    signed = Client("commerce", Keys({"keys": []}), key).sign(SAID["sid"], changes, SAID["iat"])

    assert edge.read_update(HEADER.removeprefix("Inseam-Update: ").encode(), "commerce", SAID["sid"], RING, NOW) == SAID
    assert edge.read_update(signed.encode(), "commerce", SAID["sid"], RING, NOW) == {**SAID, "exp": SAID["iat"] + 60}


def test_the_unsigned_update_of_the_page_is_taken_where_the_rules_file_allows_it():
    value = re.search(r"^Inseam-Update: (\{.*\})$", PAGE, re.MULTILINE)[1]

    assert read_changes(edge.read_plain_update(value.encode(), "")).basket == Basket("", 0, 2, "39.80", "EUR")


# --- names and limits -------------------------------------------------------------------------------------------------


def test_the_page_names_every_claim_that_the_edge_sends_and_no_other():
    customer = Basket("b7", 2, 3, "9.00", "EUR", (Line("A", 3),))
    everything = Session(
        "s" * 22, 1, NOW, NOW, login=Login("7", "Anna"), basket=customer, handles={"commerce": "h"},
        receipt=Receipt("b6", NOW, "b6", "b7", "merged", (("A", 3, 3),)),
    )  # fmt: skip
    merging = replace(everything, receipt=None, guest=Basket("b6", 1, 2, lines=(Line("B", 2),)), guest_at=NOW)
    ordered = replace(everything, basket=None, order="1007")
    sent = set()
    for session in (undo_asked(everything, NOW), merging, ordered):
        value, _ = edge.mint(session, "commerce", {}, RING, NOW, Policy())
        sent |= set(edge.read_session_token(value, "commerce", RING, NOW))

    assert names("The session token") - {"alg", "kid", "typ"} == sent


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", "7"), ("basket", {"id": "b", "count": 1}), ("merged", "b6"), ("undone", "b6"), ("order", "1"),
        ("handle", "h"),
    ],
)  # fmt: skip
def test_every_claim_that_a_system_may_say_is_heard(claim, value):
    assert claim in names("The update")

    assert read_changes({claim: value}) != read_changes({})


@pytest.mark.parametrize(
    ("claims", "limit", "told"),
    [
        ({"sub": "x" * 128}, MOST_SUB, "at most 128"),
        ({"order": "x" * 64}, MOST_ID, "at most 64"),
        ({"merged": "x" * 64}, MOST_ID, "at most 64"),
        ({"basket": {"id": "x" * 64, "count": 1_000_000, "rev": 2**53 - 1}}, MOST_COUNT, "to 1,000,000"),
        ({"handle": "x" * 512}, MOST_HANDLE, "at most 512 bytes"),
    ],
)
def test_the_limits_on_the_page_are_those_of_the_edge(claims, limit, told):
    assert told in PAGE
    assert f"{limit:,}" in told or str(limit) in told
    read_changes(claims)

    too_long = json.loads(json.dumps(claims).replace("xx", "xxx", 1).replace("1000000", "1000001"))
    with pytest.raises(BadClaims):
        read_changes(too_long)


def test_the_numbers_of_the_page_are_those_of_edge_and_client():
    assert f"at most {edge.MOST_TOKEN:,} characters" in PAGE
    assert f"at most {edge.MOST_LIFE} s apart; {edge.LEEWAY} s of leeway" in PAGE
    assert f"at most {MOST_LINES} of" in PAGE
    assert f"cut after {MOST_NAME}" in PAGE
    ours = (python_client.MOST_TOKEN, python_client.MOST_LIFE, python_client.LEEWAY, python_client.MOST_HANDLE)
    assert ours == (edge.MOST_TOKEN, edge.MOST_LIFE, edge.LEEWAY, MOST_HANDLE)


def test_a_name_that_is_too_long_is_cut_and_of_too_many_lines_only_the_count_is_kept():
    lines = [{"sku": str(number), "quantity": 1} for number in range(MOST_LINES + 1)]

    changes = read_changes({"sub": "7", "name": "x" * 65, "basket": {"id": "b", "count": 201, "lines": lines}})

    assert (len(changes.login.name), len(changes.basket.lines), changes.basket.count) == (MOST_NAME, 0, 201)


def test_the_page_names_every_reason_for_which_a_token_is_refused():
    known = {one["reason"] for kind in ("session_tokens", "updates") for one in VECTORS[kind]} - {None}

    assert names("Refused") == known | {BadClaims.reason}
    pseudo = section("In any language")
    assert all(re.search(rf"\b{reason}\b", pseudo) for reason in known)


@pytest.mark.parametrize("said", [{"basket": {"id": "b", "count": -1}}, {"basket": {"id": "b", "total": "much"}}])
def test_what_cannot_be_is_refused_as_the_page_says(said):
    with pytest.raises(BadClaims):
        read_changes(said)


def test_the_metrics_of_the_page_are_there():
    there = {f"{name}_total": labels for name, _, labels in FAMILIES.values()}

    told = re.findall(r"`(inseam_\w+)(?:\{([\w,]+)\})?`", PAGE)
    assert len(told) >= 3
    for name, labels in told:
        assert there[name] == tuple(filter(None, labels.split(",")))


# --- trying it --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ask():
    spec = importlib.util.spec_from_file_location("ask", CLIENTS / "ask.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.main


@pytest.fixture
def shop(monkeypatch):
    """A shop on the Python client that says what it is asked to."""
    monkeypatch.setattr(Visit, "clock", staticmethod(lambda: NOW))
    said = []

    def app(environ, start_response):
        for name, value in said:
            if name == "update":
                environ["inseam"].update(**value)
        start_response("200 OK", [("X-Sub", environ["inseam"].sub)] + [line for line in said if line[0] != "update"])
        return [b""]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    client = Client("commerce", Keys(VECTORS["jwks"]), UpdateKey.of(VECTORS["update_keys"][0]))
    with make_server("127.0.0.1", 0, InseamMiddleware(app, client), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield said, f"http://127.0.0.1:{server.server_port}/basket/"
        server.shutdown()
        thread.join()


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(VECTORS["keys_file"]), encoding="ascii")
    return str(file)


def test_the_command_of_the_page_asks_as_the_edge_would(ask, shop, keys, capsys):
    said, url = shop
    said.append(("update", {"basket": {"id": "b8", "count": 3}}))
    command = re.search(r"^python deploy/clients/ask.py (.*)$", section("Trying it"), re.MULTILINE)[1].split()
    given = [{"http://127.0.0.1:8002/basket/": url, "keys.json": keys}.get(word, word) for word in command]

    assert ask(given, NOW) == 0

    told = capsys.readouterr().out
    assert told.startswith("200 OK\nVary: Inseam-Session\nCache-Control: private\n")
    assert 'the update says {"basket": {"id": "b8", "count": 3}}' in told


def test_the_command_says_what_is_wrong_with_an_update(ask, shop, keys, capsys):
    said, url = shop
    forged = next(one["token"] for one in VECTORS["updates"] if one["reason"] == "forged")
    said.append(("Inseam-Update", forged))

    assert ask(["commerce", url, "--keys", keys, "--plain"], NOW) == 1

    assert "the update is refused (forged)" in capsys.readouterr().out
