# SPDX-License-Identifier: MIT
"""The cases that every page of docs/apps has to pass: the application of tests/peers/apps, run by the configuration of its page."""
import contextlib
import functools
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import tempfile
import threading
import time

from front import HERE, Page, program
from rig import PATIENCE, ROOT, Weir, ask, connect, receive, same, until, urgent

CSS = "body { color: navy }\n"


class Shop:
    """An application with its page. processes, places: what the page has; line: of the regular expression that holds it, as its stack names it."""

    def __init__(self, name, programs, processes, places, line):
        self.page, self.name = Page(name, "apps"), name
        self.processes, self.places, self.line = processes, places, line
        for each in programs:
            program(*each)

    @contextlib.contextmanager
    def serving(self, preexec=None, **changes):
        """weir serve with the configuration of the page, where a reader would have changed this."""
        with tempfile.TemporaryDirectory(prefix="weir-app-") as folder:
            shutil.copytree(os.path.join(HERE, "apps", self.name), folder, dirs_exist_ok=True)
            os.mkdir(os.path.join(folder, "static"))
            with open(os.path.join(folder, "static/app.css"), "w", encoding="ascii") as file:
                file.write(CSS)
            text = self.page.configured(**{"127.0.0.1:8081": "127.0.0.1:0", "/srv/shop": folder, "/usr/share/weir": os.path.join(ROOT, "share"),
                                           "within: 30s": f"within: {PATIENCE}s", "cwd:": "wait: 60s\n    cwd:", **changes}).replace("    wait: 1s\n", "")
            with Weir("serve", config=text, preexec=preexec, env={"NODE_PATH": "/usr/share/nodejs", "PYTHONDONTWRITEBYTECODE": "1"}) as weir:
                yield weir

    def processes_are(self, number):
        return {f"processes: {self.processes}": f"processes: {number}"}

    def cases(self):
        """The cases, with the names that they are reported by."""
        def case(function):
            @functools.wraps(function)
            def run():
                function(self)
            return run
        return [case(each) for each in (it_answers, slow_clients_hold_no_place, a_reload_loses_nothing, recycling_loses_nothing,
                                        a_killed_process_costs_its_own_requests, the_line_that_holds_it_is_named, nothing_is_left_of_a_killed_supervisor)]


# ---- what is asked ----

def get(weir, path, **more):
    return ask(weir.address(), path, **more)


def text_of(weir, path):
    answer = get(weir, path)
    same(answer.status, 200, f"{path}: {answer.body[:200]}")
    return answer.body.decode()


def all_ready(weir, processes):
    """Waits until so many have got ready: they start a few at a time, and one is enough to be served."""
    def ready():
        return sum("process of an application is ready" in (line or "") for line in weir.lines)
    until(f"{processes} processes are ready", lambda: ready() >= processes)


class Load:
    """Clients that ask without a pause, each on a connection that it keeps, until the end of the block; failures and what was answered are kept."""

    def __init__(self, weir, path="/pid", clients=4):
        self.address, self.path, self.over = weir.address(), path, threading.Event()
        self.answers, self.failures = [], []
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]

    def ask(self):
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        while not self.over.is_set():
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                body = answer.read()
                (self.answers if answer.status == 200 else self.failures).append(body)
            except (OSError, http.client.HTTPException) as problem:
                self.failures.append(repr(problem))
                connection.close()

    def wait_for(self, what, happened):
        until(what, lambda: happened() or self.failures)
        same(self.failures[:3], [], what)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if not problem[0]:
            same(self.failures[:3], [], f"{len(self.failures)} of {len(self.answers)} requests failed")


# ---- processes ----

def below(pid):
    """All processes below one."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in map(int, file.read().split()):
                    found += [child, *below(child)]
    return found


def command_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def alive(pid):
    """Reports whether a process runs: one that has ended, and that nothing has waited for, does not."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


# ---- the cases ----

def it_answers(shop):
    with shop.serving() as weir:
        same(text_of(weir, "/"), "shop")
        same(text_of(weir, "/static/app.css"), CSS)
        body = os.urandom(20 << 20)
        said = json.loads(get(weir, "/upload", method="POST", body=body).body)
        same(said, {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})
        seen = json.loads(get(weir, "/seen", host="shop.example.com", headers=[("X-Forwarded-For", "1.2.3.4")]).body)
        same(seen, {"client": "127.0.0.1", "host": "shop.example.com"})
        same([get(weir, "/", method="HEAD").status, get(weir, "/nowhere").status], [200 if shop.name != "fastapi" else 405, 404])
        all_ready(weir, shop.processes)
        same(len({text_of(weir, "/pid") for _ in range(50)}), shop.processes, "processes that answered")


def slow_clients_hold_no_place(shop):
    """As many clients as there are places have sent a part of their body, and as many read nothing of their answer."""
    with shop.serving(**shop.processes_are(1)) as weir, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(weir.address())) for _ in range(2 * min(shop.places, 8))]
        for number, client in enumerate(slow):
            if number % 2:
                client.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nxxx")
            else:
                client.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(10):
            same(text_of(weir, "/"), "shop")
        for number, client in enumerate(slow):
            if number % 2:
                client.sendall(b"x" * 997)
            answer = receive(client)
            same(answer.status, 200)
            assert number % 2 or len(answer.body) == 200000, len(answer.body)


def a_reload_loses_nothing(shop):
    """The environment of the application changes with each reload, so that all of its processes are replaced, and the gateway's, too."""
    with shop.serving() as weir:
        path = os.path.join(weir.directory.name, "gateway.yaml")
        with open(path, encoding="utf-8") as file:
            before = file.read()
        with Load(weir) as load:
            for number in range(3):
                old = set(load.answers)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(re.sub(r"env: \{", f"env: {{RELEASE: '{number}', ", before))
                weir.signal(signal.SIGHUP)
                load.wait_for("a new process answers", lambda: set(load.answers) - old)


def recycling_loses_nothing(shop):
    recycled = {"cwd:": "requests: 30\n    wait: 60s\n    cwd:"}
    with shop.serving(**recycled) if "requests:" not in shop.page.configuration else shop.serving(
            **{re.search(r"requests: \d+", shop.page.configuration)[0]: "requests: 30"}) as weir, Load(weir) as load:
        load.wait_for("processes are replaced", lambda: len(set(load.answers)) >= 2 + 2 * shop.processes)


def a_killed_process_costs_its_own_requests(shop):
    """Requests are in progress in two processes, of which one is killed."""
    with shop.serving(**shop.processes_are(2)) as weir, contextlib.ExitStack() as stack:
        all_ready(weir, 2)
        clients = []
        for _ in range(2): # the second goes to the other process, since that has fewer in progress
            clients.append(stack.enter_context(connect(weir.address())))
            clients[-1].sendall(b"GET /wait?seconds=3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.3) # it may be late: then both go to the second in any case
        pids = set()
        while len(pids) < 2: # a process that is kept by a request of one place answers after it
            if shop.places == 1:
                pids = {receive(client).body for client in clients}
                for client in clients:
                    client.sendall(b"GET /wait?seconds=3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                time.sleep(0.3)
            else:
                pids.add(text_of(weir, "/pid").encode())
        victim = sorted(pids)[0]
        os.kill(int(victim), signal.SIGKILL)
        answers = [receive(client) for client in clients]
        same(sorted(answer.status for answer in answers), [200, 502])
        assert victim not in [answer.body for answer in answers]
        same(text_of(weir, "/"), "shop")
        until("another takes its place", lambda: len({text_of(weir, "/pid") for _ in range(20)} - {victim.decode()}) == 2)


def the_line_that_holds_it_is_named(shop):
    with shop.serving(preexec=urgent, **shop.processes_are(1)) as weir:
        with Load(weir, "/regex", clients=1): # again, when other programs had the CPU
            found = weir.wait_for(rf"GET /regex\S* held \d+ ms(?: so far)? by {shop.line} regex in shop\[\d+\] \((?:computing|starved)\)")
        assert found
        stalls = json.loads(ask(weir.address("admin"), "/stalls").body)
        mine = [stall for stall in stalls if stall.get("app") == "shop" and stall["kind"] in ("computing", "starved")]
        assert mine and any(re.search(shop.line, frame) for frame in mine[0]["stack"]), stalls
        assert re.match(r"shop\[\d+\]$", mine[0]["task"]) and mine[0]["route"] == "GET /regex" and mine[0]["held_ms"] > 100, mine[0]


def nothing_is_left_of_a_killed_supervisor(shop):
    """Also of servers that have workers of their own."""
    workers = {"unix:{socket}": 'unix:{socket}", --workers, "3'} if "gunicorn" in shop.page.configuration else {'"{socket}"': '"{socket}", --workers, "2"'}
    with shop.serving(**workers if shop.name != "express" else {}) as weir:
        for _ in range(20):
            same(text_of(weir, "/"), "shop")
        children = below(weir.process.pid)
        assert len(children) >= 1 + 2 * shop.processes, [command_of(pid) for pid in children] # a gateway; applications with their guardians
        begun = time.monotonic()
        weir.signal(signal.SIGKILL)
        until("all have ended", lambda: not any(alive(pid) for pid in children))
        print(f"# nothing was left {time.monotonic() - begun:.2f} s after SIGKILL", flush=True)
