"""What the supervisor and a worker say to each other.

A message with `ask` is a question; the answer carries the same number. Rules travel as the bytes that the supervisor
read, so that all workers compile the very same text, whatever happens to the file meanwhile.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from router.counters import Snapshot
from router.errors import Problem
from router.rulesfile import Sources

# --- from the supervisor ----------------------------------------------------------------------------------------------


class Start(msgspec.Struct, tag=True):
    """The first message: what to serve, and how. `down` are the (system, server) pairs known to be down."""

    worker: int
    number: int
    sources: Sources
    down: list[tuple[str, str]]
    access_log: str = ""
    cert: str = ""
    key: str = ""
    keys: bytes = b""
    """What is in the keys file."""
    store: str = "memory:"
    revoked: list[tuple[Literal["session", "customer", "all"], str, int]] = []
    """Sessions that were ended, as in Revoke: a store in memory has ended with the worker before."""
    beside: str = ""
    """The file by which the workers agree while the store does not answer."""


class Keys(msgspec.Struct, tag=True):
    """The keys file has changed to this; what it holds is good."""

    content: bytes


class Revoke(msgspec.Struct, tag=True):
    """End sessions: `kind` is session, customer or all, `key` what it is kept under. Answered by Revoked."""

    ask: int
    kind: Literal["session", "customer", "all"]
    key: str
    at: int


class Prepare(msgspec.Struct, tag=True):
    """Compile these sources as generation `number`, and keep the result until Commit. Answered by Prepared."""

    ask: int
    number: int
    sources: Sources


class Commit(msgspec.Struct, tag=True):
    """Work by the prepared generation `number` from now on, and read the certificate anew. Answered by Done."""

    ask: int
    number: int


class Forget(msgspec.Struct, tag=True):
    """The prepared generation will not go live."""


class Health(msgspec.Struct, tag=True):
    """An active check found a server up or down."""

    system: str
    server: str
    up: bool


class Count(msgspec.Struct, tag=True):
    """Tell what you have counted. Answered by Counted."""

    ask: int


class Reopen(msgspec.Struct, tag=True):
    """The access log was rotated."""


class Drain(msgspec.Struct, tag=True):
    """Accept no more, finish what is under way within `seconds`, say Drained and exit."""

    seconds: float


FromSupervisor = Start | Keys | Revoke | Prepare | Commit | Forget | Health | Count | Reopen | Drain

# --- from a worker ----------------------------------------------------------------------------------------------------


class Ready(msgspec.Struct, tag=True):
    """The worker serves."""

    number: int


class Unable(msgspec.Struct, tag=True):
    """The worker cannot start, and why, in one line."""

    message: str


class Prepared(msgspec.Struct, tag=True):
    """The sources were compiled, or have these problems."""

    ask: int
    problems: list[Problem] = msgspec.field(default_factory=list)


class Done(msgspec.Struct, tag=True):
    """What was asked is done."""

    ask: int


class Revoked(msgspec.Struct, tag=True):
    """The sessions are void; `stored` says whether the store, and so everybody else, was told."""

    ask: int
    stored: bool


class Counted(msgspec.Struct, tag=True):
    """What the worker has counted since it started."""

    ask: int
    snapshot: Snapshot


class Leaving(msgspec.Struct, tag=True):
    """Somebody asked the worker itself to end: it goes on until a Drain comes."""


class Drained(msgspec.Struct, tag=True):
    """The worker exits now. `cut` connections were not finished; `snapshot` is its last."""

    cut: int
    snapshot: Snapshot


FromWorker = Ready | Unable | Prepared | Done | Revoked | Counted | Leaving | Drained
