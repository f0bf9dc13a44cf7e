"""Copies of safe requests for a system that is being tried out: sent without cookies, their answers thrown away."""

from __future__ import annotations

from typing import Final

from router.edge.asker import Asker
from router.edge.pool import System
from router.edge.upstream import ServerConnection
from router.errors import SystemFault
from router.exchange import Outbound
from router.headers import applied
from router.model import Edits
from router.ranks import COPY
from router.wire.head import RequestHead, ResponseHead, joined

MOST_COPIES: Final = 64
"""Copies under way at a time in one worker: a slow mirror costs copies, never memory."""

_STRIPPED: Final = Edits(
    remove=["cookie", "authorization", "referer", "x-csrf-token", "x-csrftoken", "if-none-match", "expect"]
)


class Copy(Asker):
    """One copied request; its `deadline` becomes 0 when its answer, or its failure, has been thrown away."""

    __slots__ = ("bodiless", "connection", "deadline", "request", "safe", "sent_all", "system", "wants_upgrade")

    def __init__(self, system: System, head: RequestHead, out: Outbound, told: bytes, deadline: float) -> None:
        edits = _STRIPPED if out.edits is None else out.edits.then(_STRIPPED)
        self.bodiless = head.method == b"HEAD"
        self.sent_all = True
        self.safe = True
        self.wants_upgrade = False
        self.system = system
        self.connection: ServerConnection | None = None
        self.deadline = deadline
        self.request = b"%b %b HTTP/1.1\r\n%b%bInseam-Mirror: 1\r\n\r\n" % (
            head.method, out.target.encode("ascii"), joined(applied(head.block.lines, edits)), told,
        )  # fmt: skip

    @property
    def rank(self) -> int:
        return COPY

    def begin(self) -> bool:
        """Ask; return whether the copy is under way."""
        try:
            connection = self.system.acquire(self)
        except SystemFault:
            return False
        if connection is not None:
            self.connected(connection)
        return True

    def connected(self, connection: ServerConnection) -> None:
        self.connection = connection
        connection.ask(self, self.request)

    def answered(self, head: ResponseHead, body: bytes, done: bool) -> None:
        del head, body
        if done:
            self.end()

    def more(self, data: bytes) -> None:
        del data

    def ended(self, trailers: bytes) -> None:
        del trailers
        self.end()

    def failed(self, error: SystemFault) -> None:
        del error
        self.end()

    def late(self) -> None:
        """The answer took too long."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abandon()
        else:
            self.system.forget(self)

    def end(self) -> None:
        self.connection = None
        self.deadline = 0.0
