#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Outliers as an operator sees them: on /outliers, from 'weir outliers', in a folder, in /metrics."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

from rig import PATIENCE, WEIR, Backend, Skip, Weir, ask, connect, read_head, receive, run, same, until, urgent

HEAD = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\naccess_log: false\n"
PRIVATE = (("Cookie", "session=hidden-cookie"), ("Authorization", "Bearer hidden-token"))


def listed(weir):
    return json.loads(ask(weir.address("admin"), "/outliers").body)


def whole(weir, outlier):
    answer = ask(weir.address("admin"), f"/outliers/{outlier['id']}")
    same(answer.status, 200)
    return json.loads(answer.body)


def of_route(weir, route):
    return [each for each in listed(weir) if each["route"] == route]


def metrics(weir):
    text = ask(weir.address("admin"), "/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", text, re.M)}


def told(weir, *words):
    return subprocess.run([WEIR, "outliers", "{}:{}".format(*weir.address("admin")), *words], capture_output=True, text=True, timeout=PATIENCE)


def files(folder):
    return sorted(pathlib.Path(folder).glob("outlier-*.json"))


def what_held_the_loop_is_told_with_its_stack():
    config = HEAD + """loops: 1
routes:
  - {path: /burn, burn: {cpu: 100ms}, on: loop}
  - {path: "/sleep", sleep: {for: 5ms}, slow: 1ms}
"""
    with Weir("serve", config=config, preexec=urgent) as weir:
        address, over = weir.address(), threading.Event()

        def hold():
            while not over.is_set():
                ask(address, "/burn")

        def held():
            same(ask(address, "/sleep?x=1", headers=PRIVATE).status, 200)
            return next((each for each in map(lambda short: whole(weir, short), of_route(weir, "/sleep"))
                         if any(stall["kind"] == "computing" for stall in each["stalls"])), None)
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            end = time.monotonic() + PATIENCE
            while not (outlier := held()):
                if time.monotonic() > end:
                    raise Skip("the machine is so busy that nobody computes for long")
        finally:
            over.set()
            holder.join()
        same((outlier["version"], outlier["kind"], outlier["reason"], outlier["limit_ms"]), (1, "weir outlier", "slow", 1))
        same((outlier["method"], outlier["target"], outlier["status"], outlier["loop"]), ("GET", "/sleep?x=1", 200, 0))
        stall = next(each for each in outlier["stalls"] if each["kind"] == "computing")
        same(stall["task"], "GET /burn")
        assert any("burn.c:" in frame for frame in stall["stack"]), stall
        same(round(sum(part["share_ms"] for part in outlier["ledger"]), 1), round(outlier["took_ms"], 1))
        same([pool["name"] for pool in outlier["pools"]], ["compute", "blocking"])
        assert int(outlier["seed"]) > 0 and re.fullmatch(r"sha256:[0-9a-f]{64}", outlier["config"]), outlier
        said = told(weir, outlier["id"]).stdout
        assert re.match(r"GET /sleep\?x=1 took [0-9.]+ ms: ", said), said
        assert "the loop was held meanwhile by\n  GET /burn (" in said and "GET /burn (computing) for " in said and "burn.c:" in said, said
        said = told(weir).stdout
        assert re.search(rf"[0-9.]+ ms +200 /sleep +\S.* {outlier['id']}\n", said), said
        for each in listed(weir):
            assert "hidden" not in json.dumps(whole(weir, each)), each


def what_a_route_seldom_takes_is_learned():
    delay_s = [0.0]

    def handle(connection):
        while True:
            slow = b"/slow" in read_head(connection)
            if slow:
                threading.Event().wait(delay_s[0])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
    with Backend(handle) as backend:
        config = HEAD + f'loops: 1\nroutes:\n  - {{path: "/*", proxy: {{to: "http://127.0.0.1:{backend.port}"}}}}\n'
        with Weir("serve", config=config) as weir, connect(weir.address()) as client:
            for _ in range(6000): # so that five slow ones are fewer than one in a thousand
                client.sendall(b"GET /fast HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(client).status, 200)
            for delay_s[0] in (0.5, 1, 2, 4, 8): # the limit is learned within a second; a busy machine may have been slower before
                same(ask(weir.address(), "/slow").status, 200)
                time_out = time.monotonic() + 1
                while not (found := [each for each in of_route(weir, "/*") if each["target"] == "/slow"]) and time.monotonic() < time_out:
                    time.sleep(0.01)
                if found:
                    break
            outlier = whole(weir, found[0])
            same(outlier["reason"], "learned")
            assert outlier["limit_ms"] < outlier["took_ms"], outlier
            same(len(outlier["calls"]), 1)
            assert outlier["calls"][0]["took_ms"] > 400 and outlier["calls"][0]["error"] is None, outlier
            same(outlier["calls"][0]["status"], 200)
            same(outlier["mostly"]["what"], outlier["calls"][0]["backend"])


def calls_of_one_backend_are_told_apart():
    def handle(connection):
        while True:
            if b" /slow " in read_head(connection):
                threading.Event().wait(0.05)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n1")
    with Backend(handle) as backend:
        config = HEAD + f"""backends: {{shop: {{urls: ["http://127.0.0.1:{backend.port}"]}}}}
routes:
  - {{path: /page, slow: 1ms, gather: {{calls: [{{name: a, backend: shop, path: /slow}}, {{name: b, backend: shop, path: /fast}}]}}}}
"""
        with Weir("serve", config=config) as weir:
            same(ask(weir.address(), "/page").status, 200)
            until("it is kept", lambda: listed(weir))
            first, second = whole(weir, listed(weir)[0])["calls"]
            assert first["took_ms"] >= 50 and 0 < second["took_ms"], (first, second)
            same([call["instance"] for call in (first, second)], [f"127.0.0.1:{backend.port}"] * 2)
            assert f" from 127.0.0.1:{backend.port}" in told(weir, listed(weir)[0]["id"]).stdout


def a_storm_is_counted_and_not_kept():
    with Weir("serve", config=HEAD + "loops: 1\noutliers: {keep: 5}\nroutes:\n  - {path: /sleep, sleep: {for: 2ms}, slow: 1ms}\n") as weir, \
            connect(weir.address()) as client:
        began = time.monotonic()
        client.sendall(b"GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n" * 500)
        for _ in range(500):
            same(receive(client).status, 200)
        until("all are counted", lambda: metrics(weir)['weir_outliers_total{route="/sleep",reason="slow"}'] == 500)
        kept = 500 - metrics(weir)['weir_outliers_dropped_total{route="/sleep"}']
        assert 5 <= kept <= 10 * (time.monotonic() - began) + 11, kept
        until("the latest are listed", lambda: len(listed(weir)) == 5)
        ended = [each["ended"] for each in listed(weir)]
        same(ended, sorted(ended, reverse=True))


def every_one_is_a_whole_file():
    with Weir("serve", config=HEAD + "loops: 2\noutliers: {path: kept}\nroutes:\n  - {path: /sleep, sleep: {for: 2ms}, slow: 1ms}\n"
              "  - {path: /hello, respond: {}}\n", preexec=lambda: os.mkdir("kept")) as weir:
        folder = os.path.join(weir.directory.name, "kept")
        same(ask(weir.address(), "/sleep?<%22>\x1b[31m\xff".replace("\x1b", "%1b").replace("\xff", "%ff"), headers=PRIVATE).status, 200)
        until("there is a file", lambda: files(folder))
        outlier = json.loads(files(folder)[0].read_text())
        same((outlier["version"], outlier["kind"]), (1, "weir outlier"))
        same(outlier, whole(weir, listed(weir)[0]))
        same(files(folder)[0].name, f"outlier-{outlier['id']}.json")
        assert "hidden" not in json.dumps(outlier), outlier
        shutil.rmtree(folder)
        for _ in range(3):
            same(ask(weir.address(), "/sleep").status, 200)
        until("failures are counted", lambda: metrics(weir)["weir_outliers_unwritten_total"] >= 3)
        same(len(listed(weir)), 4)
        os.mkdir(folder)
        same(ask(weir.address(), "/sleep").status, 200)
        weir.wait_for("outliers are written again")
        same(len([line for line in weir.lines if "outliers cannot be written" in line]), 1)
        same(len(files(folder)), 1)


def all_processes_are_asked():
    config = HEAD + "loops: 1\nprocesses: 2\noutliers: {path: .}\nroutes:\n  - {path: /sleep, sleep: {for: 2ms}, slow: 1ms}\n"
    with Weir("serve", config=config) as weir:
        def both():
            same(ask(weir.address(), "/sleep").status, 200)
            return {each["process"] for each in listed(weir)} == {1, 2}
        until("both processes have one", both)
        for process in (1, 2):
            outlier = next(each for each in listed(weir) if each["process"] == process)
            same(whole(weir, outlier)["id"], outlier["id"])
            same(told(weir, outlier["id"]).returncode, 0)
            assert pathlib.Path(weir.directory.name, f"outlier-{outlier['id']}.json").exists(), outlier
        ids = [each["id"] for each in listed(weir)]
        same(len(set(ids)), len(ids))
        for bad in ("1-2", "x", "..%2fstats", "1-2%3fa", "1" * 100):
            same(ask(weir.address("admin"), f"/outliers/{bad}").status, 400 if ".." in bad else 404, bad)
        missing = told(weir, "1-2")
        same((missing.returncode, missing.stdout), (1, ""))
        assert "keeps no outlier 1-2" in missing.stderr, missing.stderr


def faults_are_told_before_it_serves():
    def check(lines):
        with Weir("check", config=HEAD + lines + "routes:\n  - {path: /, respond: {}}\n") as weir:
            code = weir.exit()
            return code, weir.process.stdout.read() + "\n".join(line for line in weir.lines if line)
    same(check("outliers: {path: .}\n")[0], 0)
    code, said = check("outliers: {path: nowhere}\n")
    same(code, 1)
    assert re.search(r"gateway\.yaml:4:18: outliers\.path is '.*nowhere', expected a folder that this user can write to: No such file", said), said
    code, said = check("outliers: {path: gateway.yaml}\n")
    same(code, 1)
    assert "Not a directory" in said, said


def a_folder_that_cannot_be_written_to_is_told():
    def prepare():
        os.mkdir("closed", 0o555)
        ctypes.CDLL(None).prctl(24, 1) # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE: root is held by the mode, too
    config = HEAD + "outliers: {path: closed}\nroutes:\n  - {path: /, respond: {}}\n"
    for command in ("check", "serve"):
        with Weir(command, config=config, preexec=prepare) as weir:
            same(weir.exit(), 1)
            said = weir.process.stdout.read() + "\n".join(line for line in weir.lines if line)
            assert re.search(r"gateway\.yaml:4:18: outliers\.path is '.*closed', expected a folder that this user can write to: Permission denied", said), said


if __name__ == "__main__":
    run(what_held_the_loop_is_told_with_its_stack, what_a_route_seldom_takes_is_learned, calls_of_one_backend_are_told_apart, a_storm_is_counted_and_not_kept,
        every_one_is_a_whole_file, all_processes_are_asked, faults_are_told_before_it_serves, a_folder_that_cannot_be_written_to_is_told)
