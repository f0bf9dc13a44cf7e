"""THREATS.md names tests: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "THREATS.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("name", NAMED)
def test_what_shows_that_a_threat_is_stopped_exists(name):
    assert name in DEFINED


def test_every_threat_names_what_shows_that_it_is_stopped():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| attack", "| slip"))]

    assert len(rows) > 25
    assert [row for row in rows if "`test_" not in row] == []


def test_the_page_on_security_leads_there():
    assert "(THREATS.md)" in (ROOT / "SECURITY.md").read_text()
