"""What the commands' options have in common: their types, and their twins in the environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

import click

from router.supervision.settings import Address

Function = TypeVar("Function", bound=Callable[..., Any])

_MOST_WORKERS: Final = 1024
_DAY: Final = 24 * 3600.0


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """Return a click option that INSEAM_NAME in the environment sets too, NAME being the longest of its names."""
    longest = max(names, key=len).lstrip("-").upper().replace("-", "_")
    return click.option(*names, envvar=f"INSEAM_{longest}", **settings)


def rules_argument(function: Function) -> Function:
    """Add the argument FILE: a rules file, `rules.yaml` unless INSEAM_RULES names another."""
    return click.argument("file", metavar="[FILE]", default="rules.yaml", envvar="INSEAM_RULES")(function)


# --- types: functions from a text to a value, for click's `type=`; they raise BadParameter with a way out -------------


def address(text: str) -> Address:
    """HOST:PORT."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def address_or_none(text: str) -> Address | None:
    """HOST:PORT, or nothing; `off` stands for nothing too, for an empty variable counts as not set."""
    return None if text in ("", "off") else address(text)


def worker_count(text: str) -> int:
    """A number from 1, or `auto`, which is 0 in `Settings`."""
    if text == "auto":
        return 0
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_WORKERS):
        raise click.BadParameter(f"{text!r} is not a number from 1 to {_MOST_WORKERS}, nor auto (one a processor core)")
    return int(text)


def seconds(text: str) -> float:
    """Seconds, zero or more, at most a day."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _DAY:
        raise click.BadParameter(f"{text!r} is not a number of seconds, such as 15")
    return value


def header(text: str) -> tuple[str, str]:
    """`NAME: VALUE`."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME: VALUE, such as 'Accept-Language: de'")
    return name.strip(), value.strip()


def cookie(text: str) -> str:
    """`NAME=VALUE`."""
    if "=" not in text:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as 'inseam-split=4711'")
    return text


class OneALine(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, and not at run time before
    """An option that may be given several times; in the environment, one a line."""

    envvar_list_splitter: ClassVar[str] = "\n"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.name = read.__name__
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._read(value) if isinstance(value, str) else value
