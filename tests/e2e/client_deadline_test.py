#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The deadline that a request comes with (x-weir-deadline-ms): what each kind of route makes of it, and what backends are told."""
import json
import re

from rig import Backend, Weir, answering, ask, connect, read_head, receive, run, same, until

CONFIG = """
listen: 127.0.0.1:0
loops: 1
pools: {{compute: {{workers: 1, queue: 64, wait: 600s}}}}
backends:
  told: {{urls: "http://127.0.0.1:{told}"}}
  twice: {{urls: "http://127.0.0.1:{told}", retry: {{}}}}
  silent: {{urls: "http://127.0.0.1:{silent}", breaker: {{failed: 50%, of: 5}}}}
routes:
  - {{path: /respond, respond: {{body: x}}}}
  - {{path: /sleep, sleep: {{for: 10m}}}}
  - {{path: /burn, burn: {{cpu: 1ms}}}}
  - {{path: /to, proxy: {{to: "http://127.0.0.1:{told}", timeout: 10m}}}}
  - {{path: /held, proxy: {{to: "http://127.0.0.1:{told}", timeout: 10m, buffer: 1KiB}}}}
  - {{path: /backend, proxy: {{backend: told, timeout: 10m}}}}
  - {{path: /twice, proxy: {{backend: twice, timeout: 10m}}}}
  - {{path: /silent, proxy: {{backend: silent, timeout: 10m}}}}
  - path: /gather
    gather:
      deadline: 10m
      forward: [x-weir-deadline-ms]
      calls:
        - {{name: url, url: "http://127.0.0.1:{told}/url"}}
        - {{name: backend, backend: told, path: /backend}}
        - {{name: twice, backend: twice, path: /second}}
        - {{name: own, url: "http://127.0.0.1:{told}/own", headers: {{X-Weir-Deadline-Ms: "77"}}}}
  - path: /partial
    gather:
      deadline: 10m
      calls: [{{name: fast, backend: told, path: /}}, {{name: slow, backend: silent, path: /}}]
  - path: /late
    gather: {{deadline: 10m, calls: [{{name: slow, backend: silent, path: /}}]}}
"""
KINDS = ("/sleep", "/burn", "/to", "/backend", "/gather")
TELLS = "x-weir-deadline-ms"


def silent(connection):
    read_head(connection)
    connection.recv(1) # until the gateway leaves


class Rig:
    def __enter__(self):
        self.heads = [] # of requests at the backend
        self.told = Backend(answering(requests=self.heads))
        self.silent = Backend(silent)
        self.weir = Weir("serve", config=CONFIG.format(told=self.told.port, silent=self.silent.port))
        self.weir.__enter__()
        return self

    def __exit__(self, *problem):
        self.weir.__exit__(*problem)
        self.told.__exit__()
        self.silent.__exit__()

    def ask(self, path, deadline, method="GET"):
        return ask(self.weir.address(), path, method, headers=[(TELLS, deadline)] if deadline is not None else [])

    def left(self):
        """What the backend was told since the last time, by the path."""
        heads, self.heads[:] = list(self.heads), []
        return {head.split(" ")[1]: re.findall(r"^x-weir-deadline-ms: *(.*?)\r$", head, re.I | re.M) for head, _ in heads}


def every_kind_of_route_refuses_what_is_no_deadline_or_has_passed():
    with Rig() as rig:
        for path in KINDS:
            for text in ("", "-1", "soon", "1.5", "1234567890"):
                answer = rig.ask(path, text)
                same((answer.status, json.loads(answer.body)["error"]["code"]), (400, "malformed"), f"{path} {text!r}")
                assert b"expected milliseconds" in answer.body, answer.body
            answer = rig.ask(path, "0")
            same((answer.status, json.loads(answer.body)["error"]["code"]), (504, "deadline"), path)
        same((rig.told.connections, rig.heads), (0, []), "no backend is asked")
        for path in KINDS:
            if path != "/sleep":
                same(rig.ask(path, "600000").status, 200, path)
        for text in ("soon", "0", "600000"):
            same(rig.ask("/respond", text).status, 200, "it waits for nothing")


def waits_end_with_it():
    with Rig() as rig:
        for path in ("/sleep", "/silent"):
            same(rig.ask(path, "20").status, 504, path)
        assert b"the deadline of the request has passed" in rig.ask("/silent", "20").body
        answer = rig.ask("/partial", "1000")
        same((answer.status, answer.headers.get("x-weir-partial")), (200, "1/2"))
        same(json.loads(answer.body)["slow"], {"error": "deadline exceeded"})
        answer = rig.ask("/late", "20")
        same((answer.status, json.loads(answer.body)), (504, {"slow": {"error": "deadline exceeded"}}))


def clients_in_a_hurry_open_no_breaker():
    with Rig() as rig:
        for _ in range(12):
            same(rig.ask("/silent", "5").status, 504)
            same(json.loads(rig.ask("/late", "5").body), {"slow": {"error": "deadline exceeded"}})


def backends_are_told_what_is_left():
    def is_less(told, than, path):
        same(len(told), 1, path)
        assert 0 < int(told[0]) <= than, told

    with Rig() as rig:
        for path in ("/to", "/backend", "/twice", "/gather"):
            rig.ask(path, "500000")
        left = rig.left()
        for path in ("/to", "/backend", "/twice", "/url", "/second"):
            is_less(left[path], 500000, path)
        same(left["/own"], ["77"], "a call's own header")
        for path in ("/to", "/backend", "/twice", "/gather"):
            rig.ask(path, None)
        left = rig.left()
        for path in ("/to", "/backend", "/url"):
            same(left[path], [], "nothing to pass on")
        for path in ("/twice", "/second"):
            is_less(left[path], 600000, path)


def what_has_passed_is_taken_off():
    with Rig() as rig, connect(rig.weir.address()) as client:
        client.sendall(f"POST /held HTTP/1.1\r\nHost: h\r\n{TELLS}: 400000\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
        same(read_head(client)[:12], b"HTTP/1.1 100")
        # the gateway has read the head, and now waits for the body: ask another until some time has passed
        until("time passes", lambda: ask(rig.weir.address(), "/sleep", headers=[(TELLS, "20")]).status == 504)
        client.sendall(b"body")
        same(receive(client).status, 200)
        assert 0 < int(rig.left()["/held"][0]) <= 400000 - 20


if __name__ == "__main__":
    run(every_kind_of_route_refuses_what_is_no_deadline_or_has_passed, waits_end_with_it, clients_in_a_hurry_open_no_breaker,
        backends_are_told_what_is_left, what_has_passed_is_taken_off)
