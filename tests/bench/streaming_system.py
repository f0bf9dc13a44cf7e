"""A system that streams: as many bytes down as one asks for, and it counts those that come up. Not measured.

GET /down?bytes=N[&chunked=1]          N bytes with Content-Length, or in chunks
POST /up[?slow=SECONDS]                reads the body, at first slowly if asked to, and answers how many bytes came
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

BLOCK = bytes(64 * 1024)
PAUSE = 0.02


async def down(request: web.Request) -> web.StreamResponse:
    """Send `bytes` bytes, as fast as the other end takes them."""
    left = int(request.query["bytes"])
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    if "chunked" in request.query:
        response.enable_chunked_encoding()
    else:
        response.content_length = left
    await response.prepare(request)
    while left:
        piece = BLOCK[:left]
        await response.write(piece)
        left -= len(piece)
    await response.write_eof()
    return response


async def up(request: web.Request) -> web.Response:
    """Count the body; with `slow`, pause after each piece for that many seconds altogether."""
    count, slow = 0, float(request.query.get("slow", 0))
    async for piece in request.content.iter_any():
        count += len(piece)
        if slow > 0:
            await asyncio.sleep(PAUSE)
            slow -= PAUSE
    return web.Response(text=str(count))


async def ready(_: web.Request) -> web.Response:
    """Answer, so that one can see that we run."""
    return web.Response(text="ready")


async def serve(port: int) -> None:
    """Listen until told to stop."""
    app = web.Application(client_max_size=0)
    app.add_routes([web.get("/", ready), web.get("/down", down), web.post("/up", up)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
