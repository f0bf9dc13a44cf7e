"""What the operator asked of `inseam serve`, checked for form."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass, field
from typing import Final

from router.errors import StartError
from sessions.privatefile import exposed

ADMIN_TOKEN: Final = "INSEAM_ADMIN_TOKEN"  # noqa: S105  # its name, not the token
"""The variable that may have the admin token itself, for where secrets come that way."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. `host` is empty for every address of this machine; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that `127.0.0.1:8080`, `[::1]:8080`, `shop.internal:80` or `:8080` stands for.

        Raises ValueError with a way out.
        """
        host, colon, port = text.rpartition(":")
        odd = "/" in host or " " in host or not port.isascii() or not port.isdecimal()
        if not colon or odd or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :8080")
        if host.startswith("[") and host.endswith("]"):
            return cls(host[1:-1], int(port))
        if ":" in host:
            raise ValueError(f"{text!r} is not HOST:PORT: write an IPv6 address in brackets, such as [::1]:8080")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The two PEM files of TLS towards clients: the certificate with its chain, and its private key."""

    cert: str
    key: str

    def context(self) -> ssl.SSLContext:
        """Return a context that speaks TLS 1.2 and later and HTTP/1.1. Raises StartError if a file is of no use."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Make `context` use the files as they are now, from the next handshake on. Raises StartError."""
        for name in (self.cert, self.key):
            try:
                with open(name, "rb"):
                    pass
            except OSError as error:
                raise StartError(f"TLS file {name}: {error.strerror or error}; check the path and its mode") from error
        try:
            context.load_cert_chain(self.cert, self.key, password=self._no_password)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error)
            said = "they are not a certificate and a key" if "PEM lib" in reason else reason.replace("_", " ").lower()
            raise StartError(
                f"TLS files {self.cert} and {self.key}: {said};"
                " give a PEM certificate with its chain and the key that belongs to it"
            ) from error

    @property
    def warning(self) -> str:
        """What the operator should know; empty if nothing. Other tools make these files, so nothing is refused."""
        try:
            found = os.stat(self.key)
        except OSError:
            return ""
        if not exposed(found):
            return ""
        return (
            f"TLS key {self.key}: others can get at it (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600 {self.key}"
        )

    def _no_password(self) -> str:
        raise ValueError("the key is encrypted, and nobody is there to type its password")


@dataclass(frozen=True, slots=True)
class Settings:
    """`workers` 0 stands for one a processor core; times are in seconds; `admin` None switches the address off."""

    rules: str = "rules.yaml"
    listen: tuple[Address, ...] = (Address("127.0.0.1", 8080),)
    admin: Address | None = Address("127.0.0.1", 9090)
    workers: int = 1
    certificate: Certificate | None = None
    access_log: str = ""
    drain: float = 15.0
    drain_wait: float = 0.0
    """For how long shoppers are still let in after readiness has said no."""
    store: str = "memory:"
    """Where sessions are kept: memory:, sqlite:PATH or redis://..."""
    keys: str = ""
    """The keys file; empty for keys that are made at the start and gone at the end."""
    admin_token: str = field(default="", repr=False)
    """The admin address's token itself; empty where there is none, or a file has it."""
    admin_token_file: str = ""
    probes_only: bool = False
    """Whether the admin address answers nothing but /livez and /readyz."""
    audit_log: str = ""

    @property
    def worker_count(self) -> int:
        """How many workers to keep."""
        return self.workers or len(os.sched_getaffinity(0))
