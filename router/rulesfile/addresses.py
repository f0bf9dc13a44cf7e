"""Servers, networks and host names, read strictly: what two programs could read differently is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from router.conditions import Host, Network
from router.model import ServerAddress


class BadAddress(ValueError):
    """An address, network or host that cannot be used; `hint` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:@?#\[\]]+)(?::(?P<port>[0-9]+))?(?P<rest>.*)"
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def server_address(text: str) -> ServerAddress:
    """Return the server that `http://10.0.0.5:8000` names. Raises BadAddress."""
    found = _URL.fullmatch(text)
    if found is None or (found["rest"] and found["rest"][0] not in "/?#"):
        example = f"write http://{text}" if re.fullmatch(r"[\w.-]+(:\d+)?", text) else "write http://10.0.0.5:8000"
        raise BadAddress(f'"{text}" is no server', example)
    if found["rest"] not in ("", "/"):
        raise BadAddress(
            f'the server "{text}" has a path', "a rule's `rewrite` changes paths; write scheme://host:port"
        )
    scheme, host = found["scheme"], found["host"].strip("[]")
    port = int(found["port"]) if found["port"] else {"http": 80, "https": 443}[scheme]
    if not 0 < port < 65_536:
        raise BadAddress(f'the server "{text}" has no port between 1 and 65535')
    if found["host"].startswith("["):
        _ip(host, text)
    else:
        host = host_name(host)
    return ServerAddress(scheme, host, port)


def network(text: str) -> Network:
    """Return the network that `10.0.0.0/8` or an address names. Raises BadAddress."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadAddress(f'"{text}" is no network', "write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32") from None
    raise BadAddress(f'"{text}" is an address within a network', f"write {meant} or {text.partition('/')[0]}")


def hosts(texts: Iterable[str]) -> Host:
    """Return the condition that the host is one of these; `*.shop.example` is any below it. Raises BadAddress."""
    names: set[str] = set()
    below: list[str] = []
    for text in texts:
        if text.startswith("*."):
            below.append("." + host_name(text[2:]))
        else:
            names.add(host_name(text))
    return Host(frozenset(names), tuple(dict.fromkeys(below)))


def host_name(text: str) -> str:
    """Return a host as requests name it: lower case, `xn--` for other scripts, no port. Raises BadAddress."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare:
        try:
            return f"[{ipaddress.IPv6Address(bare)}]"
        except ValueError:
            raise BadAddress(f'the host "{text}" has a port or a scheme', "write shop.example") from None
    if "*" in bare:
        raise BadAddress(f'"{text}": a * can only stand for all names below', "write *.shop.example")
    name = bare
    try:
        if not bare.isascii():
            name = bare.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    name = name.lower().removesuffix(".")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise BadAddress(f'"{text}" is no host name', "write shop.example")
    return name


def _ip(host: str, text: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise BadAddress(f'"{text}" is no server', "write http://[2001:db8::1]:8000") from None
