#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/front/instances.md and containers.md: an instance that dies and comes back, and names whose addresses change, without failed answers."""
import contextlib
import http.client
import json
import os
import signal
import threading
import time

from front import Child, Page, folder_of, free_port, listens, program
from rig import PATIENCE, Weir, ask, run, same, until

ADMIN = {"127.0.0.1:8081": "127.0.0.1:0"}
INSTANCE = """
import { createServer } from "node:http";
const [host, port] = [process.env.HOST ?? "127.0.0.1", Number(process.env.PORT)];
let leaving = false;
const server = createServer((request, response) => {
  if (request.url === "/healthz") response.writeHead(leaving ? 503 : 200).end();
  else response.end(`${host}:${port}`);
});
process.on("SIGUSR2", () => { leaving = true; });
server.keepAliveTimeout = 75_000;
server.listen(port, host);
"""


def instance(folder, port, host="127.0.0.1"):
    return Child(program("node", "nodejs"), "instance.mjs", ready=lambda: listens(port, host), folder=folder, env={"HOST": host, "PORT": str(port)})


class Traffic:
    """Clients that ask all the time. What they were answered, and when, is kept."""

    def __init__(self, weir, path, clients=4):
        self.weir, self.path, self.answers, self.stopping = weir, path, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask_on, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask_on(self):
        connection = http.client.HTTPConnection(*self.weir.address(), timeout=PATIENCE)
        while not self.stopping.is_set():
            began = time.monotonic()
            connection.request("GET", self.path)
            answer = connection.getresponse()
            self.answers.append((began, answer.status, answer.read().decode()))
            time.sleep(0.002) # the machine is others', too
        connection.close()

    def seen_since(self, when):
        return {text for began, status, text in list(self.answers) if began >= when and status == 200}

    def failed_since(self, when):
        return [(began, status, text) for began, status, text in list(self.answers) if began >= when and status != 200]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def answered_by(traffic, wanted):
    """Waits until exactly these have answered, in the time of a hundred answers or more."""
    def only_these():
        latest = [text for _, status, text in list(traffic.answers)[-100:] if status == 200]
        return len(latest) >= 90 and set(latest) == wanted
    until(f"answers of {wanted}", only_these)


def one_of_several_dies_and_comes_back():
    ports = [free_port() for _ in range(3)]
    names = {f"127.0.0.1:{port}" for port in ports}
    config = Page("instances").configured(**ADMIN, **{f"127.0.0.1:{7101 + i}": f"127.0.0.1:{port}" for i, port in enumerate(ports)})
    with folder_of({"instance.mjs": INSTANCE}) as folder, contextlib.ExitStack() as stack:
        instances = [stack.enter_context(instance(folder, port)) for port in ports]
        weir = stack.enter_context(Weir("serve", config=config))
        traffic = stack.enter_context(Traffic(weir, "/orders/1"))
        answered_by(traffic, names)
        same(traffic.failed_since(0), [], "before")
        killed = time.monotonic()
        instances[1].end()
        weir.wait_for(rf"127\.0\.0\.1:{ports[1]}.*(down|ejected)|(down|ejected).*127\.0\.0\.1:{ports[1]}")
        seen = max(killed + 1, time.monotonic()) # on a busy machine the second may be over before two requests have failed
        answered_by(traffic, names - {f"127.0.0.1:{ports[1]}"})
        same(traffic.failed_since(seen), [], "failures after the first second")
        assert len(traffic.failed_since(killed)) <= 16, traffic.failed_since(killed)
        back = time.monotonic()
        stack.enter_context(instance(folder, ports[1]))
        answered_by(traffic, names)
        same(traffic.failed_since(back), [], "when it is back")


def one_is_replaced_without_a_failure():
    """It fails its check, and ends when it is asked no more."""
    ports = [free_port() for _ in range(3)]
    names = {f"127.0.0.1:{port}" for port in ports}
    config = Page("instances").configured(**ADMIN, **{f"127.0.0.1:{7101 + i}": f"127.0.0.1:{port}" for i, port in enumerate(ports)})
    with folder_of({"instance.mjs": INSTANCE}) as folder, contextlib.ExitStack() as stack:
        old = [stack.enter_context(instance(folder, port)) for port in ports][0]
        weir = stack.enter_context(Weir("serve", config=config))
        traffic = stack.enter_context(Traffic(weir, "/orders/1"))
        answered_by(traffic, names)
        old.process.send_signal(signal.SIGUSR2)
        answered_by(traffic, names - {f"127.0.0.1:{ports[0]}"})
        old.end()
        stack.enter_context(instance(folder, ports[0]))
        answered_by(traffic, names)
        same(traffic.failed_since(0), [], "in all")


@contextlib.contextmanager
def dnsmasq(names):
    """The DNS of a network, with a file of addresses that is read again when it changes."""
    with folder_of({"hosts/network": names}) as folder:
        port = free_port()
        command = [program("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces",
                   "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--local-ttl=1", "--user=", "--group=", "--pid-file=", "--log-facility=-",
                   f"--addn-hosts={folder}/hosts/network"]
        with Child(*command, ready=lambda: listens(port)) as child:
            child.port, child.path = port, os.path.join(folder, "hosts/network")
            yield child


def change(server, names):
    with open(server.path, "w", encoding="ascii") as file:
        file.write(names)
    server.process.send_signal(signal.SIGHUP) # reads it again


def names_of_a_network_change():
    """Two addresses, of which one goes and another comes; then the DNS dies, and at last all of it."""
    port = free_port()
    hosts = [f"127.0.0.{number}" for number in (2, 3, 4)]
    name = {host: f"{host}:{port}" for host in hosts}
    line = {host: f"{host} orders.shop.internal\n" for host in hosts}
    with folder_of({"instance.mjs": INSTANCE}) as folder, contextlib.ExitStack() as stack:
        for host in hosts:
            stack.enter_context(instance(folder, port, host))
        dns = stack.enter_context(dnsmasq(line[hosts[0]] + line[hosts[1]]))
        weir = stack.enter_context(Weir("serve", config=Page("containers").configuration,
                                        env={"LISTEN": "127.0.0.1:0", "DNS": f"127.0.0.1:{dns.port}", "ORDERS_PORT": str(port)}))
        traffic = stack.enter_context(Traffic(weir, "/orders/1", 2))
        answered_by(traffic, {name[hosts[0]], name[hosts[1]]})
        change(dns, line[hosts[1]] + line[hosts[2]])
        answered_by(traffic, {name[hosts[1]], name[hosts[2]]})
        dns.end()
        until("the answer is out of date", lambda now=time.monotonic(): time.monotonic() - now > 2)
        answered_by(traffic, {name[hosts[1]], name[hosts[2]]})
        same(traffic.failed_since(0), [], "in all")


def a_name_that_is_not_there_is_said():
    with dnsmasq("127.0.0.2 another.shop.internal\n") as dns:
        with Weir("serve", config=Page("containers").configuration, env={"LISTEN": "127.0.0.1:0", "DNS": f"127.0.0.1:{dns.port}"}) as weir:
            answer = ask(weir.address(), "/orders/1")
            same((answer.status, json.loads(answer.body)["error"]["code"]), (502, "bad_gateway"))
            weir.wait_for('status=502 .*failed="?dns failed')


run(one_of_several_dies_and_comes_back, one_is_replaced_without_a_failure, names_of_a_network_change, a_name_that_is_not_there_is_said)
