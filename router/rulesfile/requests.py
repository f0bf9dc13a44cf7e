"""Requests as they stand in `examples:` and `tests:`, and what the rules make of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from router.errors import ClientError, InseamError
from router.model import Headers, RequestView
from router.rulesfile.addresses import BadAddress, host_name
from router.wire.target import canonical

_REQUEST = re.compile(r"(?:(?P<method>[A-Z]+(?:-[A-Z]+)*) +)?(?P<url>\S+)")
_URL = re.compile(r"(?:(?P<scheme>https?)://(?P<authority>[^/?#]+))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_SAFE = "/!$&'()*+,=:@%;\\"  # what the strict reading of a path is to judge goes there as it came


class BadRequestText(InseamError):
    """A text that is no request; `hint` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def split_request(text: str) -> tuple[str, str]:
    """Return method and URL of `/path`, `GET /path` or `GET https://shop.example/path`. Raises BadRequestText.

    The method is empty where the text has none.
    """
    found = _REQUEST.fullmatch(text.strip())
    if found is None:
        raise BadRequestText(f'"{text}" is no request', "write /path or GET /path")
    return found["method"] or "", found["url"]


def view_of(
    method: str, url: str, headers: Iterable[tuple[str, str]] = (), at: float = 0.0, host: str = ""
) -> RequestView:
    """Return a request as the edge would see it.

    `url` is a path with or without a query, or an http(s) URL; `host` is used where neither it nor the headers name
    one; `at` is in seconds since the epoch. Raises BadRequestText, and AmbiguousPath where the edge would refuse.
    """
    found = _URL.fullmatch(url)
    if found is None or not (found["path"].startswith("/") or (found["authority"] and not found["path"])):
        hint = "leave the fragment out" if "#" in url else "write /path or https://host/path"
        raise BadRequestText(f'"{url}" is no path and no http(s) URL', hint)
    lines = list(headers)
    said = next((value for name, value in lines if name.lower() == "host"), host)
    authority = found["authority"] or said
    path = canonical(quote(found["path"] or "/", safe=_SAFE).encode("ascii")).decode("ascii")
    query = quote(found["query"] or "", safe=_SAFE + '?[]{}|^`"<>')
    named = [(name, value) for name, value in lines if name.lower() != "host"]
    try:
        held = Headers.of([("Host", authority), *named] if authority else named)
    except UnicodeEncodeError:
        raise BadRequestText("a header has a character that no header may have", "write ASCII") from None
    return RequestView(
        method or "GET",
        path,
        held,
        query,
        scheme=found["scheme"] or "http",
        host=_bare(authority),
        authority=authority,
        now=at,
        request_id="0" * 32,
    )


def _bare(authority: str) -> str:
    if not authority:
        return ""
    host = re.sub(r":[0-9]*$", "", authority) if not authority.endswith("]") else authority
    try:
        return host_name(host)
    except BadAddress as error:
        raise BadRequestText(str(error), error.hint) from error


__all__ = ["BadRequestText", "ClientError", "split_request", "view_of"]
