import pytest

from plugins.cache_control import CacheControl


def test_an_asset_of_which_its_system_says_nothing_may_be_kept(view, response):
    edits = CacheControl("public, max-age=60").on_response(view("/logo.svg", page="asset"), response())

    assert edits.set == {"Cache-Control": "public, max-age=60"}


@pytest.mark.parametrize(
    "headers",
    [{"Cache-Control": "no-store"}, {"Expires": "0"}, {"Pragma": "no-cache"}, {"Set-Cookie": "a=b"}],
)
def test_what_the_system_says_holds_and_a_cookie_is_never_kept(view, response, headers):
    assert CacheControl().on_response(view(page="asset"), response(headers=headers)) is None


@pytest.mark.parametrize(
    "request_",
    [
        {"page": "product"},
        {"page": ""},
        {"page": "asset", "method": "POST"},
        {"page": "asset", "headers": {"Authorization": "Bearer x"}},
    ],
)
def test_nothing_but_plain_assets_may_be_kept(view, response, request_):
    assert CacheControl().on_response(view(**request_), response()) is None


@pytest.mark.parametrize("status", [206, 301, 404, 500])
def test_a_missing_or_broken_asset_is_not_kept(view, response, status):
    assert CacheControl().on_response(view(page="asset"), response(status)) is None


def test_a_request_that_no_rule_owns_is_left_alone(view, response):
    lost = view(page="asset")
    lost.decision = None

    assert CacheControl().on_response(lost, response()) is None


def test_an_empty_value_is_refused():
    with pytest.raises(ValueError, match="value is empty"):
        CacheControl("")
