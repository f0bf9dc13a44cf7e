"""Compiling `when:` into conditions, each checked once and from then on only answering."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import re2

from router.conditions import (
    Between,
    Client,
    Condition,
    Country,
    In,
    Is,
    Language,
    Matches,
    Method,
    Present,
    Session,
    Source,
    Text,
    TextTest,
)
from router.patterns import PathPattern
from router.rulesfile import shape
from router.rulesfile.addresses import BadAddress, hosts, network
from router.rulesfile.document import Loc
from router.rulesfile.findings import did_you_mean
from router.rulesfile.times import BadTime, has_offset, moment, time_zone
from router.rulesfile.work import Work

KEYS = tuple(shape.When.model_fields)
"""The conditions that are not the name of a part of the path."""

_SLIP = 0.75
"""How like a common method another one may not be: PATH and PSOT are slips, PROPPATCH, REPORT and PURGE are methods."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_COUNTRY = re.compile(r"[A-Za-z][A-Za-z0-9]")


def compiled_conditions(
    work: Work, loc: Loc, said: shape.When, paths: tuple[PathPattern, ...]
) -> tuple[Condition, ...]:
    """Return the conditions under `when:`, those first that answer soonest."""
    found: list[Condition | None] = []
    if said.host is not None:
        found.append(_host(work, (*loc, "host"), said.host))
    if said.method is not None:
        found.append(_method(work, (*loc, "method"), said.method))
    names = {name for path in paths for name in path.names}
    for name, test in (said.__pydantic_extra__ or {}).items():
        if name in names:
            found.append(_text(work, (*loc, name), "param", name, test))
        elif paths:
            _unknown(work, (*loc, name), name, names)
    for clash in names.intersection(KEYS, said.model_fields_set):
        work.findings.error(
            (*loc, clash),
            f'"{clash}" is a condition, and a {{name}} of the path too',
            f"rename {{{clash}}} in the path",
            key=True,
        )
    tables: tuple[tuple[Source, dict[str, Any] | None], ...] = (
        ("query", said.query),
        ("header", said.header),
        ("cookie", said.cookie),
    )
    for source, tests in tables:
        for name, test in (tests or {}).items():
            found.append(_text(work, (*loc, source, name), source, name, test))
    if said.language is not None:
        tags = _words(work, (*loc, "language"), said.language, _language)
        found.append(Language(frozenset(tags)))
    if said.country is not None:
        found.append(Country(frozenset(_words(work, (*loc, "country"), said.country, _country))))
        if not work.country_header:
            work.findings.error(
                (*loc, "country"),
                "nobody tells the country: `country_header` is not set",
                "set it at the top, such as country_header: cf-ipcountry",
                key=True,
            )
    if said.client is not None:
        found.append(Client(tuple(_words(work, (*loc, "client"), said.client, network))))
    if said.session is not None:
        if said.session.login is None and said.session.basket is None:
            work.findings.error((*loc, "session"), "asks nothing of the session", "write {login: true}", key=True)
        found.append(Session(said.session.login, said.session.basket))
    if said.between is not None:
        found.append(_between(work, (*loc, "between"), said.between))
    return tuple(condition for condition in found if condition is not None)


def _unknown(work: Work, loc: Loc, name: str, names: set[str]) -> None:
    if name in shape.Rule.model_fields:
        hint = f"`{name}` stands beside `when`, not under it"
    elif name in shape.File.model_fields:
        hint = f"`{name}` stands at the top of the file"
    else:
        hint = did_you_mean(name, (*names, *KEYS), f"conditions are {', '.join(KEYS)} and the {{names}} of the path")
    work.findings.error(loc, f'"{name}" is neither a condition nor a {{name}} of the path', hint, key=True)


# --- words ------------------------------------------------------------------------------------------------------------


def _many(said: Any) -> list[tuple[Loc, str]]:
    """Return the texts of a single one or a list, each with the steps that lead to it."""
    if isinstance(said, list):
        return [((place,), text) for place, text in enumerate(said)]
    return [((), said)]


def _words(work: Work, loc: Loc, said: Any, read: Callable[[str], Any]) -> list[Any]:
    """Return what `read` makes of each text; it raises BadAddress for one that means nothing."""
    found = []
    texts = _many(said)
    if not texts:
        work.findings.error(loc, "the list is empty, so the rule could never hold", "leave the condition out")
    for steps, text in texts:
        try:
            found.append(read(text))
        except BadAddress as error:
            work.findings.error((*loc, *steps), str(error), error.hint)
    return found


def _host(work: Work, loc: Loc, said: Any) -> Condition:
    def read(text: str) -> str:
        hosts([text])
        return text

    return hosts(_words(work, loc, said, read))


def method_name(text: str) -> str:
    """Return the name of a method: one that is common, or one's own that is not a slip for a common one.

    Raises BadAddress.
    """
    if text in ("TRACE", "CONNECT"):
        raise BadAddress(f"{text} is never served", "leave it out")
    odd = text.upper() in METHODS or not re.fullmatch(r"[A-Z]+(?:-[A-Z]+)*", text)
    swapped = any(sorted(text) == sorted(known) for known in METHODS)
    if text not in METHODS and (odd or swapped or difflib.get_close_matches(text, METHODS, 1, _SLIP)):
        raise BadAddress(f'"{text}" is no method', did_you_mean(text, METHODS))
    return text


def _method(work: Work, loc: Loc, said: Any) -> Condition:
    return Method(frozenset(_words(work, loc, said, method_name)))


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise BadAddress(f'"{text}" is no language', "write de or de-AT")
    return text.lower()


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise BadAddress(f'"{text}" is no country', "write a code of two letters such as DE")
    return text.upper()


# --- tests of a text --------------------------------------------------------------------------------------------------


def _text(work: Work, loc: Loc, source: Source, name: str, said: Any) -> Condition | None:
    if source in ("header", "cookie") and not _TOKEN.fullmatch(name):
        work.findings.error(loc, f'"{name}" is no name of a {source}', "use letters, digits and hyphens", key=True)
        return None
    test = _test(work, loc, source, said)
    return Text(source, name.lower() if source == "header" else name, test) if test is not None else None


def _test(work: Work, loc: Loc, source: Source, said: Any) -> TextTest | None:
    if isinstance(said, bool):
        if source == "param":
            work.findings.error(
                loc, "a {name} of the path is always there", "write a value, {in: ...} or {matches: ...}"
            )
            return None
        return Present(said)
    if not isinstance(said, shape.ValueTest):
        return _is(work, loc, source, said)
    given = [key for key, value in (("in", said.in_), ("is", said.is_), ("matches", said.matches)) if value is not None]
    if len(given) != 1:
        what = " and ".join(given) or "nothing"
        work.findings.error(loc, f"tests for {what}", "write exactly one of in, is, matches")
        return None
    if said.matches is not None:
        return matches(work, (*loc, "matches"), said.matches)
    if said.in_ is not None:
        values = work.lists.get(said.in_)
        if values is None:
            work.findings.error(
                (*loc, "in"),
                f'unknown list "{said.in_}"',
                did_you_mean(said.in_, work.lists, "name it under `lists:`, or write is: [...]"),
            )
            return None
        return In(said.in_, values if source != "param" else _decoded(values))
    return _is(work, (*loc, "is"), source, said.is_)


def _is(work: Work, loc: Loc, source: Source, said: Any) -> Is:
    texts = _words(work, loc, said, str)
    if source in ("header", "cookie"):
        for steps, text in _many(said):
            if not text.isascii():
                work.findings.error(
                    (*loc, *steps),
                    f'"{text}" is not ASCII: no {source} would ever be equal to it',
                    "write it as it is sent",
                )
    return Is(_decoded(frozenset(texts)) if source == "param" else frozenset(texts))


def _decoded(values: frozenset[str]) -> frozenset[str]:
    """Return the values as a `{name}` has them: decoded and in normal form; one with % counts as it stands, too."""
    if all(value.isascii() and "%" not in value for value in values):
        return values
    normal = {unicodedata.normalize("NFC", value) for value in values}
    return frozenset(normal | {unquote(value) for value in normal})


# --- patterns ---------------------------------------------------------------------------------------------------------

_QUIET = re2.Options()
_QUIET.log_errors = False

_WAYS_OUT = (
    ("(?=", "RE2 has no lookahead, which can take more than linear time: match the whole value, or use two rules"),
    ("(?!", "RE2 has no lookahead, which can take more than linear time: put a rule for the exception before this one"),
    ("(?<", "RE2 has no lookbehind, which can take more than linear time: match the whole value"),
    ("(?P", "RE2 has no backreference, which can take more than linear time: write the alternatives out"),
    ("(?>", "RE2 has no atomic group and needs none: write (?:...)"),
    ("++", "RE2 has no possessive repetition and needs none: write +"),
)


def matches(work: Work, loc: Loc, pattern: str) -> Matches | None:
    """Return the test that a whole text matches an RE2 expression; one that RE2 refuses is a problem at its column."""
    try:
        re2.compile(pattern, _QUIET)
    except re2.error as error:
        said = error.args[0]
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        what, _, fragment = reason.rpartition(": ")
        offset = max(pattern.find(fragment), 0) if what and fragment else 0
        if re.match(r"\\[1-9]", fragment):
            hint = "RE2 has no backreference, which can take more than linear time: write the alternatives out"
        else:
            hint = next(
                (way for start, way in _WAYS_OUT if fragment.startswith(start)),
                "see https://github.com/google/re2/wiki/Syntax",
            )
        work.findings.error(loc, f"RE2 refuses the pattern: {reason}", hint, offset=offset)
        return None
    return Matches(pattern)


# --- time -------------------------------------------------------------------------------------------------------------


def _between(work: Work, loc: Loc, said: shape.Window) -> Condition | None:
    sides = (("from", said.from_), ("until", said.until))
    if said.from_ is None and said.until is None:
        work.findings.error(loc, "the window has neither `from` nor `until`", "write one of them", key=True)
        return None
    try:
        zone = time_zone(said.timezone)
    except BadTime as error:
        work.findings.error((*loc, "timezone"), str(error), error.hint)
        return None
    moments: dict[str, float | None] = {}
    for key, text in sides:
        try:
            moments[key] = moment(text, zone) if text is not None else None
        except BadTime as error:
            work.findings.error((*loc, key), str(error), error.hint)
            return None
        if text is not None and has_offset(text) and "timezone" in said.model_fields_set:
            work.findings.error(
                (*loc, key), f'"{text}" has an offset beside the time zone {said.timezone}', "leave one of them out"
            )
    since, until = moments["from"], moments["until"]
    if since is not None and until is not None and since >= until:
        work.findings.error(
            (*loc, "until"),
            f"the window ends ({said.until}) before it begins ({said.from_})",
            "from is the first moment of it, until the first after it",
        )
    words = [f"{said.from_ or 'ever'} and {said.until or 'ever'}"]
    if not all(text is None or has_offset(text) for _, text in sides):
        words.append(said.timezone)
    return Between(since, until, " ".join(words))
