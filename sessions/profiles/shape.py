"""What a profile's YAML file may say: the keys, as msgspec checks them. docs/profiles.md explains each."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Kind = Literal["login", "logout", "basket", "order"]
Texts = str | list[str]


class Strict(Struct, forbid_unknown_fields=True):
    """The base: a key that is not known is a mistake."""


class Value(Strict):
    """A place where a value stands, one of them, and how it is read there."""

    json: str = ""
    html: str = ""
    cookie: str = ""
    sent: str = ""
    header: str = ""
    location: str = ""
    path: str = ""
    query: str = ""
    opaque: str = ""
    is_: str = field(default="", name="is")
    match: str = ""
    unquote: bool = False
    sum: bool = False
    scale: int = 0
    scale_at: str = ""


Values = Value | list[Value]


class JsonLines(Strict):
    """The lines of a basket in JSON: the path of the list, and within a line the sku and the quantity."""

    at: str
    sku: str
    quantity: str


class Basket(Strict):
    """Where the parts of a basket stand; `lines` is an expression with two groups, sku and quantity, or in JSON."""

    id: Values | None = None
    rev: Values | None = None
    count: Values | None = None
    total: Values | None = None
    currency: Values | None = None
    lines: str | JsonLines | None = None


class When(Strict):
    """What must be so, all of it."""

    method: Texts = ""
    path: Texts = ""
    status: int | str | list[int] = ""
    location: Texts = ""
    set_cookie: dict[str, Literal["set", "deleted"]] = {}
    cookie: dict[str, Literal["present", "absent"]] = {}
    query: dict[str, str] = {}
    header: dict[str, str] = {}
    json: dict[str, str] = {}
    html: Texts = ""


class Sign(Strict):
    """A sign of the system's answer, or one way in which the answer to a question is read."""

    when: When
    rests_on: str = ""
    name: str = ""
    says: Kind | list[Kind] = []
    unless: When | list[When] = []
    sub: Values | None = None
    display: Values | None = None
    basket: Basket | Literal["empty"] | None = None
    order: Values | None = None
    merged: Values | None = None
    asks: bool = True


class Ask(Strict):
    """A question: after what, where, and how its answer is read."""

    after: Kind | list[Kind]
    get: str
    read: list[Sign]
    rests_on: str
    headers: dict[str, str] = {}
    without: list[str] = []
    passes: list[str] = []


class Cookie(Strict):
    """Cookies of the product, and what hangs on them."""

    name: Texts
    rests_on: str
    login: bool = False
    keep: bool = False
    note: str = ""


class Csrf(Strict):
    """How forms are protected."""

    cookie: str
    field: str
    rests_on: str
    header: str = ""
    scheme: Literal["equal", "django"] = "equal"


class Profile(Strict):
    """A whole file."""

    title: str
    about: str
    sources: dict[str, str] = {}
    cookies: list[Cookie] = []
    csrf: Csrf | None = None
    signs: list[Sign] = []
    ask: list[Ask] = []
    gaps: list[str] = []
