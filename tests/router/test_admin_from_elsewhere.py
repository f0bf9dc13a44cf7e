"""The admin address of a running edge, with a token: `inseam reload` and `revoke` have it, others get nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running_edge import RunningEdge, Shop, Start

from router.__main__ import main

TOKEN = "c157a79031e1c40f85931829bc5fc552"


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return str(file)


def test_an_edge_that_anybody_could_command_does_not_start(start: Start) -> None:
    edge = start("--admin", ":0", wait=False)

    assert edge.process.wait(20) == 1
    (line,) = edge.said().splitlines()
    assert line.startswith("inseam: --admin 0.0.0.0:")
    assert "--admin-token-file FILE (or INSEAM_ADMIN_TOKEN), or --probes-only" in line


def test_commands_have_the_token_and_what_they_do_is_written_down(
    start: Start, shop: Shop, token_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = shop.folder / "audit.log"
    edge: RunningEdge = start("--admin-token-file", token_file, "--audit-log", str(audit))
    at = ["--admin", f"127.0.0.1:{edge.admin}"]
    shop.rules.write_text(shop.rules.read_text().replace("to: commerce, page: checkout", "to: commerce, page: payment"))

    assert main(["reload", *at]) == 1
    assert "asks for a token: give --admin-token-file" in capsys.readouterr().err
    assert main(["reload", *at, "--admin-token-file", token_file]) == 0
    monkeypatch.setenv("INSEAM_ADMIN_TOKEN", TOKEN)
    assert main(["revoke", *at, "--customer", "4711"]) == 0

    shop.rules.write_text(
        shop.rules.read_text().replace("rules:\n", "rules:\n  - {name: a, path: /checkout/a, to: cms}\n")
    )
    assert main(["reload", *at]) == 1
    assert "inseam reload --allow-move" in capsys.readouterr().err
    assert edge.get("/checkout/a") == (200, "commerce /checkout/a")
    monkeypatch.setenv("INSEAM_ADMIN_TOKEN", TOKEN[:-1] + "x")
    assert main(["reload", *at, "--allow-move"]) == 1
    assert "does not know this token" in capsys.readouterr().err

    done = [line["what"].partition(" of ")[0] for line in map(json.loads, audit.read_text().splitlines())]
    assert done == ["POST /api/reload", "reload", "revoke", "reload", "POST /api/reload"]
    assert TOKEN not in edge.said()
    for worker in edge.workers():
        assert TOKEN.encode() not in Path(f"/proc/{worker}/environ").read_bytes()
