"""What each system gets of a browser's cookies, and what the browser gets of a system's: tables. docs/cookies.md."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jar_browser import Browser

from sessions.jar import HEAVY, Jar, values, weigh, with_kept, without

CLAIMS = {
    "cms": ["sessionid", "csrftoken", "wagtail*"],
    "commerce": ["sessionid", "csrftoken", "oscar_*"],
    "blog": [],
}


@pytest.fixture
def jar():
    return Jar(CLAIMS, login_system="commerce")


def sent(jar, system, line, *cookies, secure=False, rewritten=False, now=1_800_000_000.0):
    return jar.to_browser(system, line, list(cookies), secure, rewritten, now)


# --- to a system: REQUIREMENTS 18 and 20, REAL_SYSTEMS 1 and 3 -------------------------------------------------------


@pytest.mark.parametrize("cookie", [
    b'foo={"a":1}', b"x[y]=1", b"a=b c", b"bareword", b"n\xc3\xa4me=1", b"name=\xe4", b'q="a, b"',
    b'history="[1\\054 3]"', b"e=%3A=;f==", b"=nameless", b"a=1;b=2;  c=3", b"a=1;; b=2;", b"tab=\t1", b"empty=",
    b"INSEAM=1", b"inseam_other=1", b"xinseam=1", b"a~b=1", b"nosuch~sessionid=1", b"__Secure-x=1", b"b64=aW5zZWFt==",
])  # fmt: skip
def test_a_cookie_that_nobody_owns_reaches_every_system_byte_for_byte(jar, cookie):
    for system in CLAIMS:
        assert jar.for_system([cookie], system) == cookie
        assert jar.for_system([b"__Host-inseam=x; " + cookie], system) == cookie
        assert jar.for_system([b"blog~x=1; " + cookie], system).endswith(cookie)


@pytest.mark.parametrize("cookie", [
    b"inseam=abc", b"__Host-inseam=abc", b"inseam-split=12", b"__Host-inseam-split=12", b"inseam-handoff=x", b"inseam",
    b" inseam =abc", b"__Host-inseam-", b'inseam="quoted"', b"~csrftoken=cms", b"commerce~-csrftoken=old",
    b"cms~-csrftoken=old", b"commerce~sessionid",
])  # fmt: skip
def test_the_edges_own_cookies_reach_no_system(jar, cookie):
    for system in CLAIMS:
        assert jar.for_system([b"a=1; " + cookie + b"; b=2"], system) == b"a=1; b=2"
        assert jar.for_system([cookie], system) == b""


@pytest.mark.parametrize(("cookies", "cms", "commerce"), [
    (b"oscar_open_basket=3:x", b"", b"oscar_open_basket=3:x"),
    (b"oscar_history=\"[1\\054 3]\"; wagtail_x=1", b"wagtail_x=1", b"oscar_history=\"[1\\054 3]\""),
    (b"sessionid=before", b"", b"sessionid=before"),
    (b"sessionid=before; cms~sessionid=c", b"sessionid=c", b"sessionid=before"),
    (b"cms~sessionid=c; commerce~sessionid=s", b"sessionid=c", b"sessionid=s"),
    (b"sessionid=planted; cms~sessionid=c; commerce~sessionid=s", b"sessionid=c", b"sessionid=s"),
    (b"csrftoken=c; cms~!csrftoken=c; ~csrftoken=cms", b"csrftoken=c", b""),
    (b"csrftoken=c; cms~!csrftoken=c; ~csrftoken=cms; commerce~!csrftoken=s", b"csrftoken=c", b"csrftoken=s"),
    (b"csrftoken=changed; cms~!csrftoken=c; ~csrftoken=cms", b"csrftoken=changed", b""),
    (b"cms~!csrftoken=c; ~csrftoken=cms", b"", b""),
    (b"cms~!csrftoken=c", b"csrftoken=c", b""),
    (b"csrftoken=s; cms~!csrftoken=c; commerce~!csrftoken=s; ~csrftoken=commerce", b"csrftoken=c", b"csrftoken=s"),
    (b"x=1; blog~x=2", b"", b""),
    (b"__Host-cms~x=1; __Host-commerce~!x=2", b"__Host-x=1", b"__Host-x=2"),
    (b"cms~~!x=1; cms~~-x=2; cms~~~x=3", b"!x=1; -x=2; ~x=3", b""),
    (b"cms~=word; commerce~=other", b"word", b"other"),
])  # fmt: skip
def test_each_system_gets_its_own_cookies_and_never_anothers(jar, cookies, cms, commerce):
    assert jar.for_system([cookies], "cms") == cms
    assert jar.for_system([cookies], "commerce") == commerce
    assert jar.for_system(cookies.split(b"; "), "commerce") == commerce  # HTTP/2 proxies send a line for each


@pytest.mark.parametrize("planted", [
    b"~oscar_open_basket=cms", b"cms~!oscar_open_basket=1; ~oscar_open_basket=cms", b"cms~oscar_open_basket=1",
    b"cms~!oscar_open_basket=1; ~oscar_open_basket=cms; ~oscar_open_basket=cms", b"~oscar_open_basket=nosuch",
    b"oscar_open_basket=2; cms~!oscar_open_basket=1; ~oscar_open_basket=cms",
])  # fmt: skip
def test_nothing_that_is_planted_gives_a_claimed_cookie_to_another_system(jar, planted):
    for cookies in (b"oscar_open_basket=SECRET; " + planted, planted + b"; oscar_open_basket=SECRET"):
        assert b"SECRET" not in jar.for_system([cookies], "cms")
        assert b"SECRET" not in jar.for_system([cookies], "blog")


def test_a_duplicate_from_a_subdomain_reaches_its_system_in_order_as_it_would_without_an_edge(jar):
    planted = b"commerce~sessionid=planted; commerce~sessionid=true; cms~sessionid=c"

    assert jar.for_system([planted], "commerce") == b"sessionid=planted; sessionid=true"
    assert jar.for_system([planted], "cms") == b"sessionid=c"


def test_every_cookie_of_our_name_is_found_so_that_the_first_genuine_one_can_count():
    """REQUIREMENTS 18."""
    lines = [b'inseam=planted; a=inseam; inseam="quoted"', b"xinseam=no;inseam=true=", b"inseam"]

    assert values(lines, b"inseam") == [b"planted", b'"quoted"', b"true="]


def test_two_hundred_cookies_and_eight_kilobytes_in_one_are_sorted_out(jar):
    """REQUIREMENTS 17 and 18."""
    many = b"; ".join([b"c%d=%d" % (number, number) for number in range(200)])
    large = b"large=" + b"x" * 8192

    assert jar.for_system([many + b"; cms~sessionid=1; inseam=2"], "commerce") == many
    assert jar.for_system([large + b"; cms~sessionid=1"], "cms") == large + b"; sessionid=1"


@pytest.mark.parametrize("piece", [b"cms~!x=", b"~x=cms", b"cms~x=", b"x=", b"~", b";", b"cms~!%d=;~%d=cms"])
def test_a_header_made_of_our_own_forms_costs_milliseconds_at_most(jar, piece):
    pieces = [piece % (n, n) if b"%d" in piece else piece for n in range(16_384 // (len(piece) + 1))]
    header = b"; ".join([b"cms~!x=1; ~x=cms", *pieces])
    began = time.perf_counter()

    for system in CLAIMS:
        jar.for_system([header], system)
        jar.reset_script_copies(system, [header], True)
        jar.forget(system, ["*"], [header], True)
        jar.to_browser(system, b"x=1", [header], True)

    assert time.perf_counter() - began < 0.5  # twelve calls; a quadratic one took as long by itself


def test_names_that_are_made_up_do_not_fill_the_memory(jar):
    for number in range(10_000):
        jar.for_system([b"name%d=1; %s=1" % (number, b"n" * 300 + b"%d" % number)], "cms")

    known = jar._names._known
    assert len(known) <= 4096
    assert max(map(len, known)) <= 128


# --- to the browser: REQUIREMENTS 16, REAL_SYSTEMS 2 and 3 -----------------------------------------------------------


@pytest.mark.parametrize(("system", "line", "expected"), [
    ("cms", b"sessionid=a; HttpOnly; Path=/; SameSite=Lax", [b"cms~sessionid=a; HttpOnly; Path=/; SameSite=Lax"]),
    ("cms", b"csrftoken=t; Max-Age=9; Path=/", [
        b"csrftoken=t; Max-Age=9; Path=/",
        b"cms~!csrftoken=t; Max-Age=9; Path=/; HttpOnly",
        b"~csrftoken=cms; Max-Age=9; Path=/; HttpOnly"]),
    ("commerce", b"oscar_open_basket=3:x; Path=/; httponly", [b"oscar_open_basket=3:x; Path=/; httponly"]),
    ("cms", b"oscar_open_basket=3:x; Path=/", [b"cms~oscar_open_basket=3:x; Path=/; HttpOnly"]),
    ("cms", b"commerce~sessionid=evil; Path=/", [b"cms~commerce~sessionid=evil; Path=/; HttpOnly"]),
    ("cms", b"~csrftoken=commerce", [b"cms~~~csrftoken=commerce; HttpOnly"]),
    ("cms", b"=commerce~sessionid=evil", [b"cms~=commerce~sessionid=evil; HttpOnly"]),
    ("cms", b"word; Path=/", [b"cms~=word; Path=/; HttpOnly"]),
    ("cms", b"= __host-sessionid=evil; Path=/", []),  # no browser takes it
    ("cms", b"__Secure-word", []),
    ("cms", b"inseam=forged; Path=/", []),
    ("cms", b"__Host-inseam=forged; Path=/; Secure", []),
    ("cms", b"inseam-split=1", []),
    ("cms", b"wagtail_x=1; Domain=cms.example; Path=/a; SameSite=None", [b"wagtail_x=1; Path=/a; SameSite=None"]),
    ("cms", b"wagtail_x=a=b\"c,d\\e\xff ; domain=.x;PATH=/a ;Odd=1; Partitioned", [b"wagtail_x=a=b\"c,d\\e\xff ;PATH=/a ;Odd=1; Partitioned"]),  # noqa: E501
    ("cms", b"x=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; HttpOnly", [b"cms~x=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; HttpOnly"]),  # noqa: E501
])  # fmt: skip
def test_what_a_system_sets_arrives_under_names_that_cannot_collide(jar, system, line, expected):
    assert sent(jar, system, line) == expected


@pytest.mark.parametrize(("line", "expected"), [
    (b"wagtail_x=1; Path=/", b"wagtail_x=1; Path=/; Secure"),
    (b"wagtail_x=1; Path=/; secure", b"wagtail_x=1; Path=/; secure"),
    (b"__Host-x=1; Path=/; Secure; HttpOnly", b"__Host-cms~x=1; Path=/; Secure; HttpOnly"),
    (b"__host-x=1; Path=/; Secure; HttpOnly", b"__host-cms~x=1; Path=/; Secure; HttpOnly"),
    (b"__Secure-x=1; Path=/; Secure; HttpOnly", b"__Secure-cms~x=1; Path=/; Secure; HttpOnly"),
    (b"p=1; SameSite=None; Partitioned; HttpOnly", b"cms~p=1; SameSite=None; Partitioned; HttpOnly; Secure"),
])  # fmt: skip
def test_under_https_every_cookie_is_secure_and_prefixes_stay_valid(jar, line, expected):
    """REQUIREMENTS 16."""
    assert sent(jar, "cms", line, secure=True) == [expected]


def test_under_http_secure_is_never_removed(jar):
    assert sent(jar, "cms", b"wagtail_x=1; Secure; Path=/") == [b"wagtail_x=1; Secure; Path=/"]


def test_a_readable_cookie_with_a_prefix_is_valid_in_all_its_forms(jar):
    browser = Browser()

    for line in sent(jar, "cms", b"__Host-x=1; Path=/; Secure", secure=True):
        browser.receive(line, b"/a/b", 0, secure=True)

    assert [one.name for one in browser.sent(b"/")] == [b"__Host-x", b"__Host-cms~!x", b"__Host-~x"]
    assert jar.for_system(browser.header(b"/"), "cms") == b"__Host-x=1"
    assert jar.for_system(browser.header(b"/"), "commerce") == b""


@pytest.mark.parametrize(("line", "expected"), [
    (b"wagtail_x=1; Path=/inner/; Max-Age=9", b"wagtail_x=1; Max-Age=9; Path=/"),
    (b"wagtail_x=1", b"wagtail_x=1; Path=/"),
])  # fmt: skip
def test_where_the_rule_rewrites_paths_a_cookie_holds_for_the_whole_shop(jar, line, expected):
    assert sent(jar, "cms", line, rewritten=True) == [expected]


DJANGO = b'sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax'


def test_a_cms_that_deletes_a_session_it_does_not_know_does_not_log_the_shopper_out(jar):
    """REAL_SYSTEMS 3: the rare, random logout."""
    browser = Browser()
    for line in sent(jar, "commerce", b"sessionid=shopper; Path=/; HttpOnly"):
        browser.receive(line, b"/", 0)

    for line in sent(jar, "cms", DJANGO, *browser.header(b"/")):
        browser.receive(line, b"/", 0)

    assert jar.for_system(browser.header(b"/"), "commerce") == b"sessionid=shopper"


def test_nor_does_it_when_the_session_is_from_before_there_was_an_edge(jar):
    browser = Browser()
    browser.receive(b"sessionid=shopper; Path=/; HttpOnly", b"/", 0)

    for line in sent(jar, "cms", DJANGO, *browser.header(b"/")):
        browser.receive(line, b"/", 0)

    assert jar.for_system(browser.header(b"/"), "commerce") == b"sessionid=shopper"


ENDS = [
    b"; Max-Age=0", b"; max-age=-1", b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    b"; expires=Thu, 01-Jan-1970 00:00:01 GMT", b"; Expires=Thursday, 01-Jan-70 00:00:00 GMT",
    b"; Expires=Thu Jan  1 00:00:00 1970", b"; Expires=Thu, 14 Jan 2027 00:00:00 GMT",
    b"; Max-Age=0; Expires=Wed, 21 Oct 2099 07:28:00 GMT", DJANGO.partition(b";")[2].join([b";", b""]),
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", [b"sessionid", b"oscar_x", b"wagtail_x", b"other", b"~odd", b"__Host-h"])
@pytest.mark.parametrize("hidden", [b"", b"; HttpOnly"])
def test_a_deletion_of_any_kind_leaves_nothing_of_the_systems_cookie(jar, name, hidden, end):
    browser, now = Browser(), 1_800_000_000.0
    end = end if b"Path" in end else end + b"; Path=/"
    for line in sent(jar, "cms", name + b"=1; Path=/" + hidden, secure=True, now=now):
        browser.receive(line, b"/", now, secure=True)
    assert jar.for_system(browser.header(b"/"), "cms") == name + b"=1"

    for line in sent(jar, "cms", name + b'=""' + end, *browser.header(b"/"), secure=True, now=now):
        browser.receive(line, b"/", now, secure=True)

    assert browser.header(b"/") == []


@pytest.mark.parametrize("end", [
    b"; Max-Age=1", b"; Max-Age=soon", b"; Expires=never", b"; Expires=0", b"; Expires=Fri, 31 Feb 2025 00:00:00 GMT",
    b"; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"; Expires=Wed, 21-Oct-69 07:28:00 GMT",
])  # fmt: skip
def test_what_is_no_deletion_to_a_browser_is_none_to_the_jar(jar, end):
    assert len(sent(jar, "blog", b"x=1; Path=/" + end)) == 3


def test_a_deletion_is_said_with_the_systems_own_bytes(jar):
    assert sent(jar, "cms", DJANGO, b"cms~sessionid=1") == [b"cms~" + DJANGO]


def test_a_cookie_that_becomes_readable_or_stops_being_so_leaves_no_stale_form(jar):
    browser = Browser()
    for attributes in (b"", b"; HttpOnly", b"", b"; HttpOnly"):
        for line in sent(jar, "cms", b"x=" + (attributes or b"1") + b"; Path=/" + attributes, *browser.header(b"/")):
            browser.receive(line, b"/", 0)

        assert len(values([jar.for_system(browser.header(b"/"), "cms")], b"x")) == 1


def test_lines_keep_their_order_and_one_cookie_never_shares_a_line(jar):
    """REQUIREMENTS 16."""
    answer = [b'oscar_history="[1\\054 3]"; Path=/', b"csrftoken=t; Path=/", b"sessionid=s; HttpOnly; Path=/"]

    lines = [line for each in answer for line in sent(jar, "commerce", each)]

    assert [line.partition(b"=")[0] for line in lines] == [
        b"oscar_history", b"csrftoken", b"commerce~!csrftoken", b"~csrftoken", b"commerce~sessionid",
    ]  # fmt: skip


# --- page scripts ----------------------------------------------------------------------------------------------------


def test_a_page_script_reads_the_csrf_token_of_the_system_whose_page_it_is(jar):
    browser = Browser()
    for system in ("cms", "commerce"):
        for line in sent(
            jar, system, b"csrftoken=" + system.encode() + b"; Path=/; Max-Age=900", *browser.header(b"/")
        ):
            browser.receive(line, b"/", 0)
    assert browser.document_cookie(b"/") == [b"csrftoken=commerce"]

    for line in jar.reset_script_copies("cms", browser.header(b"/"), secure=False):
        browser.receive(line, b"/", 0)

    assert browser.document_cookie(b"/") == [b"csrftoken=cms"]
    assert jar.for_system(browser.header(b"/"), "cms") == b"csrftoken=cms"
    assert jar.for_system(browser.header(b"/"), "commerce") == b"csrftoken=commerce"
    assert jar.reset_script_copies("cms", browser.header(b"/"), secure=False) == []


def test_a_reset_gives_way_to_what_the_answer_sets_itself(jar):
    cookies = [b"csrftoken=s; cms~!csrftoken=c; commerce~!csrftoken=s; ~csrftoken=commerce"]

    assert jar.reset_script_copies("cms", cookies, True, [b"csrftoken=new; Path=/"]) == []
    assert jar.reset_script_copies("cms", cookies, True) == [
        b"csrftoken=c; Path=/; SameSite=Lax; Secure",
        b"~csrftoken=cms; Path=/; SameSite=Lax; Secure; HttpOnly",
    ]


def test_a_token_from_before_there_was_an_edge_survives_that_the_cms_sets_its_own(jar):
    browser = Browser()
    browser.receive(b"csrftoken=shops; Path=/; Max-Age=900", b"/", 0)

    for line in sent(jar, "cms", b"csrftoken=cms; Path=/; Max-Age=900", *browser.header(b"/")):
        browser.receive(line, b"/", 0)

    assert jar.for_system(browser.header(b"/"), "commerce") == b"csrftoken=shops"
    assert jar.for_system(browser.header(b"/"), "cms") == b"csrftoken=cms"


# --- forget, repair, budget ------------------------------------------------------------------------------------------


def test_a_login_that_ended_elsewhere_is_forgotten_in_one_system_alone(jar):
    cookies = b"cms~sessionid=c; commerce~sessionid=s; oscar_open_basket=3; consent=yes"

    lines = jar.forget("commerce", ["sessionid", "oscar_*", "consent"], [cookies], True)

    assert lines == [
        b"commerce~sessionid=; Path=/; SameSite=Lax; Secure; Max-Age=0",
        b"oscar_open_basket=; Path=/; SameSite=Lax; Secure; Max-Age=0",
    ]
    assert jar.forget("commerce", ["sessionid"], [b"sessionid=before"], False) == [
        b"sessionid=; Path=/; SameSite=Lax; Max-Age=0"
    ]
    assert jar.forget("cms", ["sessionid"], [b"sessionid=before"], False) == []


def test_cookies_are_left_out_of_a_request_and_missing_ones_added():
    header = b'a=1; sessionid=x; b="; c"; sessionid=y'

    assert without(header, ["session*"]) == b'a=1; b="; c"'
    assert with_kept(header, {b"a": b"2", b"oscar_open_basket": b"3:x"}) == header + b"; oscar_open_basket=3:x"
    assert with_kept(b"", {b"oscar_open_basket": b"3:x"}) == b"oscar_open_basket=3:x"


def test_the_weight_of_the_cookies_is_known_before_it_hurts():
    """REQUIREMENTS 17."""
    light = weigh([b"a=1; b=2"])
    heavy = weigh([b"a=1; tracking=" + b"x" * HEAVY + b"; word; inseam=" + b"s" * 20, b"b=2"])

    assert (light.total, light.heavy) == (8, False)
    assert heavy.heavy
    assert heavy.heaviest == ((b"tracking", HEAVY + 9), (b"inseam", 27), (b"", 4))


# --- properties ------------------------------------------------------------------------------------------------------

OCTETS = st.binary(max_size=12).map(lambda text: bytes(octet for octet in text if octet not in b";\r\n\0"))
ODD_NAMES = st.one_of(
    OCTETS.map(lambda name: name.replace(b"=", b"").strip()),
    st.text("~!-=x_", max_size=4).map(lambda name: name.replace("=", "").encode()),
    st.sampled_from([b"sessionid", b"cms~sessionid", b"commerce~!x", b"~x", b"__Host-x", b"__Host-~x", b"oscar_x"]),
)


@given(name=ODD_NAMES, value=OCTETS, hidden=st.booleans(), system=st.sampled_from(sorted(CLAIMS)))
def test_what_a_system_sets_it_gets_back_and_another_never_does(name, value, hidden, system):
    jar, browser = Jar(CLAIMS, "commerce"), Browser()
    value = value.strip(b" \t")
    line = name + b"=" + value + b"; Path=/" + (b"; HttpOnly" if hidden else b"")
    alone = Browser()
    alone.receive(line + b"; Secure", b"/", 0, secure=True)

    for each in jar.to_browser(system, line, [], True):
        browser.receive(each, b"/", 0, secure=True)

    ours = name in (b"inseam", b"__Host-inseam") or name.startswith((b"inseam-", b"__Host-inseam-"))
    for other in CLAIMS:
        expected = b"; ".join(alone.header(b"/")) if other == system and not ours else b""
        assert jar.for_system(browser.header(b"/"), other) == expected


@given(header=st.binary(max_size=60).map(lambda text: text.replace(b"~", b"").strip()))
def test_bytes_of_any_kind_that_are_nobodys_pass_as_they_are(header):
    jar = Jar({"cms": [], "commerce": []})

    if b"inseam" not in header:
        assert jar.for_system([header], "cms") == header.lstrip(b" \t")


@given(header=st.binary(max_size=80), line=st.binary(max_size=80))
def test_no_bytes_break_the_jar(header, line):
    jar = Jar(CLAIMS, "commerce")

    for system in CLAIMS:
        jar.for_system([header], system)
        jar.to_browser(system, line, [header], True)
        jar.reset_script_copies(system, [header], True)
        jar.forget(system, ["*"], [header], True)
    weigh([header])
