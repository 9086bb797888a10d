#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""https as clients see it: names, versions, certificates of clients, renewal, redirects, plain HTTP on the port of TLS."""
import json
import os
import re
import ssl
import subprocess
import tempfile

from authority import Authority
from rig import WEIR, Backend, Weir, answering, ask, connect, receive, run, same, until
from secure import ask_securely, blind, fails, listening, metric, names_of, request, secured, stats, trusting

ROUTES = """
admin: 127.0.0.1:0
loops: 2
routes:
  - {path: /hello, respond: {body: "Hello, World!"}}
  - {path: /hsts, headers: {response: {set: {Strict-Transport-Security: "max-age=63072000"}}}, respond: {body: x}}
"""
AUTHORITY, OTHER = Authority(), Authority("Other authority")
SHOP, WILD, RSA = AUTHORITY.issue("a.test"), AUTHORITY.issue("*.b.test", "b.test"), AUTHORITY.issue("a.test", key="rsa")
CLIENT, STRANGER = AUTHORITY.issue(subject="/O=Example/CN=billing"), OTHER.issue(subject="/CN=stranger")


def serving(*certificates, more="", routes=ROUTES):
    return Weir("serve", config=f"listen: {listening(*certificates, more=more)}\n{routes}")


def names_choose_the_certificate():
    with serving(SHOP, WILD) as weir:
        for name, wanted in (("a.test", {"a.test"}), ("x.b.test", {"*.b.test", "b.test"}), ("b.test", {"*.b.test", "b.test"}), ("A.TEST", {"a.test"})):
            with secured(weir.address(), trusting(AUTHORITY), name) as connection:
                same((connection.version(), names_of(connection)), ("TLSv1.3", wanted))
                for _ in range(2): # the connection is kept
                    connection.sendall(request("/hello", name))
                    answer = receive(connection)
                    same((answer.status, answer.body), (200, b"Hello, World!"))
        fails("match|mismatch", lambda: secured(weir.address(), trusting(AUTHORITY), "y.x.b.test")) # a star is one label; the first is shown
        fails("self-signed|issuer", lambda: secured(weir.address(), trusting(OTHER)))


def curl_is_content():
    with serving(SHOP) as weir:
        host, port = weir.address()
        done = subprocess.run(["curl", "-sS", "--cacert", AUTHORITY.path, "--resolve", f"a.test:{port}:{host}", "-w", " %{http_code} %{http_version} %{ssl_verify_result}",
                               f"https://a.test:{port}/hello"], capture_output=True, text=True, timeout=60)
        same((done.stdout, done.stderr), ("Hello, World! 200 1.1 0", ""))


def versions_are_as_configured():
    with serving(SHOP, more=", min: 1.3") as weir:
        same(ask_securely(weir.address(), trusting(AUTHORITY), "/hello").status, 200)
        fails("version", lambda: secured(weir.address(), trusting(AUTHORITY, newest=ssl.TLSVersion.TLSv1_2)))
        until("the failure is counted", lambda: metric(weir, "weir_tls_failures_total{reason=\"version\"*") == 1)
    with serving(SHOP, RSA) as weir:
        with secured(weir.address(), trusting(AUTHORITY, newest=ssl.TLSVersion.TLSv1_2)) as connection:
            same(connection.version(), "TLSv1.2")
            connection.sendall(request("/hello"))
            same(receive(connection).status, 200)


def protocols_are_agreed_on():
    with serving(SHOP) as weir:
        for offered, wanted in ((["h2", "http/1.1"], "http/1.1"), (["http/1.0"], "http/1.0"), ([], None)):
            context = trusting(AUTHORITY)
            if offered:
                context.set_alpn_protocols(offered)
            with secured(weir.address(), context) as connection:
                same(connection.selected_alpn_protocol(), wanted)
        context = trusting(AUTHORITY)
        context.set_alpn_protocols(["h2"])
        fails("alert", lambda: secured(weir.address(), context))


def clients_show_their_certificates():
    def asked(context):
        return ask_securely(weir.address(), context, "/hello").status
    with serving(SHOP, more=f", client_ca: {AUTHORITY.path}") as weir:
        same(asked(trusting(AUTHORITY, CLIENT)), 200)
        refused = "alert|reset|closed|eof|pipe" # the server may have closed before its alert is read
        fails(refused, lambda: asked(trusting(AUTHORITY)))
        fails(refused, lambda: asked(trusting(AUTHORITY, STRANGER)))
        until("both are counted", lambda: metric(weir, "weir_tls_failures_total{reason=\"none\"*") == 1 and
              metric(weir, "weir_tls_failures_total{reason=\"authority\"*") == 1)
        same(asked(trusting(AUTHORITY, CLIENT)), 200)


def backends_learn_whose_certificate_it_is():
    """The subject of the client's certificate in a header; one that the client sends itself is replaced. Sessions keep it."""
    heads = []
    with Backend(answering(requests=heads)) as backend, serving(SHOP, more=f", client_ca: {AUTHORITY.path}", routes=f"""
routes:
  - {{path: /*, headers: {{request: {{set: {{X-Client-Cert: "{{client_cert}}"}}}}}}, proxy: {{to: "http://127.0.0.1:{backend.port}"}}}}
""") as weir:
        context, session = trusting(AUTHORITY, CLIENT), None
        for resumed in (False, True):
            with secured(weir.address(), context, session=session) as connection:
                connection.sendall(request("/x", headers="X-Client-Cert: CN=root\r\n"))
                same(receive(connection).status, 200)
                same(connection.session_reused, resumed)
                session = connection.session
            head = heads[-1][0].lower()
            assert "x-client-cert: cn=billing,o=example\r\n" in head and "cn=root" not in head and "x-forwarded-proto: https" in head, head
    with Backend(answering(requests=heads)) as backend, Weir("serve", config=f"""
listen: 127.0.0.1:0
routes:
  - {{path: /*, headers: {{request: {{set: {{X-Client-Cert: "{{client_cert}}"}}}}}}, proxy: {{to: "http://127.0.0.1:{backend.port}"}}}}
""") as weir:
        same(ask(weir.address(), "/x", headers=[("X-Client-Cert", "CN=root")]).status, 200)
        assert "x-client-cert: \r\n" in heads[-1][0].lower(), heads[-1]


def sessions_are_resumed():
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with serving(SHOP) as weir:
            context = trusting(AUTHORITY, newest=newest)
            with secured(weir.address(), context) as connection:
                connection.sendall(request("/hello"))
                same((receive(connection).status, connection.session_reused), (200, False)) # tickets of TLS 1.3 come with it
                session = connection.session
            for _ in range(6): # on whichever loop
                with secured(weir.address(), context, session=session) as connection:
                    connection.sendall(request("/hello"))
                    same((receive(connection).status, connection.session_reused), (200, True))
            until("all are counted", lambda: metric(weir, "weir_tls_handshakes_total*") == 7)
            same(metric(weir, "weir_tls_resumed_total*"), 6)


# ---- certificates that change ----

def certificates_are_renewed_while_it_runs():
    with Authority() as authority:
        mine = authority.issue("a.test")

        def shown():
            with secured(weir.address(), trusting(authority)) as connection:
                return connection.getpeercert()["serialNumber"]

        with serving(mine, more=", recheck: 10ms") as weir:
            before = shown()
            kept = secured(weir.address(), trusting(authority)) # goes on with the old one
            mine.replace(authority.issue("a.test", "new.test"))
            until("the new one is shown", lambda: shown() != before)
            kept.sendall(request("/hello"))
            same(receive(kept).status, 200)
            kept.close()
            until("it is on the page", lambda: "new.test" in stats(weir)["tls"][0]["certificates"][0]["names"])


def a_broken_renewal_keeps_the_old_certificate():
    with Authority() as authority:
        mine, other = authority.issue("a.test"), authority.issue("a.test")
        with serving(mine, more=", recheck: 10ms") as weir:
            def certificate():
                same(ask_securely(weir.address(), trusting(authority), "/hello").status, 200) # files are looked at when connections come
                return stats(weir)["tls"][0]["certificates"][0]

            same(certificate()["failed"], None)
            os.replace(other.key, mine.key)
            failed = until("the fault is noticed", lambda: certificate()["failed"])
            assert os.path.basename(mine.key) in failed or os.path.basename(mine.cert) in failed, failed
            weir.wait_for(re.escape(os.path.basename(mine.cert)))
            same(metric(weir, "weir_tls_certificate_unusable*"), 1)
            assert any("cannot be used" in each["text"] for each in findings(weir)), findings(weir)
            os.replace(other.cert, mine.cert)
            until("the fault is over", lambda: certificate()["failed"] is None)
            same(metric(weir, "weir_tls_certificate_unusable*"), 0)


def findings(weir):
    return json.loads(ask(weir.address("admin"), "/advice").body)["findings"]


def certificates_near_their_end_are_told():
    soon = AUTHORITY.issue("a.test", days=5)
    with serving(soon) as weir:
        weir.wait_for("warn.*certificate of a.test .* expires")
        weir.address()
        listener = stats(weir)["tls"][0]
        same(set(listener), {"side", "name", "in_progress", "last_10s", "last_60s", "certificates"})
        same(set(listener["last_10s"]), {"handshakes", "rate", "resumed", "failed", "reasons"})
        same((listener["side"], listener["name"]), ("listener", ":".join(map(str, weir.address()))))
        certificate = listener["certificates"][0]
        same(set(certificate), {"names", "cert", "key", "not_after", "days", "failed"})
        same((certificate["names"], certificate["key"], 4 < certificate["days"] <= 5), ("a.test", "ECDSA P-256", True))
        assert any(each["about"] == "certificate" and "expires" in each["text"] for each in findings(weir)), findings(weir)
        host, port = weir.address("admin")
        top = subprocess.run([WEIR, "top", "--once", f"{host}:{port}"], capture_output=True, text=True, timeout=60)
        assert "live   TLS 0/s" in top.stdout and re.search("certificate of a.test expires in [45] d", top.stdout), top.stdout


# ---- what 'weir check' says ----

def check(config):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        done = subprocess.run([WEIR, "check", path], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr.replace(path, "gateway.yaml")


def files_that_cannot_be_used_are_named():
    routes = "\nroutes:\n  - {path: /, host: a.test, respond: {body: x}}\n"

    def of(certificate, more=""):
        return check(f"listen: {listening(certificate, more=more)}{routes}")

    garbage = AUTHORITY.file("garbage.pem", "no certificate\n")
    same(of(SHOP), (0, ""))
    for certificate, place, *wanted in (
            (f"{{cert: {SHOP.cert}, key: {WILD.key}}}", WILD.key, "key"),
            (f"{{cert: {SHOP.cert}, key: /nowhere/a.key}}", "/nowhere/a.key", "no such file"),
            (f"{{cert: {garbage}, key: {SHOP.key}}}", garbage, ""),
            (f"{{cert: {SHOP.key}, key: {SHOP.key}}}", SHOP.key, "")):
        code, said = of(certificate)
        line = f"listen: {listening(certificate)}"
        same((code, said.count("\n")), (1, 1), said)
        same(said.split(" ", 1)[0], f"gateway.yaml:1:{line.rindex(place) + 1}:" if place != SHOP.key else said.split(" ", 1)[0])
        for part in (place, *wanted):
            assert part.lower() in said.lower(), (part, said)
    code, said = of(SHOP, more=f", client_ca: {garbage}")
    assert code == 1 and garbage in said, said
    code, said = of(AUTHORITY.issue("a.test", days=-1))
    assert code == 0 and "warning: certificate of a.test" in said and "expired" in said, said
    code, said = of(AUTHORITY.issue("a.test", days=3))
    assert code == 0 and "warning: certificate of a.test" in said and "in 3 days" in said, said
    code, said = of(WILD)
    assert code == 0 and "no route has such a host" in said and "host 'a.test' is in no certificate of a listener" in said, said


def a_redirect_to_itself_is_warned_of():
    for scheme, said in (("", "warning: route '/*' leads clients that come by https to the URL that they have asked for; expected 'scheme: http'"), (", scheme: http", "")):
        code, warned = check(f"listen: [127.0.0.1:0, {listening(SHOP)}]\nroutes:\n  - {{path: /*{scheme}, redirect: {{to: 'https://{{host}}{{path}}'}}}}\n")
        same((code, warned.replace("gateway.yaml:3:5: ", "").strip()), (0, said))


def relative_paths_begin_at_the_file():
    with tempfile.TemporaryDirectory() as directory:
        for name in ("cert", "key"):
            with open(getattr(SHOP, name), "rb") as file, open(os.path.join(directory, f"shop.{name}"), "wb") as copy:
                copy.write(file.read())
        with open(os.path.join(directory, "gateway.yaml"), "w", encoding="ascii") as file:
            file.write("listen: {address: '127.0.0.1:0', tls: {certificates: [{cert: shop.cert, key: shop.key}]}}" + ROUTES)
        with Weir("serve", os.path.join(directory, "gateway.yaml")) as weir:
            same(ask_securely(weir.address(), trusting(AUTHORITY), "/hello").status, 200)


# ---- http beside https ----

def http_is_led_to_https():
    with Weir("serve", config=f"""
listen: [127.0.0.1:0, {listening(SHOP)}]
admin: 127.0.0.1:0
routes:
  - {{path: /*, scheme: http, redirect: {{to: "https://{{host}}{{path}}", status: 308}}}}
  - {{path: /*, respond: {{body: safe}}, headers: {{response: {{set: {{Strict-Transport-Security: "max-age=9"}}}}}}}}
""") as weir:
        weir.address()
        until("both listen", lambda: sum("for=gateway" in line for line in weir.lines if line) == 2)
        plain, safe = (("127.0.0.1", int(port)) for port in re.findall(r"addr=127\.0\.0\.1:(\d+) for=gateway", "\n".join(line for line in weir.lines if line)))
        answer = ask(plain, "/a/b?c=d", host="a.test:8080")
        same((answer.status, answer.headers["location"], answer.headers.get("strict-transport-security")), (308, "https://a.test/a/b?c=d", None))
        answer = ask_securely(safe, trusting(AUTHORITY), "/a/b?c=d")
        same((answer.status, answer.body, answer.headers["strict-transport-security"]), (200, b"safe", "max-age=9"))
        until("routes are told apart", lambda: metric(weir, 'weir_requests_total{route="http:/*"*') == 1 and metric(weir, 'weir_requests_total{route="/*"*') == 1)


def plain_http_on_the_port_of_tls_is_told():
    with serving(SHOP) as weir:
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n")
            answer = receive(connection)
            assert answer.status == 400 and b"TLS" in answer.body, (answer.status, answer.body)
            same(connection.recv(1), b"")
        until("it is counted", lambda: metric(weir, "weir_tls_failures_total{reason=\"plain\"*") == 1)
        same(ask_securely(weir.address(), trusting(AUTHORITY), "/hello").status, 200)


def hsts_is_a_header_like_others():
    with serving(SHOP) as weir:
        same(ask_securely(weir.address(), blind(), "/hsts").headers["strict-transport-security"], "max-age=63072000")


run(names_choose_the_certificate, curl_is_content, versions_are_as_configured, protocols_are_agreed_on, clients_show_their_certificates,
    backends_learn_whose_certificate_it_is, sessions_are_resumed, certificates_are_renewed_while_it_runs, a_broken_renewal_keeps_the_old_certificate, certificates_near_their_end_are_told,
    files_that_cannot_be_used_are_named, a_redirect_to_itself_is_warned_of, relative_paths_begin_at_the_file, http_is_led_to_https, plain_http_on_the_port_of_tls_is_told,
    hsts_is_a_header_like_others, interfaces=(None,)) # TLS stands above the kernel interface: tls_faults_test.py runs on both
