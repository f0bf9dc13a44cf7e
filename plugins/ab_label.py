"""Give every visitor a variant of an experiment, for good, and tell it to the systems and to the page's scripts.

Visitors are dealt into 10,000 buckets once; each experiment shuffles the buckets by its own name, so experiments are
independent of each other and of splits. A variant with 20 % has exactly 2,000 buckets.

The last variant is the control: what the others do not have is its own. Every other variant fills its own part of the
shuffled buckets first, so raising one takes visitors from the control alone. With one or two variants beside the
control that holds for all shares; with n of them, while each has at most 1/n (no dealing can do better: what one may
grow into, no other may hold). Name all variants from the start; 0 is a share, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from router.headers import varied
from router.model import BUCKETS, Edits, RequestView, ResponseView
from router.options import HeaderName, Share

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class AbLabel:
    """`variants` are shares with the sum 100 % (as values: of 10,000); `header` is `X-Ab-<experiment>` unless named.

    Scripts find the variant in Server-Timing, as `ab-<experiment>`; `timing: false` leaves that out.
    """

    experiment: str
    variants: dict[str, Share] = field(hash=False)
    header: HeaderName | None = None
    timing: bool = True
    _name: str = field(init=False, repr=False, compare=False)
    _labels: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in (self.experiment, *self.variants):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be a name here: letters, digits, dots and hyphens can")
        object.__setattr__(self, "_name", self.header or f"X-Ab-{self.experiment}")
        object.__setattr__(self, "_labels", dealt(self.experiment, self.variants))

    def on_request(self, view: RequestView) -> Edits:
        return Edits(set={self._name: self._labels[view.bucket]})

    def on_response(self, view: RequestView, response: ResponseView) -> Edits:
        edits = varied(
            response.headers.lines, "Cookie"
        )  # the page is one of several, told apart by the bucket's cookie
        if self.timing:
            edits.add.append(("Server-Timing", f'ab-{self.experiment};desc="{self._labels[view.bucket]}"'))
        return edits


def dealt(experiment: str, variants: Mapping[str, int]) -> tuple[str, ...]:
    """Return the variant of each bucket. Raises ValueError unless the variants have 10,000 buckets together."""
    if sum(variants.values()) != BUCKETS:
        raise ValueError(f"the shares add up to {sum(variants.values()) * 100 / BUCKETS:g} %, not 100 %")
    *others, control = variants
    shuffled = sorted(range(BUCKETS), key=lambda bucket: sha256(f"{experiment}:{bucket}".encode()).digest())
    labels = dict.fromkeys(shuffled, control)
    for place, name in enumerate(others):
        labels.update(dict.fromkeys(shuffled[place :: len(others)][: variants[name]], name))
    for name in others:  # who has more than its own part goes on from the far end of what is left
        more = variants[name] - sum(label == name for label in labels.values())
        free = [bucket for bucket in reversed(shuffled) if labels[bucket] == control]
        labels.update(dict.fromkeys(free[:more], name))
    return tuple(labels[bucket] for bucket in range(BUCKETS))


PLUGIN = AbLabel
