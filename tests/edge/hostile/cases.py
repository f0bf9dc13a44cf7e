"""What a hostile message is, as data: the bytes, the verdict, and the section that says so."""

from __future__ import annotations

from dataclasses import dataclass

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n"
"""What must never come to a system as a request of its own."""

Passed = tuple[str, str, bytes]
"""Method, target and body of a request as a system must have got it."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One message. With `statuses` it is refused with one of them, and no system gets a byte of it.

    `begun` admits that the system may have got a beginning, where the fault stands in a body that is streamed: never a
    whole request. `stays` says that the connection may stay, because it is beyond doubt where the message ends. Without
    `statuses` it is normalised: systems get exactly `passes`, and none of the bytes in `never`, whatever their case.
    """

    name: str
    section: str
    sent: bytes
    statuses: frozenset[int] = frozenset()
    begun: bool = False
    stays: bool = False
    passes: tuple[Passed, ...] = ()
    never: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        return self.name


def refused(name: str, section: str, sent: bytes, *statuses: int, begun: bool = False, stays: bool = False) -> Hostile:
    """A message that is answered with one of the statuses, 400 unless said, and goes nowhere."""
    return Hostile(name, section, sent, frozenset(statuses or (400,)), begun, stays)


def normalised(name: str, section: str, sent: bytes, *passes: Passed, never: tuple[bytes, ...] = ()) -> Hostile:
    """A message that goes on as these requests and without these bytes."""
    return Hostile(name, section, sent, passes=passes, never=never)


def get(lines: bytes = b"", target: bytes = b"/page", host: bytes = b"Host: shop.test\r\n") -> bytes:
    """A GET with more header lines."""
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (target, host, lines)


def post(lines: bytes, body: bytes, version: bytes = b"1.1") -> bytes:
    """A POST whose framing is left to the lines."""
    return b"POST /form HTTP/%b\r\nHost: shop.test\r\n%b\r\n%b" % (version, lines, body)


def chunked(body: bytes, coding: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    """A POST with a body in the chunked coding, well formed or not."""
    return post(coding, body)
