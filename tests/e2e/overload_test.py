#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gateway that gets far more requests than its pool can serve: every request gets a right answer or a correct refusal, and the
counts add up; clients that leave make room; routes with a share, or without a pool, are served as usual."""
import asyncio
import contextlib
import hashlib
import json
import re
from collections import Counter

from rig import Answer, Weir, ask, connect, receive, run, same, until

POOL = "small"
WAIT = "600s" # seconds; longer than any test
TRIES = 8
WHOLE_S = 120
REFUSALS = {"the pool's queue is full; try again later": "full", "the pool's queue is too long; try again later": "wait",
            "no worker of the pool was free in time; try again later": "dropped",
            "requests wait too long to be started; try again later": "loop"} # on a busy machine


@contextlib.contextmanager
def gateway(*routes, **pool):
    config = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "loops": 1, "access_log": False, "pools": {POOL: {"workers": 1, **pool}},
              "routes": [{"on": POOL, **route} for route in routes] + [{"path": "/quiet", "respond": {"body": "quiet"}}]}
    with Weir("serve", config=json.dumps(config)) as weir: # JSON is YAML
        weir.at, weir.admin = weir.address(), weir.address("admin")
        yield weir
        answer = ask(weir.at, "/quiet") # it still serves afterwards
        same((answer.status, answer.body), (200, b"quiet"))


# ---- counters of the gateway ----

def pool_of(weir):
    return next(pool for pool in json.loads(ask(weir.admin, "/stats").body)["pools"] if pool["pool"] == POOL)


class Metrics:
    """Returns the counters of the pool and of the routes, by their labels."""

    def __init__(self, weir):
        text = ask(weir.admin, "/metrics").body.decode()
        sample = lambda name, labels: re.findall(rf'^{name}{{{labels}}} (\d+)$', text, re.M)
        self.jobs = {outcome: int(n) for outcome, n in sample("weir_pool_jobs_total", rf'pool="{POOL}",outcome="(\w+)"')}
        self.refused = {reason: int(n) for reason, n in sample("weir_pool_refused_total", rf'pool="{POOL}",reason="(\w+)"') if n != "0"}
        self.answers = Counter()
        for route, status, n in sample("weir_requests_total", r'route="([^"]*)",method="\w+",status="(\d+)"'):
            self.answers[route, int(status)] += int(n) # sum over all methods


def check_against_counters(weir, *tallies, of_no_pool=None):
    """Checks that clients and both pages of the gateway count the same, once the last answer has been counted."""
    answers, refused = Counter(of_no_pool.routes if of_no_pool else {}), Counter()
    for tally in tallies:
        answers, refused = answers + tally.routes, refused + tally.refused
    until("every request is counted", lambda: Metrics(weir).answers.total() == answers.total())
    metrics, stats, ran = Metrics(weir), pool_of(weir), sum(tally.answered for tally in tallies)
    same(metrics.answers, answers)
    same(metrics.jobs, {"ran": ran, "dropped": refused["dropped"], "cancelled": 0})
    same(metrics.refused, {reason: n for reason, n in refused.items() if reason in ("full", "wait")})
    same((stats["ran"], stats["dropped"], stats["cancelled"], stats["refused"], stats["busy"], stats["queued"]),
         (ran, refused["dropped"], 0, refused["full"] + refused["wait"], 0, 0))


# ---- clients ----

class Tally:
    def __init__(self):
        self.sent, self.answered, self.refused, self.routes = 0, 0, Counter(), Counter()

    def take(self, route, answer, wanted):
        """Counts one answer: the right one, or a refusal with a reason and Retry-After."""
        self.routes[route, answer.status] += 1
        if answer.status == 200:
            same(answer.body, wanted, "another's answer")
            self.answered += 1
            return "answered"
        error = json.loads(answer.body)["error"]
        same((answer.status, error["code"], answer.headers["content-type"]), (503, "busy", "application/json"))
        assert 1 <= int(answer.headers["retry-after"]) <= 60, answer.headers
        reason = REFUSALS[error["message"]]
        self.refused[reason] += 1
        return reason


class Client:
    """Sends many requests at a time, each on a connection that is kept for the next."""

    def __init__(self, address):
        self.address, self.idle = address, []

    async def ask(self, path, body=b""):
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(*self.address)
        writer.write(b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:] if line)}
        answer = Answer(int(lines[0].split(" ")[1]), headers, await reader.readexactly(int(headers["content-length"])), b"")
        self.idle.append((reader, writer))
        return answer

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for _, writer in self.idle:
            writer.close()


def question(number, alike=1):
    """Returns path, body and right answer of a request: the two routes take turns, each with so many; each digest differs from all
    others."""
    if number // alike % 2:
        return "/burn", b"", b"burnt 4ms\n"
    body = b"%d" % number * 100
    return "/hash", body, b'{"algorithm":"sha256","hex":"%s"}' % hashlib.sha256(body).hexdigest().encode()


class Flood:
    """Sends this many requests for each one that the pool has finished, so that the overload is the same on any machine; and begins
    anew where all have been refused, as on a busy machine."""

    def __init__(self, client, tally, times, total):
        self.client, self.tally, self.total, self.in_flight = client, tally, total, 0
        self.brings = {"answered": times, "loop": 1} # further requests to send; the one of the loop never reached the pool

    def send(self, count):
        for _ in range(min(count, self.total - self.tally.sent)):
            self.group.create_task(self.one(self.tally.sent))
            self.tally.sent += 1
            self.in_flight += 1

    async def one(self, number):
        path, body, wanted = question(number, self.brings["answered"]) # for a place that is free, only one route asks
        answer = await self.client.ask(path, body)
        self.in_flight -= 1
        self.send(self.brings.get(self.tally.take(path, answer, wanted), 0))
        if self.in_flight == 0:
            self.begin()

    def begin(self):
        self.send(2 * self.brings["answered"])

    async def run(self):
        async with asyncio.TaskGroup() as self.group:
            self.begin()


async def flood(weir, tally, times, total, beside=None):
    """All of it; beside(client, is_over) is done meanwhile."""
    async with Client(weir.at) as client:
        burst = asyncio.create_task(Flood(client, tally, times, total).run())
        if beside:
            await beside(client, burst.done)
        await burst


def go(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, WHOLE_S))


# ---- cases ----

BURN = {"path": "/burn", "burn": {"cpu": "4ms"}}
HASH = {"path": "/hash", "hash": {}}


def asked_for(times, total):
    tally = Tally()
    with gateway(BURN, HASH, queue=8, wait=WAIT) as weir:
        go(flood(weir, tally, times, total))
        same((tally.sent, tally.answered + tally.refused.total()), (total, total))
        # each answer caused further requests, and each time there was a place for at least one of them
        assert tally.answered >= (total - tally.refused["loop"]) / times - 2 and tally.refused["full"] > 0, vars(tally)
        assert all(tally.routes[path, 200] for path in ("/burn", "/hash")), vars(tally)
        same(tally.refused["wait"] + tally.refused["dropped"], 0)
        check_against_counters(weir, tally)


def asked_for_3_times_what_it_can_do_all_add_up():
    asked_for(3, 240)


def asked_for_30_times_what_it_can_do_all_add_up():
    asked_for(30, 1800)


def who_would_wait_too_long_is_refused_for_that():
    """The queue has room, but not within the wait limit."""
    tally = Tally()
    with gateway(BURN, HASH, queue=1000, wait="20ms") as weir:
        go(flood(weir, tally, 30, 1200))
        same((tally.sent, tally.answered + tally.refused.total()), (1200, 1200))
        assert tally.refused["wait"] > 0 and tally.refused["full"] == 0, vars(tally)
        check_against_counters(weir, tally)


BURNING = {"path": "/long", "burn": {"cpu": "60s"}} # until its client leaves


@contextlib.contextmanager
def one_job_runs(weir):
    with connect(weir.at) as burning:
        burning.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        until("it runs", lambda: pool_of(weir)["busy"] == 1)
        yield


async def each_once(weir, tally, numbers):
    async def one(number):
        path, body, wanted = question(number)
        tally.sent += 1
        tally.take(path, await client.ask(path, body), wanted)
    async with Client(weir.at) as client, asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))


def what_was_taken_and_waited_too_long_is_dropped_unrun():
    tally = Tally()
    with gateway(BURN, HASH, BURNING, queue=8, wait="200ms") as weir:
        with one_job_runs(weir): # its duration is unknown
            go(each_once(weir, tally, range(20)))
            same((tally.answered, tally.refused.total()), (0, 20))
            assert tally.refused["dropped"] >= 8 and tally.refused["wait"] == 0, vars(tally)
            stats = pool_of(weir)
            same((stats["ran"], stats["dropped"], stats["refused"], stats["busy"], stats["queued"]),
                 (0, tally.refused["dropped"], tally.refused["full"], 1, 0))
        until("the worker is free", lambda: pool_of(weir)["busy"] == 0)
        same(Metrics(weir).jobs, {"ran": 1, "dropped": stats["dropped"], "cancelled": 0}) # the long job ran, although its client had left


def who_leaves_while_queued_never_runs_and_while_running_frees_the_worker():
    with gateway(HASH, BURNING, queue=8, wait=WAIT) as weir:
        with one_job_runs(weir), contextlib.ExitStack() as leaving, connect(weir.at) as stays:
            request = lambda body: b"POST /hash HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            waiting = [leaving.enter_context(connect(weir.at)) for _ in range(5)]
            for number, connection in enumerate(waiting):
                connection.sendall(request(b"leaves%d" % number))
            until("five wait", lambda: pool_of(weir)["queued"] == 5)
            stays.sendall(request(b"stays"))
            until("six wait", lambda: pool_of(weir)["queued"] == 6)
            leaving.close()
            until("five have left", lambda: pool_of(weir)["cancelled"] == 5)
            stats = pool_of(weir)
            same((stats["ran"], stats["busy"], stats["queued"], stats["refused"]), (0, 1, 1, 0))
            held = stays.dup()
        with held: # the client of the running job has left, and the worker takes the next job
            same(json.loads(receive(held).body)["hex"], hashlib.sha256(b"stays").hexdigest())
        until("all is counted", lambda: pool_of(weir)["ran"] == 2)
        same(Metrics(weir).jobs, {"ran": 2, "dropped": 0, "cancelled": 5})


def flood_beside_a_share():
    """Returns how many jobs of the share were answered, and how many jobs of the same length of the flood."""
    flooding, own, quiet = Tally(), Tally(), Tally()
    async def in_turn(client, is_over):
        while not is_over():
            own.sent += 1
            own.take("/own", await client.ask("/own"), b"burnt 4ms\n")
    async def beside(client, is_over): # always some in progress, and no more than its own places
        while not flooding.refused["full"]:
            quiet.take("/quiet", await client.ask("/quiet"), b"quiet")
        await asyncio.gather(*(in_turn(client, is_over) for _ in range(3)))
    with gateway(BURN, HASH, {"path": "/own", "burn": {"cpu": "4ms"}, "share": "40%"}, queue=9, wait=WAIT) as weir:
        go(flood(weir, flooding, 30, 1800, beside))
        assert flooding.refused["full"] > 0, vars(flooding)
        same((own.answered + own.refused["loop"], own.refused["full"] + own.refused["wait"] + own.refused["dropped"]), (own.sent, 0))
        burnt = flooding.routes["/burn", 200] # counting jobs of the same length
        check_against_counters(weir, flooding, own, of_no_pool=quiet)
        return own.answered, burnt


def who_owns_a_share_gets_it_while_others_flood():
    seen = []
    while not seen or seen[-1][0] < sum(seen[-1]) / 5: # on a busy machine the client may be too late to ask for all of its share
        assert len(seen) < TRIES, seen
        seen.append(flood_beside_a_share())


def a_route_that_needs_no_pool_is_answered_beside_the_flood():
    flooding, quiet = Tally(), Tally()
    async def beside(client, is_over):
        while not is_over():
            quiet.take("/quiet", await client.ask("/quiet"), b"quiet")
    with gateway(BURN, HASH, queue=8, wait=WAIT) as weir:
        go(flood(weir, flooding, 30, 1800, beside))
        assert flooding.refused["full"] > 0 and quiet.answered > 2, (vars(flooding), vars(quiet)) # how often depends on the machine
        same(quiet.refused.total(), quiet.refused["loop"]) # only on the loop, if other processes starve it


run(asked_for_3_times_what_it_can_do_all_add_up, asked_for_30_times_what_it_can_do_all_add_up,
    who_would_wait_too_long_is_refused_for_that, what_was_taken_and_waited_too_long_is_dropped_unrun,
    who_leaves_while_queued_never_runs_and_while_running_frees_the_worker, who_owns_a_share_gets_it_while_others_flood,
    a_route_that_needs_no_pool_is_answered_beside_the_flood)
