# SPDX-License-Identifier: MIT
"""Rows for the watch and the tree: correct reports, false reports, and the cost."""
import re
import statistics
import threading
import urllib.request

from process import LOAD_CORE, SERVER_CORE, output_of, wrk
from subjects import serve

BOTH = {SERVER_CORE, LOAD_CORE}
REQUESTS = 1_000_000
CONFIG = """\
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
loops: {loops}
access_log: false
routes:
  - {{path: /hello, respond: {{status: 200, type: text/plain, body: "Hello, World!"}}}}
"""


def stalls(port):
    """Returns the number of stalls of type computing or blocked, as Weir counts them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(r'weir_stalls_total\{[^}]*kind="(\w+)"[^}]*\} (\d+)', text)
    return sum(int(count) for kind, count in found if kind in ("computing", "blocked"))


def full_load(bench, subject):
    """A million requests with no core to spare: false stalls, and the CPU time of the watch in percent of a core."""
    with serve(bench, subject, CONFIG, BOTH, loops=2) as server:
        asked = took = 0
        before = server.thread_cpu_seconds("watch")
        while asked < REQUESTS:
            count, seconds = wrk(server.port, "/hello", 64, max(bench.seconds, 5), BOTH, threads=2)
            asked, took = asked + count, took + seconds
        used = server.thread_cpu_seconds("watch") - before
        return {"false": stalls(server.port + 1), "share": 100 * used / took}


def profiled(bench, subject):
    """CPU time of a request while the server is profiled, divided by that without: alternately."""
    with serve(bench, subject, CONFIG, loops=1) as server:
        def cost():
            before = server.cpu_seconds()
            count, _ = wrk(server.port, "/hello", 64, bench.seconds)
            return (server.cpu_seconds() - before) / count
        cost()
        ratios = []
        for _ in range(3):
            without = cost()
            url = f"http://127.0.0.1:{server.port + 1}/profile?seconds={bench.seconds}"
            profile = threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=60).read())
            profile.start()
            ratios.append(cost() / without)
            profile.join()
        return statistics.median(ratios)


def watch_rows(row, micro, own):
    """Returns the rows, given their base classes."""

    class Seen(micro):
        def measure(self, bench, subject, state):
            text = output_of([bench.build / self.program], self.cores, 120) # fails if a report is wrong
            return max(float(found) for found in re.findall(self.pattern, text))

    class UnderLoad(row):
        runs = {}  # one run gives both figures

        def __init__(self, name, about, unit, figure, reach, after):
            super().__init__(name, about, unit)
            self.figure, self.subjects, self.asked = figure, own, {}
            self.targets = dict.fromkeys(own, (reach, after))

        def measure(self, bench, subject, state):
            key = subject, self.asked.setdefault(subject, 0)
            self.asked[subject] += 1
            if key not in UnderLoad.runs:
                UnderLoad.runs[key] = full_load(bench, subject)
            return UnderLoad.runs[key][self.figure]

    class Profiled(row):
        subjects = own

        def measure(self, bench, subject, state):
            return profiled(bench, subject)

    return [
        Seen("stall-seen", "a stall of 25 ms, of five ways, 100 tries each, told of past the threshold, the worst way",
             "ms p99", "bench-micro-stall", r"(\S+) ms p99", 2, 0.5, BOTH),
        UnderLoad("stall-false", "a million requests, both cores full: called computing or blocked, and was not", "stalls",
                  "false", 0, None),
        Profiled("profile-cost", "hello while the server is profiled, over without", "× CPU/request"),
        UnderLoad("watch-share", "the watch meanwhile", "% of a core", "share", 0.6, 0.3),
        Seen("tree", "/tasks of 100 000 tasks that come and go, to its last byte, with stacks or without: the longer", "ms median",
             "bench-load-tree", r"(\S+) ms median", 1000, None),
    ]
