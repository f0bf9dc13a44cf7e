"""Who may use the admin address from elsewhere, and what is written down of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from router.admin import Admin
from router.admin.audit import Audit
from router.admin.guard import Access, check_reach
from router.admin.token import Token
from router.errors import Position, Problem, StartError
from router.reload import Outcome
from router.supervision.settings import Address

Client = TestClient[web.Request, web.Application]
Connect = Callable[[web.Application], Awaitable[Client]]

TOKEN = "b1946ac92492d2347c6235b4d2611184"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CLOSED = ["/", "/metrics", "/readyz?verbose", "/api/rules", "/api/counters", "/api/explain?url=/", "/no/such/page"]


class House:
    """A supervisor that has rules to reload and sessions to end, and nothing to show."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.outcome = Outcome("live", 2)

    def standing(self) -> Any:
        return SimpleNamespace(ready=True)

    async def reload(self, why: str, allow_move: bool = False) -> Outcome:
        self.asked.append(("reload", allow_move))
        return self.outcome

    async def revoke(self, kind: str, key: str) -> bool:
        self.asked.append(("revoke", kind))
        return True


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
async def open_to(house: House, audit_log: Path, aiohttp_client: Connect) -> Callable[[Access], Awaitable[Client]]:
    """Return a function that connects to an admin address with this access."""

    async def connect(access: Access) -> Client:
        return await aiohttp_client(Admin(house, [], access, Audit(str(audit_log))).app())  # type: ignore[arg-type]

    return connect


@pytest.fixture
async def admin(open_to: Callable[[Access], Awaitable[Client]]) -> Client:
    return await open_to(Access(token=Token(TOKEN)))


# --- the token --------------------------------------------------------------------------------------------------------


async def test_probes_need_no_token(admin: Client) -> None:
    assert [(await admin.get(path)).status for path in ("/livez", "/readyz")] == [200, 200]


@pytest.mark.parametrize("path", CLOSED)
async def test_everything_else_needs_one(admin: Client, path: str) -> None:
    answer = await admin.get(path)

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in await answer.text()


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer tök€n",
     f"Bearer {TOKEN} {TOKEN}"],
)  # fmt: skip
async def test_a_token_that_is_not_ours_changes_nothing(admin: Client, house: House, said: str) -> None:
    headers = {"Authorization": said, "X-Requested-With": "inseam"}

    assert (await admin.post("/api/reload", headers=headers)).status == 401
    assert house.asked == []


async def test_who_has_the_token_may_reload_by_any_name_of_the_edge(admin: Client, house: House) -> None:
    answer = await admin.post("/api/reload", headers={**BEARER, "Host": "inseam.shop.svc:9090"})

    assert (answer.status, house.asked) == (200, [("reload", False)])


async def test_probes_alone_are_all_that_there_is_where_it_says_so(
    open_to: Callable[[Access], Awaitable[Client]], house: House
) -> None:
    admin = await open_to(Access(probes_only=True))

    assert [(await admin.get(path)).status for path in ("/livez", "/readyz")] == [200, 200]
    for path in CLOSED:
        assert (await admin.get(path, headers=BEARER)).status == 404
    for path in ("/api/reload", "/api/revoke", "/livez"):
        assert (await admin.post(path, headers={**BEARER, "X-Requested-With": "inseam"})).status == 404
    assert house.asked == []


def test_a_token_in_a_file_may_be_replaced_while_the_edge_runs(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    token = Token(path=str(file))
    assert token.admits(f"Bearer {TOKEN}")

    fresh = tmp_path / "token.new"
    fresh.write_text("another-token-of-some-length\n")
    fresh.chmod(0o600)
    fresh.rename(file)

    assert not token.admits(f"Bearer {TOKEN}")
    assert token.admits("bearer another-token-of-some-length")
    file.write_text("short")
    assert token.admits("Bearer another-token-of-some-length"), "a file that is of no use changes nothing"


@pytest.mark.parametrize("text", ["", "short", "a token of several words, long enough", "x" * 19, "ü" * 30])
def test_a_token_that_could_be_guessed_or_not_be_sent_is_refused(text: str) -> None:
    with pytest.raises(StartError, match=r"INSEAM_ADMIN_TOKEN has no token .* openssl rand -hex 32"):
        Token(text)


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)

    with pytest.raises(StartError, match=r"admin token: .*token: others than its owner can get at it .*chmod 600"):
        Token(path=str(file))
    with pytest.raises(StartError, match=r"there is no such file: make one with: .*openssl rand"):
        Token(path=str(tmp_path / "none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "::ffff:192.0.2.7", "fe80::1%eth0"])
def test_an_address_that_others_reach_needs_a_token_or_has_probes_alone(host: str) -> None:
    with pytest.raises(StartError, match=r"can be reached from elsewhere.* --admin-token-file FILE .* --probes-only"):
        check_reach([Address(host, 9090)], Access())

    check_reach([Address(host, 9090)], Access(token=Token(TOKEN)))
    check_reach([Address(host, 9090)], Access(probes_only=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_needs_no_token(host: str) -> None:
    check_reach([Address(host, 9090)], Access())


# --- the audit log ----------------------------------------------------------------------------------------------------


async def test_every_change_is_written_down_with_who_what_and_outcome(
    admin: Client, house: House, audit_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "inseam.audit")
    await admin.post("/api/reload?allow_move=1", headers=BEARER)
    house.outcome = Outcome("refused", 2, [Problem(Position("rules.yaml", 8, 11), "broken")])
    await admin.post("/api/reload", headers=BEARER)
    await admin.post("/api/revoke", json={"customer": "4711"}, headers=BEARER)
    await admin.post("/api/revoke", json={"all": True}, headers=BEARER)
    await admin.post("/api/reload", headers={"Authorization": "Bearer guess"})

    lines = [json.loads(line) for line in audit_log.read_text().splitlines()]

    assert [(line["what"].partition(" of customer ")[0], line["outcome"]) for line in lines] == [
        ("reload with allow_move", "live, generation 2 is live"),
        ("reload", "refused, generation 2 is live"),
        ("revoke", "ended"),
        ("revoke of everybody", "ended"),
        ("POST /api/reload", "401"),
    ]
    assert {line["who"] for line in lines} == {"127.0.0.1"}
    assert all(set(line) == {"time", "who", "what", "outcome"} for line in lines)
    assert len(caplog.records) == 5
    assert TOKEN not in audit_log.read_text()
    assert "4711" not in audit_log.read_text()


async def test_a_flood_of_guesses_is_counted_and_fills_no_disk(admin: Client, audit_log: Path) -> None:
    await asyncio.gather(*(admin.get("/api/rules", headers={"Authorization": f"Bearer {n}"}) for n in range(60)))

    assert 30 <= len(audit_log.read_text().splitlines()) <= 62


@pytest.mark.parametrize("said", ["yes", "", "true"])
async def test_whether_pages_may_move_is_said_clearly_or_not_at_all(admin: Client, house: House, said: str) -> None:
    answer = await admin.post("/api/reload", params={"allow_move": said}, headers=BEARER)

    assert (answer.status, house.asked) == (400, [])


def test_an_audit_log_that_cannot_be_written_keeps_the_edge_from_starting(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"audit log .*: No such file or directory; name a file"):
        Audit(str(tmp_path / "no" / "such" / "folder"))


async def test_a_disk_that_is_full_later_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    audit = Audit("/dev/full")

    await audit.changed("127.0.0.1", "reload", "live")

    audit.close()
    assert [record.message.partition(": ")[0] for record in caplog.records][-1] == "audit log /dev/full"


async def test_an_audit_log_that_was_rotated_is_opened_anew(audit_log: Path) -> None:
    audit = Audit(str(audit_log))
    audit_log.rename(audit_log.with_suffix(".1"))

    audit.reopen()
    await audit.changed("127.0.0.1", "reload", "live")

    audit.close()
    assert json.loads(audit_log.read_text())["what"] == "reload"
