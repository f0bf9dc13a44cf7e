"""A commerce server that bears so much and no more, and a CMS that bears everything. Not measured.

`python -m tests.bench.busy_shop COMMERCE_PORT CMS_PORT THREADS SECONDS`: so many requests are worked on at a time, each
for so long; the others wait inside, first come first served, also those whose client has given up: it is a shop's
server with threads, and it does not look who still listens. `/ready` is answered at once; `/basket/add` fills a basket.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

BASKET = '{"basket": {"id": "b7", "rev": 1, "count": 2, "total": "39.80", "currency": "EUR"}}'


async def serve(commerce_port: int, cms_port: int, threads: int, seconds: float) -> None:
    """Listen until told to stop."""
    free = asyncio.Semaphore(threads)
    working: set[asyncio.Task[None]] = set()

    async def work() -> None:
        async with free:
            await asyncio.sleep(seconds)

    async def sell(request: web.Request) -> web.Response:
        if request.path != "/ready":
            task = asyncio.create_task(work())
            working.add(task)
            task.add_done_callback(working.discard)
            await asyncio.shield(task)
        headers = {"X-System": "commerce"}
        if request.path == "/basket/add":
            headers["Inseam-Update"] = BASKET
        return web.Response(text="sold", headers=headers)

    async def tell(_: web.Request) -> web.Response:
        return web.Response(text="told", headers={"X-System": "cms"})

    for port, handler in ((commerce_port, sell), (cms_port, tell)):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
