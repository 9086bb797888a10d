#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example of libpq against a PostgreSQL of its own: connecting with a password and by a Unix socket, results, faults, a server that goes away."""
import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import rig
from rig import PATIENCE, ROOT, run, same, until

EXAMPLE = os.path.join(ROOT, os.environ.get("BUILD", "build"), "17_libpq")
PASSWORD = "a 'quoted' word"
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {} # initdb refuses root
server = None # (folder, port) of the one that runs


def binaries():
    """The newest of Debian's folders of PostgreSQL, or where PATH has it."""
    folders = [path for path in glob.glob("/usr/lib/postgresql/*/bin") if os.access(os.path.join(path, "initdb"), os.X_OK)]
    folders.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", path)])
    found = shutil.which("initdb")
    return folders[-1] if folders else os.path.dirname(os.path.realpath(found)) if found else None


def make_cluster(bin_folder, folder):
    password = os.path.join(folder, "password")
    with open(password, "w", encoding="ascii") as file:
        file.write(PASSWORD + "\n")
    os.chmod(password, 0o644)
    if NOBODY:
        shutil.chown(folder, NOBODY["user"], NOBODY["group"])
    made = subprocess.run([os.path.join(bin_folder, "initdb"), "-D", os.path.join(folder, "data"), "-U", "weir", "-E", "UTF8", "--locale=C",
                           "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", password],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, **NOBODY)
    assert made.returncode == 0, made.stdout


@contextlib.contextmanager
def postgres(bin_folder):
    """Runs a server on a port of the system's choice, with its Unix socket in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        make_cluster(bin_folder, folder)
        for _ in range(20): # a port that was free a moment ago may be taken
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            log = os.path.join(folder, "log")
            with open(log, "wb") as said:
                child = subprocess.Popen([os.path.join(bin_folder, "postgres"), "-D", os.path.join(folder, "data"), "-h", "127.0.0.1", "-p", str(port),
                                          "-k", folder, "-c", "fsync=off", "-c", "shared_buffers=8MB", "-c", "max_connections=10"],
                                         stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder, **NOBODY)
            try:
                until("PostgreSQL is ready or ends", lambda: child.poll() is not None or "ready to accept connections" in content(log))
                if child.poll() is None:
                    yield folder, port
                    return
                assert "Address already in use" in content(log), content(log)
            finally:
                if child.poll() is None:
                    child.send_signal(signal.SIGQUIT) # without a checkpoint: nothing is kept
                child.wait(PATIENCE)
        raise AssertionError("no port is free")


def content(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def asked(sql, how="tcp", **more):
    """Runs the example; gives its exit status, and what it printed."""
    folder, port = server
    host = {"host": "127.0.0.1", "password": PASSWORD} if how == "tcp" else {"host": folder}
    words = {"port": port, "user": "weir", "dbname": "postgres", "gssencmode": "disable", **host, **more}
    conninfo = " ".join("{}='{}'".format(key, str(value).replace("\\", "\\\\").replace("'", "\\'")) for key, value in words.items())
    done = subprocess.run([EXAMPLE, conninfo, sql], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, "PGPASSFILE": os.devnull, **rig.chosen_interface()})
    return done.returncode, done.stdout, done.stderr


def connects_and_asks():
    for how in ("tcp", "unix"):
        same(asked("select 6 * 7", how)[:2], (0, "42\n"), how)
        same(asked("select n, 'row ' || n from generate_series(1, 3) n; select null", how)[:2], (0, "1 row 1\n2 row 2\n3 row 3\n\n"), how)


def results_and_queries_larger_than_a_socket_takes():
    status, out, _ = asked("select n, repeat('x', 90) from generate_series(1, 50000) n")
    same((status, len(out.splitlines()), out.splitlines()[-1]), (0, 50000, "50000 " + "x" * 90))
    text = "y" * 60000 # one argument may have 128 KiB
    same(asked(f"select length('{text}'), '{text}'", "unix")[:2], (0, f"60000 {text}\n"))


def faults_of_queries_are_printed():
    status, out, err = asked("select 1 / 0")
    same((status, out), (0, ""))
    assert "division by zero" in err, err
    assert "syntax error" in asked("selekt")[2]


def a_refused_login_says_why():
    status, out, err = asked("select 1", password="wrong")
    same((status, out), (1, ""))
    assert "password authentication failed" in err, err
    status, out, err = asked("select 1", dbname="none")
    assert status == 1 and 'database "none" does not exist' in err, (status, err)


def a_server_that_goes_away_ends_the_query():
    status, out, err = asked("select pg_terminate_backend(pg_backend_pid())")
    same((status, out), (1, ""))
    assert "terminating connection" in err or "closed the connection" in err, err


def a_query_that_takes_too_long_ends_at_the_deadline():
    status, out, err = asked("select pg_sleep(600)")
    same((status, out), (1, ""))
    assert "deadline" in err, err


def main():
    global server
    cases = [connects_and_asks, results_and_queries_larger_than_a_socket_takes, faults_of_queries_are_printed, a_refused_login_says_why,
             a_server_that_goes_away_ends_the_query, a_query_that_takes_too_long_ends_at_the_deadline]
    found = binaries()
    why_not = "no PostgreSQL (package postgresql)" if found is None else \
        "the example was not built (package libpq-dev)" if not os.path.exists(EXAMPLE) else None
    for case in cases:
        case.skip = why_not
    with contextlib.nullcontext() if why_not else postgres(found) as server:
        run(*cases)


main()
