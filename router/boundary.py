"""The payment boundary: a path that some server could read as a payment system's page must belong to that system.

REQUIREMENTS, 24: take every way in which common servers read a path; when they disagree on who owns it, it has no
owner. `router.wire.target.readings` knows the ways, this module asks the rules about each. REQUIREMENTS, 27: what only
a payment system may learn is kept from the others where a path says nothing about it, in queries and in Referer.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.cards import carries_card
from router.errors import NoRule
from router.model import PAYMENT_PAGES, Decision, RequestView, SystemSpec
from router.referrers import path_of, referers
from router.rules import Rules
from router.wire.target import readings


class Boundary:
    """What a generation's payment systems own."""

    __slots__ = ("_passing", "_payment", "_rules")

    def __init__(self, rules: Rules, systems: Mapping[str, SystemSpec]) -> None:
        self._rules = rules
        self._payment = frozenset(name for name, spec in systems.items() if spec.payment)
        self._passing = frozenset(name for name, spec in systems.items() if spec.passes_cards)

    def guards(self, decision: Decision) -> bool:
        """Whether a request with this decision must be checked: there is a payment system, and this is not it."""
        return bool(self._payment) and decision.system not in self._payment

    def bars(self, decision: Decision) -> bool:
        """Whether this can only be a mistake: a payment page, and a system that takes no payments."""
        return self.guards(decision) and bool(decision.system) and decision.rule.page in PAYMENT_PAGES

    def watches(self, decision: Decision) -> bool:
        """Whether what is sent by this decision is looked through for card numbers."""
        if not decision.system or not self.guards(decision):
            return False
        said = decision.rule.treatment.passes_cards
        return not (said if said is not None else decision.system in self._passing)

    def hides(self, decision: Decision) -> bool:
        """Whether the address of the page is not for others to know: a payment page of a payment system."""
        return decision.system in self._payment and decision.rule.page in PAYMENT_PAGES

    def misread(self, view: RequestView) -> str:
        """Return the payment system that a common server's reading of the path belongs to, or nothing."""
        owners = self._owners(view, readings(view.path))
        return owners[0].system if owners else ""

    def strays(self, view: RequestView, system: str, path: str) -> bool:
        """Whether `system` could take `path` for a payment page: a fallback, a copy, or a path asked for instead.

        It could if the path, or a reading of it, belongs to a payment system by a rule that never turns to `system`.
        """
        if not self._payment or system in self._payment:
            return False
        ways = readings(path) if path == view.path else (path, *readings(path))
        return any(system not in reach(decision) for decision in self._owners(view, ways))

    def spares(self, view: RequestView, decision: Decision, system: str, path: str) -> bool:
        """Whether `system` must not be asked as a fallback or by a copy: it `strays`, or the query has a card's number.

        The system in whose place, or beside which, it would be asked may have that.
        """
        if self.strays(view, system, path):
            return True
        if not view.query or not self._payment or system in self._payment:
            return False
        said = decision.rule.treatment.passes_cards
        passes = said if said is not None else system in self._passing
        return not passes and carries_card(view.query.encode("latin-1", "replace"))

    def without_query(self, lines: bytes, view: RequestView) -> bytes:
        """Return a request's header lines for a system that takes no payments: Referer says of a payment system's page
        where it is, and not what stood in its query."""
        for start, end in referers(lines):
            referer = lines[start:end]
            path = path_of(referer, view.authority)
            if path is not None and (not path or self._owners(view, (path, *readings(path)))):
                lines = lines[:start] + referer[: referer.index(b"?")] + lines[end:]
        return lines

    def _owners(self, view: RequestView, ways: tuple[str, ...]) -> list[Decision]:
        """Return the decisions for payment systems that these paths would meet, all else being as in the request."""
        owners: list[Decision] = []
        if not ways:
            return owners
        path, params, decision, allotted = view.path, view.params, view.decision, view.allotted
        try:
            for way in ways:
                view.path = way
                try:
                    met = self._rules.match(view)
                except NoRule:  # nobody owns that reading
                    continue
                if met.system in self._payment:
                    owners.append(met)
        finally:
            view.path, view.params, view.decision, view.allotted = path, params, decision, allotted
        return owners


def reach(decision: Decision) -> tuple[str, ...]:
    """Return every system that a request under the decision's rule may get to."""
    rule = decision.rule
    mirror = rule.treatment.mirror
    return (*rule.systems, rule.treatment.fallback, mirror.system if mirror is not None else "")
