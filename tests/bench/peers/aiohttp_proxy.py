"""The floor: what a proxy costs that is put together from aiohttp's server and client, on uvloop."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict

HOP_BY_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade")


async def serve(port: int, system: str) -> None:
    """Forward all that comes to `port` to `system` ("host:port"), until told to stop."""
    session = ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=300),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        headers = CIMultiDict(request.headers)
        for name in HOP_BY_HOP:
            headers.popall(name, None)
        headers["X-Forwarded-For"] = request.remote or ""
        headers["X-Forwarded-Proto"] = request.scheme
        headers["X-Forwarded-Host"] = request.host
        headers["X-Request-Id"] = uuid.UUID(bytes=os.urandom(16), version=4).hex
        body = request.content if request.body_exists else None
        async with session.request(
            request.method, f"http://{system}{request.raw_path}", headers=headers, data=body, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.title() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(forward, keepalive_timeout=300, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        await session.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
