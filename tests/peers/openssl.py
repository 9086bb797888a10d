# SPDX-License-Identifier: MIT
"""The commands s_client and s_server of openssl, and a gateway for them."""
import contextlib
import os
import subprocess
import threading

from front import Child, free_port, listens, program
from rig import PATIENCE, until

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


def listener(*certificates, **more):
    """The beginning of a configuration that listens with these certificates, and further keys of tls."""
    return LISTEN.format(certificates=", ".join(map(str, certificates)), more="".join(f", {key}: {value}" for key, value in more.items()))


def get(path="/hello", host="localhost", end=True):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{'Connection: close' if end else 'X-More: 1'}\r\n\r\n".encode()


# ---- openssl s_client ----

def client_command(address, *options):
    return [program("openssl"), "s_client", "-connect", "%s:%d" % address, *map(str, options)]


def asked(address, *options, sent=None, name="localhost", authority=None):
    """Has s_client send a request and wait for the end; returns its exit status and what it says, in any encoding."""
    trust = ["-CAfile", authority.path, "-verify_return_error"] if authority else []
    names = ["-servername", name] if name else ["-noservername"]
    done = subprocess.run(client_command(address, *names, "-ign_eof", *trust, *options), input=get() if sent is None else sent,
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
