#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A disk that sleeps: a file system of ours (FUSE) holds look-ups, opens and reads until it is told to go on. Quiet routes don't notice, files come
whole, and when the disk dies answers end and so does the gateway. The interpreter is Debian's, which has python3-fusepy."""
import contextlib
import errno
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

CLIENTS, QUIET = 8, 200
CALLS = ("lookup", "open", "read", "tail") # tail: reads in the second half of a large file, whose answer has begun
SIZES = {"small": 5000, "large": 1 << 20}
CONTENT = bytes(i * 7 + (i >> 8) & 255 for i in range(SIZES["large"]))


def content_of(path):
    """Of a file 'root/dN/NAME-small' or '…-large'; each has its own. None: there is no such file."""
    found = re.fullmatch(r"/?root/d(\d)/\w+-(small|large)", path)
    return CONTENT[int(found[1]):SIZES[found[2]]] if found else None


def unmount(folder):
    """Also what is used, or dead."""
    command = ["umount", "-l"] if os.getuid() == 0 else ["fusermount", "-u", "-z"]
    subprocess.run([*command, folder], capture_output=True, timeout=60)


# ---- the file system: a process of its own, told by lines ----

def be_disk(folder):
    """Serves the folder until its input ends. 'hold CALL': such calls sleep from now on, and say so; 'go': they go on."""
    import fusepy

    held, changed = set(), threading.Condition()

    def passes(call, path):
        with changed:
            if call in held:
                print("asleep", call, path, flush=True)
            changed.wait_for(lambda: call not in held)

    def obey():
        for line in sys.stdin:
            with changed:
                held.clear()
                held.update(line.split()[1:])
                changed.notify_all()
            print("told", flush=True)
        unmount(folder) # the test was killed
        os._exit(0) # the kernel answers what is still asked

    class Disk(fusepy.Operations):
        use_ns = True

        def getattr(self, path, fh=None):
            if path == "/" or re.fullmatch(r"/root(/d\d)?", path):
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            passes("lookup", path)
            content = content_of(path)
            if content is None:
                raise fusepy.FuseOSError(errno.ENOENT)
            return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(content), "st_mtime": 10 ** 18, "st_ctime": 10 ** 18}

        def open(self, path, flags):
            passes("open", path)
            return 0

        def read(self, path, size, offset, fh):
            passes("tail" if offset >= SIZES["large"] // 2 else "read", path)
            return content_of(path)[offset:offset + size]

    threading.Thread(target=obey, daemon=True).start()
    # folders are remembered, so that look-ups of files in different ones reach the disk at the same time
    fusepy.FUSE(Disk(), folder, foreground=True, entry_timeout=3600, attr_timeout=3600, max_background=64)


if sys.argv[1:2] == ["--disk"]:
    be_disk(sys.argv[2])
    sys.exit()

from front import program # pylint: disable=wrong-import-position
from rig import PATIENCE, Skip, Weir, ask, connect, receive, run, same, until


class Disk:
    """The file system, mounted. Nothing here may look below its folder while it sleeps."""

    def __init__(self):
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise Skip("/dev/fuse is not there, or not for this user")
        self.folder = tempfile.mkdtemp(prefix="weir-fuse-")
        self.asleep, self.told, self.said = [], 0, tempfile.TemporaryFile()
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--disk", self.folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.said, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        try:
            until("the disk is mounted or has ended", lambda: self.process.poll() is not None or os.path.ismount(self.folder))
            if self.process.poll() is not None:
                self.said.seek(0)
                words = self.said.read().decode()
                assert "not permitted" in words or "Permission denied" in words or "fusermount" in words, words
                raise Skip("no file system may be mounted here: " + words.splitlines()[0])
            for i in range(CLIENTS):
                os.stat(os.path.join(self.folder, "root", f"d{i}"))
        except BaseException:
            self.end()
            raise

    def read(self):
        for line in self.process.stdout:
            word, *rest = line.split()
            if word == "asleep":
                self.asleep.append(tuple(rest))
            else:
                self.told += 1

    def tell(self, *words):
        before = self.told
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        until("the disk has heard", lambda: self.told > before)

    def wait_for(self, call, paths):
        """Waits until such a call sleeps for each of the paths."""
        until(f"{call} of {paths} sleeps", lambda: {(call, "/root/" + path) for path in paths} <= set(self.asleep))

    def die(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def abort(self):
        """Is taken away though it is used: what sleeps in it ends with an error."""
        subprocess.run([program("umount", "mount"), "-f", self.folder], capture_output=True, timeout=PATIENCE)

    def end(self):
        self.die()
        unmount(self.folder)
        self.reader.join(PATIENCE)
        os.rmdir(self.folder)
        for file in (self.process.stdin, self.process.stdout, self.said):
            with contextlib.suppress(OSError):
                file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


@contextlib.contextmanager
def serving():
    """One loop: what held it would hold all. The gateway ends first, or it would wait for the disk."""
    with Disk() as disk, Weir("serve", config=f"""listen: 127.0.0.1:0
loops: 1
drain: 2s
routes:
  - {{path: /hello, respond: {{body: hello}}}}
  - {{path: /f/*, file: {{root: "{disk.folder}/root"}}}}
""") as weir:
        weir.address()
        try:
            yield disk, weir
        except BaseException:
            disk.die() # a gateway whose threads sleep in the kernel could not be ended
            raise


def cold_for(call):
    """Files that nobody has asked for, one for each client: half are small."""
    return [f"d{i}/{call}-{'small' if i % 2 and call != 'tail' else 'large'}" for i in range(CLIENTS)]


def begin(weir, wanted):
    """A client for each path, which has asked."""
    clients = []
    for path in wanted:
        clients.append(connect(weir.address()))
        clients[-1].sendall(f"GET /f/{path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return clients


def come_whole(clients, wanted):
    for client, path in zip(clients, wanted):
        with client:
            answer = receive(client)
            same(answer.status, 200, path)
            assert answer.body == content_of("root/" + path), f"{path} has other content"


def quiet_p99_ms(weir):
    """Asks the quiet route: each time it must answer."""
    took = []
    for _ in range(QUIET):
        began = time.monotonic()
        answer = ask(weir.address(), "/hello")
        took.append(time.monotonic() - began)
        same((answer.status, answer.body), (200, b"hello"))
    return sorted(took)[QUIET * 99 // 100 - 1] * 1000


# ---- cases ----

def a_quiet_route_does_not_notice_a_disk_that_sleeps():
    with serving() as (disk, weir):
        figures = [f"awake {quiet_p99_ms(weir):.2f}"]
        for call in CALLS:
            wanted = cold_for(call)
            disk.tell("hold", call)
            clients = begin(weir, wanted)
            disk.wait_for(call, wanted)
            figures.append(f"{call} asleep {quiet_p99_ms(weir):.2f}") # all are answered before the disk may go on
            disk.tell("go")
            come_whole(clients, wanted)
        print("# p99 of the quiet route, ms: " + ", ".join(figures), flush=True)


def clients_that_leave_are_forgotten():
    with serving() as (disk, weir):
        for call in CALLS:
            wanted = cold_for(call)
            disk.tell("hold", call)
            clients = begin(weir, wanted)
            disk.wait_for(call, wanted)
            for client in clients[:2]: # a large file, and a small one
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            same(ask(weir.address(), "/hello").body, b"hello")
            disk.tell("go")
            come_whole(clients[2:], wanted[2:])
            for path in wanted[:2]:
                weir.wait_for(rf'target=/f/{path} .*ended=("client left"|cut) ')
            come_whole(begin(weir, wanted[:2]), wanted[:2])


def ends(client, path):
    """A refusal, or an answer that breaks off: never half a file that looks whole."""
    with client:
        try:
            answer = receive(client)
        except (EOFError, ConnectionResetError):
            return "broken"
    assert 500 <= answer.status <= 599, f"{path}: {answer.status}"
    return answer.status


def dies(call, end_disk, is_draining):
    with serving() as (disk, weir):
        wanted = cold_for(call)
        disk.tell("hold", call)
        clients = begin(weir, wanted)
        disk.wait_for(call, wanted)
        if is_draining:
            weir.signal(signal.SIGTERM)
            weir.wait_for("draining")
        end_disk(disk)
        outcomes = [ends(client, path) for client, path in zip(clients, wanted)]
        if call == "tail":
            same(set(outcomes), {"broken"})
        if not is_draining:
            same(ask(weir.address(), "/hello").body, b"hello")
            assert ask(weir.address(), "/f/d0/other-small").status >= 500
            weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)


def a_disk_that_dies_ends_its_answers():
    for call in CALLS:
        dies(call, Disk.die, is_draining=False)


def a_disk_that_is_taken_away_ends_its_answers():
    if os.getuid() != 0:
        raise Skip("only root may take away a file system that is used")
    dies("read", Disk.abort, is_draining=False)


def a_gateway_that_drains_ends_with_its_disk():
    for call in CALLS:
        dies(call, Disk.die, is_draining=True)


def a_gateway_does_not_drain_for_longer_because_its_disk_sleeps():
    for call in ("lookup", "tail"):
        with serving() as (disk, weir):
            wanted = cold_for(call)
            disk.tell("hold", call)
            clients = begin(weir, wanted)
            disk.wait_for(call, wanted)
            weir.signal(signal.SIGTERM)
            weir.wait_for(f"ended with work left left={CLIENTS}")
            if call == "lookup": # the kernel lets no process go whose look-up the disk has
                disk.die()
            same(weir.exit(), 0)
            same({ends(client, path) for client, path in zip(clients, wanted)}, {"broken"})


def more_sleepers_than_workers_are_refused_alone():
    """The pool has 32 workers: who waits for one is told so, and what is not on the disk goes on."""
    with serving() as (disk, weir):
        wanted = [f"d{i % CLIENTS}/many{i}-small" for i in range(40)]
        disk.tell("hold", "open")
        clients = begin(weir, wanted)
        until("all workers sleep", lambda: len(disk.asleep) == 32)
        same(ask(weir.address(), "/f/d0/late-small").status, 503)
        quiet_p99_ms(weir)
        disk.tell("go")
        statuses = []
        for client in clients:
            with client:
                statuses.append(receive(client).status)
        assert set(statuses) <= {200, 503} and statuses.count(200) >= 32, statuses


run(a_quiet_route_does_not_notice_a_disk_that_sleeps, clients_that_leave_are_forgotten, a_disk_that_dies_ends_its_answers,
    a_disk_that_is_taken_away_ends_its_answers, a_gateway_that_drains_ends_with_its_disk,
    a_gateway_does_not_drain_for_longer_because_its_disk_sleeps, more_sleepers_than_workers_are_refused_alone)
