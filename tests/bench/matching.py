"""What it costs to find the rule for a request, and to make the index: `python -m tests.bench.matching [--write]`.

A shop's mix of rules and, in every size, the same mix of requests: so what differs between the sizes is the size. Each
request goes to a rule picked at random, and no answer is remembered: with 100,000 rules nearly every one is out of the
processor's cache, which is what a crawler does to an edge. Times are wall-clock, the loop around the match included.
"""

from __future__ import annotations

import argparse
import gc
import random
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from router.conditions import Condition, Host, In, Is, Text
from router.index import Index
from router.model import Headers, RequestView
from router.patterns import PathPattern
from router.rules import Rule, Rules, To
from tests.bench import results
from tests.bench.table import markdown

SIZES = (10, 1_000, 100_000)
ROUNDS = 9
REQUESTS = 20_000
MOST_US, MOST_SECONDS = 3.0, 2.0
"""What the project has set itself: per match, and to make an index of 100,000 rules."""

KINDS = ("exact path", "{sku} in a list", "deep (**)", "two names", "glob")
SHARES = (30, 30, 20, 5, 5, 10)
"""Of 100 requests, how many go to each kind, and last to the catch-all."""

SHORT_TAIL = In("short_tail", frozenset(f"sku-{number}" for number in range(20_000)))


@dataclass(frozen=True, slots=True)
class Spec:
    """A rule as a file would give it, and the paths that it is asked for (`{}` becomes a number)."""

    kind: str
    path: str
    asked: str
    conditions: tuple[Condition, ...] = ()


def spec(number: int) -> Spec:
    """Return the rule with this number: of ten, 4 exact, 3 with a list, 2 deep and a glob (above 200, two names)."""
    match number % 10:
        case 0 | 1 | 2 | 3:
            path = f"/campaigns/{number % 97}/page-{number}/"
            return Spec("exact path", path, path)
        case 4 | 5 | 6:
            shelf = f"/catalogue/shelf-{number}"
            return Spec("{sku} in a list", shelf + "/{sku}/", shelf + "/sku-{}/", (Text("param", "sku", SHORT_TAIL),))
        case 7 | 8:
            brand = f"/brands/{number % 211}/brand-{number}"
            return Spec("deep (**)", brand + "/**", brand + "/news/2026/page-{}/")
    if number < 200:
        return Spec("glob", f"/media/{number}/*.html", f"/media/{number}/page-{{}}.html")
    return Spec("two names", f"/shops/{{country}}/shop-{number}/{{page}}", f"/shops/de/shop-{number}/page-{{}}")


def shop(size: int) -> list[Spec]:
    """Return the rules of a shop, the catch-all last."""
    return [*map(spec, range(size - 1)), Spec("catch-all", "/**", "/elsewhere/{}/page")]


def made(specs: Sequence[Spec]) -> list[Rule]:
    """Return the rules, made from text as when a file is loaded."""
    return [
        Rule(each.path, (PathPattern.parse(each.path),), To("cms"), each.conditions, page="page") for each in specs
    ]  # fmt: skip


def requests(specs: Sequence[Spec], kinds: Sequence[str], shares: Sequence[int], chance: random.Random) -> list[str]:
    """Return paths at random, so many of each kind as its share says."""
    of_kind = {kind: [each for each in specs if each.kind == kind] or [specs[-1]] for kind in kinds}
    return [  # a fourth of the products is in the list, the others fall through to the catch-all
        chance.choice(of_kind[kind]).asked.format(chance.randrange(80_000))
        for kind in chance.choices(kinds, shares, k=REQUESTS)
    ]


def per_match(
    match: Callable[[RequestView], object], paths: Sequence[str], host: str = "shop.example", rounds: int = ROUNDS
) -> list[float]:
    """Return microseconds per match, one figure for each round over all paths."""
    view = RequestView("GET", "/", Headers([]), host=host)
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for path in paths:
            view.path = path
            match(view)
        found.append((time.perf_counter() - begin) / len(paths) * 1e6)
    return found


def figures(us: Sequence[float]) -> list[str]:
    """Return the best and the median of some rounds, as a table has them."""
    return [f"{min(us):.2f}", f"{median(us):.2f}"]


def by_size(chance: random.Random) -> str:
    """Return the table of match times by number of rules, the plain scan beside them as long as it is bearable."""
    rows = []
    for size in SIZES:
        specs = shop(size)
        index = Index(made(specs))
        paths = requests(specs, [*KINDS, "catch-all"], SHARES, chance)
        scan = [f"{min(per_match(Rules(index.rules).match, paths[: 200_000 // size])):.1f}"] if size <= 1_000 else ["-"]
        rows.append([f"{size:,} rules", *figures(per_match(index.match, paths)), *scan])
    return markdown(["us per match, all kinds mixed", "best", "median", "plain scan"], rows)


def by_kind(chance: random.Random) -> str:
    """Return the table of match times by kind of rule, in the largest shop."""
    specs = shop(SIZES[-1])
    index = Index(made(specs))
    kinds = [*KINDS, "catch-all"]
    rows = [[kind, *figures(per_match(index.match, requests(specs, [kind], [1], chance)))] for kind in kinds]
    return markdown([f"us per match, {SIZES[-1]:,} rules", "best", "median"], rows)


def compiling() -> str:
    """Return the table of what it takes to make an index of many rules, from path texts on.

    The collector runs as it does in a program that does nothing about it; what this benchmark itself holds is kept out
    of its sight, because it would be asked to look through that again and again.
    """
    rows = []
    for collector in ("on", "off"):
        rounds = []
        for _ in range(3):
            specs = shop(SIZES[-1])
            gc.collect()
            gc.freeze()
            if collector == "off":
                gc.disable()
            begin = time.perf_counter()
            rules = made(specs)
            parsed = time.perf_counter()
            index = Index(rules)
            rounds.append((time.perf_counter() - begin, parsed - begin, len(index.rules)))
            gc.enable()
            gc.unfreeze()
            del rules, index
        whole, parse, _ = min(rounds)
        rows.append([f"{SIZES[-1]:,} rules, garbage collector {collector}", f"{parse:.2f}", f"{whole - parse:.2f}",
                     f"{whole:.2f}", f"{median(each[0] for each in rounds):.2f}"])  # fmt: skip
    return markdown(["seconds to compile", "patterns and rules", "index", "both, best", "median"], rows)


def odd_shops(chance: random.Random) -> str:
    """Return the table of shops and requests that could make an index slow."""

    def rule(name: str, path: str, *conditions: Condition) -> Rule:
        return Rule(name, (PathPattern.parse(path),), To("cms"), conditions)

    everything = rule("all", "/**")
    brands = Index([*(rule(f"{n}", "/**", Host(frozenset({f"brand-{n}.example"}))) for n in range(1_000)), everything])
    moved = Index(
        [*(rule(f"{n}", "/p/{sku}/", Text("param", "sku", Is(frozenset({f"{n}"})))) for n in range(5_000)), everything]
    )
    pieces = ["".join(chance.choices(string.ascii_lowercase, k=2)) for _ in range(100)]
    globs = Index([*(rule(piece, f"/**/*-{piece}.html") for piece in pieces), everything])
    several = Index([*(rule(piece, f"/**/*{piece}*{piece}.html") for piece in pieces), everything])
    large = Index(made(shop(SIZES[-1])))

    def new(index: Index, length: int) -> list[str]:
        """Figures for paths never seen, each of which begins what many of the globs look for."""
        paths = ["/" + "-".join(chance.choices(pieces, k=length // 3)) + ".html" for _ in range(200 * ROUNDS)]
        return figures([per_match(index.match, paths[at::ROUNDS], rounds=1)[0] for at in range(ROUNDS)])

    ordinary = [f"/catalogue/shelf-{n}/product-{n}.html" for n in range(500)]
    rows = [
        ["1,000 domains with /** each", *figures(per_match(brands.match, ["/some/page"] * 2_000, "brand-777.example"))],
        ["5,000 rules for one {sku} each", *figures(per_match(moved.match, [f"/p/{n}/" for n in range(5_000)]))],
        ["100,000 rules, a path of 4,000 segments", *figures(per_match(large.match, ["/brands" * 4_000] * 100))],
        ["100 globs like /**/*-a.html, hostile paths of 60 bytes", *new(globs, 60)],
        ["the same, 8,000 bytes", *new(globs, 8_000)],
        ["100 globs like /**/*a*b.html, ordinary paths", *figures(per_match(several.match, ordinary))],
        ["100 globs like /**/*a*b.html, hostile paths of 60 bytes", *new(several, 60)],
        ["the same, 8,000 bytes", *new(several, 8_000)],
    ]
    return markdown(["us per match", "best", "median"], rows)


def right(chance: random.Random) -> None:
    """Raise AssertionError if the index that is measured does not answer as the plain scan does."""
    specs = shop(2_000)
    index = Index(made(specs))
    for path in requests(specs, [*KINDS, "catch-all"], SHARES, chance)[:300]:
        view = RequestView("GET", path, Headers([]), host="shop.example")
        said = index.match(view), view.params
        assert said == (Rules.match(index, view), view.params)


def main() -> None:
    """Run it and print the tables."""
    parser = argparse.ArgumentParser("python -m tests.bench.matching", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write to tests/bench/RESULTS.md")
    options = parser.parse_args()
    chance = random.Random(7)
    right(chance)
    aims = f"The aim: at most {MOST_US:g} us for each match, flat, and {MOST_SECONDS:g} s for {SIZES[-1]:,} rules."
    command = "python -m tests.bench.matching"
    report = "\n\n".join(
        [results.circumstances(command, {}), aims, by_size(chance), by_kind(chance), odd_shops(chance), compiling()]
    )
    print(report)
    if options.write:
        results.write("matching", report)


if __name__ == "__main__":
    main()
