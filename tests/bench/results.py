"""RESULTS.md: each benchmark writes its own section, what people wrote between them stays."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import this_machine

RESULTS = Path(__file__).parent / "RESULTS.md"
RELIABILITY = Path(__file__).parent / "RELIABILITY.md"

_TITLES = {RESULTS: "# What the benchmarks gave\n", RELIABILITY: "# What was tried to break it\n"}


def replaced(text: str, section: str, content: str) -> str:
    """Return `text` with the section's content replaced, or put at the end where there is no such section yet."""
    begin, end = f"<!-- {section}: written by the benchmark -->", f"<!-- end of {section} -->"
    block = f"{begin}\n\n{content.strip()}\n\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: block, text)
    return f"{text.rstrip()}\n\n{block}\n"


def write(section: str, content: str, file: Path = RESULTS) -> None:
    """Put the content in its place in one of the files."""
    text = file.read_text() if file.exists() else _TITLES[file]
    file.write_text(replaced(text, section, content))


def revision() -> str:
    """Return the commit that was measured, with `-dirty` where files differ from it; what is written here may."""
    commit = _git("describe", "--always")
    changed = _git("status", "--porcelain", "--", ":/", f":(exclude){RESULTS.name}", ":(exclude)RELIABILITY.md")
    return (commit or "unknown") + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=RESULTS.parent)
    return done.stdout.strip()


def circumstances(command: str, versions: dict[str, str]) -> str:
    """Return when, where and how a run was made, as a list."""
    lines = [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, revision {revision()}: `{command}`",
        f"- {this_machine()}",
    ]
    if versions:
        lines.append("- " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    return "\n".join(lines)
