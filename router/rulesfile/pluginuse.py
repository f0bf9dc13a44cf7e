"""Making plugins from their entries: `request-id`, or `{rate-limit: {per_minute: 60}}`.

Options are checked as JSON is: a list makes a tuple or a set, a text makes a time or an enum, but `"5"` makes no number
and `1` no truth. So an option means what it says, whoever wrote the plugin.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import ErrorDetails

from router.errors import InseamError
from router.rulesfile.document import Loc
from router.rulesfile.findings import did_you_mean
from router.rulesfile.scalars import written
from router.rulesfile.work import Work

_HINT = "see docs/plugins.md"


def compiled_plugins(work: Work, loc: Loc, said: list[Any]) -> tuple[object, ...]:
    """Return the plugins of a list of entries, ready made; those with a problem are left out."""
    made = []
    for place, entry in enumerate(said):
        where: Loc = (*loc, place)
        name, options = "", entry
        if isinstance(entry, str):
            name, options = entry, {}
        elif isinstance(entry, dict) and len(entry) == 1:
            name, options = next(iter(entry.items()))
            where = (*where, name)
            options = {} if options is None else options
        elif isinstance(entry, dict) and entry:
            message = f"one entry names several plugins: {', '.join(entry)}"
            work.findings.error(where, message, "indent the options of a plugin deeper than its name")
            continue
        if not name or not isinstance(options, dict):
            message = f"expected a plugin, or {{plugin: {{option: value}}}}, not {written(options)}"
            work.findings.error(where, message, "write `- request-id` or `- rate-limit: {per_minute: 60}`")
            continue
        plugin = _made(work, where, name, options)
        if plugin is not None:
            made.append(plugin)
    return tuple(made)


def _made(work: Work, loc: Loc, name: str, options: dict[str, Any]) -> object | None:
    by_key = loc[-1] == name
    try:
        found = work.plugins.find(name)
    except InseamError as error:
        work.findings.error(loc, str(error), getattr(error, "hint", ""), key=by_key)
        return None
    if found is None:
        hint = did_you_mean(name, work.plugins.names(), _HINT)
        work.findings.error(loc, f'unknown plugin "{name}"', hint, key=by_key)
        return None
    known = [field.name for field in fields(found) if field.init]
    strange = [key for key in options if key not in known]
    for key in strange:
        work.findings.error(
            (*loc, key),
            f'plugin "{name}": unknown option "{key}"',
            did_you_mean(key, known, "" if known else "it has no options"),
            key=True,
        )
    if strange:
        return None
    try:
        plugin: object = _adapter(found).validate_json(json.dumps(options), strict=True)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            message, hint = _explained(mistake)
            work.findings.error(
                (*loc, *mistake["loc"]), f'plugin "{name}": {message}', hint, key=by_key and not mistake["loc"]
            )
        return None
    except (PydanticSchemaGenerationError, PydanticUserError, NameError) as error:
        why = str(error).partition("\n")[0]
        work.findings.error(loc, f'plugin "{name}": its options cannot be checked: {why}', _HINT, key=by_key)
        return None
    except Exception as error:  # a plugin's __post_init__ may raise whatever it likes
        work.findings.error(loc, f'plugin "{name}": {type(error).__name__}: {error}', _HINT, key=by_key)
        return None
    return plugin


@lru_cache(maxsize=256)
def _adapter(plugin: type) -> TypeAdapter[Any]:
    """Return what checks a plugin's options: made once for each class, because making it takes a millisecond."""
    return TypeAdapter(plugin)


def _explained(mistake: ErrorDetails) -> tuple[str, str]:
    kind, said = mistake["type"], mistake["input"]
    option = ".".join(str(step) for step in mistake["loc"] if isinstance(step, str))
    if kind == "missing":
        return f'the option "{option}" is missing', ""
    reason = mistake["msg"].removeprefix("Value error, ").removeprefix("Input ")
    before = f'option "{option}" ' if option else ""
    hint = ""
    if kind == "string_type" and isinstance(said, int | float) and not isinstance(said, bool):
        hint = f'put it in quotes: "{written(said)}"'
    if kind == "value_error":
        reason, _, way_out = reason.partition(": ")
        return f"{before.strip()}{': ' if before else ''}{reason}", way_out
    return f"{before}{reason}", hint
