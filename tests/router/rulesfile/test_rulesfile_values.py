"""Durations, sizes, shares, moments, addresses and templates mean what people mean by them, or nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from router.model import Headers, RequestView, ServerAddress
from router.patterns import PatternError
from router.rulesfile import templates
from router.rulesfile.addresses import BadAddress, host_name, hosts, network, server_address
from router.rulesfile.findings import did_you_mean
from router.rulesfile.scalars import duration, percent, size
from router.rulesfile.times import BadTime, moment, time_zone


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("24h", 86400), ("0s", 0)],
)
def test_a_duration_has_its_unit(said, seconds):
    assert duration(said) == seconds


@pytest.mark.parametrize("said", ["10", 10, "10 s", "10S", "-1s", "1d", "", "s", "1e3s", "25h", True, None, "１s"])
def test_what_is_no_duration_is_refused(said):
    with pytest.raises(PydanticCustomError):
        duration(said)


@pytest.mark.parametrize(
    ("said", "count"),
    [("8KB", 8192), ("1MB", 2**20), ("1 GB", 2**30), ("512B", 512), (0, 0), (4096, 4096), ("2TB", 2**41)],
)
def test_a_size_is_in_bytes(said, count):
    assert size(said) == count


@pytest.mark.parametrize("said", ["8kb", "1.5MB", "8K", -1, 1.5, True, "", None])
def test_what_is_no_size_is_refused(said):
    with pytest.raises(PydanticCustomError):
        size(said)


@given(st.integers(0, 10_000))
def test_every_hundredth_of_a_percent_is_a_bucket(buckets):
    assert percent(buckets / 100) == buckets


@pytest.mark.parametrize("said", [0.001, 33.333, 100.01, -1, "20", "20%", True, float("nan"), float("inf")])
def test_what_is_no_share_is_refused(said):
    with pytest.raises(PydanticCustomError):
        percent(said)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("said", "zone", "utc"),
    [
        ("2026-06-01", UTC, datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01", BERLIN, datetime(2026, 5, 31, 22, tzinfo=UTC)),
        ("2026-01-01", BERLIN, datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("2026-06-01T08:00", BERLIN, datetime(2026, 6, 1, 6, tzinfo=UTC)),
        ("2026-06-01 08:00:30", UTC, datetime(2026, 6, 1, 8, 0, 30, tzinfo=UTC)),
        ("2026-06-01T08:00+05:30", BERLIN, datetime(2026, 6, 1, 2, 30, tzinfo=UTC)),
        ("2026-06-01T08:00Z", BERLIN, datetime(2026, 6, 1, 8, tzinfo=UTC)),
        ("2026-03-29T02:30", BERLIN, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # clocks skip it: 3:30 summer time
        ("2026-10-25T02:30", BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first
    ],
)
def test_a_moment_is_midnight_or_a_time_in_its_zone(said, zone, utc):
    assert moment(said, zone) == utc.timestamp()


@pytest.mark.parametrize("said", ["", "now", "2026-6-1", "01.06.2026", "2026-02-30", "2026-06-01T25:00",
                                  "2026-06-01+02:00", "20260601", "2026-06-01T08", "\u0662026-06-01", "0000-01-01",
                                  "2026-W23-1"])  # fmt: skip
def test_what_is_no_moment_is_refused(said):
    with pytest.raises(BadTime):
        moment(said)


@pytest.mark.parametrize("name", ["Europe/Berln", "berlin", "../../etc/passwd", "", "/etc/localtime", "Europe", "a\0b"])
def test_an_unknown_time_zone_is_refused(name):
    with pytest.raises(BadTime):
        time_zone(name)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("http://127.0.0.1:8001", ServerAddress("http", "127.0.0.1", 8001)),
        ("http://shop.internal", ServerAddress("http", "shop.internal", 80)),
        ("https://Shop.Internal/", ServerAddress("https", "shop.internal", 443)),
        ("http://[2001:db8::1]:8000", ServerAddress("http", "2001:db8::1", 8000)),
        ("http://my_service:80", ServerAddress("http", "my_service", 80)),
    ],
)
def test_a_server_is_a_scheme_a_host_and_a_port(said, address):
    assert server_address(said) == address


@pytest.mark.parametrize("said", ["", "http://", "shop:80", "http://a/b", "http://a?b", "http://u@a", "http://a:0",
                                  "http://a:x", "http://a:99999", "unix:/x", "http://[::1", "http://a b",
                                  "http://*.a", "http://::1:80"])  # fmt: skip
def test_what_is_no_server_is_refused(said):
    with pytest.raises(BadAddress):
        server_address(said)


@pytest.mark.parametrize(
    ("said", "name"),
    [("Shop.Example", "shop.example"), ("shop.example.", "shop.example"), ("bücher.example", "xn--bcher-kva.example"),
     ("[::1]", "[::1]"), ("2001:DB8::1", "[2001:db8::1]"), ("localhost", "localhost"), ("10.0.0.1", "10.0.0.1")],
)  # fmt: skip
def test_a_host_is_named_as_requests_name_it(said, name):
    assert host_name(said) == name


@pytest.mark.parametrize("said", ["", ".", "a..b", "-a.b", "a:80", "http://a", "a/b", "*", "a.*", "a b", "x" * 64])
def test_what_is_no_host_is_refused(said):
    with pytest.raises(BadAddress):
        host_name(said)


@pytest.mark.parametrize(
    ("host", "ours"),
    [("shop.example", True), ("de.shop.example", True), ("a.b.shop.example", True), ("myshop.example", False)],
)
def test_a_star_stands_for_every_name_below(host, ours):
    condition = hosts(["shop.example", "*.shop.example"])

    assert condition(RequestView("GET", "/", Headers([]), host=host)) is ours


@pytest.mark.parametrize("said", ["10.0.0.1/8", "office", "", "10.0.0.0/33", "::1/8"])
def test_what_is_no_network_is_refused(said):
    with pytest.raises(BadAddress):
        network(said)


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ("/campaign/sale/", "/campaign/sale/"),
        ("/", "/"),
        ("/über/{sku}/", "/%C3%BCber/{sku}/"),
        ("/a?b=c#d", "/a?b=c#d"),
        ("/search?q={q}&x=ü", "/search?q={q}&x=%C3%BC"),
        ("https://shop.example", "https://shop.example"),
        ("https://bücher.example/ü?x=1", "https://xn--bcher-kva.example/%C3%BC?x=1"),
        ("https://shop.example:8443/{a}/{b}", "https://shop.example:8443/{a}/{b}"),
    ],
)
def test_a_location_is_spelled_as_it_is_sent(said, spelled):
    assert templates.location(said) == spelled


@pytest.mark.parametrize(
    "said",
    ["", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil.example", "javascript:alert(1)", "https://",
     "https:///x", "https://{host}/", "https://a.{host}/", "https://u:p@shop.example/", "/a b", "/a\nb",
     "/a\r\nSet-Cookie: x", "/a{b", "/{a-b}", "/../x", "/a//b", "https://a:b/", "ftp://a/", "/a%2fb", "/a;b", "HTTPS://shop.example\\@evil.example"],
)  # fmt: skip
def test_a_location_that_could_lead_elsewhere_is_refused(said):
    with pytest.raises(PatternError):
        templates.location(said)


@pytest.mark.parametrize("said", ["", "a", "/a?b", "/a#b", "/a/*", "/a/../b", "/a//b", "/{a", "/a;b", "/a\\b", "//a"])
def test_a_rewrite_is_a_path(said):
    with pytest.raises(PatternError):
        templates.rewrite(said)


def test_a_rewrite_may_have_names_within_a_segment():
    assert templates.rewrite("/p/{sku}.html") == "/p/{sku}.html"


@given(st.text(max_size=30))
def test_no_location_can_end_its_header_line(text):
    try:
        location = templates.location("/" + text)
    except PatternError:
        return

    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("comerce", ["cms", "commerce"], 'did you mean "commerce"?'),
        ("COMMERCE", ["cms", "commerce"], 'did you mean "commerce"?'),
        ("shop", ["cms", "commerce"], "known: cms, commerce"),
        ("shop", [str(number) for number in range(50)], ""),
        ("shop", [], ""),
    ],
)
def test_the_nearest_known_word_is_offered(word, known, hint):
    assert did_you_mean(word, known) == hint
