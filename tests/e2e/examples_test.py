#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starts every example and checks that it does what its comment says. An example without a case here is a failure."""
import concurrent.futures
import contextlib
import http.client
import http.server
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

from authority import Authority
from dns_server import DnsServer
from rig import read_all

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
def started_silently(name, *arguments, before=()):
    """Runs an example that logs no address, on a port that was free a moment ago; continues once it accepts connections. The address is its
    first argument but for those before."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    child = subprocess.Popen([program(name), *before, address, *arguments], stderr=subprocess.PIPE, text=True)
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
def serving(handler):
    """An HTTP server with this handler, and its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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

    with serving(Handler) as url:
        try:
            yield url
        finally:
            over.set()


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


def test_13_tcp_proxy():
    """The client's end is passed on while the answer is still to come; 8 MiB arrive whole; a backend's reset is one to the client."""
    body = os.urandom(1 << 16) * 128
    with socket.create_server(("127.0.0.1", 0)) as backend:
        backend.settimeout(TIMEOUT)
        with started("13_tcp_proxy", "127.0.0.1:0", "127.0.0.1:%d" % backend.getsockname()[1]) as (child, address):
            with connected(address) as client:
                there, _ = backend.accept()
                there.settimeout(TIMEOUT)
                sender = threading.Thread(target=lambda: (client.sendall(body), client.shutdown(socket.SHUT_WR)))
                sender.start()
                assert read_all(there) == body  # to its end, which has come through
                sender.join()
                there.sendall(b"the answer")
                there.close()
                assert read_all(client) == b"the answer"
            line = next(line for line in said(iter(child.stderr.readline, "")) if " done " in line)
            assert f"sent={len(body)} received=10 end=ok" in line, line
            with connected(address) as client:
                there, _ = backend.accept()
                there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                there.close()
                try:
                    assert False, client.recv(1)
                except ConnectionResetError:
                    pass


def test_14_foreign_events():
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen([program("14_foreign_events"), folder], stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout.readline() == "alive\n"  # it watches
            for name in "one", "stop":
                with open(os.path.join(folder, name), "w", encoding="utf-8"):
                    pass
            lines = [line for line in child.stdout if line != "alive\n"]
            assert lines == ["new one\n", "new stop\n"], lines
            assert child.wait(TIMEOUT) == 0
        finally:
            child.kill()
            child.wait()


def test_18_many_loops():
    with started("18_many_loops", "127.0.0.1:0") as (_, address):
        loops = set()
        for _ in range(200):  # the kernel spreads them by a hash of the client's port
            with connected(address) as client:
                client.sendall(b"hel")
                client.sendall(b"lo\nagain\n")
                client.shutdown(socket.SHUT_WR)
                first, second, end = read_all(client).decode().split("\n")
                assert first[1:] == " hello" and second == first[0] + " again" and end == "", (first, second)
                loops.add(first[0])
            if len(loops) == 2:
                break
        assert loops == {"0", "1"}, loops


def test_19_tcp_chat():
    with started("19_tcp_chat", "127.0.0.1:0") as (child, address):
        with contextlib.ExitStack() as stack:
            def join(room):
                client = stack.enter_context(connected(address))
                client.sendall(room + b"\n")
                return client

            writer, other = join(b"red"), join(b"blue")
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            host, port = address.rsplit(":", 1)
            slow.connect((host, int(port)))
            slow.sendall(b"red\n")
            reader = join(b"red")
            lines = reader.makefile("rb")
            reader.sendall(b"here\n")
            assert lines.readline() == b"here\n"  # it is in the room
            until = time.monotonic() + TIMEOUT
            number = 0
            dropped = threading.Event()
            threading.Thread(target=lambda: [dropped.set() for line in child.stderr if "dropped a slow reader" in line],
                             daemon=True).start()
            drain = threading.Thread(target=lambda: writer.makefile("rb").read(), daemon=True)
            drain.start()
            while not dropped.is_set():  # the reader gets every line, whatever the slow one does
                assert time.monotonic() < until
                line = b"%06d %s\n" % (number, b"x" * 400)
                writer.sendall(line)
                number += 1
                got = lines.readline()
                assert got == line, (got, line)
            other.settimeout(0.05)
            try:
                assert False, other.recv(1)  # another room hears nothing
            except TimeoutError:
                pass


def test_20_backend():
    def states(address):
        return [line.split()[2] for line in ask(f"http://{address}/status")[1].splitlines()]

    def until(condition):
        limit = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < limit
            time.sleep(0.02)

    held, nobody = refused()
    with held, backend() as one, started_silently("20_backend", one, nobody.rstrip("/")) as (child, address):
        assert states(address) in (["up", "up"], ["down", "up"], ["up", "down"], ["down", "down"])
        until(lambda: states(address)[1] == "down") # it refuses; the other one answers its checks with 404
        until(lambda: states(address)[0] == "down")
        answers = set() # all are down: all are asked
        until(lambda: answers.add(ask(f"http://{address}/ok")[0]) or answers >= {200, 502})
        until(lambda: ask(f"http://{address}/ok")[0] == 503) # half of the requests fail: the breaker opens
        drains(child)


@contextlib.contextmanager
def receiver():
    """A server that answers PUT with what it got; /early before it reads the body, /half with half an answer."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self):
            if self.path == "/early":
                self.close_connection = True
                return self.answer(413, b"no")
            size = int(self.headers.get("Content-Length", 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while line := int(self.rfile.readline(), 16):
                    body += self.rfile.read(line)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(size)
            return self.answer(200, body)

        def do_GET(self):
            said = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
            self.answer(200, said if self.path != "/half" else said + b"x", said)

        do_HEAD = do_GET

        def answer(self, status, body, sent=None):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Hop", "1")
            self.send_header("X-End", "2")
            self.send_header("Connection", "x-hop" + (", close" if self.close_connection or sent not in (None, body) else ""))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body if sent is None else sent)
            self.close_connection = self.close_connection or sent not in (None, body)

        def log_message(self, *_):
            pass

    with serving(Handler) as url:
        yield url


def test_21_http_proxy():
    with receiver() as behind, started_silently("21_http_proxy", behind) as (child, address):
        client = http.client.HTTPConnection(address, timeout=TIMEOUT)
        body = os.urandom(5 << 20)
        for _ in range(3): # on one connection
            client.request("PUT", "/x", body=body)
            answer = client.getresponse()
            assert (answer.status, answer.read() == body, answer.getheader("x-hop"), answer.getheader("x-end")) == (200, True, None, "2")
        client.request("PUT", "/x", body=iter([b"abc", b"def"]))
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"abcdef")
        client.request("GET", "/x?y", headers={"X-A": "1", "X-B": "2", "Connection": "keep-alive, x-b", "Proxy-Authorization": "p"})
        seen = json.loads(client.getresponse().read())
        assert seen["x-a"] == "1" and "x-b" not in seen and "proxy-authorization" not in seen, seen
        assert seen["host"] == behind[len("http://"):], seen
        client.request("HEAD", "/x")
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"") and int(answer.getheader("content-length")) > 0
        client.request("PUT", "/early", body=body[:1 << 16])
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (413, b"no")
        client.close()
        try: # half of an answer is never taken for a whole one
            ask(f"http://{address}/half")
            assert False, "the answer was whole"
        except (http.client.IncompleteRead, ConnectionError):
            pass
        drains(child)
    held, nobody = refused()
    with held, started_silently("21_http_proxy", nobody.rstrip("/")) as (child, address):
        assert ask(f"http://{address}/")[0] == 502
        drains(child)


def test_22_names():
    with DnsServer({"svc.test": ["127.0.0.3", "127.0.0.2"]}, ttl=1) as dns:
        child = subprocess.Popen([program("22_names"), "svc.test.", dns.address], stdout=subprocess.PIPE, text=True)
        with child, contextlib.ExitStack() as stack:
            stack.callback(child.kill)
            lines = iter(child.stdout.readline, "")
            assert next(lines) == "svc.test.: 127.0.0.2 127.0.0.3\n"
            dns.names["svc.test"] = "127.0.0.9"
            assert next(lines) == "svc.test.: 127.0.0.9\n"
            del dns.names["svc.test"]
            assert next(lines) == "svc.test.: no such name\n"
            child.send_signal(signal.SIGINT)
            assert child.wait(TIMEOUT) == 0
    assert run("22_names", "a b").returncode == 1


def test_23_tls():
    with Authority() as authority:
        own = authority.issue("localhost", "127.0.0.1")
        done = run("23_tls", own.cert, own.key, authority.path)
        assert (done.returncode, done.stdout) == (0, "CN=localhost: hello, by TLS 1.3 with TLS_AES_128_GCM_SHA256\n"), done
        done = run("23_tls", own.cert, own.key, authority.path, "db.internal")
        assert (done.returncode, done.stdout) == (1, "certificate is for localhost, 127.0.0.1, not for db.internal\n"), done
        assert "the peer refused" in done.stderr, done
        old = authority.issue("localhost", days=-1)
        done = run("23_tls", old.cert, old.key, authority.path)
        assert done.returncode == 1 and done.stdout.startswith("certificate of localhost expired 20"), done
        done = run("23_tls", own.key, own.cert, authority.path)
        assert done.returncode == 1 and f"{own.key} holds a private key; a certificate was expected" in done.stderr, done


def postgres_says(connection):
    """A server that speaks as much of PostgreSQL's protocol as one query needs, a few bytes at a time."""
    def message(kind, body):
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    def send(data):
        for at in range(0, len(data), 7):
            connection.sendall(data[at:at + 7])

    def receive(count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            assert more, "libpq has left"
            data += more
        return data

    while True:  # requests for encryption are declined until the start-up itself comes
        start = receive(int.from_bytes(receive(4), "big") - 4)
        if start[:4] == b"\0\3\0\0":
            break
        connection.sendall(b"N")
    ready = message(b"Z", b"I")
    send(message(b"R", bytes(4)) + message(b"S", b"server_version\x0015.0\0") + ready)
    kind, length = receive(1), int.from_bytes(receive(4), "big")
    assert kind == b"Q" and receive(length - 4) == b"select 6 * 7\0"
    column = b"answer\0" + bytes(6) + (25).to_bytes(4, "big") + b"\xff\xff" + b"\xff" * 4 + bytes(2)
    send(message(b"T", b"\0\1" + column) + message(b"D", b"\0\1" + (2).to_bytes(4, "big") + b"42") + message(b"C", b"SELECT 1\0") + ready)
    connection.settimeout(TIMEOUT)
    while connection.recv(100):
        pass


def test_17_libpq():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT)
        child = subprocess.Popen([program("17_libpq"), f"host=127.0.0.1 port={server.getsockname()[1]} user=u dbname=d gssencmode=disable",
                                  "select 6 * 7"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(TIMEOUT)
                postgres_says(connection)
            out, err = child.communicate(timeout=TIMEOUT)
            assert child.returncode == 0 and out == "42\n", (child.returncode, out, err)
        finally:
            child.kill()
            child.communicate()
    done = run("17_libpq", f"host=127.0.0.1 port=1 user=u dbname=d", "select 1")
    assert done.returncode == 1 and "connection refused" in done.stderr.lower(), done


def test_24_process():
    done = run("24_process", "run", "1000", "sh", "-c", "echo one; echo two >&2; exit 3")
    assert done.returncode == 3, done
    assert sorted(done.stdout.splitlines()) == ["sh exited with status 3", "sh! two", "sh: one"], done.stdout
    done = run("24_process", "run", "1", "sh", "-c", "trap 'echo bye; exit' TERM; while :; do sleep 0.05; done")
    assert done.returncode == 1, done
    assert done.stdout.splitlines() == ["sh takes too long", "sh: bye", "sh deadline exceeded"], done.stdout
    done = run("24_process", "run", "1", "no-such-program")
    assert done.returncode == 1 and "no-such-program no such file or directory" in done.stdout, done

    child = subprocess.Popen([program("24_process"), "keep", "sh", "-c", "echo here; exec sleep 0.01"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert [child.stdout.readline() for _ in range(3)] == ["sh: here\n"] * 3
        child.send_signal(signal.SIGTERM)
        child.stdout.read()
        assert child.wait(TIMEOUT) == 0
    finally:
        child.kill()
        child.communicate()


@contextlib.contextmanager
def line_server(answers):
    """Answers one line on each connection if it is to, else only when the test ends."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            line = connection.makefile("rb").readline()
            if not answers:
                over.wait(TIMEOUT)
            connection.sendall(line.upper())

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield "127.0.0.1:%d" % listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_25_attempts():
    with line_server(True) as quick, line_server(False) as silent:
        done = run("25_attempts", quick, silent, "a", "b")
        assert (done.returncode, done.stdout) == (0, "first: A\nfirst: B\n"), done
        done = run("25_attempts", silent, quick, "a")
        assert (done.returncode, done.stdout) == (0, "second: A\n"), done
        held, nobody = refused()
        with held:
            done = run("25_attempts", nobody[len("http://"):-1], quick, "a")
        assert (done.returncode, done.stdout) == (0, "no answer: connection refused\n"), done
    assert run("25_attempts", quick, silent).returncode == 2


def test_26_file_server():
    """Files arrive whole and typed, a client that leaves in the midst is none's trouble, and nothing outside is reached."""
    large = os.urandom(1 << 16) * 64
    with tempfile.TemporaryDirectory() as outside:
        root = os.path.join(outside, "root")
        os.makedirs(os.path.join(root, "sub"))
        os.mkfifo(os.path.join(root, "pipe.txt"))
        for name, content in {"index.html": b"<p>hello", "sub/index.html": b"<p>sub", "large.mp4": large, "two words.txt": b"two", ".hidden": b"secret",
                              "../secret": b"secret", "empty.css": b""}.items():
            with open(os.path.join(root, name), "wb") as file:
                file.write(content)
        for name, target in {"link.txt": "../secret", "folder": "..", "absolute": outside}.items():
            os.symlink(target, os.path.join(root, name))
        with started_silently("26_file_server", before=[root]) as (child, address):
            for path, type_, content in (("/", "text/html; charset=utf-8", b"<p>hello"), ("/sub/", "text/html; charset=utf-8", b"<p>sub"),
                                         ("/large.mp4", "video/mp4", large), ("/two%20words.txt", "text/plain; charset=utf-8", b"two"),
                                         ("/empty.css", "text/css; charset=utf-8", b"")):
                with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT) as answer:
                    assert (answer.headers["content-type"], answer.read()) == (type_, content), path
            with contextlib.closing(http.client.HTTPConnection(address, timeout=TIMEOUT)) as client:
                client.request("HEAD", "/large.mp4")
                answer = client.getresponse()
                assert (answer.status, answer.headers["content-length"], answer.read()) == (200, str(len(large)), b"")
                for path in ("/none", "/sub", "/link.txt", "/folder/secret", "/absolute/secret", "/.hidden", "/%2ehidden", "/../secret", "/%2e%2e/secret",
                             "/..%2fsecret", "/sub/..%2f..%2fsecret", "/sub%2f..%2f../secret", "/index.html/x", "/pipe.txt", "/a%00", "//etc/passwd",
                             "/%2fetc/passwd", "/" + "a" * 2000, "/" + "a" * 300):
                    client.request("GET", path)
                    answer = client.getresponse()
                    body = answer.read()
                    assert answer.status in (400, 404) and b"secret" not in body, (path, answer.status, body)
                client.request("POST", "/index.html", b"x")
                assert client.getresponse().status == 405
            for _ in range(20):
                with connected(address) as leaves:
                    leaves.sendall(b"GET /large.mp4 HTTP/1.1\r\nHost: a\r\n\r\n")
                    assert leaves.recv(100).startswith(b"HTTP/1.1 200 ")
            until = time.monotonic() + TIMEOUT
            while os.path.join(root, "large.mp4") in open_files(child.pid):
                assert time.monotonic() < until, "keeps files open"
                time.sleep(0.01)
            drains(child)
    assert run("26_file_server", root).returncode == 1  # which is gone


def open_files(pid):
    """What the descriptors of a process lead to, as far as they are still there when they are looked at."""
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def test_27_worker_pool():
    """Two compute, eight wait, and the eleventh is refused at once; callers who leave, and the deadline, free the workers."""
    def pool(address):
        status, text = ask(f"http://{address}/pool")
        assert status == 200
        return {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", text)}

    def comes(address, **wanted):
        until = time.monotonic() + TIMEOUT
        while not wanted.items() <= pool(address).items():
            assert time.monotonic() < until, (wanted, pool(address))

    with started_silently("27_worker_pool") as (child, address):
        assert ask(f"http://{address}/fibonacci/20") == (200, "6765\n")
        assert [ask(f"http://{address}/fibonacci/{n}")[0] for n in ("91", "-1", "20x", "x")] == [400] * 4
        assert ask(f"http://{address}/fibonacci/90")[0] == 504
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                long = stack.enter_context(connected(address))
                long.sendall(b"GET /fibonacci/90 HTTP/1.1\r\nHost: a\r\n\r\n")
        comes(address, running=0, queued=0)  # they have left, and their jobs have ended
        with concurrent.futures.ThreadPoolExecutor(40) as clients:
            codes = [status for status, _ in clients.map(lambda _: ask(f"http://{address}/fibonacci/90"), range(40))]
        assert set(codes) <= {503, 504} and 503 in codes, codes
        comes(address, running=0, queued=0)
        drains(child)


def main():
    with open(os.path.join(ROOT, "examples/meson.build"), encoding="utf-8") as file:
        names = re.findall(r"'(\w+)'", re.sub(r"#[^\n]*|dependency\([^)]*\)", "", file.read()))
    print(f"1..{len(names)}")
    failed = 0
    for number, name in enumerate(names, 1):
        if name == "17_libpq" and not os.path.exists(program(name)):
            print(f"ok {number} - {name} # SKIP libpq is not installed", flush=True)
            continue
        try:
            globals()["test_" + name]()
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # whatever went wrong is this case's failure
            failed = 1
            print(f"not ok {number} - {name}\n# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    sys.exit(failed)


main()
