#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""'weir top' and 'weir stalls': on a terminal and without one, with a simulated admin address and the real one."""
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import termios
import threading

import fake_admin
import rig
from rig import PATIENCE, WEIR, Weir, ask, run, same, until, urgent
from terminal import ENTER, Terminal


class Fake:
    """The simulated admin address, on a thread."""

    def __init__(self, *arguments):
        self.server = fake_admin.server(*arguments)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def command(*arguments, **env):
    return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
                          env={**os.environ, "WEIR_GUARD": "abort", "LANG": "C.UTF-8", "LC_ALL": "", **rig.chosen_interface(), **env})


def fits(terminal, lines):
    return lines and len(lines) <= terminal.rows and all(len(line) <= terminal.columns for line in lines)


def rows(lines):
    """Returns the rows of the routes with requests, in the order in which they are shown."""
    first = next((i for i, line in enumerate(lines) if line.removeprefix("> ").startswith("ROUTE")), len(lines))
    return [line.split() for line in lines[first + 1:first + 7]]


def order(lines):
    return [row[1] for row in rows(lines)]


def once_is_plain_text():
    with Fake() as fake:
        done = command("top", "--once", str(fake.port))
        same((done.returncode, done.stderr), (0, ""))
        assert "\x1b" not in done.stdout, done.stdout
        for text in (f"weir 0.2.0 at 127.0.0.1:{fake.port}   up 1 d 2 h   live", "requests/s", "LOOP", "GET /page/{id}", "compute", "http://10.0.0.7:8443",
                     "computing  GET /report held loop 0 for 41.3 ms, 3×", "in csv_sort report.c:118", "?[2J"):
            assert text in done.stdout, (text, done.stdout)
        same(command("top", str(fake.port)).stdout.splitlines()[0], done.stdout.splitlines()[0], "a pipe is once")
        plain = command("top", "--once", str(fake.port), LANG="C").stdout
        assert plain.isascii() and "#" in plain, plain


def json_is_what_stats_answers():
    with Fake() as fake:
        stats = json.loads(command("top", "--json", "--once", str(fake.port)).stdout)
        same(stats["routes"][0]["route"], "GET /page/{id}")
        child = subprocess.Popen([WEIR, "top", "--json", "--every", "20ms", str(fake.port)], stdout=subprocess.PIPE, text=True)
        with child:
            ages = [json.loads(child.stdout.readline())["uptime_s"] for _ in range(3)]
            child.send_signal(signal.SIGINT)
            same(child.wait(PATIENCE), 0)
        assert ages == sorted(ages), ages


def it_updates_and_q_gives_the_terminal_back():
    with Fake() as fake, Terminal("top", "--every", "50ms", str(fake.port)) as terminal:
        terminal.wait_for_text("GET /page/{id}")
        assert fits(terminal, terminal.frame()), terminal.frame()
        fake.server.world.tasks = 4242
        terminal.wait_for_text("4242 tasks")
        assert "\x1b[1m" in terminal.all and terminal.all.count("\x1b[2J") == 1, "a name's own control characters got through"
        assert termios.tcgetattr(terminal.slave) != terminal.before
        terminal.press("q")
        same(terminal.exit(), 0)
        assert terminal.is_as_before(), terminal.all[-200:]


def signals_give_the_terminal_back():
    with Fake() as fake:
        for end in ("\x03", "\x1c", signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with Terminal("top", str(fake.port)) as terminal:
                terminal.wait_for_text("ROUTE")
                if isinstance(end, str):
                    terminal.press(end)
                else:
                    terminal.process.send_signal(end)
                same(terminal.exit(), 0, repr(end))
                assert terminal.is_as_before(), (end, terminal.all[-200:])


def stopped_it_gives_the_terminal_back_and_takes_it_again():
    with Fake() as fake, Terminal("top", str(fake.port)) as terminal:
        terminal.wait_for_text("ROUTE")
        terminal.process.send_signal(signal.SIGTSTP)
        until("stop", lambda: open(f"/proc/{terminal.process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T")
        assert terminal.is_as_before()
        terminal.process.send_signal(signal.SIGCONT)
        until("the screen again", lambda: terminal.read() or terminal.all.count(ENTER) == 2)
        terminal.press("q")
        same(terminal.exit(), 0)
        assert terminal.is_as_before()


def it_fits_whatever_the_size_becomes():
    with Fake() as fake, Terminal("top", "--every", "10s", str(fake.port)) as terminal:
        terminal.wait_for_text("ORIGIN")
        for rows, columns in ((24, 80), (12, 40), (60, 200), (5, 20), (30, 90)):
            drawn = terminal.all.count("\x1b[J")
            terminal.resize(rows, columns)
            until("a frame", lambda: terminal.read() or terminal.all.count("\x1b[J") > drawn)
            terminal.wait_for(f"{rows} by {columns}", lambda lines: fits(terminal, lines))
            assert rows < 12 or any(line.removeprefix("> ").startswith("ROUTE") for line in terminal.frame()), terminal.frame()
        assert any("more" in line for line in terminal.frame()), terminal.frame()


def keys_sort_and_choose():
    with Fake() as fake, Terminal("top", "--every", "10s", str(fake.port), rows=60) as terminal:
        terminal.wait_for_text("ROUTE, by rate")
        same(order(terminal.frame())[:2], ["/hello", "/page/{id}"])
        terminal.press("l")
        terminal.wait_for("the list", lambda lines: order(lines)[:2] == ["/page/{id}", "/hello"])
        listed = order(terminal.frame())
        terminal.press("r")
        terminal.wait_for("by rate", lambda lines: order(lines)[:1] == ["/hello"])
        terminal.press("9")
        terminal.wait_for_text("ROUTE, by p99")
        p99 = [float(row[-3]) for row in rows(terminal.frame())]
        same(p99, sorted(p99, reverse=True))
        terminal.press("e")
        terminal.wait_for_text("ROUTE, by errors")
        assert order(terminal.frame())[0] in ("/thumb/*", "/page/{id}"), terminal.frame()
        terminal.press("l")
        terminal.wait_for("the list", lambda lines: order(lines) == listed)
        terminal.press("w")
        terminal.wait_for_text("w last 60 s")
        terminal.press("p")
        terminal.wait_for_text("paused")


def section(lines, title):
    """Returns the rows below the headings that begin with this text."""
    first = next((i for i, line in enumerate(lines) if line.removeprefix("> ").startswith(title)), None)
    assert first is not None, (title, lines)
    rest = lines[first + 1:]
    ends = [i for i, line in enumerate(rest) if not line or line.removeprefix("> ").startswith(("LOOP", "ROUTE", "POOL", "BACKEND", "ORIGIN", "STALLS", "q quit"))]
    return rest[:ends[0]] if ends else rest


def a_small_terminal_shows_what_fails_and_what_is_busy():
    with Fake() as fake, Terminal("top", "--every", "50ms", str(fake.port), rows=24, columns=80) as terminal:
        terminal.wait_for_text("STALLS")
        lines = terminal.frame()
        assert fits(terminal, lines), lines
        failing = section(lines, "ORIGIN")[0].split()
        same((failing[0], failing[2:4], failing[-1]), ("http://10.0.0.11:8443", ["100", "%"], "connect"))
        same(section(lines, "ROUTE")[0].split()[1], "/hello", "the busiest")
        same(section(lines, "BACKEND")[0].split(), ["orders", "183", "0", "15/256", "3/3", "0", "0"])
        for title, items in (("ROUTE", 7), ("ORIGIN", 6), ("STALLS", 3)):
            shown = section(lines, title)
            same(shown[-1], f"and {items - len(shown) + 1} more", title)
        fake.server.world.shed, fake.server.world.half_sent = 0.41, 3000
        terminal.wait_for("what was refused", lambda now: any(re.match(r"41 % refused: queueing [\d ]+, pool_full 3$", line) for line in now))
        terminal.wait_for_text("half-sent heads: 3000 now, 3000 timed out; most from 203.0.113.9")
        assert "no CPU" not in "\n".join(terminal.frame()), terminal.frame()
        fake.server.world.off_cpu = 0.3
        terminal.wait_for_text("no CPU for 75 % of the time that the loops wanted it: see 'weir advise'")
        fake.server.world.out = True
        terminal.wait_for("what is out", lambda now: any(line.split()[:1] == ["orders"] and "1/3" in line for line in now))
        terminal.wait_for("which one", lambda now: any("10.0.1.9:7101" in line and "ejected 12 s: Bad Gateway" in line for line in now))
        assert fits(terminal, terminal.frame()), terminal.frame()


def arrow_keys_scroll_the_section_that_tab_chooses():
    with Fake() as fake, Terminal("top", "--every", "10s", str(fake.port), rows=24, columns=80) as terminal:
        terminal.wait_for_text("> ROUTE")
        terminal.press("\t\t\t")
        terminal.wait_for_text("> ORIGIN")
        before = section(terminal.frame(), "ORIGIN")
        terminal.press("\x1b[B")
        terminal.wait_for("one further", lambda lines: section(lines, "ORIGIN")[0].split()[0] == before[1].split()[0])
        same(section(terminal.frame(), "ORIGIN")[-1], f"1 above, and {6 - 1 - (len(before) - 1)} more")
        terminal.press("\x1b[6~\x1b[6~")
        terminal.wait_for("the end", lambda lines: section(lines, "ORIGIN")[-1].endswith("and 0 more"))
        terminal.press("kj\x1b[H")
        terminal.wait_for("the beginning", lambda lines: section(lines, "ORIGIN") == before)
        terminal.press("\x1b[Z")
        terminal.wait_for_text("> BACKEND")


def signals_end_it_though_its_reader_stands_still():
    """A terminal after Ctrl-S, a pager that stopped reading: writes to them wait."""
    with Fake() as fake:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            ours, theirs = pty.openpty()
            termios.tcflow(theirs, termios.TCOOFF)
            child = subprocess.Popen([WEIR, "top", str(fake.port)], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
            until("it has the terminal", lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO)
            child.send_signal(number)
            try:
                same((child.wait(PATIENCE), child.stderr.read()), (0, ""), number)
                assert termios.tcgetattr(theirs)[3] & termios.ECHO, "the terminal is not as it was"
            finally:
                child.kill()
                child.wait()
                child.stderr.close()
                os.close(ours)
                os.close(theirs)
        full, end = os.pipe()
        os.set_blocking(end, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(end, b"x")
        os.set_blocking(end, True)
        asked = fake.server.world.asked
        child = subprocess.Popen([WEIR, "top", "--json", str(fake.port)], stdout=end)
        try:
            until("it has been answered", lambda: fake.server.world.asked > asked)
            child.send_signal(signal.SIGTERM)
            same(child.wait(PATIENCE), 1) # no output could be written
        finally:
            child.kill()
            child.wait()
            os.close(full)
            os.close(end)


def a_gateway_that_goes_away_is_waited_for():
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(Fake())
        terminal = stack.enter_context(Terminal("top", "--every", "20ms", str(fake.port)))
        terminal.wait_for_text("live")
        fake.server.world.broken = True
        terminal.wait_for_text("NO ANSWER: /stats answers 500")
        assert "GET /page/{id}" in "\n".join(terminal.frame()), "the last figures are still there"
        fake.server.world.broken = False
        terminal.wait_for_text("live")


def without_colours_there_are_none():
    with Fake() as fake, Terminal("top", str(fake.port), env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for_text("ROUTE")
        terminal.press("q")
        same(terminal.exit(), 0)
        same(re.findall(r"\x1b\[[1-9][0-9;]*m", terminal.all), [])


def stalls_are_told_as_the_log_tells_them():
    with Fake() as fake:
        done = command("stalls", f"http://127.0.0.1:{fake.port}/")
        same((done.returncode, done.stderr), (0, ""))
        assert re.search(r'^\d\d:\d\d:\d\d\.\d\d\dZ warn  loop 0 held 41\.3 ms by task "GET /report" \(computing\)\n'
                         r" {13}in {2}csv_sort +report\.c:118\n {17}report_handler +report\.c:61\n", done.stdout, re.M), done.stdout
        assert 'hint: weir_offload(weir_pool_compute(), "csv_sort", …)' in done.stdout
        assert re.search(r"seen: 3 times since \d\d:", done.stdout), done.stdout
        assert "\x1b" not in done.stdout
        same(len(json.loads(command("stalls", "--json", str(fake.port)).stdout)), 3)
    with Fake("--quiet") as fake:
        same(command("stalls", str(fake.port)).stdout, "no stalls since the gateway was started\n")
        same(command("stalls", "--json", str(fake.port)).stdout.strip(), "[]")


def what_is_wrong_is_told_with_what_helps():
    with Fake("--without", "/stats,/stalls") as fake:
        for name in ("top", "stalls"):
            done = command(name, str(fake.port))
            same((done.returncode, done.stdout), (1, ""))
            assert "has no page" in done.stderr, done.stderr
        port = fake.port
    for name in ("top", "stalls"):
        done = command(name, str(port))
        same((done.returncode, done.stdout), (1, ""))
        assert f"nothing answers at 127.0.0.1:{port}" in done.stderr and "admin:" in done.stderr, done.stderr
        for arguments in (["--twice"], ["1", "2"], ["not an address"]):
            done = command(name, *arguments)
            same((done.returncode, done.stdout), (2, ""), arguments)
            assert f"weir {name} --help" in done.stderr, done.stderr
        done = command(name, "--help")
        same((done.returncode, done.stderr), (0, ""))
        assert done.stdout.startswith(f"usage: weir {name}") and "examples:" in done.stdout


def the_real_gateway_is_shown():
    config = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nloops: 1\nroutes:\n  - {path: /hello, respond: {body: ok}}\n  - {path: /burn, burn: {cpu: 60ms}, on: loop}\n"
    with Weir("serve", config=config, preexec=urgent) as weir:
        admin = "%s:%d" % weir.address("admin")
        for _ in range(5):
            same(ask(weir.address(), "/hello").status, 200)
        until("the requests", lambda: re.search(r"^/hello +[0-9.]*[1-9]", command("top", "--once", admin).stdout, re.M))
        if ask(weir.address("admin"), "/stalls").status == 200:
            until("the stall", lambda: ask(weir.address(), "/burn").status == 200 and re.search( # a loop may be starved instead
                r"loop 0 held \d+.* by task .*burn.*\(computing\)", command("stalls", admin).stdout))
            assert "/burn" in command("top", "--once", admin).stdout.split("STALLS")[1]


run(once_is_plain_text, json_is_what_stats_answers, it_updates_and_q_gives_the_terminal_back, signals_give_the_terminal_back, signals_end_it_though_its_reader_stands_still,
    stopped_it_gives_the_terminal_back_and_takes_it_again, it_fits_whatever_the_size_becomes, keys_sort_and_choose, a_small_terminal_shows_what_fails_and_what_is_busy,
    arrow_keys_scroll_the_section_that_tab_chooses,
    a_gateway_that_goes_away_is_waited_for, without_colours_there_are_none, stalls_are_told_as_the_log_tells_them,
    what_is_wrong_is_told_with_what_helps, the_real_gateway_is_shown)
