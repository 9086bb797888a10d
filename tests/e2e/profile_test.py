#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/profile and weir profile of a running gateway: CPU time by route, and by task or job."""
import os
import re
import subprocess
import tempfile
import threading
import xml.etree.ElementTree

import rig

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
pools: {compute: {workers: 1, queue: 64, wait: 60s}}
routes:
  - {path: /trap, burn: {cpu: 30ms}, on: loop}
  - {path: /burn, burn: {cpu: 30ms}, on: compute}
"""


class Busy:
    """Two clients make the gateway compute, one on the loop and one on the pool, until the block is left."""

    def __init__(self, address):
        self.address, self.over = address, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(path,)) for path in ("/trap", "/burn")]

    def ask(self, path):
        while not self.over.is_set():
            rig.same(rig.ask(self.address, path).status, 200)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        for thread in self.threads:
            thread.join()


def stacks(text):
    found = {}
    for line in text.splitlines():
        stack, count = line.rsplit(" ", 1)
        assert stack not in found, f"{stack} stands there twice"
        found[stack] = int(count)
    return found


def time_goes_to_the_route_and_the_job():
    with rig.Weir("serve", config=CONFIG, preexec=rig.urgent) as weir, Busy(weir.address()):
        found = {}

        def both_are_seen():
            answer = rig.ask(weir.address("admin"), "/profile?seconds=0.5")
            rig.same((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
            found.clear()
            found.update(stacks(answer.body.decode()))
            rig.same(sorted(found.values(), reverse=True), list(found.values()))
            return all(any(stack.startswith(start) and ";burn" in stack for stack in found)
                       for start in ("/trap;GET /trap;", "/burn;compute: burn;"))
        rig.until("the route's and the job's time are seen", both_are_seen)


def the_graph_is_one_svg():
    with rig.Weir("serve", config=CONFIG, preexec=rig.urgent) as weir, Busy(weir.address()):
        answer = rig.ask(weir.address("admin"), "/profile?seconds=0.5&format=svg")
        rig.same((answer.status, answer.headers["content-type"]), (200, "image/svg+xml"))
        root = xml.etree.ElementTree.fromstring(answer.body)
        titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
        assert any(re.match(r"/trap: \d+ samples?, [\d.]+%$", title) for title in titles), titles
        assert not re.search(rb"(href|src|url\()", answer.body), "it asks for something outside"


def the_command_prints_and_draws():
    with rig.Weir("serve", config=CONFIG, preexec=rig.urgent) as weir, Busy(weir.address()), tempfile.TemporaryDirectory() as folder:
        admin = "%s:%d" % weir.address("admin")
        printed = subprocess.run([rig.WEIR, "profile", admin, "--for", "500ms"], capture_output=True, text=True)
        rig.same((printed.returncode, printed.stderr), (0, ""))
        assert any(stack.startswith("/trap;") for stack in stacks(printed.stdout)), printed.stdout
        file = os.path.join(folder, "profile.svg")
        drawn = subprocess.run([rig.WEIR, "profile", admin, "--for", "200ms", "--svg", "--out", file],
                               capture_output=True, text=True)
        rig.same((drawn.returncode, drawn.stdout, drawn.stderr), (0, "", ""))
        xml.etree.ElementTree.parse(file)
        full = subprocess.run([rig.WEIR, "profile", admin, "--for", "200ms", "--out", folder], capture_output=True, text=True)
        rig.same(full.returncode, 1)
        assert "cannot be written" in full.stderr, full.stderr


def one_at_a_time_and_within_bounds():
    with rig.Weir("serve", config=CONFIG) as weir:
        admin = weir.address("admin")
        for query in ("seconds=-1", "seconds=61", "seconds=x", "seconds=", "seconds=nan", "format=png", "seconds=%"):
            rig.same(rig.ask(admin, f"/profile?{query}").status, 400, query)
        empty = rig.ask(admin, "/profile?seconds=0")
        rig.same((empty.status, empty.body), (200, b""))
        with rig.connect(admin) as first:
            first.sendall(b"GET /profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            rig.until("the second is refused", lambda: rig.ask(admin, "/profile?seconds=0.05").status == 503)
        rig.until("the first has left", lambda: rig.ask(admin, "/profile?seconds=0.05").status == 200)


rig.run(time_goes_to_the_route_and_the_job, the_graph_is_one_svg, the_command_prints_and_draws,
        one_at_a_time_and_within_bounds)
