"""One SQLite file as one thread sees it: the statements, the news by a change counter, the cure of a spoiled file.

Everything here blocks, and raises what sqlite3 raises: `sessions.stores.sqlite` calls it in a thread of its own and
translates. Several processes share the file. WAL mode lets them read while one writes, and what a process that is
killed had not committed was never there. `synchronous=NORMAL`: only a failing machine, not a failing process, can lose
the last commits (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final, Literal

from sessions.errors import StoreDown
from sessions.stores.port import Changed, Gap, News, Revocation, Stored

APPLICATION: Final = 0x496E7365
"""`Inse` in the file's head: a database of another program is not touched."""

VERSION: Final = 1
"""Of the tables below."""

NEWS_KEPT: Final = 60
"""Seconds that an event stays. Workers look several times a second; one that slept longer is told of a gap."""

BATCH: Final = 200
"""Rows that one cleaning deletes at most: well under a millisecond, so that no writer waits for it noticeably."""

HEAD: Final = b"SQLite format 3\0"
"""How a database begins: https://www.sqlite.org/fileformat.html#the_database_header"""

NO_FILE: Final = (0, 0)

SPOILED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

TABLES: Final = """
CREATE TABLE sessions (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, data BLOB NOT NULL, until REAL NOT NULL)
  WITHOUT ROWID;
CREATE INDEX sessions_until ON sessions (until);
CREATE TABLE once (key TEXT PRIMARY KEY, data BLOB NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX once_until ON once (until);
CREATE TABLE revocations (kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL,
  UNIQUE (kind, key, at, until));
CREATE INDEX revocations_until ON revocations (until);
CREATE TABLE news (id INTEGER PRIMARY KEY AUTOINCREMENT, until REAL NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
  rev INTEGER NOT NULL, at INTEGER NOT NULL, void_until INTEGER NOT NULL);
CREATE INDEX news_until ON news (until);
"""

CLEANED: Final = tuple(
    (f"SELECT {name} FROM {table} WHERE until <= ? LIMIT {BATCH}", f"DELETE FROM {table} WHERE {name} IN ")  # noqa: S608
    for table, name in (("sessions", "key"), ("once", "key"), ("revocations", "rowid"), ("news", "id"))
)
"""For each table: what finds some rows that are over, and the beginning of what deletes them."""


class SqliteFile:
    """The file at `path`, opened when it is first needed. `patience` in seconds is how long a lock is waited for."""

    def __init__(self, path: str, clock: Callable[[], float], patience: float, say: Callable[[str], None]) -> None:
        self.path = path
        self.clock = clock
        self.patience = patience
        self.say = say
        self.spoiled = 0
        self._db: sqlite3.Connection | None = None
        self._inode = NO_FILE
        self._seen = 0
        self._told = 0
        self._version = -1
        self._gap = False

    # --- what is kept ---

    def load(self, key: str) -> Stored | None:
        db = self._open()
        row = db.execute("SELECT rev, data, until FROM sessions WHERE key = ?", (key,)).fetchone()
        if row is None or row[2] <= self.clock():
            return None
        if type(row[0]) is not int or row[0] < 1 or type(row[1]) is not bytes:
            db.execute("DELETE FROM sessions WHERE key = ?", (key,))
            self.spoiled += 1
            return None
        return Stored(row[0], row[1])

    def save(self, key: str, fresh: Stored, expected: int | None, life: int) -> Stored | None:
        with self._transaction("IMMEDIATE") as db:
            there = self.load(key)
            if there is not None and there != fresh:
                fits = there.rev < fresh.rev if expected is None else there.rev == expected
                if not fits:
                    return there
            row = (key, fresh.rev, fresh.data, self.clock() + life)
            db.execute("INSERT OR REPLACE INTO sessions (key, rev, data, until) VALUES (?, ?, ?, ?)", row)
            self._tell(db, Changed(key, fresh.rev))
        return None

    def drop(self, key: str) -> None:
        with self._transaction("IMMEDIATE") as db:
            db.execute("DELETE FROM sessions WHERE key = ?", (key,))
            self._tell(db, Changed(key))

    def revoke(self, revocation: Revocation) -> bool:
        """Return whether it was new."""
        row = (revocation.kind, revocation.key, revocation.at, revocation.until)
        with self._transaction("IMMEDIATE") as db:
            into = "INSERT OR IGNORE INTO revocations (kind, key, at, until) VALUES (?, ?, ?, ?)"
            if not db.execute(into, row).rowcount:
                return False
            self._tell(db, revocation)
        return True

    def revocations(self) -> list[Revocation]:
        rows = self._open().execute("SELECT kind, key, at, until FROM revocations WHERE until > ?", (self.clock(),))
        return [Revocation(*row) for row in rows]

    def put_once(self, key: str, data: bytes, life: int) -> bool:
        now = self.clock()
        with self._transaction("IMMEDIATE") as db:
            db.execute("DELETE FROM once WHERE key = ? AND until <= ?", (key, now))
            return db.execute("INSERT OR IGNORE INTO once VALUES (?, ?, ?)", (key, data, now + life)).rowcount == 1

    def take_once(self, key: str) -> bytes | None:
        with self._transaction("IMMEDIATE") as db:
            rows = db.execute("DELETE FROM once WHERE key = ? RETURNING data, until", (key,)).fetchall()
        return rows[0][0] if rows and rows[0][1] > self.clock() else None

    # --- what others did ---

    def news(self) -> list[News]:
        """Return what other connections have written since the last call; a few microseconds if nothing.

        `PRAGMA data_version` changes when somebody else commits, so the table is read only then. A Gap if the file
        was begun anew, or if events may have been cleaned away before they were read.
        """
        self._look_at_the_file()
        db = self._open()
        heard: list[News] = [Gap()] if self._gap else []
        version = db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            with self._transaction("DEFERRED"):  # both answers from one moment
                find = "SELECT kind, key, rev, at, void_until FROM news WHERE id > ? ORDER BY id"
                found = db.execute(find, (self._seen,)).fetchall()
                last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'news'").fetchone()
            # Numbers are given without holes, so a hole is what was cleaned away before we read it.
            if last and last[0] - self._seen > len(found):
                heard.append(Gap())
            self._seen = last[0] if last else 0
            for kind, key, rev, at, until in found:
                heard.append(Changed(key, rev) if kind == "changed" else Revocation(kind, key, at, until))
        self._version, self._gap = version, False
        return heard

    def clean(self) -> bool:
        """Delete some of what is over. Return whether there may be more."""
        now = self.clock()
        more = False
        for some, delete in CLEANED:
            if not self._open().execute(some, (now,)).fetchone():
                continue  # looking takes no lock, and of several workers only the first finds something
            with self._transaction("IMMEDIATE") as db:
                more |= db.execute(f"{delete} ({some})", (now,)).rowcount == BATCH
        return more

    # --- the file ---

    def close(self) -> None:
        """Let the file go."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def cure(self) -> None:
        """Move a spoiled file aside and begin anew, once for all workers. Call it when SQLite finds the file spoiled.

        The one who holds the lock looks whether the file is still the one that was bad: another may have been quicker.
        """
        bad = self._inode
        self.close()
        with self._alone():
            if _inode(self.path) == bad:
                aside = _free_name(f"{self.path}.spoiled")
                for tail in ("-wal", "-shm", ""):
                    if os.path.exists(self.path + tail):
                        os.rename(self.path + tail, aside + tail)
                self.spoiled += 1
                self.say(f"{self.path} was no whole database any more; it is kept as {aside}, and a new one is begun")
        self._gap = True

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            return self._db
        self._not_of_others()
        with self._alone():
            # SQLite gives its -wal and -shm the mode of the file itself, so it is made with the right one first.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            inode = _inode(self.path)
            self._gap |= self._inode not in (NO_FILE, inode)
            self._inode = inode
            db = sqlite3.connect(self.path, timeout=self.patience, isolation_level=None, check_same_thread=False)
            try:
                _prepare(db, self.path)
                for tail in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        os.chmod(self.path + tail, 0o600)
                self._seen = db.execute("SELECT coalesce(max(id), 0) FROM news").fetchone()[0]
                self._version = db.execute("PRAGMA data_version").fetchone()[0]
            except BaseException:
                db.close()
                raise
        self._db = db
        return db

    @contextmanager
    def _transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[sqlite3.Connection]:
        """Have it whole or not at all. IMMEDIATE: nobody else writes between our first look and the commit."""
        db = self._open()
        db.execute(f"BEGIN {kind}")
        try:
            yield db
            db.execute("COMMIT")
            if self._told == self._seen + 1:
                self._seen = self._told  # our own words need not be read again
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other workers from opening or moving the file meanwhile; ends with the process, however that ends."""
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _not_of_others(self) -> None:
        """Raise StoreDown for a file that is no database and never was ours, as our lock is not beside it.

        Somebody mistook the path, and `cure` would move their keys or rules away.
        """
        if os.path.exists(f"{self.path}.lock"):
            return
        with suppress(FileNotFoundError), open(self.path, "rb") as file:
            if not HEAD.startswith(file.read(len(HEAD))):
                raise StoreDown(f"{self.path} is no database; give the store a file of its own")

    def _look_at_the_file(self) -> None:
        """Open anew if somebody else has moved the file aside: what is written to the old one reaches nobody."""
        if self._db is not None and _inode(self.path) != self._inode:
            self.close()
            self._gap = True

    def _tell(self, db: sqlite3.Connection, news: Changed | Revocation) -> None:
        if isinstance(news, Changed):
            said = ("changed", news.key, news.rev, 0, 0)
        else:
            said = (news.kind, news.key, 0, news.at, news.until)
        into = "INSERT INTO news (until, kind, key, rev, at, void_until) VALUES (?, ?, ?, ?, ?, ?)"
        self._told = db.execute(into, (self.clock() + NEWS_KEPT, *said)).lastrowid or 0


def _prepare(db: sqlite3.Connection, path: str) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if tables and application != APPLICATION:
        raise StoreDown(f"{path} is the database of another program; give the store a file of its own")
    if tables and version != VERSION:
        raise StoreDown(f"{path} is from another version of Inseam; move it away, or give the store another file")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA journal_size_limit=16777216")  # after a storm the log goes back to 16 MB
    if not tables:
        with closing(db.cursor()) as cursor:
            cursor.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}; {TABLES} COMMIT;"
            )


def _inode(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return NO_FILE
    return found.st_dev, found.st_ino


def _free_name(wanted: str) -> str:
    name, number = wanted, 1
    while os.path.exists(name):
        number += 1
        name = f"{wanted}-{number}"
    return name
