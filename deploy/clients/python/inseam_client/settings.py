"""A client from what `inseam keys export SYSTEM` prints: its JSON as settings, or its lines as environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .keys import BadKeys, Keys, UpdateKey
from .token import Client


def client_of(said: Mapping[str, Any]) -> Client:
    """Return the client of {system, jwks, update_key, issuer}, or of an environment with INSEAM_*. Raises BadKeys.

    `jwks` is a JWKS or the address of one; `update_key` is {kid, alg, secret} or {kid, alg, private}, and may be
    missing where nothing is ever told to the edge.
    """
    said = {
        name: said.get(name, said.get(f"INSEAM_{name.upper()}")) for name in ("system", "jwks", "update_key", "issuer")
    }
    if not said["system"] or not said["jwks"]:
        raise BadKeys("Inseam's `system` and `jwks` are missing: `inseam keys export SYSTEM` prints them")
    update = said["update_key"]
    if isinstance(update, str) and update:
        try:
            update = json.loads(update)
        except ValueError:
            raise BadKeys("INSEAM_UPDATE_KEY is no JSON: `inseam keys export SYSTEM` prints it") from None
    return Client(said["system"], Keys(said["jwks"]), UpdateKey.of(update) if update else None,
                  said["issuer"] or "inseam")  # fmt: skip
