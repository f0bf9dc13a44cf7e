"""Opening and keeping sessions in one worker: what was read once is at hand until somebody says that it changed.

On the common path a session costs a look into a dict. Only a cookie that this worker has not seen, or news of a change,
costs a verification and a look into the store, once however many requests wait for it. When the store is down, the
cookie's own facts carry the shopper.

What the keeper counts (`tell`), by name: `session_begun`, `session_ended`, `session_restored` (the store had lost it),
`session_renewed`, `session_unstored`, `session_late` (a change for an id that has moved on), `session_conflict`,
`cookie_refused:REASON`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from sessions.bridge import Outcome, apply, undo_asked
from sessions.cookie import check_age, seal, unseal
from sessions.errors import BadCookie, RevokedSession, StoreDown
from sessions.keys import KeyRing
from sessions.model import Changes, Login, Policy, Session
from sessions.record import Moved, packed, unpacked
from sessions.stores.port import Changed, Gap, News, Revocation, Store, Stored, key_of
from sessions.token import mint

MOST_KEPT: Final = 50_000
"""Sessions, and cookies, that a worker keeps at hand: about 100 MB when all of them are in use."""

_LOOK_AGAIN: Final = 60
"""Seconds for which what was read counts without news: a backstop, should news get lost."""

_LOOK_SOON: Final = 2
"""The same while the store is down."""

_TRIES: Final = 5
"""How often a change is applied anew to what somebody else has written meanwhile."""

_RENEWALS: Final = 30
"""A cookie is renewed when a part in so many of its idle time is over: once a day with the default of 30 days."""


class Kept:
    """A visitor as this worker knows one. `session` is None for a cookie that counts for nothing, `fault` says why.

    `cookie` is the value that the browser should have. `fixed` says that the session may be read and not changed: the
    id has moved on. `look_at` is when the store is asked again.
    """

    __slots__ = ("cookie", "fault", "fixed", "key", "look_at", "renewing", "session", "stale", "system", "tokens")

    def __init__(self, session: Session | None, key: str = "", fault: str = "") -> None:
        self.session = session
        self.key = key
        self.fault = fault
        self.cookie = b""
        self.fixed = False
        self.stale = False
        self.renewing = False
        self.look_at = 0
        self.system = ""
        """The system that answered the last page: the next one on another system is a crossing."""
        self.tokens: dict[str, tuple[bytes, int]] = {}

    @property
    def login(self) -> bool:
        """Whether somebody is logged in."""
        return self.session is not None and self.session.login is not None

    @property
    def items(self) -> int:
        """How many items the basket holds."""
        basket = self.session.basket if self.session is not None else None
        return basket.count if basket is not None else 0


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
    ) -> None:
        self.ring = ring
        self.policy = policy
        self.store = store
        self._new_id = new_id
        self._tell = tell
        self._clock = clock
        self._by_cookie: dict[bytes, Kept] = {}
        self._by_key: dict[str, Kept] = {}
        self._opening: dict[bytes, asyncio.Future[Kept]] = {}
        self._revoked: dict[str, Revocation] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _renew_after(self) -> int:
        """Seconds after which a cookie is issued anew."""
        return self.policy.idle // _RENEWALS

    async def start(self) -> None:
        """Connect the store."""
        await self.store.start(self._hear)

    async def close(self) -> None:
        """Write what is still to be written, and let the store go."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        await self.store.close()

    def change(self, ring: KeyRing, policy: Policy) -> None:
        """Go on with other keys and another policy: everything is verified anew when it is asked for next."""
        if ring is not self.ring or policy != self.policy:
            self.ring, self.policy = ring, policy
            self._by_cookie.clear()
            self._by_key.clear()

    # --- opening ------------------------------------------------------------------------------------------------------

    def at_hand(self, cookie: bytes, now: int) -> Kept | None:
        """Return the visitor of a cookie if that needs no waiting; otherwise `open` it.

        `cookie` is the cookie's value; several of our name (somebody planted one) are joined by `;`.
        """
        kept = self._by_cookie.get(cookie)
        if kept is None or kept.stale or kept.look_at < now:
            return None
        return kept

    async def open(self, cookie: bytes, now: int) -> Kept:
        """Return the visitor of a cookie, asking the store if need be, once for all who ask at the same time."""
        under_way = self._opening.get(cookie)
        if under_way is not None:
            return await asyncio.shield(under_way)
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._opening[cookie] = future
        try:
            kept = await self._open(cookie, now)
            future.set_result(kept)
            return kept
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # whoever waits hears of it; nobody may
            raise
        finally:
            del self._opening[cookie]

    async def _open(self, cookie: bytes, now: int) -> Kept:
        fault = ""
        session: Session | None = None
        for value in cookie.split(b";"):  # REQUIREMENTS, 18: the first that is genuine, never a mix of two
            try:
                session = unseal(value, self.ring, now)
                check_age(session, self.policy, now)
                self._check(session)
                break
            except BadCookie as error:
                session = None
                fault = fault or error.reason
                self._tell(f"cookie_refused:{error.reason}")
        if session is None:
            kept = Kept(None, fault=fault)
            kept.look_at = now + _LOOK_AGAIN
            self._remember(cookie, kept)
            return kept
        key = key_of(session.id)
        known = self._by_key.get(key)
        if known is None or known.stale or known.look_at < now or _newer(session, known.session):
            known = await self._look(key, session, now)
        self._remember(cookie, known)
        if self.renewal_due(known, now):
            await self.renew(known, now)
        return known

    async def _look(self, key: str, session: Session, now: int) -> Kept:
        """Return the visitor of a genuine cookie, by the store's word or, without it, by the cookie's."""
        look_at = now + _LOOK_AGAIN
        record: Session | Moved | None = None
        try:
            stored = await self.store.load(key)
            if stored is not None:
                record = unpacked(stored.data)
                if record is None:
                    self._tell("session_spoiled")
                    await self.store.drop(key)
            if record is None:
                self._tell("session_restored")
                self._later(self._restore(key, session))
        except StoreDown:
            look_at = now + _LOOK_SOON
        if isinstance(record, Moved):
            return self._moved(key, record, now)
        kept = self._by_key.get(key)
        if kept is None or kept.fixed or kept.session is None:
            kept = Kept(session, key)
            self._remember_key(kept)
        assert kept.session is not None
        # Of what the cookie, the store and this worker know the newest counts: a request with an older cookie may be
        # the last whose look into the store comes back.
        newest = session if session.rev >= kept.session.rev else kept.session
        if record is not None and record.id == session.id and record.rev >= newest.rev:
            newest = record
        elif record is not None:
            self._later(self._restore(key, newest))  # what was missed while the store was down
        self._put(kept, newest)
        kept.look_at = min(look_at, newest.renewed + self._renew_after)
        try:
            assert kept.session is not None
            self._check(kept.session)
        except RevokedSession as error:
            return self._ended(kept, error.reason, now)
        return kept

    def _moved(self, key: str, record: Moved, now: int) -> Kept:
        """The id has changed at a login or logout: for a short time it still stands for the guest it was."""
        kept = Kept(record.session if now <= record.until else None, key, "" if now <= record.until else "moved")
        if not kept.session:
            self._tell("cookie_refused:moved")
        kept.fixed = True
        kept.look_at = min(record.until, now + _LOOK_AGAIN) if kept.session else now + _LOOK_AGAIN
        self._remember_key(kept)
        return kept

    def _ended(self, kept: Kept, fault: str, now: int) -> Kept:
        self._tell(f"cookie_refused:{fault}")
        kept.session, kept.fault, kept.tokens, kept.cookie = None, fault, {}, b""
        kept.look_at = now + _LOOK_AGAIN
        return kept

    async def _restore(self, key: str, session: Session) -> None:
        try:
            await self.store.save(key, Stored(session.rev, packed(session)), None, self.policy.idle)
        except StoreDown:
            self._tell("session_unstored")

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
        base = kept.session if kept is not None else None
        moved = kept is not None and kept.fixed
        if moved and base is not None and not isinstance(changes.login, Login):
            self._tell("session_late")
            return kept, Outcome(base)
        outcome = Outcome(base)
        for _ in range(_TRIES):
            outcome = apply(base, changes, system, authority, self.policy, now, self._new_id)
            if not outcome.changed or outcome.session is None:
                if kept is not None and base is not None and base is not kept.session:
                    self._put(kept, base)
                return kept, outcome
            there = await self._write(None if moved else base, outcome.session, now)
            if there is None:
                break
            self._tell("session_conflict")
            if isinstance(there, Moved) and isinstance(changes.login, Login):  # a form that was sent twice
                base, moved = there.session, True
                continue
            if isinstance(there, Moved):
                self._tell("session_late")
                if kept is not None:
                    kept.stale = True
                return kept, Outcome(base)
            base = there
        assert outcome.session is not None
        if base is not None and base.kin and not outcome.session.kin:
            await self._end_kin(base.kin, now)
        return self._carry_on(kept, base, outcome.session, now), outcome

    async def _end_kin(self, kin: str, now: int) -> None:
        """Somebody logs out: the sessions that were handed over, here and on other sites, end with this one."""
        self._tell("session_kin_ended")
        try:
            await self.revoke(Revocation("session", kin, now, now + self.policy.idle))
        except StoreDown:
            self._tell("session_unstored")

    def _carry_on(self, kept: Kept | None, base: Session | None, fresh: Session, now: int) -> Kept:
        """Put what was stored at hand."""
        if kept is not None and base is not None and fresh.id == base.id:
            self._put(kept, fresh)
            kept.look_at = max(kept.look_at, now + _LOOK_SOON)
            return kept
        if base is None:
            self._tell("session_begun")
        mine = Kept(fresh, key_of(fresh.id))
        self._put(mine, fresh)
        mine.look_at = now + _LOOK_AGAIN
        self._remember_key(mine)
        if kept is not None:
            mine.system = kept.system
            kept.stale = True  # the store knows what has become of it
        return mine

    async def _write(self, base: Session | None, fresh: Session, now: int) -> Session | Moved | None:
        """Store a change of `base`; return None, or what stands there instead."""
        record = Stored(fresh.rev, packed(fresh))
        key = key_of(fresh.id)
        try:
            if base is not None and base.id == fresh.id:
                return self._found(await self.store.save(key, record, base.rev, self.policy.idle))
            await self.store.save(key, record, 0, self.policy.idle)
            if base is not None:
                # The new one first: if this worker died between the two, nobody would be without a session.
                old = Moved(now + self.policy.grace, base) if base.login is None else Moved(now, None)
                there = await self.store.save(
                    key_of(base.id), Stored(base.rev + 1, packed(old)), base.rev, self.policy.idle
                )
                if there is not None:
                    await self.store.drop(key)
                return self._found(there)
        except StoreDown:
            self._tell("session_unstored")  # the cookie carries it, and the store is told when it is back
        return None

    async def replace(
        self, kept: Kept | None, make: Callable[[Session | None], Session | None], now: int
    ) -> Kept | None:
        """Give a visitor another session, under an id of its own, and store it; return the visitor as it is now.

        `make` gets the session that the visitor has (None for none) and returns the one to come, or None to leave all
        as it is. It is asked again when somebody else has changed that session meanwhile.
        """
        base = kept.session if kept is not None and not kept.fixed else None
        for _ in range(_TRIES):
            fresh = make(base)
            if fresh is None:
                return kept
            there = await self._write(base, fresh, now)
            if there is None:
                return self._carry_on(kept, base, fresh, now)
            self._tell("session_conflict")
            if isinstance(there, Moved):
                break
            base = there
        self._tell("session_late")
        if kept is not None:
            kept.stale = True
        return kept

    @staticmethod
    def _found(there: Stored | None) -> Session | Moved | None:
        return unpacked(there.data) if there is not None else None

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
            there = await self._write(session, fresh, now)
            if there is None:
                self._tell("session_renewed")
                self._put(kept, fresh)
                kept.look_at = now + _LOOK_AGAIN
            elif isinstance(there, Session):
                self._put(kept, there)
                kept.look_at = now + _LOOK_AGAIN
            else:
                kept.stale = True
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
        for _ in range(_TRIES):
            session = kept.session
            fresh = make(session) if session is not None and not kept.fixed else None
            if session is None or fresh is None:
                return False
            there = await self._write(session, fresh, now)
            if there is None:
                self._put(kept, fresh)
                return True
            if not isinstance(there, Session):
                return False
            self._put(kept, there)
        return False

    async def end(self, kept: Kept, now: int) -> None:
        """End a session for good: on all workers, whoever still has the cookie."""
        if kept.session is not None:
            self._tell("session_ended")
            await self.revoke(Revocation("session", kept.key, now, now + self.policy.idle))
            if kept.session.kin:
                await self._end_kin(kept.session.kin, now)
            self._ended(kept, "revoked", now)

    async def revoke(self, revocation: Revocation) -> None:
        """Make sessions void: here at once, everywhere within a second. Raises StoreDown if nobody else was told."""
        self._hear(revocation)
        await self.store.revoke(revocation)

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
            kept = self._by_key.get(news.key)
            if kept is not None and (kept.session is None or news.rev == 0 or news.rev > kept.session.rev):
                kept.stale = True
        elif isinstance(news, Gap):
            for kept in self._by_key.values():
                kept.stale = True
        else:
            self._forget_old()
            self._revoked[f"{news.kind}:{news.key}"] = news
            for kept in self._by_key.values():
                if kept.session is not None and self._is_void(kept.session, kept.key):
                    kept.stale = True

    def _forget_old(self) -> None:
        now = self._clock()
        for name in [name for name, one in self._revoked.items() if one.until < now]:
            del self._revoked[name]

    def _check(self, session: Session) -> None:
        """Raise RevokedSession for a session that somebody has made void."""
        if self._revoked and self._is_void(session, key_of(session.id)):
            raise RevokedSession("the session was revoked")

    def _is_void(self, session: Session, key: str) -> bool:
        revoked = self._revoked
        if f"session:{key}" in revoked or (session.kin and f"session:{session.kin}" in revoked):
            return True
        everybody = revoked.get("all:")
        if everybody is not None and session.created <= everybody.at:
            return True
        if session.login is None:
            return False
        customer = revoked.get(f"customer:{key_of(session.login.sub)}")
        return customer is not None and session.login_at <= customer.at

    def is_void(self, kept: Kept) -> bool:
        """Whether a session that was opened has been ended since: a tunnel must be cut then."""
        return kept.session is None or (bool(self._revoked) and self._is_void(kept.session, kept.key))

    # --- what is at hand ----------------------------------------------------------------------------------------------

    def _put(self, kept: Kept, session: Session) -> None:
        kept.stale = False
        if kept.session is session and kept.cookie:
            return
        kept.session = session
        kept.tokens = {}
        kept.cookie = seal(session, self.ring)
        self._remember(kept.cookie, kept)

    def _remember(self, cookie: bytes, kept: Kept) -> None:
        if len(self._by_cookie) >= MOST_KEPT:
            for old in list(self._by_cookie)[: MOST_KEPT // 4]:
                del self._by_cookie[old]
        self._by_cookie[cookie] = kept

    def _remember_key(self, kept: Kept) -> None:
        if len(self._by_key) >= MOST_KEPT:
            for old in list(self._by_key)[: MOST_KEPT // 4]:
                self._by_key.pop(old).stale = True  # news would not reach it any more
        self._by_key[kept.key] = kept

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _newer(session: Session, known: Session | None) -> bool:
    return known is None or session.rev > known.rev
