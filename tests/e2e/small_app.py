# SPDX-License-Identifier: MIT
"""An application for tests, that starts in moments: serves HTTP/1.1 at a Unix socket, a thread for each connection.

    python3 -S -E small_app.py SOCKET [MODE…]

dead: ends at once · daemon: leaves a child, and ends · never: never listens · stubborn: ignores SIGTERM · a file that exists: as if its words were modes."""
import os
import signal
import socket
import sys
import threading
import time

hoard = [] # memory that is kept
busy = [0, 0] # requests in progress, and the most there have been


def leave_children():
    """Starts a process in a session of its own, which has started another, and which nobody waits for."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
        os._exit(0)


def answer(path):
    words = path.split("/")[1:]
    if words[0] == "die":
        print("dies as it was told", file=sys.stderr, flush=True)
        os._exit(int(words[1]))
    elif words[0] == "sleep":
        time.sleep(float(words[1]))
    elif words[0] == "until": # a file exists
        while not os.path.exists("/" + "/".join(words[1:])):
            time.sleep(0.01)
    elif words[0] == "most":
        return str(busy[1])
    elif words[0] == "grow":
        hoard.append(b"x" * (int(words[1]) << 20))
    elif words[0] == "fork":
        leave_children()
    elif words[0] == "child": # one of its own session
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
    elif words[0] == "flood":
        line = "y" * 100 + "\n"
        for _ in range(int(words[1])):
            sys.stdout.write(line)
        sys.stdout.flush()
    elif words[0] == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif words[0] == "env":
        return os.environ.get(words[1], "")
    elif words[0] == "where":
        return f"{os.getcwd()} {os.getuid()} {os.getgid()} {sorted(os.listdir('/proc/self/fd'))}"
    return str(os.getpid())


def serve(connection):
    with connection, connection.makefile("rb") as file:
        while line := file.readline():
            length = 0
            while (field := file.readline()) not in (b"\r\n", b""):
                if field.lower().startswith(b"content-length:"):
                    length = int(field.split(b":")[1])
            file.read(length)
            busy[0] += 1
            busy[1] = max(busy)
            body = answer(line.split()[1].decode()).encode()
            busy[0] -= 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def finish(*_):
    print("finishes", flush=True)
    os._exit(0)


def modes():
    for mode in sys.argv[2:]:
        if os.path.exists(mode):
            with open(mode, encoding="ascii") as file:
                yield from file.read().split()
        else:
            yield mode


def main():
    chosen = list(modes())
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in chosen else finish)
    if "dead" in chosen:
        print("No module named shop", file=sys.stderr)
        sys.exit(1)
    if "daemon" in chosen and os.fork() > 0:
        os._exit(0)
    while "never" in chosen:
        time.sleep(1000)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(128)
    if "daemon" not in chosen: # it may live to say so, or not
        print("begins", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
