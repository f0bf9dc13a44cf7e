"""The hostile corpus of tests/edge/hostile against the four proxies: every request and answer, over real sockets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.bench.table import markdown
from tests.conformance.judgement import Seen, answer_fault, path_fault, request_fault
from tests.conformance.proxies import Contender, Running, started
from tests.conformance.readers import STRICT, Incomplete, Refused
from tests.conformance.recorder import Recorder
from tests.conformance.variants import is_common
from tests.edge.hostile import corpus_answers
from tests.edge.hostile.cases import SMUGGLED, Hostile, get
from tests.edge.hostile.corpus_answers import ANSWERS
from tests.edge.hostile.corpus_framing import FRAMING
from tests.edge.hostile.corpus_heads import HEADS
from tests.edge.hostile.corpus_paths import BEHIND, INNOCENT, SPELLINGS
from tests.edge.hostile.corpus_spoofing import SPOOFING
from tests.edge.hostile.harness import CLOSING, pieces_of
from tests.edge.hostile.lenient import WORDS

SILENCE = 0.35
"""Seconds without a byte after which a client that waits for more is taken to wait for ever."""
BRIEF = 0.08
"""The same for one that has all that it asked for, and only waits for what should not come."""
SYSTEM_PATIENCE = 1.0
"""Seconds that a proxy waits for a system here."""
ANSWER_SECONDS = 4.0

GROUPS = (
    "lengths and codings", "chunks and trailers", "request lines and versions", "Host", "header lines", "upgrades",
    "sizes and expectations", "headers that only the edge may say",
    "payment pages: encodings, slashes, dots, case", "payment pages: Unicode, file systems, collations",
    "answers that are none", "answers that break off", "answers with more behind",
    "headers that only the edge may see",
)  # fmt: skip
"""The rows of the table."""

_BY_NAME = (
    ("the request line", "request lines and versions"), ("Host as", "Host"), ("the line", "header lines"),
    ("an upgrade", "upgrades"), ("the trailer", "chunks and trailers"), ("the chunks", "chunks and trailers"),
    ("the coding", "lengths and codings"), ("the length", "lengths and codings"),
)  # fmt: skip
_ANSWER_GROUPS = {
    "refused": "answers that are none",
    "cut": "answers that break off",
    "passes": "answers with more behind",
}


def group_of(case: Hostile) -> str:
    """Return the row of the table that a request belongs in."""
    for beginning, group in _BY_NAME:
        if case.name.startswith(beginning):
            return group
    if case in SPOOFING:
        return "headers that only the edge may say"
    if case in FRAMING:
        return "lengths and codings"
    sizes = (
        "Expect",
        "as many",
        "a head",
        "a line",
        "a name of",
        "a cookie",
        "a method without",
        "a query",
        "101",
        "5000",
    )
    return "sizes and expectations" if case.name.startswith((*sizes, "one line", "a request line")) else _VERSIONS


_VERSIONS = "request lines and versions"


@dataclass
class Tally:
    """What came of one proxy's run, by group."""

    tried: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    safe: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: list[str] = field(default_factory=list)
    served: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """Of what is harmless: how many were tried, how many served."""

    def judge(self, group: str, name: str, fault: str) -> None:
        self.tried[group] += 1
        self.safe[group] += not fault
        if fault:
            self.faults.append(f"{group}: {name}: {fault}")

    def harmless(self, what: str, served: bool) -> None:
        self.served[what][0] += 1
        self.served[what][1] += served


def _never(_: bytes) -> bool:
    return False


async def exchange(
    port: int, pieces: Sequence[bytes], silence: float = SILENCE, enough: Callable[[bytes], bool] = _never
) -> Seen:
    """Send the pieces on a connection of their own; return what comes until it ends or nothing comes any more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard, end = b"", ""
    try:
        for piece in pieces:
            if writer.is_closing():
                break
            writer.write(piece)
            await asyncio.sleep(0)
        while True:
            data = await asyncio.wait_for(reader.read(65536), silence)
            if not data:
                end = "eof"
                break
            heard += data
            if heard.startswith(b"HTTP/1.1 ") and enough(heard):
                silence = BRIEF
    except TimeoutError:
        pass
    except (ConnectionError, RuntimeError):  # uvloop's word for a connection that went while one wrote
        end = "reset"
    finally:
        writer.transport.abort()
    return Seen(heard, end)


# --- requests ---------------------------------------------------------------------------------------------------------


async def requests(running: Running, cms: Recorder, commerce: Recorder, tally: Tally) -> None:
    """Drive every hostile request, at once and in pieces; it is safe if both are, and an honest one after it is too."""
    for case in (*FRAMING, *HEADS, *SPOOFING):
        fault, served = await _request(case, running, cms, commerce)
        if fault or not served:  # once more: a machine that slept must not be held against anybody
            fault, served = await _request(case, running, cms, commerce)
        tally.judge(group_of(case), case.name, fault)
        if case.passes and case not in SPOOFING:
            tally.harmless("odd but well-formed requests", served)


async def _request(case: Hostile, running: Running, cms: Recorder, commerce: Recorder) -> tuple[str, bool]:
    behind = SMUGGLED if case.statuses else CLOSING
    passes = [(method.encode(), target.encode(), body) for method, target, body in case.passes]
    served = True
    for pieces in ([case.sent + behind], [*pieces_of(case.sent, 60), behind]):
        cms.forget()
        commerce.forget()
        await exchange(running.port, pieces, enough=_closes)
        if fault := request_fault(case, case.sent + behind, cms, commerce):
            return fault, False
        served = served and [request.asked for request in cms.requests][: len(passes)] == passes
    return await _honest(running), served


def _closes(heard: bytes) -> bool:
    return b"connection: close" in heard.lower()


async def _honest(running: Running) -> str:
    seen = await exchange(running.port, [CLOSING], 2.0)
    if b"cms GET /after" in seen.heard or seen.heard.startswith((b"HTTP/1.1 502", b"HTTP/1.1 503", b"HTTP/1.1 504")):
        return ""
    return f"an honest client got {seen.heard[:80]!r}"


# --- paths ------------------------------------------------------------------------------------------------------------


async def paths(running: Running, cms: Recorder, commerce: Recorder, tally: Tally) -> None:
    """Ask for checkout and basket in every spelling, and for what only looks like them."""
    for spelling in SPELLINGS:
        fault = ""
        for word in WORDS:
            for behind in BEHIND:
                cms.forget()
                commerce.forget()
                path = spelling.spell(word) + behind
                await exchange(running.port, [get(b"Connection: close\r\n", path.encode("latin-1"))])
                fault = fault or path_fault(cms)
        group = GROUPS[8] if is_common(spelling.spell(WORDS[0])) else GROUPS[9]
        tally.judge(group, spelling.name, fault)
    for path in INNOCENT:
        cms.forget()
        commerce.forget()
        await exchange(running.port, [get(b"Connection: close\r\n", path.encode())])
        tally.harmless("paths that only look like a payment page", bool(cms.requests) and not commerce.requests)


# --- answers ----------------------------------------------------------------------------------------------------------


async def answers(running: Running, cms: Recorder, commerce: Recorder, tally: Tally) -> None:
    """Let the CMS give every hostile answer; look at what its client gets, and the four who come after it."""
    for case in ANSWERS:
        fault = await _answer(case, running, cms) and await _answer(case, running, cms)
        only = case.section == "REQUIREMENTS, 23"
        tally.judge("headers that only the edge may see" if only else _ANSWER_GROUPS[case.verdict], case.name, fault)


async def _answer(case: corpus_answers.Hostile, running: Running, cms: Recorder) -> str:
    cms.forget()
    cms.hostile = case.steps
    asking = case.method + b" /hostile HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\n\r\n"
    seen = await exchange(running.port, [asking], _patience(case), partial(_is_whole, case.method))
    fault = answer_fault(case, seen)
    for number in range(2):
        fault = fault or await _own_answers(running, number)
    return fault


def _is_whole(method: bytes, heard: bytes) -> bool:
    try:
        return STRICT.answer(heard, method).whole
    except (Refused, Incomplete):
        return False


def _patience(case: corpus_answers.Hostile) -> float:
    slow = any(isinstance(step, float) and step >= SYSTEM_PATIENCE for step in case.steps)
    return ANSWER_SECONDS if slow else SILENCE


async def _own_answers(running: Running, number: int) -> str:
    targets = [b"/honest-%d-%d" % (number, place) for place in range(2)]
    asking = b"".join(get(b"Connection: close\r\n" * (target is targets[-1]), target) for target in targets)
    seen = await exchange(running.port, [asking], 2.0)
    for target in targets:
        if b"cms GET " + target not in seen.heard and b" 50" not in seen.heard:
            return f"the next client got {seen.heard[:120]!r}"
    if corpus_answers.LEAK in seen.heard:
        return f"the next client got another's answer: {seen.heard[:120]!r}"
    return ""


Part = Callable[[Running, Recorder, Recorder, Tally], Awaitable[None]]
PARTS: tuple[Part, ...] = (requests, paths, answers)


# --- all of it --------------------------------------------------------------------------------------------------------


async def one(contender: Contender, part: Part, tally: Tally, say: Callable[[str], None]) -> None:
    """Run a part of the corpus against a proxy of its own."""
    async with (
        Recorder("cms") as cms,
        Recorder("commerce") as commerce,
        started(contender, cms.port, commerce.port, SYSTEM_PATIENCE) as running,
    ):
        await part(running, cms, commerce, tally)
        say(f"{contender.title}: {part.__name__} done")


async def run(contenders: Sequence[Contender], say: Callable[[str], None]) -> dict[str, Tally]:
    """Run the corpus against all of them at the same time; return what was found, by title."""
    tallies = {contender.title: Tally() for contender in contenders}
    await asyncio.gather(*(one(c, part, tallies[c.title], say) for c in contenders for part in PARTS))
    return tallies


def report(tallies: dict[str, Tally]) -> str:
    """Return the tables: safe of tried by group, and how much of what is harmless was served."""
    found = {group for tally in tallies.values() for group in tally.tried}
    groups = [group for group in GROUPS if group in found]
    rows = [[group, *(f"{t.safe[group]} / {t.tried[group]}" for t in tallies.values())] for group in groups]
    rows.append(["**all**", *(f"**{sum(t.safe.values())} / {sum(t.tried.values())}**" for t in tallies.values())])
    harmless = list(dict.fromkeys(what for tally in tallies.values() for what in tally.served))
    served = [[what, *("{1} / {0}".format(*t.served[what]) for t in tallies.values())] for what in harmless]
    return "\n\n".join(
        [
            "Safe / tried:",
            markdown(["hostile messages", *tallies], rows),
            "Being safe by refusing everything would be easy, so this is what each of them serves of the harmless:",
            markdown(["harmless messages", *tallies], served),
        ]
    )
