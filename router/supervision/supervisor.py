"""The supervisor: the one process that reads files, binds ports, hears signals and keeps the workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal

from router.accesslog import check_target
from router.admin import Admin
from router.admin.audit import Audit
from router.admin.guard import Access, check_reach
from router.admin.house import Standing, WorkerStanding
from router.admin.token import Token
from router.counters import Snapshot
from router.generation import Generation
from router.reload import Outcome, Reloader
from router.rulesfile import Sources, read_sources
from router.rulesfile import compile as compile_rules
from router.supervision import messages as say
from router.supervision.health import Checks
from router.supervision.keeping import Keys, beside, check_store, store_for
from router.supervision.logs import patient_stderr
from router.supervision.notify import keep_watchdog, notify, reloading, stopping, watchdog_seconds
from router.supervision.settings import Settings
from router.supervision.sockets import address_of, handed_over, listening
from router.supervision.upgrade import Given, succeeded
from router.workers import Current, Fleet

_TO_LEAVE: Final = 5.0
"""Seconds between the end of the drain and the end of the process, on a machine that is busy."""

log = logging.getLogger("inseam.supervisor")


def serve(settings: Settings) -> int:
    """Serve until told to end; return the exit code. Raises RulesProblems and StartError before anything is served."""
    sources = read_sources(settings.rules)
    generation = compile_rules(sources, number=1)
    if settings.certificate is not None:
        settings.certificate.context()
    given = Given()
    keys = Keys(settings.keys, generation.systems, given.keys)
    check_store(settings.store)
    if settings.access_log:
        check_target(settings.access_log)
    access, audit = _access(settings), Audit(settings.audit_log)
    with contextlib.ExitStack() as stack:
        stack.callback(audit.close)
        systemd = handed_over()
        shop = [stack.enter_context(sock) for sock in given.shop or systemd.shop or listening(settings.listen)]
        own = listening([settings.admin] if settings.admin else []) if not (given.admin or systemd.admin) else []
        admin = [stack.enter_context(sock) for sock in given.admin or systemd.admin or own]
        check_reach(map(address_of, admin), access)
        _raise_file_limit()
        _leave_no_core()
        stack.enter_context(patient_stderr())
        store = stack.enter_context(store_for(settings.store, settings.worker_count))
        file = stack.enter_context(beside(settings.store, settings.worker_count))
        doors = Doors(shop, admin, access, audit)
        return asyncio.run(Supervisor(settings, doors, sources, generation, keys, store, file, given).run())


@dataclass(frozen=True, slots=True)
class Doors:
    """Where people come in: the shop's and the admin address's sockets, who may use the latter, who writes it down."""

    shop: list[socket.socket]
    admin: list[socket.socket]
    access: Access
    audit: Audit


def _access(settings: Settings) -> Access:
    """Return who may ask the admin address. Raises StartError for a token that is none."""
    given = settings.admin_token or settings.admin_token_file
    token = Token(settings.admin_token, settings.admin_token_file) if given else None
    return Access(settings.admin.host if settings.admin else "", token, settings.probes_only)


class Supervisor:
    """Everything of `inseam serve` that is not a worker. `run` once, on a running loop."""

    def __init__(
        self,
        settings: Settings,
        doors: Doors,
        sources: Sources,
        generation: Generation,
        keys: Keys,
        store: str,
        file: str,
        given: Given,
    ) -> None:
        self.settings = settings
        self._given = given
        self._keys = keys
        self._store = store
        self._beside = file
        self.draining = False
        self.replaced = False
        """Whether another supervisor has taken over."""
        self._doors = doors
        self._upgrading = False
        self._fleet = Fleet(
            settings.worker_count, doors.shop, Current(generation.number, sources), self._first_message, settings.drain
        )
        self._reloader = Reloader(
            settings.rules, sources, generation, self._fleet, self._went_live, settings.certificate
        )
        self._checks = Checks(self._health_changed)
        self._admin = Admin(self, doors.admin, doors.access, doors.audit)
        self._ending = asyncio.Event()
        self._at_once = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> int:
        """Start, serve until told to end, drain; return the exit code. Raises StartError."""
        self._hear_signals()
        await self._admin.start()
        try:
            if await _unless(self._ending, self._fleet.begin()):
                self._announce()
                self._checks.follow(self.generation)
                self._spawn(self._reloader.watch())
                self._spawn(self._keys.watch(self._keys_changed))
                if (seconds := watchdog_seconds()) > 0:
                    self._spawn(keep_watchdog(self._well, seconds))
                await self._ending.wait()
            await self._end()
        finally:
            for task in self._tasks:
                task.cancel()
            await self._checks.close()
            await self._fleet.kill()
            await self._admin.close()
        return 0

    def _announce(self) -> None:
        generation = self.generation
        scheme = "https" if self.settings.certificate else "http"
        places = " and ".join(f"{scheme}://{address_of(sock)}" for sock in self._doors.shop)
        log.info(
            "serving %s by %s (generation %d, %d rules) with %d worker%s; supervisor is pid %d",
            places, generation.file, generation.number, len(generation.rules.rules), self._fleet.size,
            "" if self._fleet.size == 1 else "s", os.getpid(),
        )  # fmt: skip
        for address in self._admin.addresses:
            log.info("admin on http://%s", address)
        for said in (self._keys.warning, self.settings.certificate.warning if self.settings.certificate else ""):
            if said:
                log.warning("%s", said)
        for warning in self._reloader.warnings:
            log.warning("%s", warning)
        notify("READY=1", f"STATUS=serving {places}")
        self._given.serves()

    async def _end(self) -> None:
        self.draining = True  # readiness says so first, then nobody is accepted any more
        await _unless(self._at_once, self._leave())

    async def _leave(self) -> None:
        if not self.replaced:
            stopping(self.settings.drain_wait + self.settings.drain + _TO_LEAVE)
            await self._wait_for_the_world()
        log.info("draining: requests under way have %g s; a second signal ends at once", self.settings.drain)
        for sock in self._doors.shop:
            sock.close()
        await self._drain()

    async def _wait_for_the_world(self) -> None:
        """Serve on for a while, until whoever sends traffic here has seen that readiness says no. REQUIREMENTS, 49."""
        seconds = self.settings.drain_wait
        if seconds and self._fleet.ready:
            log.info("not ready any more: shoppers are let in for another %g s, then the drain begins", seconds)
            await asyncio.sleep(seconds)

    async def _drain(self) -> None:
        cut = await self._fleet.drain(self.settings.drain)
        said = f"{cut} connection{'s were' if cut > 1 else ' was'} cut off" if cut else "nobody was cut off"
        log.info("drained, %s", said)

    # --- signals ------------------------------------------------------------------------------------------------------

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self.reload("SIGHUP")))
        loop.add_signal_handler(signal.SIGUSR2, lambda: self._spawn(self._upgrade()))
        loop.add_signal_handler(signal.SIGUSR1, self._reopen)

    async def _upgrade(self) -> None:
        """Let a new program take over; if it does not come to it, go on."""
        if self._upgrading or self._ending.is_set():
            return
        self._upgrading = True
        log.info("upgrading: a new supervisor starts on the same sockets")
        try:
            if (await self._reloader.reload("before the upgrade")).moves:  # a new program knows no rules before its own
                log.error("the upgrade is off: say `inseam reload --allow-move` first, or put the rules right")
                return
            keys = b"" if self.settings.keys else self._keys.content
            pid = await succeeded(self._doors.shop, self._doors.admin, keys)
        finally:
            self._upgrading = False
        if pid:
            log.info("upgraded: supervisor %d serves, and this one goes", pid)
            notify(f"MAINPID={pid}")
            self.replaced = True
            await self._admin.close()
            self._ending.set()

    def _reopen(self) -> None:
        self._fleet.tell(say.Reopen())
        self._doors.audit.reopen()

    async def _well(self, seconds: float) -> bool:
        """Whether systemd should leave us alone: this loop runs and, unless we drain, a worker answers."""
        return not self.replaced and (self.draining or await self._fleet.answers(seconds))

    def _asked_to_end(self) -> None:
        if self._ending.is_set():
            self._at_once.set()
        self._ending.set()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the supervisor goes on without a part of it", exc_info=error)

    # --- what workers, checks and reloads ask for ---------------------------------------------------------------------

    def _first_message(self, place: int) -> say.Start:
        certificate = self.settings.certificate
        current = self._fleet.current
        return say.Start(
            place, current.number, current.sources, self._checks.down, self.settings.access_log,
            certificate.cert if certificate else "", certificate.key if certificate else "",
            self._keys.content, self._store, self._fleet.revoked, self._beside,
        )  # fmt: skip

    def _health_changed(self, system: str, server: str, up: bool) -> None:
        self._fleet.tell(say.Health(system, server, up))

    def _keys_changed(self, content: bytes) -> None:
        self._fleet.tell(say.Keys(content))

    async def revoke(self, kind: Literal["session", "customer", "all"], key: str) -> bool:
        """End sessions on all workers; return whether the store was told. `kind` is session, customer or all."""
        return await self._fleet.revoke(kind, key)

    def _went_live(self, generation: Generation) -> None:
        self._checks.follow(generation)

    # --- what the admin address shows ---------------------------------------------------------------------------------

    @property
    def generation(self) -> Generation:
        """The generation that is live."""
        return self._reloader.generation

    async def reload(self, why: str, allow_move: bool = False) -> Outcome:
        """Read the rules again and go over to them everywhere or nowhere."""
        reloading()
        try:
            outcome = await self._reloader.reload(why, allow_move)
        finally:
            notify("READY=1")
        if outcome.outcome == "unchanged":  # whoever asked looks here for what became of it
            log.info("nothing has changed (%s); generation %d stays live", why, outcome.generation)
        return outcome

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker has counted, and those that are gone."""
        return await self._fleet.snapshots()

    def standing(self) -> Standing:
        """Return how things stand now."""
        reloader = self._reloader
        return Standing(
            draining=self.draining,
            generation=self.generation.number,
            live_since=reloader.live_since,
            rules=self.generation.file,
            digest=self.generation.digest,
            reloads=reloader.reloads,
            reload_failures=reloader.failures,
            problems=reloader.problems,
            warnings=reloader.warnings,
            workers_wanted=self._fleet.size,
            worker_restarts=self._fleet.restarts,
            workers=[
                WorkerStanding(worker.place, worker.process.pid, worker.generation, worker.ready)
                for worker in self._fleet.workers
            ],
            servers=[(system, server, up) for (system, server), up in self._checks.states.items()],
        )


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless the event comes first; return whether it was done. What the work raises is raised."""
    doing, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if doing.done():
        doing.result()
        return True
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)
    return False


def _leave_no_core() -> None:
    """Have no process of ours leave its memory on a disk: keys and sessions are in it. REQUIREMENTS, 7 and 28."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _raise_file_limit() -> None:
    """Let this process and its workers open as many files (and so connections) as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
