"""Builds the hot modules with mypyc where a C compiler is there; without one, the same modules run as plain Python.

Plain Python stays the source: `pip install .` compiles if it can, an editable install (`make test`, `make demo`) does
not, so that what is edited is what runs. INSEAM_COMPILE=1 insists on compiling, INSEAM_COMPILE=0 leaves it out.
What it wins: tests/bench/RESULTS.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup

HOT = [
    "router/errors.py",
    "router/model.py",
    "router/headers.py",
    "router/tally.py",
    "router/ranks.py",
    "router/concurrency.py",
    "router/memory.py",
    "router/patterns.py",
    "router/rules.py",
    "router/candidates.py",
    "router/index.py",
    "router/issuers.py",
    "router/cards.py",
    "router/referrers.py",
    "router/boundary.py",
    "router/caching.py",
    "router/exchange.py",
    "router/loops.py",
    "router/wire/grammar.py",
    "router/wire/head.py",
    "router/wire/body.py",
    "router/wire/target.py",
    "router/edge/ids.py",
    "router/edge/asker.py",
    "router/edge/outbox.py",
    "router/edge/line.py",
    "router/edge/upstream.py",
    "router/edge/pool.py",
    "router/edge/live.py",
    "router/edge/seam.py",
    "router/edge/settling.py",
    "router/edge/question.py",
    "router/edge/held.py",
    "router/edge/public.py",
    "router/edge/vetting.py",
    "router/edge/request.py",
    "router/edge/relay.py",
    "router/edge/client.py",
    "router/edge/pages.py",
    "router/edge/clearing.py",
    "router/edge/mirror.py",
    "router/edge/ledger.py",
    "router/edge/edge.py",
    "sessions/kept.py",
    "sessions/keeper.py",
    "sessions/jar/__init__.py",
    "sessions/jar/names.py",
    "sessions/jar/setcookie.py",
    "sessions/openforms.py",
]
"""What runs for every request."""


def can_compile() -> bool:
    """Whether a C compiler and Python's headers are there: tried, because nothing else tells."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "tried.c")
        source.write_text("#include <Python.h>\nint tried(void) { return PY_VERSION_HEX > 0; }\n")
        compiler = new_compiler()
        customize_compiler(compiler)
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[get_python_inc()])
        except Exception as error:  # whatever a missing compiler raises
            print(f"inseam: no C compiler with Python's headers ({error}): installing plain Python", file=sys.stderr)
            return False
    return True


def extensions() -> list[Extension]:
    """Return the extension modules to build, none for plain Python."""
    wanted = os.environ.get("INSEAM_COMPILE", "")
    editable = "editable_wheel" in sys.argv or "develop" in sys.argv
    if wanted == "0" or (wanted != "1" and (editable or not can_compile())):
        return []
    from mypyc.build import mypycify

    found: list[Extension] = mypycify(
        ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", *HOT], opt_level="3"
    )
    return found


BUILDING = {"build", "build_ext", "bdist_wheel", "install", "editable_wheel", "develop"}

if __name__ == "__main__":
    setup(ext_modules=extensions() if BUILDING.intersection(sys.argv) else [])
