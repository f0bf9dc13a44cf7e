"""What one worker writes down: counters, the operator's log, the access log."""

from __future__ import annotations

import os
import sys
from time import time
from typing import TYPE_CHECKING, Final

from router.accesslog import AccessLog, Record
from router.counters import RuleCount, ServerCount, Snapshot, settled, total
from router.errors import EdgeError
from router.pluginloader import plugin_name

if TYPE_CHECKING:
    from router.edge.request import Request

_LINES_A_SECOND: Final = 20
"""Lines in the operator's log about failing systems and plugins; the counters have them all."""


class Ledger:
    """Counts in plain ints; `accepted` are the client connections so far."""

    def __init__(self, access_log: AccessLog | None) -> None:
        self.access_log = access_log
        self.accepted = 0
        self._errors: dict[str, int] = {}
        self._plugin_errors: dict[str, int] = {}
        self._events: dict[str, int] = {}
        self._past = Snapshot()
        """What was counted under generations, and of systems, that are gone."""
        self._lines = 0

    def error(self, reason: str) -> None:
        """The edge had to answer instead of a system, or to cut an answer."""
        self._errors[reason] = self._errors.get(reason, 0) + 1

    def event(self, name: str) -> None:
        """Something else worth a counter."""
        self._events[name] = self._events.get(name, 0) + 1

    def plugin_failed(self, plugin: object, error: Exception, so: str = "was passed over") -> None:
        """A plugin raised: it is counted, and the request goes on without it, or as `so` says."""
        name = plugin_name(plugin)
        self._plugin_errors[name] = self._plugin_errors.get(name, 0) + 1
        said = str(error) or ("it took too long" if isinstance(error, TimeoutError) else "")
        self.log(f"plugin {name} failed and {so}: {type(error).__name__}{': ' if said else ''}{said}")

    def complain(self, relay: Request, error: EdgeError) -> None:
        """Tell the operator of a request that failed, without anything that may be secret."""
        rule = relay.route.decision.rule.name if relay.route else "-"
        self.log(f"{error.status} {error.reason} request={relay.request_id.decode()} rule={rule!r}: {error}")

    def log(self, line: str) -> None:
        """Write one line to the operator's log (standard error), unless this second had many already."""
        self._lines += 1
        if self._lines > _LINES_A_SECOND:
            self.event("log_lines_dropped")
            return
        text = "".join(letter if letter.isprintable() else "?" for letter in line)
        try:
            print(f"inseam: {text}", file=sys.stderr, flush=True)
        except OSError:
            self.event("log_lines_dropped")  # a full disk or a closed pipe must not cost a request

    def new_second(self) -> None:
        """Some time has gone by: lines may be written again."""
        self._lines = 0

    def record(self, relay: Request, seconds: float) -> None:
        """Write a request to the access log. Neither query values nor cookies go in: REQUIREMENTS, 28."""
        log = self.access_log
        if log is None:
            return
        view, route = relay.view, relay.route
        log.write(
            Record(
                time=time(),
                request_id=view.request_id,
                client=view.client,
                method=view.method,
                host=view.host,
                path=view.path,
                status=relay.status,
                bytes_in=relay.bytes_in,
                bytes_out=relay.bytes_out,
                seconds=seconds,
                system_seconds=relay.system_seconds,
                system=route.decision.system if route else "",
                server=relay.server.name if relay.server else "",
                rule=route.decision.rule.name if route else "",
                page=route.decision.rule.page if route else "",
                generation=relay.live.generation.number,
                reason=relay.reason,
            )
        )

    def keep(self, rules: list[RuleCount], servers: list[ServerCount]) -> None:
        """Keep what was counted under a generation, or of a system, that is gone."""
        self._past = total([self._past, settled(Snapshot(rules=rules, servers=servers))])

    def snapshot(
        self, worker: int, generation: int, rules: list[RuleCount], servers: list[ServerCount], clients: int
    ) -> Snapshot:
        """Return everything counted so far."""
        known = total([self._past, Snapshot(rules=rules, servers=servers)])
        events = dict(self._events)
        if self.access_log is not None:
            events["log_dropped"] = self.access_log.dropped
        return Snapshot(
            worker, os.getpid(), generation, known.rules, known.servers, clients, self.accepted,
            dict(self._errors), dict(self._plugin_errors), events,
        )  # fmt: skip
