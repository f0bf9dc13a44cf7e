"""The soak's command line: `python -m tests.soak`. Exit code 1 if any shopper saw anything wrong."""

from __future__ import annotations

import argparse
import random
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import machine, results
from tests.soak import report
from tests.soak.fire import Every
from tests.soak.house import Missing, redis_server
from tests.soak.run import Plan, run
from tests.soak.shopper import Habits

STORES = ("redis", "sqlite", "memory")


def _stores(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in STORES:
            raise argparse.ArgumentTypeError(f"no store {name!r}; there are {', '.join(STORES)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tests.soak", description="Shoppers walk between two systems while the edge is under fire."
    )
    parser.add_argument("--stores", type=_stores, default=STORES, help="any of redis,sqlite,memory")
    parser.add_argument("--seconds", type=float, default=45, help="how long the shoppers walk, for each store (45)")
    parser.add_argument("--shoppers", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--workers", type=int, default=4, help="of the edge (4); the memory store has one")
    parser.add_argument("--think", type=float, default=6.0, help="mean seconds between two steps of a shopper (6)")
    parser.add_argument("--seed", type=int, help="to have a run again, as far as time allows")
    parser.add_argument("--calm", action="store_true", help="without the fire")
    parser.add_argument("--keep", type=Path, help="keep each run's logs and files in this folder")
    parser.add_argument("--write", action="store_true", help="write to tests/bench/RESULTS.md")
    return parser


def say(line: str) -> None:
    """Tell how far we are, apart from the results."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak over each store, and print the table."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing outlives us
    machine.allow_open_files()
    if "redis" in options.stores:
        try:
            redis_server()
        except Missing as error:
            say(f"{error}; going on without that store")
            options.stores = tuple(store for store in options.stores if store != "redis")
    seed = options.seed if options.seed is not None else random.randrange(1 << 20)
    say(f"seed {seed}")
    outcomes = []
    for store in options.stores:
        plan = Plan(
            store=store,
            workers=options.workers if store != "memory" else 1,  # it is one worker's, as it says itself
            shoppers=options.shoppers,
            seconds=options.seconds,
            habits=Habits(think=options.think),
            every=Every(0, 0, 0, 0, 0) if options.calm else Every(),
            seed=seed,
        )
        outcome = run(plan, say, options.keep)
        outcomes.append(outcome)
        for example in outcome.findings.examples:
            say(f"  {example}")
        if outcome.findings.wrong:
            say("  what was done: " + "; ".join(outcome.fire.log))
    command = shlex.join(["python", "-m", "tests.soak", *given])
    text = f"{results.circumstances(command, {})}\n- seed {seed}\n\n{report.table(outcomes)}"
    print(text)
    if options.write:
        results.write("soak", text)
        say(f"written to {results.RESULTS.name}")
    return 1 if report.failed(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
