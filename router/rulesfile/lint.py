"""What a rules file says that is allowed, and probably not meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from router.conditions import Host, Method
from router.errors import Problem
from router.generation import Generation
from router.model import PAYMENT_PAGES, RequestView
from router.patterns import PathPattern
from router.rules import Redirect, Rule
from router.rulesfile.cover import covers, shadowed
from router.rulesfile.requests import BadRequestText, ClientError, view_of

PAGES = (
    "home",
    "campaign",
    "brand",
    "story",
    "listing",
    "product",
    "search",
    "basket",
    "checkout",
    "payment",
    "order",
    "account",
    "login",
    "api",
    "asset",
)
"""The page types that metrics, dashboards and guards know; others are allowed."""

_PAYMENT_WORDS = frozenset({"basket", "cart", "checkout", "payment", "order"})
_EVERYTHING = PathPattern.parse("/**")
_RESERVED = PathPattern.parse("/.inseam/**")


def lint(generation: Generation) -> list[Problem]:
    """Return the warnings of a generation in file order: those found when it was compiled, and those on its rules.

    Costs about as much as compiling the rules once more, so it is asked by `inseam check` and not on every reload.
    """
    rules = generation.rules.rules
    found = [*generation.warnings]
    for rule, earlier in shadowed(rules):
        found.append(
            _warning(
                rule,
                f'can never win: rule "{earlier.name}" (line {earlier.position.line}) comes first '
                "and holds for every request that this one holds for",
                "put it before that one, or take it out",
            )
        )
    for rule in rules:
        found += [_warning(rule, *said) for said in _said_of(generation, rule)]
    found += _said_of_all(generation, rules)
    return sorted(found)


def _warning(rule: Rule, message: str, hint: str) -> Problem:
    return Problem(rule.position, f'rule "{rule.name}": {message}', hint, "warning")


def _said_of(generation: Generation, rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield message and hint for each oddity of one rule."""
    if rule.page and rule.page not in PAGES:
        near = difflib.get_close_matches(rule.page, PAGES, n=1, cutoff=0.75)
        if near:
            yield f'page "{rule.page}" is no page type that guards know', f'did you mean "{near[0]}"?'
    if not rule.page and any(path.texts[0] in _PAYMENT_WORDS for path in rule.paths):
        yield (
            f"the path {rule.paths[0]} looks like a payment page, and the rule has no page type",
            f"say so, such as page: {_page_for(rule)}; nothing guards it otherwise",
        )
    if any(covers(_RESERVED, path) for path in rule.paths):
        yield "everything under /.inseam/ is the edge's own", "choose another path"
    for condition in rule.conditions:
        if isinstance(condition, Method) and "GET" in condition.names and "HEAD" not in condition.names:
            yield "GET lands here and HEAD elsewhere", "write method: [GET, HEAD]"
        if isinstance(condition, Host) and generation.hosts is not None:
            strangers = sorted(name for name in condition.names if not _is_ours(generation.hosts, name))
            if strangers:
                yield f"the host {strangers[0]} is none of `hosts`, so it is answered 421", "add it to `hosts`"
    yield from _unwatched(generation, rule)
    if isinstance(rule.action, Redirect) and "{" not in rule.action.location and not rule.conditions:
        target = _view(rule.action.location)
        if target is not None and not target.host and rule.covers(target):
            yield f"redirects to {rule.action.location}, where it redirects again, without end", "lead elsewhere"


def _unwatched(generation: Generation, rule: Rule) -> Iterator[tuple[str, str]]:
    """Say what `card_numbers` opens, or that it says nothing here."""
    said = rule.treatment.passes_cards
    payment = [name for name, system in generation.systems.items() if system.payment]
    open_to = [
        name
        for name in rule.decisions
        if name in generation.systems
        and name not in payment
        and (said if said is not None else generation.systems[name].passes_cards)
    ]
    if said is not None and (not payment or set(rule.decisions) <= set(payment)):
        what = "takes payments" if payment else "is told apart from the others by payment: true"
        yield f"card_numbers means nothing where {'the' if payment else 'no'} system {what}", "leave it out"
    elif payment and open_to:
        yield (
            f'card numbers may reach "{open_to[0]}", which takes no payments: nobody looks for them',
            "that system is then in the scope of PCI DSS; keep `card_numbers: pass` to the paths that need it",
        )


def _said_of_all(generation: Generation, rules: tuple[Rule, ...]) -> Iterator[Problem]:
    silent = [rule for rule in rules if not rule.examples]
    if silent:
        names = ", ".join(f'"{rule.name}"' for rule in silent[:3]) + (", ..." if len(silent) > 3 else "")
        rules_have = f"{len(silent)} rules have" if len(silent) > 1 else "one rule has"
        yield Problem(
            silent[0].position,
            f"{rules_have} no examples: {names}",
            "an example says what a rule is for, and `inseam check` proves it",
            "warning",
        )
    if rules and not _ends_with_everything(rules):
        yield Problem(
            rules[-1].position,
            "a request that no rule holds for is answered 404",
            "end with {name: everything else, path: /**, to: ...}",
            "warning",
        )
    guarded = next((rule for rule in rules if rule.page in PAYMENT_PAGES and rule.systems), None)
    if guarded is not None and not any(system.payment for system in generation.systems.values()):
        yield _warning(
            guarded,
            f'page "{guarded.page}" is for payment, and no system has payment: true',
            "set it, and no other system can ever be asked for such a page",
        )


def _ends_with_everything(rules: tuple[Rule, ...]) -> bool:
    return any(not rule.conditions and any(covers(path, _EVERYTHING) for path in rule.paths) for rule in rules)


def _page_for(rule: Rule) -> str:
    word = next(path.texts[0] for path in rule.paths if path.texts[0] in _PAYMENT_WORDS)
    return "basket" if word == "cart" else word


def _is_ours(hosts: Host, name: str) -> bool:
    return name in hosts.names or (bool(hosts.below) and name.endswith(hosts.below))


def _view(url: str) -> RequestView | None:
    try:
        return view_of("GET", url.partition("#")[0])
    except (BadRequestText, ClientError):
        return None
