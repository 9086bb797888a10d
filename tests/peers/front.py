# SPDX-License-Identifier: MIT
"""Shared by the tests of what stands behind the gateway: pages of docs/front and what is in them, foreign programs, Node's packages."""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import rig
from rig import PATIENCE, ROOT, until, uring_is_here

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get("BUILD", "build")))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/local/go/bin"


# ---- pages ----

class Page:
    """A page of docs/front or docs/apps: its configuration, and the files in it, which stand below a line <!-- file NAME -->."""

    def __init__(self, name, folder="front"):
        with open(os.path.join(ROOT, "docs", folder, name + ".md"), encoding="utf-8") as file:
            text = file.read()
        (self.configuration,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
        self.files = dict(re.findall(r"^<!-- file (\S+) -->\n```\w+\n(.*?)^```$", text, re.M | re.S))

    def configured(self, **changes):
        """The configuration with what a reader would change, too. '127.0.0.1:8080' is any free port."""
        return replaced(self.configuration, {"127.0.0.1:8080": "127.0.0.1:0", **changes})


def replaced(text, changes):
    """The text with changes: each thing must be there."""
    for old, new in changes.items():
        assert old in text, f"there is no {old} in {text}"
        text = text.replace(old, new)
    return text


# ---- foreign programs ----

def program(name, package=None):
    """Where a program is. One that is missing fails the test, with its name."""
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not installed (Debian package {package or name})"
    return found


class Child:
    """A program that runs until the end of its block, and what it says, in order to show it when something is wrong."""

    def __init__(self, *command, ready, folder=None, env=None):
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said, cwd=folder,
                                        env={**os.environ, **(env or {})}, start_new_session=True)
        try:
            until(f"{command[0]} is ready or has ended", lambda: self.process.poll() is not None or ready())
            assert self.process.poll() is None, f"{command[0]} has ended: {self.words()}"
        except BaseException:
            self.end()
            raise

    def words(self):
        self.said.seek(0)
        return self.said.read().decode("utf-8", "replace")

    def end(self):
        """Ends it and all that it has started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.end()
        if problem[0]:
            print("\n".join("# " + line for line in self.words().splitlines()[-40:]), flush=True)
        self.said.close()


def listens(port, host="127.0.0.1"):
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
        return True


def listens_unix(path):
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as tried:
        tried.connect(path)
        return True


def free_port():
    """A port that nothing listens at now. It comes from the system, below those that connections get by themselves."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    while True:
        port = 1024 + int.from_bytes(os.urandom(4), "big") % (lowest - 1024)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("0.0.0.0", port))
            return port


@contextlib.contextmanager
def folder_of(files):
    """A folder with these files, which all may read, and with the packages of Node."""
    with tempfile.TemporaryDirectory(prefix="weir-front-") as folder:
        os.chmod(folder, 0o755)
        for name, content in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        yield folder


# ---- Node ----

def node_packages():
    """The folder node_modules with the packages of tests/peers/node, installed from the npm registry at the first run."""
    folder, wanted = os.path.join(BUILD, "peers-node"), os.path.join(HERE, "node")
    lock = os.path.join(folder, "package-lock.json")
    with open(os.path.join(wanted, "package-lock.json"), "rb") as file:
        new = file.read()
    if not (os.path.exists(os.path.join(folder, "node_modules/ws")) and os.path.exists(lock) and open(lock, "rb").read() == new):
        os.makedirs(folder, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(os.path.join(wanted, name), os.path.join(folder, name))
        done = subprocess.run([program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"], cwd=folder,
                              env={**os.environ, "npm_config_update_notifier": "false"}, capture_output=True, text=True, timeout=2 * PATIENCE)
        if done.returncode != 0:
            os.remove(lock) # so that the next run tries again
        assert done.returncode == 0, f"ws could not be installed from the npm registry: {done.stderr}"
    return os.path.join(folder, "node_modules")


@contextlib.contextmanager
def node(files, name="server.mjs", port=None, packages=False):
    """Runs a file of Node that listens at $PORT; gives the port."""
    with folder_of(files) as folder:
        if packages:
            os.symlink(node_packages(), os.path.join(folder, "node_modules"))
        port = port or free_port()
        with Child(program("node", "nodejs"), name, ready=lambda: listens(port), folder=folder, env={"PORT": str(port)}) as child:
            child.port = port
            yield child


def node_runs(text, *arguments, timeout=2 * PATIENCE):
    """Runs a module of Node to its end, and returns what it prints."""
    with folder_of({"client.mjs": text}) as folder:
        os.symlink(node_packages(), os.path.join(folder, "node_modules"))
        done = subprocess.run([program("node", "nodejs"), "client.mjs", *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                              timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_browser(url, check):
    """Has the browser of the end-to-end tests open a page and run a function in it, whose result is returned as text."""
    done = subprocess.run([program("node", "nodejs"), os.path.join(HERE, "browse.mjs"), url, check], capture_output=True, text=True,
                          timeout=3 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


# ---- the gateway seen from outside ----

def is_second_run():
    """Reports whether a case has been run already, on the other kernel interface: less may do then."""
    return rig.kernel_interface is not None and uring_is_here()


def url(weir, path, scheme="http"):
    return "%s://%s:%d%s" % (scheme, *weir.address(), path)


def resident(weir):
    """Bytes of memory that the gateway holds, and has held at most."""
    with open(f"/proc/{weir.gateway}/status", encoding="ascii") as file:
        text = file.read()
    return tuple(int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) << 10 for name in ("VmRSS", "VmHWM"))
