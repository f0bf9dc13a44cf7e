"""Forms that were open when somebody logged in: issue 3, part 1, and journey 4. REQUIREMENTS 9, 20 and 34."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jar_browser import Browser

from sessions.jar import Jar, values
from sessions.openforms import FIRST_BYTES, OpenForms, unmasked

RECORDED = json.loads((Path(__file__).parent / "openforms_django.json").read_text())["vectors"]
"""What Django 5.2 itself made."""

BEFORE = RECORDED[0]["secret"].encode()
AFTER = RECORDED[1]["secret"].encode()
OLD_FORM = RECORDED[0]["tokens"][0].encode()
NEW_FORM = RECORDED[1]["tokens"][0].encode()
FORGED = RECORDED[2]["tokens"][0].encode()

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b'multipart/form-data; boundary="----b0undary"'


@pytest.fixture
def forms():
    return OpenForms("commerce", "csrftoken", "csrfmiddlewaretoken", "X-CSRFToken", "django", grace=600)


def parts(*pairs):
    head = b'------b0undary\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return b"".join([head % pair for pair in pairs]) + b"------b0undary--\r\n"


COOKIES = [b"commerce~-csrftoken=" + BEFORE + b"; commerce~!csrftoken=" + AFTER + b"; a=1"]
SENT = b"csrftoken=" + AFTER + b"; a=1"


# --- Django's masks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", RECORDED)
def test_the_secret_under_a_mask_is_the_one_that_django_put_there(recorded):
    for token in (recorded["secret"], recorded["old_cookie"], *recorded["tokens"]):
        assert unmasked(token.encode()) == recorded["secret"].encode()


@pytest.mark.parametrize(
    "token", [b"", b"a" * 31, b"a" * 33, b"a" * 63, b"a" * 65, b"-" * 32, b"\xe4" * 64, b"a" * 4096]
)
def test_what_is_no_token_has_no_secret(token):
    assert unmasked(token) == b""


# --- the whole way ----------------------------------------------------------------------------------------------------


class Visit:
    """A browser, the jar and the forms of one system, as the edge puts them together."""

    def __init__(self, forms, secure=True):
        self.jar = Jar({"cms": ["csrftoken"], "commerce": ["csrftoken"]}, "commerce")
        self.forms, self.browser, self.now, self.secure = forms, Browser(), 0.0, secure

    def sends(self, body=b"", token=b"", kind=URLENCODED):
        """The value of csrftoken that the system is sent with a form."""
        cookies = self.browser.header(b"/")
        self.sent = self.jar.for_system(cookies, "commerce")
        self.value = self.forms.chosen("POST", kind, token, cookies, self.sent, self.secure, body)
        return values([self.forms.replaced(self.sent, self.value) if self.value else self.sent], b"csrftoken")

    def hears(self, secret):
        """The system sets its cookie in the answer."""
        cookies = self.browser.header(b"/")
        sent = self.jar.for_system(cookies, "commerce")
        line = b"csrftoken=" + secret + b"; Max-Age=31449600; Path=/; SameSite=Lax"
        if self.forms.reverts(line, sent, getattr(self, "value", b"")):
            return
        kept = self.forms.keep(line, sent, self.secure)
        for each in self.jar.to_browser("commerce", line, cookies, self.secure) + ([kept] if kept else []):
            self.browser.receive(each, b"/", self.now, self.secure)

    def forgets(self):
        for line in self.forms.forget(self.browser.header(b"/"), self.secure):
            self.browser.receive(line, b"/", self.now, self.secure)

    def waits(self, seconds):
        self.now += seconds
        self.browser.expire(self.now)


@pytest.fixture(params=[True, False], ids=["https", "http"])
def visit(forms, request):
    visit = Visit(forms, request.param)
    visit.hears(BEFORE)
    visit.hears(AFTER)  # a login in another tab
    return visit


def test_a_form_that_was_open_before_a_login_is_sent_with_the_secret_it_was_made_with(visit):
    assert visit.sends(b"csrfmiddlewaretoken=" + OLD_FORM + b"&quantity=2") == [BEFORE]


def test_a_form_opened_after_the_login_is_sent_with_the_new_secret(visit):
    assert visit.sends(b"csrfmiddlewaretoken=" + NEW_FORM + b"&quantity=2") == [AFTER]


def test_a_forged_form_is_sent_as_it_would_be_without_an_edge_and_the_system_refuses_it(visit):
    assert visit.sends(b"csrfmiddlewaretoken=" + FORGED) == [AFTER]
    assert visit.sends(b"quantity=2") == [AFTER]


def test_after_the_grace_time_only_the_new_secret_stands(visit):
    visit.waits(601)

    assert visit.sends(b"csrfmiddlewaretoken=" + OLD_FORM) == [AFTER]


def test_after_a_logout_nothing_is_kept(visit):
    visit.forgets()

    assert visit.sends(b"csrfmiddlewaretoken=" + OLD_FORM) == [AFTER]
    assert visit.forms.forget(visit.browser.header(b"/"), visit.secure) == []


def test_the_system_never_sees_the_former_value_beside_its_own(visit):
    """REQUIREMENTS 20."""
    cookies = visit.browser.header(b"/")

    assert visit.jar.for_system(cookies, "commerce") == b"csrftoken=" + AFTER
    assert visit.jar.for_system(cookies, "cms") == b""
    assert BEFORE not in b"".join(visit.browser.document_cookie(b"/"))


def test_the_answer_to_an_old_form_does_not_bring_the_old_secret_back(visit):
    """Django sets the secret again that it was sent, whenever the answer has a form."""
    visit.sends(b"csrfmiddlewaretoken=" + OLD_FORM)

    visit.hears(BEFORE)

    assert visit.sends(b"csrfmiddlewaretoken=" + NEW_FORM) == [AFTER]
    assert visit.sends(b"csrfmiddlewaretoken=" + OLD_FORM) == [BEFORE]


def test_a_secret_that_is_only_sent_again_is_no_change(forms):
    old_cookie = RECORDED[1]["old_cookie"].encode()  # a Django before 4.0 masks it anew each time

    for again in (AFTER, old_cookie):
        assert forms.keep(b"csrftoken=" + again + b"; Path=/", SENT, True) == b""


def test_what_is_kept_can_be_read_by_no_script_and_planted_by_no_subdomain(forms):
    line = forms.keep(b"csrftoken=" + BEFORE + b"; Path=/", SENT, True)

    assert line == (b"__Host-commerce~-csrftoken=" + AFTER + b"; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure")


def test_under_https_a_former_value_without_the_prefix_counts_for_nothing(forms):
    body = b"csrfmiddlewaretoken=" + OLD_FORM

    assert forms.chosen("POST", URLENCODED, b"", COOKIES, SENT, False, body) == BEFORE
    assert forms.chosen("POST", URLENCODED, b"", COOKIES, SENT, True, body) == b""


@pytest.mark.parametrize("line", [
    b"sessionid=1", b"csrftoken=; Max-Age=0", b'csrftoken=""; expires=Thu, 01 Jan 1970 00:00:00 GMT', b"xcsrftoken=1",
    b"",
])  # fmt: skip
def test_nothing_is_kept_where_the_secret_is_not_changed(forms, line):
    assert forms.keep(line, SENT, True) == b""
    assert forms.keep(b"csrftoken=" + BEFORE, b"a=1", True) == b""


# --- where the token stands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "body"), [
    (URLENCODED, b"csrfmiddlewaretoken=" + OLD_FORM),
    (URLENCODED, b"next=%2F&csrfmiddlewaretoken=" + OLD_FORM + b"&a=" + b"x" * 90_000),
    (b"Application/X-WWW-Form-URLEncoded; charset=utf-8", b"csrfmiddlewaretoken=" + OLD_FORM + b"&a"),
    (MULTIPART, parts((b"a", b"1\r\n"), (b"csrfmiddlewaretoken", OLD_FORM), (b"file", b"x" * 90_000))),
    (b"multipart/form-data; boundary=----b0undary; charset=x", parts((b"csrfmiddlewaretoken", OLD_FORM))),
    (MULTIPART, parts((b"csrfmiddlewaretoken", OLD_FORM))[:160]),
])  # fmt: skip
def test_the_token_is_found_in_the_first_bytes_of_a_form(forms, kind, body):
    assert forms.wants_body("POST", kind, b"", COOKIES, SENT, False)
    assert forms.chosen("POST", kind, b"", COOKIES, SENT, False, body) == BEFORE


@pytest.mark.parametrize(("kind", "body"), [
    (URLENCODED, b"xcsrfmiddlewaretoken=" + OLD_FORM),
    (URLENCODED, b"a=csrfmiddlewaretoken=" + OLD_FORM),
    (URLENCODED, b"csrfmiddlewaretoken=" + OLD_FORM[:63]),
    (URLENCODED, b"csrfmiddlewaretoken=" + OLD_FORM[:32]),
    (URLENCODED, b"a=" + b"x" * FIRST_BYTES + b"&csrfmiddlewaretoken=" + OLD_FORM),
    (MULTIPART, b"csrfmiddlewaretoken=" + OLD_FORM),
    (b"multipart/form-data", parts((b"csrfmiddlewaretoken", OLD_FORM))),
    (b"multipart/form-data; boundary=", parts((b"csrfmiddlewaretoken", OLD_FORM))),
    (b"application/json", b"csrfmiddlewaretoken=" + OLD_FORM),
    (b"", b"csrfmiddlewaretoken=" + OLD_FORM),
])  # fmt: skip
def test_a_look_alike_is_not_taken_for_the_token(forms, kind, body):
    assert forms.chosen("POST", kind, b"", COOKIES, SENT, False, body) == b""


def test_a_form_that_comes_byte_by_byte_is_decided_once_and_rightly(forms):
    body = b"next=%2F&csrfmiddlewaretoken=" + OLD_FORM + b"&a=1"

    said = [forms.chosen("POST", URLENCODED, b"", COOKIES, SENT, False, body[:end]) for end in range(len(body) + 1)]

    assert set(said) == {b"", BEFORE}
    assert said.index(BEFORE) == body.index(b"&a=1")


def test_a_token_in_the_header_needs_no_body(forms):
    assert forms.header == "X-CSRFToken"
    for token, value in ((OLD_FORM, BEFORE), (BEFORE, BEFORE), (NEW_FORM, AFTER), (AFTER, AFTER)):
        assert not forms.wants_body("POST", URLENCODED, token, COOKIES, SENT, False)
        assert forms.chosen("DELETE", b"application/json", token, COOKIES, SENT, False) == value


def test_a_script_that_reads_the_token_of_the_other_systems_page_is_understood(forms):
    """Two tabs: the shop's was loaded first, then the CMS's, whose token is now the one that scripts read."""
    other = RECORDED[3]["secret"].encode()
    cookies = [b"csrftoken=" + other + b"; cms~!csrftoken=" + other + b"; ~csrftoken=cms; commerce~!csrftoken=" + AFTER]

    assert forms.chosen("POST", b"", other, cookies, SENT, True) == other
    body = b"csrfmiddlewaretoken=" + other
    assert forms.chosen("POST", URLENCODED, b"", cookies, SENT, True, body) == b""  # any site can send that one


@pytest.mark.parametrize(("method", "cookies", "sent"), [
    ("GET", COOKIES, SENT),
    ("HEAD", COOKIES, SENT),
    ("POST", [b"commerce~!csrftoken=" + AFTER], SENT),
    ("POST", [b"commerce~-csrftoken=" + AFTER], SENT),
    ("POST", COOKIES, b"a=1"),
    ("POST", COOKIES, SENT + b"; csrftoken=planted"),
    ("POST", [b"cms~-csrftoken=" + BEFORE], SENT),
    ("POST", [b"commerce~-csrftoken=1; commerce~-csrftoken=2"], SENT),
])  # fmt: skip
def test_nearly_every_request_goes_on_without_a_look_into_its_body(forms, method, cookies, sent):
    assert not forms.wants_body(method, URLENCODED, b"", cookies, sent, False)


@pytest.mark.parametrize(("cookie", "token"), [
    (b"plain-value", b"plain-value"), (b"a%2Bb%3D", b"a+b="), (b'"quoted"', b"quoted"),
])  # fmt: skip
def test_where_the_token_equals_the_cookie_it_is_compared_as_browsers_write_it(cookie, token):
    forms = OpenForms("shop", "form_key", "form_key", "", "equal", grace=600)
    cookies, sent = [b"shop~-form_key=" + cookie + b"; form_key=new"], b"form_key=new"
    written = token.replace(b"+", b"%2B").replace(b"=", b"%3D")

    assert forms.wants_body("POST", URLENCODED, b"", cookies, sent, False)
    assert forms.chosen("POST", URLENCODED, b"", cookies, sent, False, b"form_key=" + written) == cookie
    assert forms.chosen("POST", URLENCODED, b"", cookies, sent, False, b"form_key=other") == b""


def test_only_the_one_cookie_is_changed_in_what_the_system_is_sent(forms):
    sent = b'a="1; csrftoken=x;b=\xff ;  csrftokens=y'

    assert forms.replaced(sent, b"NEW") == b'a="1; csrftoken=NEW;b=\xff ;  csrftokens=y'


# --- hostile ----------------------------------------------------------------------------------------------------------


def test_a_form_made_of_tokens_costs_less_than_a_millisecond(forms):
    many = (b"csrfmiddlewaretoken=" + FORGED + b"&") * 1000
    began = time.perf_counter()

    for _ in range(20):
        forms.chosen("POST", URLENCODED, FORGED, COOKIES, SENT, False, many)

    assert (time.perf_counter() - began) / 20 < 0.005  # a busy machine has five times its time


@given(body=st.binary(max_size=200), kind=st.sampled_from([URLENCODED, MULTIPART]) | st.binary(max_size=30),
       token=st.binary(max_size=70), cookies=st.binary(max_size=90))  # fmt: skip
def test_no_bytes_break_the_forms(body, kind, token, cookies):
    for scheme in ("django", "equal"):
        forms = OpenForms("commerce", "csrftoken", "csrfmiddlewaretoken", "X-CSRFToken", scheme, 600)
        for lines in ([cookies], COOKIES):
            forms.wants_body("POST", kind, token, lines, SENT, False)
            forms.chosen("POST", kind, token, lines, SENT, False, b"csrfmiddlewaretoken=" + body)
        forms.keep(cookies, SENT, True)
        forms.reverts(cookies, SENT, token)
        forms.forget([cookies], True)
