"""What the edge knows of one visitor: session, login, basket; and how a guest's basket joins a customer's.

Pure values. Nothing here reads a clock or makes an id: both come in as arguments. Whatever came from outside goes
through `read_*` first, so that a value of these classes is always within its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from sessions.errors import BadClaims

MOST_ID: Final = 64
"""Characters of a basket's id or an order's number."""

MOST_SUB: Final = 128
"""Characters of a customer's id."""

MOST_NAME: Final = 64
"""Characters of a name to greet with; a longer one is cut."""

MOST_HANDLE: Final = 512
"""Bytes of what a system may have kept for itself. DESIGN, 6."""

MOST_LINES: Final = 200
"""Lines of a basket that the edge keeps; of a basket with more it keeps none, and the count."""

MOST_COUNT: Final = 1_000_000
"""Items in a basket, or in one line of it; more is a mistake."""


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one article."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket as the commerce system told of it. `rev` grows with its changes, 0 where the system counts none.

    `total` is a decimal number as text, empty if unknown, in `currency` (ISO 4217). `lines` is empty if unknown.
    """

    id: str
    rev: int = 0
    count: int = 0
    total: str = ""
    currency: str = ""
    lines: tuple[Line, ...] = ()

    def claims(self) -> dict[str, Any]:
        """Return it as a token's claim."""
        said: dict[str, Any] = {"id": self.id, "rev": self.rev, "count": self.count}
        if self.total:
            said["total"] = self.total
        if self.currency:
            said["currency"] = self.currency
        return said


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged in: the customer's id and a name to greet with, which may be empty."""

    sub: str
    name: str = ""


UNNUMBERED: Final = "?"
"""An order of which only is known that it was placed."""


class Unsaid:
    """The type of UNSAID: nothing was said, which is another thing than None."""

    def __repr__(self) -> str:
        return "UNSAID"


UNSAID: Final = Unsaid()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a system's update, or what its profile saw, says about a visitor.

    `login` None is a logout, `basket` None an empty basket; `order` is the number of an order that was placed, or `?`
    (UNNUMBERED) where the system told that there is one but not its number. `handle` replaces what is kept for the
    system.
    """

    login: Login | Unsaid | None = UNSAID
    basket: Basket | Unsaid | None = UNSAID
    order: str = ""
    handle: str | Unsaid = UNSAID
    merged: str = ""
    """The id of the guest's basket that went into this one."""
    undone: str = ""
    """The receipt of the merge that the system has undone."""
    cookies: Mapping[str, str] = field(default_factory=dict)
    """Cookies in which the system keeps a basket, by name, to give them back if a browser loses them; "" for none."""

    def __bool__(self) -> bool:
        return not (
            isinstance(self.login, Unsaid)
            and isinstance(self.basket, Unsaid)
            and isinstance(self.handle, Unsaid)
            and not self.order
            and not self.undone
            and not self.cookies
        )


@dataclass(frozen=True, slots=True)
class Session:
    """What is kept of one visitor. `rev` grows by one with every change; times are in seconds since the epoch.

    `id` has 128 random bits as base64url and changes at login; `former` is the id before that, with the time until
    which it stands for this session. `renewed` is when the cookie was last issued: the idle time counts from it.
    `handles` are opaque to us, by system; under `system~name` stands a cookie of the system's.
    """

    id: str
    rev: int
    created: int
    renewed: int
    login: Login | None = None
    login_at: int = 0
    basket: Basket | None = None
    handles: Mapping[str, str] = field(default_factory=dict)
    former: str = ""
    former_until: int = 0
    order: str = ""
    """The number of the order placed last, so that telling of it twice empties no newer basket."""
    ended: str = ""
    """The id of the basket that was ordered, emptied or joined last, and `ended_rev` its revision then: an answer that
    was made before and comes behind does not bring it back."""
    ended_rev: int = 0
    guest: Basket | None = None
    """The basket that the guest had at login, until it is known what became of it; `guest_at` is when that was."""
    guest_at: int = 0
    receipt: Receipt | None = None
    undo: str = ""
    """The receipt of a merge that the customer wants undone, until commerce says that it has."""
    kin: str = ""
    """What a session shares with those that were handed over from it to other sites: a logout in one ends them all."""
    trail: tuple[str, ...] = ()
    """The last events, oldest first, for the log: no names, no secrets."""

    @property
    def worth_keeping(self) -> bool:
        """Whether there is anything in it that the visitor would miss."""
        return bool(self.login or self.basket or self.handles or self.login_at)


MOST_TRAIL: Final = 8


def noted(session: Session, event: str) -> Session:
    """Return the session with one more event in its trail."""
    return replace(session, trail=(*session.trail, event)[-MOST_TRAIL:])


# --- when a guest's basket meets a customer's -------------------------------------------------------------------------

Merge = Literal["sum", "max", "newest", "guest", "customer"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How sessions are kept: the `session` part of a rules file. Times in seconds.

    `merge` says what becomes of an article that is in both baskets (`sum`, `max`), or which basket counts (`newest`,
    `guest`, `customer`). `line_cap` and `basket_cap` are the most items of one article and in all, 0 for no limit.
    """

    idle: int = 30 * 24 * 3600
    absolute: int = 180 * 24 * 3600
    grace: int = 600
    """Time in which the id before a login still stands for the session: forms that were open."""
    token_life: int = 300
    merge: Merge = "sum"
    line_cap: int = 0
    basket_cap: int = 0
    callbacks: frozenset[str] = frozenset()
    """Exact paths to which other sites may send a visitor with unsafe methods: payment providers come back there."""
    sites: frozenset[str] = frozenset()
    """Origins (`https://brand.example`) to which a session may be handed over."""
    home: str = ""
    """The shop's own origin, from which it is handed over; empty where no session is."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a guest's basket at login. Each entry is (sku, quantity in the guest's basket, of it kept).

    `outcome` is for the whole: merged if all of it was kept, capped if a part, refused if nothing.
    """

    id: str
    at: int
    guest: str
    customer: str
    outcome: Literal["merged", "capped", "refused"]
    lines: tuple[tuple[str, int, int], ...] = ()


def join(guest: tuple[Line, ...], customer: tuple[Line, ...], policy: Policy) -> tuple[Line, ...]:
    """Return the lines that a customer's basket should hold when a guest with a basket logs in.

    Articles keep their order, the customer's first. Caps bound what the guest adds and take nothing away that the
    customer had. `newest` is the guest's basket: it was in use until this moment.
    """
    had = quantities(customer) if policy.merge not in ("guest", "newest") else {}
    wanted = dict(had)
    if policy.merge != "customer":
        for sku, quantity in quantities(guest).items():
            before = had.get(sku, 0)
            wanted[sku] = max(before, quantity) if policy.merge == "max" else before + quantity
    room = max(0, (policy.basket_cap or MOST_COUNT) - sum(had.values()))
    lines: list[Line] = []
    for sku, quantity in wanted.items():
        before = had.get(sku, 0)
        added = max(0, min(quantity, policy.line_cap or MOST_COUNT) - before)
        added = min(added, room)
        room -= added
        if before + added:
            lines.append(Line(sku, before + added))
    return tuple(lines)


def quantities(lines: tuple[Line, ...]) -> dict[str, int]:
    """Return how many there are of each article, in the order of the lines."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.sku] = found.get(line.sku, 0) + line.quantity
    return found


# --- reading what came from outside -----------------------------------------------------------------------------------


def read_text(said: object, what: str, most: int) -> str:
    """Return a text of at most `most` characters without control characters. Raises BadClaims."""
    if not isinstance(said, str) or len(said) > most or not (said.isprintable()):
        raise BadClaims(f"{what} is not a text of at most {most} printable characters")
    return said


def read_count(said: object, what: str) -> int:
    """Return a whole number from 0 to MOST_COUNT. Raises BadClaims."""
    if type(said) is not int or not 0 <= said <= MOST_COUNT:
        raise BadClaims(f"{what} is not a whole number from 0 to {MOST_COUNT}")
    return said


def read_total(said: object) -> str:
    """Return an amount as text such as `19.90`, given as text or number. Raises BadClaims."""
    text = str(round(said, 4)) if isinstance(said, float) else _number_as_text(said)  # 59.800000000000004 is 59.8
    try:
        amount = Decimal(read_text(text, "total", 20))
    except (BadClaims, InvalidOperation):
        raise BadClaims("total is not an amount such as 19.90") from None
    # The exponent first: abs() of 1e999999999 overflows.
    if not amount.is_finite() or abs(amount.as_tuple().exponent) > 6 or abs(amount) >= 10**12:  # type: ignore[arg-type]
        raise BadClaims("total is not an amount such as 19.90")
    return format(amount, "f")


def read_basket(said: object) -> Basket | None:
    """Return the basket of a claim; None for null and for one that holds nothing and has no id. Raises BadClaims."""
    if said is None:
        return None
    if not isinstance(said, Mapping):
        raise BadClaims("basket is neither an object nor null")
    number = said.get("id")
    name = read_text("" if number is None else _number_as_text(number), "basket.id", MOST_ID)
    rev = said.get("rev", 0)
    if type(rev) is not int or not 0 <= rev < 1 << 53:
        raise BadClaims("basket.rev is not a whole number")
    lines = _read_lines(said.get("lines"))
    count = read_count(said.get("count", sum(line.quantity for line in lines)), "basket.count")
    if len(lines) > MOST_LINES:
        lines = ()  # half of them would look as if the rest had been lost
    if not name and not count:
        return None
    return Basket(
        name,
        rev,
        count,
        read_total(said["total"]) if said.get("total") not in (None, "") else "",
        read_text(said.get("currency") or "", "basket.currency", 8),
        lines,
    )


def _read_lines(said: object) -> tuple[Line, ...]:
    if said is None:
        return ()
    if not isinstance(said, list):
        raise BadClaims("basket.lines is not a list")
    lines = []
    for one in said:
        if not isinstance(one, Mapping):
            raise BadClaims("a line of the basket is not an object")
        sku = read_text(_number_as_text(one.get("sku")), "basket.lines.sku", MOST_ID)
        lines.append(Line(sku, read_count(one.get("quantity", 1), "basket.lines.quantity")))
    return tuple(lines)


def read_login(sub: object, name: object) -> Login | None:
    """Return who is logged in; None for a `sub` of null or "". Raises BadClaims."""
    if sub is None or sub == "":
        return None
    who = read_text(_number_as_text(sub), "sub", MOST_SUB)
    shown = name if isinstance(name, str) else ""
    return Login(who, "".join(letter for letter in shown[:MOST_NAME] if letter.isprintable()))


def read_changes(claims: Mapping[str, Any]) -> Changes:
    """Return what an update's claims say, whoever may say it. Raises BadClaims. DESIGN, 6."""
    login: Login | Unsaid | None = UNSAID
    if "sub" in claims:
        login = read_login(claims["sub"], claims.get("name"))
    basket: Basket | Unsaid | None = UNSAID
    if "basket" in claims:
        basket = read_basket(claims["basket"])
    order = claims.get("order", "")
    if isinstance(order, Mapping):
        order = UNNUMBERED if order.get("id") is None else order["id"]
    if order is None or order is False:
        order = ""
    elif order is True:
        order = UNNUMBERED
    return Changes(
        login,
        basket,
        _read_number(order, "order"),
        _read_handle(claims["handle"]) if "handle" in claims else UNSAID,
        _read_number(claims.get("merged") or "", "merged"),
        _read_number(claims.get("undone") or "", "undone"),
    )


def _read_handle(said: object) -> str:
    """Return a text of at most MOST_HANDLE bytes, "" for null. Raises BadClaims."""
    try:
        if said is None or (isinstance(said, str) and len(said.encode()) <= MOST_HANDLE):
            return said or ""
    except UnicodeEncodeError:  # half a surrogate pair
        pass
    raise BadClaims(f"handle is not a text of at most {MOST_HANDLE} bytes")


def _read_number(said: object, what: str) -> str:
    """Return an id or a number given as text or as a whole number. Raises BadClaims."""
    return read_text(_number_as_text(said), what, MOST_ID)


def _number_as_text(said: object) -> object:
    """Return a whole number as text, and anything else as it is; numbers beyond all bounds, too: text is costly."""
    return str(said) if type(said) is int and said.bit_length() <= 128 else said
