"""Active health checks: each server of a system that declares `health` is asked for a page every few seconds.

Only the supervisor asks, so a server hears one question a round however many workers there are. A server counts as up
until `fall` failures in a row; then it is down until `rise` successes in a row.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from router.edge.pool import tls_context
from router.generation import Generation
from router.model import HealthCheck, ServerAddress, SystemSpec

Key = tuple[str, str]
"""A system's name and its server, as `str(ServerAddress)`."""

Changed = Callable[[str, str, bool], None]
"""Told of (system, server, up) when a server goes down or comes back."""

log = logging.getLogger("inseam.health")


@dataclass(slots=True)
class Streak:
    """What a row of checks says of one server."""

    up: bool = True
    against: int = 0
    """How many checks in a row said the opposite of `up`."""

    def heard(self, well: bool, check: HealthCheck) -> bool:
        """Take one check's outcome in; return whether the server changed between up and down."""
        if well is self.up:
            self.against = 0
            return False
        self.against += 1
        if self.against < (check.rise if well else check.fall):
            return False
        self.up = well
        self.against = 0
        return True


class Checks:
    """The checks of a generation. `changed` is told when a server goes down or comes back."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._streaks: dict[Key, Streak] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def states(self) -> dict[Key, bool]:
        """Whether each server that is checked is up."""
        return {key: streak.up for key, streak in self._streaks.items()}

    @property
    def down(self) -> list[Key]:
        """The servers that are down."""
        return [key for key, streak in self._streaks.items() if not streak.up]

    def follow(self, generation: Generation) -> None:
        """Check what this generation says, from now on; what is known of a server that remains is kept."""
        self._cancel()
        checked = {
            (spec.name, str(server)): (spec, server, spec.health)
            for spec in generation.systems.values()
            if spec.health is not None
            for server in spec.servers
        }
        for key in [key for key in self._streaks if key not in checked]:
            if not self._streaks.pop(key).up:
                self._changed(*key, True)  # nobody would ever say that it is back
        host = min(generation.hosts.names, default="") if generation.hosts is not None else ""
        for key, (spec, server, check) in checked.items():
            streak = self._streaks.setdefault(key, Streak())
            task = asyncio.create_task(self._keep_asking(spec, server, check, check.host or host, streak))
            self._tasks.add(task)
            task.add_done_callback(_ended)

    async def close(self) -> None:
        """End all checks."""
        await asyncio.gather(*self._cancel(), return_exceptions=True)

    def _cancel(self) -> set[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        return tasks

    async def _keep_asking(
        self, spec: SystemSpec, server: ServerAddress, check: HealthCheck, host: str, streak: Streak
    ) -> None:
        async with _session(spec, server, check) as session:
            while True:
                fault = await _fault(session, spec, server, check, host)
                if streak.heard(not fault, check):
                    log.warning("system %s: %s is %s", spec.name, server, f"down: {fault}" if fault else "up")
                    self._changed(spec.name, str(server), streak.up)
                # A tenth of chance keeps the checks of many edges from marching in step.
                await asyncio.sleep(check.every * random.uniform(0.9, 1.1))  # noqa: S311  # no secret


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a health check ended, its server counts as what it last was", exc_info=task.exception())


def _session(spec: SystemSpec, server: ServerAddress, check: HealthCheck) -> aiohttp.ClientSession:
    # A connection for each check: what a new shopper's request would need is what is tried.
    tls = tls_context(spec) if server.scheme == "https" else True
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, ssl=tls, limit=1),
        timeout=aiohttp.ClientTimeout(total=check.timeout), auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "inseam-health"},
    )  # fmt: skip


async def _fault(
    session: aiohttp.ClientSession, spec: SystemSpec, server: ServerAddress, check: HealthCheck, host: str
) -> str:
    """Ask once; return what was wrong, empty if the server answered with a status from 200 to 399."""
    headers = {"Host": host} if host else {}
    name = (spec.tls_name or server.host) if server.scheme == "https" else None
    try:
        async with session.get(
            f"{server}{check.path}", headers=headers, allow_redirects=False, server_hostname=name
        ) as answer:
            return "" if answer.status < 400 else f"{check.path} answered {answer.status}"
    except TimeoutError:
        return f"no answer within {check.timeout:g} s"
    except aiohttp.ClientConnectorCertificateError as error:
        return f"its certificate is not trusted: {error.certificate_error}"
    except aiohttp.ClientConnectorSSLError as error:
        return f"TLS does not come about: {error.os_error}"
    except aiohttp.ClientConnectorError as error:
        return os.strerror(error.os_error.errno) if error.os_error.errno else str(error.os_error)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
