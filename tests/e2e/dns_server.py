# SPDX-License-Identifier: MIT
"""A DNS server on loopback for the tests of names: a table of names, which a test may change while it runs."""
import socket
import struct
import threading

A, SOA, AAAA = 1, 6, 28
SERVFAIL, NO_NAME = 2, 3


def read_name(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii").lower())
        at += 1 + data[at]
    return ".".join(labels), at + 1


class DnsServer:
    """names: {name: address, list of addresses, or one of "silent" and "servfail"}; a name that is missing does not exist."""

    def __init__(self, names, ttl=60, delay=0):
        self.names, self.ttl, self.delay, self.asked = dict(names), ttl, delay, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                data, sender = self.socket.recvfrom(2000)
            except OSError:
                return
            reply = self.answer(data)
            if reply and self.delay:
                threading.Timer(self.delay, self.send, (reply, sender)).start()
            elif reply:
                self.send(reply, sender)

    def send(self, reply, sender):
        try:
            self.socket.sendto(reply, sender)
        except OSError:
            pass # the server was closed

    def answer(self, data):
        name, at = read_name(data, 12)
        kind = struct.unpack_from(">H", data, at)[0]
        question = data[12:at + 4]
        found = self.names.get(name)
        self.asked.append((name, kind))
        if found == "silent":
            return None
        family = socket.AF_INET if kind == A else socket.AF_INET6
        addresses = [] if found in (None, "servfail") else [found] if isinstance(found, str) else found
        records = [socket.inet_pton(family, each) for each in addresses if (":" in each) == (kind == AAAA)]
        code = SERVFAIL if found == "servfail" else NO_NAME if found is None else 0
        body = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, self.ttl, len(each)) + each for each in records)
        return data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question + body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close() # the thread may stay in its call, for nobody
