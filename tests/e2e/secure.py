# SPDX-License-Identifier: MIT
"""Shared by the end-to-end tests of TLS: clients, configurations, backends that speak TLS."""
import json
import ssl

from rig import PATIENCE, Backend, ask, connect, receive, same


def trusting(authority, certificate=None, newest=None, oldest=None):
    """What a client trusts and speaks; certificate: of its own."""
    context = ssl.create_default_context(cafile=authority.path)
    if certificate is not None:
        context.load_cert_chain(certificate.cert, certificate.key)
    if newest is not None:
        context.maximum_version = newest
    if oldest is not None:
        context.minimum_version = oldest
    return context


def blind():
    """What a client that verifies nothing trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def secured(address, context, name="a.test", session=None):
    """A connection with TLS."""
    return context.wrap_socket(connect(address), server_hostname=name, session=session)


def request(path="/", host="a.test", headers=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


def ask_securely(address, context, path="/", name="a.test", headers=""):
    with secured(address, context, name) as connection:
        connection.sendall(request(path, name, headers))
        return receive(connection)


def fails(reason, act):
    """Runs act, which must fail by TLS or the loss of the connection, and says so by one of the reasons (alternatives by '|')."""
    try:
        act()
    except (OSError, EOFError) as why:
        said = f"{type(why).__name__}: {why}".lower()
        assert any(each.lower() in said for each in reason.split("|")), f"{said!r} does not say {reason!r}"
        return
    raise AssertionError(f"it has not failed, wanted {reason!r}")


def names_of(connection):
    """The names of the certificate that the server has shown, which was verified."""
    return {name for _, name in connection.getpeercert()["subjectAltName"]}


def listening(*certificates, more=""):
    """A listener with TLS, as the configuration has it."""
    return f"{{address: \"127.0.0.1:0\", tls: {{certificates: [{', '.join(map(str, certificates))}]{more}}}}}"


def metric(weir, name):
    """The value of a sample by its name with labels; the sum of all whose names begin so, if the name ends with '*'."""
    text = ask(weir.address("admin"), "/metrics").body.decode()
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    if name.endswith("*"):
        return sum(float(value) for key, value in samples.items() if key.startswith(name[:-1]))
    return float(samples.get(name, 0))


def stats(weir):
    answer = ask(weir.address("admin"), "/stats")
    same(answer.status, 200)
    return json.loads(answer.body)


class SecureBackend(Backend):
    """A server with TLS on a free port. certificate: of it; client_ca: clients must have a certificate of this authority. What
    clients ask for by SNI is kept in names, and what they do wrong in faults."""

    def __init__(self, handle, certificate, client_ca=None, newest=None):
        self.names, self.faults, self.peers, self.reused = [], [], [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.cert, certificate.key)
        if newest is not None:
            self.context.maximum_version = newest
        if client_ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca.path)
        self.context.sni_callback = lambda connection, name, context: self.names.append(name)
        super().__init__(handle)

    def serve(self, connection):
        with connection:
            try:
                with self.context.wrap_socket(connection, server_side=True) as secure:
                    secure.settimeout(PATIENCE)
                    self.peers.append(secure.getpeercert() or {})
                    self.reused.append(secure.session_reused)
                    self.handle(secure)
            except (OSError, EOFError) as why:
                self.faults.append(str(why))
