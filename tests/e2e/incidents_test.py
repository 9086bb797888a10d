#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Incidents as an operator sees them: a backend that is dead, slow or answers badly, load that is shed, half-sent heads,
a machine without CPU. Each is simulated, and each view names its cause: /advice, /stats, /metrics, the log, weir advise, weir top."""
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading

from rig import WEIR, Backend, Held, Weir, answering, ask, connect, nobody, receive, run, same, sending, until, urgent

CONFIG = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\n"


def page(weir, path):
    return json.loads(ask(weir.address("admin"), path).body)


def finding(weir, about, name=None):
    """Returns the finding about a subject, once there is one."""
    def found():
        return next((each for each in page(weir, "/advice")["findings"]
                     if each["about"] == about and name in (None, each["name"])), None)
    return until(f"a finding about {about}", found)


def metric(weir, sample):
    found = re.search(rf"^{re.escape(sample)} (\S+)$", ask(weir.address("admin"), "/metrics").body.decode(), re.M)
    return float(found[1]) if found else None


def command(weir, *arguments):
    return subprocess.run([WEIR, *arguments, "{}:{}".format(*weir.address("admin"))], capture_output=True, text=True,
                          timeout=60, check=True).stdout


def told_first(weir, pattern):
    """weir advise prints the findings before everything else."""
    told = command(weir, "advise").split("\n\n")[0]
    assert re.search(pattern, told) and told.startswith("! "), told


def gathering(calls, require="any", deadline="5s"):
    lines = "".join(f'        - {{name: {name}, url: "http://127.0.0.1:{port}/x"{more}}}\n' for name, port, more in calls)
    return CONFIG + f"routes:\n  - path: /page\n    gather:\n      deadline: {deadline}\n      require: {require}\n      calls:\n{lines}"


# ---- backends ----

def a_dead_backend_is_named_though_every_answer_is_200():
    dead = nobody()
    with Backend(answering()) as good, \
            Weir("serve", config=gathering([("user", good.port, ""), ("reviews", dead, "")])) as weir:
        origin = f"http://127.0.0.1:{dead}"
        weir.address() # the gateway serves
        same(metric(weir, f'weir_origin_errors_total{{origin="{origin}",reason="connect"}}'), 0) # before the first request
        for _ in range(20):
            same(ask(weir.address(), "/page").status, 200)
        until("all are counted", lambda: metric(weir, 'weir_gather_partial_total{route="/page"}') == 20)
        same(metric(weir, f'weir_origin_errors_total{{origin="{origin}",reason="connect"}}'), 20)
        same(metric(weir, 'weir_gather_calls_total{route="/page",call="reviews",outcome="connect_failed"}'), 20)
        found = finding(weir, "origin", origin)
        assert re.search(rf"^reviews \({origin}\): 100 % of its 20 calls fail: .*connect failed", found["text"]), found
        assert "20 answers of /page lacked a part" in found["text"], found
        same((found["numbers"]["share"], found["impact"]), (1, 1))
        stats = page(weir, "/stats")
        first = stats["origins"][0]
        same((first["origin"], first["failing"]), (origin, True))
        same((first["last_10s"]["errors"], first["last_10s"]["reasons"]), (20, {"connect": 20}))
        same([each["last_10s"]["partial"] for each in stats["routes"] if each["route"] == "/page"], [20])
        told_first(weir, "reviews .*connect failed")
        weir.wait_for(r'info request .* partial=1/2 failed="reviews connect failed"')
        same(len([line for line in weir.lines if line and origin in line and "fail" in line and "request " not in line]), 1)


def each_way_to_fail_is_named():
    silent = ", deadline: 50ms"
    with contextlib.ExitStack() as stack:
        odd, closing, busy, slow = (stack.enter_context(Backend(handle)) for handle in (
            sending(b"what is this?\r\n\r\n"), sending(b""), answering(status="503 Busy"), sending(b"", linger=True)))
        calls = [("odd", odd.port, ""), ("closing", closing.port, ""), ("busy", busy.port, ""), ("slow", slow.port, silent)]
        with Weir("serve", config=gathering(calls, require="none")) as weir:
            for _ in range(3):
                same(ask(weir.address(), "/page").status, 200)
            until("all are counted", lambda: metric(weir, 'weir_gather_partial_total{route="/page"}') == 3)
            for name, backend, words in (("odd", odd, "bad response"), ("closing", closing, "connection closed"),
                                         ("busy", busy, "it answers with a status of 500 or above"), ("slow", slow, "deadline exceeded")):
                found = finding(weir, "origin", f"http://127.0.0.1:{backend.port}")
                assert found["text"].startswith(f"{name} (") and words in found["text"], found


def one_that_fails_now_and_then_is_told_with_its_share():
    answers = []

    def sometimes(connection):
        answers.append(1)
        answering(status="200 OK" if len(answers) % 4 else "500 Oops")(OneRequest(connection))
    with Backend(sometimes) as backend, Weir("serve", config=gathering([("stock", backend.port, "")])) as weir:
        for _ in range(40):
            ask(weir.address(), "/page")
        until("all are counted", lambda: page(weir, "/stats")["refused"]["last_60s"]["requests"] == 40)
        found = finding(weir, "origin")
        same((found["numbers"]["requests"], found["numbers"]["errors"]), (40, 10))
        assert "25 % of its 40 calls fail" in found["text"], found


class OneRequest:
    """Closes each connection after one answer, so that the next request uses a new one."""

    def __init__(self, connection):
        self.connection, self.answered = connection, False

    def recv(self, count):
        return b"" if self.answered else self.connection.recv(count)

    def sendall(self, data):
        self.connection.sendall(data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        self.answered = True


# ---- refusals ----

def a_limit_that_is_reached_is_named():
    with Held() as held, Weir("serve", config=CONFIG + "limits: {exchanges: 4}\nroutes:\n" + held.route() +
                              "  - {path: /hello, respond: {body: hi}}\n") as weir:
        connections = [connect(weir.address()) for _ in range(4)]
        for connection in connections:
            connection.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
        held.wait_for(4)
        for _ in range(6):
            same(ask(weir.address(), "/hello").status, 503)
        until("they are counted", lambda: metric(weir, 'weir_refused_total{route="/hello",reason="exchanges"}') == 6)
        held.released.set()
        for connection in connections:
            same(receive(connection).status, 200)
            connection.close()
        until("all are counted", lambda: page(weir, "/stats")["refused"]["last_60s"]["requests"] == 10)
        same(page(weir, "/stats")["refused"]["last_10s"], {"requests": 10, "refused": 6, "reasons": {"exchanges": 6}})
        found = finding(weir, "refused", "exchanges")
        assert "60 % of all requests are refused: 6 of 10, 100 % of them on /hello" in found["text"], found
        told_first(weir, "60 % of all requests are refused")
        weir.wait_for(r"info request .* target=/hello route=/hello status=503 refused=exchanges ")


def load_that_is_shed_is_named():
    """A loop that always has more work than it can do: requests that wait too long for it are refused."""
    with Weir("serve", config=CONFIG + "routes:\n  - {path: /trap, burn: {cpu: 30ms}, on: loop}\n", preexec=urgent) as weir:
        address, done, answers = weir.address(), threading.Event(), []

        def ask_on():
            with connect(address) as connection:
                while not done.is_set():
                    connection.sendall(b"GET /trap HTTP/1.1\r\nHost: h\r\n\r\n")
                    answers.append(receive(connection).status)
        clients = [threading.Thread(target=ask_on) for _ in range(16)]
        for client in clients:
            client.start()
        try:
            finding(weir, "refused", "queueing")
            until("a cause, once the loop has had a tenth of a CPU for it,",
                  lambda: re.search(r"/trap takes .*compute it on a pool \(on: compute\)", finding(weir, "refused", "queueing")["text"]))
        finally:
            done.set()
            for client in clients:
                client.join()
        refused = answers.count(503)
        assert 0 < refused < len(answers), answers
        until("all are counted", lambda: page(weir, "/stats")["refused"]["last_60s"]["requests"] == len(answers))
        last = page(weir, "/stats")["refused"]["last_60s"]
        same((last["refused"], last["reasons"]), (refused, {"queueing": refused}))
        same(metric(weir, 'weir_refused_total{route="/trap",reason="queueing"}'), refused)
        told_first(weir, "queueing")


def what_a_pool_refuses_is_named():
    config = CONFIG + "pools: {compute: {workers: 1, queue: 1, wait: 60s}}\nroutes:\n  - {path: /job, burn: {cpu: 100ms}}\n"
    with Weir("serve", config=config) as weir:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(connect(weir.address())) for _ in range(8)]
            for connection in connections:
                connection.sendall(b"GET /job HTTP/1.1\r\nHost: h\r\n\r\n")
            answers = [receive(connection).status for connection in connections]
        refused = answers.count(503)
        assert 0 < refused < 8, answers
        until("they are counted", lambda: metric(weir, 'weir_refused_total{route="/job",reason="pool_full"}') == refused)
        until("all are told", lambda: f"{refused} of 8" in finding(weir, "refused", "pool_full")["text"])
        found = finding(weir, "refused", "pool_full")
        assert "has no place in its queue" in found["text"], found
        pool = next(each for each in page(weir, "/stats")["pools"] if each["pool"] == "compute")
        same(pool["last_10s"]["reasons"], {"full": refused})
        weir.wait_for(r"info request .* route=/job status=503 refused=pool_full ")


# ---- connections without a request ----

def from_address(host, address):
    connection = socket.socket()
    connection.bind((host, 0))
    connection.connect(address)
    return connection


def half_sent_heads_are_named_with_where_they_come_from():
    with Weir("serve", config=CONFIG + "limits: {head_timeout: 60s}\nroutes:\n  - {path: /, respond: {body: hi}}\n") as weir:
        address = weir.address()
        with contextlib.ExitStack() as stack:
            # more addresses than there are rows, and one address with most of the connections
            connections = [stack.enter_context(from_address(f"127.0.0.{2 + i}", address)) for i in range(90)]
            connections += [stack.enter_context(from_address("127.0.0.1", address)) for _ in range(110)]
            for connection in connections:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
            until("all are half-sent", lambda: page(weir, "/stats")["unserved"]["half_sent"] == 200)
            same(metric(weir, 'weir_connections_without_request{sent="half_head"}'), 200)
            found = finding(weir, "connections", "127.0.0.1")
            assert re.search(r"^200 of \d+ connections have sent only a part of a request's head", found["text"]), found
            assert "From 127.0.0.1: 110 waiting, 0 ended" in found["text"], found
            assert "head_timeout" in found["text"], found
            clients = page(weir, "/stats")["unserved"]["clients"]
            same((clients[0]["address"], clients[0]["half_sent"], len(clients)), ("127.0.0.1", 110, 10))
            told_first(weir, "a part of a request's head.*127.0.0.1: 110 waiting")
        until("all are counted", lambda: metric(weir, 'weir_connections_unserved_total{reason="closed"}') == 200)
        same(metric(weir, 'weir_connections_without_request{sent="half_head"}'), 0)
        stats = page(weir, "/stats")["unserved"]
        same((stats["half_sent"], stats["last_60s"]), (0, {"count": 200, "reasons": {"closed": 200}}))
        same((stats["clients"][0]["address"], stats["clients"][0]["last_60s"]), ("127.0.0.1", 110))


def heads_that_took_too_long_are_no_slow_requests():
    with Weir("serve", config=CONFIG + "limits: {head_timeout: 100ms}\nroutes:\n  - {path: /, respond: {body: hi}}\n") as weir:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(connect(weir.address())) for _ in range(40)]
            for connection in connections:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
            for connection in connections:
                same(receive(connection).status, 408)
        until("all are counted", lambda: metric(weir, 'weir_connections_unserved_total{reason="head_timeout"}') == 40)
        until("so are the answers", lambda: metric(weir, 'weir_refused_total{route="none",reason="timeout"}') == 40)
        found = finding(weir, "connections", "127.0.0.1")
        assert "40 ended in the middle of a head (408 after 0.1 s)" in found["text"], found
        same(found["numbers"]["head_timeouts"], 40)
        advice = page(weir, "/advice")
        same([route["route"] for route in advice["routes"]], ["/"])
        weir.wait_for(r"info request .* status=408 refused=timeout ")


def connections_that_send_nothing_are_counted_by_how_they_end():
    with Weir("serve", config=CONFIG + "limits: {idle_timeout: 1s}\nroutes:\n  - {path: /, respond: {body: hi}}\n") as weir:
        with connect(weir.address()) as silent, connect(weir.address()) as leaves, connect(weir.address()) as served:
            served.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(served).status, 200)
            leaves.close()
            until("it has left", lambda: metric(weir, 'weir_connections_unserved_total{reason="closed"}') == 1)
            same(silent.recv(1), b"")
            same(served.recv(1), b"")
        until("it was ended", lambda: metric(weir, 'weir_connections_unserved_total{reason="idle_timeout"}') == 1)
        same(page(weir, "/stats")["unserved"]["last_60s"], {"count": 2, "reasons": {"closed": 1, "idle_timeout": 1}})
        same([each for each in page(weir, "/advice")["findings"] if each["about"] == "connections"], []) # nothing is wrong


# ---- gathers and the loop ----

def a_gather_is_advised_nothing_it_can_t_take():
    body = json.dumps([{"id": i, "text": "x" * 50} for i in range(30000)]).encode()
    with Backend(answering(body=body)) as backend, \
            Weir("serve", config=gathering([(f"c{i}", backend.port, "") for i in range(4)])) as weir:
        for _ in range(4):
            same(ask(weir.address(), "/page").status, 200)
        route = until("it is counted", lambda: next((each for each in page(weir, "/advice")["routes"]
                                                     if each["requests"] == 4), None))
        told = " ".join(each["text"] for each in route["advice"])
        assert "on:" not in told and "offload" not in told, told
        parts = sum(route[f"{part}_ms"] for part in ("loop", "wait", "ready", "starved", "throttled", "queue", "pool"))
        assert abs(parts - route["took_ms"]) <= 1e-3 * route["took_ms"], route
        assert route["loop_ms"] > 2 and "/page spends" in told and "limits: {reply:" in told, route


# ---- the machine ----

def one_cpu():
    return min(os.sched_getaffinity(0))


def pin():
    os.sched_setaffinity(0, {one_cpu()})


def a_machine_without_cpu_is_named():
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=pin) for _ in range(4)]
    try:
        with Weir("serve", config=CONFIG + "routes:\n  - {path: /work, burn: {cpu: 20ms}, on: loop}\n", preexec=pin) as weir:
            def starved():
                same(ask(weir.address(), "/work").status, 200)
                told = page(weir, "/advice")
                # A loop without CPU counts a request some time after its answer was read.
                return any(each["about"] == "host" for each in told["findings"]) and told["routes"][0]["starved_ms"] > 0
            until("it is seen", starved)
            found = finding(weir, "host", "starved")
            assert re.search(r"The machine lacks CPU: the loops did not get one for \d", found["text"]) and "starved" in found["text"], found
            assert "No route is at fault" in found["text"], found
            assert found["numbers"]["lacked_ms_per_s"] > 20, found
            route = page(weir, "/advice")["routes"][0]
            assert route["starved_ms"] > 0, route
            told_first(weir, "The machine lacks CPU")
            # stalls that are the fault of code come first
            guilty = [each["kind"] in ("computing", "blocked") for each in page(weir, "/stalls")]
            same(guilty, sorted(guilty, reverse=True))
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


run(a_dead_backend_is_named_though_every_answer_is_200, each_way_to_fail_is_named,
    one_that_fails_now_and_then_is_told_with_its_share, a_limit_that_is_reached_is_named, load_that_is_shed_is_named,
    what_a_pool_refuses_is_named, half_sent_heads_are_named_with_where_they_come_from,
    heads_that_took_too_long_are_no_slow_requests, connections_that_send_nothing_are_counted_by_how_they_end, a_gather_is_advised_nothing_it_can_t_take,
    a_machine_without_cpu_is_named, interfaces=(None,))
