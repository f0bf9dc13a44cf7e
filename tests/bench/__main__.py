"""The command line of the benchmarks: `python -m tests.bench [speed|memory|matching|bridge|overload|profile]`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from tests.bench import bridge, builds, hotspots, idle, machine, overload, results, speed, streams
from tests.bench.proxies import FAMILIES, bare


def _families(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FAMILIES:
            raise argparse.ArgumentTypeError(f"no proxy {name!r}; there are {', '.join(FAMILIES)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench", description="What the edge costs, beside other proxies.")
    parser.add_argument(
        "what", nargs="?", choices=("speed", "memory", "matching", "bridge", "overload", "profile"), default="speed"
    )
    parser.add_argument("--seconds", type=float, default=5, help="how long each load lasts (5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each proxy has its turn (5)")
    parser.add_argument("--only", type=_families, help=f"any of {','.join(FAMILIES)}; profile: edge")
    parser.add_argument("--quick", action="store_true", help="one round of 2 seconds, to see that all works")
    parser.add_argument("--write", action="store_true", help="write to RESULTS.md here, or RELIABILITY.md (overload)")
    return parser


def say(line: str) -> None:
    """Tell how far we are, apart from the results."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one benchmark and print its tables."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    if options.quick:
        options.rounds, options.seconds = 1, 2
    options.only = options.only or (FAMILIES if options.what in ("speed", "memory") else ("edge",))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that no proxy outlives us
    machine.require_two_cores()
    machine.allow_open_files()
    os.sched_setaffinity(0, {machine.LOAD_CORE})  # what we start stays there too, unless pinned elsewhere
    proxies = bare(options.only)
    if options.what == "memory":
        tables = "\n\n".join([idle.run(proxies, say), streams.run(proxies, say)])
    elif options.what == "matching":
        tables = builds.matching(say)
    elif options.what == "bridge":
        tables = bridge.run(options.seconds, options.rounds, say)
        proxies = [bridge.EDGE, bridge.NGINX, bridge.ENVOY]
    elif options.what == "overload":
        tables = overload.run(max(options.seconds, overload.LEAST_SECONDS), say)
        proxies = overload.contenders("")
    elif options.what == "profile":
        tables = "\n\n".join(hotspots.run(proxy, options.seconds, say) for proxy in proxies)
    else:
        tables = speed.run(options.only, options.seconds, options.rounds, say)
    versions = {proxy.title: proxy.installed_version() for proxy in proxies if not proxy.missing}
    command = shlex.join(["python", "-m", "tests.bench", *given])
    report = f"{results.circumstances(command, versions)}\n\n{tables}"
    print(report)
    if options.write:
        file = results.RELIABILITY if options.what == "overload" else results.RESULTS
        results.write(options.what, report, file)
        say(f"written to {file.name}")


if __name__ == "__main__":
    main()
