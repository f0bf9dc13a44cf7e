"""Paths: one spelling for each, and a refusal for those that two servers could read differently."""

from __future__ import annotations

import tracemalloc
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import AmbiguousPath, BadRequest, ClientError
from router.wire.target import canonical, readings


@pytest.mark.parametrize(
    ("path", "spelt"),
    [
        ("/", "/"),
        ("/catalogue/blue-chair_12/", "/catalogue/blue-chair_12/"),
        ("/a!$&'()*+,=:@~b", "/a!$&'()*+,=:@~b"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/c.", "/a..b/c."),
        ("/%63atalogue", "/catalogue"),  # RFC 3986, 6.2.2.2
        ("/%7Euser/%2d%5f", "/~user/-_"),
        ("/caf%c3%a9", "/caf%C3%A9"),  # RFC 3986, 6.2.2.1
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/100%25/x", "/100%25/x"),
        ("/a%2Cb%40", "/a%2Cb%40"),  # a reserved character and its escape are two things: RFC 3986, 2.2
        ("/%E6%97%A5%E6%9C%AC", "/%E6%97%A5%E6%9C%AC"),
        ("/%22%3C%3E%5B%5D%5E%60%7B%7C%7D", "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D"),
    ],
)
def test_a_path_has_one_spelling(path: str, spelt: str):
    assert canonical(path.encode()) == spelt.encode()


@pytest.mark.parametrize(
    "path",
    [
        "//", "//checkout", "/checkout//", "/a//b",
        "/.", "/..", "/./", "/../", "/a/./b", "/a/../b", "/a/..",
        "/%2e", "/%2E%2e", "/a/%2e%2e/b", "/a/.%2e", "/a/%2e./b",
        "/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/a%5Cb", "/a\\b", "/\\",
        "/a;b", "/a;b=c/d", "/;", "/a/..;/b",
        "/a%00", "/a%0d%0a", "/a%1f", "/a%7f", "/a%09", "/%0a",
        "/%2563heckout", "/%252e%252e/", "/%252f", "/%25%36%33heckout", "/%25%32%66", "/%25%32e", "/%252%66",
        "/%%36%33", "/%", "/a%2", "/a%zz", "/a%u0063", "/a% 63", "/%-1",
        "/%c0%af", "/%c0%ae%c0%ae/", "/%e0%80%af", "/%ff", "/%80", "/%c3", "/%c3%28", "/%ed%a0%80", "/%f5%80%80%80",
        "/x%ef%bc%8f..%ef%bc%8fcheckout", "/x/%ef%bc%8e%ef%bc%8e/checkout", "/x/%e2%80%a5/checkout", "/..%c2%a0",
        "/x/..%3b/checkout", "/x/..%20/basket/..%c2%ad", "/x/%c2%ad..%3b/basket/..%e2%88%95%ef%bc%9fx", "/.%e2%80%8b.",
        "/e%cc%81", "/%e1%84%80%e1%85%a1", "/%e2%84%ab", "/chec%e2%84%aaout",
    ],
)  # fmt: skip
def test_a_path_that_two_servers_could_read_differently_is_refused(path: str):
    """RFC 3986, 7.3; REQUIREMENTS, 24."""
    with pytest.raises(AmbiguousPath):
        canonical(path.encode())


@pytest.mark.parametrize("path", ['/a"b', "/a<b>", "/a[b]", "/a^b", "/a`b", "/a{b}", "/a|b"])
def test_a_character_that_must_be_encoded_is_refused_plainly(path: str):
    with pytest.raises(BadRequest):
        canonical(path.encode())


_HARD = st.sampled_from(
    ["/", ".", "..", "%2e", "%2f", "%5c", "%25", "%", "2", "5", "63", "%36%33", "%c3%a4", "%e2%84%aa", "a", "A", "~",
     "+", ",", ";", "\\", ":", "%20", "%zz", "checkout", "%ef%bc%8f", "%ef%bc%8e", "%ef%bc%85", "%cc%81", "%00"]
)  # fmt: skip
_PATHS = st.lists(_HARD, max_size=10).map(lambda parts: ("/" + "".join(parts)).encode())


@given(_PATHS)
def test_what_is_canonical_stays_so(path: bytes):
    try:
        once = canonical(path)
    except ClientError:
        return

    assert canonical(once) == once


@given(_PATHS)
def test_a_canonical_path_says_the_same_as_the_path_that_came(path: bytes):
    try:
        once = canonical(path)
    except ClientError:
        return

    assert unquote(once.decode(), errors="strict") == unquote(path.decode(), errors="strict")
    assert unquote(once.decode()).split("/") == [unquote(segment) for segment in once.decode().split("/")]


@pytest.mark.parametrize(
    "path",
    ["/", "/checkout", "/catalogue/blue-chair_12/", "/a.b/c-d", "/a:b", "/.well-known/x", "/a/..b", "/a$b'(c)*,=@!~"],
)
def test_an_ordinary_path_has_no_other_reading(path: str):
    assert readings(path) == ()


@pytest.mark.parametrize(
    ("path", "reading"),
    [
        ("/Checkout/pay", "/checkout/pay"),  # file systems and collations without case
        ("/CHECKOUT", "/checkout"),
        ("/checkout.", "/checkout"),  # Windows
        ("/checkout...", "/checkout"),
        ("/.../checkout", "/checkout"),
        ("/checkout%20/pay", "/checkout/pay"),
        ("/%20checkout", "/checkout"),
        ("/checkout.%20.", "/checkout"),
        ("/checkout%C2%A0", "/checkout"),
        ("/checkout%E3%80%80/", "/checkout/"),
        ("/checkout%C2%85", "/checkout"),
        ("/checkout::$data", "/checkout"),
        ("/checkout:$i30:$index_allocation/pay", "/checkout/pay"),
        ("/checkout+", "/checkout"),  # a blank in forms
        ("/%EF%BD%83heckout", "/checkout"),  # full width: UTS 46, NFKC
        ("/%E2%92%B8heckout", "/checkout"),
        ("/ba%C5%BFket", "/basket"),  # long s
        ("/ch%C3%A9ckout", "/checkout"),  # collations without accents
        ("/check%C2%ADout", "/checkout"),  # a soft hyphen
        ("/check%E2%80%8Bout", "/checkout"),  # a space without width
        ("/%EF%BB%BFcheckout", "/checkout"),  # a byte order mark
        ("/%EF%BC%8Fcheckout", "/checkout"),  # a full-width slash
        ("/x%EF%BC%BCcheckout", "/x/checkout"),  # a full-width backslash
        ("/checkout%EF%BC%9Ba=b/pay", "/checkout/pay"),  # a full-width semicolon
        ("/checkout%EF%BC%9Fa", "/checkout"),
        ("/checkout%EF%BC%83a", "/checkout"),
        ("/%EF%BC%8563heckout", "/checkout"),  # a full-width percent sign
        ("/%EF%BC%85EF%EF%BC%85BD%EF%BC%8583heckout", "/checkout"),
        ("/K%C3%84se", "/k%C3%A4se"),  # spelt as rules spell it
        ("/K%C3%84se", "/kase"),
    ],
)
def test_the_other_readings_of_a_path_are_known(path: str, reading: str):
    assert canonical(path.encode()) == path.encode()
    assert reading in readings(path)


@given(_PATHS)
def test_a_reading_is_a_path_in_lower_case(path: bytes):
    try:
        ways = readings(canonical(path).decode())
    except ClientError:
        return

    for way in ways:
        assert way.startswith("/")
        assert unquote(way) == unquote(way).casefold()


@pytest.mark.parametrize(
    ("path", "spelt"), [("/tag/c%23/", "/tag/c%23/"), ("/what%3f", "/what%3F"), ("/a%3bb", "/a%3Bb")]
)
def test_an_encoded_delimiter_is_data_and_passes_encoded(path: str, spelt: str):
    """RFC 3986, 2.2: `%23` is not `#`."""
    assert canonical(path.encode()) == spelt.encode()


@pytest.mark.parametrize("path", ["/checkout%3Fx", "/checkout%23x", "/checkout%3Bx", "/checkout%3B/"])
def test_a_server_that_decodes_first_would_cut_there_and_that_is_a_reading(path: str):
    assert {"/checkout", "/checkout/"}.intersection(readings(path))


def test_paths_that_anybody_can_make_up_are_not_kept_in_memory():
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    for number in range(60):
        readings(f"/A{number}/" + "b+c../" * 600)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 150_000
