"""The data plane of one worker: everything between the listening sockets and the systems."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import socket
import ssl
from collections.abc import Callable, Coroutine
from functools import lru_cache
from time import time
from typing import Any, Final, cast

from router.accesslog import AccessLog
from router.counters import Snapshot
from router.edge.client import ClientConnection
from router.edge.headroom import PLENTY, Headroom
from router.edge.ids import Deal, Ids
from router.edge.ledger import Ledger
from router.edge.live import Live, Route
from router.edge.mirror import MOST_COPIES, Copy
from router.edge.outbox import Outbox
from router.edge.pool import System
from router.edge.relay import Relay
from router.edge.request import TUNNEL
from router.edge.seam import Seam
from router.exchange import Outbound
from router.generation import Generation
from router.memory import Ceiling
from router.model import BUCKETS
from router.wire.head import RequestHead
from sessions.keeper import Keeper
from sessions.keys import KeyRing

_TICK: Final = 0.1
"""Seconds between two looks at the clock: how exact the timeouts of systems are."""

_MEMORY_EVERY: Final = 10
"""Ticks between two looks at how much memory is left."""

_CLIENTS_EVERY: Final = 3
"""Ticks between two looks at the clients' deadlines."""

_REST_AFTER: Final = 10.0
"""Seconds after which an idle connection gives back what only speed needs."""

_BACKLOG: Final = 4096

_LAST_CHANCE: Final = 1.0
"""Seconds in which a client that is idle when the drain begins may ask once more: its request may be on the way."""


class Edge:
    """Accepts clients, decides, relays, counts. Made and used on one event loop.

    `secure` says that clients come by TLS; without a `keeper` no sessions are kept. Times are the loop's, in seconds;
    `now` is as old as the last tick.
    """

    def __init__(
        self,
        generation: Generation,
        *,
        worker: int = 0,
        access_log: AccessLog | None = None,
        secure: bool = False,
        keeper: Keeper | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.outbox = Outbox(self.loop)
        self.worker = worker
        self.secure = secure
        self.now = self.loop.time()
        self.wall = time()
        """Seconds since the epoch, as old as the last tick: what rules and plugins take for the time."""
        self.draining = False
        self.ids = Ids()
        self.deal = Deal(random.SystemRandom().randrange(BUCKETS)).next
        self.clients: set[ClientConnection] = set()
        self.under_way = 0
        """Requests that have begun and not ended."""
        self.ceiling = Ceiling()
        self.headroom = Headroom()
        self._addresses: dict[str, int] = {}
        self.ledger = Ledger(access_log)
        self.keeper = keeper
        self._retiring: list[Live] = []
        self._leaving: list[System] = []
        """Systems that have left the rules, as long as anything of theirs is under way."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._copies: set[Copy] = set()
        self._servers: list[tuple[asyncio.Server, socket.socket]] = []
        self._tls: ssl.SSLContext | None = None
        self._ticks = 0
        self._down: dict[tuple[str, str], bool] = {}
        self._trusts = lru_cache(maxsize=4096)(self._is_trusted)
        self._sample = random.Random()  # noqa: S311  which requests are copied is no secret
        self.live = self._enliven(generation, {})
        self._timer: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self, sockets: list[socket.socket], tls: ssl.SSLContext | None = None) -> None:
        """Accept clients on sockets that are bound already."""
        self.secure = self.secure or tls is not None
        self._tls = tls
        for listening in sockets:
            server = await self.loop.create_server(
                cast(Callable[[], asyncio.Protocol], lambda: ClientConnection(self)),
                sock=listening,
                backlog=_BACKLOG,
                ssl=tls,
                ssl_handshake_timeout=self.live.limits.head_time if tls else None,
            )
            self._servers.append((server, listening))
        self._timer = self.loop.call_later(_TICK, self._tick)

    def swap(self, generation: Generation) -> None:
        """Go by another generation from the next request on; those under way keep theirs.

        A system whose declaration is the same keeps its connections.
        """
        before = self.live
        if self.keeper is not None:
            self.keeper.change(self.keeper.ring, generation.session)
        self.live = self._enliven(generation, before.systems)
        self._retiring.append(before)
        self._trusts.cache_clear()
        for name, system in before.systems.items():
            if self.live.systems.get(name) is not system:
                system.close()
                self._leaving.append(system)
        for client in self.clients:
            client.rest()  # who is trusted may have changed

    def take_keys(self, ring: KeyRing) -> None:
        """Sign and verify with these keys from now on."""
        if self.keeper is not None:
            self.keeper.change(ring, self.live.generation.session)

    def health(self, system: str, server: str, up: bool) -> None:
        """Take over what the supervisor's health check found of a server, `server` being its address as text."""
        self._down[system, server] = up
        if system in self.live.systems:
            self.live.systems[system].health(server, up)

    async def drain(self, seconds: float) -> int:
        """Accept nobody any more, let what is under way end; return how many connections had to be cut."""
        self.draining = True
        welcomes: list[asyncio.Task[None]] = []
        for server, listening in self._servers:
            welcomes += [self.start_task(self._welcome(sock)) for sock in _waiting(listening)]
            server.close()
        for client in list(self.clients):
            client.drain(_LAST_CHANCE)
        if welcomes:
            await asyncio.wait(welcomes, timeout=min(seconds, _LAST_CHANCE))
        self._emptied = asyncio.Event()
        if self.clients:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), seconds)
        cut = sum(client.busy for client in self.clients)
        for client in list(self.clients):
            client.reset()
        if self._timer is not None:
            self._timer.cancel()
        for system in self.live.systems.values():
            system.close()
        await _close_plugins(self.live, None)
        return cut

    async def _welcome(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has gone, or TLS did not come about
            await self.loop.connect_accepted_socket(
                cast(Callable[[], asyncio.Protocol], lambda: ClientConnection(self)),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self.live.limits.head_time if self._tls else None,
            )

    def _enliven(self, generation: Generation, old: Any) -> Live:
        systems: dict[str, System] = {}
        for name, spec in generation.systems.items():
            kept = old.get(name)
            if kept is not None and kept.spec == spec:
                systems[name] = kept
                continue
            systems[name] = System(spec, self.loop, self.start_task, self.ledger.log)
            for (owner, server), up in self._down.items():
                if owner == name:
                    systems[name].health(server, up)
        return Live(generation, systems, Seam(generation, self.keeper, self.ledger) if self.keeper else None)

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine as a task, kept until it ends; what it raises is a fault of ours, and is logged."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.loop.call_exception_handler(
                {"message": "a task of the edge failed", "exception": task.exception(), "task": task}
            )

    def _tick(self) -> None:
        self._timer = self.loop.call_later(_TICK, self._tick)
        now = self.now = self.loop.time()
        self.wall = time()
        self._ticks += 1
        for system in self.live.systems.values():
            system.tick(now)
        for copy in [copy for copy in self._copies if copy.deadline < now]:
            self._copies.discard(copy)
            copy.late()
        if self._ticks % _MEMORY_EVERY == 0:
            self._look_at_memory()
        if self._ticks % _CLIENTS_EVERY:
            return
        if (self._retiring or self._leaving) and self._ticks % 30 == 0:
            self._settle()
        idle = self.live.limits.idle
        for client in [client for client in self.clients if client.deadline < now]:
            try:
                client.late()
            except Exception as error:  # a fault of ours with one client must not stop the clock of the others
                self.loop.call_exception_handler({"message": "a deadline was missed", "exception": error})
                client.reset()
        if self.keeper is not None:
            self._cut_tunnels(self.keeper)
        for client in self.clients:
            if client.relay is None and client.deadline - now < idle - _REST_AFTER:
                client.rest()
        self.ledger.new_second()

    def _look_at_memory(self) -> None:
        short = self.live.limits.memory
        free = self.headroom.free(short) if short else PLENTY
        if self.ceiling.look(free, self.under_way):
            self.ledger.event("memory_short" if self.ceiling.low else "memory_enough")
            self.ledger.log(f"memory is {'short: new work is refused' if self.ceiling.low else 'enough again'}")

    def _cut_tunnels(self, keeper: Keeper) -> None:
        """End the tunnels of those whose session has ended: a WebSocket asks nobody again. REQUIREMENTS, 12."""
        for client in list(self.clients):
            relay = client.relay
            if relay is None or relay.phase != TUNNEL or relay.kept is None:
                continue
            kept = relay.kept
            if keeper.is_void(kept):
                relay.end_tunnel()
            elif kept.session is not None and (kept.stale or kept.look_at < self.wall):  # news may have been lost
                self.start_task(self._ask_again(keeper, relay))

    async def _ask_again(self, keeper: Keeper, relay: Relay) -> None:
        """Something has changed about a tunnel's visitor: go on if it was no logout."""
        assert relay.kept is not None
        login = relay.kept.login
        relay.kept = await keeper.open(relay.sealed, int(self.wall))
        if relay.phase == TUNNEL and login and not relay.kept.login:
            relay.end_tunnel()

    def apart(self) -> int:
        """Return 1 to 4 seconds, so that those who are told to come back do not come back all at once."""
        return self._sample.randint(1, 4)

    # --- what connections ask for -------------------------------------------------------------------------------------

    def opened(self, client: ClientConnection, peer: str) -> bool:
        """A client has come; return whether it may stay."""
        limits = self.live.limits
        same = self._addresses.get(peer, 0) + 1
        self._addresses[peer] = same
        self.clients.add(client)
        self.ledger.accepted += 1
        if len(self.clients) > limits.connections or (same > limits.client_connections and not self.trusts(peer)):
            self.ledger.error("too_many_connections")
            return False
        if self.draining:
            client.drain(_LAST_CHANCE)
        return True

    def closed(self, client: ClientConnection, peer: str) -> None:
        """A client has gone."""
        self.clients.discard(client)
        if self._emptied is not None and not self.clients:
            self._emptied.set()
        left = self._addresses.get(peer, 1) - 1
        if left:
            self._addresses[peer] = left
        else:
            self._addresses.pop(peer, None)

    def trusts(self, peer: str) -> bool:
        """Whether the peer's X-Forwarded-* is believed."""
        return bool(self.live.trusted) and self._trusts(peer)

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.live.trusted)

    def client_behind(self, hops: list[str], peer: str) -> tuple[str, list[str]]:
        """Return the client's address and the chain from it on: the last hop that is no trusted proxy of ours.

        What stands before it in X-Forwarded-For came from the client and may be anything.
        """
        known: list[str] = []
        for hop in reversed(hops):
            address = _address(hop)
            if not address:
                break
            known.insert(0, address)
            if not self.trusts(address):
                break
        return (known[0] if known else peer), known

    def mirror(self, route: Route, head: RequestHead, out: Outbound, told: bytes) -> None:
        """Send a copy of a safe request to the rule's mirror, for its share of the requests.

        `told` are the lines by which the edge tells of the client.
        """
        assert route.mirror is not None
        if self._sample.randrange(BUCKETS) >= route.mirror_share:
            return
        self._copies = {copy for copy in self._copies if copy.deadline}
        if len(self._copies) >= MOST_COPIES:
            self.ledger.event("mirror_dropped")
            return
        deadline = self.now + route.mirror.spec.timeouts.response
        copy = Copy(route.mirror, head, out, told, deadline)
        if copy.begin():
            self.ledger.event("mirrored")
            self._copies.add(copy)

    def snapshot(self) -> Snapshot:
        """Return all that was counted since the worker started."""
        self._settle()
        return self.ledger.snapshot(
            self.worker,
            self.live.generation.number,
            [route.count() for live in (self.live, *self._retiring) for route in live.routes if route.tally.used],
            [count for system in (*self.live.systems.values(), *self._leaving) for count in system.counts()],
            len(self.clients),
        )

    def _settle(self) -> None:
        """Keep the counts of generations and systems that no request goes by any more, and let the rest of them go."""
        in_use = {id(client.relay.live) for client in self.clients if client.relay is not None}
        for live in [live for live in self._retiring if id(live) not in in_use]:
            self._retiring.remove(live)
            self.start_task(_close_plugins(live, self.live))
            self.ledger.keep([route.count() for route in live.routes if route.tally.used], [])
        for system in [system for system in self._leaving if not system.in_use]:
            if not any(system in live.systems.values() for live in self._retiring):
                self._leaving.remove(system)
                self.ledger.keep([], system.counts())


def _address(hop: str) -> str:
    """Return the address in a hop of X-Forwarded-For, spelt as peers are and without a port; empty if there is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        address = ipaddress.ip_address("" if "%" in hop else hop)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _waiting(listening: socket.socket) -> list[socket.socket]:
    """Return those who have connected and whom nobody has accepted yet: closing the socket would reset them."""
    found: list[socket.socket] = []
    with contextlib.suppress(OSError):  # BlockingIOError at last; whatever else it is, there is nobody to take
        for _ in range(_BACKLOG):
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            found.append(accepted)
    return found


async def _close_plugins(live: Live, kept: Live | None) -> None:
    """Let the waiting plugins of a generation that is gone close what they opened."""
    still = {id(plugin) for route in kept.routes for plugin in route.on_waiting} if kept else set()
    for plugin in {id(plugin): plugin for route in live.routes for plugin in route.on_waiting}.values():
        close = getattr(plugin, "close", None)
        if close is not None and id(plugin) not in still:
            await close()
