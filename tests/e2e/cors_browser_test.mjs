#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// cors: in Chromium: what pages of an origin that is listed may send and read, also of refusals, and pages of another may not.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, launch } from "./browser/browser.mjs";
import { child, end, endAll } from "./browser/processes.mjs";

const directory = mkdtempSync(join(tmpdir(), "weir-"));
let browser;

// ---- servers ----

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));

// Has pages: each port is an origin.
const site = () => listening(createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><link rel=icon href=data:,><title>page</title>");
}));

// What the gateway is in front of: tells what has come, and agrees to WebSockets.
const seen = [];
const backend = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  request.resume().on("end", () => response.writeHead(200, { "Content-Type": "application/json", "X-Shown": "shown", "X-Hidden": "hidden", "Set-Cookie": "token=1" })
    .end(JSON.stringify({ method: request.method, cookie: request.headers.cookie ?? null, own: request.headers["x-own"] ?? null })));
}).on("upgrade", (request, socket) => {
  seen.push(`upgrade ${request.url}`);
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.on("error", () => {}).end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n\x88\x00`);
});

function gateway(origin, to) {
  const file = join(directory, "gateway.yaml");
  const cors = { origins: [origin], headers: ["content-type", "x-own"], expose: ["x-shown", "retry-after"] };
  const proxy = { to };
  writeFileSync(join(directory, "tokens"), "right\n");
  writeFileSync(file, JSON.stringify({ listen: "127.0.0.1:0", loops: 1, routes: [
    { path: "/open", proxy, cors },
    { path: "/mine", proxy, cors: { ...cors, credentials: true } },
    { path: "/reads", methods: ["GET", "OPTIONS"], proxy, cors },
    { path: "/rate", proxy, cors, rate: { requests: 1, per: "1h" } },
    { path: "/auth", proxy, cors: { ...cors, headers: ["authorization"] }, auth: { bearer: "tokens" } },
    { path: "/small", methods: ["POST"], proxy, cors, limits: { body: 10 } },
    { path: "/down", proxy: { to: "http://127.0.0.1:1" }, cors },
    { path: "/without", proxy },
  ] }));
  return child(process.env.WEIR ?? join(build, "weir"), ["serve", file], (said) => {
    const at = /listening addr=(\S+) for=gateway/.exec(said);
    return at && { url: `http://${at[1]}` };
  });
}

// ---- in a page ----

// What fetch() gives the page: status, what it can read; or nothing but that it failed.
const asked = (page, url, options = {}) => page.evaluate(async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    const header = (name) => answer.headers.get(name);
    return { status: answer.status, body: text ? JSON.parse(text) : null, shown: header("x-shown"), hidden: header("x-hidden"), retry: header("retry-after"), limit: header("ratelimit-limit") };
  } catch (problem) {
    return problem.name;
  }
}, [url, options]);

const opened = (page, url) => page.evaluate((url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("error");
}), url);

const json = (more = {}) => ({ method: "PUT", headers: { "Content-Type": "application/json", "X-Own": "1", ...more }, body: "{}" });

// ---- the cases: a gateway, a page of the listed origin, and one of another ----

const cases = {
  async "a page sends what needs a preflight, and reads what it may"(url, page) {
    assert.deepEqual(await asked(page, `${url}/open`, json()),
      { status: 200, body: { method: "PUT", cookie: null, own: "1" }, shown: "shown", hidden: null, retry: null, limit: null });
    assert.equal(await asked(page, `${url}/open`, json({ "X-Other": "1" })), "TypeError"); // a header that is not listed
    assert.equal((await asked(page, `${url}/open`)).status, 200);
    assert.equal(await asked(page, `${url}/without`), "TypeError");
    assert.equal(await asked(page, `${url}/without`, json()), "TypeError");
    assert.deepEqual(seen, ["PUT /open", "GET /open", "GET /without", "OPTIONS /without"]); // without cors, OPTIONS is a request like any other
  },

  async "cookies go along where the route says so"(url, page) {
    assert.equal((await asked(page, `${url}/mine`, { credentials: "include" })).body.cookie, null);
    assert.equal((await asked(page, `${url}/mine`, { ...json(), credentials: "include" })).body.cookie, "token=1");
    assert.equal((await asked(page, `${url}/mine`, json())).body.cookie, null);
    assert.equal(await asked(page, `${url}/open`, { credentials: "include" }), "TypeError");
    assert.equal(await asked(page, `${url}/open`, { ...json(), credentials: "include" }), "TypeError");
  },

  async "a page reads refusals"(url, page) {
    assert.equal((await asked(page, `${url}/rate`, json())).status, 200); // its preflight is not counted
    const limited = await asked(page, `${url}/rate`, json());
    assert.deepEqual([limited.status, limited.body.error.code, limited.limit], [429, "rate_limited", null]);
    assert.ok(Number(limited.retry) > 3000, limited.retry);
    for (const [path, options, status, code] of [["auth", { headers: { Authorization: "Bearer wrong" } }, 401, "unauthorized"], ["auth", {}, 401, "unauthorized"],
      ["small", { method: "POST", body: "x".repeat(11) }, 413, "too_large"], ["small", {}, 405, "method_not_allowed"], ["down", json(), 502, undefined]]) {
      const answer = await asked(page, `${url}/${path}`, options);
      assert.equal(answer.status, status, `${path} ${JSON.stringify(answer)}`);
      if (code) assert.equal(answer.body.error.code, code);
    }
    assert.equal((await asked(page, `${url}/auth`, { headers: { Authorization: "Bearer right" } })).status, 200);
    assert.deepEqual(seen, ["PUT /rate", "GET /auth"]);
  },

  async "a page of another origin reads nothing, and sends nothing that needs a preflight"(url, page, other) {
    for (const path of ["open", "mine", "auth", "rate", "down"]) {
      assert.equal(await asked(other, `${url}/${path}`), "TypeError", path);
      assert.equal(await asked(other, `${url}/${path}`, json()), "TypeError", path);
    }
    assert.deepEqual(seen, ["GET /open", "GET /mine", "GET /rate"]);
  },

  async "a method that the route does not take is not sent"(url, page) {
    assert.equal((await asked(page, `${url}/reads`)).status, 200);
    assert.equal(await asked(page, `${url}/reads`, json()), "TypeError");
    assert.equal(await asked(page, `${url}/small`, json()), "TypeError");
    assert.deepEqual(seen, ["GET /reads"]);
  },

  async "only pages that may open a WebSocket"(url, page, other) {
    const socket = url.replace("http", "ws");
    assert.equal(await opened(other, `${socket}/open`), "error");
    assert.equal(await opened(page, `${socket}/open`), "open");
    assert.deepEqual(seen, ["upgrade /open"]);
  },
};

// ---- as TAP ----

const { browser: found, end: close, missing } = await launch();
if (missing) {
  console.log(`1..1\nok 1 - cors in a browser # SKIP ${missing}`);
  process.exit(0);
}
browser = found;
const [origin, another, to] = [await site(), await site(), await listening(backend)];
const names = Object.keys(cases).filter((name) => name.includes(process.argv[2] ?? ""));
let failed = 0;
console.log(`1..${names.length}`);
for (const [number, name] of names.entries()) {
  const weir = await gateway(origin, to);
  const context = await browser.newContext();
  const pages = [];
  for (const at of [origin, another]) {
    pages.push(await context.newPage());
    await pages.at(-1).goto(at);
  }
  seen.length = 0;
  const problem = await cases[name](weir.url, ...pages).then(() => null, (thrown) => thrown);
  await context.close();
  await end(weir);
  failed += problem ? 1 : 0;
  console.log(`${problem ? "not ok" : "ok"} ${number + 1} - ${name}`);
  if (problem) console.log(String(problem.stack ?? problem).replace(/^/gm, "# "));
}
await close();
endAll();
rmSync(directory, { recursive: true });
process.exit(failed ? 1 : 0);
