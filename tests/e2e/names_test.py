#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway in front of backends that have names: answers, failures in words, the time of a look-up, addresses that change,
and DNS servers that are dead."""
import json
import re

import rig
from dns_server import DnsServer
from rig import Backend, Weir, answering, ask, connect, run, same, sending, until

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 2
server_timing: true
resolver: {servers: ["%s"], timeout: 1s}
routes:
  - path: /page/{id}
    gather:
      deadline: 50s
      require: none
      detail: true
      calls:
        - {name: there, url: "http://svc.test:%d/x"}
        - {name: gone, url: "http://gone.test:%d/x"}
        - {name: bad, url: "http://bad.test:%d/x"}
"""
ONE = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
resolver: {servers: ["%s"], timeout: 1s}
routes:
  - {path: /x, gather: {deadline: 50s, calls: [{name: a, url: "http://svc.test:%d/x"}]}}
"""


def names_are_resolved_and_failures_have_words():
    with Backend(answering(body=b'{"ok":1}')) as backend, \
            DnsServer({"svc.test": "127.0.0.1", "bad.test": "servfail"}) as dns, \
            Weir("serve", config=CONFIG % (dns.address, backend.port, backend.port, backend.port)) as weir:
        answer = ask(weir.address(), "/page/1")
        said = json.loads(answer.body)
        same(said["there"], {"status": 200, "body": {"ok": 1}})
        same((said["gone"]["error"], said["bad"]["error"]), ("dns failed", "dns failed"))
        same(said["gone"].get("detail"), "no such name", said)
        same(said["bad"].get("detail"), f"{dns.address} answers SERVFAIL", said)
        weir.wait_for(r"an origin fails .*gone.test.* error=\"?no such name")
        weir.wait_for(rf"an origin fails .*bad.test.* error=\"?{dns.address} answers SERVFAIL")
        origins = {o["origin"]: o for o in json.loads(ask(weir.address("admin"), "/stats").body)["origins"]}
        assert any("gone.test" in name for name in origins), origins


def dns_ms(answer):
    """What a Server-Timing header says of looking names up; None: nothing."""
    found = re.search(r'(?:^|, )(?:dns|[^,]*desc="dns[^"]*");dur=([0-9.]+)', answer.headers["server-timing"])
    return float(found[1]) if found else None


def the_time_of_a_look_up_is_dns():
    with Backend(answering()) as backend, DnsServer({"svc.test": "127.0.0.1"}, delay=0.2) as dns, \
            Weir("serve", config=ONE.replace("loops: 1", "loops: 1\nserver_timing: true") % (dns.address, backend.port)) as weir:
        answer = ask(weir.address(), "/x")
        same(answer.status, 200)
        assert (dns_ms(answer) or 0) >= 150, answer.headers
        asked = len(dns.asked)
        answer = ask(weir.address(), "/x") # the connection is kept, and the name
        same(dns_ms(answer), None, answer.headers)
        same(len(dns.asked), asked)


def a_task_that_waits_for_a_name_says_so():
    with DnsServer({"svc.test": "silent"}) as dns, \
            Weir("serve", config=(ONE % (dns.address, 1)).replace("timeout: 1s", "timeout: 30s")) as weir, \
            connect(weir.address()) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until("a task that resolves", lambda: b"resolving svc.test" in ask(weir.address("admin"), "/tasks").body)


def other_addresses_are_used_when_the_name_has_them():
    with Backend(answering(body=b'"one"')) as one, \
            DnsServer({"svc.test": "127.0.0.9"}, ttl=1) as dns, \
            Weir("serve", config=ONE % (dns.address, one.port)) as weir:
        same(json.loads(ask(weir.address(), "/x").body)["a"]["error"], "connect failed") # nobody is there
        dns.names["svc.test"] = ["127.0.0.9", "127.0.0.1"]
        until("an answer", lambda: json.loads(ask(weir.address(), "/x").body)["a"].get("body") == "one")


def old_addresses_serve_while_the_server_is_dead():
    # the backend keeps no connection, so that each request uses the name
    with Backend(sending(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\"one\"")) as backend, \
            DnsServer({"svc.test": "127.0.0.1"}, ttl=1) as dns, \
            Weir("serve", config=ONE % (dns.address, backend.port)) as weir:
        def body():
            return json.loads(ask(weir.address(), "/x").body)["a"].get("body")
        same(body(), "one")
        dns.names["svc.test"] = "silent"
        asked = len(dns.asked)
        while len(dns.asked) < asked + 8: # two look-ups, of both families, with an attempt more
            same(body(), "one")


def absolute_names_are_asked_for_as_they_are():
    seen = []
    config = """
listen: 127.0.0.1:0
resolver: {servers: ["%s"]}
backends: {b: {urls: "http://svc.test.:%d"}}
routes:
  - {path: /proxy, proxy: {to: "http://svc.test.:%d"}}
  - {path: /backend, proxy: {backend: b}}
  - {path: /gather, gather: {calls: [{name: a, url: "http://svc.test.:%d/x"}]}}
"""
    with Backend(answering(requests=seen)) as backend, DnsServer({"svc.test": "127.0.0.1"}) as dns:
        config %= (dns.address, backend.port, backend.port, backend.port)
        with Weir("check", "--connect", config=config) as weir:
            same(weir.exit(), 0, weir.lines)
        with Weir("serve", config=config) as weir:
            for path in ("/proxy", "/backend", "/gather"):
                same(ask(weir.address(), path).status, 200)
    hosts = [line for head, _ in seen for line in head.lower().split("\r\n") if line.startswith("host:")]
    same(hosts, [f"host: svc.test:{backend.port}"] * 3)


def check_has_one_time_for_all_and_says_what_it_waits_for():
    if rig.kernel_interface is not None and rig.uring_is_here():
        return # the time has passed once
    with DnsServer({"svc.test": "silent"}) as dns:
        config = ONE.replace("timeout: 1s", "timeout: 60s") % (dns.address, 1)
        with Weir("check", "--connect", config=config) as weir:
            weir.wait_for(r"weir check: still trying 1 of 1 backends: resolving http://svc.test:1")
            same(weir.exit(), 1)
            assert any(re.search(r"svc.test.*: no answer for the name within 5 s; expected", line) for line in weir.lines if line), weir.lines


def check_says_why_a_name_is_not_found():
    with DnsServer({}) as dns, Weir("check", "--connect", config=ONE % (dns.address, 1)) as weir:
        same(weir.exit(), 1)
        assert any(line and re.search(r"svc.test.*: no such name; expected", line) for line in weir.lines), weir.lines


run(names_are_resolved_and_failures_have_words, the_time_of_a_look_up_is_dns, a_task_that_waits_for_a_name_says_so,
    other_addresses_are_used_when_the_name_has_them, old_addresses_serve_while_the_server_is_dead, check_says_why_a_name_is_not_found,
    absolute_names_are_asked_for_as_they_are, check_has_one_time_for_all_and_says_what_it_waits_for)
