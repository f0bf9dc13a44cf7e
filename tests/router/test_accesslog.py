"""The access log keeps its lines whole and never costs a request."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from router.accesslog import AccessLog, Record, check_target
from router.errors import StartError


def visit(path: str = "/catalogue/1/", **fields: object) -> Record:
    fields = {"status": 200, "rule": "product", "system": "cms", **fields}
    return Record(1_780_000_000.1234567, "r1", "203.0.113.9", "GET", "shop.example", path, **fields)  # type: ignore[arg-type]


def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def test_a_request_is_one_json_line(tmp_path: Path) -> None:
    target = tmp_path / "access.log"
    log = AccessLog(str(target), pause=0)

    log.write(visit(seconds=0.0123456789, bytes_out=4096))
    log.close()

    line = json.loads(target.read_text())
    assert line["time"] == "2026-05-28T20:26:40.123000Z"
    assert (line["path"], line["rule"], line["seconds"], line["bytes_out"]) == (
        "/catalogue/1/", "product", 0.012346, 4096,
    )  # fmt: skip
    assert log.dropped == 0


def test_control_characters_cannot_begin_a_line_of_their_own(tmp_path: Path) -> None:
    target = tmp_path / "access.log"
    log = AccessLog(str(target), pause=0)

    log.write(visit('/a\r\n{"status": 200}\x1b[31m'))
    log.close()

    assert target.read_bytes().count(b"\n") == 1
    assert b"\x1b" not in target.read_bytes()


def test_a_record_that_is_no_text_costs_only_itself(tmp_path: Path) -> None:
    target = tmp_path / "access.log"
    log = AccessLog(str(target), pause=0)

    log.write(visit("/\ud800"))
    log.write(visit("/after/"))
    log.close()

    assert json.loads(target.read_text())["path"] == "/after/"
    assert log.dropped == 1


def test_a_pipe_that_nobody_reads_costs_lines_and_no_waiting(tmp_path: Path) -> None:
    """REQUIREMENTS, 50."""
    target = tmp_path / "pipe"
    os.mkfifo(target)
    log = AccessLog(str(target), limit=50, pause=0)

    before = time.monotonic()
    for _ in range(5000):
        log.write(visit("/" + "x" * 200))
    took = time.monotonic() - before
    until(lambda: log.dropped > 0)

    assert took < 1
    before = time.monotonic()
    log.close(0.1)
    assert time.monotonic() - before < 1
    os.close(os.open(target, os.O_RDONLY | os.O_NONBLOCK))


def test_a_full_disk_costs_lines_and_the_log_goes_on_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUIREMENTS, 50."""
    target = tmp_path / "access.log"
    log = AccessLog(str(target), pause=0)
    real, full = os.write, True

    def write(fd: int, data: bytes) -> int:
        if not full or fd != log._fd:
            return real(fd, data)
        if len(data) <= 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[: len(data) - 10])

    monkeypatch.setattr(os, "write", write)
    log.write(visit("/torn/"))
    until(lambda: log.dropped == 1)
    full = False
    log.write(visit("/whole/"))
    log.close()

    torn, whole = target.read_text().splitlines()
    assert "/torn/" in torn
    assert json.loads(whole)["path"] == "/whole/"


def test_after_rotation_lines_go_to_the_new_file(tmp_path: Path) -> None:
    target = tmp_path / "access.log"
    log = AccessLog(str(target), pause=0)
    log.write(visit("/before/"))
    until(lambda: target.stat().st_size > 0)

    target.rename(tmp_path / "access.log.1")
    log.reopen()
    until(target.exists)
    log.write(visit("/after/"))
    log.close()

    assert "/before/" in (tmp_path / "access.log.1").read_text()
    assert json.loads(target.read_text())["path"] == "/after/"


def test_a_log_that_cannot_be_opened_says_so_in_one_line(tmp_path: Path) -> None:
    missing = str(tmp_path / "no" / "such" / "folder.log")

    with pytest.raises(StartError, match=r"access log .*: No such file or directory; name a file"):
        AccessLog(missing)
    with pytest.raises(StartError, match="No such file"):
        check_target(missing)


def test_standard_output_stays_open_when_the_log_closes(capfd: pytest.CaptureFixture[str]) -> None:
    log = AccessLog("-", pause=0)

    log.write(visit())
    log.close()

    os.fstat(1)
    assert json.loads(capfd.readouterr().out)["status"] == 200
