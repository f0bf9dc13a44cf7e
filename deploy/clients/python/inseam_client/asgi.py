"""For any ASGI application (Starlette, FastAPI, Quart): `scope["inseam"]` is the visit.

    app = InseamMiddleware(app, client_of(os.environ))

In Starlette and FastAPI that is `request.scope["inseam"]`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .token import Client
from .visit import Visit
from .wsgi import answered

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class InseamMiddleware:
    """Gives each request, and each WebSocket, its visit."""

    def __init__(self, app: Application, client: Client) -> None:
        self.app, self.client = app, client

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        token = b",".join(value for name, value in scope["headers"] if name == b"inseam-session").decode("latin-1")
        visit = Visit(self.client, token)
        if kid := self.client.waits_for(token):
            await asyncio.to_thread(self.client.keys.get, kid)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", [])]
                lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered(visit, said)]
                message = {**message, "headers": lines}
            await send(message)

        return await self.app({**scope, "inseam": visit}, receive, tell)
