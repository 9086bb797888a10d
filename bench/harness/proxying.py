# SPDX-License-Identifier: MIT
"""The rows of proxies: a small answer, and bodies of 1 GiB, passed on by Weir, nginx and HAProxy with the same behaviour: nothing is
held back, connections to the backend are kept."""
import contextlib
import os
import socket
import threading

from process import LOAD_CORE, Failed, free_ports

MIB = 1 << 20
BYTES = 1 << 30
GROWTH_BYTES = 32 * MIB  # of the proxy's memory while a body passes

PROXIES = ["weir uring proxy", "weir epoll proxy", "nginx proxy", "haproxy"]


def receive(connection, into, bytes_left):
    """Receives so many bytes; returns how many came."""
    count = 0
    while count < bytes_left and (some := connection.recv_into(into, min(len(into), bytes_left - count))):
        count += some
    return count


def read_head(connection):
    """Returns the head and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        some = connection.recv(65536)
        if not some:
            raise Failed(f"ended after {data[:200]!r}")
        data += some
    head, behind = data.split(b"\r\n\r\n", 1)
    return head, behind


class Backend:
    """A server of one thread for each connection: a GET is answered with BYTES, another request's body is read and answered ok."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        os.sched_setaffinity(0, {LOAD_CORE})
        part = bytes(MIB)
        with connection, contextlib.suppress(OSError, Failed):
            while True:
                head, behind = read_head(connection)
                if head.startswith(b"GET"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BYTES)
                    for _ in range(BYTES // MIB):
                        connection.sendall(part)
                    continue
                count = len(behind) + receive(connection, bytearray(MIB), BYTES - len(behind))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d" % (len(str(count)), count))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def download(connection):
    """Returns the bytes of the body that came."""
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    head, behind = read_head(connection)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise Failed(f"answers with {head[:200]!r}")
    return len(behind) + receive(connection, bytearray(MIB), BYTES - len(behind))


def upload(connection):
    """Returns the bytes of the body that the backend has counted."""
    connection.sendall(b"POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BYTES)
    part = bytes(MIB)
    for _ in range(BYTES // MIB):
        connection.sendall(part)
    head, behind = read_head(connection)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise Failed(f"answers with {head[:200]!r}")
    while len(behind) < len(str(BYTES)):
        behind += connection.recv(100)
    return int(behind)


def proxy_rows(row, closed_loop):
    """Returns the rows, given their base classes."""

    class Large(row):
        subjects = PROXIES
        baseline = "nginx proxy"
        targets = dict.fromkeys(subjects[:2], (0.7, 0.5))

        def __init__(self, name, about, move):
            super().__init__(name, about, "s CPU/GiB")
            self.move = move

        def measure(self, bench, subject, state):
            with Backend() as backend, subject.start(free_ports(), backend.port, bench.folder) as proxy:
                before, memory = proxy.cpu_seconds(), proxy.resident_bytes()
                with socket.create_connection(("127.0.0.1", proxy.port), 60) as connection, self.watched(proxy) as most:
                    os.sched_setaffinity(0, {LOAD_CORE})
                    count = self.move(connection)
                if count != BYTES:
                    raise Failed(f"{count} of {BYTES} bytes came through")
                if most[0] > memory + GROWTH_BYTES:
                    raise Failed(f"its memory grew by {(most[0] - memory) // MIB} MiB")
                return proxy.cpu_seconds() - before

        @contextlib.contextmanager
        def watched(self, proxy):
            """Samples the memory of the proxy meanwhile."""
            most, ended = [0], threading.Event()

            def sample():
                while not ended.wait(0.05):
                    most[0] = max(most[0], proxy.resident_bytes())
            thread = threading.Thread(target=sample)
            thread.start()
            try:
                yield most
            finally:
                ended.set()
                thread.join()

    class Small(closed_loop):
        checks_page = False

    return [
        Small("proxy-small", "proxy of a small answer, 64 connections, kept to the backend too", "/answer/1", 64, PROXIES, "nginx proxy",
              {"weir uring proxy": (0.85, 0.7), "weir epoll proxy": (0.85, 0.7)}, ("instant",)),
        Large("proxy-large", "proxy of an answer of 1 GiB, in constant memory", download),
        Large("proxy-upload", "proxy of a request of 1 GiB, in constant memory", upload),
    ]
