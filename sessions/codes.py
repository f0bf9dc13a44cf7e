"""One-time codes in the store: making one for a session that is to be handed over, and taking one.

The order of the steps is what matters here; what a ticket holds and when it is good says `sessions.handoff`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sessions.errors import StoreDown
from sessions.handoff import (
    LIFE,
    WITNESS_LIFE,
    BadCode,
    Ticket,
    Witness,
    arrived,
    check,
    is_genuine,
    latest,
    new_code,
    packed,
    read_ticket,
    read_witness,
    same_homes,
    ticket_key,
    witness_key,
)
from sessions.keeper import Keeper
from sessions.kept import Kept
from sessions.model import Session
from sessions.record import unpacked
from sessions.stores.port import Revocation, key_of


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of an edge. `homes` says which servers stand behind each system's name here.

    Both methods raise StoreDown: without the store nobody can say whether a code was used. REQUIREMENTS, 40, 42.
    """

    keeper: Keeper
    homes: Mapping[str, str]
    new_id: Callable[[], str]

    async def give(self, kept: Kept, site: str, bind: str, now: int) -> str:
        """Return a code by which the browser with the nonce behind `bind` can take the session to `site`, an origin."""
        store = self.keeper.store
        await self.keeper.mark_kin(kept, now)
        session = kept.session
        assert session is not None
        code = new_code(self.new_id(), self.keeper.ring)
        ticket = Ticket(site, bind, now, self.new_id(), session, self.homes)
        witness = Witness(now, key_of(ticket.new_id))
        # The witness first: there is no moment at which a code can be used and not be told to come again.
        good = await store.put_once(witness_key(code), packed(witness), WITNESS_LIFE)
        if not good or not await store.put_once(ticket_key(code), packed(ticket), LIFE):
            raise StoreDown("the store knows a code that was drawn just now")
        return code

    async def take(self, code: str, site: str, nonce: str, kept: Kept | None, now: int) -> Kept | None:
        """Begin a session at `site` by a code; return the visitor as it is now, who was `kept` there so far.

        Raises BadCode. Whatever it is refused for, a code that was shown to the store is used up.
        """
        keeper = self.keeper
        if not is_genuine(code, keeper.ring):
            raise BadCode("a code that no edge with these keys has made", "forged")
        data = await keeper.store.take_once(ticket_key(code))
        if data is None:
            await self._end_what_came_of(code, now)
            raise BadCode("a code that the store does not know", "unknown")
        ticket = read_ticket(data)
        check(ticket, site, nonce, now)
        key = key_of(ticket.session.id)
        stored = await keeper.store.load(key)
        theirs = latest(ticket.session, unpacked(stored.data) if stored is not None else None)
        if keeper.is_void(Kept(theirs, key)):
            raise BadCode("the session was revoked since the code was made", "revoked")
        handles = same_homes(theirs.handles, ticket.homes, self.homes)

        def arriving(mine: Session | None) -> Session | None:
            return arrived(theirs, mine, ticket.new_id, handles, now, keeper.policy.grace)

        here = await keeper.replace(kept, arriving, now)
        if here is not None and keeper.is_void(here):
            # The code came again meanwhile, so the session was ended before it was at hand.
            here.stale = True
            raise BadCode("a code came a second time while the session began", "used")
        return here

    async def _end_what_came_of(self, code: str, now: int) -> None:
        """End the session that the first use of a code began; of many who come again one does it. REQUIREMENTS, 11."""
        data = await self.keeper.store.take_once(witness_key(code))
        if data is None:
            return
        witness = read_witness(data)
        await self.keeper.revoke(Revocation("session", witness.key, now, now + self.keeper.policy.idle))
        if now - witness.created > LIFE:
            raise BadCode("a code came too late, or again", "late")
        raise BadCode("a code came a second time: the session that came of it is ended", "used")
