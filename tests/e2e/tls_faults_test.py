#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS that goes wrong: bytes that are none, handshakes that never end, bodies that are cut off, files that change in their middle, floods."""
import contextlib
import json
import os
import socket
import ssl
import threading

from authority import Authority
from rig import PATIENCE, Weir, ask, connect, descriptors, own_bytes, read_all, read_head, receive, run, same, until, use_last
from secure import SecureBackend, ask_securely, blind, listening, metric, request, secured, stats, trusting

AUTHORITY = Authority()
SHOP, OTHER = AUTHORITY.issue("a.test", "127.0.0.1"), AUTHORITY.issue("a.test", "127.0.0.1")
ROUTES = """
routes:
  - {path: /hello, respond: {body: "Hello, World!"}}
  - {path: /hash, hash: {algorithm: sha256}, limits: {body: 64MiB}}
"""


def serving(more="", routes=ROUTES, listen=""):
    return Weir("serve", config=f"listen: {listening(SHOP, more=listen)}\nadmin: 127.0.0.1:0\nloops: 2\n{more}{routes}")


def is_well(weir):
    same(ask_securely(weir.address(), trusting(AUTHORITY), "/hello").status, 200)


def first_flight():
    """The bytes of a handshake's beginning, as a client of our own would send them."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = blind().wrap_bio(incoming, outgoing, server_hostname="a.test")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def to_the_end(connection):
    """Reads until the peer has closed, or broken off."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while connection.recv(4096):
            pass


def what_is_not_tls_is_closed():
    hello = first_flight()
    with serving() as weir:
        is_well(weir)
        before = descriptors(weir)
        cases = [b"\x00" * 100, b"\xff" * 20000, b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x10" + b"x" * 16,
                 b"SSH-2.0-x\r\n", b"\x80\x2e\x01\x00\x02" + b"x" * 60, hello[:5] + b"\x02" + hello[6:], hello[:20] + bytes(byte ^ 0xff for byte in hello[20:]),
                 hello + b"\x14\x03\x03\x00\x01\x02", hello[:3] + b"\x00\x00" + hello[5:]]
        for case in cases:
            with connect(weir.address()) as connection:
                with contextlib.suppress(OSError):
                    connection.sendall(case)
                    connection.shutdown(socket.SHUT_WR)
                to_the_end(connection)
        until("all are counted", lambda: metric(weir, "weir_tls_failures_total*") >= len(cases))
        until("none is left", lambda: descriptors(weir) <= before)
        is_well(weir)


def a_handshake_may_come_byte_by_byte():
    """Each record in pieces of one byte, and the request, too."""
    with serving() as weir, connect(weir.address()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = blind().wrap_bio(incoming, outgoing, server_hostname="a.test")

        def send():
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))

        def go_on(act):
            while True:
                try:
                    result = act()
                    send()
                    return result
                except ssl.SSLWantReadError:
                    send()
                    piece = connection.recv(1)
                    assert piece
                    incoming.write(piece)

        go_on(client.do_handshake)
        for byte in request("/hello"):
            go_on(lambda byte=byte: client.write(bytes([byte]))) # a record of its own
        answer = b""
        while not answer.endswith(b"Hello, World!"):
            answer += go_on(lambda: client.read(4096))
        assert answer.startswith(b"HTTP/1.1 200 "), answer


def handshakes_that_never_end_are_timed_out():
    hello = first_flight()
    with serving("limits: {head_timeout: 150ms}\n") as weir:
        is_well(weir)
        before = descriptors(weir)
        for sent in (b"", hello[:1], hello[:7], hello[:-1], hello):
            with connect(weir.address()) as connection:
                connection.sendall(sent)
                to_the_end(connection)
        until("none is left", lambda: descriptors(weir) <= before and metric(weir, "weir_tls_handshakes_in_progress*") == 0)
        assert metric(weir, 'weir_tls_failures_total{reason="time"*') >= 1
        is_well(weir)


def a_cut_request_is_no_whole_one():
    """The client's connection ends without the end of TLS in the middle of a body."""
    with serving() as weir:
        connection = secured(weir.address(), trusting(AUTHORITY))
        connection.sendall(b"POST /hash HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
        until("it has come", lambda: metric(weir, "weir_exchanges") == 1)
        os.close(connection.detach())
        until("it is over", lambda: metric(weir, "weir_exchanges") == 0)
        same(metric(weir, 'weir_requests_total{route="/hash",method="POST",status="200"}'), 0)
        is_well(weir)


def a_cut_answer_is_passed_on_as_cut():
    """A backend that leaves in the middle of its answer, without the end of TLS: the client must not take what it got for the whole."""
    def cut(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        os.close(connection.detach())
    with SecureBackend(cut, SHOP) as backend, serving(f'backends: {{b: {{urls: "https://127.0.0.1:{backend.port}", tls: {{ca: {AUTHORITY.path}}}}}}}\n', """
routes:
  - {path: /hello, respond: {body: x}}
  - {path: /*, proxy: {backend: b}}
""") as weir:
        with secured(weir.address(), trusting(AUTHORITY)) as connection:
            connection.suppress_ragged_eofs = False
            connection.sendall(request("/x"))
            try:
                whole = read_all(connection)
            except OSError:
                whole = b"" # broken off: right
            assert not whole.endswith(b"0\r\n\r\n"), whole


def bodies_of_any_size_pass():
    body = os.urandom(5_000_000)
    with serving() as weir, secured(weir.address(), trusting(AUTHORITY)) as connection:
        for _ in range(2):
            connection.sendall(f"POST /hash HTTP/1.1\r\nHost: a.test\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = receive(connection)
            same((answer.status, json.loads(answer.body)["algorithm"]), (200, "sha256"))


def files_change_in_the_middle_of_handshakes():
    with Authority() as authority:
        mine, other = authority.issue("a.test"), authority.issue("a.test")
        with Weir("serve", config=f"listen: {listening(mine, more=', recheck: 10ms')}\nadmin: 127.0.0.1:0\nloops: 2\n{ROUTES}") as weir:
            halves = []
            for _ in range(20):
                connection = connect(weir.address())
                connection.sendall(first_flight()[:40])
                halves.append(connection)
            failed, done = [], threading.Event()

            def ask_on():
                while not done.is_set():
                    try:
                        same(ask_securely(weir.address(), trusting(authority), "/hello").status, 200)
                    except (OSError, EOFError, AssertionError) as why:
                        failed.append(why)

            askers = [threading.Thread(target=ask_on) for _ in range(4)]
            for each in askers:
                each.start()
            names = set()
            for n in range(4):
                issued = authority.issue("a.test", f"n{n}.test")
                mine.replace(issued)
                until("it is shown", lambda n=n: f"n{n}.test" in stats(weir)["tls"][0]["certificates"][0]["names"])
                names.add(n)
            done.set()
            for each in askers:
                each.join()
            same((failed, len(names)), ([], 4))
            for connection in halves:
                connection.close()
            same(ask_securely(weir.address(), trusting(authority), "/hello").status, 200)
            mine.replace(other)


def a_flood_of_vanishing_handshakes_leaves_nothing():
    hello = first_flight()

    def vanish(count):
        for n in range(count):
            with contextlib.suppress(OSError):
                if n % 6 == 0: # after a whole handshake
                    secured(weir.address(), trusted).close()
                    continue
                with connect(weir.address()) as connection:
                    connection.sendall(hello if n % 3 == 1 else hello[:n % len(hello)])
                    if n % 2:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00") # a reset

    trusted = trusting(AUTHORITY)
    with serving() as weir:
        is_well(weir)
        before = descriptors(weir)
        vanish(200) # caches fill
        until("none is left", lambda: descriptors(weir) <= before and metric(weir, "weir_tls_handshakes_in_progress*") == 0)
        first = own_bytes(weir)
        vanish(1000)
        until("none is left", lambda: descriptors(weir) <= before and metric(weir, "weir_tls_handshakes_in_progress*") == 0)
        grown = own_bytes(weir) - first
        assert grown < 8 << 20, f"{grown} bytes more"
        assert metric(weir, 'weir_tls_failures_total{reason="left"*') > 0
        is_well(weir)


def it_drains_with_tls():
    with serving("drain: 30s\n") as weir:
        idle = secured(weir.address(), trusting(AUTHORITY))
        idle.sendall(request("/hello"))
        same(receive(idle).status, 200)
        half = connect(weir.address())
        half.sendall(first_flight()[:30])
        weir.signal(15)
        weir.wait_for("draining")
        idle.settimeout(PATIENCE)
        use_last(idle, request("/hello"))
        same(idle.recv(1), b"") # with the end of TLS, else Python raises an error
        half.close()
        same(weir.exit(), 0)


def it_is_told_where_plain_text_was_wanted():
    with serving() as weir:
        for _ in range(3):
            same(ask(weir.address(), "/hello").status, 400)
        until("it is counted", lambda: metric(weir, 'weir_tls_failures_total{reason="plain"*') == 3)


run(what_is_not_tls_is_closed, a_handshake_may_come_byte_by_byte, handshakes_that_never_end_are_timed_out, a_cut_request_is_no_whole_one,
    a_cut_answer_is_passed_on_as_cut, bodies_of_any_size_pass, files_change_in_the_middle_of_handshakes,
    a_flood_of_vanishing_handshakes_leaves_nothing, it_drains_with_tls, it_is_told_where_plain_text_was_wanted)
