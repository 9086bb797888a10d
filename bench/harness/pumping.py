# SPDX-License-Identifier: MIT
"""The row of raw streams: what a TCP proxy uses to pass bytes on."""
import contextlib
import os
import socket
import threading

from process import LOAD_CORE, Failed, free_ports

MIB = 1 << 20
BYTES = 1 << 30


class Sink:
    """A server that reads each connection to its end. received: the bytes of the connection that ended last and had any."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received, self.ended = 0, threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        os.sched_setaffinity(0, {LOAD_CORE})
        buffer = bytearray(MIB)
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                count = 0
                with connection:
                    while some := connection.recv_into(buffer):
                        count += some
                if count > 0:
                    self.received = count
                    self.ended.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def send(port):
    """Sends BYTES, then the end, and waits until the peer ends, too. For a thread of its own."""
    os.sched_setaffinity(0, {LOAD_CORE})
    part = bytes(MIB)
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        for _ in range(BYTES // MIB):
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def pump_rows(row):
    """Returns the rows, given their base class."""

    class Pumped(row):
        subjects = ["weir uring pump", "weir epoll pump", "go io.Copy"]
        baseline = "go io.Copy"
        targets = dict.fromkeys(subjects[:2], (1.0, 0.7))

        def measure(self, bench, subject, state):
            with Sink() as sink, subject.start(free_ports(), sink.port, bench.folder) as proxy:
                before = proxy.cpu_seconds()
                sender = threading.Thread(target=send, args=(proxy.port,))
                sender.start()
                sender.join()
                if not sink.ended.wait(60) or sink.received != BYTES:
                    raise Failed(f"{sink.received} of {BYTES} bytes came through")
                return proxy.cpu_seconds() - before

    return [Pumped("pump", "a TCP proxy passes on 1 GiB one way", "s CPU")]
