"""Opening and keeping sessions in one worker: what was read once is at hand until somebody says that it changed.

On the common path a session costs a look into a dict (0.1 us). Only a cookie that this worker has not seen, or news of
a change, costs a verification and a look into the store, once however many requests wait for it: 40 us in memory, 100
in SQLite, 230 if that has lost it. To store a change takes 40 us and 150. When the store is down, the facts of the
cookie carry the shopper.

What the keeper counts (`tell`), by name: `session_begun`, `session_restored` (the store had lost it), `session_spoiled`
(the store had something else), `session_renewed`, `session_unstored`, `session_late` (a change for an id that has moved
on), `session_conflict` (somebody else was quicker, so it was done again), `session_given_up` (somebody else was quicker
each time), `session_kin_ended`, `store:fault` (a fault of ours in a store), `cookie_refused:REASON`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from sessions.archive import LEAP, TRIES, Archive
from sessions.bridge import Outcome, apply, undo_asked
from sessions.cookie import check_age, seal, unseal
from sessions.errors import BadCookie, ExpiredSession, RevokedSession, StoreDown
from sessions.kept import EVERYTHING, MOST_KEPT, AtHand, Kept
from sessions.keys import KeyRing
from sessions.model import Changes, Policy, Session
from sessions.record import Moved, newest_of, unpacked
from sessions.revoked import Revoked, may_void
from sessions.stores.port import Changed, Gap, News, Revocation, Store, Stored, key_of
from sessions.token import mint

_LOOK_AGAIN: Final = 60
"""Seconds for which what was read counts without news: a backstop, should news get lost."""

_LOOK_SOON: Final = 2
"""The same while the store is down."""

_RENEWALS: Final = 30
"""A cookie is renewed when a part in so many of its idle time is over: once a day with the default of 30 days."""

_MOVED: Final = "moved"
"""The fault of a cookie whose id has moved on."""

_ONCE_GOOD: Final = (ExpiredSession.reason, RevokedSession.reason)

_MOST_VALUES: Final = 64
"""Of a request's cookies of our name so many are looked at: to refuse a forged one takes 13 us. REQUIREMENTS, 18."""


class Keeper:
    """The sessions of one worker. Times are whole seconds since the epoch, given by who calls."""

    def __init__(
        self,
        ring: KeyRing,
        policy: Policy,
        store: Store,
        new_id: Callable[[], str],
        tell: Callable[[str], None],
        clock: Callable[[], float],
        most: int = MOST_KEPT,
    ) -> None:
        self.ring = ring
        self.policy = policy
        self.store = store
        self._new_id = new_id
        self._tell = tell
        self._clock = clock
        self._here = AtHand(most)
        self._opening: dict[bytes, asyncio.Task[Kept]] = {}
        self._revoked = Revoked()
        self._archive = Archive(store, tell, policy)

    @property
    def _renew_after(self) -> int:
        """Seconds after which a cookie is issued anew."""
        return self.policy.idle // _RENEWALS

    async def start(self) -> None:
        """Connect the store."""
        await self.store.start(self._hear)

    async def close(self) -> None:
        """Write what is still to be written, for a second at most, and let the store go."""
        await self._archive.finish(1.0)
        await self.store.close()

    def change(self, ring: KeyRing, policy: Policy) -> None:
        """Go on with other keys and another policy: everything is verified anew when it is asked for next."""
        if ring is not self.ring or policy != self.policy:
            self.ring, self.policy = ring, policy
            self._archive.policy = policy
            self._here.forget()

    # --- opening ------------------------------------------------------------------------------------------------------

    def at_hand(self, cookie: bytes, now: int) -> Kept | None:
        """Return the visitor of a cookie if that needs no waiting; otherwise `open` it.

        `cookie` is the cookie's value; several of our name (somebody planted one) are joined by `;`.
        """
        kept = self._here.by_cookie.get(cookie)
        if kept is None or kept.stale or kept.look_at < now:
            return None
        return kept

    async def open(self, cookie: bytes, now: int) -> Kept:
        """Return the visitor of a cookie, asking the store if need be, once for all who ask at the same time."""
        task = self._opening.get(cookie)
        if task is None:
            # A task of its own: whoever asked first may go away, and the others still wait.
            task = asyncio.get_running_loop().create_task(self._open(cookie, now))
            self._opening[cookie] = task
            task.add_done_callback(partial(self._opened, cookie))
        return await asyncio.shield(task)

    def _opened(self, cookie: bytes, task: asyncio.Task[Kept]) -> None:
        del self._opening[cookie]
        if not task.cancelled():
            task.exception()  # whoever waits hears of it; nobody may

    async def _open(self, cookie: bytes, now: int) -> Kept:
        """Find the one that is genuine and still somebody's, never a mix of two. REQUIREMENTS, 18.

        Of several the one with the latest login or logout counts, then the first: what is older has come behind it, or
        was planted. If the ids of all have moved on, the first stands for the guest it was.
        """
        genuine: list[Session] = []
        found: Kept | None = None
        fault = ""
        ours = True
        for value in cookie.split(b";", _MOST_VALUES)[:_MOST_VALUES]:
            try:
                session = unseal(value, self.ring, now)
                check_age(session, self.policy, now)
                self._check(session)
            except BadCookie as error:
                fault = fault or error.reason
                ours = ours and error.reason in _ONCE_GOOD
                self._tell(f"cookie_refused:{error.reason}")
                continue
            genuine.append(session)
        if len(genuine) > 1:
            genuine.sort(key=_login_at, reverse=True)
        for session in genuine:
            known = await self._known(session, now)
            if found is None or found.session is None:
                found = known
            if known.session is not None and not known.fixed:
                found = known
                break
        if found is None:
            return Kept(None, fault=fault)
        # Others can join what they make up to a genuine cookie, in any number and size: that is not remembered.
        if ours:
            self._here.name(cookie, found)
        if self.renewal_due(found, now):
            await self.renew(found, now)
        return found

    async def _known(self, session: Session, now: int) -> Kept:
        """Return the visitor of a genuine cookie."""
        key = key_of(session.id)
        known = self._here.by_key.get(key)
        if known is None or not known.good(now):
            return await self._look(key, session, now)
        if known.fixed or known.session is None or known.session.rev >= session.rev:
            return known
        return await self._look(key, session, now)

    async def _look(self, key: str, session: Session, now: int) -> Kept:
        """Ask the store, and return what is newest of the cookie's word, the store's, and what is known here.

        A request with an older cookie may be the last whose look into the store comes back, and news may come sooner
        than what was read before: so whoever is looked for can be found by the key all the while.
        """
        kept = self._here.by_key.get(key)
        if kept is None:
            kept = Kept(None, key)
            kept.stale = True
            self._here.add(kept)
        kept.heard = 0
        look_at = now + _LOOK_AGAIN
        stored: Stored | None = None
        down = False
        try:
            stored = await self._archive.load(key)
        except StoreDown:
            down, look_at = True, now + _LOOK_SOON
        found = unpacked(stored.data) if stored is not None else None
        if isinstance(found, Moved):
            return self._moved(key, session, found, kept.heard, now)
        if kept.fixed or kept.fault == _MOVED:
            # It is known here that the id has moved on: a store that has forgotten it is told.
            kept.stale, kept.look_at = False, look_at
            if not down:
                self._archive.restore(key, session.rev + LEAP, Moved(now, kept.session))
            return kept
        if kept.fault:
            heard, kept = kept.heard, Kept(None, key)
            kept.heard = heard
        if found is not None and found.id != session.id:
            found = None
        newest = newest_of(session, kept.session, found)
        if not down and (found is None or found.rev < newest.rev):
            if found is None:  # REQUIREMENTS, 45
                self._tell("session_restored" if stored is None else "session_spoiled")
            self._archive.restore(key, newest.rev, newest, stored if found is None else None)
        self._put(kept, newest)
        kept.look_at = min(look_at, newest.renewed + self._renew_after)
        return self._void(kept, now) if self.is_void(kept) else kept

    def _moved(self, key: str, session: Session, record: Moved, heard: int, now: int) -> Kept:
        """The id has changed at a login or logout: for a short time it still stands for the guest it was."""
        graced = record.session is not None and now <= record.until
        kept = Kept(record.session if graced else None, key, "" if graced else _MOVED)
        if not graced:
            self._tell(f"cookie_refused:{_MOVED}")
        kept.fixed, kept.over = graced, session.login is not None
        kept.look_at = min(record.until, now + _LOOK_AGAIN) if graced else now + _LOOK_AGAIN
        kept.stale = heard == EVERYTHING
        self._here.add(kept)
        return self._void(kept, now) if graced and self.is_void(kept) else kept

    def _void(self, kept: Kept, now: int) -> Kept:
        """Somebody has ended the session."""
        fault = RevokedSession.reason
        self._tell(f"cookie_refused:{fault}")
        kept.session, kept.fault, kept.tokens, kept.cookie, kept.fixed = None, fault, {}, b"", False
        kept.over = True
        kept.stale, kept.look_at = False, now + _LOOK_AGAIN
        return kept

    # --- keeping ------------------------------------------------------------------------------------------------------

    async def keep(
        self, kept: Kept | None, changes: Changes, system: str, authority: frozenset[str], now: int
    ) -> tuple[Kept | None, Outcome]:
        """Apply what a system says, and store it; return the visitor as it is now, and what came of it.

        What somebody else has written meanwhile stays: the changes are applied to that. The result may be another
        `Kept`, because the id changes at login and logout; None where there is nothing to keep.

        For a guest whose id has moved on only a login counts, which begins a session of its own: the answer that had
        the new id may never have arrived. Anything else is late.
        """
        if kept is None:
            return await self._keep(None, changes, system, authority, now)
        if kept.turn is None:
            kept.turn = asyncio.Lock()
        async with kept.turn:
            return await self._keep(kept, changes, system, authority, now)

    async def _keep(
        self, kept: Kept | None, changes: Changes, system: str, authority: frozenset[str], now: int
    ) -> tuple[Kept | None, Outcome]:
        base = kept.session if kept is not None else None
        moved = kept is not None and kept.fixed
        outcome = Outcome(base)
        late = "session_given_up"
        for _ in range(TRIES):
            outcome = apply(base, changes, system, authority, self.policy, now, self._new_id)
            if not outcome.changed or outcome.session is None:
                if kept is not None and base is not None and base is not kept.session and not moved:
                    self._put(kept, base)
                return kept, outcome
            # Not merely that somebody is logged in, which pages of before a logout still tell behind it.
            login = "login" in outcome.events
            if moved and not login:
                late = "session_late"
                break
            there = await self._archive.write(None if moved else base, outcome.session, now)
            if there is None:
                if base is not None and base.kin and not outcome.session.kin:
                    await self._end_kin(base.kin, now)
                return self._carry_on(kept, base, outcome.session, now), outcome
            self._tell("session_conflict")
            if not isinstance(there, Moved):
                base = there
                continue
            if there.session is None and "customer" not in outcome.events:
                late = "session_late"
                break
            base, moved = there.session, True  # a form that was sent twice, or what comes too late
        self._tell(late)
        if kept is not None and not kept.fixed:
            kept.age(EVERYTHING)
        return kept, Outcome(kept.session if kept is not None else None, outcome.refused)

    async def replace(
        self, kept: Kept | None, make: Callable[[Session | None], Session | None], now: int
    ) -> Kept | None:
        """Give a visitor another session, under an id of its own, and store it; return the visitor as it is now.

        `make` gets the session that the visitor has (None for none) and returns the one to come, or None to leave all
        as it is. It is asked again when somebody else has changed that session meanwhile.
        """
        base = kept.session if kept is not None and not kept.fixed else None
        for _ in range(TRIES):
            fresh = make(base)
            if fresh is None:
                return kept
            there = await self._archive.write(base, fresh, now)
            if there is None:
                return self._carry_on(kept, base, fresh, now)
            self._tell("session_conflict")
            if isinstance(there, Moved):
                break
            base = there
        self._tell("session_late")
        if kept is not None:
            kept.age(EVERYTHING)
        return kept

    def renewal_due(self, kept: Kept, now: int) -> bool:
        """Whether the cookie should be issued anew, so that who keeps coming is not forgotten."""
        session = kept.session
        if session is None or kept.fixed or kept.renewing:
            return False
        return now - session.renewed > self._renew_after

    async def renew(self, kept: Kept, now: int) -> None:
        """Begin the idle time anew. Of many who do so at the same time one does it, in all workers."""
        session = kept.session
        if session is None:
            return
        kept.renewing = True
        try:
            fresh = replace(session, renewed=now, rev=session.rev + 1)
            there = await self._archive.write(session, fresh, now)
            if isinstance(there, Moved):
                kept.age(EVERYTHING)
                return
            if there is None:
                self._tell("session_renewed")
            self._put(kept, fresh if there is None else there)
            kept.look_at = now + _LOOK_AGAIN
        finally:
            kept.renewing = False

    async def undo(self, kept: Kept, now: int) -> bool:
        """Ask commerce, by its next token, to take the guest's basket out again; False if there is nothing to undo."""
        return await self._alter(kept, lambda session: undo_asked(session, now), now)

    async def mark_kin(self, kept: Kept, now: int) -> bool:
        """Prepare a session for being handed over to another site; False if it has no need of it, or has moved on."""
        return await self._alter(
            kept, lambda old: None if old.kin else replace(old, kin=self._new_id(), rev=old.rev + 1), now
        )

    async def _alter(self, kept: Kept, make: Callable[[Session], Session | None], now: int) -> bool:
        """Store what `make` makes of a session under its id, unless that is None; return whether anything was."""
        for _ in range(TRIES):
            session = kept.session
            fresh = make(session) if session is not None and not kept.fixed else None
            if session is None or fresh is None:
                return False
            there = await self._archive.write(session, fresh, now)
            if isinstance(there, Moved):
                kept.age(EVERYTHING)
                return False
            self._put(kept, fresh if there is None else there)
            if there is None:
                return True
        return False

    async def revoke(self, revocation: Revocation) -> None:
        """Make sessions void: here at once, everywhere within a second. Raises StoreDown if nobody else was told."""
        self._hear(revocation)
        await self.store.revoke(revocation)

    async def _end_kin(self, kin: str, now: int) -> None:
        """Somebody logs out: the sessions that were handed over, here and on other sites, end with this one."""
        self._tell("session_kin_ended")
        try:
            await self.revoke(Revocation("session", kin, now, now + self.policy.idle))
        except StoreDown:
            self._tell("session_unstored")

    # --- tokens -------------------------------------------------------------------------------------------------------

    def token(self, kept: Kept, system: str, ctx: Mapping[str, str], now: int) -> bytes:
        """Return the session token for a system, minted once per period; empty where there is no session."""
        said = kept.tokens.get(system)
        if said is not None and now < said[1]:
            return said[0]
        if kept.session is None:
            return b""
        token, until = mint(kept.session, system, ctx, self.ring, now, self.policy)
        kept.tokens[system] = (token, until)
        return token

    # --- news ---------------------------------------------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        if isinstance(news, Changed):
            kept = self._here.by_key.get(news.key)
            if kept is not None and (kept.session is None or news.rev == 0 or news.rev > kept.session.rev):
                kept.age(news.rev)
        elif isinstance(news, Gap):
            for kept in self._here.everybody():
                kept.age(EVERYTHING)
        else:
            self._revoked.add(news, int(self._clock()))
            for kept in self._here.everybody():
                session = kept.session
                if session is not None and may_void(news, session, kept.key):
                    kept.stale = True

    def _check(self, session: Session) -> None:
        """Raise RevokedSession for a session that somebody has made void."""
        if self._revoked and self._revoked.voids(session, key_of(session.id)):
            raise RevokedSession("the session was revoked")

    def is_void(self, kept: Kept) -> bool:
        """Whether a session that was opened has been ended since: a tunnel must be cut then."""
        if kept.session is None:
            return kept.fault == RevokedSession.reason  # any other cookie that counts for nothing is a guest's
        return bool(self._revoked) and self._revoked.voids(kept.session, kept.key)

    # --- what is at hand ----------------------------------------------------------------------------------------------

    def _carry_on(self, kept: Kept | None, base: Session | None, fresh: Session, now: int) -> Kept:
        """Put what was stored at hand."""
        if kept is not None and base is not None and fresh.id == base.id:
            self._put(kept, fresh)
            kept.look_at = max(kept.look_at, now + _LOOK_SOON)
            return kept
        if base is None:
            self._tell("session_begun")
        mine = Kept(None, key_of(fresh.id))
        self._put(mine, fresh)
        mine.look_at = now + _LOOK_AGAIN
        if kept is not None:
            mine.system = kept.system
            kept.age(EVERYTHING)  # the store knows what has become of it
        return mine

    def _put(self, kept: Kept, session: Session) -> None:
        """Have a visitor's session at hand, unless a later state of it is.

        It stays stale if the store has had a later one meanwhile, or somebody has ended it.
        """
        known = kept.session
        if known is not None and known.rev > session.rev:
            session = known
        there = self._here.by_key.get(kept.key)
        if there is not None and (there.fixed or there.fault == _MOVED):
            kept.age(EVERYTHING)  # this was done without the store, which knows better
        else:
            self._here.add(kept)
        if known is not session or not kept.cookie:
            kept.session = session
            kept.tokens = {}
            kept.cookie = seal(session, self.ring)
            self._here.name(kept.cookie, kept)
        kept.stale = kept.heard > session.rev or self.is_void(kept)


def _login_at(session: Session) -> int:
    return session.login_at
