#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program under load, with the guard: none of its calls holds up a loop."""
import json
import os
import re
import subprocess
import threading

import rig

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 2
guard: {mode: count}
pools: {compute: {wait: 10m}}
routes:
  - {path: /hello, respond: {body: "Hello, World!"}}
  - {path: /sleep, sleep: {for: 1ms}}
  - {path: /burn, burn: {cpu: 1ms}}
  - path: /page/{id}
    gather:
      deadline: 1m
      calls:
        - {name: a, url: "http://127.0.0.1:PORT/a/{id}"}
        - {name: b, url: "http://localhost:PORT/b/{id}"}
        - {name: nobody, url: "http://127.0.0.1:1/"}
"""
OTHERS = re.compile(r" loop \d+ (held|kept off the CPU) | an origin fails ")  # starvation by a busy machine is reported by the watch
PAGES = ["/", "/healthz", "/readyz", "/metrics", "/stats", "/guard"]


def get(address, path):
    answer = rig.ask(address, path)
    rig.same(answer.status, 200, path)
    return answer.body.decode()


def look_at_pages(admin, over):
    while not over.is_set():
        for path in PAGES:
            with rig.connect(admin) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                while connection.recv(65536):
                    pass


def load(address, seconds):
    urls = [f"http://{address[0]}:{address[1]}{path}" for path in ("/hello", "/sleep", "/burn", "/page/{n}", "/nowhere")]
    done = subprocess.run([rig.WEIR, "load", "--rate", "400", "--for", f"{seconds}s", "--json", *urls],
                          capture_output=True, text=True, env={**os.environ, "WEIR_GUARD": "abort"})
    rig.same(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def nothing_is_reported_under_load():
    with rig.Backend(rig.answering(body=b'{"x":1}')) as backend, \
         rig.Weir("serve", config=CONFIG.replace("PORT", str(backend.port)), env={"WEIR_GUARD": "warn"}) as weir:
        admin, over = weir.address("admin"), threading.Event()
        looks = threading.Thread(target=look_at_pages, args=(admin, over))
        looks.start()
        report = load(weir.address(), 2)
        over.set()
        looks.join()
        assert report["answered"] > 100, report
        rig.same(json.loads(get(admin, "/guard")), [])
        samples = re.findall(r"^weir_guard_calls_total.*", get(admin, "/metrics"), re.M)
        rig.same(samples, [])
        weir.signal(rig.signal.SIGTERM)
        rig.same(weir.exit(), 0)
        rig.same([line for line in weir.lines if line and " warn " in line and not OTHERS.search(line)], [])


def the_guard_is_in_the_program():
    with rig.Weir("serve", config=CONFIG.replace("PORT", "1")) as weir:
        weir.address()
        with open(f"/proc/{weir.gateway}/maps", encoding="utf-8") as maps:
            assert "libweir-guard.so" in maps.read()
        weir.signal(rig.signal.SIGTERM)
        rig.same(weir.exit(), 0)


def its_configuration_is_checked():
    wrong = CONFIG.replace("{mode: count}", "{mode: loud, allow: [getadrinfo, \"read:file\"]}")
    with rig.Weir("check", config=wrong) as weir:
        rig.same(weir.exit(), 1)
        said = "\n".join(line for line in weir.lines if line)
        assert "expected off, count, warn or abort" in said, said
        assert re.search(r"unknown call 'getadrinfo' in guard.allow, did you mean 'getaddrinfo'", said), said
        assert "read:file" not in said, said


rig.run(nothing_is_reported_under_load, the_guard_is_in_the_program, its_configuration_is_checked)
