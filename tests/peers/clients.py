# SPDX-License-Identifier: MIT
"""Foreign clients in one form. Each has get(url), post(url, body) and head(url), which return status and body; get_twice(url) where one call asks twice on one
connection. Debian's Python has the packages that they need."""
import asyncio
import http.client
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from rig import PATIENCE


class HttpClient:
    """http.client of Python, which sends a whole body before it reads anything."""
    keeps = True

    def __init__(self, weir):
        self.connection = http.client.HTTPConnection(*weir.address(), timeout=PATIENCE)

    def ask(self, method, target, body=None):
        self.connection.request(method, re.sub(r"http://[^/]*", "", target), body)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def get(self, target):
        return self.ask("GET", target)

    def post(self, target, body):
        return self.ask("POST", target, body)

    def head(self, target):
        return self.ask("HEAD", target)


class Urllib:
    """urllib of Python, which uses a connection for each request."""
    keeps = False

    def __init__(self, weir):
        pass

    def ask(self, method, target, body=None):
        try:
            with urllib.request.urlopen(urllib.request.Request(target, method=method, data=body), timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    get, post, head = HttpClient.get, HttpClient.post, HttpClient.head


class Requests:
    keeps = True

    def __init__(self, weir):
        self.session = requests.Session()

    def ask(self, method, target, body=None):
        answer = self.session.request(method, target, data=body, timeout=PATIENCE)
        return answer.status_code, answer.content

    get, post, head = HttpClient.get, HttpClient.post, HttpClient.head


class RequestsChunked(Requests):
    """The same, with bodies of unknown length."""

    def post(self, target, body):
        return self.ask("POST", target, (body[at:at + 65536] for at in range(0, len(body), 65536)))


class Httpx:
    keeps = True

    def __init__(self, weir):
        self.client = httpx.Client(timeout=PATIENCE, headers={"accept-encoding": "identity"})

    def ask(self, method, target, body=None):
        with self.client.stream(method, target, content=body) as answer:
            return answer.status_code, b"".join(answer.iter_raw())

    get, post, head = HttpClient.get, HttpClient.post, HttpClient.head


class Aiohttp:
    """aiohttp, which reads while it writes."""
    keeps = True

    def __init__(self, weir):
        self.loop = asyncio.new_event_loop()
        self.session = self.loop.run_until_complete(self.open())

    def close(self):
        self.loop.run_until_complete(self.session.close())
        self.loop.close()

    async def open(self):
        return aiohttp.ClientSession(auto_decompress=False)

    async def answer(self, method, target, body):
        async with self.session.request(method, target, data=body) as answer:
            return answer.status, await answer.read()

    def ask(self, method, target, body=None):
        return self.loop.run_until_complete(self.answer(method, target, body))

    get, post, head = HttpClient.get, HttpClient.post, HttpClient.head


class Curl:
    """curl, which sends Expect: 100-continue before a large body; two URLs in one command share a connection."""
    keeps = True
    def __init__(self, weir):
        pass

    def run(self, *arguments, body=None):
        done = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), "-w", "\n%{http_code}", *arguments],
                              input=body, capture_output=True)
        assert done.returncode == 0, (done.returncode, done.stderr)
        answer, status = done.stdout.rsplit(b"\n", 1)
        return int(status), answer

    def get(self, target):
        return self.run(target)

    def get_twice(self, target):
        return self.run(target, "-o", "/dev/null", target, "-o", "/dev/null")

    def post(self, target, body):
        return self.run("--data-binary", "@-", target, body=body)

    def head(self, target):
        status, _ = self.run("-I", "-o", "/dev/null", target)
        return status, b""


class CurlChunked(Curl):
    """The same, with bodies of unknown length, and without Expect."""

    def post(self, target, body):
        return self.run("-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", "@-", target, body=body)


class Node:
    """fetch of Node.js with its defaults: a process for each request, or for two of them."""
    keeps = True
    program = """
const [method, url, times] = process.argv.slice(1), pieces = [];
for await (const piece of process.stdin) pieces.push(piece);
const body = method === "POST" ? Buffer.concat(pieces) : undefined;
let last;
for (let i = 0; i < times; i++) {
  const answer = await fetch(url, { method, body, headers: { "accept-encoding": "identity" } });
  last = [answer.status, Buffer.from(await answer.arrayBuffer())];
}
process.stdout.write(last[0] + "\\n");
process.stdout.write(last[1]);
"""

    def __init__(self, weir):
        pass

    def ask(self, method, target, body=b"", times=1):
        done = subprocess.run(["node", "--input-type=module", "-e", self.program, method, target, str(times)], input=body,
                              capture_output=True, timeout=2 * PATIENCE)
        assert done.returncode == 0, done.stderr.decode()
        status, answer = done.stdout.split(b"\n", 1)
        return int(status), answer

    def get_twice(self, target):
        """Its pool opens a second connection when a request follows an answer at once; many requests use the same two."""
        return self.ask("GET", target, times=20)

    get, post, head = HttpClient.get, HttpClient.post, HttpClient.head


CLIENTS = [HttpClient, Urllib, Requests, RequestsChunked, Httpx, Aiohttp, Curl, CurlChunked, Node]
