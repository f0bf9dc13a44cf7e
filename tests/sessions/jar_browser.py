"""The cookies of a browser, as far as an edge can see them: paths, lifetimes, prefixes and scripts. RFC 6265bis, 5.6.

Written from the RFC and not from `sessions.jar`, so that one can be held against the other. The clock is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Kept:
    name: bytes
    value: bytes
    path: bytes
    created: int
    expires: float | None
    http_only: bool
    secure: bool

    @property
    def pair(self) -> bytes:
        return self.name + b"=" + self.value if self.name else self.value


def default_path(path: bytes) -> bytes:
    return path[: path.rindex(b"/")] or b"/"


def path_matches(path: bytes, of_cookie: bytes) -> bool:
    return path == of_cookie or (
        path.startswith(of_cookie) and (of_cookie.endswith(b"/") or path[len(of_cookie)] == 47)
    )


def date(said: bytes) -> float | None:
    text = said.decode("latin-1").strip()
    for form in ("%a %b %d %H:%M:%S %Y", "%A, %d-%b-%y %H:%M:%S GMT", "%a, %d-%b-%y %H:%M:%S GMT"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            pass
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


class Browser:
    def __init__(self) -> None:
        self.kept: dict[tuple[bytes, bytes], Kept] = {}
        self.created = 0

    def receive(self, line: bytes, path: bytes, now: float, secure: bool = False, script: bool = False) -> None:
        """Take one Set-Cookie value of an answer to a request for `path`, or what a script says."""
        pair, *attributes = line.split(b";")
        name, equals, value = pair.partition(b"=")
        if not equals:
            name, value = b"", pair
        name, value = name.strip(b" \t"), value.strip(b" \t")
        expires: float | None = None
        aged = http_only = is_secure = False
        of_path = default_path(path)
        for attribute in attributes:
            key, _, said = attribute.partition(b"=")
            key, said = key.strip(b" \t").lower(), said.strip(b" \t")
            if key == b"max-age" and said.lstrip(b"-").isdigit():
                expires, aged = (now + int(said) if int(said) > 0 else -1), True
            elif key == b"expires" and not aged:
                expires = date(said)
            elif key == b"path":
                of_path = said if said.startswith(b"/") else default_path(path)
            elif key == b"httponly":
                http_only = True
            elif key == b"secure":
                is_secure = True
        low = name.lower()
        if not name and (not value or value.lower().startswith((b"__host-", b"__secure-", b"__http-"))):
            return
        if len(name) + len(value) > 4096 or (is_secure and not secure):
            return
        if low.startswith((b"__host-", b"__secure-")) and not is_secure:
            return
        if low.startswith(b"__host-") and (of_path != b"/" or any(b"domain" in each.lower() for each in attributes)):
            return
        had = self.kept.get((name, of_path))
        if script and (http_only or (had and had.http_only)):
            return
        self.created += 1
        kept = Kept(name, value, of_path, had.created if had else self.created, expires, http_only, is_secure)
        self.kept[name, of_path] = kept
        self.expire(now)

    def expire(self, now: float) -> None:
        self.kept = {key: one for key, one in self.kept.items() if one.expires is None or one.expires > now}

    def restart(self) -> None:
        """The visitor closes the browser: what has no lifetime is gone."""
        self.kept = {key: one for key, one in self.kept.items() if one.expires is not None}

    def sent(self, path: bytes) -> list[Kept]:
        return sorted((one for one in self.kept.values() if path_matches(path, one.path)),
                      key=lambda one: (-len(one.path), one.created))  # fmt: skip

    def header(self, path: bytes) -> list[bytes]:
        """Return the Cookie lines of a request: one, or none."""
        line = b"; ".join(one.pair for one in self.sent(path))
        return [line] if line else []

    def document_cookie(self, path: bytes) -> list[bytes]:
        """Return what a script of a page at this path reads."""
        return [one.pair for one in self.sent(path) if not one.http_only]

    def copy(self) -> Browser:
        other = Browser()
        other.kept = {key: replace(one) for key, one in self.kept.items()}
        other.created = self.created
        return other
