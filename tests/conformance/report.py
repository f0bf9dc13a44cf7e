"""tests/bench/RELIABILITY.md: each part writes its own section, what people wrote between them stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench import results
from tests.conformance.proxies import Contender

REPORT = Path(__file__).parents[1] / "bench" / "RELIABILITY.md"


def write(section: str, content: str) -> None:
    """Put the content in its place in the report."""
    text = REPORT.read_text() if REPORT.exists() else "# What was tried to break it\n"
    REPORT.write_text(results.replaced(text, section, content))


def headed(command: str, contenders: Sequence[Contender], content: str) -> str:
    """Return the content under a list of when, where, by which command and with which versions it was made."""
    versions = {contender.title: contender.version() for contender in contenders}
    return f"{results.circumstances(command, versions)}\n\n{content}"
