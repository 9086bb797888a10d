#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proxy: no message is one for the gateway and two for its neighbours, in either direction. Every spelling of the fields that frame a message is combined
with every other; what a neighbour receives is read by the most lenient reader there could be."""
import itertools
import random
import re
import socket
import threading

from rig import PATIENCE, Backend, Weir, answering, ask, connect, read_head, receive, receive_body, run, same, until

EVIL = b"GET /evil HTTP/1.1\r\nHost: h\r\nX: "
CODINGS = [None, b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked ",
           b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: \x0bchunked",
           b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding:", b"Transfer_Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
           b"X: y\rTransfer-Encoding: chunked", b" Transfer-Encoding: chunked", b"Transfer-Encoding\0: chunked", b"Transfer-Encoding:\r\n chunked",
           b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"\x0bTransfer-Encoding: chunked",
           b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked", b"TE: chunked"]
LENGTHS = [None, b"Content-Length: %d", b"Content-Length: 0%d", b"Content-Length: +%d", b"Content-Length: %d, %d", b"Content-Length: %d\r\nContent-Length: 0",
           b"Content-Length: 0\r\nContent-Length: %d", b"Content-Length : %d", b"Content_Length: %d", b"Content-Length: %d\t", b"Content-Length: \x0c%d", b"Content-Length: %d.0",
           b"Content-Length: -1", b"X: y\nContent-Length: %d", b" Content-Length: %d", b"Content-Length:\r\n %d", b"Connection: content-length\r\nContent-Length: %d"]
BODIES = [b"0\r\n\r\n" + EVIL, b"1\r\nZ\r\n0\r\n\r\n" + EVIL, b"1;\nZ\r\n0\r\n\r\n" + EVIL, EVIL]


def config(port, timeout="10s"):
    return f"""
listen: 127.0.0.1:0
loops: 1
limits: {{idle_timeout: 2s, body_rate: 0B}}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}", timeout: {timeout}}}}}
"""


def framed_by(head):
    """The fields that frame a message, for readers of every kind: names are trimmed, '_' is '-'."""
    found = []
    for line in re.split(rb"[\r\n]+", head)[1:]:
        name = re.sub(rb"[^a-z-]", b"", line.split(b":")[0].lower().replace(b"_", b"-"))
        if name in (b"content-length", b"transfer-encoding"):
            found.append((name, line.split(b":", 1)[1].strip(b" ") if b":" in line else b""))
    return found


def combinations(seed):
    """All spellings of one with all of the other; the body is drawn."""
    draw = random.Random(seed)
    for coding, length in itertools.product(CODINGS, LENGTHS):
        body = draw.choice(BODIES)
        fields = [coding, length.replace(b"%d", b"%d" % len(body)) if length else None]
        if draw.random() < 0.5:
            fields.reverse()
        yield b"\r\n".join(field for field in fields if field is not None), body


def take_body(connection, framing, already):
    """Reads a body as it is framed. Returns the bytes behind it, which may begin another message."""
    data = already
    if framing and framing[0][0] == b"content-length":
        length = int(framing[0][1])
        while len(data) < length:
            data += more(connection)
        return data[length:]
    while framing and not re.search(rb"(^|\r\n)0\r\n\r\n", data):
        data += more(connection)
    return data[re.search(rb"(^|\r\n)0\r\n\r\n", data).end():] if framing else data


def more(connection):
    piece = connection.recv(65536)
    if not piece:
        raise EOFError
    return piece


def requests_are_one_for_all():
    """Behind each request comes another one. What the backend gets is framed in one way, and never has a request that the client sent as a body."""
    problems, targets, served = [], [], 0

    def handle(connection):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                data += more(connection)
            head, data = data.split(b"\r\n\r\n", 1)
            framing = framed_by(head)
            if len(framing) > 1 or (framing and framing[0] != (b"transfer-encoding", b"chunked") and not re.fullmatch(rb"content-length\d+", framing[0][0] + framing[0][1])):
                problems.append(head)
            if b"\n" in head.replace(b"\r\n", b"") or b"\r" in head.replace(b"\r\n", b"") or b"\0" in head:
                problems.append(head)
            targets.append(head.split(b" ")[1])
            data = take_body(connection, framing, data)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        for fields, body in combinations(1):
            del targets[:]
            with connect(address) as c:
                c.sendall(b"POST /asked HTTP/1.1\r\nHost: h\r\n" + (fields + b"\r\n" if fields else b"") + b"\r\n" + body)
                c.shutdown(socket.SHUT_WR)
                statuses = statuses_of(c)
            served += len(targets)
            # what the client has framed as a second request is one for both, and only then
            allowed = [b"/asked", b"/evil"] if framed_by(b"\r\n" + fields) == [] or is_chunked_alone(fields) else [b"/asked"]
            if targets[:1] not in ([], [b"/asked"]) or any(target not in allowed for target in targets) or len(targets) > len(statuses) + 1:
                problems.append((fields, body, list(targets), statuses))
    assert not problems, problems[:5]
    assert served >= 10, served # those that are right


def is_chunked_alone(fields):
    framing = framed_by(b"\r\n" + fields)
    return len(framing) == 1 and framing[0][0] == b"transfer-encoding" and framing[0][1].strip(b"\t ").lower() == b"chunked"


def statuses_of(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", data)]


def answers_are_one_for_all():
    """Behind each answer comes another one, which nobody asked for. A client never gets it, and what it gets is framed in one way."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    now = [b""]

    def handle(connection):
        while True:
            read_head(connection)
            connection.sendall(now[0])

    problems = []
    with Backend(handle) as backend, Weir("serve", config=config(backend.port, timeout="100ms")) as weir: # some bodies would end with the connection
        address = weir.address()
        for fields, body in combinations(2):
            body = body.replace(EVIL, evil)
            now[0] = b"HTTP/1.1 200 OK\r\n" + (fields.replace(b"%d" % 0, b"0") + b"\r\n" if fields else b"") + b"\r\n" + body
            with connect(address) as c:
                for _ in range(2):
                    c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    try:
                        head = read_head(c)
                    except (EOFError, ConnectionError):
                        break
                    framing = framed_by(head)
                    if len(framing) != 1:
                        problems.append((fields, body, head))
                    try:
                        got = receive_body(c, {name.decode(): value.decode() for name, value in framing})
                    except (EOFError, ConnectionError):
                        break # broken off, visibly
                    # a body that the backend has framed as one may have these bytes in it
                    if got == b"evil":
                        problems.append((fields, body, head, got))
    assert not problems, problems[:5]


def a_body_that_is_not_wanted_is_no_request():
    """An answer comes before the body has: what is left of the body is dropped, however much it looks like a request, or the connection ends."""
    asked = []

    def deny(connection):
        asked.append(read_head(connection).split(b" ")[1])
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")

    with Backend(deny) as backend, Weir("serve", config=config(backend.port)) as weir:
        for size in (1000, 60000, 70000, 500000):
            for framing in (b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n%x\r\n"):
                body = (EVIL.replace(b"X: ", b"\r\n") * (size // 30 + 1))[:size]
                with connect(weir.address()) as c:
                    c.sendall(b"POST /asked HTTP/1.1\r\nHost: h\r\n" + framing % size)
                    same(receive(c).status, 401)
                    try:
                        c.sendall(body + (b"\r\n0\r\n\r\n" if b"chunked" in framing else b"") + b"GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    except ConnectionError:
                        pass
                    statuses = statuses_of(c)
                    assert statuses in ([], [401]), (size, framing, statuses)
        assert set(asked) <= {b"/asked", b"/next"}, asked


def bodies_of_requests_break_at_each_byte():
    """By an end or a reset of the client: what the backend gets is never whole."""
    got = []

    def handle(connection):
        data = b""
        try:
            while piece := connection.recv(65536):
                data += piece
        except ConnectionError:
            data = b"reset"
        got.append(data)

    head = b"POST / HTTP/1.1\r\nHost: h\r\n"
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        for whole in (b"Content-Length: 10\r\n\r\n0123456789", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"):
            for at in range(whole.index(b"\r\n\r\n") + 4, len(whole)):
                for by_reset in (False, True):
                    before = backend.connections
                    with connect(weir.address()) as c:
                        c.sendall(head + whole[:at])
                        until("the backend", lambda: backend.connections > before)
                        if by_reset:
                            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        else:
                            c.shutdown(socket.SHUT_WR)
                            statuses = statuses_of(c)
                            assert statuses in ([], [400]), (whole[:at], statuses)
                    until("the backend's end", lambda: len(got) == backend.connections)
                    data = got[-1].partition(b"\r\n\r\n")[2]
                    assert b"\r\n0\r\n" not in data if b"chunked" in whole else len(data) < 10, (whole[:at], got[-1])


def answers_break_at_each_byte():
    """Of their heads, and of a body that ends with its connection, which a reset breaks."""
    now, by_reset = [b""], [False]

    def handle(connection):
        read_head(connection)
        connection.sendall(now[0])
        if by_reset[0]:
            sent.acquire(timeout=PATIENCE)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    sent = threading.Semaphore(0)
    head = b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 1\r\n\r\n"
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        for at in range(len(head)):
            now[0] = head[:at]
            same(ask(weir.address(), "/").status, 502, head[:at])
        now[0], by_reset[0] = b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True
        for at in range(13):
            now[0] = b"HTTP/1.1 200 OK\r\n\r\n" + b"until the end"[:at]
            with connect(weir.address()) as c:
                c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                data = b""
                if at > 0:
                    while not data.endswith(b"until the end"[:at] + b"\r\n"):
                        data += more(c)
                sent.release()
                try:
                    while piece := c.recv(65536):
                        data += piece
                except ConnectionError:
                    pass
                assert not data.endswith(b"0\r\n\r\n"), data


def parameters_inject_nothing():
    """What a client writes into a path stays one value where it is put into headers, redirects and targets."""
    heads = []
    with Backend(answering(requests=heads)) as backend:
        text = f"""
listen: 127.0.0.1:0
routes:
  - {{path: "/go/{{id}}", redirect: {{to: "https://h.test/{{id}}"}}}}
  - {{path: "/x/{{id}}", proxy: {{to: "http://127.0.0.1:{backend.port}", strip: /x}}, headers: {{request: {{set: {{X-Id: "{{id}}"}}}}, response: {{set: {{X-Seen: "{{id}}"}}}}}}}}
"""
        with Weir("serve", config=text) as weir:
            for value in ("a%0d%0aX-Evil:%201", "a%0aX-Evil:%201", "a%0d%0a%0d%0aGET%20/evil%20HTTP/1.1", "%E5%98%8D%E5%98%8AX-Evil:1", "a%20HTTP/1.1%0d%0aX-Evil:1", "a%23b%3fc"):
                del heads[:]
                answer = ask(weir.address(), "/x/" + value)
                assert "x-evil" not in answer.headers, answer.headers
                if answer.status == 200:
                    same(len(heads), 1)
                    assert not re.search(r"^x-evil", heads[0][0], re.I | re.M) and heads[0][0].startswith(f"GET /{value} HTTP/1.1\r\n"), heads
                answer = ask(weir.address(), "/go/" + value)
                assert "x-evil" not in answer.headers, answer.headers
                assert answer.status != 308 or "\r" not in answer.headers["location"], answer.headers


run(requests_are_one_for_all, answers_are_one_for_all, a_body_that_is_not_wanted_is_no_request, bodies_of_requests_break_at_each_byte,
    answers_break_at_each_byte, parameters_inject_nothing)
