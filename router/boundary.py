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
        ways = readings(view.path)
        if not ways:
            return ""
        path, params, decision, allotted = view.path, view.params, view.decision, view.allotted
        try:
            for way in ways:
                view.path = way
                try:
                    owner = self._rules.match(view).system
                except NoRule:  # nobody owns that reading
                    continue
                if owner in self._payment:
                    return owner
        finally:
            view.path, view.params, view.decision, view.allotted = path, params, decision, allotted
        return ""
