#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drains: connections that the kernel had accepted are answered, idle connections may be used once more, a successor can start. Held
loops: the other loops take new connections. And the admin address, which answers health checks although all its connections are taken."""
import contextlib
import os
import select
import signal
import socket
import time

from rig import Held, Weir, ask, connect, receive, run, same, stop, until

ROUTES = """
routes:
  - {path: /, respond: {body: "ok"}}
  - {path: /hold, burn: {cpu: 1500ms}, on: loop}
"""
BASIC = "listen: 127.0.0.1:0\nloops: 2\naccess_log: false\n" + ROUTES


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


def told_to_close(connection):
    answer = receive(connection)
    return answer.status, answer.headers.get("connection")


def open_several(stack, weir, count):
    return [stack.enter_context(connect(weir.address())) for _ in range(count)]


def what_the_kernel_had_taken_is_answered():
    """Connections in the listener's queue, and requests in the sockets of kept connections, which no loop has seen when the signal comes."""
    with Weir("serve", config=BASIC) as weir, contextlib.ExitStack() as stack:
        kept = open_several(stack, weir, 50)
        for connection in kept:
            start(connection, "/")
            same(receive(connection).status, 200)
        stop(weir.gateway)
        new = open_several(stack, weir, 20)
        for connection in kept + new:
            start(connection, "/")
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        os.kill(weir.gateway, signal.SIGCONT)
        said = [told_to_close(connection) for connection in kept + new]
        same([status for status, _ in said], [200] * 70)
        for connection, (_, end) in zip(kept + new, said):
            if end is None: # this connection had an answer before the drain: it may be used once more
                start(connection, "/")
                same(told_to_close(connection), (200, "close"))
        same(weir.exit(), 0)


def what_waits_for_room_is_answered_too():
    """The limit of connections is reached: further ones wait in the queue, and are served during the drain."""
    with Weir("serve", config="limits: {connections: 4}\n" + BASIC) as weir, Held() as held, contextlib.ExitStack() as stack:
        connections = open_several(stack, weir, 12)
        for connection in connections:
            start(connection, "/")
        for connection in connections[:4]:
            same(receive(connection).status, 200)
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        same({receive(connection).status for connection in connections[4:]}, {200})
        same(weir.exit(), 0)


def an_idle_connection_may_be_used_once_more():
    with Weir("serve", config="drain: 20s\n" + BASIC) as weir, contextlib.ExitStack() as stack:
        used, fresh, left = open_several(stack, weir, 3)
        for connection in (used, left):
            start(connection, "/")
            same(receive(connection).status, 200)
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        same(select.select([used, fresh, left], [], [], 0.3)[0], [])
        for connection in (used, fresh):
            start(connection, "/")
            same(told_to_close(connection), (200, "close"))
            same(connection.recv(1), b"")
        left.close() # no connection is left to wait for
        began = time.monotonic()
        same(weir.exit(), 0)
        assert time.monotonic() - began < 4, "it waits for nobody"


def an_idle_connection_that_is_not_used_ends():
    """Pipelined requests are answered in order, and bytes that come too late are read, so that the client gets no reset."""
    with Weir("serve", config="drain: 700ms\n" + BASIC) as weir, contextlib.ExitStack() as stack:
        [idle] = open_several(stack, weir, 1)
        start(idle, "/")
        same(receive(idle).status, 200)
        weir.signal(signal.SIGTERM)
        same(idle.recv(1), b"")
        start(idle, "/")
        same(idle.recv(1), b"")
        idle.close()
        same(weir.exit(), 0)


def a_successor_starts_at_once():
    """A successor with the same file starts from the first moment of the drain; it gets the admin address when it asks, not before."""
    gateway, admin = free_port(), free_port()
    config = f"admin: 127.0.0.1:{admin}\n" + BASIC.replace(":0", f":{gateway}", 1)
    with Held() as held, Weir("serve", config=config + held.route()) as old:
        with connect(old.address()) as busy:
            start(busy, "/held")
            held.wait_for(1)
            same(ask(old.address("admin"), "/yield", "POST").status, 409, "it does not drain")
            old.signal(signal.SIGTERM)
            with Weir("serve", config=config + held.route()) as new:
                same(ask(new.address(), "/").status, 200)
                same(ask(new.address("admin"), "/readyz").status, 200)
                old.wait_for("admin address is given up")
                held.released.set()
                same(receive(busy).status, 200)
                same(old.exit(), 0)
                same(ask(new.address("admin"), "/readyz").status, 200)
                new.signal(signal.SIGTERM)
                same(new.exit(), 0)


def a_killed_one_is_replaced_at_once():
    gateway, admin = free_port(), free_port()
    config = f"admin: 127.0.0.1:{admin}\n" + BASIC.replace(":0", f":{gateway}", 1)
    for _ in range(4):
        with Weir("serve", config=config) as weir, contextlib.ExitStack() as stack:
            open_several(stack, weir, 20)
            weir.signal(signal.SIGKILL) # and the successor starts while the kernel still closes the old process's sockets


def whoever_is_at_the_admin_address_keeps_nobody_from_health():
    """More connections than the admin address has: idle ones, half-sent heads, answers that are not read."""
    unread = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Weir("serve", config="admin: 127.0.0.1:0\n" + BASIC) as weir:
        for what, count in ((b"", 1), (b"GET / HT", 1), (unread, 200), (b"GET /profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n", 1)):
            with contextlib.ExitStack() as stack:
                for _ in range(300):
                    connection = stack.enter_context(socket.socket())
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.setblocking(False)
                    connection.connect_ex(weir.address("admin"))
                    until("it is connected", lambda: select.select([], [connection], [], 0)[1])
                    with contextlib.suppress(OSError): # it was already closed for another connection
                        connection.send(what * count)
                began = time.monotonic()
                same(ask(weir.address("admin"), "/healthz").body, b"alive\n", what)
                assert time.monotonic() - began < 6, f"while {what!r}" # head_timeout is 10 s, idle_timeout 60


def while_a_loop_is_held_the_others_answer():
    with Weir("serve", config="stall: {after: 10ms}\n" + BASIC) as weir, contextlib.ExitStack() as stack:
        [holding] = open_several(stack, weir, 1)
        start(holding, "/hold")
        time.sleep(0.05)
        slow = 0
        for _ in range(20):
            began = time.monotonic()
            [connection] = open_several(stack, weir, 1)
            start(connection, "/")
            same(receive(connection).status, 200)
            slow += time.monotonic() - began > 0.5
        same(select.select([holding], [], [], 0)[0], [], "the loop is held all the time")
        same(slow, 0, "answered late")
        same(receive(holding).status, 200)


run(what_the_kernel_had_taken_is_answered, what_waits_for_room_is_answered_too, an_idle_connection_may_be_used_once_more,
    an_idle_connection_that_is_not_used_ends, while_a_loop_is_held_the_others_answer, a_successor_starts_at_once,
    a_killed_one_is_replaced_at_once, whoever_is_at_the_admin_address_keeps_nobody_from_health)
