"""What the admin address may know and ask of the supervisor."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from router.counters import Snapshot
from router.errors import Problem
from router.generation import Generation
from router.reload import Outcome


class WorkerStanding(msgspec.Struct):
    """One worker's process. `generation` is 0 while it starts; `ready` says whether it serves."""

    place: int
    pid: int
    generation: int
    ready: bool


class Standing(msgspec.Struct):
    """How things stand.

    `live_since` is in seconds since the epoch; `servers` are (system, server, up) as the active health checks found
    them; `problems` are why the last reload was refused.
    """

    draining: bool
    generation: int
    live_since: float
    rules: str
    digest: str
    reloads: int
    reload_failures: int
    problems: list[Problem]
    warnings: list[Problem]
    workers_wanted: int
    worker_restarts: int
    workers: list[WorkerStanding]
    servers: list[tuple[str, str, bool]]

    @property
    def workers_ready(self) -> int:
        """How many workers serve."""
        return sum(worker.ready for worker in self.workers)

    @property
    def ready(self) -> bool:
        """Whether traffic may come. It asks nothing of the systems: one that is down must not take the others along."""
        return self.workers_ready > 0 and not self.draining


class House(Protocol):
    """The supervisor, as the admin address sees it."""

    @property
    def generation(self) -> Generation:
        """The generation that is live."""

    def standing(self) -> Standing:
        """Return how things stand now."""

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker has counted, and those that are gone."""

    async def revoke(self, kind: Literal["session", "customer", "all"], key: str) -> bool:
        """End sessions on all workers; return whether the store was told."""

    async def reload(self, why: str, allow_move: bool = False) -> Outcome:
        """Read the rules again and go over to them everywhere or nowhere."""
