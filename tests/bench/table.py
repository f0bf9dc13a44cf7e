"""From samples to a table: medians over the rounds, ratios within a round, Markdown that reads well in a terminal too.

Pure: nothing here measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

LONGEST_NOTE = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """What one load on one proxy in one round gave."""

    cpu: float
    """Microseconds of processor time of the proxy per request, user and system, with all its processes."""
    rate: float
    """Requests per second."""
    p50: float
    p99: float
    """Milliseconds."""
    busy: float
    """The share of its core that the proxy used; well below 1, the load was what limited the rate."""
    failures: int = 0
    """Requests without an answer, or with another one than 200."""


@dataclass(frozen=True, slots=True)
class Line:
    """One proxy in one table: its samples in the order of the rounds, or why there are none."""

    title: str
    samples: Sequence[Sample] = ()
    memory: int = 0
    """The peak of its resident memory, bytes."""
    note: str = ""


def ratio(samples: Sequence[Sample], others: Sequence[Sample]) -> float:
    """Return the median of the rounds' ratios of processor time.

    Both were measured seconds apart in each round, so what the machine's other guests did to a round cancels out.
    """
    return median(one.cpu / other.cpu for one, other in zip(samples, others, strict=True))


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, figures to the right, columns as wide as they need."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *figures = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return "| " + " | ".join([first.strip().ljust(widths[0]), *figures]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if column else "-") for column, width in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def speed_table(lines: Sequence[Line], beside: Mapping[str, Sequence[Sample]]) -> str:
    """Return the table of one load, with a column of ratios for each of `beside` (title to its samples).

    A proxy without samples has its note in the row, or below the table where it is long; there too stands of whom
    requests failed.
    """
    head = ["proxy", "us/request", "range", *(f"x {title}" for title in beside)]
    head += ["requests/s", "p50 ms", "p99 ms", "peak MB", "core busy"]
    rows, notes = [], []
    for line in lines:
        if not line.samples:
            short = len(line.note) <= LONGEST_NOTE
            rows.append([f"{line.title} ({line.note if short else 'see below'})", *["-"] * (len(head) - 1)])
            notes += [] if short else [f"{line.title}: {line.note}"]
            continue
        cpu = [sample.cpu for sample in line.samples]
        rows.append(
            [
                line.title,
                f"{median(cpu):.1f}",
                f"{min(cpu):.1f}-{max(cpu):.1f}",
                *(f"{ratio(line.samples, samples):.2f}" for samples in beside.values()),
                f"{median(sample.rate for sample in line.samples):,.0f}",
                f"{median(sample.p50 for sample in line.samples):.2f}",
                f"{median(sample.p99 for sample in line.samples):.2f}",
                f"{line.memory / 2**20:.0f}",
                f"{median(sample.busy for sample in line.samples):.0%}",
            ]
        )
        failures = sum(sample.failures for sample in line.samples)
        if failures:
            notes.append(f"{line.title}: {failures} requests failed, so its figures do not count.")
    return "\n".join([markdown(head, rows), *(f"\n{note}" for note in notes)])


def verdict(what: str, value: float, most: float, unit: str = "") -> str:
    """Return a line that says whether a limit is kept: `processor time beside nginx: 1.42 of at most 1.5, kept`."""
    kept = "kept" if value <= most else "MISSED"
    return f"- {what}: {value:.3g}{unit} of at most {most:g}{unit}: {kept}"
