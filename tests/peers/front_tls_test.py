#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/front/tls.md and tls-backends.md: a public port with two names, redirects, renewal as certbot does it, partners with certificates, and
backends of an authority of their own."""
import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from front import Child, Page, folder_of, free_port, listens, program, replaced
from authority import Authority
from rig import ROOT, Backend, Weir, answering, ask, run, same, until
from secure import SecureBackend, ask_securely, metric, names_of, request, secured, trusting

with open(os.path.join(ROOT, "docs/front/tls.md"), encoding="utf-8") as page_file:
    PAGE = page_file.read()
NAMES = ("shop.example.com", "api.example.com")


class Certbot:
    """The folder that certbot keeps: live/NAME has links to the latest files in archive/NAME."""

    def __init__(self, folder):
        self.folder, self.count = folder, {}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def archive(self, name, issued):
        """Writes the files of a new certificate."""
        number = self.count[name] = self.count.get(name, 0) + 1
        for kind in ("archive", "live"):
            os.makedirs(self.path(kind, name), exist_ok=True)
        shutil.copyfile(issued.key, self.path("archive", name, f"privkey{number}.pem"))
        shutil.copyfile(issued.cert, self.path("archive", name, f"fullchain{number}.pem"))

    def link(self, name, file):
        """Has a link lead to the latest file, in two steps."""
        link = self.path("live", name, file + ".pem")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(link)
        os.symlink(f"../../archive/{name}/{file}{self.count[name]}.pem", link)


@contextlib.contextmanager
def public(authority, partners):
    """The gateway of the page, with what stands behind it."""
    ports = {number: free_port() for number in (80, 443, 8443)}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bot = Certbot(folder)
        for name in NAMES:
            bot.archive(name, authority.issue(name))
            bot.link(name, "privkey")
            bot.link(name, "fullchain")
        requests = []
        behind = {port: stack.enter_context(Backend(answering(body=b'"%d"' % port, requests=requests))).port for port in (3000, 3001, 8402)}
        config = replaced(Page("tls").configuration, {
            "/etc/letsencrypt": folder, "/etc/weir/partners.pem": partners.path, "127.0.0.1:8081": "127.0.0.1:0",
            "- 0.0.0.0:80\n": f"- 127.0.0.1:{ports[80]}\n", "address: 0.0.0.0:443\n": f"address: 127.0.0.1:{ports[443]}\n",
            "address: 0.0.0.0:8443 ": f"address: 127.0.0.1:{ports[8443]} ",
            **{f"127.0.0.1:{number}": f"127.0.0.1:{port}" for number, port in behind.items()}})
        weir = stack.enter_context(Weir("serve", config=config))
        weir.address() # runs
        weir.bot, weir.requests = bot, requests
        weir.plain, weir.secure, weir.partners = (("127.0.0.1", ports[number]) for number in (80, 443, 8443))
        yield weir


def http_leads_to_https():
    with Authority() as authority, public(authority, authority) as weir:
        answer = ask(weir.plain, "/a%20b?c=d", host=NAMES[0])
        same((answer.status, answer.headers["location"]), (308, f"https://{NAMES[0]}/a%20b?c=d"))
        assert "strict-transport-security" not in answer.headers, answer.headers
        answer = ask(weir.plain, "/.well-known/acme-challenge/token", host=NAMES[0])
        same((answer.status, answer.body), (200, b'"8402"'))
        same(weir.requests.pop()[0].split("\r\n")[0], "GET /.well-known/acme-challenge/token HTTP/1.1")


def certificate(weir, context, name):
    with secured(weir.secure, context, name) as connection:
        return names_of(connection)


def each_name_has_its_certificate():
    with Authority() as authority, public(authority, authority) as weir:
        context = trusting(authority)
        for name, body in zip(NAMES, (b'"3000"', b'"3001"')):
            answer = ask_securely(weir.secure, context, name=name)
            same((answer.status, answer.body), (200, body))
            same(certificate(weir, context, name), {name})
            same(answer.headers["strict-transport-security"], "max-age=31536000")
            head = weir.requests.pop()[0].lower()
            assert "x-forwarded-proto: https\r\n" in head and f"host: {name}\r\n" in head, head
        context.check_hostname = False
        same(certificate(weir, context, "other.example.com"), {NAMES[0]})


def renewal_as_certbot_does_it():
    """Key and certificate are replaced one after the other: in between, what was there stays in use. Connections stay."""
    with Authority() as authority, Authority("Of the new one") as newer, public(authority, authority) as weir:
        old, new = trusting(authority), trusting(newer)

        def is_old(name=NAMES[0]):
            with contextlib.suppress(ssl.SSLCertVerificationError):
                return ask_securely(weir.secure, old, name=name).status == 200
        with secured(weir.secure, old, NAMES[0]) as kept:
            weir.bot.archive(NAMES[0], newer.issue(NAMES[0]))
            os.unlink(weir.bot.path("live", NAMES[0], "privkey.pem")) # and certbot is slow
            until("the missing key is said", lambda: is_old() and said(weir, "privkey.pem"))
            weir.bot.link(NAMES[0], "privkey")
            count = said(weir, "privkey.pem")
            until("that the key does not fit is said", lambda: is_old() and said(weir, "pem") > count)
            weir.bot.link(NAMES[0], "fullchain")
            until("the new one is used", lambda: not is_old())
            same(certificate(weir, new, NAMES[0]), {NAMES[0]})
            same(is_old(NAMES[1]), True)
            kept.sendall(request("/", NAMES[0]))
            assert kept.recv(100).startswith(b"HTTP/1.1 200"), "the connection of before was closed"


def said(weir, text):
    """How many warnings have this text."""
    return len([line for line in weir.lines if line and line.split()[1:2] in (["warn"], ["error"]) and text in line])


def partners_have_certificates():
    with Authority() as authority, Authority("Partners") as partners, public(authority, partners) as weir:
        own = partners.issue("partner.test", subject="/O=Partner/CN=partner.test")
        same(ask_securely(weir.partners, trusting(authority, own), name=NAMES[1]).status, 200)
        for wrong in (None, authority.issue("partner.test")):
            try:
                ask_securely(weir.partners, trusting(authority, wrong), name=NAMES[1])
                raise AssertionError("was answered")
            except (ssl.SSLError, ConnectionResetError, BrokenPipeError, EOFError) as refusal:
                assert not isinstance(refusal, ssl.SSLError) or re.search("CERTIFICATE_REQUIRED|UNKNOWN_CA|EOF", str(refusal)), refusal
        same(len(weir.requests), 1)


def metrics_tell_of_it():
    with Authority() as authority, public(authority, authority) as weir:
        context = trusting(authority)
        for _ in range(3):
            same(ask_securely(weir.secure, context, name=NAMES[0]).status, 200)
        try:
            ask_securely(weir.secure, context, name="other.example.com")
            raise AssertionError("the name is not checked")
        except ssl.SSLCertVerificationError:
            pass
        listener = 'listener="%s:%d"' % weir.secure

        until("the handshakes are counted", lambda: metric(weir, f"weir_tls_handshakes_total{{{listener}}}") >= 3)
        page = ask(weir.address("admin"), "/metrics").body.decode()
        lasts = [float(value) for value in re.findall(rf"weir_tls_certificate_not_after_seconds{{{listener},names=\"\S+\",cert=\"\S+\"}} (\S+)", page)]
        assert len(lasts) == 2 and all(29 * 86400 < last - time.time() < 31 * 86400 for last in lasts), page
        for name in set(re.findall(r"weir_tls_\w+", Page("tls").files["alerts.yml"])) | set(re.findall(r"`(weir_tls_\w+)", PAGE)):
            assert re.search(rf"^{name}\{{.*{listener}", page, re.M), name


def alerts_are_rules_for_prometheus():
    with folder_of({"alerts.yml": Page("tls").files["alerts.yml"]}) as folder:
        done = subprocess.run([program("promtool", "prometheus"), "check", "rules", os.path.join(folder, "alerts.yml")], capture_output=True, text=True)
        same(done.returncode, 0, done.stdout + done.stderr)
        assert "3 rules found" in done.stdout, done.stdout


# ---- tls-backends.md ----

@contextlib.contextmanager
def dns(**names):
    """A DNS server that knows these names."""
    port = free_port()
    records = [f"--host-record={name},127.0.0.1" for name in names]
    with Child(program("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces",
               "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=", "--group=", "--pid-file=", "--log-facility=-", *records,
               ready=lambda: listens(port)):
        yield port


def over_tls(issued, text, client_authority=None):
    return SecureBackend(answering(body=json.dumps(text).encode()), issued, client_authority)


def backends_of_a_cloud_and_internal_ones():
    with Authority("Public") as public_one, Authority("Internal") as internal, contextlib.ExitStack() as stack:
        own, port = internal.issue("gateway.internal"), {}
        for name, backend in (("https://api.payments.example", over_tls(public_one.issue("api.payments.example"), "payments")),
                              ("https://ledger-1.internal:8443", over_tls(internal.issue("ledger-1.internal"), "ledger", internal)),
                              ("https://ledger-2.internal:8443", over_tls(internal.issue("ledger-2.internal"), "ledger", internal)),
                              ("https://127.0.0.1:9443", over_tls(internal.issue("archive.internal"), "archive"))):
            port[name] = stack.enter_context(backend).port
        names = stack.enter_context(dns(**{"api.payments.example": 1, "ledger-1.internal": 1, "ledger-2.internal": 1}))
        config = Page("tls-backends").configured(**{"127.0.0.1:8081": "127.0.0.1:0", "/etc/weir/internal-ca.pem": internal.path,
                                                    "/etc/weir/gateway.pem": own.cert, "/etc/weir/gateway.key": own.key,
                                                    **{f'"{name}"': f'"{name.rsplit(":", 1)[0] if name[-1].isdigit() else name}:{number}"'
                                                       for name, number in port.items()}})
        weir = stack.enter_context(Weir("serve", config=f'resolver: {{servers: ["127.0.0.1:{names}"]}}\n' + config,
                                        env={"SSL_CERT_FILE": public_one.path}))
        for path, wanted in (("/pay/x", "payments"), ("/ledger/x", "ledger"), ("/archive/x", "archive")):
            for _ in range(4):
                answer = ask(weir.address(), path)
                same((answer.status, answer.body), (200, json.dumps(wanted).encode()), path)
        same(json.loads(ask(weir.address(), "/account/7").body),
             {"balance": {"status": 200, "body": "ledger"}, "cards": {"status": 200, "body": "payments"}})


run(http_leads_to_https, each_name_has_its_certificate, renewal_as_certbot_does_it, partners_have_certificates, metrics_tell_of_it,
    alerts_are_rules_for_prometheus, backends_of_a_cloud_and_internal_ones)
