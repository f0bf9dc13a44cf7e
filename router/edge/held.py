"""An answer that waits: what it says of its visitor is read, asked about and stored, and then it goes on as it came.

A relay keeps one only where there is something to settle; every other answer passes without ever coming here. While it
waits it is read on, as far as a shop's page goes: a server that does one thing at a time answers no question before it
has got rid of its page. More than that stays at the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.edge.seam import Seam, is_page
from router.edge.settling import inquiry, settle, told
from router.errors import SystemFault
from router.wire.head import ResponseHead
from sessions.model import Unsaid
from sessions.profiles import Observed

if TYPE_CHECKING:
    from router.edge.relay import Relay

_MOST: Final = 512 * 1024
"""Bytes of a body that are kept, and that a profile looks at; of a larger one it sees the head only."""


class Held:
    """One answer: its head, and what has come of it meanwhile.

    `end` are the trailers once it is whole, `error` is why it never will be; None for neither.
    """

    __slots__ = ("_body", "_looking", "_size", "end", "error", "head", "relay", "seam")

    def __init__(self, seam: Seam, relay: Relay, head: ResponseHead, body: bytes, done: bool, looking: bool) -> None:
        self.seam = seam
        self.relay = relay
        self.head = head
        self.end: bytes | None = b"" if done else None
        self.error: SystemFault | None = None
        self._body: list[bytes] = [body] if body else []
        self._size = len(body)
        self._looking = looking
        """Whether the body is waited for, because it may tell something."""

    def taken(self) -> bytes:
        """Return what has come of the body, and keep nothing of it."""
        body, self._body = self._body, []
        return b"".join(body)

    # --- while it waits -----------------------------------------------------------------------------------------------

    def more(self, data: bytes) -> None:
        """More of the body came."""
        self._body.append(data)
        self._size += len(data)
        if self._size > _MOST:
            if self._looking:
                self._look(None)
            else:
                self.relay.rest()

    def ended(self, trailers: bytes) -> None:
        """The body is whole."""
        self.end = trailers
        if self._looking:
            coded = "content-encoding" in self.head.block.headers
            self._look(None if coded else b"".join(self._body))

    def failed(self, error: SystemFault) -> None:
        """The rest of the body will never come. What the head says counts all the same."""
        self.error = error
        if self._looking:
            self._look(None)

    def late(self) -> None:
        """It has waited long enough: the shopper gets it without what it could have told."""
        if self._looking:
            self._look(None)
        else:
            self.seam.ledger.event("settled_late")
            self.relay.go_on(self)

    def unwanted(self) -> None:
        """The client has gone. What has happened at the system has happened nevertheless."""
        if self._looking:
            self._looking = False
            observed = told(self.seam, self.relay, self.head, None)
            if observed is not None:
                self.relay.edge.start_task(self._settle(observed))

    # --- settling -----------------------------------------------------------------------------------------------------

    def _look(self, body: bytes | None) -> None:
        """Read what the answer tells, None for a body that cannot be read; settle it, or go on at once."""
        self._looking = False
        observed = told(self.seam, self.relay, self.head, body)
        if observed is None:
            self.relay.go_on(self)
        else:
            self.settle(observed)

    def settle(self, observed: Observed) -> None:
        """Have it asked about and stored, and then go on."""
        self.relay.wait()
        if self._size > _MOST:
            self.relay.rest()
        self.relay.edge.start_task(self._settle(observed))

    async def _settle(self, observed: Observed) -> None:
        seam = self.seam
        try:
            await settle(seam, self.relay, self.head, observed)
        except Exception as error:  # a fault of ours must not cost the page
            seam.ledger.event("settling_failed")
            seam.ledger.log(f"what an answer told of its visitor is lost: {type(error).__name__}: {error}")
        self.relay.go_on(self)


def holds(seam: Seam, relay: Relay, head: ResponseHead, body: bytes, done: bool) -> bool:
    """Keep an answer that has something to settle, or whose body may tell of it; return whether it is kept."""
    if relay.wants_body:
        one = Held(seam, relay, head, body, done, looking=True)
        relay.keep(one)
        if one.end is not None:
            one.ended(one.end)
        elif len(body) > _MOST:
            one.more(b"")
        return True
    observed = told(seam, relay, head, None)
    tells = observed is not None and (bool(observed.ask) or not isinstance(observed.changes.login, Unsaid))
    if not tells and is_page(relay, head) and seam.is_stranger(relay, relay.system_name, int(relay.edge.wall)):
        asked = inquiry(seam, relay, head)
        if asked is not None:
            observed = Observed(observed.changes if observed is not None else asked.changes, asked.ask)
    if observed is None:
        return False
    one = Held(seam, relay, head, body, done, looking=False)
    relay.keep(one)
    one.settle(observed)
    return True
