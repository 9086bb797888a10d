# SPDX-License-Identifier: MIT
"""Rows of second attempts: a gather of twelve whose backends have long tails, become slower together, or lose an instance. One run gives
several figures; each row shows one of them. The first attempts of a round have the same delays for all subjects."""
import contextlib
import json
import os
import signal
import threading
import urllib.request

from process import LOAD_CORE, Failed, Process, free_ports, output_of
from subjects import CALLS, serve

RATE = 150  # gathers a second, which the slowest subject answers without queueing
WARM_SECONDS, WARM_ID = 20, 10**6  # until the percentile is learned and the budget has filled
DEADLINE_MS = 5000
SLOWER = 3

HEDGED = ["weir uring hedged", "weir epoll hedged"]
PLAIN = ["weir uring", "weir epoll"]
PEERS = ["node undici", "rust hyper", "go net/http"]

CONFIG = """\
listen: 127.0.0.1:{{port}}
admin: 127.0.0.1:{{admin}}
loops: 1
access_log: false
backends:
{backends}
routes:
  - path: /page/{{{{id}}}}
    gather:
      deadline: {deadline}ms
      calls:
{calls}
"""


def config_of(ports, deadline_ms, *settings):
    """ports: of the instances of the first backend. Those of the others follow, one each."""
    def backend(i):
        urls = ", ".join(f'"http://127.0.0.1:{port + i}"' for port in ports)
        return f"  b{i}: {{{{{', '.join([f'urls: [{urls}]', *settings])}}}}}"
    calls = (f"        - {{{{name: c{i}, backend: b{i}, path: \"/answer/{{{{id}}}}\"}}}}" for i in range(CALLS))
    return CONFIG.format(backends="\n".join(backend(i) for i in range(CALLS)), calls="\n".join(calls), deadline=deadline_ms)


class Instances:
    """So many instances of each backend, a process for one of each."""

    def __init__(self, bench, count):
        self.bench, self.processes = bench, []
        with contextlib.ExitStack() as stack:
            for i in range(count):
                first = free_ports(CALLS)
                command = [bench.build / "bench-load-replay", "backends", first]
                self.processes.append(stack.enter_context(Process(command, LOAD_CORE, bench.folder / f"instance-{i}.log", first)))
            self.stack = stack.pop_all()
        self.ports = [process.port for process in self.processes]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def tell(self, path="/count"):
        """Returns how many attempts have come: first ones and second ones."""
        said = []
        for port in self.ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                said.append(json.load(answer))
        return sum(each["first"] for each in said), sum(each["second"] for each in said)


def load(bench, port, seconds, first_id):
    command = [bench.build / "bench-load-replay", "load", port, RATE, seconds, first_id]
    return json.loads(output_of(command, LOAD_CORE, seconds + 20))


def measured(bench, instances, port, seconds, first_id):
    """Returns the figures of a load."""
    before = instances.tell()
    result = load(bench, port, seconds, first_id)
    first, second = (after - was for after, was in zip(instances.tell(), before))
    if result["failed"]:
        raise Failed(f"{result['failed']} of {result['requests']} failed")
    if first != result["requests"] * CALLS:
        raise Failed(f"{first} first attempts for {result['requests']} gathers of {CALLS}")
    return {"p50": result["took_p50_ms"], "p99": result["took_p99_ms"], "more": 100 * second / first}


def steady(bench, instances, port, turn):
    load(bench, port, WARM_SECONDS, WARM_ID)
    seconds = max(bench.seconds, 20)
    return measured(bench, instances, port, seconds, turn * RATE * seconds)


def brownout(bench, instances, port, turn):
    """All backends become slower at once."""
    load(bench, port, WARM_SECONDS, WARM_ID)
    seconds = max(bench.seconds, 60)
    instances.tell(f"/slower/{SLOWER}")
    try:
        return measured(bench, instances, port, seconds, turn * RATE * seconds)
    finally:
        instances.tell("/slower/1")


def tail_rows(row):
    """Returns the rows, given their base class."""

    class Tail(row):
        runs = {}  # shared by all rows: one measures, the others show

        def __init__(self, name, about, unit, run, figure, subjects, baseline=None, reach=None, belongs_to=None):
            super().__init__(name, about, unit)
            self.run, self.figure, self.subjects, self.baseline, self.asked = run, figure, subjects, baseline, {}
            self.belongs_to = belongs_to
            self.targets = dict.fromkeys(HEDGED, reach) if reach else {}

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            """Starts only servers whose figures are not known yet."""
            unknown = [s for s in subjects if (self.run, s.name, 0) not in Tail.runs]
            with contextlib.ExitStack() as stack:
                servers = dict.fromkeys(subjects)
                instances = stack.enter_context(Instances(bench, 2)) if unknown else None
                for subject in unknown:
                    servers[subject] = stack.enter_context(self.start(bench, subject, instances))
                yield {subject: (instances, servers[subject]) for subject in subjects}

        def start(self, bench, subject, instances):
            if not subject.is_weir:
                return subject.start(free_ports(), instances.ports[0], bench.folder, DEADLINE_MS)
            hedge = ["hedge: {{after: p95, extra: 5%}}"] if subject.name in HEDGED else []
            return serve(bench, subject, config_of(instances.ports, DEADLINE_MS, *hedge))

        def measure(self, bench, subject, servers):
            turn = self.asked[subject] = self.asked.get(subject, -1) + 1
            key = (self.run, subject.name, turn)
            if key not in Tail.runs:
                Tail.runs[key] = {}
                instances, server = servers[subject]
                Tail.runs[key] = self.run(bench, instances, server.port, turn)
            if self.figure not in Tail.runs[key]:
                raise Failed("its run has failed")
            return Tail.runs[key][self.figure]

    class Lost(row):
        """One instance of three ends, or stops, in each backend: answers that lack a call, among those asked for later than a second
        after that."""

        seconds_least, lost_at = 30, 5

        def __init__(self, name, about, how):
            super().__init__(name, about, "failed answers")
            self.how, self.subjects, self.targets = how, HEDGED, dict.fromkeys(HEDGED, (0, None))

        def measure(self, bench, subject, state):
            settings = ["hedge: {{after: p95, extra: 5%}}", "retry: {{on: [connect, reset], extra: 10%}}",
                        "health: {{path: /healthz, every: 300ms, failed: 2}}"]
            seconds = max(bench.seconds, self.seconds_least)
            with Instances(bench, 3) as instances, serve(bench, subject, config_of(instances.ports, 1000, *settings)) as server:
                load(bench, server.port, WARM_SECONDS, WARM_ID)
                result = self.load_meanwhile(bench, server.port, seconds, instances.processes[0].child.pid)
            bench.say(f"{self.name}: failed in each second: {result['failed_at']}")
            return sum(result["failed_at"][self.lost_at + 1:])

        def load_meanwhile(self, bench, port, seconds, pid):
            killing = threading.Timer(self.lost_at, os.kill, (pid, self.how))
            killing.start()
            try:
                return load(bench, port, seconds, 0)
            finally:
                killing.cancel()
                killing.join()

    hedged, slow = "gather-hedged", "gather-brownout"
    page = f"gather of 12, p50 12 ms and p99 80 ms each, {RATE}/s, hedged at p95 for 5 %"
    brown = f"the same while all backends are {SLOWER} times slower"
    every = HEDGED + PLAIN + PEERS
    return [
        Tail(hedged, page, "ms p99", steady, "p99", every, "weir uring", (0.58, 0.55)),
        Tail(f"{hedged}-node", page, "ms p99", steady, "p99", every, "node undici", (0.5, None), hedged),
        Tail(f"{hedged}-p50", page, "ms p50", steady, "p50", every, "weir uring", None, hedged),
        Tail(f"{hedged}-more", page + ": more calls", "%", steady, "more", HEDGED, None, (5.5, None), hedged),
        Tail(slow, brown, "ms p99", brownout, "p99", HEDGED + PLAIN, "weir uring"),
        Tail(f"{slow}-more", brown + ": more calls", "%", brownout, "more", HEDGED, None, (5.5, None), slow),
        Lost("gather-killed", "gather of 12, one instance of three killed: after the first second", signal.SIGKILL),
        Lost("gather-stopped", "gather of 12, one instance of three stopped: after the first second", signal.SIGSTOP),
    ]
