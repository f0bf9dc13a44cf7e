"""The real shop's files, without Wagtail and django-oscar: rules, feed and pictures. What runs: tests/journeys."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from deploy.shop import feed
from router.__main__ import cli
from router.rulesfile import load

RULES = Path(feed.__file__).with_name("rules.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feed")
    feed.write(folder)
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict:
    return json.loads((folder / "feed.json").read_text("utf-8"))


@pytest.mark.parametrize("command", ["check", "test"])
def test_the_rules_of_the_real_shop_hold_what_they_promise(command: str) -> None:
    done = CliRunner().invoke(cli, [command, str(RULES)])

    assert done.exit_code == 0, done.output
    assert "warning" not in done.output


def test_the_systems_are_what_their_profiles_say() -> None:
    systems = load(RULES).systems

    assert {name: system.profile for name, system in systems.items()} == {"cms": "wagtail", "commerce": "django-oscar"}
    assert systems["commerce"].payment
    assert not systems["cms"].authority


def test_the_short_tail_names_articles_that_there_are(told: dict) -> None:
    paths = {product["path"] for product in told["products"]}
    pages = {f"/{page['path']}/" for page in told["pages"] if page["kind"] == "product"}

    assert len(paths) == 20
    assert pages < paths
    text = RULES.read_text("utf-8")
    for slug in ("tidal-plate_1", "garden-lantern_20", "morning-jug_2"):
        assert slug in text
        assert f"/catalogue/{slug}/" in paths
    assert "/catalogue/garden-lantern_20/" not in pages, "the rules have a fallback to show"


def test_every_picture_is_there_and_has_a_size(folder: Path, told: dict) -> None:
    named = {said["picture"] for said in (*told["products"], *told["pages"])}

    for name in named:
        root = ElementTree.parse(folder / "pictures" / f"{name}.svg").getroot()
        assert int(root.attrib["width"]) >= 400
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_what_a_page_offers_is_for_sale(told: dict) -> None:
    skus = {product["sku"] for product in told["products"]}

    for page in told["pages"]:
        assert set(page["shows"]) <= skus
        assert not page["offers"] or page["offers"] in skus
    assert sum(1 for page in told["pages"] if page["kind"] == "story") == 4
