#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log delays no request: its reader stops reading, or leaves, the disk is full, or there are no descriptors."""
import contextlib
import fcntl
import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time

from rig import PATIENCE, WEIR, Skip, Weir, ask, chosen_interface, connect, read_head, receive, run, same, until, urgent

PIPE_BYTES = 4096
LONG = "x" * 3000 # bytes of a target, so that few lines fill a ring

CONFIG = ("listen: [127.0.0.1:0, 'unix:{folder}/gateway']\nadmin: 127.0.0.1:0\nloops: {loops}\nlog: {log}\n"
          "limits: {{idle_timeout: 2s}}\nroutes:\n{first}  - {{path: /*, respond: {{body: hello}}}}\n{more}")


class Gateway:
    """The gateway with a stderr chosen by the test, which asks at /metrics or reads the lines itself."""

    def __init__(self, stderr, loops=1, log="text", first="", more="", env=None, preexec=None):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "gateway.yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(folder=self.folder.name, loops=loops, log=log, first=first, more=more))
        self.process = subprocess.Popen([WEIR, "serve", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                                        preexec_fn=preexec, env={**os.environ, **chosen_interface(), **(env or {})})
        until("the gateway listens", self.answers)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(os.path.join(self.folder.name, "gateway"))
        except OSError:
            connection.close()
            raise
        return connection

    def answers(self):
        assert self.process.poll() is None, self.process.returncode
        with contextlib.suppress(OSError), self.connect() as connection:
            send(connection, "/first", 1)
            return True
        return False

    def end(self, signals=1):
        for _ in range(signals):
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def send(connection, target, count, batch=50):
    """Sends this many requests on one connection, some at once, and checks that each is answered."""
    for at in range(0, count, batch):
        n = min(batch, count - at)
        connection.sendall("".join(f"GET {target}?{at + i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(n)).encode())
        for _ in range(n):
            same(receive(connection).status, 200)


def small_pipe():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


def dropped(admin):
    return int(re.search(rb'^weir_log_dropped_total{log="main"} (\d+)$', ask(admin, "/metrics").body, re.M)[1])


def admin_of(reading):
    """Returns the address in the first lines, and the bytes read; reads byte by byte, so that nothing more is taken."""
    text = b""
    while not (found := re.search(rb"listening addr=127\.0\.0\.1:(\d+) for=admin\n", text)):
        byte = os.read(reading, 1)
        assert byte, text
        text += byte
    return ("127.0.0.1", int(found[1])), text


def read_all(fd):
    text = b""
    while piece := os.read(fd, 65536):
        text += piece
    return text.decode()


def a_reader_that_stands_still_holds_nobody():
    reading, writing = small_pipe()
    with Gateway(writing) as gateway:
        os.close(writing)
        admin, _ = admin_of(reading)
        with gateway.connect() as connection:
            send(connection, "/" + LONG, 1500)
            same(ask(admin, "/healthz").status, 200)
            assert dropped(admin) > 0
        same(gateway.end(), 0)
    os.close(reading)


def a_second_signal_ends_it_though_nobody_reads():
    reading, writing = small_pipe()
    with Gateway(writing) as gateway:
        os.close(writing)
        with gateway.connect() as connection:
            send(connection, "/" + LONG, 500)
            same(gateway.end(2), 0)
    os.close(reading)


def a_stall_that_is_to_abort_does_so_though_nobody_reads():
    reading, writing = small_pipe()
    with Gateway(writing, first="  - {path: /never, burn: {cpu: 10s}, on: loop}\n", more="stall: {after: 200ms, then: abort}\n",
                 preexec=lambda: (resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), urgent())) as gateway:
        os.close(writing)
        with gateway.connect() as connection, contextlib.suppress(OSError):
            send(connection, "/" + LONG, 20)
        end = time.monotonic() + PATIENCE
        while gateway.process.poll() is None: # a task starved on a busy machine is not at fault, and continues
            if time.monotonic() > end:
                raise Skip("the machine is so busy that nobody computes for long")
            with contextlib.suppress(OSError), gateway.connect() as connection:
                connection.sendall(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
                connection.recv(1)
        same(gateway.process.wait(PATIENCE), -signal.SIGABRT)
    os.close(reading)


def when_it_goes_on_one_line_says_how_many_are_missing():
    reading, writing = small_pipe()
    with Gateway(writing) as gateway:
        os.close(writing)
        admin, text = admin_of(reading)
        with gateway.connect() as connection:
            send(connection, "/" + LONG, 1000)
            lost = dropped(admin)
            assert lost > 0
            read = []
            reader = threading.Thread(target=lambda: read.append(read_all(reading)))
            reader.start()
            until("the line", lambda: send(connection, "/after", 1) or dropped(admin) == lost and ask(admin, "/healthz"))
        same(gateway.end(), 0)
        reader.join(PATIENCE)
    text = text.decode() + read[0]
    told = re.findall(r" warn (\d+) lines? dropped dropped=(\d+)\n", text)
    same(told, [(str(lost), str(lost))])
    same(len(re.findall(r"target=/x+\?\d+ ", text)), 1000 - lost)
    numbers = [int(n) for n in re.findall(r"target=/x+\?(\d+) ", text)]
    same(numbers, sorted(numbers), "the order")
    os.close(reading)


def a_reader_that_leaves_does_no_harm():
    reading, writing = small_pipe()
    with Gateway(writing) as gateway:
        os.close(writing)
        admin, _ = admin_of(reading)
        os.close(reading)
        with gateway.connect() as connection:
            send(connection, "/", 300)
        until("lines are counted", lambda: dropped(admin) >= 300)
        same(gateway.end(), 0)


def a_full_disk_does_no_harm():
    with open("/dev/full", "w") as full, Gateway(full) as gateway, gateway.connect() as connection:
        send(connection, "/", 300)
        same(gateway.end(), 0)


def a_pipe_that_does_not_block_loses_nothing():
    reading, writing = small_pipe()
    os.set_blocking(writing, False)
    with Gateway(writing) as gateway:
        os.close(writing)
        read = []
        reader = threading.Thread(target=lambda: read.append(read_all(reading)))
        reader.start()
        with gateway.connect() as connection:
            send(connection, "/" + LONG, 200)
        same(gateway.end(), 0)
        reader.join(PATIENCE)
    same([int(n) for n in re.findall(r" target=/x+\?(\d+) ", read[0])], list(range(200)))
    os.close(reading)


def lines_stay_whole_and_are_all_there_at_the_end():
    reading, writing = small_pipe()
    with Gateway(writing, loops=2, log="json") as gateway:
        os.close(writing)
        read = []
        reader = threading.Thread(target=lambda: read.append(read_all(reading)))
        reader.start()

        def ask_some():
            with gateway.connect() as connection:
                send(connection, "/" + LONG[:700], 100)
        clients = [threading.Thread(target=ask_some) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        same(gateway.end(), 0)
        reader.join(PATIENCE)
    lines = [json.loads(line) for line in read[0].splitlines()]
    same(sum(line["message"] == "request" and line["target"].startswith("/x") for line in lines), 400)
    os.close(reading)


def what_was_closed_at_the_start_is_the_null_device():
    def close_all():
        os.closerange(0, 3)
    for preexec in (close_all, lambda: os.close(2), lambda: os.close(0)):
        with Gateway(subprocess.DEVNULL, preexec=preexec) as gateway, gateway.connect() as connection:
            send(connection, "/", 10)
            for fd in range(3):
                same(os.readlink(f"/proc/{gateway.process.pid}/fd/{fd}"), "/dev/null")
            same(gateway.end(), 0)


def the_level_and_the_form_hold_from_the_first_line_on():
    config = ("listen: 127.0.0.1:0\nlog: json\nlog_level: {}\nroutes:\n  - {{path: /, respond: {{body: hello}}}}\n")
    with Weir("serve", config=config.format("info"), env={"WEIR_GUARD": "nonsense"}) as weir:
        port = int(weir.wait_for(r'"addr":"127.0.0.1:(\d+)"')[1])
        same(ask(("127.0.0.1", port), "/").status, 200)
        weir.wait_for('"message":"request"')
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        lines = [json.loads(line) for line in weir.lines if line is not None]
        assert "WEIR_GUARD" in lines[0]["message"], lines[0]
    with Weir("serve", config=config.format("warn").replace("127.0.0.1:0", "unix:gateway")) as weir:
        until("it listens", lambda: os.path.exists(os.path.join(weir.directory.name, "gateway")))
        with socket.socket(socket.AF_UNIX) as connection:
            until("it answers", lambda: connection.connect_ex(os.path.join(weir.directory.name, "gateway")) == 0)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            read_head(connection)
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        same([line for line in weir.lines if line and '"loop held"' not in line], []) # a busy machine may starve it


def each_line_names_its_own_client():
    config = "listen: 127.0.0.1:0\nloops: 1\nroutes:\n  - {path: /*, respond: {body: hello}}\n"
    wanted = []
    with Weir("serve", config=config) as weir:
        address = weir.address()
        for i in range(40): # one after the other, so that the memory of connections is reused
            with connect(address) as connection:
                send(connection, f"/{i}", 2, batch=1)
                wanted += [f"127.0.0.1:{connection.getsockname()[1]}"] * 2
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        same(re.findall(r" target=/\d+\?\d .* peer=(\S+)", "\n".join(weir.lines[:-1])), wanted)


def a_command_whose_reader_has_left_ends_quietly():
    reading, writing = small_pipe()
    config = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nroutes:\n  - {path: /, respond: {body: hello}}\n"
    with Weir("serve", config=config) as weir:
        host, port = weir.address("admin")
        os.close(reading)
        for command in (["tasks"], ["top", "--once"], ["stalls"], ["advise"], ["tasks", "--json"], ["top", "--json"],
                        ["profile", "--for", "200ms", "--svg"]):
            done = subprocess.run([WEIR, *command, f"{host}:{port}"], stdout=writing, stderr=subprocess.PIPE, text=True,
                                  timeout=PATIENCE)
            same((done.returncode, done.stderr), (0, ""), command)
        for command in (["--help"], ["serve", "--help"], ["--version"]):
            done = subprocess.run([WEIR, *command], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            same((done.returncode, done.stderr), (0, ""), command)
    os.close(writing)


run(a_reader_that_stands_still_holds_nobody, a_second_signal_ends_it_though_nobody_reads,
    a_stall_that_is_to_abort_does_so_though_nobody_reads, when_it_goes_on_one_line_says_how_many_are_missing, a_reader_that_leaves_does_no_harm, a_full_disk_does_no_harm,
    a_pipe_that_does_not_block_loses_nothing, lines_stay_whole_and_are_all_there_at_the_end,
    what_was_closed_at_the_start_is_the_null_device, the_level_and_the_form_hold_from_the_first_line_on,
    each_line_names_its_own_client, a_command_whose_reader_has_left_ends_quietly, interfaces=(None,))
