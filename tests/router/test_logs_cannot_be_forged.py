"""Whoever sends bytes to the shop can make no line of a log that the edge did not write. REQUIREMENTS, 28."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
from pathlib import Path

import pytest
from running_edge import RULES, RunningEdge, Shop, Start, until

from router.__main__ import main
from router.supervision.logs import OneLine, escaped

FORGED = "inseam: generation 9 is live"
EVIL = [
    f"\n{FORGED}", f"\r\n{FORGED}", f"\r{FORGED}", f"\x85{FORGED}", f"\u2028{FORGED}", f"\x0b{FORGED}",
    "\x1b[2J\x1b[1;1H", "\x9b2J", "\x07\x08\x7f", "\x00", "\u202egnp.exe", "\udc9b",
    '", "status": 200, "x": "', "%s%n{0}",
]  # fmt: skip


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    seen = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("inseam.test", logging.ERROR, __file__, 1, message, arguments, seen)


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_record_is_one_line_whatever_is_in_it(evil: str) -> None:
    line = OneLine().format(record("rule %r of %s", evil, evil))

    assert line.isprintable()
    assert line.startswith("inseam: rule ")


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_traceback_has_no_line_that_looks_like_one_of_the_log(evil: str) -> None:
    try:
        raise ValueError(evil)
    except ValueError as error:
        said = OneLine().format(record("it went wrong", error=error))

    first, *others = said.split("\n")
    assert first == "inseam: it went wrong"
    assert all(line.startswith("    ") and line.isprintable() for line in others)


@pytest.mark.parametrize(
    ("text", "said"),
    [("plain, größe 42 €", "plain, größe 42 €"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\u202e", "\\u202e")],
)
def test_what_prints_stays_and_the_rest_can_still_be_read(text: str, said: str) -> None:
    assert escaped(text) == said


def test_a_rule_cannot_have_a_name_of_two_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.yaml"
    text = RULES.format(cms=1, commerce=2).replace("name: everything else", f'name: "odd\\n{FORGED}\\e[31m"')
    rules.write_text(text)
    (tmp_path / "short_tail.txt").write_text("7\n")

    assert main(["check", str(rules)]) == 1

    assert not any(line.startswith(FORGED) for line in capsys.readouterr().out.splitlines())


def hostile() -> list[bytes]:
    """Requests with something evil in each place that a log might show."""
    made = []
    for text in EVIL:
        evil = text.encode("utf-8", "surrogatepass")
        for target, host, fields in (
            (b"/" + evil, b"shop.example", b""),
            (b"/a?q=" + evil, b"shop.example", b""),
            (b"/a", b"shop" + evil, b""),
            (b"/a", b"shop.example", b"User-Agent: " + evil),
            (b"/a", b"shop.example", b"X-Request-Id: " + evil),
            (b"/a", b"shop.example", b"X-Forwarded-For: " + evil),
            (b"/a", b"shop.example", b"X-Forwarded-Host: " + evil),
            (b"/a", b"shop.example", b"Referer: " + evil + b"\r\nCookie: inseam=" + evil),
            (b"/a", b"shop.example", b"X-" + evil + b": 1"),
        ):
            made.append(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n" % (target, host, fields))
        made.append(b"G" + evil + b" / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    return made


def send(edge: RunningEdge, request: bytes) -> None:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", edge.port), 10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def test_no_bytes_of_a_client_make_a_line_of_either_log(start: Start, shop: Shop, tmp_path: Path) -> None:
    text = RULES.format(cms=1, commerce=shop.commerce.server_port)  # nobody answers for the CMS: that is logged, too
    text = text.replace("version: 1\n", "version: 1\ntrusted_proxies: [127.0.0.1]\n")
    shop.rules.write_text(text)
    target = tmp_path / "access.log"
    edge: RunningEdge = start("--access-log", str(target))

    for request in hostile():
        send(edge, request)
    send(edge, b"GET /the-last HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
    until(lambda: b"/the-last" in target.read_bytes())

    lines = target.read_bytes().decode().removesuffix("\n").split("\n")
    for line in lines:
        assert re.fullmatch(r"\{.*\}", line), line
        assert line.isprintable(), ascii(line)
        said = json.loads(line)
        assert {name: type(value) for name, value in said.items() if name in ("status", "path", "rule")} == {
            "status": int, "path": str, "rule": str,
        }  # fmt: skip
    assert len(lines) <= len(hostile()) + 1
    log = edge.log.read_bytes().decode()
    assert "no answer" in log or "refused" in log, "there is something in it"
    for line in log.removesuffix("\n").split("\n"):
        assert line.startswith("inseam: "), ascii(line)
        assert not line.startswith(FORGED)
        assert line.isprintable(), ascii(line)
