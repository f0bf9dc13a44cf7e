"""Ask for a name and a password before anything is shown: for a staging shop, not for customers. RFC 7617.

The systems never see the credentials. A name that does not exist takes as long to refuse as a wrong password.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from router.edge.pages import error_reply
from router.model import Edits, Reply, RequestView
from router.options import HeaderValue, Path, Secret, SecretDigest

_NONE = Secret("0" * 64)  # nothing is known that has this digest; comparing takes as long as with any other


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """`users` maps names to the SHA-256 of random passwords; `open_paths` need none (a payment provider's callback)."""

    users: dict[str, SecretDigest] = field(hash=False)
    realm: HeaderValue = "staging"
    open_paths: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.users:
            raise ValueError("users is empty, so nobody could enter: name at least one")
        if any(":" in name for name in self.users):
            raise ValueError("a user's name cannot have a colon: RFC 7617, 2")
        if '"' in self.realm or "\\" in self.realm:
            raise ValueError("realm cannot have quotes or backslashes")

    def on_request(self, view: RequestView) -> Edits | Reply | None:
        if any(path(view.path) for path in self.open_paths):
            return None
        name, password = _credentials(view.headers.get("authorization") or "")
        if self.users.get(name, _NONE)(password):
            return Edits(remove=["Authorization"])
        said = "This is not open to everybody. Please enter name and password."
        reply = error_reply(401, view.request_id, view.headers.get("accept") or "", said=said)
        reply.headers.append(("WWW-Authenticate", f'Basic realm="{self.realm}", charset="UTF-8"'))
        return reply


def _credentials(authorization: str) -> tuple[str, bytes]:
    scheme, _, text = authorization.partition(" ")
    try:
        decoded = base64.b64decode(text.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        decoded = b""
    name, _, password = decoded.partition(b":")
    return name.decode("utf-8", "replace"), password


PLUGIN = BasicAuth
