#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""'weir demo' as a user tries it, with curl; and Ctrl-C leaves nothing behind."""
import json
import os
import re
import signal
import socket
import subprocess

from rig import PATIENCE, WEIR, Weir, ask, run, same

ANY = ["--port", "0", "--admin-port", "0", "--backend-port", "0"]
NAMES = ["user", "orders", "cart", "prices", "stock", "reviews", "related", "offers", "shipping", "news", "weather",
         "ads"]


def curl(*arguments):
    return subprocess.run(["curl", "-s", "--max-time", str(PATIENCE), *arguments], capture_output=True, text=True,
                          check=True).stdout


def free_ports(count):
    """Finds the first of this many free ports in a row."""
    for first in range(20000, 30000, 100):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


def banner(weir):
    lines = []
    for line in weir.process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            return "".join(lines)
    raise AssertionError(lines)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True


def a_page_asks_twelve_services():
    with Weir("demo", *ANY) as weir:
        text = banner(weir)
        commands = [line.split() for line in text.splitlines() if line.startswith("  curl ")]
        same(len(commands), 3)
        page = json.loads(curl(commands[0][-1]))
        same(list(page), NAMES)
        same(page["user"]["body"]["path"], "/user/42")
        assert sum(part.get("status") == 200 for part in page.values()) >= 10, page
        same(curl(commands[2][-1]), "Hello, World!\n")
        same(ask(weir.address("admin"), "/readyz").status, 200)


def an_interrupt_ends_all_of_it():
    ports = free_ports(14)
    with Weir("demo", "--port", str(ports), "--admin-port", str(ports + 1), "--backend-port", str(ports + 2)) as weir:
        banner(weir)
        same(weir.address()[1], ports)
        assert not any(refuses(port) for port in range(ports, ports + 14))
        weir.signal(signal.SIGINT)
        same(weir.exit(), 0)
        assert all(refuses(port) for port in range(ports, ports + 14))


def taken_ports_are_told_with_what_helps():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--port", "--admin-port", "--backend-port"):
            if option == "--backend-port" and port > 65523:
                continue
            arguments = list(ANY)
            arguments[arguments.index(option) + 1] = str(port)
            done = subprocess.run([WEIR, "demo", *arguments], capture_output=True, text=True, timeout=PATIENCE)
            same((done.returncode, done.stdout), (1, ""), option)
            assert f"127.0.0.1:{port} is taken" in done.stderr and option in done.stderr, done.stderr


def the_list_of_delays_can_be_replayed():
    answers = []
    for _ in range(2):
        with Weir("demo", "--backends-only", "--replay", "--seed", "7", "--backend-port", "0") as weir:
            port = int(re.search(r"services\s+http://127\.0\.0\.1:(\d+)", banner(weir))[1])
            answers.append([json.loads(ask(("127.0.0.1", port), f"/x/{n}").body) for n in (3, 1, 3)])
            weir.signal(signal.SIGINT)
            same(weir.exit(), 0)
    same(answers[0], answers[1])
    same(answers[0][0], answers[0][2])
    assert answers[0][0]["delay_ms"] != answers[0][1]["delay_ms"], answers


def wrong_usage_is_told():
    for arguments in (["x"], ["--port", "65536"], ["--port", "-1"], ["--prot", "1"], ["--seed", "x"]):
        done = subprocess.run([WEIR, "demo", *arguments], capture_output=True, text=True, timeout=PATIENCE)
        same(done.returncode, 2, arguments)


def make_run_is_the_demo():
    """The last command of `make run` replaces the shell by the demo (exec), so that Ctrl-C reaches the demo."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(["make", "-n", "--no-print-directory", "run"], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith("/weir demo") and "exec " in done.stdout, done.stdout


run(a_page_asks_twelve_services, an_interrupt_ends_all_of_it, taken_ports_are_told_with_what_helps,
    the_list_of_delays_can_be_replayed, wrong_usage_is_told, make_run_is_the_demo)
