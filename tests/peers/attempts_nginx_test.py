#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Second attempts in front of two nginx, of which one delays its answers or is gone: what the clients get, and what both nginx have logged."""
import contextlib
import os
import re
import tempfile

from nginx import nginx
from rig import Weir, ask, connect, receive, run, same, until

REQUESTS = 40
LOGS = "log_format attempts '$status attempt=$http_x_weir_attempt $request';" # the method of it, as it came
SERVER = "error_page 405 =200 $uri;" # a file is not posted to
DELAYS = "limit_req zone=all burst=1000;" # ten answers a second, and the others wait for their turn
ZONE = "limit_req_zone $server_port zone=all:1m rate=10r/s;" # the name of the server is empty, and what is empty is not limited

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 1
backends:
  pages: {{urls: ["http://{fast}", "http://{slow}"], balance: round_robin, {more}}}
routes:
  - {{path: "/*", proxy: {{backend: pages}}}}
"""


class Instance:
    def __init__(self, stack, folder, name, http="", server=""):
        self.log = os.path.join(folder, name)
        self.address = stack.enter_context(
            nginx(LOGS + http, f"access_log {self.log} attempts; {SERVER}{server}", [("page", name.encode())]))

    def lines(self):
        with open(self.log, encoding="ascii") as log:
            return log.read().splitlines()


@contextlib.contextmanager
def two(more):
    """Gives the gateway, the nginx that is fast, and the one that is not."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        fast, slow = Instance(stack, folder, "fast"), Instance(stack, folder, "slow", ZONE, DELAYS)
        weir = stack.enter_context(Weir("serve", config=CONFIG.format(
            fast="%s:%d" % fast.address, slow="%s:%d" % slow.address, more=more)))
        yield weir, fast, slow


def attempts(weir, kind, outcome):
    metrics = ask(weir.address("admin"), "/metrics").body.decode()
    return int(re.search(rf'^weir_attempts_total{{backend="pages",kind="{kind}",outcome="{outcome}"}} (\d+)', metrics, re.M)[1])


def asked(weir, method="GET", body=b""):
    """Sends requests one after the other; returns the answers."""
    request = f"{method} /page HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answers = []
    with connect(weir.address()) as connection:
        for _ in range(REQUESTS):
            connection.sendall(request)
            answers.append(receive(connection))
    return answers


def a_slow_instance_is_hedged():
    with two("hedge: {after: 30ms, extra: 100%}") as (weir, fast, slow):
        same({answer.status for answer in asked(weir)}, {200})
        won = attempts(weir, "hedge", "ok")
        assert won >= REQUESTS // 4, won # every other request goes to the slow one
        hedges = [sum("attempt=2" in line for line in each.lines()) for each in (fast, slow)]
        assert hedges[0] >= won, (hedges, won)
        until("the connections of those that lost are closed", lambda: any(line.startswith("499 ") for line in slow.lines()))


def what_may_not_be_sent_twice_is_not():
    with two("hedge: {after: 1ms, floor: 1ms, extra: 100%}, retry: {on: [connect, reset, 502, 503, 504]}") as (weir, fast, slow):
        same({answer.status for answer in asked(weir, "POST", b"order")}, {200})
        lines = fast.lines() + slow.lines()
        same((len(lines), {line.split(" ")[2] for line in lines}, [line for line in lines if "attempt=2" in line]), (REQUESTS, {"POST"}, []))
        same(sum(attempts(weir, kind, outcome) for kind in ("hedge", "retry") for outcome in ("ok", "failed", "lost", "cancelled")), 0)


def an_instance_that_is_gone_fails_nothing():
    with contextlib.ExitStack() as gone, contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        fast, slow = Instance(stack, folder, "fast"), Instance(gone, folder, "slow")
        weir = stack.enter_context(Weir("serve", config=CONFIG.format(fast="%s:%d" % fast.address, slow="%s:%d" % slow.address,
                                                                      more="retry: {on: [connect, reset], extra: 100%}")))
        same({answer.body for answer in asked(weir)}, {b"fast", b"slow"})
        gone.close()
        same({(answer.status, answer.body) for answer in asked(weir)}, {(200, b"fast")})
        assert attempts(weir, "retry", "ok") > 0


run(a_slow_instance_is_hedged, what_may_not_be_sent_twice_is_not, an_instance_that_is_gone_fails_nothing)
