"""A page as both systems make it: HTML for the edge, and inside it the facts for the shopper who checks them."""

from __future__ import annotations

import json
from typing import Any

OPEN, CLOSE = b'<script type="application/json">', b"</script>"
FILLING = b"<p>" + b"linen, wool, cotton. " * 60 + b"</p>"


def page(facts: dict[str, Any]) -> bytes:
    """Return a page that holds these facts."""
    return b"<!doctype html>" + OPEN + json.dumps(facts).encode() + CLOSE + FILLING


def facts(body: bytes) -> dict[str, Any] | None:
    """Return what a page holds; None for one that neither system made."""
    _, begun, rest = body.partition(OPEN)
    said, ended, _ = rest.partition(CLOSE)
    if not (begun and ended):
        return None
    found: dict[str, Any] = json.loads(said)
    return found
