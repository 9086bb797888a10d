#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/front/proxy-protocol.md: behind HAProxy and nginx that pass on bytes with a header of the PROXY protocol, with TLS and without; and headers
as clouds send them."""
import contextlib
import os
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from front import Child, Page, folder_of, free_port, listens, program, replaced
from nginx import NGINX
from authority import Authority
from rig import PATIENCE, Backend, Weir, answering, connect, receive, run, same
from secure import ask_securely, trusting

PAGE = Page("proxy-protocol")
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@contextlib.contextmanager
def gateway(requests):
    """The gateway of the page, with its addresses: secure and plain."""
    with Authority() as authority, Backend(answering(requests=requests)) as backend:
        issued, ports = authority.issue("localhost"), [free_port(), free_port()]
        config = replaced(PAGE.configuration, {
            "127.0.0.1:8443": f"127.0.0.1:{ports[0]}", "127.0.0.1:8080": f"127.0.0.1:{ports[1]}", "127.0.0.1:8081": "127.0.0.1:0",
            "/etc/weir/shop.pem": issued.cert, "/etc/weir/shop.key": issued.key, "127.0.0.1:3000": f"127.0.0.1:{backend.port}"})
        with Weir("serve", config=config) as weir:
            weir.authority, weir.secure, weir.plain = authority, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1])
            weir.address() # runs
            yield weir


@contextlib.contextmanager
def haproxy(behind, sends="send-proxy-v2 check"):
    port = free_port()
    text = replaced(PAGE.files["haproxy.cfg"], {":443": f"127.0.0.1:{port}", "127.0.0.1:8443 send-proxy-v2 check": "%s:%d %s" % (*behind, sends)})
    with folder_of({"haproxy.cfg": text}) as folder, \
            Child(program("haproxy"), "-db", "-f", os.path.join(folder, "haproxy.cfg"), ready=lambda: listens(port)):
        yield "127.0.0.1", port


@contextlib.contextmanager
def nginx(behind):
    port = free_port()
    assert NGINX and os.path.exists(STREAM), "nginx's stream module is not installed (Debian package libnginx-mod-stream)"
    text = replaced(PAGE.files["nginx.conf"], {"listen 443": f"listen 127.0.0.1:{port}", "127.0.0.1:8443": "%s:%d" % behind})
    with folder_of({}) as folder:
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"load_module {STREAM}; daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{ }}\n{text}")
        with Child(NGINX, "-e", "stderr", "-c", path, ready=lambda: listens(port)):
            yield "127.0.0.1", port


def client_of(requests):
    """The client's address as the backend was told it."""
    head = requests.pop()[0].lower()
    return head.split("x-forwarded-for: ")[1].split("\r\n")[0], head.split("x-forwarded-proto: ")[1].split("\r\n")[0]


def from_address(address, front):
    """A connection to a front from an address of this machine."""
    connection = socket.create_connection(front, PATIENCE, source_address=(address, 0))
    connection.settimeout(PATIENCE)
    return connection


def asked_from(address, front, context=None):
    with from_address(address, front) as plain, contextlib.ExitStack() as stack:
        connection = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost")) if context else plain
        for _ in range(2): # the second request has the same address
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            same(receive(connection).status, 200)


def behind_both_with_tls_and_without():
    requests = []
    with gateway(requests) as weir:
        for proxy in (haproxy, lambda behind: haproxy(behind, "send-proxy"), nginx):
            with proxy(weir.secure) as front:
                asked_from("127.0.0.77", front, trusting(weir.authority))
                same((client_of(requests), client_of(requests)), (("127.0.0.77", "https"),) * 2)
            with proxy(weir.plain) as front:
                asked_from("127.0.0.78", front)
                same((client_of(requests), client_of(requests)), (("127.0.0.78", "http"),) * 2)
        weir.wait_for(r"peer=127\.0\.0\.77:\d+")


def checks_of_haproxy_are_no_faults():
    """A check connects, says in a header that nobody is behind it, and closes."""
    with gateway([]) as weir, haproxy(weir.secure, "send-proxy-v2 check inter 50ms") as front:
        for _ in range(5):
            same(ask_securely(front, trusting(weir.authority), name="localhost").status, 200)
            with contextlib.suppress(subprocess.TimeoutExpired):
                weir.process.wait(0.2)
        assert not [line for line in weir.lines if line and line.split()[1:2] in (["warn"], ["error"]) and " loop " not in line], weir.lines


def header(command=1, family=0x11, content=None, more=b""):
    """A header of version 2, of a client 192.0.2.7:4711."""
    if content is None:
        content = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 4711, 443)
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(content + more)) + content + more


def said_first(weir, first, wanted):
    with connect(weir.plain) as connection:
        connection.sendall(first + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        try:
            answer = receive(connection)
        except (EOFError, ConnectionResetError):
            answer = None
    same(answer and answer.status, wanted, first)


def headers_of_clouds_and_wrong_ones():
    requests = []
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("!HH", 4711, 443)
    endpoint = b"\xea" + struct.pack("!H", 23) + b"\x01vpce-0123456789abcdef0"[:23]
    with gateway(requests) as weir:
        for first, client in ((header(), "192.0.2.7"), (header(more=endpoint), "192.0.2.7"), (header(family=0x21, content=six), "2001:db8::7"),
                              (header(command=0, family=0, content=b""), "127.0.0.1"), (b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", "192.0.2.7"),
                              (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "2001:db8::7"), (b"PROXY UNKNOWN\r\n", "127.0.0.1")):
            said_first(weir, first, 200)
            same(client_of(requests)[0].strip('"[]'), client, first)
        for first in (b"", b"PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n", b"PROXY TCP4 300.0.2.7 192.0.2.1 4711 443\r\n", b"proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n",
                      SIGNATURE + b"\x31\x11\0\x0c" + bytes(12), SIGNATURE + b"\x21\x11\0\x04" + bytes(4), b"PROXY TCP4 " + b"1" * 120 + b"\r\n",
                      header() + header()):
            said_first(weir, first, 400 if first == header() * 2 else None)
        same(requests, [])
        same(ask_behind(weir, "192.0.2.8"), 200)


def ask_behind(weir, client):
    with connect(weir.secure) as plain:
        plain.sendall(b"PROXY TCP4 %s 192.0.2.1 4711 443\r\n" % client.encode())
        with trusting(weir.authority).wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return receive(connection).status


def curl_sends_one():
    with gateway([]) as weir:
        done = subprocess.run([program("curl"), "-sS", "--haproxy-protocol", "-o", os.devnull, "-w", "%{http_code}", "http://%s:%d/" % weir.plain],
                              capture_output=True, text=True, timeout=PATIENCE)
        same((done.returncode, done.stdout), (0, "200"), done.stderr)
        done = subprocess.run([program("curl"), "-sS", "--haproxy-protocol", "--cacert", weir.authority.path, "-o", os.devnull, "-w", "%{http_code}",
                               "https://localhost:%d/" % weir.secure[1]], capture_output=True, text=True, timeout=PATIENCE)
        same((done.returncode, done.stdout), (0, "200"), done.stderr)


run(behind_both_with_tls_and_without, checks_of_haproxy_are_no_faults, headers_of_clouds_and_wrong_ones, curl_sends_one)
