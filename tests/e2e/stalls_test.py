#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stalls as an operator meets them: in the log, on /stalls, in /metrics, through 'weir stalls'; and the end of a program by one."""
import json
import re
import subprocess
import time

from rig import PATIENCE, WEIR, Weir, ask, connect, receive, run, same

ROUTES = """
routes:
  - {path: "/burn/{what}", burn: {cpu: 100ms}, on: loop}
  - {path: /long, burn: {cpu: 1500ms}, on: loop}
  - {path: /hello, respond: {body: hi}}
"""
CONFIG = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\n" + ROUTES
KINDS = ("computing", "starved", "throttled") # a busy machine may give the loop too little of the CPU to be at fault


def stalls(weir):
    return json.loads(ask(weir.address("admin"), "/stalls").body)


def until(find, what):
    """What find() returns, once it is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {what}")


def of_route(weir, route):
    return [each for each in stalls(weir) if each["route"] == route]


def a_stall_is_told_of():
    with Weir("serve", config=CONFIG) as weir:
        same(ask(weir.address(), "/burn/a").status, 200)
        stall = until(lambda: [each for each in of_route(weir, "/burn/{what}") if not each["ongoing"]], "stall")[0]
        same((stall["task"], stall["loop"], stall["kind"] in KINDS), ("GET /burn/{what}", 0, True), str(stall))
        assert stall["count"] == 1 or stall["kind"] in ("starved", "throttled"), stall # that is told of the whole loop, as often as it happens
        same(stall["scope"], "server > GET /burn/{what}")
        assert stall["held_ms"] >= 50, stall
        assert stall["held_max_ms"] >= stall["held_ms"], stall
        assert abs(time.time() - stall["first"]) < 60 and stall["first"] <= stall["last"], stall
        if stall["kind"] == "computing":
            assert any(re.match(r"do_unit burn\.c:\d+$", frame) for frame in stall["stack"]), stall
            assert "weir_offload(weir_pool_compute()" in stall["hint"], stall
        weir.wait_for(r'warn loop 0 (held|kept off the CPU) \d+ ms .*task "GET /burn/\{what\}" \((computing|starved|throttled)\)')
        metrics = ask(weir.address("admin"), "/metrics").body.decode()
        assert re.search(r'weir_stalls_total\{route="/burn/\{what\}",kind="\w+"\} 1\n', metrics), metrics
        assert re.search(r'weir_stall_seconds_total\{route="/burn/\{what\}",kind="\w+"\} 0\.\d+\n', metrics), metrics
        host, port = weir.address("admin")
        told = subprocess.run([WEIR, "stalls", f"{host}:{port}"], capture_output=True, text=True, check=True).stdout
        assert 'by task "GET /burn/{what}"' in told, told


def it_is_told_of_while_it_lasts():
    with Weir("serve", config=CONFIG) as weir:
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
            stall = until(lambda: [each for each in of_route(weir, "/long") if each["ongoing"]], "stall that lasts")[0]
            weir.wait_for(r'loop 0 .* so far .*task "GET /long"')
            same(receive(connection).status, 200)
        until(lambda: [each for each in of_route(weir, "/long")
                       if not each["ongoing"] and each["held_max_ms"] >= stall["held_ms"]], "end of it")


def address_in_json(weir, what):
    host, port = weir.wait_for(rf'"addr":"(\S+)","for":"{what}"')[1].rsplit(":", 1)
    return host, int(port)


def counted(admin):
    metrics = ask(admin, "/metrics").body.decode()
    return sum(int(n) for n in re.findall(r'weir_stalls_total\{route="/burn/\{what\}",kind="\w+"\} (\d+)', metrics))


def each_place_is_logged_once_and_then_seldom():
    with Weir("serve", config="log: json\n" + CONFIG) as weir:
        address, admin = (address_in_json(weir, what) for what in ("gateway", "admin"))
        for i in range(8):
            same(ask(address, f"/burn/{i}").status, 200)
        until(lambda: counted(admin) >= 8, "eighth stall")
        lines = [json.loads(line) for line in weir.lines if line and '"loop held"' in line]
        mine = [line for line in lines if line.get("route") == "/burn/{what}"]
        assert 1 <= len(mine) <= 7, lines # of each kind at once, then after one second, and two
        line = mine[0]
        same((line["level"], line["loop"], line["task"], line["kind"] in KINDS), ("warn", 0, "GET /burn/{what}", True))
        assert line["held_ms"] >= 10, line


def a_test_may_have_it_end_the_program():
    with Weir("serve", config="stall: {then: abort}\n" + CONFIG) as weir:
        address = weir.address()
        for _ in range(50): # who is starved is not at fault, and goes on
            try:
                ask(address, "/burn/a")
            except (OSError, EOFError, IndexError, ValueError):
                break
            if weir.process.poll() is not None:
                break
        if weir.process.poll() is None and not any("(computing)" in line for line in weir.lines if line):
            print("# the machine is too busy for anyone to be at fault")
            return
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
