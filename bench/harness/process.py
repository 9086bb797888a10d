# SPDX-License-Identifier: MIT
"""Processes pinned to a core: started, measured as a whole tree, ended."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1


def go_first(pid="self"):
    """Raises the priority of a session, where that is allowed, so that other processes disturb the comparison less."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as group:
        group.write("-20")


def cores(core):
    """Returns one core, or a set of cores, as a set."""
    return core if isinstance(core, set) else {core}


class Guardian:
    """Ends the processes of this program when the program ends, in whatever way. It is a child that holds one end of a pipe, and is
    told of each session that begins or ends."""

    def __init__(self):
        reader, self.writer = os.pipe()
        if os.fork() == 0:
            with contextlib.suppress(BaseException):
                self.watch(reader)
            os._exit(0)
        os.close(reader)

    def watch(self, reader):
        """Runs in the child, until the other end of the pipe is closed."""
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.close(self.writer)
        sessions = set()
        with open(reader, encoding="ascii") as lines:
            for line in lines:
                (sessions.add if line[0] == "+" else sessions.discard)(int(line[1:]))
        for session in sessions:
            with contextlib.suppress(OSError):
                os.killpg(session, signal.SIGKILL)

    def tell(self, sign, session):
        os.write(self.writer, f"{sign}{session}\n".encode("ascii"))


guardian = None  # begun with the first process


def start(command, before=None, **options):
    """Starts a process with a session of its own, which does not outlive this program; before() is called in it."""
    global guardian
    guardian = guardian or Guardian()

    def prepare():
        guardian.tell("+", os.getpid())
        go_first()
        if before:
            before()
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=prepare,
                            **options)


def forget(child, timeouts):
    """Ends a process and the rest of its session."""
    try:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(timeouts)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    guardian.tell("-", child.pid)


class Failed(Exception):
    """This subject cannot be measured; the text has the reason."""


class WithoutPeer(Failed):
    """The peer is missing; the text names it and how to get it."""


def free_ports(count=1):
    """Returns the first of `count` neighbouring free ports."""
    for first in range(21000, 32000, 16):
        sockets = []
        try:
            for port in range(first, first + count):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets.append(s)
                s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise Failed("no free ports")


class Process:
    """A server pinned to a core, or to a set of cores. Use it with `with`: it ends when the block does."""

    def __init__(self, command, core, log, port, environment=None):
        self.log = Path(log)
        self.log.write_bytes(b"")
        with open(log, "ab") as out: # so that a row may empty it
            self.child = start(command, lambda: os.sched_setaffinity(0, cores(core)), stdout=out, stderr=out,
                               env={**os.environ, **(environment or {})})
        self.port = port

    def __enter__(self):
        try:
            self.await_port()
            self.go_first()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def await_port(self):
        for _ in range(400):
            if self.child.poll() is not None:
                raise Failed(f"ended with {self.child.returncode}: {self.log.read_text()[-300:].strip()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.025)
        raise Failed(f"does not listen on {self.port}")

    def stop(self):
        forget(self.child, 3)

    def tree(self):
        """Returns the ids of the process and of its descendants."""
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(word) for word in children.read_text().split()]
        return found

    def go_first(self):
        """Raises the whole tree: some are sessions of their own, and some begin only after the port is there."""
        for pid in self.tree():
            go_first(pid)

    def cpu_seconds(self):
        """Returns the CPU time of the whole tree, user and system. What is measured from here on goes first."""
        self.go_first()
        total = 0
        for pid in self.tree():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(stat.read_text().split()[0])
        return total / 1e9

    def thread_cpu_seconds(self, name):
        """Returns the CPU time of the threads of the tree with this name."""
        total = 0
        for pid in self.tree():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                if (thread / "comm").read_text().strip() == name:
                    total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def peak_bytes(self):
        """Returns the peak memory of the largest process of the tree."""
        peaks = (re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in self.tree())
        return max(int(peak[1]) for peak in peaks if peak) * 1024

    def resident_bytes(self):
        """Returns the memory of the whole tree in user space, with shared pages divided, and its page tables."""
        total = 0
        for pid in self.tree():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmPTE:"):
                    total += int(line.split()[1]) * 1024
        return total


def output_of(command, core, seconds):
    """Returns the output of a command pinned to a core."""
    child = start(command, lambda: os.sched_setaffinity(0, cores(core)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} took longer than {seconds} s") from None
    finally:
        forget(child, 0)
    if child.returncode != 0:
        raise Failed(f"{command[0]} ended with {child.returncode}: {(err or out)[-300:].strip()}")
    return out


def wrk(port, path, connections, seconds, core=LOAD_CORE, threads=1):
    """Keeps this many connections busy; returns the number of answers and the seconds. Fails unless all answers are good."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"]
    text = output_of(command, core, seconds + 20)
    if re.search(r"Non-2xx|Socket errors", text):
        raise Failed(f"wrk: {' '.join(text.split())[-200:]}")
    count, took = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
    return int(count), float(took)
