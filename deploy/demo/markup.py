"""Markup from plain Python: what is put into a template is escaped, unless it is markup already.

There is no way to forget the escaping, because there is no way to ask for it: `html` escapes every value but `Html`.
Templates are `str.format` templates; pages hold no inline style and no inline script, so braces are free.
"""

from __future__ import annotations

from html import escape
from string import Formatter


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


class _Escaping(Formatter):
    def format_field(self, value: object, spec: str) -> str:
        if isinstance(value, list | tuple):
            return "".join(self.format_field(part, spec) for part in value)
        if value is None or isinstance(value, Html):
            return value or ""
        return escape(format(value, spec))


_escaping = _Escaping()


def html(template: str, **values: object) -> Html:
    """Return the template with its `{names}` filled in: text escaped, `Html` as it is, lists joined, None left out."""
    return Html(_escaping.vformat(template, (), values))


def euro(cents: int) -> str:
    """Return an amount as shops in Europe print it in English: `€ 1,280.00`, with a space that does not break."""
    return f"€\N{NO-BREAK SPACE}{cents / 100:,.2f}"
