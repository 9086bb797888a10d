#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proxy: what is faulty, on either side, is refused or broken visibly; nothing is read in two ways, and nothing is left over."""
import select
import socket
import threading
import time

from framing_cases import KEPT, REFUSED
from rig import PATIENCE, Backend, Weir, answering, ask, connect, descriptors, nobody, read_head, receive, run, same, until

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def config(port, proxy="", limits="body: 1KiB, head: 4KiB, headers: 20", more=""):
    return f"""
listen: 127.0.0.1:0
loops: 1
limits: {{{limits}}}
{more}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}"{proxy}}}}}
"""


def read_all(connection):
    """Returns what comes, and whether it ended by a reset."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        return data, True
    return data, False


def each(table, check):
    problems = []
    for name, entry in table.items():
        try:
            check(entry)
        except (AssertionError, EOFError, OSError, ValueError) as problem:
            problems.append(f"{name}: {problem!r}")
    assert not problems, "\n".join(problems)


# --- requests ---

def requests_that_could_be_read_two_ways_reach_no_backend():
    """A request whose head is faulty is not seen by the backend; one whose body is faulty is cut off there, and never whole."""
    seen = []

    def handle(connection):
        data = b""
        try:
            while piece := connection.recv(65536):
                data += piece
        finally:
            seen.append(data)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        def check(entry):
            raw, status = entry
            del seen[:]
            before = backend.connections
            with connect(weir.address()) as c:
                c.sendall(raw.encode("latin-1"))
                same(receive(c).status, status)
                rest, _ = read_all(c)
                same(rest, b"")
            until("the backend's end", lambda: len(seen) == backend.connections - before)
            for data in seen:
                head, _, body = data.partition(b"\r\n\r\n")
                assert b"transfer-encoding: chunked" in head and not body.endswith(b"0\r\n\r\n"), data

        each(REFUSED, check)


def what_is_accepted_is_one_request():
    requests = []
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir:
        def check(entry):
            raw, _ = entry
            del requests[:]
            with connect(weir.address()) as c:
                c.sendall(raw.encode("latin-1") + GET.replace(b"/ ", b"/last "))
                same([receive(c).status, receive(c).status], [200, 200])
            same(len(requests), 2)
            assert requests[1][0].startswith("GET /last "), requests

        each({name: entry for name, entry in KEPT.items() if "chunked" not in name}, check)


def connection_may_not_name_everything():
    requests = []
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir:
        for name in ("host", "Content-Length", "transfer-encoding", "via", "x-forwarded-for", "close, Forwarded", "X-Forwarded-Proto"):
            same(ask(weir.address(), "/", headers=[("Connection", name)]).status, 400, name)
        same(requests, [])
        same(ask(weir.address(), "/", headers=[("Connection", "X-Secret, cookie"), ("X-Secret", "1"), ("Cookie", "c")]).status, 200)
        assert "ecret" not in requests[0][0] and "ookie" not in requests[0][0], requests


def a_length_that_lies_breaks_on_both_sides():
    seen = []

    def handle(connection):
        data = b""
        try:
            while piece := connection.recv(65536):
                data += piece
        finally:
            seen.append(data)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        for raw in (b"Content-Length: 10\r\n\r\nshort", b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort"):
            with connect(weir.address()) as c:
                c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + raw)
                until("the backend", lambda: backend.connections == len(seen) + 1)
                c.shutdown(socket.SHUT_WR)
                data, _ = read_all(c)
                assert data == b"" or data.startswith(b"HTTP/1.1 400 "), data
            until("the backend's end", lambda: len(seen) == backend.connections)
            assert not seen[-1].endswith(b"0\r\n\r\n") and not seen[-1].endswith(b"short\r\n0"), seen
    with Backend(answering()) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nlonger\r\n\r\n")
        same(receive(c).status, 200)
        same(receive(c).status, 400) # what is beyond is no request


def reading(connection):
    """A backend that says nothing, and would answer behind the body."""
    while connection.recv(65536):
        pass


def a_body_over_the_limit_is_refused():
    with Backend(reading) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
            same(receive(c).status, 413)
        same(backend.connections, 0)
        with connect(weir.address()) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"100\r\n" + b"x" * 256 + b"\r\n" + b"1000\r\n" + b"x" * 4096)
            same(receive(c).status, 413)


# --- answers ---

BAD_ANSWERS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a later version": b"HTTP/2.0 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status of 600": b"HTTP/1.1 600 X\r\n\r\n",
    "both lengths": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a signed length": OK + b"Content-Length: +1\r\n\r\na",
    "a hex length": OK + b"Content-Length: 0x1\r\n\r\na",
    "an empty length": OK + b"Content-Length:\r\n\r\na",
    "a list of lengths": OK + b"Content-Length: 1, 1\r\n\r\na",
    "a huge length": OK + b"Content-Length: 99999999999999999999\r\n\r\na",
    "chunked not last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "an unknown coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na",
    "a bare LF behind a field": OK + b"A: b\nContent-Length: 1\r\n\r\na",
    "a bare CR in a value": OK + b"A: b\rc\r\n\r\n",
    "NUL in a value": OK + b"A: b\0c\r\n\r\n",
    "obs-fold": OK + b"A: b\r\n c\r\n\r\n",
    "a space before a colon": OK + b"Content-Length : 1\r\n\r\na",
    "no colon": OK + b"A\r\n\r\n",
    "no name": OK + b": a\r\n\r\n",
    "a name that is none": OK + b"A(: a\r\n\r\n",
    "a head that is too large": OK + b"A: " + b"b" * 5000 + b"\r\n\r\n",
    "too many fields": OK + b"A: b\r\n" * 200 + b"\r\n",
    "an interim answer with a body": b"HTTP/1.1 103 X\r\nContent-Length: 1\r\n\r\na" + OK + b"Content-Length: 0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 102 X\r\n\r\n" * 40,
    "another protocol": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "a connection that names the length": OK + b"Connection: content-length\r\nContent-Length: 1\r\n\r\na",
    "nothing": b"",
    "half a head": OK + b"Content-Le",
}

BROKEN_BODIES = {
    "a size that is none": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a signed size": OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "a size with 0x": OK + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "a huge size": OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
    "a chunk with a bare LF": OK + b"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
    "a chunk longer than its size": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "a long extension": OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 9000 + b"\r\na\r\n0\r\n\r\n",
    "a trailer that is none": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA b\r\n\r\n",
}


def bad_answers_are_not_passed_on():
    now = []

    def handle(connection):
        read_head(connection)
        connection.sendall(now[0])

    with Backend(handle) as backend, Weir("serve", config=config(backend.port, limits="head: 4KiB, headers: 100")) as weir:
        def check(raw):
            now[:] = [raw]
            with connect(weir.address()) as c:
                c.sendall(GET)
                answer = receive(c)
                while answer.status < 200: # interim answers before the fault
                    answer = receive(c)
                same(answer.status, 502)
                same(answer.body[:31], b'{"error":{"code":"bad_gateway",')
                c.sendall(GET) # the client's connection is still good
                same(receive(c).status in (502, 102, 103), True)

        each(BAD_ANSWERS, check)
        weir.wait_for('status=502 failed="bad response"')
        weir.wait_for('status=502 failed="connection closed"')


def answers_that_break_off_are_broken_off():
    """At each byte of an answer behind its head, and by each fault of chunks: what the client gets is never whole."""
    now = []

    def handle(connection):
        read_head(connection)
        connection.sendall(now[0])

    whole = {"chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n",
             "length": OK + b"Content-Length: 10\r\n\r\n0123456789"}
    cut = {f"{name} to {at}": raw[:at] for name, raw in whole.items() for at in range(raw.index(b"\r\n\r\n") + 4, len(raw))}
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        ask_raw = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

        def check(raw):
            now[:] = [raw]
            with connect(address) as c:
                c.sendall(ask_raw)
                data, reset = read_all(c)
            head, _, body = data.partition(b"\r\n\r\n")
            if not head and reset:
                return # the reset has overtaken it
            if head.startswith(b"HTTP/1.1 502 ") and body.startswith(b'{"error":') and head.count(b"\r\n") < 6:
                return # the fault came with the head
            assert head.startswith(b"HTTP/1.1 200 "), data
            if b"chunked" in head:
                assert not body.endswith(b"0\r\n\r\n") and b"\r\n0\r\n" not in body, body
            else:
                assert len(body) < 10 and reset, (body, reset)

        each(cut, check)
        each(BROKEN_BODIES, check)
        weir.wait_for('failed="connection closed" ended=cut')
        for raw in whole.values():
            now[:] = [raw]
            same(ask_whole(address), 200)
        until("no descriptor left", lambda: descriptors(weir) <= 40)


def ask_whole(address):
    with connect(address) as c:
        c.sendall(b"GET / HTTP/1.0\r\n\r\n") # the end is the connection's
        data, reset = read_all(c)
        assert not reset and (data.endswith(b"abcde") or data.endswith(b"0123456789")), data
        return int(data.split(b" ")[1])


def answers_to_questions_that_were_not_asked_do_no_harm():
    """A second answer on a connection is not taken for that of the next request."""
    def handle(connection):
        read_head(connection)
        connection.sendall(OK + b"Content-Length: 1\r\n\r\na" + OK + b"Content-Length: 4\r\n\r\nevil")
        connection.recv(1)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        for i in range(5):
            same(ask(weir.address(), "/").body, b"a")


# --- backends that fail ---

def silent(connection):
    while connection.recv(65536):
        pass


def failures_have_their_status():
    with Weir("serve", config=config(nobody())) as weir:
        answer = ask(weir.address(), "/")
        same((answer.status, answer.body[:31]), (502, b'{"error":{"code":"bad_gateway",'))
        weir.wait_for('status=502 failed="connect failed" why="connection refused"')
    resets = []

    def reset(connection):
        read_head(connection)
        resets.append(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Backend(reset) as backend, Weir("serve", config=config(backend.port)) as weir:
        same(ask(weir.address(), "/").status, 502)
        same(len(resets), 1) # the connection was new: no second attempt
        weir.wait_for('status=502 failed="connection closed"')
    with Backend(silent) as backend, Weir("serve", config=config(backend.port, ", timeout: 200ms")) as weir:
        answer = ask(weir.address(), "/")
        same((answer.status, answer.body), (504, b'{"error":{"code":"deadline","message":"the backend has not answered within 200ms"}}\n'))
        same(ask(weir.address(), "/", method="POST", body=b"abc").status, 504)
        weir.wait_for('status=504 failed="deadline exceeded"')


def backends_that_hang_up_at_once_are_told():
    """Before they have read anything, by an end or a reset; whatever is sent to them meanwhile."""
    def hang_up(connection):
        if backend.connections % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Backend(hang_up) as backend, Weir("serve", config=config(backend.port, limits="body: 16MiB")) as weir:
        before = descriptors(weir)
        for i in range(4):
            same(ask(weir.address(), "/", method=("GET", "POST", "PUT", "DELETE")[i % 4], body=b"" if i % 4 == 0 else b"abc").status, 502)
            with connect(weir.address()) as c: # the body goes on; the answer may be lost with a reset
                try:
                    c.sendall(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4000000)
                    same(receive(c).status, 502)
                except (ConnectionError, EOFError):
                    pass
        until("no descriptor left", lambda: descriptors(weir) <= before + 2) # a pipe is kept


def silence_between_two_pieces_is_limited():
    def handle(connection):
        read_head(connection)
        connection.sendall(OK + b"Content-Length: 4\r\n\r\n")
        for _ in range(3): # each in time, all of it not
            time.sleep(0.2)
            connection.sendall(b"a")
        connection.recv(1)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port, ", timeout: 400ms")) as weir, connect(weir.address()) as c:
        c.sendall(GET)
        read_head(c)
        data, reset = read_all(c)
        same((len(data) <= 3, reset), (True, True))
        weir.wait_for('status=200 failed="deadline exceeded" ended=cut')


def a_slow_client_is_not_the_backends_fault():
    with Backend(answering()) as backend, Weir("serve", config=config(backend.port, ", timeout: 200ms")) as weir, connect(weir.address()) as c:
        c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
        for _ in range(5):
            time.sleep(0.1)
            c.sendall(b"x")
        same(receive(c).status, 200)


def a_client_that_leaves_ends_the_request():
    gone = threading.Semaphore(0)

    def handle(connection):
        head = read_head(connection)
        if b"/started" in head:
            connection.sendall(OK + b"Content-Length: 100\r\n\r\nx")
        asked.release()
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
        gone.release()

    asked = threading.Semaphore(0)
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        before = descriptors(weir)
        for head in (GET, GET.replace(b"/ ", b"/started "), b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
                     b"POST /started HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with connect(address) as c:
                c.sendall(head)
                assert asked.acquire(timeout=PATIENCE)
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            assert gone.acquire(timeout=PATIENCE), head
        until("no descriptor left", lambda: descriptors(weir) <= before)


def send_until_stuck(connection):
    """Sends until nothing has been taken for a while."""
    connection.settimeout(0.3)
    try:
        while True:
            connection.send(b"x" * 65536)
    except TimeoutError:
        pass


def a_client_that_resets_ends_an_upload_that_is_stuck():
    """The backend reads nothing, so that the gateway takes no more of the body, and waits for it for long."""
    gone, heads = threading.Semaphore(0), []

    def handle(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        heads.append(read_head(connection))
        events = select.poll()
        events.register(connection, select.POLLRDHUP)
        events.poll(PATIENCE * 1000)
        gone.release()

    with Backend(handle) as backend, Weir("serve", config=config(backend.port, ", timeout: 1h", limits="body: 16GiB")) as weir:
        before = descriptors(weir)
        for framing in (b"Content-Length: 10000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n40000000\r\n"):
            with connect(weir.address()) as c:
                c.sendall(b"PUT / HTTP/1.1\r\nHost: h\r\n" + framing)
                until("the request", lambda: heads)
                send_until_stuck(c)
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            assert gone.acquire(timeout=PATIENCE), framing
        until("no descriptor left", lambda: descriptors(weir) <= before + 2) # a pipe is kept


def kept_connections_are_sent_no_second_request_in_vain():
    """A backend that closes each connection behind its answer, without saying so: idempotent requests are sent again."""
    def handle(connection):
        read_head(connection)
        connection.sendall(OK + b"Content-Length: 1\r\n\r\na")

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        for _ in range(50):
            c.sendall(GET)
            same(receive(c).status, 200)


run(requests_that_could_be_read_two_ways_reach_no_backend, what_is_accepted_is_one_request, connection_may_not_name_everything,
    a_length_that_lies_breaks_on_both_sides, a_body_over_the_limit_is_refused, bad_answers_are_not_passed_on,
    answers_that_break_off_are_broken_off, answers_to_questions_that_were_not_asked_do_no_harm, failures_have_their_status,
    backends_that_hang_up_at_once_are_told, silence_between_two_pieces_is_limited, a_slow_client_is_not_the_backends_fault, a_client_that_leaves_ends_the_request,
    a_client_that_resets_ends_an_upload_that_is_stuck, kept_connections_are_sent_no_second_request_in_vain)
