#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The edge of the gateway: hosts, rules for headers, redirects, variables of the environment, backends of gathers."""
import json
import os
import re
import shutil
import socket
import struct
import tempfile
import threading

from authority import Authority
from rig import ROOT, Backend, Held, Weir, answering, ask, connect, receive, run, same, sending, until

HEAD = "listen: 127.0.0.1:0\nloops: 1\n"
ADMIN = "admin: 127.0.0.1:0\n" + HEAD


def raw(address, text):
    """Sends these bytes, and returns the first answer."""
    with connect(address) as connection:
        connection.sendall(text.encode("latin-1"))
        return receive(connection)


# --- hosts ---

HOSTS = ADMIN + """
routes:
  - {path: "/x", host: shop.example.com, methods: [GET], respond: {body: shop}}
  - {path: "/x", host: "*.example.com", methods: [POST, PUT], respond: {body: below}}
  - {path: "/x", host: "[::1]", respond: {body: six}}
  - {path: "/x", methods: [DELETE], respond: {body: any}}
  - {path: "/only", host: shop.example.com, respond: {body: only}}
"""


def the_first_route_whose_host_path_and_methods_match_answers():
    cases = (("GET", "shop.example.com", b"shop"), ("GET", "SHOP.Example.Com:8080", b"shop"), ("GET", "shop.example.com.", b"shop"),
             ("GET", "shop.example.com.:80", b"shop"), ("POST", "shop.example.com", b"below"), ("PUT", "a.b.example.com", b"below"),
             ("GET", "[::1]:80", b"six"), ("DELETE", "[::1]", b"six"), ("DELETE", "else", b"any"), ("DELETE", "shop.example.com", b"any"))
    with Weir("serve", config=HOSTS) as weir:
        address = weir.address()
        for method, host, body in cases:
            answer = ask(address, "/x", method, host=host)
            same((answer.status, answer.body), (200, body), f"{method} {host}")
        # of the routes that have this host and path, all methods are allowed
        for method, host, allow in (("PATCH", "shop.example.com", "GET, HEAD, POST, PUT, DELETE"), ("GET", "a.example.com", "POST, PUT, DELETE"),
                                    ("GET", "example.com", "DELETE"), ("GET", "shop.example.com.evil", "DELETE"),
                                    ("GET", "xshop.example.com.", "POST, PUT, DELETE")):
            answer = ask(address, "/x", method, host=host)
            same((answer.status, answer.headers["allow"]), (405, allow), f"{method} {host}")
        same(ask(address, "/only", host="shop.example.com").body, b"only")
        same(ask(address, "/only", host="else").status, 404)
        same(raw(address, "DELETE /x HTTP/1.0\r\n\r\n").body, b"any")
        same(raw(address, "GET /only HTTP/1.0\r\n\r\n").status, 404)
        # the target counts, not the field
        same(raw(address, "GET http://shop.example.com/x HTTP/1.1\r\nHost: else\r\n\r\n").body, b"shop")
        same(raw(address, "GET /x HTTP/1.1\r\nHost: shop.example.com\r\nHost: else\r\n\r\n").status, 400)


def routes_of_one_path_are_told_apart():
    with Weir("serve", config=HOSTS) as weir:
        address, admin = weir.address(), weir.address("admin")
        for host, method in (("shop.example.com", "GET"), ("b.example.com", "POST"), ("b.example.com", "POST"), ("else", "DELETE")):
            ask(address, "/x", method, host=host)
        weir.wait_for(r"route=shop\.example\.com/x status=200")
        weir.wait_for(r"route=\*\.example\.com/x status=200")
        weir.wait_for(r"method=DELETE target=/x route=/x status=200")

        def counted():
            text = ask(admin, "/metrics").body.decode()
            return all(line in text for line in ('weir_requests_total{route="shop.example.com/x",method="GET",status="200"} 1',
                                                 'weir_requests_total{route="*.example.com/x",method="POST",status="200"} 2',
                                                 'weir_requests_total{route="/x",method="DELETE",status="200"} 1'))
        until("counting", counted)
        names = {route["route"] for route in json.loads(ask(admin, "/stats").body)["routes"]}
        assert {"shop.example.com/x", "*.example.com/x", "[::1]/x", "/x", "/only"} <= names, names


# --- rules for headers ---

def rules_hold_for_every_answer():
    config = HEAD + """
limits: {head: 1KiB, head_timeout: 300ms}
headers:
  response: {set: {X-Frame-Options: DENY, X-For: "{host}{path}", X-Empty: ""}, remove: [x-internal]}
routes:
  - {path: /ok, respond: {body: ok, headers: {X-Internal: secret, X-Frame-Options: ALLOW}}}
  - {path: "/own/{id}", respond: {body: ok, headers: {X-Internal: own}},
     headers: {response: {set: {x-frame-options: SAMEORIGIN, X-Id: "<{id}>", Content-Type: "text/x; id={id}"}, remove: [x-for, X-Internal]}}}
  - {path: "/hash", hash: {}, methods: [POST], limits: {body: 3}}
  - {path: "/gather", gather: {require: all, calls: [{name: a, url: "http://127.0.0.1:1/"}]}}
"""
    with Weir("serve", config=config) as weir:
        address = weir.address()
        answer = ask(address, "/ok")
        same((answer.status, answer.headers["x-frame-options"], answer.headers["x-for"], answer.headers["x-empty"], "x-internal" in answer.headers),
             (200, "DENY", "localhost/ok", "", False))
        same(ask(address, "/ok", "HEAD").headers["x-frame-options"], "DENY")
        answer = ask(address, "/own/a%0d%0ab%41", host="h:80")
        same((answer.status, answer.headers["x-frame-options"], answer.headers["x-id"], answer.headers["content-type"]),
             (200, "SAMEORIGIN", "<a%0d%0ab%41>", "text/x; id=a%0d%0ab%41"))
        assert "x-internal" not in answer.headers and "x-for" not in answer.headers, answer.headers
        for status, answer in ((404, ask(address, "/none")), (405, ask(address, "/hash")), (413, ask(address, "/hash", "POST", body=b"1234")),
                               (502, ask(address, "/gather")), (400, raw(address, "GET /ok HTTP/1.1\r\nHost : h\r\n\r\n")),
                               (431, raw(address, "GET /ok HTTP/1.1\r\nHost: h\r\nA: " + "a" * 2000 + "\r\n\r\n")),
                               (408, raw(address, "GET /ok HTTP/1.1\r\nHo"))):
            same((answer.status, answer.headers["x-frame-options"]), (status, "DENY"))
            json.loads(answer.body)
        assert "x-for" not in raw(address, "GET /ok HTTP/1.1\r\nHost : h\r\n\r\n").headers # the request has neither host nor path


def rules_hold_for_compressed_and_streamed_answers():
    config = HEAD + """
routes:
  - {path: /text, respond: {body: "%s"}, compress_response: true, headers: {response: {set: {Vary: Cookie, X-A: b}}}}
""" % ("text " * 1000)
    with Weir("serve", config=config) as weir:
        answer = ask(weir.address(), "/text", headers=[("Accept-Encoding", "gzip")])
        same((answer.headers["content-encoding"], answer.headers["vary"], answer.headers["x-a"]), ("gzip", "Cookie", "b"))


def rules_hold_for_what_is_passed_on():
    requests = []
    with Backend(answering(requests=requests)) as backend:
        config = HEAD + f"""
headers: {{request: {{set: {{X-Gateway: weir, Accept-Encoding: br}}, remove: [x-request-id]}}}}
routes:
  - path: "/p/{{id}}"
    headers: {{request: {{set: {{X-User: "{{id}}", Content-Type: text/x}}, remove: [Traceparent, cookie]}}}}
    gather:
      forward: [authorization, cookie, x-user]
      calls:
        - {{name: a, url: "http://127.0.0.1:{backend.port}/a"}}
        - {{name: b, method: POST, url: "http://127.0.0.1:{backend.port}/b", headers: {{X-Gateway: own}}}}
"""
        with Weir("serve", config=config) as weir:
            answer = ask(weir.address(), "/p/7", "POST", body=b"x", headers=[
                ("Authorization", "a"), ("Cookie", "c"), ("X-User", "forged"), ("X-Request-Id", "r"), ("Content-Type", "text/plain")])
            same(answer.status, 200, answer.body)
    heads = {head.split(" ")[1]: head.lower() for head, _ in requests}
    for path, gateway in (("/a", "weir"), ("/b", "own")):
        fields = [line for line in heads[path].split("\r\n")[1:] if line]
        for field in ("authorization: a", "x-user: 7", f"x-gateway: {gateway}", "accept-encoding: br", "content-type: text/x"):
            same(fields.count(field), 1, f"{field} in {fields}")
        for name in ("cookie:", "x-request-id:", "traceparent:"):
            assert not any(field.startswith(name) for field in fields), fields
        same(sum(field.startswith(("x-user:", "x-gateway:", "content-type:")) for field in fields), 3, fields)


def rules_hold_for_proxies():
    requests = []
    with Backend(answering(body=b"1", requests=requests)) as backend, Backend(sending(b"nonsense\r\n\r\n")) as bad:
        config = HEAD + f"""
headers: {{response: {{set: {{X-Frame-Options: DENY}}, remove: [content-language]}}}}
routes:
  - {{path: "/a/*", proxy: {{to: "http://127.0.0.1:{backend.port}"}},
     headers: {{request: {{set: {{X-Path: "{{*}}"}}, remove: [cookie]}}, response: {{set: {{Content-Type: text/x}}}}}}}}
  - {{path: "/bad", proxy: {{to: "http://127.0.0.1:{bad.port}"}}}}
"""
        with Weir("serve", config=config) as weir:
            answer = ask(weir.address(), "/a/b/c", headers=[("Cookie", "c"), ("X-Path", "forged"), ("X-Other", "o")])
            same((answer.status, answer.body, answer.headers["x-frame-options"], answer.headers["content-type"]), (200, b"1", "DENY", "text/x"))
            answer = ask(weir.address(), "/bad")
            same((answer.status, answer.headers["x-frame-options"]), (502, "DENY"))
    fields = [line for line in requests[0][0].lower().split("\r\n")[1:] if line]
    same(sorted(field for field in fields if field.startswith(("x-path:", "cookie:", "x-other:"))), ["x-other: o", "x-path: b/c"], fields)


# --- redirects ---

REDIRECTS = HEAD + """
routes:
  - {path: "/old/*", redirect: {to: "https://{host}/new/{*}", status: 308}}
  - {path: "/rel/*", redirect: {to: "/{*}", status: 301}}
  - {path: "/own/{id}", redirect: {to: "/n?x={id}&y=1#f-{id}", status: 303}}
  - {path: "/drop/{id}", redirect: {to: "/n/{id}?", status: 307}}
  - {path: "/frag", redirect: {to: "/n#top"}}
  - {path: "/bare", redirect: {to: "https://www.{host}:8443"}}
  - {path: "/q/{id}", redirect: {to: "http://h/?id={id}&{query}"}}
  - {path: "/*", redirect: {to: "{path}/"}, methods: [PUT]}
  - {path: "/*", redirect: {to: "https://{host}{path}"}, methods: [POST]}
"""


def redirects_lead_where_they_say():
    cases = (("/old/a/b?c=d", "h:80", 308, "https://h/new/a/b?c=d"), ("/old", "H.x.", 308, "https://h.x/new/"),
             ("/old/a/../b", "[::1]:80", 308, "https://[::1]/new/b"), ("/old/a%2fb", "h", 308, "https://h/new/a%2Fb"),
             ("/old//x", "h", 308, "https://h/new//x"), ("/old/a|b\\c", "h", 308, "https://h/new/a%7Cb%5Cc"),
             ("/rel/a?b", "h", 301, "/a?b"), ("/rel/", "h", 301, "/"),
             # never to another host
             ("/rel//evil.com/a", "h", 301, "/.//evil.com/a"), ("/rel///evil.com", "h", 301, "/.///evil.com"), ("/rel/\\evil.com", "h", 301, "/%5Cevil.com"),
             ("/rel/%5cevil.com", "h", 301, "/%5Cevil.com"), ("/rel/%2f%2fevil.com", "h", 301, "/%2F%2Fevil.com"), ("/rel/https://evil.com", "h", 301, "/https://evil.com"),
             ("/own/1%26a=b&c?z=9", "h", 303, "/n?x=1%26a%3Db%26c&y=1#f-1%26a=b&c"), ("/own/a%23b", "h", 303, "/n?x=a%23b&y=1#f-a%23b"),
             ("/drop/a?z=9", "h", 307, "/n/a"), ("/frag?z=9", "h", 302, "/n?z=9#top"), ("/bare?z=9", "h", 302, "https://www.h:8443/?z=9"),
             ("/q/1?a=b&c=d", "h", 302, "http://h/?id=1&a=b&c=d"), ("/q/1", "h", 302, "http://h/?id=1&"),
             ("/own/a%0d%0aSet-Cookie:x", "h", 303, "/n?x=a%0d%0aSet-Cookie:x&y=1#f-a%0d%0aSet-Cookie:x"))
    with Weir("serve", config=REDIRECTS) as weir:
        address = weir.address()
        for path, host, status, location in cases:
            answer = ask(address, path, host=host)
            same((answer.status, answer.headers.get("location"), answer.headers["content-length"], answer.body), (status, location, "0", b""), path)
        same(ask(address, "//evil.com/", "PUT").headers["location"], "/.//evil.com//")
        same(ask(address, "//evil.com/?a", "POST", host="h").headers["location"], "https://h//evil.com/?a")
        head = ask(address, "/old/a", "HEAD")
        same((head.status, head.headers["location"]), (308, "https://localhost/new/a"))


def redirects_refuse_what_they_cannot_lead_to():
    with Weir("serve", config=REDIRECTS) as weir:
        address = weir.address()
        for text in ("GET /old/a HTTP/1.0\r\n\r\n", "GET /old/a HTTP/1.1\r\nHost:\r\n\r\n", "GET /old/a HTTP/1.1\r\nHost: a%41b\r\n\r\n",
                     "GET /old/a HTTP/1.1\r\nHost: 1.2.3\r\n\r\n", "GET /old/a HTTP/1.1\r\nHost: a..b\r\n\r\n", "GET /old/a HTTP/1.1\r\nHost: a@b\r\n\r\n",
                     "GET /old/a HTTP/1.1\r\nHost: a/b\r\n\r\n", "GET /old/a\rb HTTP/1.1\r\nHost: h\r\n\r\n", "GET /old/%00 HTTP/1.1\r\nHost: h\r\n\r\n"):
            same(raw(address, text).status, 400, text)
        with Weir("serve", config="limits: {head: 64KiB}\n" + REDIRECTS) as large:
            answer = ask(large.address(), "/old/" + "a" * 40000)
            same((answer.status, json.loads(answer.body)["error"]["code"]), (414, "target_too_long"))


def a_redirect_does_not_wait_for_the_body():
    with Weir("serve", config=REDIRECTS) as weir, connect(weir.address()) as connection:
        connection.sendall(b"POST /old/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        answer = receive(connection)
        same((answer.status, answer.headers["location"]), (308, "https://h/new/a"))
    with Weir("serve", config=REDIRECTS) as weir, connect(weir.address()) as connection:
        connection.sendall(b"POST /old/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /old/b HTTP/1.1\r\nHost: h\r\n\r\n")
        same(receive(connection).status, 308)
        same(receive(connection).headers["location"], "https://h/new/b")


# --- the environment ---

ENVIRONMENT = """listen: 127.0.0.1:${PORT:-0}
loops: 1
routes:
  - path: /
    respond: {body: '${GREETING} costs $$5', headers: {X-Token: '${TOKEN:-none}'}}
"""


def variables_are_filled_in():
    with Weir("serve", config=ENVIRONMENT, env={"GREETING": "hi: [a, ${X}]\n- b"}) as weir:
        answer = ask(weir.address(), "/")
        same((answer.body, answer.headers["x-token"]), (b"hi: [a, ${X}]\n- b costs $5", "none"))
    for command in ("check", "serve"):
        with Weir(command, config=ENVIRONMENT, env={"TOKEN": "s3cr3t\r\nX: y"}) as weir:
            same(weir.exit(), 1)
            same([line.split("gateway.yaml:")[1] for line in weir.lines if line],
                 ["5:22: the environment has no 'GREETING', expected it to be set, or a default: ${GREETING:-default}",
                  "5:65: respond.headers is '${TOKEN:-none}' (filled in from the environment), expected the value of a header: one line of text"])


# --- backends of gathers ---

def calls_go_to_the_instances_of_a_backend():
    first, second = [], []
    with Backend(answering(body=b"1", requests=first)) as one, Backend(answering(body=b"2", requests=second)) as two:
        config = HEAD + f"""
backends:
  orders: {{urls: ["http://127.0.0.1:{one.port}", "http://127.0.0.1:{two.port}"], balance: round_robin, host: orders.internal}}
  users: {{urls: "http://127.0.0.1:{one.port}", balance: {{hash: "{{id}}"}}}}
routes:
  - path: "/page/{{id}}"
    gather:
      calls:
        - {{name: a, backend: orders, path: "/for/{{id}}?x={{id}}"}}
        - {{name: b, backend: orders, path: "/for/{{id}}?x={{id}}"}}
        - {{name: c, backend: users, path: "/user"}}
"""
        with Weir("serve", config=config) as weir:
            answer = json.loads(ask(weir.address(), "/page/a%26b").body)
            same(({answer["a"]["body"], answer["b"]["body"]}, answer["c"]["body"]), ({1, 2}, 1))
    assert any(head.startswith("GET /for/a%26b?x=a%26b HTTP/1.1\r\n") and "host: orders.internal\r\n" in head.lower() for head, _ in first), first
    assert any(head.startswith("GET /for/a%26b?x=a%26b HTTP/1.1\r\n") for head, _ in second), second
    assert any(head.startswith("GET /user HTTP/1.1\r\n") and f"host: 127.0.0.1:{one.port}\r\n" in head.lower() for head, _ in first), first


def a_backend_has_errors_of_its_own():
    with Held() as held, Backend(sending(b"nonsense\r\n\r\n")) as bad:
        config = HEAD + f"""
backends:
  bad: {{urls: "http://127.0.0.1:{bad.port}", breaker: {{failed: 50%, of: 2, open: 60s}}}}
  held: {{urls: "http://127.0.0.1:{held.backend.port}", limit: 1}}
  lost: {{urls: "http://weir-nowhere.invalid:80"}}
routes:
  - {{path: /bad, gather: {{require: none, calls: [{{name: a, backend: bad, path: /}}]}}}}
  - {{path: /held, gather: {{deadline: 1m, require: none, calls: [{{name: a, backend: held, path: /}}]}}}}
  - {{path: /lost, gather: {{require: none, calls: [{{name: a, backend: lost, path: /}}]}}}}
"""
        with Weir("serve", config=config) as weir:
            address = weir.address()

            def error(path):
                return json.loads(ask(address, path).body)["a"]["error"]
            same([error("/bad"), error("/bad"), error("/bad")], ["bad response", "bad response", "open"])
            weir.wait_for(r'failed="a open"')
            with connect(address) as first:
                first.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
                held.wait_for(1)
                same(error("/held"), "limited")
                held.released.set()
                same(json.loads(receive(first).body)["a"]["body"], "1")
            same(error("/lost"), "dns failed")


class Names:
    """A DNS server: orders.test has two addresses, no other name exists."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(512)
            except OSError:
                return
            end = question.index(b"\0", 12) + 5
            name, kind = question[12:end - 4], question[end - 3]
            self.asked.append(name)
            known = name == b"\6orders\4test\0"
            addresses = [b"\x7f\0\0\1", b"\x7f\0\0\2"] if known and kind == 1 else []
            answer = question[:2] + (b"\x81\x80" if known else b"\x81\x83") + struct.pack("!HHHH", 1, len(addresses), 0, 0) + question[12:end]
            for address in addresses:
                answer += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + address
            self.socket.sendto(answer, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def names_are_asked_of_the_resolver():
    with Backend(answering()) as backend, Names() as names:
        config = HEAD + f"""
resolver: {{servers: "127.0.0.1:{names.port}", timeout: 30s}}
backends:
  orders: {{urls: "http://orders.test:{backend.port}"}}
  lost: {{urls: "http://lost.test:{backend.port}"}}
routes:
  - {{path: /, gather: {{require: none, deadline: 40s, calls: [{{name: a, backend: orders, path: /}}, {{name: b, backend: lost, path: /}}]}}}}
"""
        with Weir("serve", config=config) as weir:
            def both(): # an instance listens at 127.0.0.1 alone
                answer = json.loads(ask(weir.address(), "/").body)
                same(answer["b"]["error"], "dns failed")
                return answer["a"].get("body") == {}
            until("the instance that listens", both)
        assert b"\6orders\4test\0" in names.asked and b"\4lost\4test\0" in names.asked, names.asked
        with Weir("check", "--connect", config=config) as weir:
            same(weir.exit(), 1)
            faults = [line.split("gateway.yaml:")[1] for line in weir.lines if line]
            same(len(faults), 2, faults)
            assert f"http://orders.test:{backend.port} at 127.0.0.2:{backend.port} cannot be connected to: connection refused" in faults[0], faults
            assert f"http://lost.test:{backend.port} cannot be connected to" in faults[1], faults


def check_tries_each_instance():
    with Backend(answering()) as one:
        config = HEAD + f"""
backends:
  good: {{urls: ["http://127.0.0.1:{one.port}/", "http://localhost:{one.port}"]}}
  dead: {{urls: ["http://127.0.0.1:{one.port}", "http://127.0.0.1:1", "unix:nowhere.sock"]}}
routes:
  - {{path: /, gather: {{calls: [{{name: a, backend: good, path: /}}]}}}}
"""
        with Weir("check", config=config) as weir:
            same(weir.exit(), 0)
            assert any("6:3: warning: backend 'dead' is used by no route" in line for line in weir.lines if line), weir.lines
        with Weir("check", "--connect", config=config) as weir:
            same(weir.exit(), 1)
            faults = [line.split("gateway.yaml:")[1] for line in weir.lines if line]
            same(len(faults), 2, faults)
            assert "http://127.0.0.1:1 cannot be connected to: connection refused" in faults[0], faults
            assert "unix:nowhere.sock cannot be connected to: no such file" in faults[1], faults


def the_configurations_of_the_readme_are_valid():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        blocks = re.findall(r"^```yaml\n(.*?)^```", readme.read(), re.M | re.S)
    assert len(blocks) >= 3, blocks
    with tempfile.TemporaryDirectory() as folder, Authority() as authority:
        for name in ("images", "public"):
            os.mkdir(os.path.join(folder, name))
        issued = authority.issue("shop.example.com")
        for file, name in ((issued.cert, "shop.pem"), (issued.key, "shop.key")):
            shutil.copy(file, os.path.join(folder, name))
        with open(os.path.join(folder, "tokens"), "w", encoding="utf-8") as file:
            file.write("robot: 0123456789abcdef\n")
        path = os.path.join(folder, "gateway.yaml")
        for block in blocks:
            with open(path, "w", encoding="utf-8") as file:
                file.write(block)
            with Weir("check", path) as weir:
                same((weir.exit(), weir.lines), (0, [None]), block)


run(the_first_route_whose_host_path_and_methods_match_answers, routes_of_one_path_are_told_apart, rules_hold_for_every_answer,
    rules_hold_for_compressed_and_streamed_answers, rules_hold_for_what_is_passed_on, rules_hold_for_proxies, redirects_lead_where_they_say,
    redirects_refuse_what_they_cannot_lead_to, a_redirect_does_not_wait_for_the_body, variables_are_filled_in,
    calls_go_to_the_instances_of_a_backend, a_backend_has_errors_of_its_own, names_are_asked_of_the_resolver, check_tries_each_instance, the_configurations_of_the_readme_are_valid)
