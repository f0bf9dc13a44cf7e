"""Listening: bound once, and one clear line where that cannot be."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from router.errors import StartError
from router.supervision.notify import notify
from router.supervision.settings import Address, Certificate
from router.supervision.sockets import address_of, bound, listening


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:8080", Address("::1", 8080)),
        (":80", Address("", 80)),
        ("shop.internal:0", Address("shop.internal", 0)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(Address.parse(str(address))) == str(address)


@pytest.mark.parametrize("text", ["8080", "localhost", "127.0.0.1:65536", "127.0.0.1:-1", "http://x:80", "a b:80", ""])
def test_what_is_no_address_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not HOST:PORT, such as 127\.0\.0\.1:8080"):
        Address.parse(text)


def test_an_ipv6_address_without_brackets_is_told_about_them() -> None:
    with pytest.raises(ValueError, match=r"in brackets, such as \[::1\]:8080"):
        Address.parse("::1:80")


def test_a_port_in_use_is_one_clear_line_and_nothing_stays_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = Address("127.0.0.1", taken.getsockname()[1])

        with pytest.raises(StartError, match=r"cannot listen on 127\.0\.0\.1:\d+: the port is in use; stop") as told:
            listening([Address("127.0.0.1", 0), busy])

    assert "\n" not in str(told.value)


def test_a_name_stands_for_all_its_addresses() -> None:
    sockets = bound(Address("localhost", 0))

    assert sockets
    assert all(address_of(sock).port > 0 for sock in sockets)
    for sock in sockets:
        sock.close()


def test_a_name_that_does_not_resolve_is_one_clear_line() -> None:
    with pytest.raises(StartError, match=r"no-such-host\.invalid does not resolve"):
        bound(Address("no-such-host.invalid", 0))


def test_sockets_that_systemd_hands_over_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        port = given.getsockname()[1]
        fd = os.dup(given.fileno())
        monkeypatch.setattr("router.supervision.sockets._FIRST_INHERITED", fd)
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")

        (sock,) = listening([Address("127.0.0.1", 1)])

    assert address_of(sock).port == port
    assert "LISTEN_FDS" not in os.environ, "a worker must not take them for its own"
    sock.close()


def test_sockets_meant_for_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")

    (sock,) = listening([Address("127.0.0.1", 0)])

    assert address_of(sock).host == "127.0.0.1"
    sock.close()


def test_systemd_is_told_how_far_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        notify("READY=1", "STATUS=serving")

        assert systemd.recv(100) == b"READY=1\nSTATUS=serving"


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/no/such/socket")
    notify("READY=1")


def test_a_certificate_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"TLS file .*shop\.pem: No such file or directory; check the path"):
        Certificate(str(tmp_path / "shop.pem"), str(tmp_path / "shop.key")).context()


def test_a_certificate_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    for name in ("shop.pem", "shop.key"):
        (tmp_path / name).write_text("not PEM")

    with pytest.raises(StartError, match="give a PEM certificate with its chain and the key"):
        Certificate(str(tmp_path / "shop.pem"), str(tmp_path / "shop.key")).context()
