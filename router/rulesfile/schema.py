"""The JSON Schema of rules files, for editors, and the question which keys may stand where."""

from __future__ import annotations

from functools import cache
from typing import Any

from router.rulesfile.document import Loc
from router.rulesfile.shape import File

TITLE = "Inseam rules file"


@cache
def _pydantic() -> dict[str, Any]:
    return File.model_json_schema(by_alias=True)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a rules file; `inseam schema` prints it."""
    said = _tidy(_pydantic())
    said["$defs"]["Rule"]["oneOf"] = [{"required": [key]} for key in ("to", "redirect", "respond")]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLE}
    return {**head, **{key: value for key, value in said.items() if key != "title"}}


def keys_at(loc: Loc) -> list[str]:
    """Return the keys that may stand in the mapping at `loc`; empty where any may."""
    nodes = [_pydantic()]
    for step in loc:
        nodes = [below for node in nodes for below in _below(node, step)] or nodes
    return [key for node in nodes for shape in _shapes(node) for key in shape.get("properties", {})]


def _shapes(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the shapes that a schema allows, with references followed."""
    if "$ref" in node:
        return _shapes(_pydantic()["$defs"][node["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf"):
        if several in node:
            return [shape for option in node[several] for shape in _shapes(option)]
    return [node]


def _below(node: dict[str, Any], step: str | int) -> list[dict[str, Any]]:
    found = []
    for shape in _shapes(node):
        if isinstance(step, int):
            below = shape.get("items")
        else:
            below = shape.get("properties", {}).get(step) or shape.get("additionalProperties")
        if isinstance(below, dict):
            found.append(below)
    return found


def _tidy(node: Any) -> Any:
    """Return the schema without what helps nobody at a keyboard: null (refused anyway), titles made from names,
    defaults in seconds and bytes where one writes `10s` and `8KB`."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {
        key: _tidy_properties(value) if key in ("properties", "$defs") else _tidy(value) for key, value in node.items()
    }
    options: list[dict[str, Any]] = [option for option in out.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del out["anyOf"]
        out = {**options[0], **out}
    elif options:
        out["anyOf"] = options
    if "default" in out:
        default = _as_written(out, out.pop("default"))
        if default not in (None, "", [], {}):
            out["default"] = default
    return out


def _tidy_properties(properties: dict[str, Any]) -> dict[str, Any]:
    tidy = {name: _tidy(value) for name, value in properties.items()}
    for value in tidy.values():
        value.pop("title", None)
    return tidy


def _as_written(node: dict[str, Any], default: Any) -> Any:
    """Return a default as somebody would write it."""
    examples = node.get("examples", ())
    if "10s" in examples and isinstance(default, float):
        return f"{default:g}s"
    if "8KB" in examples and isinstance(default, int):
        for unit, factor in (("MB", 1024**2), ("KB", 1024)):
            if default and default % factor == 0:
                return f"{default // factor}{unit}"
        return default
    if isinstance(default, int) and default > node.get("maximum", default):
        return default // 100  # a share, held in buckets
    return default
