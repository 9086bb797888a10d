# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own, and reads what it has drawn."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import rig
from rig import PATIENCE, WEIR

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A command on a terminal, and what it has drawn."""

    def __init__(self, *arguments, rows=40, columns=100, env=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.all = ""
        self.process = subprocess.Popen([WEIR, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        preexec_fn=self.take_terminal,
                                        env={**os.environ, "WEIR_GUARD": "abort", "LANG": "C.UTF-8", "LC_ALL": "", "TERM": "xterm", "NO_COLOR": "",
                                             **rig.chosen_interface(), **(env or {})})

    @staticmethod
    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        while select.select([self.master], [], [], seconds)[0]:
            self.all += os.read(self.master, 65536).decode("utf-8", "replace")
            seconds = 0

    def frame(self):
        """Returns the newest complete frame, as lines without styles."""
        whole = [piece for piece in self.all.split("\x1b[H")[1:] if "\x1b[J" in piece]
        if not whole:
            return []
        return STYLE.sub("", whole[-1].split("\x1b[J")[0]).replace("\x1b[K", "").split("\r\n")

    def wait_for(self, what, happened):
        end = time.monotonic() + PATIENCE
        while not happened(self.frame()):
            self.read()
            assert time.monotonic() < end, f"{what} is not seen in {self.frame()} ({self.all[-300:]!r})"

    def wait_for_text(self, text):
        self.wait_for(text, lambda lines: text in "\n".join(lines))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def is_as_before(self):
        """Reports whether the terminal was restored: the first screen, a visible cursor, its modes."""
        self.read()
        return self.all.count(ENTER) == self.all.count(LEAVE) == self.all.count("\x1b[?25h") and termios.tcgetattr(self.slave) == self.before

    def exit(self):
        code = self.process.wait(PATIENCE)
        self.read()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
