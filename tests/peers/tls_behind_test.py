#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway with TLS behind nginx and HAProxy, which verify it: connections are kept or sessions resumed, bodies and WebSockets pass, and
they have certificates of their own where it wants them."""
import contextlib
import hashlib
import os
import sys

sys.dont_write_bytecode = True
from front import Child, Page, folder_of, free_port, is_second_run, listens, node, node_runs, program
from front_pieces import HASHER, TALKER
from nginx import nginx
from openssl import listener
from authority import Authority
from rig import Weir, ask, connect, receive, run, same, until
from secure import metric

NGINX = """upstream weir {{ server 127.0.0.1:{behind}; {keep} }}
proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca}; proxy_ssl_server_name on; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.2 TLSv1.3;
{own}"""
LOCATION = """client_max_body_size 0; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;
location / { proxy_pass https://weir; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; proxy_set_header Host $http_host; }"""
HAPROXY = """
defaults
  mode http
  timeout connect 30s
  timeout client 120s
  timeout server 120s
  timeout tunnel 120s
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  {keep}
  server weir 127.0.0.1:{behind} ssl verify required ca-file {ca} verifyhost localhost sni str(localhost) alpn http/1.1 {own}
"""


@contextlib.contextmanager
def behind_nginx(weir, ca, own=None, keeps=True):
    words = f"proxy_ssl_certificate {own.cert}; proxy_ssl_certificate_key {own.key};" if own else ""
    with nginx(NGINX.format(behind=weir.address()[1], ca=ca, own=words, keep="keepalive 4;" if keeps else ""), LOCATION) as address:
        yield address


@contextlib.contextmanager
def behind_haproxy(weir, ca, own=None, keeps=True):
    port = free_port()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(folder_of({}))
        if own:
            with open(os.path.join(folder, "own.pem"), "w", encoding="ascii") as both:
                both.write("".join(open(path, encoding="ascii").read() for path in (own.cert, own.key)))
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(HAPROXY.format(port=port, behind=weir.address()[1], ca=ca, own=f"crt {folder}/own.pem" if own else "",
                                      keep="http-reuse always" if keeps else "option httpclose"))
        stack.enter_context(Child(program("haproxy"), "-db", "-f", path, ready=lambda: listens(port)))
        yield "127.0.0.1", port


PROXIES = (behind_nginx, behind_haproxy)


@contextlib.contextmanager
def gateway(authority, port, **more):
    config = listener(authority.issue("localhost"), authority.issue("localhost", key="rsa"), **more)
    with Weir("serve", config=config + f'limits: {{body: 1GiB}}\nroutes:\n  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}", host: client}}}}\n') as weir:
        yield weir


def count(weir, name):
    return metric(weir, f'weir_tls_{name}_total{{listener="%s:%d"}}' % weir.address())


def requests_and_bodies():
    body = os.urandom(20 << 20)
    with Authority() as authority, node({"server.mjs": HASHER}) as server, gateway(authority, server.port) as weir:
        for proxy in PROXIES:
            with proxy(weir, authority.path) as front:
                with connect(front) as client:
                    for _ in range(50):
                        client.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                        same(receive(client).body, b"hello")
                for _ in range(3):
                    answer = ask(front, "/hash", "POST", body=body)
                    same((answer.status, answer.body), (200, hashlib.sha256(body).hexdigest().encode()), proxy.__name__)
                same(ask(front, "/early", "POST", body=body[:1 << 20]).status, 413, proxy.__name__)
                same(ask(front, "/hello", "HEAD").status, 200)
                same(ask(front, "/chunks").body, b"".join(b"line %d\n" % number for number in range(1000)))


def sessions_are_resumed():
    for proxy in PROXIES:
        with Authority() as authority, node({"server.mjs": HASHER}) as server, gateway(authority, server.port) as weir:
            with proxy(weir, authority.path, keeps=False) as front:
                for _ in range(10):
                    same(ask(front, "/hello").status, 200)
                until("most are resumed", lambda: count(weir, "resumed") >= 7)


def a_chat_goes_through():
    with Authority() as authority, node(Page("websockets").files, packages=True) as server, gateway(authority, server.port) as weir:
        for proxy in PROXIES[is_second_run():]:
            with proxy(weir, authority.path) as (host, port):
                node_runs(TALKER, f"ws://{host}:{port}/chat", 20)


def certificates_of_proxies():
    with Authority() as authority, Authority("Proxies") as proxies, node({"server.mjs": HASHER}) as server:
        with gateway(authority, server.port, client_ca=proxies.path) as weir:
            for proxy in PROXIES:
                with proxy(weir, authority.path, proxies.issue("proxy.test")) as front:
                    same(ask(front, "/hello").status, 200, proxy.__name__)
                for wrong in (None, authority.issue("proxy.test")):
                    with proxy(weir, authority.path, wrong) as front:
                        assert ask(front, "/hello").status in (502, 503), proxy.__name__


def a_gateway_that_they_do_not_know():
    with Authority() as authority, Authority("Another") as other, node({"server.mjs": HASHER}) as server, gateway(authority, server.port) as weir:
        for proxy in PROXIES:
            with proxy(weir, other.path) as front:
                assert ask(front, "/hello").status in (502, 503), proxy.__name__
            with proxy(weir, authority.path) as front:
                same(ask(front, "/hello").status, 200, proxy.__name__)


run(requests_and_bodies, sessions_are_resumed, a_chat_goes_through, certificates_of_proxies, a_gateway_that_they_do_not_know)
