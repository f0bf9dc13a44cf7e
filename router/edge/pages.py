"""What a client sees when the edge answers for itself: HTML or JSON by Accept, the request id, no inside knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from typing import Final

import msgspec

from router.headers import UNTOUCHABLE, line
from router.model import Reply
from router.wire.head import joined

_SAID: Final = {
    400: "The address or the request could not be understood.",
    403: "This was not sent from a page of this shop. Please go back and try again from there.",
    404: "There is no page at this address.",
    405: "This address cannot be asked in that way.",
    408: "The request did not arrive in time.",
    413: "What was sent is too large.",
    414: "The address is too long.",
    417: "The request expects something that is not offered here.",
    421: "This shop does not answer to that name.",
    422: "This page takes no card numbers, and what was sent seems to contain one, so it was not passed on. "
    "Please enter your card on the payment page of the checkout only.",
    429: "Too many requests. Please wait a moment.",
    431: "The request's headers are too large. Clearing the cookies for this site may help.",
    500: "Something went wrong.",
    502: "This part of the shop could not be reached. Please try again.",
    503: "This part of the shop is busy. Please try again in a moment.",
    504: "This part of the shop took too long to answer. Please try again.",
    505: "This version of HTTP is not spoken here.",
    508: "This page only leads back to itself. That is a mistake of the shop's, and it has been told of it.",
}

_TITLE: Final = {422: "A card number does not belong here"}
"""Headings, where the status's own phrase would help nobody."""

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{status} {phrase}</title>
<style>body{{font:17px/1.5 system-ui,sans-serif;margin:18vh auto 0;max-width:34em;padding:0 1.5em;color:#222}}
h1{{font-size:1.4em}}small{{color:#666}}</style>
<h1>{phrase}</h1><p>{said}</p>{ways}<p><small>{status} · request {request_id}</small></p>
</html>
"""


def phrase_of(status: int) -> str:
    """Return the reason phrase of a status, or an empty text for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def error_reply(
    status: int,
    request_id: str,
    accept: str = "",
    retry_after: int = 0,
    title: str = "",
    said: str = "",
    ways: Sequence[tuple[str, str]] = (),
) -> Reply:
    """Return the page for a failed request; `retry_after` in seconds, 0 for none.

    `title` and `said` are the heading and the sentence, empty for those that go with the status; `ways` are links to go
    on by, each its text and its address.
    """
    title = title or _TITLE.get(status) or phrase_of(status)
    said = said or _SAID.get(status, _SAID[500])
    headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    if retry_after:
        headers.append(("Retry-After", str(retry_after)))
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    if _wants_json(accept):
        body = msgspec.json.encode({"status": status, "title": title, "detail": said, "request_id": request_id})
        return Reply(status, [("Content-Type", "application/problem+json"), *headers], body)
    links = "".join(f'<p><a href="{escape(address)}">{escape(text)}</a></p>' for text, address in ways)
    page = _PAGE.format(
        status=status, phrase=escape(title), said=escape(said), ways=links, request_id=escape(request_id)
    )
    headers.append(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
    return Reply(status, [("Content-Type", "text/html; charset=utf-8"), *headers], page.encode())


def reserved() -> Reply:
    """Answer what is reserved for the edge and not there; nothing under `/.inseam/` ever goes on to a system."""
    return Reply(404, [("Content-Type", "application/json"), ("Cache-Control", "no-store")], b'{"error":"not found"}\n')


def options() -> Reply:
    """Answer `OPTIONS *`, which asks about the server as a whole. RFC 9110, 9.3.7."""
    return Reply(204, [("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])


def reply_bytes(reply: Reply, bodiless: bool, request_id: bytes, connection_line: bytes) -> bytes:
    """Return a reply as it goes over the wire; `connection_line` continues the request id's line."""
    start = b"HTTP/1.1 %d %b\r\n" % (reply.status, phrase_of(reply.status).encode("ascii"))
    lines = [line(name, value) for name, value in reply.headers if name.lower().encode("latin-1") not in UNTOUCHABLE]
    length = b"" if reply.status in (204, 304) else b"Content-Length: %d\r\n" % len(reply.body)
    body = b"" if bodiless or reply.status in (204, 304) else reply.body
    return b"".join((start, joined(lines), length, b"X-Request-Id: ", request_id, connection_line, b"\r\n", body))


def _wants_json(accept: str) -> bool:
    """Whether JSON is named and HTML is not, or JSON comes first. RFC 9110, 12.5.1, as far as two types need it."""
    low = accept.lower()
    json, html = low.find("json"), low.find("html")
    return json >= 0 and (html < 0 or json < html)
