"""A profile: how one product shows login, logout, basket and order, for a system that cannot be changed.

What is watched is decided by method and path before anything is sent; what was seen is read from the exchange; what
cannot be seen is asked: a Question is a GET that the edge makes with the visitor's cookies before the reply goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sessions.model import Changes
from sessions.profiles.exchange import Answer, Asked, Exchange, Name, cookie_name
from sessions.profiles.paths import Path, Watch, fill
from sessions.profiles.signs import Kind, Sign, read_all


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a profile says of its product, and what that rests on."""

    what: str
    source: str
    proven: bool
    """Whether it was seen on the running product; otherwise `source` names the documentation."""


@dataclass(frozen=True, slots=True)
class Csrf:
    """How the product's forms are protected by a value that stands both in a cookie and in the form.

    `equal`: the field has the cookie's value; `django`: it has that value under a mask. Open forms hold the value of
    the cookie that was there when they were shown.
    """

    cookie: str
    field: str
    header: str = ""
    scheme: Literal["equal", "django"] = "equal"


@dataclass(slots=True)
class Question:
    """A GET to the same system, with the visitor's cookies as they are after the answer, but those in `without`.

    What its own answer sets belongs to the visitor too, again but for cookies in `without`: a page that shows messages
    would otherwise use them up unseen.
    """

    path: str
    """With its query."""
    headers: tuple[tuple[str, str], ...]
    without: tuple[str, ...]
    """Names of cookies, in which one `*` may stand for any run of characters."""
    passes: tuple[str, ...]
    """Headers of the visitor's request, in lower case, that go with the question: bearer tokens are in none of ours."""
    signs: tuple[Sign, ...] = field(repr=False)
    keep: tuple[Name, ...] = field(repr=False)
    known: Mapping[str, str] = field(repr=False)
    captures: Mapping[str, str] = field(repr=False)

    def leaves_out(self, cookie: str) -> bool:
        """Whether a cookie of this name is neither sent with it nor taken from its answer."""
        return any(Name(name)(cookie) for name in self.without)

    def read(self, answer: Answer) -> Changes:
        """Return what the answer says; nothing for one that is none of the expected."""
        path, _, query = self.path.partition("?")
        seen = Exchange(Asked("GET", path, query, self.known), answer, self.known, self.captures)
        return read_all(self.signs, self.keep, seen)[0]


@dataclass(slots=True)
class Observed:
    """What an exchange says, and what is to be asked because of it, in this order."""

    changes: Changes
    ask: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as the profile has it: after what, where, and how its answer is read."""

    after: frozenset[Kind]
    get: str
    signs: tuple[Sign, ...]
    rests_on: str
    headers: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()

    def bound(self, seen: Exchange, keep: tuple[Name, ...]) -> Question | None:
        """Return the question for this visitor, None where its path needs what the request did not have."""
        path = fill(self.get, seen.captures)
        if path is None:
            return None
        known = seen.after()
        return Question(path, self.headers, self.without, self.passes, self.signs, keep, known, dict(seen.captures))


@dataclass(frozen=True, slots=True)
class Profile:
    """How one product shows what becomes of its visitors. Made by `sessions.profiles.reading`.

    `cookies` are the names that the product's own cookies have, `login_cookies` those without which nobody is logged
    in any more, `keep` those in which a basket lives: worth giving back when a browser has lost them. In each name one
    `*` may stand for any run of characters.
    """

    name: str
    title: str
    about: str
    cookies: tuple[str, ...] = ()
    login_cookies: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = ()
    asks: tuple[Ask, ...] = ()
    csrf: Csrf | None = None
    gaps: tuple[str, ...] = ()
    """What the profile does not see, in sentences."""
    statements: tuple[Statement, ...] = ()
    _watched: dict[str, Watch] = field(init=False, repr=False, compare=False)
    _bodies: dict[str, Watch] = field(init=False, repr=False, compare=False)
    _anywhere: tuple[Name, ...] = field(init=False, repr=False, compare=False)
    _keep: tuple[Name, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_watched", _watches([sign for sign in self.signs if sign.when.paths]))
        object.__setattr__(self, "_bodies", _watches([sign for sign in self.signs if sign.wants_body]))
        keep = tuple(map(Name, self.keep))
        anywhere = (name for sign in self.signs if not sign.when.paths for name, _ in sign.when.set_cookies)
        object.__setattr__(self, "_anywhere", tuple(dict.fromkeys((*keep, *anywhere))))
        object.__setattr__(self, "_keep", keep)

    @property
    def proven(self) -> str:
        """What the profile rests on: `running product`, `documentation`, or how much on which."""
        tried = sum(statement.proven for statement in self.statements)
        if not tried:
            return "documentation" if self.statements else "nothing to prove"
        if tried == len(self.statements):
            return "running product"
        return f"running product ({tried} of {len(self.statements)}), documentation"

    def watches(self, method: str, path: str) -> bool:
        """Whether the answer to this could show anything; False for nearly every request, in a quarter microsecond."""
        watch = self._watched.get(method)
        return watch is not None and watch(path)

    def notices(self, set_cookies: Sequence[str]) -> bool:
        """Whether these Set-Cookie lines could show anything, whatever was asked for.

        Some products tell of a login so, and a cookie to keep may be set or deleted by any page.
        """
        if not self._anywhere:
            return False
        return any(name(cookie_name(line)) for line in set_cookies for name in self._anywhere)

    def wants_body(self, method: str, path: str) -> bool:
        """Whether the answer's body is needed to see it."""
        watch = self._bodies.get(method)
        return watch is not None and watch(path)

    def observe(self, asked: Asked, answer: Answer) -> Observed:
        """Return what the exchange says and what is to be asked about it. Nothing for an exchange without a sign."""
        seen = Exchange(asked, answer, asked.cookies)
        changes, kinds = read_all(self.signs, self._keep, seen)
        if not kinds:
            return Observed(changes)
        questions = (ask.bound(seen, self._keep) for ask in self.asks if ask.after & kinds)
        return Observed(changes, tuple(question for question in questions if question is not None))

    def inquire(self, asked: Asked, answer: Answer) -> tuple[Question, ...]:
        """Return the questions that tell of a visitor of whom only the product's cookies are known.

        Nothing for one without cookies that a login or a basket lives in. It is asked, never read off the cookies: they
        may say anything until the system has looked at them. Where the product is mounted cannot be told from any page,
        so it is asked at the root.
        """
        names = (*map(Name, self.login_cookies), *self._keep)
        if not any(name(cookie) for cookie in asked.cookies for name in names):
            return ()
        seen = Exchange(asked, answer, asked.cookies, {"mount": ""})
        bound = (ask.bound(seen, self._keep) for ask in self.asks if ask.after & {"login", "basket"})
        return tuple(question for question in bound if question is not None)


def _watches(signs: list[Sign]) -> dict[str, Watch]:
    """Return for each method what is watched."""
    paths: dict[str, list[Path]] = {}
    for sign in signs:
        for method in sign.when.methods:
            paths.setdefault(method, []).extend(sign.when.paths)
    return {method: Watch(tuple(dict.fromkeys(some))) for method, some in paths.items()}
