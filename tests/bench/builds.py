"""This edge as `make bench` installs it: compiled by mypyc, and as plain Python, each in an environment of its own.

What is measured is never the source tree, although the benchmarks themselves run from there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.bench import machine

ROOT = Path(__file__).parents[2]
BUILDS = {"compiled": ROOT / ".venv-bench" / "bin", "plain": ROOT / ".venv-bench-plain" / "bin"}

INSTALLED_FIRST = """
import pathlib, runpy, sys
sys.path.append(sys.argv[1])  # for tests.bench; what is installed comes before it
import router.index
print(pathlib.Path(router.index.__file__).name)
sys.argv[1:] = []
runpy.run_module("tests.bench.matching", run_name="__main__")
"""


def matching(say: Callable[[str], None]) -> str:
    """Measure each build's matching by tests/bench/matching.py; return what that prints, under a heading each."""
    return "\n\n".join(_matching(build, folder, say) for build, folder in BUILDS.items())


def _matching(build: str, folder: Path, say: Callable[[str], None]) -> str:
    heading = f"### Matching, {build}"
    python = folder / "python"
    if not python.exists():
        return f"{heading}\n\nnot installed: make bench"
    say(f"matching, {build}")
    command = machine.pinned(machine.PROXY_CORE, [str(python), "-P", "-c", INSTALLED_FIRST, str(ROOT)])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{heading}\n\n{done.stderr.strip().splitlines()[-1]}"
    module, _, report = done.stdout.partition("\n")
    _, _, tables = report.partition("\n\n")  # when and where it ran stands above both
    return f"{heading} (`router.index` is {module})\n\n{tables.strip()}"
