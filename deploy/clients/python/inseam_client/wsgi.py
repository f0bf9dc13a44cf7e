"""For any WSGI application: `environ["inseam"]` is the visit, and the answer says what it owes to it.

application = InseamMiddleware(application, client_of(os.environ))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .token import Client
from .visit import Visit

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class InseamMiddleware:
    """Gives each request its visit."""

    def __init__(self, app: Application, client: Client) -> None:
        self.app, self.client = app, client

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        visit = environ["inseam"] = Visit(self.client, environ.get("HTTP_INSEAM_SESSION", ""))

        def start(status: str, headers: Headers, *error: Any) -> Any:
            return start_response(status, answered(visit, headers), *error)

        return self.app(environ, start)


def answered(visit: Visit, headers: Headers) -> Headers:
    """Return an answer's headers with those of the visit; lines that it replaces are gone."""

    def said(name: str) -> str:
        return ", ".join(value for line, value in headers if line.lower() == name)

    ours = visit.headers(said("vary"), said("cache-control"))
    replaced = {name.lower() for name in ours}
    return [(name, value) for name, value in headers if name.lower() not in replaced] + list(ours.items())
