"""Listening: bound once, and one clear line where that cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.errors import StartError
from router.supervision.notify import keep_watchdog, notify, watchdog_seconds
from router.supervision.settings import Address, Certificate
from router.supervision.sockets import address_of, bound, handed_over, listening


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


@pytest.fixture
def hand_over(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that hands sockets over under names, as systemd does."""

    def hands(*given: tuple[socket.socket, str]) -> None:
        first = 200  # as systemd's 3, but in a process where 3 is somebody else's
        for place, (sock, _) in enumerate(given):
            os.dup2(sock.fileno(), first + place)
            sock.close()
        monkeypatch.setattr("router.supervision.sockets._FIRST_INHERITED", first)
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", str(len(given)))
        monkeypatch.setenv("LISTEN_FDNAMES", ":".join(name for _, name in given))

    return hands


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def test_sockets_that_systemd_hands_over_are_told_apart_by_their_names(hand_over: Callable[..., None]) -> None:
    given = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [port_of(sock) for sock in given]
    hand_over((given[0], "inseam.socket"), (given[1], "admin"), (given[2], "unknown"))

    shop, admin = handed_over()

    assert [port_of(sock) for sock in shop] == [ports[0], ports[2]]
    assert [port_of(sock) for sock in admin] == [ports[1]]
    assert not any(name.startswith("LISTEN_") for name in os.environ), "a worker must not take them for its own"
    for sock in (*shop, *admin):
        sock.close()


def test_sockets_meant_for_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")

    assert handed_over() == ([], [])


def test_a_socket_that_no_shopper_can_come_by_is_refused(hand_over: Callable[..., None], tmp_path: Path) -> None:
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "edge"))
    local.listen()
    hand_over((local, "inseam.socket"))

    with pytest.raises(StartError, match=r"'inseam\.socket' .* is no TCP socket: write ListenStream=PORT"):
        handed_over()


def test_a_connection_in_the_place_of_a_listening_socket_is_refused(hand_over: Callable[..., None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listens:
        hand_over((socket.create_connection(listens.getsockname()), "inseam.socket"))

        with pytest.raises(StartError, match="is one connection: write Accept=no"):
            handed_over()


# --- systemd ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd hears."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(str(tmp_path / "notify"))
        hears.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield hears


def test_systemd_is_told_how_far_we_are(systemd: socket.socket) -> None:
    notify("READY=1", "STATUS=serving")

    assert systemd.recv(100) == b"READY=1\nSTATUS=serving"


async def beats(systemd: socket.socket, answers: list[bool]) -> list[bytes]:
    """Keep the watchdog while a fleet answers so, once each time; return what systemd heard."""
    asked: list[float] = []

    async def well(seconds: float) -> bool:
        asked.append(seconds)
        return answers[len(asked) - 1] if len(asked) <= len(answers) else False

    task = asyncio.create_task(keep_watchdog(well, 0.03))
    async with asyncio.timeout(5):
        while len(asked) <= len(answers):
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    systemd.setblocking(False)
    heard = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(systemd.recv(100))
    return heard


async def test_the_watchdog_hears_of_us_only_while_a_worker_answers(systemd: socket.socket) -> None:
    assert await beats(systemd, [True, True, False, False, True]) == [b"WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    ("said", "pid", "seconds"),
    [("30000000", "", 30.0), ("30000000", "own", 30.0), ("30000000", "1", 0.0), ("", "", 0.0), ("soon", "", 0.0)],
)
def test_the_watchdog_is_kept_as_systemd_wants_it(
    monkeypatch: pytest.MonkeyPatch, said: str, pid: str, seconds: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", said)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)

    assert watchdog_seconds() == seconds


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


def test_a_tls_key_that_others_can_read_is_worth_a_warning(tmp_path: Path) -> None:
    key = tmp_path / "shop.key"
    key.write_text("secret")
    key.chmod(0o644)
    assert Certificate("shop.pem", str(key)).warning.endswith(f"(mode 0644): chmod 600 {key}")

    key.chmod(0o600)
    assert Certificate("shop.pem", str(key)).warning == ""
