#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/gdb/weir-gdb.py on a running gateway and on a core dump of it: every task, what it waits for, its backtrace."""
import contextlib
import glob
import os
import re
import resource
import shutil
import signal
import subprocess

from rig import ROOT, WEIR, Held, Weir, ask, connect, run, same, until

SCRIPT = os.path.join(ROOT, "tools/gdb/weir-gdb.py")
CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
pools: {compute: {workers: 1, queue: 64, wait: 10m}}
routes:
  - {path: /sleep, sleep: {for: 10m}}
  - {path: /burn, burn: {cpu: 1m}}
"""


def gdb(*arguments):
    """Returns the output of gdb for these commands, standard output and standard error together."""
    done = subprocess.run(["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", SCRIPT, *arguments],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.stdout, done.stderr


def commands(*texts):
    return [part for text in texts for part in ("-ex", text)]


def why_not_attached():
    if shutil.which("gdb") is None:
        return "gdb is missing ('make setup' installs it)"
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            said = subprocess.run(["gdb", "-nx", "-batch", "-p", str(process.pid)], capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr
        finally:
            process.kill()
    return "processes may not be traced here" if "ptrace" in said else None


def why_not_dumped():
    if shutil.which("gdb") is None:
        return "gdb is missing ('make setup' installs it)"
    with open("/proc/sys/kernel/core_pattern") as file:
        pattern = file.read().strip()
    if pattern.startswith("|") or "/" in pattern:
        return f"dumps go elsewhere here (kernel.core_pattern is {pattern})"
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        return "dumps are limited here (ulimit -Hc)"
    return None


def may_dump():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def busy_gateway(*arguments):
    """A gateway with tasks of each sort: below another task, asleep, with a queued job, with a running job."""
    with Held() as held, contextlib.ExitStack() as stack:
        url = f"http://127.0.0.1:{held.backend.port}/"
        calls = ", ".join(f'{{name: {name}, url: "{url}"}}' for name in ("user", "orders", "own"))
        page = f'  - {{path: "/page/{{id}}", gather: {{deadline: 1m, calls: [{calls}]}}}}\n'
        weir = stack.enter_context(Weir("serve", *arguments, config=CONFIG + page, preexec=may_dump if not why_not_dumped() else None))
        for path in ("/page/7", "/sleep", "/sleep", "/burn", "/burn", "/burn"):
            stack.enter_context(connect(weir.address())).sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        held.wait_for(3)
        parked = lambda: ask(weir.address("admin"), "/tasks").body.decode()
        asleep = r'"GET /sleep"[^{}]*"sleeping for another'
        until("all of them wait", lambda: parked().count("slot in compute") == 2 and len(re.findall(asleep, parked())) == 2)
        yield weir, f"127.0.0.1:{held.backend.port}"


def check_tree(said, backend):
    main = re.search(r"^(runtime \d, )?loop 0, thread \d+: \d+ tasks\nmain #1  the end of a server  age .*\nserver #\d+  the tasks of its scope \(1 left\)  age .*\n(?:   background .*\n)?   serving a loop #\d+  a call on another loop  age ", said, re.M)
    assert main, said
    page = re.search(rf"^GET /page/{{id}} #(\d+)  an answer from {backend}  age .*  left .*  for /page/{{id}}\n"
                     rf"   user #(\d+)  an answer from {backend}  age .*  left [0-9.]+ s  for /page/{{id}}  from gather_fetch_all gather_fetch\.c:\d+\n"
                     rf"   orders #\d+  an answer from {backend}  .*  from gather_fetch_all gather_fetch\.c:\d+\n", said, re.M)
    assert page, said
    same(len(re.findall(r"^GET /sleep #\d+  sleeping for another \d+\.\d s  age ", said, re.M)), 2, said)
    same(len(re.findall(r"^GET /burn #\d+  slot in compute  age ", said, re.M)), 2, said)
    same(len(re.findall(r"^GET /burn #\d+  running in compute  age ", said, re.M)), 1, said)
    return page[1], page[2]


def check_one(said, page, user):
    """Returns the output of 'weir task' for two tasks, each after a line of its own."""
    # The admin address has a runtime of its own, which may have a task of the same number.
    gateways = lambda part, name: next(text for text in re.split(r"^runtime \d, loop 0:\n", part, flags=re.M) if text.startswith(name))
    whole, of_page, of_user = (gateways(part, name) for part, name in
                               zip(said.split("== task\n")[1:], (f"GET /page/{{id}} #{page}  ", f"GET /page/{{id}} #{page}  ", f"user #{user}  ")))
    assert re.search(r"\n   record \(struct weir__task \*\) 0x\w+, function 0x\w+ <run>, argument ", whole), whole
    assert re.search(r"\n   scope \d+ \(struct weir__scope \*\) 0x\w+: 2 tasks, left ", whole), whole
    for text, functions in ((of_page, ("weir__park", "weir_fetch", "ask", "gather_fetch_all", "handle", "run", "weir__task_main")),
                            (of_user, ("weir__park", "weir_fetch", "ask", "weir__task_main"))):
        frames = re.findall(r"^#\d+ +(?:0x\w+ in )?(\w+) ", text, re.M)
        same(frames[0], "weir__park", text)
        at = [frames.index(function) for function in functions]
        same(at, sorted(at), text)
        assert re.search(r" ask \(.*\) at \S*gather_fetch\.c:\d+\n", text), text


def task_commands(page, user):
    return commands(*(part for ask in (page, f"{page} bt", f"{user} bt") for part in ("echo == task\\n", f"weir task {ask}")))


def a_process_is_looked_at():
    with busy_gateway() as (weir, backend):
        target = ["-p", str(weir.gateway)]
        said, _ = gdb(*target, *commands("weir tasks"))
        page, user = check_tree(said, backend)
        check_one(gdb(*target, *task_commands(page, user))[0], page, user)
        filtered, _ = gdb(*target, *commands("weir tasks ORDERS"))
        same(re.findall(r"^ *(\S.*) #", filtered, re.M), ["GET /page/{id}", "orders"], filtered)
        same(ask(weir.address("admin"), "/healthz").status, 200) # and the gateway continues


def a_dump_is_looked_at():
    with busy_gateway("--single") as (weir, backend):
        weir.signal(signal.SIGABRT)
        same(weir.exit(), -signal.SIGABRT)
        dumps = glob.glob(os.path.join(weir.directory.name, "core*"))
        same(len(dumps), 1, "dumps")
        said, _ = gdb(WEIR, dumps[0], *commands("weir tasks"))
        page, user = check_tree(said, backend)
        check_one(gdb(WEIR, dumps[0], *task_commands(page, user))[0], page, user)


def what_cannot_be_had_is_told():
    _, said = gdb(WEIR, *commands("weir tasks"))
    assert "weir tasks: there is no process and no dump: gdb -x weir-gdb.py PROGRAM CORE" in said, said
    with busy_gateway() as (weir, _):
        for command, expected in {"weir task 4000000": "weir task: no task 4000000; 'weir tasks' lists them",
                                  "weir task main": "weir task: expected ID or ID bt", "weir task 1 back": "weir task: expected ID or ID bt"}.items():
            _, said = gdb("-p", str(weir.gateway), *commands(command))
            assert expected in said, (command, said)


a_process_is_looked_at.skip = what_cannot_be_had_is_told.skip = why_not_attached()
a_dump_is_looked_at.skip = why_not_dumped()
run(a_process_is_looked_at, a_dump_is_looked_at, what_cannot_be_had_is_told)
