# SPDX-License-Identifier: MIT
"""Rows for an overloaded application, FastAPI under uvicorn, behind Weir's serve and by itself. One run gives several figures; each row
shows one of them. Clients leave after a second, and slow ones stand beside."""
import contextlib
import json
import selectors
import socket
import threading
import time
from pathlib import Path

from process import LOAD_CORE, Failed, WithoutPeer, free_ports, output_of, wrk
from subjects import serve, subjects as known

FACTOR = 3
WAIT_MS = 300  # the bound of the queue
SLOW = 20  # clients that send slowly, and as many that read slowly
SECONDS_LEAST = 10
LEAVE = "1s"
PEERS = ["weir uring", "weir epoll", "uvicorn", "gunicorn + uvicorn", "granian"]
OWN = PEERS[:2]
SOURCE = Path(__file__).resolve().parent.parent / "peers/python"

CONFIG = """\
listen: 127.0.0.1:{{port}}
admin: 127.0.0.1:{{admin}}
loops: 1
access_log: false
apps:
  shop:
    command: [{python}/uvicorn, --uds, "{{{{socket}}}}", --log-level, warning, --no-access-log, --app-dir, {folder}, "shop:app"]
    concurrency: 2
    queue: 1000
    wait: {wait}ms
    ready: {{{{path: /large, within: 60s}}}}
routes:
  - {{{{path: /health, respond: {{{{status: 200, type: text/plain, body: fine}}}}}}}}
  - {{{{path: /*, serve: shop}}}}
"""


class SlowClients:
    """Clients that send a body of 32 KiB at 1 KiB a second, or read 200 KB at 1 KiB a second; each begins anew when it has ended."""

    def __init__(self, port):
        self.port, self.ends, self.all = port, threading.Event(), []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def open(self, sends):
        with contextlib.suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", self.port), 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 32768\r\n\r\n" if sends else
                               b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            connection.setblocking(False)
            self.all.append((connection, sends))

    def step(self, connection, sends):
        try:
            if sends:
                connection.send(b"y" * 100)
            elif not connection.recv(100):
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            connection.close()
            self.all.remove((connection, sends))
            self.open(sends)

    def run(self):
        for i in range(2 * SLOW):
            self.open(i % 2 == 0)
        while not self.ends.wait(0.1):
            for connection, sends in list(self.all):
                self.step(connection, sends)
        for connection, _ in self.all:
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()


class Health(threading.Thread):
    """Asks /health a hundred times a second on a connection of its own, and keeps how long each answer took."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ends, self.took_ms = port, threading.Event(), []

    def run(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            while not self.ends.wait(0.01):
                began = time.monotonic()
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
                if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise Failed("/health is not answered 200")
                self.took_ms.append((time.monotonic() - began) * 1000)

    def p99(self, seconds=None):
        if seconds is not None:
            self.start()
            time.sleep(seconds)
        self.ends.set()
        self.join()
        return sorted(self.took_ms)[len(self.took_ms) * 99 // 100] if self.took_ms else None


def load(bench, port, rate, seconds):
    command = [bench.build / "weir", "load", f"http://127.0.0.1:{port}/work", "--rate", rate, "--for", f"{seconds}s",
               "--connections", 4000, "--timeout", LEAVE, "--json"]
    try:
        return json.loads(output_of(command, LOAD_CORE, seconds + 80))
    except Failed as why: # which it says when nothing was answered
        if '"statuses":{}' not in str(why):
            raise
        return {"statuses": {}, "took_s": seconds, "by_status_ms": {}}


def overloaded(bench, app, port, is_weir):
    """Returns all figures of a run. app: the port of the application by itself, which says what it can do."""
    seconds = max(bench.seconds, SECONDS_LEAST)
    count, took = wrk(app, "/work", 2, seconds // 2)
    can = count / took
    health = Health(port).p99(2) if is_weir else None
    beside = Health(port)
    with SlowClients(port):
        if is_weir:
            beside.start()
        result = load(bench, port, round(FACTOR * can), seconds)
    good = result["statuses"].get("200", 0) / result["took_s"]
    times = result["by_status_ms"]
    return {"lost": 100 * (1 - good / can), "accepted": times.get("200", {}).get("p99"), "refused": times.get("503", {}).get("p99"),
            "health": beside.p99() - health if is_weir else None}


def serving_rows(served):
    """Returns the rows, given the class whose servers run for a whole row."""

    class Serving(served):
        runs = {}  # shared by all rows: one measures, the others show
        subjects = PEERS

        def __init__(self, name, about, unit, figure, reach, peers=PEERS):
            super().__init__(name, f"FastAPI under uvicorn at {FACTOR} times what it can do, {SLOW} slow senders and readers beside: {about}", unit)
            self.figure, self.subjects, self.asked = figure, peers, {}
            self.targets = dict.fromkeys(OWN, (reach, None))

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            """Starts only servers whose figures are not known yet, and the application by itself."""
            uvicorn = known(bench.build, bench.peers)["uvicorn"]
            with contextlib.ExitStack() as stack:
                unknown = [s for s in subjects if (s.name, 0) not in Serving.runs]
                servers = dict.fromkeys(subjects)
                if not uvicorn.is_here():
                    yield dict.fromkeys(subjects, (f"uvicorn; get it: {uvicorn.get}", None))
                    return
                for subject in unknown:
                    servers[subject] = stack.enter_context(
                        serve(bench, subject, CONFIG.format(python=bench.peers / "python/bin", folder=SOURCE, wait=WAIT_MS))
                        if subject.is_weir else subject.start(free_ports(), None, bench.folder))
                app = stack.enter_context(uvicorn.start(free_ports(), None, bench.folder)) if unknown else None
                yield {subject: (app, servers[subject]) for subject in subjects}

        def measure(self, bench, subject, servers):
            number = self.asked[subject] = self.asked.get(subject, -1) + 1
            key = (subject.name, number)
            if key not in Serving.runs:
                Serving.runs[key] = {}
                app, server = servers[subject]
                if server is None:
                    raise WithoutPeer(app)
                server.go_first()
                app.go_first()
                Serving.runs[key] = overloaded(bench, app.port, server.port, subject.is_weir)
            if Serving.runs[key].get(self.figure) is None:
                raise Failed("its run has failed")
            return Serving.runs[key][self.figure]

    return [
        Serving("serve-overload-lost", "answers within a second that are lost", "% of what it can do", "lost", 5),
        Serving("serve-overload-accepted", f"accepted, with a queue of {WAIT_MS} ms", "ms p99", "accepted", 1.2 * WAIT_MS),
        Serving("serve-overload-refused", "refused", "ms p99", "refused", 1, OWN),
        Serving("serve-overload-health", "/health beside it, over idle", "ms p99", "health", 1, OWN),
    ]
