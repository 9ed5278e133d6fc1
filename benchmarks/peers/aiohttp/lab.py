"""The lab's endpoints on aiohttp, which speaks HTTP itself: `python lab.py PORT PROCESSES`."""

import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from aiohttp import web  # noqa: E402
from burn import burn  # noqa: E402

PR_SET_PDEATHSIG = 1  # from linux/prctl.h


async def plaintext(_):
    return web.Response(text="Hello, World!")


async def sleep(request):
    milliseconds = int(request.query["ms"])
    await asyncio.sleep(milliseconds / 1000)
    return web.Response(text=f"slept {milliseconds} ms\n")


async def pid(_):
    return web.Response(text=str(os.getpid()))


async def cpu(request):
    """On the loop: everybody waits for it."""
    microseconds = int(request.query["us"])
    burn(microseconds)
    return web.Response(text=f"burned {microseconds} us\n")


def main() -> None:
    port, processes = int(sys.argv[1]), int(sys.argv[2])
    for _ in range(processes - 1):
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            break
    app = web.Application()
    app.add_routes([web.get("/plaintext", plaintext), web.get("/sleep", sleep), web.get("/cpu", cpu),
                    web.get("/pid", pid)])
    web.run_app(app, host="127.0.0.1", port=port, reuse_port=True, access_log=None, print=None, keepalive_timeout=300)


main()
