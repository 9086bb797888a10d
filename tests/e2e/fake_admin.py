#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A simulated admin address: the dashboard from the source tree, with figures made up from a seed.

    tests/e2e/fake_admin.py [--port N] [--without /advice,/profile,pools] [--quiet] [--idle N] [--seconds N]

For work on the page (reload it after a change) and for tests of the programs that read the admin address. A test posts
to /fake what is to happen: {"stall": NAME}, {"tasks": N}, {"broken": true}, {"draining": true},
{"shed": 0.41}, {"half_sent": N}, {"out": true} (an instance of a backend is down, the breaker of another is open). Names hold
markup and control characters on purpose. --quiet is a gateway without any requests yet.
"""
import argparse
import http.server
import json
import math
import os
import random
import sys
import threading
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "app", "dashboard"))
sys.dont_write_bytecode = True
import embed  # noqa: E402

MARKUP = '\x1b[2J<script>window.broken = 1</script><img src=x onerror="window.broken=1">'
ROUTES = [  # pattern, kind, rate, p50, p99, share of errors
    ("GET /page/{id}", "gather", 182, 24, 96, 0.004),
    ("GET /hello", "respond", 640, 0.09, 0.4, 0),
    ("POST /hash", "hash", 48, 3.1, 14, 0),
    ("GET /thumb/*", "thumbnail", 22, 31, 118, 0.01),
    ("GET /report", "burn", 1.4, 58, 74, 0),
    ("/legacy/*", "proxy", 37, 8.2, 61, 0.002),
    ("GET /" + MARKUP, "respond", 0, None, None, 0),
]
BACKENDS = ["user", "orders", "cart", "prices", "stock", "reviews"]
FAILING = "stock"
OUTLIERS = [
    ("/page/{id}", "/page/7?sort=price&from=0000000000000000000000000000000000000000000000000000000000000001", 200, 312.4, "learned", 120.5, "orders"),
    ("/report", "/report", 200, 1840.2, "slow", 500, "pool compute"),
    ("/page/{id}", "/page/8", 504, 1000.7, "learned", 120.5, "a-backend-of-a-name-that-is-very-long-and-has-no-place-where-it-could-be-wrapped"),
]
STALLS = [
    ("GET /report", "computing", 41.3, 0, ["csv_sort report.c:118", "report_handler report.c:61", "answer gateway.c:91"],
     'weir_offload(weir_pool_compute(), "csv_sort", …)', 3),
    ("GET /legacy/*", "blocked", 203.8, 1,
     ["__libc_recv recv.c:28", "ldap_read ldap_io.c:77", "lookup_group auth.c:42", "legacy_handler legacy.c:19"],
     "weir_stream_read() waits without holding the loop", 1),
    ("GET /hello", "starved", 18.2, 0, [], "", 2),
]


class World:
    """The present answers of the simulated gateway."""

    def __init__(self, args):
        self.args, self.begun, self.random = args, time.time() - args.up, random.Random(7)
        self.stalls = [] if args.quiet else [self.stall(*each) for each in STALLS]
        self.tasks, self.broken, self.draining, self.refused, self.shed, self.half_sent, self.off_cpu, self.asked = 60, False, False, 0, 0, 0, 0, 0
        self.out = False

    def stall(self, task, kind, held, loop, stack, hint, count):
        now = time.time()
        return {"task": task, "route": task, "loop": loop, "scope": "server / connection / exchange", "kind": kind, "held_ms": held,
                "spawned_at": "exchange.c:210", "stack": stack, "hint": hint, "count": count,
                "first": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 600)),
                "last": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 5))}

    def add_stall(self, name):
        self.stalls.insert(0, self.stall(name, "computing", 60.2, 0, ["compute burn.c:44", "handle burn.c:57"],
                                         'weir_offload(weir_pool_compute(), "compute", …)', 1))

    def outliers(self):
        """What a list shows of each; outlier() has all of it."""
        if self.args.quiet:
            return []
        now = self.begun + self.args.up
        return [{"id": f"20261130-14231{i}-123-4242-{i}", "ended": now - 7 * i * i, "route": route, "method": "GET", "target": target, "target_is_cut": False,
                 "status": status, "took_ms": took, "reason": reason, "limit_ms": limit, "mostly": {"what": what, "ms": took * 0.9}}
                for i, (route, target, status, took, reason, limit, what) in enumerate(OUTLIERS)]

    def outlier(self, number):
        short = next((each for each in self.outliers() if each["id"] == number), None)
        took = short["took_ms"] if short else 0
        return short and {
            "version": 1, "kind": "weir outlier", **short, "began": short["ended"] - took / 1000, "complete": True, "refused": None,
            "trace": "37f71d1080e6c86efceb7d3604c37f57", "request_bytes": 0, "reply_bytes": 820,
            "ledger": [{"what": "run", "category": "run", "name": None, "share_ms": 0.1, "took_ms": 0.1, "waits": 1, "held_by": None, "held_route": None},
                       {"what": short["mostly"]["what"], "category": "backend", "name": short["mostly"]["what"], "share_ms": took * 0.9, "took_ms": took, "waits": 2, "held_by": None, "held_route": None},
                       {"what": "ready", "category": "ready", "name": None, "share_ms": took * 0.1 - 0.1, "took_ms": took * 0.1, "waits": 4, "held_by": "GET /report", "held_route": "/report", "held_ms": 22.4}],
            "calls": [{"name": "orders", "backend": "orders", "origin": None, "status": 200, "error": None, "began_ms": 0.4, "took_ms": took * 0.9,
                       "attempts": {"made": 2, "taken": 1, "last": "hedge", "after_ms": 41, "text": "hedge 41ms lost"}},
                      {"name": "offers", "backend": None, "origin": "http://127.0.0.1:8103", "status": 0, "error": "deadline exceeded", "began_ms": 0.4, "took_ms": None, "attempts": None}],
            "pools": [{"name": "compute", "queued": 3, "queue_max": 64, "running": 2, "workers": 2, "workers_max": 2}],
            "loop": 0, "pid": 4242, "weir": "0.2.0", "config": "sha256:d982c809a0994af2",
            "stalls": [{"task": "GET /report", "route": "/report", "kind": "computing", "held_ms": 22.4, "ongoing": False, "stack": ["csv_sort report.c:118", "handle report.c:57"]}]}

    def sway(self, phase, depth=0.25):
        return 1 + depth * math.sin(time.time() / 17 + phase) + self.random.gauss(0, depth / 6)

    def figures(self, p50, p99, phase):
        if p50 is None:
            return {"p50": None, "p90": None, "p99": None, "p999": None}
        bump = 1 + 2.5 * math.exp(-((time.time() % 90 - 45) / 6) ** 2)
        p50, p99 = p50 * self.sway(phase, 0.1), p99 * self.sway(phase + 1) * bump
        return {"p50": round(p50, 3), "p90": round(math.sqrt(p50 * p99), 3), "p99": round(p99, 3), "p999": round(p99 * 2.1 * self.sway(phase + 2, .3), 3)}

    def window(self, seconds, rate, p50, p99, errors, phase):
        rate = 0 if self.args.quiet else rate * self.sway(phase)
        requests = int(rate * seconds)
        return {"requests": requests, "rate": round(rate, 2), "errors": round(requests * errors), "refused": 0, "partial": 0, "reasons": {},
                **self.figures(p50 if requests else None, p99, phase)}

    def origin_window(self, seconds, rate, p50, p99, name, phase):
        window = self.window(seconds, rate, p50, p99, 1 if name == FAILING else 0.002, phase)
        return {**window, "reasons": {"connect": window["errors"]} if name == FAILING else {"status": window["errors"]}}

    def refused_window(self, seconds):
        share = self.shed
        requests = int(930 * seconds)
        reasons = {"queueing": round(requests * share), "pool_full": 3} if share else {}
        return {"requests": requests, "refused": sum(reasons.values()), "reasons": reasons}

    def unserved(self):
        half = self.half_sent
        window = {"count": half, "reasons": {"head_timeout": half} if half else {}}
        return {"fresh": 1, "half_sent": half, "last_10s": window, "last_60s": window,
                "clients": [{"address": "203.0.113.9", "half_sent": half, "last_10s": half, "last_60s": half, "reasons": {"head_timeout": half}}] if half else []}

    def spent(self, kind, p50):
        if p50 is None or self.args.quiet:
            return {}
        if kind == "gather":
            return {"run": 0.6, "ready": 0.3, "connect": 0.4, "dns": 0.0, "backends": {name: 1.5 + i * 2.2 for i, name in enumerate(BACKENDS)}}
        if kind in ("hash", "thumbnail"):
            return {"run": 0.2, "ready": 0.3, "queue": p50 * 0.3, "pool": p50 * 0.6}
        return {"run": p50 * 0.7, "ready": p50 * 0.2, "write": p50 * 0.1}

    def instance(self, address, state, in_use, rate, why=None, error=None):
        errors = 1 if state != "up" else 0
        return {"address": address, "state": state, "since_s": 12.4 if why or state != "up" else 1840, "in_use": in_use,
                "last_error": {"text": error, "age_s": 3.1} if error else None, "last_check": why,
                **{span: {"requests": rate * int(span[5:7]), "rate": rate, "errors": errors * rate, "ejections": errors} for span in ("last_10s", "last_60s")}}

    def backend(self, name, instances, limit=0, waiting=0, refused=None, **more):
        rate, reasons = sum(each["last_10s"]["rate"] for each in instances), refused or {}
        return {"backend": name, "up": sum(each["state"] == "up" for each in instances), "in_use": sum(each["in_use"] for each in instances) + waiting,
                "limit": limit, "waiting": waiting, "waiting_max": 1024, "connections": 31, "connections_max": 256, "checked": True, "panics": False,
                "open": False, "open_s": None,
                **{span: {"requests": rate * int(span[5:7]), "rate": rate, "errors": sum(each[span]["errors"] for each in instances),
                          "refused": sum(reasons.values()), "reasons": reasons} for span in ("last_10s", "last_60s")}, "instances": instances, **more}

    def attempts(self, seconds, rate, denied):
        first = int(rate * seconds)
        hedged, retried = round(first * .051), round(first * .004)
        return {"first": first, "hedged": hedged, "won": round(hedged * .61), "retried": retried, "recovered": retried, "saved_ms": 31.5 * hedged,
                "rate": round((hedged + retried) / seconds, 2), "denied": sum(denied.values()), "reasons": denied}

    def hedged(self, backend, **denied):
        for span in ("last_10s", "last_60s"):
            backend[span]["attempts"] = self.attempts(int(span[5:7]), backend[span]["rate"], denied)
        return {**backend, "hedges": True, "retries": True, "hedge_after_ms": 41.2, "budget": 0.2 if denied else 91.5}

    def backends(self):
        if self.args.quiet or "backends" in self.args.without:
            return []
        orders = [self.instance(f"10.0.1.{7 + i}:7101", "up", 4 + i, 61) for i in range(3)]
        shop = [self.instance(f"10.0.2.{7 + i}:80", "up", i % 5, 12 + i) for i in range(8)]
        if not self.out:
            return [self.hedged(self.backend("orders", orders, limit=256)), self.backend("shop", shop, limit=int(97 * self.sway(5)), limit_is_auto=True)]
        orders[1] = self.instance("10.0.1.8:7101", "down", 0, 0, "connection refused " + MARKUP, "connection reset")
        orders[2] = self.instance("10.0.1.9:7101", "ejected", 0, 2, None, "Bad Gateway")
        return [self.backend("shop", shop), self.hedged(self.backend("orders", orders, limit=256, waiting=3, refused={"limited": 41, "busy": 2}), budget=310, busy=4),
                self.backend("mail", [self.instance("unix:/run/mail.sock", "up", 0, 1)], open=True, open_s=12.4, refused={"open": 310})]

    def context(self, side, name, rate, resumed, certificates, reasons=None):
        failed = sum((reasons or {}).values())
        return {"side": side, "name": name, "in_progress": 2,
                **{span: {"handshakes": rate * int(span[5:7]), "rate": rate, "resumed": round(rate * int(span[5:7]) * resumed), "failed": failed, "reasons": reasons or {}}
                   for span in ("last_10s", "last_60s")},
                "certificates": [{"names": names, "cert": f"/etc/weir/{cert}.pem", "key": key, "not_after": end, "days": days, "failed": why}
                                 for names, cert, key, end, days, why in certificates]}

    def tls(self):
        if self.args.quiet or "tls" in self.args.without:
            return []
        shop = ("shop.example.com, *.shop.example.com", "shop", "ECDSA P-256", "2027-02-14", 74.6, None)
        mail = ("mail.example.com", "mail", "RSA 2048", "2027-01-30", 61.2, None)
        if not self.out:
            return [self.context("listener", "0.0.0.0:443", 34.2, .83, [shop, mail]), self.context("backend", "orders", 1.4, .97, [])]
        return [self.context("listener", "0.0.0.0:443", 34.2, .12, [shop[:3] + ("2026-12-02", 2.4, None), mail[:3] + ("2026-11-28", -1.6, None),
                                                                      ("new.example.com", "new", "ECDSA P-256", "2027-02-14", 74.6, "new.key is not the key of new.pem " + MARKUP)],
                             {"refused": 411, "plain": 3}),
                self.context("backend", "orders", 0, 0, [("gateway", "client", "ECDSA P-256", "2027-02-14", 74.6, None)], {"expired": 97}),
                self.context("others", "", 0.4, .5, [])]

    def stats(self):
        routes = [{"route": name, "kind": kind, "last_10s": self.window(10, rate, p50, p99, errors, i),
                   "last_60s": self.window(60, rate, p50, p99, errors, i), "spent_ms": self.spent(kind, p50)}
                  for i, (name, kind, rate, p50, p99, errors) in enumerate([(f"GET /idle/{n}", "respond", 0, None, None, 0) for n in range(self.args.idle)] + ROUTES)]
        origins = [] if self.args.quiet else [
            {"origin": f"http://10.0.0.{7 + i}:8443", "connections": 12 + i, "idle": 9, "waiting": 0, "failing": name == FAILING,
             "last_error": {"text": "connection refused", "age_s": 0.2} if name == FAILING else None,
             **{span: self.origin_window(int(span[5:7]), 182, 9 + 2 * i, 60 + 9 * i, name, i) for span in ("last_10s", "last_60s")}}
            for i, name in enumerate(BACKENDS)]
        loops = [{"loop": i, "busy": round(min(1, 0.02 if self.args.quiet else 0.58 * self.sway(i, .2) + 0.3 * i), 3), "tasks": self.tasks // 2, "ready": 1 + i,
                  **{span: {**self.figures(0.04, 0.9, i), "busy": 0.4, "off_cpu": self.off_cpu} for span in ("last_10s", "last_60s")}} for i in range(2)]
        self.refused += 0 if self.args.quiet else self.random.choice([0, 0, 1, 4])
        pools = [] if "pools" in self.args.without else [
            {"pool": name, "workers": workers, "busy": min(workers, busy), "queued": queued, "queue_max": most, "refused": refused,
             **{span: {"rate": rate, "refused": refused and 9, "queue": self.figures(0.8, 24, 3), "run": self.figures(3.0, 61, 4)} for span in ("last_10s", "last_60s")}}
            for name, workers, busy, queued, most, refused, rate in (
                ("compute", 2, 2, int(56 * self.sway(2, .14)), 64, self.refused, 71.3), ("blocking", 16, 3, 0, 128, 0, 12.1))]
        return {"version": "0.2.0", "uptime_s": round(time.time() - self.begun, 1), "draining": self.draining, "connections": 0 if self.args.quiet else 231,
                "exchanges": 0 if self.args.quiet else int(24 * self.sway(0)), "tasks": self.tasks,
                "refused": {span: self.refused_window(int(span[5:7])) for span in ("last_10s", "last_60s")}, "unserved": self.unserved(), "routes": routes, "origins": origins, "backends": self.backends(), "tls": self.tls(), "loops": loops, "pools": pools}

    def task(self, number, name, waits, age, deadline, scopes=(), stacks=False):
        return {"id": number, "name": name, "state": "parked" if waits else "ready", "waits_for": waits, "age_ms": age, "deadline_ms": deadline,
                "route": "GET /page/{id}", "spawned_at": "gather.c:120", "stack": ["weir__park task.c:210", "weir_get fetch.c:88"] if stacks else [],
                "scopes": list(scopes)}

    def tree(self, query):
        wanted, stacks = query.get("filter", ""), query.get("stacks") == "1"
        limit = int(query.get("limit", 1000))
        exchanges = []
        for n in range(self.tasks // 14 or (0 if self.args.quiet else 2)):
            calls = [self.task(f"{n}-{i}", "call", f"reading from 10.0.0.{7 + i % 6}:8443", 12.5 + n, 238.1, stacks=stacks) for i in range(12)]
            exchanges.append(self.task(f"{n}", "GET /page/{id}", "its 12 calls" if n % 7 else f"its 12 calls, {n}", 14.1 + n, 236.5,
                                       [{"deadline_ms": 236.5, "tasks": calls}], stacks))
        exchanges.append(self.task("m", MARKUP, f"reading from {MARKUP}", 3, None, stacks=stacks))
        if self.args.quiet:
            exchanges = []
        exchanges = [each for each in exchanges if wanted in json.dumps(each)][:limit]
        main = self.task("main", "main", "a signal", 1e6, None, [{"deadline_ms": None, "tasks": exchanges}], stacks)
        keeper = self.task("k", "health", "a timer, in 4.2 s", 9e5, None, stacks=stacks)
        return {"loops": [{"loop": 0, "tasks": self.tasks, "tree": [main] if wanted else [main, keeper]}, {"loop": 1, "tasks": 0, "tree": []}],
                "truncated": self.tasks // 14 > limit}

    def process(self, number, pid, state="ready", since=93784.2, flight=12, restarts=0, end=None, silent=None, generation=1):
        return {"process": number, "pid": pid, "generation": generation, "state": state, "since_s": since, "in_flight": flight, "restarts": restarts,
                "last_end": end, "silent_s": silent}

    def app(self, name, state, processes, said=None, deaths=0):
        return {"name": name, "state": state, "last_line": said, "last_end": "exited with status 1" if deaths else None, "wanted": 2, "starts": 2 + deaths, "deaths": deaths,
                "waiting": 3 if deaths else 0, "processes": [{"number": i + 1, "pid": pid, "state": how, "age_ms": 61400 * (i + 1), "in_flight": flight, "requests": 1204 + i,
                                                              "failures": i, "memory_bytes": 91 << 20, "lines_dropped": 0, "why": why}
                                                             for i, (pid, how, flight, why) in enumerate(processes)]}

    def processes(self):
        shop = self.app("shop", "ready", [(4201, "ready", 4, None), (4202, "ready", 3, None)])
        if not self.out:
            return {"pid": 4100, "uptime_s": 93784.3, "state": "serving", "generation": 1, "apps": [shop], "processes": [self.process(1, 4101), self.process(2, 4102, flight=9)]}
        return {"pid": 4100, "uptime_s": 93784.3, "state": "reloading", "generation": 2,
                "apps": [shop, self.app("mail", "broken", [(4300, "starting", 0, None)], "ModuleNotFoundError: No module named 'mail' " + MARKUP, 7)],
                "processes": [self.process(1, 4101, "draining", 4.2, 3), self.process(1, 4301, generation=2, since=4.1), self.process(2, None, "waiting", 0.4, None, 3, "ended by SIGSEGV"),
                              self.process(3, 4103, flight=None, silent=12.4)]}

    def guard(self):
        return [] if self.args.quiet else [{"function": "getaddrinfo", "task": "GET /legacy/*", "route": "GET /legacy/*", "count": 14,
                                            "stack": ["getaddrinfo", "ldap_open ldap_io.c:31", "legacy_handler legacy.c:12"],
                                            "hint": "weir_offload(weir_pool_blocking(), …) of this call"}]

    def advice(self):
        if self.args.quiet:
            return {"findings": [], "routes": [], "pools": []}
        return {"findings": [
            {"about": "origin", "name": "http://10.0.0.9:8443", "impact": 0.97,
             "text": "reviews (http://10.0.0.9:8443): 97 % of its 10920 calls fail: no connection can be made (connect failed). 10590 answers of /page/{id} lacked a part",
             "numbers": {"requests": 10920, "errors": 10590, "share": 0.97, "partial": 10590}},
            {"about": "connections", "name": "192.0.2.7", "impact": 0.13,
             "text": "31 of 231 connections have sent only a part of a request's head. From 192.0.2.7: 28 waiting, 11 ended",
             "numbers": {"half_sent": 31, "fresh": 4, "connections": 231, "head_timeouts": 9, "idle_timeouts": 0, "left": 3}}],
            "routes": [
            {"route": "GET /report", "class": "CPU-bound", "loop_ms": 57.4, "wait_ms": 0.2, "queue_ms": 0, "pool_ms": 0,
             "advice": [{"text": "GET /report spends 57 ms on the loop at p50: offload it", "numbers": {"loop_ms_p99": 71.2, "rate": 1.4, "others_delayed_per_s": 38}}]},
            {"route": "GET /page/{id}", "class": "I/O-bound", "loop_ms": 0.9, "wait_ms": 23.1, "queue_ms": 0, "pool_ms": 0, "advice": []},
            {"route": "GET /thumb/*", "class": "mixed", "loop_ms": 0.4, "wait_ms": 1.1, "queue_ms": 9.8, "pool_ms": 19.6,
             "advice": [{"text": "Half of the answers wait 10 ms for a worker", "numbers": {"queue_ms_p50": 9.8, "workers": 2}}]}],
            "backends": [{"backend": "orders", "requests": 10980, "rate": 183, "advice": [
                {"text": "orders has no health checks, and its instance 10.0.1.8:7101 failed 50 of 3660 requests", "numbers": {"requests": 3660, "failures": 50}}]}],
            "pools": [{"pool": "compute", "workers": 2, "rate": 51.5, "refused_rate": 19.8, "run_ms": 38, "run_p99_ms": 61, "queue_ms": 21.4,
                       "queue_p99_ms": 74, "busy": 1.957, "in_pool": 3.059, "workers_needed": 4, "advice": [{"text": "compute needs 4 workers at this rate",
                                                      "numbers": {"rate": 51.5, "refused_rate": 19.8, "run_ms": 38, "busy": 2.71, "workers": 2, "workers_needed": 4}}]}]}

    def profile(self):
        return "\n".join(f"{stack} {samples}" for stack, samples in (
            ("loop 0;GET /report;report_handler report.c:61;csv_sort report.c:118;qsort;compare", 412),
            ("loop 0;GET /report;report_handler report.c:61;csv_sort report.c:118;qsort", 93),
            ("loop 0;GET /page/{id};answer;gather;json_write", 71), ("loop 0;GET /page/{id};answer;gather;send", 160),
            ("loop 0;GET /hello;answer;write_head", 44), ("loop 0;GET /hello;answer;send", 188), (f"loop 0;{MARKUP}", 20),
            ("compute;POST /hash;sha256_block", 655), ("compute;GET /thumb/*;thumbnail;vips_thumbnail;jpeg_read", 290),
            ("compute;GET /thumb/*;thumbnail;vips_thumbnail;webp_encode", 377))) + "\n"


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, kind="application/json", more=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", len(body)), ("Cache-Control", "no-store"), *more):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        world, url = self.server.world, urllib.parse.urlsplit(self.path)
        world.asked += 1
        query = dict(urllib.parse.parse_qsl(url.query))
        if world.broken:
            return self.answer(500, b'{"error":{"code":"internal","message":"broken on purpose"}}')
        if url.path in world.args.without:
            return self.answer(404, b'{"error":{"code":"not_found","message":"no such page"}}')
        if url.path == "/":
            html, policy = embed.page()
            return self.answer(200, html.encode(), "text/html; charset=utf-8", [("Content-Security-Policy", policy)])
        if url.path == "/profile":
            time.sleep(min(0.2, float(query.get("seconds", 5))))
            return self.answer(200, world.profile().encode(), "text/plain")
        pages = {"/stats": world.stats, "/stalls": lambda: world.stalls, "/tasks": lambda: world.tree(query), "/guard": world.guard, "/outliers": world.outliers, "/advice": world.advice, "/processes": world.processes}
        if url.path.startswith("/outliers/") and world.outlier(url.path.removeprefix("/outliers/")):
            return self.answer(200, json.dumps(world.outlier(url.path.removeprefix("/outliers/"))).encode())
        if url.path not in pages:
            return self.answer(404, b"{}")
        return self.answer(200, json.dumps(pages[url.path]()).encode())

    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        world = self.server.world
        if "stall" in wanted:
            world.add_stall(wanted.pop("stall"))
        for name, value in wanted.items():
            setattr(world, name, value)
        self.answer(200, b"{}")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, *_):
        pass # the client has left


def server(*arguments):
    """Makes the simulated address as an HTTP server that does not serve yet."""
    usage = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usage.add_argument("--port", type=int, default=0)
    usage.add_argument("--without", default="", type=lambda text: text.split(","))
    usage.add_argument("--quiet", action="store_true")
    usage.add_argument("--idle", type=int, default=0, help="so many routes that nobody asks, listed first")
    usage.add_argument("--up", type=float, default=93784)
    args = usage.parse_args(arguments)
    made = Server(("127.0.0.1", args.port), Page)
    made.world = World(args)
    return made


if __name__ == "__main__":
    serving = server(*sys.argv[1:])
    print(f"http://127.0.0.1:{serving.server_address[1]}", flush=True)
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        pass
