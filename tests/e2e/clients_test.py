#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that send everything before they read, that shut down sending and wait, that leave, or that are too many; and headers in several fields."""
import http.client
import os
import re
import socket
import zlib

from rig import POOLS, Backend, Held, Weir, answering, ask, connect, receive, run, same, until

ROUTES = """  - {path: /hash, hash: {algorithm: sha256}}
  - {path: /compress, compress: {encoding: gzip, level: 1}, limits: {body: 64MiB}}
  - {path: /sleep, sleep: {for: 50ms}}
"""


def gateway(routes, limits="{}"):
    return Weir("serve", config=f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nlimits: {limits}\n{POOLS}routes:\n{routes}")


def all_is_sent_before_anything_is_read():
    body = os.urandom(24 << 20) # the output is as large as the input
    with gateway(ROUTES) as weir:
        host, port = weir.address()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        connection.request("POST", "/compress", body)
        answer = connection.getresponse()
        same(answer.status, 200)
        assert zlib.decompress(answer.read(), 31) == body
        connection.request("POST", "/hash", b"abc") # and the connection goes on
        same(connection.getresponse().status, 200)
        connection.close()


def who_sends_no_more_is_answered():
    with Backend(answering()) as backend, gateway(ROUTES + f"""  - path: /gather
    gather: {{deadline: 1m, calls: [{{name: a, url: "http://127.0.0.1:{backend.port}/"}}]}}
""") as weir:
        for version in ("1.1", "1.0"):
            for request in ("POST /hash HTTP/{}\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "GET /sleep HTTP/{}\r\nHost: h\r\n\r\n",
                            "GET /gather HTTP/{}\r\nHost: h\r\n\r\n"):
                with connect(weir.address()) as connection:
                    connection.sendall(request.format(version).encode())
                    connection.shutdown(socket.SHUT_WR)
                    said = b""
                    while piece := connection.recv(65536):
                        said += piece
                    assert said.startswith(b"HTTP/1.1 200 OK\r\n") and said.count(b"HTTP/1.1") == 1, said


def who_leaves_is_not():
    with Held() as held, gateway(held.route()) as weir:
        for number, leave in enumerate((lambda c: c.close(), lambda c: c.shutdown(socket.SHUT_RDWR))):
            with connect(weir.address()) as connection:
                connection.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
                held.wait_for(number + 1)
                leave(connection)
                until("the end of the exchange", lambda: exchanges(weir) == 0)


def exchanges(weir):
    page = ask(weir.address("admin"), "/metrics").body.decode()
    return int(float(re.search(r"^weir_exchanges (\S+)", page, re.M)[1]))


def a_client_has_so_many_connections():
    with gateway(ROUTES, "{connections_per_client: 3}") as weir:
        held = [connect(weir.address()) for _ in range(3)]
        for connection in held:
            connection.sendall(b"GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(connection).status, 200)
        with connect(weir.address()) as connection:
            answer = receive(connection)
            same((answer.status, answer.headers["connection"]), (503, "close"))
        held.pop().close()
        until("a place", lambda: status_of(weir) == 200)
        for connection in held:
            connection.close()


def a_trusted_proxy_has_as_many_as_it_likes():
    limits = "{connections_per_client: 1}\ntrusted_proxies: "
    with gateway(ROUTES, limits + "[127.0.0.0/8]") as weir, gateway(ROUTES, limits + "[127.0.0.2, 192.0.2.0/24]") as other:
        held = [connect(gateway_.address()) for gateway_ in (weir, other) for _ in range(3)]
        for number, connection in enumerate(held):
            connection.sendall(b"GET /sleep HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
            same(receive(connection).status, 200 if number < 4 else 503)
        for connection in held:
            connection.close()


def status_of(weir):
    try:
        return ask(weir.address(), "/sleep").status
    except (OSError, EOFError): # refused while it was still sending
        return 0


def lists_are_read_whole():
    requests = []
    with Backend(answering(requests=requests)) as backend, gateway(f"""  - path: /gather
    gather: {{deadline: 1m, forward: [x-secret, x-open], calls: [{{name: a, url: "http://127.0.0.1:{backend.port}/"}}]}}
""") as weir:
        fields = [("Connection", "keep-alive"), ("X-Secret", "s"), ("Connection", "x-other, X-SECRET"), ("X-Open", "o")]
        same(ask(weir.address(), "/gather", headers=fields).status, 200)
        assert "x-open" in requests[0][0].lower() and "x-secret" not in requests[0][0].lower(), requests


def routes_that_only_read_say_so():
    with Backend(answering()) as backend, gateway(f"""  - path: /users/{{id}}/orders
    gather: {{deadline: 1m, calls: [{{name: a, url: "http://127.0.0.1:{backend.port}/{{id}}"}}]}}
  - {{path: /respond, respond: {{body: "x"}}}}
  - {{path: /sleep, sleep: {{for: 1ms}}}}
""", "{head: 64KiB, body: 1000}") as weir:
        for method in ("PUT", "POST", "DELETE"):
            answer = ask(weir.address(), "/users/1/orders", method)
            same((answer.status, answer.headers["allow"]), (405, "GET, HEAD"), method)
            same(ask(weir.address(), "/respond", method).status, 200)
        same(ask(weir.address(), "/users/1/orders", "HEAD").status, 200)
        same(ask(weir.address(), "/users/..;x/orders").status, 400)
        answer = ask(weir.address(), "/users/" + "%22" * 12000 + "/orders")
        same((answer.status, b"too long" in answer.body), (414, True))
        answer = ask(weir.address(), "/" + "x" * 70000)
        same((answer.status, b"64KiB at most (limits.head)" in answer.body), (414, True))
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /respond HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
            answer = receive(connection)
            same((answer.status, b"1000 bytes at most (limits.body)" in answer.body), (413, True))
        answer = ask(weir.address(), "*", "OPTIONS")
        same((answer.status, answer.headers["allow"]), (204, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"))


run(all_is_sent_before_anything_is_read, who_sends_no_more_is_answered, who_leaves_is_not, a_client_has_so_many_connections, a_trusted_proxy_has_as_many_as_it_likes,
    lists_are_read_whole, routes_that_only_read_say_so)
