import pytest

from plugins.security_headers import SecurityHeaders

ALL = SecurityHeaders(csp="default-src 'self'", frame_options="DENY")


def test_a_system_that_says_nothing_gets_all_of_them(view, response):
    edits = ALL.on_response(view(scheme="https"), response())

    assert edits.set == {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=()",
        "X-Frame-Options": "DENY",
        "Strict-Transport-Security": "max-age=31536000",
        "Content-Security-Policy": "default-src 'self'",
    }
    assert not edits.add
    assert not edits.remove


def test_strict_transport_is_only_said_under_https(view, response):
    assert "Strict-Transport-Security" not in ALL.on_response(view(scheme="http"), response()).set


def test_what_a_system_set_stays(view, response):
    theirs = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(self)",
        "x-frame-options": "SAMEORIGIN",
        "strict-transport-security": "max-age=60",
        "content-security-policy": "default-src 'none'",
    }

    assert not ALL.on_response(view(scheme="https"), response(headers=theirs))


def test_override_replaces_everything_but_the_content_security_policy(view, response):
    plugin = SecurityHeaders(csp="default-src 'self'", override=True)
    theirs = {"Referrer-Policy": "unsafe-url", "Content-Security-Policy": "script-src 'sha256-x'"}

    edits = plugin.on_response(view(scheme="https"), response(headers=theirs))

    assert edits.set["Referrer-Policy"] == "same-origin"
    assert "Content-Security-Policy" not in edits.set


@pytest.mark.parametrize("page", ["basket", "checkout", "payment", "order"])
def test_requirement_29_a_payment_page_keeps_its_own_policy_and_gets_none_of_ours(view, response, page):
    plugin = SecurityHeaders(csp="default-src 'self'", override=True)
    theirs = {"Content-Security-Policy": "script-src 'self'", "Integrity-Policy": "blocked-destinations=(script)"}

    for headers in (theirs, {}):
        edits = plugin.on_response(view(page=page, system="commerce"), response(headers=headers))
        touched = {*edits.set, *edits.remove, *(name for name, _ in edits.add)}
        assert not touched & {"Content-Security-Policy", "Integrity-Policy"}


def test_requirement_27_the_address_of_a_checkout_page_reaches_no_other_site(view, response):
    edits = SecurityHeaders().on_response(view("/checkout/?step=pay", page="checkout"), response())

    assert edits.set["Referrer-Policy"] == "same-origin"


def test_an_empty_option_leaves_its_header_out(view, response):
    plugin = SecurityHeaders(hsts="", nosniff=False, referrer_policy="", permissions_policy="")

    assert not plugin.on_response(view(scheme="https"), response())


def test_hsts_without_a_time_is_refused():
    with pytest.raises(ValueError, match="max-age=SECONDS"):
        SecurityHeaders(hsts="includeSubDomains")
