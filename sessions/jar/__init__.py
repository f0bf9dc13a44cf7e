"""Each system sees its own cookies, as if it stood alone on the domain.

Both halves of a shop say `sessionid` and `csrftoken`, and to a browser they are one site. So the edge gives the cookies
of each system names of their own (sessions.jar.names has the forms) and gives every system back what it set:

- A name that one system alone claims keeps its plain name and goes only there: a shop that comes to the edge, or leaves
  it, loses no session.
- Any other HttpOnly cookie is renamed, `S~x`.
- One that scripts may read is three: `x` for the scripts, `S~!x` for the system, and `~x`, which says that the plain
  one is S's just now and lives as long as it does. With it there, S gets the plain one, which a script may have changed
  or deleted; without, S gets its own. So a plain value is never taken for another system's, whatever expires when.
- A plain one that nobody owns (analytics, consent) goes to every system, untouched; if several claim it, to the one
  that may log people in, as before there was an edge.
- A system can change and delete only what it sees.

Cookies are never parsed strictly: split on `;` and the first `=`, every other byte stays. REQUIREMENTS 16-20,
REAL_SYSTEMS 1-3. Pure.

Measured in plain Python, with 12 cookies: `for_system` 6 us, and 2.5 us where no cookie is kept apart; a Set-Cookie
9-10 us, a reset 6 us. Two hundred cookies: 70 us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sessions.jar.names import COPY, FORMER, KEPT, MARK, OURS, PLAIN, SPACE, Form, Globs, Names, prefix_of, spelled
from sessions.jar.setcookie import YEAR_2000, SetCookie

MOST_COOKIE: Final = 4096
"""Bytes of name and value of a cookie that browsers keep. 6265bis, 5.6. A longer one is lost without a word."""

_OWNED: Final = (MARK, KEPT, COPY)

HEAVY: Final = 6 * 1024
"""Bytes of Cookie from which on it is worth a warning: most servers refuse heads of 8 KB."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What the cookies of a request weigh, in bytes, and the names of the three heaviest (never a value)."""

    total: int
    heaviest: tuple[tuple[bytes, int], ...]

    @property
    def heavy(self) -> bool:
        """Whether it is time to warn."""
        return self.total > HEAVY


def values(lines: Sequence[bytes], name: bytes) -> list[bytes]:
    """Return the values of every cookie of that name, in order: some may be planted, so the caller proves each."""
    found: list[bytes] = []
    for line in lines:
        if name in line:
            for piece in line.split(b";"):
                said, equals, value = piece.partition(b"=")
                if equals and said.strip(SPACE) == name:
                    found.append(value.strip(SPACE))
    return found


def weigh(lines: Sequence[bytes]) -> Weight:
    """Return what the Cookie lines of a request weigh."""
    total = sum([len(line) for line in lines]) + 2 * max(len(lines) - 1, 0)
    if total <= HEAVY:
        return Weight(total, ())
    pieces = [piece.strip(SPACE) for line in lines for piece in line.split(b";")]
    largest = sorted(pieces, key=len, reverse=True)[:3]
    return Weight(total, tuple([(piece[: max(piece.find(b"="), 0)][:64], len(piece)) for piece in largest]))


def without(header: bytes, names: Iterable[str]) -> bytes:
    """Return a Cookie value, as a system gets it, without the cookies of these names (globs)."""
    globs = Globs(names)
    left = [piece for piece in header.split(b";") if not globs.has(piece.partition(b"=")[0].strip(SPACE))]
    return b";".join(left).lstrip(SPACE)


def with_kept(header: bytes, kept: Mapping[bytes, bytes]) -> bytes:
    """Return a Cookie value, as a system gets it, with those of `kept` (name to value) that are missing in it."""
    missing = [name + b"=" + value for name, value in kept.items() if not values([header], name)]
    return b"; ".join([header, *missing] if header else missing)


class _Seen:
    """What a request has of one cookie name."""

    __slots__ = ("copies", "kept", "marks", "plains")

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.copies: dict[str, int] = {}
        self.marks: list[str] = []
        self.plains = 0

    def scripts_hold(self, system: str) -> bool:
        """Whether the plain one is the system's, changed by a script or not, or gone.

        With several of one name, on several paths, nobody can tell which belong together: then its own count.
        """
        return self.marks == [system] and self.copies.get(system) == 1 and self.plains <= 1

    def owned_by(self, system: str) -> bool:
        return system in self.kept or system in self.copies

    def marked_by_others(self, system: str) -> bool:
        return bool(self.marks) and self.marks != [system]


class Jar:
    """The cookies of all systems. `claims` has every system with the names (globs) that its product uses.

    `login_system` is the one with authority over logins: a plain cookie that several claim is taken for its own.
    """

    __slots__ = ("_names",)

    def __init__(self, claims: Mapping[str, Sequence[str]], login_system: str = "") -> None:
        self._names = Names(claims, login_system)

    # --- to a system --------------------------------------------------------------------------------------------------

    def for_system(self, cookie_lines: Sequence[bytes], system: str) -> bytes:
        """Return the one Cookie value for a system; b"" for none. Whatever is passed on is the same byte for byte."""
        line = cookie_lines[0] if len(cookie_lines) == 1 else b"; ".join(cookie_lines)
        form_of = self._names.form_of
        passing: list[bytes] = []
        if b"~" not in line:
            for piece in line.split(b";"):
                form = form_of(piece)
                if form.kind == PLAIN and (not form.only or form.only == system):
                    passing.append(piece)
            return b";".join(passing).lstrip(SPACE)
        pieces = line.split(b";")
        forms = [form_of(piece) for piece in pieces]
        seen = self._seen(pieces, forms)
        for form, piece in zip(forms, pieces, strict=True):
            if form.kind == PLAIN:
                if self._sees_plain(system, form, seen.get(form.name)):
                    passing.append(piece)
            elif form.owner == system and (
                form.kind == KEPT or (form.kind == COPY and not self._reads_plain(system, form.name, seen[form.name]))
            ):
                value = piece.partition(b"=")[2]
                passing.append(b" " + form.name + b"=" + value if form.name else b" " + value)
        return b";".join(passing).lstrip(SPACE)

    def _seen(self, pieces: Sequence[bytes], forms: Sequence[Form]) -> dict[bytes, _Seen]:
        """Return what there is of every name of which a system has its own; only these need to be looked at closely."""
        seen: dict[bytes, _Seen] = {}
        for form, piece in zip(forms, pieces, strict=True):
            if form.kind in _OWNED:
                of = seen.get(form.name)
                if of is None:
                    of = seen[form.name] = _Seen()
                if form.kind == KEPT:
                    of.kept.add(form.owner)
                elif form.kind == COPY:
                    of.copies[form.owner] = of.copies.get(form.owner, 0) + 1
                else:
                    of.marks.append(self._names.system(piece.partition(b"=")[2].strip(SPACE)))
        for form in forms:
            if form.kind == PLAIN and form.name in seen:
                seen[form.name].plains += 1
        return seen

    def _reads_plain(self, system: str, name: bytes, seen: _Seen) -> bool:
        """Whether the system is given the plain one, or its absence, in place of its own."""
        return seen.scripts_hold(system) and not self._names.form(name).alone

    def _sees_plain(self, system: str, form: Form, seen: _Seen | None) -> bool:
        """Whether the plain cookie is one that the system may see."""
        if seen is None:
            return not form.only or form.only == system
        if form.alone:
            # A mark can be planted by a script. It may keep a claimed cookie from its system, never give it to another.
            return form.only == system and not seen.owned_by(system) and not seen.marked_by_others(system)
        if seen.scripts_hold(system):
            return True
        # Others have their own of this name. Only who claims it can still have one from before there was an edge.
        return form.only == system and not seen.marks and not seen.owned_by(system)

    # --- to the browser -----------------------------------------------------------------------------------------------

    def to_browser(
        self,
        system: str,
        set_cookie: bytes,
        cookies_of_request: Sequence[bytes],
        secure: bool,
        rewritten: bool = False,
        now: float = YEAR_2000,
    ) -> list[bytes]:
        """Return the Set-Cookie values to send for one that the system sent, none for a name that is the edge's.

        `secure` says that the visitor speaks https, `rewritten` that the rule changed the path on the way.
        `now`, in seconds since the epoch, tells an Expires in the past; nearly all of them say 1970.
        """
        cookie = SetCookie(set_cookie, secure, rewritten, now)
        form = self._names.form(cookie.name)
        if form.kind == OURS or (not cookie.name and prefix_of(cookie.value.strip(SPACE))):
            return []  # a browser takes no `=__Host-x=1`, which would come back as `__Host-x=1` (6265bis, 5.7)
        seen = self._seen_of(cookies_of_request, cookie.name)
        if form.alone and form.only == system:
            return _claimed(system, cookie, seen)
        # What looks like one of the edge's forms, or is another's by its claim, must not be there under its plain name.
        never_plain = form.kind != PLAIN or form.alone or not cookie.name
        mine = not never_plain and (system in seen.marks or (not seen.marks and form.only in ("", system)))
        if cookie.deletes:
            return _deleted(system, cookie, seen, mine, never_plain)
        if cookie.http_only or never_plain:
            return _hidden(system, cookie, seen, mine)
        lines = _readable(system, cookie, seen)
        if seen.plains and not mine and not seen.marks and not seen.owned_by(form.only):
            # The plain one is from before there was an edge, and the other system's: it shall not lose it.
            value = values(cookies_of_request, cookie.name)[0]
            lines.append(spelled(form.only, COPY, cookie.name) + b"=" + value + _defaults(secure) + b"; HttpOnly")
        return lines

    def _seen_of(self, lines: Sequence[bytes], name: bytes) -> _Seen:
        """Return what a request has of one name."""
        rest = name[len(prefix_of(name)) :]  # what all its forms have in them
        pieces = [piece for line in lines if rest in line for piece in line.split(b";")]
        forms = [self._names.form_of(piece) for piece in pieces]
        seen = self._seen(pieces, forms).get(name)
        if seen is None:
            seen = _Seen()
            seen.plains = sum([form.kind == PLAIN and form.name == name for form in forms])
        return seen

    def reset_script_copies(
        self, system: str, cookies_of_request: Sequence[bytes], secure: bool, set_cookies: Sequence[bytes] = ()
    ) -> list[bytes]:
        """Return the Set-Cookie values that let the scripts of a document of this system read its own cookies.

        Needed where the plain one was another system's last. `set_cookies` are those of the answer: what it sets itself
        needs no reset. They live until the browser closes, or the next document resets them; the system's own live on.
        """
        pieces = [piece for line in cookies_of_request if b"~" in line for piece in line.split(b";")]
        forms = [self._names.form_of(piece) for piece in pieces]
        seen = self._seen(pieces, forms)
        done = {line.partition(b";")[0].partition(b"=")[0].strip(SPACE) for line in set_cookies}
        lines: list[bytes] = []
        for form, piece in zip(forms, pieces, strict=True):
            name = form.name
            if form.kind != COPY or form.owner != system or name in done or system in seen[name].marks:
                continue
            plain = self._names.form(name)
            if plain.kind != PLAIN or plain.alone or not name:
                continue
            done.add(name)
            lines.append(name + b"=" + piece.partition(b"=")[2] + _defaults(secure))
            lines.append(
                spelled(system, MARK, name) + b"=" + system.encode("ascii") + _defaults(secure) + b"; HttpOnly"
            )
        return lines

    def forget(
        self, system: str, names: Iterable[str], cookies_of_request: Sequence[bytes], secure: bool
    ) -> list[bytes]:
        """Return the Set-Cookie values that delete the system's cookies of these names (globs) at the path `/`.

        For a login that ended elsewhere. What other systems have of the same names stays.
        """
        globs = Globs(names)
        pieces = [piece for line in cookies_of_request for piece in line.split(b";")]
        forms = [self._names.form_of(piece) for piece in pieces]
        seen = self._seen(pieces, forms)
        targets: dict[bytes, None] = {}
        for form in forms:
            name = form.name
            if not name or not globs.has(name):
                continue
            if form.kind in (KEPT, COPY, FORMER) and form.owner == system:
                targets[spelled(system, form.kind, name)] = None
            elif form.kind in (PLAIN, MARK):
                of = seen.get(name)
                marked = of is not None and bool(of.marks) and not self._names.form(name).alone
                if system in of.marks if of is not None and marked else form.only == system:
                    targets[spelled(system, MARK, name) if form.kind == MARK else name] = None
        return [target + b"=" + _defaults(secure) + b"; Max-Age=0" for target in targets]


def _claimed(system: str, cookie: SetCookie, seen: _Seen) -> list[bytes]:
    """Return the lines for a name that the system alone claims; what it was before it was claimed is deleted."""
    stale = [spelled(system, MARK, cookie.name)] if seen.marks else []
    if system in seen.copies:
        stale.append(spelled(system, COPY, cookie.name))
    if system in seen.kept:
        stale.append(spelled(system, KEPT, cookie.name))
    return [cookie.pair + cookie.tail, *_erased(stale, cookie)]


def _hidden(system: str, cookie: SetCookie, seen: _Seen, mine: bool) -> list[bytes]:
    """Return the lines for a cookie that no script reads. `mine` says that a plain one would be the system's."""
    name = cookie.name
    stale = [spelled(system, COPY, name)] if system in seen.copies else []
    if mine and seen.plains:
        stale.append(name)
    if mine and seen.marks:
        stale.append(spelled(system, MARK, name))
    return [spelled(system, KEPT, name) + b"=" + cookie.value + cookie.hidden(), *_erased(stale, cookie)]


def _readable(system: str, cookie: SetCookie, seen: _Seen) -> list[bytes]:
    """Return the lines for a cookie that scripts may read: theirs, the system's, and whose the first one is."""
    stale = [spelled(system, KEPT, cookie.name)] if system in seen.kept else []
    return [
        cookie.pair + cookie.tail,
        spelled(system, COPY, cookie.name) + b"=" + cookie.value + cookie.hidden(),
        spelled(system, MARK, cookie.name) + b"=" + system.encode("ascii") + cookie.hidden(),
        *_erased(stale, cookie),
    ]


def _deleted(system: str, cookie: SetCookie, seen: _Seen, mine: bool, never_plain: bool) -> list[bytes]:
    """Return the lines that delete a system's cookie in every form in which it may be there.

    What is kept for the path `/` is in every request, so what is not there needs no deletion; at another path nobody
    can tell.
    """
    name = cookie.name
    blind = not cookie.everywhere or not (seen.owned_by(system) or (mine and (seen.plains or seen.marks)))
    targets: list[bytes] = []
    if blind or system in seen.kept:
        targets.append(spelled(system, KEPT, name))
    if (blind and not never_plain) or system in seen.copies:
        targets.append(spelled(system, COPY, name))
    # A marked plain one may go: whose it is has its own. An unmarked one may be all there is.
    foreign = not mine and (cookie.everywhere if seen.marks else seen.plains > 0)
    if not (never_plain or foreign):
        if blind or seen.plains:
            targets.append(name)
        if blind or seen.marks:
            targets.append(spelled(system, MARK, name))
    return [target + b"=" + cookie.value + cookie.tail for target in targets]


def _defaults(secure: bool) -> bytes:
    """Return the attributes of a cookie of which only name and value are known."""
    return b"; Path=/; SameSite=Lax; Secure" if secure else b"; Path=/; SameSite=Lax"


def _erased(names: Iterable[bytes], cookie: SetCookie) -> list[bytes]:
    return [name + b"=" + cookie.erase for name in names]
