#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cors: and auth: on routes of each kind: preflights, what pages may read, passwords, tokens, files that change."""
import base64
import contextlib
import json
import os
import re
import tempfile

from rig import POOLS, Backend, Weir, answering, ask, connect, read_head, receive, run, same, sending, until

HEAD = "listen: 127.0.0.1:0\nloops: 1\n" + POOLS
SESAME = "$2b$05$xIfyXtbyKRxgTSw070QCT.6LJ9vpgFB2yUMdk1L62ICIzomfOhA1W" # "open sesame", as htpasswd -B writes it
SECRET = "$2b$04$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES" # "secret"
SHA256 = "$5$rounds=1000$mo2QcBu36n3SsnBI$tSslboVJD7BfI2iUFef3xMgaTb06ZxpADRmOLtt1WZ5" # "sha256"
SHA512 = "$6$rounds=1000$ivEH6q1B0b20iEoL$PwCkuI5obtPkAPHX.9g8YEjQoY8RzaS3lHNv4fQCZwpDJuQNP/WrC58dJhHbI9j3FoBY68wZhy7k10HY5ECOW." # "sha512"
USERS = f"# users\n\nann:{SESAME.replace('$2b$', '$2y$')}\nbob:{SHA256}\r\ncyd:{SHA512}\nzoë:{SECRET}\n"
TOKENS = "# tokens\nrobot: 0123456789abcdef-._~+/==\nnameless-token\n"
SHOP = "https://shop.example.com"


@contextlib.contextmanager
def files(**texts):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            write(folder, name, text)
        yield folder


def write(folder, name, text):
    """Replaces a file as a whole."""
    path = os.path.join(folder, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def basic(user, password):
    return "Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(token):
    return "Authorization", "Bearer " + token


def raw(address, text):
    with connect(address) as connection:
        connection.sendall(text.encode("latin-1"))
        return receive(connection, text.split(" ", 1)[0])


def is_allowed(answer, origin, credentials):
    """What a browser looks at first."""
    return (origin is not None and answer.headers.get("access-control-allow-origin") == origin and
            (not credentials or answer.headers.get("access-control-allow-credentials") == "true"))


# --- cors and auth together ---

def every_combination_is_answered_as_browsers_expect():
    origins = ((None, False), (SHOP, True), ("https://a.b.example.net:8443", True), ("null", False), ("https://evil.example", False),
               ("https://shop.example.com.evil", False), ("https://example.net:8443", False), ("https://shop.example.com:444", False),
               ("https://evil/.example.net:8443", False), (SHOP + "\r\nOrigin: " + SHOP, False), ("", False))
    backend_says = answering(kind="text/plain\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: X\r\n"
                                  "Access-Control-Expose-Headers: x-all\r\nVary: Cookie")
    with files(users=USERS) as folder, Backend(backend_says) as backend:
        cors = f'cors: {{origins: ["{SHOP}", "HTTPS://*.Example.net:8443"], headers: [content-type, X-A], expose: [etag], max_age: 10m, '
        routes = [(f"/{kind}/{credentials}/{auth}", credentials, auth, kind) for kind in ("respond", "proxy", "gather", "hash")
                  for credentials in (False, True) for auth in (False, True)]
        kinds = {"respond": "respond: {body: ok}", "proxy": f'proxy: {{to: "http://127.0.0.1:{backend.port}"}}',
                 "gather": f'gather: {{calls: [{{name: a, url: "http://127.0.0.1:{backend.port}/"}}]}}', "hash": "hash: {}"}
        config = HEAD + "routes:\n" + "".join(
            f'  - {{path: "{path}", {kinds[kind]}, methods: [{"POST" if kind == "hash" else "GET, POST"}], {cors}credentials: {str(credentials).lower()}}}'
            + (f', auth: {{basic: "{folder}/users", realm: "a \\"realm\\""}}' if auth else "") + "}\n" for path, credentials, auth, kind in routes)
        with Weir("serve", config=config) as weir:
            address = weir.address()
            for path, credentials, auth, kind in routes:
                for origin, allowed in origins:
                    field = [] if origin is None else [("Origin", origin)]
                    what = f"{path} of {origin}"
                    answer = ask(address, path, "OPTIONS", [*field, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-a")])
                    if origin is None: # it is no preflight
                        same((answer.status, answer.headers["allow"]), (405, "POST" if kind == "hash" else "GET, HEAD, POST"), what)
                    else:
                        same((answer.status, answer.body, answer.headers["vary"]), (204, b"", "Origin"), what)
                        same(is_allowed(answer, origin, credentials), allowed, what)
                        same([answer.headers.get("access-control-" + name) for name in ("allow-methods", "allow-headers", "max-age", "expose-headers")],
                             ["POST" if kind == "hash" else "GET, HEAD, POST",
                              "content-type, X-A", "600", None] if allowed else [None] * 4, what)
                    for credential, right in (([basic("ann", "open sesame")], True), ([], False), ([basic("ann", "open")], False)):
                        answer = ask(address, path, "POST", [*field, *credential], b"x")
                        same(answer.status, 200 if right or not auth else 401, what)
                        same(answer.headers["vary"].split(", ")[-1], "Origin", what)
                        same(is_allowed(answer, origin, credentials), allowed, what)
                        same([answer.headers.get("access-control-" + name) for name in ("allow-methods", "expose-headers")],
                             [None, "etag" if allowed else None], what)
                        if answer.status == 401:
                            same(answer.headers["www-authenticate"], 'Basic realm="a \\"realm\\"", charset="UTF-8"')
                            same(json.loads(answer.body)["error"]["code"], "unauthorized")


def refusals_can_be_read_by_pages():
    cors = f'cors: {{origins: ["{SHOP}"], expose: [retry-after]}}'
    with files(tokens=TOKENS) as folder:
        config = HEAD + f"""limits: {{body: 10}}
routes:
  - {{path: /hash, methods: [POST], hash: {{}}, {cors}}}
  - {{path: /proxy, proxy: {{to: "http://127.0.0.1:1"}}, {cors}}}
  - {{path: /file/*, file: {{root: "{folder}"}}, {cors}}}
  - {{path: /auth, respond: {{}}, auth: {{bearer: "{folder}/tokens"}}, {cors}}}
  - {{path: /rate, respond: {{}}, rate: {{requests: 1, per: 1h}}, {cors}}}
  - {{path: /slow, sleep: {{for: 1h}}, {cors}}}
  - {{path: "/any/*", hash: {{}}, {cors}}}
  - {{path: /two, methods: [PUT], respond: {{}}}}
  - {{path: /two, methods: [GET], respond: {{}}, {cors}}}
  - {{path: /plain, methods: [GET], respond: {{}}}}
"""
        with Weir("serve", config=config) as weir:
            def asked(path, method="GET", *headers, body=b""):
                return ask(weir.address(), path, method, [("Origin", SHOP), *headers], body)

            same(asked("/rate").status, 200)
            for status, answer in ((413, asked("/hash", "POST", body=b"x" * 11)), (405, asked("/hash")), (405, asked("/hash", "PUT")), (405, asked("/two", "DELETE")),
                                   (502, asked("/proxy")), (404, asked("/file/none")), (405, asked("/file/none", "POST", body=b"x")), (401, asked("/auth")),
                                   (429, asked("/rate")), (504, asked("/slow", "GET", ("X-Weir-Deadline-Ms", "0"))), (400, asked("/slow", "GET", ("X-Weir-Deadline-Ms", "x"))),
                                   (400, asked("/any/..;/x", "POST"))):
                same((answer.status, answer.headers["access-control-allow-origin"], answer.headers["access-control-expose-headers"]), (status, SHOP, "retry-after"))
                assert "Origin" in answer.headers["vary"], answer.headers
                json.loads(answer.body)
            for path, method in (("/none", "GET"), ("/plain", "POST")):
                assert "access-control-allow-origin" not in asked(path, method).headers


def a_route_decides_in_one_order():
    """Preflight, rate, origin of a WebSocket, credential, length of the body: what comes first is the answer."""
    with files(tokens=TOKENS) as folder:
        every = (f'hash: {{}}, methods: [POST, GET], limits: {{body: 10}}, cors: {{origins: ["{SHOP}"]}}, auth: {{bearer: "{folder}/tokens"}}, '
                 'rate: {requests: 1, per: 1h, burst: ')
        config = HEAD + "admin: 127.0.0.1:0\nroutes:\n" + "".join(f"  - {{path: /{burst}, {every}{burst}}}}}\n" for burst in (1, 2, 3, 4))
        evil, websocket, large = "Origin: https://evil.example\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n", "Content-Length: 11\r\n"
        right, wrong = "Authorization: Bearer nameless-token\r\n", "Authorization: Bearer other\r\n"
        with Weir("serve", config=config) as weir:
            def status(path, fields, method="POST", body="x" * 11):
                answer = raw(weir.address(), f"{method} {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n{body}")
                if answer.status == 413:
                    same((answer.headers["connection"], json.loads(answer.body)["error"]["code"]), ("close", "too_large"))
                return answer.status

            # each request has all faults that the next one still has, and one more; all of them are counted
            same([status("/4", large + right), status("/4", large + wrong), status("/4", large + wrong + evil + websocket, "GET"),
                  status("/4", large), status("/4", large + wrong + evil + websocket, "GET")], [413, 401, 403, 401, 429])
            same(status("/4", large + wrong + evil + "Access-Control-Request-Method: POST\r\n", "OPTIONS"), 204)
            same(status("/1", f"Transfer-Encoding: chunked\r\n{right}", body="b\r\n" + "x" * 11 + "\r\n0\r\n\r\n"), 413)
            same(status("/1", f"Transfer-Encoding: chunked\r\n{right}", body="b\r\n" + "x" * 11 + "\r\n0\r\n\r\n"), 429)
            same(status("/2", f"{large}Expect: 100-continue\r\n{right}", body=""), 413) # without a 100 before it
            same(status("/2", f"Content-Length: 10\r\n{right}", body="x" * 10), 200)
            same(status("/2", f"Content-Length: 10\r\n{right}", body="x" * 10), 429)
            weir.wait_for("status=403 refused=origin ")

            def counted():
                page = ask(weir.address("admin"), "/metrics").body.decode()
                return all(f'weir_refused_total{{route="/4",reason="{reason}"}} {count}\n' in page
                           for reason, count in (("origin", 1), ("auth", 2), ("rate", 1), ("too_large", 1)))
            until("refusals are counted", counted)


def methods_of_a_preflight_are_those_of_the_route():
    config = HEAD + f"""routes:
  - {{path: /own, methods: [GET, OPTIONS], respond: {{body: own}}, cors: {{origins: ["{SHOP}"]}}}}
  - {{path: /less, methods: [GET, OPTIONS, DELETE], respond: {{body: own}}, cors: {{origins: ["{SHOP}"], methods: [DELETE]}}}}
  - {{path: /none, methods: [GET], respond: {{}}, cors: {{origins: ["{SHOP}"]}}}}
"""
    with Weir("serve", config=config) as weir:
        for path, asked, status, methods in (("/own", "GET", 204, "GET, HEAD, OPTIONS"), ("/own", "PUT", 204, "GET, HEAD, OPTIONS"), ("/less", "PUT", 204, "DELETE"),
                                             ("/less", "DELETE", 204, "DELETE"), ("/none", "PUT", 405, "GET, HEAD")):
            answer = ask(weir.address(), path, "OPTIONS", [("Origin", SHOP), ("Access-Control-Request-Method", asked)])
            same((answer.status, answer.headers["access-control-allow-methods"]), (status, methods), f"{path} {asked}")
        same(ask(weir.address(), "/own", "PUT", [("Origin", SHOP)]).status, 405) # should a client send it all the same


def preflights_go_where_the_request_would():
    config = HEAD + f"""routes:
  - {{path: /x, methods: [GET], respond: {{body: get}}, cors: {{origins: "*", headers: "*", expose: "*"}}}}
  - {{path: /x, methods: [PUT], respond: {{body: put}}}}
  - {{path: /x, methods: [DELETE], respond: {{body: del}}, cors: {{origins: ["null"], methods: [DELETE]}}}}
  - {{path: /*, methods: [OPTIONS, PATCH], respond: {{body: own}}}}
"""
    with Weir("serve", config=config) as weir:
        def asked(method, path="/x"):
            answer = ask(weir.address(), path, "OPTIONS", [("Origin", "null"), ("Access-Control-Request-Method", method)])
            return answer.status, answer.body, answer.headers.get("access-control-allow-origin"), answer.headers.get("access-control-allow-methods")

        same(asked("GET"), (204, b"", "*", "GET, HEAD"))
        same(asked("HEAD"), (204, b"", "*", "GET, HEAD"))
        same(asked("PUT"), (200, b"own", None, None)) # its route tells pages of other origins nothing
        same(asked("DELETE"), (204, b"", "null", "DELETE"))
        same(asked("PATCH"), (200, b"own", None, None))
        same(asked("GET", "/y"), (200, b"own", None, None))
        answer = ask(weir.address(), "/x") # without Origin: a cache may give it to all
        same([answer.headers.get(name) for name in ("access-control-allow-origin", "access-control-expose-headers", "vary")], ["*", "*", None])


# --- passwords and tokens ---

ECHO = """import re, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    connection, _ = listener.accept()
    with connection:
        head = connection.recv(65536) # none of the connection that tries whether it listens
        body = b"".join(sorted(line.lower() for line in re.findall(rb"(?im)^(?:authorization|x.user):[^\\r]*", head)))
        if head:
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
"""


def files_and_applications_are_behind_the_edge():
    with files(users=USERS, echo=ECHO, **{"a.txt": "0123456789", "index.html": "home"}) as folder:
        edge = f'cors: {{origins: ["{SHOP}"]}}, auth: {{basic: "{folder}/users", user_header: X-User}}'
        config = HEAD + f"""admin: 127.0.0.1:0
apps: {{echo: {{command: [python3, -S, -E, "{folder}/echo", "{{socket}}"], concurrency: 1}}}}
routes:
  - {{path: /f/*, file: {{root: "{folder}", fallback: index.html, precompressed: true}}, {edge}}}
  - {{path: /*, serve: echo, {edge}}}
"""
        own = basic("ann", "open sesame")
        with Weir("serve", config=config) as weir:
            address = weir.address()

            def asked(path, *headers, method="GET"):
                return ask(address, path, method, [("Origin", SHOP), *headers])
            same(asked("/app", own, ("X-User", "root"), ("x_user", "root")).body, b"x-user: ann")
            whole = asked("/f/a.txt", own)
            known = ("If-None-Match", whole.headers["etag"])
            for headers, status in (((), 200), ((known,), 304), ((("Range", "bytes=2-4"),), 206), ((("Range", "bytes=99-"),), 416), ((("If-Match", '"x"'),), 412)):
                answer = asked("/f/a.txt", own, *headers)
                same((answer.status, answer.headers["access-control-allow-origin"]), (status, SHOP))
                assert "origin" in answer.headers["vary"].lower(), answer.headers
                if status == 304:
                    assert "accept-encoding" in answer.headers["vary"], answer.headers
                refused = asked("/f/a.txt", *headers) # whatever the request asks: nothing tells of the file
                same((refused.status, refused.headers["vary"], refused.headers.get("etag"), refused.headers.get("content-range")), (401, "Origin", None, None))
            for path in ("/f/", "/f", "/f/none", "/f/users", "/f/../f/a.txt", "/f/%2e%2e/x", "//f/a.txt", "/f//a.txt", "/F/a.txt", "/f/a.txt/", "/app"):
                answer = asked(path)
                same((answer.status, answer.headers["access-control-allow-origin"]), (401, SHOP), path)
                assert answer.headers["www-authenticate"].startswith("Basic "), answer.headers
            same([asked(path, ("Access-Control-Request-Method", "GET"), method="OPTIONS").status for path in ("/f/none", "/app")], [204, 204])
            same(asked("/f/none", own).body, b"home")
            weir.wait_for(r"target=/f/a.txt .*status=401 refused=auth ")

            def counted():
                page = ask(weir.address("admin"), "/metrics").body.decode()
                return sum(int(n) for n in re.findall(r'weir_refused_total\{[^}]*reason="auth"\} (\d+)', page)) == 16
            until("refusals are counted", counted)

def only_whole_and_right_credentials_pass():
    def base64_of(data):
        return "Basic " + base64.b64encode(data).decode()

    with files(users=USERS, tokens=TOKENS) as folder:
        config = HEAD + f"""routes:
  - {{path: /users, respond: {{body: in}}, auth: {{basic: "{folder}/users"}}}}
  - {{path: /tokens, respond: {{body: in}}, auth: {{bearer: "{folder}/tokens", realm: api}}}}
"""
        with Weir("serve", config=config) as weir:
            address = weir.address()
            right = base64_of(b"ann:open sesame")
            for value in (right, right.replace("Basic ", "bAsIC   "), base64_of(b"bob:sha256"), base64_of(b"cyd:sha512"), base64_of("zoë:secret".encode())):
                same(ask(address, "/users", headers=[("Authorization", value)]).status, 200, value)
            for value in ("", "Basic", "Basic ", "Basic =", "Basic ====", right[:-1], right + "=", right + " x", right + "," + right, right.replace("Basic ", "Basic"),
                          right.replace(" ", "\t"), "Bearer " + right, "Digest x", base64_of(b"ann"), base64_of(b":open sesame"), base64_of(b"ann:"),
                          base64_of(b"ann:open sesame\0"), base64_of(b"ann\0:open sesame"), base64_of(b"ann:open sesame\n"), base64_of(b"ann:open  sesame"),
                          base64_of(b"Ann:open sesame"), base64_of(b"# users:x"), base64_of(b"ann:" + SESAME.encode()), base64_of(b"x" * 300 + b":y"),
                          base64_of(b"ann:" + b"y" * 900), base64_of(b"ann:" + b"y" * 2000), base64_of(b"ann:" + b"y" * 9000), base64_of("zoë:secret".encode("latin-1")),
                          "Basic " + "A" * 8000, "Basic \xff\xfe", "Basic YW5uOm9wZW4gc2VzYW1l-_", "Basic YW5uOm9wZW4gc2VzYW1lQ==\r\nAuthorization: " + right,
                          right + "\r\nAuthorization: " + right):
                answer = ask(address, "/users", headers=[("Authorization", value)])
                same((answer.status, answer.headers["www-authenticate"]), (401, 'Basic realm="restricted", charset="UTF-8"'), value)
            for value in ("Bearer 0123456789abcdef-._~+/==", "bearer nameless-token"):
                same(ask(address, "/tokens", headers=[("Authorization", value)]).status, 200, value)
            for value in ("Bearer", "Bearer ", "Bearer nameless", "Bearer nameless-token=", "Bearer nameless-token x", "Bearer robot", "nameless-token",
                          "Basic nameless-token", "Bearer " + "a" * 9000, "Bearer nameless-token, Bearer nameless-token", right):
                answer = ask(address, "/tokens", headers=[("Authorization", value)])
                same((answer.status, answer.headers["www-authenticate"]), (401, 'Bearer realm="api", error="invalid_token"'), value)
            same(ask(address, "/tokens").headers["www-authenticate"], 'Bearer realm="api"')
            same(raw(address, "GET /tokens HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\x01b\r\n\r\n").status, 400)
            weir.wait_for(r"target=/users .* status=200 .* user=ann")
            weir.wait_for(r"target=/tokens .* status=200 .* user=robot")
            assert not any("user=" in line for line in weir.lines if line and "status=401" in line), weir.lines
            assert not any("sesame" in line or "nameless-token" in line for line in weir.lines if line), weir.lines


def a_body_is_not_read_before_it_is_known_whose_it_is():
    with files(users=USERS) as folder:
        config = HEAD + f'routes:\n  - {{path: /, hash: {{}}, auth: {{basic: "{folder}/users"}}}}\n'
        with Weir("serve", config=config) as weir, connect(weir.address()) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
            same(receive(connection).status, 401)


def credentials_stay_here_and_names_are_passed_on():
    requests = []
    with files(users=USERS, tokens=TOKENS) as folder, Backend(answering(requests=requests)) as backend:
        to = f"http://127.0.0.1:{backend.port}"
        auth = f'basic: "{folder}/users"'
        config = HEAD + f"""routes:
  - {{path: /strip, proxy: {{to: "{to}"}}, auth: {{{auth}}}}}
  - {{path: /pass, proxy: {{to: "{to}"}}, auth: {{{auth}, pass: true}}}}
  - {{path: /own, proxy: {{to: "{to}"}}, auth: {{{auth}}}, headers: {{request: {{set: {{Authorization: own}}}}}}}}
  - {{path: /user, proxy: {{to: "{to}"}}, auth: {{{auth}, user_header: X-User}}}}
  - {{path: /robot, proxy: {{to: "{to}"}}, auth: {{bearer: "{folder}/tokens", user_header: X-User}}}}
  - {{path: /gather, gather: {{forward: [authorization, x-user], calls: [{{name: a, url: "{to}/gather"}}]}}, auth: {{{auth}, user_header: X-User}}}}
  - {{path: /given, gather: {{forward: [authorization], calls: [{{name: a, url: "{to}/given"}}]}}, auth: {{{auth}, pass: true}}}}
"""
        own = basic("ann", "open sesame")
        forged = [("X-User", "root"), ("x_user", "root"), ("X_USER", "root")]
        with Weir("serve", config=config) as weir:
            for path, credential in (("/strip", own), ("/pass", own), ("/own", own), ("/user", own), ("/robot", bearer("0123456789abcdef-._~+/==")),
                                     ("/robot?2", bearer("nameless-token")), ("/gather", own), ("/given", own)):
                same(ask(weir.address(), path, headers=[credential, *forged]).status, 200, path)
        seen = {}
        for head, _ in requests:
            lines = head.split("\r\n")
            seen[lines[0].split(" ")[1]] = sorted(line.lower() for line in lines if re.match("(?i)(authorization|x.user):", line))
        told = f"authorization: {own[1]}".lower()
        same(seen, {"/strip": ["x-user: root", "x_user: root", "x_user: root"], "/pass": [told, "x-user: root", "x_user: root", "x_user: root"],
                    "/own": ["authorization: own", "x-user: root", "x_user: root", "x_user: root"], "/user": ["x-user: ann"], "/robot": ["x-user: robot"],
                    "/robot?2": [], "/gather": ["x-user: ann"], "/given": [told]})


def a_name_is_not_forged_by_a_trailer():
    received = []

    def handle(connection):
        read_head(connection)
        body = b""
        while not body.endswith(b"\r\n\r\n"):
            body += connection.recv(65536)
        received.append(body)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with files(users=USERS) as folder, Backend(handle) as backend:
        config = HEAD + f"""routes:
  - {{path: /, proxy: {{to: "http://127.0.0.1:{backend.port}"}}, auth: {{basic: "{folder}/users", user_header: X-User}}}}
"""
        with Weir("serve", config=config) as weir:
            same(raw(weir.address(), "POST / HTTP/1.1\r\nHost: h\r\n%s: %s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-User: root\r\n"
                     "x_USER: root\r\nX-Kept: 1\r\n\r\n" % basic("ann", "open sesame")).status, 204)
    assert b"x-kept: 1" in received[0].lower() and b"root" not in received[0], received


def websockets_are_admitted_alike():
    upgraded = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    with files(tokens=TOKENS) as folder, Backend(sending(upgraded)) as backend:
        config = HEAD + f"""routes:
  - {{path: /, proxy: {{to: "http://127.0.0.1:{backend.port}"}}, auth: {{bearer: "{folder}/tokens"}}, cors: {{origins: ["{SHOP}"]}}}}
"""
        with Weir("serve", config=config) as weir:
            for origin, token, status in ((SHOP, "nameless-token", 101), (None, "nameless-token", 101), ("http://H", "nameless-token", 101),
                                          ("https://evil.example", "nameless-token", 403), ("null", "nameless-token", 403), (SHOP, "other", 401)):
                field = "" if origin is None else f"Origin: {origin}\r\n"
                answer = raw(weir.address(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                                             f"Authorization: Bearer {token}\r\n{field}\r\n")
                same(answer.status, status, f"{origin} {token}")


# --- files ---

def files_are_read_again_when_they_change():
    with files(users=USERS, tokens=TOKENS) as folder:
        config = HEAD + f"""routes:
  - {{path: /users, respond: {{body: in}}, auth: {{basic: users}}}}
  - {{path: /tokens, respond: {{body: in}}, auth: {{bearer: tokens}}}}
"""
        path = os.path.join(folder, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        with Weir("serve", path) as weir:
            address = weir.address()

            def status(path, *credential):
                return ask(address, path, headers=credential).status

            same((status("/users", basic("ann", "open sesame")), status("/tokens", bearer("nameless-token"))), (200, 200))
            write(folder, "users", f"ann:{SECRET}\n")
            write(folder, "tokens", "another\n")
            until("another password", lambda: status("/users", basic("ann", "secret")) == 200)
            until("another token", lambda: status("/tokens", bearer("another")) == 200)
            same((status("/users", basic("ann", "open sesame")), status("/users", basic("bob", "sha256")), status("/tokens", bearer("nameless-token"))),
                 (401, 401, 401)) # what was right before is remembered no longer
            same(status("/users", basic("nobody", "secret")), 401) # although ann's hash was computed for it
            write(folder, "users", f"ann:{SECRET}\nbob:bad\n")
            weir.wait_for(r'not used.*users:2: the hash of .bob. is no hash')
            os.remove(os.path.join(folder, "tokens"))
            weir.wait_for(r'not used.*tokens: .*[Nn]o such file')
            same((status("/users", basic("ann", "secret")), status("/tokens", bearer("another"))), (200, 200))
            write(folder, "tokens", "third\n")
            until("the file is back", lambda: status("/tokens", bearer("third")) == 200)
            with open(path, "w", encoding="utf-8") as file:
                file.write(config.replace("basic: users", "bearer: tokens"))
            weir.signal(1)
            until("a reload", lambda: status("/users", bearer("third")) == 200)


def what_is_wrong_is_said_before_the_start():
    cases = (("basic: users", "users:2: the hash of 'bob' is MD5 ($apr1$, htpasswd without -B), expected bcrypt (htpasswd -B FILE USER) or SHA-crypt (openssl passwd -6)", f"ann:{SESAME}\nbob:$apr1$x$y\n"),
             ("basic: users", "users:1: the hash of 'bob' is SHA-1", "bob:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n"),
             ("basic: users", "users:1: the hash of 'bob' is no hash", "bob:secret\n"),
             ("basic: users", "users:1: the hash of 'bob' is cut", f"bob:{SESAME[:-1]}\n"),
             ("basic: users", "users:1: the hash of 'bob' is cut", f"bob:{SHA512[:-1]}\n"),
             ("basic: users", "users:1: the hash of 'bob' costs", f"bob:{SESAME.replace('$05$', '$17$')}\n"),
             ("basic: users", "users:1: the line has no ':'", "bob\n"), ("basic: users", "users:1: the name of the user", f":{SESAME}\n"),
             ("basic: users", "users:4: user 'ann' is there already, in line 2, expected each user once", f"# x\nann:{SESAME}\n\nann:{SECRET}\n"), ("basic: users", "users:1: the file has no entry", "# none\n"),
             ("basic: users", "users:1: the line has a NUL", f"a\0:{SESAME}\n"), ("basic: users", "users:1: the line has a control", f"a\1:{SESAME}\n"),
             ("bearer: users", "users:1: the token has characters", "a b\n"), ("bearer: users", "users:1: the name of the token", ": a\n"),
             ("bearer: users", "users:2: the token of b is there already, in line 1, expected each token once", "a: x\nb: x\n"),
             ("bearer: users", "users:3: the token is there already, in line 1", "x\ny\nx\n"), ("basic: none", "none: no such file", ""), ("basic: .", "it is no regular file", ""))
    with files() as folder:
        path = os.path.join(folder, "gateway.yaml")
        os.mkfifo(os.path.join(folder, "fifo"))
        for auth, fault, text in (*cases, ("bearer: fifo", "it is no regular file", "")):
            write(folder, "users", text)
            with open(path, "w", encoding="utf-8") as file:
                file.write("listen: 127.0.0.1:0\nroutes:\n  - {path: /, respond: {}, auth: {%s}}\n" % auth)
            with Weir("check", path) as weir:
                same(weir.exit(), 1, fault)
                weir.wait_for("(?i)gateway.yaml:3:.*: auth.(basic|bearer): .*" + re.escape(fault))
                assert not any(line and ("secret" in line or SESAME[:20] in line) for line in weir.lines), weir.lines


# --- the cost of a password ---

def a_password_is_compared_once_and_by_the_pool():
    with files(users=USERS) as folder:
        config = "admin: 127.0.0.1:0\n" + HEAD + f'routes:\n  - {{path: /, respond: {{}}, auth: {{basic: "{folder}/users"}}}}\n'
        with Weir("serve", config=config) as weir:
            address, admin = weir.address(), weir.address("admin")

            def compared():
                found = re.search(r'weir_pool_run_seconds_count\{pool="compute"\} (\d+)', ask(admin, "/metrics").body.decode())
                return int(found[1]) if found else 0

            for _ in range(20):
                same(ask(address, "/", headers=[basic("ann", "open sesame")]).status, 200)
            same(ask(address, "/", headers=[basic("ann", "open sesame!")]).status, 401)
            same(ask(address, "/", headers=[basic("nobody", "open sesame")]).status, 401) # takes as long
            same(ask(address, "/").status, 401)
            until("counting", lambda: compared() >= 3)
            same(compared(), 3)


def a_flood_of_passwords_is_too_much_before_any_is_compared():
    with files(users=USERS) as folder:
        config = HEAD + f"""routes:
  - {{path: /, respond: {{}}, auth: {{basic: "{folder}/users"}}, cors: {{origins: ["{SHOP}"]}}, rate: {{requests: 1, per: 1h, burst: 2, by: client}}}}
"""
        with Weir("serve", config=config) as weir:
            def status(*credential, method="GET"):
                answer = ask(weir.address(), "/", method, [*credential, ("Origin", SHOP), ("Access-Control-Request-Method", "GET")])
                same(answer.headers["access-control-allow-origin"], SHOP)
                return answer.status

            same([status(method="OPTIONS") for _ in range(5)], [204] * 5) # are not counted
            seen = [status(basic("ann", f"wrong{i}")) for i in range(6)]
            same((seen[0], seen[-1], sorted(seen)), (401, 429, seen))
            same((status(basic("ann", "open sesame")), status(method="OPTIONS")), (429, 204))


def a_full_pool_refuses_passwords():
    with files(users=USERS) as folder:
        config = f"""listen: 127.0.0.1:0
loops: 1
pools: {{compute: {{workers: 1, queue: 0}}}}
routes:
  - {{path: /, respond: {{}}, auth: {{basic: "{folder}/users"}}, cors: {{origins: ["{SHOP}"]}}}}
  - {{path: /burn, burn: {{cpu: 60s}}, on: compute}}
"""
        with Weir("serve", config=config) as weir, connect(weir.address()) as held:
            same(ask(weir.address(), "/", headers=[basic("ann", "open sesame")]).status, 200)
            held.sendall(b"GET /burn HTTP/1.1\r\nHost: h\r\n\r\n")

            def refused():
                answer = ask(weir.address(), "/", headers=[basic("bob", "wrong"), ("Origin", SHOP)])
                assert answer.status in (401, 503), answer.status
                return answer if answer.status == 503 else None
            answer = until("a full pool", refused)
            assert int(answer.headers["retry-after"]) >= 1, answer.headers
            same((json.loads(answer.body)["error"]["code"], answer.headers["access-control-allow-origin"]), ("busy", SHOP))
            same(ask(weir.address(), "/", headers=[basic("ann", "open sesame")]).status, 200) # it was right lately


run(every_combination_is_answered_as_browsers_expect, refusals_can_be_read_by_pages, a_route_decides_in_one_order, methods_of_a_preflight_are_those_of_the_route, preflights_go_where_the_request_would,
    files_and_applications_are_behind_the_edge, only_whole_and_right_credentials_pass,
    a_body_is_not_read_before_it_is_known_whose_it_is, credentials_stay_here_and_names_are_passed_on, a_name_is_not_forged_by_a_trailer, websockets_are_admitted_alike,
    files_are_read_again_when_they_change, what_is_wrong_is_said_before_the_start, a_password_is_compared_once_and_by_the_pool, a_flood_of_passwords_is_too_much_before_any_is_compared,
    a_full_pool_refuses_passwords)
