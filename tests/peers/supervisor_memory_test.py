#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The supervisor's memory and descriptors over a thousand reloads, each with requests; takes some minutes. RELOADS=n: another number."""
import os
import pathlib
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from rig import Weir, ask, run, until

RELOADS = int(os.environ.get("RELOADS", "1000"))
SETTLED = 100 # reloads, after which nothing grows any more
LARGEST_KIB, GROWTH_KIB = 4 << 10, 256 # of its share: how much of the libraries is mapped is the kernel's choice
CONFIG = ("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\nlog_level: info\naccess_log: false\n"
          "routes:\n  - {path: /, respond: {body: ok}}\n")


def seen(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {"resident": int(re.search(r"VmRSS:\s+(\d+)", status)[1]), "pss": int(re.search(r"Pss:\s+(\d+)", rollup)[1]),
            "own": int(re.search(r"RssAnon:\s+(\d+)", status)[1]), # the rest is pages of files, which come and go
            "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


def the_supervisor_does_not_grow():
    with Weir("serve", config=CONFIG) as weir:
        address = weir.address()
        for generation in range(2, RELOADS + 2):
            weir.signal(signal.SIGHUP)
            weir.wait_for(rf"in force generation={generation} ")
            assert ask(address, "/").body == b"ok"
            if generation == min(SETTLED, RELOADS):
                until("the drains", lambda: len([line for line in weir.lines if line and "has drained" in line]) >= generation - 1)
                settled = seen(weir.process.pid)
        until("the drains", lambda: len([line for line in weir.lines if line and "has drained" in line]) >= RELOADS)
        last = seen(weir.process.pid)
        print(f"# after {SETTLED}: {settled}; after {RELOADS}: {last}", flush=True)
        assert last["own"] <= settled["own"] + GROWTH_KIB, (settled, last)
        named = [line for line in weir.lines if line and " seen=" in line] # a stall of its loop: names are read then, which takes 6 MiB
        assert named or last["pss"] <= LARGEST_KIB, last
        assert last["descriptors"] <= settled["descriptors"] + 2, (settled, last)


run(the_supervisor_does_not_grow, interfaces=(None,))
