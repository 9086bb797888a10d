# SPDX-License-Identifier: MIT
"""Shared by the tests of TLS: the commands s_client and s_server of openssl, and requests over TLS by Python's ssl."""
import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from front import Child, free_port, listens, program
from rig import PATIENCE, receive, until

LISTEN = """
listen:
  - {{address: "127.0.0.1:0", tls: {{certificates: [{certificates}]{more}}}}}
admin: 127.0.0.1:0
"""
ROUTES = """
limits: {body: 64KiB}
pools: {compute: {wait: 10m}}
routes:
  - {path: /hello, respond: {body: "Hello, World!"}}
  - {path: /sleep, sleep: {for: 20ms}}
  - {path: /hash, hash: {algorithm: sha256}, limits: {body: 64MiB}}
  - {path: /small, hash: {algorithm: sha256}}
"""


def listening(*certificates, **more):
    """The beginning of a configuration that listens with these certificates, and further keys of tls."""
    return LISTEN.format(certificates=", ".join(map(str, certificates)), more="".join(f", {key}: {value}" for key, value in more.items()))


def request(path="/hello", host="localhost", end=True):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{'Connection: close' if end else 'X-More: 1'}\r\n\r\n".encode()


# ---- openssl s_client ----

def client_command(address, *options):
    return [program("openssl"), "s_client", "-connect", "%s:%d" % address, *map(str, options)]


def asked(address, *options, sent=None, name="localhost", authority=None):
    """Has s_client send a request and wait for the end; returns its exit status and what it says, in any encoding."""
    trust = ["-CAfile", authority.path, "-verify_return_error"] if authority else []
    names = ["-servername", name] if name else ["-noservername"]
    done = subprocess.run(client_command(address, *names, "-ign_eof", *trust, *options), input=request() if sent is None else sent,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.returncode, done.stdout.decode("latin-1")


class Typing:
    """s_client as a person uses it: a line beginning with R renegotiates, with K updates keys, with Q ends."""

    def __init__(self, address, *options):
        self.child = subprocess.Popen(client_command(address, "-servername", "localhost", *options), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.before = self.see("Verify return code", "errno")

    def read(self):
        while piece := os.read(self.child.stdout.fileno(), 65536):
            self.said += piece

    def text(self):
        return self.said.decode("latin-1")

    def see(self, *texts):
        """Waits until one of the texts has been said, or it has ended; returns what is said since the last call."""
        until(f"{texts} in {self.text()}", lambda: any(text in self.text() for text in texts) or not self.reader.is_alive())
        said, self.said = self.text(), b""
        return said

    def type(self, text):
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(text if isinstance(text, bytes) else text.encode())
            self.child.stdin.flush()

    def ended(self):
        """Waits for its end; returns its exit status and the rest of what it said."""
        code = self.child.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code, self.text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.reader.join(PATIENCE)
        self.child.stdin.close()
        self.child.stdout.close()


# ---- openssl s_server, which answers GET with a page about the connection ----

@contextlib.contextmanager
def server(issued, *options):
    """Runs s_server; gives the child, with its port."""
    port = free_port()
    with Child(program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", issued.cert, "-key", issued.key, "-cert_chain", issued.cert,
               "-www", *options, ready=lambda: listens(port)) as child:
        child.port = port
        yield child


# ---- Python ----

def trusting(authority, own=None, **changes):
    """A context of Python's that trusts an authority alone. own: a certificate of the client."""
    context = ssl.create_default_context(cafile=authority.path)
    if own:
        context.load_cert_chain(own.cert, own.key)
    for name, value in changes.items():
        setattr(context, name, value)
    return context


@contextlib.contextmanager
def secured(address, context, name="localhost", session=None):
    """A connection after its handshake."""
    with socket.create_connection(address, PATIENCE) as plain, context.wrap_socket(plain, server_hostname=name, session=session) as connection:
        yield connection


def ask_over_tls(address, context, path="/hello", name="localhost", method="GET", headers=(), body=b""):
    with secured(address, context, name) as connection:
        fields = "".join(f"{key}: {value}\r\n" for key, value in headers) + (f"Content-Length: {len(body)}\r\n" if body else "")
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {name}\r\n{fields}\r\n".encode() + body)
        answer = receive(connection, method)
        answer.names = [value for _, value in connection.getpeercert()["subjectAltName"]]
        return answer


def metric(text, name):
    """The value of a metric, by its name with labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    assert found, f"no {name} in {text}"
    return float(found[1])
