"""A generation at work in one worker: each decision with its system, hooks, times and counters at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.boundary import Boundary
from router.conditions import Host, Network
from router.counters import RuleCount
from router.edge.pool import System
from router.edge.seam import Seam
from router.generation import Generation
from router.hooks import Hooks
from router.index import Index
from router.model import Decision, Limits, Timeouts
from router.tally import Tally

NO_TIMEOUTS: Final = Timeouts()


class Route:
    """One decision (a rule and a system) with all that carrying it out needs, looked up once per generation."""

    __slots__ = (
        "barred", "body_limit", "decision", "fallback", "guarded", "hidden", "idle_timeout", "mirror", "mirror_share",
        "on_request", "on_response", "on_waiting", "plain", "response_timeout", "retries", "system", "tally", "watched",
    )  # fmt: skip

    def __init__(self, decision: Decision, system: System | None, limits: Limits, plugins: tuple[object, ...]) -> None:
        treatment = decision.rule.treatment
        timeouts = treatment.timeouts or (system.spec.timeouts if system else NO_TIMEOUTS)
        hooks = (*plugins, *treatment.plugins)
        self.decision = decision
        self.system = system
        self.response_timeout = timeouts.response
        self.idle_timeout = timeouts.idle
        self.retries = treatment.retries if treatment.retries is not None else (system.spec.retries if system else 0)
        self.body_limit = treatment.body_limit if treatment.body_limit is not None else limits.body
        found = Hooks(hooks)
        self.on_request = found.on_request
        self.on_response = found.on_response
        self.on_waiting = found.on_waiting
        self.plain = not hooks and treatment.plain and len(decision.rule.systems) == 1
        """Nothing of the request or the answer is changed: the common path."""
        self.fallback: Route | None = None
        self.mirror: System | None = None
        self.mirror_share = treatment.mirror.share if treatment.mirror else 0
        self.tally = Tally()
        self.guarded = False
        """Whether the path must be checked for readings that belong to a payment system."""
        self.barred = False
        """Whether nothing may ever be asked: the rules are not as they were proved to be."""
        self.watched = False
        """Whether what is sent is looked through for card numbers."""
        self.hidden = False
        """Whether no other site may learn the page's address."""

    def count(self) -> RuleCount:
        """Return the tally with its labels."""
        rule, tally = self.decision.rule, self.tally
        return RuleCount(
            rule.name, self.decision.system, rule.page, rule.intent,
            tally.requests, tally.bytes_in, tally.bytes_out, tally.seconds, tally.system_seconds,
            list(tally.statuses), list(tally.histogram), tally.retries, tally.fallbacks,
        )  # fmt: skip


class Live:
    """What a request is decided by. A request keeps the one it began with, whatever is swapped meanwhile."""

    __slots__ = (
        "boundary", "country_header", "generation", "hosts", "limits", "routes", "rules", "seam", "systems", "trusted",
    )  # fmt: skip

    def __init__(self, generation: Generation, systems: Mapping[str, System], seam: Seam | None = None) -> None:
        self.generation = generation
        self.systems = systems
        self.seam = seam
        """None where no sessions are kept."""
        self.limits: Limits = generation.limits
        self.hosts: Host | None = generation.hosts
        self.trusted: tuple[Network, ...] = generation.trusted
        self.country_header = generation.country_header
        self.rules: Index = generation.rules
        self.boundary = Boundary(generation.rules, generation.systems)
        self.routes: list[Route] = [
            Route(decision, systems.get(decision.system), generation.limits, generation.plugins)
            for decision in generation.rules.decisions
        ]
        for route in self.routes:
            treatment = route.decision.rule.treatment
            if treatment.fallback and route.decision.system != treatment.fallback:
                route.fallback = self.routes[route.decision.rule.decisions[treatment.fallback].number]
            if treatment.mirror:
                route.mirror = systems[treatment.mirror.system]
            route.guarded = self.boundary.guards(route.decision)
            route.barred = self.boundary.bars(route.decision)
            route.watched = self.boundary.watches(route.decision)
            route.hidden = self.boundary.hides(route.decision)
