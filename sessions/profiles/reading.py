"""From a profile's YAML to the profile, with every pattern compiled and every statement's source known.

Profiles ship with the package and are tested, so a mistake here is a developer's: it is told with the place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import re2
import yaml

from sessions.errors import SessionError
from sessions.profiles import shape
from sessions.profiles.exchange import Name
from sessions.profiles.paths import Path, PathError
from sessions.profiles.profile import Ask, Csrf, Profile, Statement
from sessions.profiles.signs import KINDS, BasketAt, Sign, When
from sessions.profiles.values import Either, Place, Value

TRIED: Final = "running product: "
READ: Final = "documentation: "
"""How a source begins: was it tried on the running product, or only read? Then comes which version, or which page."""

_PLACES: Final[tuple[Place, ...]] = (
    "json", "html", "cookie", "sent", "header", "location", "path", "query", "opaque", "is",
)  # fmt: skip
_IN_TEXT: Final = ("html", "location")
"""Places whose own words are the expression; the others have a name, and `match` beside it."""


class ProfileError(SessionError):
    """A profile that cannot be used: says which file, where, and what is wrong."""


def parse(name: str, content: bytes) -> Profile:
    """Return the profile that a YAML file describes. Raises ProfileError."""
    try:
        said = msgspec.convert(yaml.load(content, yaml.CSafeLoader), shape.Profile)
        return _profile(name, said)
    except (msgspec.ValidationError, yaml.YAMLError, PathError, re2.error, _WrongError) as error:
        raise ProfileError(f"profile {name}: {error}") from error


class _WrongError(Exception):
    """What is wrong, with the place."""


def _profile(name: str, said: shape.Profile) -> Profile:
    for key, source in said.sources.items():
        if not source.startswith((TRIED, READ)):
            raise _WrongError(f'sources.{key} begins neither with "{TRIED}" nor with "{READ}"')
    signs = tuple(_sign(each, f"signs[{place}]") for place, each in enumerate(said.signs))
    for place, sign in enumerate(signs):
        _check(sign, f"signs[{place}]")
    return Profile(
        name=name,
        title=said.title,
        about=" ".join(said.about.split()),
        cookies=_names(said.cookies),
        login_cookies=_names([each for each in said.cookies if each.login]),
        keep=_names([each for each in said.cookies if each.keep]),
        signs=signs,
        asks=tuple(_ask(each, f"ask[{place}]") for place, each in enumerate(said.ask)),
        csrf=_csrf(said.csrf),
        gaps=tuple(" ".join(gap.split()) for gap in said.gaps),
        statements=tuple(_statement(said, what, key) for what, key in _rested(said)),
    )


def _check(sign: Sign, at: str) -> None:
    """See that a sign can be noticed at all: by what was asked, or by a cookie that is set."""
    if not sign.kinds:
        raise _WrongError(f"{at} says nothing: write says: login, logout, basket or order")
    if sign.when.paths and not sign.when.methods:
        raise _WrongError(f"{at} has a path and no method")
    if not sign.when.paths and (sign.when.methods or sign.wants_body or not sign.when.set_cookies):
        raise _WrongError(f"{at} has no path, so only a set_cookie can show it, without a method and without a body")


def _rested(said: shape.Profile) -> Iterator[tuple[str, str]]:
    """Yield what each statement is about, and the key of its source."""
    for cookie in said.cookies:
        hangs = [word for word, is_so in (("the login", cookie.login), ("the basket", cookie.keep)) if is_so]
        remarks = [cookie.note] if cookie.note else []
        remarks += [" and ".join(hangs) + " hangs on it"] if hangs else []
        beside = f" ({'; '.join(remarks)})" if remarks else ""
        yield "cookie " + ", ".join(_list(cookie.name)) + beside, cookie.rests_on
    if said.csrf is not None:
        yield f"forms: field {said.csrf.field} is checked against cookie {said.csrf.cookie}", said.csrf.rests_on
    for sign in said.signs:
        yield f"{' and '.join(_list(sign.says))}: {sign.name}", sign.rests_on
    for ask in said.ask:
        yield f"after {' or '.join(_list(ask.after))} ask GET {ask.get}", ask.rests_on


def _statement(said: shape.Profile, what: str, key: str) -> Statement:
    source = said.sources.get(key)
    if source is None:
        raise _WrongError(f'"{what}" rests on "{key}", which is none of sources: {", ".join(said.sources)}')
    proven = source.startswith(TRIED)
    return Statement(what, source.removeprefix(TRIED).removeprefix(READ), proven)


def _names(cookies: Sequence[shape.Cookie]) -> tuple[str, ...]:
    names = [name for cookie in cookies for name in _list(cookie.name)]
    for name in names:
        if name.count("*") > 1:
            raise _WrongError(f'cookie "{name}" has more than one *')
    for cookie in cookies:
        if cookie.login and cookie.keep:  # it would be given back after a logout that another system told of
            raise _WrongError(f"cookie {cookie.name} is of the login, so it cannot be kept")
    return tuple(names)


def _csrf(said: shape.Csrf | None) -> Csrf | None:
    return None if said is None else Csrf(said.cookie, said.field, said.header, said.scheme)


def _ask(said: shape.Ask, at: str) -> Ask:
    if not said.get.startswith(("/", "{")):
        raise _WrongError(f"{at}.get is no path")
    read = tuple(_sign(each, f"{at}.read[{place}]") for place, each in enumerate(said.read))
    return Ask(
        after=frozenset(kind for kind in KINDS if kind in _list(said.after)),
        get=said.get,
        signs=read,
        rests_on=said.rests_on,
        headers=tuple(said.headers.items()),
        without=tuple(said.without),
        passes=tuple(name.lower() for name in said.passes),
    )


def _sign(said: shape.Sign, at: str) -> Sign:
    unless = said.unless if isinstance(said.unless, list) else [said.unless]
    kinds = [kind for kind in KINDS if kind in _list(said.says)]
    return Sign(
        name=said.name,
        when=_when(said.when, f"{at}.when"),
        kinds=tuple(kinds),
        rests_on=said.rests_on,
        unless=tuple(_when(each, f"{at}.unless") for each in unless),
        sub=_either(said.sub, f"{at}.sub"),
        display=_either(said.display, f"{at}.display"),
        basket=_basket(said.basket, f"{at}.basket") if isinstance(said.basket, shape.Basket) else None,
        empties=said.basket == "empty",
        order=_either(said.order, f"{at}.order"),
        merged=_either(said.merged, f"{at}.merged"),
        asks=said.asks,
    )


def _when(said: shape.When, at: str) -> When:
    return When(
        methods=frozenset(_list(said.method)),
        paths=tuple(map(Path, _list(said.path))),
        statuses=frozenset(_statuses(said.status, at)),
        locations=tuple(map(Path, _list(said.location))),
        set_cookies=tuple((Name(name), state) for name, state in said.set_cookie.items()),
        cookies=tuple((Name(name), state == "present") for name, state in said.cookie.items()),
        query=tuple((name, re2.compile(test)) for name, test in said.query.items()),
        headers=tuple((name.lower(), re2.compile(test)) for name, test in said.header.items()),
        json=tuple((tuple(path.split(".")), re2.compile(test)) for path, test in said.json.items()),
        html=tuple(map(re2.compile, _list(said.html))),
    )


def _statuses(said: int | str | list[int], at: str) -> list[int]:
    """Return the statuses: one, several, or a hundred of them written as 2xx."""
    if isinstance(said, list):
        return said
    if isinstance(said, int):
        return [said]
    if said and (len(said) != 3 or said[1:] != "xx" or said[0] not in "12345"):
        raise _WrongError(f"{at}.status is neither a number nor 2xx")
    return list(range(int(said[0]) * 100, int(said[0]) * 100 + 100)) if said else []


def _basket(said: shape.Basket, at: str) -> BasketAt:
    lines = said.lines
    in_page: Any = None
    skus: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    if isinstance(lines, str):
        in_page = re2.compile(lines)
        if in_page.groups != 2:
            raise _WrongError(f"{at}.lines needs two groups: the sku and the quantity")
    elif lines is not None:
        skus = (*lines.at.split("."), "*", *lines.sku.split("."))
        quantities = (*lines.at.split("."), "*", *lines.quantity.split("."))
    return BasketAt(
        id=_either(said.id, f"{at}.id"),
        rev=_either(said.rev, f"{at}.rev"),
        count=_either(said.count, f"{at}.count"),
        total=_either(said.total, f"{at}.total"),
        currency=_either(said.currency, f"{at}.currency"),
        lines=in_page,
        line_skus=skus,
        line_quantities=quantities,
    )


def _either(said: shape.Values | None, at: str) -> Either | None:
    if said is None:
        return None
    return Either(tuple(_value(each, at) for each in (said if isinstance(said, list) else [said])))


def _value(said: shape.Value, at: str) -> Value:
    texts = {place: getattr(said, "is_" if place == "is" else place) for place in _PLACES}
    given = [place for place in _PLACES if texts[place] and place != "is"]
    if len(given) > 1 or not (given or said.is_):
        raise _WrongError(f"{at} must say one place, of {', '.join(_PLACES)}")
    place: Place = given[0] if given else "is"
    in_text = place in _IN_TEXT
    return Value(
        place=place,
        name="" if in_text or place == "is" else texts[place].lower() if place == "header" else texts[place],
        pattern=texts[place] if in_text else said.match,
        constant=said.is_,
        unquoted=said.unquote,
        total=said.sum,
        scale=said.scale,
        scale_at=said.scale_at,
    )


def _list(said: Any) -> list[Any]:
    """Return a list of what may be written as one text or as several."""
    if isinstance(said, list):
        return said
    return [said] if said else []
