"""Keep one client from taking the shop away from the others: so many requests a minute, with a burst on top.

The generic cell rate algorithm (ITU-T I.371): one number a client, the time at which its burst is whole again. Counted
by each worker for itself and anew after a reload, so the true limit lies between `per_minute` and `per_minute` times
the number of workers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Annotated

from pydantic import Field

from router.edge.pages import error_reply
from router.model import Reply, RequestView
from router.options import NOBODY, Clients, Method

_ROUNDING = 1e-6  # seconds; a double of today's epoch is exact to 2.4e-7


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `per_minute` over time and `burst` at once, for each client network; `methods` empty means all."""

    per_minute: Annotated[float, Field(gt=0, le=1_000_000)] = 300.0
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    methods: frozenset[Method] = frozenset()
    exempt: Clients = NOBODY
    ipv4_prefix: Annotated[int, Field(ge=8, le=32)] = 32
    ipv6_prefix: Annotated[int, Field(ge=16, le=128)] = 64  # what a provider gives to one household at the least
    clients: Annotated[int, Field(ge=1, le=5_000_000)] = 50_000  # some 250 bytes each; the one seen last stays longest
    _whole: OrderedDict[str, float] = field(default_factory=OrderedDict, init=False, repr=False, compare=False)

    def on_request(self, view: RequestView) -> Reply | None:
        if (self.methods and view.method not in self.methods) or self.exempt(view):
            return None
        wait = self.taken(_network(view.client, self.ipv4_prefix, self.ipv6_prefix), view.now)
        if not wait:
            return None
        return error_reply(429, view.request_id, view.headers.get("accept") or "", retry_after=max(1, ceil(wait)))

    def taken(self, client: str, now: float) -> float:
        """Count one request at `now` (seconds since the epoch); return the seconds to wait, 0 when it may pass."""
        each = 60.0 / self.per_minute
        whole = max(self._whole.pop(client, now), now)
        whole = min(whole, now + self.burst * each)  # the clock was set back: nobody waits longer than a full burst
        wait = whole + each - (now + self.burst * each)
        if wait <= _ROUNDING:
            whole, wait = whole + each, 0.0
        self._whole[client] = whole
        if len(self._whole) > self.clients:
            self._whole.popitem(last=False)
        return wait


@lru_cache(maxsize=8192)
def _network(client: str, ipv4_prefix: int, ipv6_prefix: int) -> str:
    try:
        address = ip_address(client)
    except ValueError:
        return client
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((address, ipv4_prefix if address.version == 4 else ipv6_prefix), strict=False))


PLUGIN = RateLimit
