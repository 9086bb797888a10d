#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""https backends: what is verified, what is said when it fails, names and certificates of the gateway's own, sessions that are kept."""
import json
import os
import re
import subprocess
import tempfile

from authority import Authority
from rig import WEIR, Backend, Weir, answering, ask, read_head, run, same, until
from secure import SecureBackend, metric, stats

AUTHORITY, OTHER = Authority(), Authority("Other authority")
GOOD, EXPIRED, NAMED = AUTHORITY.issue("127.0.0.1", "localhost"), AUTHORITY.issue("127.0.0.1", days=-1), AUTHORITY.issue("db.internal")
STRANGE, GATEWAY = OTHER.issue("127.0.0.1"), AUTHORITY.issue(subject="/CN=gateway")


def closing(connection):
    """Answers one request, without an end of TLS behind a body that the end of the connection ends."""
    read_head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
    os.close(connection.detach())


def config(port, tls, more=""):
    """A gateway with an https backend, for a proxy and a gather."""
    return f"""
listen: 127.0.0.1:0
admin: 127.0.0.1:0
backends:
  db: {{urls: "https://127.0.0.1:{port}", tls: {{{tls}}}{more}}}
routes:
  - {{path: /proxy/*, proxy: {{backend: db}}}}
  - {{path: /gather, gather: {{require: none, deadline: 1m, calls: [{{name: a, backend: db, path: /x}}]}}}}
"""


def trusting(authority, more=""):
    return f"ca: {authority.path}{more}"


def a_good_backend_answers():
    heads = []
    with SecureBackend(answering(body=b'{"a":1}', requests=heads), GOOD) as backend, Weir("serve", config=config(backend.port, trusting(AUTHORITY))) as weir:
        for _ in range(3):
            answer = ask(weir.address(), "/proxy/x")
            same((answer.status, answer.body), (200, b'{"a":1}'))
        same(json.loads(ask(weir.address(), "/gather").body), {"a": {"status": 200, "body": {"a": 1}}})
        assert f"host: 127.0.0.1:{backend.port}" in heads[0][0].lower(), heads[0]
        same((backend.faults, set(backend.names)), ([], {None})) # an address is no name for SNI
        same(metric(weir, 'weir_backend_tls_handshakes_total{backend="db"}'), backend.connections)
        context = stats(weir)["tls"][0]
        same((context["side"], context["name"], context["last_60s"]["failed"]), ("backend", "db", 0))


def failing(backend, tls, reason, *words, env=None):
    """Asks by both kinds of route; the words must stand in the log's reason, in the page, and in what 'check --connect' says."""
    text = config(backend.port, tls)
    with Weir("serve", config=text, env=env) as weir:
        answer = ask(weir.address(), "/proxy/x")
        same((answer.status, json.loads(answer.body)["error"]["code"]), (502, "bad_gateway"), answer.body)
        answer = ask(weir.address(), "/gather")
        same(json.loads(answer.body), {"a": {"error": "tls failed"}})
        same(metric(weir, f'weir_backend_tls_failures_total{{reason="{reason}",backend="db"}}'), 2, reason)
        for word in words:
            weir.wait_for(f"(?i).*{word}")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([WEIR, "check", "--connect", path], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
        same(done.returncode, 1, done.stderr)
        assert f"{path}:5:14: https://127.0.0.1:{backend.port}: TLS fails: " in done.stderr, done.stderr
        for word in words:
            assert re.search(word, done.stderr, re.I), (word, done.stderr)


def an_expired_certificate_is_refused():
    with SecureBackend(answering(), EXPIRED) as backend:
        failing(backend, trusting(AUTHORITY), "expired", "certificate of 127.0.0.1 expired 20\\d\\d-\\d\\d-\\d\\d")


def a_certificate_for_other_names_is_refused():
    with SecureBackend(answering(), NAMED) as backend:
        failing(backend, trusting(AUTHORITY), "name", "db\\.internal", "127\\.0\\.0\\.1")


def an_unknown_authority_is_refused():
    with SecureBackend(answering(), STRANGE) as backend:
        failing(backend, trusting(AUTHORITY), "authority", "authority")
        failing(backend, "", "authority", "authority", env={"SSL_CERT_FILE": AUTHORITY.path}) # those of the system


def a_backend_without_tls_is_told():
    """As servers of HTTP do: what is no request is answered, and the connection closed."""
    def refuse(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with Backend(refuse) as backend:
        failing(backend, trusting(AUTHORITY), "plain", "HTTP without TLS")


def a_backend_that_wants_a_certificate_gets_it():
    with SecureBackend(answering(), GOOD, client_ca=AUTHORITY) as backend:
        with Weir("serve", config=config(backend.port, trusting(AUTHORITY, f", cert: {GATEWAY.cert}, key: {GATEWAY.key}"))) as weir:
            same(ask(weir.address(), "/proxy/x").status, 200)
            same(backend.peers[-1]["subject"], ((("commonName", "gateway"),),))
            same(stats(weir)["tls"][0]["certificates"][0]["cert"], GATEWAY.cert)
        failing(backend, trusting(AUTHORITY), "refused", "wants a certificate") # the server says so after the handshake, in TLS 1.3


def a_name_is_asked_for_and_checked():
    with SecureBackend(answering(), NAMED) as backend:
        for key in ("name", "server_name"):
            with Weir("serve", config=config(backend.port, trusting(AUTHORITY, f", {key}: db.internal"))) as weir:
                same(ask(weir.address(), "/proxy/x").status, 200)
                same(set(backend.names), {"db.internal"})
        failing(backend, trusting(AUTHORITY, ", name: other.internal"), "name", "other\\.internal")


def without_verification_everything_is_taken():
    with SecureBackend(answering(), STRANGE) as backend, Weir("serve", config=config(backend.port, "verify: false")) as weir:
        same(ask(weir.address(), "/proxy/x").status, 200)
        weir.wait_for("warn.*backend 'db' is not verified")


def https_urls_of_routes_use_the_authorities_of_the_system():
    with SecureBackend(answering(body=b"1"), GOOD) as backend, Weir("serve", env={"SSL_CERT_FILE": AUTHORITY.path}, config=f"""
listen: 127.0.0.1:0
admin: 127.0.0.1:0
routes:
  - {{path: /proxy/*, proxy: {{to: "https://localhost:{backend.port}/base", strip: /proxy}}}}
  - {{path: /gather, gather: {{deadline: 1m, calls: [{{name: a, url: "https://localhost:{backend.port}/x"}}]}}}}
""") as weir:
        same(ask(weir.address(), "/proxy/x").body, b"1")
        same(json.loads(ask(weir.address(), "/gather").body), {"a": {"status": 200, "body": 1}})
        same((backend.faults, set(backend.names)), ([], {"localhost"}))
        same(metric(weir, "weir_origin_tls_handshakes_total"), backend.connections)
        same(stats(weir)["tls"][0]["side"], "others")


def sessions_are_resumed():
    def once(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
    with SecureBackend(once, GOOD) as backend, Weir("serve", config=config(backend.port, trusting(AUTHORITY))) as weir:
        for _ in range(4):
            same(ask(weir.address(), "/proxy/x").status, 200)
        until("all have come", lambda: len(backend.reused) == 4)
        same(backend.reused, [False, True, True, True])
        same(metric(weir, 'weir_backend_tls_resumed_total{backend="db"}'), 3)


def health_checks_speak_tls():
    with SecureBackend(answering(), GOOD) as backend, \
            Weir("serve", config=config(backend.port, trusting(AUTHORITY), ", health: {path: /up, every: 20ms, timeout: 1m}")) as weir:
        until("checks come", lambda: backend.connections > 0 and not backend.faults)
        same(ask(weir.address(), "/proxy/x").status, 200)
    with SecureBackend(answering(), EXPIRED) as backend, \
            Weir("serve", config=config(backend.port, trusting(AUTHORITY), ", health: {path: /up, every: 20ms, timeout: 1m}")) as weir:
        until("it is down", lambda: stats(weir)["backends"][0]["up"] == 0)
        until("it says why", lambda: "certificate" in (stats(weir)["backends"][0]["instances"][0]["last_check"] or "") or
              "tls" in (stats(weir)["backends"][0]["instances"][0]["last_check"] or "").lower())


def a_cut_body_is_no_whole_one():
    """The end of the connection without an end of TLS: anybody could have cut it off."""
    with SecureBackend(closing, GOOD) as backend, Weir("serve", config=config(backend.port, trusting(AUTHORITY))) as weir:
        said = json.loads(ask(weir.address(), "/gather").body)["a"]
        assert "error" in said, said


def files_of_a_backend_are_checked_at_the_start():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "gateway.yaml")
        for tls, place in ((f"ca: {GATEWAY.key}", GATEWAY.key), ("ca: /nowhere.pem", "/nowhere.pem"), (f"cert: {GATEWAY.cert}, key: {GOOD.key}", GOOD.key)):
            text = config(1, tls)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            column = text.splitlines()[4].index(place) + 1
            for command in ("check", "serve"):
                done = subprocess.run([WEIR, command, path], capture_output=True, text=True, timeout=60)
                same(done.returncode, 1)
                said = [line for line in done.stderr.splitlines() if not line.endswith("for=admin")] # which answers from the first
                assert said[0].startswith(f"{path}:5:{column}: ") and place in said[0], done.stderr


run(a_good_backend_answers, an_expired_certificate_is_refused, a_certificate_for_other_names_is_refused, an_unknown_authority_is_refused,
    a_backend_without_tls_is_told, a_backend_that_wants_a_certificate_gets_it, a_name_is_asked_for_and_checked,
    without_verification_everything_is_taken, https_urls_of_routes_use_the_authorities_of_the_system, sessions_are_resumed, health_checks_speak_tls, a_cut_body_is_no_whole_one,
    files_of_a_backend_are_checked_at_the_start, interfaces=(None,)) # TLS stands above the kernel interface: tls_faults_test.py runs on both
