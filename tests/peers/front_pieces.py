# SPDX-License-Identifier: MIT
"""Programs of Node that several tests run: a server with answers of many kinds, and clients of the chat of docs/front/websockets.md."""

HASHER = """
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";

const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://x").pathname;
  if (path === "/hash") {
    const hash = createHash("sha256");
    await pipeline(request, hash);
    response.end(hash.digest("hex"));
  } else if (path === "/early") { // answered before the body has come
    response.writeHead(413, { connection: "close" }).end("too much");
  } else if (path === "/trailer") {
    response.writeHead(200, { trailer: "X-Sum" });
    response.write("body");
    response.addTrailers({ "X-Sum": "4" });
    response.end();
  } else if (path === "/hinted") {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.end("hinted");
  } else if (path === "/chunks") {
    for (let i = 0; i < 1000; i++) response.write(`line ${i}\\n`);
    response.end();
  } else if (path === "/none") {
    response.writeHead(204).end();
  } else {
    response.statusCode = path === "/hello" ? 200 : 404;
    response.end("hello");
  }
});
server.keepAliveTimeout = 75_000;
server.requestTimeout = 0;
server.listen(Number(process.env.PORT), "127.0.0.1");
"""

TALKER = """
import { WebSocket } from "ws";
import assert from "node:assert/strict";
import { once } from "node:events";
const url = process.argv[2], crowd_size = Number(process.argv[3]);
const open = async (...args) => { const socket = new WebSocket(url, ...args); await once(socket, "open"); return socket; };
const heard = async (socket) => (await once(socket, "message"))[0];

const [ann, bob] = [await open(), await open()];
assert.match(ann.extensions, /permessage-deflate/);
for (const text of ["hello", "", "ü".repeat(70000)]) { // both hear what one says
  const both = Promise.all([heard(ann), heard(bob)]);
  ann.send(text);
  for (const data of await both) assert.equal(data.toString(), text);
}
const large = Buffer.alloc(8 << 20, 7);
large[5] = 1;
const whole = heard(bob);
ann.send(large);
assert.ok((await whole).equals(large));
const many = new Promise((resolve) => { let count = 0; bob.on("message", () => ++count === 1000 && resolve()); });
for (let i = 0; i < 1000; i++) ann.send(String(i));
await many;
const answered = once(ann, "pong"); // answered by the server
ann.ping("x");
assert.equal((await answered)[0].toString(), "x");
const closed = once(bob, "close"); // the server says the same code
bob.close(4001, "enough");
const [code, reason] = await closed;
assert.deepEqual([code, reason.toString()], [4001, "enough"]);
const crowd = await Promise.all(Array.from({ length: crowd_size }, () => open())); // more than an origin has connections
const last = Promise.all(crowd.map(heard));
crowd[0].send("all");
await last;
for (const socket of crowd) socket.terminate();
ann.terminate();
"""
