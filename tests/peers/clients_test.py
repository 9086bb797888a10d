#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The gateway and foreign clients: each keeps its connection, receives an answer that comes before its body is sent,
sends a whole body before it reads, and leaves early; none gets a reset instead of an answer.

It is run by Debian's Python, which has the packages that it needs."""
import asyncio
import gzip
import hashlib
import http.client
import json
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
from rig import PATIENCE, Backend, Weir, answering, run, same, until

CONFIG = """
listen: 127.0.0.1:0
limits: {body: 64KiB}
pools: {compute: {wait: 10m}}
routes:
  - {path: /hello, respond: {body: "Hello, World!"}}
  - {path: /sleep, sleep: {for: 20ms}}
  - {path: /hash, hash: {algorithm: sha256}}
  - {path: /compress, compress: {encoding: gzip, level: 1}, limits: {body: 64MiB}}
  - path: /page
    gather: {deadline: 1m, calls: [{name: a, url: "http://127.0.0.1:PORT/"}]}
"""
SMALL, TOO_LARGE = b"some words " * 100, b"x" * (8 << 20)
WHOLE = bytes(range(256)) * (24 << 12) # 24 MiB
MAY_REFUSE = 413 # sent completely before anything is read, and more than may be kept: it gets an answer all the same


def gateway():
    backend = Backend(answering(body=b"1"))
    return Weir("serve", config=CONFIG.replace("PORT", str(backend.port)))


def url(weir, path):
    return "http://%s:%d%s" % (*weir.address(), path)


# ---- the clients: each has get(url), which asks twice on one connection if it can, and post(url, body); both return status and body ----

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


def each(check):
    """Runs a check with each client, each with a gateway of its own."""
    def all_of_them():
        for kind in CLIENTS:
            with gateway() as weir:
                client = kind(weir)
                try:
                    check(weir, client)
                    getattr(client, "close", lambda: None)()
                except Exception as problem:
                    raise AssertionError(f"{kind.__name__}: {problem!r}") from problem
    all_of_them.__name__ = check.__name__
    return all_of_them


def peers_of(weir, count):
    """Returns the client ports of this many requests, from the access log."""
    def found():
        ports = [match[1] for line in list(weir.lines) if line and (match := re.search(r" request method=GET .* peer=\S+:(\d+)", line))]
        return ports if len(ports) >= count else None
    return until(f"{count} requests are logged", found)


# ---- the checks for each client ----

@each
def a_connection_is_kept(weir, client):
    if hasattr(client, "get_twice"):
        same(client.get_twice(url(weir, "/hello"))[0], 200)
    else:
        for _ in range(2):
            same(client.get(url(weir, "/hello")), (200, b"Hello, World!"))
    asked = 20 if isinstance(client, Node) else 2
    same(len(set(peers_of(weir, asked))) <= (asked // 10 or 1), client.keeps, "as few connections as may be")


@each
def bodies_go_there_and_back(weir, client):
    hashed = client.post(url(weir, "/hash"), SMALL)
    same((hashed[0], json.loads(hashed[1])["hex"]), (200, hashlib.sha256(SMALL).hexdigest()))
    same(client.get(url(weir, "/page")), (200, b'{"a":{"status":200,"body":1}}'))
    same(client.head(url(weir, "/hello")), (200, b""))
    same(client.get(url(weir, "/nowhere"))[0], 404)


@each
def an_early_refusal_is_heard(weir, client):
    """The gateway answers as soon as it can, and continues to read for a while, so that no reset destroys its answer."""
    for _ in range(3):
        status, body = client.post(url(weir, "/hash"), TOO_LARGE)
        same((status, json.loads(body)["error"]["code"]), (413, "too_large"), "an early answer")


@each
def who_sends_all_before_it_reads_is_answered(weir, client):
    status, body = client.post(url(weir, "/compress"), WHOLE)
    if status == MAY_REFUSE:
        assert json.loads(body)["error"]["message"], body
    else:
        same((status, gzip.decompress(body) == WHOLE), (200, True))


# ---- other clients ----

def netcat(weir, request):
    """Returns the answer to a request after which the client shuts down its sending side at once."""
    host, port = weir.address()
    done = subprocess.run(["nc", "-N", "-w", str(PATIENCE), host, str(port)], input=request, capture_output=True, timeout=2 * PATIENCE)
    same(done.returncode, 0, done.stderr)
    return done.stdout


def half_a_close_is_no_leaving():
    with gateway() as weir:
        for path in ("/hello", "/sleep", "/page"):
            for version in ("HTTP/1.1\r\nHost: h", "HTTP/1.0"):
                answer = netcat(weir, f"GET {path} {version}\r\n\r\n".encode())
                assert answer.startswith(b"HTTP/1.1 200 "), (path, version, answer)
        body = b"some words"
        answer = netcat(weir, b"POST /hash HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        assert hashlib.sha256(body).hexdigest().encode() in answer, answer
        answer = netcat(weir, b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
        same(answer.count(b"HTTP/1.1 200 "), 3, "pipelined requests")


def apache_bench_keeps_its_connections():
    """ab speaks HTTP/1.0 with Connection: keep-alive."""
    with gateway() as weir:
        for path, count in (("/hello", 500), ("/sleep", 100), ("/page", 200)):
            done = subprocess.run(["ab", "-q", "-k", "-s", str(PATIENCE), "-c", "10", "-n", str(count), url(weir, path)],
                                  capture_output=True, text=True, timeout=4 * PATIENCE)
            same(done.returncode, 0, done.stderr)
            said = dict(re.findall(r"^([\w-][\w -]*): +(\d+)", done.stdout, re.M))
            same((said["Complete requests"], said["Failed requests"], said["Keep-Alive requests"]), (str(count), "0", str(count)), path)
            assert "Non-2xx responses" not in said, done.stdout


def slow_clients_keep_nobody_out():
    """slowhttptest with heads, bodies and readers that trickle; others are served meanwhile."""
    with gateway() as weir:
        for attack in (["-H"], ["-B", "-s", "60000"], ["-X", "-w", "10", "-y", "20", "-z", "5", "-k", "3"]):
            slow = subprocess.Popen(["slowhttptest", *attack, "-c", "200", "-r", "200", "-i", "1", "-l", "4", "-p", "2", "-u",
                                     url(weir, "/hash" if attack[0] == "-B" else "/hello")],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            client, answered = HttpClient(weir), 0
            while slow.poll() is None:
                same(client.get(url(weir, "/hello")), (200, b"Hello, World!"))
                answered += 1
            assert answered > 10, answered


run(a_connection_is_kept, bodies_go_there_and_back, an_early_refusal_is_heard, who_sends_all_before_it_reads_is_answered,
    half_a_close_is_no_leaving, apache_bench_keeps_its_connections, slow_clients_keep_nobody_out)
