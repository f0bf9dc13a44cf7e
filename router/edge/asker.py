"""Who asks a server: the side of a relay (or a mirror's copy) that a server's connection and the pool talk to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.errors import SystemFault
from router.wire.head import ResponseHead

if TYPE_CHECKING:
    from router.edge.upstream import ServerConnection


class Asker:
    """The base of those who ask. Methods are called on the loop, in the order of a message.

    `bodiless` says that the answer has no body whatever its head says (HEAD); `sent_all` that the request is out;
    `safe` that asking twice does no harm; `wants_upgrade` that 101 may be the answer.
    """

    bodiless: bool
    sent_all: bool
    safe: bool
    wants_upgrade: bool

    @property
    def rank(self) -> int:
        """How late it is turned away when a system cannot take everybody: one of `router.ranks`."""
        raise NotImplementedError  # pragma: no cover

    def connected(self, connection: ServerConnection) -> None:
        """A connection is there for the asker, who was waiting."""
        raise NotImplementedError  # pragma: no cover

    def interim(self, head: ResponseHead) -> None:
        """A 1xx answer other than 101 came."""

    def answered(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """The final head came, with the first bytes of the body; `done` if that is all of it."""
        raise NotImplementedError  # pragma: no cover

    def more(self, data: bytes) -> None:
        """More of the body came."""
        raise NotImplementedError  # pragma: no cover

    def ended(self, trailers: bytes) -> None:
        """The body is whole; the connection is no longer the asker's."""
        raise NotImplementedError  # pragma: no cover

    def upgraded(self, head: ResponseHead, rest: bytes) -> None:
        """The server answered 101 and `rest`; from now on bytes go both ways."""
        raise NotImplementedError  # pragma: no cover

    def failed(self, error: SystemFault) -> None:
        """The server did not do its part; the connection is no longer the asker's."""
        raise NotImplementedError  # pragma: no cover

    def drained(self) -> None:
        """The server takes bytes again after `ServerConnection.blocked` was set."""
