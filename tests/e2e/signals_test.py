#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals: those that end the gateway, whatever it runs, and those that lose no request."""
import contextlib
import os
import re
import signal
import tempfile
import time

from rig import Held, Weir, ask, connect, receive, run, same, until, use_last

ROUTES = """
routes:
  - {path: /, respond: {body: "ok"}}
  - {path: /hold, burn: {cpu: 1m}, on: loop}
"""
BASIC = "listen: 127.0.0.1:0\naccess_log: false\n" + ROUTES
ADMIN = "admin: 127.0.0.1:0\n" + BASIC


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


def lose_nothing(hangup, *arguments):
    with Held() as held, Weir("serve", *arguments, config=BASIC + held.route()) as weir:
        with connect(weir.address()) as busy:
            start(busy, "/held")
            held.wait_for(1)
            for number, line in ((signal.SIGHUP, hangup), (signal.SIGUSR1, "SIGUSR1 has no effect"), (signal.SIGUSR2, "SIGUSR2 has no effect")):
                weir.signal(number)
                weir.wait_for(line)
            weir.signal(signal.SIGHUP) # each time, not only once
            until("the second line", lambda: sum(bool(re.search(hangup, line or "")) for line in weir.lines) == 2)
            held.released.set()
            same(receive(busy).status, 200)
        same(ask(weir.address(), "/").status, 200)
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not [line for line in weir.lines if line and "work left" in line], weir.lines


def other_signals_lose_nothing():
    lose_nothing("a new configuration is in force")


def other_signals_lose_nothing_in_one_process():
    lose_nothing("SIGHUP has no effect", "--single")


def hold_loops(stack, weir, count):
    """Makes each loop compute for a minute."""
    for held in range(1, count + 1): # one after the other: a connection to a loop that is about to be held would wait for it
        start(stack.enter_context(connect(weir.address())), "/hold")
        until("a loop is held", lambda: ask(weir.address("admin"), "/tasks").body.count(b'"GET /hold","state":"running"') == held)
    time.sleep(0.05) # longer than stall.after, so that the loop counts as held


def a_second_signal_ends_it_though_every_loop_is_held():
    with Weir("serve", config="loops: 2\n" + ADMIN) as weir, contextlib.ExitStack() as stack:
        hold_loops(stack, weir, 2)
        weir.signal(signal.SIGTERM)
        weir.signal(signal.SIGINT)
        began = time.monotonic()
        same(weir.exit(), 0)
        assert time.monotonic() - began < 10, "at once"
        weir.wait_for(r'ended with work left left=2 what="GET /hold \(running\), GET /hold \(running\)"')


def the_same_one_twice_is_two():
    with Weir("serve", config="loops: 1\n" + ADMIN) as weir, contextlib.ExitStack() as stack:
        hold_loops(stack, weir, 1)
        weir.signal(signal.SIGTERM)
        time.sleep(0.05) # two signals of one number at once count as one
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        weir.wait_for("ending at once")


def the_drain_ends_it_though_a_loop_is_held():
    """The other loop drains meanwhile: its requests are answered, and no connection is accepted any more."""
    with Weir("serve", config="loops: 2\ndrain: 1500ms\n" + ADMIN) as weir, contextlib.ExitStack() as stack:
        hold_loops(stack, weir, 1)
        address = weir.address()
        idle = stack.enter_context(connect(address))
        start(idle, "/")
        same(receive(idle).status, 200)
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")

        use_last(idle)

        def nobody_listens():
            try:
                connect(address).close()
            except OSError:
                return True
        until("nobody listens", nobody_listens)
        same(weir.exit(), 0)
        weir.wait_for(r'ended with work left left=1 what="GET /hold \(running\)"')


def a_terminal_that_goes_ends_the_demo():
    with Weir("demo", "--port", "0", "--admin-port", "0") as weir:
        weir.wait_for("listening addr=.* for=gateway")
        weir.signal(signal.SIGHUP)
        same(weir.exit(), 0)


def logrotate_comes_before_the_configuration_is_read(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gateway.yaml")
        os.mkfifo(path)
        with Weir("serve", *arguments, path) as weir:
            with open(path, "w", encoding="utf-8") as file: # once weir has opened it, too
                weir.signal(signal.SIGUSR1)
                file.write(BASIC)
            same(ask(weir.address(), "/").status, 200)


def logrotate_comes_before_the_configuration_is_read_in_one_process():
    logrotate_comes_before_the_configuration_is_read("--single")


run(other_signals_lose_nothing, other_signals_lose_nothing_in_one_process, a_second_signal_ends_it_though_every_loop_is_held, the_same_one_twice_is_two,
    the_drain_ends_it_though_a_loop_is_held, logrotate_comes_before_the_configuration_is_read,
    logrotate_comes_before_the_configuration_is_read_in_one_process, a_terminal_that_goes_ends_the_demo)
