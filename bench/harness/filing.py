# SPDX-License-Identifier: MIT
"""The rows of files: small, middle and large ones, all in memory, by Weir's file route and by nginx over the same tree."""
import contextlib
import os
import socket
import tempfile
from pathlib import Path

from process import LOAD_CORE, SERVER_CORE, Failed, Process, free_ports, wrk
from proxying import BYTES, download
from subjects import serve

CONFIG = """\
listen: 127.0.0.1:{port}
loops: 1
access_log: false
limits: {{connections: 16000, exchanges: 8000}}
routes:
  - {{path: /*, file: {{root: {root}}}}}
"""
SIZES = {"10k": 10 << 10, "1m": 1 << 20, "large": BYTES}


def nginx(bench, root):
    port = free_ports()
    folder = Path(tempfile.mkdtemp(dir=bench.folder))
    text = (Path(__file__).parent.parent / "peers/nginx/files.conf").read_text()
    for name, value in (("@PORT@", port), ("@ROOT@", root), ("@DIR@", folder)):
        text = text.replace(name, str(value))
    (folder / "nginx.conf").write_text(text)
    return Process(["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"], SERVER_CORE, folder / "log", port)


def make_tree(bench):
    """Returns a folder of files that are in memory; it can be searched by nginx's worker, whoever that is."""
    root = Path(tempfile.mkdtemp(dir=bench.folder))
    for folder in (bench.folder, root):
        folder.chmod(0o755)
    for name, size in SIZES.items():
        with open(root / name, "w+b", buffering=0) as file:
            os.truncate(file.fileno(), size)
            while file.read(1 << 20):
                pass
    return root


def file_rows(row):
    """Returns the rows, given their base class."""

    class Files(row):
        subjects, baseline = ["weir uring", "weir epoll", "nginx"], "nginx"

        def __init__(self, name, about, unit, reach, after):
            super().__init__(name, about, unit)
            self.targets = dict.fromkeys(self.subjects[:2], (reach, after))

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            root = make_tree(bench)
            with contextlib.ExitStack() as stack:
                yield {subject: stack.enter_context(serve(bench, subject, CONFIG, root=root) if subject.is_weir else nginx(bench, root))
                       for subject in subjects}

    class Small(Files):
        """CPU time of the server for each answer."""

        def __init__(self, name, about, path, connections, reach, after):
            super().__init__(name, about, "µs CPU/request", reach, after)
            self.path, self.connections = path, connections

        def measure(self, bench, subject, servers):
            server = servers[subject]
            wrk(server.port, self.path, self.connections, 1)
            before = server.cpu_seconds()
            count, _ = wrk(server.port, self.path, self.connections, bench.seconds)
            return (server.cpu_seconds() - before) / count * 1e6

    class Large(Files):
        """CPU time of the server for a file of 1 GiB."""

        def measure(self, bench, subject, servers):
            server = servers[subject]
            before = server.cpu_seconds()
            with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
                os.sched_setaffinity(0, {LOAD_CORE})
                count = download(connection)
            if count != BYTES:
                raise Failed(f"{count} of {BYTES} bytes came")
            return server.cpu_seconds() - before

    return [
        Small("static-10k", "a file of 10 KiB in memory, 64 connections", "/10k", 64, 0.85, 0.75),
        Small("static-1m", "a file of 1 MiB in memory, 32 connections", "/1m", 32, 1.0, 0.75),
        Large("static-1g", "a file of 1 GiB in memory, one connection", "s CPU/GiB", 1.0, 0.75),
    ]
