#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The advice from measured traffic, "a task or a pool?", on /advice, in /stats and from 'weir advise'."""
import json
import math
import re
import subprocess
import threading

from rig import WEIR, Backend, Weir, ask, run, same, until, urgent

ROUTES = """
routes:
  - {path: /trap, burn: {cpu: 40ms}, on: loop}
  - {path: /job, burn: {cpu: 20ms}}
  - {path: /hello, respond: {body: hi}}
  - {path: /nap, sleep: {for: 30ms}}
  - {path: /never, respond: {body: hi}}
"""
CONFIG = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\npools: {compute: {workers: 1, queue: 8, wait: 60s}}\n"


def advice_of(weir):
    return json.loads(ask(weir.address("admin"), "/advice").body)


def named(items, key, name):
    return next(each for each in items if each[key] == name)


def route_of(weir, path, requests):
    """The advice about a route or pool, once this many requests have been counted."""
    def counted():
        route = named(advice_of(weir)["routes"], "route", path)
        return route if route["requests"] == requests else None
    return until(f"{requests} requests of {path}", counted)


def statistics_of(weir, path):
    return named(json.loads(ask(weir.address("admin"), "/stats").body)["routes"], "route", path)


def texts(item):
    return " ".join(each["text"] for each in item["advice"])


def traffic(weir, path, count):
    for _ in range(count):
        same(ask(weir.address(), path).status, 200)


def each_route_is_told_what_it_is():
    for tries in range(10):
        try:
            return routes_are_told()
        except AssertionError: # delays of a busy machine are in the figures of the few requests
            if tries == 9:
                raise


def routes_are_told():
    with Weir("serve", config=CONFIG + ROUTES, preexec=urgent) as weir:
        for path in ("/trap", "/job", "/hello", "/nap"):
            traffic(weir, path, 5)
        trap, job, hello, nap = (route_of(weir, path, 5) for path in ("/trap", "/job", "/hello", "/nap"))
        never = route_of(weir, "/never", 0)
        same([each["route"] for each in advice_of(weir)["routes"]], ["/trap", "/job", "/hello", "/nap", "/never"])
        for each in (trap, job, hello, nap): # in the sum nothing is missing, and nothing counts twice
            parts = sum(each[f"{part}_ms"] for part in ("loop", "wait", "ready", "starved", "throttled", "queue", "pool"))
            assert abs(parts - each["took_ms"]) <= 1e-3 * each["took_ms"] + 1e-4, each
        same([each["class"] for each in (trap, job, nap, never)], ["CPU-bound", "CPU-bound", "I/O-bound", "idle"])
        # each part is charged to the right category, and all time is charged
        assert trap["loop_ms"] > 5 and trap["pool_ms"] == 0, trap
        assert job["pool_ms"] > 5 > job["loop_ms"], job
        assert nap["wait_ms"] >= 29 > nap["loop_ms"], nap
        assert trap["loop_ms"] > 20 * hello["loop_ms"], (trap, hello)
        assert "/trap spends" in texts(trap) and "offload it" in texts(trap), trap
        assert "right as it is" in texts(job), job
        assert "tasks are right for it" in texts(hello), hello
        same(never["advice"], [])
        # each piece of advice shows its numbers
        for each in (trap, job, hello, nap):
            for piece in each["advice"]:
                assert piece["numbers"] and all(math.isfinite(n) for n in piece["numbers"].values()), piece
        numbers = trap["advice"][0]["numbers"]
        same((numbers["loop_ms"], numbers["delay_to_others_ms"]), (trap["loop_ms"], trap["delay_to_others_ms"]))


def pools_follow_littles_law():
    with Weir("serve", config=CONFIG + ROUTES, preexec=urgent) as weir:
        clients = [threading.Thread(target=traffic, args=(weir, "/job", 10)) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        route_of(weir, "/job", 40)
        pool = named(advice_of(weir)["pools"], "pool", "compute")
        assert pool["rate"] > 0, pool
        close = lambda a, b: abs(a - b) <= 1e-3 * max(abs(a), abs(b)) # with six digits each
        assert close(pool["busy"], pool["rate"] * pool["run_ms"] / 1000), pool
        assert close(pool["in_pool"], pool["rate"] * (pool["run_ms"] + pool["queue_ms"]) / 1000), pool
        same(pool["workers_needed"], max(1, math.ceil((pool["rate"] + pool["refused_rate"]) * pool["run_ms"] / 1000 / 0.7)))
        same(pool["workers"], 1)
        assert pool["queue_ms"] > pool["run_ms"], pool # four clients and one worker: three clients wait
        assert pool["advice"], pool


def who_is_slow_is_named():
    def slow(connection):
        while True:
            connection.recv(65536)
            if gone.wait(0.05):
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    gone = threading.Event()
    with Backend(slow) as backend:
        routes = f"""
routes:
  - path: /page
    gather:
      deadline: 10s
      calls:
        - {{name: orders, url: "http://127.0.0.1:{backend.port}/"}}
"""
        with Weir("serve", config=CONFIG + routes, preexec=urgent) as weir:
            traffic(weir, "/page", 3)
            page = route_of(weir, "/page", 3)
            same(page["class"], "I/O-bound")
            assert page["wait_ms"] > 40, page
            assert " ms for orders: make that backend faster" in texts(page), page
            spent = statistics_of(weir, "/page")["spent_ms"]
            assert spent["backend"] > 40 and spent["run"] > 0, spent
            gone.set()


def stats_say_where_the_time_went():
    with Weir("serve", config=CONFIG + ROUTES, preexec=urgent) as weir:
        traffic(weir, "/nap", 4)
        route_of(weir, "/nap", 4)
        route = statistics_of(weir, "/nap")
        spent = route["spent_ms"]
        assert spent["timer"] >= 29, spent
        # the parts add up to the whole: the median of four similar requests is near their mean
        assert 0.5 * route["last_60s"]["p50"] < sum(spent.values()) < 2 * route["last_60s"]["p99"], route
        same(statistics_of(weir, "/never")["spent_ms"], None)


def without_a_ledger_there_is_less_to_say():
    with Weir("serve", config="ledger: false\n" + CONFIG + ROUTES, preexec=urgent) as weir:
        traffic(weir, "/trap", 3)
        trap = route_of(weir, "/trap", 3)
        same((trap["loop_ms"], trap["wait_ms"]), (0, 0))
        same(statistics_of(weir, "/trap")["spent_ms"], None)


def advise(*arguments):
    return subprocess.run([WEIR, "advise", *arguments], capture_output=True, text=True, timeout=60)


def the_command_shows_it():
    with Weir("serve", config=CONFIG + ROUTES, preexec=urgent) as weir:
        admin = "{}:{}".format(*weir.address("admin"))
        told = [line for line in advise(admin).stdout.splitlines() if line and not line.startswith("! The machine ")]
        assert told[0].startswith("No requests in the last minute") and len(told) == 1, told
        traffic(weir, "/trap", 3)
        traffic(weir, "/job", 3)
        route_of(weir, "/trap", 3)
        route_of(weir, "/job", 3)
        told = advise(admin)
        same((told.returncode, told.stderr), (0, ""))
        assert re.search(r"^/trap  (CPU-bound|mixed)", told.stdout, re.M), told.stdout # a slow client delays the request, too
        assert "  > /trap spends" in told.stdout, told.stdout
        assert "pool compute  " in told.stdout and "workers busy" in told.stdout, told.stdout
        assert "/never" not in told.stdout, told.stdout
        same(json.loads(advise(admin, "--json").stdout)["loops"], 1)


def the_command_says_what_is_wrong():
    told = advise("127.0.0.1:1")
    same((told.returncode, told.stdout), (1, ""))
    assert "127.0.0.1:1" in told.stderr, told.stderr
    told = advise("127.0.0.1:1", "more")
    same(told.returncode, 2)
    assert "unexpected argument 'more'" in told.stderr, told.stderr


run(each_route_is_told_what_it_is, pools_follow_littles_law, who_is_slow_is_named, stats_say_where_the_time_went,
     without_a_ledger_there_is_less_to_say, the_command_shows_it, the_command_says_what_is_wrong)
