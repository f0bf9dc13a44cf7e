"""Active health checks: each server of a system that declares `health` is asked for a page every few seconds.

Only the supervisor asks, so a server hears one question a round however many workers there are. A server counts as up
until `fall` failures in a row; then it is down until `rise` successes in a row.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from router.generation import Generation
from router.model import HealthCheck, ServerAddress

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


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that a check depends on: a reload that leaves it as it is leaves the check running."""

    system: str
    server: ServerAddress
    check: HealthCheck
    host: str
    verify: bool
    ca_file: str
    tls_name: str


class Checks:
    """The checks of a generation. `states` tells of every server that is checked whether it is up."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._streaks: dict[Key, Streak] = {}
        self._tasks: dict[_Asked, asyncio.Task[None]] = {}

    @property
    def states(self) -> dict[Key, bool]:
        """Whether each server is up, by system and server."""
        return {key: streak.up for key, streak in self._streaks.items()}

    @property
    def down(self) -> list[Key]:
        """The servers that are down."""
        return [key for key, streak in self._streaks.items() if not streak.up]

    def follow(self, generation: Generation) -> None:
        """Check what this generation says; what is known of a server that remains is kept."""
        wanted = {_key(asked): asked for asked in _asked(generation)}
        for asked in [asked for asked in self._tasks if wanted.get(_key(asked)) != asked]:
            self._tasks.pop(asked).cancel()
        for key in [key for key in self._streaks if key not in wanted]:
            if not self._streaks.pop(key).up:
                self._changed(*key, True)  # nobody would ever say that it is back
        for key, asked in wanted.items():
            self._streaks.setdefault(key, Streak())
            if asked not in self._tasks:
                self._tasks[asked] = asyncio.create_task(self._keep_asking(asked), name=f"health of {key}")

    async def close(self) -> None:
        """End all checks."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_asking(self, asked: _Asked) -> None:
        streak = self._streaks[_key(asked)]
        async with _session(asked) as session:
            while True:
                fault = await _fault(session, asked)
                if streak.heard(not fault, asked.check):
                    log.warning(
                        "system %s: %s is %s", asked.system, asked.server, "up" if streak.up else f"down: {fault}"
                    )
                    self._changed(asked.system, str(asked.server), streak.up)
                # A tenth of chance keeps the checks of many edges from marching in step.
                await asyncio.sleep(asked.check.every * random.uniform(0.9, 1.1))  # noqa: S311  # no secret


def _key(asked: _Asked) -> Key:
    return asked.system, str(asked.server)


def _asked(generation: Generation) -> list[_Asked]:
    host = min(generation.hosts.names, default="") if generation.hosts is not None else ""
    return [
        _Asked(spec.name, server, spec.health, spec.health.host or host, spec.verify, spec.ca_file, spec.tls_name)
        for spec in generation.systems.values()
        if spec.health is not None
        for server in spec.servers
    ]


def _session(asked: _Asked) -> aiohttp.ClientSession:
    # A connection for each check: what a new shopper's request would need is what is tried.
    connector = aiohttp.TCPConnector(force_close=True, ssl=_tls(asked), limit=1)
    timeout = aiohttp.ClientTimeout(total=asked.check.timeout)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "inseam-health"},
    )  # fmt: skip


def _tls(asked: _Asked) -> ssl.SSLContext | bool:
    if asked.server.scheme != "https":
        return True
    context = ssl.create_default_context(cafile=asked.ca_file or None)
    if not asked.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _fault(session: aiohttp.ClientSession, asked: _Asked) -> str:
    """Ask once; return what was wrong, empty if the server answered with a status from 200 to 399."""
    headers = {"Host": asked.host} if asked.host else {}
    name = (asked.tls_name or asked.host or None) if asked.server.scheme == "https" else None
    try:
        async with session.get(
            f"{asked.server}{asked.check.path}", headers=headers, allow_redirects=False, server_hostname=name
        ) as answer:
            return "" if answer.status < 400 else f"{asked.check.path} answered {answer.status}"
    except TimeoutError:
        return f"no answer within {asked.check.timeout:g} s"
    except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as error:
        return str(error) or type(error).__name__
