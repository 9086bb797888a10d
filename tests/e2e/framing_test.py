#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Raw requests: one that is malformed or ambiguous gets exactly the expected status, and its connection is closed."""
import socket

from rig import Weir, connect, read_head, receive, run, same

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
GET = "GET / HTTP/1.1\r\nHost: h\r\n"
POST = "POST / HTTP/1.1\r\nHost: h\r\n"

# name: (bytes, status); each is answered with the status and its connection closed
REFUSED = {
    "transfer-encoding beside content-length":
        (POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "content-length beside transfer-encoding":
        (POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "content-length twice, equal": (POST + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
    "content-length twice, different": (POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400),
    "content-length as a list": (POST + "Content-Length: 2, 2\r\n\r\nab", 400),
    "content-length empty": (POST + "Content-Length:\r\n\r\n", 400),
    "content-length signed": (POST + "Content-Length: +2\r\n\r\nab", 400),
    "content-length negative": (POST + "Content-Length: -2\r\n\r\nab", 400),
    "content-length hex": (POST + "Content-Length: 0x2\r\n\r\nab", 400),
    "content-length with a space inside": (POST + "Content-Length: 1 2\r\n\r\nab", 400),
    "content-length beyond 64 bits": (POST + "Content-Length: 99999999999999999999\r\n\r\nab", 400),
    "last coding not chunked": (POST + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
    "chunked twice": (POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "unknown coding": (POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "identity coding": (POST + "Transfer-Encoding: identity\r\n\r\n", 400),
    "transfer-encoding in HTTP/1.0":
        ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "bare LF after the request line": ("GET / HTTP/1.1\nHost: h\r\n\r\n", 400),
    "bare LF after a field": ("GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400),
    "bare LF as the empty line": ("GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
    "bare CR in a value": (GET + "A: b\rc\r\n\r\n", 400),
    "bare CR in the target": ("GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "NUL in a value": (GET + "A: b\0c\r\n\r\n", 400),
    "NUL in a name": (GET + "A\0: b\r\n\r\n", 400),
    "NUL in the target": ("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "obs-fold": (GET + "A: b\r\n c\r\n\r\n", 400),
    "obs-fold on the first field": ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
    "space before a colon": (GET + "A : b\r\n\r\n", 400),
    "space before a colon of content-length": (POST + "Content-Length : 2\r\n\r\nab", 400),
    "a field without a colon": (GET + "A\r\n\r\n", 400),
    "a field without a name": (GET + ": b\r\n\r\n", 400),
    "a character that is no part of a name": (GET + "A(b: c\r\n\r\n", 400),
    "a name with a high byte": (GET + "A\xe9: c\r\n\r\n", 400),
    "a method that is no token": ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "no host": ("GET / HTTP/1.1\r\n\r\n", 400),
    "host twice": ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
    "host invalid": ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "host with a path": ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "two spaces in the request line": ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "no version": ("GET /\r\nHost: h\r\n\r\n", 400),
    "an unknown version": ("GET / HTTP/3.7\r\nHost: h\r\n\r\n", 505),
    "a target that is no path": ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "%00 in the path": ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "a TLS hello": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "chunk size not hex": (POST + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "chunk size signed": (POST + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "chunk size with 0x": (POST + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
    "chunk size overflowing": (POST + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n", 400),
    "chunk with a bare LF": (POST + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
    "chunk longer than it said": (POST + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
    "a head that is too large": (GET + "A: " + "b" * 5000 + "\r\n\r\n", 431),
    "too many fields": (GET + "A: b\r\n" * 25 + "\r\n", 431),
    "a target that is too long": ("GET /" + "a" * 5000 + " HTTP/1.1\r\nHost: h\r\n\r\n", 414),
}

# name: (bytes, status); answered with the status, and the connection stays open
KEPT = {
    "a plain request": (GET + "\r\n", 200),
    "a body with a length": (POST + "Content-Length: 2\r\n\r\nab", 200),
    "a chunked body": (POST + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n", 200),
    "an empty line before a request": ("\r\n" + GET + "\r\n", 200),
    "an absolute target": ("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    "an unknown path": ("GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 404),
    "an empty value": (GET + "A:\r\n\r\n", 200),
    "encoded dots": ("GET /a/%2e%2E/ HTTP/1.1\r\nHost: h\r\n\r\n", 200),
}


def read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


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
