"""A shop's rules file in a few lines, for the tests beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from router.errors import RulesProblems
from router.generation import Generation
from router.model import Headers, RequestView, Visit
from router.rulesfile import PluginFinder, Sources
from router.rulesfile import compile as compile_rules

TOP = """\
version: 1
systems:
  cms: {servers: [http://127.0.0.1:8001]}
  commerce: {servers: [http://127.0.0.1:8002]}
"""


def shop(text: str, files: Mapping[str, str] | None = None, plugins: PluginFinder | None = None) -> Generation:
    """The generation of a file; rules alone (`- name: ...`) get two systems above them."""
    text = textwrap.dedent(text)
    if text.lstrip().startswith("- "):
        text = TOP + "rules:\n" + text
    elif "version:" not in text:
        text = TOP + text
    return compile_rules(
        Sources("rules.yaml", text.encode(), {n: t.encode() for n, t in (files or {}).items()}), plugins=plugins
    )


def problems(text: str, files: Mapping[str, str] | None = None, plugins: PluginFinder | None = None) -> list[str]:
    """What is wrong with a file, without its name."""
    try:
        shop(text, files, plugins)
    except RulesProblems as error:
        return [str(problem).removeprefix("rules.yaml:") for problem in error.problems]
    return []


def view(
    target: str = "/", method: str = "GET", headers: Mapping[str, str] | None = None, host: str = "", client: str = "",
    country: str = "", now: float = 0.0, login: bool = False, items: int = 0,
) -> RequestView:  # fmt: skip
    path, _, query = target.partition("?")
    held, visit = Headers.of(headers or {}), Visit(login, items)
    return RequestView(method, path, held, query, host=host, client=client, country=country, now=now, visit=visit)


def winner(generation: Generation, request: RequestView) -> str:
    return generation.rules.match(request).rule.name
