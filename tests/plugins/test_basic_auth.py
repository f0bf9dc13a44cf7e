import base64

import pytest

from plugins.basic_auth import BasicAuth
from router.model import Reply
from router.options import Secret
from router.patterns import PathPattern

PLUGIN = BasicAuth(users={"agency": Secret.of("pass:wörd"), "cms": Secret.of("other")}, realm="the new shop")


def sent(text: str | bytes, scheme: str = "Basic") -> dict[str, str]:
    raw = text.encode() if isinstance(text, str) else text
    return {"Authorization": f"{scheme} {base64.b64encode(raw).decode()}"}


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_who_knows_the_password_enters_and_the_systems_do_not_see_it(view, scheme):
    edits = PLUGIN.on_request(view(headers=sent("agency:pass:wörd", scheme)))

    assert edits.remove == ["Authorization"]
    assert not edits.set


@pytest.mark.parametrize(
    "headers",
    [
        {},
        sent("agency:wrong"),
        sent("agency:other"),
        sent("nobody:pass:wörd"),
        sent("nobody:"),
        sent("agency"),
        sent(b"\xff\xfe:\x00"),
        sent("agency:pass:wörd", "Bearer"),
        {"Authorization": "Basic ###"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic \xe4\xf6"},
    ],
)
def test_everybody_else_is_asked(view, headers):
    reply = PLUGIN.on_request(view(headers=headers))

    assert isinstance(reply, Reply)
    assert reply.status == 401
    assert ("WWW-Authenticate", 'Basic realm="the new shop", charset="UTF-8"') in reply.headers
    assert ("Cache-Control", "no-store") in reply.headers


def test_the_payment_provider_calls_back_without_a_password(view):
    plugin = BasicAuth({"agency": Secret.of("x")}, open_paths=(PathPattern.parse("/payment/callback/**"),))

    assert plugin.on_request(view("/payment/callback/7", method="POST")) is None
    assert isinstance(plugin.on_request(view("/payment/callbacks")), Reply)


def test_the_digests_do_not_show():
    assert Secret.of("other").digest not in repr(PLUGIN)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"users": {}}, "nobody could enter"),
        ({"users": {"a:b": Secret.of("x")}}, "colon"),
        ({"users": {"a": Secret.of("x")}, "realm": 'a"b'}, "quotes"),
    ],
)
def test_options_that_cannot_work_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        BasicAuth(**options)
