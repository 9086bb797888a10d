#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stalls as an operator sees them: in the log, on /stalls, in /metrics, from 'weir stalls'; and a program that a stall aborts."""
import collections
import json
import math
import re
import subprocess
import threading
import time

from rig import PATIENCE, WEIR, Skip, Weir, ask, connect, run, same, until, urgent

ROUTES = """
routes:
  - {path: "/burn/{what}", burn: {cpu: 100ms}, on: loop}
  - {path: /long, burn: {cpu: 1500ms}, on: loop}
  - {path: /hello, respond: {body: hi}}
"""
CONFIG = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\n" + ROUTES
KINDS = ("computing", "starved", "throttled") # on a busy machine the loop may get too little CPU to be at fault
TOO_BUSY = "the machine is so busy that nobody computes for long"


def stalls(weir):
    return json.loads(ask(weir.address("admin"), "/stalls").body)


def of_route(weir, route):
    return [each for each in stalls(weir) if each["route"] == route]


def burn_until(weir, happened):
    """Holds the loop again and again until the expected result appears, ignoring other verdicts; returns the result and the number of times."""
    end = time.monotonic() + PATIENCE
    for times in range(1, 10000):
        same(ask(weir.address(), "/burn/a").status, 200)
        if found := happened():
            return found, times
        if time.monotonic() > end:
            raise Skip(TOO_BUSY)


def a_stall_is_told_of():
    with Weir("serve", config=CONFIG, preexec=urgent) as weir:
        stall, times = burn_until(weir, lambda: next((each for each in of_route(weir, "/burn/{what}") # without a stack: it was over too soon
                                                      if each["kind"] == "computing" and not each["ongoing"] and each["stack"]), None))
        same((stall["task"], stall["loop"]), ("GET /burn/{what}", 0), str(stall))
        same(stall["scope"], "server > GET /burn/{what}")
        assert 1 <= stall["count"] <= times, stall
        assert stall["held_ms"] >= 20, stall
        assert stall["held_max_ms"] >= stall["held_ms"], stall
        assert abs(time.time() - stall["first"]) < 2 * PATIENCE and stall["first"] <= stall["last"], stall
        assert any(re.match(r"do_unit burn\.c:\d+$", frame) for frame in stall["stack"]), stall
        assert "weir_offload(weir_pool_compute()" in stall["hint"], stall
        weir.wait_for(r'warn loop 0 held \d+ ms .*task "GET /burn/\{what\}" \(computing\)')
        metrics = ask(weir.address("admin"), "/metrics").body.decode()
        of = r'\{route="/burn/\{what\}",kind="computing"\}'
        assert stall["count"] <= int(re.search(rf"weir_stalls_total{of} (\d+)\n", metrics)[1]) <= times, metrics
        assert float(re.search(rf"weir_stall_seconds_total{of} ([0-9.]+)\n", metrics)[1]) > stall["held_ms"] / 1000 - 0.01, metrics
        host, port = weir.address("admin")
        told = subprocess.run([WEIR, "stalls", f"{host}:{port}"], capture_output=True, text=True, check=True).stdout
        assert 'by task "GET /burn/{what}"' in told, told


def it_is_told_of_while_it_lasts():
    with Weir("serve", config=CONFIG, preexec=urgent) as weir:
        over = threading.Event()

        def hold():
            while not over.is_set():
                ask(weir.address(), "/long")
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            stall = until("a stall that lasts is told of", lambda: [each for each in of_route(weir, "/long") if each["ongoing"]])[0]
            weir.wait_for(r'loop 0 .* so far .*task "GET /long"')
        finally:
            over.set()
            holder.join()
        until("its end is told of", lambda: [each for each in of_route(weir, "/long")
                                             if not each["ongoing"] and each["held_max_ms"] >= stall["held_ms"]])


def address_in_json(weir, what):
    host, port = weir.wait_for(rf'"addr":"(\S+)","for":"{what}"')[1].rsplit(":", 1)
    return host, int(port)


def counted(admin):
    metrics = ask(admin, "/metrics").body.decode()
    return sum(int(n) for n in re.findall(r'weir_stalls_total\{route="/burn/\{what\}",kind="\w+"\} (\d+)', metrics))


def each_place_is_logged_once_and_then_seldom():
    with Weir("serve", config="log: json\n" + CONFIG) as weir:
        address, admin = (address_in_json(weir, what) for what in ("gateway", "admin"))
        began = time.monotonic()
        for i in range(8):
            same(ask(address, f"/burn/{i}").status, 200)
        until("the eighth stall is counted", lambda: counted(admin) >= 8)
        def told():
            lines = [json.loads(line) for line in list(weir.lines) if line and '"loop held"' in line]
            return [line for line in lines if line.get("route") == "/burn/{what}"]
        mine = until("a line says so", told)
        most = 1 + int(math.log2(time.monotonic() - began + 1)) # at once, then after one, two and four seconds
        places = collections.Counter((line["kind"], re.sub(r":\d+", "", line.get("stack", ""))) for line in mine) # one that starves may have no stack
        assert max(places.values()) <= most, mine
        line = mine[0]
        same((line["level"], line["loop"], line["task"], line["kind"] in KINDS), ("warn", 0, "GET /burn/{what}", True))
        assert line["held_ms"] >= 10, line


def a_test_may_have_it_end_the_program():
    with Weir("serve", "--single", config="stall: {then: abort}\n" + CONFIG, preexec=urgent) as weir:
        address, end = weir.address(), time.monotonic() + PATIENCE
        while time.monotonic() < end: # a starved program is not at fault, and continues
            try:
                ask(address, "/burn/a")
            except (OSError, EOFError, IndexError, ValueError):
                break
        else:
            raise Skip(TOO_BUSY)
        same(weir.exit(), -6)
        weir.wait_for(r'held \d+ ms so far by task "GET /burn/\{what\}" \(computing\)')


def nobody_is_accused_for_waiting():
    with Weir("serve", config="stall: {after: 2s}\n" + CONFIG) as weir:
        for _ in range(20):
            same(ask(weir.address(), "/hello").status, 200)
        same(ask(weir.address(), "/burn/a").status, 200)
        same([each for each in stalls(weir) if each["kind"] == "computing"], [])


run(a_stall_is_told_of, it_is_told_of_while_it_lasts, each_place_is_logged_once_and_then_seldom,
    a_test_may_have_it_end_the_program, nobody_is_accused_for_waiting)
