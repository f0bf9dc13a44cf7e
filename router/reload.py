"""Changing the rules under load: read once, compiled everywhere, live everywhere or nowhere.

The supervisor reads the rules file and its lists once; if they have a problem, nothing else happens. If they have none,
every worker compiles the same bytes, and only when all have done so do all go over. Whatever goes wrong before that,
the old generation stays, and the log, `/readyz?verbose` and `inseam_reload_failures_total` say so.

Good rules may still be a mistake: those that would take a basket, a checkout or an account away from the system that
has it (`router.moves`) go live only if whoever asks says that they may.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec
from watchfiles import Change, awatch

from router.errors import Position, Problem, RulesProblems, StartError
from router.generation import Generation
from router.moves import moves
from router.rulesfile import Sources, check_examples, read_sources
from router.rulesfile import compile as compile_rules
from router.supervision.notify import notify
from router.supervision.settings import Certificate

_LOOK_AGAIN: Final = 2.0
"""Seconds after which files are looked at even if the kernel reports nothing: it does not on every file system, nor
when a folder further up is exchanged."""

_QUIET: Final = 0.2
"""Seconds for which files must stay the same before they are read: an editor may still be writing."""

log = logging.getLogger("inseam.reload")
logging.getLogger("watchfiles").setLevel(logging.WARNING)


class Everywhere(Protocol):
    """The workers, as far as a reload needs them."""

    async def prepare(self, number: int, sources: Sources) -> list[Problem]:
        """Have every worker compile; return what went wrong."""

    async def commit(self, number: int, sources: Sources) -> None:
        """Have every worker go over."""


class Outcome(msgspec.Struct):
    """What became of a reload. `generation` is the number of the one that is live after it."""

    outcome: Literal["live", "unchanged", "refused"]
    generation: int
    problems: list[Problem] = msgspec.field(default_factory=list)
    warnings: list[Problem] = msgspec.field(default_factory=list)
    moves: bool = False
    """Whether it was refused only because pages would move that need `allow_move`."""


class Reloader:
    """Holds the generation that is live, and replaces it. `went_live` is called with each new one."""

    def __init__(
        self,
        path: str,
        sources: Sources,
        generation: Generation,
        workers: Everywhere,
        went_live: Callable[[Generation], None],
        certificate: Certificate | None = None,
    ) -> None:
        self.generation = generation
        self.live_since = time.time()
        """In seconds since the epoch."""
        self.reloads = 0
        """How often a new generation went live."""
        self.failures = 0
        """How often the old one had to stay."""
        self.problems: list[Problem] = []
        """Why the last reload was refused; empty when it was not."""
        self.warnings = warnings(generation)
        self._path = path
        self._sources = sources
        self._workers = workers
        self._went_live = went_live
        self._certificate = certificate
        self._certificate_seen = self._certificate_digests()
        self._lock = asyncio.Lock()
        self._tried: tuple[str, ...] = ()
        """The files of the last attempt: its lists may be new, and the way out may be to change one of them."""

    async def reload(self, why: str, allow_move: bool = False) -> Outcome:
        """Read everything again and go over to it if it is good; two reloads never overlap.

        `allow_move`: also if a basket, a checkout or an account then belongs to another system.
        """
        async with self._lock:
            before = bool(self.problems)
            outcome = await self._reload(why, allow_move)
        if outcome.outcome != "unchanged" or before:
            refused = "the last reload was refused, " if outcome.outcome == "refused" else ""
            notify(f"STATUS={refused}generation {outcome.generation} is live")
        return outcome

    async def _reload(self, why: str, allow_move: bool) -> Outcome:
        number = self.generation.number + 1
        try:
            sources, certificate = await asyncio.to_thread(self._read)
            if sources == self._sources and certificate == self._certificate_seen:
                self.problems = []
                return Outcome("unchanged", self.generation.number, warnings=self.warnings)
            generation, warned = await asyncio.to_thread(_compiled, sources, number)
            moved = await asyncio.to_thread(moves, self.generation, generation)
        except RulesProblems as error:
            return self._refuse(error.problems, why)
        except StartError as error:
            return self._refuse([Problem(Position(self._path), str(error))], why)
        except Exception as error:  # a fault of ours must cost this reload, and not those that come after it
            log.exception("the rules cannot be taken over")
            said = f"{type(error).__name__}: {error}"
            return self._refuse([Problem(Position(self._path), said, "this is a fault of Inseam: report it")], why)
        if moved and not allow_move:
            return self._refuse([move.problem() for move in moved], why, moved=True)
        problems = await self._workers.prepare(number, sources)
        if problems:
            return self._refuse(problems, why)
        await self._workers.commit(number, sources)
        self._sources = sources
        self._certificate_seen = certificate
        for move in moved:
            log.warning("moved as asked: %s", move.problem().message)
        return self._accept(generation, warned, why)

    def _read(self) -> tuple[Sources, list[bytes]]:
        """Return all bytes that matter; of the certificate's files, which must fit together, a digest each."""
        sources = read_sources(self._path)
        self._tried = sources.watched
        digests = self._certificate_digests()
        if self._certificate is not None and digests != self._certificate_seen:
            self._certificate.context()
        return sources, digests

    def _refuse(self, problems: list[Problem], why: str, moved: bool = False) -> Outcome:
        self.failures += 1
        self.problems = problems
        log.error("reload refused (%s); generation %d stays live", why, self.generation.number)
        for problem in problems:
            log.error("%s", problem)
        return Outcome("refused", self.generation.number, problems, moves=moved)

    def _accept(self, generation: Generation, warned: list[Problem], why: str) -> Outcome:
        self.generation = generation
        self.live_since = time.time()
        self.reloads += 1
        self.problems = []
        self.warnings = warned
        log.info("generation %d is live with %d rules (%s)", generation.number, len(generation.rules.rules), why)
        for warning in self.warnings:
            log.warning("%s", warning)
        self._went_live(generation)
        return Outcome("live", generation.number, warnings=self.warnings)

    # --- watching -----------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Reload whenever a file that matters has changed, until cancelled."""
        seen = self._signature()
        await self.reload("a file changed while the workers started")
        while True:
            await self._stirred()
            now = self._signature()
            if now == seen:
                continue
            while now != seen:
                seen = now
                await asyncio.sleep(_QUIET)
                now = self._signature()
            await self.reload("a file changed")

    @property
    def watched(self) -> list[str]:
        """The files that matter: rules, lists and certificate, of the live generation and of the last attempt."""
        certificate = [self._certificate.cert, self._certificate.key] if self._certificate else []
        return list(dict.fromkeys([self._path, *self.generation.watched, *self._tried, *certificate]))

    async def _stirred(self) -> None:
        """Return when something happens in a folder of a file that matters, or it is time to look anyway.

        Folders and not files: Kubernetes and careful editors put a new file in the place of the old one.
        """
        names = {os.path.basename(name) for name in self.watched}

        def matters(_change: Change, path: str) -> bool:
            name = os.path.basename(path)
            return name in names or name.startswith("..")  # `..data` is the link that Kubernetes swaps

        timeout = int(_LOOK_AGAIN * 1000)
        try:
            async for _ in awatch(
                *self._folders(), watch_filter=matters, recursive=False, rust_timeout=timeout, yield_on_timeout=True
            ):
                return
        except OSError as error:  # no more inotify watches, or the folder has just gone
            log.debug("watching by the clock: %s", error)
        await asyncio.sleep(_LOOK_AGAIN)

    def _folders(self) -> list[str]:
        folders = {str(Path(name).absolute().parent) for name in self.watched}
        return [folder for folder in folders if os.path.isdir(folder)]

    def _signature(self) -> list[tuple[str, int, int, int] | None]:
        return [_signature(name) for name in self.watched]

    def _certificate_digests(self) -> list[bytes]:
        if self._certificate is None:
            return []
        try:
            return [
                sha256(Path(name).read_bytes()).digest() for name in (self._certificate.cert, self._certificate.key)
            ]
        except OSError as error:
            raise StartError(f"TLS file {error.filename} cannot be read: {error.strerror or error}") from error


def _signature(name: str) -> tuple[str, int, int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return name, found.st_mtime_ns, found.st_size, found.st_ino


def _compiled(sources: Sources, number: int) -> tuple[Generation, list[Problem]]:
    generation = compile_rules(sources, number=number)
    return generation, warnings(generation)


def warnings(generation: Generation) -> list[Problem]:
    """Return what is worth saying of a generation that may go live: lint, and examples that do not hold.

    An example that fails is an error for `inseam check`, but must not keep a shop from starting: a list that changes
    every hour can break one.
    """
    failed = [Problem(p.position, p.message, p.hint, "warning") for p in check_examples(generation)]
    return [*generation.warnings, *failed]
