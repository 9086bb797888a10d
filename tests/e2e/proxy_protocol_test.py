#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The PROXY protocol in front of listeners: both versions, what is refused, and where the address of the client shows."""
import re
import socket
import struct

from authority import Authority
from rig import Backend, Weir, answering, connect, descriptors, receive, run, same, until
from secure import request, trusting

AUTHORITY = Authority()
SHOP = AUTHORITY.issue("a.test")
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v1(client="203.0.113.7", family="TCP4"):
    return f"PROXY {family} {client} {'192.0.2.1' if family == 'TCP4' else '2001:db8::1'} 40000 443\r\n".encode()


def v2(client="203.0.113.7", command=0x21, more=b""):
    family, protocol = (socket.AF_INET6, 0x21) if ":" in client else (socket.AF_INET, 0x11)
    addresses = socket.inet_pton(family, client) + socket.inet_pton(family, "2001:db8::1" if ":" in client else "192.0.2.1") + struct.pack(">HH", 40000, 443) + more
    return SIGNATURE + bytes([command, protocol]) + struct.pack(">H", len(addresses)) + addresses


def config(port, tls="", more=""):
    return f"""
listen: {{address: "127.0.0.1:0", proxy_protocol: true{tls}}}
admin: 127.0.0.1:0
{more}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{port}"}}}}
"""


class Behind:
    """A gateway behind a proxy, and the heads that its backend gets."""

    def __init__(self, tls="", more=""):
        self.heads = []
        self.backend = Backend(answering(requests=self.heads))
        self.weir = Weir("serve", config=config(self.backend.port, tls, more))

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.weir.__exit__(*problem)
        self.backend.__exit__(*problem)

    def asked(self, header, secure=False):
        """What a request behind this header shows to the backend: address and scheme."""
        with connect(self.weir.address()) as connection:
            connection.sendall(header)
            if secure:
                connection = trusting(AUTHORITY).wrap_socket(connection, server_hostname="a.test")
            connection.sendall(request("/x"))
            same(receive(connection).status, 200)
            if secure:
                connection.close()
        head = self.heads[-1][0].lower()
        return re.search(r"x-forwarded-for: (\S+)", head)[1], re.search(r"x-forwarded-proto: (\S+)", head)[1]

    def is_broken_off(self, sent):
        with connect(self.weir.address()) as connection:
            try:
                connection.sendall(sent)
                same(connection.recv(1), b"", sent)
            except (ConnectionResetError, BrokenPipeError):
                pass


def the_address_of_the_client_is_that_of_the_header():
    with Behind() as behind:
        for header, wanted in ((v1(), "203.0.113.7"), (v2(), "203.0.113.7"), (v1("2001:db8::7", "TCP6"), "2001:db8::7"), (v2("2001:db8::7"), "2001:db8::7"),
                               (v2(more=b"\x04\x00\x02ab"), "203.0.113.7"), # TLVs are skipped
                               (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (v2(command=0x20), "127.0.0.1")): # the proxy's own checks
            same(behind.asked(header), (wanted, "http"), header)
        behind.weir.wait_for("peer=203\\.0\\.113\\.7|client=203\\.0\\.113\\.7|203\\.0\\.113\\.7")


def tls_begins_behind_the_header():
    with Behind(tls=f", tls: {{certificates: [{SHOP}]}}") as behind:
        same(behind.asked(v1(), secure=True), ("203.0.113.7", "https"))
        same(behind.asked(v2("2001:db8::7"), secure=True), ("2001:db8::7", "https"))


def without_a_header_connections_are_broken_off():
    with Behind() as behind:
        for sent in (request("/x"), b"PROXY TCP4 203.0.113.7\r\n", b"PROXY TCP4 203.0.113.7 192.0.2.1 40000 70000\r\n", b"PROXY TCP4 a b 1 2\r\n",
                     b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n" + request("/x"), b"PROXY " + b"x" * 200, SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12,
                     SIGNATURE + b"\x21\x11\x00\x04abcd", bytes(range(256)), b"\x16\x03\x01\x02\x00\x01"):
            behind.is_broken_off(sent)
        same(behind.heads, [])
        same(behind.asked(v1()), ("203.0.113.7", "http"))


def a_header_may_come_byte_by_byte():
    with Behind() as behind:
        for header in (v1(), v2()):
            with connect(behind.weir.address()) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(len(header)):
                    connection.sendall(header[at:at + 1])
                connection.sendall(request("/x"))
                same(receive(connection).status, 200)
            assert "x-forwarded-for: 203.0.113.7" in behind.heads[-1][0].lower(), behind.heads[-1]


def a_header_that_never_ends_is_timed_out():
    with Behind(more="limits: {head_timeout: 100ms}") as behind:
        before = descriptors(behind.weir)
        for sent in (b"", b"PROXY TCP4 203", SIGNATURE):
            with connect(behind.weir.address()) as connection:
                connection.sendall(sent)
                try:
                    while connection.recv(100):
                        pass
                except ConnectionResetError:
                    pass
        until("all are closed", lambda: descriptors(behind.weir) <= before)


def limits_count_the_client_of_the_header():
    with Behind(more="limits: {connections_per_client: 1}") as behind:
        with connect(behind.weir.address()) as first, connect(behind.weir.address()) as other:
            for connection, client in ((first, "203.0.113.7"), (other, "203.0.113.8")):
                connection.sendall(v1(client) + request("/x"))
                same(receive(connection).status, 200)
            with connect(behind.weir.address()) as third:
                third.sendall(v1() + request("/x"))
                same(receive(third).status, 503)


run(the_address_of_the_client_is_that_of_the_header, tls_begins_behind_the_header, without_a_header_connections_are_broken_off,
    a_header_may_come_byte_by_byte, a_header_that_never_ends_is_timed_out, limits_count_the_client_of_the_header)
