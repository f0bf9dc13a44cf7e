"""Payment pages stay with payment systems: the boundary that an audit looks at. DESIGN, 4; REQUIREMENTS, 24 to 30."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from router.model import PAYMENT_PAGES
from router.patterns import PathPattern
from router.rules import Redirect, Respond, Rule, Split, To
from router.rulesfile.document import Loc
from router.rulesfile.work import Work
from router.wire.target import folded

ACCOUNT_PAGES = frozenset({"account", "login"})
"""Pages with a customer's data: to send them elsewhere is worth a warning, and may be meant."""


def check_payment(work: Work, loc: Loc, rule: Rule) -> None:
    """Report every way in which a rule lets a payment page reach a system that is none for payment.

    A file in which no system has `payment: true` draws no such line.
    """
    strict = rule.page in PAYMENT_PAGES
    if not strict and rule.page not in ACCOUNT_PAGES:
        return
    chosen = [name for name, system in work.systems.items() if system.payment]
    if not chosen:
        return
    for where, system, how in _ways(work, loc, rule):
        if system in chosen or system not in work.systems:
            continue
        named = " or ".join(f'"{name}"' for name in chosen)
        if strict:
            work.findings.error(
                where,
                f'page "{rule.page}" {how} "{system}", which is no payment system',
                f"only {named} may be asked for it",
                key=isinstance(rule.action, Split),
            )
        else:
            work.findings.warn(
                where,
                f'page "{rule.page}" {how} "{system}", which is no payment system',
                f"is {named} meant?",
                key=isinstance(rule.action, Split),
            )
    if strict and rule.treatment.rewrite:
        work.findings.warn(
            (*loc, "rewrite"),
            f'page "{rule.page}" is asked for by another path than the one matched',
            "the payment system then sees a path that no rule has looked at",
            key=True,
        )


def _ways(work: Work, loc: Loc, rule: Rule) -> Iterator[tuple[Loc, str, str]]:
    """Yield each system that the rule can reach, with the place that says so."""
    match rule.action:
        case To(system):
            yield (*loc, "to"), system, "goes to"
        case Split(shares):
            for system, _ in shares:
                yield (*loc, "to", system), system, "goes to"
    if rule.treatment.fallback:
        yield (*loc, "fallback"), rule.treatment.fallback, "falls back on"
    if rule.treatment.mirror is not None:
        yield (*loc, "mirror"), rule.treatment.mirror.system, "is mirrored to"


def check_rewrites(work: Work, rules: list[Rule]) -> None:
    """Report rewrites that ask for a payment page under the name of another page.

    Such a request would pass every guard of payment pages: its rule may mirror it, or fall back on another system.
    """
    owners = [rule for rule in rules if rule.page in PAYMENT_PAGES and not isinstance(rule.action, Redirect | Respond)]
    for place, rule in enumerate(rules):
        if not rule.treatment.rewrite or rule.page in PAYMENT_PAGES:
            continue
        asked = rule.treatment.rewrite.replace("{", "").replace("}", "")  # any segment will do for a name
        owner = next((owner for owner in owners if any(path(asked) for path in owner.paths)), None)
        if owner is not None:
            work.findings.error(
                ("rules", place, "rewrite"),
                f'asks for a path of rule "{owner.name}", whose page is "{owner.page}"',
                f"set `page: {owner.page}` here too, or rewrite to another path",
            )


def check_spellings(work: Work, rules: list[Rule]) -> None:
    """Report paths of payment pages whose plainest spelling belongs to somebody else.

    Every odd spelling of a path (`/CHECKOUT/`) is refused because it reads as the plain one (`/checkout/`), so the
    plain one must be a payment system's, even where the shop itself writes `/Checkout/`.
    """
    chosen = {name for name, system in work.systems.items() if system.payment}
    if not chosen:
        return
    owned = [path for rule in rules if chosen.intersection(rule.systems) for path in rule.paths]
    for place, rule in enumerate(rules):
        if rule.page not in PAYMENT_PAGES or not chosen.intersection(rule.systems):
            continue
        for number, path in enumerate(rule.paths):
            plain = _plain(path)
            sample = _HOLE.sub("x", plain)
            if not plain or any(other(sample) for other in owned):
                continue
            where: Loc = ("rules", place, "path")
            several = isinstance(work.document.data["rules"][place]["path"], list)
            work.findings.error(
                (*where, number) if several else where,
                f'some servers take "{plain}" for "{path.text}", and it belongs to no payment system',
                f'write path: ["{path.text}", "{plain}"]' if not several else f'add "{plain}"',
            )


_HOLE = re.compile(r"\{[^}]*\}|\*+")
"""What stands for anything in a pattern."""


def _plain(path: PathPattern) -> str:
    """Return the pattern in small letters without marks; nothing where it is written so already."""
    if path.text == path.text.lower() and path.text.isascii() and "%" not in path.text:
        return ""
    spelt, same = [], True
    for kind, text in path.segments:
        if kind == "one":
            spelt.append(f"{{{text}}}" if text else "*")
        elif kind == "deep":
            spelt.append("**")
        else:
            spelt.append(quote(folded(unquote(text)), safe="!$&'()*+,=:@"))
            same = same and spelt[-1] == text
    return "" if same else "/" + "/".join(spelt)
