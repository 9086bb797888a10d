# SPDX-License-Identifier: MIT
"""An application for the rows serve-overload-…: a request for /work takes 10 ms of the CPU, as rendering a page does; /upload takes a body,
/large answers with 200 KiB."""
import time

from fastapi import FastAPI, Request, Response

WORK_S = 0.010
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
large = b"x" * 200_000


@app.get("/work")
async def work():
    began, count = time.thread_time(), 0
    while time.thread_time() - began < WORK_S:
        count += sum(range(100))
    return {"count": count}


@app.post("/upload")
async def upload(request: Request):
    return {"bytes": len(await request.body())}


@app.get("/large")
async def read():
    return Response(large, media_type="application/octet-stream")
