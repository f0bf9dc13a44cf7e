"""One of the demo's systems as a process of its own, so that it can be stopped while the other goes on.

`python -m deploy.demo.systems cms --fd 5` serves on a socket that its parent has bound, and ends when told to, or when
its standard input ends: then the parent is gone, however it went.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Callable

from aiohttp import web

from deploy.demo.cms import new_cms
from deploy.demo.commerce import new_commerce

SYSTEMS: dict[str, Callable[[], web.Application]] = {"cms": new_cms, "commerce": new_commerce}

_TO_FINISH = 1.0
"""Seconds for requests under way when the system ends."""


async def serve(app: web.Application, sock: socket.socket) -> None:
    """Serve an application on a listening socket until SIGTERM, SIGINT or the end of standard input."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    reader = asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    parent = asyncio.create_task(reader.read())
    parent.add_done_callback(lambda _: ended.set())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_TO_FINISH)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    await ended.wait()
    await runner.cleanup()
    parent.cancel()
    pipe.close()


def main() -> int:
    """Serve the system that the arguments name; return 0 when it was asked to end."""
    parser = argparse.ArgumentParser(prog="deploy.demo.systems", description=__doc__)
    parser.add_argument("name", choices=sorted(SYSTEMS))
    parser.add_argument("--fd", type=int, required=True, help="the listening socket, inherited")
    arguments = parser.parse_args()
    asyncio.run(serve(SYSTEMS[arguments.name](), socket.socket(fileno=arguments.fd)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
