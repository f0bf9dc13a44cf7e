"""Shops in Node and PHP behind the edge: real servers, asked over HTTP. Only those that are here."""

import http.client
import json
import os
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from other_languages import CLIENTS, HERE, LANGUAGES, VECTORS

from sessions import token as edge
from sessions.keys import KeyRing

NOW = VECTORS["now"]
RING = KeyRing.parse(json.dumps(VECTORS["keys_file"]).encode())
NAMED = {one["name"]: one for one in VECTORS["session_tokens"]}
CUSTOMER = NAMED["a customer with everything"]["token"]
SID = NAMED["a customer with everything"]["claims"]["sid"]
FORGED = NAMED["tampered: another sub"]["token"]
SETTINGS = json.dumps({"system": "commerce", "jwks": VECTORS["jwks"], "update_key": VECTORS["update_keys"][1]})


@contextmanager
def node(settings=SETTINGS):
    program = ["node", str(HERE / "site.js"), str(CLIENTS / "node" / "inseam.js"), settings, str(NOW)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        yield int(running.stdout.readline())
        running.stdin.close()
        running.wait(10)


@contextmanager
def php():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"CLIENT": str(CLIENTS / "php" / "inseam.php"), "SETTINGS": SETTINGS, "NOW": str(NOW)}
    command = ["php", "-d", "log_errors=0", "-S", f"127.0.0.1:{port}", str(HERE / "site.php")]
    with subprocess.Popen(
        command, env={**os.environ, **own}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as running:
        try:
            assert b"started" in running.stderr.readline()
            yield port
        finally:
            running.terminate()
            running.wait(10)


@pytest.fixture(scope="module", params=LANGUAGES)
def port(request):
    with {"node": node, "php": php}[request.param]() as port:
        yield port


def get(port, path, token=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Inseam-Session": token} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def ask(port):
    return partial(get, port)


def test_a_page_greets_the_customer_and_becomes_private(ask):
    _, headers, body = ask("/badge", CUSTOMER)

    assert body == "4711|Zoë 🐝|3|de"
    assert (headers["Vary"], headers["Cache-Control"]) == (
        "Accept, Accept-Encoding, Inseam-Session",
        "max-age=60, private",
    )
    assert headers["X-Own"] == "1"


def test_a_page_that_does_not_ask_who_visits_stays_as_it_is(ask):
    _, headers, _ = ask("/plain", CUSTOMER)

    assert (headers["Vary"], headers["Cache-Control"]) == (None, "public, max-age=60")


@pytest.mark.parametrize("token", ["", FORGED, "x", "." * 50_00])
def test_who_has_no_good_token_is_a_guest(ask, token):
    status, _headers, body = ask("/badge", token)

    assert (status, body) == (200, "||0|")


def test_all_that_a_page_says_goes_out_in_one_update(ask):
    _, headers, _ = ask("/say", CUSTOMER)

    (update,) = headers.get_all("Inseam-Update")
    said = edge.read_update(update.encode(), "commerce", SID, RING, NOW)
    assert (said["sub"], said["name"], said["basket"], said["handle"]) == ("7", "Zoë", {"id": "b8", "count": 1}, "h")
    assert said["order"] == "1007"


def test_a_redirect_carries_the_update_of_a_visitor_without_a_session(ask):
    status, headers, _ = ask("/out")

    assert status == 302
    assert edge.read_update(headers["Inseam-Update"].encode(), "commerce", "", RING, NOW)["sub"] is None


def test_what_comes_after_the_headers_is_a_mistake_that_is_told(ask):
    _, headers, body = ask("/late", CUSTOMER)

    assert "a cache may keep the page" in body
    assert headers["Vary"] is None


def test_what_an_update_cannot_say_is_told_where_it_is_said(ask):
    _, headers, body = ask("/much", CUSTOMER)

    assert "512 bytes" in body
    assert headers["Inseam-Update"] is None


@pytest.mark.skipif("node" not in LANGUAGES, reason="node is not here")
def test_a_node_shop_fetches_the_edges_keys_once_whatever_kids_it_is_shown_and_whoever_waits():
    asked, waits = [], threading.Event()

    class Edge(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            waits.wait(5)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(VECTORS["jwks"]).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Edge) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/.inseam/jwks.json"
            with node(json.dumps({"system": "commerce", "jwks": url})) as port:
                with ThreadPoolExecutor(3) as shoppers:
                    early = [shoppers.submit(get, port, "/badge", CUSTOMER) for _ in range(3)]
                    get(port, "/plain")  # all of them are there now
                    waits.set()
                    bodies = [one.result()[2] for one in early]
                bodies += [get(port, "/badge", token)[2] for token in (NAMED["other kid"]["token"], CUSTOMER)]
        finally:
            server.shutdown()
            thread.join()

    assert bodies == ["4711|Zoë 🐝|3|de"] * 3 + ["||0|", "4711|Zoë 🐝|3|de"]
    assert asked == ["/.inseam/jwks.json"]
