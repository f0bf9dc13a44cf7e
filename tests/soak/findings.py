"""What the shoppers count: steps, crossings, and whatever they saw that they should not have seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LOSSES = ("login lost", "basket lost")
RETURNS = ("login came back", "basket came back")
MIX_UPS = ("another's login", "another's basket", "another's cookie", "another's handle", "another's session id")
OTHERS = (
    "handle lost",
    "cookie lost",
    "wrong cookie",
    "script's cookie",
    "form refused",
    "token not believed",
    "odd answer",
)
KEPT_EXAMPLES = 12


@dataclass(slots=True)
class Findings:
    """One run's. `done` counts what happened, `wrong` what should not have; `examples` are the first of that."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    """Which shopper a `sid` of a token belongs to."""
    took: list[float] = field(default_factory=list)
    """Seconds per page that came at the first attempt."""

    def found(self, kind: str, example: str) -> None:
        """Count something wrong."""
        self.wrong[kind] += 1
        if self.wrong[kind] <= KEPT_EXAMPLES:
            self.examples.append(f"{kind}: {example}")

    def sum(self, kinds: tuple[str, ...]) -> int:
        """Return how often any of these was seen."""
        return sum(self.wrong[kind] for kind in kinds)

    def took_at(self, share: float) -> float:
        """Return the milliseconds within which this share of the pages came; 0 if there were none."""
        times = sorted(self.took)
        return times[min(len(times) - 1, int(share * len(times)))] * 1000 if times else 0.0
