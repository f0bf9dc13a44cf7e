"""Add the headers that tell a browser to be careful, where a system does not send its own.

What a system sets stays, unless `override` is on; its Content-Security-Policy stays even then, byte for byte, and no
page that is for buying gets one from here: what may run on a payment page is that page's word alone (PCI DSS 4.0.1,
6.4.3 and 11.6.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from router.model import Edits, RequestView, ResponseView
from router.options import HeaderValue

_CSP = "Content-Security-Policy"


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """Each option is a header's value; empty leaves that header out. `hsts` is only sent under https (RFC 6797, 7.2).

    `referrer_policy` is same-origin unless told otherwise, so that no address of the checkout reaches another site;
    Django's protection against forged forms needs nothing looser.
    """

    hsts: HeaderValue = "max-age=31536000"
    nosniff: bool = True
    referrer_policy: HeaderValue = "same-origin"
    permissions_policy: HeaderValue = "camera=(), microphone=()"
    frame_options: Literal["", "DENY", "SAMEORIGIN"] = ""
    csp: HeaderValue = ""
    override: bool = False
    _lines: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.hsts and not re.match(r"max-age=\d+(;|$)", self.hsts):
            raise ValueError(f"hsts {self.hsts!r} does not begin with max-age=SECONDS")
        lines = {
            "X-Content-Type-Options": "nosniff" if self.nosniff else "",
            "Referrer-Policy": self.referrer_policy,
            "Permissions-Policy": self.permissions_policy,
            "X-Frame-Options": self.frame_options,
        }
        object.__setattr__(self, "_lines", tuple((name, value) for name, value in lines.items() if value))

    def on_response(self, view: RequestView, response: ResponseView) -> Edits:
        theirs = response.headers
        wanted = {name: value for name, value in self._lines if self.override or name not in theirs}
        if self.hsts and view.scheme == "https" and (self.override or "strict-transport-security" not in theirs):
            wanted["Strict-Transport-Security"] = self.hsts
        if self.csp and _CSP not in theirs and not _for_buying(view):
            wanted[_CSP] = self.csp
        return Edits(set=wanted)


def _for_buying(view: RequestView) -> bool:
    return view.decision is not None and view.decision.rule.intent == "buy"


PLUGIN = SecurityHeaders
