"""Views, headers and edits: what a request says, and how it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.model import GUEST, Decision, Edits, Headers, Reply, RequestView, ServerAddress
from router.patterns import PathPattern
from router.rules import Rule, To


def request(path="/", headers=(), **known):
    return RequestView("GET", path, Headers.of(headers), **known)


# --- headers ----------------------------------------------------------------------------------------------------------


def test_header_names_compare_without_case_and_lines_keep_their_order():
    headers = Headers.of([("Accept", "text/html"), ("X-A", "1"), ("accept", "*/*")])

    assert headers.get("ACCEPT") == "text/html, */*"
    assert headers.all("accept") == ["text/html", "*/*"]
    assert "x-a" in headers
    assert "x-b" not in headers
    assert headers.get("x-b") is None
    assert headers.get("x-b", "none") == "none"
    assert list(headers) == [("Accept", "text/html"), ("X-A", "1"), ("accept", "*/*")]
    assert len(headers) == 3


def test_several_cookie_lines_are_one_cookie_header():
    assert Headers.of([("cookie", "a=1"), ("Cookie", "b=2")]).get("cookie") == "a=1; b=2"


def test_headers_do_not_print_their_values():
    assert repr(Headers.of({"Authorization": "secret"})) == "Headers([b'Authorization'])"


def test_bytes_that_are_no_text_are_read_as_latin_1():
    assert Headers([(b"X-Name", b"Gr\xfcn")]).get("x-name") == "Grün"


# --- the request ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=first; a=second", {"a": "first"}),
        ("a = 1 ;\tb= x=y ", {"a": "1", "b": "x=y"}),
        ("lonely; a=1", {"a": "1"}),
        ('a="quoted"; b=', {"a": '"quoted"', "b": ""}),
        ("=nameless", {"": "nameless"}),
        ("", {}),
    ],
)
def test_cookies_are_read_as_they_come_and_the_first_of_a_name_counts(line, cookies):
    assert request(headers={"cookie": line}).cookies == cookies


def test_query_values_are_decoded_and_may_be_several():
    view = request(query="q=gr%C3%BCne+schuhe&tag=a&tag=b&empty=&flag")

    assert view.query_values == {"q": ["grüne schuhe"], "tag": ["a", "b"], "empty": [""], "flag": [""]}
    assert view.target == "/?q=gr%C3%BCne+schuhe&tag=a&tag=b&empty=&flag"
    assert request("/a/").target == "/a/"
    assert request().query_values == {}


@pytest.mark.parametrize(
    ("line", "languages"),
    [
        ("de-AT,de;q=0.8,en;q=0.9", ["de-at", "en", "de"]),
        ("en, de", ["en", "de"]),
        ("de;q=0, en", ["en"]),
        ("de; Q=0.1, en ; q=0.2", ["en", "de"]),
        ("de;q=.8, en", ["en", "de"]),
        ("de;q=, fr;q=nan, it;q=inf, es;q=-1, en;q=2, sv", ["sv"]),
        (",, ;q=1, *;q=0.1", ["*"]),
        ("", []),
    ],
)
def test_languages_come_best_first(line, languages):
    assert request(headers={"accept-language": line}).languages == languages


@given(st.text(st.sampled_from('ab=;, \t"q.01*-&%+'), max_size=40))
def test_no_header_or_query_is_too_odd_to_be_read(text):
    view = request(query=text, headers=[("cookie", text), ("accept-language", text)])

    assert isinstance(view.cookies, dict)
    assert isinstance(view.query_values, dict)
    assert all(language == language.strip().lower() for language in view.languages)


def test_a_name_of_the_path_is_decoded_when_asked_for():
    view = request("/colours/gr%C3%BCn")
    view.params = {"colour": "gr%C3%BCn", "size": "7"}

    assert (view.param("colour"), view.param("size"), view.param("other")) == ("grün", "7", "")


def test_a_visitor_keeps_the_bucket_of_the_split_cookie():
    assert request(headers={"cookie": "inseam-split=1234"}).bucket == 1234
    assert request(headers={"cookie": "__Host-inseam-split=77"}, scheme="https").bucket == 77
    assert request(given_bucket=9).bucket == 9


@pytest.mark.parametrize("said", ["", "-1", "10000", "99999", "1e3", "٣", " ", "+5"])
def test_a_bucket_that_is_none_is_dealt_anew(said):
    view = request(headers={"cookie": f"inseam-split={said}".encode().decode("latin-1")}, allot=lambda: 42)

    assert (view.bucket, view.allotted) == (42, 42)


def test_a_visitor_without_a_bucket_is_dealt_one_once():
    dealt = iter([7, 8])
    view = request(allot=lambda: next(dealt))

    assert view.allotted == -1
    assert (view.bucket, view.bucket, view.allotted) == (7, 7, 7)
    assert request().bucket == 0


def test_of_a_guest_nothing_is_known():
    assert request().visit is GUEST
    assert (GUEST.login, GUEST.items) == (False, 0)


# --- edits and the rest -----------------------------------------------------------------------------------------------


def test_later_edits_have_the_last_word():
    first = Edits(set={"X-A": "1", "X-B": "1"}, add=[("Link", "a"), ("Vary", "a")], remove=["x-c"])
    later = Edits(set={"x-a": "2"}, add=[("Vary", "b")], remove=["LINK"])

    both = first.then(later)

    assert both == Edits(
        set={"X-B": "1", "x-a": "2"}, add=[("Vary", "a"), ("Vary", "b")], remove=["x-c", "LINK"]
    )  # fmt: skip


names = st.sampled_from(["A", "a", "B", "b", "C"])
some_edits = st.builds(
    Edits,
    set=st.dictionaries(names, st.sampled_from("12"), max_size=2),
    add=st.lists(st.tuples(names, st.sampled_from("34")), max_size=2),
    remove=st.lists(names, max_size=2),
)


def _applied(edits: Edits, lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    gone = {name.lower() for name in (*edits.remove, *edits.set)}
    return [*((n, v) for n, v in lines if n.lower() not in gone), *edits.set.items(), *edits.add]


@given(some_edits, some_edits, st.lists(st.tuples(names, st.just("0")), max_size=3))
def test_two_edits_as_one_leave_the_same_headers_as_one_after_the_other(first, later, lines):
    def folded(lines):
        return sorted((name.lower(), value) for name, value in lines)

    assert folded(_applied(first.then(later), lines)) == folded(_applied(later, _applied(first, lines)))


def test_edits_that_change_nothing_are_false():
    assert not Edits()
    assert Edits(remove=["x-a"])
    assert Edits(set={"x-a": ""})
    assert Edits(add=[("x-a", "")])


def test_addresses_and_decisions_print_as_people_write_them():
    assert str(ServerAddress("http", "127.0.0.1", 8001)) == "http://127.0.0.1:8001"
    assert str(ServerAddress("https", "::1", 443)) == "https://[::1]:443"
    rule = Rule("basket", (PathPattern.parse("/basket/"),), To("commerce"))
    assert repr(Decision(rule, "commerce")) == "Decision(rule='basket', system='commerce')"
    assert Reply(204) == Reply(204, [], b"")
