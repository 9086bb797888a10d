#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where io_uring is forbidden, as in most containers, or missing, everything works on epoll, and tests say SKIP."""
import os
import re
import subprocess

import rig

TESTS = ["io-op", "io-turn", "net-stream", "net-await", "net-listener", "http-server-server", "http-client-client", "core-task", "core-loop_call",
         "watch-tree-inspect", "pool-published", "app-gateway-fault"]
CONFIG = """
listen: 127.0.0.1:0
routes:
  - {path: /hello, respond: {body: "Hello"}}
  - {path: /sleep, sleep: {for: 1ms}}
"""


def run_tests(calls):
    for name in TESTS:
        program = os.path.join(os.path.dirname(rig.WEIR), "tests", name + "_test")
        done = subprocess.run([*rig.refused(calls), program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"}, timeout=rig.PATIENCE * 3)
        cases = re.findall(r"^((?:not )?ok)\b(.*)", done.stdout, re.M)
        failed = [rest for ok, rest in cases if ok != "ok" and "# SKIP" not in rest]
        assert done.returncode == 0 and cases and not failed, f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        assert any("# SKIP" in rest for _, rest in cases), f"{name} skipped nothing:\n{done.stdout}"


def tests_skip_what_is_forbidden():
    run_tests("io_uring_setup=EPERM")


def tests_skip_what_is_not_there():
    run_tests("io_uring_setup=ENOSYS")


def the_gateway_serves_without_it():
    """Nor with epoll_pwait2, which kernels before 5.11 do not have and old container runtimes refuse with EPERM."""
    for refused in ("io_uring_setup=EPERM", "io_uring_setup=ENOSYS,epoll_pwait2=ENOSYS", "io_uring_setup=EPERM,epoll_pwait2=EPERM"):
        with rig.Weir("serve", config=CONFIG, without=refused) as weir:
            address = weir.address()
            rig.same(rig.ask(address, "/hello").body, b"Hello")
            assert rig.ask(address, "/sleep").status < 300
            weir.signal(15)
            rig.same(weir.exit(), 0)


def whether_a_ring_may_be_had_is_known():
    """Runs this file under a filter, to ask the same question there."""
    ask = ["python3", "-c", "import rig; print(rig.uring_is_here())"]
    here = os.path.dirname(os.path.abspath(__file__))
    for calls in ("io_uring_setup=EPERM", "io_uring_setup=ENOSYS"):
        done = subprocess.run([*rig.refused(calls), *ask], cwd=here, capture_output=True, text=True, check=True)
        rig.same(done.stdout, "False\n", calls)


rig.run(tests_skip_what_is_forbidden, tests_skip_what_is_not_there, the_gateway_serves_without_it,
        whether_a_ring_may_be_had_is_known, interfaces=(None,))
