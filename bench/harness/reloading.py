# SPDX-License-Identifier: MIT
"""The row of reloads: requests that are lost while the configuration is put into force again and again."""
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from process import LOAD_CORE, Failed, forget, free_ports, start

RELOADS, RATE, CONNECTIONS, SECONDS = 90, 1000, 100, 22
STEADY = Path(__file__).parent / "steady.py"
SUBJECTS = ["weir uring", "weir epoll", "nginx", "haproxy reloading"]


def reload_signal(subject):
    return signal.SIGUSR2 if subject.name.startswith("haproxy") else signal.SIGHUP


def reload_rows(row):
    """row: the class Row of rows.py."""

    class Reloads(row):
        subjects = SUBJECTS
        targets = {"weir uring": (0, 0), "weir epoll": (0, 0)}

        @contextlib.contextmanager
        def prepared(self, bench, subjects):
            yield None

        def measure(self, bench, subject, state):
            with subject.start(free_ports(), None, bench.folder) as server:
                command = [sys.executable, STEADY, server.port, "/hello", RATE, SECONDS, CONNECTIONS]
                load = start([str(word) for word in command], lambda: os.sched_setaffinity(0, {LOAD_CORE}), stdout=-1, text=True)
                try:
                    began = time.monotonic()
                    for turn in range(RELOADS):
                        time.sleep(max(0, began + 0.5 + turn * (SECONDS - 1) / RELOADS - time.monotonic()))
                        server.child.send_signal(reload_signal(subject))
                    out, _ = load.communicate(timeout=SECONDS + 60)
                finally:
                    forget(load, 0)
                if load.returncode != 0:
                    raise Failed("the load failed")
                sent, lost = (int(word) for word in out.split()[:2])
                bench.say(f"{self.name}: {subject.name}: {lost} of {sent} lost: {' '.join(out.split()[2:])}")
                return lost

    return [Reloads("reload", f"requests lost of {RATE * SECONDS}, {RATE}/s on {CONNECTIONS} kept connections, {RELOADS} reloads", "lost")]
