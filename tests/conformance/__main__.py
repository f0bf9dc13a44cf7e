"""The command line: `python -m tests.conformance [hostile|urls|floods|changes ...] [--only inseam,nginx] [--write]`."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from tests.bench import machine
from tests.conformance import boundary, changes, floods, hostile, report
from tests.conformance.proxies import ALL, Contender, chosen

SAMPLE = 40_000
"""Variants over sockets, for each proxy the same."""
SAMPLE_SECONDS = 30.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.conformance", description="This edge beside three other proxies.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them unless named")
    parser.add_argument("--only", default="", help=f"any of {','.join(one.name for one in ALL)}")
    parser.add_argument("--seed", type=int, default=None, help="of the URL variants")
    parser.add_argument("--variants", type=int, default=boundary.MILLION, help="how many in process (1,000,000)")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many over sockets ({SAMPLE:,})")
    parser.add_argument("--source", action="store_true", help="this edge from the source tree, not as it is installed")
    parser.add_argument("--write", action="store_true", help="write to tests/bench/RELIABILITY.md")
    parser.add_argument("--faults", action="store_true", help="tell every hostile message that was not safe")
    return parser


def say(line: str) -> None:
    """Tell how far we are, apart from the results."""
    print(line, file=sys.stderr, flush=True)


async def _hostile(contenders: Sequence[Contender], options: argparse.Namespace) -> tuple[str, int]:
    tallies = await hostile.run(contenders, say)
    if options.faults:
        for title, tally in tallies.items():
            for fault in tally.faults:
                say(f"{title}: {fault}")
    return hostile.report(tallies), len(tallies["Inseam"].faults) if "Inseam" in tallies else 0


async def _urls(contenders: Sequence[Contender], options: argparse.Namespace) -> tuple[str, int]:
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    landed = boundary.in_process(seed, options.variants)
    for bypass in landed.bypasses[:20]:
        say(f"seed {seed}: the CMS would get {bypass}")
    said = (
        f"Inseam's gate, rules and boundary in process, seed {seed}: {landed.where.total():,} variants, "
        f"{landed.where['refused']:,} refused, {landed.where['commerce']:,} to commerce, {landed.where['cms']:,} to "
        f"the CMS, **{len(landed.bypasses)} bypasses**."
    )
    try:
        table, bypasses = await boundary.run(contenders, seed, options.sample, SAMPLE_SECONDS, say)
    except RuntimeError as missing:
        return f"{said}\n\n{missing}", len(landed.bypasses)
    return f"{said}\n\nA sample of the same seed over sockets, before two real servers:\n\n{table}", len(
        landed.bypasses
    ) + bypasses


async def _floods(contenders: Sequence[Contender], _: argparse.Namespace) -> tuple[str, int]:
    return await floods.run(contenders, say), 0


async def _changes(contenders: Sequence[Contender], _: argparse.Namespace) -> tuple[str, int]:
    return await changes.run(contenders, say), 0


Part = Callable[[Sequence[Contender], argparse.Namespace], Awaitable[tuple[str, int]]]
PARTS: dict[str, Part] = {"hostile": _hostile, "urls": _urls, "floods": _floods, "changes": _changes}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for; the exit code is 1 if anything was not safe with this edge."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    machine.allow_open_files()
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    contenders = []
    for contender in chosen(options.only, options.source):
        if contender.missing:
            say(contender.missing)
        else:
            contenders.append(contender)
    unsafe = 0
    for name in options.parts or PARTS:
        content, found = uvloop.run(PARTS[name](contenders, options))
        unsafe += found
        told = report.headed(shlex.join(["python", "-m", "tests.conformance", *given]), contenders, content)
        print(told, end="\n\n", flush=True)
        if options.write:
            report.write(name, told)
    sys.exit(1 if unsafe else 0)


if __name__ == "__main__":
    main()
