"""`inseam check --payment-report`: the evidence on payment pages as a text that an auditor can file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

import click
import msgspec

from router import __version__
from router.errors import Problem
from router.evidence import Evidence, Way, evidence
from router.generation import Generation


def payment_report(generation: Generation, problems: list[Problem], form: str) -> int:
    """Print the report; return 0 if all that must hold does."""
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = evidence(generation, problems, made, __version__)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(as_text(found)))
    return 0 if found.holds else 1


def as_text(found: Evidence) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "PAYMENT REPORT"
    yield ""
    yield f"rules file  {found.file}"
    yield f"SHA-256     {found.digest}  (the file and its lists)"
    yield f"made        {found.made} by inseam {found.inseam}"
    yield f"verdict     {'all that must hold holds' if found.holds else 'SOMETHING DOES NOT HOLD: see 3'}"
    yield from _heading("1. Zones")
    for zone in found.zones:
        link = "TLS, certificates checked" if zone.verified else "not all TLS with checked certificates"
        yield f"{zone.system}: {'takes payments' if zone.payment else 'never gets a payment page'}"
        yield f"    servers  {', '.join(zone.servers)} ({link})"
        yield from (f"    SHARES   {shared}" for shared in zone.shares)
    yield from _heading("2. Rules that reach a system that takes payments")
    for way in found.ways:
        yield from _way(way)
    yield from _heading("3. What must hold")
    for proof in found.proofs:
        yield f"[{'x' if proof.holds else ' '}] {proof.claim}"
        yield f"    {proof.by}"
    yield from _heading("4. Rules to other systems with paths in common with a payment page")
    for one in found.neighbours:
        yield f"{one.rule} ({one.where}) to {', '.join(one.systems)}, beside {one.meets}: {one.path}"
        yield f"    {one.why}"
    yield from _none(found.neighbours)
    yield from _heading("5. Bodies and queries for other systems that nobody looks through for card numbers")
    yield from found.unwatched
    yield from _none(found.unwatched)
    yield "(and, by any rule: compressed bodies, pictures and other binary types, WebSockets)"
    yield from _heading("6. Headers that the edge writes")
    yield from ("to a system:", *_indented(found.request_headers))
    yield from ("to the browser:", *_indented(found.answer_headers))
    yield from _heading("7. What is logged of a request")
    yield f"access log: {', '.join(found.logged)} (path without query)"
    yield f"never: {', '.join(found.never_logged)}"


def _way(way: Way) -> Iterator[str]:
    yield f"{way.rule} ({way.where}): {'page ' + way.page if way.page else 'no page type'}" + (
        ", a payment page" if way.guarded else ""
    )
    yield f"    paths      {', '.join(way.paths)}"
    yield from (f"    when       {condition}" for condition in way.conditions)
    yield f"    goes to    {', '.join(way.systems) or 'nobody'}"
    for tried in way.examples:
        yield f"    example    {tried.request} -> {tried.lands_on}"
        if way.guarded:
            yield f"               {tried.spellings} other spellings: {tried.refused} refused, {tried.stayed} stay here"
            yield from (f"               STRAYS {path}" for path in tried.strayed)
    if not way.examples:
        yield "    example    none"
    touched = [
        *(f"plugin     {plugin}" for plugin in way.plugins),
        *(f"request    {edit}" for edit in way.request_edits),
        *(f"answer     {edit}" for edit in way.response_edits),
        *(f"{name:10} {value}" for name, value in
          (("rewrite", way.rewrite), ("fallback", way.fallback), ("mirror", way.mirror)) if value),
    ]  # fmt: skip
    yield from _indented(touched)
    absent = [name for name in ("plugin", "request", "answer", "rewrite", "fallback", "mirror")
              if not any(line.startswith(name) for line in touched)]  # fmt: skip
    if absent:
        names = {"plugin": "plugins", "request": "edits of requests", "answer": "edits of answers"}
        yield f"    without    {', '.join(names.get(name, name) for name in absent)}"


def _heading(text: str) -> Iterator[str]:
    yield from ("", text, "-" * len(text))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"    {line}" for line in lines)


def _none(lines: Sequence[object]) -> Iterator[str]:
    if not lines:
        yield "none"
