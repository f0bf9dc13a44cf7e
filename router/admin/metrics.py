"""The counters in Prometheus' words. Workers count in plain ints; here, and only here, they get their public names."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from router import __version__
from router.admin.house import Standing
from router.admin.session_metrics import session_metrics
from router.counters import RuleCount, ServerCount, Snapshot
from router.tally import HISTOGRAM_SLOTS

Labels = tuple[str, ...]

_RULE: Labels = ("rule", "system", "page", "intent")
_SERVER: Labels = ("system", "server")

_LOG_DROPPED = "log_dropped"
"""The event that has a metric of its own."""


def exposition(standing: Standing, counted: Snapshot, accept: str = "") -> tuple[bytes, str]:
    """Return the metrics and their content type, in the format that `accept` (the header) asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(standing, counted))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collector(Collector):
    def __init__(self, standing: Standing, counted: Snapshot) -> None:
        self._standing = standing
        self._counted = counted

    def collect(self) -> Iterable[Metric]:
        yield from _of_requests(self._counted.rules)
        yield from _of_servers(self._counted.servers)
        yield from _of_edge(self._counted)
        yield from _of_house(self._standing)


def _of_requests(rules: list[RuleCount]) -> Iterator[Metric]:
    requests = CounterMetricFamily("inseam_requests", "Requests answered, by status class.", labels=[*_RULE, "status"])
    for rule in rules:
        for klass, count in enumerate(rule.statuses):
            if count:
                requests.add_metric([*rule.key, f"{klass}xx" if klass else "none"], count)
    yield requests

    def counter(name: str, help_text: str, value: Callable[[RuleCount], float]) -> Metric:
        family = CounterMetricFamily(name, help_text, labels=_RULE)
        for rule in rules:
            family.add_metric(rule.key, value(rule))
        return family

    yield counter("inseam_request_bytes", "Bytes of request bodies.", lambda rule: rule.bytes_in)
    yield counter("inseam_response_bytes", "Bytes of response bodies.", lambda rule: rule.bytes_out)
    yield counter("inseam_request_seconds", "Seconds from head to last byte of the answer.", lambda rule: rule.seconds)
    yield counter("inseam_system_seconds", "Seconds of it that the system took.", lambda rule: rule.system_seconds)
    yield counter("inseam_retries", "Requests asked again of another server.", lambda rule: rule.retries)
    yield counter("inseam_fallbacks", "Requests that went to the rule's fallback.", lambda rule: rule.fallbacks)
    yield _durations(rules)


def _durations(rules: list[RuleCount]) -> Metric:
    """Return the histogram by system and page type: by rule it would be 18 series a rule, and nobody reads those."""
    slots: dict[tuple[str, str], list[int]] = {}
    seconds: dict[tuple[str, str], float] = {}
    for rule in rules:
        key = rule.system, rule.page
        slots[key] = [a + b for a, b in zip(slots.get(key, [0] * HISTOGRAM_SLOTS), rule.histogram, strict=True)]
        seconds[key] = seconds.get(key, 0.0) + rule.seconds
    family = HistogramMetricFamily(
        "inseam_request_duration_seconds", "Seconds from a request's head to the last byte of its answer.",
        labels=["system", "page"],
    )  # fmt: skip
    for key, counts in slots.items():
        buckets, so_far = [], 0
        for slot, count in enumerate(counts):
            so_far += count
            buckets.append(("+Inf" if slot == HISTOGRAM_SLOTS - 1 else repr(2.0**slot / 4096), float(so_far)))
        family.add_metric(key, buckets, sum_value=seconds[key])
    return family


def _of_servers(servers: list[ServerCount]) -> Iterator[Metric]:
    def family(kind: Callable[..., Metric], name: str, help_text: str, value: Callable[[ServerCount], float]) -> Metric:
        made = kind(name, help_text, labels=_SERVER)
        for server in servers:
            made.add_metric(server.key, value(server))  # type: ignore[attr-defined]  # both families have it
        return made

    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    yield family(gauge, "inseam_server_connections", "Open connections to the server.", lambda server: server.open)
    yield family(gauge, "inseam_server_busy", "Connections with a request under way.", lambda server: server.busy)
    yield family(
        gauge, "inseam_server_waiting", "Requests that wait for a connection to the system (at its first server).",
        lambda server: server.waiting,
    )  # fmt: skip
    yield family(
        gauge, "inseam_server_limit", "Requests that the system may have at a time (at its first server).",
        lambda server: server.limit,
    )  # fmt: skip
    yield family(
        gauge, "inseam_server_in_flight", "Requests that it has and did not answer yet (at its first server).",
        lambda server: server.in_flight,
    )  # fmt: skip
    yield family(
        gauge, "inseam_server_ejected", "Workers that do not ask the server now.", lambda server: server.ejected
    )
    yield family(counter, "inseam_server_requests", "Requests sent to the server.", lambda server: server.requests)
    yield family(counter, "inseam_server_connects", "Connections opened to the server.", lambda server: server.connects)
    yield family(counter, "inseam_server_ejections", "Times that a worker ejected the server.", lambda s: s.ejections)
    yield family(counter, "inseam_server_seconds", "Seconds that the server took to answer.", lambda s: s.seconds)
    failures = CounterMetricFamily(
        "inseam_server_failures", "Requests that the server failed, by reason.", labels=[*_SERVER, "reason"]
    )
    for server in servers:
        for reason, count in server.failures.items():
            failures.add_metric([*server.key, reason], count)
    yield failures


def _by_name(name: str, help_text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=[label])
    for key, count in counts.items():
        family.add_metric([key], count)
    return family


def _of_edge(counted: Snapshot) -> Iterator[Metric]:
    yield GaugeMetricFamily("inseam_clients", "Open client connections.", value=counted.clients)
    yield CounterMetricFamily("inseam_clients_accepted", "Client connections accepted.", value=counted.accepted)
    yield _by_name(
        "inseam_errors",
        "Answers that the edge gave instead of a system, and cut connections.",
        "reason",
        counted.errors,
    )
    yield _by_name("inseam_plugin_errors", "Times that a plugin raised.", "plugin", counted.plugin_errors)
    events = dict(counted.events)
    dropped = events.pop(_LOG_DROPPED, 0)
    yield _shed(events)
    yield from session_metrics(counted, events)
    yield CounterMetricFamily("inseam_access_log_dropped", "Access log lines that were not written.", value=dropped)
    yield _by_name("inseam_events", "Anything else worth a counter.", "event", events)


def _shed(events: dict[str, int]) -> Metric:
    """Take the events about requests that a system had no room for out of `events`, and return their family."""
    family = CounterMetricFamily(
        "inseam_shed", "Requests that the system had no room for.", labels=["system", "intent", "rank"]
    )
    for name in [name for name in events if name.startswith("shed:")]:
        family.add_metric(name.split(":")[1:], events.pop(name))
    return family


def _of_house(standing: Standing) -> Iterator[Metric]:
    yield GaugeMetricFamily("inseam_generation", "Number of the rules that are live.", value=standing.generation)
    yield GaugeMetricFamily(
        "inseam_generation_live_timestamp_seconds", "When these rules went live.", value=standing.live_since
    )
    yield CounterMetricFamily("inseam_reloads", "Times that new rules went live.", value=standing.reloads)
    yield CounterMetricFamily(
        "inseam_reload_failures", "Times that the old rules had to stay.", value=standing.reload_failures
    )
    yield GaugeMetricFamily(
        "inseam_reload_last_success", "1 if the last reload had no problem.", value=float(not standing.problems)
    )
    yield GaugeMetricFamily("inseam_workers", "Workers that serve.", value=standing.workers_ready)
    yield GaugeMetricFamily("inseam_workers_wanted", "Workers that there should be.", value=standing.workers_wanted)
    yield CounterMetricFamily(
        "inseam_worker_restarts", "Workers that died and were replaced.", value=standing.worker_restarts
    )
    up = GaugeMetricFamily("inseam_server_up", "1 if the active health check finds the server up.", labels=_SERVER)
    for system, server, is_up in standing.servers:
        up.add_metric([system, server], float(is_up))
    yield up
    build = GaugeMetricFamily("inseam_build_info", "The version that runs.", labels=["version", "python"])
    build.add_metric([__version__, platform.python_version()], 1)
    yield build
