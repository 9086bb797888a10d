#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Second attempts at applications: of two processes one is stopped, or dies, and no request is lost."""
import os
import re
import signal

from apps_test import APP, alive, write
from rig import Weir, ask, run, same, stop, until

LEARNED = 120 # requests, after which the percentile is known


def config(keys, top="", route="shop"):
    return (f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\n{top}apps:\n"
            f"  shop: {{command: [python3, -S, -E, {APP}, '{{socket}}'], processes: 2, {keys}}}\n"
            f"routes:\n  - {{path: /*, serve: {route}}}\n")


def pid_of(weir, path="/pid", method="GET"):
    answer = ask(weir.address(), path, method=method)
    same(answer.status, 200, f"{method} {path}")
    return int(answer.body)


def both(weir):
    """The processes of the application, once both serve."""
    seen = set()
    until("answers of both processes", lambda: seen.add(pid_of(weir)) or len(seen) == 2)
    return seen


def attempts(weir, kind, outcome):
    pattern = rf'weir_attempts_total{{backend="app shop",kind="{kind}",outcome="{outcome}"}} (\d+)'
    found = re.search(pattern, ask(weir.address("admin"), "/metrics").body.decode())
    return int(found[1]) if found else 0


def a_stopped_process_fails_no_get():
    with Weir("serve", config=config("concurrency: 4, hedge: {after: p95}", "access_log: true\n")) as weir:
        stopped, other = both(weir)
        for _ in range(LEARNED):
            pid_of(weir)
        stop(stopped)
        try:
            for _ in range(50):
                same(pid_of(weir), other)
            assert attempts(weir, "hedge", "ok") >= 1
            weir.wait_for(r'target=/pid .*status=200 .*attempts="?[^"]*hedge')
        finally:
            os.kill(stopped, signal.SIGCONT)
        both(weir)


def a_process_that_dies_fails_no_get():
    with Weir("serve", config=config("concurrency: 4, retry: {on: reset}")) as weir:
        both(weir)
        same(ask(weir.address(), "/die/1", method="POST").status, 502)
        both(weir)
        # The request kills the first process; the other is asked, and dies, too: never more than two.
        before = both(weir)
        same(ask(weir.address(), "/die/1").status, 502)
        until("the end of both", lambda: not any(alive(pid) for pid in before))
        both(weir)
        until("a retry that is counted", lambda: attempts(weir, "retry", "failed") == 1)
        same(attempts(weir, "first", "failed"), 1)


def a_reload_changes_what_is_hedged():
    with Weir("serve", config=config("concurrency: 4, hedge: 50ms")) as weir:
        stopped, other = both(weir)
        write(weir, config("concurrency: 4, hedge: {after: 20ms, extra: 50%}"))
        weir.signal(signal.SIGHUP)
        weir.wait_for("a new configuration is in force")
        stop(stopped)
        try:
            for _ in range(20):
                same(pid_of(weir), other)
        finally:
            os.kill(stopped, signal.SIGCONT)


run(a_stopped_process_fails_no_get, a_process_that_dies_fails_no_get, a_reload_changes_what_is_hedged)
