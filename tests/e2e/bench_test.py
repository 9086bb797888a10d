#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/run ends the processes it has started, however it ends itself; a row whose peer is missing names the peer; and the build searches again
after packages were installed."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from rig import PATIENCE, ROOT, Skip, run, same, until

STARTS = """
import sys, time
sys.path.insert(0, "bench/harness")
import process, signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler) # which a shell's background command ignores
port = process.free_ports()
with process.Process([sys.executable, "-c", sys.argv[2], port], {core}, sys.argv[1], port) as server:
    print(*server.tree(), flush=True)
    process.output_of([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"], {core}, 600)
"""
SERVES = """
import os, socket, sys, time
os.fork() # two of a session
listener = None
try:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
except OSError:
    pass
time.sleep(600)
"""


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += [int(word) for word in file.read().split()]
    return found


def what_it_has_started_ends_with_it():
    core = min(os.sched_getaffinity(0))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        with tempfile.TemporaryDirectory() as folder:
            bench = subprocess.Popen([sys.executable, "-B", "-c", STARTS.format(core=core), os.path.join(folder, "log"), SERVES], cwd=ROOT,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
            server = [int(word) for word in bench.stdout.readline().split()]
            assert server, "the server did not start"
            until("the load runs, too", lambda: len(children_of(bench.pid)) == 3) # the server, the load generator, and the process that ends them
            started = set(server) | set(children_of(bench.pid))
            assert all(lives(pid) for pid in started), started
            os.kill(bench.pid, number)
            bench.wait(PATIENCE)
            until(f"all have ended after {number.name}", lambda: not any(lives(pid) for pid in started))
            bench.stdout.close()


def pretend(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)


def a_row_without_its_peer_names_it():
    if not {0, 1} <= os.sched_getaffinity(0):
        raise Skip("bench/run needs CPUs 0 and 1")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("bench-micro-switch", "wrk"):
            pretend(folder, name, "exit 1")
        env = {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}
        for said, code, words in (("one core: weir 900 ns", 1, "without its peer: libuv; get it: apt-get install libuv1-dev"),
                                  ("one core: weir 900 ns, libuv 1800 ns, ratio 0.50", 0, "reached"), ("", 1, "without its peer: libuv")):
            pretend(folder, "bench-micro-offload", f"echo '{said}'")
            done = subprocess.run([os.path.join(ROOT, "bench/run"), "--rounds", "1", "--build", folder, "offload"], env=env,
                                  capture_output=True, text=True, timeout=PATIENCE)
            same(done.returncode, code, done.stdout + done.stderr)
            assert words in done.stdout, done.stdout


def the_build_looks_again_for_what_has_come():
    real = shutil.which("pkg-config")
    with tempfile.TemporaryDirectory() as folder:
        pretend(folder, "pkg-config", f'case " $* " in *" libuv "*) [ -e "{folder}/came" ] || exit 1;\n'
                f'  case "$*" in *--modversion*) echo 1.44.2;; *--libs*) echo -luv;; esac; exit 0;; esac\nexec {real} "$@"')
        env = {**os.environ, "PKG_CONFIG": os.path.join(folder, "pkg-config"), "BUILD": os.path.join(folder, "build")}

        def configured():
            done = subprocess.run(["tools/build", "plain", "build.ninja"], cwd=ROOT, env=env, capture_output=True, text=True)
            same(done.returncode, 0, done.stdout + done.stderr)
            with open(os.path.join(folder, "build/build.ninja"), encoding="utf-8") as file:
                return "-DWITH_LIBUV" in file.read(), "again" in done.stdout
        same(configured(), (False, False))
        same(configured(), (False, False))
        open(os.path.join(folder, "came"), "w", encoding="ascii").close()
        same(configured(), (True, True))
        same(configured(), (True, False))


run(what_it_has_started_ends_with_it, a_row_without_its_peer_names_it, the_build_looks_again_for_what_has_come, interfaces=(None,))
