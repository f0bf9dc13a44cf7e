"""The payment boundary: a path that some server could read as a payment system's page must belong to that system.

REQUIREMENTS, 24: take every way in which common servers read a path; when they disagree on who owns it, it has no
owner. `router.wire.target.readings` knows the ways, this module asks the rules about each.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.errors import NoRule
from router.model import Decision, RequestView, SystemSpec
from router.rules import Rules
from router.wire.target import readings


class Boundary:
    """What a generation's payment systems own."""

    __slots__ = ("_payment", "_rules")

    def __init__(self, rules: Rules, systems: Mapping[str, SystemSpec]) -> None:
        self._rules = rules
        self._payment = frozenset(name for name, spec in systems.items() if spec.payment)

    def guards(self, decision: Decision) -> bool:
        """Whether a request with this decision must be checked: there is a payment system, and this is not it."""
        return bool(self._payment) and decision.system not in self._payment

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
