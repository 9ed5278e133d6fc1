"""The lab's endpoints on Starlette: an event loop behind a gateway interface again (ASGI)."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from burn import burn  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.responses import PlainTextResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402


async def plaintext(_):
    return PlainTextResponse("Hello, World!")


async def sleep(request):
    milliseconds = int(request.query_params["ms"])
    await asyncio.sleep(milliseconds / 1000)
    return PlainTextResponse(f"slept {milliseconds} ms\n")


async def cpu(request):
    microseconds = int(request.query_params["us"])
    burn(microseconds)
    return PlainTextResponse(f"burned {microseconds} us\n")


app = Starlette(routes=[Route("/plaintext", plaintext), Route("/sleep", sleep), Route("/cpu", cpu)])
