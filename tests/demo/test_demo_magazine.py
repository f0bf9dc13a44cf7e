"""The CMS: the same page for everybody, so that anybody may keep it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("path", ["/", "/campaign/sale/", "/brands/hald/", "/catalogue/1002/"])
async def test_a_page_sets_no_cookie_and_may_be_cached(cms, path):
    page = await cms.get(path)

    assert "Set-Cookie" not in page.headers
    assert "Vary" not in page.headers
    assert page.headers["Cache-Control"] == "public, max-age=60"


async def test_a_page_that_has_not_changed_is_not_sent_again(cms):
    first = await cms.get("/stories/")
    again = await cms.get("/stories/", **{"If-None-Match": first.headers["Etag"]})
    weak = await cms.get("/stories/", **{"If-None-Match": f'"other", W/{first.headers["Etag"]}'})
    other = await cms.get("/stories/", **{"If-None-Match": '"other"'})

    assert (again.status, again.text) == (304, "")
    assert weak.status == 304
    assert other.status == 200


async def test_a_page_with_a_ribbon_is_asked_for_again_because_rules_change(cms):
    plain = await cms.get("/stories/")
    worn = await cms.get("/stories/", **{"Inseam-Demo-Rule": "stories"})

    assert worn.headers["Cache-Control"] == "no-cache"
    assert worn.headers["Etag"] != plain.headers["Etag"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/catalogue/1001/", 200), ("/catalogue/1003/", 200), ("/catalogue/1004/", 404), ("/catalogue/1030/", 404),
        ("/catalogue/", 404), ("/brands/linwerk/", 200), ("/brands/nobody/", 404), ("/basket/", 404),
    ],
)  # fmt: skip
async def test_the_magazine_has_three_products_and_says_so_of_others(cms, path, status):
    assert (await cms.get(path)).status == status


async def test_the_magazine_takes_no_forms(cms):
    refused = await cms.post("/catalogue/1001/", {"sku": "1001"})

    assert refused.status == 405
    assert "GET" in refused.headers["Allow"]
