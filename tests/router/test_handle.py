"""What a worker's process is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.supervision.handle import Handle

_NEVER_TOLD_TO_START = 1


async def test_a_folder_of_the_shop_named_router_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoy = tmp_path / "router"
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path)

    worker = await Handle.launch(0, [])
    worker.channel.close()

    assert await worker.process.wait() == _NEVER_TOLD_TO_START
