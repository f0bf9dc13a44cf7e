"""What `/readyz?verbose` says, a line a check: `[+]` for fine, `[-]` for what takes us out, `[!]` for the rest."""

from __future__ import annotations

from datetime import UTC, datetime

from router.admin.house import Standing
from router.counters import Snapshot
from router.generation import Generation


def report(standing: Standing, generation: Generation, counted: Snapshot) -> str:
    """Return the checks as text, the verdict first."""
    lines = ["ready" if standing.ready else "not ready", _workers(standing)]
    if standing.draining:
        lines.append("[-] draining: this edge was asked to end")
    since = datetime.fromtimestamp(round(standing.live_since), UTC).isoformat()
    count = len(generation.rules.rules)
    lines.append(f"[+] generation {standing.generation}: {count} rules of {standing.rules}, live since {since}")
    if standing.problems:
        lines.append(f"[!] last reload was refused, generation {standing.generation} stayed:")
        lines += [f"      {problem}" for problem in standing.problems]
    else:
        lines.append("[+] last reload had no problem")
    lines += [f"[!] {warning}" for warning in standing.warnings]
    lines += _servers(standing, generation, counted)
    return "\n".join(lines) + "\n"


def _workers(standing: Standing) -> str:
    serving = standing.workers_ready
    mark = "[-]" if not serving else "[+]" if serving >= standing.workers_wanted else "[!]"
    numbers = {worker.generation for worker in standing.workers if worker.ready}
    mixed = f", by generations {', '.join(map(str, sorted(numbers)))}" if len(numbers) > 1 else ""
    wanted, replaced = standing.workers_wanted, standing.worker_restarts
    return f"{mark} workers: {serving} of {wanted} serve{mixed}, {replaced} replaced so far"


def _servers(standing: Standing, generation: Generation, counted: Snapshot) -> list[str]:
    """Return a line for each server. None of them takes the edge out of service: the others' pages can be served."""
    checked = {(system, server): up for system, server, up in standing.servers}
    ejected = {count.key: count.ejected for count in counted.servers}
    lines = []
    for spec in generation.systems.values():
        for server in spec.servers:
            key = spec.name, str(server)
            away = ejected.get(key, 0)
            if not checked.get(key, True):
                said = "down, as the health check found"
            elif away:
                said = f"ejected by {away} of {standing.workers_ready} workers"
            else:
                said = "up" if key in checked else "not ejected (it has no health check)"
            lines.append(f"{'[+]' if said.startswith(('up', 'not')) else '[!]'} system {spec.name}: {server} is {said}")
    return lines
