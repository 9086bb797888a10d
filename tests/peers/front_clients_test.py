#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Foreign clients before the proxy, and Node, nginx and HAProxy behind it: everything passes in both directions as it was sent.

It is run by Debian's Python, which has the packages that clients.py needs."""
import contextlib
import functools
import hashlib
import os
import subprocess

from clients import CLIENTS
from front import BUILD, HERE, Child, folder_of, free_port, is_second_run, listens, node, program, url
from front_pieces import HASHER
from nginx import nginx
from rig import PATIENCE, Weir, run, same

CONFIG = """
listen: 127.0.0.1:0
routes:
  - {path: /*, proxy: {to: "http://127.0.0.1:PORT", timeout: 120s}, limits: {body: 1GiB}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 30s
  timeout client 120s
  timeout server 120s
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server node 127.0.0.1:{behind}
"""
SMALL, LARGE = b"some words " * 100, bytes(range(256)) * (4 << 12)
CHUNKS = b"".join(b"line %d\n" % number for number in range(1000))


# ---- what stands behind the gateway: each gives its port ----

@contextlib.contextmanager
def of_node():
    with node({"server.mjs": HASHER}) as server:
        yield server.port


@contextlib.contextmanager
def of_nginx():
    upstream = "upstream node { server 127.0.0.1:%d; keepalive 4; }"
    with of_node() as behind, nginx(upstream % behind, """client_max_body_size 0;
        location / { proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; }
        location /files/ { alias ./; }""") as address:
        yield address[1]


@contextlib.contextmanager
def of_haproxy():
    port = free_port()
    with of_node() as behind, folder_of({"haproxy.cfg": HAPROXY.format(port=port, behind=behind)}) as folder:
        with Child(program("haproxy"), "-db", "-f", os.path.join(folder, "haproxy.cfg"), ready=lambda: listens(port)):
            yield port


def backends():
    return [of_node] if is_second_run() else [of_node, of_nginx, of_haproxy]


@contextlib.contextmanager
def gateway(backend):
    with backend() as port, Weir("serve", config=CONFIG.replace("PORT", str(port))) as weir:
        yield weir


# ---- the clients ----

def clients_of_python_node_and_curl():
    hashed = {body: hashlib.sha256(body).hexdigest().encode() for body in (SMALL, LARGE)}
    for backend in backends():
        with gateway(backend) as weir:
            for kind in CLIENTS:
                client = kind(weir)
                try:
                    same(client.get(url(weir, "/hello")), (200, b"hello"))
                    same(client.get(url(weir, "/chunks")), (200, CHUNKS))
                    same(client.post(url(weir, "/hash"), SMALL), (200, hashed[SMALL]))
                    same(client.post(url(weir, "/hash"), LARGE), (200, hashed[LARGE]))
                    same(client.head(url(weir, "/hello")), (200, b""))
                    same(client.get(url(weir, "/nowhere"))[0], 404)
                    same(client.get(url(weir, "/none")), (204, b""))
                    getattr(client, "close", lambda: None)()
                except Exception as problem:
                    raise AssertionError(f"{kind.__name__}, {backend.__name__}: {problem!r}") from problem


@functools.cache
def go_client():
    made = os.path.join(BUILD, "peers-go-client")
    done = subprocess.run([program("go", "golang-go"), "build", "-o", made, os.path.join(HERE, "go/client.go")], capture_output=True, text=True,
                          timeout=8 * PATIENCE, env={**os.environ, "CGO_ENABLED": "0"})
    assert done.returncode == 0, done.stderr
    return made


def a_client_of_go():
    for backend in (of_haproxy,) if is_second_run() else (of_node, of_haproxy): # nginx passes on neither hints nor trailers
        with gateway(backend) as weir:
            done = subprocess.run([go_client(), url(weir, "")], capture_output=True, text=True, timeout=4 * PATIENCE)
            same((done.returncode, done.stdout), (0, "ok\n"), backend.__name__ + done.stderr)


def curl(*arguments):
    done = subprocess.run([program("curl"), "-sS", "--max-time", str(2 * PATIENCE), *arguments], capture_output=True)
    return done.returncode, done.stdout, done.stderr


def curl_of_http_1_0():
    """A client of HTTP/1.0 gets no chunks: the end of its answer is that of the connection."""
    for backend in backends():
        with gateway(backend) as weir:
            code, said, _ = curl("--http1.0", "-i", url(weir, "/chunks"))
            head, body = said.split(b"\r\n\r\n", 1)
            same((code, body), (0, CHUNKS))
            assert b"transfer-encoding" not in head.lower(), head
            if backend != of_nginx: # which takes a hint for the answer
                same(curl("--http1.0", url(weir, "/hinted"))[1], b"hinted")
            same(curl("--http1.0", "--data-binary", SMALL.decode(), url(weir, "/hash"))[1], hashlib.sha256(SMALL).hexdigest().encode())


def curl_uploads_100_mebibytes():
    size = 100 << 20
    with folder_of({"large": bytes(range(256)) * (size // 256)}) as folder:
        path = os.path.join(folder, "large")
        with open(path, "rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest().encode()
        for backend in backends():
            with gateway(backend) as weir:
                code, said, _ = curl("-T", path, "-H", "Expect: 100-continue", "--expect100-timeout", str(PATIENCE), url(weir, "/hash"))
                same((code, said), (0, wanted), backend.__name__)
        with gateway(of_node) as weir:
            same(curl("-T", path, "-H", "Transfer-Encoding: chunked", "-H", "Expect:", url(weir, "/hash"))[:2], (0, wanted))
            same(curl("-T", path, "-H", "Expect: 100-continue", "-w", " %{http_code} %{size_upload}", url(weir, "/early"))[1][:12], b"too much 413")


def curl_ranges():
    """nginx answers ranges of a file; the gateway passes them on as they are."""
    file = os.urandom(300000)
    with nginx(files=[("file", file)]) as address, Weir("serve", config=CONFIG.replace("PORT", str(address[1]))) as weir:
        same(curl("--range", "1000-200999", url(weir, "/file"))[1], file[1000:201000])
        same(curl("--range", "-7", url(weir, "/file"))[1], file[-7:])
        same(curl("-o", "/dev/null", "-w", "%{http_code}", "--range", "400000-", url(weir, "/file"))[1], b"416")
        several = curl("-i", "--range", "0-9,20-29", url(weir, "/file"))[1]
        assert b"multipart/byteranges" in several and file[20:30] in several, several[:300]
        head = curl("-I", url(weir, "/file"))[1].decode().lower()
        assert "content-length: 300000\r\n" in head and "accept-ranges: bytes\r\n" in head, head
        tag = [line.split(": ")[1] for line in curl("-I", url(weir, "/file"))[1].decode().split("\r\n") if line.lower().startswith("etag")][0]
        same(curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-H", f"If-None-Match: {tag}", url(weir, "/file"))[1], b"304 0")


run(clients_of_python_node_and_curl, a_client_of_go, curl_of_http_1_0, curl_uploads_100_mebibytes, curl_ranges)
