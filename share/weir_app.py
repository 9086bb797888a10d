# SPDX-License-Identifier: MIT
"""Tells weir, which runs this application, in which file and line its threads are.

    import weir_app

in the module of the application, such as app.py or wsgi.py. When a process keeps requests waiting, weir asks it where it is, and names
file and line in its log, in 'weir stalls' and on the dashboard. Without weir (WEIR_APP_SOCKET is not set) this does nothing, and in no case
does it make an application fail. It needs nothing but the standard library of Python 3.8 or newer, on Linux.

It registers faulthandler for one real-time signal that nothing else handles. The thread that gets the signal writes its stack into a file of
memory, in C: also while it holds the interpreter's lock, in a regular expression for example. Nothing is spent until weir asks.
"""
import _socket  # not the module socket, which gevent and eventlet replace
import contextlib
import faulthandler
import os
import signal
import sys

__all__ = []

_state = {}  # of this process: what has to stay open, and the signal


def _free_signal():
    """A real-time signal that has no handler and is not ignored; also none that C code has set."""
    taken = 0
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(("SigCgt:", "SigIgn:", "SigBlk:")):
                taken |= int(line.split()[1], 16)
    for number in range(signal.SIGRTMAX - 1, signal.SIGRTMIN, -1):
        if not taken >> (number - 1) & 1:
            return number
    return 0


def _hello(path):
    """Registers the signal, and says so."""
    number = _free_signal()
    if not number:
        return
    memory = os.memfd_create("weir-app-stack")
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    _state.update(memory=memory, connection=connection)
    connection.settimeout(0.5)
    connection.connect(path)
    faulthandler.register(number, file=memory, all_threads=True, chain=False)
    _state.update(signal=number)
    connection.sendmsg([b"weir-app 1 python %d\n" % number], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, memory.to_bytes(4, sys.byteorder))])


def _forget():
    """Undoes it, in a forked child for the parent's, too: its file and its connection are the parent's."""
    if "signal" in _state:
        faulthandler.unregister(_state.pop("signal"))
    if "connection" in _state:
        _state.pop("connection").close()
        os.close(_state.pop("memory"))


def _begin():
    """Says hello anew; whatever happens, the application is more important."""
    try:
        _forget()
        _hello(os.environ.get("WEIR_APP_SOCKET"))
    except Exception:
        with contextlib.suppress(Exception):
            _forget()


if not _state and os.environ.get("WEIR_APP_SOCKET"):
    _begin()
    os.register_at_fork(after_in_child=_begin)
