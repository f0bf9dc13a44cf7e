"""The counters of sessions in Prometheus' words: is anything lost at the hand-over, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from router.counters import Snapshot

FAMILIES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "crossings": ("inseam_crossings", "Pages of a session on another system than the page before.", ()),
    "handoff": ("inseam_handoffs", "Crossings that carried a login or a basket.", ("kind",)),
    "loss": ("inseam_losses", "Logins and baskets that were gone and that nothing explains.", ("kind", "reason")),
    "repair": ("inseam_repairs", "What the edge has given back to a system that had lost it.", ("kind",)),
    "session": ("inseam_session_changes", "What systems told of visitors and was taken over.", ("change",)),
    "cookie_refused": ("inseam_cookies_refused", "Session cookies that count for nothing.", ("reason",)),
    "update_refused": ("inseam_updates_refused", "Updates that cannot be believed.", ("system", "reason")),
    "update_beyond": (
        "inseam_updates_beyond_authority",
        "What a system told without the authority.",
        ("system", "aspect"),
    ),
    "question": ("inseam_questions", "Questions that the edge asked a system for itself.", ("system",)),
    "question_failed": ("inseam_questions_failed", "Questions without an answer that could be used.", ("system",)),
    "cache_withheld": ("inseam_cache_withheld", "Answers that a shared cache might have kept for others.", ()),
    "cookies_heavy": ("inseam_cookies_heavy", "Requests whose cookies weigh more than 6 KB.", ()),
    "site": ("inseam_site_handoffs", "Hand-offs of a session to another domain.", ("outcome",)),
    "store": ("inseam_store_operations", "What became of operations on the store.", ("outcome",)),
}
"""By the first word of an event's name; the words behind it, parted by colons, are the labels."""

_FROM_ZERO: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "handoff": (("login",), ("basket",)),
    "loss": (("login", "cookie_deleted"), ("login", "gone_at_page"), ("basket", "gone_at_page")),
    "repair": (("cookie",), ("session",)),
}
"""Labels that are there before anything happens: of a counter that begins with 1, Prometheus sees no increase."""

_OF_KEEPER: Final = (
    "begun", "restored", "renewed", "unstored", "late", "conflict", "spoiled", "given_up", "kin_ended",
)  # fmt: skip


def session_metrics(counted: Snapshot, events: dict[str, int]) -> Iterator[Metric]:
    """Yield the families, and take the events that they are made of out of `events`."""
    families = {
        word: CounterMetricFamily(name, help_text, labels=labels)
        for word, (name, help_text, labels) in FAMILIES.items()
    }
    for word, known in _FROM_ZERO.items():
        for labels in known:
            families[word].add_metric(labels, events.pop(":".join((word, *labels)), 0))
    kept = CounterMetricFamily("inseam_sessions", "What became of sessions.", labels=["event"])
    for name in list(events):
        word, *said = name.split(":")
        if word in FAMILIES and len(said) == len(FAMILIES[word][2]):
            families[word].add_metric(said, events.pop(name))
        elif word.startswith("session_") and word.removeprefix("session_") in _OF_KEEPER:
            kept.add_metric([word.removeprefix("session_")], events.pop(name))
    for word, (_, _, names) in FAMILIES.items():
        if not names and not families[word].samples:
            families[word].add_metric([], 0)  # a counter that is not there alarms nobody
    yield from families.values()
    yield kept
    yield GaugeMetricFamily("inseam_store_up", "Workers that reach the store.", value=counted.stores_up)
    yield GaugeMetricFamily(
        "inseam_store_clock_skew_seconds", "How far the store's clock is from the workers'.", value=counted.store_skew
    )
