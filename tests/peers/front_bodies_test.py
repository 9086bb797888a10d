#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Behind a streaming proxy: slow writers, a backend that dies in each state, tunnels that either side closes; and no
descriptor is left."""
import contextlib
import json
import socket
import struct
import threading

from front import is_second_run
from rig import PATIENCE, Backend, Weir, ask, connect, descriptors, read_head, receive, run, same, until

CONFIG = """
listen: 127.0.0.1:0
access_log: true
limits: {idle_timeout: 120s, body_rate: 0B}
routes:
  - {path: /hello, respond: {body: hello}}
  - {path: /*, proxy: {to: "http://127.0.0.1:PORT", timeout: 120s}, limits: {body: 16GiB}}
"""


@contextlib.contextmanager
def between(handle):
    with Backend(handle) as backend, Weir("serve", config=CONFIG.replace("PORT", str(backend.port))) as weir:
        ask(weir.address(), "/hello")
        before = descriptors(weir)
        yield weir
        same(ask(weir.address(), "/hello").status, 200)
        until("no descriptor is left", lambda: descriptors(weir) <= before + 4) # one kept connection, and pipes that are kept


def slow_writers_are_heard_at_once():
    """Each piece is at the other side before the next is sent, in both directions."""
    heard_there, heard_here = threading.Semaphore(0), threading.Semaphore(0)
    pieces = 200

    def handle(connection):
        read_head(connection)
        for _ in range(pieces):
            connection.recv(1)
            heard_there.release()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % pieces)
        for _ in range(pieces):
            connection.sendall(b"y")
            assert heard_here.acquire(timeout=PATIENCE)

    with between(handle) as weir, connect(weir.address()) as client:
        client.sendall(b"PUT /slow HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % pieces)
        for _ in range(pieces):
            client.sendall(b"x")
            assert heard_there.acquire(timeout=PATIENCE)
        read_head(client)
        for _ in range(pieces):
            same(client.recv(1), b"y")
            heard_here.release()


# ---- a backend that dies ----

def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


BODY = b"x" * 200000
BEFORE_HEAD = [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 2"]
AFTER_HEAD = [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + BODY,
              b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab",
              b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + BODY + b"\r\n",
              b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nTrailer: x"]


def dying(said, read, by_reset):
    """A backend that reads so much of a request's body, says this and dies."""
    def handle(connection):
        read_head(connection)
        left = read
        while left > 0:
            left -= len(connection.recv(min(left, 65536)))
        connection.sendall(said)
        if by_reset:
            reset(connection)
    return handle


def answered_whole(client):
    """Returns the answer, or None when it is visibly broken off."""
    try:
        while True:
            answer = receive(client)
            if answer.status >= 200:
                return answer
    except (EOFError, ConnectionError, AssertionError):
        return None


def request(client, upload):
    """Sends a request; with a body, of which the backend reads only a part. It may be refused meanwhile."""
    if not upload:
        client.sendall(b"GET /dies HTTP/1.1\r\nHost: h\r\n\r\n")
        return
    client.sendall(b"PUT /dies HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n\r\n")
    with contextlib.suppress(OSError):
        client.sendall(b"z" * 30000000)


def a_backend_dies_in_each_state():
    for upload in (True,) if is_second_run() else (False, True):
        for by_reset in (False, True):
            for said in BEFORE_HEAD + AFTER_HEAD:
                with between(dying(said, 100000 if upload else 0, by_reset)) as weir:
                    for _ in range(2):
                        with connect(weir.address()) as client:
                            sender = threading.Thread(target=request, args=(client, upload), daemon=True)
                            sender.start()
                            answer = answered_whole(client)
                            what = f"{said[:60]} {'upload' if upload else ''} {'reset' if by_reset else 'closed'}"
                            if answer is None:
                                # what was said before a reset may be lost on the way to the gateway, and an early answer to the client
                                assert said in AFTER_HEAD or upload, f"no answer: {what}"
                            else:
                                same((answer.status, json.loads(answer.body)["error"]["code"]), (502, "bad_gateway"), what)
                                assert said in BEFORE_HEAD or by_reset or upload, what
                            client.close()
                            sender.join(PATIENCE)


def a_backend_that_is_not_there():
    with Backend(answer_nothing) as backend:
        port = backend.port
    with Weir("serve", config=CONFIG.replace("PORT", str(port))) as weir:
        before = descriptors(weir)
        for _ in range(50):
            same(ask(weir.address(), "/x", "PUT", body=b"some words").status, 502)
        until("no descriptor is left", lambda: descriptors(weir) <= before + 2)


def answer_nothing(connection):
    connection.recv(1)


# ---- tunnels ----

UPGRADE = b"GET /tunnel HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def echo(at_most=None, by_reset=False):
    """A backend that switches to a protocol of its own: each byte comes back, until so many have; then it leaves."""
    def handle(connection):
        read_head(connection)
        connection.sendall(SWITCHED + b"!")
        count = 0
        while at_most is None or count < at_most:
            data = connection.recv(65536 if at_most is None else at_most - count)
            if not data:
                break
            connection.sendall(data)
            count += len(data)
        if by_reset:
            reset(connection)
    return handle


def read_to_end(connection):
    """Returns what comes before the end, whatever it is."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return data


@contextlib.contextmanager
def tunnel(weir):
    with connect(weir.address()) as client:
        client.sendall(UPGRADE + b"early")
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        yield client


def tunnels_end_with_either_side():
    for at_most in (0, 1, 5, 6, 70000):
        for by_reset in (False, True):
            with between(echo(at_most, by_reset)) as weir, tunnel(weir) as client: # the backend leaves
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"w" * 100000)
                got = read_to_end(client)
                assert (b"!early" + b"w" * 100000).startswith(got) and len(got) <= 1 + at_most, (got[:20], len(got), at_most)
                assert by_reset or len(got) >= 1, "what came before the end is lost"
    with between(echo()) as weir:
        for count in (0, 1, 70000): # the client leaves, in three ways
            with tunnel(weir) as client: # it only stops sending
                client.sendall(b"w" * count)
                client.shutdown(socket.SHUT_WR)
                same(read_to_end(client), b"!early" + b"w" * count)
            with tunnel(weir) as client:
                client.sendall(b"w" * count)
            with tunnel(weir) as client:
                client.sendall(b"w" * count)
                reset(client)


run(slow_writers_are_heard_at_once, a_backend_dies_in_each_state, a_backend_that_is_not_there,
    tunnels_end_with_either_side)
