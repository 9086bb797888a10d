#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The gateway and foreign clients: each keeps its connection, receives an answer that comes before its body is sent,
sends a whole body before it reads, and leaves early; none gets a reset instead of an answer.

It is run by Debian's Python, which has the packages that it needs."""
import gzip
import hashlib
import json
import re
import subprocess

from clients import CLIENTS, HttpClient, Node
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
