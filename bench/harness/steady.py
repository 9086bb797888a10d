#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sends GET at a steady rate on kept connections, each used in turn, and counts what is lost: a request that was sent, or a
connection that was refused or broken, without a whole answer. Nothing is sent twice. A connection that the server has closed
while it was idle, or after an answer with 'Connection: close', is opened anew: nothing is lost by that.

steady.py PORT PATH RATE SECONDS CONNECTIONS; prints SENT LOST and the errors.
"""
import asyncio
import collections
import sys
import time


class Load:
    def __init__(self, port, path, rate, seconds, connections):
        self.port, self.rate, self.seconds = port, rate, seconds
        self.request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        self.idle = collections.deque([None] * connections) # oldest first; None: to be opened
        self.sent, self.errors = 0, collections.Counter()
        self.tasks = set()

    async def run(self):
        began = time.monotonic()
        while self.sent < self.rate * self.seconds:
            due = int((time.monotonic() - began) * self.rate)
            while self.sent < min(due, self.rate * self.seconds) and self.idle:
                self.sent += 1
                task = asyncio.create_task(self.ask(self.idle.popleft()))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(0.001)
        await asyncio.gather(*self.tasks)

    async def ask(self, connection):
        try:
            connection = await asyncio.wait_for(self.ask_on(connection), 30)
        except Exception as problem: # whatever it was, the request has no answer
            self.errors[type(problem).__name__] += 1
            connection = None
        self.idle.append(connection)

    async def ask_on(self, connection):
        """Returns the connection, None if it is not to be used again."""
        if connection is None or connection[0].at_eof():
            if connection is not None:
                connection[1].close()
            connection = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = connection
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise ValueError(head)
        if b"connection: close" in head:
            writer.close()
            return None
        return connection


load = Load(int(sys.argv[1]), sys.argv[2], *(int(word) for word in sys.argv[3:6]))
asyncio.run(load.run())
print(load.sent, sum(load.errors.values()), dict(load.errors))
