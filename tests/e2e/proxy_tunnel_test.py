#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proxy: connections that client and backend take for another protocol, WebSocket and the like."""
import signal
import socket
import threading

from rig import Backend, Weir, connect, descriptors, read_all, read_head, receive, run, same, until

ASK = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n"


def config(port, proxy="", more=""):
    return f"""
listen: 127.0.0.1:0
loops: 1
{more}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}"{proxy}}}}}
"""


def take(connection, size):
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def echo(connection):
    head = read_head(connection)
    assert b"upgrade: websocket\r\n" in head and b"connection: upgrade\r\n" in head, head
    assert b"Sec-WebSocket-Key: k\r\n" in head, head
    connection.sendall(SWITCH + b"first")
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.sendall(b"last")


def bytes_pass_in_both_directions():
    with Backend(echo) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(ASK + b"early") # before the answer
        head = read_head(c)
        assert head.startswith(b"HTTP/1.1 101 ") and b"upgrade: websocket\r\n" in head and b"Sec-WebSocket-Accept: a\r\n" in head, head
        same(take(c, 10), b"firstearly") # what came behind the backend's head, and behind the client's
        for i in range(50):
            c.sendall(b"%d" % i * 100)
            same(take(c, len(b"%d" % i) * 100), b"%d" % i * 100)
        c.shutdown(socket.SHUT_WR) # the other half goes on
        same(read_all(c), b"last")
        weir.wait_for("target=/chat .*status=101")


def much_passes():
    size = 8 << 20
    with Backend(echo) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(ASK)
        read_head(c)
        same(take(c, 5), b"first")

        def send():
            c.sendall(b"x" * size)
            c.shutdown(socket.SHUT_WR)

        threading.Thread(target=send, daemon=True).start()
        same(len(read_all(c)), size + 4)


def either_side_may_close_at_any_byte():
    """A side that closes or resets ends the tunnel for the other one; no descriptor is left."""
    whole = b"0123456789"
    for_backend, seen = [], []

    def handle(connection):
        read_head(connection)
        at, how = for_backend.pop()
        connection.sendall(SWITCH)
        if how == "client":
            data = b""
            try:
                data = read_all(connection)
                seen.append(data)
            except ConnectionResetError:
                seen.append(None)
            return
        connection.sendall(whole[:at])
        if how == "reset":
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        with connect(address) as c:
            for_backend.append((0, "close"))
            c.sendall(ASK)
            read_head(c)
            c.shutdown(socket.SHUT_WR)
            read_all(c)
        before = until("quiet", lambda: descriptors(weir))
        for at in range(len(whole) + 1):
            for_backend.append((at, "close"))
            with connect(address) as c:
                c.sendall(ASK)
                read_head(c)
                c.shutdown(socket.SHUT_WR)
                same(read_all(c), whole[:at])
            for_backend.append((at, "reset"))
            with connect(address) as c:
                c.sendall(ASK)
                read_head(c)
                same(take(c, at), whole[:at])
                c.sendall(b"x")
                try:
                    raise AssertionError(f"an end instead of a reset: {read_all(c)!r}")
                except ConnectionResetError:
                    pass
            for_backend.append((at, "client"))
            with connect(address) as c:
                c.sendall(ASK)
                read_head(c)
                c.sendall(whole[:at])
                if at % 2:
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            until("the backend's end", lambda: len(seen) == at + 1)
            assert seen[at] is None or whole.startswith(seen[at]), seen[at]
            assert at % 2 or seen[at] == whole[:at], (at, seen[at])
        until("no descriptor left", lambda: descriptors(weir) <= before)


def an_upgrade_that_is_refused_leaves_http():
    def handle(connection):
        for _ in range(3):
            head = read_head(connection)
            heads.append(head)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")

    heads = []
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(ASK + b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        same([receive(c).body, receive(c).body], [b"no", b"no"])
        assert heads[1].startswith(b"GET /next ") and b"pgrade" not in heads[1], heads


def rules_for_answers_leave_a_switch_alone():
    """As in nginx, whose add_header is for final answers: a handshake passes as the two sides make it, and so do informational answers."""
    def handle(connection):
        for _ in range(2):
            head = read_head(connection)
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Old: 1\r\n\r\n")
            if b"chat" in head:
                connection.sendall(SWITCH.replace(b"\r\n\r\n", b"\r\nX-Old: 1\r\n\r\n"))
                connection.recv(1)
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Old: 1\r\nContent-Length: 0\r\n\r\n")

    rules = "headers: {response: {set: {X-New: 2}, remove: [x-old]}}"
    with Backend(handle) as backend, Weir("serve", config=config(backend.port, more=rules)) as weir, connect(weir.address()) as c:
        c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + ASK)
        for status, old, new in ((b"103", True, False), (b"200", False, True), (b"103", True, False), (b"101", True, False)):
            head = read_head(c)
            same((head.split(b" ")[1], b"X-Old" in head, b"X-New" in head), (status, old, new))


def switches_that_were_not_asked_for_are_faults():
    answers = [SWITCH.replace(b"websocket", b"other"), SWITCH.replace(b"Upgrade: websocket\r\n", b""),
               SWITCH.replace(b"websocket", b"h2c"), SWITCH.replace(b"Upgrade: websocket", b"Upgrade: websocket, foo")]
    asks = [ASK] * 4 + [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", ASK.replace(b"websocket", b"h2c"),
                        ASK.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx"), ASK.replace(b"Connection: Upgrade\r\n", b"")]
    left = answers + [SWITCH] * 4
    heads = []

    def handle(connection):
        heads.append(read_head(connection))
        connection.sendall(left.pop(0))
        connection.recv(100)
        connection.recv(1)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        for ask in asks:
            with connect(weir.address()) as c:
                c.sendall(ask)
                same(receive(c).status, 502, ask)
        assert not any(b"pgrade" in head for head in heads[4:]), heads[4:]
        weir.wait_for('status=502 failed="bad response"')


def a_silent_tunnel_is_closed():
    with Backend(echo) as backend, Weir("serve", config=config(backend.port, ", tunnel_timeout: 300ms")) as weir:
        with connect(weir.address()) as c:
            c.sendall(ASK)
            read_head(c)
            same(take(c, 5), b"first")
            try:
                same(read_all(c), b"")
            except ConnectionResetError:
                pass


def a_tunnel_with_traffic_one_way_stays():
    """More than twice the limit of silence, in which the client says nothing."""
    def ticks(connection):
        read_head(connection)
        connection.sendall(SWITCH)
        for _ in range(40):
            connection.sendall(b".")
            if stop.wait(0.05):
                return
        connection.sendall(b"end")

    stop = threading.Event()
    with Backend(ticks) as backend, Weir("serve", config=config(backend.port, ", tunnel_timeout: 500ms")) as weir:
        with connect(weir.address()) as c:
            c.sendall(ASK)
            read_head(c)
            same(take(c, 43), b"." * 40 + b"end")
    stop.set()


def a_drain_ends_tunnels():
    with Backend(echo) as backend, Weir("serve", config=config(backend.port, more="drain: 300ms")) as weir, connect(weir.address()) as c:
        c.sendall(ASK)
        read_head(c)
        same(take(c, 5), b"first")
        weir.signal(signal.SIGTERM)
        c.sendall(b"x")
        same(c.recv(1), b"x") # still
        try:
            same(read_all(c), b"")
        except ConnectionResetError:
            pass
        same(weir.exit(), 0)


run(bytes_pass_in_both_directions, much_passes, either_side_may_close_at_any_byte, an_upgrade_that_is_refused_leaves_http,
    rules_for_answers_leave_a_switch_alone,
    switches_that_were_not_asked_for_are_faults, a_silent_tunnel_is_closed, a_tunnel_with_traffic_one_way_stays, a_drain_ends_tunnels)
