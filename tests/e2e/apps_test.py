#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Applications that the supervisor runs: served, replaced, started again, and ended with all that they have started."""
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time

from rig import PATIENCE, WEIR, Skip, Weir, ask, command_line, connect, receive, run, same, stop, until

APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "small_app.py")


def config(keys="", mode="", routes="", command=None):
    command = command or f"[python3, -S, -E, {APP}, '{{socket}}'{mode and ', ' + mode}]"
    return (f"listen: 127.0.0.1:0\nloops: 1\napps:\n  shop: {{command: {command}, concurrency: 8{keys and ', ' + keys}}}\n"
            f"routes:\n{routes}  - {{path: /hello, respond: {{body: hi}}}}\n  - {{path: /*, serve: shop}}\n")


def write(weir, text):
    pathlib.Path(weir.directory.name, "gateway.yaml").write_text(text)


def descendants(pid):
    """The numbers of all processes that a process has started, and those that they have."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(rest[1])
    found, more = [], [pid]
    while more:
        parent = more.pop()
        more += (children := [child for child, its in parents.items() if its == parent])
        found += children
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pids):
    until(f"the end of {pids}", lambda: not any(alive(pid) for pid in pids))


def body(weir, path):
    answer = ask(weir.address(), path)
    same(answer.status, 200, path)
    return answer.body.decode()


class Load:
    """Sends requests on some connections until it is told to stop, and keeps what was not 200."""

    def __init__(self, weir, connections=4):
        self.address, self.bad, self.good, self.ends = weir.address(), [], 0, False
        self.threads = [threading.Thread(target=self.send, daemon=True) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def send(self):
        connection = None
        while not self.ends:
            try:
                connection = connection or connect(self.address)
                connection.sendall(b"GET /pid HTTP/1.1\r\nHost: h\r\n\r\n")
                answer = receive(connection)
                if answer.headers.get("connection") == "close":
                    connection.close()
                    connection = None
                if answer.status == 200:
                    self.good += 1
                else:
                    self.bad.append((answer.status, answer.body))
            except (OSError, EOFError) as problem:
                self.bad.append(problem)
                connection = None

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.ends = True
        for thread in self.threads:
            thread.join()
        if not problem[0]:
            same(self.bad, [], "answers that are not 200")
            assert self.good > 0


# --- as it is ---

def an_application_is_served_as_it_is():
    with Weir("serve", config=config("env: {GREETING: hello}"), env={"NOTIFY_SOCKET": "/nowhere", "OUTER": "x"}) as weir:
        same(body(weir, "/env/GREETING"), "hello")
        same(body(weir, "/env/OUTER"), "x")
        same(body(weir, "/env/NOTIFY_SOCKET"), "")
        same(body(weir, "/env/WEIR_APP_NAME"), "shop")
        where, uid, _, fds = body(weir, "/where").split(" ", 3)
        same(os.path.realpath(where), os.path.realpath(weir.directory.name))
        same(int(uid), os.getuid())
        assert len(fds.split(",")) <= 3 + 3, fds # its listener, its connection and the list itself
        weir.wait_for("info begins app=shop process=1")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        weir.wait_for("info finishes app=shop process=1")
        weir.wait_for('has left app=shop process=1 .*why=stop end="exited with status 0"')


def it_runs_as_another_user():
    if os.geteuid() != 0:
        raise Skip("only root starts processes as another user")
    nobody = pwd.getpwnam("nobody")
    source = pathlib.Path(APP).read_text()
    with Weir("serve", config=config("user: nobody, cwd: /, env: {SOURCE: '${SOURCE}'}",
                                     command="[python3, -S, -E, -c, 'import os; exec(os.environ[\"SOURCE\"])', '{socket}']"),
              env={"SOURCE": source}) as weir:
        _, uid, gid, _ = body(weir, "/where").split(" ", 3)
        same((int(uid), int(gid)), (nobody.pw_uid, nobody.pw_gid))
        pid = int(body(weir, "/pid"))
        weir.process.kill()
        weir.exit()
        gone([pid])


def what_cannot_be_started_is_refused():
    with Weir("serve", config=config(command="[no-such-program, '{socket}']")) as weir:
        same(weir.exit(), 1)
        weir.wait_for(r"gateway.yaml:4:3: app.command of 'shop' begins with 'no-such-program', expected a program in PATH")


# --- deaths ---

def one_that_dies_is_started_again():
    with Weir("serve", config=config("processes: 2")) as weir:
        same(ask(weir.address(), "/die/3").status, 502)
        weir.wait_for('has ended app=shop process=. .*end="exited with status 3".*last_line="dies as it was told"')
        until("an answer of two processes", lambda: len({body(weir, "/pid") for _ in range(4)}) == 2)


def one_that_dies_at_once_is_broken_until_it_works():
    with Weir("serve", config=config(mode="dead")) as weir:
        answer = ask(weir.address(), "/pid")
        same(answer.status, 503)
        assert "No module named shop" in json.loads(answer.body)["error"]["message"], answer.body
        same(ask(weir.address(), "/hello").body, b"hi")
        weir.wait_for('application is broken: none of its processes gets ready app=shop last_line="No module named shop"')
        write(weir, config())
        weir.signal(signal.SIGHUP)
        until("an answer", lambda: ask(weir.address(), "/pid").status == 200)


def one_that_makes_itself_a_daemon_is_told_not_to():
    how = "exited with status 0; it must stay in the foreground"
    with Weir("serve", config="admin: 127.0.0.1:0\n" + config(mode="daemon")) as weir:
        weir.wait_for(f'application is broken: none of its processes gets ready app=shop last_end="{how}"')
        shop = json.loads(ask(weir.address("admin"), "/processes").body)["apps"][0]
        same((shop["last_line"], shop["last_end"]), (None, how)) # it has said nothing


def processes_are_listed_by_their_numbers():
    with Weir("serve", config="admin: 127.0.0.1:0\n" + config("processes: 3")) as weir:
        same(ask(weir.address(), "/pid").status, 200)
        processes = json.loads(ask(weir.address("admin"), "/processes").body)["apps"][0]["processes"]
        same([each["number"] for each in processes], [1, 2, 3])


def one_that_never_gets_ready_is_ended():
    with Weir("serve", config=config("ready: {within: 100ms}", mode="never")) as weir:
        weir.wait_for("not ready in time app=shop process=1 within=100.000ms")
        weir.wait_for('has ended before it was ready app=shop process=1 .*end="(exited with status 0|ended by SIGTERM)"')
        weir.wait_for("application is broken")
        same(ask(weir.address(), "/pid").status, 503)


# --- replacement ---

def recycling_loses_no_request():
    with Weir("serve", config=config("processes: 2, requests: 100")) as weir:
        with Load(weir):
            for _ in range(3):
                weir.wait_for("has left app=shop process=1 .*why=requests")
                weir.wait_for("has left app=shop process=2 .*why=requests")


def one_that_eats_memory_is_replaced():
    with Weir("serve", config=config("memory: 60MiB")) as weir:
        pid = body(weir, "/pid")
        with Load(weir, connections=1):
            body(weir, "/grow/100")
            weir.wait_for("has left app=shop process=1 .*why=memory")
            assert body(weir, "/pid") != pid


def one_that_is_stopped_is_replaced():
    with Weir("serve", config=config("timeout: 100ms, stop: 100ms")) as weir:
        pid = int(body(weir, "/pid"))
        stop(pid)
        until("an answer of another process", lambda: (said := ask(weir.address(), "/pid")).status == 200 and int(said.body) != pid)
        weir.wait_for('warn .* has left app=shop process=1 .*why="answers no request"')
        assert not alive(pid)


def a_reload_replaces_what_has_changed():
    with Weir("serve", config=config()) as weir:
        pid = body(weir, "/pid")
        with Load(weir):
            write(weir, config("queue: 7"))
            weir.signal(signal.SIGHUP)
            weir.wait_for("a new configuration is in force generation=2")
            same(body(weir, "/pid"), pid)
            write(weir, config("env: {A: b}"))
            weir.signal(signal.SIGHUP)
            weir.wait_for("has left app=shop process=1 .*why=configuration")
            assert body(weir, "/pid") != pid


def what_does_not_get_ready_after_a_reload_is_told():
    """The processes of before serve on; the reload says that it is not done with them."""
    with Weir("serve", config="admin: 127.0.0.1:0\n" + config()) as weir:
        admin = "%s:%d" % weir.address("admin")
        pid = body(weir, "/pid")
        write(weir, "admin: 127.0.0.1:0\n" + config(command="[python3, -c, 'exit(\"no such module\")', '{socket}']"))
        said = subprocess.run([WEIR, "reload", admin], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        assert "application shop has changed" in said, said
        weir.wait_for('error application does not get ready as it is now: .* app=shop last_line="no such module"')
        same(json.loads(ask(weir.address("admin"), "/processes").body)["apps"][0]["state"], "replacing")
        same(body(weir, "/pid"), pid)
        metrics = ask(weir.address("admin"), "/metrics").body.decode()
        assert 'weir_app_processes_ready{app="shop"} 1\n' in metrics, metrics
        assert int(re.search(r'weir_app_process_deaths_total{app="shop"} (\d+)\n', metrics)[1]) >= 3, metrics


def a_folder_that_is_removed_comes_again():
    """As what cleans up /tmp does: neither an application nor a gateway process needs more than its next start."""
    with Weir("serve", config=config()) as weir:
        pid, gateway = int(body(weir, "/pid")), weir.gateway
        folder = re.search(rb"--folder\0([^\0]*)\0", command_line(gateway))[1].decode()
        shutil.rmtree(folder)
        os.kill(pid, signal.SIGKILL)
        os.kill(gateway, signal.SIGKILL)
        weir.wait_for("a gateway process has ended")
        until("an answer of another", lambda: (said := ask(weir.address(), "/pid")).status == 200 and int(said.body) != pid)
        weir.wait_for("the folder for sockets was removed, and is made again")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not os.path.exists(folder)


# --- nothing is left ---

def what_it_leaves_behind_is_killed():
    with Weir("serve", config=config()) as weir:
        body(weir, "/fork")
        pid = int(body(weir, "/pid"))
        left = [each for each in descendants(pid) if alive(each)]
        ask(weir.address(), "/die/0")
        gone([pid, *left])
        until("an answer", lambda: ask(weir.address(), "/pid").status == 200)
        body(weir, "/fork")
        left = descendants(weir.process.pid)
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        gone(left)


def what_a_killed_guardian_leaves_behind_is_killed():
    """The kernel kills the application's process; its children become the supervisor's."""
    with Weir("serve", config=config()) as weir:
        body(weir, "/fork")
        body(weir, "/child")
        pid = int(body(weir, "/pid"))
        until("its children", lambda: len(descendants(pid)) >= 3)
        left = descendants(pid)
        guardian = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert guardian != weir.process.pid
        os.kill(guardian, signal.SIGKILL)
        gone([pid, *left])
        until("an answer", lambda: ask(weir.address(), "/pid").status == 200)


def one_that_ignores_its_signal_is_killed():
    with Weir("serve", config=config("stop: 200ms", mode="stubborn")) as weir:
        pid = int(body(weir, "/pid"))
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        weir.wait_for("is killed, it did not stop in time app=shop process=1 signal=15")
        assert not alive(pid)


def a_second_signal_does_not_wait():
    with Weir("serve", config=config("stop: 1h", mode="stubborn")) as weir:
        pid = int(body(weir, "/pid"))
        weir.signal(signal.SIGTERM)
        weir.wait_for("draining")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        assert not alive(pid)


def nothing_outlives_a_supervisor_that_is_killed():
    with Weir("serve", config=config("processes: 2", mode="stubborn")) as weir:
        for _ in range(4):
            body(weir, "/fork")
        everything = descendants(weir.process.pid)
        assert len(everything) >= 2 * 2 + 4, everything
        weir.process.kill()
        weir.exit()
        gone(everything)


# --- its lines ---

def a_flood_is_cut():
    with Weir("serve", config=config()) as weir:
        body(weir, "/flood/100000")
        until("an end of the flood", lambda: (body(weir, "/flood/1"), time.sleep(0.05), any(
            line and "lines of an application were dropped" in line for line in weir.lines))[2])
        same(ask(weir.address(), "/hello").body, b"hi")
        lines = sum(1 for line in weir.lines if line and re.search("info y{100} app=shop", line))
        assert 5000 < lines < 60000, lines


if __name__ == "__main__":
    run(an_application_is_served_as_it_is, one_that_makes_itself_a_daemon_is_told_not_to, processes_are_listed_by_their_numbers, it_runs_as_another_user, what_cannot_be_started_is_refused, one_that_dies_is_started_again,
        one_that_dies_at_once_is_broken_until_it_works, one_that_never_gets_ready_is_ended, recycling_loses_no_request,
        one_that_eats_memory_is_replaced, one_that_is_stopped_is_replaced, a_reload_replaces_what_has_changed,
        what_does_not_get_ready_after_a_reload_is_told, a_folder_that_is_removed_comes_again,
        what_it_leaves_behind_is_killed, what_a_killed_guardian_leaves_behind_is_killed, one_that_ignores_its_signal_is_killed,
        a_second_signal_does_not_wait, nothing_outlives_a_supervisor_that_is_killed, a_flood_is_cut, interfaces=(None,))
