"""A split deals each visitor a bucket: exactly, for good, and without a cache giving one visitor's page to another."""

from __future__ import annotations

import asyncio

import pytest
from shop import answering, page, rule, shop
from visitor import request

from router.rules import Split


def halves(cms: float, *, vary: str = "", fallback: str = ""):
    lines = ["Cache-Control: max-age=60", *([f"Vary: {vary}"] if vary else [])]
    split = Split.of([("cms", cms), ("commerce", 100 - cms)])
    return {
        "rules": [rule("/brands/**", split, name="brands", fallback=fallback)],
        "cms": answering(page(b"cms", "200 OK", *lines)),
        "commerce": answering(page(b"commerce", "200 OK", *lines)),
    }


async def test_a_visitor_gets_a_bucket_once_and_keeps_it():
    async with shop(**halves(50)) as it:
        visitor = await it.visitor()

        first = await visitor.ask("/brands/")
        cookie = first.get("set-cookie").partition(";")[0]
        later = [await visitor.ask("/brands/", "GET", f"Cookie: x=1; {cookie}; y=2") for _ in range(20)]

        assert cookie.startswith("inseam-split=")
        assert first.get("set-cookie").endswith("; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax")
        assert {answer.body for answer in later} == {first.body}
        assert {answer.get("set-cookie") for answer in later} == {None}


async def test_the_page_that_brings_the_cookie_is_never_cached_and_the_others_vary():
    async with shop(**halves(50)) as it:
        first = await it.ask("/brands/")
        again = await it.ask("/brands/", "GET", f"Cookie: {first.get('set-cookie').partition(';')[0]}")

        assert (first.get("cache-control"), first.get("vary")) == ("no-store", None)
        assert (again.get("cache-control"), again.get("vary")) == ("max-age=60", "Cookie")


@pytest.mark.parametrize(
    ("said", "lines"), [("Accept-Encoding", ["Accept-Encoding", "Cookie"]), ("cookie", ["cookie"]), ("*", ["*"])]
)
async def test_vary_is_added_to_what_the_system_says_and_not_twice(said, lines):
    async with shop(**halves(50, vary=said)) as it:
        answer = await it.ask("/brands/", "GET", "Cookie: inseam-split=77")

        assert answer.all("vary") == lines


@pytest.mark.parametrize(
    ("bucket", "owner"), [("0", b"cms"), ("1999", b"cms"), ("2000", b"commerce"), ("9999", b"commerce")]
)
async def test_the_first_buckets_are_the_first_systems(bucket, owner):
    async with shop(**halves(20)) as it:
        assert (await it.ask("/brands/", "GET", f"Cookie: inseam-split={bucket}")).body == owner


@pytest.mark.parametrize("bucket", ["10000", "-1", "99999999999", "x", "", "1e3", "\xb2"])
async def test_a_bucket_that_is_none_is_dealt_anew(bucket):
    async with shop(**halves(20)) as it:
        answer = await it.ask("/brands/", "GET", f"Cookie: inseam-split={bucket}")

        assert answer.status == 200
        assert answer.get("set-cookie").startswith("inseam-split=")


async def test_ten_thousand_new_visitors_are_shared_out_exactly():
    async with shop(**halves(20.25)) as it:

        async def many() -> list[str]:
            visitor = await it.visitor()
            cookies = []
            for _ in range(25):
                visitor.writer.write(request("/brands/") * 50)
                cookies += [(await visitor.answer()).get("set-cookie").partition(";")[0] for _ in range(50)]
            return cookies

        dealt = await asyncio.gather(*(many() for _ in range(8)))

        assert len({cookie for cookies in dealt for cookie in cookies}) == 10_000
        counts = {count.system: count.requests for count in it.edge.snapshot().rules}
        assert counts == {"cms": 2025, "commerce": 7975}


async def test_any_hundred_visitors_in_a_row_are_shared_out_nearly_so():
    async with shop(**halves(20)) as it:
        visitor = await it.visitor()
        visitor.writer.write(request("/brands/") * 300)
        bodies = [(await visitor.answer()).body for _ in range(300)]

        for start in range(0, 200, 10):
            assert 18 <= bodies[start : start + 100].count(b"cms") <= 22


async def test_raising_a_share_moves_nobody_back():
    async with shop(**halves(20)) as it:
        visitor = await it.visitor()
        before = {
            n: (await visitor.ask("/brands/", "GET", f"Cookie: inseam-split={n}")).body for n in range(0, 10_000, 97)
        }

        it.swap(*halves(60)["rules"])
        after = {n: (await visitor.ask("/brands/", "GET", f"Cookie: inseam-split={n}")).body for n in before}

        assert all(after[n] == b"cms" for n in before if before[n] == b"cms")
        assert list(after.values()).count(b"cms") > list(before.values()).count(b"cms") * 2


async def test_a_visitor_whose_system_fails_is_served_by_the_other_and_keeps_the_bucket():
    async with shop(**halves(100, fallback="commerce")) as it:
        await it["cms"].stop()

        answer = await it.ask("/brands/")

        assert answer.body == b"commerce"
        assert answer.get("set-cookie").startswith("inseam-split=")
