"""Rules files: text with positions -> checked shapes -> a generation, with all problems of a file at once.

    document    YAML text as plain values, with the place of each
    shape       what a rules file may hold (pydantic); the JSON Schema comes from it
    build       the phases of compiling: systems, lists, plugins, rules, tests
    proofs      `examples:` and `tests:`, run with the very code that the edge runs
    lint        what can be used and is probably not meant

One rule of the house: nothing here stops at the first problem. Every step reports to `Findings` and goes on with what
is left; only at the end is the file refused.
"""

from __future__ import annotations

from pathlib import Path

from router.generation import Generation
from router.rulesfile.build import built
from router.rulesfile.collector import collector_paused
from router.rulesfile.document import Document
from router.rulesfile.lint import lint
from router.rulesfile.proofs import TestResult, check_examples, run_tests
from router.rulesfile.schema import schema
from router.rulesfile.sources import Sources, read_sources, read_with_document
from router.rulesfile.work import PluginFinder

__all__ = [
    "PluginFinder",
    "Sources",
    "TestResult",
    "check_examples",
    "compile",
    "lint",
    "load",
    "read_sources",
    "run_tests",
    "schema",
]


def load(path: str | Path, *, number: int = 1, plugins: PluginFinder | None = None) -> Generation:
    """Read a rules file with its lists and return the generation it says. Raises RulesProblems with all problems."""
    with collector_paused():
        sources, document = read_with_document(path)
        return built(sources, document, number, plugins or _installed())


def compile(sources: Sources, *, number: int = 1, plugins: PluginFinder | None = None) -> Generation:  # noqa: A001
    """Return the generation that sources say, without reading anything. Raises RulesProblems with all problems."""
    with collector_paused():
        document = Document.read(sources.file, sources.main)
        return built(sources, document, number, plugins or _installed())


def _installed() -> PluginFinder:
    """Return the finder of the plugins that are installed: imported late, because few files use one."""
    from router import pluginloader

    return pluginloader
