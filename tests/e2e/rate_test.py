#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rate: what is too much is answered 429, by client, route or header, for all processes together, across reloads."""
import json
import os
import pathlib
import re
import signal

from rig import Weir, ask, connect, receive, run, same, until

HEAD = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 2\n"
SLOW = "requests: 1, per: 1h" # nothing comes back during a test


def config(rate, more="", kind="respond: {body: x}", head=HEAD):
    return f"{head}{more}routes:\n  - {{path: /free, respond: {{body: free}}}}\n  - {{path: /*, {kind}, rate: {{{rate}}}}}\n"


def statuses(address, count, headers=(), path="/a"):
    return [ask(address, path, headers=headers).status for _ in range(count)]


def from_client(client):
    return [("X-Forwarded-For", client)]


def what_is_too_much_is_refused_and_counted():
    with Weir("serve", config=config(f"{SLOW}, burst: 3", "headers: {response: {set: {X-All: 'yes'}}}\n")) as weir:
        address, admin = weir.address(), weir.address("admin")
        same(statuses(address, 3), [200] * 3)
        answer = ask(address, "/a")
        same((answer.status, answer.headers["content-type"], answer.headers["x-all"]), (429, "application/json", "yes"))
        same(json.loads(answer.body), {"error": {"code": "rate_limited", "message": "too many requests: 1 in 1h, and 3 at once, are allowed"}})
        assert 3000 < int(answer.headers["retry-after"]) <= 3600, answer.headers
        same([answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")], ["1", "0", answer.headers["retry-after"]])
        same([ask(address, path, "HEAD").status for path in ("/a", "/free")], [429, 200])
        passed = ask(address, "/free")
        same((passed.status, [name for name in passed.headers if "rate" in name or "retry" in name]), (200, []))
        weir.wait_for(r"request method=GET target=/a .*status=429 refused=rate ")

        def counted():
            text = ask(admin, "/metrics").body.decode()
            requests = {m[1]: int(m[2]) for m in re.finditer(r'weir_requests_total\{route="/\*",method="GET",status="(\d+)"\} (\d+)', text)}
            refused = re.search(r'weir_refused_total\{route="/\*",reason="rate"\} (\d+)', text)
            return requests.get("200") == 3 and requests.get("429") == 1 and sum(requests.values()) == 4 and refused and refused[1] == "2" # with that of HEAD
        until("requests are counted", counted)


def a_body_is_not_read_and_the_connection_stays_in_step():
    with Weir("serve", config=config(f"{SLOW}, burst: 1", kind="hash: {}")) as weir:
        address = weir.address()
        same(ask(address, "/a", "POST", body=b"x").status, 200)
        with connect(address) as connection: # it is answered before the body comes
            connection.sendall(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
            same(receive(connection).status, 429)
        with connect(address) as connection:
            connection.sendall(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /GET /free HTTP/1.1\r\nHost: h\r\n\r\n")
            same(receive(connection).status, 429)
            same(receive(connection).body, b"free")


def what_was_used_comes_back():
    with Weir("serve", config=config("requests: 50, per: 1s, burst: 1")) as weir:
        address = weir.address()
        until("one is refused", lambda: ask(address, "/a").status == 429)
        until("one is accepted again", lambda: ask(address, "/a").status == 200)


def a_client_is_what_trusted_proxies_say():
    with Weir("serve", config=config(f"{SLOW}, burst: 2, by: client", "trusted_proxies: [127.0.0.0/8]\n")) as weir:
        address = weir.address()
        same(statuses(address, 3, from_client("192.0.2.1")), [200, 200, 429])
        same(statuses(address, 3, from_client("192.0.2.2")), [200, 200, 429])
        same(statuses(address, 1, from_client("198.51.100.1, 192.0.2.1")), [429], "what a client says before it does not count")
        same(statuses(address, 1, from_client("192.0.2.1, 127.0.0.9")), [429], "nor does a trusted proxy behind it")
        same(statuses(address, 2, from_client("2001:db8::1")) + statuses(address, 1, from_client("[2001:db8::ffff:2]:80")), [200, 200, 429])
        same(statuses(address, 1, from_client("2001:db8:0:1::1")), [200], "another network")
        same(statuses(address, 3), [200, 200, 429], "the proxy itself")
        same(statuses(address, 1, from_client("unknown")), [429], "the proxy itself")
        told = [("Forwarded", 'for=198.51.100.1;host="a,b", for=192.0.2.5;proto=https')]
        same(statuses(address, 3, told) + statuses(address, 1, from_client("192.0.2.5")), [200, 200, 429, 429], "the same client, of Forwarded")
        same(statuses(address, 1, [*told, *from_client("192.0.2.6")]), [200], "where both are, X-Forwarded-For is read")
        same(statuses(address, 1, [("Forwarded", "for=192.0.2.7"), ("X-Forwarded-Proto", "https")]), [429], "the proxy itself: Forwarded may be the client's")


def a_client_that_is_not_trusted_is_its_address():
    with Weir("serve", config=config(f"{SLOW}, burst: 2, by: client")) as weir:
        address = weir.address()
        same([ask(address, "/a", headers=from_client(f"192.0.2.{n}")).status for n in range(4)], [200, 200, 429, 429])


def a_header_can_be_what_counts():
    with Weir("serve", config=config(f"{SLOW}, burst: 1, by: 'header:X-Api-Key'")) as weir:
        address = weir.address()
        same(statuses(address, 2, [("x-api-key", "a")]), [200, 429])
        same(statuses(address, 2, [("X-Api-Key", "b")]), [200, 429])
        same(statuses(address, 2, [("X-Api-Key", "a"), ("X-Api-Key", "b")]), [200, 429], "several are one value")
        same(statuses(address, 1, [("X-Api-Key", "a, b")]), [429], "several are one value")
        same(statuses(address, 2), [200, 429], "none")
        same(statuses(address, 1, [("X-Api-Key", "")]), [429], "an empty one is as none")


def a_route_can_count_all_together():
    with Weir("serve", config=config(f"{SLOW}, burst: 2, by: route", "trusted_proxies: [127.0.0.1]\n")) as weir:
        address = weir.address()
        same([ask(address, "/a", headers=from_client(f"192.0.2.{n}")).status for n in range(4)], [200, 200, 429, 429])
        same(ask(address, "/free").status, 200)


def all_processes_count_together():
    with Weir("serve", config=config(f"{SLOW}, burst: 20", "processes: 2\n")) as weir:
        address = weir.address()
        same(sorted(statuses(address, 40)), [200] * 20 + [429] * 20)
        same(len(weir.gateways()), 2)


def a_process_counts_alone_without_a_supervisor():
    with Weir("serve", "--single", config=config(f"{SLOW}, burst: 3")) as weir:
        same(statuses(weir.address(), 4), [200] * 3 + [429])


def put_into_force(weir, text, generation):
    pathlib.Path(weir.directory.name, "gateway.yaml").write_text(text)
    weir.signal(signal.SIGHUP)
    weir.wait_for(rf"a new configuration is in force generation={generation} ")


def a_reload_keeps_counts_unless_the_rate_changes():
    with Weir("serve", config=config(f"{SLOW}, burst: 3")) as weir:
        address = weir.address()
        same(statuses(address, 4), [200] * 3 + [429])
        put_into_force(weir, config(f"{SLOW}, burst: 3", "drain: 5s\n"), 2)
        same(ask(address, "/a").status, 429)
        put_into_force(weir, config(f"{SLOW}, burst: 4", "drain: 5s\n"), 3)
        until("the processes of before are gone", lambda: len(weir.gateways()) == 1)
        same(statuses(address, 5), [200] * 4 + [429])
        put_into_force(weir, config(f"{SLOW}, burst: 3"), 4)
        until("the processes of before are gone", lambda: len(weir.gateways()) == 1)
        same(ask(address, "/a").status, 429, "the rate of before has its counts of before")


def a_process_that_dies_takes_no_count_along():
    with Weir("serve", config=config(f"{SLOW}, burst: 3")) as weir:
        address = weir.address()
        same(statuses(address, 4), [200] * 3 + [429])
        pid = weir.gateway
        os.kill(pid, signal.SIGKILL)
        until("another process serves", lambda: weir.gateways() and weir.gateways() != [pid])
        same(ask(address, "/a").status, 429)


def flood(connection, first, count):
    """Sends requests of as many networks, each once. Returns: how many were accepted, and refused."""
    connection.sendall(b"".join(b"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 2001:db8:%x:%x::1\r\n\r\n" % (n >> 16, n & 0xffff)
                                for n in range(first, first + count)))
    answers = b""
    while (ended := answers.count(b"\r\n\r\n")) < count: # more is only the body of the last
        received = connection.recv(1 << 20)
        assert received, f"{ended} of {count} answers"
        answers += received
    return answers.count(b"HTTP/1.1 200 "), answers.count(b"HTTP/1.1 429 ")


def a_table_that_is_full_is_told_and_counted():
    few = 200 # so that what is not read yet has room in the sockets
    text = config("requests: 5, per: 1h, by: client", "trusted_proxies: [127.0.0.1]\nprocesses: 2\naccess_log: false\n")
    with Weir("serve", config=text) as weir:
        address, admin = weir.address(), weir.address("admin")
        connections = [connect(address) for _ in range(4)] # with luck, to both processes
        sent = accepted = refused = 0
        while refused < 8 * few:
            assert sent < 4 * 65536, (accepted, refused)
            passed, too_much = flood(connections[sent // few % 4], sent, few)
            sent, accepted, refused = sent + few, accepted + passed, refused + too_much
        for connection in connections:
            connection.close()
        assert 40000 < accepted < 65536 + few, accepted
        keys = int(weir.wait_for(r"new keys of a rate share one bucket route=/\* keys=(\d+) places=65536 effect=")[1])
        assert 40000 < keys <= accepted, (keys, accepted)
        assert sum("share one bucket" in (line or "") for line in weir.lines) <= 2, weir.lines # a second one if all took a minute

        def counted():
            page = ask(admin, "/metrics").body.decode()
            shared = int(re.search(r'weir_rate_shared_total\{route="/\*"\} (\d+)', page)[1])
            return shared in (refused + 5, refused + 6) and 'weir_rate_shared_total{route="/free"} 0' in page # a burst, and one that came back
        until("requests that shared are counted", counted)


if __name__ == "__main__":
    run(what_is_too_much_is_refused_and_counted, a_body_is_not_read_and_the_connection_stays_in_step, what_was_used_comes_back,
        a_client_is_what_trusted_proxies_say, a_client_that_is_not_trusted_is_its_address, a_header_can_be_what_counts,
        a_route_can_count_all_together, all_processes_count_together, a_process_counts_alone_without_a_supervisor,
        a_reload_keeps_counts_unless_the_rate_changes, a_process_that_dies_takes_no_count_along,
        a_table_that_is_full_is_told_and_counted)
