"""Ask another service whether a request may pass: the example of a plugin that waits.

The service is asked by GET with the client's cookies and Authorization and with X-Forwarded-*; never with a body. 2xx
lets the request pass, with the headers in `copy` as the service sent them. 5xx and silence mean `fallback`. Any other
answer goes to the client as it is: a login page's redirect, a 401, a 403. The same protocol is Traefik's ForwardAuth
and, but for the headers' names, nginx's auth_request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import Field

from router.errors import InseamError
from router.model import Edits, Reply, RequestView
from router.options import Duration, HeaderName

_SENT = ("accept", "accept-language", "authorization", "cookie", "user-agent")
_TOLD = ("content-type", "location", "set-cookie", "www-authenticate")
_BODY = 64 * 1024  # bytes of a refusal's page; a login page that needs more can be redirected to


class AuthUnavailable(InseamError):
    """The service answered and could not decide."""


@dataclass(slots=True)
class ForwardAuth:
    """`url` is asked; with no answer in `budget` seconds, `fallback` open lets pass, closed answers 503."""

    url: str
    fallback: Literal["open", "closed"] = "closed"
    budget: Annotated[Duration, Field(le=30)] = 0.5
    copy: tuple[HeaderName, ...] = ()
    connections: Annotated[int, Field(ge=1, le=10_000)] = 100
    otherwise: Reply | None = field(init=False, repr=False, compare=False)
    _session: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https?://[^/\s@]+/\S*", self.url):
            raise ValueError(f"url {self.url!r} is not one such as http://127.0.0.1:4180/verify")
        page = Reply(503, [("Retry-After", "5"), ("Cache-Control", "no-store")], b"Please try again in a moment.\n")
        self.otherwise = page if self.fallback == "closed" else None

    def on_request(self, view: RequestView) -> Edits:
        """Whatever happens, a client cannot write the headers that the systems believe to be the service's."""
        return Edits(remove=list(self.copy))

    async def on_request_waiting(self, view: RequestView) -> Edits | Reply | None:
        """Ask. Raises AuthUnavailable or aiohttp.ClientError where there is no answer."""
        async with self._client().get(self.url, headers=_question(view), allow_redirects=False) as answer:
            if answer.status >= 500:
                raise AuthUnavailable(f"{self.url} answered {answer.status}")
            if answer.status < 300:
                return Edits(set={name: answer.headers[name] for name in self.copy if name in answer.headers})
            told = [(name, value) for name, value in answer.headers.items() if name.lower() in _TOLD]
            return Reply(answer.status, [*told, ("Cache-Control", "no-store")], await _start(answer.content))

    async def close(self) -> None:
        """Give the connections back; the edge calls this when it ends or goes by other rules."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession | None = self._session
        if session is None:  # made on the loop that asks: each worker has its own
            session = self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.connections),
                cookie_jar=aiohttp.DummyCookieJar(),  # one visitor's cookies must not go with the next one's question
                timeout=aiohttp.ClientTimeout(total=self.budget),
            )
        return session


def _question(view: RequestView) -> dict[str, str]:
    sent = {name: value for name in _SENT if (value := view.headers.get(name)) is not None}
    return sent | {
        "X-Forwarded-Method": view.method,
        "X-Forwarded-Proto": view.scheme,
        "X-Forwarded-Host": view.authority,
        "X-Forwarded-Uri": view.target,
        "X-Forwarded-For": view.client,
        "X-Request-Id": view.request_id,
    }


async def _start(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > _BODY:
            return b""
    return bytes(body)


PLUGIN = ForwardAuth
