"""The counters of sessions under their public names, and the end of sessions by the admin address."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client.core import Metric

from router.admin import Admin
from router.admin.session_metrics import FAMILIES, session_metrics
from router.counters import Snapshot
from sessions.stores.port import key_of

Connect = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]

HERE = Path(__file__).parents[3]


def found(events: dict[str, int], **more: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by name and label values."""
    metrics: list[Metric] = list(session_metrics(Snapshot(events=events, **more), dict(events)))
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for metric in metrics for sample in metric.samples
    }


def test_events_become_counters_with_labels() -> None:
    samples = found(
        {
            "crossings": 7, "handoff:basket": 3, "loss:basket:gone_at_page": 2, "session_begun": 5, "session:login": 4,
            "update_refused:commerce:kid": 1, "cookie_refused:forged": 9,
        },
        stores_up=2, store_skew=-0.5,
    )  # fmt: skip

    assert samples["inseam_crossings_total", ()] == 7
    assert samples["inseam_handoffs_total", ("basket",)] == 3
    assert samples["inseam_losses_total", ("basket", "gone_at_page")] == 2
    assert samples["inseam_sessions_total", ("begun",)] == 5
    assert samples["inseam_session_changes_total", ("login",)] == 4
    assert samples["inseam_updates_refused_total", ("commerce", "kid")] == 1
    assert samples["inseam_cookies_refused_total", ("forged",)] == 9
    assert samples["inseam_store_up", ()] == 2
    assert samples["inseam_store_clock_skew_seconds", ()] == -0.5


def test_the_first_loss_is_seen_because_the_counter_stood_at_zero_before() -> None:
    samples = found({})

    assert samples["inseam_losses_total", ("login", "cookie_deleted")] == 0
    assert samples["inseam_losses_total", ("login", "gone_at_page")] == 0
    assert samples["inseam_losses_total", ("basket", "gone_at_page")] == 0
    assert samples["inseam_crossings_total", ()] == 0
    assert samples["inseam_cache_withheld_total", ()] == 0


def test_what_is_no_event_of_sessions_is_left_to_others() -> None:
    events = {"mirrored": 1, "tunnels": 2, "loss:of-a-shape-that-is-not-known": 3, "crossings": 1}
    list(session_metrics(Snapshot(), events))

    assert events == {"mirrored": 1, "tunnels": 2, "loss:of-a-shape-that-is-not-known": 3}


def test_every_event_that_the_edge_and_the_keeper_count_has_a_public_name() -> None:
    """A counter that nobody ever sees is worth nothing."""
    told = set()
    of_edge = [HERE / "router/edge" / f"{name}.py" for name in ("seam", "settling", "held", "public", "handoff")]
    for path in [*of_edge, *(HERE / "sessions").glob("*.py")]:
        told |= set(re.findall(r'(?:ledger\.event|_tell|_event)\(f?"([a-z_]+(?::[^"]*)?)"', path.read_text()))
    assert len(told) > 20
    faults_of_ours = {"settling_failed", "settled_late"}
    unknown = []
    for name in told - faults_of_ours:
        event = re.sub(r"\{[^}]*\}", "x", name)
        left = {event: 1}
        list(session_metrics(Snapshot(), left))
        if left:
            unknown.append(name)
    assert unknown == []


def test_a_family_is_named_by_one_word_and_its_labels() -> None:
    assert all(re.fullmatch(r"[a-z_]+", word) for word in FAMILIES)
    assert len({name for name, _, _ in FAMILIES.values()}) == len(FAMILIES)


# --- ending sessions --------------------------------------------------------------------------------------------------


@pytest.fixture
def asked() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def house(asked: list[tuple[str, str]]) -> SimpleNamespace:
    async def revoke(kind: str, key: str) -> bool:
        asked.append((kind, key))
        return house.stored

    house = SimpleNamespace(revoke=revoke, stored=True)
    return house


ASKED = {"X-Requested-With": "inseam"}


@pytest.mark.parametrize(
    ("said", "then"), [({"customer": "42"}, ("customer", key_of("42"))), ({"all": True}, ("all", ""))]
)
async def test_sessions_are_ended(
    house: SimpleNamespace, asked: list[tuple[str, str]], aiohttp_client: Connect, said: object, then: tuple[str, str]
) -> None:
    admin = await aiohttp_client(Admin(house, []).app())
    answer = await admin.post("/api/revoke", json=said, headers=ASKED)

    assert answer.status == 200
    assert await answer.json() == {"ended": then[0], "stored": True}
    assert asked == [then]


async def test_that_other_edges_do_not_know_yet_is_told(house: SimpleNamespace, aiohttp_client: Connect) -> None:
    """REQUIREMENTS, 40."""
    house.stored = False
    admin = await aiohttp_client(Admin(house, []).app())
    answer = await admin.post("/api/revoke", json={"all": True}, headers=ASKED)

    assert answer.status == 503
    assert "the store is down" in (await answer.json())["warning"]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "{}", '{"customer": ""}', '{"customer": 42}', '{"all": false}', '{"all": "yes"}',
             '{"customer": "42", "all": true}', '{"session": "x"}', "\xff"],
)  # fmt: skip
async def test_what_does_not_say_whose_ends_nobody_s(
    house: SimpleNamespace, asked: list[tuple[str, str]], aiohttp_client: Connect, body: str
) -> None:
    admin = await aiohttp_client(Admin(house, []).app())
    answer = await admin.post("/api/revoke", data=body.encode("latin-1"), headers=ASKED)

    assert answer.status == 400
    assert "error" in await answer.json()
    assert asked == []


async def test_a_page_in_the_operator_s_browser_cannot_end_sessions(
    house: SimpleNamespace, asked: list[tuple[str, str]], aiohttp_client: Connect
) -> None:
    admin = await aiohttp_client(Admin(house, []).app())
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        answer = await admin.post("/api/revoke", json={"all": True}, headers={**ASKED, **headers})
        assert answer.status in (403, 421), headers
    for method in ("GET", "PUT"):
        assert (await admin.request(method, "/api/revoke", headers=ASKED)).status == 405

    assert asked == []
