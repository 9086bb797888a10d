# SPDX-License-Identifier: MIT
"""The subjects: Weir on each backend, and its peers. Each knows whether it is installed, how to get it and how to start it."""
import re
import shutil
from pathlib import Path

from process import SERVER_CORE, Process, free_ports

CALLS = 12

WEIR_CONFIG = """\
listen: 127.0.0.1:{port}
loops: 1
access_log: {access_log}
limits: {{connections: 16000, exchanges: 8000}}
routes:
  - {{path: /hello, respond: {{status: 200, type: text/plain, body: "Hello, World!"}}}}
"""
WEIR_GATHER = """\
  - path: /page/{{id}}
    gather:
      deadline: {deadline}ms
      calls:
{calls}
"""
WEIR_CALL = '        - {{name: c{index}, url: "http://127.0.0.1:{port}/answer/{{id}}"}}'


class Subject:
    """name: as printed. needs: a file or a command. get: how to install it."""

    def __init__(self, name, needs, get, command):
        self.name, self.needs, self.get, self.command = name, needs, get, command
        self.environment = {}

    @property
    def is_weir(self):
        return self.name.startswith("weir")

    def is_here(self):
        return Path(self.needs).exists() if "/" in str(self.needs) else shutil.which(self.needs) is not None

    def start(self, port, backends, folder, deadline_ms=1000):
        folder = Path(folder) / re.sub(r"\W+", "-", self.name)
        folder.mkdir(exist_ok=True)
        command = self.command(port, backends, folder, deadline_ms)
        environment = {**self.environment, "BENCH_DEADLINE_MS": str(deadline_ms)}
        return Process(command, SERVER_CORE, folder / "log", port, environment)


def serve(bench, subject, config, cores=SERVER_CORE, **values):
    """Weir with a configuration of its own; fills in {port}, {admin} (the next port) and the given values."""
    port = free_ports(2)
    path = bench.folder / f"{subject.name}-{port}.yaml"
    path.write_text(config.format(port=port, admin=port + 1, **values))
    return Process([bench.build / "weir", "serve", path], cores, path.with_suffix(".log"), port, subject.environment)


WEIR_PROXY = """\
listen: 127.0.0.1:{port}
loops: 1
access_log: false
limits: {{body: 16GiB}}
routes:
  - {{path: /*, proxy: {{to: "http://127.0.0.1:{backend}"}}}}
"""


def proxying(template, command_of):
    """A proxy whose configuration is a template with @PORT@, @BACKEND@ and @DIR@."""
    def command(port, backend, folder, deadline_ms):
        text = (Path(__file__).parent.parent / "peers" / template).read_text()
        for name, value in (("@BACKEND@", backend), ("@PORT@", port), ("@DIR@", folder)):
            text = text.replace(name, str(value))
        path = folder / Path(template).name
        path.write_text(text)
        return command_of(folder, path)
    return command


def nginx(access_log):
    def command(port, backends, folder, deadline_ms):
        text = (Path(__file__).parent.parent / "peers/nginx/nginx.conf").read_text()
        for name, value in (("@ACCESS_LOG@", access_log), ("@PORT@", port), ("@DIR@", folder)):
            text = text.replace(name, str(value))
        (folder / "nginx.conf").write_text(text)
        return ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    return command


def subjects(build, peers):
    """Returns all subjects by name. build: where Weir was built; peers: where bench/peers/setup installed the others."""

    def weir(access_log):
        def command(port, backends, folder, deadline_ms):
            text = WEIR_CONFIG.format(port=port, access_log=access_log)
            if backends:
                calls = (WEIR_CALL.format(index=i, port=backends + i) for i in range(CALLS))
                text += WEIR_GATHER.format(deadline=deadline_ms, calls="\n".join(calls))
            (folder / "weir.yaml").write_text(text)
            return [build / "weir", "serve", folder / "weir.yaml"]
        return command

    def node(how):
        return lambda port, backends, folder, deadline_ms: ["node", peers / "node/server.mjs", port, backends or 0, how]

    def plain(*words, after=()):
        return lambda port, backends, folder, deadline_ms: [*words, port, backends or 0, *after]

    def proxy(program):
        return lambda port, backend, folder, deadline_ms: [program, f"127.0.0.1:{port}", f"127.0.0.1:{backend}"]

    def gateway(port, backend, folder, deadline_ms):
        (folder / "weir.yaml").write_text(WEIR_PROXY.format(port=port, backend=backend))
        return [build / "weir", "serve", folder / "weir.yaml"]

    def shop(program, *words):
        """One process that serves the application of peers/python/shop.py."""
        def command(port, backends, folder, deadline_ms):
            where = f"127.0.0.1:{port}" if words[-1] == "--bind" else port
            return ["env", f"PYTHONPATH={source}", peers / "python/bin" / program, *words, where, "shop:app"]
        return command

    source = Path(__file__).resolve().parent.parent / "peers/python"
    script = Path(__file__).parent.parent / "peers/python/server.py"
    every = [
        Subject("weir", build / "bench-micro-switch", "make bench", None),  # programs of its own, see Micro
        Subject("weir uring", build / "weir", "make", weir("false")),
        Subject("weir epoll", build / "weir", "make", weir("false")),
        Subject("weir uring + log", build / "weir", "make", weir("{path: log.access}")),
        Subject("weir epoll + log", build / "weir", "make", weir("{path: log.access}")),
        Subject("weir uring hedged", build / "weir", "make", None),  # a configuration of the row's own
        Subject("weir epoll hedged", build / "weir", "make", None),
        Subject("weir uring pump", build / "13_tcp_proxy", "make bench", proxy(build / "13_tcp_proxy")),
        Subject("weir epoll pump", build / "13_tcp_proxy", "make bench", proxy(build / "13_tcp_proxy")),
        Subject("weir uring proxy", build / "weir", "make", gateway),
        Subject("weir epoll proxy", build / "weir", "make", gateway),
        Subject("nginx proxy", "nginx", "apt-get install nginx-light",
                proxying("nginx/proxy.conf", lambda folder, path: ["nginx", "-p", folder, "-e", folder / "error.log", "-c", path])),
        Subject("haproxy", "haproxy", "apt-get install haproxy",
                proxying("haproxy/haproxy.cfg", lambda folder, path: ["haproxy", "-db", "-f", path])),
        Subject("haproxy reloading", "haproxy", "apt-get install haproxy",
                proxying("haproxy/reload.cfg", lambda folder, path: ["haproxy", "-W", "-db", "-f", path])),
        Subject("go io.Copy", peers / "go-pump", "bench/peers/setup go", plain(peers / "go-pump")),
        Subject("openssl speed", "openssl", "apt-get install openssl", None),
        Subject("vipsthumbnail", "vipsthumbnail", "apt-get install libvips-tools", None),
        Subject("nginx", "nginx", "apt-get install nginx-light", nginx("off")),
        Subject("nginx + log", "nginx", "apt-get install nginx-light", nginx("@DIR@/log.access combined")),
        Subject("node", peers / "node/server.mjs", "bench/peers/setup node", node("agent")),
        Subject("node undici", peers / "node/node_modules/undici", "bench/peers/setup node", node("undici")),
        Subject("node http.Agent", peers / "node/server.mjs", "bench/peers/setup node", node("agent")),
        Subject("node fetch", peers / "node/server.mjs", "bench/peers/setup node", node("fetch")),
        Subject("node piscina", peers / "node/node_modules/piscina", "bench/peers/setup node",
                plain("node", peers / "node/burn.mjs", after=["4"])),
        Subject("node piscina, no end", peers / "node/node_modules/piscina", "bench/peers/setup node",
                plain("node", peers / "node/burn.mjs", after=["auto"])),
        Subject("go net/http", peers / "go-server", "bench/peers/setup go", plain(peers / "go-server")),
        Subject("rust hyper", peers / "rust/release/weir-bench", "bench/peers/setup rust",
                plain(peers / "rust/release/weir-bench")),
        Subject("python", peers / "python/bin/uvicorn", "bench/peers/setup python",
                plain(peers / "python/bin/python", script)),
        Subject("uvicorn", peers / "python/bin/uvicorn", "bench/peers/setup python",
                shop("uvicorn", "--log-level", "warning", "--no-access-log", "--port")),
        Subject("gunicorn + uvicorn", peers / "python/bin/gunicorn", "bench/peers/setup python",
                shop("gunicorn", "--worker-class", "uvicorn.workers.UvicornWorker", "--bind")),
        Subject("granian", peers / "python/bin/granian", "bench/peers/setup python",
                shop("granian", "--interface", "asgi", "--no-ws", "--log-level", "warning", "--port")),
    ]
    by_name = {subject.name: subject for subject in every}
    for name, subject in by_name.items():
        if name.startswith(("weir uring", "weir epoll")):
            subject.environment = {"WEIR_IO": name.split()[1]}
    return by_name
