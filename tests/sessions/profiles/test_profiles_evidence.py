"""What each statement of a profile rests on: nothing counts as tried that no recording shows."""

import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from profiles_played import RECORDED, Played, everything_recorded, profile_of

from router.commands.profiles import profiles as command
from sessions import profiles
from sessions.profiles import Profile
from sessions.profiles.exchange import Exchange
from sessions.profiles.signs import Sign

ROOT = Path(__file__).parents[3]
FILES = ROOT / "sessions" / "profiles"


def said(name: str) -> dict:
    return yaml.safe_load((FILES / f"{name}.yaml").read_text())


def tried(name: str, statement: dict) -> bool:
    return said(name)["sources"][statement["rests_on"]].startswith("running product: ")


def recordings_of(name: str) -> list[Played]:
    """Return the recordings of the product, or of the one that it is a part of."""
    return [one for one in everything_recorded() if one.product == ("wordpress" if name == "woocommerce" else name)]


def shown(sign: Sign, ones: list[Played]) -> bool:
    return any(sign.holds(Exchange(one.asked, one.answer, one.asked.cookies)) for one in ones)


@pytest.mark.parametrize("name", profiles.names())
def test_what_was_tried_was_recorded_and_what_was_recorded_shows_it(name):
    profile = profile_of(name)
    ones = recordings_of(name)
    signs = zip(said(name).get("signs", []), profile.signs, strict=True)
    asks = zip(said(name).get("ask", []), profile.asks, strict=True)

    for statement, sign in signs:
        if tried(name, statement):
            assert shown(sign, ones), sign.name
    for statement, ask in asks:
        if tried(name, statement):
            pages = [
                one for one in ones if one.asked.method == "GET" and one.asked.path == ask.get.replace("{mount}", "")
            ]
            assert all(shown(sign, pages) for sign in ask.signs), ask.get


@pytest.mark.parametrize("name", profiles.names())
def test_cookies_that_were_tried_are_in_the_recordings(name):
    lines = [line for one in recordings_of(name) for line in one.answer.set_cookies]
    for cookie in said(name).get("cookies", []):
        if tried(name, cookie):
            names = cookie["name"] if isinstance(cookie["name"], list) else [cookie["name"]]
            for glob in names:
                assert any(line.startswith(glob.rstrip("*")) for line in lines), glob


@pytest.mark.parametrize("name", profiles.names())
def test_every_statement_names_its_source(name):
    profile: Profile = profile_of(name)
    used = {statement.source for statement in profile.statements}

    assert all(statement.source and statement.what for statement in profile.statements)
    assert len(said(name).get("sources", {})) == len(used), "a source that nothing rests on"
    assert profile.gaps, "no profile sees everything"
    for source in said(name).get("sources", {}).values():
        if "recorded/" in source:
            assert (ROOT / source.rpartition(", ")[2]).is_dir(), source


@pytest.mark.parametrize("name", profiles.names())
def test_cookies_on_which_a_login_or_a_basket_hangs_are_claimed(name):
    profile = profile_of(name)

    assert set(profile.login_cookies) | set(profile.keep) <= set(profile.cookies)
    assert profile.csrf is None or profile.csrf.cookie in profile.cookies


def test_recordings_hold_nothing_of_the_machine_they_were_made_on():
    for file in RECORDED.glob("*/*.json"):
        text = file.read_text()
        assert "127.0.0.1" not in text
        assert "pass-1234" not in text, "a password came back"
        assert "/tmp/" not in text


def test_the_files_go_with_the_package():
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]

    assert "*.yaml" in packaged["sessions.profiles"]


def test_the_page_about_profiles_tells_of_each_as_inseam_does():
    page = (ROOT / "docs" / "profiles.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = {line.split("|")[1].strip(" `"): line.split("|")[3].strip() for line in rows}

    assert {name: told.get(name) for name in profiles.names()} == {
        name: profile_of(name).proven for name in profiles.names()
    }


# --- inseam profiles --------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def test_the_list_says_of_each_product_what_its_profile_rests_on():
    output = run()

    for name in profiles.names():
        line = next(line for line in output.splitlines() if line.split()[0] == name)
        assert line.rstrip().endswith(profile_of(name).proven)


def test_one_profile_is_told_statement_by_statement_under_its_source():
    output = run("woocommerce")

    assert "tried on WordPress 6.1.9" in output
    assert output.index("tried on") < output.index("from WooCommerce developer documentation")
    assert "not seen" in output
    assert all(statement.what in output for statement in profile_of("woocommerce").statements)


def test_programs_get_the_same_as_json():
    import msgspec

    assert {one["name"] for one in msgspec.json.decode(run("--format", "json"))} == set(profiles.names())
    assert msgspec.json.decode(run("magento", "--format", "json"))["login_cookies"] == ["PHPSESSID"]


def test_a_name_that_is_none_gets_the_nearest():
    result = CliRunner().invoke(command, ["django-oskar"])

    assert result.exit_code == 2
    assert 'did you mean "django-oscar"?' in result.output
