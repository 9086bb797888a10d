#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gather answers of the real program: what clients see when backends answer, fail, are slow or misbehave."""
import contextlib
import gzip
import json
import re
import socket
import threading
import time
import zlib

from rig import Backend, Weir, answering, ask, connect, nobody, read_head, receive, run, same, sending, until


def route(path, calls, **settings):
    """calls: name → url, or name → {url: …, deadline: …}"""
    listed = [{"name": name, **(call if isinstance(call, dict) else {"url": call})} for name, call in calls.items()]
    return {"path": path, "gather": {"deadline": "15s", **settings, "calls": listed}}


@contextlib.contextmanager
def gateway(*routes, **top):
    config = {"listen": "127.0.0.1:0", "loops": 1, "routes": list(routes), **top}
    with Weir("serve", config=json.dumps(config)) as weir: # JSON is YAML
        yield weir.address()


def url(backend, path="/"):
    return f"http://127.0.0.1:{backend.port}{path}"


def silent(connection):
    read_head(connection)
    connection.recv(1) # until the gateway leaves


def all_answers_in_order_as_they_came():
    bodies = {"z": b' {"n": 1.0}\n', "a": b"[1,2]", "m": b'"x"'}
    with contextlib.ExitStack() as stack:
        backends = {name: stack.enter_context(Backend(answering(body=body))) for name, body in bodies.items()}
        address = stack.enter_context(gateway(route("/p", {name: url(b) for name, b in backends.items()})))
        answer = ask(address, "/p")
        same(answer.status, 200)
        same(answer.headers["content-type"], "application/json")
        assert "x-weir-partial" not in answer.headers
        same(answer.body, b'{"z":{"status":200,"body": {"n": 1.0}\n},"a":{"status":200,"body":[1,2]},'
                          b'"m":{"status":200,"body":"x"}}')


def other_bodies_are_text_or_base64():
    with Backend(answering(body=b"h\xc3\xa9\"", kind="text/plain")) as text, \
            Backend(answering(body=b"\xff\x00", kind="image/png")) as image, \
            Backend(answering(body=b"{oops", kind="application/json")) as broken, \
            gateway(route("/p", {"text": url(text), "image": url(image), "broken": url(broken)})) as address:
        answer = json.loads(ask(address, "/p").body)
        same(answer["text"], {"status": 200, "body": "hé\""})
        same(answer["image"], {"status": 200, "body": {"base64": "/wA="}})
        same(answer["broken"], {"status": 200, "body": "{oops"})


def statuses_below_500_succeed_and_redirects_stay():
    with Backend(answering("404 Not Found", b'"no"')) as missing, \
            Backend(answering("302 Found\r\nLocation: /elsewhere", b'""')) as moved, \
            gateway(route("/p", {"missing": url(missing), "moved": url(moved)}, require="all")) as address:
        answer = ask(address, "/p")
        same(answer.status, 200)
        same(json.loads(answer.body), {"missing": {"status": 404, "body": "no"}, "moved": {"status": 302, "body": ""}})


def what_is_required_decides_the_status():
    dead = f"http://127.0.0.1:{nobody()}/"
    with Backend(answering()) as good, Backend(silent) as slow, \
            Backend(answering("500 Oops", b'"sorry"')) as failing:
        calls = {"good": url(good), "failing": url(failing), "dead": dead}
        late = {"one": url(slow), "two": url(slow)}
        mixed = {"one": url(slow), "two": dead}
        with gateway(route("/all", calls, require="all"), route("/any", calls, require="any"),
                     route("/none", {"dead": dead}, require="none"), route("/late", late, deadline="100ms"),
                     route("/mixed", mixed, deadline="700ms"),
                     route("/default", {"dead": dead})) as address:
            answer = ask(address, "/all")
            same((answer.status, answer.headers["x-weir-partial"]), (502, "1/3"))
            same(json.loads(answer.body), {"good": {"status": 200, "body": {}},
                                           "failing": {"status": 500, "body": "sorry"},
                                           "dead": {"error": "connect failed"}})
            answer = ask(address, "/any")
            same((answer.status, answer.headers["x-weir-partial"]), (200, "1/3"))
            answer = ask(address, "/none")
            same((answer.status, answer.headers["x-weir-partial"]), (200, "0/1"))
            answer = ask(address, "/late")
            same((answer.status, answer.headers["x-weir-partial"]), (504, "0/2"))
            same(json.loads(answer.body)["one"], {"error": "deadline exceeded"})
            same(ask(address, "/mixed").status, 502)
            same(ask(address, "/default").status, 502) # any is the default


def a_call_has_a_deadline_of_its_own():
    with Backend(answering(body=b"1")) as good, Backend(silent) as slow, \
            gateway(route("/p", {"slow": {"url": url(slow), "deadline": "80ms"}, "good": url(good)},
                          deadline="10s")) as address:
        began = time.monotonic()
        answer = ask(address, "/p")
        took = time.monotonic() - began
        same(answer.body, b'{"slow":{"error":"deadline exceeded"},"good":{"status":200,"body":1}}')
        assert 0.08 <= took < 5, took


def backends_that_misbehave_are_named():
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: "
    table = {
        "half_a_body": (sending(ok + b"10\r\n\r\n12345"), {"error": "connection closed"}),
        "half_a_head": (sending(b"HTTP/1.1 200 OK\r\nContent-Le"), {"error": "connection closed"}),
        "nothing": (sending(b""), {"error": "connection closed"}),
        "half_chunked": (sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123"),
                         {"error": "connection closed"}),
        "no_http": (sending(b"SSH-2.0-OpenSSH\r\n\r\n"), {"error": "bad response"}),
        "two_lengths": (sending(ok + b"2\r\nContent-Length: 3\r\n\r\nabc"), {"error": "bad response"}),
        "length_and_chunked": (sending(ok + b"2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                               {"error": "bad response"}),
        "bad_chunk": (sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                      {"error": "bad response"}),
        "too_large": (sending(ok + b"100000000\r\n\r\n" + b"x" * 70000, linger=True), {"error": "reply too large"}),
        "two_answers": (sending(ok + b"1\r\n\r\n1" + ok + b"1\r\n\r\n2"), {"status": 200, "body": "1"}),
        "until_close": (sending(b"HTTP/1.1 200 OK\r\n\r\nall of it"), {"status": 200, "body": "all of it"}),
        "informed": (sending(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + b"2\r\n\r\nok"),
                     {"status": 200, "body": "ok"}),
    }
    with contextlib.ExitStack() as stack:
        calls = {name: url(stack.enter_context(Backend(handle))) for name, (handle, _) in table.items()}
        address = stack.enter_context(gateway(route("/p", calls, deadline="5s", require="none"),
                                              limits={"reply": "64KiB"}))
        for turn in range(3): # a broken connection is not used again
            answer = json.loads(ask(address, "/p").body)
            for name, (_, wanted) in table.items():
                same(answer[name], wanted, f"{name}, turn {turn}")


def a_reply_that_streams_without_end_is_too_large():
    def endless(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    with Backend(endless) as backend, \
            gateway(route("/p", {"a": url(backend)}, deadline="10s"), limits={"reply": "64KiB"}) as address:
        answer = ask(address, "/p")
        same((answer.status, answer.body), (502, b'{"a":{"error":"reply too large"}}'))


def a_backend_that_closed_while_idle_is_asked_again():
    def once(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with Backend(once) as backend, gateway(route("/p", {"a": url(backend)})) as address:
        for _ in range(20):
            same(ask(address, "/p").body, b'{"a":{"status":200,"body":"ok"}}')


def connections_are_kept():
    with Backend(answering(body=b"1")) as backend, gateway(route("/p", {"a": url(backend)})) as address:
        for _ in range(10):
            same(ask(address, "/p").status, 200)
        same(backend.connections, 1)


def parameters_are_passed_on_as_they_came():
    seen = []
    with Backend(answering(requests=seen)) as backend, \
            gateway(route("/u/{id}", {"a": url(backend, "/users/{id}?user={id}")})) as address:
        for value, wanted in (("42", "/users/42?user=42"), ("a%2Fb", "/users/a%2Fb?user=a%2Fb"),
                              ("%41%7e;x", "/users/%41%7e;x?user=%41%7e;x"),
                              ("a&b", "/users/a&b?user=a%26b"), ("%0d%0aX:1", "/users/%0d%0aX:1?user=%0d%0aX:1")):
            same(ask(address, "/u/" + value).status, 200, value)
            same(seen[-1][0].split(" ")[1], wanted)
        same(ask(address, "/u/a%00b").status, 400)


def only_named_headers_are_passed_on():
    seen = []
    headers = [("Authorization", "Bearer x"), ("X-Request-Id", "r"), ("Cookie", "c=1"),
               ("X-Secret", "s"), ("X-Forwarded-For", "1.2.3.4"), ("Connection", "x-secret"), ("X-Two", "1"),
               ("X-Two", "2")]
    with Backend(answering(requests=seen)) as backend, \
            gateway(route("/p", {"a": {"url": url(backend), "headers": {"x-own": "mine"}}},
                          forward=["authorization", "x-secret", "x-two"]),
                    route("/default", {"a": url(backend)})) as address:
        same(ask(address, "/p", headers=headers).status, 200)
        lines = seen[-1][0].lower().split("\r\n")
        for line in ("authorization: bearer x", "x-request-id: r", "x-own: mine",
                     "x-two: 1", "x-two: 2"):
            assert line in lines, (line, lines)
        assert not [line for line in lines if line.startswith(("cookie", "x-secret", "x-forwarded-for"))], lines
        same(ask(address, "/default", headers=headers).status, 200)
        lines = seen[-1][0].lower().split("\r\n")
        assert "x-request-id: r" in lines, lines
        assert not [line for line in lines if line.startswith(("authorization", "cookie", "x-two"))], lines


def trace_of(request):
    """Returns (parts of the traceparent, tracestate or None) of a request that a backend has received."""
    fields = dict(line.split(": ", 1) for line in request[0].split("\r\n")[1:] if ": " in line)
    parts = fields["traceparent"].split("-")
    same([len(part) for part in parts], [2, 32, 16, 2], fields)
    return parts, fields.get("tracestate")


def every_call_has_a_step_in_the_trace_of_its_request():
    seen = []
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with Backend(answering(requests=seen)) as backend, \
            gateway(route("/p", {"a": url(backend), "b": url(backend)}, forward=["traceparent", "tracestate"])) as address:
        def calls(*headers):
            del seen[:]
            same(ask(address, "/p", headers=list(headers)).status, 200)
            (a, state_a), (b, state_b) = map(trace_of, seen)
            same(a[1], b[1])
            assert a[2] != b[2] and span not in (a[2], b[2]), (a, b) # each call is a span of its own
            same(state_a, state_b)
            return a[1], a[3], state_a
        same(calls(("traceparent", f"00-{trace}-{span}-01"), ("tracestate", "a=1"), ("tracestate", "b=2")),
             (trace, "01", "a=1,b=2"))
        same(calls(("traceparent", f"00-{trace}-{span}-00")), (trace, "00", None))
        # An invalid or repeated traceparent begins a new trace; its tracestate is dropped.
        made = set()
        for bad in ([], [f"00-{trace.upper()}-{span}-01"], [f"00-{trace}-{span}-01"] * 2, [f"00-{trace}-{'0' * 16}-01"]):
            new, flags, state = calls(*[("traceparent", value) for value in bad], ("tracestate", "a=1"))
            assert new != trace and new.lower() == new, new
            same((flags, state), ("03", None))
            made.add(new)
        same(len(made), 4)


def a_call_that_posts_is_given_the_body():
    seen = []
    with Backend(answering(requests=seen)) as backend, \
            gateway(route("/p", {"post": {"url": url(backend, "/post"), "method": "POST"},
                                 "get": url(backend, "/get")})) as address:
        same(ask(address, "/p", "POST", [("Content-Type", "text/x")], b"hello").status, 200)
        bodies = {head.split(" ")[1]: (head.split(" ")[0], "content-type: text/x" in head.lower(), body)
                  for head, body in seen}
        same(bodies, {"/post": ("POST", True, b"hello"), "/get": ("GET", False, b"")})


def a_client_that_leaves_takes_its_calls_along():
    arrived, left = [], []

    def slow(connection):
        read_head(connection)
        arrived.append(True)
        connection.recv(1)
        left.append(True)
    with Backend(slow) as backend, \
            gateway(route("/p", {"a": url(backend), "b": url(backend)}, deadline="1m")) as address:
        with connect(address) as client:
            client.sendall(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
            until("both calls", lambda: len(arrived) == 2)
            same(left, [])
        until("both cancels", lambda: len(left) == 2)


def head_has_the_length_and_no_body():
    with Backend(answering(body=b"12345")) as backend, gateway(route("/p", {"a": url(backend)})) as address:
        wanted = len(ask(address, "/p").body)
        with connect(address) as client:
            client.sendall(b"HEAD /p HTTP/1.1\r\nHost: h\r\n\r\nGET /p HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(client, "HEAD").headers["content-length"], str(wanted))
            same(len(receive(client).body), wanted) # the backend sends the next answer at once


def a_backend_that_reads_no_more_is_heard():
    """One backend answers 413 after a little of the body, and stops reading; another one closes, which is a reset."""
    released = threading.Event()

    def stays(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        released.wait(30)

    def closes(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        time.sleep(0.01) # a reset discards bytes that were not sent yet

    with Backend(stays) as one, Backend(closes) as two:
        calls = {name: {"url": url(backend), "method": "POST"} for name, backend in {"one": one, "two": two}.items()}
        with gateway({**route("/p", calls), "limits": {"body": "16MiB"}}) as address:
            answer = ask(address, "/p", "POST", body=b"x" * (8 << 20))
            same(json.loads(answer.body), {"one": {"status": 413, "body": "big"}, "two": {"status": 413, "body": "big"}})
        released.set()


def the_limits_of_heads_hold_for_backends():
    large = "".join(f"X-{i}: {'y' * 125}\r\n" for i in range(150))
    many = "".join(f"X-{i}: y\r\n" for i in range(150))
    with Backend(answering("200 OK\r\n" + large[:-2])) as one, Backend(answering("200 OK\r\n" + many[:-2])) as two:
        page = route("/p", {"large": url(one), "many": url(two)}, require="none")
        told = {**page, "gather": {**page["gather"], "detail": True}}
        with gateway(page, limits={"head": "32KiB", "headers": 160}) as address:
            same(json.loads(ask(address, "/p").body),
                 {"large": {"status": 200, "body": {}}, "many": {"status": 200, "body": {}}})
        with gateway(told, limits={"head": "16KiB"}) as address:
            same(json.loads(ask(address, "/p").body),
                 {"large": {"error": "bad response", "detail": "the response head is larger than allowed"},
                  "many": {"error": "bad response", "detail": "more header fields than are allowed"}})


def coded(body, how):
    if how == "gzip":
        return gzip.compress(body)
    if how == "deflate":
        return zlib.compress(body)
    if how == "raw deflate":
        return zlib.compress(body)[2:-4]
    return body


def answers_that_come_coded_are_embedded_decoded():
    small, large = b'{"a":[1,2.50]}', json.dumps({"n": list(range(100000))}).encode()
    bomb = b"[" + b"0," * (3 << 20) + b"0]"
    kinds = {"small": (small, "gzip"), "deflated": (small, "deflate"), "raw": (small, "raw deflate"),
             "large": (large, "gzip"), "text": (b"plain", "gzip"), "plain": (small, "identity")}
    bad = {"cut": (gzip.compress(large)[:-5], "gzip"), "lie": (small, "br"), "foreign": (small, "compress"),
           "bomb": (gzip.compress(bomb), "gzip")}
    requests = []
    with contextlib.ExitStack() as stack:
        calls = {}
        for name, (body, how) in kinds.items():
            kind = "text/plain" if name == "text" else "application/json"
            fields = f"200 OK\r\nContent-Encoding: {how.split()[-1]}"
            calls[name] = url(stack.enter_context(Backend(answering(fields, coded(body, how), kind, requests))))
        for name, (body, how) in bad.items():
            calls[name] = url(stack.enter_context(Backend(answering(f"200 OK\r\nContent-Encoding: {how}", body))))
        page = route("/p", calls)
        page["gather"]["detail"] = True
        address = stack.enter_context(gateway(page, route("/f", calls, forward=["accept-encoding"])))
        for path in ("/p", "/f"):
            answer = ask(address, path, headers=[("Accept-Encoding", "gzip")])
            same(answer.headers["x-weir-partial"], "6/10")
            parts = json.loads(answer.body)
            for name, (body, _) in kinds.items():
                same(parts[name], {"status": 200, "body": "plain" if name == "text" else json.loads(body)}, name)
            same(b'"small":{"status":200,"body":{"a":[1,2.50]}}' in answer.body, True)
            same({name: parts[name]["error"] for name in bad},
                 {"cut": "bad response", "lie": "bad response", "foreign": "bad response", "bomb": "reply too large"})
            asked = {re.search(r"accept-encoding: (.*)\r", head, re.I)[1] for head, _ in requests}
            same(asked, {"identity"} if path == "/p" else {"gzip"})
            requests.clear()
        same(json.loads(ask(address, "/p").body)["cut"]["detail"], "its body is not what its content-encoding says")


def what_describes_a_body_goes_with_it():
    requests = []
    body = gzip.compress(b'{"x":1}')
    with Backend(answering(requests=requests)) as backend:
        calls = {"post": {"url": url(backend), "method": "POST"}, "get": url(backend)}
        with gateway(route("/p", calls, forward=["content-type", "content-encoding"])) as address:
            same(ask(address, "/p", "POST", body=body, headers=[
                ("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("Content-Language", "de")]).status, 200)
            heads = {head.split(" ")[0]: (head.lower(), sent) for head, sent in requests}
            same(heads["POST"][1], body)
            for line in ("content-type: application/json\r\n", "content-encoding: gzip\r\n", "content-language: de\r\n"):
                same(heads["POST"][0].count(line), 1, line)
            same("content-language" in heads["GET"][0], False)


def halves_of_surrogates_are_no_json():
    """Half a surrogate pair is no JSON: strict readers would refuse the whole answer."""
    for text in (b'{"a":"\\ud800"}', b'["\\udc00\\ud800"]', b'{"\\uDBFF":1}'):
        with Backend(answering(body=text)) as backend, gateway(route("/p", {"a": url(backend)})) as address:
            same(json.loads(ask(address, "/p").body), {"a": {"status": 200, "body": text.decode()}})


def fields(line):
    return dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line))


def what_fails_is_told_in_log_and_metrics():
    """One backend refuses every connection, another answers 503; then both work again."""
    def second(connection):
        while True:
            read_head(connection)
            connection.sendall(f"HTTP/1.1 {status[0]}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    status = ["503 Busy"]
    dead = socket.socket() # not listened on, so that it refuses, and held, so that no other program gets its port
    dead.bind(("127.0.0.1", 0))
    port = dead.getsockname()[1]
    with Backend(answering()) as good, Backend(second) as failing:
        calls = {"good": url(good), "reviews": f"http://127.0.0.1:{port}/", "stock": url(failing)}
        config = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "loops": 2, "routes": [route("/p", calls)]}
        with Weir("serve", config=json.dumps(config)) as weir:
            admin = weir.address("admin")

            def outcomes(call):
                found = re.findall(rf'weir_gather_calls_total{{route="/p",call="{call}",outcome="(\w+)"}} (\d+)',
                                   ask(admin, "/metrics").body.decode())
                return {outcome: int(n) for outcome, n in found}

            same(sum(outcomes("reviews").values()), 0)
            same(len(outcomes("reviews")), 13) # they exist from the start
            for _ in range(5):
                same(ask(weir.address(), "/p").status, 200)
            line = fields(weir.wait_for(r"request method=GET.* partial=.*")[0])
            same((line["partial"], line["failed"]), ("1/3", '"reviews connect failed, stock status 503"'))
            line = fields(weir.wait_for(rf"warn an origin fails origin=\S+:{port} .*")[0])
            same((line["reason"], line["error"]), ("connect", '"connection refused"'))
            line = fields(weir.wait_for(rf"warn an origin fails origin=\S+:{failing.port} .*")[0])
            same(line["reason"], "status")
            until("the count of the fifth, after its answer,",
                  lambda: 'weir_gather_partial_total{route="/p"} 5\n' in ask(admin, "/metrics").body.decode())
            same((outcomes("reviews")["connect_failed"], outcomes("stock")["status"], outcomes("good")["ok"]), (5, 5, 5))
            origins = {o["origin"]: o for o in json.loads(ask(admin, "/stats").body)["origins"]}
            same(origins[f"http://127.0.0.1:{port}"]["failing"], True)
            same(origins[f"http://127.0.0.1:{port}"]["last_error"]["text"], "connection refused")
            same(origins[url(good, "")]["failing"], False)
            status[0] = "200 OK"
            dead.close()
            with Backend(answering(), port):
                for _ in range(5):
                    ask(weir.address(), "/p")
                weir.wait_for(rf"info an origin works again origin=\S+:{port} after=\S+ failed=5")
                weir.wait_for(rf"info an origin works again origin=\S+:{failing.port} ")
            same(len([line for line in weir.lines if line and "an origin fails" in line]), 2) # one line for each


run(all_answers_in_order_as_they_came, other_bodies_are_text_or_base64,
    statuses_below_500_succeed_and_redirects_stay, what_is_required_decides_the_status,
    a_call_has_a_deadline_of_its_own, backends_that_misbehave_are_named,
    a_reply_that_streams_without_end_is_too_large, a_backend_that_closed_while_idle_is_asked_again,
    connections_are_kept, parameters_are_passed_on_as_they_came, only_named_headers_are_passed_on,
    every_call_has_a_step_in_the_trace_of_its_request,
    a_call_that_posts_is_given_the_body, a_client_that_leaves_takes_its_calls_along,
    head_has_the_length_and_no_body, a_backend_that_reads_no_more_is_heard,
    the_limits_of_heads_hold_for_backends, halves_of_surrogates_are_no_json,
    answers_that_come_coded_are_embedded_decoded, what_describes_a_body_goes_with_it, what_fails_is_told_in_log_and_metrics)
