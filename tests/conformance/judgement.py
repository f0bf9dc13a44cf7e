"""Safe or not: one rule for all proxies, over what the systems received and what the clients got.

A request is **safe** if it was refused, or if what arrived at the systems
 1. is read alike by every reader that accepts it (readers.PANEL),
 2. is no more, in its order, than PERMITTED makes of what was sent,
 3. names the shop as its one Host, has a target without `#`, and neither NUL nor a bare CR (RFC 9110, 5.5),
 4. carries nothing that only the edge may say, and asks for no tunnel and no upgrade but to a WebSocket, and
 5. has nothing at the CMS that some server would read as a payment page (tests.edge.hostile.lenient).

An answer is **safe** if the client got an error of the proxy's own, an end that shows that something is missing, or the
very answer that PERMITTED makes of the system's bytes, read alike by every reader; if nothing that is only for the edge
went through; and if the clients that come after it get their own answers.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from tests.conformance.readers import LOOSE, PERMITTED, STRICT, Answer, Incomplete, Refused, Request
from tests.conformance.recorder import Recorder
from tests.edge.hostile import corpus_answers
from tests.edge.hostile.cases import Hostile
from tests.edge.hostile.lenient import reads_as_buying

SPOOFED = b"spoofed"
_BARE_CR = re.compile(rb"\r(?!\n)")
HOSTS = (b"shop.test", b"shop.test.", b"shop.test:80")
_SILENCE = 1.0
"""A pause of so many seconds in a hostile answer is one that never ends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one message: the bytes that its client got, and how its connection ended (eof, reset or not yet)."""

    heard: bytes
    end: str


def request_fault(case: Hostile, sent: bytes, cms: Recorder, commerce: Recorder) -> str:
    """Return why it is not safe what arrived of a message, or nothing."""
    for system in (cms, commerce):
        if disputed := system.disputed:
            return f"{system.name} got what is read as {disputed}"
    try:
        permitted = [(one.method, plain(one.target), one.body) for one in PERMITTED.requests(sent)]
    except Refused:
        permitted = []
    for system in (cms, commerce):
        if any(b"\0" in raw or _BARE_CR.search(raw.partition(b"\r\n\r\n")[0]) for raw in system.raw):
            return f"NUL or a bare CR arrived at {system.name}"
        rest = iter(permitted)
        for request in system.requests:
            if (request.method, plain(request.target), request.body) not in rest:
                return f"{request.asked!r} arrived"[:200]
            if fault := _head_fault(request):
                return fault
    for request in cms.requests:
        if reads_as_buying(request.target.decode("latin-1")):
            return f"the CMS got {request.target!r}"
    return ""


def _head_fault(request: Request) -> str:
    hosts = request.all(b"host")
    options = [option.strip() for option in b",".join(request.all(b"connection")).lower().split(b",")]
    upgrades = [value.strip().lower() for value in request.all(b"upgrade")]
    if request.method == b"CONNECT":
        return "a tunnel was asked for"
    if len(hosts) != 1 or hosts[0].lower() not in HOSTS:
        return f"Host arrived as {hosts}"
    if b"#" in request.target:
        return f"the target {request.target!r} arrived"
    if b"upgrade" in options and upgrades not in ([], [b"websocket"]):
        return f"an upgrade to {upgrades} arrived"
    if any(SPOOFED in name or SPOOFED in value for name, value in request.fields):
        return "what only the edge may say came from the client"
    return ""


def path_fault(cms: Recorder) -> str:
    """Return why it is not safe what the CMS got of a spelling of a payment page, or nothing."""
    for request in cms.requests:
        if reads_as_buying(request.target.decode("latin-1")):
            return f"the CMS got {request.target!r}"
    return f"the CMS got what is read as {cms.disputed}" if cms.disputed else ""


def plain(target: bytes) -> bytes:
    """Return a target as it is compared: in origin form, with what RFC 3986, 6.2.2 lets anybody normalise."""
    scheme, colon, rest = target.partition(b"://")
    if colon and scheme.isalpha():
        places = [place for place in (rest.find(b"/"), rest.find(b"?")) if place >= 0]
        target = b"/" + rest[min(places, default=len(rest)) :].removeprefix(b"/")
    path, mark, query = target.partition(b"?")
    return (posixpath.normpath(path).replace(b"//", b"/") if path.startswith(b"/") else path) + mark + query


# --- answers ----------------------------------------------------------------------------------------------------------


def answer_fault(case: corpus_answers.Hostile, seen: Seen) -> str:
    """Return why it is not safe what the client got of a hostile answer, or nothing."""
    if case.section == "REQUIREMENTS, 23" and corpus_answers.LEAK in seen.heard:
        return "what is only for the edge went to the client"
    try:
        got = PERMITTED.answer(seen.heard, case.method, seen.end)
    except Incomplete:
        return ""
    except Refused as refused:
        return f"the client got what is no HTTP ({refused}): {seen.heard[:80]!r}"
    head = seen.heard[: len(seen.heard) - len(got.body)]
    if not head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) or b"\0" in head or _BARE_CR.search(head):
        return f"the client got {head[:80]!r}"
    if head.startswith(b"HTTP/1.0 ") and got.all(b"transfer-encoding"):
        return "the client got a coding in HTTP/1.0 (RFC 9112, 6.1)"
    for reader in (STRICT, *LOOSE):
        try:
            other = reader.answer(seen.heard, case.method, seen.end)
        except (Refused, Incomplete):
            continue
        if (other.status, other.body, other.end) != (got.status, got.body, got.end):
            return f"{reader.name} reads {other.body[:40]!r}, others {got.body[:40]!r}"
    if got.whole and got.end < len(seen.heard):
        return f"more than one answer came: {seen.heard[got.end :][:60]!r}"
    if not got.whole or (got.status in (500, 502, 503, 504) and corpus_answers.LEAK not in got.body):
        return ""
    meant = permitted_answer(case)
    if meant is None:
        return f"{got.status} with {got.body[:40]!r} was made of what is no answer"
    if not meant.whole:
        return f"{got.body[:40]!r} was given as whole"
    if (got.status, got.body) != (meant.status, meant.body):
        return f"{got.status} {got.body[:40]!r} was made of {meant.status} {meant.body[:40]!r}"
    return ""


def permitted_answer(case: corpus_answers.Hostile) -> Answer | None:
    """Return what the RFC lets a proxy make of the system's bytes, or None where they are no answer."""
    data, end = b"", ""
    for step in case.steps:
        if isinstance(step, bytes):
            data += step
        elif isinstance(step, str):
            end = "eof" if step == "close" else "reset"
        elif step >= _SILENCE:
            break
    try:
        return PERMITTED.answer(data, case.method, end)
    except (Refused, Incomplete):
        return None
