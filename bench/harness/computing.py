# SPDX-License-Identifier: MIT
"""Rows for the routes that compute: digests of large bodies, thumbnails, long compressed streams, a large job on two workers."""
import contextlib
import hashlib
import json
import os
import re
import resource
import socket
import subprocess
import threading
import time

from overload import load
from process import LOAD_CORE, SERVER_CORE, Failed, output_of
from subjects import serve

BOTH = {SERVER_CORE, LOAD_CORE}
MIB = 1 << 20
CONFIG = """\
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
loops: 1
access_log: false
pools: {{compute: {{workers: 1, wait: 60s}}}}
routes:
  - {{path: /hash, hash: {{algorithm: sha256}}, limits: {{body: 20GiB}}}}
  - {{path: /zstd, compress: {{encoding: zstd, level: 1}}, limits: {{body: 20GiB}}}}
  - {{path: /sleep, sleep: {{for: 5ms}}}}
  - {{path: /thumb/*, thumbnail: {{root: {folder}, width: 320, height: 320, format: jpeg}}}}
"""


def post(port, path, mebibytes, sink=lambda part: None):
    """Sends a body of this size while it reads the answer; returns the status."""
    with socket.create_connection(("127.0.0.1", port), 120) as sock:
        piece = bytes(range(256)) * (MIB // 256)

        def send():
            sock.sendall(f"POST {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {mebibytes * MIB}\r\n\r\n".encode())
            for _ in range(mebibytes):
                sock.sendall(piece)
        sender = threading.Thread(target=send)
        sender.start()
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536) or b"\r\n\r\n"
        sink(head)
        while part := sock.recv(MIB):
            sink(part)
        sender.join()
        return head.split()[1:2]


class Digests:
    """Nanoseconds per byte of an upload, wall time or the worker's CPU time, compared with openssl speed in the same round. In wall time
    client, loop and worker share two cores."""

    mebibytes = 1024

    def __init__(self, of_worker):
        self.of_worker = of_worker

    def measure(self, bench, subject):
        if not subject.is_weir:
            text = output_of(["openssl", "speed", "-evp", "sha256", "-bytes", 65536, "-seconds", bench.seconds], BOTH, bench.seconds + 20)
            return 1e9 / (float(re.search(r"^sha256 +([\d.]+)k", text, re.M)[1]) * 1000)
        with serve(bench, subject, CONFIG, BOTH, folder=bench.folder) as server:
            answer = bytearray()
            post(server.port, "/hash", 64)
            began, used = time.monotonic(), server.thread_cpu_seconds("compute")
            post(server.port, "/hash", self.mebibytes, answer.extend)
            took = time.monotonic() - began
            used = server.thread_cpu_seconds("compute") - used
        wanted = hashlib.sha256(bytes(range(256)) * (self.mebibytes * MIB // 256)).hexdigest()
        if json.loads(answer.split(b"\r\n\r\n", 1)[1])["hex"] != wanted:
            raise Failed(f"the digest is wrong: {bytes(answer)[-200:]!r}")
        return (used if self.of_worker else took) * 1e9 / (self.mebibytes * MIB)


class BesideDigests:
    """The increase of a timer route's 99th percentile while large bodies are hashed."""

    def measure(self, bench, subject):
        seconds = max(bench.seconds, 5)
        with serve(bench, subject, CONFIG, SERVER_CORE, folder=bench.folder) as server:
            alone = load(bench, server.port, "/sleep", 100, seconds)["latency_ms"]["p99"]
            ended = threading.Event()

            def upload():
                while not ended.is_set():
                    post(server.port, "/hash", 256)
            uploads = threading.Thread(target=upload)
            uploads.start()
            try:
                return load(bench, server.port, "/sleep", 100, seconds)["latency_ms"]["p99"] - alone
            finally:
                ended.set()
                uploads.join()


class Thumbnails:
    """CPU time of a thumbnail of 320 pixels from a JPEG of 24 megapixels, and its peak memory."""

    count = 16

    def __init__(self, figure):
        self.figure = figure

    def photographs(self, bench):
        """Makes an image like a photograph: soft shapes and some noise. It has many names, so that no cache helps."""
        made = bench.folder / "photo-0.jpg"
        if not made.exists():
            steps = [["perlin", "a.v", 6000, 4000, "--cell-size", 256], ["linear", "a.v", "b.v", 100, 128],
                     ["gaussnoise", "c.v", 6000, 4000, "--mean", 0, "--sigma", 6], ["add", "b.v", "c.v", "d.v"],
                     ["cast", "d.v", "e.v", "uchar"], ["bandjoin", "e.v e.v e.v", "f.v"],
                     ["copy", "f.v", "g.v", "--interpretation", "srgb"], ["jpegsave", "g.v", made, "--Q", 88]]
            for step in steps:
                subprocess.run(["vips", *map(str, step)], cwd=bench.folder, check=True)
            for i in range(1, self.count):
                os.link(made, bench.folder / f"photo-{i}.jpg")
        return [bench.folder / f"photo-{i}.jpg" for i in range(self.count)]

    def measure(self, bench, subject):
        photographs = self.photographs(bench)
        if not subject.is_weir:
            return self.vipsthumbnail(photographs)
        with serve(bench, subject, CONFIG, SERVER_CORE, folder=bench.folder) as server:
            self.ask(server.port, photographs[0].name)
            before = server.cpu_seconds()
            for photograph in photographs:
                self.ask(server.port, photograph.name)
            if self.figure == "memory":
                return server.peak_bytes() / MIB
            return (server.cpu_seconds() - before) / len(photographs) * 1e3

    def ask(self, port, name):
        with socket.create_connection(("127.0.0.1", port), 30) as sock:
            sock.sendall(f"GET /thumb/{name} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            answer = bytearray()
            while part := sock.recv(MIB):
                answer += part
        if not answer.startswith(b"HTTP/1.1 200") or b"\xff\xd8\xff" not in answer:
            raise Failed(f"no thumbnail: {bytes(answer)[:300]!r}")

    def vipsthumbnail(self, photographs):
        command = ["vipsthumbnail", "-s", "320x320", "-o", "small-%s.jpg", *map(str, photographs)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, env={**os.environ, "VIPS_CONCURRENCY": "1"},
                       preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if self.figure == "memory":
            return after.ru_maxrss / 1024
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used / len(photographs) * 1e3


class Stream:
    """The additional memory for compressing a body of 5 GB instead of 64 MB."""

    def measure(self, bench, subject):
        came = [0]

        def count(part):
            came[0] += len(part)
        with serve(bench, subject, CONFIG, BOTH, folder=bench.folder) as server:
            post(server.port, "/zstd", 64, count)
            before, came[0] = server.peak_bytes(), 0
            post(server.port, "/zstd", 5120, count)
            if came[0] < 1000:
                raise Failed("nothing came out of it")
            return (server.peak_bytes() - before) / MIB


def computing_rows(row, micro, own):
    """Returns the rows, given their base classes."""

    class Computing(row):
        def __init__(self, name, about, unit, what, targets, peer=None):
            super().__init__(name, about, unit)
            self.what, self.baseline = what, peer
            self.subjects = [*own, peer] if peer else own
            self.targets = dict.fromkeys(own, targets) if targets else {}

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            yield None

        def measure(self, bench, subject, state):
            return self.what.measure(bench, subject)

    return [
        Computing("hash-large", "SHA-256 of an upload of 1 GiB, client, loop and worker on two cores", "ns/byte", Digests(False), (1.11, None), "openssl speed"),
        Computing("hash-worker", "the same: CPU of the worker", "ns/byte", Digests(True), (1.11, None), "openssl speed"),
        Computing("hash-beside", "a 5 ms timer beside uploads that are hashed, same core, over idle", "ms p99", BesideDigests(), (0.5, None)),
        Computing("thumbnail", "320 pixels from a JPEG of 24 megapixels", "ms CPU each", Thumbnails("cpu"), (1.11, None), "vipsthumbnail"),
        Computing("thumbnail-memory", "the same: most memory of the whole server", "MiB", Thumbnails("memory"), (114, None)),
        Computing("compress-memory", "5 GiB through zstd: memory more than 64 MiB took", "MiB", Stream(), (8, None)),
        micro("each", "a large job over two workers of a pool", "× the time on one", "bench-micro-each", r"time ratio (\S+)", 0.556, None, BOTH),
    ]
