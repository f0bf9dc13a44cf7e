"""From plain values to the shapes of a rules file, with every mistake of shape at its place.

A mistake does not end the search: what is wrong is cut out, and the rest goes on to be checked for meaning, so that an
unknown key in one rule and an unknown system in another are told in one go. Nothing is served from a file that was
cut: it has problems, and so it is refused in the end.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from router.rulesfile.document import Document, Loc, place_in
from router.rulesfile.findings import Findings, did_you_mean
from router.rulesfile.scalars import written
from router.rulesfile.schema import keys_at
from router.rulesfile.shape import File, When

_ROUNDS = 20
"""Cutting out one mistake may bring up the next (a list that is empty then), but not many times over."""


def shaped(document: Document, findings: Findings) -> File:
    """Return the file's shapes, without those parts that have none; findings has what was wrong with these."""
    data = document.data
    try:
        return File.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    for mistake in mistakes:
        if mistake["input"] is not None or mistake["type"] == "missing":  # a key without a value was told before
            _tell(mistake, place_in(data, mistake["loc"]), findings)
    for _ in range(_ROUNDS):
        for mistake in mistakes:
            data = _without(data, place_in(data, mistake["loc"]), mistake)
        try:
            return File.model_validate(data)
        except ValidationError as error:
            mistakes = error.errors(include_url=False)
    return File.model_validate({"version": 1, "systems": {}, "rules": []})


# --- telling ----------------------------------------------------------------------------------------------------------


def _tell(mistake: ErrorDetails, place: Loc, findings: Findings) -> None:
    loc, kind = mistake["loc"], mistake["type"]
    if kind == "missing":
        key = str(loc[-1])
        findings.shape(place, f'{_where(place)}the key "{key}" is missing', _for_missing(key), missing=key)
    elif kind == "extra_forbidden":
        key = str(place[-1])
        hint = did_you_mean(key, keys_at(loc[:-1]))
        if len(place) == 3 and place[0] == "rules" and key in When.model_fields:
            hint = "conditions stand under `when`"
        findings.shape(place, f'{_where(place[:-1])}unknown key "{key}"', hint, key=True)
    else:
        message, hint = _explained(mistake)
        findings.shape(place, _where(place) + message, hint)


def _where(place: Loc) -> str:
    """Return the keys that lead to a value within its rule, system or list: `when.session: `."""
    owned = len(place) >= 2 and place[0] in ("systems", "lists", "rules", "tests")
    keys = [str(step) for step in place[2 if owned else 0 :] if isinstance(step, str)]
    return ".".join(keys) + ": " if keys else ""


def _for_missing(key: str) -> str:
    return {
        "version": "write `version: 1`",
        "systems": "name the upstream applications: `systems: {cms: {servers: [http://127.0.0.1:8001]}}`",
        "rules": "begin with `- {name: everything, path: /**, to: cms}`",
        "name": "messages, logs and metrics call the rule by it",
        "path": "`path: /**` is every path",
        "servers": "write `servers: [http://127.0.0.1:8001]`",
    }.get(key, "")


_QUOTED = re.compile(r"'([^']*)'")


def _explained(mistake: ErrorDetails) -> tuple[str, str]:
    """Return message and hint for a mistake of pydantic's; those not known here are passed on as they are."""
    kind, said, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    match kind:
        case "inseam":
            return context["message"], context["hint"]
        case "shape":
            text_is_meant = isinstance(said, bool) and "a text" in mistake["msg"]
            return (
                f"{mistake['msg']}, not {written(said)}",
                f'put it in quotes: "{written(said)}"' if text_is_meant else "",
            )
        case "string_type":
            number = isinstance(said, int | float)
            return f"expected a text, not {written(said)}", f'put it in quotes: "{written(said)}"' if number else ""
        case "bool_type":
            meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(said).lower())
            hint = f'write {meant}: to YAML 1.2 "{said}" is a text' if meant else ""
            return f"expected true or false, not {written(said)}", hint
        case "int_type" | "float_type" | "int_from_float":
            return f"expected a number, not {written(said)}", ""
        case "list_type":
            return f"expected a list, not {written(said)}", f"write [{said}]" if isinstance(said, str) else ""
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"expected keys and values, not {written(said)}", ""
        case "literal_error":
            known = _QUOTED.findall(context["expected"])
            if isinstance(said, str) and known:
                return f"unknown value {written(said)}", did_you_mean(said, known)
            hint = "without the quotes" if said == context["expected"] else ""
            return f"expected {context['expected']}, not {written(said)}", hint
        case "too_short" | "string_too_short":
            return "must not be empty", ""
        case "string_too_long":
            return f"longer than {context['max_length']} characters", ""
        case "greater_than_equal":
            return f"{written(said)} is too little", f"write {context['ge']} or more"
        case "less_than_equal":
            return f"{written(said)} is too much", f"write {context['le']} or less"
        case "string_pattern_mismatch":
            return f"{written(said)} is no such name", "names have small letters, digits and hyphens"
        case _:
            return f"{mistake['msg'][:1].lower()}{mistake['msg'][1:]}", ""


# --- cutting out ------------------------------------------------------------------------------------------------------


def _without(data: Any, place: Loc, mistake: ErrorDetails) -> Any:
    """Return the data with the value at `place` cut out; rules and tests keep their number, on which places rest."""
    if mistake["type"] == "missing" and len(place) <= 2:
        return _filled(data, place, str(mistake["loc"][-1]))
    while place and isinstance(place[-1], int) and (len(place) > 2 or place[0] not in ("rules", "tests")):
        place = place[:-1]  # one bad item makes a bad list
    return _cut(data, place)


def _cut(data: Any, place: Loc, depth: int = 0) -> Any:
    if not place:
        return {}
    step, rest = place[depth], place[depth + 1 :]
    copy = data.copy() if isinstance(data, dict | list) else {}
    if isinstance(copy, dict):
        if step not in copy:
            return copy
        if rest:
            copy[step] = _cut(copy[step], place, depth + 1)
        else:
            del copy[step]
    elif isinstance(step, int) and step < len(copy):
        copy[step] = _cut(copy[step], place, depth + 1) if rest else {}
    return copy


_STAND_INS: dict[str, Any] = {
    "version": 1,
    "systems": {},
    "rules": [],
    "name": "?",
    "path": "/**",
    "request": "/",
    "expect": {},
}


def _filled(data: Any, place: Loc, key: str) -> Any:
    """Return the data with a stand-in for a missing key; a system without servers is left out."""
    if key not in _STAND_INS:
        return _cut(data, place)
    if not place:
        return {**data, key: _STAND_INS[key]}
    section, which = place
    items = data[section].copy()
    items[which] = {**items[which], key: _STAND_INS[key]}
    return {**data, section: items}
