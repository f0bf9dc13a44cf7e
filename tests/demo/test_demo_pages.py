"""What holds for every page of both systems: safe, readable by everybody, and without anything from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.editorial import ARTICLES
from deploy.demo.web import STATIC

CMS = [*ARTICLES, "/", "/stories/", "/brands/", "/brands/solbad/", "/catalogue/1001/", "/catalogue/1030/", "/nowhere/"]
SHOP = [
    "/catalogue/", "/catalogue/?category=Wood&sort=low", "/catalogue/1001/", "/catalogue/1030/", "/brands/",
    "/brands/kiln-and-cove/", "/search/?q=oak", "/search/?q=nothing", "/basket/", "/account/login/", "/nowhere/",
]  # fmt: skip


@pytest.fixture(params=[("cms", path) for path in CMS] + [("commerce", path) for path in SHOP], ids=str)
async def page(request, browse):
    system, path = request.param
    browser = await browse(system)
    return await browser.get(path)


async def test_a_page_can_be_read_with_ears_and_keys(page):
    tags = [tag for tag, _ in page.tags]
    labels = {said.get("for") for tag, said in page.tags if tag == "label"}
    drawings = [said for tag, said in page.tags if tag == "svg"]

    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("h1") == 1
    assert tags.count("main") == 1
    assert len(page.ids) == len(set(page.ids))
    assert "#content" in page.text  # the skip link
    assert all("aria-hidden" in said or said.get("aria-label") for said in drawings)
    inside_label = page.text.count("<label>") + page.text.count('<label class="f-')
    asked = [said for tag, said in page.tags if tag == "input" and said.get("type") != "hidden"]
    assert all(said.get("id") in labels for said in asked if "id" in said)
    assert sum("id" not in said for said in asked) <= inside_label


async def test_nothing_comes_from_elsewhere_and_nothing_runs_inline(page):
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(resource.startswith("/static/") for resource in page.resources)
    assert not any(name == "style" or name.startswith("on") for _, said in page.tags for name in said)
    assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_without_the_edge_there_is_no_ribbon(page):
    assert "ribbon-system" not in page.text


async def test_with_the_edge_every_page_says_who_served_it_by_which_rule(request, browse):
    said = {"Inseam-Demo-System": "cms", "Inseam-Demo-Rule": "short-tail product", "Inseam-Demo-Page": "product"}
    cms, shop = await browse("cms"), await browse("commerce")

    asked_first = await cms.get("/catalogue/1001/", **said)
    fallback = await shop.get("/catalogue/1030/", **said)

    assert "cms" in asked_first.words
    assert "short-tail product" in asked_first.words
    assert "fallback for" not in asked_first.words
    assert "fallback for cms" in fallback.words


async def test_what_a_header_says_is_shown_as_text(browse):
    cms = await browse("cms")

    page = await cms.get(
        "/",
        **{"Inseam-Demo-Rule": "<script>%3Cb%3E", "Inseam-Demo-Page": "%22", "Inseam-Demo-Why": "javascript:alert(1)"},
    )

    assert "<script><b>" in page.words
    assert "<script><b>" not in page.text
    assert "javascript:" not in page.text


@pytest.mark.parametrize(
    "file", sorted(path for path in STATIC.rglob("*") if path.is_file()), ids=lambda path: path.name
)
def test_no_file_loads_anything_from_elsewhere(file: Path):
    text = file.read_text()

    assert "@import" not in text
    assert "url(" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("path", ["/healthz", "/static/{0}/ribbon.css"])
async def test_both_systems_are_healthy_and_bring_the_ribbons_style(cms, shop, path):
    for browser, folder in ((cms, "cms"), (shop, "shop")):
        assert (await browser.get(path.format(folder))).status == 200


@pytest.mark.parametrize("path", ["/static/cms/..%2f..%2fcms.py", "/static/cms/../ribbon.css", "/static/cms/"])
async def test_only_static_files_are_given_out(cms, path):
    assert (await cms.get(path)).status in (403, 404)


async def test_a_missing_slash_is_put_right(cms, shop):
    assert (await cms.get("/stories")).headers["Location"] == "/stories/"
    assert (await shop.get("/basket?x=1")).headers["Location"] == "/basket/?x=1"
