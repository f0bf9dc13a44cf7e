"""Hostile messages in which a client says what only the edge may say: who asks, from where, by which way."""

from __future__ import annotations

from tests.edge.hostile.cases import Hostile, chunked, get, normalised

_PAGE = ("GET", "/page", b"")

NAMES = [
    "Inseam-Session", "Inseam-Update", "Inseam-Mirror", "Inseam-Anything", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Path",
    "X-Forwarded-Server", "X-Forwarded-User", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    "X-Cluster-Client-IP", "Forwarded", "Via", "X-Original-URL", "X-Original-URI", "X-Original-Host", "X-Rewrite-URL",
    "X-Accel-Redirect", "X-Accel-Buffering", "X-Host", "X-Request-Id", "Keep-Alive", "Proxy-Connection",
    "Proxy-Authorization", "HTTP2-Settings", "Trailer",
]  # fmt: skip


def _spellings(name: str) -> list[str]:
    """Return the ways in which a name can be written so that some server still takes it for the name."""
    first_only = name.replace("-", "_", 1)
    return [
        name,
        name.lower(),
        name.upper(),
        name.swapcase(),
        name.replace("-", "_"),
        first_only,
        name.replace("-", "."),
    ]


def _spoofed(name: str) -> Hostile:
    lines = "".join(f"{way}: spoofed-{number}\r\n" for number, way in enumerate(dict.fromkeys(_spellings(name))))
    return normalised(f"{name} in every spelling", "REQUIREMENTS, 21", get(lines.encode()), _PAGE, never=(b"spoofed",))


def _named_by_connection(name: str) -> Hostile:
    """Connection could name the edge's own line, to have it dropped on the way."""
    lines = f"Connection: close-not, {name}\r\n{name}: spoofed\r\nConnection: {name.upper()}\r\n"
    return normalised(
        f"{name}, named by Connection", "RFC 9110, 7.6.1", get(lines.encode()), _PAGE, never=(b"spoofed",)
    )


def _twice(name: str) -> Hostile:
    lines = f"{name}:spoofed, spoofed\r\n{name}:\t spoofed \r\n"
    return normalised(f"{name} twice", "REQUIREMENTS, 21", get(lines.encode()), _PAGE, never=(b"spoofed",))


def _in_trailers(name: str) -> Hostile:
    body = f"5\r\nhello\r\n0\r\n{name}: spoofed\r\n{name.replace('-', '_')}: spoofed\r\n\r\n"
    return normalised(
        f"{name} in trailers",
        "RFC 9110, 6.5.1",
        chunked(body.encode()),
        ("POST", "/form", b"hello"),
        never=(b"spoofed",),
    )


SPOOFING: list[Hostile] = [
    make(name) for name in NAMES for make in (_spoofed, _named_by_connection, _twice, _in_trailers)
]
