#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proxy: requests and answers of every kind pass through, both ways at once."""
import threading

from rig import Backend, Weir, answering, ask, connect, read_head, receive, receive_chunks, run, same


def config(port, more="", proxy=""):
    return f"""
listen: 127.0.0.1:0
loops: 1
{more}
routes:
  - {{path: /legacy/*, proxy: {{to: "http://127.0.0.1:{port}", strip: /legacy{proxy}}}, limits: {{body: 1GiB}}}}
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}"{proxy}}}, limits: {{body: 1GiB}}}}
"""


def read_chunk(file):
    size = int(file.readline(), 16)
    data = file.read(size)
    assert file.readline() == b"\r\n"
    return data


def a_request_and_its_answer_pass():
    requests = []
    with Backend(answering(body=b"hello", kind="text/x", requests=requests)) as backend:
        with Weir("serve", config=config(backend.port)) as weir:
            answer = ask(weir.address(), "/legacy/a%2fb/./c?x=%zz&y=|", headers=[("X-A", "1"), ("x-b", "2"), ("X-A", "3")])
            same((answer.status, answer.body, answer.headers["content-type"]), (200, b"hello", "text/x"))
            head = requests[0][0]
            same(head.split("\r\n")[0], "GET /a%2fb/c?x=%zz&y=| HTTP/1.1")
            assert "X-A: 1\r\nx-b: 2\r\nX-A: 3\r\n" in head, head
            assert f"host: 127.0.0.1:{backend.port}\r\n" in head, head


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


run(a_request_and_its_answer_pass, a_body_goes_both_ways_at_once)
