#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drains: what the kernel had taken is answered, idle connections may be used once more. And loops that are held: the others take what comes."""
import contextlib
import select
import signal
import time

from rig import Held, Weir, connect, receive, run, same, until

ROUTES = """
routes:
  - {path: /, respond: {body: "ok"}}
  - {path: /hold, burn: {cpu: 1500ms}, on: loop}
"""
BASIC = "listen: 127.0.0.1:0\nloops: 2\naccess_log: false\n" + ROUTES


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


def told_to_close(connection):
    answer = receive(connection)
    return answer.status, answer.headers.get("connection")


def open_several(stack, weir, count):
    return [stack.enter_context(connect(weir.address())) for _ in range(count)]


def what_the_kernel_had_taken_is_answered():
    """Connections in the listener's queue, requests in the sockets of kept ones: nobody has looked when the signal comes."""
    with Weir("serve", config=BASIC) as weir, contextlib.ExitStack() as stack:
        kept = open_several(stack, weir, 50)
        for connection in kept:
            start(connection, "/")
            same(receive(connection).status, 200)
        weir.signal(signal.SIGSTOP)
        new = open_several(stack, weir, 20)
        for connection in kept + new:
            start(connection, "/")
        weir.signal(signal.SIGTERM)
        weir.signal(signal.SIGCONT)
        said = [told_to_close(connection) for connection in kept + new]
        same([status for status, _ in said], [200] * 70)
        for connection, (_, end) in zip(kept + new, said):
            if end is None: # it was answered before the drain: it may be used once more
                start(connection, "/")
                same(told_to_close(connection), (200, "close"))
        same(weir.exit(), 0)


def what_waits_for_room_is_answered_too():
    """The limit of connections is reached: the others wait in the queue, and are served by the drain."""
    with Weir("serve", config="limits: {connections: 4}\n" + BASIC) as weir, Held() as held, contextlib.ExitStack() as stack:
        connections = open_several(stack, weir, 12)
        for connection in connections:
            start(connection, "/")
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        same({receive(connection).status for connection in connections}, {200})
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
        left.close() # nobody is left to wait for
        began = time.monotonic()
        same(weir.exit(), 0)
        assert time.monotonic() - began < 4, "it waits for nobody"


def an_idle_connection_that_is_not_used_ends():
    """In order, and what is sent too late is read: it is no reset that the client sees."""
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
    an_idle_connection_that_is_not_used_ends, while_a_loop_is_held_the_others_answer)
