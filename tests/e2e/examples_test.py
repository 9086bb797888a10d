#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starts every example and checks that it does what its comment says. An example without a case here is a failure."""
import contextlib
import http.server
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
TIMEOUT = 60 # generous: the machine may be busy


def program(name):
    return os.path.join(BUILD, name)


def said(lines, most=None):
    """The lines of a program on stderr, without the watch's reports that a loop, or a thread it waited for, got no CPU: on a busy machine
    that is not the program's fault."""
    return itertools.islice((line for line in lines if not re.search(r" loop \d+ (kept off the CPU|held) ", line)), most)


@contextlib.contextmanager
def started(name, *arguments):
    """Runs an example; gives the address in its line 'listening'."""
    child = subprocess.Popen([program(name), *arguments], stderr=subprocess.PIPE, text=True)
    try:
        lines = list(said(iter(child.stderr.readline, ""), most=1))
        found = lines and re.search(r" listening addr=(127\.0\.0\.1:\d+)\n", lines[0])
        assert found, f"its first line is {lines!r}"
        yield child, found[1]
    finally:
        child.kill()
        child.communicate()


@contextlib.contextmanager
def started_silently(name, *arguments):
    """Runs an example that logs no address, on a port that was free a moment ago; continues once it accepts connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    child = subprocess.Popen([program(name), address, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + TIMEOUT
        while True:
            assert child.poll() is None, f"ended with {child.returncode}: {child.stderr.read()}"
            with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
                connected(address).close()
                break
            assert time.monotonic() < until, "does not accept connections"
        yield child, address
    finally:
        child.kill()
        child.communicate()


def connected(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), TIMEOUT)


def ask(url, **options):
    """Returns status and body, also those of a refusal."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def run(name, *arguments, **env):
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                          env={**os.environ, **env})


def drains(child):
    child.send_signal(signal.SIGTERM)
    status = child.wait(TIMEOUT)
    assert status == 0, f"after SIGTERM exit status {status}: {child.stderr.read()}"


@contextlib.contextmanager
def backend():
    """A server that answers /ok with JSON, /missing with 404, and /slow only when the test ends."""
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/slow":
                over.wait(TIMEOUT)
                self.close_connection = True
                return
            body = b'{"a":1}'
            self.send_response(200 if self.path == "/ok" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def refused():
    """A URL that refuses connections: its port is bound, but not listened on, while the caller holds the socket."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held, "http://127.0.0.1:%d/" % held.getsockname()[1]


def test_01_hello():
    with started_silently("01_hello") as (child, address):
        assert ask(f"http://{address}/hello/World") == (200, "Hello, World!\n")
        assert ask(f"http://{address}/hello/World", method="POST", data=b"")[0] == 405
        status, body = ask(f"http://{address}/nowhere")
        assert status == 404 and json.loads(body)["error"]["code"], body
        drains(child)


def test_02_timer_scope():
    done = run("02_timer_scope")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "tick 1", "tick 2", "tick 3", "overslept: deadline exceeded", "scope: deadline exceeded, its own"], done.stdout


def test_03_echo():
    with started("03_echo", "127.0.0.1:0") as (_, address):
        with connected(address) as one, connected(address) as other:
            other.sendall(b"second")
            assert other.recv(100) == b"second"
            one.sendall(b"first")
            assert one.recv(100) == b"first"
        with connected(address) as big:
            sent = os.urandom(300000)
            sender = threading.Thread(target=lambda: (big.sendall(sent), big.shutdown(socket.SHUT_WR)))
            sender.start()
            received = b"".join(iter(lambda: big.recv(65536), b""))
            sender.join()
            assert received == sent


def test_04_gather():
    held, nobody = refused()
    with held, backend() as url, started_silently("04_gather", f"{url}/ok", f"{url}/slow", nobody,
                                                  f"{url}/missing") as (child, address):
        wanted = [("answered", 200, 7), ("deadline exceeded", 0, 0), ("connection refused", 0, 0), ("answered", 404, 7)]
        late = ("deadline exceeded", 0, 0)  # a busy machine may delay any of them: then ask again
        whole = 0
        until = time.monotonic() + TIMEOUT
        while whole < 2:  # the second time over kept connections
            status, body = ask(f"http://{address}/")
            came = [(line["outcome"], line["status"], line["bytes"]) for line in map(json.loads, body.splitlines())]
            assert status == 200 and len(came) == len(wanted), body
            assert all(got in (want, late) for got, want in zip(came, wanted)), body
            whole += came == wanted
            assert time.monotonic() < until, body
        drains(child)


def test_05_pipeline():
    done = run("05_pipeline")
    assert done.returncode == 0 and done.stdout == "sum of the squares of 1 to 100: 338350\n", done


def test_12_other_threads():
    done = run("12_other_threads")
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == ["1000 readings, the last in its place",
                                        "hello from the interface, in task \"greeting\" of loop 0",
                                        "stopped: cancelled"], done.stdout


def test_06_http_client():
    with backend() as url:
        done = run("06_http_client", f"{url}/ok", f"{url}/missing")
        assert done.returncode == 0, done
        assert sorted(done.stdout.splitlines()) == [f"{url}/missing: 404, 7 bytes of application/json",
                                                    f"{url}/ok: 200, 7 bytes of application/json"], done.stdout
        held, nobody = refused()
        with held:
            done = run("06_http_client", nobody, f"{url}/slow")
        assert done.returncode == 1, done
        assert sorted(done.stdout.splitlines()) == sorted([f"{nobody}: connection refused",
                                                           f"{url}/slow: cancelled"]), done.stdout


def test_10_guard():
    with open(os.path.join(ROOT, "examples/10_guard.c"), encoding="utf-8") as source:
        number = next(i for i, line in enumerate(source, 1) if "nanosleep(&nap" in line)
    line = f'nanosleep at 10_guard.c:{number}, 3 times, first by task "nap"; instead: weir_sleep()\n'
    done = run("10_guard", WEIR_GUARD="warn")
    assert done.returncode == 0 and done.stdout == line, done
    assert done.stderr.count("call=nanosleep") == 1, done
    assert f'stack="naps 10_guard.c:{number}"' in done.stderr, done
    done = run("10_guard", WEIR_GUARD="count")
    assert done.returncode == 0 and done.stdout == line and not list(said(done.stderr.splitlines())), done
    done = run("10_guard", WEIR_GUARD="off")
    assert done.returncode == 0 and done.stdout == "" and not list(said(done.stderr.splitlines())), done
    done = run("10_guard", WEIR_GUARD="abort")
    assert done.returncode == -signal.SIGABRT and "call=nanosleep" in done.stderr, done


def test_07_offload():
    with started_silently("07_offload") as (child, address):
        assert ask(f"http://{address}/primes/100") == (200, "25\n")
        with connected(address) as long:  # computes longer than this test takes
            long.sendall(b"GET /primes/999999999 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert ask(f"http://{address}/ping") == (200, "pong\n")
        drains(child)  # its client has left: the job has noticed and returned


def test_08_offload_each():
    done = run("08_offload_each")
    assert done.returncode == 0 and done.stdout == "sum: 0\nsum: 499999500000\n", done


def test_09_overload():
    done = run("09_overload")
    found = re.fullmatch(r"(\d+) answered, (\d+) refused, (\d+) too late, 0 failed\n", done.stdout)
    assert done.returncode == 0 and found, done
    answered, refused, late = map(int, found.groups())
    assert answered + refused + late == 500 and answered > 0 and refused > 0 and late > 0, done.stdout


def test_15_refresh():
    with started_silently("15_refresh") as (child, address):
        url = f"http://{address}/price/tea"
        versions = set()
        until = time.monotonic() + TIMEOUT
        while len(versions) < 3 and time.monotonic() < until:
            status, body = ask(url)
            found = re.fullmatch(r"(\d+\.\d\d) version (\d+)\n", body)
            assert status == 200 and found, body
            version = int(found[2])
            assert version == 0 or found[1] == f"{1 + version / 100:.2f}", body # price and version are of one table
            assert not versions or version >= max(versions), (version, versions)
            versions.add(version)
            time.sleep(0.05)
        assert len(versions) >= 3, versions
        assert ask(f"http://{address}/price/sand")[0] == 404
        drains(child)


def joined(address, name, room="tea", early=b""):
    member = connected(address)
    member.sendall(f"GET /rooms/{room}/{name} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n".encode() + early)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = member.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 101 "), head
    return member


def test_16_chat():
    with started_silently("16_chat") as (child, address):
        ann, bob, cid = joined(address, "ann"), joined(address, "bob"), joined(address, "cid", room="milk")
        hears = [member.makefile("rb") for member in (ann, bob, cid)]
        deaf = joined(address, "deaf")
        ann.sendall(b"hel")
        ann.sendall(b"lo\nand again\n")
        assert [hears[1].readline() for _ in range(2)] == [b"ann: hello\n", b"ann: and again\n"]
        for i in range(20000): # bob is deaf to nothing; deaf reads nothing, and holds nobody up
            bob.sendall(b"%d\n" % i)
            if i % 16 == 15:
                heard = [hears[0].readline() for _ in range(16)]
                assert heard == [b"bob: %d\n" % k for k in range(i - 15, i + 1)], heard
        with joined(address, "eve", early=b"early\n") as eve:
            assert hears[0].readline() == b"eve: early\n"
            eve.shutdown(socket.SHUT_WR)
            assert eve.recv(100) == b""
        cid.sendall(b"tea?\n") # to nobody: the others are in another room
        bob.sendall(b"bye\n")
        assert hears[0].readline() == b"bob: bye\n"
        status, body = ask(f"http://{address}/rooms/tea/dan")
        assert status == 426, (status, body)
        for member in (ann, bob, cid, deaf):
            member.close()
        drains(child)


def main():
    with open(os.path.join(ROOT, "examples/meson.build"), encoding="utf-8") as file:
        names = re.findall(r"'(\w+)'", re.sub(r"#[^\n]*", "", file.read()))
    print(f"1..{len(names)}")
    failed = 0
    for number, name in enumerate(names, 1):
        try:
            globals()["test_" + name]()
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # whatever went wrong is this case's failure
            failed = 1
            print(f"not ok {number} - {name}\n# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    sys.exit(failed)


main()
