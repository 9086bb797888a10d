#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proxy: requests and answers of every kind pass through, both ways at once."""
import contextlib
import os
import re
import socket
import tempfile
import threading

from rig import PATIENCE, Backend, Weir, answering, ask, connect, read_all, read_head, receive, receive_body, run, same, until

MANY = 64 << 20 # bytes of a body that does not fit into memory that is allowed


def config(to, proxy="", more=""):
    to = to if isinstance(to, str) else f"http://127.0.0.1:{to}"
    return f"""
listen: 127.0.0.1:0
loops: 1
{more}
routes:
  - {{path: /legacy/*, proxy: {{to: "{to}", strip: /legacy{proxy}}}, limits: {{body: 1GiB}}}}
  - {{path: "/t/{{tenant}}/*", proxy: {{to: "{to}/base/", strip: "/t/{{tenant}}"{proxy}}}}}
  - {{path: /*, proxy: {{to: "{to}"{proxy}}}, limits: {{body: 1GiB}}}}
"""


def read_chunk(file):
    size = int(file.readline(), 16)
    data = file.read(size)
    end = file.readline()
    assert size == 0 or end == b"\r\n", end
    return data


def scripted(*answers, requests=None):
    """A backend that gives these raw answers, in order, to requests with a Content-Length or without a body; None: it closes."""
    left = list(answers)

    def handle(connection):
        while True:
            head = read_head(connection).decode("latin-1")
            length = re.search(r"content-length: *(\d+)", head, re.I)
            body = b""
            while length and len(body) < int(length[1]):
                body += connection.recv(65536)
            if requests is not None:
                requests.append((head, body))
            answer = left.pop(0)
            if answer is None:
                return
            connection.sendall(answer)
    return handle


# --- requests ---

def a_request_passes_as_it_came():
    requests = []
    with Backend(answering(body=b"hello", kind="text/x", requests=requests)) as backend:
        with Weir("serve", config=config(backend.port)) as weir:
            answer = ask(weir.address(), "/legacy/a%2fb/./c?x=%zz&y=|", headers=[("X-A", "1"), ("x-b", "2"), ("X-A", "3")])
            same((answer.status, answer.body, answer.headers["content-type"]), (200, b"hello", "text/x"))
            head = requests[0][0]
            same(head.split("\r\n")[0], "GET /a%2fb/c?x=%zz&y=| HTTP/1.1")
            assert "X-A: 1\r\nx-b: 2\r\nX-A: 3\r\n" in head, head
            assert f"host: 127.0.0.1:{backend.port}\r\n" in head, head
            assert "via: 1.1 weir\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: localhost\r\n" in head, head
            assert "content-length" not in head and "transfer-encoding" not in head, head


def a_path_goes_on_as_it_was_matched():
    table = {
        "/legacy": "/", "/legacy/": "/", "/legacy//x": "//x", "/legacy/%2E/%61": "/%61", "/legacy/a/%2e%2e/b?": "/b?",
        "/x/../legacy/a": "/a", "/legacy/a/..": "/", "/%6cegacy/b": "/b", "/legacy/a;x=1/b": "/a;x=1/b", "/legacy?a?b": "/?a?b",
        "/t/a%20b": "/base", "/t/b/": "/base/", "/t/b/c/%7b": "/base/c/%7b", "/other/x": "/other/x", "/": "/",
        "http://localhost/legacy/q": "/q", "http://localhost": "/",
    }
    refused = ["/legacy/..;/a", "/legacy/%2e%2e%2fa", "/legacy/%2e%2e%5ca", "/legacy/..%2f..%2fa", "/t/..%2fx/c", "/t/%2e%2e;x/c",
               "/legacy/..\\a", "/../a", "/legacy/%00", "/legacy/%2e%2e/%2e%2e/"]
    requests = []
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        for path, wanted in table.items():
            same(ask(address, path).status, 200, path)
            same(requests.pop()[0].split(" ")[1], wanted, path)
        for path in refused:
            same(ask(address, path).status, 400, path)
        same(requests, [])


def a_socket_and_the_clients_host():
    with tempfile.TemporaryDirectory() as folder:
        path, heads = os.path.join(folder, "s"), []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()

        def serve():
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    heads.append(read_head(connection).decode())
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        both = f"""
listen: 127.0.0.1:0
routes:
  - {{path: /a, proxy: {{to: "unix:{path}"}}}}
  - {{path: /b, proxy: {{to: "unix:{path}", host: client}}}}
"""
        with Weir("serve", config=both) as weir:
            same([ask(weir.address(), path, host="shop:81").body for path in ("/a", "/b")], [b"ok", b"ok"])
        thread.join(PATIENCE)
        listener.close()
        assert "host: localhost\r\n" in heads[0] and "host: shop:81\r\n" in heads[1], heads


def a_trusted_proxy_is_believed():
    requests = []
    with Backend(answering(requests=requests)) as backend:
        for more, wanted in (("", "127.0.0.1"), ("trusted_proxies: [127.0.0.0/8]", "10.1.1.1, 127.0.0.1")):
            with Weir("serve", config=config(backend.port, more=more)) as weir:
                ask(weir.address(), "/", headers=[("X-Forwarded-For", "10.1.1.1")])
            assert f"x-forwarded-for: {wanted}\r\n" in requests.pop()[0]


def both_kinds_of_headers_of_a_trusted_proxy_tell_the_same():
    """Whichever it sends, the backend is told of one client, which is the client of the access log, too."""
    cases = (([("X-Forwarded-For", "8.8.8.8, 127.0.0.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop")],
              "8.8.8.8, 127.0.0.9, 127.0.0.1", "https", "shop", "for=8.8.8.8;host=shop;proto=https, for=127.0.0.9, for=127.0.0.1", "8.8.8.8"),
             ([("Forwarded", 'for="[2001:db8::1]:80";proto=https;host=shop'), ("Forwarded", "for=127.0.0.9")],
              "2001:db8::1, 127.0.0.9, 127.0.0.1", "https", "shop", 'for="[2001:db8::1]:80";proto=https;host=shop, for=127.0.0.9, for=127.0.0.1', "2001:db8::1"),
             ([("Forwarded", "for=8.8.8.8;proto=gopher;host=evil"), ("X-Forwarded-Proto", "https")], # the client's
              "127.0.0.1", "https", "localhost", "for=127.0.0.1;host=localhost;proto=https", None),
             ([("Forwarded", "for=8.8.8.8, for=_hidden;proto=https")],
              "127.0.0.1", "https", "localhost", "for=8.8.8.8, for=_hidden;proto=https;host=localhost, for=127.0.0.1", None))
    requests = []
    with Backend(answering(requests=requests)) as backend, Weir("serve", config=config(backend.port, more="trusted_proxies: [127.0.0.0/8]")) as weir:
        for i, (headers, addresses, scheme, host, elements, client) in enumerate(cases):
            same(ask(weir.address(), f"/{i}", headers=headers).status, 200)
            wanted = f"x-forwarded-for: {addresses}\r\nx-forwarded-proto: {scheme}\r\nx-forwarded-host: {host}\r\nforwarded: {elements}\r\n"
            head = requests.pop()[0]
            assert wanted in head, head
            weir.wait_for(rf"info request .*target=/{i} .*peer=\S+ " + (f"client={client} " if client is not None else "(?!client)"))


def rules_for_headers_come_last():
    requests = []
    with Backend(answering(requests=requests)) as backend:
        named = f"""
listen: 127.0.0.1:0
routes:
  - path: /shop/{{id}}
    proxy: {{to: "http://127.0.0.1:{backend.port}", strip: /shop}}
    headers: {{request: {{set: {{X-Id: "{{id}}"}}, remove: [cookie, x-forwarded-for]}}, response: {{set: {{X-Frame-Options: DENY}}}}}}
"""
        with Weir("serve", config=named) as weir:
            answer = ask(weir.address(), "/shop/7?q", headers=[("Cookie", "a=b"), ("x-id", "8")])
            same((answer.status, answer.headers["x-frame-options"]), (200, "DENY"))
        head = requests[0][0]
        assert head.startswith("GET /7?q HTTP/1.1\r\n") and "X-Id: 7\r\n" in head, head
        assert "ookie" not in head and "x-id: 8" not in head and "x-forwarded-for" not in head, head


def a_backend_has_a_name():
    requests = []
    with Backend(answering(requests=requests)) as one, Backend(answering(requests=requests)) as two:
        named = f"""
listen: 127.0.0.1:0
backends: {{shop: {{urls: ["http://127.0.0.1:{one.port}", "http://127.0.0.1:{two.port}"], balance: round_robin}}}}
routes:
  - {{path: /shop/*, proxy: {{backend: shop, strip: /shop}}}}
"""
        with Weir("serve", config=named) as weir:
            for i in range(4):
                same(ask(weir.address(), f"/shop/{i}?q", method="POST", body=b"abc").status, 200)
        same([(head.split(" ")[1], body) for head, body in requests], [(f"/{i}?q", b"abc") for i in range(4)])
        assert one.connections > 0 and two.connections > 0


def trace_is_refused():
    with Backend(answering()) as backend, Weir("serve", config=config(backend.port)) as weir:
        same(ask(weir.address(), "/", method="TRACE").status, 405)
        same(backend.connections, 0)


# --- answers ---

def answers_keep_their_framing():
    head, chunked = b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    answers = [head + b"Content-Length: 3\r\n\r\nabc", head + chunked, b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
               b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n', b"HTTP/1.1 304 Not Modified\r\n\r\n",
               b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n", head + b"Content-Length: 7\r\n\r\n",
               head + b"Content-Length: 0\r\n\r\n", head + b"\r\nuntil the end"]
    with Backend(scripted(*answers[:-1], answers[-1], None)) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            got = []
            for method in ("GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "GET"):
                c.sendall(f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                got.append(receive(c, method))
            same([(a.status, a.headers.get("content-length"), a.headers.get("transfer-encoding"), a.body) for a in got], [
                (200, "3", None, b"abc"), (200, None, "chunked", b"abc"), (204, None, None, b""), (304, "7", None, b""),
                (304, None, None, b""), (304, "0", None, b""), (200, "7", None, b""), (200, "0", None, b"")])
            same(got[3].headers["etag"], '"a"')


def head_is_told_of_chunks_where_get_has_them():
    """RFC 9110, 9.3.2, and RFC 9112, 6.1. Without a field that frames it, nothing is known of GET."""
    head = b"HTTP/1.1 200 OK\r\n"
    answers = [head + b"Transfer-Encoding: chunked\r\n\r\n", head + b"\r\n", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
               head + b"Transfer-Encoding: chunked\r\n\r\n"]
    with Backend(scripted(*answers)) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        for version, coding in zip(("1.1", "1.1", "1.1", "1.0"), ("chunked", None, None, None)):
            c.sendall(f"HEAD / HTTP/{version}\r\nHost: h\r\nConnection: keep-alive\r\n\r\n".encode())
            answer = receive(c, "HEAD")
            same((answer.headers.get("transfer-encoding"), answer.headers.get("content-length")), (coding, None))
        same(backend.connections, 1)


def conditional_requests_pass_whole():
    version = b'ETag: W/"v-1"\r\nLast-Modified: Mon, 30 Nov 2026 01:02:03 GMT\r\nCache-Control: max-age=60\r\nVary: Accept\r\n'
    heads = [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n", b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n",
             b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n",
             b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n"]
    bodies = [b"", b"234", b"", b"", b""]
    asked = [[("If-None-Match", 'W/"v-1", "v-2"'), ("If-Modified-Since", "Mon, 30 Nov 2026 01:02:03 GMT")],
             [("Range", "bytes=2-4"), ("If-Range", '"v-2"')], [("If-Match", "*"), ("If-Unmodified-Since", "Mon, 30 Nov 2026 01:02:03 GMT")],
             [("Range", "bytes=10-")], [("If-None-Match", "*")]]
    methods = ["GET", "GET", "GET", "GET", "HEAD"]
    requests = []
    with Backend(scripted(*(head + version + b"\r\n" + body for head, body in zip(heads, bodies)), requests=requests)) as backend, \
            Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        for method, fields, head, body in zip(methods, asked, heads, bodies):
            c.sendall((f"{method} / HTTP/1.1\r\nHost: h\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n").encode())
            answer = receive(c, method)
            lines = (head + version).decode().split("\r\n")[1:-1]
            same((answer.status, answer.body), (int(head.split()[1]), body))
            for line in lines:
                name, value = line.split(": ", 1)
                same(answer.headers.get(name.lower()), value, answer.headers)
            for name, value in fields:
                assert f"\r\n{name}: {value}\r\n" in requests[-1][0], requests[-1][0]
        same(backend.connections, 1)


def a_body_that_ends_with_its_connection():
    def until_the_end(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")

    with Backend(until_the_end) as backend, Weir("serve", config=config(backend.port)) as weir:
        for _ in range(2): # a connection is never used again
            answer = ask(weir.address(), "/")
            same((answer.headers["transfer-encoding"], answer.body), ("chunked", b"until the end"))
        same(backend.connections, 2)


def http_1_0_gets_neither_chunks_nor_1xx():
    answer = (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")
    requests = []
    with Backend(scripted(answer, requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            c.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n\r\n")
            head = read_head(c)
            assert head.startswith(b"HTTP/1.1 200 OK") and b"chunked" not in head, head
            assert b"content-length: 3\r\n" in head or b"connection: close\r\n" in head, head
            same(c.recv(100), b"abc") # and no chunk, nor a trailer
        assert "GET / HTTP/1.1\r\n" in requests[0][0] and "via: 1.0 weir" in requests[0][0] and "pgrade" not in requests[0][0]


def informational_answers_pass():
    answer = (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
              b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with Backend(scripted(answer)) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            same(read_head(c), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            same(read_head(c), b"HTTP/1.1 102 Processing\r\n\r\n")
            assert read_head(c).startswith(b"HTTP/1.1 200 OK\r\n")


def events_pass_one_by_one():
    seen = threading.Semaphore(0)

    def events(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(10):
            event = b"data: %d\n\n" % i
            for piece in (b"%x\r\n" % len(event), event, b"\r\n"):
                connection.sendall(piece)
            assert seen.acquire(timeout=PATIENCE)
        connection.sendall(b"0\r\n\r\n")

    with Backend(events) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c, c.makefile("rb") as file:
            c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            while file.readline() != b"\r\n":
                pass
            for i in range(10):
                same(read_chunk(file), b"data: %d\n\n" % i)
                seen.release()
            same(read_chunk(file), b"")


def trailers_go_both_ways():
    def handle(connection):
        with connection.makefile("rwb") as file:
            while file.readline() != b"\r\n":
                pass
            body = b""
            while data := read_chunk(file):
                body += data
            trailers.append((body, file.readline(), file.readline()))
            file.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\nKeep-Alive: x\r\n\r\n")
            file.flush()

    trailers = []

    def read_chunk(file): # leaves what is behind the last one
        size = int(file.readline(), 16)
        data = file.read(size)
        assert size == 0 or file.readline() == b"\r\n"
        return data

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                  b"2;x=y\r\nhi\r\n0\r\nX-Digest: abc\r\nX-Forwarded-For: evil\r\nContent-Length: 9\r\n\r\n")
        with c.makefile("rb") as file:
            while (line := file.readline()) != b"\r\n":
                assert b"railer" not in line, line
            same(read_chunk(file), b"a")
            same(read_chunk(file), b"")
            same((file.readline(), file.readline()), (b"X-Sum: 7\r\n", b"\r\n"))
    same(trailers, [(b"hi", b"X-Digest: abc\r\n", b"\r\n")])


# --- both ways at once ---

def a_body_goes_both_ways_at_once():
    """Each chunk is answered before the next is sent."""
    def echo(connection):
        read_head(connection)
        with connection.makefile("rwb") as file:
            file.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            file.flush()
            while True:
                data = read_chunk(file)
                file.write(b"%x\r\n%s\r\n" % (len(data), data))
                file.flush()
                if not data:
                    return

    with Backend(echo) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as connection, connection.makefile("rwb") as file:
            file.write(b"POST /legacy/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            file.flush()
            assert b"200 OK" in read_head(connection)
            for i in range(20):
                piece = b"%d" % i * (i + 1)
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                same(read_chunk(file), piece)
            connection.sendall(b"0\r\n\r\n")
            same(read_chunk(file), b"")


def what_comes_at_once_comes_whole():
    """More than is read at a time lies in the kernel when the beginning of the body is sent with the head."""
    got = []

    def handle(connection):
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                head = read_head(connection).decode("latin-1")
                got.append(receive_body(connection, {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in head.split("\r\n")[1:] if line)}))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    body = bytes(range(256)) * 100
    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        for length in (*range(1, 40), 1000, 8000, *range(8050, 8200, 7), 9000, 16384, 25600):
            for framed in (b"Content-Length: %d\r\n\r\n%s" % (length, body[:length]), b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (length, body[:length])):
                c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + framed)
                same(receive(c).status, 200)
                assert got.pop() == body[:length], (length, framed[:20])


def the_backend_says_when_the_body_is_wanted():
    said = threading.Semaphore(0)

    def handle(connection):
        for answer in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"):
            head = read_head(connection)
            assert b"Expect: 100-continue" in head, head
            assert said.acquire(timeout=PATIENCE) # until the client has seen that nothing came
            connection.sendall(answer)
            if b"100" in answer:
                same(connection.recv(3), b"abc")
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
                return
            return

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        until("a connection", lambda: backend.connections == 1)
        c.settimeout(0.05)
        try:
            raise AssertionError(f"an answer before the backend's: {c.recv(1)!r}")
        except TimeoutError:
            pass
        c.settimeout(PATIENCE)
        said.release()
        same(read_head(c), b"HTTP/1.1 100 Continue\r\n\r\n")
        c.sendall(b"abc")
        same(receive(c).body, b"x")


def a_body_that_is_not_wanted_is_not_waited_for():
    answer = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"

    def handle(connection):
        read_head(connection)
        connection.sendall(answer)
        connection.recv(1)

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir, connect(weir.address()) as c:
        c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        got = receive(c)
        same((got.status, got.headers["connection"]), (417, "close")) # whether the body will come is unknown
        same(read_all(c), b"")


def a_client_that_does_not_wait_for_100():
    requests = []
    with Backend(answering(body=b"x", requests=requests)) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
            same(receive(c).body, b"x") # and no 100 before it
        same(requests[0][1], b"abc")


def early_answers_leave_a_usable_connection():
    def deny(connection):
        while True:
            read_head(connection)
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
            connection.recv(1)
            return # the rest is not read

    with Backend(deny) as backend, Weir("serve", config=config(backend.port)) as weir:
        with connect(weir.address()) as c: # little is left: it is dropped, and the connection goes on
            for i in range(3):
                c.sendall(b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\nfirst" % i)
                got = receive(c)
                same((got.status, got.body, got.headers.get("connection")), (401, b"no", None))
                c.sendall(b"x" * 49995)
            same(backend.connections, 3) # the backend's are not
        with connect(weir.address()) as c: # too much is left
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\nfirst")
            got = receive(c)
            same((got.status, got.headers.get("connection")), (401, "close"))
            same(read_all(c), b"")
        with connect(weir.address()) as c: # what is left does not come
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nfirst")
            same(receive(c).status, 401)
            same(read_all(c), b"") # after a second


def a_body_is_held_until_it_is_whole():
    requests, begun = [], []
    with Backend(answering(requests=requests, begun=begun)) as backend:
        with Weir("serve", config=config(backend.port, proxy=", buffer: 8KiB")) as weir, connect(weir.address()) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n")
            same(read_head(c), b"HTTP/1.1 100 Continue\r\n\r\n") # by the gateway
            c.sendall(b"abc")
            c.settimeout(0.05)
            try:
                c.recv(1)
            except TimeoutError:
                pass
            same(backend.connections, 0)
            c.settimeout(PATIENCE)
            c.sendall(b"def")
            same(receive(c).status, 200)
            assert "xpect" not in requests[0][0] and requests[0][1] == b"abcdef", requests
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + b"x" * 8192)
            until("a request", lambda: len(begun) == 2) # so much is enough
            c.sendall(b"x" * (20000 - 8192))
            same(receive(c).status, 200)
            same((len(requests[1][1]), backend.connections), (20000, 1))


# --- memory ---

def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) << 10


def memory_is_constant():
    """A backend that sends without end to a client that reads slowly, and a client to a backend that does."""
    piece = b"x" * (1 << 20)
    go = threading.Event()

    def handle(connection):
        head = read_head(connection)
        if head.startswith(b"GET"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MANY)
            for _ in range(MANY >> 20):
                connection.sendall(piece)
            return
        assert go.wait(PATIENCE)
        left = MANY
        while left:
            left -= len(connection.recv(min(left, 1 << 20)))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Backend(handle) as backend, Weir("serve", config=config(backend.port)) as weir:
        address = weir.address()
        ask(address, "/nothing", method="TRACE")
        before = resident(weir.gateway)
        with connect(address) as c:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            read_head(c)
            left = MANY
            while left:
                left -= len(c.recv(min(left, 1 << 20)))
        with connect(address) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % MANY)
            threading.Timer(0.2, go.set).start()
            for _ in range(MANY >> 20):
                c.sendall(piece)
            same(receive(c).status, 200)
        grown = resident(weir.gateway) - before
        assert grown < 8 << 20, f"{grown} bytes more"


run(a_request_passes_as_it_came, a_path_goes_on_as_it_was_matched, a_socket_and_the_clients_host, a_trusted_proxy_is_believed,
    both_kinds_of_headers_of_a_trusted_proxy_tell_the_same, rules_for_headers_come_last, a_backend_has_a_name, trace_is_refused, answers_keep_their_framing, head_is_told_of_chunks_where_get_has_them, conditional_requests_pass_whole,
    a_body_that_ends_with_its_connection,
    http_1_0_gets_neither_chunks_nor_1xx, informational_answers_pass, events_pass_one_by_one, trailers_go_both_ways,
    a_body_goes_both_ways_at_once, what_comes_at_once_comes_whole, the_backend_says_when_the_body_is_wanted, a_body_that_is_not_wanted_is_not_waited_for,
    a_client_that_does_not_wait_for_100, early_answers_leave_a_usable_connection, a_body_is_held_until_it_is_whole, memory_is_constant)
