#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No descriptors and no pipes: in accept, in connects to backends, in pumps of bodies. Each is refused or done without; nothing is lost, and
afterwards all is as before."""
import contextlib
import fcntl
import os
import re
import resource
import tempfile
import threading
import zlib

from rig import PATIENCE, WEIR, Backend, Skip, Weir, answering, connect, descriptors, read_head, receive, run, same, until

BODY = os.urandom(1 << 20) * 8
F_SETPIPE_SZ = 1031
OTHER_USER = 65531 # of no other process: the pipes of a user count together


def config(port):
    return f"""
listen: 127.0.0.1:0
loops: 1
access_log: true
backends: # one failure would be enough to lose the backend for long
  named: {{urls: ["http://127.0.0.1:{port}", "http://127.0.0.1:{port}/"], eject: {{after: 1, for: 5m, at_most: 100%}}, breaker: {{failed: 1%, of: 1, within: 1m, open: 1m}}}}
routes:
  - {{path: /hello, respond: {{body: hello}}}}
  - {{path: /named/*, proxy: {{backend: named}}}}
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}"}}, limits: {{body: 1GiB}}}}
"""


def large(connection):
    """A backend that answers each request with the large body, after it has read the request's own, whose checksum it says."""
    while True:
        head = read_head(connection)
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        left, total = int(length[1]) if length else 0, 0
        while left:
            data = connection.recv(min(left, 1 << 16))
            if not data:
                raise EOFError
            left, total = left - len(data), zlib.crc32(data, total)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Sum: %d\r\nContent-Length: %d\r\n\r\n" % (total, len(BODY)) + BODY)


def passes_whole(connection):
    """A large body passes up, and one down, on a connection that exists."""
    sender = threading.Thread(target=connection.sendall, args=(b"PUT /large HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,), daemon=True)
    sender.start()
    answer = receive(connection)
    sender.join(PATIENCE)
    same((answer.status, answer.headers.get("x-sum")), (200, str(zlib.crc32(BODY))))
    same(zlib.crc32(answer.body), zlib.crc32(BODY))


def limit_descriptors(weir, count):
    resource.prlimit(weir.gateway, resource.RLIMIT_NOFILE, (count, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def room_for(weir, more):
    """Has the gateway open so many descriptors more, and none beyond."""
    used = sorted(int(fd) for fd in os.listdir(f"/proc/{weir.gateway}/fd"))
    free = [fd for fd in range(used[-1] + 2 + more) if fd not in used]
    limit_descriptors(weir, free[more])


def pipes(weir):
    """The ends of pipes that the gateway has open."""
    folder, found = f"/proc/{weir.gateway}/fd", 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError): # it was closed meanwhile
            found += os.readlink(f"{folder}/{fd}").startswith("pipe:")
    return found


def settled(weir):
    """The number of descriptors, once it stays."""
    seen = []

    def stays():
        seen.append(descriptors(weir))
        return len(seen) > 20 and len(set(seen[-20:])) == 1
    until("the same number of descriptors", stays)
    return seen[-1]


def no_descriptor_to_accept():
    """Clients wait in the queue until there is a descriptor, and then are served; none is turned away, and none that is served is closed for them."""
    with Backend(answering()) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        with connect(address) as first:
            first.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hel") # with the next begun it is not idle
            same(receive(first).status, 200)
            before = settled(weir)
            room_for(weir, 0)
            with contextlib.ExitStack() as stack:
                waiting = [stack.enter_context(connect(address)) for _ in range(10)]
                for c in waiting:
                    c.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                weir.wait_for("accept")
                for _ in range(3): # who is there already is served
                    first.sendall(b"lo HTTP/1.1\r\nHost: h\r\n\r\nGET /hel")
                    same(receive(first).status, 200)
                limit_descriptors(weir, 1024)
                for c in waiting:
                    same(receive(c).status, 200)
            until("no descriptor left", lambda: descriptors(weir) <= before)


def no_descriptor_for_a_backend():
    """The gateway is busy; a backend that it can't connect to for that is not at fault."""
    with Backend(answering(body=b"fine")) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            c.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(c).status, 200)
            before = settled(weir)
            room_for(weir, 0)
            for _ in range(5):
                for path in (b"/x", b"/named/x"):
                    c.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
                    same(busy(receive(c)), (503, True))
                    c.sendall(b"PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" % path) # its body is read, and the connection goes on
                    same(busy(receive(c)), (503, True))
            same(settled(weir), before)
            same(backend.connections, 0)
            limit_descriptors(weir, 1024)
            for path in (b"/x", b"/named/x"):
                c.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
                same(receive(c).body, b"fine")


def idle_connections_make_room():
    """Without a descriptor, a connection to a backend that is not in use is closed for one to another backend, and then one of a client's that has been
    idle for half a second; a file that is opened has one closed, too."""
    with tempfile.TemporaryDirectory() as folder, Backend(answering(body=b"fine")) as backend:
        with open(os.path.join(folder, "a"), "wb") as file:
            file.write(b"a file")
        routes = config(backend.port).replace("routes:", f"routes:\n  - {{path: /files/*, file: {{root: {folder}}}}}")
        with Weir("serve", config=routes) as weir, connect(weir.address()) as c:
            def ask(path):
                c.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
                return receive(c)

            same(ask(b"/named/x").body, b"fine")
            settled(weir)
            room_for(weir, 0)
            same(ask(b"/x").body, b"fine")
            same(backend.connections, 2)
            same(ask(b"/files/a").body, b"a file")
            with connect(weir.address()) as idle: # waits until a descriptor is free
                idle.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(idle).status, 200)
                settled(weir)
                room_for(weir, 0)
                until("room made by the idle client", lambda: ask(b"/x").body == b"fine")
                same(idle.recv(1), b"")


def busy(answer):
    return answer.status, b'"busy"' in answer.body and "retry-after" in answer.headers


def no_descriptor_for_a_pipe():
    """One descriptor is left for the connection to the backend, and then one more, which is no pipe."""
    for more in (1, 2):
        with Backend(large) as backend, Weir("serve", config=config(backend.port)) as weir:
            with connect(weir.address()) as c:
                c.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(c).status, 200)
                settled(weir)
                before = pipes(weir)
                room_for(weir, more)
                passes_whole(c)
                same(pipes(weir), before)
                limit_descriptors(weir, 1024)
                passes_whole(c)


def the_system_has_no_pipe():
    for why in ("EMFILE", "ENFILE"):
        with Backend(large) as backend, Weir("serve", config=config(backend.port), without=f"pipe2={why}") as weir:
            with connect(weir.address()) as c:
                passes_whole(c)
                passes_whole(c)


# --- pipes that are small, because their user has many ---

def as_other_user():
    os.setgroups([])
    os.setgid(OTHER_USER)
    os.setuid(OTHER_USER)


def hold_pipes(ready, end):
    """Takes all that the user may have, in a child process; the caller closes `end`."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    as_other_user()
    held = []
    with contextlib.suppress(OSError):
        while len(held) < 1500:
            held.append(os.pipe())
            with contextlib.suppress(OSError): # beyond the limit no pipe grows
                fcntl.fcntl(held[-1][0], F_SETPIPE_SZ, 1 << 20)
    os.write(ready, b"x")
    os.read(end, 1)
    os._exit(0)


def small_pipes_are_done_without():
    if os.geteuid() != 0:
        raise Skip("takes root, to be another user")
    with tempfile.TemporaryDirectory() as folder, Backend(large) as backend:
        path = os.path.join(folder, "gateway.yaml")
        os.chmod(folder, 0o755)
        with open(path, "w", encoding="ascii") as file:
            file.write(config(backend.port))
        os.chmod(path, 0o644)
        if not readable_by_other(WEIR):
            raise Skip("another user can't read the program here")
        (is_ready, ready), (end, ends) = os.pipe(), os.pipe()
        holder = os.fork()
        if holder == 0:
            os.close(ends)
            hold_pipes(ready, end)
        try:
            os.read(is_ready, 1)
            with Weir("serve", path, preexec=as_other_user) as weir, connect(weir.address()) as c:
                c.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(c).status, 200)
                before = pipes(weir)
                passes_whole(c)
                same(pipes(weir), before) # none is kept: there was none to be used
                os.close(ends)
                ends = -1
                os.waitpid(holder, 0)
                holder = 0
                passes_whole(c)
                assert pipes(weir) > before
        finally:
            if ends >= 0:
                os.close(ends)
            if holder > 0:
                os.waitpid(holder, 0)
            for fd in (is_ready, ready, end):
                os.close(fd)


def readable_by_other(path):
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


run(no_descriptor_to_accept, no_descriptor_for_a_backend, idle_connections_make_room, no_descriptor_for_a_pipe, the_system_has_no_pipe, small_pipes_are_done_without)
