"""The token that the admin address asks for where others than this machine reach it: a file, or the environment."""

from __future__ import annotations

import logging
import os
from hmac import compare_digest
from typing import Final

from router.errors import StartError
from router.supervision.settings import ADMIN_TOKEN
from sessions.errors import KeysError
from sessions.privatefile import read_private

_LEAST: Final = 20
"""Characters: 80 bits if they are hexadecimal digits drawn at random."""

_MOST: Final = 1024

_WAY_OUT: Final = "make one with: (umask 077; openssl rand -hex 32 > FILE)"

log = logging.getLogger("inseam.admin")


class Token:
    """A token that was given, or that stands in a file, which may be replaced. Raises StartError if it is of no use."""

    def __init__(self, text: str = "", path: str = "") -> None:
        self._path = path
        self._seen = self._signature()
        self._token = read_token(path) if path else _checked(text, ADMIN_TOKEN)

    def admits(self, authorization: str) -> bool:
        """Whether a request's Authorization header has the token; takes as long whatever is wrong with it."""
        self._renew()
        scheme, _, said = authorization.partition(" ")
        told = said.strip().encode("utf-8", "surrogateescape")
        return compare_digest(told, self._token.encode()) and scheme.lower() == "bearer"

    def _renew(self) -> None:
        signature = self._signature()
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self._token = read_token(self._path)
        except StartError as error:
            log.error("%s; the old token stays in use", error)

    def _signature(self) -> tuple[int, int, int] | None:
        if not self._path:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def read_token(path: str) -> str:
    """Return the token that stands in a file. Raises StartError with a way out."""
    try:
        content = read_private(path, _MOST, _WAY_OUT.replace("FILE", path))
    except KeysError as error:
        raise StartError(f"the admin token: {error}") from error
    return _checked(content.decode("ascii", "replace"), path)


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if len(token) < _LEAST or not all(" " < letter <= "~" for letter in token):
        raise StartError(f"the admin token: {where} has no token of {_LEAST} or more ASCII characters: {_WAY_OUT}")
    return token
