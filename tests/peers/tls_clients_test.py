#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The gateway and foreign clients over TLS: each verifies it, keeps its connection, sends and gets bodies, and hears an early refusal.

It is run by Debian's Python, which has the packages that clients.py needs."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys

sys.dont_write_bytecode = True
from clients import CLIENTS, HttpClient, Node
from front import BUILD, HERE, is_second_run, node, node_runs, program
from front_pieces import HASHER
from openssl import ROUTES, listener
from authority import Authority
from rig import PATIENCE, Weir, run, same, until

SMALL, LARGE = b"some words " * 100, bytes(range(256)) * (4 << 12)
TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS") # where clients look for authorities
FETCH = """
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import https from "node:https";
import tls from "node:tls";
import { once } from "node:events";
const base = process.argv[2], port = Number(new URL(base).port);
const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
const get = async (path, options = {}) => {
  const request = https.request(base + path, { agent, ...options }).end(options.body);
  const [response] = await once(request, "response");
  assert.equal(response.socket.authorized, true);
  assert.equal(response.socket.getProtocol(), "TLSv1.3");
  let text = "";
  for await (const piece of response) text += piece;
  return { status: response.statusCode, text };
};
assert.equal((await get("/hello")).text, "Hello, World!");
const body = Buffer.alloc(5 << 20, "x");
const { text } = await get("/hash", { method: "POST", body });
assert.equal(JSON.parse(text).hex, createHash("sha256").update(body).digest("hex"));
await Promise.all(Array.from({ length: 100 }, async () => assert.equal((await get("/sleep")).status, 200)));
let session;
for (let i = 0; i < 3; i++) { // sessions of both versions, by the module tls itself
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const first = tls.connect({ port, host: "127.0.0.1", servername: "localhost", minVersion: version, maxVersion: version, ALPNProtocols: ["http/1.1"] });
    first.on("session", (ticket) => { session = ticket; });
    await once(first, "secureConnect");
    assert.equal(first.alpnProtocol, "http/1.1");
    first.write("GET /hello HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n");
    let all = "";
    for await (const piece of first) all += piece;
    assert.match(all, /Hello, World!$/);
    const second = tls.connect({ port, host: "127.0.0.1", servername: "localhost", session, minVersion: version, maxVersion: version });
    await once(second, "secureConnect");
    assert.equal(second.isSessionReused(), true, version);
    second.destroy();
  }
}
agent.destroy();
console.log("ok");
"""


class HttpsClient(HttpClient):
    """http.client of Python over TLS."""

    def __init__(self, weir):
        self.connection = http.client.HTTPSConnection("localhost", weir.address()[1], timeout=PATIENCE, context=ssl.create_default_context())

    def ask(self, method, target, body=None):
        return super().ask(method, re.sub(r"https://[^/]*", "", target), body)


@contextlib.contextmanager
def gateway(routes=ROUTES):
    certificates = authority.issue("localhost", "127.0.0.1"), authority.issue("localhost", key="rsa")
    with Weir("serve", config=listener(*certificates) + routes) as weir:
        yield weir


def url(weir, path):
    return f"https://localhost:{weir.address()[1]}{path}"


def ports_of(weir, count):
    """The client ports of this many requests, from the access log."""
    def found():
        ports = [match[1] for line in list(weir.lines) if line and (match := re.search(r" request method=GET .* peer=\S+:(\d+)", line))]
        return ports if len(ports) >= count else None
    return until(f"{count} requests are logged", found)


def clients_of_python_node_and_curl():
    for kind in [HttpsClient, *CLIENTS[1:]]:
        with gateway() as weir:
            client, asked = kind(weir), 2
            try:
                if hasattr(client, "get_twice"):
                    same(client.get_twice(url(weir, "/hello"))[0], 200)
                    asked = 20 if isinstance(client, Node) else 2
                else:
                    for _ in range(2):
                        same(client.get(url(weir, "/hello")), (200, b"Hello, World!"))
                same(len(set(ports_of(weir, asked))) <= (asked // 10 or 1), client.keeps, "as few connections as may be")
                for body in (SMALL, LARGE):
                    status, said = client.post(url(weir, "/hash"), body)
                    same((status, json.loads(said)["hex"]), (200, hashlib.sha256(body).hexdigest()))
                same(client.head(url(weir, "/hello")), (200, b""))
                same(client.get(url(weir, "/nowhere"))[0], 404)
                for _ in range(3): # answered before the body has come
                    status, said = client.post(url(weir, "/small"), LARGE)
                    same((status, json.loads(said)["error"]["code"]), (413, "too_large"), "an early answer")
                getattr(client, "close", lambda: None)()
            except Exception as problem:
                raise AssertionError(f"{kind.__name__}: {problem!r}") from problem


def modules_of_node():
    with gateway() as weir:
        same(node_runs(FETCH, url(weir, "")), "ok\n")


def a_client_of_go():
    made = os.path.join(BUILD, "peers-go-client")
    done = subprocess.run([program("go", "golang-go"), "build", "-o", made, os.path.join(HERE, "go/client.go")], capture_output=True, text=True,
                          timeout=8 * PATIENCE, env={**os.environ, "CGO_ENABLED": "0"})
    same(done.returncode, 0, done.stderr)
    with node({"server.mjs": HASHER}) as server:
        proxied = f'limits: {{body: 64MiB}}\nroutes:\n  - {{path: /*, proxy: {{to: "http://127.0.0.1:{server.port}"}}}}\n'
        with gateway(proxied) as weir:
            done = subprocess.run([made, url(weir, "")], capture_output=True, text=True, timeout=4 * PATIENCE)
            same((done.returncode, done.stdout), (0, "ok\n"), done.stderr)


def apache_bench_and_wrk():
    with gateway() as weir:
        for more in ([], ["-f", "TLS1.2"]):
            for path, count in (("/hello", 500), ("/sleep", 100)):
                done = subprocess.run([program("ab", "apache2-utils"), "-q", "-k", "-s", str(PATIENCE), *more, "-c", "10", "-n", str(count),
                                       url(weir, path).replace("localhost", "127.0.0.1")], capture_output=True, text=True, timeout=4 * PATIENCE)
                same(done.returncode, 0, done.stderr)
                said = dict(re.findall(r"^([\w-][\w -]*): +(\d+)", done.stdout, re.M))
                same((said["Complete requests"], said["Failed requests"], said["Keep-Alive requests"]), (str(count), "0", str(count)), path)
                assert "Non-2xx responses" not in said, done.stdout
        done = subprocess.run([program("wrk"), "-t1", "-c20", "-d2s", url(weir, "/hello")], capture_output=True, text=True, timeout=PATIENCE)
        found = re.search(r"(\d+) requests in", done.stdout)
        assert done.returncode == 0 and int(found[1]) > 20 and not re.search(r"Non-2xx|Socket errors", done.stdout), done.stdout


def curl_says_why():
    """What curl reports when something is not as it must be."""
    with gateway() as weir:
        def curl(*words, trust=authority.path):
            done = subprocess.run([program("curl"), "-sS", "--max-time", str(PATIENCE), *(("--cacert", trust) if trust else ()), *words],
                                  capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr
        same(curl(url(weir, "/hello")), (0, "Hello, World!"))
        same(curl("-w", "%{http_version} %{ssl_verify_result}", "-o", os.devnull, url(weir, "/hello")), (0, "1.1 0"))
        port = weir.address()[1]
        code, said = curl("--resolve", f"other.test:{port}:127.0.0.1", f"https://other.test:{port}/hello")
        assert code == 60 and "other.test" in said, said
        with Authority("Another") as other:
            same(curl(url(weir, "/hello"), trust=other.path)[0], 60)
        code, said = curl("-i", url(weir, "/hello").replace("https:", "http:"))
        assert code == 0 and " 400 " in said.split("\n")[0], said
        same(curl("--tlsv1.2", "--tls-max", "1.2", url(weir, "/hello")), (0, "Hello, World!"))
        same(curl("--no-alpn", url(weir, "/hello")), (0, "Hello, World!"))
        same(curl("--http2", url(weir, "/hello")), (0, "Hello, World!"))


with Authority() as authority: # one for all: aiohttp looks for authorities once
    os.environ.update(dict.fromkeys(TRUST, authority.path))
    run(clients_of_python_node_and_curl, modules_of_node, a_client_of_go, apache_bench_and_wrk, curl_says_why)
