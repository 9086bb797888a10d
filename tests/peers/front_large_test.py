#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Behind a streaming proxy: bodies that no memory holds, down and up, whose reader and writer are fast, slow, and stop. What the gateway holds is the
same throughout: memory, descriptors, pipes. BODY_MIB (512) is the size of a body; the figures stand in the output."""
import os
import threading
import time
import zlib

from front import is_second_run
from rig import PATIENCE, Backend, Weir, ask, connect, own_bytes, read_head, receive, run, same

CONFIG = """
listen: 127.0.0.1:0
access_log: true
limits: {idle_timeout: 10m, body_rate: 0B}
stall: {after: 10s} # the first stall that is reported has the program's debugging information read, once: 5 MiB
routes:
  - {path: /hello, respond: {body: hello}}
  - {path: /*, proxy: {to: "http://127.0.0.1:PORT", timeout: 10m}, limits: {body: 64GiB}}
"""
BLOCK = os.urandom(1 << 20)
WARM = 64 # MiB of a body after which nothing grows any more
GROWTH = 1 << 20 # of the memory, behind that
PIPE = 1 << 20
SLOW = 8 << 20 # bytes a second, where a peer is slow
SLOW_MIB = 16


def mebibytes():
    """Of a body; the second time, on the other kernel interface, a quarter."""
    size = int(os.environ.get("BODY_MIB", "512"))
    return size // 4 if is_second_run() else size


class Watch:
    """Looks at the gateway again and again: what it holds, from the moment that a body is warm."""

    def __init__(self, weir):
        self.weir, self.folder = weir, f"/proc/{weir.gateway}"
        self.seen, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def now(self):
        places = [os.readlink(f"{self.folder}/fd/{fd}") for fd in os.listdir(self.folder + "/fd") if os.path.lexists(f"{self.folder}/fd/{fd}")]
        return own_bytes(self.weir), len(places), sum(place.startswith("pipe:") for place in places)

    def look(self):
        while not self.ended.wait(0.1):
            try:
                self.seen.append(self.now())
            except FileNotFoundError: # a descriptor that was closed meanwhile
                pass

    def __enter__(self):
        self.seen.append(self.now())
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.ended.set()
        self.thread.join(PATIENCE)


class Body:
    """Bytes that pass one side, in steps of 1 MiB, and their checksum."""

    def __init__(self, count):
        self.count, self.passed, self.sum = count, 0, 0
        self.warm, self.go = threading.Event(), threading.Event()
        self.slow_at = None # from this step on so many MiB are slow

    def step(self, data):
        self.passed += len(data)
        self.sum = zlib.crc32(data, self.sum)
        if self.passed >= WARM << 20:
            self.warm.set()
        if self.slow_at is not None and self.slow_at <= self.passed >> 20 < self.slow_at + SLOW_MIB:
            time.sleep(len(data) / SLOW)

    def send(self, connection):
        for _ in range(self.count):
            connection.sendall(BLOCK)
            self.step(BLOCK)

    def receive(self, connection):
        room = bytearray(1 << 20)
        while self.passed < self.count << 20:
            if self.passed >= WARM << 20: # it stops once, until its sender is stuck
                self.go.wait(2 * PATIENCE)
            got = connection.recv_into(room)
            if not got:
                raise EOFError(f"{self.passed} of {self.count << 20} bytes")
            self.step(memoryview(room)[:got])


def kernel_buffers():
    """Bytes that two connections hold at most."""
    return 2 * sum(int(open(f"/proc/sys/net/ipv4/{name}", encoding="ascii").read().split()[2]) for name in ("tcp_rmem", "tcp_wmem"))


def stuck(sent, got):
    """Waits until the sender does not get on, since the receiver has stopped."""
    assert got.warm.wait(10 * PATIENCE)
    seen, since = -1, time.monotonic()
    while time.monotonic() < since + 1:
        if sent.passed != seen:
            seen, since = sent.passed, time.monotonic()
        time.sleep(0.02)
    assert seen - got.passed <= kernel_buffers() + PIPE + len(BLOCK), f"{seen - got.passed} bytes were taken for a receiver that does not read"


def passes(direction, weir, start, sent, got):
    """Runs a body through; start() begins, and the function it returns waits for the end."""
    idle = Watch(weir).now()
    sent.slow_at, got.slow_at = 3 * sent.count // 4, sent.count // 2
    end = start()
    stuck(sent, got)
    before = time.monotonic()
    with Watch(weir) as watch:
        got.go.set()
        end()
    same((got.passed, got.sum), (sent.passed, sent.sum))
    memory, descriptors, pipes = (sorted(column) for column in zip(*watch.seen))
    print(f"# {sent.count} MiB {direction}: {(sent.count - WARM) / (time.monotonic() - before):.0f} MiB/s; own {idle[0] >> 10} KiB before, "
          f"{memory[0] >> 10} to {memory[-1] >> 10} while it passes; descriptors {idle[1]}, {descriptors[0]} to {descriptors[-1]}, "
          f"of which pipes {pipes[0]} to {pipes[-1]}; {len(watch.seen)} looks", flush=True)
    assert memory[-1] - watch.seen[0][0] < GROWTH, [seen[0] >> 10 for seen in watch.seen]
    assert descriptors[-1] - idle[1] <= 6, watch.seen # two connections, a pipe in use and one that is kept


def a_body_down():
    sent, got = Body(mebibytes()), Body(mebibytes())

    def handle(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (sent.count << 20))
        sent.send(connection)

    with Backend(handle) as backend, Weir("serve", config=CONFIG.replace("PORT", str(backend.port))) as weir:
        ask(weir.address(), "/hello")
        with connect(weir.address()) as client:
            def start():
                client.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
                read_head(client)
                reader = threading.Thread(target=got.receive, args=(client,), daemon=True)
                reader.start()
                return lambda: reader.join(100 * PATIENCE)

            passes("down", weir, start, sent, got)


def a_body_up():
    sent, got = Body(mebibytes()), Body(mebibytes())

    def handle(connection):
        read_head(connection)
        got.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Backend(handle) as backend, Weir("serve", config=CONFIG.replace("PORT", str(backend.port))) as weir:
        ask(weir.address(), "/hello")
        with connect(weir.address()) as client:
            def start():
                client.sendall(b"PUT /large HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (sent.count << 20))
                sender = threading.Thread(target=sent.send, args=(client,), daemon=True)
                sender.start()

                def end():
                    sender.join(100 * PATIENCE)
                    same(receive(client).body, b"ok")
                return end

            passes("up", weir, start, sent, got)


run(a_body_down, a_body_up)
