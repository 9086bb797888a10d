#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""'weir load' against servers whose answers are known: latencies, counts, errors, exit codes."""
import json
import os
import pty
import signal
import subprocess
import termios
import threading

from authority import Authority
from rig import PATIENCE, WEIR, Backend, Weir, answering, chosen_interface, nobody, read_head, run, same

CONFIG = """
listen: 127.0.0.1:0
loops: 1
access_log: false
routes:
  - {path: /sleep, sleep: {for: 5ms}}
  - {path: /fine, respond: {body: "ok"}}
  - {path: /unwell, respond: {status: 503, body: "no"}}
"""


def load(*arguments, code=0):
    done = subprocess.run([WEIR, "load", *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **chosen_interface()})
    same(done.returncode, code, done.stderr)
    return done.stdout


def measure(*arguments, code=0):
    return json.loads(load("--json", *arguments, code=code))


def url(address, path):
    return f"http://{address[0]}:{address[1]}{path}"


def a_known_latency_is_measured():
    with Weir("serve", config=CONFIG) as weir:
        got = measure("--rate", "200", "--for", "1s", url(weir.address(), "/sleep"))
        same((got["planned"], got["sent"], got["answered"], got["failed"], got["unsent"]), (200, 200, 200, 0, 0))
        same(got["statuses"], {"200": 200})
        # Never shorter than the sleep; a busy machine may make it longer, but not for every request.
        assert 5 <= got["latency_ms"]["min"] < 15, got["latency_ms"]
        same(sum(row["count"] for row in got["histogram"]), 200)
        assert got["took_s"] >= 0.995 + 0.005, got["took_s"] # the last request starts then and takes 5 ms


def waiting_for_a_connection_counts():
    """One connection, 5 ms per request, a rate of 400 per second: at most 200 are sent, with growing delay."""
    with Weir("serve", config=CONFIG) as weir:
        got = measure("--rate", "400", "--for", "1s", "--connections", "1", url(weir.address(), "/sleep"))
        same(got["sent"] + got["unsent"], 400)
        assert 20 <= got["answered"] <= 200, got
        assert got["latency_ms"]["max"] > 300, got["latency_ms"]
        assert got["late_ms"]["max"] > 300, got["late_ms"]
        text = load("--rate", "400", "--for", "500ms", "--connections", "1", url(weir.address(), "/sleep"))
        assert "were not sent" in text and "p999" in text, text


def urls_take_turns_and_numbers():
    seen = []
    with Backend(answering(requests=seen)) as backend:
        base = f"http://127.0.0.1:{backend.port}"
        measure("--rate", "50", "--for", "120ms", "--connections", "1", base + "/a/{n}", base + "/b/{n}")
        same([head.split(" ")[1] for head, _ in seen], ["/a/0", "/b/1", "/a/2", "/b/3", "/a/4", "/b/5"])


def method_headers_and_body_are_sent():
    seen = []
    with Backend(answering(requests=seen)) as backend:
        base = f"http://127.0.0.1:{backend.port}/"
        one = ("--rate", "1", "--for", "1ms")
        measure(*one, "--body", "hello", "--header", "X-A: b", "--header", "x-c:d", base)
        measure(*one, "--method", "DELETE", base)
        head, body = seen[0]
        lines = head.lower().split("\r\n")
        assert head.startswith("POST / ") and body == b"hello" and "x-a: b" in lines and "x-c: d" in lines, head
        assert seen[1][0].startswith("DELETE / "), seen[1]


def errors_are_counted_by_kind():
    done = subprocess.run([WEIR, "load", "--json", "--rate", "100", "--for", "100ms", f"http://127.0.0.1:{nobody()}/"],
                          capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **chosen_interface()})
    same((done.returncode, done.stderr), (1, "")) # the report has it, and nothing is logged
    got = json.loads(done.stdout)
    same((got["answered"], got["failed"], got["errors"]), (0, 10, {"connection refused": 10}))
    with Backend(lambda connection: read_head(connection) and connection.recv(1)) as silent:
        got = measure("--rate", "100", "--for", "50ms", "--timeout", "50ms", f"http://127.0.0.1:{silent.port}/", code=1)
        same((got["failed"], got["errors"]), (5, {"deadline exceeded": 5}))


def statuses_are_answers():
    with Weir("serve", config=CONFIG) as weir:
        got = measure("--rate", "100", "--for", "100ms", url(weir.address(), "/unwell"), url(weir.address(), "/fine"))
        same(got["statuses"], {"200": 5, "503": 5})


def an_interrupt_reports_so_far():
    arrived = threading.Event()

    def handle(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        read_head(connection)
        arrived.set()
        connection.recv(1)
    with Backend(handle) as backend:
        child = subprocess.Popen([WEIR, "load", "--json", "--rate", "50", "--for", "1m", "--connections", "1",
                                  f"http://127.0.0.1:{backend.port}/"], stdout=subprocess.PIPE, text=True)
        assert arrived.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
        same(child.returncode, 0)
        got = json.loads(out)
        same((got["sent"], got["answered"], got["unfinished"]), (2, 1, 1))


def a_stopped_terminal_stops_no_load():
    """A terminal stopped as by Ctrl-S: writes to it wait."""
    with Weir("serve", config=CONFIG) as weir:
        ours, theirs = pty.openpty()
        termios.tcflow(theirs, termios.TCOOFF)
        try:
            child = subprocess.Popen([WEIR, "load", "--json", "--rate", "20", "--for", "1200ms", url(weir.address(), "/fine")],
                                     stdout=subprocess.PIPE, stderr=theirs, text=True, env={**os.environ, **chosen_interface()})
            try:
                out, _ = child.communicate(timeout=PATIENCE)
            finally:
                child.kill()
            same((child.returncode, json.loads(out)["answered"]), (0, 24))
        finally:
            os.close(ours)
            os.close(theirs)


def servers_of_https_are_checked():
    def config(certificate):
        return CONFIG.replace("listen: 127.0.0.1:0", "listen: {address: 127.0.0.1:0, tls: {certificates: [%s]}}" % certificate)

    with Authority() as authority:
        with Weir("serve", config=config(authority.issue("127.0.0.1"))) as weir:
            few = ("--rate", "20", "--for", "100ms", url(weir.address(), "/fine").replace("http:", "https:"))
            same(measure("--ca", authority.path, *few)["statuses"], {"200": 2})
            same(measure("--insecure", *few)["statuses"], {"200": 2})
            got = measure(*few, code=1)
            same(got["errors"], {"tls failed": 2})
            assert "unknown authority" in got["why"]["tls failed"], got["why"]
            assert "error  tls failed: 2 (certificate of 127.0.0.1 " in load(*few, code=1)
            missing = subprocess.run([WEIR, "load", "--ca", "/nowhere", *few], capture_output=True, text=True, timeout=PATIENCE)
            same((missing.returncode, missing.stdout), (1, ""))
            assert missing.stderr.startswith("weir load: ") and "/nowhere" in missing.stderr, missing.stderr
        with Weir("serve", config=config(authority.issue("127.0.0.1", days=-1))) as weir:
            few = ("--rate", "20", "--for", "100ms", url(weir.address(), "/fine").replace("http:", "https:"))
            why = measure("--ca", authority.path, *few, code=1)["why"]["tls failed"]
            assert why.startswith("certificate of 127.0.0.1 expired 2"), why


def wrong_usage_is_told():
    for arguments in ([], ["http://h/", "--rate"], ["http://h/", "--rate", "0"], ["http://h/", "--rate", "x"],
                      ["http://h/", "--for", "soon"], ["ftp://h/"], ["http://h/", "--nonsense"],
                      ["http://h/", "--header", "x"], ["http://"], ["http://h:0/"], ["http://a b/"], ["http://h/ x"],
                      ["http://h/{x}"], ["https://h/", "--ca", "f", "--insecure"], ["http://h/", "--method", "G T"], ["http://h/", "--method", ""],
                      ["http://h/", "--method", "CONNECT"], ["http://h/", "--header", "Host: x"],
                      ["http://h/", "--header", "a b: x"], ["http://h/", "--header", "a: x\ny: z"]):
        done = subprocess.run([WEIR, "load", *arguments], capture_output=True, text=True, timeout=PATIENCE)
        same((done.returncode, done.stdout), (2, ""), arguments)
        assert done.stderr.startswith("weir load: "), done.stderr


run(a_known_latency_is_measured, waiting_for_a_connection_counts, urls_take_turns_and_numbers,
    method_headers_and_body_are_sent, errors_are_counted_by_kind, statuses_are_answers,
    an_interrupt_reports_so_far, a_stopped_terminal_stops_no_load, servers_of_https_are_checked, wrong_usage_is_told)
