"""Picking the rule for a request: the first one, in file order, that holds.

`Rules.match` is the plain scan and the specification; `router.index` gives the same answers sooner and is tested
against it. Nothing here knows which data plane asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from router.conditions import Condition
from router.errors import NoRule, Position
from router.model import BUCKETS, INTENT_OF_PAGE, Decision, Edits, Intent, Reply, RequestView, Timeouts
from router.patterns import PathPattern

# --- what a rule does -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class To:
    """One system owns the page."""

    system: str


@dataclass(frozen=True, slots=True)
class Split:
    """Visitors are shared out between systems, sticky and exact.

    `shares` are (system, first bucket after its share) in file order, the shares laid end to end. The last system is
    the one to migrate from: each of the others fills its own part of the buckets first, so raising one takes visitors
    from the last alone and moves nobody back. With two systems that holds for all shares; with n others, as long as
    each has at most 1/n of the visitors.
    """

    shares: tuple[tuple[str, int], ...]
    _dealt: bytes = field(default=b"", init=False, repr=False, compare=False)
    """Which system each bucket belongs to, by its place; empty for two systems, where the first share tells."""

    def __post_init__(self) -> None:
        if len(self.shares) > 2:
            object.__setattr__(self, "_dealt", _dealt([end for _, end in self.shares]))

    @classmethod
    def of(cls, percent: Iterable[tuple[str, float]]) -> Split:
        """Return the split with these percentages. Raises ValueError, in words for the operator.

        They must add up to 100 and be multiples of 0.01; 0 is fine: a share that waits to be raised.
        """
        end, shares = 0, []
        for system, share in percent:
            if not 0 <= share <= 100 or abs(round(share * 100) - share * 100) > 1e-6:
                raise ValueError(f"a share of {share:g} % is not a multiple of 0.01 % between 0 and 100")
            end += round(share * BUCKETS / 100)
            shares.append((system, end))
        if end != BUCKETS:
            raise ValueError(f"the shares add up to {end * 100 / BUCKETS:g} %, not 100 %")
        return cls(tuple(shares))

    def system(self, bucket: int) -> str:
        """Return the system of a bucket, 0 to 9999."""
        if self._dealt:
            return self.shares[self._dealt[bucket]][0]
        return self.shares[0 if bucket < self.shares[0][1] else -1][0]


def _dealt(ends: list[int]) -> bytes:
    last = len(ends) - 1
    wanted = [end - before for end, before in zip(ends, [0, *ends], strict=False)]
    places = bytearray([last]) * BUCKETS
    for place in range(last):
        own = range(place, BUCKETS, last)[: wanted[place]]
        for bucket in own:
            places[bucket] = place
        wanted[place] -= len(own)
    for place in range(last):  # who has more than its own part goes on from the far end of what is left
        free = [bucket for bucket in reversed(range(BUCKETS)) if places[bucket] == last]
        for bucket in free[: wanted[place]]:
            places[bucket] = place
    return bytes(places)


@dataclass(frozen=True, slots=True)
class Redirect:
    """The edge answers with a redirect to `location`, in which `{name}` stands for a name of the path."""

    location: str
    status: int = 302
    keep_query: bool = True


@dataclass(frozen=True, slots=True)
class Respond:
    """The edge answers by itself."""

    reply: Reply


Action = To | Split | Redirect | Respond


@dataclass(frozen=True, slots=True)
class Mirror:
    """A copy of safe requests, without cookies and credentials, goes to `system`; its answer is thrown away."""

    system: str
    share: int = BUCKETS
    """Of 10,000 requests, how many are copied."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a rule does beside naming the owner. `timeouts` and `retries` are None where the system's own hold."""

    fallback: str = ""
    rewrite: str = ""
    """The path to ask for instead, in which `{name}` stands for a name of the path."""
    timeouts: Timeouts | None = None
    retries: int | None = None
    request: Edits | None = None
    response: Edits | None = None
    plugins: tuple[object, ...] = ()
    """The plugins of this rule, ready made, after those of the file."""
    mirror: Mirror | None = None
    body_limit: int | None = None
    passes_cards: bool | None = None
    """Whether card numbers are not looked for; None where it is as the system says."""

    @property
    def plain(self) -> bool:
        """Whether a request passes through with nothing changed: the common path."""
        return not (self.rewrite or self.request or self.response or self.plugins or self.mirror)


@dataclass(frozen=True, slots=True)
class Example:
    """A request that a rule claims to win: a path, or `METHOD URL`."""

    text: str
    position: Position


@dataclass(frozen=True, eq=False)
class Rule:
    """Conditions, an owner and its treatment. `paths` are alternatives; `conditions` must hold besides."""

    name: str
    paths: tuple[PathPattern, ...]
    action: Action
    conditions: tuple[Condition, ...] = ()
    page: str = ""
    intent: Intent = "browse"
    treatment: Treatment = Treatment()
    examples: tuple[Example, ...] = ()
    position: Position = Position("rules.yaml")
    decisions: dict[str, Decision] = field(default_factory=dict, init=False, repr=False)
    needs_params: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        for system in self.systems or ("",):
            self.decisions[system] = Decision(self, system)
        if self.treatment.fallback:
            self.decisions.setdefault(self.treatment.fallback, Decision(self, self.treatment.fallback))
        object.__setattr__(self, "needs_params", any(path.names for path in self.paths))

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems this rule may choose, without its fallback."""
        match self.action:
            case To(system):
                return (system,)
            case Split(shares):
                return tuple(system for system, _ in shares)
            case _:
                return ()

    def covers(self, view: RequestView) -> bool:
        """Whether one of the paths holds; leaves the `{names}` of the first that does in `view.params`."""
        for path in self.paths:
            params = path.capture(view.path)
            if params is not None:
                view.params = params
                return True
        view.params = {}
        return False

    def holds(self, view: RequestView) -> bool:
        """Whether the path and every condition hold."""
        return self.covers(view) and all(condition(view) for condition in self.conditions)

    def decide(self, view: RequestView) -> Decision:
        """Return this rule's decision for a request it holds for."""
        action = self.action
        if type(action) is To:
            return self.decisions[action.system]
        if type(action) is Split:
            return self.decisions[action.system(view.bucket)]
        return self.decisions[""]


@dataclass(frozen=True, slots=True)
class Step:
    """What `explain` says of one rule: whether it held, and the first condition that did not."""

    rule: Rule
    held: bool
    failed: str = ""


class Rules:
    """All rules of one generation, in file order."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.decisions: list[Decision] = []
        for rule in self.rules:
            for decision in rule.decisions.values():
                decision.number = len(self.decisions)
                self.decisions.append(decision)

    def match(self, view: RequestView) -> Decision:
        """Return the decision of the first rule, in file order, that holds. Raises NoRule.

        This scan is the specification: `router.index` gives the same answers sooner.
        """
        for rule in self.rules:
            if rule.holds(view):
                return rule.decide(view)
        raise NoRule(f"no rule for {view.method} {view.host}{view.path}")

    def explain(self, view: RequestView) -> list[Step]:
        """Return a step for every rule up to and including the first that holds, with why the others did not."""
        steps = []
        for rule in self.rules:
            failed = ""
            if not rule.covers(view):
                failed = "path " + " or ".join(str(path) for path in rule.paths)
            else:
                failed = next((str(condition) for condition in rule.conditions if not condition(view)), "")
            steps.append(Step(rule, not failed, failed))
            if not failed:
                break
        return steps


def intent_of(page: str) -> Intent:
    """Return what a page type is for, where the rule does not say."""
    return INTENT_OF_PAGE.get(page, "browse")
