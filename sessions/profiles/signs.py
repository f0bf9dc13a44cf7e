"""A sign: what an exchange must look like, and what it then says of the visitor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sessions.errors import BadClaims
from sessions.model import (
    MOST_ID,
    UNNUMBERED,
    UNSAID,
    Basket,
    Changes,
    Login,
    Unsaid,
    read_basket,
    read_login,
    read_text,
)
from sessions.profiles.exchange import Exchange, Name
from sessions.profiles.paths import Path
from sessions.profiles.values import Either

Kind = Literal["login", "logout", "basket", "order"]
State = Literal["set", "deleted"]
Test = Any
"""A compiled RE2 expression, which ships no types."""

KINDS: Final[tuple[Kind, ...]] = ("login", "logout", "basket", "order")


@dataclass(frozen=True, slots=True)
class When:
    """What must be so, all of it; what is left out asks nothing. Expressions need match only a part."""

    methods: frozenset[str] = frozenset()
    paths: tuple[Path, ...] = ()
    statuses: frozenset[int] = frozenset()
    locations: tuple[Path, ...] = ()
    """The path of the Location is one of these."""
    set_cookies: tuple[tuple[Name, State], ...] = ()
    cookies: tuple[tuple[Name, bool], ...] = ()
    """Whether the visitor had sent such a cookie."""
    query: tuple[tuple[str, Test], ...] = ()
    headers: tuple[tuple[str, Test], ...] = ()
    json: tuple[tuple[tuple[str, ...], Test], ...] = ()
    """At this place in the JSON body stands something that is not null, and the expression matches it."""
    html: tuple[Test, ...] = ()

    @property
    def wants_body(self) -> bool:
        """Whether the body decides."""
        return bool(self.json or self.html)

    def holds(self, seen: Exchange) -> bool:
        """Whether all is so. What the path's names stand for is then in `seen.captures`."""
        asked, answer = seen.asked, seen.answer
        if self.methods and (asked is None or asked.method not in self.methods):
            return False
        if self.statuses and answer.status not in self.statuses:
            return False
        captures: dict[str, str] | None = {"mount": ""}  # what shows on any page is asked about at the root
        if self.paths:
            captures = None if asked is None else _captured(self.paths, asked.path)
        if captures is None:
            return False
        if not all(_cookie_is(seen, name, state) for name, state in self.set_cookies):
            return False
        if not all(any(map(name, seen.known)) is wanted for name, wanted in self.cookies):
            return False
        if self.locations and _captured(self.locations, (seen.location or "").partition("?")[0]) is None:
            return False
        if not all(_matches(test, seen.query(name)) for name, test in self.query):
            return False
        if not all(_matches(test, seen.header(name)) for name, test in self.headers):
            return False
        if not all(any(_matches(test, _said(found)) for found in seen.json(path)) for path, test in self.json):
            return False
        if not all(test.search(seen.page) for test in self.html):
            return False
        seen.captures.update(captures)
        return True


def _captured(paths: tuple[Path, ...], path: str) -> dict[str, str] | None:
    return next((found for found in (one(path) for one in paths) if found is not None), None)


def _cookie_is(seen: Exchange, name: Name, state: State) -> bool:
    return any(name(found) and (value is not None) is (state == "set") for found, value in seen.set.items())


def _matches(test: Test, text: str | None) -> bool:
    return text is not None and test.search(text) is not None


def _said(value: object) -> str | None:
    """Return a JSON value as text: an object or a list is just there, null is not."""
    if value is None or isinstance(value, dict | list):
        return None if value is None else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class BasketAt:
    """Where the parts of a basket stand. Each line is (sku, quantity): the two groups of `lines`, or at `line_skus`."""

    id: Either | None = None
    rev: Either | None = None
    count: Either | None = None
    total: Either | None = None
    currency: Either | None = None
    lines: Test = None
    line_skus: tuple[str, ...] = ()
    line_quantities: tuple[str, ...] = ()

    def read(self, seen: Exchange) -> Basket | Unsaid | None:
        """Return the basket, None for an empty one, UNSAID where neither count nor lines can be seen."""
        lines = self._lines(seen)
        count = self.count.count(seen) if self.count else None
        if count is None:
            if lines is None:
                return UNSAID
            count = sum(int(line["quantity"]) for line in lines)
        if not count:
            return None
        claim: dict[str, Any] = {"id": (self.id and self.id.text(seen)) or "", "count": count, "lines": lines}
        if self.rev:
            claim["rev"] = self.rev.count(seen) or 0
        money = self.total.amount(seen) if self.total else None
        if money is not None:
            claim["total"], claim["currency"] = money
        if self.currency:
            claim["currency"] = self.currency.text(seen) or claim.get("currency", "")
        try:
            return read_basket(claim)
        except BadClaims:
            return UNSAID

    def _lines(self, seen: Exchange) -> list[dict[str, Any]] | None:
        if self.lines is not None:
            found = self.lines.findall(seen.page)
            return [{"sku": sku, "quantity": int(quantity)} for sku, quantity in found if quantity.isdigit()]
        if not self.line_skus:
            return None
        skus = list(seen.json(self.line_skus))
        quantities = [_quantity(said) for said in seen.json(self.line_quantities)]
        if len(skus) != len(quantities):
            return None
        return [{"sku": str(sku), "quantity": said} for sku, said in zip(skus, quantities, strict=True) if said]


def _quantity(said: object) -> int:
    try:
        return int(float(said)) if isinstance(said, int | float | str) else 0
    except (ValueError, OverflowError):
        return 0


@dataclass(frozen=True, slots=True)
class Sign:
    """When `when` holds and `unless` does not, this is what it says.

    `kinds` alone say that something has happened, which is enough to ask about it; the places give what can be seen at
    once. `empties` says that there is no basket now, unless the places show one.
    """

    name: str
    when: When
    kinds: tuple[Kind, ...]
    rests_on: str
    unless: tuple[When, ...] = ()
    sub: Either | None = None
    display: Either | None = None
    basket: BasketAt | None = None
    empties: bool = False
    order: Either | None = None
    merged: Either | None = None
    """The number of the guest's basket that went into this one."""
    asks: bool = True
    """Whether there is more to ask about; no where the exchange has said it all."""
    _body: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = (self.sub, self.display, self.order, self.merged, *(self._basket_places()))
        in_body = any(value.place in ("json", "html") for place in places if place for value in place.values)
        lines = self.basket is not None and (self.basket.lines is not None or bool(self.basket.line_skus))
        decides = self.when.wants_body or any(one.wants_body for one in self.unless)
        object.__setattr__(self, "_body", decides or in_body or lines)

    def _basket_places(self) -> tuple[Either | None, ...]:
        at = self.basket
        return () if at is None else (at.id, at.rev, at.count, at.total, at.currency)

    @property
    def wants_body(self) -> bool:
        """Whether the body decides or holds what is to be read."""
        return self._body

    def holds(self, seen: Exchange) -> bool:
        """Whether the exchange shows this sign."""
        return self.when.holds(seen) and not any(one.holds(seen) for one in self.unless)

    def read(self, seen: Exchange) -> Changes:
        """Return what the sign says, having held."""
        return Changes(
            self._login(seen),
            self._basket(seen),
            _number_at(self.order, seen, UNNUMBERED) if "order" in self.kinds else "",
            merged=_number_at(self.merged, seen, "") if self.merged else "",
        )

    def _login(self, seen: Exchange) -> Login | Unsaid | None:
        if "logout" in self.kinds:
            return None
        if self.sub is None or "login" not in self.kinds:
            return UNSAID
        try:
            return read_login(self.sub.text(seen), self.display.text(seen) if self.display else "") or UNSAID
        except BadClaims:
            return UNSAID

    def _basket(self, seen: Exchange) -> Basket | Unsaid | None:
        found = UNSAID if self.basket is None else self.basket.read(seen)
        return None if self.empties and isinstance(found, Unsaid) else found


def _number_at(place: Either | None, seen: Exchange, otherwise: str) -> str:
    """Return the number of a basket or an order that stands there."""
    try:
        return read_text((place and place.text(seen)) or otherwise, "number", MOST_ID)
    except BadClaims:
        return otherwise


def merge_changes(first: Changes, then: Changes) -> Changes:
    """Return both, what `then` says standing over what `first` said; an order's number over that there is one."""
    return replace(
        first,
        login=first.login if isinstance(then.login, Unsaid) else then.login,
        basket=first.basket if isinstance(then.basket, Unsaid) else then.basket,
        order=then.order if then.order not in ("", UNNUMBERED) or not first.order else first.order,
        handle=first.handle if isinstance(then.handle, Unsaid) else then.handle,
        merged=then.merged or first.merged,
        cookies={**first.cookies, **then.cookies},
    )


def read_all(signs: tuple[Sign, ...], keep: tuple[Name, ...], seen: Exchange) -> tuple[Changes, frozenset[Kind]]:
    """Return what the signs that hold say, in order, with what became of cookies to keep; and what to ask about."""
    kept = {name: value or "" for name, value in seen.set.items() if any(one(name) for one in keep)}
    changes = Changes(cookies=kept)
    kinds: set[Kind] = set()
    for sign in signs:
        if sign.holds(seen):
            kinds.update(sign.kinds if sign.asks else ())
            changes = merge_changes(changes, sign.read(seen))
    return changes, frozenset(kinds)
