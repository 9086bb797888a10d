#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backends as an operator sees them: an instance that dies and comes back, a breaker that opens, a limit that is reached."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from rig import WEIR, Backend, Held, Weir, answering, ask, connect, receive, run, same, until

SERVER = """
import http.server, socketserver, sys

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b'{"from": "%s"}' % sys.argv[2].encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 128
    def handle_error(self, *_):
        pass # the gateway has left

server = Server(sys.argv[1], Answer)
print("listens", flush=True)
server.serve_forever()
"""


class Instance:
    """A service in a process of its own, on a Unix socket: it can be killed, and comes back at the same address."""

    def __init__(self, directory, name):
        self.path, self.name, self.process = os.path.join(directory, f"{name}.sock"), name, None
        self.address = f"unix:{self.path}"
        self.start()

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, self.path, self.name], stdout=subprocess.PIPE)
        same(self.process.stdout.readline(), b"listens\n")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def page(weir, path):
    answer = ask(weir.address("admin"), path)
    same(answer.status, 200)
    return answer.body.decode()


def backend(weir, name):
    return {each["backend"]: each for each in json.loads(page(weir, "/stats"))["backends"]}[name]


def instance(weir, name, address):
    """The instance, once the backend has looked its addresses up."""
    return until(f"{address} is known", lambda: {each["address"]: each for each in backend(weir, name)["instances"]}.get(address))


def findings(weir):
    return [each["text"] for each in json.loads(page(weir, "/advice"))["findings"] if each["about"] == "backend"]


def command(weir, *words):
    host, port = weir.address("admin")
    done = subprocess.run([WEIR, *words, f"{host}:{port}"], capture_output=True, text=True, timeout=60)
    same((done.returncode, done.stderr), (0, ""))
    return done.stdout


def has_all(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text}"


def an_instance_dies_and_comes_back():
    with tempfile.TemporaryDirectory() as directory, Instance(directory, "a") as a, Instance(directory, "b") as b, \
            Weir("serve", config=f"""
listen: 127.0.0.1:0
admin: 127.0.0.1:0
backends:
  two: {{urls: ["{a.address}", "{b.address}"], balance: round_robin, health: {{path: /healthz, every: 50ms, timeout: 10s, failed: 2, good: 2}}}}
routes:
  - {{path: "/x/*", proxy: {{backend: two}}}}
""") as weir:
        def ask_20():
            came_from = []
            for _ in range(20):
                answer = ask(weir.address(), "/x/y")
                same(answer.status, 200)
                came_from.append(json.loads(answer.body)["from"])
            return set(came_from)

        same(ask_20(), {"a", "b"})
        same({instance(weir, "two", each.address)["state"] for each in (a, b)}, {"up"})
        same((backend(weir, "two")["up"], findings(weir)), (2, []))

        a.kill()
        weir.wait_for(f"warn an instance is down backend=two instance={a.address}")
        dead = instance(weir, "two", a.address)
        same((dead["state"], dead["in_use"]), ("down", 0))
        assert dead["last_check"], dead
        same((backend(weir, "two")["up"], backend(weir, "two")["panics"]), (1, False))
        sent = dead["last_60s"]["requests"]
        same(ask_20(), {"b"})
        same(instance(weir, "two", a.address)["last_60s"]["requests"], sent, "none goes to the dead one")
        has_all(page(weir, "/metrics"), f'weir_backend_instance_up{{backend="two",address="{a.address}"}} 0\n',
                f'weir_backend_instance_up{{backend="two",address="{b.address}"}} 1\n', 'weir_backend_panics{backend="two"} 0\n')
        has_all(findings(weir)[0], "two (/x/*): 1 of 2 instances is down by the health checks (GET /healthz)", dead["last_check"])
        has_all(command(weir, "top", "--once"), "BACKEND", "1/2", "  down ", dead["last_check"])
        has_all(command(weir, "advise"), "! two (/x/*): 1 of 2 instances is down")

        a.start()
        weir.wait_for(f"info an instance is up again backend=two instance={a.address}")
        same(instance(weir, "two", a.address)["state"], "up")
        same((ask_20(), backend(weir, "two")["up"], findings(weir)), ({"a", "b"}, 2, []))
        assert instance(weir, "two", a.address)["last_60s"]["requests"] >= sent + 10
        has_all(command(weir, "advise"), "backend two  ", "2 of 2 instances up")


CALLS = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
backends:
  b: {{urls: ["http://127.0.0.1:{port}"], {more}}}
routes:
  - {{path: /page, gather: {{deadline: 1m, require: none, calls: [{{name: c, backend: b, path: /x}}]}}}}
  - {{path: "/x/*", proxy: {{backend: b}}}}
"""


def an_ejection_is_logged_with_the_duration_of_the_file():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0)) # and does not listen
        with Weir("serve", config=CALLS.format(port=nobody.getsockname()[1], more="eject: {after: 2, for: 1m, at_most: 100%}")) as weir:
            for _ in range(3):
                same(ask(weir.address(), "/x/y").status, 502)
            weir.wait_for(r"warn an instance is ejected backend=b instance=\S+ for=60000\.000ms failures=2 ")


def a_breaker_that_opens_is_seen():
    with Backend(answering(status="503 Busy")) as bad, \
            Weir("serve", config=CALLS.format(port=bad.port, more="breaker: {failed: 50%, of: 4, within: 1m, open: 1m}")) as weir:
        for _ in range(4):
            same(json.loads(ask(weir.address(), "/page").body)["c"]["status"], 503)
        weir.wait_for("warn the breaker of a backend opens backend=b")
        same(json.loads(ask(weir.address(), "/page").body), {"c": {"error": "open"}})
        weir.wait_for('path=/page.* failed="c open"|route=/page .*failed="c open"')
        refused = ask(weir.address(), "/x/y")
        same(refused.status, 503)
        assert 1 <= int(refused.headers["retry-after"]) <= 60, refused.headers
        has_all(page(weir, "/metrics"), 'weir_backend_open{backend="b"} 1\n', 'weir_backend_opened_total{backend="b"} 1\n',
                'weir_backend_refused_total{backend="b",reason="open"} 2\n',
                'weir_gather_calls_total{route="/page",call="c",outcome="open"} 1\n',
                'weir_gather_calls_total{route="/page",call="c",outcome="status"} 4\n')
        until("it is counted", lambda: 'weir_refused_total{route="/x/*",reason="backend_open"} 1\n' in page(weir, "/metrics"))
        b = backend(weir, "b")
        same((b["open"], b["last_60s"]["refused"], b["last_60s"]["reasons"]), (True, 2, {"open": 2}))
        assert 0 <= b["open_s"] < 60, b
        has_all(findings(weir)[0], "b (/page, /x/*): its circuit breaker has been open for", "has refused 2 of 6 requests (open)")
        has_all(command(weir, "top", "--once"), "  open for ")


def a_limit_that_is_reached_is_seen():
    with Held() as held, Weir("serve", config=CALLS.format(port=held.backend.port, more="limit: 1")) as weir, \
            connect(weir.address()) as first:
        first.sendall(b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n")
        held.wait_for(1)
        same(json.loads(ask(weir.address(), "/page").body), {"c": {"error": "limited"}})
        weir.wait_for('failed="c limited"')
        has_all(page(weir, "/metrics"), 'weir_backend_limit{backend="b"} 1\n', 'weir_backend_in_use{backend="b"} 1\n',
                'weir_backend_refused_total{backend="b",reason="limited"} 1\n',
                'weir_gather_calls_total{route="/page",call="c",outcome="limited"} 1\n',
                f'weir_backend_instance_in_use{{backend="b",address="127.0.0.1:{held.backend.port}"}} 1\n')
        has_all(findings(weir)[0], "b (/page, /x/*): 50 % of its 2 requests are refused: limited (1 requests are in progress, limit: 1)")
        has_all(command(weir, "top", "--once"), "1/1", "  limited")
        held.released.set()
        same(receive(first).status, 200)
        until("it is over", lambda: 'weir_backend_in_use{backend="b"} 0\n' in page(weir, "/metrics"))


def a_limit_is_that_of_all_processes():
    with Held() as held, Weir("serve", config="processes: 2\nloops: 1" + CALLS.format(port=held.backend.port, more="limit: 1")) as weir, \
            connect(weir.address()) as first:
        first.sendall(b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n")
        held.wait_for(1)
        for _ in range(12): # of either process
            same(json.loads(ask(weir.address(), "/page").body), {"c": {"error": "limited"}})
        same(backend(weir, "b")["in_use"], 1)

        for process in json.loads(page(weir, "/processes"))["processes"]: # one of them has it, is killed, and gives it back
            os.kill(process["pid"], signal.SIGKILL)
        held.released.set()
        until("it is free", lambda: json.loads(ask(weir.address(), "/page").body)["c"].get("status") == 200)


run(an_instance_dies_and_comes_back, an_ejection_is_logged_with_the_duration_of_the_file, a_breaker_that_opens_is_seen, a_limit_that_is_reached_is_seen, a_limit_is_that_of_all_processes)
