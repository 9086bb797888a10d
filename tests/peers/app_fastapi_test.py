#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/apps/fastapi.md: FastAPI under uvicorn, with WebSockets. Debian packages python3-fastapi, uvicorn and python3-websockets."""
import asyncio

import websockets

from app_cases import Shop
from rig import run, same

SHOP = Shop("fastapi", [("uvicorn",)], processes=2, places=100, line=r"shop.py:\d+")


def websockets_pass():
    async def talk(address):
        async with websockets.connect("ws://%s:%d/chat" % address) as socket:
            for text in ("hello", "x" * 100000):
                await socket.send(text)
                same(await socket.recv(), f"you said {text}")
    with SHOP.serving() as weir:
        asyncio.run(talk(weir.address()))


run(*SHOP.cases(), websockets_pass, interfaces=(None,))
