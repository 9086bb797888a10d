# SPDX-License-Identifier: MIT
"""Rows for an overloaded pool. One run gives several figures; each row shows one of them."""
import contextlib
import json
import re
import subprocess
import urllib.request

from process import LOAD_CORE, Failed, forget, free_ports, output_of, start, wrk
from subjects import serve

BURN_MS = 60
PEERS = ["weir uring", "weir epoll", "node piscina", "node piscina, no end"]
SECONDS_LEAST = 10  # a second is only 16 jobs


# A pool of one worker on the server's core.
CONFIG = """\
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
loops: 1
access_log: false
pools: {{compute: {{workers: 1, queue: 4}}}}
routes:
  - {{path: /burn, burn: {{cpu: {ms}ms}}}}
  - {{path: /sleep, sleep: {{for: 5ms}}}}
"""


def jobs(port, outcome):
    """Returns the number of the pool's jobs with this outcome, as Weir counts them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/metrics", timeout=10) as answer:
        found = re.search(rf'weir_pool_jobs_total{{pool="compute",outcome="{outcome}"}} (\d+)', answer.read().decode())
    return int(found[1])


def load(bench, port, path, rate, seconds):
    """Returns the figures of weir load."""
    command = [bench.build / "weir", "load", f"http://127.0.0.1:{port}{path}", "--rate", rate, "--for", f"{seconds}s",
               "--connections", 4000, "--timeout", "60s", "--json"]
    return json.loads(output_of(command, LOAD_CORE, seconds + 80))


def capacity(port, seconds):
    """Jobs per second while a job is always waiting and none is refused."""
    count, took = wrk(port, "/burn", 2, seconds)
    return count / took


def p99(result, status):
    return result["by_status_ms"].get(str(status), {}).get("p99", 0)


def overloaded(bench, port, factor, is_weir):
    """Returns all figures of a run at factor times the capacity."""
    seconds = max(bench.seconds, SECONDS_LEAST)
    full = capacity(port, seconds)
    before = [jobs(port, outcome) for outcome in ("ran", "dropped")] if is_weir else None
    result = load(bench, port, "/burn", round(1000 / BURN_MS * factor), seconds)
    answered = result["statuses"]
    if result["answered"] + result["failed"] + result["unsent"] != result["planned"]:
        raise Failed(f"what was sent is not what came: {result}")
    dropped = None
    if is_weir:
        ran, dropped = (jobs(port, outcome) - was for outcome, was in zip(("ran", "dropped"), before))
        dropped = 100 * dropped / (ran + dropped)
    return {"lost": 100 * (1 - answered.get("200", 0) / result["took_s"] / full), "accepted": p99(result, 200),
            "refused": p99(result, 503), "dropped": dropped}


def beside(bench, port, _):
    """The increase of a timer route's 99th percentile while burns arrive at three times the capacity."""
    seconds = max(bench.seconds, SECONDS_LEAST)
    alone = load(bench, port, "/sleep", 100, seconds)
    burning = start(
        [bench.build / "weir", "load", f"http://127.0.0.1:{port}/burn", "--rate", "50", "--for", f"{seconds + 2}s", "--json"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        both = load(bench, port, "/sleep", 100, seconds)
        burning.wait(90)
    finally:
        forget(burning, 3)
    return {"beside": both["latency_ms"]["p99"] - alone["latency_ms"]["p99"]}


def overload_rows(served, own):
    """Returns the rows, given the class whose servers run for a whole row."""

    class Overload(served):
        runs = {}  # shared by all rows: one measures, the others show

        def __init__(self, name, about, unit, run, figure, reach, after=None, peers=PEERS):
            super().__init__(name, about, unit)
            self.run, self.figure, self.subjects, self.asked = run, figure, peers, {}
            self.targets = dict.fromkeys(own, (reach, after))

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            """Starts only servers whose figures are not known yet, all at once: one after the other would warm up no faster."""
            with contextlib.ExitStack() as stack:
                unknown = [s for s in subjects if (self.run[0], s.name, 0) not in Overload.runs]
                servers = dict.fromkeys(subjects)
                for subject in unknown:
                    servers[subject] = stack.enter_context(
                        serve(bench, subject, CONFIG, ms=BURN_MS) if subject.is_weir else subject.start(free_ports(), None, bench.folder))
                yield servers

        def measure(self, bench, subject, servers):
            number = self.asked[subject] = self.asked.get(subject, -1) + 1
            key = (self.run[0], subject.name, number)
            if key not in Overload.runs:
                Overload.runs[key] = {}
                Overload.runs[key] = self.run[1](bench, servers[subject].port, subject.is_weir)
            if self.figure not in Overload.runs[key]:
                raise Failed("its run has failed")
            return Overload.runs[key][self.figure]

    def at(factor):
        return f"{factor}x", lambda bench, port, is_weir: overloaded(bench, port, factor, is_weir)

    burn = f"burn of {BURN_MS} ms at {{}} times the capacity, queue 4, one core"
    return [
        Overload("burn-3-lost", burn.format(3) + ": answers lost", "% of the capacity", at(3), "lost", 3, 1),
        Overload("burn-3-accepted", burn.format(3) + ": accepted", "ms p99", at(3), "accepted", 345),
        Overload("burn-3-refused", burn.format(3) + ": refused", "ms p99", at(3), "refused", 2),
        Overload("burn-3-dropped", burn.format(3) + ": dropped after admission", "% of those taken", at(3), "dropped", 1, None, own),
        Overload("burn-30-lost", burn.format(30) + ": answers lost", "% of the capacity", at(30), "lost", 5, 2),
        Overload("burn-30-accepted", burn.format(30) + ": accepted", "ms p99", at(30), "accepted", 345),
        Overload("burn-30-refused", burn.format(30) + ": refused", "ms p99", at(30), "refused", 2),
        Overload("burn-30-dropped", burn.format(30) + ": dropped after admission", "% of those taken", at(30), "dropped", 1, None, own),
        Overload("sleep-beside", "a 5 ms timer beside burns at 3 times the capacity, same core, over idle", "ms p99",
                 ("beside", beside), "beside", 0.5, 0.2),
    ]
