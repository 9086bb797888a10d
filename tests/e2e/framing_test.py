#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Raw requests: one that is malformed or ambiguous gets exactly the expected status, and its connection is closed."""
import socket

from framing_cases import GET, KEPT, POST, REFUSED
from rig import Weir, connect, read_all, read_head, receive, run, same

CONFIG = """
listen: 127.0.0.1:0
loops: 1
limits: {body: 1KiB, head: 4KiB, headers: 20}
routes:
  - {path: /, methods: [GET, POST], respond: {body: "ok"}}
  - {path: /only, methods: [GET], respond: {body: "ok"}}
  - {path: /only, methods: [PUT], respond: {body: "ok"}}
"""
IMPATIENT = CONFIG.replace("headers: 20", "headers: 20, head_timeout: 300ms, idle_timeout: 400ms")


def probe(address, raw):
    """Returns everything that arrives until the server closes the connection or waits for more."""
    with connect(address) as connection:
        connection.sendall(raw.encode("latin-1"))
        answer = receive(connection)
        try:
            rest = read_all(connection)
        except ConnectionResetError: # closed with bytes of the client unread
            rest = b""
        return answer, rest


def each(table, check):
    problems = []
    with Weir("serve", config=CONFIG) as weir:
        address = weir.address()
        for name, (raw, status) in table.items():
            try:
                check(address, raw, status)
            except (AssertionError, EOFError, OSError, ValueError) as problem:
                problems.append(f"{name}: {problem!r}")
        same(receive_plain(address), 200, "afterwards")
    assert not problems, "\n".join(problems)


def receive_plain(address):
    with connect(address) as connection:
        connection.sendall((GET + "\r\n").encode())
        return receive(connection).status


def refused(address, raw, status):
    # A second request follows: if the first were parsed differently, it would be answered, too.
    answer, rest = probe(address, raw)
    same(answer.status, status)
    same(answer.headers.get("connection"), "close")
    same(rest, b"", "bytes after the answer")
    assert b'"error"' in answer.body, answer.body


def malformed_requests_are_refused_and_closed():
    each(REFUSED, refused)


def nothing_is_smuggled_behind_a_refused_request():
    def check(address, raw, status):
        answer, rest = probe(address, raw + "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.status in (status, 400), answer.status
        assert b"HTTP/1.1" not in rest, rest
    each(REFUSED, check)


def refused_whatever_the_pieces_they_come_in():
    def check(address, raw, status):
        with connect(address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for byte in raw[:600].encode("latin-1"):
                    connection.sendall(bytes([byte]))
                connection.sendall(raw[600:].encode("latin-1"))
            except (BrokenPipeError, ConnectionResetError):
                pass # refused before the end
            same(receive(connection).status, status)
    each({name: probe for name, probe in REFUSED.items() if len(probe[0]) < 600}, check)


def good_requests_keep_the_connection():
    def check(address, raw, status):
        with connect(address) as connection:
            for _ in range(2):
                connection.sendall(raw.encode("latin-1"))
                same(receive(connection).status, status)
    each(KEPT, check)


def pipelined_requests_are_answered_in_order():
    with Weir("serve", config=CONFIG) as weir, connect(weir.address()) as connection:
        connection.sendall(b"".join(raw.encode() for raw, _ in KEPT.values()))
        for name, (_, status) in KEPT.items():
            same(receive(connection).status, status, name)


def a_body_beyond_the_limit_is_413():
    with Weir("serve", config=CONFIG) as weir, connect(weir.address()) as connection:
        connection.sendall((POST + "Content-Length: 5000\r\n\r\n").encode())
        answer = receive(connection)
        same((answer.status, answer.headers.get("connection")), (413, "close"))


def another_method_is_405_with_all_of_them():
    with Weir("serve", config=CONFIG) as weir, connect(weir.address()) as connection:
        connection.sendall(b"POST /only HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        answer = receive(connection)
        same(answer.status, 405)
        same(sorted(answer.headers["allow"].replace(" ", "").split(",")), ["GET", "HEAD", "PUT"])


def a_slow_head_is_408():
    with Weir("serve", config=IMPATIENT) as weir, connect(weir.address()) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHo")
        same(receive(connection).status, 408)
        same(read_all(connection), b"")


def an_idle_connection_is_closed_silently():
    with Weir("serve", config=IMPATIENT) as weir:
        with connect(weir.address()) as connection:
            same(read_all(connection), b"")
        with connect(weir.address()) as connection:
            connection.sendall((GET + "\r\n").encode())
            same(receive(connection).status, 200)
            same(read_all(connection), b"")


def http_1_0_is_answered_and_closed():
    with Weir("serve", config=CONFIG) as weir, connect(weir.address()) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        same(receive(connection).status, 200)
        same(read_all(connection), b"")


def who_expects_100_hears_it():
    with Weir("serve", config=CONFIG) as weir, connect(weir.address()) as connection:
        connection.sendall((POST + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").encode())
        head = read_head(connection)
        assert head.startswith(b"HTTP/1.1 100"), head
        connection.sendall(b"ab")
        same(receive(connection).status, 200)


run(malformed_requests_are_refused_and_closed, nothing_is_smuggled_behind_a_refused_request,
    refused_whatever_the_pieces_they_come_in, good_requests_keep_the_connection,
    pipelined_requests_are_answered_in_order, a_body_beyond_the_limit_is_413,
    another_method_is_405_with_all_of_them, a_slow_head_is_408, an_idle_connection_is_closed_silently,
    http_1_0_is_answered_and_closed, who_expects_100_hears_it)
