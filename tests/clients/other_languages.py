"""What the Node and the PHP client make of vectors; a language that is not here is not tried."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "deploy" / "clients"
HERE = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((CLIENTS / "vectors.json").read_text(encoding="ascii"))

COMMANDS = {
    "node": ["node", str(HERE / "judge.js"), str(CLIENTS / "node" / "inseam.js")],
    "php": ["php", "-d", "display_errors=stderr", str(HERE / "judge.php"), str(CLIENTS / "php" / "inseam.php")],
}


LANGUAGES = [language for language in COMMANDS if shutil.which(language)]
"""Those that are here: test_clients_vectors says in one line which are not."""


def judged(language: str, vectors: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return {session_tokens, updates, made} as the language's client sees the vectors."""
    file = folder / "vectors.json"
    file.write_text(json.dumps(vectors), encoding="ascii")
    done = subprocess.run([*COMMANDS[language], str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
