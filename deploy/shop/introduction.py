"""Introducing the two sites to the edge: keys for all three, and what each site must know of them.

Done with the commands that an operator would type: docs/keys.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deploy.demo.processes import surroundings
from deploy.shop.sites import NAMES
from router.errors import StartError


def introduce(data: Path, url: str) -> Path:
    """Make the edge's keys in `data`, if they are not there, and write for each site the file that its client reads.

    `url` is the shop's address, where the sites fetch the edge's public keys; under https they are given them, as the
    certificate may be one that nobody knows. Returns the keys file. Raises StartError.
    """
    there = ["--url", url] if url.startswith("http:") else []
    keys = data / "keys.json"
    if not keys.exists():
        _inseam("init", "--keys", str(keys), *(word for name in NAMES for word in ("--system", name)))
    for name in NAMES:
        told = _inseam("export", name, "--keys", str(keys), *there, "--format", "json")
        file = data / f"{name}.inseam.json"
        with open(file, "w", opener=_private) as sheet:
            sheet.write(told)
    return keys


def _inseam(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "router", "keys", *arguments],
        env=surroundings(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StartError(done.stderr.strip())
    return done.stdout


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
