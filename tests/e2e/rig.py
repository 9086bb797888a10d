# SPDX-License-Identifier: MIT
"""Shared by the end-to-end tests: the program, scripted backends, raw requests, TAP."""
import contextlib
import ctypes
import errno
import functools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEIR = os.environ.get("WEIR", os.path.join(ROOT, os.environ.get("BUILD", "build"), "weir"))
kernel_interface = None # WEIR_IO for the programs that are started; None: not set
PATIENCE = 60 # seconds after which an expected event counts as missing, also on a busy machine
JOB_WAIT = "600s" # the longest wait for a worker where a job must not be refused: the default, 250 ms, passes on a busy machine
POOLS = f"pools: {{compute: {{wait: {JOB_WAIT}}}, blocking: {{wait: {JOB_WAIT}}}}}\n" # for the configuration of a test whose jobs must be done


def chosen_interface():
    return {"WEIR_IO": kernel_interface} if kernel_interface else {}


class Skip(Exception):
    """Raised by a case that cannot be run here, with the reason."""


def urgent():
    """For Weir(preexec=urgent): gives the program a higher priority, where that is allowed. A verdict that needs a loop with CPU time,
    such as 'computing', then comes soon; otherwise the test has to wait for it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL) # Ctrl-C does not reach its session, so it ends with us
    os.setsid()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as session: # autogroup has precedence over the above
        session.write("-15")


def refused(calls):
    """The beginning of a command that makes these system calls fail: "io_uring_setup", "openat2=ENOSYS,statx", …"""
    return [os.path.join(os.path.dirname(WEIR), "tests", "without"), calls] if calls else []


@functools.cache
def uring_is_here():
    """Reports whether io_uring is allowed here. The parameters are a null pointer, so that no ring is made."""
    io_uring_setup = 425 # on every architecture
    ctypes.CDLL(None, use_errno=True).syscall(io_uring_setup, 1, None)
    return ctypes.get_errno() == errno.EFAULT


class Weir:
    """The running program. Its log lines are kept, and addresses are read from them. without: as for refused(). command: runs it."""

    def __init__(self, *arguments, config=None, env=None, preexec=None, without=None, command=()):
        self.directory = tempfile.TemporaryDirectory()
        if config is not None:
            path = os.path.join(self.directory.name, "gateway.yaml")
            with open(path, "w") as file:
                file.write(config)
            arguments = (*arguments, path)
        self.process = subprocess.Popen([*command, *refused(without), WEIR, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True, cwd=self.directory.name, preexec_fn=preexec,
                                        # a call that holds up a loop ends the program, and so fails the test
                                        env={**os.environ, "WEIR_GUARD": "abort", **chosen_interface(), **(env or {})})
        self.lines, self.changed = [], threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None) # end of the log
            self.changed.notify_all()

    def wait_for(self, pattern):
        """Returns the match in the first line that matches."""
        seen = 0
        end = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                for line in self.lines[seen:]:
                    found = line is not None and re.search(pattern, line)
                    if found:
                        return found
                seen = len(self.lines)
                if self.lines[-1:] == [None] or not self.changed.wait(end - time.monotonic()):
                    raise AssertionError(f"no line with {pattern!r} in {self.lines}")

    def address(self, what="gateway"):
        """The admin address answers before the gateway runs, and then says that there is nothing to be seen yet: the gateway is
        waited for, too."""
        self.wait_for("listening addr=\\S+ for=gateway")
        host, port = self.wait_for(rf"listening addr=(\S+) for={what}")[1].rsplit(":", 1)
        return host, int(port)

    def gateways(self):
        """The gateway processes of a supervisor, oldest first."""
        return [pid for pid in children(self.process.pid) if b"gateway-process" in command_line(pid)]

    @property
    def gateway(self):
        """The process that serves, once it does: the last that was started, or the program itself without a supervisor."""
        self.wait_for("listening addr=\\S+ for=gateway")
        return (self.gateways() or [self.process.pid])[-1]

    def signal(self, number):
        self.process.send_signal(number)

    def exit(self):
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        self.directory.cleanup()
        if problem[0]:
            print("\n".join(f"# log: {line}" for line in self.lines if line), flush=True)


held_ports = []


def nobody():
    """A port that refuses connections. It is bound, and not listened on, until this program ends, so that no other program gets it."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held_ports.append(held)
    return held.getsockname()[1]


class Backend:
    """A server on a free port; handle(connection) serves each connection on a thread of its own."""

    def __init__(self, handle, port=0):
        self.handle = handle
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(PATIENCE)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                self.handle(connection)
            except (OSError, EOFError):
                pass # the gateway has gone

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def read_head(connection):
    """Returns the bytes up to and including the empty line; EOFError if the peer closes before."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            raise EOFError
        head += piece
    return head


def read_all(connection):
    """Returns all that comes, to the end."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def children(pid):
    """The processes that a process has started, oldest first."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    return sorted(found)


def command_line(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()
    return b""


def own_bytes(weir):
    """Memory of its own that the gateway has. Mapped files do not count: what the watch reads to name the functions of a stall is
    several MiB, and stalls come when the machine is busy."""
    with open(f"/proc/{weir.gateway}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Anonymous: +(\d+) kB", file.read(), re.M)[1]) << 10


def descriptors(weir):
    """How many the gateway has open, once it runs, but for connections with its supervisor."""
    folder = f"/proc/{weir.gateway}/fd"
    with open("/proc/net/unix", encoding="utf-8") as sockets: # address, counts, protocol, flags, type, state (3: connected), inode, path
        own = {fields[6] for fields in map(str.split, sockets) if len(fields) == 8 and fields[5] == "03" and "/gateway-" in fields[7]}
    found = []
    for fd in os.listdir(folder):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"{folder}/{fd}"))
    return len([link for link in found if link.removeprefix("socket:[").removesuffix("]") not in own])


def answering(status="200 OK", body=b"{}", kind="application/json", requests=None, begun=None):
    """A backend that gives every request the same answer, and keeps heads and bodies in requests, heads as they come in begun."""
    def handle(connection):
        while True:
            head = read_head(connection)
            length = re.search(rb"content-length: *(\d+)", head, re.I)
            if begun is not None:
                begun.append(head)
            sent = b""
            while length and len(sent) < int(length[1]):
                sent += connection.recv(65536)
            if requests is not None:
                requests.append((head.decode("latin-1"), sent))
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
                               f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return handle


def sending(raw, linger=False):
    """A backend that sends these bytes for any request and closes the connection, or leaves it open if linger is set."""
    def handle(connection):
        read_head(connection)
        connection.sendall(raw)
        if linger:
            connection.recv(1)
    return handle


class Answer:
    def __init__(self, status, headers, body, rest):
        self.status, self.headers, self.body, self.rest = status, headers, body, rest


def receive_chunks(connection):
    """Returns the body of an answer whose head had no length; without trailers."""
    with connection.makefile("rb") as file:
        body = b""
        while True:
            line = file.readline()
            if not line.endswith(b"\n"):
                raise EOFError(f"{line!r} in place of a chunk")
            assert re.fullmatch(rb"[0-9a-fA-F]+\r\n", line), f"no size of a chunk: {line!r}"
            size = int(line, 16)
            body += file.read(size)
            end = file.readline()
            if end != b"\r\n":
                raise EOFError(f"a chunk of {size} bytes is followed by {end!r}")
            if size == 0:
                return body


def receive_body(connection, headers):
    """Reads a body, as strictly as its framing allows; EOFError if it breaks off."""
    if headers.get("transfer-encoding") == "chunked":
        return receive_chunks(connection)
    length = int(headers.get("content-length", 0))
    body = b""
    while len(body) < length:
        piece = connection.recv(length - len(body))
        if not piece:
            raise EOFError(f"{len(body)} of {length} bytes")
        body += piece
    return body


def receive(connection, method="GET"):
    """Reads one answer."""
    head = read_head(connection).decode("latin-1")
    lines = head.split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:] if line)}
    bodiless = method == "HEAD" or status in (204, 304)
    return Answer(status, headers, b"" if bodiless else receive_body(connection, headers), b"")


def use_last(connection, request=b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"):
    """Asks until the answer says that the connection closes: the processes drain a moment after the supervisor says so."""
    def is_told():
        connection.sendall(request)
        return receive(connection).headers.get("connection") == "close"
    until("the process drains", is_told)


def connect(address):
    connection = socket.create_connection(address, PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


class Held:
    """A backend that holds back its answers until they are released, so that requests are certainly in progress."""

    def __init__(self):
        self.arrived, self.released, self.lock = 0, threading.Event(), threading.Lock()
        self.backend = Backend(self.handle)

    def handle(self, connection):
        while True: # on a kept connection, too
            read_head(connection)
            with self.lock:
                self.arrived += 1
            self.released.wait(PATIENCE)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")

    def route(self, path="/held"):
        return (f'  - {{path: {path}, gather: {{deadline: 1m, calls: [{{name: a, '
                f'url: "http://127.0.0.1:{self.backend.port}/"}}]}}}}\n')

    def wait_for(self, count):
        until(f"request {count}", lambda: self.arrived >= count)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.released.set()
        self.backend.__exit__(*problem)


def ask(address, path, method="GET", headers=(), body=b"", host="localhost", silent=False):
    """Pages of the admin address are asked for again while a process does not tell its figures in time, which happens on a busy machine;
    not if silent is set."""
    answer = ask_once(address, path, method, headers, body, host)
    end = time.monotonic() + PATIENCE
    while "x-weir-silent" in answer.headers and not silent and time.monotonic() < end:
        time.sleep(0.01)
        answer = ask_once(address, path, method, headers, body, host)
    return answer


def ask_once(address, path, method, headers, body, host):
    with connect(address) as connection:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
        if body:
            fields += f"Content-Length: {len(body)}\r\n"
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1") + body)
        return receive(connection, method)


def until(what, happened):
    """Asks again until the answer is true; returns that answer."""
    end = time.monotonic() + PATIENCE
    while not (said := happened()):
        assert time.monotonic() < end, f"{what} has not happened"
        time.sleep(0.01)
    return said


def stop(pid):
    """Stops a process, and waits until all its threads stand still: after kill(2) they may still answer a request."""
    def stands():
        states = []
        with contextlib.suppress(OSError): # it was killed meanwhile
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as file:
                    states.append(file.read().rsplit(")", 1)[1].split()[0])
        return all(state in "TtZ" for state in states)
    os.kill(pid, signal.SIGSTOP)
    until(f"the stop of {pid}", stands)


def same(got, wanted, what=""):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def run(*cases, interfaces=(None, "epoll")):
    """Runs functions as TAP cases with their names: on the kernel interface that the program chooses (io_uring, or SKIP
    where that is forbidden), and on epoll."""
    global kernel_interface
    print(f"1..{len(cases) * len(interfaces)}", flush=True)
    number = failed = 0
    for kernel_interface in interfaces:
        for case in cases:
            number += 1
            name = case.__name__.replace("_", " ") + (f" ({kernel_interface})" if kernel_interface else "")
            why_not = getattr(case, "skip", None) # the reason why it cannot be run here
            if kernel_interface is None and len(interfaces) > 1 and not uring_is_here():
                why_not = "io_uring is forbidden here"
            if why_not:
                print(f"ok {number} - {name} # SKIP {why_not}", flush=True)
                continue
            try:
                case()
                print(f"ok {number} - {name}", flush=True)
            except Skip as why:
                print(f"ok {number} - {name} # SKIP {why}", flush=True)
            except Exception: # whatever went wrong is this case's failure
                failed += 1
                print(f"not ok {number} - {name}")
                print("".join("# " + line for line in traceback.format_exc().splitlines(True)), flush=True)
    sys.exit(1 if failed else 0)
