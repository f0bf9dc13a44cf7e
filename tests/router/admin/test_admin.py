"""The admin address: what it tells, and whom it refuses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

from router.admin import Admin
from router.admin.guard import known_host
from router.admin.house import Standing, WorkerStanding
from router.counters import RuleCount, ServerCount, Snapshot
from router.errors import Position, Problem
from router.generation import Generation
from router.reload import Outcome
from router.rulesfile import load
from router.tally import HISTOGRAM_SLOTS, slot_of

RULES = """\
version: 1
systems:
  cms: {servers: [http://127.0.0.1:8001, http://127.0.0.1:8002]}
  commerce: {servers: [http://127.0.0.1:8003], payment: true}
rules:
  - {name: checkout, path: /checkout/**, to: commerce, page: checkout}
  - {name: everything else, path: /**, to: cms, page: home}
"""

Client = TestClient[web.Request, web.Application]
Connect = Callable[[web.Application], Awaitable[Client]]


@dataclass
class House:
    """A supervisor that is told what to say."""

    generation: Generation
    now: Standing
    counted: list[Snapshot] = field(default_factory=lambda: [Snapshot(), Snapshot()])
    outcome: Outcome = field(default_factory=lambda: Outcome("live", 2))
    reloads: int = 0
    allowed_move: bool = False
    revoked: list[tuple[str, str]] = field(default_factory=list)

    def standing(self) -> Standing:
        return self.now

    async def snapshots(self) -> list[Snapshot]:
        return self.counted

    async def reload(self, why: str, allow_move: bool = False) -> Outcome:
        self.reloads += 1
        self.allowed_move = allow_move
        return self.outcome

    async def revoke(self, kind: str, key: str) -> bool:
        self.revoked.append((kind, key))
        return True


@pytest.fixture
def house(tmp_path: Path) -> House:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    standing = Standing(
        draining=False, generation=1, live_since=1_780_000_000.0, rules="rules.yaml", digest="ab", reloads=0,
        reload_failures=0, problems=[], warnings=[], workers_wanted=2, worker_restarts=0,
        workers=[WorkerStanding(0, 100, 1, True), WorkerStanding(1, 101, 1, True)],
        servers=[("commerce", "http://127.0.0.1:8003", True)],
    )  # fmt: skip
    return House(load(rules), standing)


@pytest.fixture
async def admin(house: House, aiohttp_client: Connect) -> Client:
    return await aiohttp_client(Admin(house, []).app())


# --- probes -----------------------------------------------------------------------------------------------------------


async def test_an_edge_with_workers_is_alive_and_ready(admin: Client) -> None:
    assert (await admin.get("/livez")).status == 200
    assert (await admin.get("/readyz")).status == 200


async def test_an_edge_that_drains_is_alive_and_not_ready(admin: Client, house: House) -> None:
    """REQUIREMENTS, 56."""
    house.now.draining = True

    assert (await admin.get("/livez")).status == 200
    assert (await admin.get("/readyz")).status == 503
    assert "[-] draining" in await (await admin.get("/readyz?verbose")).text()


async def test_an_edge_without_workers_is_not_ready(admin: Client, house: House) -> None:
    for worker in house.now.workers:
        worker.ready = False

    answer = await admin.get("/readyz?verbose")

    assert answer.status == 503
    assert "[-] workers: 0 of 2 serve" in await answer.text()


async def test_a_system_that_is_down_does_not_take_the_others_pages_along(admin: Client, house: House) -> None:
    """REQUIREMENTS, 56."""
    house.now.servers = [("commerce", "http://127.0.0.1:8003", False)]
    house.counted = [Snapshot(servers=[ServerCount("cms", "http://127.0.0.1:8001", ejected=1)]), Snapshot()]

    answer = await admin.get("/readyz?verbose")

    assert answer.status == 200
    said = await answer.text()
    assert "[!] system commerce: http://127.0.0.1:8003 is down, as the health check found" in said
    assert "[!] system cms: http://127.0.0.1:8001 is ejected by 1 of 2 workers" in said
    assert "[+] system cms: http://127.0.0.1:8002" in said


async def test_a_refused_reload_is_told_with_its_problems_and_the_edge_stays_ready(admin: Client, house: House) -> None:
    """REQUIREMENTS, 48."""
    house.now.problems = [
        Problem(Position("rules.yaml", 8, 11), 'unknown system "comerce"', 'did you mean "commerce"?')
    ]

    answer = await admin.get("/readyz?verbose")

    assert answer.status == 200
    assert 'rules.yaml:8:11: error: unknown system "comerce" (did you mean "commerce"?)' in await answer.text()


# --- metrics ----------------------------------------------------------------------------------------------------------


def product(requests: int, took: float) -> RuleCount:
    histogram = [0] * HISTOGRAM_SLOTS
    histogram[slot_of(took)] = requests
    return RuleCount(
        "product", "cms", "product", "browse", requests, bytes_out=4096 * requests, seconds=took * requests,
        statuses=[0, 0, requests - 1, 0, 0, 1], histogram=histogram,
    )  # fmt: skip


async def metrics(admin: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await admin.get("/metrics")
    families = text_string_to_metric_families(await answer.text())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_the_workers_counts_add_up(admin: Client, house: House) -> None:
    house.counted = [
        Snapshot(rules=[product(5, 0.003)], clients=3, events={"log_dropped": 2, "tunnels": 1}),
        Snapshot(rules=[product(7, 20.0)], clients=1, errors={"no_rule": 4}),
        Snapshot(),
    ]

    said = await metrics(admin)

    labels = (("intent", "browse"), ("page", "product"), ("rule", "product"), ("system", "cms"))
    assert said["inseam_requests_total", (*labels[:3], ("status", "2xx"), labels[3])] == 10
    assert said["inseam_requests_total", (*labels[:3], ("status", "5xx"), labels[3])] == 2
    assert said["inseam_response_bytes_total", labels] == 12 * 4096
    assert said["inseam_clients", ()] == 4
    assert said["inseam_errors_total", (("reason", "no_rule"),)] == 4
    assert said["inseam_access_log_dropped_total", ()] == 2
    assert said["inseam_events_total", (("event", "tunnels"),)] == 1


async def test_durations_are_a_histogram_whose_buckets_only_grow(admin: Client, house: House) -> None:
    house.counted = [Snapshot(rules=[product(5, 0.003), product(7, 20.0)]), Snapshot()]

    said = await metrics(admin)

    buckets = [
        (float(dict(labels)["le"]), value)
        for (name, labels), value in said.items()
        if name == "inseam_request_duration_seconds_bucket"
    ]
    assert [value for _, value in sorted(buckets)] == sorted(value for _, value in buckets)
    assert dict(buckets)[0.001953125] == 0
    assert dict(buckets)[0.00390625] == 5
    assert dict(buckets)[16.0] == 5
    assert dict(buckets)[float("inf")] == 12
    assert said["inseam_request_duration_seconds_count", (("page", "product"), ("system", "cms"))] == 12


async def test_a_refused_reload_and_a_server_that_is_down_are_metrics(admin: Client, house: House) -> None:
    house.now.problems = [Problem(Position("rules.yaml"), "broken")]
    house.now.reload_failures = 3
    house.now.servers = [("commerce", "http://127.0.0.1:8003", False)]

    said = await metrics(admin)

    assert said["inseam_reload_last_success", ()] == 0
    assert said["inseam_reload_failures_total", ()] == 3
    assert said["inseam_server_up", (("server", "http://127.0.0.1:8003"), ("system", "commerce"))] == 0


async def test_a_rule_with_an_odd_name_cannot_break_the_exposition(admin: Client, house: House) -> None:
    odd = product(1, 0.1)
    odd.rule = 'a "quoted"\nname\\'
    house.counted = [Snapshot(rules=[odd]), Snapshot()]

    said = await metrics(admin)

    assert any(dict(labels).get("rule") == odd.rule for _, labels in said)


# --- the api ----------------------------------------------------------------------------------------------------------


async def test_the_compiled_rules_are_listed(admin: Client) -> None:
    said = await (await admin.get("/api/rules")).json()

    assert [rule["name"] for rule in said["rules"]] == ["checkout", "everything else"]
    assert said["rules"][0]["paths"] == ["/checkout/**"]
    assert said["rules"][0]["systems"] == ["commerce"]


async def test_a_request_is_explained_as_the_edge_would_decide_it(admin: Client) -> None:
    answer = await admin.get("/api/explain", params={"url": "/checkout/pay/", "method": "post", "header": "X-A: 1"})
    said = await answer.json()

    assert (said["rule"], said["system"], said["target"]) == ("checkout", "commerce", "/checkout/pay/")
    assert ["X-A", "1"] in said["headers"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({}, "say what to explain"),
        ({"url": "/", "at": "soon"}, "is no date or time"),
        ({"url": "/", "header": "no colon"}, "is not NAME: VALUE"),
        ({"url": "ftp://shop.example/"}, "neither a path nor an http or https URL"),
        ({"url": "/", "basket": "full"}, "invalid literal"),
    ],
)
async def test_a_question_that_is_none_is_told_so(admin: Client, query: dict[str, str], told: str) -> None:
    answer = await admin.get("/api/explain", params=query)

    assert answer.status == 400
    assert told in (await answer.json())["error"]


async def test_counters_are_there_for_the_dashboard(admin: Client, house: House) -> None:
    house.counted = [Snapshot(worker=0, rules=[product(5, 0.1)]), Snapshot()]

    said = await (await admin.get("/api/counters")).json()

    assert said["total"]["rules"][0]["requests"] == 5
    assert [worker["worker"] for worker in said["workers"]] == [0]
    assert said["standing"]["workers_wanted"] == 2


async def test_a_reload_answers_what_came_of_it(admin: Client, house: House) -> None:
    house.outcome = Outcome("refused", 1, [Problem(Position("rules.yaml", 8, 11), "broken", "mend it")])

    answer = await admin.post("/api/reload", headers={"X-Requested-With": "inseam"})

    assert answer.status == 409
    said = json.loads(await answer.text())
    assert said["problems"][0]["position"] == {"file": "rules.yaml", "line": 8, "column": 11}


# --- who is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"X-Requested-With": "x", "Sec-Fetch-Site": "cross-site"},
        {"X-Requested-With": "x", "Origin": "https://evil.example"},
        {"X-Requested-With": "x", "Origin": "null"},
    ],
)
async def test_a_page_from_elsewhere_cannot_reload(admin: Client, house: House, headers: dict[str, str]) -> None:
    answer = await admin.post("/api/reload", headers=headers)

    assert answer.status == 403
    assert house.reloads == 0


@pytest.mark.parametrize("path", ["/", "/api/rules", "/api/counters", "/api/explain?url=/"])
async def test_a_page_whose_name_was_rebound_to_us_reads_nothing(admin: Client, path: str) -> None:
    assert (await admin.get(path, headers={"Host": "evil.example:9090"})).status == 421


async def test_machines_may_ask_by_any_name(admin: Client) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await admin.get(path, headers={"Host": "inseam.monitoring.svc"})).status == 200


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:9090", True),
        ("[::1]:9090", True),
        ("localhost:9090", True),
        ("LOCALHOST", True),
        ("edge.internal:9090", True),
        ("edge.internal.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example", False),
        ("", False),
    ],
)
def test_the_address_localhost_and_the_admin_name_are_known(host: str, known: bool) -> None:
    assert known_host(host, "edge.internal") is known


async def test_every_answer_tells_browsers_to_be_strict(admin: Client) -> None:
    for answer in (await admin.get("/"), await admin.get("/no/such/page"), await admin.post("/api/reload")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "inseam"


async def test_the_page_links_what_there_is(admin: Client, house: House) -> None:
    house.now.rules = "<rules>.yaml"

    said = await (await admin.get("/")).text()

    assert 'href="/metrics"' in said
    assert "&lt;rules&gt;.yaml" in said
