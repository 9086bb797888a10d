#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stalls of applications: what the supervisor sees of a process that is held, from outside and with a helper in it."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from rig import PATIENCE, ROOT, WEIR, Skip, Weir, ask, run, same, until, urgent

APP = r"""
import asyncio, os, re, sys, time
if "helper" in sys.argv:
    import weir_app
if "liar" in sys.argv: # says hello, and answers with garbage
    import array, signal, socket
    memory = os.memfd_create("liar")
    def garbage(number, frame):
        for _ in range(100):
            os.write(memory, b'  File "' + b"\x1b[31m\xff\n" * 1000 + b'", line 1 in "}]\n')
    signal.signal(signal.SIGRTMIN + 5, garbage)
    hello = socket.socket(socket.AF_UNIX)
    hello.connect(os.environ["WEIR_APP_SOCKET"])
    hello.sendmsg([b"weir-app 1 liar %d\n" % (signal.SIGRTMIN + 5)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))])

def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        re.match("(a+)+$", "a" * 16 + "!") # LINE compute
def block(seconds):
    time.sleep(seconds) # LINE block

def wait_for(gate):
    open(gate).close() # until it is opened for writing, too

async def answer(reader, writer):
    while head := await reader.readuntil(b"\r\n\r\n"):
        what, _, seconds = head.split()[1].decode().partition("?")[0].strip("/").partition("-")
        if what == "compute":
            compute(float(seconds))
        if what == "block":
            block(float(seconds))
        if what == "gate":
            wait_for("gate")
        if what == "await":
            await asyncio.sleep(float(seconds))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

async def main():
    server = await asyncio.start_unix_server(answer, sys.argv[1])
    await server.serve_forever()

asyncio.run(main())
"""


COMPUTES = ("computing", "starved") # the latter where other programs have the CPU more than half of the time


def line_of(what):
    """The line of the application that is marked so."""
    return next(number for number, line in enumerate(APP.splitlines(), 1) if line.endswith(f"# LINE {what}"))


@contextlib.contextmanager
def serving(*flags, settings="", python=sys.executable):
    """A gateway with the application, of which one process runs."""
    with tempfile.TemporaryDirectory(prefix="weir-app-stalls-") as folder:
        with open(os.path.join(folder, "app.py"), "w", encoding="utf-8") as file:
            file.write(APP)
        shutil.copy(os.path.join(ROOT, "share/weir_app.py"), folder)
        os.chmod(folder, 0o755)
        config = ("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\napps:\n"
                  f"  shop: {{command: [{python}, app.py, '{{socket}}', {', '.join(flags)}], cwd: {folder}, concurrency: 4, wait: 60s, timeout: 60s,\n"
                  f"         env: {{PYTHONDONTWRITEBYTECODE: '1'}}{settings}}}\n"
                  "routes:\n  - {path: /*, serve: shop}\n")
        with Weir("serve", config=config, preexec=urgent) as weir:
            weir.app_folder = folder
            yield weir


def page(weir, path):
    return json.loads(ask(weir.address("admin"), path).body)


def stalls(weir):
    return [stall for stall in page(weir, "/stalls") if stall.get("app")]


def hold(weir, path, wanted):
    """Asks for a path until a stall is as it is wanted: on a busy machine it may first be starved, or too short a time to be sure."""
    def once():
        same(ask(weir.address(), path).status, 200)
        return next((stall for stall in stalls(weir) if wanted(stall)), None)
    return until(f"a stall by {path}", once)


def a_process_that_computes_is_named_with_its_line():
    with serving("helper") as weir:
        stall = hold(weir, "/compute-0.6?secret=1", lambda stall: stall["kind"] in COMPUTES and stall["stack"])
        same(stall["route"], "GET /compute-0.6")
        assert re.fullmatch(r"shop\[\d+\]", stall["task"]), stall
        assert f"compute app.py:{line_of('compute')}" in stall["stack"], stall
        assert 100 < stall["held_ms"] < 60000 and stall["count"] >= 1, stall
        weir.wait_for(rf"warn GET /compute-0.6 held \d+ ms by app.py:{line_of('compute')} compute in shop\[\d+\] \({stall['kind']}\)")
        metrics = ask(weir.address("admin"), "/metrics").body.decode()
        assert re.search(r'weir_stalls_total\{route="app shop",kind="%s"\} [1-9]' % stall["kind"], metrics), [line for line in metrics.splitlines() if "stalls" in line]


def a_process_that_sleeps_in_a_call_is_blocked():
    with serving("helper") as weir:
        stall = hold(weir, "/block-0.6", lambda stall: stall["kind"] == "blocked")
        same(stall["stack"][0], f"block app.py:{line_of('block')}")


def an_event_loop_that_waits_is_no_stall():
    with serving("helper") as weir:
        for _ in range(2):
            same(ask(weir.address(), "/await-0.4").status, 200)
        same(stalls(weir), [])
        hold(weir, "/block-0.6", lambda stall: True) # the watch works


def without_a_helper_there_is_no_stack():
    with serving() as weir:
        stall = hold(weir, "/block-0.6", lambda stall: stall["kind"] == "blocked")
        same(stall["stack"], [])
        weir.wait_for(r"GET /block-0.6 held \d+ ms in shop\[\d+\] \(blocked\)")


def the_requests_that_are_late_by_it_are_counted():
    with serving("helper") as weir:
        def many():
            clients = [threading.Thread(target=ask, args=(weir.address(), path)) for path in ["/block-1.5"] + 8 * ["/x"]]
            for client in clients:
                client.start()
                time.sleep(0.05) # the first one is there first
            for client in clients:
                client.join()
            until("it has ended", lambda: not any(stall["ongoing"] for stall in stalls(weir)))
            return any(stall["late"] == 8 for stall in stalls(weir)) # 3 beside it, and 5 that waited for a place
        until("all are counted", many)


def a_helper_that_lies_harms_nobody():
    with serving("liar") as weir:
        stall = hold(weir, "/compute-0.6", lambda stall: stall["kind"] in COMPUTES)
        same(stall["stack"], [])
        same(ask(weir.address(), "/x").status, 200)


def a_process_can_be_seen_while_it_is_held():
    with serving("helper", settings=", stall_after: 50ms") as weir:
        gate = os.path.join(weir.app_folder, "gate")
        os.mkfifo(gate)
        held = threading.Thread(target=ask, args=(weir.address(), "/gate"))
        held.start()
        def seen():
            return next((task for task in page(weir, "/tasks").get("apps", []) if task["state"] == "blocked"), None)
        task = until("it is seen", seen)
        same([task["in_flight"], task["route"], task["app"]], [1, "GET /gate", "shop"])
        assert next(stall for stall in stalls(weir))["ongoing"]
        said = subprocess.run([WEIR, "tasks", "%s:%d" % weir.address("admin")], capture_output=True, text=True, timeout=PATIENCE).stdout
        assert re.search(r"^shop\[\d+\]  \w+, \d in progress  .*pid \d+$", said, re.M), said
        with open(gate, "w", encoding="utf-8"):
            held.join()
        until("it has ended", lambda: not stalls(weir)[0]["ongoing"])
        assert stalls(weir)[0]["held_ms"] > 50, stalls(weir)


def a_process_of_another_user_is_judged_by_its_cpu():
    """It has no way to the socket of helpers, and is asked nothing."""
    if os.geteuid() != 0 or not os.path.exists("/usr/bin/python3"):
        raise Skip("another user needs root, and a Python that it may run")
    with serving("helper", settings=", user: nobody", python="/usr/bin/python3") as weir:
        stall = hold(weir, "/compute-0.6", lambda stall: stall["kind"] in COMPUTES)
        same(stall["stack"], [])


run(a_process_that_computes_is_named_with_its_line, a_process_that_sleeps_in_a_call_is_blocked, an_event_loop_that_waits_is_no_stall,
    without_a_helper_there_is_no_stack, the_requests_that_are_late_by_it_are_counted, a_helper_that_lies_harms_nobody, a_process_can_be_seen_while_it_is_held,
    a_process_of_another_user_is_judged_by_its_cpu,
    interfaces=(None,))
