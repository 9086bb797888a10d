#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The admin address of all gateway processes together: counters over reloads and ends, processes that do not answer, and the commands."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from rig import Backend, Weir, answering, ask, connect, receive, run, same, stop, until

PROGRAM = os.environ["WEIR"]


def config(processes=2, routes="  - {path: /new, respond: {body: new}}\n"):
    return (f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\nprocesses: {processes}\naccess_log: false\nroutes:\n"
            f"  - {{path: /, respond: {{body: hello}}}}\n  - {{path: /long, sleep: {{for: 1m}}}}\n{routes}")


def write(weir, text):
    weir.address() # once it serves, it has read the file of before
    pathlib.Path(weir.directory.name, "gateway.yaml").write_text(text)


def weir_command(weir, *words):
    return subprocess.run([PROGRAM, *words, "{}:{}".format(*weir.address("admin"))], capture_output=True, text=True, timeout=60)


def metrics(weir, silent=False):
    text = ask(weir.address("admin"), "/metrics", silent=silent).body.decode()
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", text, re.M)}


def counted(weir, route="/", silent=False):
    return metrics(weir, silent).get(f'weir_requests_total{{route="{route}",method="GET",status="200"}}', 0)


def status(weir):
    return json.loads(ask(weir.address("admin"), "/processes").body)


def process_ids(weir):
    return [each["pid"] for each in status(weir)["processes"] if each["state"] == "ready"]


class Watcher(threading.Thread):
    """Scrapes all the time, and keeps every counter that has decreased."""

    def __init__(self, weir):
        super().__init__(daemon=True)
        self.weir, self.ends, self.scrapes, self.decreased = weir, False, 0, []

    def run(self):
        before = {}
        while not self.ends:
            now = metrics(self.weir)
            for name, value in now.items():
                if ("_total" in name or "_count" in name) and value < before.get(name, 0):
                    self.decreased.append((name, before[name], value))
            before = {**before, **now}
            self.scrapes += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.join()


def no_counter_decreases_and_a_reload_loses_none():
    with Weir("serve", config=config()) as weir:
        with Watcher(weir) as watcher:
            for i in range(4):
                for _ in range(25):
                    same(ask(weir.address(), "/").status, 200)
                answer = weir_command(weir, "reload")
                same((answer.returncode, answer.stderr), (0, ""))
                generation = i + 2
                until("the old ones have drained", lambda: all(each["generation"] == generation for each in status(weir)["processes"]))
                same(counted(weir), 25 * (i + 1), f"after reload {i + 1}")
            until("some scrapes", lambda: watcher.scrapes > 5)
            os.kill(process_ids(weir)[0], signal.SIGKILL) # what it has counted, has been told long ago
            until("it has been replaced", lambda: len(process_ids(weir)) == 2 and metrics(weir)["weir_process_restarts_total"] == 1)
            same(counted(weir), 100, "after a kill")
            last = next(each for each in status(weir)["processes"] if each["restarts"])
            same(last["last_end"], "ended by SIGKILL")
            same(weir_command(weir, "reload").returncode, 0)
            os.kill(weir.gateways()[-1], signal.SIGKILL)
            until("a crash after a reload is counted, too", lambda: metrics(weir)["weir_process_restarts_total"] == 2)
        same(watcher.decreased, [])
        assert not any("does not tell its figures" in (line or "") for line in weir.lines), "said of processes that end"


def attempts_are_common_and_never_go_back():
    def firsts(weir):
        return sum(value for name, value in metrics(weir).items() if name.startswith('weir_attempts_total{backend="b",kind="first"'))

    def backed(hedge):
        return f'backends: {{b: {{urls: ["http://127.0.0.1:{backend.port}"], hedge: {{after: {hedge}}}}}}}\n' + \
            config(routes="  - {path: /b, proxy: {backend: b}}\n")

    with Backend(answering()) as backend, Weir("serve", config=backed("10s")) as weir:
        until("both are ready", lambda: len(process_ids(weir)) == 2)
        with Watcher(weir) as watcher:
            for _ in range(20):
                same(ask(weir.address(), "/b").status, 200)
            until("each counts once", lambda: firsts(weir) == 20)
            same(metrics(weir)['weir_hedge_after_seconds{backend="b"}'], 10) # each process has learned the same
            write(weir, backed("20s")) # another backend, in memory of its own
            same(weir_command(weir, "reload").returncode, 0)
            for _ in range(5):
                same(ask(weir.address(), "/b").status, 200)
            until("those of before stay", lambda: firsts(weir) == 25)
            until("those of before have ended", lambda: len(status(weir)["processes"]) == 2)
            same(firsts(weir), 25)
        same(watcher.decreased, [])


def what_is_counted_outlives_a_kill():
    request = "GET {} HTTP/1.1\r\nHost: h\r\n\r\n"
    with Weir("serve", config=config()) as weir:
        with Watcher(weir) as watcher:
            for i in range(4):
                until("both are ready", lambda: len(process_ids(weir)) == 2)
                killed = process_ids(weir)
                connections = [connect(weir.address()) for _ in range(6)]
                for connection in connections:
                    for path in ["/"] * 30 + ["/new"]: # the exchanges with / have ended when the last is answered
                        connection.sendall(request.format(path).encode())
                        same(receive(connection).status, 200)
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
                until("both have been replaced", lambda: len(set(process_ids(weir)) - set(killed)) == 2)
                same(counted(weir), 180 * (i + 1), f"after kill {i + 1}")
                same(metrics(weir)['weir_request_seconds_count{route="/"}'], 180 * (i + 1))
                for connection in connections:
                    connection.close()
        same(watcher.decreased, [])


def routes_that_are_gone_keep_their_counters():
    with Weir("serve", config=config(1)) as weir:
        write(weir, config(1, routes=""))
        for _ in range(7):
            same(ask(weir.address(), "/new").status, 200)
        same(weir_command(weir, "reload").returncode, 0)
        until("the old one has drained", lambda: len(status(weir)["processes"]) == 1)
        same(counted(weir, "/new"), 7)
        routes = [each["route"] for each in json.loads(ask(weir.address("admin"), "/stats").body)["routes"]]
        same(routes, ["/", "/long", "none"])


def one_that_is_stopped_is_told():
    with Weir("serve", config=config()) as weir:
        for _ in range(9):
            same(ask(weir.address(), "/").status, 200)
        same(counted(weir), 9)
        stopped = process_ids(weir)[1]
        stop(stopped)
        try:
            same(metrics(weir, silent=True)["weir_processes_silent"], 1)
            same(counted(weir, silent=True), 9)
            for path in ("/stats", "/metrics", "/advice", "/stalls"):
                same(ask(weir.address("admin"), path, silent=True).headers["x-weir-silent"], str(stopped), path)
            same(json.loads(ask(weir.address("admin"), "/tasks").body)["silent"], [stopped])
            assert re.search(rf"^2 +{stopped} +ready .*does not answer for ", weir_command(weir, "status").stdout, re.M)
        finally:
            os.kill(stopped, signal.SIGCONT)
        until("it answers again", lambda: metrics(weir, silent=True)["weir_processes_silent"] == 0)


def commands_tell_and_drain():
    with Weir("serve", config=config()) as weir:
        write(weir, config().replace("respond", "respnd", 1))
        answer = weir_command(weir, "reload")
        same((answer.returncode, answer.stdout), (1, ""))
        assert re.search(r"gateway\.yaml:\d+:\d+: unknown key 'respnd'", answer.stderr), answer.stderr
        same([each["loop"] for each in json.loads(ask(weir.address("admin"), "/tasks").body)["loops"]], [0, 0])
        same(sorted(each["process"] for each in json.loads(ask(weir.address("admin"), "/stats").body)["loops"]), [1, 2])
        for path in ("/reload", "/drain"):
            same(ask(weir.address("admin"), path).status, 405)
            same(ask(weir.address("admin"), path, "POST").status, 403)
            same(ask(weir.address("admin"), path, "POST", [("X-Weir-Action", "1")], host="evil.example").status, 403)
        held = connect(weir.address())
        held.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        until("it is in flight", lambda: sum(each["in_flight"] or 0 for each in status(weir)["processes"]) == 1)
        same(weir_command(weir, "drain").stdout, "draining\n")
        until("it drains", lambda: any(each["state"] == "draining" for each in status(weir)["processes"]))
        same(ask(weir.address("admin"), "/readyz").status, 503)
        same(ask(weir.address("admin"), "/healthz").status, 200)
        same(status(weir)["state"], "draining")
        weir.signal(signal.SIGTERM) # a second one
        same(weir.exit(), 0)
        held.close()


if __name__ == "__main__":
    run(no_counter_decreases_and_a_reload_loses_none, attempts_are_common_and_never_go_back, what_is_counted_outlives_a_kill, routes_that_are_gone_keep_their_counters, one_that_is_stopped_is_told, commands_tell_and_drain,
        interfaces=(None,))
