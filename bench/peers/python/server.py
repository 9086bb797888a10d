# SPDX-License-Identifier: MIT
"""server.py PORT BACKEND_PORT: /hello, and /page/ID gathers twelve backends from BACKEND_PORT on.

A bare ASGI application under uvicorn with uvloop and httptools, aiohttp as the client: no framework between."""
import asyncio
import json
import os
import sys

import aiohttp
import uvicorn

CALLS = 12
DEADLINE = int(os.environ.get("BENCH_DEADLINE_MS", 1000)) / 1000
PORT, BACKEND_PORT = int(sys.argv[1]), int(sys.argv[2])
session = None


async def member(i, ident):
    try:
        async with session.get(f"http://127.0.0.1:{BACKEND_PORT + i}/answer/{ident}") as reply:
            text = await reply.read()
            json.loads(text)  # valid, so it is embedded as it came
            return b'"c%d":{"status":%d,"body":%b}' % (i, reply.status, text)
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        return b'"c%d":{"error":%b}' % (i, json.dumps(str(error)).encode())


async def app(scope, receive, send):
    global session
    if scope["type"] != "http":
        return
    if scope["path"] == "/hello":
        kind, body = b"text/plain", b"Hello, World!"
    else:
        if session is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=256),
                timeout=aiohttp.ClientTimeout(total=DEADLINE),
                auto_decompress=False,
            )
        ident = scope["path"].removeprefix("/page/")
        members = await asyncio.gather(*(member(i, ident) for i in range(CALLS)))
        kind, body = b"application/json", b"{" + b",".join(members) + b"}"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, log_level="error", loop="uvloop", http="httptools",
            lifespan="off", timeout_keep_alive=60, backlog=4096)
