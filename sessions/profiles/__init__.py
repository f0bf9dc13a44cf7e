"""How products show login, logout, basket and order, for systems that cannot be changed: data, and what reads it.

One YAML file beside this one for each product; docs/profiles.md says what may stand in it. A profile decides by method
and path whether an answer is worth a look (`watches`, `wants_body`), reads the exchange (`observe`), and names the
questions that tell what cannot be seen.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sessions.profiles.exchange import Answer, Asked
from sessions.profiles.profile import Csrf, Observed, Profile, Question, Statement
from sessions.profiles.reading import ProfileError, parse
from sessions.profiles.signs import merge_changes

__all__ = [
    "Answer", "Asked", "Csrf", "Observed", "Profile", "ProfileError", "Question", "Statement", "get", "merge_changes",
    "names", "parse",
]  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Return the names of all profiles, in order."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@cache
def _read(name: str) -> Profile:
    return parse(name, files(__name__).joinpath(f"{name}.yaml").read_bytes())


def get(name: str) -> Profile | None:
    """Return the profile of that name, None where there is none. Read once."""
    return _read(name) if name in names() else None
