"""Random neighbours of the corpus, for as long as one likes: `make fuzz`, or

    python -m tests.edge.hostile.fuzz --seconds 60 --seed 7

Each fuzzer has a property that no message may break. A finding is printed with its bytes and the seed that leads there
again; the exit code is then 1. What was found goes into the corpus.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from time import monotonic

import h11
import uvloop

from router.boundary import Boundary
from router.errors import ClientError
from router.model import Headers, RequestView, Timeouts
from router.wire.target import canonical
from tests.edge.hostile.cases import SMUGGLED, get
from tests.edge.hostile.corpus_answers import ANSWERS
from tests.edge.hostile.corpus_framing import FRAMING
from tests.edge.hostile.corpus_heads import HEADS
from tests.edge.hostile.corpus_paths import BEHIND, SPELLINGS
from tests.edge.hostile.corpus_spoofing import SPOOFING
from tests.edge.hostile.harness import CLOSING, Answer, Client, client, exchange, generation, pieces_of, shop
from tests.edge.hostile.lenient import WORDS, reads_as_buying
from tests.edge.recording import CLOSE, RESET, Step
from tests.wire.referees import (
    Message,
    gate_request,
    gate_response,
    h11_request,
    h11_response,
    llhttp_request,
    llhttp_response,
)

MESSAGES = [case.sent for case in (*FRAMING, *HEADS, *SPOOFING) if len(case.sent) < 4000]
SAID = [b"".join(step for step in case.steps if isinstance(step, bytes)) for case in ANSWERS]
SAID = [said for said in SAID if 0 < len(said) < 4000]

_QUICK = Timeouts(connect=1.0, response=0.05, idle=0.05)

_SALT = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\x00", b"\x0b", b"\x7f", b"\x80", b"\xff", b" ", b"\t", b":", b";", b",",
    b"=", b'"', b"\\", b"/", b"//", b"..", b"%", b"%2f", b"%25", b"#", b"?", b"_", b"-", b"+", b"0", b"1", b"5", b"f",
    b"0x", b"a", b"A", b"chunked", b"identity", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n", b"Host: b\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n",
    b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n", b"HTTP/1.1", b"HTTP/1.0",
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"GET /x HTTP/1.1\r\n", b"POST ", b"HTTP/1.1 100 C\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"hello",
]  # fmt: skip


Reader = Callable[[bytes], Message | None]


class Finding(Exception):
    """A message that breaks a property."""


def mutated(rng: random.Random, message: bytes) -> bytes:
    """Return the message with one to four small changes: bytes in, out, other, twice, elsewhere."""
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(message))
        size = rng.choice((1, 1, 2, 4, 12))
        change = rng.randrange(6)
        if change == 0:
            message = message[:place] + rng.choice(_SALT) + message[place:]
        elif change == 1:
            message = message[:place] + message[place + size :]
        elif change == 2:
            message = message[:place] + rng.choice(_SALT) + message[place + size :]
        elif change == 3:
            message = message[:place] + bytes((rng.randrange(256),)) + message[place + 1 :]
        elif change == 4:
            message = message[: place + size] + message[place:]
        else:
            message = message[:place] + message[place:].swapcase()
    return message


# --- the gate, without sockets ----------------------------------------------------------------------------------------


def fuzz_gate(rng: random.Random, until: float) -> int:
    """What the gate lets through, llhttp and h11 read alike, as it came and as it goes on."""
    tried = 0
    while monotonic() < until:
        tried += 1
        if rng.random() < 0.6:
            _judge(mutated(rng, rng.choice(MESSAGES)), gate_request, (llhttp_request, h11_request))
        else:
            _judge(mutated(rng, rng.choice(SAID)), gate_response, (llhttp_response, h11_response))
    return tried


def _judge(data: bytes, gate: Reader, referees: tuple[Reader, ...]) -> None:
    ours = gate(data)
    if ours is None:
        return
    for referee in referees:
        came = referee(data[: ours.used])
        if came is None or (came.start, came.body, came.used) != (ours.start, ours.body, ours.used):
            raise Finding(f"{referee.__name__} reads {data!r}\nas {came}\nthe gate as {ours}")
        went = referee(ours.sent)
        if went is None or (went.body, went.used) != (ours.body, len(ours.sent)):
            raise Finding(f"{data!r}\ngoes on as {ours.sent!r}, which is read as {went}")


# --- the edge, over sockets -------------------------------------------------------------------------------------------


async def fuzz_edge(rng: random.Random, until: float) -> int:
    """Systems get no request that a strict reader of the same bytes does not see, and in its order."""
    tried = 0
    while monotonic() < until:
        async with shop() as it:
            for _ in range(200):
                tried += 1
                data = b"".join(mutated(rng, rng.choice(MESSAGES)) for _ in range(rng.randint(1, 2))) + SMUGGLED
                it.forget()
                async with client(it.port) as visitor:
                    await visitor.send(*(pieces_of(data, rng.choice((2, 5, 40))) if rng.random() < 0.5 else [data]))
                    visitor.writer.write_eof()
                    await visitor.rest()
                expected = list(_strictly(data))
                for system in (it.cms, it.commerce):
                    got = [(request.method.encode(), request.body) for request in system.requests]
                    if system.faults or not _in_order(got, expected):
                        raise Finding(f"{data!r}\nreached {system.name} as {got}, {system.faults}")
                if monotonic() > until:
                    break
    return tried


def _strictly(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield method and body of each request that h11 reads, empty lines between them passed over."""
    while data:
        while data.startswith(b"\r\n"):
            data = data[2:]
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(data)
        method, body = b"", b""
        try:
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Request):
                    method = event.method
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                else:
                    return
        except h11.RemoteProtocolError:
            return
        yield method, body
        data = reader.trailing_data[0]


def _in_order(some: list[tuple[bytes, bytes]], all_of_them: list[tuple[bytes, bytes]]) -> bool:
    rest = iter(all_of_them)
    return all(each in rest for each in some)


async def fuzz_answers(rng: random.Random, until: float) -> int:
    """Whatever a system says, its client's wait comes to an end, and honest clients get their own answers."""
    tried = 0
    while monotonic() < until:
        said = mutated(rng, rng.choice(SAID))
        steps: list[Step] = [said, *rng.choice(([], [CLOSE], [RESET]))]
        tried += 1
        try:
            honest = await _after(steps)
        except TimeoutError:
            try:
                honest = await _after(steps)  # once may be a machine that slept
            except TimeoutError as endless:
                raise Finding(f"after {steps!r}\na client waits for ever") from endless
        if honest.body != b"cms GET /after":
            raise Finding(f"after {steps!r}\nan honest client got {honest}")
    return tried


async def _after(steps: list[Step]) -> Answer:
    """Ask a system that answers so, three times, and then for something honest; return the honest answer."""
    async with shop(answers={"/hostile": steps}, timeouts=_QUICK) as it:
        for _ in range(3):
            async with client(it.port) as visitor:
                await visitor.send(get(target=b"/hostile"))
                await _anything(visitor)
        (honest,) = await exchange(it.port, [CLOSING])
        return honest


async def _anything(visitor: Client) -> None:
    """Wait for an answer of any kind, or for its end."""
    try:
        await visitor.answer()
    except (ConnectionResetError, AssertionError, ValueError):
        return


# --- paths ------------------------------------------------------------------------------------------------------------

_PARTS = [
    "/", "/", "//", ".", "..", "...", "%2e", "%2E", "%2f", "%5c", "\\", ";", ";x=y", "%3b", "%3f", "%23", "?", "%25",
    "%2525", "%", "%00", "%20", "+", "%09", "%0a", "::$data", ":$i30:$index_allocation", "%c0%af", "%c0%ae", "%ff",
    "%c3", "%cc%81", "%e2%80%8b", "%c2%ad", "%ef%bb%bf", "%ef%bc%8f", "%ef%bc%8e", "%ef%bc%bc", "%ef%bc%85",
    "%ef%bc%9b", "%e2%81%84", "%e2%88%95", "%c2%a0", "%e3%80%80", "%c2%85", "x", "X", "~", "-",
]  # fmt: skip


def _path(rng: random.Random) -> str:
    """Return a path that is checkout or basket in some reading, or nearly."""
    word = rng.choice(WORDS)
    path = rng.choice(SPELLINGS).spell(word) + rng.choice(BEHIND)
    for _ in range(rng.randint(0, 3)):
        place = rng.randint(1, len(path))
        change = rng.randrange(4)
        before, letter, behind = path[:place], path[place : place + 1], path[place + 1 :]
        if change == 0:
            path = before + rng.choice(_PARTS) + letter + behind
        elif change == 1:
            path = before + letter.upper() + behind
        elif change == 2:
            path = (
                path[:place] + "".join(f"%{byte:02x}" for byte in path[place : place + 1].encode()) + path[place + 1 :]
            )
        else:
            path = path[: place - 1] + rng.choice(["/x/", "/x/", "/"]) + path[place - 1 :].lstrip("/")
    return path.partition("?")[0]


def fuzz_paths(rng: random.Random, until: float) -> int:
    """No path that any reader takes for checkout is given to the CMS."""
    made = generation(1, 2)
    boundary = Boundary(made.rules, made.systems)
    tried = 0
    while monotonic() < until:
        tried += 1
        path = _path(rng)
        try:
            spelt = canonical(path.encode("latin-1")).decode()
        except ClientError:
            continue
        view = RequestView("GET", spelt, Headers([]), host="shop.test")
        decision = made.rules.match(view)
        if boundary.guards(decision) and boundary.misread(view):
            continue
        if decision.system == "cms" and reads_as_buying(spelt):
            raise Finding(f"the CMS would get {spelt!r}, sent as {path!r}")
    return tried


# --- the command ------------------------------------------------------------------------------------------------------


FUZZERS = (fuzz_gate, fuzz_paths, fuzz_edge, fuzz_answers)


def fuzz(seconds: float, seed: int) -> int:
    """Run every fuzzer for its share of the time; return how many findings there were."""
    findings = 0
    for run in FUZZERS:
        rng = random.Random(f"{seed} {run.__name__}")
        until = monotonic() + seconds / len(FUZZERS)
        try:
            tried = run(rng, until)
            if not isinstance(tried, int):
                tried = uvloop.run(tried)
        except (Finding, AssertionError) as finding:
            findings += 1
            print(f"{run.__name__}, seed {seed}: {finding or type(finding).__name__}")
        else:
            print(f"{run.__name__}, seed {seed}: {tried} messages, nothing found")
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description="Look for messages that break what the hostile corpus says.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    said = parser.parse_args()
    with contextlib.redirect_stderr(io.StringIO()):  # the edge says of every broken answer what it thinks of it
        findings = fuzz(said.seconds, said.seed)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
