"""What the Node and the PHP client make of vectors; where one of the languages is missing, its half is skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "deploy" / "clients"
HERE = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((CLIENTS / "vectors.json").read_text(encoding="ascii"))

COMMANDS = {
    "node": ["node", str(HERE / "judge.js"), str(CLIENTS / "node" / "inseam.js")],
    "php": ["php", "-d", "display_errors=stderr", str(HERE / "judge.php"), str(CLIENTS / "php" / "inseam.php")],
}


def need(language: str) -> str:
    """Return the language's program, or skip the test."""
    found = shutil.which(language)
    if found is None:
        pytest.skip(f"{language} is not here, so its client was not tried: make clients-test")
    return found


def judged(language: str, vectors: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return {session_tokens, updates, made} as the language's client sees the vectors."""
    need(language)
    file = folder / "vectors.json"
    file.write_text(json.dumps(vectors), encoding="ascii")
    done = subprocess.run([*COMMANDS[language], str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
