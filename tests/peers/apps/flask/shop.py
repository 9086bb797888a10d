# SPDX-License-Identifier: MIT
"""The shop of docs/apps/flask.md: an application that knows nothing of weir."""
import hashlib
import os
import re
import time

from flask import Flask, jsonify, request

app = Flask(__name__) # serves static/ by itself


@app.get("/")
def index():
    return "shop"


@app.get("/healthz")
def healthz():
    return ""


@app.post("/upload")
def upload():
    size, digest = 0, hashlib.sha256()
    while piece := request.stream.read(65536):
        size += len(piece)
        digest.update(piece)
    return jsonify(size=size, sha256=digest.hexdigest())


@app.get("/seen")
def seen():
    return jsonify(client=request.headers.get("X-Forwarded-For"), host=request.host)


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/big")
def big():
    return "x" * 200000


@app.get("/wait")
def wait():
    time.sleep(float(request.args["seconds"]))
    return str(os.getpid())


@app.get("/regex")
def regex():
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        re.match("(a+)+$", "a" * 20 + "!")
    return "no match"
