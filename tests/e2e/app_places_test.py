#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Places of an application: as many requests are in progress there as may be, over all gateway processes and whatever becomes of these;
what answers beside it is not held."""
import json
import os
import pathlib
import signal
import threading

from apps_test import APP, descendants, write
from rig import Weir, ask, connect, receive, run, same, until


def config(keys, top=""):
    return (f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n{top}apps:\n  shop: {{command: [python3, -S, -E, {APP}, '{{socket}}'], {keys}}}\n"
            "routes:\n  - {path: /health, respond: {body: fine}}\n  - {path: /*, serve: shop}\n")


def send(address, path):
    connection = connect(address)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return connection


def stats(weir):
    return json.loads(ask(weir.address("admin"), "/stats").body)["apps"][0]


def health_answers_beside_an_overloaded_application():
    with Weir("serve", config=config("concurrency: 2, queue: 2, wait: 1h")) as weir:
        gate = pathlib.Path(weir.directory.name, "gate")
        held = [send(weir.address(), f"/until{gate}") for _ in range(4)]
        until("two with a place and two that wait", lambda: (stats(weir)["in_flight"], stats(weir)["waiting"]) == (2, 2))
        for _ in range(20):
            same(ask(weir.address(), "/health").body, b"fine")
            answer = ask(weir.address(), "/more")
            same((answer.status, answer.headers["retry-after"]), (503, "1"))
        assert 'weir_app_refused_total{app="shop",reason="full"} 20' in ask(weir.address("admin"), "/metrics").body.decode()
        gone = send(weir.address(), "/leaves")
        gone.close()
        gate.touch()
        for connection in held:
            same(receive(connection).status, 200)
        same(ask(weir.address(), "/more").status, 200)


def places_are_counted_over_gateway_processes():
    with Weir("serve", config=config("concurrency: 2, queue: 100, wait: 1h", "processes: 2\nloops: 2\n")) as weir:
        bad = []

        def ask_some():
            bad.extend(answer.status for answer in (ask(weir.address(), "/sleep/0.01") for _ in range(10)) if answer.status != 200)
        threads = [threading.Thread(target=ask_some) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        same(bad, [])
        assert int(ask(weir.address(), "/most").body) <= 2


def gateways(weir):
    """The numbers of the gateway processes."""
    found = []
    for pid in descendants(weir.process.pid):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"gateway-process" in words:
            found.append(pid)
    return found


def a_killed_gateway_process_gives_its_places_back():
    with Weir("serve", config=config("concurrency: 2, queue: 10, wait: 1h", "processes: 2\n")) as weir:
        gate = pathlib.Path(weir.directory.name, "gate")
        held = [send(weir.address(), f"/until{gate}") for _ in range(6)]
        until("two with a place and four that wait", lambda: (stats(weir)["in_flight"], stats(weir)["waiting"]) == (2, 4))
        for pid in gateways(weir):
            os.kill(pid, signal.SIGKILL)
        for connection in held:
            assert broken(connection)
        gate.touch()
        until("all places", lambda: all(answer.status == 200 for answer in [ask_or_none(weir)] if answer))
        until("no place is taken", lambda: (stats(weir)["in_flight"], stats(weir)["waiting"]) == (0, 0))
        connections = [send(weir.address(), "/sleep/0.01") for _ in range(8)]
        for connection in connections:
            same(receive(connection).status, 200)


def broken(connection):
    """Whether a connection ends, with a reset or in order."""
    try:
        return connection.recv(1) == b""
    except OSError:
        return True


def ask_or_none(weir):
    try:
        return ask(weir.address(), "/")
    except OSError:
        return None


def applications_need_the_supervisor():
    with Weir("serve", "--single", config=config("concurrency: 1")) as weir:
        same(weir.exit(), 1)
        assert any("apps need the supervisor, expected 'weir serve' without --single" in line for line in weir.lines if line), weir.lines


if __name__ == "__main__":
    run(health_answers_beside_an_overloaded_application, places_are_counted_over_gateway_processes,
        a_killed_gateway_process_gives_its_places_back, applications_need_the_supervisor, interfaces=(None,))
