#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/front/websockets.md and events.md: a chat in Node and an event stream, with Node's clients, curl and a browser."""
import contextlib
import http.client
import subprocess

from front import Page, in_browser, node, node_runs, program, url
from front_pieces import TALKER
from rig import PATIENCE, Weir, ask, connect, descriptors, read_head, run, same, until

ADMIN = {"127.0.0.1:8081": "127.0.0.1:0"}

# ---- websockets.md ----

def chat(weir_port_of):
    return Page("websockets").configured(**ADMIN, **{"127.0.0.1:3000": f"127.0.0.1:{weir_port_of}"})


def a_chat_goes_through():
    with node(Page("websockets").files, packages=True) as server, Weir("serve", config=chat(server.port)) as weir:
        before = descriptors(weir)
        node_runs(TALKER, url(weir, "/chat", "ws"), 400)
        until("all tunnels are closed", lambda: descriptors(weir) <= before + 4)
        refused = ask(weir.address(), "/chat", headers=[("Connection", "upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "1")])
        same(refused.status, 400, "a version that there is not")


def a_browser_chats():
    with node(Page("websockets").files, packages=True) as server, Weir("serve", config=chat(server.port)) as weir:
        same(in_browser(url(weir, "/"), """() => new Promise((resolve, reject) => {
            const socket = new WebSocket(location.href.replace("http", "ws") + "chat"), heard = [];
            socket.onopen = () => { socket.send("one"); socket.send("two"); };
            socket.onmessage = ({ data }) => { heard.push(data); if (heard.length === 2) socket.close(1000, "bye"); };
            socket.onclose = ({ code, wasClean }) => resolve([...heard, code, wasClean].join(" "));
            socket.onerror = () => reject(new Error("it failed"));
        })"""), "one two 1000 true")


def upgraded(weir):
    connection = connect(weir.address())
    connection.sendall(b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert read_head(connection).startswith(b"HTTP/1.1 101 ")
    return connection


def chats_end_with_either_side():
    with node(Page("websockets").files, packages=True) as server:
        with Weir("serve", config=chat(server.port)) as weir:
            with upgraded(weir) as connection: # the server dies
                server.end()
                same(ended(connection), True)
            until("a dead server is seen", lambda: ask(weir.address(), "/").status == 502)
    with node(Page("websockets").files, packages=True) as server:
        with Weir("serve", config=chat(server.port).replace("drain: 10s", "drain: 500ms")) as weir, upgraded(weir) as connection:
            weir.process.terminate() # the gateway is told to end
            same(ended(connection), True)
            same(weir.exit(), 0)


def ended(connection):
    """Reads until the end; whatever it is."""
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


# ---- events.md ----

def events(port):
    return Page("events").configured(**ADMIN, **{"127.0.0.1:3000": f"127.0.0.1:{port}"})


def publish(weir, text):
    same(ask(weir.address(), "/publish", "POST", body=text).status, 204)


def listening(weir):
    return ask(weir.address(), "/").body.decode()


def events_come_at_once():
    """Each is read before the next is published, so nothing may wait for more."""
    with node(Page("events").files) as server, Weir("serve", config=events(server.port)) as weir:
        connection = http.client.HTTPConnection(*weir.address(), timeout=PATIENCE)
        connection.request("GET", "/events", headers={"Last-Event-ID": "41"})
        stream = connection.getresponse()
        same((stream.status, stream.headers["content-type"]), (200, "text/event-stream"))
        same(stream.readline() + stream.readline(), b": after 41\n\n")
        for number in range(1, 50):
            publish(weir, b"number %d" % number)
            same([stream.readline() for _ in range(3)], [b"id: %d\n" % number, b"data: number %d\n" % number, b"\n"])
        same("1 listening" in listening(weir), True)
        stream.close()
        connection.close()
        until("the server knows that the listener has left", lambda: "0 listening" in listening(weir))


def events_reach_curl_and_a_browser():
    with node(Page("events").files) as server, Weir("serve", config=events(server.port)) as weir:
        with subprocess.Popen([program("curl"), "-sN", "--max-time", str(PATIENCE), url(weir, "/events")], stdout=subprocess.PIPE) as curl:
            same(curl.stdout.readline(), b": after nothing\n")
            publish(weir, b"for curl")
            same([curl.stdout.readline() for _ in range(3)][1:], [b"id: 1\n", b"data: for curl\n"])
            curl.kill()
        same(in_browser(url(weir, "/"), """() => new Promise((resolve, reject) => {
            const source = new EventSource("/events"), heard = [];
            source.onopen = () => fetch("/publish", { method: "POST", body: "first" });
            source.onmessage = ({ data, lastEventId }) => {
              heard.push(lastEventId + " " + data);
              if (heard.length === 3) { source.close(); resolve(heard.join(", ")); }
              else fetch("/publish", { method: "POST", body: "next" });
            };
            source.onerror = () => reject(new Error("it failed"));
        })"""), "2 first, 3 next, 4 next")


def many_listen_and_leave():
    with node(Page("events").files) as server, Weir("serve", config=events(server.port)) as weir, contextlib.ExitStack() as stack:
        publish(weir, b"x")
        before = descriptors(weir)
        listeners = [stack.enter_context(connect(weir.address())) for _ in range(400)] # more than a backend has connections by default
        for listener in listeners:
            listener.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        for listener in listeners:
            assert read_head(listener).startswith(b"HTTP/1.1 200 ")
        until("all listen", lambda: "400 listening" in listening(weir))
        for listener in listeners:
            listener.close()
        until("the server knows that all have left", lambda: "0 listening" in listening(weir))
        until("no descriptor is left", lambda: descriptors(weir) <= before + 4)


run(a_chat_goes_through, a_browser_chats, chats_end_with_either_side, events_come_at_once, events_reach_curl_and_a_browser, many_listen_and_leave)
