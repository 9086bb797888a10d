#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reloads and deaths while the gateway is used: what is lost, and what is not."""
import base64
import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading

from rig import WEIR, Backend, Held, Weir, ask, connect, read_all, read_head, receive, run, same, until

RELOADS = 5


def config(body="old", more="", routes=""):
    return f"listen: 127.0.0.1:0\nloops: 1\naccess_log: false\n{more}routes:\n  - {{path: /, respond: {{body: {body}}}}}\n{routes}"


def proxy(path, port):
    return f'  - {{path: {path}, proxy: {{to: "http://127.0.0.1:{port}", timeout: 60s}}}}\n'


def exactly(connection, length):
    """Returns so many bytes, or fewer at the end."""
    data = b""
    while len(data) < length and (piece := connection.recv(length - len(data))):
        data += piece
    return data


def put_into_force(weir, text, generation):
    pathlib.Path(weir.directory.name, "gateway.yaml").write_text(text)
    weir.signal(signal.SIGHUP)
    weir.wait_for(rf"a new configuration is in force generation={generation} ")


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


class Client(threading.Thread):
    """Asks again and again, on one connection as long as the gateway keeps it, or on a new one each time."""

    def __init__(self, address, keeps):
        super().__init__(daemon=True)
        self.address, self.keeps, self.over = address, keeps, False
        self.answers, self.lost = {}, []
        self.start()

    def run(self):
        while not self.over:
            with connect(self.address) as connection:
                while self.ask(connection) and self.keeps and not self.over:
                    pass

    def ask(self, connection):
        """Returns whether the connection can be used again."""
        try:
            start(connection, "/")
            answer = receive(connection)
        except (OSError, EOFError) as problem:
            self.lost.append(repr(problem))
            return False
        self.answers[answer.body] = self.answers.get(answer.body, 0) + 1
        return answer.headers.get("connection") != "close"


def no_request_is_lost_by_reloads():
    """Neither on connections that are kept, nor on new ones, nor on one that was idle."""
    with Weir("serve", config=config("v1", more="processes: 2\n")) as weir:
        address = weir.address()
        with connect(address) as idle:
            start(idle, "/")
            receive(idle)
            clients = [Client(address, keeps=i % 2 == 0) for i in range(8)]
            for generation in range(2, RELOADS + 2):
                put_into_force(weir, config(f"v{generation}", more="processes: 2\n"), generation)
                if generation == 2:
                    start(idle, "/")
                    same(receive(idle).status, 200)
                until("all have the new answer", lambda: all(f"v{generation}".encode() in client.answers for client in clients))
            for client in clients:
                client.over = True
            for client in clients:
                client.join()
        same([client.lost for client in clients if client.lost], [], "lost requests")


def a_killed_process_breaks_its_own_requests_alone():
    with Held() as held, Weir("serve", config=config(more="processes: 2\n", routes=held.route())) as weir:
        address = weir.address()
        for victim in weir.gateways():
            with contextlib.ExitStack() as stack:
                before = held.arrived
                busy = [stack.enter_context(connect(address)) for _ in range(8)]
                for connection in busy:
                    start(connection, "/held")
                held.wait_for(before + len(busy))
                own = connections_of(victim, busy)
                os.kill(victim, signal.SIGKILL)
                for connection in own:
                    with contextlib.suppress(ConnectionError): # or the end
                        same(read_all(connection), b"", "no answer, and no part of one")
                held.released.set()
                for connection in busy:
                    if connection not in own:
                        same(receive(connection).status, 200)
                held.released.clear()
            until("another process", lambda: victim not in weir.gateways() and len(weir.gateways()) == 2)
            same(ask(address, "/").body, b"old")


def connections_of(pid, connections):
    """Those of the connections whose other end this process has."""
    inodes = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    peers = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        peers[int(fields[2].split(":")[1], 16), int(fields[1].split(":")[1], 16)] = fields[9]
    return [c for c in connections if peers.get((c.getsockname()[1], c.getpeername()[1])) in inodes]


def bodies_and_tunnels_go_on_over_reloads():
    """A request body, an answer's body and a WebSocket that have begun in the old process end in it."""
    more = threading.Event()

    def answer_in_two(connection):
        head = read_head(connection)
        if b"POST" in head:
            length = 0
            while length < 20:
                length += len(connection.recv(20))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nread")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        more.wait(60)
        connection.sendall(b"other")

    def echo(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while piece := connection.recv(100):
            connection.sendall(piece)

    with Backend(answer_in_two) as slow, Backend(echo) as sockets:
        routes = proxy("/body", slow.port) + proxy("/socket", sockets.port)
        with Weir("serve", config=config(routes=routes)) as weir:
            address = weir.address()
            with connect(address) as upload, connect(address) as download, connect(address) as tunnel:
                upload.sendall(b"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n0123456789")
                start(download, "/body")
                tunnel.sendall(b"GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(b"0" * 16) + b"\r\n\r\n")
                same(b"101" in read_head(tunnel), True)
                read_head(download)
                for generation in (2, 3): # the second in the middle of the first one's drain
                    put_into_force(weir, config("new", routes=routes), generation)
                    tunnel.sendall(b"still")
                    same(exactly(tunnel, 5), b"still")
                until("new connections are the new one's", lambda: ask(address, "/").body == b"new")
                upload.sendall(b"0123456789")
                same(receive(upload).body, b"read")
                more.set()
                same(exactly(download, 10), b"firstother")
                tunnel.sendall(b"yet")
                same(exactly(tunnel, 3), b"yet")
            weir.wait_for("a gateway process has drained .*generation=1")


def without_descriptors_a_reload_is_refused():
    with Weir("serve", config=config()) as weir:
        address = weir.address()
        used = max(int(fd) for fd in os.listdir(f"/proc/{weir.process.pid}/fd"))
        hard = resource.prlimit(weir.process.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(weir.process.pid, resource.RLIMIT_NOFILE, (used + 1, hard))
        weir.signal(signal.SIGHUP)
        weir.wait_for("the new configuration is refused, and the old one stays in force")
        same(ask(address, "/").body, b"old")
        resource.prlimit(weir.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        put_into_force(weir, config("new"), 3)
        until("the new answer", lambda: ask(address, "/").body == b"new")


def a_full_disk_for_the_log_stops_nothing():
    with Weir("serve", config=config()) as found: # a port that is free
        port = found.address()[1]
        path = pathlib.Path(found.directory.name, "gateway.yaml")
        found.signal(signal.SIGTERM)
        same(found.exit(), 0)
        path.write_text(config().replace("127.0.0.1:0", f"127.0.0.1:{port}").replace("access_log: false", "access_log: true"))
        with open("/dev/full", "w", encoding="ascii") as full, subprocess.Popen([WEIR, "serve", path], stderr=full) as process:
            def answers():
                with contextlib.suppress(OSError):
                    return ask(("127.0.0.1", port), "/").status == 200
            until("it serves", answers)
            process.send_signal(signal.SIGHUP)
            for _ in range(20):
                same(ask(("127.0.0.1", port), "/").body, b"old")
            process.send_signal(signal.SIGTERM)
            same(process.wait(60), 0)


def too_many_sockets_announced_are_told():
    """None of what the program has opened itself counts as passed."""
    command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]
    with Weir("serve", config=config(), env={"LISTEN_FDS": "3"}, command=command) as weir:
        weir.wait_for("LISTEN_FDS counts more descriptors than have been passed expected=3 passed=0")
        same(ask(weir.address(), "/").status, 200)
        assert not any(line and "no address of listen takes" in line for line in weir.lines)


def systemd_passes_sockets_and_is_told():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, socket.create_server(("127.0.0.1", 0)) as passed:
        systemd.bind(f"\0weir-test-{os.getpid()}")
        systemd.settimeout(60)
        fd = os.dup(passed.fileno())

        def pass_on():
            os.dup2(fd, 3) # without close-on-exec

        command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", WEIR]
        env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web", "NOTIFY_SOCKET": f"@weir-test-{os.getpid()}", "WATCHDOG_USEC": "200000"}
        with Weir("serve", config=config()) as place:
            path = pathlib.Path(place.directory.name, "systemd.yaml")
            path.write_text(config().replace("127.0.0.1:0", "systemd:web"))
            with subprocess.Popen([*command, "serve", path], stderr=subprocess.DEVNULL, env=env, preexec_fn=pass_on, close_fds=False) as process:
                waits_for(systemd, b"READY=1\nSTATUS=serving")
                same(ask(passed.getsockname(), "/").body, b"old")
                waits_for(systemd, b"WATCHDOG=1")
                process.send_signal(signal.SIGHUP)
                waits_for(systemd, b"RELOADING=1\nMONOTONIC_USEC=")
                waits_for(systemd, b"READY=1\nSTATUS=serving")
                process.send_signal(signal.SIGTERM)
                waits_for(systemd, b"STOPPING=1\n")
                same(process.wait(60), 0)
            with connect(passed.getsockname()): # which waits for the next start
                pass
        os.close(fd)


def waits_for(systemd, beginning):
    while not systemd.recv(1000).startswith(beginning):
        pass


run(no_request_is_lost_by_reloads, a_killed_process_breaks_its_own_requests_alone, bodies_and_tunnels_go_on_over_reloads,
    without_descriptors_a_reload_is_refused, a_full_disk_for_the_log_stops_nothing, too_many_sockets_announced_are_told,
    systemd_passes_sockets_and_is_told)
