#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway behind nginx, and in front of it: connections are kept on both sides, bodies pass, and no request fails because one is closed."""
import contextlib
import hashlib
import json
import os
import re

from nginx import nginx
from rig import PATIENCE, Weir, ask, connect, receive, run, same, until

GATEWAY = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
pools: {compute: {wait: 10m}}
routes:
  - {path: /hello, methods: [GET], respond: {body: "Hello, World!"}}
  - {path: /sleep, sleep: {for: 20ms}}
  - {path: /hash, hash: {algorithm: sha256}, limits: {body: 16MiB}}
  - {path: /small, hash: {algorithm: sha256}, limits: {body: 1KiB}}
"""


def accepted(weir):
    metrics = ask(weir.address("admin"), "/metrics").body.decode()
    return int(re.search(r"^weir_connections_accepted_total (\d+)", metrics, re.M)[1])


def behind_nginx():
    """nginx keeps its connections to the gateway; requests of all kinds pass through."""
    with Weir("serve", config=GATEWAY) as weir:
        upstream = "upstream weir { server %s:%d; keepalive 4; }" % weir.address()
        server = """client_max_body_size 20m;
          location / { proxy_pass http://weir; proxy_http_version 1.1; proxy_set_header Connection ""; }
          location /streamed/ { proxy_pass http://weir/; proxy_http_version 1.1; proxy_set_header Connection "";
                                proxy_request_buffering off; }"""
        with nginx(upstream, server) as front:
            with connect(front) as connection:
                for _ in range(100):
                    connection.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                    same(receive(connection).body, b"Hello, World!")
            assert accepted(weir) <= 4, accepted(weir)
            same([ask(front, "/sleep").status, ask(front, "/nowhere").status, ask(front, "/hello", "HEAD").status,
                  ask(front, "/hello", "DELETE").status], [200, 404, 200, 405])
            body = os.urandom(3 << 20)
            for path in ("/hash", "/streamed/hash"):
                same(json.loads(ask(front, path, "POST", body=body).body)["hex"], hashlib.sha256(body).hexdigest(), path)
            for path in ("/small", "/streamed/small"): # answered before nginx has sent the whole body
                for _ in range(5):
                    answer = ask(front, path, "POST", body=body)
                    same((answer.status, json.loads(answer.body)["error"]["code"]), (413, "too_large"), path)
            same(ask(front, "/hello").status, 200)


def a_drain_loses_nothing_behind_nginx():
    """nginx continues to use its kept connections until an answer says that they will be closed."""
    with Weir("serve", config=GATEWAY) as weir:
        upstream = "upstream weir { server %s:%d; keepalive 4; }" % weir.address()
        server = 'location / { proxy_pass http://weir; proxy_http_version 1.1; proxy_set_header Connection ""; }'
        with nginx(upstream, server) as front, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(front)) for _ in range(8)]
            for client in clients:
                client.sendall(b"GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n")
            until("all have arrived", lambda: b"weir_exchanges 8" in ask(weir.address("admin"), "/metrics").body or
                  sum(" request method=GET " in line for line in list(weir.lines) if line) + 0 >= 8)
            weir.process.terminate()
            same([receive(client).status for client in clients], [200] * 8)
            same(weir.exit(), 0)


def page(address, extra=""):
    return f"""
listen: 127.0.0.1:0
admin: 127.0.0.1:0
routes:
  - path: /page
    gather:
      deadline: {PATIENCE}s
      require: all
      calls:
        - {{name: a, url: "http://127.0.0.1:{address[1]}/a.json"}}
        - {{name: b, url: "http://127.0.0.1:{address[1]}/b.json"}}
        - {{name: none, url: "http://127.0.0.1:{address[1]}/missing.json"}}
{extra}"""


def in_front_of_nginx():
    """nginx closes a connection after a few requests, or after a second; no call fails for it."""
    files = [("a.json", b'{"a":[1,2,3]}'), ("b.json", b'{"b":"' + b"x" * 100000 + b'"}')]
    with nginx("keepalive_requests 3; keepalive_timeout 1s 1s; gzip on; gzip_types application/json; gzip_min_length 1;",
               files=files) as backend, Weir("serve", config=page(backend)) as weir:
        for _ in range(50):
            answer = ask(weir.address(), "/page")
            same((answer.status, answer.headers.get("x-weir-partial")), (200, None))
            parts = json.loads(answer.body)
            same((parts["a"], parts["b"], parts["none"]["status"]), ({"status": 200, "body": {"a": [1, 2, 3]}},
                                                                     {"status": 200, "body": json.loads(files[1][1])}, 404))


run(behind_nginx, a_drain_loses_nothing_behind_nginx, in_front_of_nginx)
