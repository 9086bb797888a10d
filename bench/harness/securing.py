# SPDX-License-Identifier: MIT
"""The rows of TLS: handshakes, resumed handshakes, small answers, many bytes, idle connections, and a storm of handshakes beside a quiet
route. All servers have the same certificate; the load (bench/load/tls.c) offers TLS 1.3 with TLS_AES_128_GCM_SHA256 and X25519 alone."""
import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from process import LOAD_CORE, SERVER_CORE, Failed, Process, forget, free_ports, output_of, start
from proxying import Backend
from subjects import serve

SUBJECTS = ["weir uring", "weir epoll", "nginx"]
AGREED = "TLSv1.3 TLS_AES_128_GCM_SHA256"
KEYS = {"P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "RSA 2048": ["rsa:2048"]}
GIB = 1 << 30
CONFIG = """\
listen:
  - {{address: "127.0.0.1:{port}", tls: {{certificates: [{{cert: {cert}, key: {key}}}]}}}}
  - 127.0.0.1:{admin}
loops: 1
access_log: false
limits: {{connections: 16000, exchanges: 8000, idle_timeout: 10m, body: 16GiB}}
routes:
  - {{path: /hello, respond: {{status: 200, type: text/plain, body: "Hello, World!"}}}}
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{backend}"}}}}
"""


def certificate(bench, key):
    """Returns the paths of a certificate and its key, which are made when they are first asked for."""
    name = bench.folder / key.replace(" ", "-")
    paths = name.with_suffix(".pem"), name.with_suffix(".key")
    if not paths[0].exists():
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[key], "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"openssl: {done.stderr[-300:]}")
    return paths


def nginx(bench, backend, cert, key):
    port = free_ports(2)
    folder = Path(tempfile.mkdtemp(dir=bench.folder))
    text = (Path(__file__).parent.parent / "peers/nginx/tls.conf").read_text()
    for name, value in (("@PORT@", port), ("@PLAIN@", port + 1), ("@BACKEND@", backend), ("@CERT@", cert), ("@KEY@", key), ("@DIR@", folder)):
        text = text.replace(name, str(value))
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    return Process(command, SERVER_CORE, folder / "log", port)


def secured(bench, subject, key, backend=9):
    """A server of this subject with TLS at its port, and without at the next one."""
    cert, key = certificate(bench, key)
    if subject.is_weir:
        return serve(bench, subject, CONFIG, cert=cert, key=key, backend=backend)
    return nginx(bench, backend, cert, key)


def checked(text):
    result = json.loads(text)
    if result["agreed"] != AGREED:
        raise Failed(f"agreed on {result['agreed']}")
    return result


def load(bench, mode, port, path, connections, seconds):
    """Returns what the load has counted."""
    return checked(output_of([bench.build / "bench-load-tls", mode, port, path, connections, seconds], LOAD_CORE, seconds + 20))


@contextlib.contextmanager
def loading(bench, *words, before=lambda: None):
    """Runs the load meanwhile; gives the process."""
    def prepare():
        os.sched_setaffinity(0, {LOAD_CORE})
        before()
    child = start([bench.build / "bench-load-tls", *words], prepare, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        forget(child, 0)


def said(child):
    """Returns the line of a load."""
    line = child.stdout.readline()
    if not line:
        raise Failed(f"the load has ended: {child.stderr.read()[-300:].strip()}")
    return checked(line)


def give_way():
    """Lowers the priority of this session: what is measured on the same core goes first, and other processes last."""
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
        group.write("-10")


def storm(bench, server):
    """A plain route's 99th percentile without and with handshakes beside it, as many as the server takes."""
    seconds = max(bench.seconds, 5)

    def p99():
        command = [bench.build / "weir", "load", f"http://127.0.0.1:{server.port + 1}/hello", "--rate", 200, "--for", f"{seconds}s", "--json"]
        result = json.loads(output_of(command, LOAD_CORE, seconds + 20))
        if result["answered"] != result["planned"]:
            raise Failed(f"{result['answered']} of {result['planned']} were answered")
        return result["latency_ms"]["p99"]

    p99()
    alone = p99()
    with loading(bench, "full", server.port, "/hello", 64, seconds + 2, before=give_way) as child:
        beside = p99()
        done = said(child)
    return {"more": beside - alone, "each": done["seconds"] / done["answers"] * 1e6}


def tls_rows(row, own):
    """Returns the rows, given their base class."""

    class Secured(row):
        subjects, baseline = SUBJECTS, "nginx"
        fresh = False # a server for each measurement, because memory is not completely returned

        def __init__(self, name, about, unit, key="P-256", reach=1.0, after=0.85):
            super().__init__(name, about, unit)
            self.key, self.targets = key, dict.fromkeys(own, (reach, after))

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            with contextlib.ExitStack() as stack:
                backend = stack.enter_context(Backend())
                starters = {subject: lambda s=subject: secured(bench, s, self.key, backend.port) for subject in subjects}
                if self.fresh:
                    yield starters
                    return
                servers = {}
                for subject, begin in starters.items():
                    try:
                        servers[subject] = stack.enter_context(begin())
                    except Failed as why:
                        bench.say(f"{self.name}: {subject.name}: {why}")
                yield servers

    class Cost(Secured):
        """CPU time of the server for each answer, or each GiB."""

        def __init__(self, name, about, mode, unit="µs CPU each", connections=64, path="/hello", **more):
            super().__init__(name, about, unit, **more)
            self.mode, self.connections, self.path = mode, connections, path

        def measure(self, bench, subject, servers):
            server = servers[subject]
            load(bench, self.mode, server.port, self.path, self.connections, 1)
            before = server.cpu_seconds()
            done = load(bench, self.mode, server.port, self.path, self.connections, bench.seconds)
            used = server.cpu_seconds() - before
            return used / done["bytes"] * GIB if self.path == "/large" else used / done["answers"] * 1e6

    class Memory(Secured):
        """Memory of the server in user space for each connection that had one request and stays open."""
        fresh = True
        count = 10_000

        def measure(self, bench, subject, starters):
            with starters[subject]() as server, loading(bench, "held", server.port, "/hello", 64) as first:
                said(first) # memory that is allocated once is not counted
                before = server.resident_bytes()
                with loading(bench, "held", server.port, "/hello", self.count) as rest:
                    said(rest)
                    return (server.resident_bytes() - before) / self.count

    class Storm(Secured):
        runs = {}  # shared by the rows of one key: one measures, the other shows

        def __init__(self, name, about, unit, figure, **more):
            super().__init__(name, about, unit, **more)
            self.figure, self.asked = figure, {}
            if figure == "more":
                self.baseline, self.targets = None, dict.fromkeys(own, (1, None))

        def measure(self, bench, subject, servers):
            number = self.asked[subject] = self.asked.get(subject, -1) + 1
            key = self.key, subject.name, number
            if key not in Storm.runs:
                Storm.runs[key] = storm(bench, servers[subject])
            return Storm.runs[key][self.figure]

    beside = "p99 of a quiet route without TLS beside full handshakes on 64 connections, {}, over without"
    each = "the same: time of each of these handshakes"
    return [
        Cost("tls-handshake", "connect, full handshake with P-256, one answer, close", "full"),
        Cost("tls-handshake-rsa", "the same with RSA 2048", "full", key="RSA 2048"),
        Cost("tls-resume", "the same, resumed by a ticket", "resumed"),
        Cost("tls-hello", "a small answer on 64 kept TLS connections", "kept"),
        Cost("tls-bytes", "answers of 1 GiB from a plain backend over two TLS connections", "kept", "s CPU/GiB", 2, "/large"),
        Cost("tls-upload", "requests of 1 GiB to a plain backend over two TLS connections", "sent", "s CPU/GiB", 2, "/large"),
        Memory("tls-memory", "idle TLS connection, user space", "bytes each", reach=1.05, after=None),
        Storm("tls-storm", beside.format("P-256"), "ms p99", "more"),
        Storm("tls-storm-each", each, "µs", "each", after=None),
        Storm("tls-storm-rsa", beside.format("RSA 2048"), "ms p99", "more", key="RSA 2048"),
        Storm("tls-storm-rsa-each", each, "µs", "each", key="RSA 2048", after=None),
    ]
