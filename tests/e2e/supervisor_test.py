#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The supervisor of 'weir serve': its gateway processes, what becomes of them, reloads."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

from rig import Held, Skip, Weir, ask, connect, receive, run, same, stop, until


def config(body="old", listen="127.0.0.1:0", more="", routes=""):
    return (f"listen: {listen}\nloops: 1\n{more}routes:\n  - {{path: /, respond: {{body: {body}}}}}\n"
            f"  - {{path: /long, sleep: {{for: 1m}}}}\n{routes}")


def write(weir, text):
    pathlib.Path(weir.directory.name, "gateway.yaml").write_text(text)


def children(pid):
    """The children of a process, of all its threads; zombies too."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def gateways(weir):
    return sorted(pid for pid in children(weir.process.pid) if command_of(pid)[1:2] == [b"gateway-process"])


def start(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())


def last_of(connection):
    """Whether the old process, which answers, closes the connection after that."""
    start(connection, "/")
    answer = receive(connection)
    same(answer.body, b"old")
    return answer.headers.get("connection") == "close"


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def reloaded(weir, generation):
    weir.wait_for(rf"a new configuration is in force generation={generation} ")


# --- processes ---

def as_many_processes_serve_as_configured():
    with Weir("serve", config=config(more="processes: 3\n")) as weir:
        address = weir.address()
        processes = gateways(weir)
        same(len(processes), 3)
        for _ in range(10):
            same(ask(address, "/").body, b"old")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not any(alive(pid) for pid in processes)
        same(len([line for line in weir.lines if line and "listening" in line]), 1)


def single_is_one_process():
    with Weir("serve", "--single", config=config()) as weir:
        same(ask(weir.address(), "/").body, b"old")
        same(gateways(weir), [])
        weir.signal(signal.SIGHUP)
        weir.wait_for("SIGHUP has no effect with --single")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)


def a_process_that_dies_is_replaced():
    """From the configuration in force, whatever the file says now; and the other one serves meanwhile."""
    with Weir("serve", config=config(more="processes: 2\n")) as weir:
        address = weir.address()
        write(weir, "listen: nonsense\n")
        first, second = gateways(weir)
        os.kill(first, signal.SIGSEGV)
        weir.wait_for(f"a gateway process has ended, and is started again process=\\d pid={first} how=\"ended by SIGSEGV")
        until("another process", lambda: len(gateways(weir)) == 2 and first not in gateways(weir))
        same(second in gateways(weir), True)
        os.kill(second, signal.SIGKILL)
        weir.wait_for(f"pid={second} how=\"ended by SIGKILL\"")
        until("another process", lambda: len(gateways(weir)) == 2 and second not in gateways(weir))
        same(ask(address, "/").body, b"old")


def what_crashes_again_and_again_waits_longer():
    with Weir("serve", config=config()) as weir:
        address = weir.address()
        for pause in (100, 200, 400):
            pid = until("a process", lambda: gateways(weir))[0]
            os.kill(pid, signal.SIGKILL)
            weir.wait_for(rf"pid={pid} how=\"ended by SIGKILL\" in={pause}\.000ms")
        same(ask(address, "/").body, b"old") # it waited in the queue meanwhile


def no_process_outlives_the_supervisor():
    with Weir("serve", config=config(more="processes: 2\n")) as weir:
        weir.address()
        processes = gateways(weir)
        weir.process.kill()
        until("the end of all", lambda: not any(alive(pid) for pid in processes))


def a_process_that_does_not_drain_is_killed():
    with Weir("serve", config=config(more="drain: 500ms\n")) as weir:
        weir.address()
        pid = gateways(weir)[0]
        stop(pid)
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        weir.wait_for(f"a gateway process did not drain pid={pid} .*how=\"killed")
        assert not alive(pid)


def what_a_drain_cuts_off_is_told():
    with Weir("serve", config=config(more="drain: 300ms\n")) as weir, connect(weir.address()) as one, connect(weir.address()) as two:
        for connection in one, two:
            start(connection, "/long")
        ask(weir.address(), "/")
        weir.signal(signal.SIGTERM)
        weir.wait_for("warn a gateway process has cut off exchanges.*exchanges=2 why=\"its time to drain was over\" took=")
        same(weir.exit(), 0)


def too_few_descriptors_end_the_start():
    """Whatever it is that fails for that: it is said, and it is no reason to try for ever."""
    for files in (10, 12, 14, 16, 18, 20):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        with Weir("serve", config=config(more="admin: 127.0.0.1:0\n"), preexec=limit) as weir:
            code = weir.exit()
            same(code, 1, files)
            weir.wait_for("(?i)open files|LimitNOFILE")
            assert not any(line and "choose another address" in line for line in weir.lines)


def silent_clients_of_the_admin_address_leave_room():
    """They take all descriptors of the supervisor if they may, and it needs some for a reload."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with Weir("serve", config=config(more="admin: 127.0.0.1:0\n"), preexec=limit) as weir, contextlib.ExitStack() as stack:
        weir.address()
        for _ in range(80):
            stack.enter_context(connect(weir.address("admin")))
        same(ask(weir.address("admin"), "/processes").status, 200)
        same(ask(weir.address("admin"), "/reload", "POST", headers=[("X-Weir-Action", "1")]).status, 200)
        assert not any(line and "accepting pauses" in line for line in weir.lines)


def a_signal_to_all_processes_is_one():
    """As systemd stops a service: SIGTERM to each of its processes."""
    with Held() as held, Weir("serve", config=config(routes=held.route())) as weir, connect(weir.address()) as busy:
        start(busy, "/held")
        held.wait_for(1)
        os.kill(gateways(weir)[0], signal.SIGTERM)
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        os.kill(gateways(weir)[0], signal.SIGTERM)
        held.released.set()
        same(receive(busy).status, 200)
        same(weir.exit(), 0)


def a_second_signal_ends_all_at_once():
    with Weir("serve", config=config()) as weir, connect(weir.address()) as busy:
        start(busy, "/long")
        ask(weir.address(), "/")
        began = time.monotonic()
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining at_most=30000")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert time.monotonic() - began < 25


def orphans_are_waited_for():
    """As PID 1 of a container, the supervisor gets children that are not its own."""
    def leave_orphans():
        for pause in (0, 0.5):
            if os.fork() == 0:
                time.sleep(pause)
                os._exit(0)

    with Weir("serve", config=config(), preexec=leave_orphans) as weir:
        address = weir.address()
        until("the end of the orphans", lambda: children(weir.process.pid) == gateways(weir))
        pid = gateways(weir)[0]
        os.kill(pid, signal.SIGKILL) # which is not taken for one of them
        weir.wait_for(f"pid={pid} how=\"ended by SIGKILL\"")
        same(ask(address, "/").body, b"old")


class FirstProcess(Weir):
    """The program as PID 1 of a PID namespace, the child of unshare."""

    def __init__(self, text):
        unshare = ["unshare", "--pid", "--fork", "--kill-child"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
        if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("PID namespaces are not allowed here")
        super().__init__("serve", config=text, command=unshare)
        self.pid = until("the program", lambda: children(self.process.pid))[0]


def it_can_be_the_first_process():
    """Whose signals have no effect but for their handlers."""
    with FirstProcess(config()) as weir:
        address = weir.address()
        write(weir, config("new"))
        os.kill(weir.pid, signal.SIGHUP)
        reloaded(weir, 2)
        until("new connections are the new one's", lambda: ask(address, "/").body == b"new")
        os.kill(weir.pid, signal.SIGTERM)
        same(weir.exit(), 0)


def sockets_are_in_a_private_folder():
    """And private themselves, whatever the umask: other users pass the folder when an application has one."""
    with Weir("serve", config=config(more="admin: 127.0.0.1:0\n"), preexec=lambda: os.umask(0),
              env={"XDG_RUNTIME_DIR": "/nowhere", "RUNTIME_DIRECTORY": ""}) as weir:
        weir.address()
        folder = pathlib.Path(re.search(rb"--folder\0([^\0]*)\0", b"\0".join(command_of(gateways(weir)[0])))[1].decode())
        assert str(folder).startswith("/tmp/weir-")
        same(folder.stat().st_mode & 0o777, 0o700)
        same({each.stat().st_mode & 0o777 for each in folder.iterdir()}, {0o600})
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not folder.exists()


# --- reloads ---

def a_reload_loses_nothing():
    """A connection gets its answer from the old one, and the next from the new; a request in progress ends."""
    with Held() as held, Weir("serve", config=config(routes=held.route())) as weir:
        address = weir.address()
        with connect(address) as busy, connect(address) as idle:
            start(busy, "/held")
            held.wait_for(1)
            start(idle, "/")
            same(receive(idle).body, b"old")
            write(weir, config("new", routes=held.route()))
            weir.signal(signal.SIGHUP)
            reloaded(weir, 2)
            until("new connections are the new one's", lambda: ask(address, "/").body == b"new")
            until("the last request of the old connection", lambda: last_of(idle))
            held.released.set()
            same(receive(busy).status, 200)
        weir.wait_for("a gateway process has drained .*generation=1")
        same(len(gateways(weir)), 1)


def a_faulty_file_leaves_the_old_one_in_force():
    with Weir("serve", config=config()) as weir:
        address = weir.address()
        write(weir, config("new").replace("respond", "respnd"))
        weir.signal(signal.SIGHUP)
        weir.wait_for(r'error reload fault="\S*gateway.yaml:4:\d+: .*respnd')
        weir.wait_for("the new configuration is refused, and the old one stays in force")
        same(ask(address, "/").body, b"old")
        os.unlink(os.path.join(weir.directory.name, "gateway.yaml"))
        weir.signal(signal.SIGHUP)
        weir.wait_for(r'error reload fault="\S*gateway.yaml: cannot be read')
        same(ask(address, "/").body, b"old")


def what_only_a_process_can_find_is_refused_too():
    with Weir("serve", config=config()) as weir:
        address = weir.address()
        write(weir, config("new", routes="  - {path: /t/*, thumbnail: {root: /nowhere/at/all, width: 1, height: 1}}\n"))
        weir.signal(signal.SIGHUP)
        weir.wait_for(r'error reload fault="\S*gateway.yaml:6:\d+: .*/nowhere/at/all')
        weir.wait_for("the new configuration is refused, and the old one stays in force")
        same(ask(address, "/").body, b"old")


def listeners_come_and_go():
    with Weir("serve", config=config(listen="[127.0.0.1:0, 'unix:a.sock']")) as weir:
        first = weir.address()
        weir.wait_for("listening addr=unix:a.sock for=gateway")
        write(weir, config("new", listen="[127.0.0.1:0, 'unix:b.sock']"))
        weir.signal(signal.SIGHUP)
        reloaded(weir, 2)
        weir.wait_for("listening addr=unix:b.sock for=gateway")
        until("new connections are the new one's", lambda: ask(first, "/").body == b"new") # port 0 is one address
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.path.join(weir.directory.name, "b.sock"))
            start(connection, "/")
            same(receive(connection).body, b"new")
        same(len([line for line in weir.lines if line and "listening addr=127" in line]), 1)


def a_taken_port_is_a_fault_of_the_reload():
    with Weir("serve", config=config()) as weir, socket.create_server(("127.0.0.1", 0)) as taken:
        address = weir.address()
        port = taken.getsockname()[1]
        write(weir, config("new", listen=f"[127.0.0.1:0, 127.0.0.1:{port}]"))
        weir.signal(signal.SIGHUP)
        weir.wait_for(rf'error reload fault="\S*gateway.yaml:1:\d+: 127.0.0.1:{port} is taken')
        same(ask(address, "/").body, b"old")


def many_reloads_become_few():
    """The latest file wins."""
    with Weir("serve", config=config()) as weir:
        address = weir.address()
        for i in range(64):
            write(weir, config(f"v{i}"))
            weir.signal(signal.SIGHUP)
            time.sleep(1 / 128)
        until("the last one", lambda: ask(address, "/").body == b"v63")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert 2 <= len([line for line in weir.lines if line and "is in force" in line]) < 20


def the_number_of_processes_follows():
    with Weir("serve", config=config()) as weir:
        weir.address()
        write(weir, config("new", more="processes: 3\n"))
        weir.signal(signal.SIGHUP)
        reloaded(weir, 2)
        until("three processes", lambda: len(gateways(weir)) == 3)
        write(weir, config("new"))
        weir.signal(signal.SIGHUP)
        reloaded(weir, 3)
        until("one process", lambda: len(gateways(weir)) == 1)


def a_reload_during_a_drain_is_refused():
    with Weir("serve", config=config()) as weir, connect(weir.address()) as busy:
        start(busy, "/long")
        ask(weir.address(), "/")
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        weir.signal(signal.SIGHUP)
        weir.wait_for("SIGHUP has no effect: the gateway drains")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)


run(as_many_processes_serve_as_configured, single_is_one_process, a_process_that_dies_is_replaced,
    what_crashes_again_and_again_waits_longer, no_process_outlives_the_supervisor, a_process_that_does_not_drain_is_killed,
    what_a_drain_cuts_off_is_told, too_few_descriptors_end_the_start, silent_clients_of_the_admin_address_leave_room,
    a_signal_to_all_processes_is_one, a_second_signal_ends_all_at_once, orphans_are_waited_for, it_can_be_the_first_process,
    sockets_are_in_a_private_folder, a_reload_loses_nothing,
    a_faulty_file_leaves_the_old_one_in_force, what_only_a_process_can_find_is_refused_too, listeners_come_and_go,
    a_taken_port_is_a_fault_of_the_reload, many_reloads_become_few, the_number_of_processes_follows,
    a_reload_during_a_drain_is_refused, interfaces=(None,))
