#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The access log in a file: its lines and the counters add up, whatever becomes of requests; it is rotated, sampled, and its disk is full."""
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading

from rig import PATIENCE, WEIR, Backend, Held, Weir, ask, connect, read_all, read_head, receive, run, same, until

HEAD = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\nprocesses: 2\n"
HELLO = "  - {path: /*, respond: {body: hello}}\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n"


def metrics(weir, family, label):
    """The sums of a family by one of its labels."""
    sums = collections.Counter()
    for labels, value in re.findall(rf"^{family}{{(.*)}} (\S+)$", ask(weir.address("admin"), "/metrics").body.decode(), re.M):
        sums[re.search(rf'{label}="([^"]*)"', labels)[1]] += int(float(value))
    return +sums


def lines(weir, *names):
    """The lines of files, each of which must be whole."""
    found = []
    for name in names:
        path = pathlib.Path(weir.directory.name, name)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == "" or text.endswith("\n"), text[-100:]
        found += text.splitlines()
    return found


def status_of(line):
    """The label that the metrics have for it."""
    if line.startswith("{"):
        return str(json.loads(line).get("status", 499))
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z info request method=", line), line
    found = re.search(r" status=(\d+) ", line)
    return found[1] if found else "499"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# --- adding up ---

def everything(held, switching, dead, log):
    return HEAD + f"""access_log: {log}
limits: {{body: 1KiB, head_timeout: 200ms, connections_per_client: 30}}
backends:
  one: {{urls: ["http://127.0.0.1:{held}"], limit: 1, connections: {{max: 1, queue: 1}}}}
routes:
  - {{path: /ok, respond: {{body: ok}}}}
  - {{path: /none, respond: {{status: 204}}}}
  - {{path: /rate, respond: {{body: ok}}, rate: {{requests: 1, per: 1h}}}}
  - {{path: /post, methods: [POST], respond: {{body: ok}}}}
  - {{path: /held, proxy: {{backend: one, timeout: 1m}}}}
  - {{path: /dead, proxy: {{to: "http://127.0.0.1:{dead}"}}}}
  - {{path: /chat, proxy: {{to: "http://127.0.0.1:{switching}"}}}}
"""


def switch(connection):
    read_head(connection)
    connection.sendall(SWITCH)
    connection.sendall(read_all(connection))


def answered(address):
    """Requests that are answered, or refused. Returns: how often each status came."""
    got = collections.Counter()

    def send(text, method="GET"):
        with connect(address) as connection:
            connection.sendall(text.encode())
            got[str(receive(connection, method).status)] += 1

    for method, path in (("GET", "/ok?token=secret"), ("HEAD", "/ok"), ("GET", "/none"), ("GET", "/nowhere"), ("GET", "/post"),
                         ("GET", "/rate"), ("GET", "/rate"), ("GET", "/rate"), ("GET", "/dead")):
        got[str(ask(address, path, method).status)] += 1
    got[str(ask(address, "/post", "POST", body=b"x").status)] += 1
    got[str(ask(address, "/post", "POST", body=b"x" * 2000).status)] += 1
    send("nonsense\r\n\r\n")
    send("GET /ok HTTP/1.1\r\n\r\n") # no Host
    send("GET /ok HTTP/1.1\r\nHost: h\r\n") # and no more
    send(f"GET /ok HTTP/1.1\r\nHost: h\r\nX: {'x' * 20000}\r\n\r\n")
    with connect(address) as connection: # several on one connection, at once
        connection.sendall(b"GET /ok HTTP/1.1\r\nHost: h\r\n\r\n" * 5)
        for _ in range(5):
            got[str(receive(connection).status)] += 1
    with connect(address) as connection: # an upgrade, and its end
        connection.sendall(b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes")
        assert b" 101 " in read_head(connection)
        connection.shutdown(socket.SHUT_WR)
        same(read_all(connection), b"bytes")
        got["101"] += 1
    return got


def left(address, held):
    """Requests whose client leaves, while one is held, and others are refused meanwhile."""
    got = collections.Counter()
    before = held.arrived
    leaving = connect(address)
    leaving.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
    held.wait_for(before + 1)
    for _ in range(3):
        got[str(ask(address, "/held").status)] += 1
    reset(leaving)
    got["499"] += 1
    return got


def crowd(address):
    """More connections than a client may have. Returns: how many were refused."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(address)) for _ in range(80)]
        refused = 0
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /ok HTTP/1.1\r\nHost: h\r\n\r\n")
        for connection in connections:
            try:
                refused += receive(connection).status != 200 # the 503 of a connection, before any request
            except (OSError, EOFError, IndexError, ValueError): # it was reset meanwhile
                refused += 1
        return refused


def lines_and_counters_add_up():
    with socket.socket() as nobody, Held() as held, Backend(switch) as switching:
        nobody.bind(("127.0.0.1", 0)) # and does not listen
        ports = held.backend.port, switching.port, nobody.getsockname()[1]
        with Weir("serve", config=everything(*ports, "{path: a.log, hide: [Token]}")) as weir:
            address = weir.address()
            wanted = answered(address) + left(address, held)
            until("the client that left is counted", lambda: metrics(weir, "weir_requests_total", "status")["499"] == 1)
            os.rename(os.path.join(weir.directory.name, "a.log"), os.path.join(weir.directory.name, "a.log.1"))
            weir.signal(signal.SIGUSR1)
            wanted += answered(address)
            pathlib.Path(weir.directory.name, "gateway.yaml").write_text(everything(*ports, "{path: b.log, format: json}"))
            weir.signal(signal.SIGHUP)
            weir.wait_for("a new configuration is in force generation=2 ")
            wanted += answered(address)
            refused = crowd(address)
            wanted["200"] += 80 - refused
            until(f"all {wanted} are counted", lambda: metrics(weir, "weir_requests_total", "status") == wanted)
            same(metrics(weir, "weir_connections_unserved_total", "reason")["client_limit"], refused, "connections of a client")
            assert refused >= 20, refused
            files = "a.log", "a.log.1", "b.log"
            until(f"all {wanted} have lines", lambda: collections.Counter(map(status_of, lines(weir, *files))) == wanted)
            assert not any("secret" in line for line in lines(weir, "a.log", "a.log.1")), "hidden"
            hidden = sum("token=***" in line for line in lines(weir, "a.log", "a.log.1"))
            assert hidden >= 2, hidden
            same(sum("token=secret" in line for line in lines(weir, "b.log")), 3 - hidden) # not hidden there; those that drain may take one
            assert all(json.loads(line)["message"] == "request" for line in lines(weir, "b.log"))
            by_reason = metrics(weir, "weir_refused_total", "reason")
            told = collections.Counter(reason[1] for line in lines(weir, *files) if (reason := re.search(r'refused"?[=:]"?(\w+)', line)))
            same(told, by_reason, "refusals by reason")
            same(metrics(weir, "weir_log_dropped_total", "log"), {})
            weir.signal(signal.SIGTERM)
            same(weir.exit(), 0)
            same(collections.Counter(map(status_of, lines(weir, *files))), wanted, "after the end")
            same([line for line in weir.lines if line and " request " in line], [])


# --- rotation ---

def no_line_is_lost_when_files_are_rotated():
    turns, clients, each = 6, 4, 150
    with Weir("serve", config=HEAD + "access_log: {path: a.log}\nroutes:\n" + HELLO) as weir:
        address, folder, asked = weir.address(), weir.directory.name, []

        def client(number):
            with connect(address) as connection:
                for i in range(each):
                    connection.sendall(f"GET /{number}-{i} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                    same(receive(connection).status, 200)
                    asked.append(f"/{number}-{i}")

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for turn in range(turns):
            until("requests came", lambda: len(asked) >= turn * clients * each // turns)
            os.rename(os.path.join(folder, "a.log"), os.path.join(folder, f"a.log.{turn}"))
            weir.signal(signal.SIGUSR1)
            until("both processes have the new file", lambda: sum("the access log was opened again" in (line or "") for line in weir.lines) == 2 * (turn + 1))
        for thread in threads:
            thread.join()
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        found = lines(weir, "a.log", *(f"a.log.{turn}" for turn in range(turns)))
        same(sorted(re.search(r" target=(\S+) ", line)[1] for line in found), sorted(asked))
        assert len(asked) == clients * each and lines(weir, "a.log.1"), "a load"


def a_process_that_drains_opens_the_new_file_too():
    with Held() as held, Weir("serve", config=HEAD + "access_log: {path: a.log}\nroutes:\n" + held.route()) as weir:
        address, folder = weir.address(), weir.directory.name
        with connect(address) as busy:
            busy.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
            held.wait_for(1)
            weir.signal(signal.SIGHUP)
            weir.wait_for("a new configuration is in force generation=2 ")
            os.rename(os.path.join(folder, "a.log"), os.path.join(folder, "a.log.1"))
            weir.signal(signal.SIGUSR1)
            until("three processes have it, or four", lambda: sum("was opened again" in (line or "") for line in weir.lines) >= 3)
            held.released.set()
            same(receive(busy).status, 200)
        until("its line is in the new file", lambda: lines(weir, "a.log"))
        same(lines(weir, "a.log.1"), [])


def a_folder_that_is_gone_keeps_the_old_file():
    with Weir("serve", config=HEAD + "access_log: {path: a.log}\nroutes:\n" + HELLO) as weir:
        address, path = weir.address(), pathlib.Path(weir.directory.name, "a.log")
        path.rename(path.with_suffix(".1"))
        path.mkdir()
        weir.signal(signal.SIGUSR1)
        weir.wait_for("error the access log could not be opened again: .* error=.*directory")
        same(ask(address, "/x").status, 200)
        until("the line is in the old file", lambda: lines(weir, "a.1"))
        path.rmdir()


# --- what is written ---

def errors_and_slow_requests_are_never_left_out():
    config = HEAD + "access_log: {path: a.log, sample: 10%, slow: 30ms}\nroutes:\n  - {path: /slow, sleep: {for: 40ms}}\n  - {path: /fast, respond: {}}\n"
    with Weir("serve", config=config) as weir:
        address = weir.address()
        with connect(address) as connection:
            connection.sendall(b"GET /fast HTTP/1.1\r\nHost: h\r\n\r\n" * 400)
            for _ in range(400):
                receive(connection)
        for _ in range(5):
            same((ask(address, "/slow").status, ask(address, "/none").status), (200, 404))
        trace = "0af7651916cd43dd8448eb211c80319c"
        for _ in range(3): # of one trace, all or none
            ask(address, "/fast", headers=[("traceparent", f"00-{trace}-b7ad6b7169203331-01")])
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        found = lines(weir, "a.log")
        same(sum(" target=/slow " in line and "sample" not in line for line in found), 5)
        same(sum(" target=/none " in line and "sample" not in line for line in found), 5)
        assert sum(trace in line for line in found) in (0, 3), found
        assert all(line.endswith(" sample=0.1") or float(re.search(r"took=(\S+)ms", line)[1]) >= 30 for line in found if " target=/fast " in line), found
        assert 5 <= sum("sample=0.1" in line for line in found) <= 200, len(found)


def the_slow_ones_alone():
    config = "listen: 127.0.0.1:0\naccess_log: {slow: 10s, format: json}\nroutes:\n" + HELLO.replace("/*", "/ok")
    with Weir("serve", config=config) as weir: # apart from a log that is text, on stderr
        address = weir.address()
        same((ask(address, "/ok").status, ask(address, "/none?a=%00").status), (200, 404))
        same(json.loads(weir.wait_for('{.*"request".*')[0])["target"], "/none?a=%00")
        weir.signal(signal.SIGTERM)
        same(weir.exit(), 0)
        same(sum('"request"' in (line or "") for line in weir.lines), 1)


def what_is_hidden_is_not_in_records_of_outliers_either():
    config = HEAD + "access_log: {path: a.log, hide: [token]}\noutliers: {keep: 5}\nroutes:\n  - {path: /slow, sleep: {for: 20ms}, slow: 1ms}\n"
    with Weir("serve", config=config) as weir:
        same(ask(weir.address(), "/slow?token=secret&a=b").status, 200)
        text = until("it is recorded", lambda: (body := ask(weir.address("admin"), "/outliers").body) if b"/slow?" in (body := ask(weir.address("admin"), "/outliers").body) else None)
        assert b"/slow?token=***&a=b" in text and b"secret" not in text, text


def the_client_is_shown_beside_the_proxy():
    config = HEAD + "access_log: {path: a.log}\ntrusted_proxies: [127.0.0.1]\nroutes:\n" + HELLO
    told = (([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"), ([("Forwarded", 'for="[2001:db8::1]:80"')], "2001:db8::1"),
            ([("X-Forwarded-For", "unknown")], None), ([], None))
    with Weir("serve", config=config) as weir:
        for i, (headers, _) in enumerate(told):
            same(ask(weir.address(), f"/{i}", headers=headers).status, 200)
        found = until("all have lines", lambda: found if len(found := lines(weir, "a.log")) == len(told) else None)
        for i, (_, wanted) in enumerate(told):
            line = next(line for line in found if f"target=/{i} " in line)
            client = re.search(r" peer=127\.0\.0\.1:\d+(?: client=(\S+))?", line)
            same(client[1], wanted, line)


def headers_are_shown_where_the_file_asks_for_them():
    """Also of requests that are refused, of an upgrade, and of what follows on one connection."""
    fields = "fields: [Host, User-Agent, Referer, X-Session], hide: [token, x-session]"
    routes = "  - {path: /ok, respond: {body: ok}}\n  - {path: /post, methods: [POST], respond: {body: ok}}\n"
    hostile = 'a "b" \\ \x85\xff\t c'.encode("latin-1")
    with Backend(switch) as switching, Weir("serve", config=HEAD + f"access_log: {{path: a.log, {fields}}}\nroutes:\n{routes}"
                                            f"  - {{path: /chat, proxy: {{to: 'http://127.0.0.1:{switching.port}'}}}}\n") as weir:
        address = weir.address()

        def shown(request, target, method="GET"):
            """What the line has behind the trace, of the one line with this target."""
            with connect(address) as connection:
                connection.sendall(request)
                receive(connection, method)
                connection.shutdown(socket.SHUT_WR)
                read_all(connection)
            line = until(f"a line of {target}", lambda: next((line for line in lines(weir, "a.log") if f" target={target} " in line), None))
            return re.search(r" trace=\w+ ?(.*)", line)[1]

        same(shown(b"GET /ok?1 HTTP/1.1\r\nHost: A.example:80\r\nUSER-AGENT: curl/8 (x)\r\nReferer: http://r/?token=secret&b\r\n\r\n", "/ok?1"),
             'host=A.example:80 user-agent="curl/8 (x)" referer=http://r/?token=***&b')
        same(shown(b"GET /ok?2 HTTP/1.1\r\nHost: h\r\nReferer:\r\nX-Session: secret\r\n\r\n", "/ok?2"), 'host=h referer="" x-session=***')
        same(shown(b"GET http://of.target/ok?3 HTTP/1.1\r\nHost: h\r\nX-Session:\r\n\r\n", "http://of.target/ok?3"), "host=of.target x-session=***")
        same(shown(b"GET /ok?4 HTTP/1.1\r\nHost: h\r\nUser-Agent: one\r\nUser-Agent: two\r\n\r\n", "/ok?4"), 'host=h user-agent="one, two"')
        same(shown(b"GET /ok?5 HTTP/1.1\r\nHost: h\r\nUser-Agent: " + hostile + b"\r\n\r\n", "/ok?5"), 'host=h user-agent="a \\"b\\" \\\\ \\x85\\xff\\t c"')
        same(shown(b"GET /ok?6 HTTP/1.1\r\nHost: h\r\nReferer: " + b"r" * 9000 + b"\r\n\r\n", "/ok?6"), f"host=h referer={'r' * 253}…")
        same(shown(b"GET /none HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\n\r\n", "/none"), "host=h user-agent=u")
        same(shown(b"GET /chat HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes" + b"x" * 20000, "/chat"), "host=h user-agent=u")
        with connect(address) as connection: # nothing of the first is shown with those that follow
            connection.sendall(b"POST /post?7 HTTP/1.1\r\nHost: first\r\nUser-Agent: first\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000
                               + b"GET /ok?8 HTTP/1.1\r\nHost: h\r\n\r\nGET /ok?9 HTTP/1.1\r\nReferer: r\r\n\r\n")
            same([receive(connection).status for _ in range(3)], [200, 200, 400])
        with connect(address) as connection:
            connection.sendall(b"GET /ok?10 HTTP/1.1\r\nHost: first\r\n\r\nnonsense\r\n\r\n")
            same([receive(connection).status for _ in range(2)], [200, 400])
        ends = until("all have lines", lambda: found if len(found := [re.sub(r" trace=\w+", "", line) for line in lines(weir, "a.log")]) == 13 else None)[8:]
        same(sum(line.endswith("host=first user-agent=first") and "target=/post?7 " in line for line in ends), 1, ends)
        assert any("target=/ok?8 " in line and re.search(r"peer=\S+ host=h$", line) for line in ends), ends
        assert any("status=400 " in line and re.search(r"peer=\S+( referer=r)?$", line) for line in ends), ends
        assert any('target="" ' in line and re.search(r"peer=\S+$", line) for line in ends), ends
        assert not any("secret" in line for line in lines(weir, "a.log"))


def headers_are_shown_in_json_and_leave_the_line_whole():
    names = "abcdefgh"
    config = HEAD + f"access_log: {{path: a.log, format: json, fields: [{', '.join(names)}]}}\nroutes:\n" + HELLO
    with Weir("serve", config=config) as weir:
        same(ask(weir.address(), "/1", headers=[("A", 'x "y" \\'), ("B", "")]).status, 200)
        with connect(weir.address()) as connection: # all that a line can hold, and more
            connection.sendall(b"GET /2 HTTP/1.1\r\nHost: h\r\n" + b"".join(name.encode() + b": " + b"\xff" * 300 + b"\r\n" for name in names) + b"\r\n")
            same(receive(connection).status, 200)
        found = until("two lines", lambda: found if len(found := lines(weir, "a.log")) == 2 else None)
        first, second = sorted(map(json.loads, found), key=lambda line: line["target"])
        same({name: first.get(name) for name in names}, {**dict.fromkeys(names), "a": 'x "y" \\', "b": ""})
        same((second["target"], second["status"], "trace" in second), ("/2", 200, True))
        same(second["a"], "\ufffd" * 253 + "…")


# --- what can go wrong ---

def a_full_disk_stops_no_request():
    with Weir("serve", config=HEAD + "access_log: {path: /dev/full}\nroutes:\n" + HELLO) as weir:
        address = weir.address()
        for _ in range(20):
            same(ask(address, "/").status, 200)
        until("the lines are counted", lambda: metrics(weir, "weir_log_dropped_total", "log") == {"access": 20})
        weir.wait_for('warn lines of a log are dropped log=access error="no space left on device"')
        assert sum("lines of a log are dropped" in (line or "") for line in weir.lines) <= 2, "each process tells once"


def paths_that_can_not_be_written_are_faults():
    with Weir("check", config="") as weir: # for its folder
        weir.exit()
        folder = weir.directory.name
        os.mkfifo(os.path.join(folder, "fifo"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(folder, "socket"))
            for path, fault in ((".", "it is a folder"), ("none/a.log", "no such file or directory"), ("fifo", "it is a FIFO that no program reads"),
                                ("socket", "it is a socket"), ("gateway.yaml/a.log", "not a directory")):
                text = f"listen: 127.0.0.1:0\naccess_log: {{path: {path}}}\nroutes:\n{HELLO}"
                pathlib.Path(folder, "gateway.yaml").write_text(text)
                for command in ("serve", "serve --single") if path == "fifo" else ("check", "serve"):
                    said = subprocess.run([WEIR, *command.split(), os.path.join(folder, "gateway.yaml")], capture_output=True, text=True, timeout=PATIENCE)
                    same(said.returncode, 1, path)
                    assert re.search(rf"gateway.yaml:2:20: access_log.path is '.*', expected a file that this user can append to, a FIFO with a reader, or a character device: {fault}",
                                     said.stdout + said.stderr, re.I), (path, said)
        assert not os.path.exists(os.path.join(folder, "none")), "nothing is made"


def a_fifo_is_opened_once():
    """Its reader waits until it has a writer, and ends when it has none."""
    for arguments in (), ("--single",):
        with Weir("check", config="") as weir: # for its folder
            weir.exit()
            fifo, path = (os.path.join(weir.directory.name, name) for name in ("fifo", "gateway.yaml"))
            os.mkfifo(fifo)
            pathlib.Path(path).write_text(f"listen: 127.0.0.1:0\naccess_log: {{path: fifo}}\nroutes:\n{HELLO}")
            with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE, text=True) as reader, contextlib.ExitStack() as ending:
                ending.callback(reader.kill)
                same(subprocess.run([WEIR, "check", path], capture_output=True, timeout=PATIENCE).returncode, 0)
                with Weir("serve", *arguments, path) as serving:
                    same(ask(serving.address(), "/").status, 200)
                    assert "status=200" in reader.stdout.readline()
                    serving.signal(signal.SIGTERM)
                    same(serving.exit(), 0)
                same(reader.wait(PATIENCE), 0)


run(lines_and_counters_add_up, no_line_is_lost_when_files_are_rotated, a_process_that_drains_opens_the_new_file_too, a_folder_that_is_gone_keeps_the_old_file,
    errors_and_slow_requests_are_never_left_out, the_slow_ones_alone, what_is_hidden_is_not_in_records_of_outliers_either,
    the_client_is_shown_beside_the_proxy, headers_are_shown_where_the_file_asks_for_them, headers_are_shown_in_json_and_leave_the_line_whole, a_full_disk_stops_no_request, paths_that_can_not_be_written_are_faults, a_fifo_is_opened_once)
