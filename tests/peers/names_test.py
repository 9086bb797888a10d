#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names asked of dnsmasq: addresses, aliases, an answer that only TCP can carry, names that do not exist, and a server that ends
and comes back with other addresses."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from front import program  # noqa: E402
from rig import Backend, PATIENCE, Weir, ask, run, same, sending, until  # noqa: E402

MANY = 60
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\"one\""


def free_port():
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


class Dnsmasq:
    def __init__(self, port, *options):
        self.process = subprocess.Popen(
            [program("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
             "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", "--local=/test/", "--log-facility=-", *options],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "started" in line:
                return
        raise AssertionError("dnsmasq did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.process.stderr.close()


def config(port, **urls):
    calls = "".join(f"        - {{name: {name}, url: '{url}'}}\n" for name, url in urls.items())
    return (f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\nresolver: {{servers: ['127.0.0.1:{port}'], timeout: 2s}}\n"
            f"routes:\n  - path: /x\n    gather:\n      deadline: 50s\n      require: none\n      detail: true\n      calls:\n{calls}")


def dnsmasq_is_understood():
    port = free_port()
    many = [f"--host-record=many.test,127.0.0.{i + 1}" for i in range(MANY)]
    with Backend(sending(BODY)) as backend, \
            Dnsmasq(port, "--host-record=svc.test,127.0.0.1", "--cname=alias.test,svc.test", "--edns-packet-max=512", *many), \
            Weir("serve", config=config(port, there=f"http://svc.test:{backend.port}/", alias=f"http://alias.test:{backend.port}/",
                                        many=f"http://many.test:{backend.port}/", gone=f"http://gone.test:{backend.port}/")) as weir:
        said = json.loads(ask(weir.address(), "/x").body)
        for name in ("there", "alias"):
            same(said[name].get("body"), "one", said)
        # of so many addresses 16 are tried, and the backend listens on one
        assert said["many"].get("body") == "one" or said["many"]["error"] == "connect failed", said
        same(said["gone"]["detail"], "no such name", said)


def a_server_ends_and_comes_back():
    port = free_port()
    with Backend(sending(BODY)) as backend, contextlib.ExitStack() as stack:
        with Dnsmasq(port, "--host-record=svc.test,127.0.0.1,1"):
            weir = stack.enter_context(Weir("serve", config=config(port, a=f"http://svc.test:{backend.port}/")))
            same(json.loads(ask(weir.address(), "/x").body)["a"].get("body"), "one")
        end = time.monotonic() + 3 # by the old address, past its time
        while time.monotonic() < end:
            same(json.loads(ask(weir.address(), "/x").body)["a"].get("body"), "one")
        with Dnsmasq(port, "--host-record=svc.test,127.0.0.9,1"): # where nobody listens
            until("the new address", lambda: json.loads(ask(weir.address(), "/x").body)["a"].get("error") == "connect failed")


run(dnsmasq_is_understood, a_server_ends_and_comes_back)
