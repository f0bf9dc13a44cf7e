"""docs/plugins.md is run: every YAML example makes its plugins, and the package of its last part is installed."""

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import plugins
from router.model import Headers, RequestView, ResponseView
from router.pluginloader import find, option_names, plugin_name
from router.rulesfile import load

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()

SHIPPED = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(plugins.__path__))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


FILE = """
version: 1
systems:
  cms: {servers: [http://127.0.0.1:8001]}
rules:
  - {name: everything, path: /**, to: cms}
"""


def made(example: str, folder: Path) -> list[object]:
    """The plugins of an example, those of its rules too, as the reader of rules files makes them."""
    file = folder / "rules.yaml"
    file.write_text(example if "version:" in example else FILE + example)
    generation = load(file)
    return [*generation.plugins, *(plugin for rule in generation.rules.rules for plugin in rule.treatment.plugins)]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package of the page, as pip would leave it."""
    (code,) = blocks("python")
    (project,) = blocks("toml")
    module = re.match(r"# (\w+)\.py\n", code)[1]
    told = tomllib.loads(project)["project"]
    info = tmp_path / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir()
    (tmp_path / f"{module}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    lines = [f"{name} = {place}" for name, place in told["entry-points"]["inseam.plugins"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[inseam.plugins]", *lines]) + "\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("example", blocks("yaml"))
def test_every_example_is_a_rules_file_without_a_problem(example, installed, tmp_path):
    assert made(example, tmp_path)


def test_every_plugin_has_an_example(installed, tmp_path):
    shown = {plugin_name(plugin) for example in blocks("yaml") for plugin in made(example, tmp_path)}

    assert shown == {*SHIPPED, "campaign"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_option_is_described(name):
    section = PAGE.split(f"### {name}\n")[1].split("\n#")[0]
    described = set(re.findall(r"`([a-z0-9_]+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE))))

    assert described == set(option_names(find(name)))


def test_the_campaign_of_the_page_is_remembered(installed):
    plugin = find("campaign")()
    landing = RequestView("GET", "/", Headers([]), query="utm_campaign=summer-26")

    told = plugin.on_request(landing)
    answer = plugin.on_response(landing, ResponseView(200, Headers([])))
    later = RequestView("GET", "/checkout/", Headers.of({"Cookie": answer.add[0][1]}))

    assert told.set == plugin.on_request(later).set == {"X-Campaign": "summer-26"}
    assert plugin.on_response(later, ResponseView(200, Headers([]))) is None


@pytest.mark.parametrize("query", ["utm_campaign=a%0d%0ab", "utm_campaign=", "", "utm_campaign=" + "a" * 65])
def test_a_campaign_that_could_do_harm_is_not_remembered(installed, query):
    plugin = find("campaign")()
    view = RequestView("GET", "/", Headers.of({"X-Campaign": "forged"}), query=query)

    assert plugin.on_request(view).remove == ["X-Campaign"]
    assert plugin.on_response(view, ResponseView(200, Headers([]))) is None
