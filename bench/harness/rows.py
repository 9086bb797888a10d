# SPDX-License-Identifier: MIT
"""The rows: what is measured, the subjects, and how the figure of one round is made."""
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

from process import LOAD_CORE, SERVER_CORE, Failed, Process, WithoutPeer, free_ports, output_of, wrk
from subjects import CALLS, serve

WARM_SECONDS = 3
ROOT = Path(__file__).resolve().parent.parent.parent


class Row:
    """A row measures each subject once a round; less of `unit` is better."""

    subjects = []
    baseline = None  # the peer to which the targets refer
    targets = {}  # by Weir's subject: (reach, after), a ratio to the baseline, or a figure if there is none

    at_most = None  # a bound on the figure itself, in addition to the ratio
    belongs_to = None  # the row with which it is asked for, because it shows another figure of the same run

    def __init__(self, name, about, unit):
        self.name, self.about, self.unit = name, about, unit

    @contextlib.contextmanager
    def prepared(self, bench, subjects):
        """Runs what is needed during the measurement; gives the argument of measure()."""
        yield None

    def measure(self, bench, subject, state):
        raise NotImplementedError


class Served(Row):
    """The servers of all subjects run for the whole row, on the server core; backends, if any, on the load core."""

    backends = None  # arguments of the replay program
    deadline_ms = 1000  # the target of a gather
    fresh = False  # a server for each measurement, because memory is not completely returned

    @contextlib.contextmanager
    def prepared(self, bench, subjects):
        with contextlib.ExitStack() as stack:
            first = None
            if self.backends is not None:
                first = free_ports(CALLS)
                command = [bench.build / "bench-load-replay", "backends", first, *self.backends]
                stack.enter_context(Process(command, LOAD_CORE, bench.folder / "backends.log", first))
            if self.fresh:
                yield {subject: lambda s=subject: s.start(free_ports(), first, bench.folder, self.deadline_ms) for subject in subjects}
                return
            servers = {}
            for subject in subjects:
                try:
                    servers[subject] = stack.enter_context(
                        subject.start(free_ports(), first, bench.folder, self.deadline_ms))
                except Failed as why:
                    bench.say(f"{self.name}: {subject.name}: {why}")
            yield servers


def get(port, path, sock=None, timeout=5):
    """Sends one request on a kept connection; returns the connection, the status and the body."""
    sock = sock or socket.create_connection(("127.0.0.1", port), timeout)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(sock)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
    while len(body) < length:
        body += received(sock)
    return sock, int(head.split()[1]), body


def received(sock):
    part = sock.recv(65536)
    if not part:
        raise Failed("closed the connection")
    return part


def check_page(body, calls=CALLS):
    """Checks that a page has every call's answer."""
    page = json.loads(body)
    bad = [f"c{i}" for i in range(calls) if page.get(f"c{i}", {}).get("body", {}).get("backend") != i]
    if bad:
        raise Failed(f"wrong members {', '.join(bad)}: {body[:200]!r}")


class ClosedLoop(Served):
    """CPU time of the server per request while wrk keeps `connections` busy."""

    checks_page = True  # the answer is a page, with the answers of all backends

    def __init__(self, name, about, path, connections, subjects, baseline, targets, backends=None):
        super().__init__(name, about, "µs CPU/request")
        self.path, self.connections, self.subjects, self.baseline = path, connections, subjects, baseline
        self.targets, self.backends = targets, backends
        self.warm = set()

    def measure(self, bench, subject, servers):
        server = servers[subject]
        sock, status, body = get(server.port, self.path)
        sock.close()
        if status != 200:
            raise Failed(f"answers {self.path} with {status}: {body[:200]!r}")
        if self.checks_page and self.backends is not None:
            check_page(body)
        if subject not in self.warm:  # gives just-in-time compilers their time
            wrk(server.port, self.path, self.connections, WARM_SECONDS)
            self.warm.add(subject)
        before = server.cpu_seconds()
        self.count, _ = wrk(server.port, self.path, self.connections, bench.seconds)
        return (server.cpu_seconds() - before) / self.count * 1e6


class Logged(ClosedLoop):
    """The same with an access log in a file, which must have a line for each request."""

    def measure(self, bench, subject, servers):
        logs = list(servers[subject].log.parent.glob("log*"))
        for log in logs:
            os.truncate(log, 0) # lines written during the warm-up
        figure = super().measure(bench, subject, servers)
        time.sleep(0.1)
        lines = sum(log.read_bytes().count(b"/hello") for log in logs)
        if lines < self.count:
            raise Failed(f"{lines} lines of {self.count} requests")
        return figure


class Replayed(Served):
    """Open loop: the delay of a page behind its slowest backend, 99th percentile."""

    backends = ()
    rate = 200
    at_most = 1.5

    def __init__(self, name, about, subjects, baseline, targets):
        super().__init__(name, about, "ms p99")
        self.subjects, self.baseline, self.targets = subjects, baseline, targets

    def measure(self, bench, subject, servers):
        server, replay = servers[subject], bench.build / "bench-load-replay"
        output_of([replay, "load", server.port, self.rate, 1, 10**6], LOAD_CORE, 20)  # warm: other ids
        text = output_of([replay, "load", server.port, self.rate, bench.seconds], LOAD_CORE, bench.seconds + 20)
        result = json.loads(text)
        if result["failed"]:
            raise Failed(f"{result['failed']} of {result['requests']} failed")
        return result["p99_ms"]


class IdleConnections(Served):
    """User-space memory per connection that had one request and stays open."""

    count = 8000
    fresh = True

    def __init__(self, name, about, subjects, baseline, targets):
        super().__init__(name, about, "bytes each")
        self.subjects, self.baseline, self.targets = subjects, baseline, targets

    def measure(self, bench, subject, starters):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(starters[subject]())
            for _ in range(64):  # memory that is allocated once is not counted
                stack.enter_context(get(server.port, "/hello")[0])
            before = server.resident_bytes()
            for _ in range(self.count):
                stack.enter_context(get(server.port, "/hello")[0])
            time.sleep(0.5)
            return (server.resident_bytes() - before) / self.count


class Gathers(Served):
    """Memory of the gateway, page tables included, per gather of twelve that waits for its backends."""

    backends = ("hold", "60")
    deadline_ms = 60_000
    count = 200
    fresh = True

    def __init__(self, name, about, subjects, baseline, targets):
        super().__init__(name, about, "bytes each")
        self.subjects, self.baseline, self.targets = subjects, baseline, targets

    def measure(self, bench, subject, starters):
        with contextlib.ExitStack() as stack:
            server, asked = stack.enter_context(starters[subject]()), []
            before = server.resident_bytes()
            for i in range(self.count):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 5))
                asked.append(sock)
                sock.sendall(f"GET /page/{i} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            time.sleep(2)
            for sock in asked:
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    raise Failed(f"answered before its backends did: {sock.recv(200)!r}")
            return (server.resident_bytes() - before) / self.count


class Scraped(Row):
    """The increase of a quiet route's 99th percentile while /metrics is scraped: alternately with and without, on a
    server with many routes whose admin side has no core of its own."""

    rate, scrapes, turns = 1000, 10, 4
    config = ("listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\nloops: 1\naccess_log: false\nroutes:\n"
              "  - {{path: /hello, respond: {{body: hello}}}}\n" +
              "".join(f"  - {{{{path: /route/{i}, respond: {{{{body: hello}}}}}}}}\n" for i in range(99)))

    def __init__(self, name, about, subjects, targets):
        super().__init__(name, about, "× p99 without")
        self.subjects, self.targets = subjects, targets

    def measure(self, bench, subject, state):
        with serve(bench, subject, self.config) as server:
            port = server.port
            for i in range(99):
                get(port, f"/route/{i}")[0].close()
            self.p99(bench, port)
            alone, scraped = [], []
            for _ in range(self.turns):
                alone.append(self.p99(bench, port))
                with self.scraping(port + 1):
                    scraped.append(self.p99(bench, port))
        return statistics.median(scraped) / statistics.median(alone)

    def p99(self, bench, port):
        command = [bench.build / "weir", "load", f"http://127.0.0.1:{port}/hello", "--rate", self.rate, "--for",
                   f"{bench.seconds}s", "--json"]
        result = json.loads(output_of(command, LOAD_CORE, bench.seconds + 20))
        if result["answered"] != result["planned"]:
            raise Failed(f"{result['answered']} of {result['planned']} were answered")
        return result["latency_ms"]["p99"]

    @contextlib.contextmanager
    def scraping(self, port):
        ended = threading.Event()

        def scrape():
            while not ended.wait(1 / self.scrapes):
                get(port, "/metrics")[0].close()
        thread = threading.Thread(target=scrape)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class Micro(Row):
    """A program of bench/micro, alone on the server core or on the given cores; adds up the pattern's groups in its output."""

    def __init__(self, name, about, unit, program, pattern, reach, after, cores=SERVER_CORE, peer=None):
        """peer: names the peer and how to get it, if the program may have been built without it."""
        super().__init__(name, about, unit)
        self.program, self.pattern, self.cores, self.peer = program, pattern, cores, peer
        self.subjects, self.targets = ["weir"], {"weir": (reach, after)}

    def measure(self, bench, subject, state):
        text = output_of([bench.build / self.program], self.cores, 120)
        found = re.search(self.pattern, text)
        if not found and self.peer:
            raise WithoutPeer(self.peer)
        if not found:
            raise Failed(f"{self.program} prints no '{self.pattern}'")
        return sum(float(figure) for figure in found.groups())


class Instructions(Row):
    """Instructions of one operation of a program of bench/micro, counted by valgrind: runs of n and of 2n differ by n operations."""

    rounds_of_program = 51  # as in bench/micro/measure.h
    tries = 10  # valgrind fails at a stack switch now and then

    def __init__(self, name, about, program, size, n, reach, after):
        super().__init__(name, about, "instructions")
        self.program, self.size, self.n = program, size, n
        self.subjects, self.targets = ["weir"], {"weir": (reach, after)}

    def measure(self, bench, subject, state):
        if not shutil.which("valgrind"):
            raise WithoutPeer("valgrind, which counts; get it: apt-get install valgrind")
        built = subprocess.run([ROOT / "tools/build", "counted", self.program], capture_output=True, text=True)
        if built.returncode != 0:
            raise Failed(f"it can't be built: {built.stderr[-300:]}")
        once, twice = (self.count(n) for n in (self.n, 2 * self.n))
        return (twice - once) / (self.rounds_of_program * self.n)

    def count(self, n):
        for _ in range(self.tries):
            with contextlib.suppress(Failed):
                text = output_of(["sh", "-c", 'exec "$@" 2>&1', "sh", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                  ROOT / "build-counted" / self.program, n, self.size], SERVER_CORE, 300)
                return int(re.search(r"Collected : (\d+)", text)[1])
        raise Failed("valgrind counts nothing")


from overload import overload_rows  # noqa: E402  they build on the classes above
from computing import computing_rows  # noqa: E402
from filing import file_rows  # noqa: E402
from proxying import proxy_rows  # noqa: E402
from pumping import pump_rows  # noqa: E402
from securing import tls_rows  # noqa: E402
from reloading import reload_rows  # noqa: E402
from serving import serving_rows  # noqa: E402
from tailing import tail_rows  # noqa: E402
from watching import watch_rows  # noqa: E402

SERVERS = ["weir uring", "weir epoll", "nginx", "node", "go net/http", "rust hyper", "python"]
GATEWAYS = ["weir uring", "weir epoll", "node undici", "node http.Agent", "node fetch", "go net/http", "rust hyper", "python"]
OWN = ["weir uring", "weir epoll"]
LIBUV = "libuv; get it: apt-get install libuv1-dev, and build again (make bench does both)"

ROWS = [
    Micro("switch", "switch between tasks, 64 of them", "ns, best of 51", "bench-micro-switch",
          r"switch among 64 tasks +(\S+) ns best", 12, 8),
    Micro("spawn", "spawn, run and finish a task, scopes of 64", "ns, best of 51", "bench-micro-spawn",
          r"scopes of 64 +(\S+) ns best", 20, 10),
    Micro("switch-steps", "the same, set against a multiplication and an addition in the same run", "×", "bench-micro-switch",
          r"switch among 64 tasks .* median +(\S+) steps", 9, 8),
    Micro("spawn-steps", "the same of a spawn", "×", "bench-micro-spawn", r"scopes of 64 .* median +(\S+) steps", 21, 15),
    Instructions("switch-count", "switch between tasks, 64 of them", "bench-micro-switch", 64, 6400, 170, None),
    Instructions("spawn-count", "spawn, run and finish a task, scopes of 64", "bench-micro-spawn", 64, 6400, 305, None),
    Instructions("dns", "find the addresses of a cached name, as each connect does", "bench-micro-names", 0, 6400, 100, None),
    Micro("parked", "parked task, resident with page tables", "bytes each", "bench-micro-parked",
          r"(\d+) bytes each resident, (\d+) in page tables", 4505, 4300),
    Micro("process", "a process from its start to its end, set against posix_spawn() and waitpid() in the same run", "×", "bench-micro-process",
          r"a weir_process +\d+ us +(\S+) of it", 1.3, 1.0),
    ClosedLoop("hello-64", "respond hello, 64 connections", "/hello", 64, SERVERS, "nginx",
               {"weir uring": (0.90, 0.82), "weir epoll": (0.95, 0.88)}),
    ClosedLoop("hello-1000", "respond hello, 1000 connections", "/hello", 1000, SERVERS, "nginx",
               {"weir uring": (0.80, 0.70), "weir epoll": (0.90, 0.80)}),
    Logged("hello-log", "respond hello with an access log into a file, 64 connections", "/hello", 64,
           ["weir uring + log", "weir epoll + log", "nginx + log"], "nginx + log",
           {"weir uring + log": (0.95, 0.85), "weir epoll + log": (0.95, 0.85)}),
    ClosedLoop("gather-instant", "gather of 12 from instant backends, 32 connections", "/page/1", 32, GATEWAYS,
               "node undici", dict.fromkeys(OWN, (0.35, 0.25)), ("instant",)),
    Replayed("gather-replay", "gather of 12 with replayed delays, 200/s: answer time − slowest delay", GATEWAYS,
             "node undici", dict.fromkeys(OWN, (0.5, None))),
    IdleConnections("idle-memory", "idle keep-alive connection, user space", SERVERS, None,
                    dict.fromkeys(OWN, (1024, 512))),
    Scraped("scrape", "p99 of a quiet route while /metrics of 100 routes is asked for 10 times a second", OWN,
            dict.fromkeys(OWN, (1.1, None))),
    Gathers("gather-memory", "in-flight gather of 12, resident with page tables", GATEWAYS, None,
            dict.fromkeys(OWN, (64 * 1024, 32 * 1024))),
    Micro("offload", "offload an empty job and back, one core", "× libuv", "bench-micro-offload",
          r"one core: .* ratio (\S+)", 0.5, None, peer=LIBUV),
    Micro("offload-2", "offload an empty job and back, two cores", "× libuv", "bench-micro-offload",
          r"two cores: .* ratio (\S+)", 0.75, None, peer=LIBUV),
    *tail_rows(Row),
    *overload_rows(Served, OWN),
    *serving_rows(Served),
    *computing_rows(Row, Micro, OWN),
    *pump_rows(Row),
    *proxy_rows(Row, ClosedLoop),
    *file_rows(Row),
    *tls_rows(Row, OWN),
    *reload_rows(Row),
    *watch_rows(Row, Micro, OWN),
]
