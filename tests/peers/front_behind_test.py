#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway between another proxy and what it passes on to: behind nginx and HAProxy, which it believes or does not, with a chat, an event
stream and large bodies through both."""
import contextlib
import hashlib
import os
import sys
import time

sys.dont_write_bytecode = True
from front import Child, Page, folder_of, free_port, is_second_run, listens, node, node_runs, program, url
from front_pieces import HASHER, TALKER
from nginx import nginx
from rig import Backend, Weir, answering, ask, connect, read_head, receive, run, same

CONFIG = """
listen: 127.0.0.1:0
{trusted}
limits: {{body: 1GiB}}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}", {more} timeout: 120s}}}}
"""
TRUSTED = "trusted_proxies: [127.0.0.0/8]"
# nginx as its manual writes it for a proxy, and so that WebSockets pass
NGINX = """client_max_body_size 0; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;
  location / {{
    proxy_pass http://127.0.0.1:{behind};
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    proxy_set_header Forwarded "for=$remote_addr;proto=https";
  }}"""
HAPROXY = """
defaults
  mode http
  option forwardfor
  option http-keep-alive
  timeout connect 30s
  timeout client 120s
  timeout server 120s
  timeout tunnel 120s
frontend front
  bind 127.0.0.1:{port}
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Forwarded for=%[src];proto=https
  default_backend back
backend back
  server weir 127.0.0.1:{behind}
"""


@contextlib.contextmanager
def behind_nginx(weir):
    with nginx(server=NGINX.format(behind=weir.address()[1])) as address:
        yield address


@contextlib.contextmanager
def behind_haproxy(weir):
    port = free_port()
    with folder_of({"haproxy.cfg": HAPROXY.format(port=port, behind=weir.address()[1])}) as folder, \
            Child(program("haproxy"), "-db", "-f", os.path.join(folder, "haproxy.cfg"), ready=lambda: listens(port)):
        yield "127.0.0.1", port


PROXIES = (behind_nginx, behind_haproxy)


def config(port, trusted="", more=""):
    return CONFIG.format(port=port, trusted=trusted, more=more)


def fields(head):
    lines = head.split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}


def a_proxy_is_believed_if_it_is_trusted():
    """What the proxy before says reaches the backend only from trusted_proxies; what a client claims is the proxy's to judge."""
    requests = []
    with Backend(answering(requests=requests)) as backend:
        for trusted in (TRUSTED, "", "trusted_proxies: [10.0.0.0/8]"):
            with Weir("serve", config=config(backend.port, trusted, "host: client,")) as weir:
                for proxy in PROXIES:
                    with proxy(weir) as front:
                        same(ask(front, "/").status, 200)
                    said = fields(requests.pop()[0])
                    same(said["host"], "localhost", said)
                    chain = "127.0.0.1, 127.0.0.1" if trusted == TRUSTED else "127.0.0.1"
                    scheme = "https" if trusted == TRUSTED else "http"
                    same((said["x-forwarded-for"], said["x-forwarded-proto"], said["x-forwarded-host"]), (chain, scheme, "localhost"), said)
                    same(said["forwarded"].count("for="), 2 if trusted == TRUSTED else 1, said)
                    same("proto=https" in said["forwarded"], trusted == TRUSTED, said)
                    assert said["via"].endswith("1.1 weir"), said


def what_a_client_claims_is_one_more_address():
    """A forged X-Forwarded-For reaches the backend before the address that the trusted proxy has seen, never instead of it."""
    requests = []
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port, TRUSTED)) as weir:
        for proxy in PROXIES:
            with proxy(weir) as front:
                same(ask(front, "/", headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "gopher"), ("Forwarded", "for=1.2.3.4")]).status, 200)
            said = fields(requests.pop()[0])
            assert said["x-forwarded-for"].endswith("127.0.0.1, 127.0.0.1"), said
            same((said["x-forwarded-proto"], "gopher" in said["forwarded"]), ("https", False), said)
            same(said["x-forwarded-for"].split(", "), [element.split(";")[0].removeprefix("for=") for element in said["forwarded"].split(", ")], said)
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir: # a client that comes past the proxy
        ask(weir.address(), "/", headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=1.2.3.4;proto=https")])
        said = fields(requests.pop()[0])
        same((said["x-forwarded-for"], said["x-forwarded-proto"], "1.2.3.4" in said["forwarded"]), ("127.0.0.1", "http", False), said)


def a_chat_goes_through_both():
    with node(Page("websockets").files, packages=True) as server:
        with Weir("serve", config=config(server.port, TRUSTED, "host: client,")) as weir:
            for proxy in PROXIES[is_second_run():]:
                with proxy(weir) as (host, port):
                    node_runs(TALKER, f"ws://{host}:{port}/chat", 30)


def events_go_through_both_one_by_one():
    with node(Page("events").files) as server, Weir("serve", config=config(server.port)) as weir:
        for proxy in PROXIES:
            with proxy(weir) as front, connect(front) as listener:
                listener.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
                assert b" 200 " in read_head(listener)
                for number in range(5): # each is read before the next is published
                    text = b"%s number %d" % (proxy.__name__.encode(), number)
                    same(ask(front, "/publish", "POST", body=text).status, 204)
                    seen = b""
                    while text not in seen:
                        seen += listener.recv(65536)


def bodies_go_through_both():
    body = os.urandom(20 << 20)
    with node({"server.mjs": HASHER}) as server, Weir("serve", config=config(server.port)) as weir:
        for proxy in PROXIES[is_second_run():]:
            with proxy(weir) as front:
                for _ in range(3):
                    answer = ask(front, "/hash", "POST", body=body)
                    same((answer.status, answer.body), (200, hashlib.sha256(body).hexdigest().encode()), proxy.__name__)
                with connect(front) as client:
                    for _ in range(50): # on one connection of the client
                        client.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                        same(receive(client).body, b"hello")
                same(ask(front, "/early", "POST", body=body[:1 << 20]).status, 413, proxy.__name__)
                same(ask(front, "/hello", "HEAD").status, 200)


def the_gateway_is_replaced_behind_haproxy():
    """A drain behind a proxy that keeps connections: requests in progress end whole, and the next find the connection closed in time."""
    with Backend(answering(body=b"x" * 1000)) as backend, Weir("serve", config=config(backend.port)) as weir, behind_haproxy(weir) as front:
        with connect(front) as client:
            for _ in range(3):
                client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(client).status, 200)
            weir.process.terminate()
            began = time.monotonic()
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = receive(client)
            assert answer.status in (200, 503), answer # 503: HAProxy found nobody that listens any more
            same(weir.exit(), 0)
            assert time.monotonic() - began < 30


run(a_proxy_is_believed_if_it_is_trusted, what_a_client_claims_is_one_more_address, a_chat_goes_through_both, events_go_through_both_one_by_one,
    bodies_go_through_both, the_gateway_is_replaced_behind_haproxy)
