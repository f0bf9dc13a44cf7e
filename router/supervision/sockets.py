"""The listening sockets: bound once by the supervisor, inherited by every worker.

All workers accept from the same sockets. A socket of each worker's own (SO_REUSEPORT) would share connections out more
evenly, but a worker that hangs would then take its share of them with it, and a second edge on the same port would
start without a word.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

from router.errors import StartError
from router.supervision.settings import Address

_BACKLOG: Final = 4096
"""Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn."""

_FIRST_INHERITED: Final = 3
"""The first file descriptor that systemd hands over: sd_listen_fds(3)."""

ADMIN_NAME: Final = "admin"
"""The name (FileDescriptorName=) of a socket that is for the admin address; all others are the shop's."""

_NO_SUCH_FAMILY: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class HandedOver(NamedTuple):
    """The sockets that systemd listens on for us."""

    shop: list[socket.socket]
    admin: list[socket.socket]
    """Those of a socket unit with `FileDescriptorName=admin`."""


def handed_over() -> HandedOver:
    """Return what systemd handed over, if anything: sd_listen_fds(3). Raises StartError for what we cannot serve on."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return HandedOver([], [])
    count = int(os.environ.pop("LISTEN_FDS", "0"))
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    given = HandedOver([], [])
    for place in range(count):
        sock = socket.socket(fileno=_FIRST_INHERITED + place)
        name = names[place] if place < len(names) else ""
        _check(sock, name)
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
        (given.admin if name == ADMIN_NAME else given.shop).append(sock)
    return given


def _check(sock: socket.socket, name: str) -> None:
    wrong = ""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        wrong = "is no TCP socket: write ListenStream=PORT or ADDRESS:PORT"
    elif not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        wrong = "is one connection: write Accept=no"
    if wrong:
        sock.close()
        raise StartError(f"the socket {name!r} that systemd handed over {wrong} in its socket unit")


def listening(addresses: Iterable[Address]) -> list[socket.socket]:
    """Return one or more sockets for each address. Raises StartError."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets += bound(address)
    except StartError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def bound(address: Address) -> list[socket.socket]:
    """Return listening sockets for every IPv4 and IPv6 address that the host's name stands for. Raises StartError."""
    flags = socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=flags)
    except OSError as error:
        raise StartError(
            f"cannot listen on {address}: {address.host} does not resolve ({error.strerror or error})"
        ) from error
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, where in dict.fromkeys(found):
        try:
            sockets.append(_bound(family, where))
        except OSError as error:
            if error.errno in _NO_SUCH_FAMILY and len(found) > 1:
                missing = error  # a name with an IPv6 address, on a machine without IPv6
                continue
            for sock in sockets:
                sock.close()
            raise StartError(f"cannot listen on {address}: {_why(error)}") from error
    if not sockets and missing is not None:
        raise StartError(f"cannot listen on {address}: {_why(missing)}") from missing
    return sockets


def _bound(family: int, where: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(where)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; stop what listens there or choose another one with --listen or --admin"
    if error.errno == errno.EACCES:
        return "not allowed; ports below 1024 need CAP_NET_BIND_SERVICE, so choose a higher one or grant it"
    if error.errno == errno.EADDRNOTAVAIL:
        return "the address is not one of this machine's"
    return error.strerror or str(error)


def address_of(sock: socket.socket) -> Address:
    """Return where a socket listens, with the port that the system chose."""
    host, port = sock.getsockname()[:2]
    return Address(host, port)
