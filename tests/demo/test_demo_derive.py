"""The demo's rules file: the shop's, with other addresses, whole paths and the ribbon, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.demo.derive import derived
from router.rulesfile import check_examples, load

ROOT = Path(__file__).parents[2]
SERVERS = {"cms": "http://127.0.0.1:1", "commerce": "http://127.0.0.1:2"}
ADMIN = "http://127.0.0.1:3"
RIBBON = {"demo-ribbon": {"admin": ADMIN}}


def lines_of(text: str, beginning: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(beginning)]


def made(text: str) -> str:
    return derived(text, SERVERS, Path("/the shop"), ADMIN)


BLOCK = """systems:
  cms:
    servers:
      - http://a:1  # é

      # b
      - http://b:2

    profile: wagtail
rules: []"""


@pytest.mark.parametrize(
    "text",
    [
        "systems:\n  cms: {servers: [http://127.0.0.1:8001], profile: wagtail}  # ours\nrules: []\n",
        BLOCK,
        "systems: {cms: {servers: http://127.0.0.1:8001,\n  profile: wagtail}}\nrules: []",
        "systems:\n  cms:\n    servers:\n    - http://127.0.0.1:8001\n    profile: wagtail\nrules: []\n# the end",
    ],
)
def test_addresses_are_exchanged_and_no_line_moves(text):
    result = made(text)
    before = text.splitlines()

    assert yaml.safe_load(result)["systems"] == {"cms": {"servers": ["http://127.0.0.1:1"], "profile": "wagtail"}}
    assert yaml.safe_load(result)["plugins"] == [RIBBON]
    assert [line for line in before if "rules" in line or "profile" in line or "end" in line][-1] in result
    assert result.splitlines().index("rules: []") == before.index("rules: []")


@pytest.mark.parametrize(
    "plugins",
    [
        "[request-id]",
        "\n  - request-id",
        "\n  - request-id\n  - rate-limit:\n      per_minute: 60\n",
        "[]",
        "[\n request-id,\n]",
    ],
)
def test_the_ribbon_comes_after_the_shops_own_plugins(plugins):
    text = f"plugins: {plugins}\n\nrules: []\n"

    result = made(text)

    before, after = yaml.safe_load(text), yaml.safe_load(result)
    assert after["plugins"] == [*before["plugins"], RIBBON]
    assert result.splitlines().index("rules: []") == text.splitlines().index("rules: []")


def test_files_are_found_from_elsewhere_too():
    text = (
        "lists:\n  a: {file: a.txt}\n  b: [x]\nsystems:\n  other: {tls: {ca: ca.pem}}\n"
        "rules:\n  - {respond: {file: /etc/robots.txt}}\n  - {respond: {status: 200}}\n"
    )

    result = yaml.safe_load(made(text))

    assert result["lists"] == {"a": {"file": "/the shop/a.txt"}, "b": ["x"]}
    assert result["systems"]["other"]["tls"]["ca"] == "/the shop/ca.pem"
    assert result["rules"][0]["respond"]["file"] == "/etc/robots.txt"


@pytest.mark.parametrize(
    "text", ["", "rules: [", "- a\n- b\n", "\tx", "{rules: []}", "a: 1\n---\nb: 2\n", "a: &x [*x\n"]
)
def test_a_broken_file_is_left_for_the_edge_to_complain_about(text):
    assert made(text) == text


def test_the_shops_own_rules_file_becomes_the_demos(tmp_path):
    text = (ROOT / "rules.yaml").read_text()
    copy = tmp_path / "rules.yaml"
    copy.write_text(derived(text, SERVERS, ROOT, ADMIN))

    generation = load(copy)

    assert {name: str(system.servers[0]) for name, system in generation.systems.items()} == SERVERS
    assert type(generation.plugins[-1]).__name__ == "DemoRibbon"
    assert generation.plugins[-1].admin == ADMIN
    assert [rule.position.line for rule in generation.rules.rules] == lines_of(text, "  - name: ")
    assert check_examples(generation) == []


@pytest.mark.parametrize("file", ["rules.yaml", "short_tail.txt"])
def test_what_is_installed_is_the_shops_own_file(file):
    """The installed package brings a copy; in the repository it is a link, so that there is one file to edit."""
    assert (ROOT / "deploy" / "demo" / file).read_bytes() == (ROOT / file).read_bytes()
