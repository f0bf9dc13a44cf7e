"""Finding a plugin by the name that rules.yaml gives it.

Names are kebab-case: `rate-limit` is `plugins/rate_limit.py`, whose `PLUGIN` is the class. A name that no shipped
plugin has is looked up in the entry-point group `inseam.plugins`, where installed packages register theirs. A Python
path (`package.module:Class`) is refused on purpose: whoever may edit the rules could then run any code of the machine,
while installing and registering a package is a decision of whoever runs the edge. A package cannot take over a shipped
name, and two packages cannot share one.

Importing is the only I/O here; nothing is made or called.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final
from weakref import WeakKeyDictionary

import plugins
from router.errors import InseamError

GROUP: Final = "inseam.plugins"
"""The entry-point group in which packages register their plugins."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HOOKS: Final = ("on_request", "on_response", "on_request_waiting")
_NAMES: Final[WeakKeyDictionary[type, str]] = WeakKeyDictionary()
"""The name that each class was found by: the label of its errors in the metrics."""


class PluginError(InseamError):
    """A plugin is there and cannot be used; `hint` is a way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def find(name: str) -> type[Any] | None:
    """Return the class of the plugin with this name, or None where there is none. Raises PluginError."""
    if ":" in name or "." in name:
        raise PluginError(
            f"plugin {name!r} is a Python path, and a rules file must not be able to run any code of the machine",
            f"install it as a package that registers a name in the entry-point group {GROUP}, and write that name",
        )
    if not _NAME.fullmatch(name):
        return None
    found = _shipped(name) if name in _shipped_names() else _registered(name)
    if found is not None:
        _NAMES[found] = name
    return found


def names() -> list[str]:
    """Return the names of all plugins, shipped and registered, in order."""
    return sorted({*_shipped_names(), *(entry.name for entry in entry_points(group=GROUP))})


def option_names(plugin: type[Any]) -> list[str]:
    """Return the options of a plugin class, in the order of its fields; those that are state are left out."""
    return [field.name for field in fields(plugin) if field.init]


def plugin_name(plugin: object) -> str:
    """Return the name that a plugin's class was found by, else the class's own in kebab-case."""
    kind = type(plugin)
    return _NAMES.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


# --- where plugins are ------------------------------------------------------------------------------------------------


def _shipped_names() -> Iterator[str]:
    for module in pkgutil.iter_modules(plugins.__path__):
        if not module.name.startswith("_"):
            yield module.name.replace("_", "-")


def _shipped(name: str) -> type[Any]:
    try:
        found = import_module(f"plugins.{name.replace('-', '_')}").PLUGIN
    except Exception as error:  # a module may raise whatever it likes while it is imported
        raise PluginError(f"plugin {name!r} cannot be imported: {_said(error)}", "repair the installation") from error
    return _checked(name, found)


def _registered(name: str) -> type[Any] | None:
    places = {entry.value: entry for entry in entry_points(group=GROUP, name=name)}  # one package may be listed twice
    if not places:
        return None
    if len(places) > 1:
        owners = " and ".join(sorted(_owner(entry) for entry in places.values()))
        raise PluginError(f"plugin {name!r} is registered by {owners}", "uninstall all but one of them")
    (entry,) = places.values()
    try:
        found = entry.load()
    except Exception as error:
        raise PluginError(
            f"plugin {name!r} of {_owner(entry)} cannot be imported: {_said(error)}",
            f"repair or uninstall {_owner(entry)}",
        ) from error
    return _checked(name, found)


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# --- what a plugin must be --------------------------------------------------------------------------------------------


def _checked(name: str, found: object) -> type[Any]:
    if not isinstance(found, type) or not is_dataclass(found):
        raise PluginError(f"plugin {name!r} is not a dataclass", "its fields are its options: see docs/plugins.md")
    hooks = [hook for hook in _HOOKS if callable(getattr(found, hook, None))]
    if not hooks:
        raise PluginError(f"plugin {name!r} has no hook", f"give it one of {', '.join(_HOOKS)}")
    for hook in hooks:
        waits = inspect.iscoroutinefunction(getattr(found, hook))
        if waits and hook != "on_request_waiting":
            raise PluginError(f"plugin {name!r}: {hook} must not be async", "a hook that waits is on_request_waiting")
        if not waits and hook == "on_request_waiting":
            raise PluginError(
                f"plugin {name!r}: on_request_waiting must be async", "a hook that need not is on_request"
            )
    if "on_request_waiting" in hooks:
        known = {field.name for field in fields(found)}
        missing = [word for word in ("budget", "otherwise") if word not in known and not hasattr(found, word)]
        if missing:
            raise PluginError(
                f"plugin {name!r} waits and has no {' and no '.join(missing)}",
                "give it `budget` (seconds) and `otherwise` (a Reply, or None to go on)",
            )
    return found
