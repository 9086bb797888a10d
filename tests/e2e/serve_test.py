#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The life of 'weir serve': addresses, logs, the admin address, draining, faults at the start."""
import contextlib
import email.utils
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import time

from rig import POOLS, ROOT, WEIR, Held, Weir, ask, connect, receive, run, same, until

ROUTES = """
routes:
  - {path: /, respond: {body: "ok", headers: {X-A: b}}}
  - {path: /sleep, sleep: {for: 300ms}}
  - {path: /long, sleep: {for: 1m}}
  - {path: /burn, burn: {cpu: 20ms}}
"""
BASIC = "listen: 127.0.0.1:0\nloops: 1\n" + POOLS + ROUTES
ADMIN = "admin: 127.0.0.1:0\n" + BASIC


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


def routes_answer():
    with Weir("serve", config=BASIC) as weir:
        answer = ask(weir.address(), "/")
        same((answer.status, answer.body, answer.headers["x-a"], answer.headers["content-type"]),
             (200, b"ok", "b", "text/plain"))
        same(ask(weir.address(), "/burn").status, 200)
        same(ask(weir.address(), "/sleep").body, b"slept 300ms\n")
        missing = ask(weir.address(), "/nowhere")
        same((missing.status, json.loads(missing.body)["error"]["code"]), (404, "not_found"))


def the_date_is_that_of_the_answer():
    """Also after a silence, in which the loop has slept."""
    with Weir("serve", config=BASIC) as weir:
        for _ in range(5):
            before = time.time()
            date = email.utils.parsedate_to_datetime(ask(weir.address(), "/").headers["date"]).timestamp()
            assert int(before) <= date <= time.time(), (before, date)
            until("a silence", lambda: time.time() > before + 1.2)


def several_loops_and_listeners_serve():
    with contextlib.ExitStack() as stack:
        config = "listen: [127.0.0.1:0, '[::1]:0', 'unix:gateway.sock']\nloops: 2\n" + POOLS + ROUTES
        weir = stack.enter_context(Weir("serve", config=config))
        weir.wait_for(r"addr=127\.0\.0\.1:\d+ ")
        port = int(weir.wait_for(r"addr=\[::1\]:(\d+) ")[1])
        weir.wait_for(r"addr=unix:gateway.sock ")
        with socket.create_connection(("::1", port)) as connection:
            start(connection, "/")
            same(receive(connection).status, 200)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.path.join(weir.directory.name, "gateway.sock"))
            start(connection, "/")
            same(receive(connection).status, 200)
        address = weir.address()
        for _ in range(20):
            same(ask(address, "/").status, 200)


def each_request_is_logged():
    with Weir("serve", config=BASIC) as weir:
        ask(weir.address(), "/?a=b")
        weir.wait_for(r"info request method=GET target=\S*/\?a=b\S* route=/ status=200 sent=2 took=\S+ "
                       r'spent="[^"]+" peer=127\S+ trace=[0-9a-f]{32}$')
        ask(weir.address(), "/traced", headers=[("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")])
        weir.wait_for(r"target=/traced .*trace=" + "1" * 32)
        with connect(weir.address()) as connection:
            start(connection, "/long")
        weir.wait_for(r"target=/long route=/long ended=\"?client left\"?")
    with Weir("serve", config="access_log: false\n" + BASIC) as weir:
        ask(weir.address(), "/")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not [line for line in weir.lines if line and "request" in line], weir.lines


def a_client_that_resets_has_an_address():
    """When the request ends, the kernel has no operation of it left."""
    with Held() as held, Weir("serve", config=BASIC + held.route()) as weir:
        ask(weir.address(), "/")
        with connect(weir.address()) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            start(connection, "/held")
            held.wait_for(1)
            port = connection.getsockname()[1]
        weir.wait_for(rf'target=/held route=/held ended="client left" .*peer=127\.0\.0\.1:{port} ')


def the_log_can_be_json():
    with Weir("serve", config="log: json\n" + ADMIN) as weir:
        address = json.loads(weir.wait_for(r'.*"listening".*gateway.*')[0])["addr"]
        ask(("127.0.0.1", int(address.rsplit(":", 1)[1])), "/")
        line = json.loads(weir.wait_for(r'.*"message":"request".*')[0])
        same((line["method"], line["status"], line["target"]), ("GET", 200, "/"))
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        for line in weir.lines[:-1]:
            json.loads(line)


def the_admin_address_tells_readiness():
    with Held() as held, Weir("serve", config=ADMIN + held.route()) as weir:
        admin, gateway = weir.address("admin"), weir.address()
        same(ask(admin, "/healthz").status, 200)
        same(ask(admin, "/readyz").status, 200)
        with connect(gateway) as busy:
            start(busy, "/held")
            held.wait_for(1)
            weir.signal(signal.SIGTERM)
            weir.wait_for("draining")
            same(ask(admin, "/readyz").status, 503)
            same(ask(admin, "/healthz").status, 200)
            held.released.set()
            same(receive(busy).status, 200)
        same(weir.exit(), 0)


def the_admin_address_answers_only_to_its_own():
    with Weir("serve", config=ADMIN) as weir:
        admin = weir.address("admin")
        for host, status in (("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:80", 200), ("evil.example", 403),
                             ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403)):
            same(ask(admin, "/healthz", host=host).status, status, host)
        same(ask(admin, "/healthz", "POST").status, 405)


def draining_finishes_what_is_under_way(number=signal.SIGTERM):
    with Held() as held, Weir("serve", config=BASIC + held.route()) as weir, contextlib.ExitStack() as stack:
        fresh, used, idle = (stack.enter_context(connect(weir.address())) for _ in range(3))
        for connection in (used, idle):
            start(connection, "/")
            same(receive(connection).status, 200)
        for connection in (fresh, used):
            start(connection, "/held")
        held.wait_for(2)
        weir.signal(number)
        weir.wait_for("draining")
        same(idle.recv(1), b"") # no request was in progress there
        held.released.set()
        for connection in (fresh, used):
            answer = receive(connection)
            same((answer.status, answer.headers.get("connection")), (200, "close"))
        same(weir.exit(), 0)
        try:
            connect(weir.address()).close()
            raise AssertionError("it still accepts")
        except ConnectionRefusedError:
            pass


def an_interrupt_drains_too():
    draining_finishes_what_is_under_way(signal.SIGINT)


def draining_has_an_end():
    with Held() as held, Weir("serve", config="drain: 100ms\n" + BASIC + held.route()) as weir:
        with connect(weir.address()) as busy:
            start(busy, "/held")
            held.wait_for(1)
            weir.signal(signal.SIGTERM)
            same(weir.exit(), 0)


def a_second_signal_ends_at_once():
    with Held() as held, Weir("serve", config="drain: 1m\n" + BASIC + held.route()) as weir:
        with connect(weir.address()) as busy:
            start(busy, "/held")
            held.wait_for(1)
            weir.signal(signal.SIGTERM)
            weir.wait_for("draining")
            weir.signal(signal.SIGINT)
            same(weir.exit(), 0)


def a_taken_port_is_told_with_its_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for config, place, key in ((BASIC.replace(":0", f":{port}", 1), "1:9", "listen"),
                                   (ADMIN.replace(":0", f":{port}", 1), "1:8", "admin")):
            with Weir("serve", config=config) as weir:
                same(weir.exit(), 1)
                line = weir.lines[0]
                assert f"gateway.yaml:{place}: 127.0.0.1:{port} is taken" in line and key in line, line


def two_gateways_never_share_a_port():
    with Weir("serve", config=BASIC) as first:
        config = BASIC.replace(":0", f":{first.address()[1]}", 1)
        with Weir("serve", config=config) as second:
            same(second.exit(), 1)
        same(ask(first.address(), "/").status, 200)


def faults_of_the_file_are_told():
    with Weir("serve", config="listen: 127.0.0.1:0\nroutes:\n  - {path: /, respnd: {}}\n") as weir:
        same(weir.exit(), 1)
        assert "gateway.yaml:3:" in weir.lines[0] and "'respond'" in weir.lines[0], weir.lines
    for arguments, code in ((["serve"], 2), (["serve", "a", "b"], 2), (["serve", "--nonsense"], 2),
                            (["serve", "missing.yaml"], 1), (["serve", "--help"], 0)):
        done = subprocess.run([WEIR, *arguments], capture_output=True, text=True)
        same(done.returncode, code, arguments)
        assert (done.stdout if code == 0 else done.stderr).strip(), arguments


def the_example_of_the_manual_is_fine():
    with open(os.path.join(ROOT, "docs/weir.yaml.5")) as file:
        example = file.read().split(".SH EXAMPLE\n.nf\n")[1].split(".fi")[0]
    with Weir("check", config=example) as weir:
        same(weir.exit(), 0, weir.lines)


def limits_hold():
    config = "limits: {exchanges: 2, connections: 100}\n" + BASIC
    with Held() as held, Weir("serve", config=config + held.route()) as weir, contextlib.ExitStack() as stack:
        busy = [stack.enter_context(connect(weir.address())) for _ in range(2)]
        for connection in busy:
            start(connection, "/held")
        held.wait_for(2)
        answer = ask(weir.address(), "/")
        same((answer.status, json.loads(answer.body)["error"]["code"]), (503, "busy"))
        assert "retry-after" in answer.headers, answer.headers
        held.released.set()
        for connection in busy:
            same(receive(connection).status, 200)
        same(ask(weir.address(), "/").status, 200)


def who_was_kept_waiting_once_is_no_reason_to_refuse_others():
    """One request waits long for its turn, because another one holds the loop. There are no other requests, then or later."""
    config = "stall: {after: 10s}\n" + ADMIN + "  - {path: /hold, burn: {cpu: 300ms}, on: loop}\n"
    with Weir("serve", config=config) as weir, contextlib.ExitStack() as stack:
        first, second, waiting = (stack.enter_context(connect(weir.address())) for _ in range(3))
        start(first, "/hold")
        until("the loop is held", lambda: b'"GET /hold","state":"running"' in ask(weir.address("admin"), "/tasks").body)
        start(second, "/hold") # the loop finds these two at once, when it next polls
        start(waiting, "/")
        same([receive(each).status for each in (first, second, waiting)], [200] * 3)
        time.sleep(0.2) # the window of that measurement is over
        same([ask(weir.address(), "/").status for _ in range(5)], [200] * 5)


def descriptors_run_out_and_it_recovers():
    """There are no descriptors for most of the clients, who keep their connections: those that are idle longest are closed for them.
    One with a request under way is not."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    with Weir("serve", config=BASIC, preexec=limit) as weir, contextlib.ExitStack() as stack:
        address = weir.address()
        os.kill(weir.gateway, signal.SIGSTOP) # so that each connection has its request when it is accepted
        busy, *clients = [stack.enter_context(connect(address)) for _ in range(100)]
        start(busy, "/long")
        for connection in clients:
            start(connection, "/")
        os.kill(weir.gateway, signal.SIGCONT)
        for connection in clients:
            same(receive(connection).status, 200)
        weir.wait_for("an idle connection is closed for a new one error=\"too many open files\"")
        busy.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(f"the busy one was told {busy.recv(1)}")
        busy.close()
        same(ask(weir.address(), "/").status, 200)
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)


run(routes_answer, the_date_is_that_of_the_answer, several_loops_and_listeners_serve, each_request_is_logged, a_client_that_resets_has_an_address, the_log_can_be_json,
    the_admin_address_tells_readiness, the_admin_address_answers_only_to_its_own,
    draining_finishes_what_is_under_way, an_interrupt_drains_too, draining_has_an_end,
    a_second_signal_ends_at_once, a_taken_port_is_told_with_its_line, two_gateways_never_share_a_port,
    faults_of_the_file_are_told, the_example_of_the_manual_is_fine, limits_hold,
    who_was_kept_waiting_once_is_no_reason_to_refuse_others, descriptors_run_out_and_it_recovers)
