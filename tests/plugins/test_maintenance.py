import ipaddress
import json

import pytest

from plugins.maintenance import Maintenance
from router.conditions import Between, Client
from router.model import Reply
from router.options import Secret
from router.patterns import PathPattern

NIGHT = Between(since=1000.0, until=4600.0)


def test_a_closed_shop_says_so_and_when_to_come_back(view):
    reply = Maintenance(title="Back <soon>").on_request(view(headers={"Accept": "text/html"}))

    headers = dict(reply.headers)
    assert reply.status == 503
    assert headers["Retry-After"] == "600"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].startswith("text/html")
    assert b"<h1>Back &lt;soon&gt;</h1>" in reply.body
    assert b"id1" in reply.body


def test_a_script_hears_it_as_json(view):
    reply = Maintenance(message="Tonight only.").on_request(view(headers={"Accept": "application/json"}))

    said = json.loads(reply.body)
    assert dict(reply.headers)["Content-Type"] == "application/problem+json"
    assert (said["status"], said["detail"], said["request_id"]) == (503, "Tonight only.", "id1")


@pytest.mark.parametrize(
    ("path", "closed"),
    [("/checkout", True), ("/checkout/payment/", True), ("/checkouts", False), ("/", False), ("/basket/add/7", True)],
)
def test_only_the_named_paths_are_closed(view, path, closed):
    plugin = Maintenance(paths=(PathPattern.parse("/checkout/**"), PathPattern.parse("/basket/**")))

    assert isinstance(plugin.on_request(view(path)), Reply) is closed


@pytest.mark.parametrize(
    ("now", "retry_after"), [(999.9, None), (1000.0, "3600"), (4599.5, "1"), (4600.0, None), (9999.0, None)]
)
def test_the_window_opens_and_ends_by_itself(view, now, retry_after):
    reply = Maintenance(between=NIGHT).on_request(view(now=now))

    assert (reply and dict(reply.headers)["Retry-After"]) == retry_after


SECRET = Secret.of("0123456789abcdef")
BY_SECRET = Maintenance(bypass_cookie="preview", bypass_header="X-Preview", secret=SECRET)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Cookie": "a=b; preview=0123456789abcdef"}, True),
        ({"X-Preview": "0123456789abcdef"}, True),
        ({"Cookie": "preview=0123456789abcdee"}, False),
        ({"Cookie": "preview="}, False),
        ({"Cookie": f"preview={SECRET.digest}"}, False),
        ({"Cookie": "preview=\xe4\xf6\xfc"}, False),
        ({"Cookie": "other=0123456789abcdef"}, False),
        ({}, False),
    ],
)
def test_who_carries_the_secret_passes(view, headers, passes):
    assert (BY_SECRET.on_request(view(headers=headers)) is None) is passes


@pytest.mark.parametrize(("client", "passes"), [("10.1.2.3", True), ("192.0.2.1", False), ("", False)])
def test_who_comes_from_the_office_passes(view, client, passes):
    plugin = Maintenance(bypass_clients=Client((ipaddress.ip_network("10.0.0.0/8"),)))

    assert (plugin.on_request(view(client=client)) is None) is passes


def test_without_a_bypass_nobody_passes(view):
    assert Maintenance().on_request(view(headers={"Cookie": "=x; a=b"})) is not None


@pytest.mark.parametrize("options", [{"secret": SECRET}, {"bypass_cookie": "preview"}, {"bypass_header": "X-Preview"}])
def test_a_secret_and_a_place_for_it_go_together(options):
    with pytest.raises(ValueError, match="give both, or neither"):
        Maintenance(**options)


def test_the_secret_does_not_show():
    assert SECRET.digest not in repr(BY_SECRET)


def test_closing_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="nothing would be closed"):
        Maintenance(paths=())
