#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Second attempts as clients, backends and operators see them: instances that are slow, break off, answer half or ask to be left alone.

The instances of a backend here are scripted: the test says what becomes of the first request that any of them gets, of the second,
and so on, whichever instance it is."""
import contextlib
import json
import re
import socket
import struct
import threading

from rig import PATIENCE, Backend, Weir, ask, connect, read_head, receive, receive_body, run, same, until

AFTER_MS = 30
DEADLINE_MS = 600_000 # of the gathers
HEDGE = f"hedge: {{after: {AFTER_MS}ms, extra: 100%}}"
RETRY = "retry: {on: [connect, reset, 502, 503, 504], extra: 100%}"


class Request:
    """As an instance got it. What the script does with it may wait for release; gone is set when the gateway has closed the connection."""

    def __init__(self, instance, connection, head):
        self.instance, self.connection, self.head = instance, connection, head.decode("latin-1")
        self.headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in self.head.split("\r\n")[1:] if line)}
        self.body = receive_body(connection, self.headers)
        self.release, self.gone = threading.Event(), threading.Event()

    @property
    def attempt(self):
        return self.headers.get("x-weir-attempt", "1")

    @property
    def left(self):
        return int(self.headers["x-weir-deadline-ms"])

    def send(self, data):
        self.connection.sendall(data)

    def wait(self):
        assert self.release.wait(PATIENCE), "nobody released a request"

    def await_end(self):
        """Until the gateway closes the connection."""
        with contextlib.suppress(OSError):
            while self.connection.recv(1):
                pass
        self.gone.set()
        raise EOFError


# --- what becomes of a request ---

def answer(request, status="200 OK", body=None, more=""):
    body = body if body is not None else json.dumps({"from": request.instance, "attempt": request.attempt}).encode()
    request.send(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)


def status(line, more=""):
    return lambda request: answer(request, line, more=more)


def reset(request):
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise EOFError


def close(_):
    raise EOFError


def half_a_head(request):
    request.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    raise EOFError


def half_a_body(request):
    request.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    raise EOFError


def hang(request):
    request.await_end()


def held(request):
    request.wait()
    answer(request)


class Service:
    """Instances that share a script: a function for each request, the last one for all further requests."""

    def __init__(self, *script, instances=2):
        self.script, self.requests, self.lock = list(script) or [answer], [], threading.Lock()
        self.instances = [Backend(self.serving(f"i{i}")) for i in range(instances)]

    def serving(self, name):
        def handle(connection):
            while True:
                request = Request(name, connection, read_head(connection))
                with self.lock:
                    doing = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    self.requests.append(request)
                doing(request)
        return handle

    def then(self, *script):
        with self.lock:
            self.script, self.requests = list(script), []

    def has(self, count):
        """Waits for so many requests; returns them."""
        until(f"request {count}", lambda: len(self.requests) >= count)
        return self.requests

    @property
    def urls(self):
        return json.dumps([f"http://127.0.0.1:{instance.port}" for instance in self.instances])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for request in self.requests:
            request.release.set()
        for instance in self.instances:
            instance.__exit__()


CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
{top}
backends:
  b: {{urls: {urls}, balance: round_robin, eject: false, {keys}}}
routes:
  - path: /page
    gather: {{deadline: 10m, require: all, calls: [{{name: c, backend: b, path: /get}}]}}
  - path: /order
    gather: {{deadline: 10m, require: all, calls: [{{name: c, backend: b, path: /post, method: POST}}]}}
  - path: /again
    gather: {{deadline: 10m, require: all, calls: [{{name: c, backend: b, path: /post, method: POST, repeatable: true}}]}}
  - {{path: "/twice/*", proxy: {{backend: b, timeout: 10m, repeatable: true}}}}
  - {{path: "/*", proxy: {{backend: b, timeout: 10m}}}}
"""


def gateway(service, keys, top=""):
    return Weir("serve", config=CONFIG.format(urls=service.urls, keys=keys, top=top))


class Client(threading.Thread):
    """A request in progress; join() returns its answer."""

    def __init__(self, weir, path, method="GET", headers=(), body=b""):
        super().__init__(daemon=True)
        self.asks = lambda: ask(weir.address(), path, method, headers, body)
        self.start()

    def run(self):
        self.answer = None
        with contextlib.suppress(OSError, EOFError):
            self.answer = self.asks()

    def done(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "no answer"
        return self.answer


def attempts_in_log(weir, path):
    """The pair attempts= of the line of a request; None: it has none."""
    line = weir.wait_for(rf" info request .*target={path} .*")[0]
    found = re.search(r' attempts=(?:"([^"]*)"|(\S+))', line)
    return found and (found[1] or found[2])


def denied(weir, why):
    found = re.search(rf'^weir_attempts_denied_total{{backend="b",why="{why}"}} (\d+)$', ask(weir.address("admin"), "/metrics").body.decode(), re.M)
    return int(found[1]) if found else 0


def member(answer_of_gather):
    return json.loads(answer_of_gather.body)["c"]


# --- hedging ---

def a_slow_call_is_asked_of_another_instance_too():
    with Service(hang, answer) as service, gateway(service, HEDGE) as weir:
        got = ask(weir.address(), "/page")
        first, second = service.has(2)
        same((got.status, member(got)["body"]), (200, {"from": second.instance, "attempt": "2"}))
        assert first.instance != second.instance, "another instance is asked"
        same((first.attempt, first.headers.get("x-weir-attempt")), ("1", None))
        assert second.left <= min(DEADLINE_MS - AFTER_MS, first.left), (first.left, second.left)
        assert first.gone.wait(PATIENCE), "the attempt that has lost is not ended"
        assert re.fullmatch(r"c hedge [\d.]+m?s won", attempts_in_log(weir, "/page")), weir.lines


def a_proxied_answer_of_a_hedge_is_a_stream():
    def in_pieces(request):
        request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        request.wait()
        request.send(b"3\r\ndef\r\n0\r\n\r\n")

    with Service(hang, in_pieces) as service, gateway(service, HEDGE) as weir, connect(weir.address()) as client:
        client.sendall(b"GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n")
        read_head(client)
        same(client.recv(8), b"3\r\nabc\r\n")
        service.requests[1].release.set()
        with client.makefile("rb") as file:
            same(file.read(13), b"3\r\ndef\r\n0\r\n\r\n")
        same([request.head.split("\r\n")[0] for request in service.requests], ["GET /x?y HTTP/1.1"] * 2)
        assert re.fullmatch(r"hedge [\d.]+m?s won", attempts_in_log(weir, r"/x\?y"))


def an_error_waits_for_the_other_attempt():
    for error in (reset, status("500 Oops"), status("429 Too Many Requests")):
        with Service(held, error) as service, gateway(service, HEDGE) as weir:
            client = Client(weir, "/page")
            first, second = service.has(2)
            same(second.attempt, "2")
            first.release.set()
            got = client.done()
            same((got.status, member(got)["body"]["attempt"]), (200, "1"))
            assert attempts_in_log(weir, "/page").endswith("lost")


def half_an_answer_has_won():
    with Service(hang, half_a_body) as service, gateway(service, HEDGE + ", " + RETRY) as weir:
        got = ask(weir.address(), "/page")
        same((got.status, member(got)["error"]), (502, "connection closed"))
        same(len(service.has(2)), 2, "the answer had begun: there is no third")


def a_client_that_leaves_ends_both():
    with Service(hang) as service, gateway(service, HEDGE) as weir:
        for path in ("/page", "/x"):
            service.then(hang)
            with connect(weir.address()) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                service.has(2)
            for request in service.requests:
                assert request.gone.wait(PATIENCE), path


def what_is_not_hedged():
    def early_hints(request):
        request.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        held(request)

    def switches(request):
        request.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
        request.send(request.connection.recv(4))

    with Service(instances=2) as service, gateway(service, HEDGE) as weir:
        def is_asked_once(path, *args, doing=held, informed=False, **kinds):
            """A request that is hedged comes behind it: once that has been, this one would have been long ago."""
            service.then(doing, held, answer)
            client = Client(weir, path, *args, **kinds)
            alone = service.has(1)[0]
            same(ask(weir.address(), "/page").status, 200)
            same([request.attempt for request in service.has(3)], ["1", "1", "2"], path)
            alone.release.set()
            same(client.done().status, 103 if informed else 200) # of the first head that came

        is_asked_once("/x", "POST", body=b"x")
        is_asked_once("/x", "DELETE")
        is_asked_once("/order", "POST", body=b"x")
        is_asked_once("/twice/x", "POST", body=b"x" * (64 * 1024 + 1))
        is_asked_once("/x", doing=early_hints, informed=True)
        # a tunnel
        service.then(switches)
        with connect(weir.address()) as client:
            client.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
            same(read_head(client)[:12], b"HTTP/1.1 101")
            client.sendall(b"ping")
            same(client.recv(4), b"ping")


# --- what is sent twice, and what never is ---

FAULTS = {"reset": reset, "close": close, "half a head": half_a_head, "half a body": half_a_body, "502": status("502 Bad"), "503": status("503 Busy"),
          "504": status("504 Late"), "a garbled answer": lambda request: (request.send(b"SMTP ready\r\n\r\n"), close(request))}


def a_post_is_never_sent_twice():
    with Service() as service, gateway(service, f"hedge: {{after: 1ms, extra: 100%}}, {RETRY}") as weir:
        for name, fault in FAULTS.items():
            for path in ("/x", "/order"):
                for warm in (False, True): # on a new connection, and on one that is kept
                    service.then(answer)
                    if warm:
                        same(ask(weir.address(), "/get").status, 200)
                    # a hedge of the request before may still come, and is not meant
                    service.then(lambda request, fault=fault: fault(request) if "POST" in request.head else answer(request))
                    with contextlib.suppress(OSError, EOFError):
                        got = ask(weir.address(), path, "POST", body=b"once")
                        assert got.status not in (200, 201), name
                    same([request.body for request in service.requests if "POST" in request.head], [b"once"], f"{name} {path}")


def a_streamed_upload_is_never_sent_twice():
    with Service() as service, gateway(service, f"{HEDGE}, {RETRY}") as weir:
        for fault in (reset, status("503 Busy")):
            service.then(fault, answer)
            with connect(weir.address()) as client:
                client.sendall(b"POST /twice/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
                assert receive(client).status >= 502
            same(len(service.requests), 1)
            service.then(fault, answer)
            large = b"x" * (64 * 1024 + 1)
            assert ask(weir.address(), "/twice/x", "POST", body=large).status >= 502
            same([request.body == large for request in service.requests], [True])


def what_may_be_repeated_is_sent_again_whole():
    body = bytes(range(256)) * 256 # 64 KiB
    with Service() as service, gateway(service, RETRY) as weir:
        for name in ("reset", "close", "half a head", "502", "503", "504"):
            for path in ("/twice/x", "/again"):
                service.then(FAULTS[name], answer)
                got = ask(weir.address(), path, "POST", body=body)
                same(got.status, 200, f"{name} {path}")
                first, second = service.requests
                same((first.body == body, second.body == body, second.attempt), (True, True, "2"), f"{name} {path}")
                assert first.instance != second.instance
                assert second.left <= first.left
        # the body of a GET, too
        service.then(reset, answer)
        same(ask(weir.address(), "/x", body=b"query").status, 200)
        same([request.body for request in service.requests], [b"query"] * 2)
        assert re.search(r"retry [\d.]+(ms|us|ns|s) won", attempts_in_log(weir, "/twice/x"))


def expect_100_continue_goes_on():
    with Service(reset, answer) as service, gateway(service, RETRY) as weir:
        for path, wanted in (("/twice/x", 200), ("/x", 502)): # read by the gateway, which may need it twice; and passed on
            service.then(reset, answer)
            with connect(weir.address()) as client:
                client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
                if wanted == 200:
                    same(read_head(client), b"HTTP/1.1 100 Continue\r\n\r\n")
                client.sendall(b"body")
                got = receive(client)
                while got.status == 100:
                    got = receive(client)
                same(got.status, wanted, path)


def an_error_of_a_retry_is_passed_on():
    with Service(status("503 First"), status("502 Second")) as service, gateway(service, RETRY) as weir:
        same(ask(weir.address(), "/x").status, 502)
        same(len(service.requests), 2, "tried again once")
        assert attempts_in_log(weir, "/x").endswith("failed")


def a_dead_instance_is_not_noticed():
    with Service() as service, gateway(service, RETRY) as weir:
        service.instances[1].__exit__()
        for _ in range(8):
            same(ask(weir.address(), "/page").status, 200)


# --- pushback, breaker, limit ---

def a_backend_that_asks_to_be_left_alone_is():
    # not hedged: on a slow machine that would be before the answer that forbids it
    with Service(status("503 Busy", "Retry-After: 600\r\n"), answer) as service, gateway(service, RETRY) as weir:
        same(ask(weir.address(), "/x").status, 503)
        same(len(service.requests), 1, "its own request is not sent again")
        service.then(status("503 Busy"), answer)
        same((ask(weir.address(), "/page").status, len(service.requests)), (502, 1), "nor is another one")
        assert denied(weir, "pushback") >= 2


def an_open_breaker_has_no_second_attempts():
    keys = f"{HEDGE}, {RETRY}, breaker: {{failed: 50%, of: 2, within: 10m, open: 1m}}"
    with Service(status("500 Oops")) as service, gateway(service, keys) as weir:
        def is_open():
            got = ask(weir.address(), "/page")
            return member(got).get("error") == "open"
        until("the breaker opens", is_open)
        asked = len(service.requests)
        got = ask(weir.address(), "/x")
        same((got.status, json.loads(got.body)["error"]["code"]), (503, "busy"))
        assert 1 <= int(got.headers["retry-after"]) <= 60
        same(len(service.requests), asked)


def a_limit_holds_for_second_attempts():
    for limit, code in (("{auto: {min: 1, max: 1}}", "limited"), ("2", None)):
        with Service(held) as service, gateway(service, f"limit: {limit}, hedge: {{after: 1ms, extra: 100%}}") as weir:
            clients = [Client(weir, "/page")]
            if code is None:
                service.has(2) # it is hedged: the limit is reached
            else:
                until("a hedge is denied", lambda: denied(weir, "busy") >= 1)
                same(len(service.requests), 1)
            got = ask(weir.address(), "/x")
            same((got.status, int(got.headers["retry-after"]) >= 1), (503, True))
            same(member(ask(weir.address(), "/page")), {"error": "limited"})
            for request in service.requests:
                request.release.set()
            same(clients[0].done().status, 200)


# --- budgets over reloads and processes ---

FILLS = 200 # requests at 10 %: 20 second attempts
WANTS = 8


def spends_what_was_saved(service, weir, between=lambda: None):
    """Reports whether so many requests at once are hedged, which is more than time and they themselves pay for."""
    service.then(answer)
    with connect(weir.address()) as client:
        for _ in range(FILLS):
            client.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(client).status, 200)
    between()
    service.then(lambda request: answer(request) if request.attempt == "2" else held(request)) # a hedge may come before another's first
    clients = [Client(weir, "/page") for _ in range(WANTS)]
    service.has(WANTS)
    hedged = lambda: len([request for request in service.requests if request.attempt == "2"]) # noqa: E731
    until("hedges, or denials", lambda: hedged() >= WANTS or denied(weir, "budget") > 0)
    good = hedged() >= WANTS
    for request in list(service.requests):
        request.release.set()
    for client in clients:
        client.done()
    return good


BUDGETED = f"hedge: {{after: {AFTER_MS}ms, extra: 10%}}"


def a_reload_keeps_the_budget():
    with Service() as service, gateway(service, BUDGETED) as weir:
        def reloads():
            old = weir.gateways()
            weir.wait_for("listening") # it serves
            with connect(weir.address("admin")) as admin:
                admin.sendall(b"POST /reload HTTP/1.1\r\nHost: localhost\r\nX-Weir-Action: 1\r\nContent-Length: 0\r\n\r\n")
                assert receive(admin).status in (200, 202)
            until("the old process has ended", lambda: not set(old) & set(weir.gateways()) and weir.gateways())
        # what the budget keeps is what ten seconds add: on a machine that takes longer, again
        until("a budget outlives a reload", lambda: spends_what_was_saved(service, weir, reloads))


def processes_have_one_budget():
    with Service() as service, gateway(service, BUDGETED, top="processes: 2") as weir:
        until("a budget is common", lambda: spends_what_was_saved(service, weir))


if __name__ == "__main__":
    run(a_slow_call_is_asked_of_another_instance_too, a_proxied_answer_of_a_hedge_is_a_stream, an_error_waits_for_the_other_attempt,
        half_an_answer_has_won, a_client_that_leaves_ends_both, what_is_not_hedged, a_post_is_never_sent_twice,
        a_streamed_upload_is_never_sent_twice, what_may_be_repeated_is_sent_again_whole, expect_100_continue_goes_on,
        an_error_of_a_retry_is_passed_on, a_dead_instance_is_not_noticed, a_backend_that_asks_to_be_left_alone_is,
        an_open_breaker_has_no_second_attempts, a_limit_holds_for_second_attempts, a_reload_keeps_the_budget, processes_have_one_budget)
