"""SQLite under several workers: kill -9, a full disk, a spoiled file, somebody else's file."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from store_troubles import guarding
from store_workers import until

from sessions.errors import StoreDown
from sessions.stores.port import Changed, Gap, News, Revocation, Stored, key_of
from sessions.stores.sqlite import SqliteStore

HOUR = 3600


@asynccontextmanager
async def opened(path: Path, **options: object) -> AsyncIterator[tuple[SqliteStore, list[News]]]:
    heard: list[News] = []
    store = SqliteStore(str(path), **options)
    await store.start(heard.append)
    try:
        yield store, heard
    finally:
        await store.close()


WRITER = """
import asyncio, sys
from sessions.errors import StoreDown
from sessions.stores.port import Stored
from sessions.stores.sqlite import SqliteStore

async def main(path, name):
    store = SqliteStore(path, patience=2)
    await store.start(lambda news: None)
    rev = 0
    while True:
        rev += 1
        assert await store.save(name, Stored(rev, b"%d " % rev * 300), rev - 1, 3600) is None
        print(rev, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_workers_killed_in_the_middle_of_writing_lose_nothing_that_was_written(tmp_path):
    """REQUIREMENTS, 47: kill -9; what was confirmed is there, what was not is there whole or not at all."""
    path = tmp_path / "sessions.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    for turn in range(3):
        writers = [subprocess.Popen([*command, f"{turn} {n}"], stdout=subprocess.PIPE, text=True) for n in range(2)]
        for writer in writers:
            writer.stdout.readline()
        await asyncio.sleep(0.05)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        confirmed = [int((writer.communicate()[0].split() or ["1"])[-1]) for writer in writers]

        async with opened(path) as (store, _):
            for number, rev in enumerate(confirmed):
                kept = await store.load(f"{turn} {number}")
                assert kept is not None
                assert rev <= kept.rev <= rev + 1
                assert kept.data == b"%d " % kept.rev * 300
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


async def test_only_the_owner_may_read_the_file_and_what_lies_beside_it(tmp_path):
    path = tmp_path / "sessions.db"
    path.touch(0o644)

    async with opened(path) as (store, _):
        await store.save("k", Stored(1, b"x"), 0, HOUR)

        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
        assert modes == dict.fromkeys(("sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db.lock"), 0o600)


async def test_a_file_that_is_no_database_is_moved_aside_and_begun_anew(tmp_path):
    spoilt = b"this is no database, but a text that is longer than a head " * 90
    path = tmp_path / "sessions.db"
    path.write_bytes(spoilt)
    (tmp_path / "sessions.db.lock").touch()  # it was ours
    lines: list[str] = []

    async with opened(path, say=lines.append) as (store, _):
        assert await store.load("k") is None
        assert await store.save("k", Stored(1, b"x"), 0, HOUR) is None
        assert store.spoiled == 1

    assert (tmp_path / "sessions.db.spoiled").read_bytes() == spoilt
    assert len(lines) == 1
    assert "sessions.db.spoiled" in lines[0]


async def test_a_file_that_never_was_ours_is_not_moved_away(tmp_path):
    """As in `--store sqlite:keys.json`."""
    path = tmp_path / "keys.json"
    path.write_text('{"version": 1}')

    for _ in range(2):  # a second start finds nothing of the first
        async with opened(path) as (store, _news):
            with pytest.raises(StoreDown, match="no database"):
                await store.load("k")

    assert path.read_text() == '{"version": 1}'
    assert os.listdir(tmp_path) == ["keys.json"]


async def test_a_file_that_rots_under_two_workers_is_moved_aside_once_and_both_go_on(tmp_path):
    """REQUIREMENTS, 45."""
    path = tmp_path / "sessions.db"
    lines: list[str] = []
    async with (
        opened(path, say=lines.append) as (one, heard_by_one),
        opened(path, say=lines.append) as (other, heard_by_other),
    ):
        for number in range(200):
            await one.save(key_of(f"{number}"), Stored(1, b"x" * 500), 0, HOUR)
        await one._ask(lambda: one.file._open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(path.stat().st_size - 4096))
        for store in (one, other):  # what SQLite has in its own memory would still answer
            await store._ask(store.file.close)

        for number in range(200):
            await other.load(key_of(f"{number}"))
            await one.save(key_of(f"{number}"), Stored(2, b"y"), None, HOUR)

        await until(lambda: Gap() in heard_by_one and Gap() in heard_by_other)
        assert await other.load(key_of("199")) == Stored(2, b"y")
        assert len(lines) == 1


async def test_the_database_of_another_program_is_not_touched(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id)")
    db.close()
    before = path.read_bytes()

    async with opened(path) as (store, _):
        with pytest.raises(StoreDown, match="another program"):
            await store.save("k", Stored(1, b"x"), 0, HOUR)

    assert path.read_bytes() == before


async def test_a_full_disk_is_down_and_when_there_is_room_what_was_missed_is_written(tmp_path):
    """REQUIREMENTS, 40 and 50."""
    path = tmp_path / "sessions.db"
    store = SqliteStore(str(path))
    async with guarding(store) as guard:
        await guard.save("before", Stored(1, b"x"), 0, HOUR)
        pages = (await store._ask(lambda: store.file._open().execute("PRAGMA page_count").fetchone()))[0]
        await store._ask(lambda: store.file._open().execute(f"PRAGMA max_page_count={pages}").fetchone())

        for number in range(9):
            with pytest.raises(StoreDown):
                await guard.save(f"big {number}", Stored(1, b"x" * 9000), 0, HOUR)
        assert "full" in guard.why or guard.up
        assert await store.load("before") == Stored(1, b"x")

        await store._ask(lambda: store.file._open().execute("PRAGMA max_page_count=1000000").fetchone())
        await until(lambda: guard.up and not guard.missed, within=3)
        assert await guard.load("big 8") == Stored(1, b"x" * 9000)


async def test_a_file_that_was_deleted_is_begun_anew(tmp_path):
    path = tmp_path / "sessions.db"
    async with opened(path) as (store, heard):
        await store.save("k", Stored(1, b"x"), 0, HOUR)
        for each in tmp_path.iterdir():
            each.unlink()

        await until(lambda: Gap() in heard)

        assert await store.save("k", Stored(2, b"y"), 1, HOUR) is None
        assert path.exists()


async def test_a_folder_that_is_gone_is_down_and_comes_back(tmp_path):
    folder = tmp_path / "var"
    async with opened(folder / "sessions.db") as (store, heard):
        with pytest.raises(StoreDown, match="No such file"):
            await store.load("k")

        folder.mkdir()
        async with opened(folder / "sessions.db") as (other, _):
            revocation = Revocation("all", "", 1, int(time.time()) + HOUR)
            await other.revoke(revocation)
            await until(lambda: revocation in heard)


async def test_a_worker_that_is_stopped_while_it_holds_the_lock_does_not_hold_up_the_others(tmp_path):
    """REQUIREMENTS, 41."""
    path = tmp_path / "sessions.db"
    async with opened(path) as (store, _):
        await store.save("k", Stored(1, b"x"), 0, HOUR)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.002)
                beats += 1

        beating = asyncio.create_task(beat())
        with pytest.raises(StoreDown, match="locked"):
            await store.save("k", Stored(2, b"y"), 1, HOUR)

        assert time.monotonic() - began < 0.2
        assert beats > 5, "the loop goes on meanwhile"
        assert await store.load("k") == Stored(1, b"x"), "who reads waits for nobody"
        beating.cancel()
        holder.execute("ROLLBACK")
        holder.close()


async def test_what_is_over_is_not_there_and_is_cleaned_in_small_batches(tmp_path):
    now = 1000.0
    async with opened(tmp_path / "sessions.db", clock=lambda: now) as (store, _):
        for number in range(250):
            await store.save(f"k{number}", Stored(1, b"x"), 0, 60)
        await store.put_once("code", b"x", 60)
        await store.revoke(Revocation("session", "k", 1, 1060))
        now = 1060.0

        assert await store.load("k0") is None
        assert await store.take_once("code") is None
        assert await store.revocations() == []
        assert await store.put_once("code", b"y", 60)

        def rows() -> list[int]:
            db = store.file._open()
            tables = ("sessions", "once", "revocations", "news")
            return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

        assert await store._ask(store.file.clean) is True
        assert (await store._ask(rows))[0] == 50
        assert await store._ask(store.file.clean) is False
        assert await store._ask(rows) == [0, 1, 0, 0]


async def test_a_worker_that_slept_through_a_minute_of_news_is_told_of_a_gap(tmp_path):
    path, now = tmp_path / "sessions.db", 1000.0
    async with opened(path, clock=lambda: now) as (one, _):
        sleeper = SqliteStore(str(path), clock=lambda: now)
        assert sleeper.file.news() == []
        await one.save("k", Stored(1, b"x"), 0, HOUR)
        assert sleeper.file.news() == [Changed("k", 1)]

        await one.save("k", Stored(2, b"x"), 1, HOUR)
        now = 1100.0
        await one._ask(one.file.clean)
        assert sleeper.file.news() == [Gap()]

        await one.save("k", Stored(3, b"x"), 2, HOUR)
        assert sleeper.file.news() == [Changed("k", 3)]
        sleeper.file.close()


async def test_news_between_own_writes_are_heard_once(tmp_path):
    path = tmp_path / "sessions.db"
    async with opened(path) as (one, heard), opened(path) as (other, _):
        for rev in range(1, 6):
            await one.save("mine", Stored(rev, b""), None, HOUR)
        await other.save("theirs", Stored(1, b""), None, HOUR)
        await until(lambda: Changed("theirs", 1) in heard)

        assert [news for news in heard if news == Changed("mine", 3)] == [Changed("mine", 3)]
        assert Gap() not in heard


async def test_an_entry_that_somebody_has_tampered_with_is_no_session(tmp_path):
    """REQUIREMENTS, 45."""
    path = tmp_path / "sessions.db"
    async with opened(path) as (store, _):
        await store.save("k", Stored(1, b"x"), 0, HOUR)
        with sqlite3.connect(path) as db:
            db.execute("UPDATE sessions SET data = 'text'")
        db.close()

        assert await store.load("k") is None
        assert store.spoiled == 1
        assert await store.save("k", Stored(1, b"y"), 0, HOUR) is None
