#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway as a client of foreign TLS servers: Node, Go, nginx, HAProxy, openssl and Python. Everything passes, sessions are resumed,
and what is wrong with a server is said in words."""
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from front import BUILD, HERE, Child, Page, folder_of, free_port, is_second_run, listens, node, node_runs, program
from front_pieces import HASHER, TALKER
from nginx import nginx
from openssl import server
from authority import Authority
from rig import PATIENCE, Backend, Weir, answering, ask, run, same
from secure import SecureBackend

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
limits: {{body: 1GiB}}
backends:
  it: {{urls: ["https://localhost:{port}"], tls: {{{tls}}}}}
routes:
  - {{path: /gather, gather: {{calls: [{{name: a, backend: it, path: /hello}}]}}}}
  - {{path: /*, proxy: {{backend: it, host: client, timeout: 120s}}}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 30s
  timeout client 120s
  timeout server 120s
frontend front
  bind 127.0.0.1:{port} ssl crt {both} alpn h2,http/1.1
  default_backend back
backend back
  server node 127.0.0.1:{behind}
"""
LARGE = bytes(range(256)) * (4 << 12)
CHUNKS = b"".join(b"line %d\n" % number for number in range(1000))


# ---- servers: each gives its port ----

def over_https(text, issued):
    """A program of Node whose server speaks https instead of http."""
    return text.replace('"node:http"', '"node:https"').replace(
        "createServer(", f'createServer({{ cert: readFileSync("{issued.cert}"), key: readFileSync("{issued.key}") }}, ').replace(
        "import {", 'import { readFileSync } from "node:fs";\nimport {', 1)


@contextlib.contextmanager
def of_node(issued):
    with node({"server.mjs": over_https(HASHER, issued)}) as child:
        yield child.port


@contextlib.contextmanager
def of_nginx(issued, more="", location="proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_request_buffering off;"):
    port = free_port()
    with node({"server.mjs": HASHER}) as behind:
        http = f"""upstream node {{ server 127.0.0.1:{behind.port}; keepalive 4; }}
          server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {issued.cert}; ssl_certificate_key {issued.key}; client_max_body_size 0;
                    {more} location / {{ {location} }} }}"""
        with nginx(http):
            yield port


@contextlib.contextmanager
def of_haproxy(issued):
    port = free_port()
    with open(issued.cert, encoding="ascii") as cert, open(issued.key, encoding="ascii") as key:
        both = cert.read() + key.read()
    with node({"server.mjs": HASHER}) as behind, folder_of({"both.pem": both}) as folder:
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(HAPROXY.format(port=port, behind=behind.port, both=os.path.join(folder, "both.pem")))
        with Child(program("haproxy"), "-db", "-f", path, ready=lambda: listens(port)):
            yield port


@contextlib.contextmanager
def of_go(issued, *more):
    made, port = os.path.join(BUILD, "peers-go-tls-server"), free_port()
    done = subprocess.run([program("go", "golang-go"), "build", "-o", made, os.path.join(HERE, "go/server/server.go")], capture_output=True,
                          text=True, timeout=8 * PATIENCE, env={**os.environ, "CGO_ENABLED": "0"})
    assert done.returncode == 0, done.stderr
    with Child(made, str(port), issued.cert, issued.key, *more, ready=lambda: listens(port)):
        yield port


@contextlib.contextmanager
def of_python(issued):
    """The answering backend of the end-to-end tests over Python's ssl."""
    with SecureBackend(answering(body=b'"hello"'), issued) as backend:
        yield backend.port


@contextlib.contextmanager
def of_openssl(issued, *options):
    with server(issued, *options) as child:
        yield child.port


@contextlib.contextmanager
def gateway(port, authority=None, **tls):
    tls = {"ca": authority.path, **tls} if authority else tls
    config = CONFIG.format(port=port, tls=", ".join(f"{key}: {value}" for key, value in tls.items()))
    with Weir("serve", config=config if tls else config.replace(", tls: {}", "")) as weir:
        yield weir


# ---- what passes ----

def servers_of_node_nginx_and_haproxy():
    with Authority() as authority:
        for of in [of_node] if is_second_run() else [of_node, of_nginx, of_haproxy]:
            with of(authority.issue("localhost")) as port, gateway(port, authority) as weir:
                for _ in range(20):
                    answer = ask(weir.address(), "/hello")
                    same((answer.status, answer.body), (200, b"hello"), of.__name__)
                for body in (b"words", LARGE):
                    answer = ask(weir.address(), "/hash", "POST", body=body)
                    same((answer.status, answer.body), (200, hashlib.sha256(body).hexdigest().encode()), of.__name__)
                same(ask(weir.address(), "/chunks").body, CHUNKS)
                same(ask(weir.address(), "/hello", "HEAD").status, 200)
                same(ask(weir.address(), "/none").status, 204)
                same(ask(weir.address(), "/early", "POST", body=LARGE).status, 413, of.__name__)
                same(json.loads(ask(weir.address(), "/gather").body), {"a": {"status": 200, "body": "hello"}})


def a_server_of_go():
    """It offers HTTP/2 by ALPN, and is told HTTP/1.1."""
    with Authority() as authority, of_go(authority.issue("localhost")) as port, gateway(port, authority) as weir:
        same(ask(weir.address(), "/hash", "POST", body=LARGE).body, hashlib.sha256(LARGE).hexdigest().encode())
        about = json.loads(ask(weir.address(), "/about").body)
        same((about["name"], about["version"], about["protocol"], about["peer"]), ("localhost", "TLS 1.3", "http/1.1", ""))


def a_server_of_go_that_wants_a_certificate():
    with Authority() as authority:
        own = authority.issue("gateway.test")
        with of_go(authority.issue("localhost"), authority.path) as port:
            with gateway(port, authority, cert=own.cert, key=own.key) as weir:
                same(json.loads(ask(weir.address(), "/about").body)["peer"], "gateway.test")
            with gateway(port, authority) as weir:
                same(ask(weir.address(), "/hello").status, 502)
                weir.wait_for("status=502 .*failed=\"?tls failed")


def sessions_are_resumed():
    """nginx closes each connection after one request; only the first handshake is a whole one."""
    for version in ("TLSv1.2", "TLSv1.3"):
        with Authority() as authority:
            more = f"ssl_protocols {version}; ssl_session_cache shared:a:1m; keepalive_requests 1;"
            with of_nginx(authority.issue("localhost"), more, "return 200 '$ssl_session_reused $ssl_protocol $ssl_server_name';") as port:
                with gateway(port, authority) as weir:
                    said = [ask(weir.address(), "/").body.decode() for _ in range(10)]
                    whole = [text for text in said if not text.startswith("r ")]
                    assert 1 <= len(whole) <= 2 and set(said) <= {f"r {version} localhost", f". {version} localhost"}, said


def keys_of_all_kinds():
    with Authority() as authority, Authority("RSA", key="rsa") as other:
        for key in ("ecdsa", "rsa", "rsa4096"):
            for by in (authority, other):
                with of_python(by.issue("localhost", key=key)) as port, gateway(port, by) as weir:
                    same(ask(weir.address(), "/").status, 200, key)


def openssl_ends_its_answer_with_its_connection():
    with Authority() as authority:
        for option in ("-tls1_2", "-tls1_3"):
            with of_openssl(authority.issue("localhost"), option) as port, gateway(port, authority) as weir:
                answer = ask(weir.address(), "/")
                assert answer.status == 200, answer


def a_chat_over_tls():
    """WebSockets from a client with TLS to a server with TLS."""
    with Authority() as authority:
        text = over_https(Page("websockets").files["server.mjs"], authority.issue("localhost"))
        with node({"server.mjs": text}, packages=True) as child:
            config = CONFIG.format(port=child.port, tls=f"ca: {authority.path}").replace(
                "listen: 127.0.0.1:0", f"listen: [{{address: '127.0.0.1:0', tls: {{certificates: [{authority.issue('localhost')}]}}}}]")
            with Weir("serve", config=config) as weir:
                os.environ["NODE_EXTRA_CA_CERTS"] = authority.path
                try:
                    node_runs(TALKER, f"wss://localhost:{weir.address()[1]}/chat", 30)
                finally:
                    del os.environ["NODE_EXTRA_CA_CERTS"]


# ---- what is wrong ----

def said_of(server_of, pattern, authority=None, **tls):
    """Asks, expects 502 and 'tls failed', and a line of the log with the reason."""
    with server_of as port, gateway(port, authority, **tls) as weir:
        answer = ask(weir.address(), "/hello")
        same((answer.status, json.loads(answer.body)["error"]["code"]), (502, "bad_gateway"))
        weir.wait_for("status=502 .*failed=\"?tls failed")
        weir.wait_for(pattern.replace("PORT", str(port)))
        same(json.loads(ask(weir.address(), "/gather").body)["a"]["error"], "tls failed")


def certificates_that_are_wrong():
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    with Authority() as authority, Authority("Another") as other:
        said_of(of_python(authority.issue("localhost", days=-1)), f"certificate of localhost expired {yesterday}", authority)
        said_of(of_python(authority.issue("elsewhere.test")), "certificate is for elsewhere.test, not for localhost", authority)
        said_of(of_python(other.issue("localhost")), "certificate of localhost .*authority", authority)
        said_of(of_python(authority.issue("localhost")), "certificate of localhost .*authority") # not one of the system's
        with of_python(authority.issue("elsewhere.test")) as port, gateway(port, authority, name="elsewhere.test") as weir:
            same(ask(weir.address(), "/").status, 200)
        with of_python(other.issue("elsewhere.test", days=-1)) as port, gateway(port, verify="false") as weir:
            same(ask(weir.address(), "/").status, 200)


def servers_that_are_wrong():
    with Authority() as authority:
        issued = authority.issue("localhost")
        said_of(of_openssl(issued, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"), "localhost.*version", authority)
        said_of(of_openssl(issued, "-tls1_2", "-cipher", "AES128-SHA"), "localhost.*cipher|localhost.*handshake", authority)
        said_of(of_plain(), "speaks HTTP without TLS", authority)
        said_of(of_silence(), "localhost", authority)


@contextlib.contextmanager
def of_plain():
    with Backend(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) as backend:
        yield backend.port


@contextlib.contextmanager
def of_silence():
    """A server that reads the beginning of the handshake and leaves."""
    with Backend(lambda connection: connection.recv(5)) as backend:
        yield backend.port


run(servers_of_node_nginx_and_haproxy, a_server_of_go, a_server_of_go_that_wants_a_certificate, sessions_are_resumed, keys_of_all_kinds,
    openssl_ends_its_answer_with_its_connection, a_chat_over_tls, certificates_that_are_wrong, servers_that_are_wrong)
