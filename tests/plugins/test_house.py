"""What holds for every plugin that comes with Inseam."""

import ast
import inspect
import json
import pkgutil
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import plugins
from router.pluginloader import find, option_names

NAMES = sorted(module.name for module in pkgutil.iter_modules(plugins.__path__))
DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def imported(name: str) -> set[str]:
    tree = ast.parse(Path(plugins.__path__[0], f"{name}.py").read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_only_a_plugin_that_waits_imports_what_can_wait(name):
    waits = hasattr(find(name.replace("_", "-")), "on_request_waiting")

    assert waits or not imported(name) & {
        "asyncio",
        "socket",
        "aiohttp",
        "time",
        "logging",
        "redis",
        "os",
        "subprocess",
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_plugin_imports_another_or_the_sessions(name):
    assert not imported(name) & {"plugins", "sessions", "deploy"}


@pytest.mark.parametrize("name", NAMES)
def test_every_plugin_can_be_described_to_an_editor(name):
    schema = TypeAdapter(find(name.replace("_", "-"))).json_schema()

    assert json.dumps(schema)
    assert set(option_names(find(name.replace("_", "-")))) <= set(schema["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_every_plugin_says_what_it_is_for_and_stands_in_the_docs(name):
    found = find(name.replace("_", "-"))

    assert inspect.getdoc(found)
    assert sys.modules[found.__module__].__doc__
    assert f"### {name.replace('_', '-')}\n" in DOCS.read_text()
