#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every task of the gateway as an operator sees it: on /tasks, and from 'weir tasks'."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading

import rig
from rig import PATIENCE, WEIR, Backend, Held, Weir, ask, connect, receive, run, same, until
from terminal import Terminal

CONFIG = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\n"
FIELDS = {"id", "name", "state", "waits_for", "age_ms", "deadline_ms", "route", "spawned_at", "stack", "scopes"}
FRAME = re.compile(r"\S+ [\w.]+:\d+$")


def start(connection, path, method="GET", body=b""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{length}\r\n".encode() + body)


def tree(weir, query=""):
    answer = ask(weir.address("admin"), "/tasks" + query)
    same((answer.status, answer.headers["content-type"]), (200, "application/json"), answer.body)
    return json.loads(answer.body)


def below(task):
    return [each for scope in task["scopes"] for each in scope["tasks"]]


def every(tasks):
    for task in tasks:
        yield task
        yield from every(below(task))


def all_of(weir, query=""):
    return [task for loop in tree(weir, query)["loops"] for task in every(loop["tree"])]


def named(weir, name, query=""):
    return [task for task in all_of(weir, query) if task["name"] == name]


def seen(weir, name, is_so, query="?stacks=1"):
    """Returns the tasks of this name, once there are some and all of them satisfy the condition."""
    def look():
        found = named(weir, name, query)
        return found if found and all(is_so(task) for task in found) else None
    return until(f"a task {name!r} as it should be", look)


def command(weir, *arguments, **env):
    host, port = weir.address("admin")
    return subprocess.run([WEIR, "tasks", *arguments, f"{host}:{port}"], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, "WEIR_GUARD": "abort", "LC_ALL": "C.UTF-8", **rig.chosen_interface(), **env})


@contextlib.contextmanager
def asked(weir, *paths):
    """Sends a request for each path, on a connection of its own; the connections stay open until the block is left."""
    with contextlib.ExitStack() as stack:
        for path in paths:
            start(stack.enter_context(connect(weir.address())), path)
        yield


def gather(held, path):
    """A route whose calls wait until they are released: user and orders, and the last call, which the request's own task makes."""
    url = f"http://127.0.0.1:{held.backend.port}/"
    return (f'  - {{path: "{path}", gather: {{deadline: 1m, calls: [{{name: user, url: "{url}"}}, '
            f'{{name: orders, url: "{url}", deadline: 30s}}, {{name: own, url: "{url}"}}]}}}}\n')


def waiting_calls(weir, held):
    """Returns the two calls with a task of their own, once they wait for their answers."""
    held.wait_for(3)
    def look():
        calls = [task for task in all_of(weir, "?stacks=1") if task["name"] in ("user", "orders")]
        return calls if len(calls) == 2 and all(call["waits_for"] for call in calls) else None
    return until("both calls wait", look)


# ---- the report of each task ----

def each_task_is_told_with_all_there_is_to_say_of_it():
    with Held() as held, Weir("serve", config=CONFIG + "routes:\n" + gather(held, "/page/{id}")) as weir, asked(weir, "/page/7"):
        user, orders = waiting_calls(weir, held)
        page = seen(weir, "GET /page/{id}", lambda task: task["state"] == "parked")[0]
        for task in all_of(weir):
            same(set(task), FIELDS)
            same((task["state"] in ("ready", "running", "parked"), task["waits_for"] is None), (True, task["state"] != "parked"), task)
            for scope in task["scopes"]:
                same(set(scope), {"id", "deadline_ms", "tasks"})
        same((page["route"], page["waits_for"]), ("/page/{id}", f"an answer from 127.0.0.1:{held.backend.port}"))
        same([task["name"] for task in below(page)], ["user", "orders"]) # in the order of their start
        main = named(weir, "main")[0]
        same(main["waits_for"], "the end of a server")
        same(len([task for task in all_of(weir) if task["name"] == "serving a loop" and task["waits_for"].startswith("a call on loop ")]), 1)
        for call in (user, orders):
            same((call["state"], call["route"]), ("parked", "/page/{id}"))
            same(call["waits_for"], f"an answer from 127.0.0.1:{held.backend.port}")
            assert re.match(r"gather_fetch_all gather_fetch\.c:\d+$", call["spawned_at"]), call
            assert all(FRAME.match(frame) for frame in call["stack"]), call
            assert any(frame.startswith("ask gather_fetch.c:") for frame in call["stack"]), call
        assert 30000 < user["deadline_ms"] <= 60000 and 0 < orders["deadline_ms"] <= 30000, (user, orders)
        scopes = [scope for scope in page["scopes"] if scope["tasks"]]
        same([30000 < scope["deadline_ms"] <= 60000 for scope in scopes], [True], page)
        until("it has become older", lambda: named(weir, "user")[0]["age_ms"] > user["age_ms"])
        assert named(weir, "user")[0]["deadline_ms"] < user["deadline_ms"]


def waits_are_told_in_words():
    """The words of waits name the peer that is read from or written to, and the time that is left."""
    large = Backend(rig.answering(body=b'"%s"' % (b"x" * (48 << 20))))
    routes = ("limits: {reply: 64MiB}\nroutes:\n  - {path: /hash, hash: {algorithm: sha256}}\n  - {path: /sleep, sleep: {for: 10m}}\n"
              f'  - {{path: /large, gather: {{calls: [{{name: a, url: "http://127.0.0.1:{large.port}/", deadline: 1m}}], deadline: 1m}}}}\n')
    with large, Weir("serve", config=CONFIG + routes) as weir, contextlib.ExitStack() as stack:
        upload, sleeper, slow = (stack.enter_context(connect(weir.address())) for _ in range(3))
        upload.sendall(b"POST /hash HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
        start(sleeper, "/sleep")
        start(slow, "/large") # and does not read the answer
        of = lambda connection: "%s:%d" % connection.getsockname()
        seen(weir, "POST /hash", lambda task: task["waits_for"] == "the request's body from " + of(upload))
        seen(weir, "GET /sleep", lambda task: re.match(r"sleeping for another (9m|10m|\d+(\.\d+)? s)", task["waits_for"] or ""))
        seen(weir, "GET /large", lambda task: task["waits_for"] == "writing to " + of(slow))


def who_waits_for_a_worker_knows_its_place():
    config = CONFIG + "pools: {compute: {workers: 1, queue: 64, wait: 10m}}\nroutes:\n  - {path: /burn, burn: {cpu: 1m}}\n"
    with Weir("serve", config=config) as weir:
        with asked(weir, *["/burn"] * 10):
            def places():
                return sorted(task["waits_for"] or "" for task in named(weir, "GET /burn"))
            wanted = sorted(f"slot in compute, {n} of 9" for n in ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th"))
            until("nine queue and one runs", lambda: places()[1:] == wanted and re.match(r"running in compute for \d", places()[0])
                  or places()[:-1] == wanted and re.match(r"running in compute for \d", places()[-1]))
            told = command(weir)
            same(told.returncode, 0, told.stderr)
            assert re.search(r"GET /burn × 9  slot in compute  age ", told.stdout), told.stdout
        until("those who left are gone", lambda: len(named(weir, "GET /burn")) <= 1) # its job is cancelled, and ends when it notices


# ---- while loops are held ----

def a_loop_that_is_held_is_seen_as_it_is():
    routes = "routes:\n  - {path: /sleep, sleep: {for: 10m}}\n  - {path: /trap, burn: {cpu: 1m}, on: loop}\n"
    with Weir("serve", config=CONFIG + routes) as weir, asked(weir, "/sleep"):
        seen(weir, "GET /sleep", lambda task: task["state"] == "parked")
        with asked(weir, "/trap"):
            trap = seen(weir, "GET /trap", lambda task: task["state"] == "running" and task["stack"])[0]
            assert any(re.match(r"do_unit burn\.c:\d+$", frame) for frame in trap["stack"]), trap
            same((trap["route"], trap["waits_for"]), ("/trap", None))
            others = named(weir, "GET /sleep")
            same([task["state"] for task in others], ["parked"])
            def told(): # on a busy machine it may have no CPU at that moment, and so no stack
                text = command(weir, "--stacks", "--filter", "trap").stdout
                assert "sleep" not in text, text
                return re.search(r"GET /trap #\d+  running  age .*\n +do_unit burn\.c:\d+\n", text)
            until("it is told with its stack", told)


def it_can_be_seen_while_a_profile_is_taken():
    """Many clients may ask at once, too."""
    routes = "routes:\n  - {path: /trap, burn: {cpu: 1m}, on: loop}\n"
    with Weir("serve", config=CONFIG + routes) as weir, asked(weir, "/trap"):
        seen(weir, "GET /trap", lambda task: task["state"] == "running")
        over, profiles, answers = threading.Event(), [], []

        def profile():
            while not over.is_set():
                profiles.append(ask(weir.address("admin"), "/profile?seconds=1").status)

        def look():
            while len(profiles) < 2:
                answers.append(ask(weir.address("admin"), "/tasks?stacks=1").status)

        threads = [threading.Thread(target=look) for _ in range(12)]
        profiler = threading.Thread(target=profile)
        for thread in (profiler, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        profiler.join()
        same((set(profiles), set(answers)), ({200}, {200}), (profiles, len(answers)))


# ---- filters and stacks ----

def what_is_looked_for_is_found_with_all_above_it():
    routes = "routes:\n  - {path: /sleep, sleep: {for: 10m}}\n"
    with Held() as held, Weir("serve", config=CONFIG + routes + gather(held, "/held")) as weir, asked(weir, "/held", "/sleep"):
        waiting_calls(weir, held)
        found = lambda text: [task["name"] for task in all_of(weir, f"?filter={text}")]
        same(found("user"), ["GET /held", "user"]) # by its name
        same(found(f"FROM%20127.0.0.1%3A{held.backend.port}"), ["GET /held", "user", "orders"]) # by its wait, ignoring case
        same(found("/sleep"), ["GET /sleep"])
        same(found("nothing-of-that-name"), [])
        whole, cut = tree(weir), tree(weir, "?limit=2")
        same((whole["truncated"], cut["truncated"]), (False, True))
        same(len(list(every(cut["loops"][0]["tree"]))), 2)
        same(cut["loops"][0]["tasks"], whole["loops"][0]["tasks"]) # counts tasks of the loop, not of the answer
        same(whole["loops"][0]["tasks"], len(list(every(whole["loops"][0]["tree"]))))
        assert all(task["stack"] for task in named(weir, "user", "?stacks=1"))
        assert not any(task["stack"] for task in all_of(weir, "?stacks=0"))


def what_cannot_be_asked_is_told():
    with Weir("serve", config=CONFIG + "routes:\n  - {path: /, respond: {body: hi}}\n") as weir:
        for query, expected in {"limit=0": "limit is a number, 1 to 2000000", "limit=x": "limit is a number", "limit=2000001": "limit is a number",
                                "limit=-1": "limit is a number", "limit=5%00": "limit is a number", "stacks=2": "stacks is 0 or 1", "stacks=": "stacks is 0 or 1",
                                "filter=" + "x" * 300: "filter is too long", "filter=%zz": "filter is too long, or no text"}.items():
            answer = ask(weir.address("admin"), "/tasks?" + query)
            same(answer.status, 400, query)
            same(json.loads(answer.body)["error"]["code"], "query")
            assert expected in json.loads(answer.body)["error"]["message"], (query, answer.body)
        same(ask(weir.address("admin"), "/tasks", method="POST").status, 405)


# ---- the command ----

def the_command_draws_the_tree():
    routes = "routes:\n  - {path: /sleep, sleep: {for: 10m}}\n"
    with Held() as held, Weir("serve", config=CONFIG + routes + gather(held, "/held")) as weir, asked(weir, "/held", *["/sleep"] * 12):
        waiting_calls(weir, held)
        until("all of them wait", lambda: [task["state"] for task in named(weir, "GET /sleep")] == ["parked"] * 12)
        answer = f"an answer from 127.0.0.1:{held.backend.port}"
        told = command(weir)
        same((told.returncode, told.stderr), (0, ""))
        lines = told.stdout.splitlines()
        assert re.match(r"loop 0  \d+ tasks$", lines[0]), told.stdout
        assert any(re.search(r"─ GET /sleep × 12  sleeping  age \d.*  for /sleep$", line) for line in lines), told.stdout
        at = next(i for i, line in enumerate(lines) if re.search(rf"─ GET /held #\d+  {re.escape(answer)}  age \d+", line))
        for line, name, left in zip(lines[at + 1:at + 3], ("├─ user", "└─ orders"), (r"[3-6]\d\.\d s", r"[123]?\d\.\d s")):
            assert re.search(rf"{name} #\d+  {re.escape(answer)}  age \d.*  left ({left})  for /held  from gather_fetch_all gather_fetch\.c:\d+$", line), told.stdout
        same(len(re.findall(r"GET /sleep #\d+  sleeping for another ", command(weir, "--flat").stdout)), 12)
        filtered = command(weir, "--filter", answer).stdout.splitlines()
        same([line.split(" #")[0].strip("├─└│ ") for line in filtered[1:]], ["GET /held", "user", "orders"])
        stacks = command(weir, "--stacks", "--filter", answer).stdout
        assert re.search(r"GET /held #.*\n(.*\n)*[│ ]+gather_fetch_all gather_fetch\.c:\d+\n(.*\n)+[│ ]+├─ user #.*\n(.*\n)*[│ ]+ask gather_fetch\.c:\d+\n", stacks), stacks
        raw = json.loads(command(weir, "--json", "--filter", "/sleep").stdout)
        same([task["name"] for loop in raw["loops"] for task in every(loop["tree"])], ["GET /sleep"] * 12)
        plain = command(weir, LC_ALL="C").stdout
        assert plain.isascii() and re.search(r"[`|]- GET /sleep x 12  sleeping", plain), plain


def it_can_be_watched():
    with Weir("serve", config=CONFIG + "routes:\n  - {path: /sleep, sleep: {for: 10m}}\n") as weir:
        weir.address() # the admin listens first: until the gateway runs it has no tasks to show
        with Terminal("tasks", "--watch", "%s:%d" % weir.address("admin")) as terminal:
            terminal.wait_for_text("server #")
            with asked(weir, *["/sleep"] * 3):
                terminal.wait_for_text("GET /sleep × 3  sleeping")
            terminal.wait_for("that they are gone", lambda lines: "server #" in "\n".join(lines) and "GET /sleep" not in "\n".join(lines))
            terminal.process.send_signal(signal.SIGINT)
            same(terminal.exit(), 0)
            assert terminal.is_as_before()


def what_goes_wrong_is_told():
    with Weir("serve", config=CONFIG + "routes:\n  - {path: /, respond: {body: hi}}\n") as weir:
        host, port = weir.address()
        wrong = subprocess.run([WEIR, "tasks", f"{host}:{port}"], capture_output=True, text=True)
        same((wrong.returncode, wrong.stdout), (1, ""))
        assert "has no page /tasks: it is not the admin address of a gateway" in wrong.stderr, wrong.stderr
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host, port = closed.getsockname()
        gone = subprocess.run([WEIR, "tasks", f"{host}:{port}"], capture_output=True, text=True)
    same((gone.returncode, gone.stdout), (1, ""))
    assert f"nothing answers at {host}:{port}: is a gateway running with 'admin: {host}:{port}'?" in gone.stderr, gone.stderr
    for arguments, expected in {("--nonsense",): "--nonsense", ("--filter",): "--filter", ("1:2:3",): "'1:2:3' is not an address",
                                ("127.0.0.1:1", "127.0.0.1:2"): "unexpected argument '127.0.0.1:2'", ("--filter", "x" * 5000): "--filter is too long"}.items():
        done = subprocess.run([WEIR, "tasks", *arguments], capture_output=True, text=True)
        same((done.returncode, done.stdout), (2, ""), arguments)
        assert expected in done.stderr, (arguments, done.stderr)
    same(subprocess.run([WEIR, "tasks", "--help"], capture_output=True, text=True).stdout.startswith("usage: weir tasks"), True)


run(each_task_is_told_with_all_there_is_to_say_of_it, waits_are_told_in_words, who_waits_for_a_worker_knows_its_place,
    a_loop_that_is_held_is_seen_as_it_is, it_can_be_seen_while_a_profile_is_taken,
    what_is_looked_for_is_found_with_all_above_it, what_cannot_be_asked_is_told,
    the_command_draws_the_tree, it_can_be_watched, what_goes_wrong_is_told)
