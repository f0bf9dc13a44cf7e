from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from router.conditions import Between
from router.model import Headers, RequestView
from router.options import (
    Clients,
    HeaderName,
    HeaderValue,
    Method,
    Path,
    Secret,
    SecretDigest,
    Window,
)
from router.patterns import PathPattern


def read(kind: Any, said: object) -> Any:
    return TypeAdapter(kind).validate_python(said)


@pytest.mark.parametrize("name", ["X-Campaign", "x-frame-options", "Strict-Transport-Security"])
def test_a_plugin_may_write_ordinary_headers(name):
    assert read(HeaderName, name) == name


@pytest.mark.parametrize(
    "name",
    ["Inseam-Session", "X-Forwarded-For", "X-Request-Id", "Host", "content-length", "Transfer-Encoding", "Connection",
     "Cookie", "set-cookie", "via", "a b", "a:", "a_b", "", "ä", "a\r\nb"],
)  # fmt: skip
def test_what_the_edge_writes_itself_is_no_plugins_header(name):
    with pytest.raises(ValidationError):
        read(HeaderName, name)


@pytest.mark.parametrize(
    ("value", "good"), [("", True), ("a; b=c", True), ("a\nb", False), (" a", False), ("ä", False)]
)
def test_a_headers_value_is_one_line_of_ascii(value, good):
    try:
        assert read(HeaderValue, value) == value
        assert good
    except ValidationError:
        assert not good


def test_networks_answer_for_a_request():
    office = read(Clients, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])

    asked = {client: office(RequestView("GET", "/", Headers([]), client=client))
             for client in ("10.9.9.9", "2001:db8::1", "192.0.2.7", "192.0.2.8", "")}  # fmt: skip

    assert [client for client, inside in asked.items() if inside] == ["10.9.9.9", "2001:db8::1", "192.0.2.7"]


@pytest.mark.parametrize("said", ["10.0.0.0/8", [10], ["10.0.0.1/8"], ["shop.example"], {"a": 1}, None])
def test_what_is_no_list_of_networks_is_refused(said):
    with pytest.raises(ValidationError, match="networks such as"):
        read(Clients, said)


def test_a_path_answers_for_a_path():
    assert read(Path, "/checkout/**")("/checkout/pay")
    assert read(Path, PathPattern.parse("/a")).exact == "/a"


@pytest.mark.parametrize(
    ("said", "says"), [("checkout", 'write "/checkout"'), (7, "is not a path"), ("/a//b", "slash")]
)
def test_a_bad_path_says_the_way_out(said, says):
    with pytest.raises(ValidationError, match=says):
        read(Path, said)


def test_a_window_has_the_words_of_the_rules():
    assert read(Window, {"from": "2026-06-01", "timezone": "Europe/Berlin"}) == Between(since=1780264800.0)
    assert read(Window, {"until": "2026-06-01T00:00+02:00"}) == Between(until=1780264800.0)
    assert read(Window, Between(1.0)) == Between(1.0)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "no window of time"),
        ({"timezone": "UTC"}, "no window of time"),
        ({"form": "2026-06-01"}, "no window of time"),
        ("tonight", "no window of time"),
        ({"from": "tonight"}, "no date or time"),
        ({"from": 2026}, "are texts"),
        ({"from": "2026-06-01", "timezone": "Europe/Berlni"}, "unknown time zone"),
        ({"from": "2026-06-02", "until": "2026-06-02"}, "ends before it begins"),
    ],
)
def test_a_window_that_means_nothing_is_refused(said, says):
    with pytest.raises(ValidationError, match=says):
        read(Window, said)


def test_a_secret_is_known_by_its_digest_alone():
    secret = read(SecretDigest, Secret.of("wörd").digest)

    assert secret("wörd".encode())
    assert not secret(b"word")
    assert not secret(b"")
    assert repr(secret) == "Secret()"


@pytest.mark.parametrize("said", ["my password", "A" * 64, "0" * 63, 7])
def test_a_secret_in_clear_is_refused_and_not_repeated(said):
    with pytest.raises(ValidationError) as caught:
        read(SecretDigest, said)

    assert "my password" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("method", ["POST", "PURGE", "REPORT", "PROPPATCH", "VERSION-CONTROL", "QUERY"])
def test_a_method_is_a_common_one_or_ones_own(method):
    assert read(Method, method) == method


@pytest.mark.parametrize(("slip", "meant"), [("post", "POST"), ("PSOT", "POST"), ("PATH", "PATCH"), ("GTE", "GET")])
def test_a_slip_in_a_method_is_told(slip, meant):
    with pytest.raises(ValidationError, match=f'"{slip}" is no method: did you mean "{meant}"'):
        read(Method, slip)
