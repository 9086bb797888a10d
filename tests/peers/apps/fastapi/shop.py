# SPDX-License-Identifier: MIT
"""The shop of docs/apps/fastapi.md. All it knows of weir is one line."""
import asyncio
import hashlib
import os
import re
import time

import weir_app # noqa: names file and line when weir asks
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

app = FastAPI(default_response_class=PlainTextResponse)
app.mount("/static", StaticFiles(directory="static"))


@app.get("/")
async def index():
    return "shop"


@app.get("/healthz")
async def healthz():
    return ""


@app.post("/upload")
async def upload(request: Request):
    size, digest = 0, hashlib.sha256()
    async for piece in request.stream():
        size += len(piece)
        digest.update(piece)
    return f'{{"size": {size}, "sha256": "{digest.hexdigest()}"}}'


@app.get("/seen")
async def seen(request: Request):
    return f'{{"client": "{request.headers["x-forwarded-for"]}", "host": "{request.headers["host"]}"}}'


@app.get("/pid")
async def pid():
    return str(os.getpid())


@app.get("/big")
async def big():
    return "x" * 200000


@app.get("/wait")
async def wait(seconds: float):
    await asyncio.sleep(seconds)
    return str(os.getpid())


@app.get("/regex")
async def regex():
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        re.match("(a+)+$", "a" * 20 + "!")
    return "no match"


@app.websocket("/chat")
async def chat(socket: WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"you said {text}")
