#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/metrics and /stats of a running gateway: known traffic gives exact counters, and promtool finds no fault."""
import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from rig import ROOT, Backend, Held, Weir, answering, ask, connect, nobody, receive, run, same, sending, until

BASIC = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
loops: 2
limits: {exchanges: 8}
routes:
  - {path: /hello, methods: [GET], respond: {body: "Hello, World!"}}
  - {path: /hello, methods: [POST], respond: {status: 201, body: "made"}}
  - {path: "/%22", respond: {body: "q"}}
  - {path: /sleep, sleep: {for: 30ms}}
  - {path: /long, sleep: {for: 1m}}
"""


class Metrics:
    """A scrape: samples by their name with labels, as written."""

    def __init__(self, weir):
        answer = ask(weir.address("admin"), "/metrics")
        same((answer.status, answer.headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.text = answer.body.decode()
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.text, re.M))
        self.samples = {}
        for name, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", self.text, re.M):
            assert name not in self.samples, f"{name} stands there twice"
            self.samples[name] = float(value)

    def __getitem__(self, name):
        return self.samples.get(name, 0)

    def sum(self, family):
        return sum(value for name, value in self.samples.items() if name.partition("{")[0] == family)

    def requests(self, route, method, status):
        return self[f'weir_requests_total{{route="{route}",method="{method}",status="{status}"}}']


def scrape_until(weir, what, happened):
    """Returns the first scrape that satisfies the condition: requests are counted a moment after their answer was sent."""
    last = []

    def looks():
        last[:] = [Metrics(weir)]
        return happened(last[0])
    until(what, looks)
    return last[0]


def stats(weir):
    answer = ask(weir.address("admin"), "/stats")
    same((answer.status, answer.headers["content-type"]), (200, "application/json"))
    return json.loads(answer.body)


def by(name, members):
    return {member[name]: member for member in members}


# ---- counters ----

def known_traffic_gives_exact_counters():
    with Weir("serve", config=BASIC) as weir:
        address = weir.address()
        for _ in range(7):
            same(ask(address, "/hello").status, 200)
        for _ in range(3):
            same(ask(address, "/hello", "POST", body=b"12345").status, 201)
        same(ask(address, "/hello", "HEAD").status, 200)
        for _ in range(4):
            same(ask(address, "/nowhere").status, 404)
        same(ask(address, "/hello", "PROPFIND").status, 405)
        same(ask(address, "/hello", "GET\t").status, 400)
        m = scrape_until(weir, "all is counted", lambda m: (m.sum("weir_requests_total"), m.sum("weir_refused_total")) == (17, 6))
        same(m.requests("/hello", "GET", 200), 7)
        same(m.requests("/hello", "POST", 201), 3)
        same(m.requests("/hello", "HEAD", 200), 1)
        same(m.requests("none", "GET", 404), 4)
        same(m.requests("none", "other", 405), 1)
        same(m['weir_refused_total{route="none",reason="not_found"}'], 4)
        same(m['weir_refused_total{route="none",reason="method_not_allowed"}'], 1)
        same(m['weir_refused_total{route="none",reason="malformed"}'], 1)
        same(m['weir_request_seconds_count{route="/hello"}'], 11)
        same(m['weir_request_seconds_bucket{route="/hello",le="+Inf"}'], 11)
        same(m['weir_request_bytes_total{route="/hello"}'], 15)
        same(m['weir_reply_bytes_total{route="/hello"}'], 7 * 13 + 3 * 4)
        same(m["weir_connections_accepted_total"], 17)
        until("connections are closed", lambda: Metrics(weir)["weir_connections"] == 0)
        same(Metrics(weir)["weir_exchanges"], 0)


def a_client_that_leaves_is_counted():
    with Weir("serve", config=BASIC) as weir:
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
            m = scrape_until(weir, "the request", lambda m: m["weir_exchanges"] == 1)
            same(m["weir_connections"], 1)
        scrape_until(weir, "the leaving", lambda m: m.requests("/long", "GET", 499) == 1)


def refusals_are_counted():
    with Held() as held, Weir("serve", config=BASIC + held.route()) as weir:
        connections = [connect(weir.address()) for _ in range(8)]
        for connection in connections:
            connection.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
        held.wait_for(8)
        for _ in range(3):
            same(ask(weir.address(), "/hello").status, 503)
        m = scrape_until(weir, "the refusals", lambda m: m['weir_refused_total{route="/hello",reason="exchanges"}'] == 3)
        same(m.sum("weir_refused_total"), 3)
        whole, hello = stats(weir)["refused"]["last_10s"], by("route", stats(weir)["routes"])["/hello"]["last_10s"]
        same(whole, {"requests": 3, "refused": 3, "reasons": {"exchanges": 3}})
        same((hello["refused"], hello["reasons"]), (3, {"exchanges": 3}))
        same(m['weir_request_errors_total{route="/hello"}'], 3)
        same(m.requests("/hello", "GET", 503), 3)
        same(m["weir_exchanges"], 8)
        held.released.set()
        for connection in connections:
            same(receive(connection).status, 200)
            connection.close()
        scrape_until(weir, "the answers", lambda m: m.requests("/held", "GET", 200) == 8)


def gathering(*backends, more=""):
    calls = ", ".join(f'{{name: c{i}, url: "http://{host}/x", deadline: 400ms}}' for i, host in enumerate(backends))
    return BASIC.replace("exchanges: 8", "exchanges: 8, reply: 1KiB") + \
        f"  - {{path: /page, gather: {{deadline: 5s, require: none, calls: [{calls}]}}}}\n" + more


def origins_have_their_errors():
    with Backend(answering()) as good, Backend(answering(status="503 Busy")) as bad, \
            Backend(sending(b"what is this?\r\n\r\n")) as odd, Backend(sending(b"")) as closing, \
            Backend(answering(body=b"x" * 2000)) as large, Backend(sending(b"", linger=True)) as silent:
        hosts = [f"127.0.0.1:{port}" for port in
                 (good.port, bad.port, odd.port, closing.port, large.port, silent.port, nobody())] + ["name.invalid"]
        with Weir("serve", config=gathering(*hosts)) as weir:
            for _ in range(2):
                same(ask(weir.address(), "/page").status, 200)
            m = scrape_until(weir, "the page", lambda m: m.requests("/page", "GET", 200) == 2)
            reasons = [None, "status", "bad_response", "closed", "too_large", "deadline", "connect", "dns"]
            for host, wanted in zip(hosts, reasons):
                origin = f'origin="http://{host}{"" if ":" in host else ":80"}"'
                same(m[f"weir_origin_requests_total{{{origin}}}"], 2, host)
                same(m[f"weir_origin_seconds_count{{{origin}}}"], 2, host)
                for reason in ("dns", "connect", "closed", "bad_response", "too_large", "status", "busy", "deadline",
                               "cancelled", "other"):
                    same(m[f'weir_origin_errors_total{{{origin},reason="{reason}"}}'], 2 if reason == wanted else 0,
                         f"{host} {reason}")
            shown = by("origin", stats(weir)["origins"])
            same(len(shown), 8)
            one = shown[f"http://{hosts[0]}"]
            same((one["last_10s"]["requests"], one["last_10s"]["errors"], one["waiting"]), (2, 0, 0))
            same(one["connections"], one["idle"])
            same(shown[f"http://{hosts[1]}"]["last_60s"]["errors"], 2)
            same(shown[f"http://{hosts[6]}"]["last_10s"]["reasons"], {"connect": 2})


def an_origin_s_connections_are_shown():
    with Held() as held, Weir("serve", config=BASIC.replace("loops: 2", "loops: 1") + held.route()) as weir:
        origin = f'origin="http://127.0.0.1:{held.backend.port}"'
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
            held.wait_for(1)
            m = Metrics(weir)
            same(m[f'weir_origin_connections{{{origin},state="in_use"}}'], 1)
            same(m[f'weir_origin_connections{{{origin},state="idle"}}'], 0)
            held.released.set()
            same(receive(connection).status, 200)
        m = scrape_until(weir, "it is kept", lambda m: m[f'weir_origin_connections{{{origin},state="idle"}}'] == 1)
        same(m[f'weir_origin_connections{{{origin},state="in_use"}}'], 0)
        same(ask(weir.address(), "/held").status, 200)
        m = scrape_until(weir, "the second", lambda m: m[f"weir_origin_requests_total{{{origin}}}"] == 2)
        same((m[f"weir_origin_reused_total{{{origin}}}"], m[f"weir_origin_connected_total{{{origin}}}"]), (1, 1))


def what_counts_only_grows():
    with Backend(answering()) as backend, \
            Weir("serve", config=gathering(f"127.0.0.1:{backend.port}")) as weir:
        before = Metrics(weir)
        for _ in range(5):
            for path in ("/hello", "/page", "/nowhere", "/sleep"):
                ask(weir.address(), path)
            after = Metrics(weir)
            same([name for name in before.samples if name not in after.samples], [])
            for name, value in before.samples.items():
                kind = before.types.get(re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name),
                                        before.types.get(re.sub(r"\{.*$", "", name)))
                assert kind is not None, f"{name} has no type"
                if kind in ("counter", "histogram"):
                    assert after[name] >= value, f"{name} went from {value} to {after[name]}"
            before = after


# ---- series from the start ----

def errors_are_counted_from_a_start_of_0():
    with Backend(answering()) as backend, Weir("serve", config=gathering(f"127.0.0.1:{backend.port}")) as weir:
        m = scrape_until(weir, "it runs", lambda m: "weir_connections" in m.types)
        for route in ("/hello", "/sleep", "/page"):
            for status in (500, 502, 503, 504):
                same(m.samples[f'weir_requests_total{{route="{route}",method="GET",status="{status}"}}'], 0)
            same(m.samples[f'weir_request_errors_total{{route="{route}"}}'], 0)
            for reason in ("exchanges", "queueing", "pool_full", "pool_wait", "memory"):
                same(m.samples[f'weir_refused_total{{route="{route}",reason="{reason}"}}'], 0)
            for kind in ("computing", "blocked", "starved", "throttled"):
                same(m.samples[f'weir_stalls_total{{route="{route}",kind="{kind}"}}'] >= 0, True)
        for reason in ("malformed", "not_found", "timeout"):
            same(m.samples[f'weir_refused_total{{route="none",reason="{reason}"}}'], 0)
        for reason in ("head_timeout", "idle_timeout", "closed", "reset"):
            same(m.samples[f'weir_connections_unserved_total{{reason="{reason}"}}'], 0)
        for reason in ("full", "wait", "deadline"):
            same(m.samples[f'weir_pool_refused_total{{pool="compute",reason="{reason}"}}'], 0)
        same(m.samples['weir_gather_calls_total{route="/page",call="c0",outcome="connect_failed"}'], 0)
        same(m.samples[f'weir_requests_total{{route="/hello",method="POST",status="503"}}'], 0)
        assert f'weir_requests_total{{route="/page",method="DELETE",status="503"}}' not in m.samples


# ---- OpenMetrics ----

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,(?!\})|(?=\})))*\}'
NUMBER = r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)"
SAMPLE = re.compile(rf"({NAME})({LABELS})? ({NUMBER})(?: ({NUMBER}))?(?: # ({LABELS}) ({NUMBER})(?: ({NUMBER}))?)?")
ENDINGS = {"counter": ("_total", "_created"), "gauge": ("",), "info": ("_info",),
           "histogram": ("_bucket", "_sum", "_count", "_created")}


def check_openmetrics(text):
    """Checks as strictly as the specification: types and suffixes of families, no interleaving, exemplars, the end.
    Returns the exemplars: the sample's name and labels, the exemplar's labels, its value."""
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1, text[-200:]
    families, family, seen, exemplars = {}, None, set(), []
    for line in text[:-len("# EOF\n")].splitlines():
        described = re.fullmatch(rf"# (HELP|TYPE|UNIT) ({NAME}) (.*)", line)
        if described:
            what, name, value = described.groups()
            if name != family:
                assert name not in families, f"{name} is interrupted"
                family = name
                families[family] = {}
            assert what not in families[family], line
            families[family][what] = value
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line!r}"
        name, labels, value, stamp, exemplar, exemplar_value, exemplar_stamp = sample.groups()
        kind = families[family]["TYPE"]
        assert name.startswith(family) and name[len(family):] in ENDINGS[kind], f"{name} in {family}, a {kind}"
        assert (name, labels) not in seen, line
        seen.add((name, labels))
        assert stamp is None, line
        if kind in ("counter", "histogram"):
            assert float(value) >= 0, line
        if name.endswith("_bucket"):
            le = re.search(r'le="([^"]*)"', labels)[1]
            assert le == "+Inf" or "." in le, line
        if exemplar:
            assert name.endswith("_bucket") or name.endswith("_total"), line
            assert len(exemplar) <= 128, line
            assert float(exemplar_value) <= float(re.search(r'le="([^"]*)"', labels)[1].replace("+Inf", "inf")), line
            assert abs(float(exemplar_stamp) - time.time()) < 600, line
            exemplars.append((name + labels, exemplar, float(exemplar_value)))
    return exemplars


def scrape(weir, *headers):
    return ask(weir.address("admin"), "/metrics", headers=headers)


def openmetrics_is_strictly_so_and_names_traces():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with Backend(answering()) as backend, Weir("serve", config=gathering(f"127.0.0.1:{backend.port}")) as weir:
        for path in ("/hello", "/%22", "/page", "/nowhere"):
            ask(weir.address(), path)
        same(ask(weir.address(), "/sleep", headers=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]).status, 200)
        until("it is counted", lambda: 'weir_request_seconds_count{route="/sleep"} 1' in scrape(weir).body.decode())
        answer = scrape(weir, ("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"))
        same(answer.headers["content-type"], OPENMETRICS)
        exemplars = check_openmetrics(answer.body.decode())
        mine = [(sample, value) for sample, labels, value in exemplars if labels == f'{{trace_id="{trace}"}}']
        same(len(mine), 1, exemplars)
        assert mine[0][0].startswith('weir_request_seconds_bucket{route="/sleep",le="') and mine[0][1] >= 0.029, mine


def who_does_not_ask_for_openmetrics_does_not_get_it():
    with Weir("serve", config=BASIC) as weir:
        for accept in (None, "*/*", "text/plain", "application/*", "application/openmetrics-text;q=0",
                       "text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.1"):
            answer = scrape(weir, *([("Accept", accept)] if accept else []))
            same(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8", accept)
            assert b"# EOF" not in answer.body and b"trace_id" not in answer.body
        same(scrape(weir, ("Accept", "application/openmetrics-text")).headers["content-type"], OPENMETRICS)


def pages_are_packed_for_who_takes_that():
    with Weir("serve", config=BASIC) as weir:
        weir.address()
        scrape_until(weir, "it runs", lambda m: "weir_connections" in m.types)
        plain, packed = scrape(weir), scrape(weir, ("Accept-Encoding", "gzip, deflate"))
        same((packed.headers.get("content-encoding"), plain.headers.get("content-encoding")), ("gzip", None))
        assert "accept-encoding" in packed.headers["vary"], packed.headers
        text = gzip.decompress(packed.body).decode()
        same(re.findall("^# TYPE .*$", text, re.M), re.findall("^# TYPE .*$", plain.body.decode(), re.M))
        assert len(packed.body) < len(text) / 4, (len(packed.body), len(text))
        for refused in ("gzip;q=0", "br", "identity, gzip;q=0.5"):
            same(scrape(weir, ("Accept-Encoding", refused)).headers.get("content-encoding"), None, refused)
        tasks = ask(weir.address("admin"), "/stats", headers=[("Accept-Encoding", "gzip")])
        same(set(json.loads(gzip.decompress(tasks.body))) >= {"routes", "refused"}, True)


# ---- promtool ----

def promtool_finds_no_fault():
    with Backend(answering()) as backend, \
            Weir("serve", config=gathering(f"127.0.0.1:{backend.port}")) as weir:
        for path in ("/hello", "/%22", "/page", "/nowhere"):
            ask(weir.address(), path)
        m = scrape_until(weir, "the page", lambda m: m.requests("/page", "GET", 200) == 1)
        found = subprocess.run(["promtool", "check", "metrics"], input=m.text, text=True, capture_output=True)
        same((found.returncode, found.stdout, found.stderr), (0, "", ""))


promtool_finds_no_fault.skip = None if shutil.which("promtool") else "promtool is not here: Debian's prometheus has it"


# ---- the Grafana dashboard and the manual ----


def documented(name):
    with open(os.path.join(ROOT, "docs", name)) as file:
        return file.read()


def queries():
    dashboard = json.loads(documented("grafana.json"))
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]


def families_in(expression, types):
    """The names of metrics in a query, those of histograms without the suffix."""
    for name in re.findall(r"\b(?:weir|process)_[a-z_]+", expression):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        yield family if types.get(family) == "histogram" else name


def grafana_s_dashboard_and_the_manual_know_every_metric():
    with Weir("serve", config=BASIC) as weir:
        weir.address()
        types = scrape_until(weir, "it runs", lambda m: "weir_connections" in m.types).types
    asked = {family for _, expression in queries() for family in families_in(expression, types)}
    same((sorted(asked - set(types)), sorted(set(types) - asked)), ([], []),
         "asked for but not there, there but not asked for")
    manual = documented("weir.1")
    same([name for name in types if not re.search(rf"\b{name}\b", manual)], [], "not in the manual")
    named = set(re.findall(r"^\.BR? ((?:weir|process)_\w+)", manual, re.M))
    same(sorted(named - set(types)), [], "in the manual but not there")


def the_dashboard_s_queries_are_queries():
    rules = [{"record": f"a:b{i}", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
             for i, (_, expression) in enumerate(queries())]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file) # JSON is valid YAML
        file.flush()
        found = subprocess.run(["promtool", "check", "rules", file.name], text=True, capture_output=True)
    same(found.returncode, 0, found.stdout + found.stderr)


the_dashboard_s_queries_are_queries.skip = promtool_finds_no_fault.skip


# ---- /stats ----

QUANTILES = ("p50", "p90", "p99", "p999")


def check_window(window, what, members):
    same(set(window), set(members), what)
    for name, value in window.items():
        assert value is None or (isinstance(value, (int, float)) and value >= 0), f"{what}: {name} is {value}"


def the_shape_of_stats_is_as_described():
    with Backend(answering()) as backend, \
            Weir("serve", config=gathering(f"127.0.0.1:{backend.port}")) as weir:
        same(ask(weir.address(), "/page").status, 200)
        until("it is counted", lambda: by("route", stats(weir)["routes"])["/page"]["last_10s"]["requests"] == 1)
        s = stats(weir)
        same(set(s), {"apps", "version", "uptime_s", "draining", "connections", "exchanges", "tasks", "refused", "unserved",
                      "routes", "origins", "backends", "tls", "loops", "pools"})
        same((s["backends"], s["tls"]), ([], []))
        same(s["refused"]["last_60s"], {"requests": 1, "refused": 0, "reasons": {}})
        same(set(s["unserved"]), {"fresh", "half_sent", "last_10s", "last_60s", "clients"})
        same(s["unserved"]["last_10s"], {"count": 0, "reasons": {}})
        same(s["draining"], False)
        same([route["route"] for route in s["routes"]],
             ["/hello", "/%22", "/sleep", "/long", "/page", "none"])
        same(by("route", s["routes"])["/page"]["kind"], "gather")
        same(by("route", s["routes"])["none"]["kind"], None)
        for route in s["routes"]:
            same(set(route), {"route", "kind", "last_10s", "last_60s", "spent_ms"})
            same(route["spent_ms"] is None, route["last_60s"]["requests"] == 0, route["route"])
            for name in ("last_10s", "last_60s"):
                same(route[name].pop("reasons"), {}, route["route"])
                check_window(route[name], route["route"], ("requests", "rate", "errors", "refused", "partial", *QUANTILES))
        for origin in s["origins"]:
            same(set(origin), {"origin", "connections", "idle", "waiting", "failing", "last_error", "last_10s", "last_60s"})
            for name in ("last_10s", "last_60s"):
                same(origin[name].pop("reasons"), {}, origin["origin"])
                check_window(origin[name], origin["origin"], ("requests", "rate", "errors", *QUANTILES))
        same([loop["loop"] for loop in s["loops"]], [0, 1])
        for loop in s["loops"]:
            same(set(loop), {"loop", "busy", "tasks", "ready", "last_10s", "last_60s"})
            assert 0 <= loop["busy"] <= 1 and loop["tasks"] >= 1, loop
            for name in ("last_10s", "last_60s"):
                check_window(loop[name], "loop", [*QUANTILES, "busy", "off_cpu"])
        same(s["tasks"], sum(loop["tasks"] for loop in s["loops"]))
        same([pool["pool"] for pool in s["pools"]][:2], ["compute", "blocking"])
        for pool in s["pools"]:
            same(set(pool), {"pool", "workers", "busy", "queued", "queue_max", "ran", "dropped", "cancelled", "refused",
                             "last_10s", "last_60s"})
            for name in ("last_10s", "last_60s"):
                same(set(pool[name]), {"rate", "refused", "reasons", "queue", "run"})
                for part in ("queue", "run"):
                    check_window(pool[name][part], pool["pool"], QUANTILES)
        unused = by("route", s["routes"])["/long"]["last_10s"]
        same((unused["requests"], unused["rate"], unused["p50"], unused["p999"]), (0, 0, None, None))


def the_shape_of_a_backend_s_statistics_is_as_described():
    with Backend(answering()) as backend, \
            Weir("serve", config=f'backends: {{b: {{urls: ["http://127.0.0.1:{backend.port}"]}}}}' + BASIC +
                 "  - {path: /b, gather: {calls: [{name: c, backend: b, path: /x}]}}\n") as weir:
        same(ask(weir.address(), "/b").status, 200)
        b, = stats(weir)["backends"]
        same(set(b), {"backend", "up", "in_use", "limit", "limit_is_auto", "waiting", "waiting_max", "connections", "connections_max",
                      "checked", "panics", "open", "open_s", "hedges", "retries", "hedge_after_ms", "budget", "last_10s", "last_60s", "instances"})
        same((b["limit_is_auto"], b["hedges"], b["retries"], b["hedge_after_ms"]), (False, False, False, None))
        same((b["backend"], b["up"], b["connections"], b["last_60s"]["requests"]), ("b", 1, 1, 1))
        i, = b["instances"]
        same(set(i), {"address", "state", "since_s", "in_use", "last_error", "last_check", "last_10s", "last_60s"})
        same((i["address"], i["state"]), (f"127.0.0.1:{backend.port}", "up"))
        for name in ("last_10s", "last_60s"):
            same(b[name].pop("reasons"), {})
            attempts = b[name].pop("attempts")
            same(attempts.pop("reasons"), {})
            check_window(attempts, "b", ("first", "hedged", "won", "retried", "recovered", "saved_ms", "rate", "denied"))
            check_window(b[name], "b", ("requests", "rate", "errors", "refused"))
            check_window(i[name], "i", ("requests", "rate", "errors", "ejections"))


def second_attempts_are_counted():
    backends = """
backends:
  slow: {urls: ["http://127.0.0.1:%d", "http://127.0.0.1:%d"], balance: round_robin, hedge: {after: 300ms}, retry: {on: [503]}, limit: auto}
"""
    with Held() as held, Backend(answering()) as good, \
            Weir("serve", config=backends % (held.backend.port, good.port) + BASIC + "  - {path: /slow, proxy: {backend: slow}}\n") as weir:
        for _ in range(2): # one of the two begins with the instance that holds its answer
            same(ask(weir.address(), "/slow").status, 200)
        m = scrape_until(weir, "a hedge has won", lambda m: m['weir_attempts_total{backend="slow",kind="hedge",outcome="ok"}'] >= 1)
        assert m['weir_attempts_total{backend="slow",kind="first",outcome="lost"}'] >= 1, m.text
        same(m['weir_attempts_total{backend="slow",kind="retry",outcome="ok"}'], 0)
        same(m['weir_attempts_denied_total{backend="slow",why="pushback"}'], 0)
        assert 0.3 <= m['weir_hedge_after_seconds{backend="slow"}'] <= 0.5, m.text # it rises as the budget empties
        assert m['weir_backend_limit{backend="slow"}'] > 0, m.text
        b, = stats(weir)["backends"]
        same((b["hedges"], b["retries"], b["limit_is_auto"]), (True, True, True))
        assert b["last_60s"]["attempts"]["hedged"] >= b["last_60s"]["attempts"]["won"] >= 1, b
        held.released.set()


def rates_and_quantiles_are_those_of_the_traffic():
    with Weir("serve", config=BASIC) as weir:
        for _ in range(20):
            same(ask(weir.address(), "/sleep").status, 200)
        until("all are counted", lambda: by("route", stats(weir)["routes"])["/sleep"]["last_10s"]["requests"] == 20)
        s = stats(weir)
        window = by("route", s["routes"])["/sleep"]["last_60s"]
        same((window["requests"], window["errors"]), (20, 0))
        assert 29 < window["p50"] < 300, window # 30 ms, plus delays of a busy machine
        assert window["p50"] <= window["p90"] <= window["p99"] <= window["p999"], window
        assert 20 / (s["uptime_s"] + 1) <= window["rate"] <= 20 / 0.6, (s["uptime_s"], window)


# ---- in bad conditions ----

def a_held_loop_keeps_nobody_from_looking():
    with Weir("serve", config=BASIC.replace("loops: 2", "loops: 1") +
              "  - {path: /burn, burn: {cpu: 3s}, on: loop}\n") as weir:
        with connect(weir.address()) as connection, connect(weir.address()) as other:
            connection.sendall(b"GET /burn HTTP/1.1\r\nHost: h\r\n\r\n")
            scrape_until(weir, "it burns", lambda m: m["weir_exchanges"] == 1)
            other.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
            m, s = Metrics(weir), stats(weir)
            same((m["weir_exchanges"], s["exchanges"]), (1, 1)) # so the loop was held all that time
            same(receive(connection).status, 200)
            same(receive(other).status, 200)
        m = scrape_until(weir, "it is seen to have been held", lambda m: m["weir_loop_lag_seconds_sum{loop=\"0\"}"] > 1)
        # burning was calibrated at the start: on a busy machine that is not exact
        assert m['weir_loop_busy_seconds_total{loop="0"}'] > 2, m.text
        assert m['weir_loop_busy_ratio{loop="0"}'] > 0.1, m.text
        assert 0 <= m['weir_loop_off_cpu_seconds_total{loop="0"}'] <= m['weir_loop_busy_seconds_total{loop="0"}'], m.text
        loop = stats(weir)["loops"][0]
        assert 1500 < loop["last_10s"]["p999"] < 60000 and loop["busy"] > 0.1, loop
        assert 0 <= loop["last_10s"]["off_cpu"] <= loop["last_10s"]["busy"] <= 1, loop


def draining_is_shown():
    with Held() as held, Weir("serve", config=BASIC + held.route()) as weir:
        weir.address() # it listens; weir_ready is set a moment later
        scrape_until(weir, "it is ready", lambda m: m["weir_ready"] == 1)
        same(stats(weir)["draining"], False)
        with connect(weir.address()) as connection:
            connection.sendall(b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
            held.wait_for(1)
            weir.process.terminate()
            weir.wait_for("draining")
            until("draining is shown", lambda: (Metrics(weir)["weir_ready"], stats(weir)["draining"]) == (0, True))
            same(stats(weir)["exchanges"], 1)
            held.released.set()
            same(receive(connection).status, 200)
        same(weir.exit(), 0)


def without_an_admin_nothing_is_counted_and_all_is_served():
    with Weir("serve", config="access_log: false\n" + BASIC.replace("admin: 127.0.0.1:0\n", "")) as weir:
        same(ask(weir.address(), "/hello").status, 200)
    with Weir("serve", config="access_log: false\n" + BASIC) as weir:
        same(ask(weir.address(), "/hello").status, 200)
        scrape_until(weir, "it is counted", lambda m: m.requests("/hello", "GET", 200) == 1)


run(known_traffic_gives_exact_counters, a_client_that_leaves_is_counted, refusals_are_counted,
    origins_have_their_errors, an_origin_s_connections_are_shown, what_counts_only_grows, promtool_finds_no_fault,
    grafana_s_dashboard_and_the_manual_know_every_metric, the_dashboard_s_queries_are_queries,
    the_shape_of_stats_is_as_described, the_shape_of_a_backend_s_statistics_is_as_described, second_attempts_are_counted, rates_and_quantiles_are_those_of_the_traffic,
    errors_are_counted_from_a_start_of_0, openmetrics_is_strictly_so_and_names_traces,
    who_does_not_ask_for_openmetrics_does_not_get_it, pages_are_packed_for_who_takes_that,
    a_held_loop_keeps_nobody_from_looking, draining_is_shown, without_an_admin_nothing_is_counted_and_all_is_served)
